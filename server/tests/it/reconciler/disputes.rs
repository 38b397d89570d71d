//! The nightly look at disputes.

use super::{alone, stamp};
use crate::support::on_both_databases;
use chrono::TimeDelta;

on_both_databases!(a_dispute_that_no_event_told_of_is_found_at_night, alone(), async |store| {
    let session = store.paid(0).await;
    store.shop.reconcile(&session).await.unwrap();
    let number = store.texts("SELECT number AS value FROM orders").await[0].parse().unwrap();
    let dispute = store.sandbox.open_dispute(&session, "fraudulent", false).unwrap();
    // Its event may only be late.
    assert_eq!(store.shop.compare_with_stripe(7).await.unwrap(), []);
    assert_eq!(store.count("dispute").await, 0);
    store.later(TimeDelta::hours(2)).await;
    assert_eq!(store.shop.compare_with_stripe(7).await.unwrap(), []);
    assert_eq!(store.rights(&number).await, ["frozen disputed"]);
    assert_eq!(store.count("outbox WHERE kind = 'dispute_notice'").await, 1);
    let before = store.fingerprint().await;
    store.sandbox.forget_requests();
    assert_eq!(store.shop.compare_with_stripe(7).await.unwrap(), []);
    assert_eq!(store.fingerprint().await, before, "found twice, done once");
    let asked = store.sandbox.requests().into_iter().filter(|request| request.path.starts_with("/v1/disputes")).count();
    assert_eq!(asked, 1, "what agrees is not asked for one by one");
    // Decided weeks later, and nobody told us.
    store.later(TimeDelta::days(20)).await;
    assert!(store.sandbox.close_dispute(&dispute, false));
    assert_eq!(store.shop.compare_with_stripe(30).await.unwrap(), []);
    assert_eq!(store.rights(&number).await, ["revoked disputed"]);
});

on_both_databases!(disputes_that_one_side_does_not_know_are_differences, alone(), async |store| {
    let session = store.paid(0).await;
    store.shop.reconcile(&session).await.unwrap();
    // Another program's payments are left alone.
    let foreign = store
        .ask_stripe(
            "/v1/checkout/sessions",
            &[
                ("mode", "payment"),
                ("success_url", "https://elsewhere.example.org/"),
                ("line_items[0][quantity]", "1"),
                ("line_items[0][price_data][product_data][name]", "A lamp"),
                ("line_items[0][price_data][currency]", "usd"),
                ("line_items[0][price_data][unit_amount]", "5000"),
            ],
        )
        .await;
    let foreign = foreign["id"].as_str().unwrap();
    let _ = store.sandbox.pay(foreign, crate::support::GOOD_CARD, "ann@example.org");
    store.sandbox.open_dispute(foreign, "fraudulent", false).unwrap();
    let dispute = store.sandbox.open_dispute(&session, "fraudulent", false).unwrap();
    store.shop.reconcile_dispute(&dispute).await.unwrap();
    store.later(TimeDelta::hours(2)).await;
    assert_eq!(store.shop.compare_with_stripe(7).await.unwrap(), []);
    assert_eq!(store.count("dispute").await, 1);
    // A decision that Stripe does not know of is not taken back by asking, and one dispute was never there.
    store.execute("UPDATE dispute SET status = 'won'").await;
    let at = stamp(store.shop.clock().now() - TimeDelta::hours(1));
    store
        .execute(&format!(
            "INSERT INTO dispute (stripe_id, order_id, amount, currency, status, reason, created_at, updated_at) \
             SELECT 'du_unknown', id, 100, 'USD', 'warning_closed', 'general', '{at}', '{at}' FROM orders"
        ))
        .await;
    for _ in 0..2 {
        store.shop.compare_with_stripe(7).await.unwrap();
        assert_eq!(store.kinds().await, ["dispute_differs", "dispute_unknown_to_stripe"]);
    }
    // Weeks later they are older than what is looked at, and still there.
    store.later(TimeDelta::days(20)).await;
    store.shop.compare_with_stripe(7).await.unwrap();
    assert_eq!(store.kinds().await, ["dispute_differs", "dispute_unknown_to_stripe"]);
    store.execute("DELETE FROM dispute WHERE stripe_id = 'du_unknown'").await;
    store.execute("UPDATE dispute SET status = 'needs_response'").await;
    assert_eq!(store.shop.compare_with_stripe(7).await.unwrap(), []);
    assert_eq!(store.count("difference WHERE gone_at IS NOT NULL").await, 2);
});
