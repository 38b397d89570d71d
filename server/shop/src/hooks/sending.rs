//! The worker's side: lease, send outside of any transaction, write down what came of it.
//!
//! A delivery may be made twice if we die between the endpoint's answer and our commit; it has the same id then. It is
//! never lost: a lease that ends without a mark is taken up again. Each endpoint has a lane of its own, so that a slow one
//! holds up nobody else.

use super::client::{Letter, Reply};
use super::endpoints::{self, Row, WhyDisabled};
use super::object;
use crate::audit::{self, Actor};
use crate::db::schema::{webhook_attempt, webhook_delivery, webhook_endpoint, webhook_message};
use crate::db::{AnyConnection, Manner};
use crate::failpoint::{Failpoint, pass};
use crate::outbox::Kind;
use crate::{Error, Shop, outbox};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl::{exists, sql};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Timestamp};
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use serde_json::json;
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

/// Deliveries on their way to one endpoint at once.
pub const AT_ONCE: u8 = 4;
/// How long a worker may take over its deliveries before another one takes them: longer than the slowest of them.
const LEASE: TimeDelta = TimeDelta::seconds(60);
/// After each failed attempt, in seconds: the schedule that the specification gives, three days in all.
const PAUSES: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
/// The longest that an endpoint may have us wait.
const LONGEST_PAUSE: TimeDelta = TimeDelta::days(1);
/// After so long without one success an endpoint is disabled.
const FAILING: TimeDelta = TimeDelta::days(5);
/// Nothing waits for a later time.
const FAR: TimeDelta = TimeDelta::days(30);
/// How exactly the time of an endpoint's last success is kept.
const SUCCEEDED_AGAIN: TimeDelta = TimeDelta::minutes(1);

/// What is still to be sent, in the words of the index `webhook_delivery_due`.
pub(super) const WAITING: &str = "webhook_delivery.state IN ('waiting', 'leased')";

/// A delivery to be made.
#[derive(Queryable)]
struct Leased {
    id: i64,
    attempts: i32,
    message: String,
    body: String,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Delivered,
    /// Once more, after a pause.
    PutOff(TimeDelta),
    GivenUp,
    /// Never, and nothing else either.
    Gone,
}

impl Shop {
    /// Returns when something to be told has been written here, or after `at_most`.
    pub async fn wait_for_webhooks(&self, at_most: Duration) {
        let _ = tokio::time::timeout(at_most, self.0.webhooks_waiting.notified()).await;
    }

    /// The endpoints that something is due for: to be sent, or to be given up, where nobody is to be told any more. Looking
    /// costs no transaction, so it can be done often.
    ///
    /// # Errors
    /// The database's.
    pub async fn webhook_endpoints_with_work(&self) -> Result<Vec<i64>, Error> {
        let now = self.0.clock.now();
        self.0
            .db
            .read(move |conn| {
                let due = webhook_delivery::table
                    .filter(webhook_delivery::endpoint_id.eq(webhook_endpoint::id))
                    .filter(sql::<Bool>(WAITING))
                    .filter(
                        webhook_delivery::next_at.le(sql::<Timestamp>(
                            "CASE WHEN webhook_endpoint.state = 'enabled' THEN ",
                        )
                        .bind::<Timestamp, _>(now)
                        .sql(" ELSE ")
                        .bind::<Timestamp, _>(now + FAR)
                        .sql(" END")),
                    )
                    .filter(webhook_delivery::lease_until.is_null().or(webhook_delivery::lease_until.lt(now)));
                Ok(webhook_endpoint::table
                    .filter(exists(due))
                    .order(webhook_endpoint::id)
                    .select(webhook_endpoint::id)
                    .load(conn)?)
            })
            .await
    }

    /// Makes the deliveries that are due at one endpoint, [`AT_ONCE`] of them. Returns how many it took; 0 means that
    /// nothing is due.
    ///
    /// # Errors
    /// The database's. What goes wrong with a delivery is kept with it, and it is tried again later.
    pub async fn work_on_webhooks(&self, endpoint: i64) -> Result<usize, Error> {
        let now = self.0.clock.now();
        let Some((row, batch)) = self.0.db.write(move |conn| lease(conn, endpoint, now)).await? else {
            // What had still been written for it.
            self.give_up_webhooks(endpoint).await?;
            return Ok(0);
        };
        let count = batch.len();
        if count > 0 {
            pass(Failpoint::WebhookLeased);
        }
        futures::stream::iter(batch)
            .map(|delivery| self.deliver(&row, delivery))
            .buffer_unordered(AT_ONCE.into())
            .try_collect::<()>()
            .await?;
        Ok(count)
    }

    async fn deliver(&self, endpoint: &Row, delivery: Leased) -> Result<(), Error> {
        let (made_at, began) = (self.0.clock.now(), Instant::now());
        let letter = Letter {
            url: &endpoint.url,
            id: &delivery.message,
            timestamp: made_at.and_utc().timestamp(),
            signature: endpoint.keys().sign(&self.0.key, &delivery.message, made_at, &delivery.body),
            body: delivery.body.clone(),
        };
        // A panic in one delivery is a failure of that delivery.
        let reply = AssertUnwindSafe(self.0.courier.carry(letter, made_at))
            .catch_unwind()
            .await
            .unwrap_or_else(|_| Reply { error: Some("a defect: the attempt panicked".into()), ..Reply::default() });
        pass(Failpoint::WebhookAnswered);
        let outcome = outcome(&reply, delivery.attempts);
        let (id, message) = (endpoint.id, &delivery.message);
        match (outcome, reply.error.as_deref()) {
            (Outcome::Delivered, _) => tracing::debug!(endpoint = id, message, "webhook delivered"),
            (Outcome::PutOff(_), why) => {
                tracing::info!(
                    endpoint = id,
                    message,
                    attempts = delivery.attempts,
                    why,
                    "webhook will be tried again"
                );
            }
            (Outcome::GivenUp | Outcome::Gone, why) => {
                tracing::warn!(endpoint = id, message, attempts = delivery.attempts, why, "webhook was given up");
            }
        }
        let attempt = NewAttempt {
            delivery_id: delivery.id,
            made_at,
            milliseconds: i32::try_from(began.elapsed().as_millis()).unwrap_or(i32::MAX),
            status: reply.status.map(i32::from),
            answer: reply.answer,
            error: reply.error,
        };
        let (shop, attempts) = (self.clone(), delivery.attempts);
        // Nobody waits for it, and the lease leaves room.
        let marked = Manner::PLAIN.whenever();
        let disabled =
            self.0.db.write_as(marked, move |conn| mark(conn, &shop, id, attempts, &attempt, outcome)).await?;
        pass(Failpoint::WebhookMarked);
        if disabled {
            self.give_up_webhooks(id).await?;
            self.0.mail_waiting.notify_one();
        }
        Ok(())
    }
}

/// What a reply means for a delivery that has had so many attempts.
fn outcome(reply: &Reply, attempts: i32) -> Outcome {
    match reply.status {
        Some(200..=299) => return Outcome::Delivered,
        Some(410) => return Outcome::Gone,
        _ => {}
    }
    let pause = usize::try_from(attempts - 1).ok().and_then(|failed| PAUSES.get(failed));
    pause.map_or(Outcome::GivenUp, |seconds| {
        // Up to a tenth more, so that a crowd of failures does not come back as one.
        let seconds = seconds * 1_000 + rand::random_range(0..=seconds * 100);
        let asked = reply.retry_after.unwrap_or_default().min(LONGEST_PAUSE);
        Outcome::PutOff(TimeDelta::milliseconds(seconds).max(asked))
    })
}

/// Takes an endpoint's due deliveries for this worker: the single writer on SQLite, `SKIP LOCKED` on PostgreSQL. None if
/// nobody is to be told there any more.
fn lease(conn: &mut AnyConnection, endpoint: i64, now: NaiveDateTime) -> Result<Option<(Row, Vec<Leased>)>, Error> {
    let row: Row = webhook_endpoint::table.find(endpoint).first(conn)?;
    if !row.is_enabled() {
        return Ok(None);
    }
    let due = || {
        webhook_delivery::table
            .filter(webhook_delivery::endpoint_id.eq(endpoint))
            .filter(sql::<Bool>(WAITING))
            .filter(webhook_delivery::next_at.le(now))
            .filter(webhook_delivery::lease_until.is_null().or(webhook_delivery::lease_until.lt(now)))
    };
    // Leases that ended with their process. A delivery that takes the process with it every time is given up too.
    let most = i32::try_from(PAUSES.len()).unwrap_or(i32::MAX) + 1;
    let fatal = diesel::update(due().filter(webhook_delivery::attempts.ge(most)))
        .set((
            webhook_delivery::state.eq("failed"),
            webhook_delivery::finished_at.eq(now),
            webhook_delivery::lease_until.eq(None::<NaiveDateTime>),
        ))
        .execute(conn)?;
    if fatal > 0 {
        tracing::error!(endpoint, fatal, "webhooks were given up: no attempt to send them came to an end");
    }
    let next = due()
        .order((webhook_delivery::next_at, webhook_delivery::id))
        .select(webhook_delivery::id)
        .limit(AT_ONCE.into());
    let ids: Vec<i64> = match conn {
        AnyConnection::Sqlite(c) => next.load(c)?,
        AnyConnection::Postgres(c) => next.for_update().skip_locked().load(c)?,
    };
    diesel::update(webhook_delivery::table.filter(webhook_delivery::id.eq_any(&ids)))
        .set((
            webhook_delivery::state.eq("leased"),
            webhook_delivery::attempts.eq(webhook_delivery::attempts + 1),
            webhook_delivery::lease_until.eq(now + LEASE),
        ))
        .execute(conn)?;
    let batch = webhook_delivery::table
        .inner_join(webhook_message::table)
        .filter(webhook_delivery::id.eq_any(ids))
        .order((webhook_delivery::next_at, webhook_delivery::id))
        .select((webhook_delivery::id, webhook_delivery::attempts, webhook_message::public_id, webhook_message::body))
        .load(conn)?;
    Ok(Some((row, batch)))
}

#[derive(Insertable)]
#[diesel(table_name = webhook_attempt)]
struct NewAttempt {
    delivery_id: i64,
    made_at: NaiveDateTime,
    milliseconds: i32,
    status: Option<i32>,
    answer: String,
    error: Option<String>,
}

/// Writes down an attempt and what it means for the delivery and its endpoint. Whether the endpoint was disabled by it.
fn mark(
    conn: &mut AnyConnection,
    shop: &Shop,
    endpoint: i64,
    attempts: i32,
    attempt: &NewAttempt,
    outcome: Outcome,
) -> Result<bool, Error> {
    let now = shop.0.clock.now();
    let delivery = attempt.delivery_id;
    diesel::insert_into(webhook_attempt::table).values(attempt).execute(conn)?;
    let none = None::<NaiveDateTime>;
    if outcome == Outcome::Delivered {
        // Whoever holds the lease by now: it is there.
        diesel::update(webhook_delivery::table.find(delivery))
            .set((
                webhook_delivery::state.eq("delivered"),
                webhook_delivery::finished_at.eq(now),
                webhook_delivery::lease_until.eq(none),
            ))
            .execute(conn)?;
        let news = webhook_endpoint::failing_since
            .is_not_null()
            .or(webhook_endpoint::succeeded_at.is_null())
            .or(webhook_endpoint::succeeded_at.lt(now - SUCCEEDED_AGAIN));
        diesel::update(webhook_endpoint::table.find(endpoint).filter(news))
            .set((webhook_endpoint::succeeded_at.eq(now), webhook_endpoint::failing_since.eq(none)))
            .execute(conn)?;
        return Ok(false);
    }
    // Only while the lease is still ours: a worker that has taken the delivery over since knows better.
    let ours = webhook_delivery::table
        .find(delivery)
        .filter(webhook_delivery::state.eq("leased"))
        .filter(webhook_delivery::attempts.eq(attempts));
    match outcome {
        Outcome::PutOff(pause) => diesel::update(ours)
            .set((
                webhook_delivery::state.eq("waiting"),
                webhook_delivery::next_at.eq(now + pause),
                webhook_delivery::lease_until.eq(none),
            ))
            .execute(conn)?,
        Outcome::Delivered | Outcome::GivenUp | Outcome::Gone => diesel::update(ours)
            .set((
                webhook_delivery::state.eq("failed"),
                webhook_delivery::finished_at.eq(now),
                webhook_delivery::lease_until.eq(none),
            ))
            .execute(conn)?,
    };
    failed(conn, shop, endpoint, outcome, now)
}

/// What a failure means for the endpoint. Its row is locked: of several failures at once, one disables it.
fn failed(
    conn: &mut AnyConnection,
    shop: &Shop,
    endpoint: i64,
    outcome: Outcome,
    now: NaiveDateTime,
) -> Result<bool, Error> {
    let (state, since): (String, Option<NaiveDateTime>) = diesel::update(webhook_endpoint::table.find(endpoint))
        // Writing locks the row on both databases.
        .set(webhook_endpoint::state.eq(webhook_endpoint::state))
        .returning((webhook_endpoint::state, webhook_endpoint::failing_since))
        .get_result(conn)?;
    if since.is_none() {
        diesel::update(webhook_endpoint::table.find(endpoint))
            .set(webhook_endpoint::failing_since.eq(now))
            .execute(conn)?;
    }
    if state != "enabled" {
        return Ok(false);
    }
    let why = match outcome {
        Outcome::Gone => WhyDisabled::Gone,
        _ if since.is_some_and(|since| since <= now - FAILING) => WhyDisabled::Failing,
        _ => return Ok(false),
    };
    endpoints::disable(conn, endpoint, why, now)?;
    tracing::error!(endpoint, why = why.as_str(), "a webhook's endpoint was disabled");
    let state = |enabled, why: Option<&str>| Some(json!({ "enabled": enabled, "why": why }));
    let after = state(false, Some(why.as_str()));
    audit::record(conn, &Actor::Store, "webhook.disabled", object(endpoint), state(true, None), after)?;
    if let Some(owner) = shop.owner() {
        let kind = Kind::WebhookDisabled { endpoint, at: now.and_utc().timestamp() };
        outbox::queue(conn, shop, kind, owner, None, now)?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(status: u16, retry_after: Option<i64>) -> Reply {
        Reply { status: Some(status), retry_after: retry_after.map(TimeDelta::seconds), ..Reply::default() }
    }

    #[test]
    fn a_delivery_is_tried_ten_times_in_three_days() {
        let mut whole = TimeDelta::zero();
        for attempts in 1..=9 {
            let Outcome::PutOff(pause) = outcome(&Reply::default(), attempts) else { panic!("{attempts}") };
            let least = TimeDelta::seconds(PAUSES[usize::try_from(attempts).unwrap() - 1]);
            assert!(pause >= least && pause <= least + least / 10, "{attempts}: {pause}");
            whole += pause;
        }
        assert!(whole >= TimeDelta::hours(75) && whole <= TimeDelta::hours(84), "{whole}");
        assert_eq!(outcome(&Reply::default(), 10), Outcome::GivenUp);
    }

    #[test]
    fn only_2xx_is_a_success_and_410_is_the_end() {
        for status in [200, 201, 202, 204, 299] {
            assert_eq!(outcome(&answered(status, None), 1), Outcome::Delivered, "{status}");
        }
        for status in [100, 301, 302, 307, 400, 401, 404, 429, 500, 502, 503, 504] {
            assert!(matches!(outcome(&answered(status, None), 1), Outcome::PutOff(_)), "{status}");
        }
        assert_eq!(outcome(&answered(410, None), 1), Outcome::Gone);
    }

    #[test]
    fn an_endpoint_may_have_us_wait_longer_and_no_longer_than_a_day() {
        let pause = |attempts, asked| match outcome(&answered(503, Some(asked)), attempts) {
            Outcome::PutOff(pause) => pause,
            other => panic!("{other:?}"),
        };
        assert_eq!(pause(1, 120), TimeDelta::seconds(120));
        assert!(pause(2, 10) >= TimeDelta::seconds(300));
        assert_eq!(pause(1, 30 * 86_400), LONGEST_PAUSE);
    }
}
