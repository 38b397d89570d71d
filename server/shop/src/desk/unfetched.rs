//! Titles that were paid for and never fetched: whose mail may not have arrived, or who has forgotten them.

use crate::db::AnyConnection;
use crate::db::schema::outbox;
use crate::notation::Notation;
use crate::paging::{Page, Place};
use crate::privacy::is_erased;
use crate::types::{Currency, Money, OrderNumber};
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text, Timestamp};
use std::collections::HashMap;

/// Titles on a page.
const PAGE: usize = 50;
/// The name of the list, for its cursors.
const LIST: &str = "desk/not-fetched";
/// The mails that bring a buyer to what she has bought.
const BRINGING: [&str; 2] = ["receipt", "free_order_link"];

/// A title that was paid for and never fetched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unfetched {
    /// Of which order.
    pub order: OrderNumber,
    /// The title as bought.
    pub title: String,
    /// The buyer's address, in full: the caller masks it for who may not see it.
    pub email: String,
    /// Whether its buyer was erased.
    pub erased: bool,
    /// When it was paid for, UTC, for reading.
    pub paid: String,
    /// Whole days since then.
    pub days: i64,
    /// What was paid for it.
    pub total: Money,
    /// What became of the mail with the link; nothing if there was none.
    pub mail: Option<MailState>,
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
    #[diesel(sql_type = BigInt)]
    total: i64,
    #[diesel(sql_type = Text)]
    currency: String,
}

impl Shop {
    /// A page of what was paid for, is open to its buyer and was never fetched; what the desk gave away is not among it. The
    /// first page for a cursor that the store has not written.
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
        let (now, notation) = (self.0.clock.now(), self.notation().clone());
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
            rows: found.rows.into_iter().map(|row| row.told(&mails, &notation, now)).collect::<Result<_, _>>()?,
        })
    }
}

impl Row {
    fn told(
        self,
        mails: &HashMap<i64, MailState>,
        notation: &Notation,
        now: NaiveDateTime,
    ) -> Result<Unfetched, Error> {
        let corrupt = |what: &str| Error::internal(format!("order {}: bad {what}", self.order_id));
        let currency: Currency = self.currency.parse().map_err(|_| corrupt("currency"))?;
        Ok(Unfetched {
            order: self.number.parse().map_err(|_| corrupt("number"))?,
            title: self.title,
            erased: is_erased(&self.email),
            email: self.email,
            paid: notation.moment(self.paid_at),
            days: (now - self.paid_at).num_days().max(0),
            total: Money::new(self.total, currency),
            mail: mails.get(&self.order_id).copied(),
        })
    }
}

/// The rows of a page, in the direction in which it is read.
///
/// Read from the index of first tokens that nobody has used, which has nothing else in it but titles that were renewed
/// before they were fetched, taken back, or given away. Which table leads must not be left to a planner that knows nothing of
/// the values (docs/architecture.md): all but the index's own words are conditions that no index serves, and SQLite joins
/// in the order in which tables are named.
fn read(conn: &mut AnyConnection, place: &Place, limit: usize) -> Result<Vec<Row>, Error> {
    let join = match conn {
        AnyConnection::Sqlite(_) => "CROSS JOIN",
        AnyConnection::Postgres(_) => "JOIN",
    };
    let key = |key: &str| key.parse::<i64>().map_err(|_| Error::internal("a cursor of ours has no id"));
    let (beyond, way) = match place {
        Place::First => (String::new(), "DESC"),
        Place::After(id) => (format!("AND t.entitlement_id < {}", key(id)?), "DESC"),
        Place::Before(id) => (format!("AND t.entitlement_id > {}", key(id)?), "ASC"),
    };
    // A later token may have been used where the first was not. Its rows are added up, and not asked whether there are any,
    // which PostgreSQL might turn into a join with all of them.
    let sql = format!(
        "SELECT e.id AS id, o.id AS order_id, o.number AS number, i.title_snapshot AS title, o.email AS email, \
         o.paid_at AS paid_at, i.total AS total, o.currency AS currency \
         FROM download_token t {join} entitlement e ON e.id = t.entitlement_id \
         {join} order_item i ON i.id = e.order_item_id {join} orders o ON o.id = i.order_id \
         WHERE t.used_count = 0 AND t.generation = 1 {beyond} \
         AND COALESCE(e.state, '') = 'active' AND COALESCE(o.status, '') = 'succeeded' \
         AND COALESCE(o.checkout_id, 0) > 0 AND o.paid_at IS NOT NULL \
         AND (SELECT SUM(u.used_count) FROM download_token u WHERE u.entitlement_id = t.entitlement_id) = 0 \
         ORDER BY t.entitlement_id {way} LIMIT {limit}"
    );
    Ok(diesel::sql_query(sql).load(conn)?)
}

/// What became of the latest mail with the link of each order.
fn mails(conn: &mut AnyConnection, rows: &[Row]) -> Result<HashMap<i64, MailState>, Error> {
    let orders: Vec<i64> = rows.iter().map(|row| row.order_id).collect();
    let found: Vec<(Option<i64>, String)> = outbox::table
        .filter(outbox::order_id.eq_any(orders))
        .filter(outbox::kind.eq_any(BRINGING))
        .order(outbox::id)
        .select((outbox::order_id, outbox::state))
        .load(conn)?;
    Ok(found.into_iter().filter_map(|(order, state)| Some((order?, MailState::of(&state)))).collect())
}
