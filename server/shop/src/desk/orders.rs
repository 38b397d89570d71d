//! The desk's list of orders: searched, filtered, and turned page by page in both directions.
//!
//! No address ever stands in a URL: a search by address names an order that is under one ([`Addresses`]).

use super::list::{self, Facts};
use crate::db::AnyConnection;
use crate::db::schema::{book, dispute, gift, order_item, orders, refund};
use crate::orders::status;
use crate::privacy::is_erased;
use crate::rights::LIVING;
use crate::types::{Currency, DisputeStage, Money, OrderNumber, OrderStatus, Slug};
use crate::{Error, Shop};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use std::collections::{HashMap, HashSet};

/// Orders on a page.
const PAGE: usize = 50;
/// So many books are offered where a search means several.
const CHOICES: i64 = 20;

/// Which orders. Everything that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderQuery {
    /// Under which addresses.
    pub addresses: Option<Addresses>,
    /// With this book.
    pub book: Option<Slug>,
    /// Where they stand.
    pub standing: Option<StandingFilter>,
    /// Placed on this day (UTC) or later.
    pub from: Option<NaiveDate>,
    /// Placed on this day (UTC) or earlier.
    pub until: Option<NaiveDate>,
    /// Which page.
    pub turn: Turn,
}

impl OrderQuery {
    /// A day as a form writes it, like 2026-11-22.
    #[must_use]
    pub fn day(text: &str) -> Option<NaiveDate> {
        text.parse().ok()
    }
}

/// Addresses, named by an order that is under one of them: what stands in a URL, and in the log of every proxy, is no
/// address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The order.
    pub order: OrderNumber,
    /// All addresses that begin with so many letters of the order's; nothing for its address alone.
    pub letters: Option<usize>,
}

/// Which page.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Turn {
    /// The first.
    #[default]
    First,
    /// What comes behind this order.
    After(OrderNumber),
    /// What comes before this order.
    Before(OrderNumber),
    /// The last.
    Last,
}

/// A filter by where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StandingFilter {
    /// The money is on its way.
    Pending,
    /// Paid or free, whatever became of the money later.
    Succeeded,
    /// The money did not come.
    Failed,
    /// All of it went back.
    Refunded,
    /// Some of it went back.
    PartlyRefunded,
    /// The bank has it, for now or for good.
    Disputed,
}

impl StandingFilter {
    /// All of them, as they are offered.
    pub const ALL: [Self; 6] =
        [Self::Succeeded, Self::Pending, Self::Failed, Self::Refunded, Self::PartlyRefunded, Self::Disputed];

    /// The word in a URL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Refunded => "refunded",
            Self::PartlyRefunded => "partly-refunded",
            Self::Disputed => "disputed",
        }
    }

    /// The filter of that word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|filter| filter.as_str() == word)
    }

    /// For reading.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Pending => "Payment on its way",
            Self::Succeeded => "Paid or free",
            Self::Failed => "Not paid",
            Self::Refunded => "Refunded",
            Self::PartlyRefunded => "Partly refunded",
            Self::Disputed => "Disputed",
        }
    }
}

/// Where an order stands, all its rows considered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// The money is on its way.
    Pending,
    /// The money is here.
    Paid,
    /// It cost nothing.
    Free,
    /// The desk gave it away.
    Gift,
    /// The money did not come.
    Failed,
    /// All of it went back.
    Refunded,
    /// So much of it went back.
    PartlyRefunded(Money),
    /// The bank decides.
    Disputed,
    /// The bank has taken the money back.
    ChargedBack,
}

impl Standing {
    /// The word for programs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Paid => "paid",
            Self::Free => "free",
            Self::Gift => "gift",
            Self::Failed => "failed",
            Self::Refunded => "refunded",
            Self::PartlyRefunded(_) => "partly-refunded",
            Self::Disputed => "disputed",
            Self::ChargedBack => "charged-back",
        }
    }

    /// For reading.
    #[must_use]
    pub fn text(self, write: impl Fn(Money) -> String) -> String {
        match self {
            Self::Pending => "Payment on its way".into(),
            Self::Paid => "Paid".into(),
            Self::Free => "Free".into(),
            Self::Gift => "Given away".into(),
            Self::Failed => "Not paid".into(),
            Self::Refunded => "Refunded".into(),
            Self::PartlyRefunded(back) => format!("Paid, {} refunded", write(back)),
            Self::Disputed => "Disputed".into(),
            Self::ChargedBack => "Charged back".into(),
        }
    }

    /// Whether a person should look twice.
    #[must_use]
    pub const fn is_trouble(self) -> bool {
        matches!(self, Self::Disputed | Self::ChargedBack | Self::Failed)
    }
}

/// An order in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRow {
    /// Its number.
    pub number: OrderNumber,
    /// The buyer's address, in full: the caller masks it for who may not see it.
    pub email: String,
    /// Whether its buyer was erased.
    pub erased: bool,
    /// When it was placed, UTC.
    pub placed_at: NaiveDateTime,
    /// The titles as bought.
    pub titles: Vec<String>,
    /// What was to be paid.
    pub total: Money,
    /// Where it stands.
    pub standing: Standing,
}

/// A page of the list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderPage {
    /// Newest first; a search by the beginning of an address is sorted by address.
    pub rows: Vec<OrderRow>,
    /// Whether there are more before these …
    pub before: bool,
    /// … and behind them.
    pub after: bool,
    /// What [`Addresses`] stand for, for showing: an address or its beginning.
    pub addresses: Option<String>,
    /// The title of the book that is asked for.
    pub book: Option<String>,
}

/// A book that a search may mean.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct BookChoice {
    /// Its slug.
    pub slug: String,
    /// Its title.
    pub title: String,
}

#[derive(Queryable)]
struct Row {
    id: i64,
    number: String,
    email: String,
    total: i64,
    currency: String,
    status: String,
    created_at: NaiveDateTime,
}

impl Shop {
    /// A page of orders. An order that the query names and that there is none of finds nothing.
    ///
    /// # Errors
    /// The database's.
    pub async fn desk_orders(&self, query: OrderQuery) -> Result<OrderPage, Error> {
        self.desk_orders_of(query, PAGE).await
    }

    /// The same, with so many orders on a page.
    ///
    /// # Errors
    /// The database's.
    pub async fn desk_orders_of(&self, query: OrderQuery, size: usize) -> Result<OrderPage, Error> {
        self.0.db.read(move |conn| page(conn, &query, size)).await
    }

    /// Whether there is an order of this number.
    ///
    /// # Errors
    /// The database's.
    pub async fn has_order(&self, number: &OrderNumber) -> Result<bool, Error> {
        let number = number.clone();
        self.0
            .db
            .read(move |conn| {
                let row = orders::table.filter(orders::number.eq(number.as_str()));
                Ok(diesel::select(diesel::dsl::exists(row)).get_result(conn)?)
            })
            .await
    }

    /// What names the addresses that begin with `text`, or the one that is `text`; none if there is no such order.
    ///
    /// # Errors
    /// The database's.
    pub async fn find_addresses(&self, text: &str) -> Result<Option<Addresses>, Error> {
        let wanted = text.trim().to_lowercase();
        if wanted.is_empty() || wanted.contains('\0') {
            return Ok(None);
        }
        self.0
            .db
            .read(move |conn| {
                let exact = orders::table.filter(orders::email_norm.eq(&wanted)).order(orders::id.desc());
                let found: Option<String> = exact.select(orders::number).first(conn).optional()?;
                let (found, letters) = match found {
                    Some(number) if !is_erased(&wanted) => (Some(number), None),
                    _ => (list::first_of(conn, &wanted)?, Some(wanted.chars().count())),
                };
                Ok(found.and_then(|number| number.parse().ok()).map(|order| Addresses { order, letters }))
            })
            .await
    }

    /// The books whose slug or title `text` is or stands in; the one whose slug it is alone.
    ///
    /// # Errors
    /// The database's.
    pub async fn find_books(&self, text: &str) -> Result<Vec<BookChoice>, Error> {
        let wanted = text.trim().to_lowercase();
        if wanted.is_empty() || wanted.contains('\0') {
            return Ok(Vec::new());
        }
        self.0
            .db
            .read(move |conn| {
                let columns = (book::slug, book::title);
                let exact = book::table.filter(book::slug.eq(&wanted)).select(columns);
                if let Some(found) = exact.first(conn).optional()? {
                    return Ok(vec![found]);
                }
                // Looked for in an index, for the table's rows are long; there "The Tempest" is "tempest, the".
                let piece = ["the ", "a ", "an "].iter().find_map(|article| wanted.strip_prefix(article));
                let piece = piece.map(str::trim).filter(|piece| !piece.is_empty()).unwrap_or(&wanted);
                let position = if matches!(conn, AnyConnection::Sqlite(_)) { "instr" } else { "strpos" };
                let stands = sql::<Bool>(&format!("{position}(book.sort_title, ")).bind::<Text, _>(piece).sql(") > 0");
                let ids: Vec<i64> = book::table
                    .filter(stands)
                    .order((book::sort_title, book::id))
                    .limit(CHOICES)
                    .select(book::id)
                    .load(conn)?;
                let books = book::table.filter(book::id.eq_any(ids)).order((book::sort_title, book::id));
                Ok(books.select(columns).load(conn)?)
            })
            .await
    }
}

/// A page of so many orders.
pub(super) fn page(conn: &mut AnyConnection, query: &OrderQuery, size: usize) -> Result<OrderPage, Error> {
    let Some(facts) = Facts::look_up(conn, query)? else { return Ok(OrderPage::default()) };
    let (mut ids, backwards) = (list::ids(conn, &facts, size + 1)?, facts.is_backwards());
    let more = ids.len() > size;
    ids.truncate(size);
    if backwards {
        ids.reverse();
    }
    let (before, after) = match &query.turn {
        Turn::First => (false, more),
        Turn::After(_) => (true, more),
        Turn::Before(_) => (more, true),
        Turn::Last => (more, false),
    };
    Ok(OrderPage { rows: rows(conn, &ids)?, before, after, addresses: facts.shown, book: facts.title })
}

/// The orders of these ids, in their order.
pub(super) fn rows(conn: &mut AnyConnection, ids: &[i64]) -> Result<Vec<OrderRow>, Error> {
    let found: Vec<Row> = orders::table
        .filter(orders::id.eq_any(ids))
        .select((
            orders::id,
            orders::number,
            orders::email,
            orders::amount_total,
            orders::currency,
            orders::status,
            orders::created_at,
        ))
        .load(conn)?;
    let mut found: HashMap<i64, Row> = found.into_iter().map(|row| (row.id, row)).collect();
    let mut titles: HashMap<i64, Vec<String>> = HashMap::new();
    let items: Vec<(i64, String)> = order_item::table
        .filter(order_item::order_id.eq_any(ids))
        .order((order_item::order_id, order_item::position))
        .select((order_item::order_id, order_item::title_snapshot))
        .load(conn)?;
    for (order, title) in items {
        titles.entry(order).or_default().push(title);
    }
    let money = Moved::of(conn, ids)?;
    ids.iter()
        .filter_map(|id| found.remove(id))
        .map(|row| {
            let corrupt = |what: &str| Error::internal(format!("order {}: bad {what}", row.id));
            let currency: Currency = row.currency.parse().map_err(|_| corrupt("currency"))?;
            Ok(OrderRow {
                number: row.number.parse().map_err(|_| corrupt("number"))?,
                erased: is_erased(&row.email),
                placed_at: row.created_at,
                titles: titles.remove(&row.id).unwrap_or_default(),
                total: Money::new(row.total, currency),
                standing: money.standing(row.id, status(row.id, &row.status)?, Money::new(row.total, currency)),
                email: row.email,
            })
        })
        .collect()
}

/// What became of orders' money.
pub(super) struct Moved {
    back: HashMap<i64, i64>,
    open: HashSet<i64>,
    lost: HashSet<i64>,
    given: HashSet<i64>,
}

impl Moved {
    pub(super) fn of(conn: &mut AnyConnection, ids: &[i64]) -> Result<Self, Error> {
        let refunds: Vec<(i64, i64)> = refund::table
            .filter(refund::order_id.eq_any(ids))
            .filter(refund::status.eq_any(LIVING))
            .select((refund::order_id, refund::amount))
            .load(conn)?;
        let mut back: HashMap<i64, i64> = HashMap::new();
        for (order, amount) in refunds {
            let sum = back.entry(order).or_default();
            *sum = sum.saturating_add(amount);
        }
        let disputes: Vec<(i64, String)> = dispute::table
            .filter(dispute::order_id.eq_any(ids))
            .select((dispute::order_id, dispute::status))
            .load(conn)?;
        let at = |stage| {
            disputes
                .iter()
                .filter(move |(_, status)| DisputeStage::of(status) == stage)
                .map(|(order, _)| *order)
                .collect()
        };
        let given: Vec<i64> = gift::table.filter(gift::order_id.eq_any(ids)).select(gift::order_id).load(conn)?;
        Ok(Self {
            back,
            open: at(DisputeStage::Open),
            lost: at(DisputeStage::Lost),
            given: given.into_iter().collect(),
        })
    }

    pub(super) fn standing(&self, order: i64, status: OrderStatus, total: Money) -> Standing {
        match (status, self.back.get(&order).copied().unwrap_or(0)) {
            (OrderStatus::Pending, _) => Standing::Pending,
            (OrderStatus::Failed, _) => Standing::Failed,
            _ if self.open.contains(&order) => Standing::Disputed,
            _ if self.lost.contains(&order) => Standing::ChargedBack,
            _ if self.given.contains(&order) => Standing::Gift,
            _ if total.is_zero() => Standing::Free,
            (_, 0) => Standing::Paid,
            (_, back) if back >= total.minor() => Standing::Refunded,
            (_, back) => Standing::PartlyRefunded(Money::new(back, total.currency())),
        }
    }
}
