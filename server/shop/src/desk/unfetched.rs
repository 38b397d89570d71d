//! Titles that were paid for and never fetched: whose mail may not have arrived, or who has forgotten them.

use crate::db::AnyConnection;
use crate::db::schema::outbox;
use crate::paging::{Page, Place};
use crate::privacy::TOMBSTONE;
use crate::types::{Currency, Money, OrderNumber};
use crate::{Error, Shop};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Timestamp};
use std::collections::HashMap;

/// Titles on a page.
const PAGE: usize = 50;
/// The name of the list, for its cursors.
const LIST: &str = "desk/not-fetched";
/// The mail that brings a buyer to what she has paid for.
const BRINGING: &str = "receipt";

/// A title that was paid for and never fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfetched {
    /// Of which order.
    pub order: OrderNumber,
    /// The title as bought.
    pub title: String,
    /// The buyer's address, in full: the caller masks it for who may not see it.
    pub email: String,
    /// When it was paid for, UTC.
    pub paid: NaiveDateTime,
    /// Whole days since then.
    pub days: i64,
    /// What was paid for it.
    pub total: Money,
    /// What became of the mail with the link; nothing if there was none.
    pub mail: Option<MailState>,
    /// Whether the order's link or the title's download is over: the same mail would lead nowhere, a new link is needed.
    pub over: bool,
}

/// What became of a mail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailState {
    /// It is to be sent.
    Waiting,
    /// The relay has taken it, or said that it arrived.
    Sent,
    /// It came back.
    Bounced,
    /// It could not be sent.
    Dead,
}

impl MailState {
    fn of(state: &str) -> Self {
        match state {
            "sent" | "delivered" => Self::Sent,
            "bounced" => Self::Bounced,
            "dead" => Self::Dead,
            _ => Self::Waiting,
        }
    }

    /// For reading.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            Self::Waiting => "Waits to be sent",
            Self::Sent => "Sent",
            Self::Bounced => "Came back",
            Self::Dead => "Could not be sent",
        }
    }

    /// Whether a person should look twice.
    #[must_use]
    pub const fn is_trouble(self) -> bool {
        matches!(self, Self::Bounced | Self::Dead)
    }
}

/// A page of the titles, with the cursors of those beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfetchedPage {
    /// The newest first.
    pub rows: Vec<Unfetched>,
    /// The page before, if there is one …
    pub before: Option<String>,
    /// … and the one behind.
    pub after: Option<String>,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = BigInt)]
    id: i64,
    #[diesel(sql_type = BigInt)]
    order_id: i64,
    #[diesel(sql_type = Text)]
    number: String,
    #[diesel(sql_type = Text)]
    title: String,
    #[diesel(sql_type = Text)]
    email: String,
    #[diesel(sql_type = Timestamp)]
    paid_at: NaiveDateTime,
    #[diesel(sql_type = Nullable<Timestamp>)]
    linked_at: Option<NaiveDateTime>,
    #[diesel(sql_type = Nullable<Timestamp>)]
    good_until: Option<NaiveDateTime>,
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(sql_type = Text)]
    currency: String,
}

#[derive(QueryableByName)]
struct FirstToken {
    #[diesel(sql_type = BigInt)]
    entitlement_id: i64,
}

impl Shop {
    /// A page of what was paid for, is open to its buyer and was never fetched. Not among it is what the desk gave away, what
    /// is of an order that cost nothing, and what was an erased buyer's, whom no mail reaches. The first page for a
    /// cursor that the store has not written.
    ///
    /// # Errors
    /// The database's.
    pub async fn unfetched(&self, cursor: Option<&str>) -> Result<UnfetchedPage, Error> {
        self.unfetched_of(cursor, PAGE).await
    }

    /// The same, with so many titles on a page.
    ///
    /// # Errors
    /// The database's.
    pub async fn unfetched_of(&self, cursor: Option<&str>, size: usize) -> Result<UnfetchedPage, Error> {
        let place = cursor.and_then(|cursor| self.place(LIST, cursor)).unwrap_or_default();
        let now = self.0.clock.now();
        // How long an order's link is good.
        let good = TimeDelta::days(self.0.settings.policy.token_days.into());
        let (found, mails) = self
            .0
            .db
            .read(move |conn| {
                let found = Page::of(read(conn, &place, size + 1)?, &place, size);
                let mails = mails(conn, &found.rows)?;
                Ok((found, mails))
            })
            .await?;
        let cursor = |place: Option<Place>| place.and_then(|place| self.cursor(LIST, &place));
        let (first, last) = (found.rows.first().map(|row| row.id), found.rows.last().map(|row| row.id));
        Ok(UnfetchedPage {
            before: cursor(first.filter(|_| found.before).map(|id| Place::Before(id.to_string()))),
            after: cursor(last.filter(|_| found.after).map(|id| Place::After(id.to_string()))),
            rows: found.rows.into_iter().map(|row| row.told(&mails, now, good)).collect::<Result<_, _>>()?,
        })
    }
}

impl Row {
    fn told(self, mails: &HashMap<i64, MailState>, now: NaiveDateTime, good: TimeDelta) -> Result<Unfetched, Error> {
        let corrupt = |what: &str| Error::internal(format!("order {}: bad {what}", self.order_id));
        let currency: Currency = self.currency.parse().map_err(|_| corrupt("currency"))?;
        Ok(Unfetched {
            order: self.number.parse().map_err(|_| corrupt("number"))?,
            title: self.title,
            email: self.email,
            paid: self.paid_at,
            days: (now - self.paid_at).num_days().max(0),
            total: Money::new(self.total, currency),
            mail: mails.get(&self.order_id).copied(),
            over: self.linked_at.unwrap_or(self.paid_at) + good <= now
                || self.good_until.is_some_and(|until| until <= now),
        })
    }
}

/// The rows of a page, in the direction in which it is read.
///
/// First tokens that nobody has used, as many at a time as two pages have titles, and then the titles of those that still can
/// be fetched. The index of these tokens has nothing else in it but titles that were renewed before they were fetched,
/// taken back, given away, or free.
fn read(conn: &mut AnyConnection, place: &Place, limit: usize) -> Result<Vec<Row>, Error> {
    let key = |key: &str| key.parse::<i64>().map_err(|_| Error::internal("a cursor of ours has no id"));
    let (mut from, way) = match place {
        Place::First => (None, "DESC"),
        Place::After(id) => (Some(key(id)?), "DESC"),
        Place::Before(id) => (Some(key(id)?), "ASC"),
    };
    let batch = limit.saturating_mul(2);
    let mut rows = Vec::new();
    while rows.len() < limit {
        let found = first_tokens(conn, from, way, batch)?;
        rows.extend(titles(conn, &found, way)?);
        if found.len() < batch {
            break;
        }
        from = found.last().copied();
    }
    rows.truncate(limit);
    Ok(rows)
}

/// The titles of the next first tokens that nobody has used. Asked for alone and in the index's own words, so that no planner
/// has a reason to read anything but the index, in its order.
fn first_tokens(conn: &mut AnyConnection, from: Option<i64>, way: &str, limit: usize) -> Result<Vec<i64>, Error> {
    let sign = if way == "DESC" { '<' } else { '>' };
    let beyond = from.map(|id| format!("AND entitlement_id {sign} {id} ")).unwrap_or_default();
    let sql = format!(
        "SELECT entitlement_id FROM download_token WHERE used_count = 0 AND generation = 1 {beyond}\
         ORDER BY entitlement_id {way} LIMIT {limit}"
    );
    let found: Vec<FirstToken> = diesel::sql_query(sql).load(conn)?;
    Ok(found.into_iter().map(|token| token.entitlement_id).collect())
}

/// Those of these titles that belong into the list.
///
/// Which table leads must not be left to a planner that knows nothing of the values (docs/architecture.md): all but the
/// titles' ids are conditions that no index serves, and SQLite joins in the order in which tables are named.
fn titles(conn: &mut AnyConnection, ids: &[i64], way: &str) -> Result<Vec<Row>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let join = match conn {
        AnyConnection::Sqlite(_) => "CROSS JOIN",
        AnyConnection::Postgres(_) => "JOIN",
    };
    let ids = ids.iter().map(i64::to_string).collect::<Vec<_>>().join(", ");
    // A later token may have been used where the first was not. Its rows are added up, and not asked whether there are any,
    // which PostgreSQL might turn into a join with all of them.
    let sql = format!(
        "SELECT e.id AS id, o.id AS order_id, o.number AS number, i.title_snapshot AS title, o.email AS email, \
         o.paid_at AS paid_at, o.linked_at AS linked_at, i.total AS total, o.currency AS currency, \
         (SELECT MAX(c.expires_at) FROM download_token c \
         WHERE c.entitlement_id = e.id AND c.revoked_at IS NULL) AS good_until \
         FROM entitlement e {join} order_item i ON i.id = e.order_item_id {join} orders o ON o.id = i.order_id \
         WHERE e.id IN ({ids}) \
         AND COALESCE(e.state, '') = 'active' AND COALESCE(o.status, '') = 'succeeded' \
         AND COALESCE(o.checkout_id, 0) > 0 AND COALESCE(o.amount_total, 0) > 0 \
         AND COALESCE(o.email, '') <> '{TOMBSTONE}' AND o.paid_at IS NOT NULL \
         AND (SELECT SUM(u.used_count) FROM download_token u WHERE u.entitlement_id = e.id) = 0 \
         ORDER BY e.id {way}"
    );
    Ok(diesel::sql_query(sql).load(conn)?)
}

/// What became of the latest mail with the link of each order.
fn mails(conn: &mut AnyConnection, rows: &[Row]) -> Result<HashMap<i64, MailState>, Error> {
    let orders: Vec<i64> = rows.iter().map(|row| row.order_id).collect();
    let found: Vec<(Option<i64>, String)> = outbox::table
        .filter(outbox::order_id.eq_any(orders))
        .filter(outbox::kind.eq(BRINGING))
        .order(outbox::id)
        .select((outbox::order_id, outbox::state))
        .load(conn)?;
    Ok(found.into_iter().filter_map(|(order, state)| Some((order?, MailState::of(&state)))).collect())
}
