//! The bodies of Stripe's events, which hold names and addresses, are kept for a while and then dropped: what an event
//! means is asked from Stripe, also when it is replayed.

use crate::db::schema::stripe_event;
use crate::{Error, Shop};
use chrono::TimeDelta;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

/// How long a body is kept.
const KEPT: TimeDelta = TimeDelta::days(90);
/// Bodies are dropped so many to a transaction.
const BATCH: i64 = 1_000;

/// In the words of the index `stripe_event_with_body`: with a parameter in its place no database would know that the
/// index has these rows.
const WITH_BODY: &str = "stripe_event.body <> ''";

impl Shop {
    /// Drops the bodies of events that came more than 90 days ago; returns how many.
    ///
    /// # Errors
    /// The database's.
    pub async fn drop_old_event_bodies(&self) -> Result<usize, Error> {
        let before = self.0.clock.now() - KEPT;
        let mut dropped = 0;
        loop {
            let count = self
                .0
                .db
                .write(move |conn| {
                    let old = stripe_event::table
                        .filter(stripe_event::received_at.lt(before))
                        .filter(sql::<Bool>(WITH_BODY))
                        .order(stripe_event::received_at)
                        .select(stripe_event::id)
                        .limit(BATCH);
                    let ids: Vec<String> = old.load(conn)?;
                    let events = diesel::update(stripe_event::table.filter(stripe_event::id.eq_any(ids)));
                    Ok(events.set(stripe_event::body.eq("")).execute(conn)?)
                })
                .await?;
            dropped += count;
            if count == 0 {
                return Ok(dropped);
            }
        }
    }
}
