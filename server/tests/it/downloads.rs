//! How often a file can be had: rows 20, 21 and 22.

use crate::support::{Options, Store, cookie, location, on_both_databases, on_both_databases_and_places, sha256};
use futures::StreamExt as _;
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use shop::types::{BookFormat, OrderNumber, TokenState};
use shop::{BrowserSecret, Claimed, Policy, Visitor};
use std::net::{IpAddr, Ipv4Addr};

/// Browsers that have opened an order.
async fn openers(store: &Store, number: &OrderNumber, how_many: usize) -> Vec<BrowserSecret> {
    let browsers: Vec<BrowserSecret> = (0..how_many).map(|_| BrowserSecret::generate()).collect();
    let row = |browser: &BrowserSecret| {
        let hash = sha256(cookie(browser).split_once('=').unwrap().1.as_bytes());
        format!("((SELECT id FROM orders WHERE number = '{}'), '{hash}', '2999-01-01 00:00:00')", number.as_str())
    };
    let rows: Vec<String> = browsers.iter().map(row).collect();
    store
        .execute(&format!("INSERT INTO order_access (order_id, browser_hash, expires_at) VALUES {}", rows.join(", ")))
        .await;
    browsers
}

fn visitor(browser: &BrowserSecret) -> Visitor {
    Visitor {
        browser: Some(browser.clone()),
        buyer: None,
        ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        user_agent: String::new(),
    }
}

fn renewable() -> Options {
    Options { policy: Policy { renewals: 100, ..Policy::default() }, ..Options::default() }
}

on_both_databases_and_places!(row_20_two_hundred_at_once_get_three_claims, renewable(), async |store| {
    let buyer = store.browser();
    let (_, number) = store.buy(&buyer, &["the-first-book"], "ann@example.org").await;
    store.settle().await;
    let browsers = openers(store, &number, 200).await;
    let mut token = buyer.token(&number, "the-first-book").await;
    for round in 1..=20 {
        let claims = browsers.iter().map(|browser| {
            let visitor = visitor(browser);
            let token = &token;
            async move { store.shop.claim_download(token, BookFormat::Epub, &visitor).await.unwrap() }
        });
        let answers = join_all(claims).await;
        let given = answers.iter().filter(|answer| matches!(answer, Claimed::File(_))).count();
        let refused = answers.iter().filter(|answer| **answer == Claimed::Refused(TokenState::UsedUp)).count();
        assert_eq!((given, refused), (3, 197), "round {round}");
        assert_eq!(store.count("download_claim").await, 3 * round);
        token = store.shop.renew_download(&token, Some(&browsers[0])).await.unwrap().token;
    }
    assert_eq!(store.count("download_token WHERE used_count = 3").await, 20);
    // The same through the front door.
    let path = format!("{}/d/{token}/claim", store.url);
    let claims = browsers.iter().map(|browser| {
        let request = store
            .http
            .post(&path)
            .header("origin", &store.url)
            .header("accept", "text/html")
            .header("cookie", cookie(browser));
        request.form(&[("format", "pdf")]).send()
    });
    let answers = join_all(claims).await;
    let leads: Vec<String> = answers.into_iter().map(|answer| location(&answer.unwrap())).collect();
    assert_eq!(leads.iter().filter(|path| path.starts_with("/f/")).count(), 3);
    assert_eq!(leads.iter().filter(|path| **path == format!("/d/{token}")).count(), 197);
});

on_both_databases_and_places!(row_21_a_claim_serves_two_whole_files_and_no_more, async |store| {
    let browser = store.browser();
    let (_, number) = store.buy(&browser, &["the-first-book"], "ann@example.org").await;
    let token = browser.token(&number, "the-first-book").await;
    let path = browser.claimed(&token, "epub").await;
    let answers = join_all((0..50).map(|_| browser.get(&path))).await;
    let mut whole = 0;
    for answer in answers {
        let status = answer.status();
        assert!(status == StatusCode::OK || status == StatusCode::GONE, "{status}");
        let bytes = answer.bytes().await.unwrap();
        whole += usize::from(
            status == StatusCode::OK
                && sha256(&bytes) == sha256(&crate::support::file_content("the-first-book", "epub")),
        );
        assert!(status == StatusCode::OK || bytes.len() < 20_000);
    }
    assert_eq!(whole, 2);
    assert_eq!(store.count("download_quota WHERE bytes = 200000").await, 1);
    assert_eq!(
        (
            store.count("download_log WHERE status = 410").await,
            store.count("download_token WHERE used_count = 1").await
        ),
        (48, 1)
    );
    // Pieces of it are no way around, and the other format has its own measure within the same use.
    let piece = browser.request(Method::GET, &path).header("range", "bytes=0-0").send().await.unwrap();
    assert_eq!(piece.status(), StatusCode::GONE);
    let other = browser.claimed(&token, "pdf").await;
    assert_eq!(other.rsplit_once('/').unwrap().0, path.rsplit_once('/').unwrap().0);
    assert_eq!(browser.get(&other).await.status(), StatusCode::OK);
    assert_eq!(store.count("download_token WHERE used_count = 1").await, 1);
});

on_both_databases_and_places!(row_21_fifty_downloads_take_three_claims, async |store| {
    let browser = store.browser();
    let (_, number) = store.buy(&browser, &["the-third-book"], "ann@example.org").await;
    let token = browser.token(&number, "the-third-book").await;
    let mut served = 0;
    for _ in 0..50 {
        let to = location(&browser.claim(&token, "epub").await);
        if to == format!("/d/{token}") {
            continue;
        }
        let file = browser.get(&to).await;
        assert_eq!(file.status(), StatusCode::OK);
        served += file.bytes().await.unwrap().len();
    }
    // Three uses, each twice over at most: that a connection breaks must not cost one.
    assert_eq!(served, 600_000);
    assert_eq!((store.count("download_claim").await, store.count("download_token WHERE used_count = 3").await), (3, 1));
    let page = browser.text(&format!("/d/{token}")).await;
    assert!(page.contains("/actions/renew-download"), "{page}");
});

on_both_databases!(row_22_no_guessed_token_opens_anything, async |store| {
    let browser = store.browser();
    let (_, number) = store.buy(&browser, &["the-first-book"], "ann@example.org").await;
    let good = browser.token(&number, "the-first-book").await;
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let guess = |_| {
        let text: String = (0..43).map(|_| char::from(LETTERS[rand::random_range(0..LETTERS.len())])).collect();
        format!("dl_{text}")
    };
    assert_eq!(guess(0).len(), good.len());
    let hit = async |token: String| usize::from(store.shop.download_page(&token, None).await.unwrap().is_some());
    assert_eq!(hit(good.clone()).await, 1);
    let hits: Vec<usize> = futures::stream::iter((0..50_000).map(guess)).map(hit).buffer_unordered(8).collect().await;
    assert_eq!((hits.len(), hits.iter().sum::<usize>()), (50_000, 0));
    // (A hundred thousand on the two databases together.) Near misses.
    for i in 0..good.len() {
        let mut near = good.clone().into_bytes();
        near[i] = if near[i] == b'A' { b'B' } else { b'A' };
        assert_eq!(hit(String::from_utf8(near).unwrap()).await, 0);
    }
});

/// A page without the one-time numbers of its inline scripts.
async fn shown(answer: reqwest::Response) -> String {
    let text = answer.text().await.unwrap();
    let mut parts = text.split("nonce=\"");
    let start = parts.next().unwrap_or_default().to_owned();
    parts.fold(start, |page, part| page + part.split_once('"').map_or("", |(_, rest)| rest))
}

fn short() -> Options {
    Options { policy: Policy { token_uses: 1, ..Policy::default() }, ..Options::default() }
}

on_both_databases!(row_22_unknown_malformed_and_revoked_tokens_look_alike, short(), async |store| {
    let browser = store.browser();
    let (_, number) = store.buy(&browser, &["the-third-book"], "ann@example.org").await;
    let old = browser.token(&number, "the-third-book").await;
    browser.download(&old, "epub").await;
    let renewed = location(&browser.post("/actions/renew-download", &[("token", &old)]).await);
    assert!(renewed.starts_with("/d/dl_") && renewed != format!("/d/{old}"));
    // (Her second click on "Renew" leads to the same; nobody else's leads anywhere.)
    assert_eq!(location(&browser.post("/actions/renew-download", &[("token", &old)]).await), renewed);
    let stranger = store.browser();
    let unknown = format!("dl_{}", "A".repeat(43));
    let long = "x".repeat(5_000);
    let tokens = [unknown.as_str(), &old, "dl_", "x", "0", "-1", &long, "%F0%9F%98%80", "dl_%2e%2e%2fetc", "%00"];
    let mut pages = Vec::new();
    for token in tokens {
        let page = browser.get(&format!("/d/{token}")).await;
        let claim = browser.claim(token, "epub").await;
        let renew = stranger.post("/actions/renew-download", &[("token", token)]).await;
        assert_eq!([page.status(), claim.status(), renew.status()], [StatusCode::NOT_FOUND; 3], "{token}");
        pages.push([shown(page).await, shown(claim).await, shown(renew).await]);
    }
    for (answers, token) in pages.iter().zip(tokens) {
        for (answer, first) in answers.iter().zip(&pages[0]) {
            let at =
                answer.bytes().zip(first.bytes()).position(|(a, b)| a != b).unwrap_or(answer.len().min(first.len()));
            let near = |text: &str| text.chars().skip(at.saturating_sub(100)).take(300).collect::<String>();
            assert!(answer == first, "{token} looks different: {} and not {}", near(answer), near(first));
        }
    }
    assert!(pages[0][0].contains("This page is not here"));
    let links: Vec<_> = ["/d/x", "/orders/AAAAA-AAAAA", "/books/x"].iter().map(|path| browser.get(path)).collect();
    for link in join_all(links).await {
        assert_eq!(link.status(), StatusCode::NOT_FOUND);
    }
});
