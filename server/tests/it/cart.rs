//! The cart: kept for a month and through a restart, by two tabs at once.

use crate::support::{Browser, location, on_both_databases, session_of};
use chrono::{NaiveDateTime, TimeDelta, Utc};
use futures::future::join_all;
use reqwest::{Response, StatusCode};
use std::collections::BTreeSet;

on_both_databases!(a_cart_survives_a_restart_and_is_kept_for_thirty_days, async |store| {
    let browser = store.browser();
    browser.add(&["the-first-book", "the-second-book"]).await;
    let snapshot = browser.cart_snapshot().await;
    let restarted = store.second(crate::support::WEBHOOK_SECRET).await;
    let there = browser.at(&restarted.url);
    assert_eq!(there.cart_snapshot().await, snapshot);
    // And it can be changed and paid there.
    assert_eq!(
        there.post("/actions/remove-from-cart", &[("slug", "the-first-book")]).await.status(),
        StatusCode::SEE_OTHER
    );
    let session = session_of(&location(&there.start_checkout().await));
    assert_eq!(store.sandbox.session(&session).unwrap()["amount_total"], 499);
    let expires = store.texts("SELECT CAST(expires_at AS TEXT) AS value FROM session").await;
    assert_eq!(expires.len(), 1);
    let expires = NaiveDateTime::parse_from_str(&expires[0], "%Y-%m-%d %H:%M:%S%.f").unwrap();
    let left = expires - Utc::now().naive_utc();
    assert!((TimeDelta::days(30) - TimeDelta::minutes(5)..=TimeDelta::days(30)).contains(&left), "{left}");
    // Once that is over the cart is gone, and the row with it.
    store.execute("UPDATE session SET expires_at = '2020-01-01 00:00:00'").await;
    assert!(browser.text("/cart").await.contains("Your cart is empty"));
    assert_eq!(store.shop.delete_expired_sessions().await.unwrap(), 1);
});

on_both_databases!(looking_around_makes_no_session_and_no_cookie, async |store| {
    let browser = store.browser();
    for page in ["/", "/books/the-first-book", "/cart", "/checkout/free", "/checkout/cancel"] {
        let response = browser.get(page).await;
        assert_eq!(response.status(), StatusCode::OK, "{page}");
        assert!(!response.headers().contains_key("set-cookie"), "{page}");
    }
    assert_eq!(store.count("session").await, 0);
});

async fn add(browser: &Browser, slug: &str) -> Response {
    browser.post("/actions/add-to-cart", &[("slug", slug)]).await
}

on_both_databases!(two_tabs_that_add_at_once_lose_nothing, async |store| {
    for _ in 0..5 {
        let browser = store.browser();
        browser.add(&["a-free-book"]).await;
        let tabs = ["the-first-book", "the-second-book", "the-third-book"];
        let answers = join_all(tabs.map(|slug| add(&browser, slug))).await;
        assert!(answers.iter().all(|answer| answer.status() == StatusCode::SEE_OTHER));
        let page = browser.text("/cart").await;
        for title in ["A free book", "The first book", "The second book", "The third book"] {
            assert!(page.contains(title), "{title} was lost");
        }
        // One takes out while another one adds.
        let (removed, added) = tokio::join!(
            browser.post("/actions/remove-from-cart", &[("slug", "the-first-book")]),
            browser.post("/actions/add-to-cart", &[("slug", "the-first-book")])
        );
        assert_eq!((removed.status(), added.status()), (StatusCode::SEE_OTHER, StatusCode::SEE_OTHER));
        let page = browser.text("/cart").await;
        assert!(page.contains("The second book") && page.contains("The third book") && page.contains("A free book"));
    }
});

on_both_databases!(twenty_clicks_on_checkout_lead_to_one_session, async |store| {
    let browser = store.browser();
    browser.add(&["the-first-book"]).await;
    let snapshot = browser.cart_snapshot().await;
    let form = [("snapshot", snapshot.as_str())];
    let answers = join_all((0..20).map(|_| browser.post("/actions/start-checkout", &form))).await;
    assert!(answers.iter().all(|answer| answer.status() == StatusCode::SEE_OTHER));
    let sessions: BTreeSet<String> = answers.iter().map(|answer| session_of(&location(answer))).collect();
    assert_eq!((sessions.len(), store.sandbox.session_ids().len()), (1, 1), "{sessions:?}");
    assert_eq!(store.count("checkout").await, 1);
});
