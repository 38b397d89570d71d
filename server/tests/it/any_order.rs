//! Events in any order, once or often, while things happen at Stripe: row 6.

use crate::disputes::permutations;
use crate::refunds::{amount, items};
use crate::support::{BANK_ACCOUNT, Backend, GOOD_CARD, Store, by_hand, on_both_databases};
use futures::StreamExt as _;
use rand::rngs::StdRng;
use rand::{Rng as _, RngExt as _, SeedableRng as _};
use serde_json::Value;
use shop::refunds::RefundError;
use shop::types::OrderNumber;
use std::collections::BTreeSet;
use stripe_sandbox::PayOutcome;

const BOOKS: [&str; 3] = ["the-first-book", "the-second-book", "the-third-book"];

/// Everything that an order is, without what differs from order to order by its nature.
async fn story(store: &Store, session: &str) -> Vec<String> {
    let order = format!("(SELECT id FROM orders WHERE stripe_session = '{session}')");
    let mut story = Vec::new();
    for query in [
        format!(
            "SELECT status || ' ' || email || ' ' || CAST(amount_total AS TEXT) AS value FROM orders WHERE id = {order}"
        ),
        format!(
            "SELECT state || ' ' || COALESCE(decline, '-') AS value FROM checkout WHERE stripe_session = '{session}'"
        ),
        format!(
            "SELECT COALESCE(failure_reason, '-') || status || CAST(amount AS TEXT) || ' ' || CAST(tax AS TEXT) AS value FROM refund WHERE order_id = {order} ORDER BY id"
        ),
        format!(
            "SELECT title_snapshot || ' ' || CAST(ri.amount AS TEXT) AS value FROM refund_item ri JOIN order_item i ON i.id = ri.order_item_id WHERE i.order_id = {order} ORDER BY ri.refund_id, i.position"
        ),
        format!(
            "SELECT status || reason || CAST(amount AS TEXT) AS value FROM dispute WHERE order_id = {order} ORDER BY id"
        ),
        format!(
            "SELECT title_snapshot || ' ' || e.state || COALESCE(e.reason, '') AS value FROM entitlement e JOIN order_item i ON i.id = e.order_item_id WHERE i.order_id = {order} ORDER BY i.position"
        ),
        format!("SELECT kind || recipient AS value FROM outbox WHERE order_id = {order} ORDER BY kind, id"),
        format!("SELECT kind || lines_snapshot AS value FROM invoice WHERE order_id = {order}"),
    ] {
        story.push(format!("{:?}", store.texts(&query).await));
    }
    story
}

on_both_databases!(row_6_every_order_of_five_events_ends_the_same, by_hand(), async |store| {
    let kinds = [
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "refund.created",
        "refund.updated",
        "charge.dispute.created",
    ];
    let mut stories = BTreeSet::new();
    for order in permutations(kinds.len()) {
        let session = store.bank_checkout(&BOOKS[..2]).await;
        let before = store.sandbox.event_count();
        assert!(matches!(store.sandbox.pay(&session, BANK_ACCOUNT, "ann@example.org"), PayOutcome::Completed { .. }));
        assert!(store.sandbox.settle(&session, true));
        // To a bank account: pending, then there.
        let refund = store.sandbox.refund(&session, Some(600)).unwrap();
        assert!(store.sandbox.finish_refund(&refund, true));
        store.sandbox.open_dispute(&session, "fraudulent", false).unwrap();
        let events = store.sandbox.events_after(before);
        for i in &order {
            let event = events.iter().find(|event| event["type"] == kinds[*i]).expect(kinds[*i]);
            store.deliver_all(std::slice::from_ref(event)).await;
        }
        stories.insert(story(store, &session).await);
    }
    assert_eq!(stories.len(), 1, "{stories:#?}");
    let story = stories.first().unwrap().join("\n");
    for part in [
        "succeeded ann@example.org 1298",
        "succeeded600",
        "needs_response",
        "frozendisputed",
        "refund_notice",
        "dispute_notice",
    ] {
        assert!(story.contains(part), "{part} is not in {story}");
    }
    assert_eq!(store.count("stripe_event WHERE state = 'done'").await, 600);
    assert_eq!((store.count("orders").await, store.count("stripe_event").await), (120, 600));
});

/// What must come of a purchase, worked out from what was done at Stripe alone.
#[derive(Debug, Default)]
struct Model {
    total: i64,
    refunds: Vec<ModelRefund>,
    /// Stripe's id and status.
    dispute: Option<(String, &'static str)>,
}

#[derive(Debug)]
struct ModelRefund {
    id: String,
    amount: i64,
    alive: bool,
    /// Positions of the titles that go with it.
    takes: Vec<usize>,
}

impl Model {
    fn back(&self) -> i64 {
        self.refunds.iter().filter(|refund| refund.alive).map(|refund| refund.amount).sum()
    }

    fn rights(&self, titles: usize) -> Vec<String> {
        let right = |title: usize| {
            let taken = self.refunds.iter().any(|refund| refund.alive && refund.takes.contains(&title));
            match self.dispute.as_ref().map(|(_, status)| *status) {
                _ if taken || self.back() == self.total => "revoked refunded",
                Some("lost") => "revoked disputed",
                Some("needs_response") => "frozen disputed",
                _ => "active",
            }
        };
        (0..titles).map(|title| right(title).to_owned()).collect()
    }
}

/// One purchase with a random history, of which the store hears in a random order, often more than once.
struct History<'a> {
    store: &'a Store,
    random: StdRng,
    bought: Option<OrderNumber>,
    session: String,
    intent: String,
    titles: usize,
    seen: usize,
    waiting: Vec<Value>,
    delivered: Vec<Value>,
    model: Model,
}

impl History<'_> {
    /// Something happens at Stripe, or is asked for here.
    async fn happen(&mut self) {
        let sandbox = &self.store.sandbox;
        let left = self.model.total - self.model.back();
        match self.random.random_range(0..10) {
            0..3 => {
                let amount =
                    if self.random.random_bool(0.3) { left } else { self.random.random_range(0..=left.max(1)) };
                if let Ok(id) = sandbox.refund(&self.session, Some(amount)) {
                    let takes = if amount == self.model.total { (0..self.titles).collect() } else { Vec::new() };
                    self.model.refunds.push(ModelRefund { id, amount, alive: true, takes });
                }
            }
            3..5 => self.ask_here().await,
            5..7 if !self.model.refunds.is_empty() => {
                let which = self.random.random_range(0..self.model.refunds.len());
                let refund = &mut self.model.refunds[which];
                assert_eq!(sandbox.finish_refund(&refund.id, false), refund.alive);
                refund.alive = false;
            }
            7..9 => match &mut self.model.dispute {
                None => {
                    let inquiry = self.random.random_bool(0.3);
                    if let Some(id) = sandbox.open_dispute(&self.session, "fraudulent", inquiry) {
                        let status = if inquiry { "warning_needs_response" } else { "needs_response" };
                        self.model.dispute = Some((id, status));
                    }
                }
                Some((id, status)) => {
                    let won = self.random.random_bool(0.5);
                    if sandbox.close_dispute(id, won) {
                        *status = match (*status, won) {
                            ("warning_needs_response", true) => "warning_closed",
                            (_, true) => "won",
                            (_, false) => "lost",
                        };
                    }
                }
            },
            _ => {}
        }
        // An inquiry about what has been refunded in full is closed by itself.
        if let Some((_, status @ "warning_needs_response")) = &mut self.model.dispute
            && self.model.refunds.iter().filter(|r| r.alive).map(|r| r.amount).sum::<i64>() == self.model.total
        {
            *status = "warning_closed";
        }
        self.look();
    }

    /// What Stripe has told since the last look: of this purchase, and of what means anything to the store.
    fn look(&mut self) {
        let news = self.store.sandbox.events_after(self.seen);
        self.seen += news.len();
        let ours = |event: &Value| {
            let kind = event["type"].as_str().unwrap();
            let means = ["checkout.session.", "refund.", "charge.refunded", "charge.dispute."];
            means.iter().any(|prefix| kind.starts_with(prefix)) && event.to_string().contains(&self.intent)
        };
        self.waiting.extend(news.into_iter().filter(ours));
    }

    /// The desk refunds an amount or a title, if it knows of the order.
    async fn ask_here(&mut self) {
        let Some(number) = self.bought.clone() else { return };
        let (title, revoke) = (self.random.random_range(0..self.titles), self.random.random_bool(0.5));
        let (request, takes) = if self.random.random_bool(0.5) {
            (amount(self.random.random_range(1..=self.model.total)), Vec::new())
        } else {
            (items(&[(BOOKS[title], revoke)]), if revoke { vec![title] } else { Vec::new() })
        };
        match self.store.shop.refund(&number, &request).await {
            Ok(made) => {
                let id = made.stripe_id.expect("Stripe is there");
                self.model.refunds.push(ModelRefund { id, amount: made.amount.minor(), alive: true, takes });
            }
            Err(
                RefundError::TooMuch(_) | RefundError::NothingLeft | RefundError::NotPaid | RefundError::Refused(_),
            ) => {}
            Err(error) => panic!("{error}"),
        }
    }

    /// The store hears of something: news, or what it has heard before.
    async fn hear(&mut self) {
        let again = !self.delivered.is_empty() && (self.waiting.is_empty() || self.random.random_bool(0.2));
        let event = if again {
            // Stripe repeats an event under its own id; another id is a redelivery that the store cannot know.
            let mut event = self.delivered[self.random.random_range(0..self.delivered.len())].clone();
            if self.random.random_bool(0.7) {
                event["id"] = format!("evt_again_{:x}", self.random.next_u64()).into();
            }
            event
        } else if self.waiting.is_empty() {
            return;
        } else {
            let event = self.waiting.swap_remove(self.random.random_range(0..self.waiting.len()));
            self.delivered.push(event.clone());
            event
        };
        // Others work on the same queue: one of them may have taken it.
        self.store.keep(&event).await;
        let waits = format!("stripe_event WHERE id = {} AND state IN ('new', 'leased')", event["id"]).replace('"', "'");
        self.store.shop.work_on_events().await.unwrap();
        self.store.until("the event is worked on", async || self.store.count(&waits).await == 0).await;
        if self.bought.is_none() {
            let query = format!("SELECT number AS value FROM orders WHERE stripe_session = '{}'", self.session);
            self.bought = self.store.texts(&query).await.first().map(|number| number.parse().unwrap());
        }
    }

    async fn run(store: &Store, seed: u64) -> (usize, usize) {
        let mut random = StdRng::seed_from_u64(seed);
        let titles = random.random_range(1..=3);
        let session = store.quick_checkout(&BOOKS[..titles], &shop::BrowserSecret::generate()).await;
        let seen = store.sandbox.event_count();
        assert!(matches!(store.sandbox.pay(&session, GOOD_CARD, "ann@example.org"), PayOutcome::Completed { .. }));
        let total = store.sandbox.session(&session).unwrap()["amount_total"].as_i64().unwrap();
        let mut history = History {
            intent: store.intent_of(&session),
            store,
            random,
            bought: None,
            session,
            titles,
            seen,
            waiting: Vec::new(),
            delivered: Vec::new(),
            model: Model { total, ..Model::default() },
        };
        history.look();
        for _ in 0..history.random.random_range(3..=9) {
            if history.random.random_bool(0.5) { history.happen().await } else { history.hear().await }
        }
        while !history.waiting.is_empty() {
            history.hear().await;
        }
        let History { bought, model, delivered, .. } = history;
        let number = bought.expect("an order");
        assert_eq!(store.rights(&number).await, model.rights(titles), "seed {seed}: {model:?}");
        let mut expected: Vec<String> = model
            .refunds
            .iter()
            .map(|r| format!("{} {} {}", r.id, r.amount, if r.alive { "succeeded" } else { "failed" }))
            .collect();
        expected.sort();
        let of = format!("JOIN orders o ON o.id = x.order_id WHERE o.number = '{}'", number.as_str());
        let mut refunds = store
            .texts(&format!(
                "SELECT x.stripe_id || ' ' || CAST(x.amount AS TEXT) || ' ' || x.status AS value FROM refund x {of} \
                 AND x.stripe_id IS NOT NULL"
            ))
            .await;
        // The databases sort text differently.
        refunds.sort();
        assert_eq!(refunds, expected, "seed {seed}: {model:?}");
        let disputes = store.texts(&format!("SELECT x.status AS value FROM dispute x {of}")).await;
        let expected: Vec<&str> = model.dispute.iter().map(|(_, status)| *status).collect();
        assert_eq!(disputes, expected, "seed {seed}: {model:?}");
        (delivered.len(), model.refunds.len())
    }
}

on_both_databases!(row_6_a_thousand_histories_end_as_the_model_says, by_hand(), async |store| {
    // A thousand on each database; the seeds differ, so that it is two thousand together.
    let first = if store.backend == Backend::Sqlite { 0 } else { 1_000 };
    let (mut events, mut refunds) = (0, 0);
    let mut histories =
        futures::stream::iter(first..first + 1_000).map(|seed| History::run(store, seed)).buffer_unordered(6);
    while let Some((delivered, refunded)) = histories.next().await {
        (events, refunds) = (events + delivered, refunds + refunded);
    }
    assert!(events > 3_000 && refunds > 500, "{events} events and {refunds} refunds: nothing was tried");
    assert_eq!(store.count("orders WHERE status = 'succeeded'").await, 1_000);
    assert_eq!(store.count("stripe_event WHERE state NOT IN ('done', 'ignored')").await, 0);
    assert_eq!(store.count("outbox WHERE kind = 'receipt'").await, 1_000);
    assert_eq!(store.count("outbox WHERE kind = 'dispute_notice'").await, store.count("dispute").await);
});
