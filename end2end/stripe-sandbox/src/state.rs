//! Everything the sandbox knows, behind one lock.

use serde_json::Value;

use crate::chance;
use crate::records::{
    Cause, Charge, Coupon, Customer, Delivery, DeliveryStatus, Dispute, Endpoint, Event, Intent, Kept, PromotionCode,
    Refund, Session, Task, TaxRate,
};
use crate::table::Table;
use crate::{clock, ids};

/// After how many milliseconds a window of held-back deliveries is let go though it is not full.
const LONGEST_HOLD: i64 = 2_000;

macro_rules! state {
    ($($name:ident: $row:ty),* $(,)?) => {
        /// All that is remembered.
        #[derive(Debug)]
        pub(crate) struct State {
            /// Where the payment page is, without a slash at the end.
            pub(crate) base_url: String,
            /// How long (milliseconds) what happens later takes: bank debits, refunds, disputes.
            pub(crate) later: i64,
            /// Counts what opens and closes sessions, so that their lives can be put in order.
            pub(crate) ticks: u64,
            $(pub(crate) $name: Table<$row>,)*
        }

        impl State {
            /// An empty state that keeps at most so many rows of each kind.
            pub(crate) fn new(most: usize) -> Self {
                Self { base_url: String::new(), later: 0, ticks: 0, $($name: Table::new(most),)* }
            }

            /// Remembers changes for the journal from now on.
            pub(crate) fn watch(&mut self) {
                $(self.$name.watch();)*
            }

            /// The journal's lines of what changed since the last time.
            pub(crate) fn drain(&mut self) -> Vec<u8> {
                let mut out = Vec::new();
                $(self.$name.drain(stringify!($name), &mut out);)*
                out
            }

            /// The journal's lines of all there is.
            pub(crate) fn dump(&self) -> Vec<u8> {
                let mut out = Vec::new();
                $(self.$name.dump(stringify!($name), &mut out);)*
                out
            }

            /// Takes a line of the journal back in.
            ///
            /// # Errors
            /// When the row is not one of that table. A table that is not known is not ours.
            pub(crate) fn replay(&mut self, table: &str, row: Option<Value>, gone: Option<&str>) -> std::io::Result<()> {
                match table {
                    $(stringify!($name) => Ok(self.$name.replay(row, gone)?),)*
                    other => Err(std::io::Error::other(format!("unknown table {other}"))),
                }
            }
        }
    };
}

state! {
    sessions: Session,
    intents: Intent,
    charges: Charge,
    refunds: Refund,
    disputes: Dispute,
    customers: Customer,
    coupons: Coupon,
    promotion_codes: PromotionCode,
    tax_rates: TaxRate,
    events: Event,
    deliveries: Delivery,
    endpoints: Endpoint,
    tasks: Task,
    idempotency: Kept,
}

impl State {
    /// The next tick of the sandbox's own order of things.
    pub(crate) fn tick(&mut self) -> u64 {
        self.ticks += 1;
        self.ticks
    }

    /// Continues the count where the sessions on file left it.
    pub(crate) fn resume_ticks(&mut self) {
        let last = self.sessions.iter().map(|session| session.opened.max(session.closed.unwrap_or(0))).max();
        self.ticks = last.unwrap_or(0);
    }

    /// Records an event and queues it for every endpoint that wants its kind.
    pub(crate) fn emit(&mut self, kind: &str, object: &Value, cause: &Cause) {
        let id = ids::usual("evt");
        tracing::info!(event = %id, kind, "event");
        let wanting: Vec<String> =
            self.endpoints.iter().filter(|endpoint| endpoint.wants(kind)).map(|endpoint| endpoint.id.clone()).collect();
        let named = ["id", "charge", "payment_intent"];
        let about = named.iter().filter_map(|name| object.get(name).and_then(Value::as_str)).map(str::to_owned);
        self.events.push(Event {
            id: id.clone(),
            created: clock::now(),
            kind: kind.to_owned(),
            object: object.to_string(),
            cause: cause.clone(),
            endpoints: wanting.len(),
            about: about.collect(),
        });
        for endpoint in wanting {
            self.queue(&id, kind, &endpoint, true);
        }
    }

    /// Queues one event for one endpoint, due now. Its knobs are heeded unless it is sent by hand.
    pub(crate) fn queue(&mut self, event: &str, kind: &str, endpoint: &str, with_knobs: bool) {
        let Some((url, knobs, draw)) = self.endpoints.update(endpoint, |endpoint| {
            endpoint.draws += u64::from(with_knobs);
            (endpoint.url.clone(), endpoint.knobs.clone(), endpoint.draws)
        }) else {
            return;
        };
        let now = clock::now_millis();
        let knobs = if with_knobs { knobs } else { crate::knobs::Knobs::default() };
        let seed = knobs.seed.unwrap_or(0);
        let dropped = (u64::from(knobs.drop_first) >= draw && with_knobs)
            || knobs.drop_probability.is_some_and(|probability| chance::happens(seed, draw, probability));
        let held = knobs.reorder > 1 && !dropped;
        let wait = if held { LONGEST_HOLD } else { 0 };
        let delay = i64::try_from(knobs.delay_millis).unwrap_or(i64::MAX);
        let copies = if dropped { 0 } else { knobs.duplicate };
        for _ in 0..=copies {
            self.deliveries.push(Delivery {
                id: ids::usual("whd"),
                created: clock::now(),
                event: event.to_owned(),
                event_type: kind.to_owned(),
                endpoint: endpoint.to_owned(),
                url: url.clone(),
                status: if dropped { DeliveryStatus::Dropped } else { DeliveryStatus::Pending },
                attempts: 0,
                next_attempt: now.saturating_add(delay).saturating_add(wait),
                last_status: None,
                last_error: dropped.then(|| "dropped by the endpoint's knobs".to_owned()),
                held,
                in_flight: false,
            });
        }
        if held && self.deliveries.count(&format!("held={endpoint}")) >= usize::try_from(knobs.reorder).unwrap_or(2) {
            self.release(endpoint, now.saturating_add(delay));
        }
    }

    /// Lets the held-back deliveries of an endpoint go at a time (in milliseconds), in a shuffled order.
    pub(crate) fn release(&mut self, endpoint: &str, mut due: i64) {
        let found = self.endpoints.get(endpoint).map(|endpoint| (endpoint.knobs.seed, endpoint.draws));
        let (seed, draw) = found.unwrap_or_default();
        let mut window: Vec<String> =
            self.deliveries.of(&format!("held={endpoint}")).map(|delivery| delivery.id.clone()).collect();
        chance::shuffle(seed.unwrap_or(0), draw, &mut window);
        for id in window {
            // One after the other: they are sent in the order in which they are due.
            due = due.saturating_add(1);
            self.deliveries.update(&id, |delivery| {
                delivery.held = false;
                delivery.next_attempt = due;
            });
        }
    }

    /// Adds an endpoint for all events, or gives the one of that URL the new secret. Returns its id.
    pub(crate) fn add_endpoint(&mut self, url: &str, secret: &str) -> String {
        let known = self.endpoints.of(&format!("url={url}")).next().map(|endpoint| endpoint.id.clone());
        if let Some(id) = known {
            self.endpoints.update(&id, |endpoint| secret.clone_into(&mut endpoint.secret));
            return id;
        }
        let endpoint = Endpoint::new(url, secret);
        let id = endpoint.id.clone();
        self.endpoints.push(endpoint);
        id
    }

    /// How many endpoints have not got an event yet. A later delivery by hand settles an earlier failure.
    pub(crate) fn undelivered(&self, event: &str) -> usize {
        let mut done: std::collections::HashMap<&str, bool> = std::collections::HashMap::new();
        for delivery in self.deliveries.of(&format!("event={event}")) {
            let entry = done.entry(&delivery.endpoint).or_insert(false);
            *entry = *entry || delivery.status == DeliveryStatus::Delivered;
        }
        done.values().filter(|done| !**done).count()
    }

    /// Puts something off for a while.
    pub(crate) fn later(&mut self, what: crate::records::What) {
        let due = clock::now_millis().saturating_add(self.later);
        self.tasks.push(Task { id: ids::usual("task"), due, what });
    }
}
