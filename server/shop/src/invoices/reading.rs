//! Documents as they were issued, for whoever may read them.

use super::document::{Buyer, Document, Facts, Line, Reference, Seller, day_on, part};
use super::issuing::{Sale, lines_of};
use super::seller;
use crate::db::AnyConnection;
use crate::db::schema::{invoice, orders};
use crate::privacy::is_erased;
use crate::secrets::Keys;
use crate::types::{Currency, InvoiceKind, InvoiceLink, Money, OrderNumber};
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::HashMap;

/// A document with what is kept of its PDF.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// Its row.
    pub id: i64,
    /// What stands on it.
    pub document: Document,
    /// The object of its PDF, if it was made.
    pub pdf: Option<String>,
    /// Whether the PDF may be kept: not once its buyer was erased.
    pub keeps: bool,
}

#[derive(Queryable)]
struct Row {
    id: i64,
    kind: String,
    number: String,
    order_id: i64,
    corrects_id: Option<i64>,
    currency: String,
    issued_at: NaiveDateTime,
    buyer: String,
    lines: String,
    seller: Option<String>,
    facts: Option<String>,
    total: i64,
    tax: i64,
    pdf: Option<String>,
}

impl Shop {
    /// The documents of an order, oldest first, for its buyer; none for anybody else.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such order or it is not this browser's, the database's.
    pub async fn invoice_for(&self, number: &OrderNumber, keys: impl Into<Keys>) -> Result<Vec<InvoiceLink>, Error> {
        let (shop, number, keys) = (self.clone(), number.clone(), keys.into());
        self.seen(&keys).await?;
        self.0
            .db
            .read(move |conn| {
                let order = orders::table.filter(orders::number.eq(number.as_str())).select(orders::id);
                let order: i64 = order.first(conn).optional()?.ok_or(Error::NotFound)?;
                if !crate::orders::owns(conn, &shop, order, &keys)? {
                    return Err(Error::NotFound);
                }
                links_of(conn, &shop, order)
            })
            .await
    }

    /// A document, if this browser may open its order.
    ///
    /// # Errors
    /// The database's.
    pub async fn invoice_of_buyer(&self, number: &str, keys: impl Into<Keys>) -> Result<Option<Kept>, Error> {
        let (shop, number, keys) = (self.clone(), number.to_owned(), keys.into());
        self.seen(&keys).await?;
        self.0
            .db
            .read(move |conn| {
                let Some(row) = find(conn, &number)? else { return Ok(None) };
                if !crate::orders::owns(conn, &shop, row.order_id, &keys)? {
                    return Ok(None);
                }
                whole(conn, &shop, row).map(Some)
            })
            .await
    }

    /// A document, for the desk: the caller has checked who asks.
    ///
    /// # Errors
    /// The database's.
    pub async fn invoice_at_desk(&self, number: &str) -> Result<Option<Kept>, Error> {
        let (shop, number) = (self.clone(), number.to_owned());
        self.0.db.read(move |conn| find(conn, &number)?.map(|row| whole(conn, &shop, row)).transpose()).await
    }
}

fn find(conn: &mut AnyConnection, number: &str) -> Result<Option<Row>, Error> {
    Ok(invoice::table
        .filter(invoice::number.eq(number))
        .select((
            invoice::id,
            invoice::kind,
            invoice::number,
            invoice::order_id,
            invoice::corrects_id,
            invoice::currency,
            invoice::issued_at,
            invoice::buyer_snapshot,
            invoice::lines_snapshot,
            invoice::seller_snapshot,
            invoice::facts_snapshot,
            invoice::amount_total,
            invoice::amount_tax,
            invoice::pdf_key,
        ))
        .first(conn)
        .optional()?)
}

/// The whole of it. What a document of before does not say itself is as the order and the store have it.
fn whole(conn: &mut AnyConnection, shop: &Shop, row: Row) -> Result<Kept, Error> {
    let bad = |what: &str| Error::internal(format!("document {}: bad {what}", row.number));
    let kind = InvoiceKind::parse(&row.kind).ok_or_else(|| bad("kind"))?;
    let currency: Currency = row.currency.parse().map_err(|_| bad("currency"))?;
    let mut lines: Vec<Line> = part(&row.number, &row.lines)?;
    let buyer: Buyer = part(&row.number, &row.buyer)?;
    // What a document of before does not say may still change.
    let says_all = row.facts.is_some() && row.seller.is_some();
    let (facts, seller) = match (&row.facts, &row.seller) {
        (Some(facts), Some(seller)) => (part::<Facts>(&row.number, facts)?, part::<Seller>(&row.number, seller)?),
        _ => {
            for (line, sold) in lines.iter_mut().zip(lines_of(conn, row.order_id)?) {
                line.position = sold.position;
            }
            of_before(conn, shop, &row)?
        }
    };
    let document = Document {
        kind,
        number: row.number,
        issued_on: facts.issued_on,
        delivered_on: facts.delivered_on,
        order: facts.order,
        corrects: facts.corrects,
        currency,
        seller,
        buyer,
        lines,
        total: row.total,
        tax: row.tax,
        paid: facts.paid,
        notes: facts.notes,
        locale: facts.locale,
        paper: facts.paper,
    };
    let email: String = orders::table.find(row.order_id).select(orders::email).first(conn)?;
    Ok(Kept { id: row.id, document, pdf: row.pdf, keeps: says_all && !is_erased(&email) })
}

fn of_before(conn: &mut AnyConnection, shop: &Shop, row: &Row) -> Result<(Facts, Seller), Error> {
    let zone = shop.0.settings.time_zone;
    let sale = Sale::find(conn, row.order_id)?;
    let (settings, logo) = seller::now(conn)?;
    let issued_on = day_on(&row.number, row.facts.as_deref(), row.issued_at, zone)?;
    let paid_on = sale.paid_at.map_or(issued_on, |at| zone.day_of(at));
    type Corrected = (String, NaiveDateTime, Option<String>);
    let corrected: Option<Corrected> = match row.corrects_id {
        Some(id) => {
            let columns = (invoice::number, invoice::issued_at, invoice::facts_snapshot);
            invoice::table.find(id).select(columns).first(conn).optional()?
        }
        None => None,
    };
    let corrects = match corrected {
        Some((number, at, facts)) => {
            let on = day_on(&number, facts.as_deref(), at, zone)?;
            Some(Reference { number, on })
        }
        None => None,
    };
    let facts = Facts {
        issued_on,
        delivered_on: paid_on,
        order: sale.number.clone(),
        corrects,
        paid: Some(sale.settled(paid_on)),
        notes: Vec::new(),
        locale: settings.locale.clone(),
        paper: settings.paper.clone(),
    };
    Ok((facts, settings.as_of_now(shop, logo)))
}

/// The documents of an order, oldest first.
pub(crate) fn links_of(conn: &mut AnyConnection, shop: &Shop, order_id: i64) -> Result<Vec<InvoiceLink>, Error> {
    Ok(links_of_all(conn, shop, &[order_id])?.remove(&order_id).unwrap_or_default())
}

/// The documents of several orders.
pub(crate) fn links_of_all(
    conn: &mut AnyConnection,
    shop: &Shop,
    orders: &[i64],
) -> Result<HashMap<i64, Vec<InvoiceLink>>, Error> {
    type Row = (i64, i64, String, String, NaiveDateTime, i64, String, Option<i64>, Option<String>);
    let rows: Vec<Row> = invoice::table
        .filter(invoice::order_id.eq_any(orders))
        .order((invoice::order_id, invoice::id))
        .select((
            invoice::order_id,
            invoice::id,
            invoice::number,
            invoice::kind,
            invoice::issued_at,
            invoice::amount_total,
            invoice::currency,
            invoice::corrects_id,
            invoice::facts_snapshot,
        ))
        .load(conn)?;
    let numbers: HashMap<i64, String> = rows.iter().map(|row| (row.1, row.2.clone())).collect();
    let mut links: HashMap<i64, Vec<InvoiceLink>> = HashMap::new();
    for (order, _, number, kind, at, total, currency, corrects, facts) in rows {
        let bad = |what: &str| Error::internal(format!("document {number}: bad {what}"));
        let kind = InvoiceKind::parse(&kind).ok_or_else(|| bad("kind"))?;
        let currency: Currency = currency.parse().map_err(|_| bad("currency"))?;
        let corrects = corrects.and_then(|id| numbers.get(&id).cloned());
        // As it stands on the document.
        let local = day_on(&number, facts.as_deref(), at, shop.0.settings.time_zone)?;
        let issued_on = shop.notation().day(local);
        let link = InvoiceLink {
            kind,
            issued_on,
            day: local.to_string(),
            total: Money::new(total, currency),
            corrects,
            number,
        };
        links.entry(order).or_default().push(link);
    }
    Ok(links)
}

/// The number of the invoice of an order that stands; an order of nothing has none.
pub(crate) fn number_of(conn: &mut AnyConnection, order_id: i64) -> Result<Option<String>, Error> {
    Ok(invoice::table
        .filter(invoice::order_id.eq(order_id))
        .filter(invoice::reason.eq_any(["sale", "reissued"]))
        .order(invoice::id.desc())
        .select(invoice::number)
        .first(conn)
        .optional()?)
}
