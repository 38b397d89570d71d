//! What comes of a payment: row 10, delayed payments, declined ones.

use crate::support::{BANK_ACCOUNT, GOOD_CARD, Store, by_hand, event, on_both_databases};
use shop::BrowserSecret;
use stripe_sandbox::PayOutcome;

const NO_MONEY: &str = "4000000000009995";

/// How a finished session stands at Stripe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Situation {
    Paid,
    Unpaid,
    /// `no_payment_required`, and our total is 0.
    Nothing,
    /// `no_payment_required`, though we asked for something.
    NothingForSomething,
}

async fn finished(store: &Store, situation: Situation) -> String {
    let book = ["the-first-book"];
    let session = match situation {
        Situation::Paid => store.quick_checkout(&book, &BrowserSecret::generate()).await,
        Situation::Unpaid => store.bank_checkout(&book).await,
        Situation::Nothing => {
            let session = store.quick_checkout(&book, &BrowserSecret::generate()).await;
            // Free since the session was asked for: our own snapshot says so.
            store
                .execute(&format!(
                    "UPDATE checkout SET subtotal = 0, cart_snapshot = replace(cart_snapshot, '799', '0') \
                     WHERE stripe_session = '{session}'"
                ))
                .await;
            store.replace_session(&session, &[]).await
        }
        Situation::NothingForSomething => {
            let session = store.quick_checkout(&book, &BrowserSecret::generate()).await;
            let coupon = store.ask_stripe("/v1/coupons", &[("percent_off", "100"), ("duration", "once")]).await;
            store.replace_session(&session, &[("discounts[0][coupon]", coupon["id"].as_str().unwrap())]).await
        }
    };
    let means = if situation == Situation::Unpaid { BANK_ACCOUNT } else { GOOD_CARD };
    let outcome = store.sandbox.pay(&session, means, "ann@example.org");
    assert!(matches!(outcome, PayOutcome::Completed { .. }), "{situation:?}: {outcome:?}");
    let expected = match situation {
        Situation::Paid => "paid",
        Situation::Unpaid => "unpaid",
        Situation::Nothing | Situation::NothingForSomething => "no_payment_required",
    };
    assert_eq!(store.sandbox.session(&session).unwrap()["payment_status"], expected, "{situation:?}");
    session
}

on_both_databases!(row_10_only_paid_or_free_by_our_own_total_is_granted, by_hand(), async |store| {
    let kinds = ["completed", "async_payment_succeeded", "async_payment_failed", "expired"];
    let situations = [Situation::Paid, Situation::Unpaid, Situation::Nothing, Situation::NothingForSomething];
    for (case, (situation, kind)) in
        situations.into_iter().flat_map(|situation| kinds.map(|kind| (situation, kind))).enumerate()
    {
        let session = finished(store, situation).await;
        // Whatever the event says: Stripe's session is the truth.
        let kind = format!("checkout.session.{kind}");
        store.deliver_all(&[event(&format!("evt_{case}"), &kind, &session, store.seconds())]).await;
        let of = format!("stripe_session = '{session}'");
        let status = store.texts(&format!("SELECT status AS value FROM orders WHERE {of}")).await;
        let granted = store
            .count(&format!(
                "entitlement e JOIN order_item i ON i.id = e.order_item_id JOIN orders o ON o.id = i.order_id \
                 WHERE o.{of} AND e.state = 'active'"
            ))
            .await;
        let checkout = store.texts(&format!("SELECT state AS value FROM checkout WHERE {of}")).await.remove(0);
        let expected = match situation {
            Situation::Paid | Situation::Nothing => (vec!["succeeded".to_owned()], 1, "completed"),
            Situation::Unpaid => (vec!["pending".to_owned()], 0, "completed"),
            Situation::NothingForSomething => (vec![], 0, "quarantined"),
        };
        assert_eq!((status, granted, checkout.as_str()), expected, "{situation:?} {kind}");
        assert_eq!(store.count(&format!("stripe_event WHERE id = 'evt_{case}' AND state = 'done'")).await, 1);
    }
    assert_eq!((store.count("orders").await, store.count("stripe_event").await), (12, 16));
    // Four were paid for, four more were free: the latter have a receipt and no invoice.
    assert_eq!((store.count("invoice").await, store.count("outbox WHERE kind = 'receipt'").await), (4, 8));
});

on_both_databases!(a_delayed_payment_opens_the_books_when_it_arrives_in_any_order, by_hand(), async |store| {
    for (succeeds, reversed) in [(true, false), (true, true), (false, false), (false, true)] {
        let session = store.bank_checkout(&["the-first-book", "the-second-book"]).await;
        let before = store.sandbox.event_count();
        assert!(matches!(store.sandbox.pay(&session, BANK_ACCOUNT, "ann@example.org"), PayOutcome::Completed { .. }));
        let mut events = store.sandbox.events_after(before);
        let of = format!("stripe_session = '{session}'");
        let status = async || store.texts(&format!("SELECT status AS value FROM orders WHERE {of}")).await;
        if !reversed {
            store.deliver_all(&events).await;
            assert_eq!(status().await, ["pending"]);
            assert_eq!(
                store
                    .count(
                        "entitlement e JOIN order_item i ON i.id = e.order_item_id JOIN orders o \
                                    ON o.id = i.order_id AND o.status = 'pending'"
                    )
                    .await,
                0
            );
        }
        let between = store.sandbox.event_count();
        assert!(store.sandbox.settle(&session, succeeds));
        let later = store.sandbox.events_after(between);
        events = if reversed { later.into_iter().rev().chain(events.into_iter().rev()).collect() } else { later };
        store.deliver_all(&events).await;
        assert_eq!(status().await, [if succeeds { "succeeded" } else { "failed" }], "reversed: {reversed}");
        // Why the debit failed is kept; a payment that arrived was never declined.
        let decline = store.texts(&format!("SELECT COALESCE(decline, '-') AS value FROM checkout WHERE {of}")).await;
        let expected =
            if succeeds { "-" } else { "The payment provider declined the payment. (payment_method_provider_decline)" };
        assert_eq!(decline, [expected], "reversed: {reversed}");
    }
    assert_eq!(store.count("entitlement").await, 4);
    assert_eq!(store.count("stripe_event WHERE state NOT IN ('done', 'ignored')").await, 0);
});

on_both_databases!(a_declined_card_leaves_its_reason_until_another_one_pays, by_hand(), async |store| {
    let session = store.quick_checkout(&["the-first-book"], &BrowserSecret::generate()).await;
    let checkout = async || {
        store.texts("SELECT state || ': ' || COALESCE(decline, 'not declined') AS value FROM checkout").await.remove(0)
    };
    for (card, words) in [
        (
            "4000000000000002",
            "The bank declined the payment without a reason. The buyer can ask it, or pay another way. (generic_decline)",
        ),
        (NO_MONEY, "There was not enough money in the account. (insufficient_funds)"),
    ] {
        let before = store.sandbox.event_count();
        assert!(matches!(store.sandbox.pay(&session, card, "ann@example.org"), PayOutcome::Declined { .. }));
        store.deliver_all(&store.sandbox.events_after(before)).await;
        assert_eq!(checkout().await, format!("open: {words}"));
    }
    assert_eq!(store.count("orders").await, 0);
    let declined = store.sandbox.events().into_iter().rfind(|event| event["type"] == "payment_intent.payment_failed");
    // The event that comes again while the buyer pays finds that the payment waits no more.
    assert!(matches!(store.sandbox.pay(&session, GOOD_CARD, "ann@example.org"), PayOutcome::Completed { .. }));
    let mut late = declined.expect("an event");
    late["id"] = "evt_late".into();
    store.deliver_all(&[late.clone()]).await;
    assert_eq!(checkout().await, "open: not declined");
    store.deliver_all(&[event("evt_done", "checkout.session.completed", &session, store.seconds())]).await;
    late["id"] = "evt_later".into();
    store.deliver_all(&[late]).await;
    assert_eq!(checkout().await, "completed: not declined");
    assert_eq!(store.event_states("payment_intent.payment_failed").await, ["done"; 4]);
    assert_eq!(store.count("orders WHERE status = 'succeeded'").await, 1);
});

on_both_databases!(
    a_checkout_that_ran_out_is_expired_and_another_programs_payment_is_not_ours,
    by_hand(),
    async |store| {
        let session = store.quick_checkout(&["the-first-book"], &BrowserSecret::generate()).await;
        assert!(store.sandbox.expire(&session));
        // The same in Stripe's account, made by somebody else.
        let form = [
            ("mode", "payment"),
            ("line_items[0][price_data][currency]", "usd"),
            ("line_items[0][price_data][unit_amount]", "500"),
            ("line_items[0][price_data][product_data][name]", "A course"),
            ("line_items[0][quantity]", "1"),
            ("success_url", "http://127.0.0.1:9/ok"),
        ];
        let theirs = store.ask_stripe("/v1/checkout/sessions", &form).await["id"].as_str().unwrap().to_owned();
        assert!(matches!(store.sandbox.pay(&theirs, NO_MONEY, "bob@example.org"), PayOutcome::Declined { .. }));
        store.deliver_all(&store.sandbox.events()).await;
        assert_eq!(store.texts("SELECT state AS value FROM checkout").await, ["expired"]);
        assert_eq!(store.event_states("checkout.session.expired").await, ["done"]);
        assert_eq!(store.event_states("payment_intent.payment_failed").await, ["ignored"]);
        assert_eq!(store.count("orders").await, 0);
    }
);
