//! Stripe's events of the last hours or days, kept if no delivery has brought them.

use super::{get, set};
use crate::db::AnyConnection;
use crate::db::schema::stripe_event;
use crate::events::TYPES;
use crate::payments::Page;
use crate::{Error, Shop};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl::max;
use diesel::prelude::*;

/// The row of `watermark` up to which no event is missing.
const COMPLETE_UP_TO: &str = "events are complete up to";
/// Events may appear in the list a little after their time.
const OVERLAP: TimeDelta = TimeDelta::hours(1);
/// Stripe delivers again for so long.
const DELIVERIES: TimeDelta = TimeDelta::hours(72);
/// Stripe's list goes back no further.
const LIST: TimeDelta = TimeDelta::days(30);

impl Shop {
    /// Keeps what is missing since the last time, with an hour's overlap: after a downtime everything since then, at most
    /// 30 days. Returns how many events were missing.
    ///
    /// # Errors
    /// [`Error::Payments`], the database's. What was kept until then stays, and the next round goes on from there.
    pub async fn fetch_recent_events(&self) -> Result<usize, Error> {
        let now = self.0.clock.now();
        let complete = self.0.db.read(last_known).await?.unwrap_or(now);
        let missing = self.fetch_events((complete - OVERLAP).max(now - LIST), true).await?;
        self.complete_up_to(now).await?;
        Ok(missing)
    }

    /// The same over the three days in which Stripe delivers again. Returns how many events were missing.
    ///
    /// # Errors
    /// As [`Shop::fetch_recent_events`].
    pub async fn fetch_events_of_three_days(&self) -> Result<usize, Error> {
        self.fetch_events(self.0.clock.now() - DELIVERIES, false).await
    }

    async fn fetch_events(&self, since: NaiveDateTime, advance: bool) -> Result<usize, Error> {
        let since = since.and_utc().timestamp();
        // The list begins with the newest, and the oldest are to be kept first: so walk to its end, remembering only
        // where each page begins, and come back.
        let mut begins: Vec<Option<String>> = vec![None];
        let mut last = self.events_page(since, None).await?;
        while let Some(next) = last.next.take() {
            last = self.events_page(since, Some(&next)).await?;
            begins.push(Some(next));
        }
        begins.pop();
        let (mut missing, mut page) = (0, last);
        loop {
            let kept = self.keep_missing(page.items).await?;
            missing += kept.new;
            if let Some(newest) = kept.newest.filter(|_| advance) {
                self.complete_up_to(newest).await?;
            }
            let Some(begin) = begins.pop() else { break };
            page = self.events_page(since, begin.as_deref()).await?;
        }
        if missing > 0 {
            tracing::warn!(missing, "events were found in Stripe's list that no delivery had brought");
        }
        Ok(missing)
    }

    async fn events_page(&self, since: i64, after: Option<&str>) -> Result<Page<String>, Error> {
        Ok(self.0.payments.events_page(since, TYPES, after).await?)
    }

    async fn complete_up_to(&self, at: NaiveDateTime) -> Result<(), Error> {
        self.0
            .db
            .write(move |conn| {
                if get(conn, COMPLETE_UP_TO)?.is_none_or(|known| known < at) {
                    set(conn, COMPLETE_UP_TO, at)?;
                }
                Ok(())
            })
            .await
    }
}

/// Up to when events are complete, as far as that is known: a store from before there was a watermark has at least
/// what was delivered.
fn last_known(conn: &mut AnyConnection) -> Result<Option<NaiveDateTime>, Error> {
    match get(conn, COMPLETE_UP_TO)? {
        Some(known) => Ok(Some(known)),
        None => Ok(stripe_event::table.select(max(stripe_event::created)).first(conn)?),
    }
}
