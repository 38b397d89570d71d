//! The rows of refunds, always under the lock of their order's row.

use super::share::{Room, Share, spread, spread_wanted};
use crate::analytics::posting::Standing;
use crate::db::AnyConnection;
use crate::db::schema::{order_item, orders, refund, refund_item};
use crate::failpoint::{Failpoint, pass};
use crate::hooks;
use crate::outbox::Kind;
use crate::payments::Refund;
use crate::rights::{self, LIVING, sum};
use crate::types::{OrderNumber, OrderStatus, RefundStatus};
use crate::{Error, Shop, invoices, outbox};
use chrono::{DateTime, NaiveDateTime};
use diesel::prelude::*;
use std::collections::HashMap;

/// An order whose row is locked until the end of the transaction.
#[derive(Queryable)]
pub(crate) struct Order {
    pub(crate) id: i64,
    pub(super) number: String,
    pub(super) email: String,
    pub(super) status: String,
    pub(super) total: i64,
    pub(super) currency: String,
    pub(super) payment_intent: Option<String>,
}

macro_rules! locked {
    ($conn:expr, $filter:expr) => {
        diesel::update(orders::table.filter($filter))
            // Writing locks the row on both databases.
            .set(orders::status.eq(orders::status))
            .returning((
                orders::id,
                orders::number,
                orders::email,
                orders::status,
                orders::amount_total,
                orders::currency,
                orders::stripe_payment_intent,
            ))
            .get_result::<Order>($conn)
            .optional()
    };
}

impl Order {
    /// The order of a payment.
    pub(crate) fn lock_payment(conn: &mut AnyConnection, intent: &str) -> Result<Option<Self>, Error> {
        Ok(locked!(conn, orders::stripe_payment_intent.eq(intent))?)
    }

    /// The order of this number.
    pub(super) fn lock_number(conn: &mut AnyConnection, number: &OrderNumber) -> Result<Option<Self>, Error> {
        Ok(locked!(conn, orders::number.eq(number.as_str()))?)
    }

    pub(super) fn is_paid(&self) -> bool {
        self.status == OrderStatus::Succeeded.as_str()
    }
}

/// A row of ours, as far as it matters for what Stripe says.
struct Known {
    id: i64,
    stripe_id: Option<String>,
    status: RefundStatus,
    amount: i64,
}

/// Makes the rows of an order agree with Stripe's refunds, and the titles' rights with those.
pub(super) fn apply(
    conn: &mut AnyConnection,
    shop: &Shop,
    order: &Order,
    refunds: &[Refund],
    now: NaiveDateTime,
) -> Result<(), Error> {
    let before = Standing::of(conn, order.id)?;
    // What is over comes first: it makes room. Then in the order in which they were made.
    let mut sorted: Vec<&Refund> = refunds.iter().collect();
    sorted.sort_by(|a, b| {
        let key = |refund: &Refund| (refund.status.is_living(), refund.created);
        key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
    });
    for refund in sorted {
        record(conn, shop, order, refund, now)?;
    }
    // Numbers before tallies, as a payment takes them: two transactions must not wait for each other.
    invoices::settle(conn, shop, order.id, now)?;
    pass(Failpoint::CreditNoted);
    before.settle(conn)?;
    rights::settle(conn, order.id, now)
}

fn record(
    conn: &mut AnyConnection,
    shop: &Shop,
    order: &Order,
    refund: &Refund,
    now: NaiveDateTime,
) -> Result<(), Error> {
    let wrong = |what: &str| Err(Error::internal(format!("refund {} of order {}: {what}", refund.id, order.number)));
    if refund.currency.is_none_or(|currency| currency.code() != order.currency) {
        return wrong("another currency");
    }
    if refund.amount <= 0 {
        return wrong("an amount that is none");
    }
    let mut before = None;
    let id = match find(conn, order.id, refund)? {
        Some(known) if known.amount != refund.amount => return wrong("another amount than ours"),
        Some(known) => {
            let may = known.stripe_id.is_none() || known.status.may_become(refund.status);
            if !may {
                return Ok(());
            }
            before = Some(known.status);
            if known.stripe_id.is_none() && refund.status.is_living() {
                make_fit(conn, order, &known, refund)?;
            }
            diesel::update(refund::table.find(known.id))
                .set((
                    refund::stripe_id.eq(&refund.id),
                    refund::status.eq(refund.status.as_str()),
                    refund::failure_reason.eq(&refund.failure_reason),
                    refund::updated_at.eq(now),
                ))
                .execute(conn)?;
            known.id
        }
        None => insert(conn, order, refund, now)?,
    };
    if before != Some(refund.status) {
        hooks::refund_came_to(conn, id, refund.status, now)?;
    }
    if refund.status.is_living() {
        outbox::queue(conn, shop, Kind::RefundNotice(id), &order.email, order.id, now)?;
    }
    Ok(())
}

/// Our row of a refund: by Stripe's id, or by the name that it was asked for under.
fn find(conn: &mut AnyConnection, order_id: i64, refund: &Refund) -> Result<Option<Known>, Error> {
    type Row = (i64, Option<String>, Option<String>, String, i64);
    let rows: Vec<Row> = refund::table
        .filter(refund::order_id.eq(order_id))
        .select((refund::id, refund::idem_key, refund::stripe_id, refund::status, refund::amount))
        .order(refund::id)
        .load(conn)?;
    let named = |row: &&Row| {
        row.2.is_none()
            && refund.name.is_some()
            && row.1.as_deref().map(super::asking::name_of) == refund.name.as_deref()
    };
    let by_id = rows.iter().find(|row| row.2.as_deref() == Some(&refund.id));
    let Some((id, _, stripe_id, status, amount)) = by_id.or_else(|| rows.iter().find(named)).cloned() else {
        return Ok(None);
    };
    let status =
        RefundStatus::parse(&status).ok_or_else(|| Error::internal(format!("refund {id} has the status {status}")))?;
    Ok(Some(Known { id, stripe_id, status, amount }))
}

/// A refund that was made elsewhere: spread over all titles, and only one of everything takes them.
fn insert(conn: &mut AnyConnection, order: &Order, refund: &Refund, now: NaiveDateTime) -> Result<i64, Error> {
    // What is over already takes nothing: as if it had been the only one.
    let rooms = if refund.status.is_living() { rooms(conn, order.id, &LIVING, None)? } else { whole(conn, order.id)? };
    let shares = spread(&rooms, refund.amount).ok_or_else(|| too_much(order, &refund.id))?;
    let revokes = refund.amount == order.total;
    let new = NewRow {
        idem_key: None,
        stripe_id: Some(refund.id.clone()),
        order_id: order.id,
        amount: refund.amount,
        tax: sum(shares.iter().map(|share| share.tax))?,
        currency: order.currency.clone(),
        status: refund.status.as_str(),
        reason: refund.reason.clone(),
        failure_reason: refund.failure_reason.clone(),
        created_at: DateTime::from_timestamp(refund.created, 0).map_or(now, |at| at.naive_utc()),
        updated_at: now,
    };
    new.insert(conn, &shares, |_| revokes)
}

/// Refunds made elsewhere since a refund was asked for here may have taken what it was to take; then the rest of it falls
/// to the other titles.
fn make_fit(conn: &mut AnyConnection, order: &Order, known: &Known, refund: &Refund) -> Result<(), Error> {
    let planned: Vec<(i64, i64, i64, bool)> = refund_item::table
        .filter(refund_item::refund_id.eq(known.id))
        .select((refund_item::order_item_id, refund_item::amount, refund_item::tax, refund_item::revokes))
        .load(conn)?;
    let rooms = rooms(conn, order.id, &LIVING, Some(known.id))?;
    let fits = planned.iter().all(|(item, amount, tax, _)| {
        rooms.iter().any(|room| {
            let (left, left_tax) = (room.amount - amount, room.tax - tax);
            room.item_id == *item && left >= 0 && (0..=left).contains(&left_tax)
        })
    });
    if fits {
        return Ok(());
    }
    let wanted: Vec<(i64, i64)> = planned.iter().map(|(item, amount, ..)| (*item, *amount)).collect();
    let shares = spread_wanted(&rooms, &wanted, refund.amount).ok_or_else(|| too_much(order, &refund.id))?;
    diesel::delete(refund_item::table.filter(refund_item::refund_id.eq(known.id))).execute(conn)?;
    diesel::update(refund::table.find(known.id))
        .set(refund::tax.eq(sum(shares.iter().map(|share| share.tax))?))
        .execute(conn)?;
    let revokes = |id| planned.iter().any(|(item, _, _, revokes)| *item == id && *revokes);
    insert_items(conn, known.id, &shares, revokes)
}

fn too_much(order: &Order, refund: &str) -> Error {
    Error::internal(format!("refund {refund} of order {}: more than is left of the total", order.number))
}

/// A refund's row to be.
#[derive(Insertable)]
#[diesel(table_name = refund)]
pub(super) struct NewRow {
    pub(super) idem_key: Option<String>,
    pub(super) stripe_id: Option<String>,
    pub(super) order_id: i64,
    pub(super) amount: i64,
    pub(super) tax: i64,
    pub(super) currency: String,
    pub(super) status: &'static str,
    pub(super) reason: Option<String>,
    pub(super) failure_reason: Option<String>,
    pub(super) created_at: NaiveDateTime,
    pub(super) updated_at: NaiveDateTime,
}

impl NewRow {
    /// Writes it with what falls to each title.
    pub(super) fn insert(
        &self,
        conn: &mut AnyConnection,
        shares: &[Share],
        revokes: impl Fn(i64) -> bool,
    ) -> Result<i64, Error> {
        let id: i64 = diesel::insert_into(refund::table).values(self).returning(refund::id).get_result(conn)?;
        insert_items(conn, id, shares, revokes)?;
        Ok(id)
    }
}

fn insert_items(
    conn: &mut AnyConnection,
    refund_id: i64,
    shares: &[Share],
    revokes: impl Fn(i64) -> bool,
) -> Result<(), Error> {
    for share in shares {
        let revokes = revokes(share.item_id);
        if share.amount == 0 && !revokes {
            continue;
        }
        diesel::insert_into(refund_item::table)
            .values((
                refund_item::refund_id.eq(refund_id),
                refund_item::order_item_id.eq(share.item_id),
                refund_item::amount.eq(share.amount),
                refund_item::tax.eq(share.tax),
                refund_item::revokes.eq(revokes),
            ))
            .execute(conn)?;
    }
    Ok(())
}

/// What each title of an order came to.
fn whole(conn: &mut AnyConnection, order_id: i64) -> Result<Vec<Room>, Error> {
    let items: Vec<(i64, i64, i64)> = order_item::table
        .filter(order_item::order_id.eq(order_id))
        .order(order_item::position)
        .select((order_item::id, order_item::total, order_item::tax))
        .load(conn)?;
    Ok(items.into_iter().map(|(item_id, amount, tax)| Room { item_id, amount, tax }).collect())
}

/// What refunds in `states`, but for `except`, have left of each title.
pub(super) fn rooms(
    conn: &mut AnyConnection,
    order_id: i64,
    states: &[&str],
    except: Option<i64>,
) -> Result<Vec<Room>, Error> {
    let mut rooms = whole(conn, order_id)?;
    let taken: Vec<(i64, i64, i64)> = refund_item::table
        .inner_join(refund::table)
        .filter(refund::order_id.eq(order_id))
        .filter(refund::status.eq_any(states))
        .filter(refund::id.ne(except.unwrap_or_default()))
        .select((refund_item::order_item_id, refund_item::amount, refund_item::tax))
        .load(conn)?;
    let mut by_item: HashMap<i64, Vec<(i64, i64)>> = HashMap::new();
    for (item, amount, tax) in taken {
        by_item.entry(item).or_default().push((amount, tax));
    }
    for room in &mut rooms {
        for (amount, tax) in by_item.remove(&room.item_id).unwrap_or_default() {
            room.amount -= amount;
            room.tax -= tax;
        }
    }
    // A requested refund and one made elsewhere may both count on the same title until Stripe has decided.
    for room in &mut rooms {
        room.amount = room.amount.max(0);
        room.tax = room.tax.clamp(0, room.amount);
    }
    Ok(rooms)
}
