//! The point of the store: browse, cart, pay, own the file.

use crate::support::{GOOD_CARD, file_content, location, on_both_databases, sha256};
use reqwest::StatusCode;
use stripe_sandbox::PayOutcome;

on_both_databases!(a_reader_buys_two_books_and_has_the_files, async |store| {
    let browser = store.browser();
    let page = browser.text("/").await;
    assert!(page.contains("The first book") && page.contains("$7.99"));
    assert!(!page.contains("A draft") && !page.contains("An archived book"));

    let (session, number) = store.buy(&browser, &["the-first-book", "the-second-book"], "ann@example.org").await;
    let page = browser.text(&format!("/checkout/success?session_id={session}")).await;
    assert!(page.contains(&number.to_string()) && page.contains("ann@example.org"));
    for slug in ["the-first-book", "the-second-book"] {
        let token = browser.token(&number, slug).await;
        for format in ["epub", "pdf"] {
            assert_eq!(sha256(&browser.download(&token, format).await), sha256(&file_content(slug, format)));
        }
    }
    // Both formats of a title are one use.
    assert_eq!(store.count("download_token WHERE used_count = 1").await, 2);
    store.settle().await;
    assert_eq!(store.count("orders WHERE status = 'succeeded' AND amount_total = 1298 AND currency = 'USD'").await, 1);
    assert_eq!(store.count("invoice").await, 1);
    assert_eq!(store.count("outbox WHERE kind = 'receipt' AND recipient = 'ann@example.org'").await, 1);
    assert_eq!(store.count("stripe_event WHERE type = 'checkout.session.completed' AND state = 'done'").await, 1);
    store
        .until("the four downloads are logged", async || {
            store.count("download_log WHERE reason = 'complete' AND bytes = 100000").await == 4
        })
        .await;
    // What was bought has left the cart.
    assert!(!browser.text("/cart").await.contains("The first book"));
});

on_both_databases!(a_decline_keeps_the_cart_and_a_second_card_works, async |store| {
    let browser = store.browser();
    let session = store.checkout(&browser, &["the-third-book"]).await;
    let outcome = store.sandbox.pay(&session, "4000000000000002", "bo@example.org");
    assert!(matches!(outcome, PayOutcome::Declined { .. }), "{outcome:?}");
    assert!(browser.text("/cart").await.contains("The third book"));
    assert_eq!(store.count("orders").await, 0);
    // The same cart leads to the same session.
    let snapshot = browser.cart_snapshot().await;
    let again = browser.post("/actions/start-checkout", &[("snapshot", &snapshot)]).await;
    assert!(location(&again).contains(&session));
    let outcome = store.sandbox.pay(&session, GOOD_CARD, "bo@example.org");
    assert!(matches!(outcome, PayOutcome::Completed { .. }), "{outcome:?}");
    let page = browser.get(&format!("/checkout/success?session_id={session}")).await;
    assert_eq!(page.status(), StatusCode::SEE_OTHER);
    store.settle().await;
    assert_eq!(store.count("orders WHERE status = 'succeeded'").await, 1);
});
