//! What was sent is kept for a while, to be looked at and to be sent again, and then forgotten.

use crate::db::schema::{webhook_attempt, webhook_delivery, webhook_endpoint, webhook_message};
use crate::{Error, Shop};
use chrono::TimeDelta;
use diesel::dsl::{exists, not};
use diesel::prelude::*;

/// How long a message is kept, with all that came of it.
const KEPT: TimeDelta = TimeDelta::days(30);
/// Messages are forgotten so many to a transaction.
const BATCH: i64 = 500;

impl Shop {
    /// Forgets messages of more than 30 days ago that nothing waits to be sent of, and endpoints that were deleted, with
    /// the last of theirs; returns how many messages.
    ///
    /// # Errors
    /// The database's.
    pub async fn forget_old_webhooks(&self) -> Result<usize, Error> {
        let before = self.0.clock.now() - KEPT;
        let mut forgotten = 0;
        loop {
            let count = self
                .0
                .db
                .write(move |conn| {
                    let waiting = webhook_delivery::table
                        .filter(webhook_delivery::message_id.eq(webhook_message::id))
                        .filter(webhook_delivery::finished_at.is_null())
                        .select(webhook_delivery::id);
                    let old: Vec<i64> = webhook_message::table
                        .filter(webhook_message::created_at.lt(before))
                        .filter(not(exists(waiting)))
                        .order(webhook_message::created_at)
                        .select(webhook_message::id)
                        .limit(BATCH)
                        .load(conn)?;
                    let deliveries: Vec<i64> = webhook_delivery::table
                        .filter(webhook_delivery::message_id.eq_any(&old))
                        .select(webhook_delivery::id)
                        .load(conn)?;
                    diesel::delete(webhook_attempt::table.filter(webhook_attempt::delivery_id.eq_any(&deliveries)))
                        .execute(conn)?;
                    diesel::delete(webhook_delivery::table.filter(webhook_delivery::id.eq_any(&deliveries)))
                        .execute(conn)?;
                    Ok(diesel::delete(webhook_message::table.filter(webhook_message::id.eq_any(&old))).execute(conn)?)
                })
                .await?;
            forgotten += count;
            if count == 0 {
                break;
            }
        }
        self.0
            .db
            .write(|conn| {
                let kept = webhook_delivery::table
                    .filter(webhook_delivery::endpoint_id.eq(webhook_endpoint::id))
                    .select(webhook_delivery::id);
                let gone =
                    webhook_endpoint::table.filter(webhook_endpoint::state.eq("deleted")).filter(not(exists(kept)));
                diesel::delete(gone).execute(conn)?;
                Ok(())
            })
            .await?;
        Ok(forgotten)
    }
}
