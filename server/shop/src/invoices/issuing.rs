//! Writing a document, and the invoice of a sale.

use super::document::{Buyer, Facts, Line, LineTax, Reference, Settled, paid_with, text};
use super::seller;
use super::words::Why;
use crate::db::schema::{invoice, invoice_series, order_item, orders, refund};
use crate::db::{AnyConnection, both};
use crate::hooks::{self, Issued};
use crate::types::InvoiceKind;
use crate::{Error, Shop};
use chrono::{Datelike, NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use serde::Deserialize;

/// The series of invoices, whatever its pattern.
pub(crate) const INVOICES: &str = "INV";
/// The series of credit notes.
pub(crate) const CREDIT_NOTES: &str = "CN";

/// Why a document is issued; the word in the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    Sale,
    Reissued,
    Restored,
    Refund,
    Dispute,
    Replaced,
}

impl Reason {
    pub(super) const ALL: [Self; 6] =
        [Self::Sale, Self::Reissued, Self::Restored, Self::Refund, Self::Dispute, Self::Replaced];

    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Sale => "sale",
            Self::Reissued => "reissued",
            Self::Restored => "restored",
            Self::Refund => "refund",
            Self::Dispute => "dispute",
            Self::Replaced => "replaced",
        }
    }

    pub(super) const fn kind(self) -> InvoiceKind {
        match self {
            Self::Sale | Self::Reissued | Self::Restored => InvoiceKind::Invoice,
            Self::Refund | Self::Dispute | Self::Replaced => InvoiceKind::CreditNote,
        }
    }
}

/// An order as far as its documents say something of it.
#[derive(Queryable)]
pub(super) struct Sale {
    pub(super) id: i64,
    pub(super) number: String,
    pub(super) total: i64,
    pub(super) currency: String,
    pub(super) status: String,
    pub(super) email: String,
    name: Option<String>,
    country: Option<String>,
    company: Option<String>,
    vat_id: Option<String>,
    address: Option<String>,
    pub(super) paid_at: Option<NaiveDateTime>,
    paid_with: Option<String>,
}

impl Sale {
    pub(super) fn find(conn: &mut AnyConnection, order_id: i64) -> Result<Self, Error> {
        Ok(orders::table
            .find(order_id)
            .select((
                orders::id,
                orders::number,
                orders::amount_total,
                orders::currency,
                orders::status,
                orders::email,
                orders::name,
                orders::country,
                orders::company,
                orders::vat_id,
                orders::address,
                orders::paid_at,
                orders::paid_with,
            ))
            .first(conn)?)
    }

    pub(super) fn buyer(&self) -> Buyer {
        Buyer {
            email: self.email.clone(),
            name: self.name.clone(),
            country: self.country.clone(),
            company: self.company.clone(),
            vat_id: self.vat_id.clone(),
            address: self.address.as_deref().map(lines_of_address).unwrap_or_default(),
        }
    }

    /// How it was paid, or, for a credit note, how it goes back.
    pub(super) fn settled(&self, on: NaiveDate) -> Settled {
        Settled { with: paid_with(self.paid_with.as_deref()), on }
    }
}

/// The lines of an address as Stripe's page has taken it down; the country stands by itself.
fn lines_of_address(json: &str) -> Vec<String> {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Address {
        line1: Option<String>,
        line2: Option<String>,
        postal_code: Option<String>,
        city: Option<String>,
        state: Option<String>,
    }
    // An address that cannot be read is none: the invoice goes out all the same.
    let Address { line1, line2, postal_code, city, state } = serde_json::from_str(json).unwrap_or_default();
    let words = |parts: [Option<String>; 2]| parts.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let lines =
        [line1.unwrap_or_default(), line2.unwrap_or_default(), words([postal_code, city]), state.unwrap_or_default()];
    lines.map(|line| line.trim().to_owned()).into_iter().filter(|line| !line.is_empty()).collect()
}

/// The titles of an order, as an invoice of all of it has them.
pub(super) fn lines_of(conn: &mut AnyConnection, order_id: i64) -> Result<Vec<Line>, Error> {
    type Row = (i64, i32, String, i64, i64, i64, i64);
    let rows: Vec<Row> = order_item::table
        .filter(order_item::order_id.eq(order_id))
        .order(order_item::position)
        .select((
            order_item::id,
            order_item::position,
            order_item::title_snapshot,
            order_item::unit_amount,
            order_item::discount,
            order_item::tax,
            order_item::total,
        ))
        .load(conn)?;
    let taxes = crate::tax::lines_of(conn, order_id)?;
    let line = |(id, position, title, unit_amount, discount, tax, total): Row| Line {
        title,
        unit_amount,
        discount,
        tax,
        total,
        position: Some(position),
        taxes: taxes.iter().filter(|tax| tax.item_id == id).map(LineTax::of).collect(),
    };
    Ok(rows.into_iter().map(line).collect())
}

/// A document to be issued.
pub(super) struct New<'a> {
    pub(super) reason: Reason,
    pub(super) corrects: Option<(i64, Reference)>,
    /// What the document says it corrects or replaces, if that is another one.
    pub(super) names: Option<Reference>,
    pub(super) refund_id: Option<i64>,
    pub(super) dispute_id: Option<i64>,
    pub(super) buyer: &'a Buyer,
    pub(super) lines: &'a [Line],
    /// Why, if that must be said.
    pub(super) why: Option<Why<'a>>,
}

/// Gives a paid order its invoice. An order of nothing takes no number.
pub(crate) fn issue(conn: &mut AnyConnection, shop: &Shop, order_id: i64, now: NaiveDateTime) -> Result<(), Error> {
    let sale = Sale::find(conn, order_id)?;
    if sale.total == 0 {
        return Ok(());
    }
    let (buyer, lines) = (sale.buyer(), lines_of(conn, order_id)?);
    let new = New {
        reason: Reason::Sale,
        corrects: None,
        names: None,
        refund_id: None,
        dispute_id: None,
        buyer: &buyer,
        lines: &lines,
        why: None,
    };
    write(conn, shop, &sale, &new, now).map(drop)
}

/// Writes a document under its series' next number, which it returns with its id and day.
pub(super) fn write(
    conn: &mut AnyConnection,
    shop: &Shop,
    sale: &Sale,
    new: &New<'_>,
    now: NaiveDateTime,
) -> Result<(i64, Reference), Error> {
    let zone = shop.0.settings.time_zone;
    let on = zone.day_of(now);
    let numbering = &shop.0.settings.numbering;
    let (series, pattern) = match new.reason.kind() {
        InvoiceKind::Invoice => (INVOICES, numbering.invoices()),
        InvoiceKind::CreditNote => (CREDIT_NOTES, numbering.credit_notes()),
    };
    let (settings, logo) = seller::now(conn)?;
    let paid_on = sale.paid_at.map_or(on, |at| zone.day_of(at));
    let facts = Facts {
        issued_on: on,
        // The files are there from the moment of the payment.
        delivered_on: paid_on,
        order: sale.number.clone(),
        corrects: new.names.clone().or_else(|| new.corrects.as_ref().map(|(_, reference)| reference.clone())),
        paid: went_back_on(conn, new)?.map_or_else(
            // A note of what no money moves for, or that a bank took, says nothing of how.
            || (new.reason.kind() == InvoiceKind::Invoice).then(|| sale.settled(paid_on)),
            |at| Some(sale.settled(zone.day_of(at))),
        ),
        notes: new.why.map(|why| why.sentence(&settings.locale)).into_iter().collect(),
        locale: settings.locale.clone(),
        paper: settings.paper.clone(),
    };
    let sum = |part: fn(&Line) -> i64| crate::rights::sum(new.lines.iter().map(part));
    let (total, tax) = (sum(|line| line.total)?, sum(|line| line.tax)?);
    let year = on.year();
    let seq = next(conn, series, year)?;
    let number = pattern.number(year, seq);
    let id: i64 = diesel::insert_into(invoice::table)
        .values((
            invoice::kind.eq(new.reason.kind().as_str()),
            invoice::series.eq(series),
            invoice::year.eq(year),
            invoice::seq.eq(seq),
            invoice::number.eq(&number),
            invoice::order_id.eq(sale.id),
            invoice::currency.eq(&sale.currency),
            invoice::issued_at.eq(now),
            invoice::reason.eq(new.reason.as_str()),
            invoice::corrects_id.eq(new.corrects.as_ref().map(|(id, _)| *id)),
            (invoice::refund_id.eq(new.refund_id), invoice::dispute_id.eq(new.dispute_id)),
            (invoice::amount_total.eq(total), invoice::amount_tax.eq(tax)),
            invoice::buyer_snapshot.eq(text(new.buyer)?),
            invoice::lines_snapshot.eq(text(&new.lines)?),
            invoice::seller_snapshot.eq(text(&settings.as_of_now(shop, logo))?),
            invoice::facts_snapshot.eq(text(&facts)?),
        ))
        .returning(invoice::id)
        .get_result(conn)?;
    let issued = Issued {
        kind: new.reason.kind(),
        number: &number,
        order: &sale.number,
        reason: new.reason.as_str(),
        total,
        tax,
        currency: &sale.currency,
        corrects: new.corrects.as_ref().map(|(_, reference)| reference.number.as_str()),
    };
    hooks::document_issued(conn, &issued, now)?;
    Ok((id, Reference { number, on }))
}

impl Shop {
    /// The next number of either series, if some document has it: a pattern was changed into one that was in use. Nothing
    /// could be sold then.
    ///
    /// # Errors
    /// The database's.
    pub async fn number_in_use(&self) -> Result<Option<String>, Error> {
        let shop = self.clone();
        let year = self.0.settings.time_zone.day_of(self.0.clock.now()).year();
        self.0
            .db
            .read(move |conn| {
                let numbering = &shop.0.settings.numbering;
                for (series, pattern) in [(INVOICES, numbering.invoices()), (CREDIT_NOTES, numbering.credit_notes())] {
                    let next: Option<i64> = invoice_series::table
                        .find((series, year))
                        .select(invoice_series::next)
                        .first(conn)
                        .optional()?;
                    let number = pattern.number(year, next.unwrap_or(1));
                    let taken = invoice::table.filter(invoice::number.eq(&number)).select(invoice::id);
                    if taken.first::<i64>(conn).optional()?.is_some() {
                        return Ok(Some(number));
                    }
                }
                Ok(None)
            })
            .await
    }
}

/// When the money of a credit note went back, if it was sent back.
fn went_back_on(conn: &mut AnyConnection, new: &New<'_>) -> Result<Option<NaiveDateTime>, Error> {
    let Some(id) = new.refund_id.filter(|_| new.reason == Reason::Refund) else { return Ok(None) };
    Ok(refund::table.find(id).select(refund::created_at).first(conn).optional()?)
}

/// The next number of the year. The row stays locked until the transaction ends, so a rollback leaves no gap.
fn next(conn: &mut AnyConnection, series: &str, year: i32) -> Result<i64, Error> {
    let first = (invoice_series::series.eq(series), invoice_series::year.eq(year), invoice_series::next.eq(1_i64));
    both!(conn, |c| diesel::insert_into(invoice_series::table).values(first).on_conflict_do_nothing().execute(c))?;
    let after: i64 = diesel::update(invoice_series::table.find((series, year)))
        .set(invoice_series::next.eq(invoice_series::next + 1))
        .returning(invoice_series::next)
        .get_result(conn)?;
    Ok(after - 1)
}
