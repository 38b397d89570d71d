//! Killed at what comes after a purchase: its mail, its refund, its dispute.

use super::{Way, bystander, points};
use crate::support::{Bought, GOOD_CARD, MailWay, OWNER, Options, Program, Store, message_ids, on_both_databases};
use serde_json::Value;
use shop::failpoint::Failpoint;
use std::collections::BTreeSet;

const BOOKS: [&str; 2] = ["the-first-book", "the-second-book"];

/// Only the program works, and it has a relay.
fn with_mail() -> Options {
    Options { mail: MailWay::Sink(""), ..bystander() }
}

impl Store {
    /// Lets a program die at a failpoint while it is told what has happened at Stripe since then, starts it again and
    /// tells it once more.
    async fn dies_and_goes_on(&self, point: Failpoint, before: usize) {
        let events = self.sandbox.events_after(before);
        let mut program = Program::start(self, Some(point)).await;
        for event in &events {
            // The first that is kept leads it to its end.
            self.is_acknowledged(&program.url, event).await;
        }
        program.has_aborted(self).await;
        assert_eq!(self.shop.violations().await.unwrap(), [], "{point:?}");
        self.leases_end().await;
        let program = Program::start(self, None).await;
        for event in &events {
            assert!(self.is_acknowledged(&program.url, event).await, "{point:?}: {event}");
        }
        self.events_are_done().await;
        assert_eq!(self.shop.violations().await.unwrap(), [], "{point:?}");
        println!("soak: row 7, {:?}: killed at {}", self.backend, point.name());
    }

    /// How many mails of this kind there are about an order.
    async fn notices(&self, kind: &str, bought: &Bought) -> i64 {
        let order = format!("(SELECT id FROM orders WHERE number = '{}')", bought.number.as_str());
        self.count(&format!("outbox WHERE kind = '{kind}' AND order_id = {order}")).await
    }

    /// The whole order was refunded, and nothing happened twice.
    async fn is_refunded_once(&self, bought: &Bought, point: Failpoint) {
        let intent = Value::String(self.intent_of(&bought.session));
        let mut made = self.sandbox.events();
        made.retain(|event| event["type"] == "refund.created" && event["data"]["object"]["payment_intent"] == intent);
        assert_eq!(made.len(), 1, "{point:?}: refunds at Stripe");
        assert_eq!(self.refunds_of(&bought.number).await, ["1298 succeeded"], "{point:?}");
        assert_eq!(self.rights(&bought.number).await, ["revoked refunded"; 2], "{point:?}");
        assert_eq!(self.notices("refund_notice", bought).await, 1, "{point:?}");
        assert_eq!(self.shop.violations().await.unwrap(), [], "{point:?}");
    }

    /// Whatever was queued has arrived, and nothing else.
    async fn all_mail_arrives(&self) {
        let sink = self.sink.as_ref().unwrap();
        self.leases_end().await;
        let _program = Program::start(self, None).await;
        self.until("all mail is sent", async || self.count("outbox WHERE state <> 'sent'").await == 0).await;
        let queued: BTreeSet<String> = self.texts("SELECT message_id AS value FROM outbox").await.into_iter().collect();
        let arrived = || message_ids(&sink.taken()).into_iter().collect::<BTreeSet<String>>();
        self.until("all mail has arrived", async || arrived() == queued).await;
    }
}

on_both_databases!(row_7_killed_at_each_failpoint_of_a_mail_it_arrives_under_one_id, with_mail(), async |store| {
    let sink = store.sink.as_ref().unwrap();
    for (i, point) in (1..).zip(points(&[Way::Mail])) {
        store.bought(&BOOKS, GOOD_CARD).await;
        let before = sink.taken().len();
        Program::start(store, Some(point)).await.has_aborted(store).await;
        assert_eq!(store.shop.violations().await.unwrap(), [], "{point:?}");
        let state = if point == Failpoint::MailMarked { "sent" } else { "leased" };
        assert_eq!(store.texts("SELECT state AS value FROM outbox ORDER BY id DESC").await[0], state, "{point:?}");
        store.leases_end().await;
        let _program = Program::start(store, None).await;
        store.until("it is sent", async || store.count("outbox WHERE state = 'sent'").await == i).await;
        // Only what the relay had taken, and we had not kept, travels twice.
        let times = if point == Failpoint::MailTaken { 2 } else { 1 };
        store.until("it has arrived", async || sink.taken().len() >= before + times).await;
        let newest = store.texts("SELECT message_id AS value FROM outbox ORDER BY id DESC").await.remove(0);
        assert_eq!(message_ids(&sink.taken()[before..]), vec![newest; times], "{point:?}");
        println!("soak: row 7, {:?}: killed at {}", store.backend, point.name());
    }
});

on_both_databases!(
    row_7_killed_at_each_failpoint_of_a_refund_asked_for_here_it_is_made_once,
    with_mail(),
    async |store| {
        for point in points(&[Way::Refund, Way::AnyRefund]) {
            let bought = store.bought(&BOOKS, GOOD_CARD).await;
            let before = store.sandbox.event_count();
            store.octavo_aborts(&["refund", bought.number.as_str()], point).await;
            assert_eq!(store.shop.violations().await.unwrap(), [], "{point:?}");
            // As if minutes had passed: the reconciler's next round finds it.
            store.execute("UPDATE refund SET updated_at = '2000-01-01 00:00:00' WHERE status = 'requested'").await;
            store.shop.retry_refunds().await.unwrap();
            store.is_refunded_once(&bought, point).await;
            // And Stripe's events, late, find nothing left to do.
            let program = Program::start(store, None).await;
            for event in store.sandbox.events_after(before) {
                assert!(store.is_acknowledged(&program.url, &event).await, "{point:?}: {event}");
            }
            store.events_are_done().await;
            store.is_refunded_once(&bought, point).await;
            assert_eq!(store.count("refund WHERE status = 'requested'").await, 0);
            println!("soak: row 7, {:?}: a refund asked for here killed at {}", store.backend, point.name());
        }
        store.all_mail_arrives().await;
    }
);

on_both_databases!(row_7_killed_at_each_failpoint_of_a_refund_at_stripe_it_is_kept_once, with_mail(), async |store| {
    for point in points(&[Way::AnyRefund]) {
        let bought = store.bought(&BOOKS, GOOD_CARD).await;
        let before = store.sandbox.event_count();
        store.sandbox.refund(&bought.session, None).unwrap();
        store.dies_and_goes_on(point, before).await;
        store.is_refunded_once(&bought, point).await;
    }
    store.all_mail_arrives().await;
});

on_both_databases!(row_7_killed_at_each_failpoint_of_a_dispute_it_is_kept_once, with_mail(), async |store| {
    for point in points(&[Way::Dispute]) {
        let bought = store.bought(&BOOKS, GOOD_CARD).await;
        let before = store.sandbox.event_count();
        let dispute = store.sandbox.open_dispute(&bought.session, "fraudulent", false).unwrap();
        store.dies_and_goes_on(point, before).await;
        assert_eq!(store.rights(&bought.number).await, ["frozen disputed"; 2], "{point:?}");
        // And when it is decided.
        let before = store.sandbox.event_count();
        let won = point == Failpoint::DisputeWritten;
        assert!(store.sandbox.close_dispute(&dispute, won));
        store.dies_and_goes_on(point, before).await;
        let rights = if won { "active" } else { "revoked disputed" };
        assert_eq!(store.rights(&bought.number).await, [rights; 2], "{point:?}");
        assert_eq!(store.notices("dispute_notice", &bought).await, 1, "{point:?}");
    }
    assert_eq!(store.count("dispute").await, 3);
    assert_eq!(store.count(&format!("outbox WHERE kind = 'dispute_notice' AND recipient = '{OWNER}'")).await, 3);
    store.all_mail_arrives().await;
});
