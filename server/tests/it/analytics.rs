//! The store in figures: what each event adds to the tallies, and that they are what the rows say. That they are, every
//! other test shows as well: its invariants are checked when it ends.

use crate::refunds::{amount, full, items};
use crate::support::{Browser, GOOD_CARD, Options, Store, by_hand, on_both_databases};
use chrono::{NaiveDate, TimeDelta, Utc};
use futures::FutureExt as _;
use reqwest::{Method, StatusCode};
use shop::Clock;
use shop::analytics::{CurrencySummary, Listener, Question, Range, Sheet};
use shop::seed::large::Plan;
use shop::types::Role;

const BOOKS: [&str; 2] = ["the-first-book", "the-second-book"];

/// The store's own currency in the last seven days.
async fn figures(store: &Store) -> CurrencySummary {
    let today = store.shop.today().await.unwrap();
    store.shop.summary(Range::last(7, today)).await.unwrap().currencies[0]
}

fn noon(day: &str) -> Clock {
    Clock::manual(day.parse::<NaiveDate>().unwrap().and_hms_opt(12, 0, 0).unwrap())
}

/// Nothing happens by itself, on a day in a zone whose days begin at a quarter to six in the evening.
fn in_kathmandu() -> Options {
    Options { time_zone: "Asia/Kathmandu".parse().unwrap(), ..by_hand() }
}

on_both_databases!(what_is_paid_and_what_goes_back_is_counted_once, in_kathmandu(), async |store| {
    assert_eq!(figures(store).await.now.orders, 0);
    let first = store.bought(&BOOKS, GOOD_CARD).await;
    let second = store.bought(&BOOKS[..1], GOOD_CARD).await;
    for _ in 0..2 {
        store.shop.reconcile(&first.session).await.unwrap();
    }
    let now = figures(store).await.now;
    assert_eq!((now.checkouts, now.orders, now.free, now.units), (2, 2, 0, 3));
    assert_eq!((now.gross, now.net()), (2_097, 2_097), "{now:?}");

    store.shop.refund(&first.number, &amount(100)).await.unwrap();
    store.shop.refund(&first.number, &items(&[(BOOKS[1], true)])).await.unwrap();
    let now = figures(store).await.now;
    let rows = store.texts("SELECT CAST(SUM(amount) AS TEXT) AS value FROM refund").await;
    assert_eq!((now.refunds, now.gross, vec![now.refunded.to_string()]), (2, 2_097, rows));
    assert!(now.refunded > 100 && now.net() == 2_097 - now.refunded, "{now:?}");
    store.shop.refund(&second.number, &full()).await.unwrap();
    assert_eq!(figures(store).await.now.refunded, now.refunded + 799);
});

on_both_databases!(a_lost_dispute_is_taken_off_and_a_won_one_is_not, by_hand(), async |store| {
    for (won, disputed) in [(true, 0), (false, 799)] {
        let bought = store.bought(&BOOKS[..1], GOOD_CARD).await;
        let dispute = store.sandbox.open_dispute(&bought.session, "fraudulent", false).unwrap();
        store.shop.reconcile_dispute(&dispute).await.unwrap();
        assert_eq!(figures(store).await.now.disputed, 0, "while it is open");
        assert!(store.sandbox.close_dispute(&dispute, won));
        store.shop.reconcile_dispute(&dispute).await.unwrap();
        assert_eq!(figures(store).await.now.disputed, disputed);
    }
    let now = figures(store).await.now;
    assert_eq!(now.net(), 799);
});

on_both_databases!(
    a_range_is_compared_with_the_days_before_it,
    Options { clock: noon("2026-03-10"), ..by_hand() },
    async |store| {
        store.bought(&BOOKS[..1], GOOD_CARD).await;
        store.shop.clock().advance(TimeDelta::days(7));
        store.bought(&BOOKS, GOOD_CARD).await;
        let seven = figures(store).await;
        assert_eq!((seven.now.orders, seven.before.orders), (1, 1));
        assert_eq!((seven.now.units, seven.before.units), (2, 1));
        store.shop.clock().advance(TimeDelta::days(7));
        let seven = figures(store).await;
        assert_eq!((seven.now.orders, seven.before.orders), (0, 1));
    }
);

on_both_databases!(
    what_is_wrong_is_found_and_made_anew_in_whatever_zone,
    Options { clock: noon("2026-03-29"), ..in_kathmandu() },
    async |store| {
        store.bought(&BOOKS, GOOD_CARD).await;
        store.shop.clock().advance(TimeDelta::minutes(6 * 60 + 10));
        let second = store.bought(&BOOKS, GOOD_CARD).await;
        store.shop.refund(&second.number, &full()).await.unwrap();
        let days = async || {
            store
                .texts("SELECT CAST(start AS TEXT) AS value FROM tally WHERE dimension = 'all' AND grain = 'day' ORDER BY start")
                .await
        };
        // 18:10 UTC is five to midnight there.
        assert_eq!(days().await.len(), 1);
        for mishap in [
            "UPDATE tally SET gross = gross + 1 WHERE dimension = 'country' AND grain = 'month'",
            "DELETE FROM tally WHERE dimension = 'book' AND grain = 'day'",
            "UPDATE tally SET start = '2020-01-01 00:00:00' WHERE grain = 'quarter' AND refunds = 0",
            "UPDATE tally_state SET filled_at = NULL",
            "UPDATE tally_state SET zone = 'Asia/Kolkata'",
        ] {
            store.execute(mishap).await;
            let found = store.shop.violations().await.unwrap();
            if !mishap.contains("zone") {
                assert!(matches!(&found[..], [one] if one.rule.contains("tallies")), "{mishap}: {found:?}");
                store.shop.rebuild_tallies(|_| {}).await.unwrap();
            } else {
                // The store is opened again, with the zone of its configuration.
                store.shop.keep_tallies().await.unwrap();
            }
            assert_eq!(store.shop.violations().await.unwrap(), [], "{mishap}");
            assert_eq!(days().await.len(), 1);
        }
        store.shop.clock().advance(TimeDelta::minutes(5));
        store.bought(&BOOKS[..1], GOOD_CARD).await;
        assert_eq!(days().await.len(), 2, "a new day has begun there");
    }
);

on_both_databases!(a_made_up_store_is_counted_like_a_real_one, async |store| {
    let plan = Plan { seed: 3, books: 60, orders: 500, until: store.shop.clock().now().date(), batch: 100 };
    store.shop.seed_large(&plan, |_| {}).await.unwrap();
    let range = Range::last(3_650, plan.until);
    let summary = store.shop.summary(range).await.unwrap();
    assert!(summary.currencies.len() >= 8, "{}", summary.currencies.len());
    for row in &summary.currencies {
        let code = row.currency;
        let rows = store
            .texts(&format!(
                "SELECT CAST(COUNT(*) AS TEXT) || ' ' || CAST(COALESCE(SUM(amount_total), 0) AS TEXT) AS value FROM orders \
                 WHERE status = 'succeeded' AND currency = '{code}'"
            ))
            .await;
        assert_eq!(rows, [format!("{} {}", row.now.orders, row.now.gross)], "{code}");
    }

    // The parts are what a look at every row gives, for the whole and for a piece that no month begins or ends.
    for (from, until) in [("2026-01-01", "2026-11-20"), ("2026-02-11", "2026-10-17")] {
        let asked = |name: &str| match name {
            "from" => Some(from.to_owned()),
            "until" => Some(until.to_owned()),
            _ => None,
        };
        let board = store.shop.board(asked).await.unwrap();
        let best = store
            .texts(&format!(
                "SELECT value FROM (SELECT b.slug || ' ' || CAST(SUM(i.total) AS TEXT) || ' ' || CAST(COUNT(*) AS TEXT) AS value \
                 FROM order_item i JOIN orders o ON o.id = i.order_id JOIN book b ON b.id = i.book_id \
                 WHERE o.status = 'succeeded' AND o.currency = 'USD' AND o.paid_at >= '{from} 00:00:00' AND o.paid_at < '{until} 24:00:00' \
                 GROUP BY b.id, b.slug ORDER BY SUM(i.total) DESC, b.id LIMIT 10) AS best"
            ))
            .await;
        let found: Vec<String> = board
            .books
            .iter()
            .map(|book| format!("{} {} {}", book.slug, book.figures.gross, book.figures.units))
            .collect();
        assert_eq!(found, best);
        let sum = |figures: &mut dyn Iterator<Item = i64>| figures.sum::<i64>();
        assert_eq!(sum(&mut board.line.iter().map(|point| point.figures.gross)), board.now.gross);
        assert_eq!(sum(&mut board.countries.iter().map(|(_, figures)| figures.net())), board.now.net());
    }
});

on_both_databases!(what_is_fetched_is_counted_with_its_format_and_once_as_fetched, async |store| {
    let buyer = store.browser();
    let (_, number) = store.buy(&buyer, &BOOKS, "ann@example.org").await;
    let page = buyer.text(&format!("/orders/{number}")).await;
    let at = page.find("/d/dl_").expect("a download form") + 3;
    let token = page[at..].split(['/', '"']).next().unwrap().to_owned();
    buyer.download(&token, "pdf").await;
    buyer.download(&token, "epub").await;
    let board = store.shop.board(|_| None).await.unwrap();
    // Both files are served by one claim.
    assert_eq!((board.now.units, board.now.fetched, board.now.downloads), (2, 1, 1));
    assert_eq!(board.formats, [("pdf".to_owned(), 1)]);
});

on_both_databases!(looks_are_counted_from_kept_pages_too_and_robots_are_not, async |store| {
    const READER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    const ROBOT: &str = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)";
    let look = async |path: &str, agent: &str, purpose: Option<&str>| {
        let mut request = store.http.get(format!("{}{path}", store.url)).header("user-agent", agent);
        if let Some(purpose) = purpose {
            request = request.header("sec-purpose", purpose);
        }
        request.send().await.unwrap().status()
    };
    for _ in 0..3 {
        assert_eq!(look("/books/the-first-book", READER, None).await, StatusCode::OK);
    }
    look("/books/the-first-book", ROBOT, None).await;
    look("/books/the-first-book", READER, Some("prefetch;prerender")).await;
    look("/", READER, None).await;
    assert_eq!(look("/books/no-such-book", READER, None).await, StatusCode::NOT_FOUND);
    let buyer = store.browser();
    store.buy(&buyer, &BOOKS, "ann@example.org").await;
    store.shop.keep_visits().await.unwrap();
    store.shop.keep_visits().await.unwrap();
    let funnel = store.shop.board(|_| None).await.unwrap().summary.funnel;
    assert_eq!((funnel.views, funnel.carts, funnel.checkouts, funnel.orders), (3, 2, 1, 1));
    assert_eq!(funnel.conversion(), Some(3_333));
});

on_both_databases!(the_overview_shows_the_figures_and_hands_them_out, async |store| {
    let buyer = store.browser();
    store.buy(&buyer, &BOOKS, "ann@example.org").await;
    store.execute("UPDATE book SET title = '=1+1' WHERE slug = 'the-first-book'").await;
    let viewer = store.desk(Role::Viewer).await;
    let page = viewer.text("/admin?days=7&show=orders").await;
    for words in ["$12.98", "Net revenue", "Orders by day", "What the figures mean", "Europe", "=1+1"] {
        assert_eq!(page.contains(words), words != "Europe", "{words}");
    }
    let csv = viewer.text("/admin/figures/books.csv?days=7").await;
    let lines: Vec<&str> = csv.lines().collect();
    assert!(lines[0].starts_with("book,title,currency,checkouts,orders") && lines[0].ends_with(",net"), "{csv}");
    assert_eq!(lines.len(), 3, "{csv}");
    assert!(csv.contains("the-first-book,\"'=1+1\",USD,0,0,0,1,799,"), "{csv}");
    assert!(viewer.text("/admin/figures/figures.csv?days=7").await.lines().count() == 8);
    assert!(viewer.text("/admin/figures/countries.csv?days=7").await.contains(",USD,0,1,0,2,1298,"));
    assert_eq!(viewer.get("/admin/figures/passwords.csv").await.status(), StatusCode::NOT_FOUND);
});

on_both_databases!(only_a_page_of_the_desk_is_told_and_only_while_it_may, async |store| {
    const LIVE: &str = "/admin/figures/live";
    let (viewer, buyer) = (store.desk(Role::Viewer).await, store.browser());
    let ask = async |browser: &Browser, name: &str, value: &str| {
        browser.request(Method::GET, LIVE).header(name, value).send().await.unwrap()
    };
    for (name, value) in [
        ("x-nothing", "at all"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://example.com"),
    ] {
        assert_eq!(ask(&viewer, name, value).await.status(), StatusCode::FORBIDDEN, "{name}: {value}");
    }
    assert_ne!(ask(&buyer, "sec-fetch-site", "same-origin").await.status(), StatusCode::OK);

    let mut told = ask(&viewer, "sec-fetch-site", "same-origin").await;
    assert_eq!(told.headers()["content-type"], "text/event-stream");
    assert_eq!(told.headers()["cache-control"], "private, no-store");
    assert_eq!(told.chunk().await.unwrap().unwrap(), "retry: 5000\n\n");
    let (_, number) = store.buy(&buyer, &BOOKS, "ann@example.org").await;
    assert_eq!(told.chunk().await.unwrap().unwrap(), "data: changed\n\n");
    store.shop.refund(&number, &full()).await.unwrap();
    assert_eq!(told.chunk().await.unwrap().unwrap(), "data: changed\n\n");
    // Who has left is told nothing more, and the connection ends.
    viewer.post("/actions/admin-sign-out", &[]).await;
    while let Some(said) = told.chunk().await.unwrap() {
        assert_ne!(said, "data: changed\n\n");
    }
});

/// Berlin, in the first of the two hours that begin at two o'clock.
fn in_the_night_of_25_hours() -> Options {
    let night = "2026-10-25".parse::<NaiveDate>().unwrap().and_hms_opt(0, 30, 0).unwrap();
    Options { clock: Clock::manual(night), time_zone: "Europe/Berlin".parse().unwrap(), ..by_hand() }
}

on_both_databases!(an_hour_that_comes_twice_is_told_from_the_other, in_the_night_of_25_hours(), async |store| {
    store.bought(&BOOKS[..1], GOOD_CARD).await;
    store.shop.clock().advance(TimeDelta::hours(1));
    store.bought(&BOOKS[1..], GOOD_CARD).await;
    let asked = |name: &str| match name {
        "from" | "until" => Some("2026-10-25".to_owned()),
        "by" => Some("hour".to_owned()),
        _ => None,
    };
    let line = store.shop.board(asked).await.unwrap().line;
    let hours: Vec<_> = line.iter().map(|point| (point.short.as_str(), point.figures.gross)).collect();
    assert_eq!(hours.len(), 25, "{hours:?}");
    assert_eq!(hours[1..5], [("01:00", 0), ("02:00", 799), ("02:00 (+01:00)", 499), ("03:00", 0)]);
    assert_eq!(line[3].long, "Sunday, 25 October 2026, 02:00 (+01:00)");
    let question = Question::read(asked, store.shop.today().await.unwrap(), store.shop.currency());
    let csv = store.shop.figures_csv(Sheet::Line, question, 0).await.unwrap().text;
    let rows: Vec<&str> = csv.lines().collect();
    assert_eq!(rows.len(), 26, "{csv}");
    assert!(rows[3].starts_with("2026-10-25T02:00:00+02:00,2026-10-25,USD,1,1,0,1,799,"), "{csv}");
    assert!(rows[4].starts_with("2026-10-25T02:00:00+01:00,2026-10-25,USD,1,1,0,1,499,"), "{csv}");
});

/// Whether a listener is told of anything at this moment.
async fn told(store: &Store, listener: &mut Listener) -> bool {
    store.shop.look_for_changes().await.unwrap();
    listener.changed().now_or_never().is_some()
}

on_both_databases!(a_refund_is_told_of_with_each_of_its_changes, by_hand(), async |store| {
    // Its refunds are pending first.
    let bought = store.bought(&BOOKS, "4000000000007726").await;
    let mut listener = store.shop.listen().await.unwrap().unwrap();
    assert!(!told(store, &mut listener).await);
    let id = store.shop.refund(&bought.number, &amount(100)).await.unwrap().stripe_id.unwrap();
    assert!(told(store, &mut listener).await);
    assert!(!told(store, &mut listener).await);
    // It is answered, and taken back, as the refund that it is: there is no new one.
    for succeeds in [true, false] {
        assert!(store.sandbox.finish_refund(&id, succeeds), "{succeeds}");
        store.shop.reconcile_refund(&id).await.unwrap();
        assert!(told(store, &mut listener).await, "{succeeds}");
        assert!(!told(store, &mut listener).await);
    }
    assert_eq!(store.count("refund").await, 1);
});

/// Time stands still until a test moves it.
fn standing() -> Options {
    Options { clock: Clock::manual(Utc::now().naive_utc()), ..by_hand() }
}

on_both_databases!(a_page_that_is_left_open_does_not_keep_its_session_alive, standing(), async |store| {
    let (left, used) = (store.desk(Role::Viewer).await, store.desk(Role::Viewer).await);
    // What the page of the overview asks by itself.
    let listens =
        async || left.request(Method::GET, "/admin/figures/live").header("sec-fetch-site", "same-origin").send().await;
    let renews = async || left.request(Method::GET, "/admin").header("x-automatic", "1").send().await.unwrap();
    for _ in 0..11 {
        store.shop.clock().advance(TimeDelta::hours(1));
        assert_eq!(listens().await.unwrap().status(), StatusCode::OK);
        assert_eq!(renews().await.status(), StatusCode::OK);
        assert_eq!(used.get("/admin").await.status(), StatusCode::OK);
    }
    store.shop.clock().advance(TimeDelta::hours(1));
    assert_eq!(renews().await.status(), StatusCode::SEE_OTHER);
    assert_ne!(listens().await.unwrap().status(), StatusCode::OK);
    assert_eq!(used.get("/admin").await.status(), StatusCode::OK);
    // A form is always somebody's, whatever it says of itself.
    let member = store.desk(Role::Viewer).await;
    store.shop.clock().advance(TimeDelta::hours(11));
    let form = member.request(Method::POST, "/actions/admin-find-orders").header("origin", &store.url);
    form.header("x-automatic", "1").form(&[("q", "ann")]).send().await.unwrap();
    store.shop.clock().advance(TimeDelta::hours(11));
    assert_eq!(member.get("/admin").await.status(), StatusCode::OK);
    // However much it is used, it ends after a week.
    for hours in (33..=165).step_by(11) {
        store.shop.clock().advance(TimeDelta::hours(11));
        assert_eq!(member.get("/admin").await.status(), StatusCode::OK, "{hours}");
    }
    store.shop.clock().advance(TimeDelta::hours(11));
    assert_eq!(member.get("/admin").await.status(), StatusCode::SEE_OTHER);
});
