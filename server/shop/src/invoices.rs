//! Invoice numbers: taken in the transaction that makes an order paid, gapless per series and year.

use crate::Error;
use crate::db::schema::{invoice, invoice_series, order_item, orders};
use crate::db::{AnyConnection, both};
use chrono::{Datelike, NaiveDateTime};
use diesel::prelude::*;
use serde_json::json;

const SERIES: &str = "INV";

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
    let lines: Vec<_> = lines
        .into_iter()
        .map(|(title, unit_amount, discount, tax, total)| {
            json!({ "title": title, "unit_amount": unit_amount, "discount": discount, "tax": tax, "total": total })
        })
        .collect();
    let year = now.year();
    let seq = next(conn, year)?;
    diesel::insert_into(invoice::table)
        .values((
            invoice::kind.eq("invoice"),
            invoice::series.eq(SERIES),
            invoice::year.eq(year),
            invoice::seq.eq(seq),
            invoice::number.eq(format!("{SERIES}-{year}-{seq:05}")),
            invoice::order_id.eq(order_id),
            invoice::currency.eq(currency),
            invoice::issued_at.eq(now),
            invoice::buyer_snapshot.eq(json!({ "email": email, "name": name, "country": country }).to_string()),
            invoice::lines_snapshot.eq(serde_json::Value::from(lines).to_string()),
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
