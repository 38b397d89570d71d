//! Test and live mode never touch each other: row 15.

use crate::support::{
    BANK_ACCOUNT, GOOD_CARD, Options, Program, Store, WEBHOOK_SECRET, by_hand, log, on_both_databases, signature,
};
use reqwest::StatusCode;
use serde_json::{Value, json};
use shop::BrowserSecret;
use std::collections::BTreeSet;

const BOOKS: [&str; 2] = ["the-first-book", "the-second-book"];
/// So many events are told.
const EVENTS: usize = 100;
const ALERT: &str = "an event of the other mode was ignored";

/// A store that takes real money. What the sandbox tells it is always of test mode.
fn live() -> Options {
    Options { livemode: true, ..by_hand() }
}

/// Everything that can happen at Stripe, until it has told enough; gives its events in their order.
async fn history(store: &Store) -> Vec<Value> {
    let declined = "4000000000000002";
    while store.sandbox.event_count() < EVENTS {
        let checkout = async || store.quick_checkout(&BOOKS, &BrowserSecret::generate()).await;
        let paid = async |card: &str| {
            let session = checkout().await;
            let _ = store.sandbox.pay(&session, card, "ann@example.org");
            session
        };
        let refunded = paid(GOOD_CARD).await;
        let refund = store.sandbox.refund(&refunded, Some(500)).unwrap();
        assert!(store.sandbox.finish_refund(&refund, false));
        store.sandbox.refund(&refunded, None).unwrap();
        let disputed = paid(GOOD_CARD).await;
        let dispute = store.sandbox.open_dispute(&disputed, "fraudulent", false).unwrap();
        assert!(store.sandbox.close_dispute(&dispute, false));
        paid(declined).await;
        assert!(store.sandbox.expire(&checkout().await));
        for arrives in [true, false] {
            let debited = store.bank_checkout(&BOOKS).await;
            let _ = store.sandbox.pay(&debited, BANK_ACCOUNT, "ann@example.org");
            assert!(store.sandbox.settle(&debited, arrives));
        }
    }
    let mut events = store.sandbox.events();
    events.truncate(EVENTS);
    let types: BTreeSet<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    for needed in [
        "checkout.session.completed",
        "checkout.session.expired",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "payment_intent.payment_failed",
        "refund.created",
        "refund.failed",
        "charge.refunded",
        "charge.dispute.created",
        "charge.dispute.closed",
        "charge.succeeded",
    ] {
        assert!(types.contains(needed), "no {needed} in {types:?}");
    }
    events
}

fn flipped(event: &Value) -> Value {
    let mut event = event.clone();
    event["livemode"] = json!(!event["livemode"].as_bool().unwrap());
    event
}

/// Delivers them all; they must be taken, kept and ignored.
async fn all_are_kept_and_ignored(store: &Store, url: &str, events: &[Value]) {
    store.sandbox.forget_requests();
    for event in events {
        let body = event.to_string().into_bytes();
        let header = signature(WEBHOOK_SECRET, store.seconds(), &body);
        assert_eq!(store.deliver_signed(url, &header, body).await, StatusCode::OK, "{event}");
    }
    let kept = i64::try_from(EVENTS).unwrap();
    assert_eq!(store.count("stripe_event WHERE state = 'ignored' AND error = 'other mode'").await, kept);
    assert_eq!(store.count("stripe_event").await, kept);
    // Nor is anything of it asked for when somebody has it done again.
    let mut replay = vec!["events", "replay"];
    replay.extend(events.iter().map(|event| event["id"].as_str().unwrap()));
    let (code, said) = store.octavo(&replay).await;
    assert_eq!(code, 0, "{said}");
    store.work().await;
    store.until("all are ignored", async || store.count("stripe_event WHERE state = 'ignored'").await == kept).await;
    assert_eq!(store.sandbox.requests(), []);
    nothing_was_granted(store).await;
}

async fn nothing_was_granted(store: &Store) {
    for table in ["orders", "entitlement", "invoice", "outbox", "refund", "dispute"] {
        assert_eq!(store.count(table).await, 0, "{table}");
    }
    assert_eq!(store.count("checkout WHERE state <> 'open' OR decline IS NOT NULL").await, 0);
}

on_both_databases!(row_15_a_test_store_ignores_a_hundred_live_events, by_hand(), async |store| {
    let events = history(store).await;
    let live: Vec<Value> = events.iter().map(flipped).collect();
    let mut program = Program::start(store, None).await;
    all_are_kept_and_ignored(store, &program.url, &live).await;
    program.kill();
    // The owner is told of each.
    let said = log(store);
    let alert = |event: &Value| {
        let id = event["id"].as_str().unwrap();
        said.lines().any(|line| line.contains("ERROR") && line.contains(ALERT) && line.contains(id))
    };
    assert!(live.iter().all(alert), "{said}");
    // The same in its own mode are what make the orders.
    store.execute("DELETE FROM stripe_event").await;
    store.deliver_all(&events).await;
    assert_eq!(store.count("stripe_event WHERE error = 'other mode'").await, 0);
    assert!(store.count("orders WHERE status = 'succeeded'").await >= 3);
});

on_both_databases!(row_15_a_live_store_ignores_a_hundred_test_events, live(), async |store| {
    let events = history(store).await;
    all_are_kept_and_ignored(store, &store.url, &events).await;
    // Nor does it believe one that calls itself live: Stripe shows what it is about.
    store.execute("DELETE FROM stripe_event").await;
    let forged: Vec<Value> = events.iter().map(flipped).collect();
    store.deliver_all(&forged).await;
    assert_eq!(store.count("stripe_event WHERE state NOT IN ('ignored', 'parked')").await, 0);
    assert!(store.count("stripe_event WHERE error = 'other mode'").await >= 30);
    nothing_was_granted(store).await;
});
