//! Refunds as rows, newest first: of one order, or of all.

use crate::db::AnyConnection;
use crate::db::schema::{book, order_item, orders, refund, refund_item};
use crate::paging::{Page, Place};
use crate::types::{Currency, Money, OrderNumber, RefundStatus};
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::HashMap;

/// A refund in the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRow {
    /// Its key in the list.
    pub key: i64,
    /// Of which order.
    pub order: OrderNumber,
    /// How much.
    pub amount: Money,
    /// Where it stands.
    pub status: RefundStatus,
    /// Stripe's word for why.
    pub reason: Option<String>,
    /// Why it failed, if it has.
    pub failure: Option<String>,
    /// Stripe's id, if we know it.
    pub stripe_id: Option<String>,
    /// When it was asked for.
    pub created_at: NaiveDateTime,
    /// Its share of each title: the book's slug, how much, and whether the title is taken back.
    pub items: Vec<(String, Money, bool)>,
}

#[derive(Queryable)]
struct Row {
    id: i64,
    order: String,
    amount: i64,
    currency: String,
    status: String,
    reason: Option<String>,
    failure: Option<String>,
    stripe_id: Option<String>,
    created_at: NaiveDateTime,
}

impl Shop {
    /// A page of refunds.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown order, [`Error::BadPlace`] if the place is none of this list; the database's.
    pub async fn refund_page(
        &self,
        order: Option<&OrderNumber>,
        place: Place,
        size: usize,
    ) -> Result<Page<RefundRow>, Error> {
        let order = order.cloned();
        self.0.db.read(move |conn| page(conn, order.as_ref(), &place, size)).await
    }
}

fn page(
    conn: &mut AnyConnection,
    order: Option<&OrderNumber>,
    place: &Place,
    size: usize,
) -> Result<Page<RefundRow>, Error> {
    let limit = i64::try_from(size.saturating_add(1)).unwrap_or(i64::MAX);
    let mut rows = refund::table
        .inner_join(orders::table)
        .select((
            refund::id,
            orders::number,
            refund::amount,
            refund::currency,
            refund::status,
            refund::reason,
            refund::failure_reason,
            refund::stripe_id,
            refund::created_at,
        ))
        .limit(limit)
        .into_boxed();
    if let Some(number) = order {
        let id: Option<i64> =
            orders::table.filter(orders::number.eq(number.as_str())).select(orders::id).first(conn).optional()?;
        rows = rows.filter(refund::order_id.eq(id.ok_or(Error::NotFound)?));
    }
    let id = |key: &str| key.parse::<i64>().map_err(|_| Error::BadPlace);
    let rows: Vec<Row> = match place {
        Place::First => rows.order(refund::id.desc()).load(conn)?,
        Place::After(key) => rows.filter(refund::id.lt(id(key)?)).order(refund::id.desc()).load(conn)?,
        Place::Before(key) => rows.filter(refund::id.gt(id(key)?)).order(refund::id.asc()).load(conn)?,
    };
    let page = Page::of(rows, place, size);
    let ids: Vec<i64> = page.rows.iter().map(|row| row.id).collect();
    let shares: Vec<(i64, String, i64, bool)> = refund_item::table
        .inner_join(order_item::table.inner_join(book::table))
        .filter(refund_item::refund_id.eq_any(ids))
        .order((refund_item::refund_id, order_item::position))
        .select((refund_item::refund_id, book::slug, refund_item::amount, refund_item::revokes))
        .load(conn)?;
    let mut items: HashMap<i64, Vec<(String, i64, bool)>> = HashMap::new();
    for (refund, slug, amount, revokes) in shares {
        items.entry(refund).or_default().push((slug, amount, revokes));
    }
    let rows = page.rows.into_iter().map(|row| {
        let items = items.remove(&row.id).unwrap_or_default();
        row.read(items)
    });
    Ok(Page { rows: rows.collect::<Result<_, _>>()?, before: page.before, after: page.after })
}

impl Row {
    fn read(self, items: Vec<(String, i64, bool)>) -> Result<RefundRow, Error> {
        let corrupt = |what: &str| Error::internal(format!("refund {}: bad {what}", self.id));
        let currency: Currency = self.currency.parse().map_err(|_| corrupt("currency"))?;
        let money = |minor| Money::new(minor, currency);
        Ok(RefundRow {
            key: self.id,
            order: self.order.parse().map_err(|_| corrupt("order"))?,
            amount: money(self.amount),
            status: RefundStatus::parse(&self.status).ok_or_else(|| corrupt("status"))?,
            reason: self.reason,
            failure: self.failure,
            stripe_id: self.stripe_id,
            created_at: self.created_at,
            items: items.into_iter().map(|(slug, amount, taken)| (slug, money(amount), taken)).collect(),
        })
    }
}
