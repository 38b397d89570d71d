//! What a refund comes to: titles and amounts within what is left of the order, under the lock of its row.

use super::asking::Asked;
use super::ledger::{NewRow, Order, rooms};
use super::request::{ItemRef, RefundError, RefundRequest, RefundWhat};
use super::share::{Share, spread_in};
use crate::Error;
use crate::db::AnyConnection;
use crate::db::schema::{book, order_item};
use crate::rights::{LIVING, sum};
use crate::types::{Currency, Money, OrderNumber, RefundStatus};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// Writes down what is asked for, if it can be had.
pub(super) fn plan(
    conn: &mut AnyConnection,
    number: &OrderNumber,
    request: &RefundRequest,
    key: String,
    now: NaiveDateTime,
) -> Result<Result<Asked, RefundError>, Error> {
    let Some(order) = Order::lock_number(conn, number)? else { return Ok(Err(RefundError::NoOrder)) };
    if !order.is_paid() || order.payment_intent.is_none() {
        return Ok(Err(RefundError::NotPaid));
    }
    let currency: Currency =
        order.currency.parse().map_err(|_| Error::internal(format!("order {}: bad currency", order.number)))?;
    // What is asked for and not confirmed counts too: Stripe may be about to do it.
    let mut states = LIVING.to_vec();
    states.push(RefundStatus::Requested.as_str());
    let rooms = rooms(conn, order.id, &states, None)?;
    let left = Money::new(sum(rooms.iter().map(|room| room.amount))?, currency);
    if left.is_zero() {
        return Ok(Err(RefundError::NothingLeft));
    }
    let mut taken = Vec::new();
    let shares: Vec<Share> = match &request.what {
        RefundWhat::Full => {
            taken.extend(rooms.iter().map(|room| room.item_id));
            rooms.iter().map(|room| Share { item_id: room.item_id, amount: room.amount, tax: room.tax }).collect()
        }
        RefundWhat::Amount(amount)
            if amount.currency() != currency || amount.minor() <= 0 || amount.minor() % currency.step() != 0 =>
        {
            return Ok(Err(RefundError::WrongAmount(currency)));
        }
        RefundWhat::Amount(amount) => match spread_in(&rooms, amount.minor(), currency.step()) {
            Some(shares) => shares,
            None => return Ok(Err(RefundError::TooMuch(left))),
        },
        RefundWhat::Items(wanted) => {
            let mut shares: Vec<Share> = Vec::new();
            for (item, revoke) in wanted {
                let Some(room) =
                    resolve(conn, order.id, item)?.and_then(|id| rooms.iter().find(|room| room.item_id == id))
                else {
                    return Ok(Err(RefundError::NoSuchItem(item.to_string())));
                };
                if shares.iter().all(|share| share.item_id != room.item_id) {
                    shares.push(Share { item_id: room.item_id, amount: room.amount, tax: room.tax });
                }
                if *revoke {
                    taken.push(room.item_id);
                }
            }
            shares
        }
    };
    let amount = sum(shares.iter().map(|share| share.amount))?;
    if amount == 0 {
        return Ok(Err(RefundError::NothingLeft));
    }
    // Whatever all that is left comes to, it was charged.
    if amount % currency.step() != 0 && amount != left.minor() {
        return Ok(Err(RefundError::WrongAmount(currency)));
    }
    let new = NewRow {
        idem_key: Some(key.clone()),
        stripe_id: None,
        order_id: order.id,
        amount,
        tax: sum(shares.iter().map(|share| share.tax))?,
        currency: order.currency.clone(),
        status: RefundStatus::Requested.as_str(),
        reason: Some(request.reason.as_str().to_owned()),
        failure_reason: None,
        created_at: now,
        updated_at: now,
    };
    let id = new.insert(conn, &shares, |item| taken.contains(&item))?;
    Ok(Ok(Asked { id, key: Some(key), payment_intent: order.payment_intent, amount, reason: new.reason }))
}

/// The id of an item of this order.
fn resolve(conn: &mut AnyConnection, order_id: i64, item: &ItemRef) -> Result<Option<i64>, Error> {
    let items = order_item::table.filter(order_item::order_id.eq(order_id)).select(order_item::id);
    Ok(match item {
        ItemRef::Id(id) => items.filter(order_item::id.eq(id)).first(conn).optional()?,
        ItemRef::Book(slug) => {
            let books = book::table.filter(book::slug.eq(slug.as_str())).select(book::id);
            items.filter(order_item::book_id.eq_any(books)).first(conn).optional()?
        }
    })
}
