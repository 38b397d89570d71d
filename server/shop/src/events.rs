//! Stripe's events: verified, kept, and worked on by a leased worker.
//!
//! The request that brings an event does no business: it checks the signature and keeps the body, and only then says
//! 200. What the event means is asked from Stripe later; the body is a hint.

mod bodies;
mod incoming;
mod log;
mod meaning;
mod missed;
mod replay;

use crate::clock::backoff;
use crate::db::schema::stripe_event;
use crate::db::{AnyConnection, Manner, both};
use crate::failpoint::{Failpoint, pass};
use crate::{Error, Shop};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use incoming::Incoming;
use meaning::Meaning;
use std::sync::Arc;
use std::time::Duration;

pub use incoming::{MalformedSecret, SignatureError, WebhookSecrets};
pub use log::{EventDetail, EventFilter};
pub use meaning::Outcome;
pub(crate) use missed::TYPES;
pub use replay::{EventSummary, Replayed};

/// An event to be worked on.
struct Leased {
    id: String,
    kind: String,
    object_id: String,
    livemode: bool,
    attempts: i32,
    received_at: NaiveDateTime,
}

/// How long a worker may take over one event before another one takes it.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// Events taken at a time.
const BATCH: i64 = 16;
/// After so many failures, which is about three days, an event is put aside for a person: twelve pauses that double come to
/// little more than an hour, and 63 of an hour and up to a quarter follow. Stripe may be away for long, and a key that was
/// replaced there is not replaced here on a Sunday.
const MAX_ATTEMPTS: i32 = 76;
/// After so many, if it meets a defect of ours or takes the process with it: within the hour.
const DEFECT_ATTEMPTS: i32 = 12;
/// Before the second attempt …
const FIRST_PAUSE: TimeDelta = TimeDelta::seconds(1);
/// … and at most.
const LONGEST_PAUSE: TimeDelta = TimeDelta::hours(1);
/// Objects that we do not know may only be late; after three days they will not come.
const PARK_FOR: TimeDelta = TimeDelta::days(3);

impl Shop {
    /// Keeps a verified event. True if it is new, false if it was there already. When this returns, the event
    /// survives a power cut.
    ///
    /// # Errors
    /// [`Error::BadRequest`] if the body is not an event, the database's.
    pub async fn keep_event(&self, body: &[u8]) -> Result<bool, Error> {
        let event = Incoming::parse(body).map_err(|_| Error::BadRequest("event body"))?;
        let now = self.0.clock.now();
        // What needs no work makes none: the worker is not even woken for it.
        let (state, why) = match self.no_business_of_ours(&event.id, &event.kind, event.livemode) {
            Some(why) => ("ignored", Some(why)),
            None => ("new", None),
        };
        let inserted = self
            .0
            .db
            .write_as(Manner::BARE, move |conn| {
                let values = (
                    stripe_event::id.eq(&event.id),
                    stripe_event::type_.eq(&event.kind),
                    stripe_event::object_id.eq(&event.object_id),
                    stripe_event::created.eq(event.created),
                    stripe_event::livemode.eq(event.livemode),
                    stripe_event::body.eq(&event.body),
                    stripe_event::state.eq(state),
                    stripe_event::error.eq(why),
                    stripe_event::attempts.eq(0),
                    stripe_event::received_at.eq(now),
                    stripe_event::next_at.eq(now),
                );
                let inserted = both!(conn, |c| diesel::insert_into(stripe_event::table)
                    .values(values)
                    .on_conflict_do_nothing()
                    .execute(c))?;
                pass(Failpoint::EventInserted);
                Ok(inserted)
            })
            .await?;
        pass(Failpoint::EventKept);
        if inserted > 0 && state == "new" {
            self.0.events_waiting.notify_one();
        }
        Ok(inserted > 0)
    }

    /// Returns when [`Shop::keep_event`] has kept something new, or after `at_most`.
    pub async fn wait_for_events(&self, at_most: Duration) {
        let _ = tokio::time::timeout(at_most, self.0.events_waiting.notified()).await;
    }

    /// Works on the events that are due, a batch at a time. Returns how many it took; 0 means that nothing is due.
    ///
    /// # Errors
    /// The database's. What goes wrong with one event is kept with it and tried again later.
    pub async fn work_on_events(&self) -> Result<usize, Error> {
        let now = self.0.clock.now();
        let batch = self.0.db.write(move |conn| lease(conn, now)).await?;
        let count = batch.len();
        if count > 0 {
            pass(Failpoint::EventsLeased);
        }
        for event in batch {
            let (shop, event) = (self.clone(), Arc::new(event));
            let working = unwound({
                let event = Arc::clone(&event);
                async move { shop.work_on(&event).await }
            });
            if let Err(failure) = working.await {
                let why = failure.why();
                tracing::warn!(event = event.id, r#type = event.kind, why, "event failed and will be tried again");
                self.put_off(&event, &failure).await?;
            }
        }
        Ok(count)
    }

    /// Why an event is kept and left alone, if it is.
    fn no_business_of_ours(&self, id: &str, kind: &str, livemode: bool) -> Option<&'static str> {
        if livemode != self.0.settings.livemode {
            tracing::error!(event = id, livemode, "an event of the other mode was ignored");
            return Some("other mode");
        }
        Meaning::of(kind).is_none().then_some("not a type that the store acts on")
    }

    async fn work_on(&self, event: &Leased) -> Result<(), Error> {
        // Asked again: an event may be replayed, or have been kept by an earlier version.
        if let Some(why) = self.no_business_of_ours(&event.id, &event.kind, event.livemode) {
            return self.finish(event, "ignored", Some(why)).await;
        }
        let Some(meaning) = Meaning::of(&event.kind) else { return Ok(()) };
        let mark = Mark { id: event.id.clone(), received_at: event.received_at, now: self.0.clock.now() };
        let object = &event.object_id;
        match meaning {
            Meaning::Session => {
                self.reconcile_and(object, move |conn, result| mark.set(conn, result.into())).await?;
            }
            Meaning::Declined => {
                self.note_decline_and(object, move |conn, outcome| mark.set(conn, outcome)).await?;
            }
            Meaning::Refund => {
                self.reconcile_refund_and(object, move |conn, outcome| mark.set(conn, outcome)).await?;
            }
            Meaning::RefundedCharge => {
                self.reconcile_charge_and(object, move |conn, outcome| mark.set(conn, outcome)).await?;
            }
            Meaning::Dispute => {
                self.reconcile_dispute_and(object, move |conn, outcome| mark.set(conn, outcome)).await?;
            }
        }
        Ok(())
    }

    async fn finish(&self, event: &Leased, state: &'static str, error: Option<&'static str>) -> Result<(), Error> {
        let id = event.id.clone();
        self.0.db.write(move |conn| set_state(conn, &id, state, error)).await
    }

    async fn put_off(&self, event: &Leased, failure: &Failure) -> Result<(), Error> {
        let why = failure.why();
        let state = if event.attempts >= failure.most_attempts() { "dead" } else { "new" };
        if state == "dead" {
            tracing::error!(event = event.id, why, "an event was put aside: it failed too often");
        }
        let (id, why, next_at) = (
            event.id.clone(),
            why.to_owned(),
            self.0.clock.now() + backoff(event.attempts, FIRST_PAUSE, LONGEST_PAUSE),
        );
        self.0
            .db
            .write(move |conn| {
                diesel::update(stripe_event::table.find(&id))
                    .set((
                        stripe_event::state.eq(state),
                        stripe_event::error.eq(&why),
                        stripe_event::next_at.eq(next_at),
                        stripe_event::lease_until.eq(None::<NaiveDateTime>),
                    ))
                    .execute(conn)?;
                Ok(())
            })
            .await
    }
}

/// An event that is being worked on, to be marked with what came of it in the transaction that did it.
struct Mark {
    id: String,
    received_at: NaiveDateTime,
    now: NaiveDateTime,
}

impl Mark {
    fn set(&self, conn: &mut AnyConnection, outcome: Outcome) -> Result<(), Error> {
        match outcome {
            Outcome::Done => set_state(conn, &self.id, "done", None),
            Outcome::Unknown if self.now < self.received_at + PARK_FOR => {
                park(conn, &self.id, self.received_at, self.now)
            }
            Outcome::Unknown => set_state(conn, &self.id, "dead", Some("nothing of ours has this object")),
            Outcome::WrongMode => set_state(conn, &self.id, "ignored", Some("other mode")),
            Outcome::Foreign => set_state(conn, &self.id, "ignored", Some("another program's")),
            Outcome::NoOrder => set_state(conn, &self.id, "ignored", Some("the payment is under review, not an order")),
            // Every event of a session comes after its end: what Stripe has shown us is older than the event.
            Outcome::NotYet => Err(Error::internal("Stripe still shows the session as open")),
        }
    }
}

/// What went wrong with an attempt, in words.
#[derive(Debug, PartialEq, Eq)]
enum Failure {
    /// Another time it may end well: Stripe or the database was away, a key is not replaced yet.
    Passing(String),
    /// The attempt panicked, and the next one would too.
    Defect(String),
}

impl Failure {
    fn why(&self) -> &str {
        match self {
            Self::Passing(why) | Self::Defect(why) => why,
        }
    }

    /// After so many attempts it is of no use to go on.
    const fn most_attempts(&self) -> i32 {
        match self {
            Self::Passing(_) => MAX_ATTEMPTS,
            Self::Defect(_) => DEFECT_ATTEMPTS,
        }
    }
}

/// Runs `work` as a task of its own, so that a panic in it is a failure of its event and the rest of its batch goes on.
async fn unwound(work: impl Future<Output = Result<(), Error>> + Send + 'static) -> Result<(), Failure> {
    match tokio::spawn(work).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(Failure::Passing(error.to_string())),
        Err(error) => Err(Failure::Defect(format!("a defect: {error}"))),
    }
}

/// What is still to be worked on, in the words of the index `stripe_event_due`: with parameters in their place no
/// database would know that the index has these rows, and each look would go through all events there ever were.
const WAITING: &str = "stripe_event.state IN ('new', 'leased', 'parked')";

/// Takes due events for this worker: the single writer on SQLite, `SKIP LOCKED` on PostgreSQL.
fn lease(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<Vec<Leased>, Error> {
    // Leases that ended with their process. An event that takes the process with it every time is put aside too, and soon:
    // one of which no attempt ever came to an end has no error.
    let fatal = diesel::update(
        stripe_event::table
            .filter(sql::<Bool>(WAITING))
            .filter(stripe_event::state.eq("leased"))
            .filter(stripe_event::next_at.le(now))
            .filter(stripe_event::lease_until.lt(now))
            .filter(
                stripe_event::attempts
                    .ge(MAX_ATTEMPTS)
                    .or(stripe_event::attempts.ge(DEFECT_ATTEMPTS).and(stripe_event::error.is_null())),
            ),
    )
    .set((
        stripe_event::state.eq("dead"),
        stripe_event::error.eq("no attempt came to an end"),
        stripe_event::lease_until.eq(None::<NaiveDateTime>),
    ))
    .execute(conn)?;
    if fatal > 0 {
        tracing::error!(fatal, "events were put aside: no attempt to work on them came to an end");
    }
    let due = stripe_event::table
        .filter(sql::<Bool>(WAITING))
        .filter(stripe_event::next_at.le(now))
        .filter(stripe_event::lease_until.is_null().or(stripe_event::lease_until.lt(now)))
        .order((stripe_event::next_at, stripe_event::id))
        .select(stripe_event::id)
        .limit(BATCH);
    let ids: Vec<String> = match conn {
        AnyConnection::Sqlite(c) => due.load(c)?,
        AnyConnection::Postgres(c) => due.for_update().skip_locked().load(c)?,
    };
    diesel::update(stripe_event::table.filter(stripe_event::id.eq_any(&ids)))
        .set((
            stripe_event::state.eq("leased"),
            stripe_event::attempts.eq(stripe_event::attempts + 1),
            stripe_event::lease_until.eq(now + LEASE),
        ))
        .execute(conn)?;
    let rows: Vec<(String, String, String, bool, i32, NaiveDateTime)> = stripe_event::table
        .filter(stripe_event::id.eq_any(ids))
        .order((stripe_event::created, stripe_event::id))
        .select((
            stripe_event::id,
            stripe_event::type_,
            stripe_event::object_id,
            stripe_event::livemode,
            stripe_event::attempts,
            stripe_event::received_at,
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, kind, object_id, livemode, attempts, received_at)| Leased {
            id,
            kind,
            object_id,
            livemode,
            attempts,
            received_at,
        })
        .collect())
}

fn set_state(conn: &mut AnyConnection, id: &str, state: &str, error: Option<&str>) -> Result<(), Error> {
    if state == "dead" {
        tracing::error!(event = id, why = error, "an event was put aside");
    }
    diesel::update(stripe_event::table.find(id))
        .set((
            stripe_event::state.eq(state),
            stripe_event::error.eq(error),
            stripe_event::lease_until.eq(None::<NaiveDateTime>),
        ))
        .execute(conn)?;
    Ok(())
}

/// Not known yet: looked at again in ten minutes, then at intervals that double, without counting as a failure.
fn park(conn: &mut AnyConnection, id: &str, received_at: NaiveDateTime, now: NaiveDateTime) -> Result<(), Error> {
    let pause = (now - received_at).max(TimeDelta::minutes(10));
    diesel::update(stripe_event::table.find(id))
        .set((
            stripe_event::state.eq("parked"),
            stripe_event::attempts.eq(0),
            stripe_event::next_at.eq(now + pause),
            stripe_event::lease_until.eq(None::<NaiveDateTime>),
            stripe_event::error.eq("nothing of ours has this object yet"),
        ))
        .execute(conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_failure_that_is_given_up_sooner() {
        assert_eq!(unwound(async { Ok(()) }).await, Ok(()));
        let failure = unwound(async { Err(Error::NotFound) }).await.unwrap_err();
        assert_eq!((&failure, failure.most_attempts()), (&Failure::Passing("not found".to_owned()), MAX_ATTEMPTS));
        let failure = unwound(async { panic!("poison") }).await.unwrap_err();
        assert_eq!(failure.most_attempts(), DEFECT_ATTEMPTS);
        let why = failure.why();
        assert!(why.starts_with("a defect: ") && why.contains("poison"), "{why}");
    }

    #[test]
    fn an_event_is_tried_for_about_three_days() {
        let whole = |attempts| -> TimeDelta { (1..attempts).map(|n| backoff(n, FIRST_PAUSE, LONGEST_PAUSE)).sum() };
        assert!(backoff(1, FIRST_PAUSE, LONGEST_PAUSE) < TimeDelta::seconds(2));
        let days = whole(MAX_ATTEMPTS);
        assert!(days >= TimeDelta::hours(64) && days <= TimeDelta::hours(84), "{days}");
        let defect = whole(DEFECT_ATTEMPTS);
        assert!(defect <= TimeDelta::hours(1), "{defect}");
    }
}
