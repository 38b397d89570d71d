//! The log of Stripe's events, for programs: page by page, and one with its body.

use super::EventSummary;
use crate::db::AnyConnection;
use crate::db::schema::stripe_event;
use crate::paging::{Page, Place};
use crate::{Error, Shop};
use chrono::{DateTime, NaiveDateTime};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text, Timestamp};

/// Which events: of all others there are as many as there were payments, and no index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventFilter {
    /// Those that are still to be worked on.
    Waiting,
    /// Those that were put aside.
    Dead,
}

/// An event with what came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventDetail {
    /// What is in the list.
    pub summary: EventSummary,
    /// Stripe's body; empty once it was dropped.
    pub body: String,
}

impl EventSummary {
    /// What names it in a list: when it came, and which it is.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{} {}", self.received_at.and_utc().timestamp_micros(), self.id)
    }
}

/// What [`EventSummary::key`] has written.
fn parse(key: &str) -> Result<(NaiveDateTime, String), Error> {
    let parts = key.split_once(' ').and_then(|(micros, id)| Some((micros.parse().ok()?, id)));
    let (micros, id) = parts.ok_or(Error::BadPlace)?;
    let at = DateTime::from_timestamp_micros(micros).ok_or(Error::BadPlace)?;
    Ok((at.naive_utc(), id.to_owned()))
}

impl Shop {
    /// A page of events, newest first.
    ///
    /// # Errors
    /// [`Error::BadPlace`] if the place is none of this list; the database's.
    pub async fn event_page(
        &self,
        filter: Option<EventFilter>,
        place: Place,
        size: usize,
    ) -> Result<Page<EventSummary>, Error> {
        self.0.db.read(move |conn| page(conn, filter, &place, size)).await
    }

    /// An event with its body, if there is one of this id.
    ///
    /// # Errors
    /// The database's.
    pub async fn event(&self, id: &str) -> Result<Option<EventDetail>, Error> {
        let id = id.to_owned();
        self.0
            .db
            .read(move |conn| {
                let found = stripe_event::table.find(&id).select((EventSummary::as_select(), stripe_event::body));
                let found: Option<(EventSummary, String)> = found.first(conn).optional()?;
                Ok(found.map(|(summary, body)| EventDetail { summary, body }))
            })
            .await
    }
}

/// What of the events up to a moment lies beyond that one of them: written so that no index serves it, for the moment has
/// one and several events have the same.
macro_rules! beyond {
    ($way:literal, $at:expr, $id:expr) => {
        sql::<Bool>(concat!("(stripe_event.received_at ", $way, " "))
            .bind::<Timestamp, _>($at)
            .sql(concat!(" OR stripe_event.id ", $way, " "))
            .bind::<Text, _>($id)
            .sql(") IS TRUE")
    };
}

/// The time for which no index serves.
const UNINDEXED: &str = "COALESCE(stripe_event.received_at, stripe_event.received_at)";

fn page(
    conn: &mut AnyConnection,
    filter: Option<EventFilter>,
    place: &Place,
    size: usize,
) -> Result<Page<EventSummary>, Error> {
    let limit = i64::try_from(size.saturating_add(1)).unwrap_or(i64::MAX);
    let mut events = stripe_event::table.select(EventSummary::as_select()).limit(limit).into_boxed();
    events = match filter {
        // In the words of the partial indexes that have just these.
        Some(EventFilter::Waiting) => events.filter(sql::<Bool>(super::WAITING)),
        Some(EventFilter::Dead) => events.filter(sql::<Bool>("stripe_event.state = 'dead'")),
        None => events,
    };
    // The few that a partial index finds are sorted; or SQLite would go through all events there ever were, because
    // `stripe_event_by_age` has them in order.
    let age = || sql::<Timestamp>(if filter.is_some() { UNINDEXED } else { "stripe_event.received_at" });
    let newest_first = (age().desc(), stripe_event::id.desc());
    let rows = match place {
        Place::First => events.order(newest_first).load(conn)?,
        Place::After(key) => {
            let (at, id) = parse(key)?;
            let behind = beyond!("<", at, id);
            events.filter(age().le(at)).filter(behind).order(newest_first).load(conn)?
        }
        Place::Before(key) => {
            let (at, id) = parse(key)?;
            let before = beyond!(">", at, id);
            let oldest_first = (age().asc(), stripe_event::id.asc());
            events.filter(age().ge(at)).filter(before).order(oldest_first).load(conn)?
        }
    };
    Ok(Page::of(rows, place, size))
}
