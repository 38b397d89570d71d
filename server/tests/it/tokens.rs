//! A token's time: row 23.

use crate::support::{Options, location, on_both_databases};
use chrono::{TimeDelta, Utc};
use reqwest::StatusCode;
use shop::{Clock, Policy};

/// The order stays open in its browser for longer than its tokens live.
fn patient() -> Options {
    let policy = Policy { order_hours: 24 * 60, renewals: 1, ..Policy::default() };
    Options { webhooks: false, clock: Clock::manual(Utc::now().naive_utc()), policy, ..Options::default() }
}

on_both_databases!(row_23_a_token_ends_to_the_second_and_can_be_renewed, patient(), async |store| {
    let browser = store.browser();
    let (_, number) =
        store.buy(&browser, &["the-first-book", "the-second-book", "the-third-book"], "ann@example.org").await;
    let first = browser.token(&number, "the-first-book").await;
    let second = browser.token(&number, "the-second-book").await;
    let third = browser.token(&number, "the-third-book").await;
    let file = browser.claimed(&first, "epub").await;
    assert_eq!(browser.get(&file).await.status(), StatusCode::OK);
    let page = browser.text(&format!("/d/{first}")).await;
    assert!(page.contains("Your download is running") && page.contains("/claim"));
    // A claim lasts a day.
    store.shop.clock().advance(TimeDelta::hours(24));
    assert_eq!(browser.get(&file).await.status(), StatusCode::NOT_FOUND);
    // One second before the end of the seven days …
    store.shop.clock().advance(TimeDelta::days(6) - TimeDelta::seconds(1));
    let file = browser.claimed(&second, "pdf").await;
    assert_eq!(browser.get(&file).await.status(), StatusCode::OK);
    // … and one after.
    store.shop.clock().advance(TimeDelta::seconds(2));
    for token in [&first, &third] {
        let refused = browser.claim(token, "epub").await;
        assert_eq!((refused.status(), location(&refused)), (StatusCode::SEE_OTHER, format!("/d/{token}")));
        let page = browser.text(&format!("/d/{token}")).await;
        assert!(
            page.contains("The time for this download is over.") && page.contains("Renew") && !page.contains("/claim")
        );
    }
    assert_eq!(store.count("download_log WHERE status = 410 AND reason = 'expired'").await, 2);
    // What was begun in time may be finished.
    assert_eq!(browser.get(&file).await.status(), StatusCode::OK);

    // Only the buyer renews.
    assert_eq!(
        store.browser().post("/actions/renew-download", &[("token", &third)]).await.status(),
        StatusCode::FORBIDDEN
    );
    let renewed = location(&browser.post("/actions/renew-download", &[("token", &third)]).await);
    let new = renewed.strip_prefix("/d/").expect("a token").to_owned();
    assert_ne!(new, third);
    assert_eq!(browser.get(&format!("/d/{third}")).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(browser.claim(&third, "epub").await.status(), StatusCode::NOT_FOUND);
    // The second of two clicks leads its owner to what the first one made, and tells a stranger nothing.
    assert_eq!(location(&browser.post("/actions/renew-download", &[("token", &third)]).await), format!("/d/{new}"));
    let stranger = store.browser().post("/actions/renew-download", &[("token", &third)]).await;
    assert_eq!(stranger.status(), StatusCode::NOT_FOUND);
    assert_eq!(store.count("download_token").await, 4);
    assert_eq!(browser.token(&number, "the-third-book").await, new);
    assert_eq!(browser.download(&new, "epub").await.len(), 100_000);
    // A good one is not replaced, and the policy's one renewal is all there is.
    assert_eq!(browser.post("/actions/renew-download", &[("token", &new)]).await.status(), StatusCode::FORBIDDEN);
    store.shop.clock().advance(TimeDelta::days(8));
    let page = browser.text(&format!("/d/{new}")).await;
    assert!(page.contains("It cannot be renewed any more.") && !page.contains("/actions/renew-download"));
    assert_eq!(browser.post("/actions/renew-download", &[("token", &new)]).await.status(), StatusCode::FORBIDDEN);
    // Then the old one leads to nothing either.
    assert_eq!(browser.post("/actions/renew-download", &[("token", &third)]).await.status(), StatusCode::NOT_FOUND);
});

on_both_databases!(two_clicks_on_renew_are_one_renewal, patient(), async |store| {
    let browser = store.browser();
    let (_, number) = store.buy(&browser, &["the-first-book"], "ann@example.org").await;
    let old = browser.token(&number, "the-first-book").await;
    store.shop.clock().advance(TimeDelta::days(8));
    let click = || async { location(&browser.post("/actions/renew-download", &[("token", old.as_str())]).await) };
    let led = futures::future::join_all((0..4).map(|_| click())).await;
    let new = browser.token(&number, "the-first-book").await;
    assert_ne!(new, old);
    assert_eq!(led, vec![format!("/d/{new}"); 4]);
    assert_eq!(store.count("download_token").await, 2);
    // What the island is told late is how it stands by then.
    browser.claimed(&new, "epub").await;
    let request = browser.request(reqwest::Method::POST, "/actions/renew-download").header("origin", &store.url);
    let answer = request.header("accept", "application/json").form(&[("token", &old)]).send().await.unwrap();
    let told: serde_json::Value = answer.json().await.unwrap();
    assert_eq!((told["uses"].as_u64(), told["token"].as_str()), (Some(2), Some(new.as_str())));
});

on_both_databases!(what_a_used_up_token_still_serves_and_its_renewal_stand_side_by_side, patient(), async |store| {
    let browser = store.browser();
    let (_, number) = store.buy(&browser, &["the-first-book"], "ann@example.org").await;
    let token = browser.token(&number, "the-first-book").await;
    let (page, order) = (format!("/d/{token}"), format!("/orders/{number}"));
    // Each use serves every format twice over; only the EPUB is taken, all six times.
    for _ in 0..6 {
        assert_eq!(browser.download(&token, "epub").await.len(), 100_000);
    }
    for shown in [browser.text(&page).await, browser.text(&order).await] {
        assert!(shown.contains("EPUB has been downloaded as often as it can be."), "{shown}");
        assert!(shown.contains("Download PDF") && !shown.contains("Download EPUB") && shown.contains("Renew"));
    }
    assert_eq!(browser.get(&browser.claimed(&token, "pdf").await).await.status(), StatusCode::OK);
    assert_eq!(location(&browser.claim(&token, "epub").await), page);
    // After a day the download is over, and what is left is the renewal.
    store.shop.clock().advance(TimeDelta::hours(25));
    for shown in [browser.text(&page).await, browser.text(&order).await] {
        assert!(shown.contains("All 3 downloads have been used.") && shown.contains("Renew"));
        assert!(!shown.contains("/claim"));
    }
});

on_both_databases!(
    row_23_a_mailed_secret_ends_and_so_does_an_open_order,
    Options { policy: Policy::default(), ..patient() },
    async |store| {
        let (buyer, other) = (store.browser(), store.browser());
        let (_, number) = store.buy(&buyer, &["the-first-book"], "ann@example.org").await;
        let token = buyer.token(&number, "the-first-book").await;
        other.open_order(store, &number).await;
        assert_eq!(other.download(&token, "epub").await.len(), 100_000);
        // A day later the browser that paid is nobody special any more; the one with the mail still is.
        store.shop.clock().advance(TimeDelta::hours(24) + TimeDelta::seconds(1));
        assert!(!buyer.text(&format!("/orders/{number}")).await.contains("The first book"));
        assert_eq!(location(&buyer.claim(&token, "epub").await), format!("/library?next=/d/{token}"));
        assert!(other.text(&format!("/orders/{number}")).await.contains("The first book"));
        store.shop.clock().advance(TimeDelta::days(6));
        assert!(!other.text(&format!("/orders/{number}")).await.contains("The first book"));
        let secret = store.shop.order_link(&number).await.unwrap().split('#').nth(1).unwrap().to_owned();
        assert_eq!(
            other.post("/actions/open-order", &[("number", number.as_str()), ("secret", &secret)]).await.status(),
            StatusCode::FORBIDDEN
        );
    }
);
