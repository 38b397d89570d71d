//! The delivery log for its readers: who fetched what and when, newest first; and how long it is kept.

use crate::db::AnyConnection;
use crate::db::schema::{book, book_file, dispute, download_log, download_token, entitlement, order_item, orders};
use crate::types::{DisputeStage, Email, OrderNumber, Slug};
use crate::{Error, Shop};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde::Serialize;

/// What of the log is asked for. Everything that is given must hold.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// Downloads of this order.
    pub order: Option<OrderNumber>,
    /// Downloads of this book.
    pub book: Option<Slug>,
    /// Downloads of what was bought under this address.
    pub email: Option<Email>,
    /// Entries older than the one of this id: where the page before ended.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: u16,
}

/// A claim, a stream, or a refusal of one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Queryable)]
pub struct LogEntry {
    /// Its key: later entries have larger ones.
    pub id: i64,
    /// When it was asked for, UTC.
    pub at: NaiveDateTime,
    /// The order's number.
    pub order: String,
    /// The title as bought.
    pub title: String,
    /// `epub` or `pdf`; nothing for what was refused before a file was chosen.
    pub format: Option<String>,
    /// The file's name for the buyer, likewise.
    pub filename: Option<String>,
    /// The network: /24 of IPv4, /48 of IPv6; empty once its buyer was erased.
    pub network: String,
    /// What the browser called itself; likewise.
    pub user_agent: String,
    /// The `Range` header, if there was one.
    pub range: Option<String>,
    /// The HTTP status of the answer.
    pub status: i32,
    /// Bytes that were sent.
    pub bytes: i64,
    /// How it ended: claimed, begun, complete, broken off, redirected, revoked, or why it was refused.
    pub outcome: String,
}

/// A page of the log.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LogPage {
    /// Newest first.
    pub entries: Vec<LogEntry>,
    /// [`LogQuery::before`] of the next page, if there is one.
    pub next: Option<i64>,
}

/// Entries are forgotten so many to a transaction.
const BATCH: i64 = 5_000;

impl Shop {
    /// A page of the delivery log, newest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn download_log(&self, query: LogQuery) -> Result<LogPage, Error> {
        self.0.db.read(move |conn| page(conn, &query)).await
    }

    /// Forgets the log's entries that are older than the store keeps them, except those of orders that a bank may still
    /// ask about: a dispute or an inquiry of it is open. Returns how many there were.
    ///
    /// # Errors
    /// The database's.
    pub async fn forget_old_downloads(&self) -> Result<usize, Error> {
        let policy = &self.0.settings.policy;
        let before = self.0.clock.now() - TimeDelta::days(policy.log_days.into());
        let mut forgotten = 0;
        loop {
            let count = self.0.db.write(move |conn| forget(conn, before)).await?;
            forgotten += count;
            if count == 0 {
                return Ok(forgotten);
            }
        }
    }
}

fn page(conn: &mut AnyConnection, query: &LogQuery) -> Result<LogPage, Error> {
    let mut rows = download_log::table
        .inner_join(download_token::table.inner_join(
            entitlement::table.inner_join(order_item::table.inner_join(orders::table)).inner_join(book::table),
        ))
        .left_join(book_file::table)
        .order(download_log::id.desc())
        .select((
            download_log::id,
            download_log::at,
            orders::number,
            order_item::title_snapshot,
            book_file::format.nullable(),
            book_file::filename.nullable(),
            download_log::ip_prefix,
            download_log::user_agent,
            download_log::range,
            download_log::status,
            download_log::bytes,
            download_log::reason,
        ))
        .limit(i64::from(query.limit) + 1)
        .into_boxed();
    if let Some(order) = &query.order {
        rows = rows.filter(orders::number.eq(order.as_str().to_owned()));
    }
    if let Some(book) = &query.book {
        rows = rows.filter(book::slug.eq(book.as_str().to_owned()));
    }
    if let Some(email) = &query.email {
        rows = rows.filter(entitlement::email_norm.eq(email.normalized()));
    }
    if let Some(before) = query.before {
        rows = rows.filter(download_log::id.lt(before));
    }
    let mut entries: Vec<LogEntry> = rows.load(conn)?;
    let more = entries.len() > usize::from(query.limit);
    entries.truncate(query.limit.into());
    let next = entries.last().filter(|_| more).map(|entry| entry.id);
    Ok(LogPage { entries, next })
}

/// The orders that a bank has not done with: an open dispute, or an inquiry that may become one.
pub(crate) fn disputed_orders(conn: &mut AnyConnection) -> Result<Vec<i64>, Error> {
    let disputes: Vec<(i64, String)> = dispute::table.select((dispute::order_id, dispute::status)).load(conn)?;
    let closed = |status: &str| {
        matches!(DisputeStage::of(status), DisputeStage::Won | DisputeStage::Lost)
            || matches!(status, "warning_closed" | "prevented")
    };
    Ok(disputes.into_iter().filter(|(_, status)| !closed(status)).map(|(order, _)| order).collect())
}

fn forget(conn: &mut AnyConnection, before: NaiveDateTime) -> Result<usize, Error> {
    let disputed = disputed_orders(conn)?;
    let needed: Vec<i64> = download_token::table
        .inner_join(entitlement::table.inner_join(order_item::table))
        .filter(order_item::order_id.eq_any(disputed))
        .select(download_token::id)
        .load(conn)?;
    let mut old = download_log::table
        .filter(download_log::at.lt(before))
        .select(download_log::id)
        .order(download_log::at)
        .limit(BATCH)
        .into_boxed();
    if !needed.is_empty() {
        old = old.filter(download_log::token_id.is_null().or(download_log::token_id.ne_all(needed)));
    }
    let ids: Vec<i64> = old.load(conn)?;
    Ok(diesel::delete(download_log::table.filter(download_log::id.eq_any(ids))).execute(conn)?)
}
