//! Books that cost nothing: the link comes by mail, and only it opens them.

use crate::support::{Browser, Options, Store, location, message_ids, on_both_databases};
use chrono::{TimeDelta, Utc};
use futures::future::join_all;
use reqwest::{Response, StatusCode};
use shop::Clock;
use shop::audit::Actor;
use shop::mailer::MailFault;
use shop::types::OrderNumber;
use std::collections::BTreeSet;

async fn ready(store: &Store) -> (Browser, String) {
    let browser = store.browser();
    browser.add(&["a-free-book"]).await;
    let to = browser.start_checkout().await;
    assert_eq!((to.status(), location(&to).as_str()), (StatusCode::SEE_OTHER, "/checkout/free"));
    let page = browser.text("/checkout/free").await;
    assert!(page.contains("A free book") && page.contains("name=\"email\""));
    let snapshot = crate::support::hidden(&page, "snapshot").unwrap();
    (browser, snapshot)
}

async fn send(browser: &Browser, snapshot: &str, email: &str) -> Response {
    browser.post_from("/checkout/free", "/actions/checkout-free", &[("email", email), ("snapshot", snapshot)]).await
}

on_both_databases!(a_free_book_opens_with_the_mailed_link_only, async |store| {
    let (browser, snapshot) = ready(store).await;
    let sent = send(&browser, &snapshot, " Ann@example.org ").await;
    assert_eq!((sent.status(), location(&sent).as_str()), (StatusCode::SEE_OTHER, "/checkout/free/sent"));
    assert!(browser.text("/checkout/free/sent").await.contains("Check your mail"));
    assert!(browser.text("/cart").await.contains("Your cart is empty"));
    assert_eq!(store.count("outbox WHERE kind = 'free_order_link' AND recipient = 'Ann@example.org'").await, 1);
    assert_eq!(store.count("orders WHERE status = 'succeeded' AND amount_total = 0 AND stripe_session IS NULL AND email_norm = 'ann@example.org'").await, 1);
    assert_eq!((store.count("invoice").await, store.sandbox.requests().len()), (0, 0));
    // Whoever typed the address is nobody: not even this browser.
    let number: OrderNumber = store.texts("SELECT number AS value FROM orders").await[0].parse().unwrap();
    let closed = browser.text(&format!("/orders/{number}")).await;
    assert!(!closed.contains("A free book") && !closed.contains("dl_") && closed.contains("name=\"secret\""));
    for secret in ["", "wrong", "ol_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
        let refused = browser.post("/actions/open-order", &[("number", number.as_str()), ("secret", secret)]).await;
        assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    }
    // Whoever reads the mail is the buyer.
    let reader = store.browser();
    reader.open_order(store, &number).await;
    let token = reader.token(&number, "a-free-book").await;
    assert_eq!(reader.download(&token, "epub").await.len(), 100_000);
    assert_eq!(location(&browser.claim(&token, "epub").await), format!("/library?next=/d/{token}"));
});

on_both_databases!(a_free_order_that_is_sent_twice_is_one, async |store| {
    let (browser, snapshot) = ready(store).await;
    let answers = join_all((0..2).map(|_| send(&browser, &snapshot, "ann@example.org"))).await;
    for answer in &answers {
        assert_eq!((answer.status(), location(answer).as_str()), (StatusCode::SEE_OTHER, "/checkout/free/sent"));
    }
    assert_eq!((store.count("orders").await, store.count("outbox").await), (1, 1));
    // The same person in another browser.
    let (other, snapshot) = ready(store).await;
    assert_eq!(location(&send(&other, &snapshot, "ANN@example.org").await), "/checkout/free/sent");
    assert_eq!((store.count("orders").await, store.count("outbox").await), (1, 1));
});

on_both_databases!(a_free_order_from_many_browsers_at_once_is_one, async |store| {
    for round in 0..10 {
        let ready = join_all((0..3).map(|_| ready(store))).await;
        let email = format!("ann{round}@example.org");
        let answers = join_all(ready.iter().map(|(browser, snapshot)| send(browser, snapshot, &email))).await;
        // Ten an hour from one network.
        let sent = answers.iter().filter(|answer| location(answer) == "/checkout/free/sent").count();
        assert_eq!(sent, if round < 3 { 3 } else { usize::from(round == 3) });
    }
    assert_eq!((store.count("orders").await, store.count("outbox").await), (4, 4));
});

/// A store whose clock stands still, and which does nothing by itself.
fn by_hand() -> Options {
    let clock = Clock::manual(Utc::now().naive_utc());
    Options { workers: false, webhooks: false, clock, ..Options::default() }
}

on_both_databases!(a_free_order_that_is_asked_for_again_brings_its_link_again, by_hand(), async |store| {
    // From another browser each time; how many mails have left by then.
    let ask = async || {
        let (browser, snapshot) = ready(store).await;
        assert_eq!(location(&send(&browser, &snapshot, "ann@example.org").await), "/checkout/free/sent");
        store.send_all().await;
        store.mails().len()
    };
    // Given up.
    store.memory.next([MailFault::Refuse]);
    assert_eq!((ask().await, store.count("outbox WHERE state = 'dead'").await), (0, 1));
    assert_eq!((ask().await, store.count("outbox WHERE state = 'sent'").await), (1, 1));
    // It has only just left.
    assert_eq!(ask().await, 1);
    // Nobody has found it, or it was deleted.
    store.shop.clock().advance(TimeDelta::minutes(61));
    assert_eq!(ask().await, 2);
    // It came back.
    store.execute("UPDATE outbox SET state = 'bounced', error = 'mailbox full'").await;
    assert_eq!(ask().await, 3);
    assert_eq!(message_ids(&store.memory.sent()).into_iter().collect::<BTreeSet<_>>().len(), 3);
    assert_eq!((store.count("orders").await, store.count("outbox").await), (1, 1));
    // Three an hour, whatever became of them.
    assert_eq!(ask().await, 3);
    store.execute("UPDATE outbox SET state = 'bounced', error = 'mailbox full'").await;
    let (browser, snapshot) = ready(store).await;
    let refused = send(&browser, &snapshot, "ann@example.org").await;
    assert_eq!(location(&refused), "/checkout/free?error=rate-limited");
    store.send_all().await;
    assert_eq!(store.mails().len(), 3);
    // The link of an order whose title was taken back opens nothing: this is a new one.
    store.shop.clock().advance(TimeDelta::minutes(61));
    let number: OrderNumber = store.texts("SELECT number AS value FROM orders").await[0].parse().unwrap();
    let item = store.texts("SELECT CAST(id AS TEXT) AS value FROM order_item").await[0].parse().unwrap();
    store.shop.withdraw_title(&number, item, true, &Actor::Command).await.unwrap().unwrap();
    assert_eq!((ask().await, store.count("orders").await, store.count("outbox").await), (4, 2, 2));
});

on_both_databases!(free_orders_cannot_be_used_to_flood_a_mailbox, Options::default(), async |store| {
    let mut answers = Vec::new();
    for _ in 0..5 {
        let (browser, snapshot) = ready(store).await;
        answers.push(location(&send(&browser, &snapshot, "victim@example.org").await));
    }
    let (sent, refused) = ("/checkout/free/sent", "/checkout/free?error=rate-limited");
    assert_eq!(answers, [sent, sent, sent, refused, refused]);
    assert_eq!(store.count("outbox").await, 1);
    // Ten an hour from one network, whoever they are for.
    let mut answers = Vec::new();
    for i in 0..7 {
        let (browser, snapshot) = ready(store).await;
        answers.push(location(&send(&browser, &snapshot, &format!("victim{i}@example.org")).await));
    }
    assert_eq!(answers, [sent, sent, sent, sent, sent, refused, refused]);
    assert_eq!(store.count("outbox").await, 6);
});

on_both_databases!(the_free_path_gives_nothing_that_costs_something, async |store| {
    let browser = store.browser();
    browser.add(&["a-free-book", "the-first-book"]).await;
    let snapshot = browser.cart_snapshot().await;
    assert_eq!(location(&send(&browser, &snapshot, "ann@example.org").await), "/checkout/free?error=not-free");
    assert!(browser.text("/checkout/free").await.contains("Nothing free to check out"));
    for email in ["", "ann", "ann@", "a@b", "ann@example.org\r\nBcc: x@y.z"] {
        assert_eq!(
            location(&send(&browser, &snapshot, email).await),
            "/checkout/free?error=invalid-email",
            "{email:?}"
        );
    }
    // With a free book beside it, it is paid for as usual, and both open.
    let (_, number) = store.buy(&browser, &[], "ann@example.org").await;
    for slug in ["a-free-book", "the-first-book"] {
        let token = browser.token(&number, slug).await;
        assert_eq!(browser.download(&token, "epub").await.len(), 100_000);
    }
    // The price of a cart that was free a moment ago.
    let (browser, snapshot) = ready(store).await;
    store.execute("UPDATE book_price SET unit_amount = 100 WHERE unit_amount = 0").await;
    assert_eq!(location(&send(&browser, &snapshot, "ann@example.org").await), "/checkout/free?error=cart-changed");
    assert_eq!(store.count("orders WHERE amount_total = 0").await, 0);
    store.settle().await;
});
