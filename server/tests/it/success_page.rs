//! The way back from Stripe: row 9.

use crate::support::{GOOD_CARD, Options, cookie, location, on_both_databases};
use futures::StreamExt as _;
use reqwest::StatusCode;
use shop::BrowserSecret;
use std::time::Duration;

on_both_databases!(
    row_9_five_hundred_buyers_race_their_webhooks_to_one_order_each,
    Options { webhooks: false, ..Options::default() },
    async |store| {
        let buyer = async |i: usize| {
            let browser = BrowserSecret::generate();
            let books = [&["the-first-book"][..], &["the-second-book", "the-third-book"]][i % 2];
            let session = store.quick_checkout(books, &browser).await;
            let _ = store.sandbox.pay(&session, GOOD_CARD, &format!("buyer{i}@example.org"));
            // The jitter is what is tested: the webhook comes up to 50 ms before or after the page is asked for.
            let (page, webhook) = (Duration::from_millis(50), Duration::from_millis(rand::random_range(0..=100)));
            let path = format!("{}/checkout/success?session_id={session}", store.url);
            let landing = async {
                tokio::time::sleep(page).await;
                let response = store
                    .http
                    .get(&path)
                    .header("accept", "text/html")
                    .header("cookie", cookie(&browser))
                    .send()
                    .await
                    .unwrap();
                (response.status(), response.text().await.unwrap())
            };
            let delivery = async {
                tokio::time::sleep(webhook).await;
                store.deliver_completed(&format!("evt_{i}"), &session).await
            };
            let ((status, page), delivered) = tokio::join!(landing, delivery);
            assert_eq!((status, delivered), (StatusCode::OK, StatusCode::OK));
            assert!(page.contains("Your books are ready to download."), "{session}: {page}");
            session
        };
        let sessions: Vec<String> = futures::stream::iter(0..500).map(buyer).buffer_unordered(12).collect().await;
        store.settle().await;
        assert_eq!(sessions.len(), 500);
        assert_eq!(store.count("orders WHERE status = 'succeeded'").await, 500);
        assert_eq!(store.count("(SELECT DISTINCT checkout_id FROM orders) AS bought").await, 500);
        assert_eq!(store.count("order_item").await, 750);
        assert_eq!(
            (store.count("invoice").await, store.count("outbox").await, store.count("entitlement").await),
            (500, 500, 750)
        );
        assert_eq!(store.count("stripe_event WHERE state = 'done'").await, 500);
    }
);

on_both_databases!(row_9_another_browser_sees_only_that_it_is_paid, async |store| {
    let (buyer, other) = (store.browser(), store.browser());
    let session = store.checkout(&buyer, &["the-first-book"]).await;
    // Before the payment: the way on is shown to the browser that began it, and to no other.
    let success = format!("/checkout/success?session_id={session}");
    let resume = format!("{}/c/pay/{session}", store.sandbox.url());
    assert!(buyer.text(&success).await.contains(&resume));
    assert!(!other.text(&success).await.contains(store.sandbox.url()));
    let _ = store.sandbox.pay(&session, GOOD_CARD, "Ann@example.org");
    let mine = buyer.text(&success).await;
    let number =
        store.texts("SELECT number AS value FROM orders").await[0].parse::<shop::types::OrderNumber>().unwrap();
    assert!(
        mine.contains("The first book")
            && mine.contains("Ann@example.org")
            && mine.contains("/d/dl_")
            && mine.contains("$7.99")
    );
    store.settle().await;
    let invoice = store.texts("SELECT number AS value FROM invoice").await.remove(0);
    assert!(buyer.text(&format!("/orders/{number}")).await.contains(&invoice));
    for page in [success.clone(), format!("/orders/{number}")] {
        let theirs = other.text(&page).await;
        assert!(theirs.contains(&number.to_string()));
        for secret in ["The first book", "Ann", "example.org", "dl_", "/claim", "7.99", &invoice] {
            assert!(!theirs.contains(secret), "{page} shows {secret}");
        }
    }
    // Nor does its token open anything there.
    let token = buyer.token(&number, "the-first-book").await;
    let refused = other.claim(&token, "epub").await;
    assert_eq!((refused.status(), location(&refused)), (StatusCode::SEE_OTHER, format!("/library?next=/d/{token}")));
    assert!(!other.text(&format!("/d/{token}")).await.contains("/claim"));
    assert_eq!((store.count("download_claim").await, store.count("download_log WHERE status = 403").await), (0, 1));
    // Another's claim is another's.
    let file = buyer.claimed(&token, "epub").await;
    assert_eq!(other.get(&file).await.status(), StatusCode::NOT_FOUND);
    other.add(&["the-third-book"]).await;
    other.start_checkout().await;
    assert_eq!(other.get(&file).await.status(), StatusCode::NOT_FOUND);
});

on_both_databases!(row_9_an_unknown_session_is_a_404_without_a_call_to_stripe, async |store| {
    let browser = store.browser();
    for id in ["cs_test_unknown", "cs_test_a1b2c3", "x", "", "%20", "..", "cs_test_../../events"] {
        let response = browser.get(&format!("/checkout/success?session_id={id}")).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{id}");
        let progress = browser.post("/actions/order-progress", &[("session_id", id)]).await;
        assert_eq!(progress.status(), StatusCode::NOT_FOUND, "{id}");
    }
    assert_eq!(browser.get("/checkout/success").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(store.sandbox.requests(), []);
});

on_both_databases!(a_cart_that_is_paid_for_leads_to_its_order_and_not_to_a_second_payment, async |store| {
    let browser = store.browser();
    let session = store.checkout(&browser, &["the-first-book"]).await;
    let _ = store.sandbox.pay(&session, GOOD_CARD, "ann@example.org");
    // The buyer does not come back: only the webhook tells of the payment.
    store.settle().await;
    assert_eq!(store.count("orders WHERE status = 'succeeded'").await, 1);
    let success = format!("/checkout/success?session_id={session}");
    for _ in 0..2 {
        let answer = browser.start_checkout().await;
        assert_eq!((answer.status(), location(&answer)), (StatusCode::SEE_OTHER, format!("{}{success}", store.url)));
    }
    assert_eq!((store.sandbox.session_ids().len(), store.count("checkout").await), (1, 1));
    // A payment that failed is made anew.
    let becomes = |status: &str| format!("UPDATE orders SET status = '{status}' WHERE stripe_session = '{session}'");
    store.execute(&becomes("failed")).await;
    let again = location(&browser.start_checkout().await);
    assert!(again.contains("/c/pay/"), "{again}");
    store.execute(&becomes("succeeded")).await;
    assert!(location(&browser.start_checkout().await).ends_with(&success));
    // The page takes out what was paid for, and what is put in after that is to be paid for.
    assert!(browser.text(&success).await.contains("Your books are ready to download."));
    assert!(browser.text("/cart").await.contains("Your cart is empty"));
    browser.add(&["the-first-book"]).await;
    assert!(location(&browser.start_checkout().await).contains("/c/pay/"));
    assert_eq!(store.count("orders").await, 1);
});

on_both_databases!(a_title_that_is_put_in_again_can_be_paid_for_again, async |store| {
    let browser = store.browser();
    let first = store.checkout(&browser, &["the-first-book", "the-second-book"]).await;
    let _ = store.sandbox.pay(&first, GOOD_CARD, "ann@example.org");
    store.settle().await;
    browser.post("/actions/remove-from-cart", &[("slug", "the-second-book")]).await;
    let second = store.checkout(&browser, &["the-second-book"]).await;
    assert!(second != first && store.sandbox.session_ids().contains(&second), "{second}");
    // Nobody else is led there.
    let other = store.browser();
    let third = store.checkout(&other, &["the-first-book", "the-second-book"]).await;
    assert!(store.sandbox.session_ids().contains(&third), "{third}");
});

on_both_databases!(row_9_buying_under_anothers_address_opens_nothing_of_theirs, async |store| {
    let (ann, thief) = (store.browser(), store.browser());
    let (_, hers) = store.buy(&ann, &["the-first-book"], "ann@example.org").await;
    let (_, his) = store.buy(&thief, &["the-second-book"], "Ann@Example.org").await;
    store.settle().await;
    assert_eq!(store.count("orders WHERE email_norm = 'ann@example.org'").await, 2);
    let page = thief.text(&format!("/orders/{hers}")).await;
    assert!(!page.contains("The first book") && !page.contains("dl_") && page.contains("name=\"secret\""));
    assert!(!ann.text(&format!("/orders/{his}")).await.contains("The second book"));
    let token = ann.token(&hers, "the-first-book").await;
    assert_eq!(location(&thief.claim(&token, "epub").await), format!("/library?next=/d/{token}"));
    assert_eq!(store.count("download_claim").await, 0);
    // The secret of one order opens no other.
    let secret = store.shop.order_link(&his).await.unwrap().split('#').nth(1).unwrap().to_owned();
    assert_eq!(
        thief.post("/actions/open-order", &[("number", hers.as_str()), ("secret", &secret)]).await.status(),
        StatusCode::FORBIDDEN
    );
    assert_eq!(store.count("order_access").await, 0);
});
