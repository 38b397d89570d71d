//! Who fetched what and when: the delivery log, its readers, and how long it remembers.

use crate::support::{Browser, Options, Store, on_both_databases};
use chrono::{NaiveDate, TimeDelta};
use reqwest::{Method, StatusCode};
use shop::Clock;
use shop::downloads::{LogEntry, LogQuery};
use shop::types::OrderNumber;

async fn bought(store: &Store, slug: &str, email: &str) -> (OrderNumber, Browser, String) {
    let browser = store.browser();
    let (_, number) = store.buy(&browser, &[slug], email).await;
    let token = browser.token(&number, slug).await;
    (number, browser, token)
}

fn query() -> LogQuery {
    LogQuery { limit: 100, ..LogQuery::default() }
}

async fn entries(store: &Store, query: LogQuery) -> Vec<LogEntry> {
    store.shop.download_log(query).await.unwrap().entries
}

on_both_databases!(every_claim_and_stream_is_logged_and_found, async |store| {
    let (first, browser, token) = bought(store, "the-first-book", "ann@example.org").await;
    let path = browser.claimed(&token, "epub").await;
    let request = browser.request(Method::GET, &path).header("user-agent", "Reader/1.0\tX");
    let part = request.header("range", "bytes=0-99").send().await.unwrap();
    assert_eq!((part.status(), part.bytes().await.unwrap().len()), (StatusCode::PARTIAL_CONTENT, 100));
    assert_eq!(store.browser().claim(&token, "epub").await.status(), StatusCode::SEE_OTHER);
    let (_, other, token) = bought(store, "the-third-book", "Ann@Example.org").await;
    other.download(&token, "epub").await;
    bought(store, "the-second-book", "bo@example.org").await;
    store.until("all is written", async || store.count("download_log WHERE reason = 'begun'").await == 0).await;

    let of = entries(store, LogQuery { order: Some(first.clone()), ..query() }).await;
    let told: Vec<_> =
        of.iter().map(|entry| (entry.status, entry.bytes, entry.outcome.as_str(), entry.range.as_deref())).collect();
    assert_eq!(
        told,
        [
            (403, 0, "not the buyer's browser", None),
            (206, 100, "complete", Some("bytes=0-99")),
            (303, 0, "claimed", None)
        ]
    );
    let stream = &of[1];
    assert_eq!(
        (stream.order.as_str(), stream.title.as_str(), stream.format.as_deref(), stream.filename.as_deref()),
        (first.as_str(), "The first book", Some("epub"), Some("the-first-book.epub"))
    );
    assert_eq!((stream.network.as_str(), stream.user_agent.as_str()), ("127.0.0.0/24", "Reader/1.0X"));
    let by_address = |address: &str| LogQuery { email: Some(address.parse().unwrap()), ..query() };
    assert_eq!(entries(store, by_address("ANN@example.org")).await.len(), 5);
    assert_eq!(entries(store, by_address("bo@example.org")).await, []);
    let third = LogQuery { book: Some("the-third-book".parse().unwrap()), ..query() };
    assert_eq!(entries(store, third).await.len(), 2);
    // Page by page it is the same.
    let all = entries(store, query()).await;
    let (mut pages, mut before) = (Vec::new(), None);
    loop {
        let page = store.shop.download_log(LogQuery { limit: 2, before, ..query() }).await.unwrap();
        pages.extend(page.entries);
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!((pages.len(), pages), (5, all));

    let (code, said) = store.octavo(&["downloads", "list", "--order", first.as_str(), "--limit", "2"]).await;
    assert!(code == 0 && said.contains("bytes=0-99") && said.contains("older ones: --before"), "{said}");
    assert_eq!(said.lines().count(), 3, "{said}");
    let (code, said) = store.octavo(&["downloads", "list", "--email", "nobody@example.org"]).await;
    assert_eq!((code, said.as_str()), (0, ""));
});

fn standing_still() -> Options {
    let now = NaiveDate::from_ymd_opt(2026, 11, 25).unwrap().and_hms_opt(12, 0, 0).unwrap();
    Options { clock: Clock::manual(now), workers: false, webhooks: false, ..Options::default() }
}

on_both_databases!(the_log_forgets_what_is_too_old_and_nobody_disputes, standing_still(), async |store| {
    let mut numbers = Vec::new();
    for email in ["ann@example.org", "bo@example.org", "cy@example.org"] {
        let (number, browser, token) = bought(store, "the-third-book", email).await;
        browser.download(&token, "epub").await;
        numbers.push(number);
    }
    store.until("all is written", async || store.count("download_log WHERE reason = 'begun'").await == 0).await;
    assert_eq!(store.count("download_log").await, 6);
    for (number, status) in numbers.iter().zip(["needs_response", "warning_under_review", "won"]) {
        store
            .execute(&format!(
                "INSERT INTO dispute (stripe_id, order_id, amount, currency, status, reason, created_at, updated_at) \
                 SELECT 'dp_' || number, id, 0, currency, '{status}', 'fraudulent', created_at, created_at FROM orders \
                 WHERE number = '{}'",
                number.as_str()
            ))
            .await;
    }
    store.shop.clock().advance(TimeDelta::days(400) - TimeDelta::seconds(1));
    assert_eq!(store.shop.forget_old_downloads().await.unwrap(), 0);
    store.shop.clock().advance(TimeDelta::seconds(2));
    assert_eq!(store.shop.forget_old_downloads().await.unwrap(), 2);
    let left = entries(store, query()).await;
    assert!(left.len() == 4 && left.iter().all(|entry| entry.order != numbers[2].as_str()), "{left:?}");
    store.execute("UPDATE dispute SET status = 'lost'").await;
    assert_eq!(store.shop.forget_old_downloads().await.unwrap(), 4);
    store.execute("DELETE FROM dispute").await;
});

on_both_databases!(events_lose_their_bodies_after_ninety_days, standing_still(), async |store| {
    let session = store.checkout(&store.browser(), &["the-first-book"]).await;
    let now = store.seconds();
    store.keep(&crate::support::event("evt_1", "checkout.session.completed", &session, now)).await;
    assert_eq!(store.count("stripe_event WHERE body <> ''").await, 1);
    store.shop.clock().advance(TimeDelta::days(90));
    assert_eq!(store.shop.drop_old_event_bodies().await.unwrap(), 0);
    store.shop.clock().advance(TimeDelta::seconds(1));
    assert_eq!(store.shop.drop_old_event_bodies().await.unwrap(), 1);
    assert_eq!(store.count("stripe_event WHERE body = ''").await, 1);
    assert_eq!(store.shop.drop_old_event_bodies().await.unwrap(), 0);
});
