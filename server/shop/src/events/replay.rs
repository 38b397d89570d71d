//! Events for the operator: which wait, which have failed, and once more.

use crate::audit::{self, Actor};
use crate::db::schema::stripe_event;
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::json;

/// An event as `octavo events list` shows it.
#[derive(Clone, Debug, PartialEq, Eq, Queryable, Selectable)]
#[diesel(table_name = stripe_event)]
pub struct EventSummary {
    /// Stripe's id.
    pub id: String,
    /// Stripe's type.
    #[diesel(column_name = type_)]
    pub kind: String,
    /// The object it is about.
    pub object_id: String,
    /// `new`, `leased`, `done`, `ignored`, `parked` or `dead`.
    pub state: String,
    /// How often it was worked on since it was new.
    pub attempts: i32,
    /// When it came.
    pub received_at: NaiveDateTime,
    /// When it is due, if it is still to be worked on.
    pub next_at: NaiveDateTime,
    /// Why it is where it is.
    pub error: Option<String>,
}

/// What [`Shop::replay_event`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Replayed {
    /// It is due now; this is the state it was in.
    Queued(String),
    /// A worker has it right now. Its lease ends within a minute.
    BeingWorkedOn,
    /// There is no such event.
    Unknown,
}

impl Shop {
    /// The newest events, of one state or of all, at most `limit`.
    ///
    /// # Errors
    /// The database's.
    pub async fn list_events(&self, state: Option<String>, limit: u32) -> Result<Vec<EventSummary>, Error> {
        self.0
            .db
            .read(move |conn| {
                let mut events = stripe_event::table.into_boxed();
                if let Some(state) = state {
                    events = events.filter(stripe_event::state.eq(state));
                }
                Ok(events
                    .order((stripe_event::received_at.desc(), stripe_event::id.desc()))
                    .limit(limit.into())
                    .select(EventSummary::as_select())
                    .load(conn)?)
            })
            .await
    }

    /// Has an event worked on once more, whatever became of it. What it means is asked from Stripe again, so that
    /// doing it twice does no harm. A store that is open takes it within seconds.
    ///
    /// # Errors
    /// The database's.
    pub async fn replay_event(&self, id: &str, actor: &Actor) -> Result<Replayed, Error> {
        let (id, now, actor) = (id.to_owned(), self.0.clock.now(), *actor);
        self.0
            .db
            .write(move |conn| {
                let event = stripe_event::table.find(&id);
                let Some(was) = event.select(stripe_event::state).first::<String>(conn).optional()? else {
                    return Ok(Replayed::Unknown);
                };
                let free = stripe_event::lease_until.is_null().or(stripe_event::lease_until.lt(now));
                let queued = diesel::update(event.filter(free))
                    .set((
                        stripe_event::state.eq("new"),
                        stripe_event::attempts.eq(0),
                        stripe_event::next_at.eq(now),
                        stripe_event::lease_until.eq(None::<NaiveDateTime>),
                        stripe_event::error.eq(None::<String>),
                    ))
                    .execute(conn)?;
                if queued == 0 {
                    return Ok(Replayed::BeingWorkedOn);
                }
                audit::record(conn, &actor, "event.replayed", format!("event:{id}"), Some(json!(was)), None)?;
                Ok(Replayed::Queued(was))
            })
            .await
            .inspect(|_| self.0.events_waiting.notify_one())
    }
}
