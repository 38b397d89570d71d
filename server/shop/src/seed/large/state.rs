//! What is in the database already, and writing to it.

use super::calendar::DAYS;
use super::rows::{Ids, Out};
use super::{CHECKOUT_PREFIX, LargeError, Plan, samples};
use crate::db::schema::{book_file, checkout, invoice_series, orders};
use crate::db::{AnyConnection, both};
use crate::{Error, invoices};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use std::collections::BTreeMap;

/// How far earlier runs have come.
pub(super) struct Begun {
    real_orders: i64,
    last_file: Option<String>,
    last_checkout: Option<String>,
    pub(super) ids: Ids,
    pub(super) series: BTreeMap<i32, i64>,
}

/// Looks.
pub(super) fn read(conn: &mut AnyConnection) -> Result<Begun, Error> {
    let ours = format!("{CHECKOUT_PREFIX}%");
    let real = orders::table
        .left_join(checkout::table)
        .filter(checkout::idem_key.nullable().is_null().or(checkout::idem_key.nullable().not_like(&ours)));
    Ok(Begun {
        real_orders: real.count().get_result(conn)?,
        last_file: book_file::table
            .filter(book_file::storage_key.like(format!("{}%", samples::FOLDER)))
            .order(book_file::id.desc())
            .select(book_file::storage_key)
            .first(conn)
            .optional()?,
        last_checkout: checkout::table
            .filter(checkout::idem_key.like(ours))
            .order(checkout::id.desc())
            .select(checkout::idem_key)
            .first(conn)
            .optional()?,
        ids: Ids::read(conn)?,
        series: invoice_series::table
            .filter(invoice_series::series.eq(invoices::INVOICES))
            .select((invoice_series::year, invoice_series::next))
            .load::<(i32, i64)>(conn)?
            .into_iter()
            .collect(),
    })
}

impl Begun {
    /// The next book and the next day to be made.
    pub(super) fn positions(&self, plan: &Plan) -> Result<(u64, u64), LargeError> {
        if self.real_orders > 0 {
            return Err(LargeError::RealOrders(self.real_orders));
        }
        let book = match self.last_file.as_deref().and_then(samples::parse_key) {
            Some((tag, _)) if plan.books > 0 && tag != plan.books_tag() => return Err(other_run("books", tag)),
            Some((_, last)) => last + 1,
            None => 0,
        };
        let day = match self.last_checkout.as_deref().and_then(parse_checkout) {
            Some((tag, _)) if plan.orders > 0 && tag != plan.orders_tag() => return Err(other_run("orders", tag)),
            // Orders are of the books that there are: more books would make them others.
            Some((tag, _)) if book < plan.books => return Err(other_run("orders", tag)),
            Some((_, last)) => last + 1,
            None => 0,
        };
        Ok((book, day.min(DAYS)))
    }
}

/// The run and the day that a checkout belongs to.
fn parse_checkout(key: &str) -> Option<(&str, u64)> {
    let (own, _visit) = key.strip_prefix(CHECKOUT_PREFIX)?.rsplit_once('-')?;
    let (tag, day) = own.rsplit_once('-')?;
    Some((tag, day.parse().ok()?))
}

fn other_run(what: &'static str, tag: &str) -> LargeError {
    let mut parts = tag.split('-').map(str::to_owned);
    let mut next = || parts.next().unwrap_or_default();
    let (seed, mut until, count) = (next(), next(), next());
    if until.len() == 8 {
        until.insert(6, '-');
        until.insert(4, '-');
    }
    LargeError::OtherRun { what, seed, until, count }
}

/// Tells PostgreSQL's planner how large the tables are now. SQLite's plans of our queries are the same without figures.
pub(super) fn finish(conn: &mut AnyConnection) -> Result<(), Error> {
    if let AnyConnection::Postgres(c) = conn {
        c.batch_execute("ANALYZE")?;
    }
    Ok(())
}

/// Writes what was made. False, and nothing is written, if the database's next ids are not those that it was made for.
pub(super) fn write(conn: &mut AnyConnection, before: Ids, out: &Out) -> Result<bool, Error> {
    if Ids::read(conn)? != before {
        return Ok(false);
    }
    out.rows.write(conn)?;
    out.ids.keep(conn)?;
    for (year, next) in &out.series {
        let row = (
            invoice_series::series.eq(invoices::INVOICES),
            invoice_series::year.eq(year),
            invoice_series::next.eq(next),
        );
        both!(conn, |c| diesel::insert_into(invoice_series::table)
            .values(row)
            .on_conflict((invoice_series::series, invoice_series::year))
            .do_update()
            .set(invoice_series::next.eq(next))
            .execute(c))?;
    }
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_say_where_a_run_was() {
        assert_eq!(parse_checkout("seed-1-20261122-500-0417-00012"), Some(("1-20261122-500", 417)));
        assert_eq!(parse_checkout("octavo-checkout-1234"), None);
        let LargeError::OtherRun { seed, until, count, .. } = other_run("orders", "1-20261122-500") else { panic!() };
        assert_eq!((seed.as_str(), until.as_str(), count.as_str()), ("1", "2026-11-22", "500"));
    }
}
