//! What becomes of events: rows 5 and 19, and those that nobody waits for.

use crate::support::{GOOD_CARD, Options, Store, event, on_both_databases};
use chrono::{TimeDelta, Utc};
use futures::StreamExt as _;
use reqwest::StatusCode;
use serde_json::{Value, json};
use shop::{BrowserSecret, Clock};
use std::sync::atomic::{AtomicUsize, Ordering};

fn without_deliveries() -> Options {
    Options { webhooks: false, ..Options::default() }
}

/// A paid session that no webhook has told the store about.
async fn paid_session(store: &Store) -> String {
    let session = store.quick_checkout(&["the-first-book"], &BrowserSecret::generate()).await;
    let _ = store.sandbox.pay(&session, GOOD_CARD, "ann@example.org");
    session
}

on_both_databases!(row_5_ten_thousand_deliveries_of_one_event_have_one_effect, without_deliveries(), async |store| {
    let session = paid_session(store).await;
    // Stripe's own words, whole.
    let completed = store
        .sandbox
        .events()
        .into_iter()
        .find(|event| event["type"] == "checkout.session.completed")
        .expect("an event");
    let body = completed.to_string().into_bytes();
    let left = AtomicUsize::new(10_000);
    let worker = async |_| {
        while left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
            assert_eq!(store.deliver(body.clone()).await, StatusCode::OK);
        }
    };
    futures::stream::iter(0..32).for_each_concurrent(32, worker).await;
    store.settle().await;
    assert_eq!(left.load(Ordering::SeqCst), 0);
    assert_eq!(store.count("stripe_event").await, 1);
    assert_eq!(store.count("stripe_event WHERE state = 'done'").await, 1);
    assert_eq!(store.count(&format!("orders WHERE stripe_session = '{session}' AND status = 'succeeded'")).await, 1);
    assert_eq!(store.count("orders").await, 1);
    assert_eq!(store.count("invoice").await, 1);
    assert_eq!(store.count("outbox").await, 1);
});

fn by_hand() -> Options {
    Options { workers: false, webhooks: false, clock: Clock::manual(Utc::now().naive_utc()), ..Options::default() }
}

on_both_databases!(an_event_of_an_unknown_session_waits_three_days_and_is_put_aside, by_hand(), async |store| {
    let state = async || store.texts("SELECT state AS value FROM stripe_event").await.remove(0);
    assert_eq!(store.deliver_completed("evt_unknown", "cs_test_unknown").await, StatusCode::OK);
    assert_eq!(store.shop.work_on_events().await.unwrap(), 1);
    assert_eq!(state().await, "parked");
    // Not before its time, then again and again, at intervals that double.
    assert_eq!(store.shop.work_on_events().await.unwrap(), 0);
    for minutes in [10, 10, 20, 40, 80, 160, 320, 640, 1_280] {
        store.shop.clock().advance(TimeDelta::minutes(minutes) - TimeDelta::seconds(1));
        assert_eq!(store.shop.work_on_events().await.unwrap(), 0);
        store.shop.clock().advance(TimeDelta::seconds(1));
        assert_eq!(store.shop.work_on_events().await.unwrap(), 1);
        assert_eq!(state().await, "parked");
    }
    store.shop.clock().advance(TimeDelta::minutes(2_560));
    assert_eq!(store.shop.work_on_events().await.unwrap(), 1);
    assert_eq!(state().await, "dead");
    store.shop.clock().advance(TimeDelta::days(3));
    assert_eq!(store.shop.work_on_events().await.unwrap(), 0);
    assert_eq!(store.count("orders").await, 0);
});

on_both_databases!(an_event_is_tried_again_while_stripe_is_down_and_then_done, by_hand(), async |store| {
    let session = paid_session(store).await;
    assert_eq!(store.deliver_completed("evt_1", &session).await, StatusCode::OK);
    store.sandbox.set_fault(stripe_sandbox::Fault::status(500).on_method("GET").times(3));
    for _ in 0..3 {
        assert_eq!(store.shop.work_on_events().await.unwrap(), 1);
        assert_eq!(
            store.count("stripe_event WHERE state = 'new' AND error IS NOT NULL AND lease_until IS NULL").await,
            1
        );
        assert_eq!(store.shop.work_on_events().await.unwrap(), 0, "it comes back too soon");
        store.shop.clock().advance(TimeDelta::minutes(1));
    }
    assert_eq!(store.shop.work_on_events().await.unwrap(), 1);
    assert_eq!(store.count("stripe_event WHERE state = 'done' AND error IS NULL").await, 1);
    assert_eq!(store.count("orders WHERE status = 'succeeded'").await, 1);
});

/// Works on the one event so often, each time after its longest pause, which is an hour and a quarter.
async fn fail(store: &Store, times: usize) {
    for _ in 0..times {
        assert_eq!(store.shop.work_on_events().await.unwrap(), 1);
        store.shop.clock().advance(TimeDelta::minutes(76));
    }
}

on_both_databases!(an_event_outlives_two_days_without_stripe, by_hand(), async |store| {
    let session = paid_session(store).await;
    let begun = store.shop.clock().now();
    assert_eq!(store.deliver_completed("evt_1", &session).await, StatusCode::OK);
    store.sandbox.set_fault(stripe_sandbox::Fault::status(500).on_method("GET").times(1_000));
    fail(store, 38).await;
    assert!(store.shop.clock().now() - begun > TimeDelta::days(2));
    assert_eq!(store.count("stripe_event WHERE state = 'new' AND attempts = 38 AND error IS NOT NULL").await, 1);
    // A process that dies at it now and then is no reason to put it aside.
    let lease = store.shop.clock().now().format("%Y-%m-%d %H:%M:%S%.6f");
    store.execute(&format!("UPDATE stripe_event SET state = 'leased', lease_until = '{lease}'")).await;
    store.shop.clock().advance(TimeDelta::seconds(1));
    store.sandbox.clear_faults();
    assert_eq!(store.shop.work_on_events().await.unwrap(), 1);
    assert_eq!(store.count("stripe_event WHERE state = 'done' AND error IS NULL").await, 1);
    assert_eq!(store.count("orders WHERE status = 'succeeded'").await, 1);
});

on_both_databases!(an_event_that_fails_for_three_days_is_put_aside, by_hand(), async |store| {
    let session = paid_session(store).await;
    assert_eq!(store.deliver_completed("evt_1", &session).await, StatusCode::OK);
    store.sandbox.set_fault(stripe_sandbox::Fault::status(500).on_method("GET").times(1_000));
    fail(store, 75).await;
    assert_eq!(store.count("stripe_event WHERE state = 'new' AND attempts = 75").await, 1);
    fail(store, 1).await;
    assert_eq!(store.count("stripe_event WHERE state = 'dead' AND attempts = 76 AND error IS NOT NULL").await, 1);
    assert_eq!(store.shop.work_on_events().await.unwrap(), 0);
});

on_both_databases!(an_event_whose_worker_died_is_taken_by_another_one, by_hand(), async |store| {
    let session = paid_session(store).await;
    assert_eq!(store.deliver_completed("evt_1", &session).await, StatusCode::OK);
    // As a worker leaves it that is killed after taking it.
    let lease = (store.shop.clock().now() + TimeDelta::seconds(60)).format("%Y-%m-%d %H:%M:%S%.6f");
    store.execute(&format!("UPDATE stripe_event SET state = 'leased', attempts = 1, lease_until = '{lease}'")).await;
    assert_eq!(store.shop.work_on_events().await.unwrap(), 0);
    store.shop.clock().advance(TimeDelta::seconds(61));
    assert_eq!(store.shop.work_on_events().await.unwrap(), 1);
    assert_eq!(store.count("stripe_event WHERE state = 'done'").await, 1);
});

on_both_databases!(an_event_that_takes_every_worker_with_it_is_put_aside, by_hand(), async |store| {
    let session = paid_session(store).await;
    assert_eq!(store.deliver_completed("evt_poison", &session).await, StatusCode::OK);
    // As twelve workers leave it that died of it, one after the other.
    let lease = store.shop.clock().now().format("%Y-%m-%d %H:%M:%S%.6f");
    store.execute(&format!("UPDATE stripe_event SET state = 'leased', attempts = 12, lease_until = '{lease}'")).await;
    store.shop.clock().advance(TimeDelta::seconds(1));
    assert_eq!(store.deliver_completed("evt_good", &session).await, StatusCode::OK);
    assert_eq!(store.shop.work_on_events().await.unwrap(), 1);
    assert_eq!(store.texts("SELECT state AS value FROM stripe_event ORDER BY id").await, ["done", "dead"]);
    assert_eq!(store.count("orders WHERE status = 'succeeded'").await, 1);
});

fn any<T: Copy>(choices: &[T]) -> T {
    choices[rand::random_range(0..choices.len())]
}

/// A body that Stripe could sign one day, or never would.
fn odd_body(i: usize) -> Vec<u8> {
    let kinds = [
        "checkout.session.completed",
        "checkout.session.expired",
        "checkout.session.\u{1f4a5}",
        "charge.refunded",
        "v2.core.event",
        "",
        " ",
        "a\0b",
        "ünknown",
        "CHECKOUT.SESSION.COMPLETED",
    ];
    let objects = [
        "cs_test_1",
        "",
        " ",
        "../../v1/events",
        "cs test",
        "cs?expand[]=x",
        "cs#",
        "%00",
        "ü",
        "😀",
        "a/b/c",
        "\r\n",
        "\0",
        "'; DROP TABLE orders; --",
    ];
    let numbers = [
        "1",
        "-1",
        "0",
        "1.5",
        "1e400",
        "99999999999999999999",
        "-9223372036854775808",
        "9223372036854775807",
        "253402300800",
        "null",
        "\"1\"",
        "true",
        "[]",
    ];
    let created = format!("{}", 1_700_000_000 + i);
    let mut body = json!({
        "id": format!("evt_fuzz_{i}"), "type": any(&kinds), "created": 1_700_000_000 + i, "livemode": false,
        "data": { "object": { "id": any(&objects), "amount": i, "nested": { "a": [1, 2, { "b": null }] } } },
        "api_version": "2099-01-01.next", "request": { "id": null }, "unknown": [{}, [], "", 1.5],
    });
    let names = ["id", "type", "created", "livemode", "data"];
    let values = [
        json!(null),
        json!(true),
        json!(-1),
        json!(1.5),
        json!(""),
        json!("x\0y"),
        json!([]),
        json!({}),
        json!("long".repeat(500)),
    ];
    match i % 12 {
        0..3 => {}
        3 => drop(body.as_object_mut().unwrap().remove(any(&names))),
        4 => body[any(&names)] = values[i / 12 % values.len()].clone(),
        5 => body["data"]["object"] = values[i / 12 % values.len()].clone(),
        6 => body["data"]["object"]["id"] = values[i / 12 % values.len()].clone(),
        7 => return body.to_string().replace(&created, any(&numbers)).into_bytes(),
        8 => {
            let depth = any(&[10, 120, 130, 5_000]);
            let deep = format!("{}{}", "[".repeat(depth), "]".repeat(depth));
            return body
                .to_string()
                .replace("\"api_version\"", &format!("\"deep\":{deep},\"api_version\""))
                .into_bytes();
        }
        9 => {
            let mut bytes = body.to_string().into_bytes();
            let at = rand::random_range(0..bytes.len());
            bytes[at] = any(&[0, 0xff, 0xc0, 0x80, b'"', b'\\', b'}']);
            return bytes;
        }
        10 => {
            let mut bytes = body.to_string().into_bytes();
            bytes.truncate(rand::random_range(0..bytes.len()));
            return bytes;
        }
        _ => {
            return any(&[
                "",
                "null",
                "[]",
                "{}",
                "0",
                "\"\"",
                "\u{feff}{}",
                "{\"id\":",
                "{\"id\":\"a\",\"id\":\"b\"}",
            ])
            .as_bytes()
            .to_vec();
        }
    }
    body.to_string().into_bytes()
}

on_both_databases!(row_19_no_signed_body_breaks_or_blocks_the_queue, without_deliveries(), async |store| {
    let session = paid_session(store).await;
    let one = async |i| {
        let body = odd_body(i);
        let status = store.deliver(body.clone()).await;
        let said_no = status == StatusCode::BAD_REQUEST;
        assert!(status == StatusCode::OK || said_no, "{status} for {}", String::from_utf8_lossy(&body));
        // Whatever is an event as far as we read it is kept, known or not.
        let plain = matches!(i % 12, 0..3)
            && !body.windows(6).any(|bytes| bytes == b"\\u0000")
            && !body.windows(10).any(|bytes| bytes == b"\"type\":\"\",");
        assert!(!plain || !said_no, "refused: {}", String::from_utf8_lossy(&body));
        usize::from(!said_no)
    };
    let kept: Vec<usize> = futures::stream::iter(0..2_000).map(one).buffer_unordered(8).collect().await;
    let kept = i64::try_from(kept.iter().sum::<usize>()).unwrap();
    assert!(kept > 500, "only {kept} were kept: the fuzz tries nothing");
    assert_eq!(store.count("stripe_event").await, kept);
    assert_eq!(store.deliver_completed("evt_good", &session).await, StatusCode::OK);
    store
        .until("the good event is done", async || {
            store.count("stripe_event WHERE id = 'evt_good' AND state = 'done'").await == 1
        })
        .await;
    assert_eq!(store.count("orders WHERE status = 'succeeded'").await, 1);
    // Each was looked at, and no worker died over one: its lease would stay.
    store
        .until("every event was tried", async || {
            store.count("stripe_event WHERE attempts = 0 AND state = 'new'").await == 0
        })
        .await;
    store.until("no lease is left", async || store.count("stripe_event WHERE state = 'leased'").await == 0).await;
    assert_eq!(store.count("stripe_event WHERE state = 'done'").await, 1);
});

on_both_databases!(an_event_larger_than_any_of_stripes_is_refused, without_deliveries(), async |store| {
    let mut large: Value = event("evt_large", "product.created", "prod_1", store.seconds());
    large["padding"] = json!("x".repeat(600 * 1024));
    assert_eq!(store.deliver(large.to_string().into_bytes()).await, StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(store.count("stripe_event").await, 0);
});
