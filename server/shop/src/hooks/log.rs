//! What was sent, what came back, and sending it once more.

use super::endpoints::Row;
use super::object;
use super::pieces::again;
use crate::audit::{self, Actor};
use crate::db::AnyConnection;
use crate::db::schema::{webhook_attempt, webhook_delivery, webhook_message};
use crate::paging::{Page, Place};
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use serde_json::json;
use std::collections::HashMap;

/// Deliveries on a page.
const PAGE: usize = 50;

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It will be made, or made again.
    Waiting,
    /// It is being made.
    Leased,
    /// The endpoint has taken it.
    Delivered,
    /// It was given up.
    Failed,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Leased, Self::Delivered, Self::Failed];

    /// The word in the database and in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Leased => "leased",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// What to look for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DeliveryQuery {
    /// Only those that were given up.
    pub failed: bool,
    /// Only what is older than the delivery of this id.
    pub before: Option<i64>,
}

/// A delivery in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: i64,
    /// The message's, on the wire.
    pub message: String,
    /// Of what type.
    pub kind: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried since it was queued.
    pub attempts: i32,
    /// When it happened; all times are UTC.
    pub happened_at: NaiveDateTime,
    /// When it is tried next, if it is.
    pub next_at: Option<NaiveDateTime>,
    /// The last answer's status.
    pub status: Option<i32>,
    /// Why the last attempt was no success.
    pub error: Option<String>,
}

/// The deliveries of one page, the latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryPage {
    /// At most fifty.
    pub deliveries: Vec<Delivery>,
    /// Where the next page begins, if there is one.
    pub next: Option<i64>,
}

/// A request that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When.
    pub made_at: NaiveDateTime,
    /// How long it took.
    pub milliseconds: i32,
    /// The answer's status.
    pub status: Option<i32>,
    /// Its beginning.
    pub answer: String,
    /// Why it was no success.
    pub error: Option<String>,
}

/// Everything about a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sheet {
    /// To which endpoint.
    pub endpoint: i64,
    /// Its address.
    pub url: String,
    /// The delivery.
    pub delivery: Delivery,
    /// What is sent, byte by byte.
    pub body: String,
    /// What came of it, the latest first; the last fifty.
    pub attempts: Vec<Attempt>,
}

/// Why something was not sent once more. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotSent {
    /// The endpoint is told nothing.
    #[error("the endpoint is disabled")]
    Disabled,
    /// It is on its way at this moment.
    #[error("it is being sent")]
    BeingSent,
    /// There is nothing of the kind.
    #[error("there is nothing to send")]
    Nothing,
}

type Found = (i64, String, String, String, i32, NaiveDateTime, NaiveDateTime);

macro_rules! columns {
    () => {
        (
            webhook_delivery::id,
            webhook_message::public_id,
            webhook_message::type_,
            webhook_delivery::state,
            webhook_delivery::attempts,
            webhook_message::created_at,
            webhook_delivery::next_at,
        )
    };
}

/// The deliveries to an endpoint, or those of them that were given up.
macro_rules! of_endpoint {
    ($endpoint:expr, $failed:expr) => {{
        let mut rows = webhook_delivery::table
            .inner_join(webhook_message::table)
            .filter(webhook_delivery::endpoint_id.eq($endpoint))
            .select(columns!())
            .into_boxed();
        if $failed {
            // In the words of the index `webhook_delivery_failed`.
            rows = rows.filter(sql::<Bool>("webhook_delivery.state = 'failed'"));
        }
        rows
    }};
}

impl Shop {
    /// What was sent to an endpoint, and what waits.
    ///
    /// # Errors
    /// [`Error::NotFound`], the database's.
    pub async fn webhook_deliveries(&self, endpoint: i64, query: DeliveryQuery) -> Result<DeliveryPage, Error> {
        self.0
            .db
            .read(move |conn| {
                Row::find(conn, endpoint)?;
                page(conn, endpoint, query)
            })
            .await
    }

    /// The same for programs, with so many on a page and turned in both directions.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::BadPlace`] if the place is none of this list; the database's.
    pub async fn webhook_delivery_page(
        &self,
        endpoint: i64,
        failed: bool,
        place: Place,
        size: usize,
    ) -> Result<Page<Delivery>, Error> {
        self.0
            .db
            .read(move |conn| {
                Row::find(conn, endpoint)?;
                let limit = i64::try_from(size.saturating_add(1)).unwrap_or(i64::MAX);
                let (id, newest_first) = (webhook_delivery::id, webhook_delivery::id.desc());
                let key = |key: &str| key.parse::<i64>().map_err(|_| Error::BadPlace);
                let rows = of_endpoint!(endpoint, failed).limit(limit);
                let rows: Vec<Found> = match &place {
                    Place::First => rows.order(newest_first).load(conn)?,
                    Place::After(at) => rows.filter(id.lt(key(at)?)).order(newest_first).load(conn)?,
                    Place::Before(at) => rows.filter(id.gt(key(at)?)).order(id.asc()).load(conn)?,
                };
                let page = Page::of(rows, &place, size);
                Ok(Page { rows: views(conn, page.rows)?, before: page.before, after: page.after })
            })
            .await
    }

    /// One delivery.
    ///
    /// # Errors
    /// [`Error::NotFound`], the database's.
    pub async fn webhook_delivery(&self, id: i64) -> Result<Sheet, Error> {
        self.0.db.read(move |conn| sheet(conn, id)).await
    }

    /// Makes a delivery once more from the beginning, under the same id; one that waits, at once.
    ///
    /// # Errors
    /// [`Error::NotFound`], the database's.
    pub async fn redeliver_webhook(&self, actor: &Actor, id: i64) -> Result<Result<(), NotSent>, Error> {
        let (actor, now) = (*actor, self.0.clock.now());
        let done = self
            .0
            .db
            .write(move |conn| {
                let (endpoint, state, message): (i64, String, String) = webhook_delivery::table
                    .find(id)
                    .inner_join(webhook_message::table)
                    .select((webhook_delivery::endpoint_id, webhook_delivery::state, webhook_message::public_id))
                    .first(conn)
                    .optional()?
                    .ok_or(Error::NotFound)?;
                if !Row::locked(conn, endpoint)?.is_enabled() {
                    return Ok(Err(NotSent::Disabled));
                }
                let idle = webhook_delivery::table.find(id).filter(webhook_delivery::state.ne("leased"));
                if again!(conn, idle, now) == 0 {
                    return Ok(Err(NotSent::BeingSent));
                }
                let before = json!({ "message": message, "state": state });
                audit::record(conn, &actor, "webhook.redelivered", object(endpoint), Some(before), None)?;
                Ok(Ok(()))
            })
            .await?;
        self.0.webhooks_waiting.notify_one();
        Ok(done)
    }
}

fn page(conn: &mut AnyConnection, endpoint: i64, query: DeliveryQuery) -> Result<DeliveryPage, Error> {
    let mut rows = of_endpoint!(endpoint, query.failed)
        .order(webhook_delivery::id.desc())
        .limit(i64::try_from(PAGE + 1).unwrap_or(i64::MAX));
    if let Some(before) = query.before {
        rows = rows.filter(webhook_delivery::id.lt(before));
    }
    let mut rows: Vec<Found> = rows.load(conn)?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = rows.last().filter(|_| more).map(|row| row.0);
    Ok(DeliveryPage { deliveries: views(conn, rows)?, next })
}

fn views(conn: &mut AnyConnection, rows: Vec<Found>) -> Result<Vec<Delivery>, Error> {
    let ids: Vec<i64> = rows.iter().map(|row| row.0).collect();
    let last = last_attempts(conn, &ids)?;
    rows.into_iter().map(|row| view(row, &last)).collect()
}

/// When, how long, status, answer, error.
type Tried = (NaiveDateTime, i32, Option<i32>, String, Option<String>);
type Last = HashMap<i64, (Option<i32>, Option<String>)>;

/// How the last attempt of each delivery ended.
fn last_attempts(conn: &mut AnyConnection, deliveries: &[i64]) -> Result<Last, Error> {
    let newest: Vec<Option<i64>> = webhook_attempt::table
        .filter(webhook_attempt::delivery_id.eq_any(deliveries))
        .group_by(webhook_attempt::delivery_id)
        .select(diesel::dsl::max(webhook_attempt::id))
        .load(conn)?;
    let newest: Vec<i64> = newest.into_iter().flatten().collect();
    let rows: Vec<(i64, Option<i32>, Option<String>)> = webhook_attempt::table
        .filter(webhook_attempt::id.eq_any(newest))
        .select((webhook_attempt::delivery_id, webhook_attempt::status, webhook_attempt::error))
        .load(conn)?;
    Ok(rows.into_iter().map(|(id, status, error)| (id, (status, error))).collect())
}

fn view(row: Found, last: &Last) -> Result<Delivery, Error> {
    let (id, message, kind, state, attempts, happened_at, next) = row;
    let state = DeliveryState::parse(&state).ok_or_else(|| Error::internal(format!("delivery {id}: bad state")))?;
    let (status, error) = last.get(&id).cloned().unwrap_or_default();
    Ok(Delivery {
        id,
        message,
        kind,
        state,
        attempts,
        happened_at,
        next_at: (state == DeliveryState::Waiting).then_some(next),
        status,
        error,
    })
}

fn sheet(conn: &mut AnyConnection, id: i64) -> Result<Sheet, Error> {
    let found: Option<(i64, String, Found)> = webhook_delivery::table
        .find(id)
        .inner_join(webhook_message::table)
        .select((webhook_delivery::endpoint_id, webhook_message::body, columns!()))
        .first(conn)
        .optional()?;
    let (endpoint, body, row) = found.ok_or(Error::NotFound)?;
    let url = Row::find(conn, endpoint)?.url;
    let attempts: Vec<Tried> = webhook_attempt::table
        .filter(webhook_attempt::delivery_id.eq(id))
        .order(webhook_attempt::id.desc())
        .limit(i64::try_from(PAGE).unwrap_or(i64::MAX))
        .select((
            webhook_attempt::made_at,
            webhook_attempt::milliseconds,
            webhook_attempt::status,
            webhook_attempt::answer,
            webhook_attempt::error,
        ))
        .load(conn)?;
    let last = last_attempts(conn, &[id])?;
    let attempt = |(made_at, milliseconds, status, answer, error): Tried| Attempt {
        made_at,
        milliseconds,
        status,
        answer,
        error,
    };
    let attempts = attempts.into_iter().map(attempt).collect();
    Ok(Sheet { endpoint, url, delivery: view(row, &last)?, body, attempts })
}
