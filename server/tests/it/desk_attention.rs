//! What the desk's list of what needs a person shows: payments under review, refunds that nobody confirmed, and what the
//! nightly comparison found; and what a viewer does not see of it.

use crate::refunds::{amount, full};
use crate::support::{Bought, Browser, GOOD_CARD, Options, Store, by_hand, location, on_both_databases};
use chrono::{TimeDelta, Utc};
use reqwest::StatusCode;
use shop::Clock;
use shop::audit::Actor;
use shop::types::{RefundStatus, Role};
use stripe_sandbox::Fault;

/// Time stands still until a test moves it.
fn patient() -> Options {
    Options { clock: Clock::manual(Utc::now().naive_utc()), ..by_hand() }
}

on_both_databases!(a_payment_under_review_is_shown_until_it_is_put_right, patient(), async |store| {
    let admin = store.desk(Role::Admin).await;
    let browser = store.browser();
    let session = store.checkout(&browser, &["the-first-book"]).await;
    store.execute(&format!("UPDATE checkout SET subtotal = 1 WHERE stripe_session = '{session}'")).await;
    let _ = store.sandbox.pay(&session, GOOD_CARD, "ann@example.org");
    store.shop.reconcile(&session).await.unwrap();
    let found = store.shop.attention().await.unwrap();
    assert_eq!((found.quarantined.len(), found.count()), (1, 1), "{found:?}");
    assert_eq!(found.quarantined[0].session.as_deref(), Some(session.as_str()));
    let page = admin.text("/admin/attention").await;
    for words in ["Payments under review", session.as_str(), found.quarantined[0].why.as_deref().unwrap()] {
        assert!(page.contains(words), "{words} is not in {page}");
    }
    store.execute(&format!("UPDATE checkout SET subtotal = 799 WHERE stripe_session = '{session}'")).await;
    store.shop.reconcile(&session).await.unwrap();
    assert_eq!(store.shop.attention().await.unwrap().count(), 0);
    assert!(admin.text("/admin/attention").await.contains("Nothing needs you"));
});

on_both_databases!(a_payment_that_somebody_has_reviewed_needs_nobody_and_stays_in_sight, patient(), async |store| {
    let (admin, support) = (store.desk(Role::Admin).await, store.desk(Role::Support).await);
    let browser = store.browser();
    let session = store.checkout(&browser, &["the-first-book"]).await;
    store.execute(&format!("UPDATE checkout SET subtotal = 1 WHERE stripe_session = '{session}'")).await;
    let _ = store.sandbox.pay(&session, GOOD_CARD, "ann@example.org");
    store.shop.reconcile(&session).await.unwrap();
    let id = store.shop.attention().await.unwrap().quarantined[0].id.to_string();
    // Who may not refund may not say so.
    assert!(!support.text("/admin/attention").await.contains("admin-review-payment"));
    assert!(admin.text("/admin/attention").await.contains("admin-review-payment"));
    // A double click is one.
    for _ in 0..2 {
        let answer = admin.post("/actions/admin-review-payment", &[("id", id.as_str())]).await;
        assert_eq!(location(&answer), "/admin/attention?done=reviewed");
    }
    assert_eq!(store.count("audit WHERE action = 'payment.reviewed'").await, 1);
    let found = store.shop.attention().await.unwrap();
    assert_eq!((found.quarantined.len(), found.reviewed.len(), found.count()), (0, 1, 0), "{found:?}");
    let page = admin.text("/admin/attention").await;
    for words in ["Nothing needs you", "Payments that were reviewed", session.as_str(), "Reviewed "] {
        assert!(page.contains(words), "{words} is not in {page}");
    }
    assert!(!page.contains("admin-review-payment"));
    let none = admin.post("/actions/admin-review-payment", &[("id", "999")]).await;
    assert_eq!(none.status(), StatusCode::NOT_FOUND);
    // Should it become an order all the same, its page says who has looked at it.
    store.execute(&format!("UPDATE checkout SET subtotal = 799 WHERE stripe_session = '{session}'")).await;
    store.shop.reconcile(&session).await.unwrap();
    let number = store.texts("SELECT number AS value FROM orders").await.remove(0);
    let page = admin.text(&format!("/admin/orders/{number}")).await;
    assert!(page.contains("Its payment was under review, and somebody has seen to it"), "{page}");
    assert_eq!(store.shop.attention().await.unwrap().reviewed, []);
});

on_both_databases!(a_refund_that_stripe_does_not_confirm_is_shown_until_it_does, patient(), async |store| {
    let admin = store.desk(Role::Admin).await;
    let bought = store.bought(&["the-first-book"], GOOD_CARD).await;
    store.sandbox.set_fault(Fault::reset().on_method("POST").on_path("/v1/refunds"));
    assert_eq!(store.shop.refund(&bought.number, &full()).await.unwrap().status, RefundStatus::Requested);
    // At first it may only be slow.
    assert_eq!(store.shop.attention_count().await.unwrap(), 0);
    store.shop.clock().advance(TimeDelta::minutes(31));
    let found = store.shop.attention().await.unwrap();
    assert_eq!((found.refunds.len(), found.count()), (1, 1), "{found:?}");
    assert_eq!((&found.refunds[0].order, found.refunds[0].amount.minor()), (&bought.number, 799));
    let page = admin.text("/admin/attention").await;
    let number = bought.number.to_string();
    assert!(page.contains("Refunds that Stripe has not confirmed") && page.contains(&number), "{page}");
    assert_eq!(store.shop.retry_refunds().await.unwrap(), 1);
    assert_eq!(store.shop.attention_count().await.unwrap(), 0);
});

/// Refunds an order, and the buyer's bank sends the money back.
async fn refund_fails(store: &Store, bought: &Bought) {
    let refund = store.shop.refund(&bought.number, &full()).await.unwrap().stripe_id.unwrap();
    let before = store.sandbox.event_count();
    assert!(store.sandbox.finish_refund(&refund, false));
    store.deliver_all(&store.sandbox.events_after(before)).await;
}

on_both_databases!(a_refund_that_failed_is_shown_until_later_ones_make_it_good, patient(), async |store| {
    let admin = store.desk(Role::Admin).await;
    let bought = store.bought(&["the-first-book"], GOOD_CARD).await;
    refund_fails(store, &bought).await;
    let found = store.shop.attention().await.unwrap();
    assert_eq!((found.failed_refunds.len(), found.count()), (1, 1), "{found:?}");
    let failed = &found.failed_refunds[0];
    assert_eq!((&failed.order, failed.amount.minor()), (&bought.number, 799));
    assert_eq!(failed.why.as_deref(), Some("unknown"));
    let page = admin.text("/admin/attention").await;
    for words in ["Refunds that failed", "Pay the buyer another way", &bought.number.to_string(), "unknown; failed "] {
        assert!(page.contains(words), "{words} is not in {page}");
    }
    // A part of it is not enough; with the rest it is.
    store.shop.refund(&bought.number, &amount(300)).await.unwrap();
    assert_eq!(store.shop.attention_count().await.unwrap(), 1);
    assert_eq!(store.shop.refund(&bought.number, &full()).await.unwrap().amount.minor(), 499);
    assert_eq!(store.shop.attention_count().await.unwrap(), 0);
    // Another order's is no help, and after a month nobody is reminded any more.
    let other = store.bought(&["the-second-book"], GOOD_CARD).await;
    refund_fails(store, &other).await;
    assert_eq!(store.shop.attention().await.unwrap().failed_refunds[0].order, other.number);
    store.shop.clock().advance(TimeDelta::days(31));
    assert_eq!(store.shop.attention_count().await.unwrap(), 0);
});

on_both_databases!(a_refund_that_failed_leaves_the_list_when_it_was_settled_elsewhere, patient(), async |store| {
    let (admin, viewer) = (store.desk(Role::Admin).await, store.desk(Role::Viewer).await);
    let bought = store.bought(&["the-first-book"], GOOD_CARD).await;
    refund_fails(store, &bought).await;
    let id = store.shop.attention().await.unwrap().failed_refunds[0].id.to_string();
    assert!(!viewer.text("/admin/attention").await.contains("admin-settle-refund"));
    let settle = async |note: &str| {
        location(&admin.post("/actions/admin-settle-refund", &[("id", id.as_str()), ("note", note)]).await)
    };
    for note in [" ".to_owned(), "x".repeat(201)] {
        assert_eq!(settle(&note).await, "/admin/attention?refused=bad-settlement");
    }
    assert_eq!(store.shop.attention_count().await.unwrap(), 1);
    // A double click is one.
    for note in ["by bank transfer", "twice"] {
        assert_eq!(settle(note).await, "/admin/attention?done=refund-settled");
    }
    assert_eq!(store.shop.attention_count().await.unwrap(), 0);
    assert_eq!(store.count("audit WHERE action = 'refund.settled'").await, 1);
    let order = format!("/admin/orders/{}", bought.number);
    assert!(admin.text(&order).await.contains("settled elsewhere: by bank transfer"));
    assert!(!viewer.text(&order).await.contains("by bank transfer"));
    // What was written about the buyer is forgotten with her.
    store.shop.erase_buyer(&"ann@example.org".parse().unwrap(), &Actor::Command).await.unwrap().unwrap();
    assert_eq!(store.count("refund WHERE settled_at IS NOT NULL AND settled_note IS NULL").await, 1);
});

/// Begins to pay, and Stripe refuses.
async fn is_refused(store: &Store, browser: &Browser) {
    store.sandbox.set_fault(Fault::status(400).on_method("POST").on_path("/v1/checkout/sessions"));
    assert_eq!(location(&browser.start_checkout().await), "/cart?error=payment-refused");
}

on_both_databases!(a_title_whose_carts_stripe_refuses_is_shown_until_it_can_be_paid_for, patient(), async |store| {
    let admin = store.desk(Role::Admin).await;
    let browser = store.browser();
    browser.add(&["the-first-book"]).await;
    is_refused(store, &browser).await;
    is_refused(store, &browser).await;
    let found = store.shop.attention().await.unwrap();
    assert_eq!((found.refused_titles.len(), found.count()), (1, 1), "{found:?}");
    let title = &found.refused_titles[0];
    assert_eq!((title.slug.as_str(), title.times), ("the-first-book", 2));
    let page = admin.text("/admin/attention").await;
    for words in
        ["Titles in carts that Stripe refused", "The first book", "Injected by stripe-sandbox.", "2 times since"]
    {
        assert!(page.contains(words), "{words} is not in {page}");
    }
    assert_eq!(browser.start_checkout().await.status(), StatusCode::SEE_OTHER);
    assert_eq!(store.shop.attention_count().await.unwrap(), 0);
    // Or somebody says so, once.
    let other = store.browser();
    other.add(&["the-first-book", "the-second-book"]).await;
    is_refused(store, &other).await;
    let id = store.shop.attention().await.unwrap().refused_titles[0].id.to_string();
    for _ in 0..2 {
        let answer = admin.post("/actions/admin-refusal-seen-to", &[("id", id.as_str())]).await;
        assert_eq!(location(&answer), "/admin/attention?done=refusal-seen-to");
    }
    assert_eq!(store.shop.attention_count().await.unwrap(), 0);
    assert_eq!(store.count("audit WHERE action = 'refusal.seen-to'").await, 1);
    // No visitor fills the table, and what is old makes room.
    let now = store.shop.clock().now().format("%Y-%m-%d %H:%M:%S");
    for i in 0..200 {
        store
            .execute(&format!(
                "INSERT INTO refused_title (book_id, cause, times, first_at, last_at) \
                 SELECT id, 'cause {i}', 1, '{now}', '{now}' FROM book WHERE slug = 'the-third-book'"
            ))
            .await;
    }
    is_refused(store, &other).await;
    assert_eq!(store.count("refused_title").await, 200);
    store.shop.clock().advance(TimeDelta::days(15));
    assert_eq!(store.shop.attention().await.unwrap().refused_titles, []);
    is_refused(store, &other).await;
    assert_eq!(store.count("refused_title").await, 2);
});

on_both_databases!(what_the_night_found_is_shown_until_it_is_over, patient(), async |store| {
    let bought = store.bought(&["the-first-book"], GOOD_CARD).await;
    let paid = async |amount: i64| {
        store.execute(&format!("UPDATE orders SET amount_total = {amount} WHERE id = 1")).await;
        // The night after: old enough to be in Stripe's list by all means.
        store.shop.clock().advance(TimeDelta::hours(30));
        store.shop.compare_with_stripe(7).await.unwrap();
    };
    paid(798).await;
    let found = store.shop.attention().await.unwrap();
    assert_eq!((found.differences.len(), found.count()), (1, 1), "{found:?}");
    assert_eq!(found.differences[0].object_id, bought.session);
    let admin = store.desk(Role::Admin).await;
    let page = admin.text("/admin/attention").await;
    assert!(
        page.contains("Where the store and Stripe disagree") && page.contains("order with other amounts"),
        "{page}"
    );
    assert!(page.contains(&bought.session), "{page}");
    paid(799).await;
    assert_eq!(store.shop.attention().await.unwrap().differences, []);
});

on_both_databases!(a_viewer_sees_no_buyer_in_what_stripe_says, patient(), async |store| {
    let bought = store.bought(&["the-first-book"], GOOD_CARD).await;
    let (viewer, support) = (store.desk(Role::Viewer).await, store.desk(Role::Support).await);
    let session = &bought.session;
    for sql in [
        "INSERT INTO difference (kind, object_id, detail, found_at) VALUES ('x', 'x', 'paid by ann@example.org.', '2026-01-01 00:00:00')"
            .to_owned(),
        format!(
            "INSERT INTO stripe_event (id, type, object_id, created, livemode, body, state, attempts, received_at, next_at, error) \
             SELECT 'evt_words', 'checkout.session.completed', '{session}', created_at, FALSE, '', 'dead', 12, created_at, created_at, 'asked by <ann@example.org>' FROM orders"
        ),
        "UPDATE checkout SET state = 'quarantined', last_error = 'of ann@example.org'".to_owned(),
    ] {
        store.execute(&sql).await;
    }
    let order = format!("/admin/orders/{}", bought.number);
    for path in ["/admin/attention", "/admin/health", "/admin", &order] {
        let page = viewer.text(path).await;
        assert!(!page.contains("ann@example.org"), "{path}: {page}");
    }
    let page = viewer.text("/admin/attention").await;
    assert!(page.contains("paid by a…@e….org.") && page.contains("asked by &lt;a…@e….org&gt;"), "{page}");
    assert!(support.text("/admin/attention").await.contains("paid by ann@example.org."));
    store.execute("DELETE FROM difference").await;
    store.execute("DELETE FROM stripe_event WHERE id = 'evt_words'").await;
    store.execute("UPDATE checkout SET state = 'completed', last_error = NULL").await;
});
