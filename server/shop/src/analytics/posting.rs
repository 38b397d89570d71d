//! What a change of an order or a checkout changes in the tallies, in the same transaction. ([`super::claims`] counts downloads.)
//!
//! An order is not stepped from one state to the next: what its rows add to the tallies is worked out before and after
//! the change, and the difference is written. So nothing can be forgotten that a change entails, and what fails gives back
//! exactly what it took. [`super::facts`] says the same in SQL over all rows; the check compares the two.

use super::figures::{Dimension, Figures, Grain, Key, Postings};
use super::state;
use super::zone::{Zone, month_of, quarter_of};
use crate::Error;
use crate::db::AnyConnection;
use crate::db::schema::{dispute, order_item, orders, refund, refund_item};
use crate::rights::LIVING;
use crate::types::OrderStatus;
use chrono::{NaiveDateTime, NaiveTime};
use diesel::prelude::*;

/// What the rows of an order add to the tallies. The order's row is locked, from before the change until the end of the
/// transaction.
pub(crate) struct Standing {
    order_id: i64,
    zone: Zone,
    postings: Postings,
}

impl Standing {
    /// Before something changes.
    pub(crate) fn of(conn: &mut AnyConnection, order_id: i64) -> Result<Self, Error> {
        let zone = state::zone(conn)?;
        Ok(Self { order_id, zone, postings: order(conn, zone, order_id)? })
    }

    /// After it has changed.
    pub(crate) fn settle(self, conn: &mut AnyConnection) -> Result<(), Error> {
        let after = order(conn, self.zone, self.order_id)?;
        after.minus(self.postings).write(conn)
    }
}

/// A checkout was begun.
pub(crate) fn begun(conn: &mut AnyConnection, currency: &str, at: NaiveDateTime) -> Result<(), Error> {
    let mut ledger = Ledger::new(state::zone(conn)?, currency);
    ledger.post(Dimension::All, "", at, &Figures { checkouts: 1, ..Figures::default() });
    ledger.write(conn)
}

/// Postings in one currency.
pub(super) struct Ledger<'a> {
    zone: Zone,
    currency: &'a str,
    postings: Postings,
}

impl<'a> Ledger<'a> {
    pub(super) fn new(zone: Zone, currency: &'a str) -> Self {
        Self { zone, currency, postings: Postings::default() }
    }

    pub(super) fn post(&mut self, dimension: Dimension, key: &str, at: NaiveDateTime, figures: &Figures) {
        let day = self.zone.day_of(at);
        let mut add = |grain, start| {
            let (currency, key) = (self.currency.to_owned(), key.to_owned());
            self.postings.add(Key { dimension, grain, start, currency, key }, figures);
        };
        // Hours are looked at of the whole store only.
        if dimension == Dimension::All {
            add(Grain::Quarter, quarter_of(at));
        }
        add(Grain::Day, day.and_time(NaiveTime::MIN));
        add(Grain::Month, month_of(day).and_time(NaiveTime::MIN));
    }

    /// Adds them to the tallies.
    pub(super) fn write(&self, conn: &mut AnyConnection) -> Result<(), Error> {
        self.postings.write(conn)
    }

    /// For the whole store, and for the country that the money came from.
    fn post_money(&mut self, country: &str, at: NaiveDateTime, figures: &Figures) {
        self.post(Dimension::All, "", at, figures);
        self.post(Dimension::Country, country, at, figures);
    }
}

/// What an order adds: nothing before it is paid, and nothing if the desk gave it away.
fn order(conn: &mut AnyConnection, zone: Zone, order_id: i64) -> Result<Postings, Error> {
    type Row = (Option<NaiveDateTime>, String, Option<String>, i64, i64, i64);
    let row: Option<Row> = orders::table
        .find(order_id)
        .filter(orders::status.eq(OrderStatus::Succeeded.as_str()))
        .filter(orders::checkout_id.is_not_null())
        .select((
            orders::paid_at,
            orders::currency,
            orders::country,
            orders::amount_total,
            orders::amount_discount,
            orders::amount_tax,
        ))
        .first(conn)
        .optional()?;
    let Some((Some(paid_at), currency, country, gross, discount, tax)) = row else {
        return Ok(Postings::default());
    };
    let country = country.unwrap_or_default();
    let mut ledger = Ledger::new(zone, &currency);
    let items: Vec<(i64, i64, i64, i64, i64)> = order_item::table
        .filter(order_item::order_id.eq(order_id))
        .select((order_item::id, order_item::book_id, order_item::total, order_item::discount, order_item::tax))
        .load(conn)?;
    let units = i64::try_from(items.len()).unwrap_or(i64::MAX);
    let free = i64::from(gross == 0);
    ledger.post_money(
        &country,
        paid_at,
        &Figures { orders: 1, free, units, gross, discount, tax, ..Figures::default() },
    );
    for (_, book, gross, discount, tax) in &items {
        let sold = Figures { units: 1, gross: *gross, discount: *discount, tax: *tax, ..Figures::default() };
        ledger.post(Dimension::Book, &book.to_string(), paid_at, &sold);
    }
    refunds(conn, &mut ledger, order_id, &country)?;
    let lost: Vec<(NaiveDateTime, i64)> = dispute::table
        .filter(dispute::order_id.eq(order_id))
        .filter(dispute::status.eq("lost"))
        // Money of another currency is never added.
        .filter(dispute::currency.eq(&currency))
        .select((dispute::created_at, dispute::amount))
        .load(conn)?;
    for (at, disputed) in lost {
        ledger.post_money(&country, at, &Figures { disputed, ..Figures::default() });
    }
    Ok(ledger.postings)
}

fn refunds(conn: &mut AnyConnection, ledger: &mut Ledger<'_>, order_id: i64, country: &str) -> Result<(), Error> {
    let living: Vec<(NaiveDateTime, i64, i64)> = refund::table
        .filter(refund::order_id.eq(order_id))
        .filter(refund::status.eq_any(LIVING))
        .select((refund::created_at, refund::amount, refund::tax))
        .load(conn)?;
    for (at, refunded, refunded_tax) in living {
        ledger.post_money(country, at, &Figures { refunds: 1, refunded, refunded_tax, ..Figures::default() });
    }
    let titles: Vec<(NaiveDateTime, i64, i64, i64)> = refund_item::table
        .inner_join(refund::table)
        .inner_join(order_item::table)
        .filter(refund::order_id.eq(order_id))
        .filter(refund::status.eq_any(LIVING))
        .select((refund::created_at, order_item::book_id, refund_item::amount, refund_item::tax))
        .load(conn)?;
    for (at, book, refunded, refunded_tax) in titles {
        let back = Figures { refunds: 1, refunded, refunded_tax, ..Figures::default() };
        ledger.post(Dimension::Book, &book.to_string(), at, &back);
    }
    Ok(())
}
