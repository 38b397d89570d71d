//! What concerns many deliveries at once is done piece by piece, each in a transaction of its own: on SQLite nobody else
//! writes meanwhile.

use super::endpoints::Row;
use super::log::NotSent;
use super::object;
use crate::audit::{self, Actor};
use crate::db::AnyConnection;
use crate::db::schema::{webhook_delivery, webhook_endpoint, webhook_message};
use crate::{Error, Shop};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde_json::json;
use tracing::Instrument as _;

/// So many deliveries are changed in one transaction.
const PIECE: usize = 500;

/// Makes deliveries due, as if they had never been tried.
macro_rules! again {
    ($conn:expr, $which:expr, $now:expr) => {
        diesel::update($which)
            .set((
                webhook_delivery::state.eq("waiting"),
                webhook_delivery::attempts.eq(0),
                webhook_delivery::next_at.eq($now),
                webhook_delivery::finished_at.eq(None::<NaiveDateTime>),
            ))
            .execute($conn)?
    };
}
pub(super) use again;

impl Shop {
    /// Gives up what waits for an endpoint that is told nothing any more and is not on its way at this moment: bit by bit,
    /// so that nobody waits long for the database. What is left if we die over it, the worker finds.
    pub(super) async fn give_up_webhooks(&self, id: i64) -> Result<(), Error> {
        loop {
            let now = self.0.clock.now();
            let given_up = self.0.db.write(move |conn| give_up_some(conn, id, now)).await?;
            if given_up < PIECE {
                return Ok(());
            }
        }
    }

    /// Makes all of an endpoint's deliveries once more that were given up and whose message is from the last `hours`.
    /// Gives their number. Each piece of them is in the audit by itself; the first marks a program's key. Whoever hangs up
    /// meanwhile does not cut it short. If the process dies over it, what is left is to be asked for again.
    ///
    /// # Errors
    /// [`Error::NotFound`], the database's.
    pub async fn redeliver_failed_webhooks(
        &self,
        actor: &Actor,
        endpoint: i64,
        hours: u16,
    ) -> Result<Result<usize, NotSent>, Error> {
        let (shop, actor) = (self.clone(), *actor);
        let all = async move { shop.redeliver_piecemeal(actor, endpoint, hours).await };
        let task = tokio::spawn(all.in_current_span());
        task.await.unwrap_or_else(|error| Err(Error::internal(format!("sending again: {error}"))))
    }

    async fn redeliver_piecemeal(
        &self,
        mut actor: Actor,
        endpoint: i64,
        hours: u16,
    ) -> Result<Result<usize, NotSent>, Error> {
        let since = self.0.clock.now() - TimeDelta::hours(hours.into());
        let (mut sent, mut behind) = (0, i64::MAX);
        loop {
            // Looked for where nobody waits, and changed bit by bit: then nobody waits long.
            let piece = self.0.db.read(move |conn| given_up_since(conn, endpoint, since, behind)).await?;
            let Some(last) = piece.last().copied() else { break };
            behind = last;
            let now = self.0.clock.now();
            let again = move |conn: &mut AnyConnection| -> Result<Option<usize>, Error> {
                if !Row::locked(conn, endpoint)?.is_enabled() {
                    return Ok(None);
                }
                let failed = webhook_delivery::table
                    .filter(webhook_delivery::id.eq_any(&piece))
                    .filter(sql::<Bool>("webhook_delivery.state = 'failed'"));
                let count = again!(conn, failed, now);
                if count > 0 {
                    let after = json!({ "deliveries": count, "hours": hours });
                    audit::record(conn, &actor, "webhook.redelivered", object(endpoint), None, Some(after))?;
                }
                Ok(Some(count))
            };
            match self.0.db.write(again).await? {
                Some(0) => {}
                Some(count) => {
                    sent += count;
                    actor = actor.unmarked();
                }
                // Switched off, now or between two pieces: what was made due is given up by whoever did that.
                None => return Ok(Err(NotSent::Disabled)),
            }
            self.0.webhooks_waiting.notify_one();
        }
        if sent > 0 {
            return Ok(Ok(sent));
        }
        let enabled = self.0.db.read(move |conn| Ok(Row::find(conn, endpoint)?.is_enabled())).await?;
        Ok(Err(if enabled { NotSent::Nothing } else { NotSent::Disabled }))
    }
}

/// Gives up so many deliveries at most, and says how many; none if the endpoint is enabled, again or still.
fn give_up_some(conn: &mut AnyConnection, id: i64, now: NaiveDateTime) -> Result<usize, Error> {
    let endpoint = webhook_endpoint::table.find(id).select(webhook_endpoint::state);
    // Locked on PostgreSQL until these are given up, so that it is not enabled in between. On SQLite there is one writer.
    let state = match conn {
        AnyConnection::Sqlite(c) => endpoint.first::<String>(c),
        AnyConnection::Postgres(c) => endpoint.for_share().first::<String>(c),
    };
    if state.optional()?.is_none_or(|state| state == "enabled") {
        return Ok(0);
    }
    let waiting = || {
        webhook_delivery::table
            .filter(webhook_delivery::endpoint_id.eq(id))
            .filter(sql::<Bool>(super::sending::WAITING))
            .filter(webhook_delivery::lease_until.is_null().or(webhook_delivery::lease_until.lt(now)))
    };
    let piece: Vec<i64> = waiting()
        .order((webhook_delivery::next_at, webhook_delivery::id))
        .select(webhook_delivery::id)
        .limit(i64::try_from(PIECE).unwrap_or(i64::MAX))
        .load(conn)?;
    diesel::update(waiting().filter(webhook_delivery::id.eq_any(&piece)))
        .set((
            webhook_delivery::state.eq("failed"),
            webhook_delivery::finished_at.eq(now),
            webhook_delivery::lease_until.eq(None::<NaiveDateTime>),
        ))
        .execute(conn)?;
    Ok(piece.len())
}

/// So many at most of an endpoint's deliveries that were given up and whose message is not older, the latest first, from
/// behind one of them.
fn given_up_since(
    conn: &mut AnyConnection,
    endpoint: i64,
    since: NaiveDateTime,
    behind: i64,
) -> Result<Vec<i64>, Error> {
    let recent = webhook_message::table
        .filter(webhook_message::id.eq(webhook_delivery::message_id))
        .filter(webhook_message::created_at.ge(since))
        .select(webhook_message::id);
    Ok(webhook_delivery::table
        .filter(webhook_delivery::endpoint_id.eq(endpoint))
        .filter(sql::<Bool>("webhook_delivery.state = 'failed'"))
        .filter(webhook_delivery::id.lt(behind))
        .filter(diesel::dsl::exists(recent))
        .order(webhook_delivery::id.desc())
        .select(webhook_delivery::id)
        .limit(i64::try_from(PIECE).unwrap_or(i64::MAX))
        .load(conn)?)
}
