//! What no webhook has brought is found: row 8, and the comparison with Stripe.

use crate::support::{GOOD_CARD, Options, Program, Store, on_both_databases};
use chrono::{NaiveDateTime, TimeDelta, Timelike as _, Utc};
use futures::StreamExt as _;
use reqwest::StatusCode;
use shop::audit::Actor;
use shop::events::Replayed;
use shop::reconciler::CheckoutsChecked;
use shop::{BrowserSecret, Clock};
use stripe_sandbox::Fault;

mod disputes;

/// No webhook, no worker, and a clock that stands still.
fn alone() -> Options {
    Options { workers: false, webhooks: false, clock: Clock::manual(Utc::now().naive_utc()), ..Options::default() }
}

impl Store {
    async fn paid(&self, i: usize) -> String {
        let session = self.quick_checkout(&["the-first-book"], &BrowserSecret::generate()).await;
        let _ = self.sandbox.pay(&session, GOOD_CARD, &format!("buyer{i}@example.org"));
        session
    }

    async fn many_paid(&self, count: usize) -> Vec<String> {
        futures::stream::iter(0..count).map(|i| self.paid(i)).buffer_unordered(8).collect().await
    }

    async fn later(&self, time: TimeDelta) {
        self.shop.clock().advance(time);
    }

    /// How often Stripe was asked for sessions since this was last asked.
    fn asked(&self) -> usize {
        let requests = self.sandbox.requests();
        self.sandbox.forget_requests();
        requests.iter().filter(|request| request.path.starts_with("/v1/checkout/sessions/")).count()
    }

    async fn kinds(&self) -> Vec<String> {
        let mut kinds: Vec<String> =
            self.shop.differences().await.unwrap().into_iter().map(|difference| difference.kind).collect();
        kinds.sort();
        kinds
    }
}

on_both_databases!(row_8_two_hundred_sessions_without_an_event_are_healed_in_one_pass, alone(), async |store| {
    let sessions = store.many_paid(200).await;
    // Too young to be asked for: a webhook would still have its time.
    assert_eq!(store.shop.check_open_checkouts().await.unwrap(), CheckoutsChecked::default());
    assert_eq!(store.count("orders").await, 0);
    store.later(TimeDelta::minutes(11)).await;
    let first = store.shop.check_open_checkouts().await.unwrap();
    assert_eq!(first, CheckoutsChecked { settled: 200, ..CheckoutsChecked::default() });
    assert_eq!(store.count("orders WHERE status = 'succeeded'").await, 200);
    assert_eq!((store.count("invoice").await, store.count("outbox").await), (200, 200));
    // The second pass, and the list of events with all of them, change nothing of it.
    let before = store.fingerprint().await;
    store.later(TimeDelta::minutes(5)).await;
    assert_eq!(store.shop.check_open_checkouts().await.unwrap(), CheckoutsChecked::default());
    assert_eq!(store.fingerprint().await, before);
    assert_eq!(store.shop.fetch_recent_events().await.unwrap(), sessions.len());
    while store.shop.work_on_events().await.unwrap() > 0 {}
    assert_eq!(store.count("stripe_event WHERE state = 'done'").await, 200);
    let mut after = store.fingerprint().await;
    let mut before = before;
    // What did change is that the events are there, and that the checkouts were looked at.
    for table in ["stripe_event", "checkout"] {
        assert_ne!(after.remove(table), before.remove(table), "{table}");
    }
    assert_eq!(after, before);
    assert_eq!(store.shop.fetch_recent_events().await.unwrap(), 0);
});

on_both_databases!(row_8_two_hundred_sessions_are_healed_by_stripes_list_of_events, alone(), async |store| {
    store.many_paid(200).await;
    // The list has three pages; the last of them fails first, and nothing is taken for complete.
    store.sandbox.set_fault(Fault::status(500).on_path("/v1/events").with_probability(1.0, 1).times(1));
    assert!(store.shop.fetch_recent_events().await.is_err());
    assert_eq!(store.count("watermark").await, 0);
    assert_eq!(store.shop.fetch_recent_events().await.unwrap(), 200);
    assert_eq!(store.shop.fetch_recent_events().await.unwrap(), 0);
    assert_eq!(store.shop.fetch_events_of_three_days().await.unwrap(), 0);
    while store.shop.work_on_events().await.unwrap() > 0 {}
    assert_eq!(store.count("orders WHERE status = 'succeeded'").await, 200);
    let before = store.fingerprint().await;
    store.later(TimeDelta::minutes(20)).await;
    assert_eq!(store.shop.check_open_checkouts().await.unwrap(), CheckoutsChecked::default());
    assert_eq!(store.fingerprint().await, before);
});

on_both_databases!(after_a_downtime_events_are_fetched_from_the_last_good_one_on, alone(), async |store| {
    store.paid(0).await;
    assert_eq!(store.shop.fetch_recent_events().await.unwrap(), 1);
    let complete = async || {
        store.texts("SELECT CAST(at AS TEXT) AS value FROM watermark WHERE name = 'events are complete up to'").await
    };
    let watermark = complete().await;
    assert_eq!(watermark.len(), 1);
    // Two days without the store; what Stripe has made meanwhile is asked for from there, less an hour.
    // The sandbox's clock runs on while the store's stands still.
    let from = store.seconds() - 3_600..store.seconds() - 3_600 + 60;
    store.later(TimeDelta::days(2)).await;
    store.sandbox.forget_requests();
    store.sandbox.set_fault(Fault::status(500).on_path("/v1/events"));
    assert!(store.shop.fetch_recent_events().await.is_err());
    assert_eq!(complete().await, watermark);
    assert_eq!(store.shop.fetch_recent_events().await.unwrap(), 0);
    for request in store.sandbox.requests() {
        let asked: i64 = request.param("created[gte]").unwrap().parse().unwrap();
        assert!(from.contains(&asked), "{asked} is not in {from:?}");
    }
    assert_ne!(complete().await, watermark);
    // No further back than Stripe keeps them.
    store.later(TimeDelta::days(60)).await;
    store.sandbox.forget_requests();
    store.shop.fetch_recent_events().await.unwrap();
    let oldest = store.seconds() - 30 * 86_400;
    assert_eq!(store.sandbox.requests()[0].param("created[gte]"), Some(oldest.to_string().as_str()));
});

on_both_databases!(an_abandoned_checkout_is_asked_for_less_and_less_and_expires, alone(), async |store| {
    let session = store.quick_checkout(&["the-first-book"], &BrowserSecret::generate()).await;
    let begun = store.shop.clock().now();
    store.asked();
    let mut times = Vec::new();
    // As the rounds come, every five minutes for 26 hours.
    for _ in 0..26 * 12 {
        store.later(TimeDelta::minutes(5)).await;
        if store.shop.clock().now() - begun > TimeDelta::hours(24) {
            store.sandbox.expire(&session);
        }
        store.shop.check_open_checkouts().await.unwrap();
        if store.asked() > 0 {
            times.push((store.shop.clock().now() - begun).num_minutes());
        }
    }
    assert_eq!(times.first(), Some(&10));
    assert!(times.len() < 20, "{times:?}");
    assert!(times.last().is_some_and(|last| (24 * 60..25 * 60).contains(last)), "{times:?}");
    assert_eq!(store.count("checkout WHERE state = 'expired'").await, 1);
});

on_both_databases!(many_open_checkouts_take_turns, alone(), async |store| {
    // More than one round asks for; Stripe is asked for each before it is asked for one twice.
    let now = store.shop.clock().now();
    for i in 0..1_200 {
        let at = stamp(now - TimeDelta::minutes(30) + TimeDelta::seconds(i % 600));
        store
            .execute(&format!(
                "INSERT INTO checkout (idem_key, cart_snapshot, snapshot_hash, subtotal, currency, stripe_session, browser_hash, \
                 state, created_at, expires_at, updated_at) VALUES ('key-{i}', '[]', 'hash-{i}', 799, 'USD', 'cs_test_{i}', \
                 '{i:064}', 'open', '{at}', '{}', '{at}')",
                stamp(now + TimeDelta::hours(23))
            ))
            .await;
    }
    store.shop.rebuild_tallies(|_| {}).await.unwrap();
    let mut asked = Vec::new();
    for _ in 0..3 {
        let round = store.shop.check_open_checkouts().await.unwrap();
        assert!(round.open <= 500, "{round:?}");
        asked.extend(store.sandbox.requests().into_iter().map(|request| request.path));
        store.sandbox.forget_requests();
        store.later(TimeDelta::seconds(1)).await;
    }
    assert_eq!(asked.len(), 1_200);
    asked.sort();
    asked.dedup();
    assert_eq!(asked.len(), 1_200, "some were asked for twice before others");
    // Stripe does not know them. That may be a matter of time, for three days; then they are closed, and said.
    store.later(TimeDelta::days(3)).await;
    for _ in 0..3 {
        store.shop.check_open_checkouts().await.unwrap();
    }
    assert_eq!(store.count("checkout WHERE state = 'open'").await, 0);
});

fn stamp(at: NaiveDateTime) -> String {
    at.format("%Y-%m-%d %H:%M:%S%.6f").to_string()
}

on_both_databases!(a_stripe_that_is_down_ends_the_round_and_nobody_loses_a_turn, alone(), async |store| {
    store.many_paid(20).await;
    store.later(TimeDelta::minutes(11)).await;
    store.sandbox.forget_requests();
    store.sandbox.set_fault(Fault::status(500).times(1_000));
    let before = store.fingerprint().await;
    let round = store.shop.check_open_checkouts().await.unwrap();
    assert_eq!((round.settled, round.failed), (0, 5));
    assert!(store.sandbox.requests().len() < 20, "it went on asking");
    assert_eq!(store.fingerprint().await, before);
    store.sandbox.clear_faults();
    assert_eq!(store.shop.check_open_checkouts().await.unwrap().settled, 20);
    // One that fails alone does not stand before the others for ever.
    let poisoned = store.paid(20).await;
    store.paid(21).await;
    store.later(TimeDelta::minutes(11)).await;
    let path = format!("/v1/checkout/sessions/{poisoned}");
    store.sandbox.set_fault(Fault::status(500).on_path(&path).times(1));
    let round = store.shop.check_open_checkouts().await.unwrap();
    assert_eq!((round.settled, round.failed), (1, 1));
    assert_eq!(store.shop.check_open_checkouts().await.unwrap(), CheckoutsChecked::default());
    store.later(TimeDelta::minutes(11)).await;
    assert_eq!(store.shop.check_open_checkouts().await.unwrap().settled, 1);
});

on_both_databases!(a_session_we_never_heard_of_is_looked_for_by_its_key, alone(), async |store| {
    store.sandbox.set_fault(Fault::lost_answer().on_method("POST"));
    let browser = store.browser();
    browser.add(&["the-first-book"]).await;
    assert_eq!(browser.start_checkout().await.status(), StatusCode::SERVICE_UNAVAILABLE);
    let session = store.sandbox.session_ids().remove(0);
    let _ = store.sandbox.pay(&session, GOOD_CARD, "ann@example.org");
    // Another one, of which Stripe never heard.
    store.sandbox.set_fault(Fault::reset().on_method("POST"));
    let other = store.browser();
    other.add(&["the-second-book"]).await;
    assert_eq!(other.start_checkout().await.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(store.count("checkout WHERE stripe_session IS NULL").await, 2);
    store.later(TimeDelta::minutes(11)).await;
    store.sandbox.forget_requests();
    assert_eq!(store.shop.check_open_checkouts().await.unwrap().settled, 1);
    assert_eq!(store.count(&format!("orders WHERE status = 'succeeded' AND stripe_session = '{session}'")).await, 1);
    let lists = store.sandbox.requests().into_iter().filter(|request| request.path == "/v1/checkout/sessions").count();
    assert_eq!(lists, 1, "both were looked for in one walk");
    store.later(TimeDelta::hours(25)).await;
    store.shop.check_open_checkouts().await.unwrap();
    assert_eq!(store.count("checkout WHERE state = 'expired' AND stripe_session IS NULL").await, 1);
});

on_both_databases!(each_round_is_done_once_by_one_process_when_it_is_due, alone(), async |store| {
    // At noon, so that the nightly comparison is not due within the hour.
    let now = store.shop.clock().now();
    store.later(TimeDelta::hours(36 - i64::from(now.hour()))).await;
    store.paid(0).await;
    // A store that has just been set up has missed nothing.
    store.sandbox.forget_requests();
    store.shop.reconcile_what_is_due().await.unwrap();
    assert_eq!(store.sandbox.requests(), []);
    assert_eq!(store.count("watermark").await, 4);
    store.later(TimeDelta::minutes(61)).await;
    // As four processes would.
    let rounds = (0..4).map(|_| store.shop.reconcile_what_is_due());
    for done in futures::future::join_all(rounds).await {
        done.unwrap();
    }
    let paths: Vec<String> = store.sandbox.requests().into_iter().map(|request| request.path).collect();
    let count = |path: &str| paths.iter().filter(|found| found.starts_with(path)).count();
    assert_eq!((count("/v1/events"), count("/v1/checkout/sessions/")), (1, 1), "{paths:?}");
    assert_eq!(store.count("orders WHERE status = 'succeeded'").await, 1);
    // A day later all of them are due; what fails comes back in five minutes.
    store.later(TimeDelta::days(1)).await;
    store.sandbox.forget_requests();
    store.sandbox.set_fault(Fault::status(500).on_path("/v1/refunds"));
    store.shop.reconcile_what_is_due().await.unwrap();
    let asked = |path: &str| store.sandbox.requests().iter().filter(|request| request.path == path).count();
    assert_eq!((asked("/v1/events"), asked("/v1/checkout/sessions"), asked("/v1/refunds")), (2, 1, 1));
    store.later(TimeDelta::minutes(5)).await;
    store.shop.reconcile_what_is_due().await.unwrap();
    assert_eq!((asked("/v1/events"), asked("/v1/checkout/sessions"), asked("/v1/refunds")), (2, 2, 2));
});

on_both_databases!(where_rows_and_stripe_disagree_it_is_said_until_it_is_over, alone(), async |store| {
    let mut sessions = store.many_paid(6).await;
    sessions.sort();
    store.later(TimeDelta::minutes(11)).await;
    store.shop.check_open_checkouts().await.unwrap();
    // What is only late is healed and never said.
    let late = store.paid(7).await;
    assert_eq!(store.shop.compare_with_stripe(7).await.unwrap(), []);
    assert_eq!(store.count(&format!("orders WHERE stripe_session = '{late}'")).await, 1);

    let orders = async |set: &str, session: &str| {
        store.execute(&format!("UPDATE orders SET {set} WHERE stripe_session = '{session}'")).await;
    };
    orders("amount_total = 798", &sessions[0]).await;
    orders("currency = 'EUR'", &sessions[1]).await;
    orders("stripe_session = 'cs_test_gone'", &sessions[2]).await;
    // Under review: paid for something else than we asked for.
    let review = store.quick_checkout(&["the-second-book"], &BrowserSecret::generate()).await;
    store.execute(&format!("UPDATE checkout SET subtotal = 1 WHERE stripe_session = '{review}'")).await;
    let _ = store.sandbox.pay(&review, GOOD_CARD, "ann@example.org");
    // An order that succeeded although its session is not paid.
    let unpaid = store.quick_checkout(&["the-third-book"], &BrowserSecret::generate()).await;
    orders(&format!("stripe_session = '{unpaid}', amount_subtotal = 1200, amount_total = 1200"), &sessions[3]).await;
    // Rows without which a paid session has nothing to be fulfilled by.
    store.execute(&format!("UPDATE checkout SET stripe_session = NULL WHERE stripe_session = '{}'", sessions[4])).await;
    store.execute("UPDATE checkout SET idem_key = 'none' WHERE stripe_session IS NULL").await;
    orders("stripe_session = 'cs_test_moved'", &sessions[4]).await;
    // Old enough to be in the list by all means.
    store.later(TimeDelta::hours(30)).await;
    let expected = [
        "order_not_paid_at_stripe",
        "order_unknown_to_stripe",
        "order_unknown_to_stripe",
        "order_with_other_amounts",
        "order_with_other_amounts",
        "paid_session_without_order",
        "paid_session_without_order",
        "paid_session_without_order",
        "payment_under_review",
    ];
    store.shop.compare_with_stripe(7).await.unwrap();
    assert_eq!(store.kinds().await, expected);
    let found = store.fingerprint().await.remove("difference");
    store.later(TimeDelta::minutes(1)).await;
    store.shop.compare_with_stripe(7).await.unwrap();
    assert_eq!(store.fingerprint().await.remove("difference"), found, "found twice, said once");
    // Weeks later they are older than what is looked at, and still there.
    store.later(TimeDelta::days(20)).await;
    store.shop.compare_with_stripe(7).await.unwrap();
    assert_eq!(store.kinds().await, expected);
    // A comparison that does not come to its end says nothing.
    store.sandbox.set_fault(Fault::status(500).on_path("/v1/refunds"));
    assert!(store.shop.compare_with_stripe(7).await.is_err());
    assert_eq!(store.kinds().await, expected);

    orders("amount_total = 799", &sessions[0]).await;
    orders("currency = 'USD'", &sessions[1]).await;
    orders(&format!("stripe_session = '{}'", sessions[2]), "cs_test_gone").await;
    orders(&format!("stripe_session = '{}', amount_subtotal = 799, amount_total = 799", sessions[3]), &unpaid).await;
    orders(&format!("stripe_session = '{}'", sessions[4]), "cs_test_moved").await;
    store.execute(&format!("UPDATE checkout SET stripe_session = '{}' WHERE idem_key = 'none'", sessions[4])).await;
    store.execute(&format!("UPDATE checkout SET subtotal = 499 WHERE stripe_session = '{review}'")).await;
    assert_eq!(store.shop.compare_with_stripe(7).await.unwrap(), []);
    assert_eq!(store.count("difference WHERE gone_at IS NOT NULL").await, 9);
    assert_eq!(store.count(&format!("orders WHERE stripe_session = '{review}' AND status = 'succeeded'")).await, 1);
});

on_both_databases!(a_refund_that_no_event_told_of_is_healed_at_night, alone(), async |store| {
    let session = store.paid(0).await;
    store.shop.reconcile(&session).await.unwrap();
    let number = store.texts("SELECT number AS value FROM orders").await[0].parse().unwrap();
    store.sandbox.refund(&session, Some(300)).unwrap();
    // Its event may only be late.
    assert_eq!(store.shop.compare_with_stripe(7).await.unwrap(), []);
    assert_eq!(store.count("refund").await, 0);
    store.later(TimeDelta::hours(2)).await;
    assert_eq!(store.shop.compare_with_stripe(7).await.unwrap(), []);
    assert_eq!(store.refunds_of(&number).await, ["300 succeeded"]);
    assert_eq!(store.count("outbox WHERE kind = 'refund_notice'").await, 1);
    let before = store.fingerprint().await;
    store.sandbox.forget_requests();
    assert_eq!(store.shop.compare_with_stripe(7).await.unwrap(), []);
    assert_eq!(store.fingerprint().await, before, "found twice, done once");
    let asked = store.sandbox.requests().into_iter().filter(|request| request.path.starts_with("/v1/refunds")).count();
    assert_eq!(asked, 1, "what agrees is not asked for one by one");
});

on_both_databases!(refunds_that_one_side_does_not_know_are_differences, alone(), async |store| {
    let session = store.paid(0).await;
    store.shop.reconcile(&session).await.unwrap();
    let refund = store.sandbox.refund(&session, Some(300)).unwrap();
    store.shop.reconcile_refund(&refund).await.unwrap();
    store.later(TimeDelta::hours(2)).await;
    assert_eq!(store.shop.compare_with_stripe(7).await.unwrap(), []);
    // What no asking heals: an amount that Stripe never said, a refund that Stripe does not have, one that it never got.
    store.execute("UPDATE refund SET amount = 299").await;
    let (now, yet) = (stamp(store.shop.clock().now() - TimeDelta::hours(1)), "(SELECT MIN(id) FROM orders)");
    let insert = async |key: &str, id: &str, status: &str| {
        store
            .execute(&format!(
                "INSERT INTO refund (idem_key, stripe_id, order_id, amount, tax, currency, status, created_at, updated_at) \
                 VALUES ({key}, {id}, {yet}, 100, 0, 'USD', '{status}', '{now}', '{now}')"
            ))
            .await;
    };
    insert("NULL", "'re_unknown'", "succeeded").await;
    insert("'key'", "NULL", "requested").await;
    for _ in 0..2 {
        store.shop.compare_with_stripe(7).await.unwrap();
        assert_eq!(store.kinds().await, ["refund_differs", "refund_never_reached_stripe", "refund_unknown_to_stripe"]);
    }
    store.execute("DELETE FROM refund WHERE amount = 100").await;
    store.execute("UPDATE refund SET amount = 300").await;
    assert_eq!(store.shop.compare_with_stripe(7).await.unwrap(), []);
    assert_eq!(store.count("difference WHERE gone_at IS NOT NULL").await, 3);
});

on_both_databases!(the_operator_sees_what_was_put_aside_and_has_it_done, alone(), async |store| {
    let session = store.paid(0).await;
    assert_eq!(store.deliver_completed("evt_late", "cs_test_unknown").await, StatusCode::OK);
    store.execute("UPDATE stripe_event SET state = 'dead', attempts = 12, error = 'no attempt came to an end'").await;
    assert_eq!(store.kinds().await, ["event_put_aside"]);
    let listed = store.shop.list_events(Some("dead".into()), 10).await.unwrap();
    assert_eq!((listed.len(), listed[0].id.as_str(), listed[0].attempts), (1, "evt_late", 12));
    assert_eq!(store.shop.list_events(Some("parked".into()), 10).await.unwrap(), []);
    assert_eq!(store.shop.replay_event("evt_none", &Actor::Command).await.unwrap(), Replayed::Unknown);
    store.execute(&format!("UPDATE stripe_event SET object_id = '{session}'")).await;

    // The real program, while another process of the same store is open.
    let mut open = Program::start(store, None).await;
    let (code, said) = store.octavo(&["doctor"]).await;
    assert!(code == 1 && said.contains("differs: event_put_aside evt_late"), "{said}");
    let (code, said) = store.octavo(&["events", "list", "--state", "dead"]).await;
    assert!(code == 0 && said.contains("evt_late") && said.contains("no attempt came to an end"), "{said}");
    let (code, said) = store.octavo(&["events", "replay", "evt_late", "evt_none"]).await;
    assert_eq!(code, 1);
    assert!(said.contains("evt_late was dead and is due now") && said.contains("evt_none is not an event"), "{said}");
    store
        .until("it is done", async || store.count("stripe_event WHERE state = 'done' AND attempts = 1").await == 1)
        .await;
    assert_eq!(store.count("orders WHERE status = 'succeeded'").await, 1);
    open.kill();
    let (code, said) = store.octavo(&["doctor", "--stripe", "--days", "2"]).await;
    assert!(code == 0 && said.contains("every invariant holds") && said.contains("Stripe agrees"), "{said}");
    // One that a worker has in its hands is left to it.
    store.execute("UPDATE stripe_event SET state = 'leased', lease_until = '2999-01-01 00:00:00'").await;
    assert_eq!(store.shop.replay_event("evt_late", &Actor::Command).await.unwrap(), Replayed::BeingWorkedOn);
    store.execute("UPDATE stripe_event SET state = 'done', lease_until = NULL").await;
    // Doing it twice does nothing twice.
    assert_eq!(store.shop.replay_event("evt_late", &Actor::Command).await.unwrap(), Replayed::Queued("done".into()));
    store.later(TimeDelta::seconds(60)).await;
    assert_eq!(store.shop.work_on_events().await.unwrap(), 1);
    assert_eq!((store.count("orders").await, store.count("invoice").await), (1, 1));
});
