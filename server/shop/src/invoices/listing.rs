//! Documents as rows, newest first, and one of them with what it has to do with others: for programs.

use super::document::day_on;
use super::issuing::Reason;
use crate::db::AnyConnection;
use crate::db::schema::{invoice, orders, refund};
use crate::paging::{Page, Place};
use crate::types::{Currency, InvoiceKind, Money, OrderNumber};
use crate::{Error, Shop};
use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Timestamp};
use std::collections::HashMap;

/// No document is of a year before …
const FIRST: i32 = 1900;
/// … and none of this one or later.
const LAST: i32 = 9999;

/// Which documents. Everything that is given must hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InvoiceQuery {
    /// Of this order.
    pub order: Option<OrderNumber>,
    /// Of this kind.
    pub kind: Option<InvoiceKind>,
    /// Issued on this day or later, by the moment of issue and the time zone that the store has now: after a change of the
    /// zone that may be another day than the one that stands on a document ([`InvoiceRow::issued_on`]).
    pub from: Option<NaiveDate>,
    /// Issued on this day or earlier, by the same clock.
    pub until: Option<NaiveDate>,
}

/// A document in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvoiceRow {
    id: i64,
    /// Its number.
    pub number: String,
    /// What it is.
    pub kind: InvoiceKind,
    /// Why it was issued, in a word: see `docs/invoices.md`.
    pub reason: &'static str,
    /// Of which order.
    pub order: OrderNumber,
    /// When.
    pub issued_at: NaiveDateTime,
    /// The day that stands on it.
    pub issued_on: NaiveDate,
    /// What it comes to; of a credit note, what it takes back.
    pub total: Money,
    /// The tax in it.
    pub tax: Money,
    /// The number of the document that it corrects.
    pub corrects: Option<String>,
    /// The numbers of those that correct it, oldest first.
    pub corrected_by: Vec<String>,
    /// Stripe's id of the refund that it is for, if it is for one.
    pub refund: Option<String>,
}

impl InvoiceRow {
    /// Its key in the list.
    #[must_use]
    pub fn key(&self) -> String {
        format!("{} {}", self.issued_at.and_utc().timestamp_micros(), self.id)
    }
}

/// What [`InvoiceRow::key`] has written.
fn parse(key: &str) -> Result<(NaiveDateTime, i64), Error> {
    let parts = key.split_once(' ').and_then(|(micros, id)| Some((micros.parse().ok()?, id.parse().ok()?)));
    let (micros, id): (i64, i64) = parts.ok_or(Error::BadPlace)?;
    let at = DateTime::from_timestamp_micros(micros).ok_or(Error::BadPlace)?;
    Ok((at.naive_utc(), id))
}

#[derive(Queryable)]
struct Row {
    id: i64,
    number: String,
    kind: String,
    reason: String,
    order_id: i64,
    order: String,
    issued_at: NaiveDateTime,
    total: i64,
    tax: i64,
    currency: String,
    corrects_id: Option<i64>,
    refund_id: Option<i64>,
    facts: Option<String>,
}

macro_rules! columns {
    () => {
        (
            invoice::id,
            invoice::number,
            invoice::kind,
            invoice::reason,
            invoice::order_id,
            orders::number,
            invoice::issued_at,
            invoice::amount_total,
            invoice::amount_tax,
            invoice::currency,
            invoice::corrects_id,
            invoice::refund_id,
            invoice::facts_snapshot,
        )
    };
}

impl Shop {
    /// A page of documents, newest first. An order that there is none of has none.
    ///
    /// # Errors
    /// [`Error::BadPlace`] if the place is none of this list; the database's.
    pub async fn invoice_page(
        &self,
        query: InvoiceQuery,
        place: Place,
        size: usize,
    ) -> Result<Page<InvoiceRow>, Error> {
        let shop = self.clone();
        self.0.db.read(move |conn| page(conn, &shop, &query, &place, size)).await
    }

    /// The document of that number, as the list has it.
    ///
    /// # Errors
    /// The database's.
    pub async fn invoice_row(&self, number: &str) -> Result<Option<InvoiceRow>, Error> {
        let (shop, number) = (self.clone(), number.to_owned());
        self.0
            .db
            .read(move |conn| {
                let found = invoice::table.inner_join(orders::table).filter(invoice::number.eq(number));
                let row: Option<Row> = found.select(columns!()).first(conn).optional()?;
                Ok(whole(conn, &shop, row.into_iter().collect())?.pop())
            })
            .await
    }
}

fn page(
    conn: &mut AnyConnection,
    shop: &Shop,
    query: &InvoiceQuery,
    place: &Place,
    size: usize,
) -> Result<Page<InvoiceRow>, Error> {
    let none = || Page { rows: Vec::new(), before: false, after: false };
    // Nothing was issued in years that not both databases can tell.
    let (from, until) = (query.from.filter(|day| day.year() >= FIRST), query.until.filter(|day| day.year() < LAST));
    if from.is_some_and(|day| day.year() >= LAST) || until.is_some_and(|day| day.year() < FIRST) {
        return Ok(none());
    }
    let limit = i64::try_from(size.saturating_add(1)).unwrap_or(i64::MAX);
    let mut rows = invoice::table.inner_join(orders::table).select(columns!()).limit(limit).into_boxed();
    if let Some(number) = &query.order {
        let order = orders::table.filter(orders::number.eq(number.as_str())).select(orders::id);
        let Some(id) = order.first::<i64>(conn).optional()? else { return Ok(none()) };
        rows = rows.filter(invoice::order_id.eq(id));
    }
    rows = match query.kind {
        // In the words of the index `credit_note_by_age`.
        Some(InvoiceKind::CreditNote) => rows.filter(sql::<Bool>("invoice.kind = 'credit_note'")),
        Some(InvoiceKind::Invoice) => rows.filter(sql::<Bool>("invoice.kind = 'invoice'")),
        None => rows,
    };
    let zone = shop.0.settings.time_zone;
    if let Some(from) = from {
        rows = rows.filter(invoice::issued_at.ge(zone.start_of(from)));
    }
    if let Some(end) = until.and_then(|day| day.succ_opt()) {
        rows = rows.filter(invoice::issued_at.lt(zone.start_of(end)));
    }
    // Several of one moment lie in the order in which they were numbered.
    macro_rules! beyond {
        ($way:literal, $key:expr) => {{
            let (at, id) = parse($key)?;
            sql::<Bool>(concat!("(invoice.issued_at, invoice.id) ", $way, " ("))
                .bind::<Timestamp, _>(at)
                .sql(", ")
                .bind::<BigInt, _>(id)
                .sql(")")
        }};
    }
    let newest_first = (invoice::issued_at.desc(), invoice::id.desc());
    let rows: Vec<Row> = match place {
        Place::First => rows.order(newest_first).load(conn)?,
        Place::After(key) => rows.filter(beyond!("<", key)).order(newest_first).load(conn)?,
        Place::Before(key) => {
            rows.filter(beyond!(">", key)).order((invoice::issued_at.asc(), invoice::id.asc())).load(conn)?
        }
    };
    let page = Page::of(rows, place, size);
    Ok(Page { rows: whole(conn, shop, page.rows)?, before: page.before, after: page.after })
}

/// The rows with what they have to do with others, in their order.
fn whole(conn: &mut AnyConnection, shop: &Shop, rows: Vec<Row>) -> Result<Vec<InvoiceRow>, Error> {
    // A document is corrected by documents of its own order.
    let mut orders: Vec<i64> = rows.iter().map(|row| row.order_id).collect();
    orders.dedup();
    let beside: Vec<(i64, String, Option<i64>)> = invoice::table
        .filter(invoice::order_id.eq_any(orders))
        .order(invoice::id)
        .select((invoice::id, invoice::number, invoice::corrects_id))
        .load(conn)?;
    let numbers: HashMap<i64, &String> = beside.iter().map(|(id, number, _)| (*id, number)).collect();
    let refunds: Vec<i64> = rows.iter().filter_map(|row| row.refund_id).collect();
    let refunds: Vec<(i64, Option<String>)> =
        refund::table.filter(refund::id.eq_any(refunds)).select((refund::id, refund::stripe_id)).load(conn)?;
    let refunds: HashMap<i64, Option<String>> = refunds.into_iter().collect();
    rows.into_iter()
        .map(|row| {
            let bad = |what: &str| Error::internal(format!("document {}: bad {what}", row.number));
            let currency: Currency = row.currency.parse().map_err(|_| bad("currency"))?;
            let reason = Reason::ALL.into_iter().find(|reason| reason.as_str() == row.reason);
            let by = beside.iter().filter(|(.., corrects)| *corrects == Some(row.id));
            let issued_on = day_on(&row.number, row.facts.as_deref(), row.issued_at, shop.0.settings.time_zone)?;
            Ok(InvoiceRow {
                id: row.id,
                kind: InvoiceKind::parse(&row.kind).ok_or_else(|| bad("kind"))?,
                reason: reason.ok_or_else(|| bad("reason"))?.as_str(),
                order: row.order.parse().map_err(|_| bad("order"))?,
                issued_at: row.issued_at,
                issued_on,
                total: Money::new(row.total, currency),
                tax: Money::new(row.tax, currency),
                corrects: row.corrects_id.and_then(|id| numbers.get(&id).map(|number| (*number).clone())),
                corrected_by: by.map(|(_, number, _)| number.clone()).collect(),
                refund: row.refund_id.and_then(|id| refunds.get(&id).cloned().flatten()),
                number: row.number,
            })
        })
        .collect()
}
