//! Signing out: what it ends, and where.

use crate::support::{Brought, Browser, Options, location, on_both_databases};
use chrono::{TimeDelta, Utc};
use reqwest::StatusCode;
use shop::Clock;

on_both_databases!(signing_out_everywhere_ends_whatever_a_mail_has_opened, async |store| {
    let (_, number) = store.buy(&store.browser(), &["the-first-book"], "ann@example.org").await;
    let [here, there, waiting, linked] = std::array::from_fn(|_| store.browser());
    store.library(&here, "ann@example.org").await;
    store.library(&there, "ann@example.org").await;
    let Brought { code, .. } = store.ask(&waiting, "ann@example.org").await;
    linked.open_order(store, &number).await;
    let order = format!("/orders/{number}");
    assert!(linked.text(&order).await.contains("The first book"));
    assert_eq!(location(&here.post("/actions/sign-out-everywhere", &[]).await), "/library?left=everywhere");
    assert_eq!(waiting.open_library("", &code).await.status(), StatusCode::FORBIDDEN);
    for browser in [&here, &there, &waiting, &linked] {
        assert!(!browser.has_library().await && !browser.text(&order).await.contains("The first book"));
    }
    assert!(here.text("/library?left=everywhere").await.contains("You are signed out in every browser."));
});

on_both_databases!(signing_out_closes_what_a_mail_has_opened_here, async |store| {
    let [paying, reader, other] = std::array::from_fn(|_| store.browser());
    let (_, number) = store.buy(&paying, &["the-first-book"], "ann@example.org").await;
    store.settle().await;
    for browser in [&reader, &other] {
        browser.open_order(store, &number).await;
    }
    for browser in [&reader, &paying] {
        store.library(browser, "ann@example.org").await;
        assert_eq!(location(&browser.post("/actions/sign-out", &[]).await), "/library?left=here");
    }
    let order = format!("/orders/{number}");
    for (browser, open) in [(&reader, false), (&other, true), (&paying, true)] {
        assert_eq!(browser.text(&order).await.contains("The first book"), open);
    }
});

/// Time stands still until a test moves it.
fn standing() -> Options {
    Options { webhooks: false, clock: Clock::manual(Utc::now().naive_utc()), ..Options::default() }
}

on_both_databases!(signing_out_everywhere_ends_downloads_but_where_it_is_paid, standing(), async |store| {
    let [paying, reader, bob] = std::array::from_fn(|_| store.browser());
    let (_, number) = store.buy(&paying, &["the-first-book"], "ann@example.org").await;
    let (_, his) = store.buy(&bob, &["the-first-book"], "bob@example.org").await;
    store.settle().await;
    let [hers, his] = [paying.token(&number, "the-first-book").await, bob.token(&his, "the-first-book").await];
    store.shop.clock().advance(TimeDelta::hours(23));
    store.library(&reader, "ann@example.org").await;
    let bobs = bob.claimed(&his, "epub").await;
    let [paid, read] = [paying.claimed(&hers, "epub").await, reader.claimed(&hers, "epub").await];
    let got = async |browser: &Browser, file: &str| browser.get(file).await.status();
    assert_eq!([got(&paying, &paid).await, got(&reader, &read).await], [StatusCode::OK; 2]);
    reader.post("/actions/sign-out-everywhere", &[]).await;
    assert_eq!([got(&paying, &paid).await, got(&reader, &read).await], [StatusCode::OK, StatusCode::NOT_FOUND]);
    // A day after it paid, that browser is one like any other.
    store.shop.clock().advance(TimeDelta::hours(2));
    store.library(&reader, "ann@example.org").await;
    reader.post("/actions/sign-out-everywhere", &[]).await;
    assert_eq!([got(&paying, &paid).await, got(&bob, &bobs).await], [StatusCode::NOT_FOUND, StatusCode::OK]);
});
