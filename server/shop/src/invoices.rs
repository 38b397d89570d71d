//! Invoice numbers: taken in the transaction that makes an order paid, gapless per series and year.

use crate::Error;
use crate::db::schema::{invoice, invoice_series, order_item, orders};
use crate::db::{AnyConnection, both};
use chrono::{Datelike, NaiveDateTime};
use diesel::prelude::*;
use serde_json::json;

/// The store's one series.
pub(crate) const SERIES: &str = "INV";

/// A line of an invoice: amounts in minor units of the invoice's currency.
pub(crate) struct Line {
    pub(crate) title: String,
    pub(crate) unit_amount: i64,
    pub(crate) discount: i64,
    pub(crate) tax: i64,
    pub(crate) total: i64,
}

/// "INV-2026-00042".
pub(crate) fn number(year: i32, seq: i64) -> String {
    format!("{SERIES}-{year}-{seq:05}")
}

/// The buyer as of the purchase.
pub(crate) fn buyer_snapshot(email: &str, name: Option<&str>, country: Option<&str>) -> String {
    json!({ "email": email, "name": name, "country": country }).to_string()
}

/// What was sold, as of the purchase.
pub(crate) fn lines_snapshot(lines: impl Iterator<Item = Line>) -> String {
    let lines = lines.map(|Line { title, unit_amount, discount, tax, total }| {
        json!({ "title": title, "unit_amount": unit_amount, "discount": discount, "tax": tax, "total": total })
    });
    serde_json::Value::from_iter(lines).to_string()
}

/// The number of an order's latest invoice; an order of nothing has none.
pub(crate) fn number_of(conn: &mut AnyConnection, order_id: i64) -> Result<Option<String>, Error> {
    Ok(invoice::table
        .filter(invoice::order_id.eq(order_id))
        .filter(invoice::kind.eq("invoice"))
        .order(invoice::id.desc())
        .select(invoice::number)
        .first(conn)
        .optional()?)
}

/// Gives a paid order its invoice. An order of nothing takes no number.
pub(crate) fn issue(conn: &mut AnyConnection, order_id: i64, now: NaiveDateTime) -> Result<(), Error> {
    type Order = (i64, String, String, Option<String>, Option<String>);
    let (total, currency, email, name, country): Order = orders::table
        .find(order_id)
        .select((orders::amount_total, orders::currency, orders::email, orders::name, orders::country))
        .first(conn)?;
    if total == 0 {
        return Ok(());
    }
    let lines: Vec<(String, i64, i64, i64, i64)> = order_item::table
        .filter(order_item::order_id.eq(order_id))
        .order(order_item::position)
        .select((
            order_item::title_snapshot,
            order_item::unit_amount,
            order_item::discount,
            order_item::tax,
            order_item::total,
        ))
        .load(conn)?;
    let lines = lines.into_iter().map(|(title, unit_amount, discount, tax, total)| Line {
        title,
        unit_amount,
        discount,
        tax,
        total,
    });
    let year = now.year();
    let seq = next(conn, year)?;
    diesel::insert_into(invoice::table)
        .values((
            invoice::kind.eq("invoice"),
            invoice::series.eq(SERIES),
            invoice::year.eq(year),
            invoice::seq.eq(seq),
            invoice::number.eq(number(year, seq)),
            invoice::order_id.eq(order_id),
            invoice::currency.eq(currency),
            invoice::issued_at.eq(now),
            invoice::buyer_snapshot.eq(buyer_snapshot(&email, name.as_deref(), country.as_deref())),
            invoice::lines_snapshot.eq(lines_snapshot(lines)),
        ))
        .execute(conn)?;
    Ok(())
}

/// The next number of the year. The row stays locked until the transaction ends, so a rollback leaves no gap.
fn next(conn: &mut AnyConnection, year: i32) -> Result<i64, Error> {
    let first = (invoice_series::series.eq(SERIES), invoice_series::year.eq(year), invoice_series::next.eq(1_i64));
    both!(conn, |c| diesel::insert_into(invoice_series::table).values(first).on_conflict_do_nothing().execute(c))?;
    let after: i64 = diesel::update(invoice_series::table.find((SERIES, year)))
        .set(invoice_series::next.eq(invoice_series::next + 1))
        .returning(invoice_series::next)
        .get_result(conn)?;
    Ok(after - 1)
}
