//! The worker's side of the outbox: lease, send outside of any transaction, mark.
//!
//! A mail may leave twice if we die between the relay's answer and our commit; it has the same Message-ID then. It is
//! never lost: a lease that ends without a mark is taken up again.

use super::{Kind, is_left_behind, readdress};
use crate::clock::backoff;
use crate::db::AnyConnection;
use crate::db::schema::outbox;
use crate::failpoint::{Failpoint, pass};
use crate::mailer::{Envelope, MailError, Post, compose};
use crate::{Error, Shop, letters};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};
use std::panic::AssertUnwindSafe;
use std::time::Duration;

/// A mail to be sent.
#[derive(Queryable)]
struct Leased {
    id: i64,
    kind: String,
    recipient: String,
    order_id: Option<i64>,
    payload: String,
    message_id: String,
    attempts: i32,
}

/// Mails taken at a time …
const BATCH: i64 = 8;
/// … and on their way at once: as many as there are connections to the relay.
const AT_ONCE: usize = crate::mailer::CONNECTIONS as usize;
/// For one mail's whole way to the relay.
const SEND_TIME: Duration = Duration::from_secs(50);
/// How long a worker may take over a batch before another one takes it: longer than its slowest mails.
const LEASE: TimeDelta = TimeDelta::seconds(150);
/// Before the second attempt …
const FIRST_PAUSE: TimeDelta = TimeDelta::minutes(1);
/// … and at most, which with its quarter is six hours.
const LONGEST_PAUSE: TimeDelta = TimeDelta::minutes(288);
/// After so many failures, which is about three days, a mail is given up.
const MAX_ATTEMPTS: i32 = 22;

/// How many mails do not go out by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backlog {
    /// Waiting for their first or next attempt.
    pub waiting: i64,
    /// Given up.
    pub dead: i64,
}

/// What became of an attempt.
enum Outcome {
    Sent,
    /// Once more, later.
    PutOff(String),
    /// Never.
    GivenUp(String),
}

impl Shop {
    /// Whether the store can send mail at all.
    #[must_use]
    pub fn sends_mail(&self) -> bool {
        self.0.post.is_some()
    }

    /// Returns when mail was queued, or after `at_most`.
    pub async fn wait_for_mail(&self, at_most: Duration) {
        let _ = tokio::time::timeout(at_most, self.0.mail_waiting.notified()).await;
    }

    /// Sends the mails that are due, a batch at a time. Returns how many it took; 0 means that nothing is due, or that
    /// nobody said how mail leaves.
    ///
    /// # Errors
    /// The database's. What goes wrong with one mail is kept with it and tried again later.
    pub async fn work_on_outbox(&self) -> Result<usize, Error> {
        let Some(post) = &self.0.post else { return Ok(0) };
        let now = self.0.clock.now();
        // Looking costs no transaction, so it can be done often.
        if !self.0.db.read(move |conn| any_due(conn, now)).await? {
            return Ok(0);
        }
        let batch = self.0.db.write(move |conn| lease(conn, now)).await?;
        let count = batch.len();
        futures::stream::iter(batch)
            .map(|mail| async move { self.mark(&mail, self.attempt(post, &mail).await).await })
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        Ok(count)
    }

    /// How many mails wait, and how many were given up.
    ///
    /// # Errors
    /// The database's.
    pub async fn mail_backlog(&self) -> Result<Backlog, Error> {
        self.0
            .db
            .read(|conn| {
                let waiting = outbox::table.filter(sql::<Bool>(WAITING)).count().get_result(conn)?;
                let dead = outbox::table.filter(outbox::state.eq("dead")).count().get_result(conn)?;
                Ok(Backlog { waiting, dead })
            })
            .await
    }

    /// A panic in one mail is a failure of that mail.
    async fn attempt(&self, post: &Post, mail: &Leased) -> Outcome {
        let sending = AssertUnwindSafe(tokio::time::timeout(SEND_TIME, self.send(post, mail))).catch_unwind();
        match sending.await {
            Ok(Ok(Ok(()))) => Outcome::Sent,
            Ok(Ok(Err(MailError::Refused(why)))) => Outcome::GivenUp(why),
            Ok(Ok(Err(MailError::Failed(why)))) if mail.attempts >= MAX_ATTEMPTS => Outcome::GivenUp(why),
            Ok(Ok(Err(MailError::Failed(why)))) => Outcome::PutOff(why),
            Ok(Err(_)) => Outcome::PutOff("no answer in time".into()),
            Err(_) => Outcome::PutOff("a defect: the attempt panicked".into()),
        }
    }

    async fn send(&self, post: &Post, mail: &Leased) -> Result<(), MailError> {
        let kind = Kind::read(&mail.kind, &mail.payload).map_err(|error| MailError::Failed(error.to_string()))?;
        let (shop, order_id, recipient) = (self.clone(), mail.order_id, mail.recipient.clone());
        let (letter, left_behind) = self
            .0
            .db
            .read(move |conn| {
                let letter = letters::write(conn, &shop, kind, order_id)?;
                // Looked at after it was written: an order that moves later leaves a letter whose link is dead.
                let left_behind = is_left_behind(conn, kind, order_id, &recipient)?;
                Ok((letter, left_behind))
            })
            .await
            .map_err(|error| MailError::Failed(error.to_string()))?;
        let letter = letter.ok_or_else(|| MailError::Refused("its time was over before it could be sent".into()))?;
        if left_behind {
            return Err(MailError::Failed("its order has moved to another address meanwhile".into()));
        }
        let envelope = Envelope {
            from: &post.from,
            to: &mail.recipient,
            reply_to: kind
                .is_for_buyers()
                .then_some(post.owner.as_str())
                .filter(|owner| !owner.eq_ignore_ascii_case(post.from.address())),
            message_id: &mail.message_id,
            date: self.0.clock.now(),
        };
        let message = compose(&letter, &envelope)?;
        pass(Failpoint::MailLeased);
        post.mailer.send(message, &mail.message_id).await?;
        pass(Failpoint::MailTaken);
        Ok(())
    }

    async fn mark(&self, mail: &Leased, outcome: Outcome) -> Result<(), Error> {
        let (id, attempts, now) = (mail.id, mail.attempts, self.0.clock.now());
        match outcome {
            Outcome::Sent => {
                tracing::debug!(mail = id, kind = mail.kind, "mail sent");
                self.0.db.write(move |conn| sent(conn, id, now)).await?;
                pass(Failpoint::MailMarked);
                Ok(())
            }
            Outcome::PutOff(why) => {
                tracing::warn!(mail = id, kind = mail.kind, attempts, why, "mail failed and will be tried again");
                let next_at = now + backoff(attempts, FIRST_PAUSE, LONGEST_PAUSE);
                self.0.db.write(move |conn| failed(conn, id, attempts, "queued", &why, next_at)).await
            }
            Outcome::GivenUp(why) => {
                tracing::error!(mail = id, kind = mail.kind, attempts, why, "mail was given up");
                self.0.db.write(move |conn| failed(conn, id, attempts, "dead", &why, now)).await
            }
        }
    }
}

/// What is still to be sent, in the words of the index `outbox_due`: with parameters in their place no database would know
/// that the index has these rows, and each look would go through all mail there ever was.
const WAITING: &str = "outbox.state IN ('queued', 'leased')";

fn any_due(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<bool, Error> {
    let due = outbox::table
        .filter(sql::<Bool>(WAITING))
        .filter(outbox::next_at.le(now))
        .filter(outbox::lease_until.is_null().or(outbox::lease_until.lt(now)));
    Ok(diesel::select(diesel::dsl::exists(due)).get_result(conn)?)
}

/// Takes due mails for this worker: the single writer on SQLite, `SKIP LOCKED` on PostgreSQL.
fn lease(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<Vec<Leased>, Error> {
    // Leases that ended with their process. A mail that takes the process with it every time is given up too.
    let fatal = diesel::update(
        outbox::table
            .filter(sql::<Bool>(WAITING))
            .filter(outbox::state.eq("leased"))
            .filter(outbox::next_at.le(now))
            .filter(outbox::lease_until.lt(now))
            .filter(outbox::attempts.ge(MAX_ATTEMPTS)),
    )
    .set((
        outbox::state.eq("dead"),
        outbox::error.eq("no attempt came to an end"),
        outbox::lease_until.eq(None::<NaiveDateTime>),
    ))
    .execute(conn)?;
    if fatal > 0 {
        tracing::error!(fatal, "mails were given up: no attempt to send them came to an end");
    }
    let due = outbox::table
        .filter(sql::<Bool>(WAITING))
        .filter(outbox::next_at.le(now))
        .filter(outbox::lease_until.is_null().or(outbox::lease_until.lt(now)))
        .order((outbox::next_at, outbox::id))
        .select(outbox::id)
        .limit(BATCH);
    let ids: Vec<i64> = match conn {
        AnyConnection::Sqlite(c) => due.load(c)?,
        AnyConnection::Postgres(c) => due.for_update().skip_locked().load(c)?,
    };
    diesel::update(outbox::table.filter(outbox::id.eq_any(&ids)))
        .set((
            outbox::state.eq("leased"),
            outbox::attempts.eq(outbox::attempts + 1),
            outbox::lease_until.eq(now + LEASE),
        ))
        .execute(conn)?;
    Ok(outbox::table
        .filter(outbox::id.eq_any(ids))
        .order((outbox::next_at, outbox::id))
        .select((
            outbox::id,
            outbox::kind,
            outbox::recipient,
            outbox::order_id,
            outbox::payload,
            outbox::message_id,
            outbox::attempts,
        ))
        .load(conn)?)
}

/// Whoever holds the lease by now: the mail has left. What the provider has said since is newer.
fn sent(conn: &mut AnyConnection, id: i64, now: NaiveDateTime) -> Result<(), Error> {
    diesel::update(outbox::table.find(id).filter(outbox::state.eq_any(["leased", "queued", "dead"])))
        .set((
            outbox::state.eq("sent"),
            outbox::sent_at.eq(now),
            outbox::lease_until.eq(None::<NaiveDateTime>),
            outbox::error.eq(None::<String>),
        ))
        .execute(conn)?;
    Ok(())
}

/// Only while the lease is still ours: a worker that has taken the mail over since knows better. The order may have moved
/// while the mail was on its way, which the next attempt follows.
fn failed(
    conn: &mut AnyConnection,
    id: i64,
    attempts: i32,
    state: &str,
    why: &str,
    next_at: NaiveDateTime,
) -> Result<(), Error> {
    let ours = outbox::table.find(id).filter(outbox::state.eq("leased")).filter(outbox::attempts.eq(attempts));
    let put_off = diesel::update(ours)
        .set((
            outbox::state.eq(state),
            outbox::error.eq(why),
            outbox::next_at.eq(next_at),
            outbox::lease_until.eq(None::<NaiveDateTime>),
        ))
        .execute(conn)?;
    if put_off > 0 { readdress(conn, id) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pause(attempts: i32) -> TimeDelta {
        backoff(attempts, FIRST_PAUSE, LONGEST_PAUSE)
    }

    #[test]
    fn a_mail_is_tried_for_about_three_days() {
        for attempts in 1..MAX_ATTEMPTS {
            let pause = pause(attempts);
            assert!(pause >= TimeDelta::minutes(1) && pause <= TimeDelta::hours(6), "{attempts}: {pause}");
        }
        assert!(pause(1) <= TimeDelta::seconds(75));
        let whole: TimeDelta = (1..MAX_ATTEMPTS).map(pause).sum();
        assert!(whole >= TimeDelta::hours(64) && whole <= TimeDelta::hours(84), "{whole}");
    }
}
