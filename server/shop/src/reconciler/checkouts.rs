//! Checkouts that are still open: has anybody paid?

use crate::db::AnyConnection;
use crate::db::schema::checkout;
use crate::payments::PaymentsError;
use crate::{Error, Reconciled, Shop};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use futures::StreamExt as _;
use std::collections::{BTreeMap, HashMap};

/// A younger one is not asked for: the buyer is still typing, and the webhook may come.
const YOUNG: TimeDelta = TimeDelta::minutes(10);
/// Ages double from class to class: 10 minutes, 20, 40 … 21 hours.
const CLASSES: u32 = 8;
/// Checkouts of one round: Stripe is not asked more often than about twice a second.
const AT_MOST: usize = 500;
/// Questions at once.
const AT_ONCE: usize = 4;
/// So many failures and no success: Stripe is down, and the rest waits for the next round.
const FAILURES: usize = 5;
/// When a session has ended, Stripe's clock may still say otherwise.
const CLOCKS: TimeDelta = TimeDelta::minutes(10);
/// No session of ours can be paid later than this after its checkout was opened.
const LIFE: TimeDelta = TimeDelta::hours(25);
/// What Stripe does not know may only be late; after this long it will not come.
const GIVE_UP: TimeDelta = TimeDelta::days(3);

/// What a round over open checkouts has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CheckoutsChecked {
    /// Still open.
    pub open: usize,
    /// Now an order, expired, or under review.
    pub settled: usize,
    /// Stripe did not answer, or not understandably.
    pub failed: usize,
}

#[derive(Clone, Debug, Queryable)]
struct Due {
    id: i64,
    idem_key: String,
    stripe_session: Option<String>,
    created_at: NaiveDateTime,
    /// Also when it was last asked for.
    updated_at: NaiveDateTime,
}

/// What one question came to.
enum Answer {
    Open,
    Settled,
    /// To be asked again when Stripe answers.
    Failed(i64),
}

impl Shop {
    /// Asks Stripe about the open checkouts that are due: each at an age of ten minutes, then after a third to a half
    /// of its age, and once more when its session has ended. Those that were not asked for the longest time come first.
    ///
    /// # Errors
    /// The database's. What Stripe does not answer is counted and asked in the next round.
    pub async fn check_open_checkouts(&self) -> Result<CheckoutsChecked, Error> {
        let now = self.0.clock.now();
        let due = self.0.db.read(move |conn| due(conn, now)).await?;
        let (known, lost): (Vec<Due>, Vec<Due>) = due.into_iter().partition(|due| due.stripe_session.is_some());
        let mut found = self.look_for_sessions(lost, now).await?;
        found.extend(known);
        let mut done = CheckoutsChecked::default();
        let mut unanswered = Vec::new();
        let mut answers = futures::stream::iter(found)
            .map(|due| async move { self.check_checkout(&due, now).await })
            .buffer_unordered(AT_ONCE);
        while let Some(answer) = answers.next().await {
            match answer? {
                Answer::Open => done.open += 1,
                Answer::Settled => done.settled += 1,
                Answer::Failed(id) => {
                    done.failed += 1;
                    unanswered.push(id);
                }
            }
            if done.failed >= FAILURES && done.open + done.settled == 0 {
                tracing::warn!("Stripe does not answer; open checkouts wait for the next round");
                return Ok(done);
            }
        }
        drop(answers);
        // Where others were answered, these must not stand before everybody in each round.
        if done.open + done.settled > 0 {
            for id in unanswered {
                self.was_asked(id, now).await?;
            }
        }
        if done.settled > 0 {
            tracing::info!(settled = done.settled, "open checkouts were settled without a webhook");
        }
        Ok(done)
    }

    async fn check_checkout(&self, due: &Due, now: NaiveDateTime) -> Result<Answer, Error> {
        let Some(session) = &due.stripe_session else { return Ok(Answer::Open) };
        match self.reconcile(session).await {
            Ok(Reconciled::Open) => Ok(Answer::Open),
            Ok(Reconciled::Expired | Reconciled::Quarantined | Reconciled::Ordered(_)) => Ok(Answer::Settled),
            Ok(Reconciled::Unknown | Reconciled::Foreign | Reconciled::WrongMode) => {
                if due.created_at + GIVE_UP > now {
                    self.was_asked(due.id, now).await?;
                    return Ok(Answer::Open);
                }
                tracing::error!(checkout = due.id, session, "Stripe knows nothing of a checkout's session");
                self.expire_checkout(due.id, "Stripe knows no such session", now).await?;
                Ok(Answer::Settled)
            }
            Err(Error::Payments(error)) => {
                tracing::debug!(checkout = due.id, %error, "a checkout could not be checked");
                Ok(Answer::Failed(due.id))
            }
            // A row that cannot be read is a defect of its own and stops nobody else.
            Err(Error::Internal(error)) => {
                tracing::error!(checkout = due.id, error, "a checkout could not be checked");
                Ok(Answer::Failed(due.id))
            }
            Err(error) => Err(error),
        }
    }

    /// Checkouts whose session's id we never got: Stripe's list knows whether there is one. One walk for all of them.
    async fn look_for_sessions(&self, lost: Vec<Due>, now: NaiveDateTime) -> Result<Vec<Due>, Error> {
        let Some(oldest) = lost.iter().map(|due| due.created_at).min() else { return Ok(Vec::new()) };
        let since = (oldest - CLOCKS).and_utc().timestamp();
        let mut by_key: HashMap<String, Due> = lost.into_iter().map(|due| (due.idem_key.clone(), due)).collect();
        let (mut found, mut after) = (Vec::new(), None);
        while !by_key.is_empty() {
            let page = match self.0.payments.sessions_page(since, false, after.as_deref()).await {
                Ok(page) => page,
                Err(error @ PaymentsError::Setup(_)) => return Err(error.into()),
                // They are as old in the next round.
                Err(error) => {
                    tracing::warn!(%error, "sessions that we never heard of could not be looked for");
                    return Ok(found);
                }
            };
            for session in page.items {
                if let Some(due) = session.idempotency_key.and_then(|key| by_key.remove(&key)) {
                    found.push(Due { stripe_session: Some(session.id), ..due });
                }
            }
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        for due in by_key.into_values() {
            // Nobody can be asked to pay for it any more.
            if due.created_at + LIFE <= now {
                self.expire_checkout(due.id, "Stripe never had a session for it", now).await?;
            } else {
                self.was_asked(due.id, now).await?;
            }
        }
        Ok(found)
    }

    async fn was_asked(&self, id: i64, now: NaiveDateTime) -> Result<(), Error> {
        self.0
            .db
            .write(move |conn| {
                diesel::update(checkout::table.find(id).filter(checkout::state.eq("open")))
                    .set(checkout::updated_at.eq(now))
                    .execute(conn)?;
                Ok(())
            })
            .await
    }

    async fn expire_checkout(&self, id: i64, why: &'static str, now: NaiveDateTime) -> Result<(), Error> {
        self.0
            .db
            .write(move |conn| {
                diesel::update(checkout::table.find(id).filter(checkout::state.eq("open")))
                    .set((checkout::state.eq("expired"), checkout::last_error.eq(why), checkout::updated_at.eq(now)))
                    .execute(conn)?;
                Ok(())
            })
            .await
    }
}

/// In the words of the index `checkout_open_by_time`, so that the databases know that it has these rows.
const OPEN: &str = "checkout.state = 'open'";

/// The open checkouts to be asked for, the longest unasked first.
fn due(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<Vec<Due>, Error> {
    let limit = i64::try_from(AT_MOST).unwrap_or(i64::MAX);
    let columns =
        (checkout::id, checkout::idem_key, checkout::stripe_session, checkout::created_at, checkout::updated_at);
    let mut found: BTreeMap<i64, Due> = BTreeMap::new();
    let mut age = YOUNG;
    for class in 1..=CLASSES {
        // The index on the time of open checkouts gives each class alone.
        let mut open = checkout::table
            .filter(sql::<Bool>(OPEN))
            .filter(checkout::created_at.le(now - age))
            .filter(checkout::updated_at.le(now - age / 2))
            .into_boxed();
        if class < CLASSES {
            open = open.filter(checkout::created_at.gt(now - age * 2));
        }
        let rows: Vec<Due> =
            open.order((checkout::updated_at, checkout::id)).limit(limit).select(columns).load(conn)?;
        found.extend(rows.into_iter().map(|due| (due.id, due)));
        age = age * 2;
    }
    let ended = checkout::table
        .filter(sql::<Bool>(OPEN))
        .filter(checkout::created_at.le(now - YOUNG))
        .filter(checkout::expires_at.le(now - CLOCKS))
        .filter(checkout::updated_at.lt(checkout::expires_at));
    let rows: Vec<Due> = ended.order((checkout::updated_at, checkout::id)).limit(limit).select(columns).load(conn)?;
    found.extend(rows.into_iter().map(|due| (due.id, due)));
    let mut due: Vec<Due> = found.into_values().collect();
    due.sort_by_key(|due| (due.updated_at, due.id));
    due.truncate(AT_MOST);
    Ok(due)
}
