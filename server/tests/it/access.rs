//! Asking for a library and opening it: rows 27, 29, 30, 31 and 43.

use crate::support::{Brought, Door, Options, Store, by_hand, location, on_both_databases, setting};
use chrono::{TimeDelta, Utc};
use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use futures::StreamExt as _;
use futures::future::join_all;
use reqwest::header::SET_COOKIE;
use reqwest::{Client, Method, Response, StatusCode};
use shop::access::Proof;
use shop::db::DatabaseUrl;
use shop::types::AccessCode;
use shop::{BrowserSecret, Clock, Keys};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{LazyLock, Mutex};
use std::time::{Duration, Instant};

/// Statements by the address of the database that they went to.
static STATEMENTS: LazyLock<Mutex<BTreeMap<String, usize>>> = LazyLock::new(Mutex::default);

/// Counts the statements of one connection.
#[derive(Default)]
struct Counter(String);

impl Instrumentation for Counter {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match event {
            InstrumentationEvent::StartEstablishConnection { url, .. } => url.clone_into(&mut self.0),
            InstrumentationEvent::StartQuery { .. } => {
                *STATEMENTS.lock().unwrap().entry(self.0.clone()).or_default() += 1;
            }
            _ => {}
        }
    }
}

fn statements(store: &Store) -> usize {
    let url = match store.database_url() {
        DatabaseUrl::Sqlite(path) => path.to_string_lossy().into_owned(),
        DatabaseUrl::Postgres(url) => url.clone(),
    };
    STATEMENTS.lock().unwrap().get(&url).copied().unwrap_or_default()
}

/// An answer without what is another one for every browser.
async fn shown(answer: Response) -> (StatusCode, Vec<(String, String)>, String) {
    let status = answer.status();
    let headers = answer.headers().iter().filter(|(name, _)| *name != "date").map(|(name, value)| {
        let value = value.to_str().unwrap();
        let value = if name == SET_COOKIE { value.split_once('=').unwrap().0 } else { value };
        (name.to_string(), value.to_owned())
    });
    (status, headers.collect(), answer.text().await.unwrap())
}

on_both_databases!(row_27_nobody_learns_which_addresses_have_bought, by_hand(), async |store| {
    store.bought(&["the-first-book"], crate::support::GOOD_CARD).await;
    store.send_all().await;
    set_default_instrumentation(|| Some(Box::new(Counter::default()))).unwrap();
    // Connections of its own, which are counted.
    let door = store.door(Door::default()).await;
    let ask = async |email: &str| {
        let browser = store.browser().at(&door.url);
        let before = statements(store);
        let answer = browser.request_access(email).await;
        let done = statements(store) - before;
        let answer = shown(answer).await;
        // Without the one-time numbers of its inline scripts.
        let page = browser.text("/library/sent").await;
        let page: Vec<String> = page
            .split("nonce=\"")
            .enumerate()
            .map(|(n, part)| if n == 0 { part } else { part.split_once('"').unwrap().1 }.to_owned())
            .collect();
        (answer, page.concat(), done)
    };
    // The first request of a connection does more.
    let _ = (ask("nobody@example.org").await, ask("nobody@example.org").await);
    let tables = store.fingerprint().await;
    let known = ask("ann@example.org").await;
    let unknown = ask("bob@example.org").await;
    assert_eq!(known, unknown);
    assert_eq!(known.0.0, StatusCode::SEE_OTHER);
    assert!(known.1.contains("If there are purchases under this address, we have sent a link and a code."));
    assert!((1..=6).contains(&known.2), "{} statements", known.2);
    // One row each, and the rows differ in nothing but whose they are.
    let changed: Vec<String> = store
        .fingerprint()
        .await
        .into_iter()
        .filter(|(name, rows)| tables[name] != *rows)
        .map(|(name, _)| name)
        .collect();
    assert_eq!(changed, ["access_request"]);
    let same = "state || tries || COALESCE(link_hash, '-') || COALESCE(code_hash, '-') || LENGTH(browser_hash)";
    let rows = store.texts(&format!("SELECT {same} AS value FROM access_request")).await;
    assert_eq!(rows, ["new0--64"; 4]);
    // What comes of them comes later, and nobody waits for it.
    assert_eq!(store.shop.work_on_requests().await.unwrap(), 4);
    assert_eq!(store.shop.work_on_requests().await.unwrap(), 0);
    store.send_all().await;
    assert_eq!(store.brought().len(), 1);
    assert_eq!(
        store.count("access_request WHERE state = 'silent' AND link_hash IS NULL AND code_hash IS NULL").await,
        3
    );
    // Nor does a guess tell.
    for email in ["ann@example.org", "bob@example.org"] {
        let browser = store.browser();
        browser.request_access(email).await;
        store.shop.work_on_requests().await.unwrap();
        let refused = shown(browser.open_library("", "22222222").await).await;
        assert_eq!(refused.0, StatusCode::FORBIDDEN);
    }
    assert_eq!(store.count("access_request WHERE tries = 1").await, 2);
    store.send_all().await;
});

/// Time stands still until a test moves it.
fn standing() -> Options {
    Options { webhooks: false, clock: Clock::manual(Utc::now().naive_utc()), ..Options::default() }
}

on_both_databases!(row_27_both_answers_take_the_same_time, standing(), async |store| {
    let rounds = setting("OCTAVO_TEST_TIMINGS", 10);
    store.buy(&store.browser(), &["the-first-book"], "ann@example.org").await;
    store.settle().await;
    let mut times: [Vec<Duration>; 2] = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        for turn in 0..2 {
            // Each goes first as often as second.
            let which = (round + turn) % 2;
            let email = ["ann@example.org", "bob@example.org"][which];
            let browser = store.browser();
            browser.text("/library").await;
            let start = Instant::now();
            let answer = browser.request_access(email).await;
            times[which].push(start.elapsed());
            assert_eq!(location(&answer), "/library/sent");
            store.settle().await;
        }
        // Within every limit.
        store.shop.clock().advance(TimeDelta::minutes(61));
    }
    assert_eq!(
        (store.brought().len(), store.count("access_request").await),
        (rounds, 2 * i64::try_from(rounds).unwrap())
    );
    let [known, unknown] = times.map(|mut times| {
        times.sort_unstable();
        times[times.len() / 2]
    });
    println!("soak: row 27 {:?}: {rounds} each, medians {known:?} known, {unknown:?} unknown", store.backend);
    // So few say nothing about time.
    assert!(rounds < 100 || known.abs_diff(unknown) < Duration::from_millis(2), "{known:?} and {unknown:?}");
});

on_both_databases!(row_29_looking_at_the_link_consumes_nothing, async |store| {
    let buyer = store.browser();
    store.buy(&store.browser(), &["the-first-book"], "ann@example.org").await;
    let Brought { secret, code } = store.ask(&buyer, "ann@example.org").await;
    let before = store.fingerprint().await;
    let scanner = store.browser();
    for round in 0..20 {
        let method = if round < 10 { Method::GET } else { Method::HEAD };
        for path in
            ["/library/open", "/library", "/library/sent", &format!("/library/open?secret={secret}&code={code}")]
        {
            let answer = scanner.request(method.clone(), path).send().await.unwrap();
            assert_eq!(answer.status(), StatusCode::OK);
        }
        let action = format!("/actions/open-library?secret={secret}&code={code}");
        let answer = scanner.request(method, &action).send().await.unwrap();
        assert!([StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&answer.status()));
    }
    assert_eq!(store.fingerprint().await, before);
    assert!(!scanner.has_library().await && !buyer.has_library().await);
    // The human, in the browser that asked: the link alone.
    assert!(buyer.text("/library/open").await.contains("data-asked"));
    assert_eq!(location(&buyer.open_library(&secret, "").await), "/library");
    assert!(buyer.has_library().await);
    for browser in [&buyer, &scanner, &store.browser()] {
        for (secret, code) in [(secret.as_str(), ""), (&secret, &code), ("", &code)] {
            assert_eq!(browser.open_library(secret, code).await.status(), StatusCode::FORBIDDEN);
        }
    }
    assert_eq!(store.count("buyer_session").await, 1);
});

on_both_databases!(another_browser_needs_the_code_as_well, async |store| {
    let (asking, other) = (store.browser(), store.browser());
    store.buy(&store.browser(), &["the-first-book"], "ann@example.org").await;
    let Brought { secret, code } = store.ask(&asking, "ann@example.org").await;
    assert!(!other.text("/library/open").await.contains("data-asked"));
    let wrong = if code.starts_with('A') { "BBBBBBBB" } else { "AAAAAAAA" };
    for (secret, code) in
        [(secret.as_str(), ""), ("", code.as_str()), ("ll_wrong", &code), (&secret, wrong), (&secret, "x")]
    {
        assert_eq!(other.open_library(secret, code).await.status(), StatusCode::FORBIDDEN, "{secret} {code}");
    }
    assert_eq!(store.count("access_request WHERE tries = 1 AND consumed_at IS NULL").await, 1);
    // As people type it.
    let typed = code.to_lowercase().replace('-', " ");
    assert_eq!(location(&other.open_library(&secret, &typed).await), "/library");
    assert!(other.has_library().await && !asking.has_library().await);
    assert_eq!(asking.open_library("", &code).await.status(), StatusCode::FORBIDDEN);
});

on_both_databases!(a_code_is_good_beside_a_link_that_is_not, async |store| {
    let (asking, other) = (store.browser(), store.browser());
    store.buy(&store.browser(), &["the-first-book"], "ann@example.org").await;
    let Brought { secret, .. } = store.ask(&asking, "ann@example.org").await;
    assert_eq!(location(&asking.open_library(&secret, "").await), "/library");
    // A tab may know the link of the first mail still when the code of the second is typed.
    let Brought { code, .. } = store.ask(&asking, "ann@example.org").await;
    assert_eq!(other.open_library(&secret, &code).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(location(&asking.open_library(&secret, &code).await), "/library");
});

on_both_databases!(an_address_that_looks_like_anothers_is_none, async |store| {
    store.buy(&store.browser(), &["the-first-book"], "jack@example.org").await;
    store.settle().await;
    // With the Kelvin sign, which lower case makes a k.
    let asked = store.browser().request_access("jac\u{212A}@example.org").await;
    assert_eq!(location(&asked), "/library?error=invalid-email");
    // An order that was once written so is not asked where its library is mailed to.
    store.execute("UPDATE orders SET email = 'jac\u{212A}@example.org'").await;
    store.buy(&store.browser(), &["the-second-book"], "Jack@example.org").await;
    store.settle().await;
    store.ask(&store.browser(), "jack@example.org").await;
    assert_eq!(store.mails().pop().unwrap().header("To"), "Jack@example.org");
});

on_both_databases!(of_two_browsers_that_race_for_one_code_one_wins, async |store| {
    store.buy(&store.browser(), &["the-first-book"], "ann@example.org").await;
    for round in 1..=3 {
        let (asking, other) = (store.browser(), store.browser());
        let Brought { secret, code } = store.ask(&asking, "ann@example.org").await;
        let answers = join_all([
            asking.open_library("", &code),
            other.open_library(&secret, &code),
            asking.open_library(&secret, ""),
            other.open_library(&secret, &code),
        ]);
        let statuses: Vec<StatusCode> = answers.await.iter().map(Response::status).collect();
        let count = |wanted| statuses.iter().filter(|status| **status == wanted).count();
        assert_eq!((count(StatusCode::SEE_OTHER), count(StatusCode::FORBIDDEN)), (1, 3), "{statuses:?}");
        assert_eq!(store.count("buyer_session").await, round);
    }
});

on_both_databases!(row_30_of_ten_thousand_guesses_five_are_looked_at, async |store| {
    store.buy(&store.browser(), &["the-first-book"], "ann@example.org").await;
    store.settle().await;
    // Somebody asks for her library, and knows all but the code.
    let thief = BrowserSecret::generate();
    let ip = |n: usize| IpAddr::V4(Ipv4Addr::new(198, 51, 100, u8::try_from(n % 50).unwrap()));
    store.shop.request_access(&"ann@example.org".parse().unwrap(), &thief, ip(0)).await.unwrap();
    store.settle().await;
    let Brought { secret, code } = store.brought().remove(0);
    let right: AccessCode = code.parse().unwrap();
    let other = BrowserSecret::generate();
    let keys =
        [Keys { browser: Some(thief), buyer: None }, Keys { browser: Some(other), buyer: None }, Keys::default()];
    let guess = |n: usize| {
        let code =
            std::iter::repeat_with(|| AccessCode::from_bits(rand::random())).find(|code| *code != right).unwrap();
        let proof = if n.is_multiple_of(2) {
            Proof::Code(code)
        } else {
            Proof::Link { secret: secret.clone(), code: Some(code) }
        };
        let keys = &keys[if n.is_multiple_of(2) { 0 } else { 1 + n % 4 / 2 }];
        async move { usize::from(store.shop.open_library(proof, keys, ip(n)).await.is_ok()) }
    };
    let opened: Vec<usize> = futures::stream::iter((0..10_000).map(guess)).buffer_unordered(8).collect().await;
    assert_eq!((opened.len(), opened.iter().sum::<usize>()), (10_000, 0));
    assert_eq!(store.texts("SELECT CAST(SUM(tries) AS TEXT) AS value FROM access_request").await, ["5"]);
    // Then not even the right one opens anything, and the link is dead as well.
    let fresh = IpAddr::V4(Ipv4Addr::LOCALHOST);
    for proof in [Proof::Code(right.clone()), Proof::Link { secret, code: None }] {
        assert!(store.shop.open_library(proof, &keys[0], fresh).await.is_err());
    }
    assert_eq!(store.count("buyer_session").await, 0);
    // Her own next request is none of the thief's business.
    store.library(&store.browser(), "ann@example.org").await;
});

/// Asks with another claim of where the request comes from each time.
async fn ask_from(client: &Client, url: &str, email: &str, forwarded: &str) -> (StatusCode, String, usize) {
    let request =
        client.post(format!("{url}/actions/request-access")).header("origin", url).header("accept", "text/html");
    let answer = request.header("x-forwarded-for", forwarded).form(&[("email", email)]).send().await.unwrap();
    (answer.status(), location(&answer), answer.headers().get_all(SET_COOKIE).iter().count())
}

on_both_databases!(row_31_a_thousand_requests_are_three_mails, async |store| {
    store.buy(&store.browser(), &["the-first-book"], "ann@example.org").await;
    store.settle().await;
    // From as many networks, through two processes.
    let door = async || {
        let trusted_proxies = vec!["127.0.0.0/8".parse().unwrap()];
        store.door(Door { trusted_proxies, ..Door::default() }).await
    };
    let doors = [door().await, door().await];
    let ask = |n: usize| {
        let forwarded = format!("203.0.{}.{}", n / 250, n % 250);
        let url = &doors[n % 2].url;
        async move { ask_from(&store.http, url, "ann@example.org", &forwarded).await }
    };
    let answers: BTreeSet<_> = futures::stream::iter((0..1_000).map(ask)).buffer_unordered(16).collect().await;
    assert_eq!(answers, BTreeSet::from([(StatusCode::SEE_OTHER, "/library/sent".to_owned(), 1)]));
    store.settle().await;
    assert_eq!(store.brought().len(), 3);
    assert_eq!(store.count("access_request").await, 6);
    // One network asks for everybody: ten times.
    let answers = (0..30).map(|n| async move {
        ask_from(&store.http, &store.url, &format!("reader{n}@example.org"), "198.51.100.1").await
    });
    assert_eq!(join_all(answers).await.into_iter().collect::<BTreeSet<_>>().len(), 1);
    assert_eq!(store.count("access_request WHERE email_norm LIKE 'reader%'").await, 10);
    store.settle().await;
});

on_both_databases!(row_43_rotated_headers_are_one_visitor, async |store| {
    let behind = store.door(Door { trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()], ..Door::default() }).await;
    for (url, real) in [(&store.url, ""), (&behind.url, ", 192.0.2.7")] {
        let ask = |n: usize| async move {
            // Whoever is no proxy of ours may claim what he likes, and so may who stands in front of one.
            let forwarded = format!("203.0.{}.{}{real}", n / 250, n % 250);
            ask_from(&store.http, url, &format!("reader{n}@example.org"), &forwarded).await
        };
        let before = store.count("access_request").await;
        let answers: BTreeSet<_> = futures::stream::iter((0..1_000).map(ask)).buffer_unordered(16).collect().await;
        assert_eq!(answers.len(), 1);
        assert_eq!(store.count("access_request").await - before, 10);
    }
    store.settle().await;
});

on_both_databases!(a_mail_that_comes_too_late_is_not_sent, Options { workers: false, ..standing() }, async |store| {
    store.buy(&store.browser(), &["the-first-book"], "ann@example.org").await;
    store.browser().request_access("ann@example.org").await;
    assert_eq!(store.shop.work_on_requests().await.unwrap(), 1);
    // The relay was away for ten minutes.
    store.shop.clock().advance(TimeDelta::minutes(10));
    store.send_all().await;
    assert_eq!(store.brought(), []);
    assert_eq!(store.count("outbox WHERE kind = 'access_link' AND state = 'dead'").await, 1);
    // And a request that nobody looked at in time is answered by nothing.
    store.browser().request_access("ann@example.org").await;
    store.shop.clock().advance(TimeDelta::minutes(10));
    assert_eq!(store.shop.work_on_requests().await.unwrap(), 1);
    assert_eq!(store.count("access_request WHERE state = 'silent'").await, 1);
});
