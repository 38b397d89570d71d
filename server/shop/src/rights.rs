//! What refunds, disputes and the desk leave of the right to a title.
//!
//! The state of an entitlement is worked out anew from all refunds and disputes of its order and from
//! what the desk has taken back, never stepped from one to
//! the next: so it is the same whatever came first, and what fails or is won gives back exactly what it took.
//!
//! - A title is gone (`revoked`, "refunded") while a living refund takes it, or while the living refunds of the order
//!   come to its whole total: nobody keeps what she has been paid back for.
//! - It is gone (`revoked`, "disputed") once a dispute is lost.
//! - It is gone (`revoked`, "withdrawn") while the desk has taken it back.
//! - It waits (`frozen`, "disputed") while a dispute is open.
//! - Else it is there (`active`).

use crate::db::AnyConnection;
use crate::db::schema::{dispute, entitlement, order_item, orders, refund, refund_item, withdrawal};
use crate::hooks::{self, Change, EventType, Listeners};
use crate::types::{Currency, DisputeStage, Money, MoneyNote, MoneyNoteKind, RefundStatus};
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::{HashMap, HashSet};

/// The refunds whose money is gone, in the database's words.
pub(crate) const LIVING: [&str; 3] =
    [RefundStatus::Pending.as_str(), RefundStatus::RequiresAction.as_str(), RefundStatus::Succeeded.as_str()];
/// The states in [`LIVING`] and `more`, as a list in SQL.
pub(crate) fn living_words(more: &[RefundStatus]) -> String {
    let all = LIVING.into_iter().chain(more.iter().map(|status| status.as_str()));
    all.map(|word| format!("'{word}'")).collect::<Vec<_>>().join(", ")
}

/// Why an entitlement is not active, if it is for a refund …
const REFUNDED: &str = "refunded";
/// … for a dispute …
const DISPUTED: &str = "disputed";
/// … or because the desk has taken it back. What was taken for any other reason is not ours to give back.
const WITHDRAWN: &str = "withdrawn";

/// Makes the entitlements of an order agree with its refunds and disputes, and with what the desk has taken back. The order's row is locked.
pub(crate) fn settle(conn: &mut AnyConnection, order_id: i64, now: NaiveDateTime) -> Result<(), Error> {
    let total: i64 = orders::table.find(order_id).select(orders::amount_total).first(conn)?;
    let living: Vec<(i64, i64)> = refund::table
        .filter(refund::order_id.eq(order_id))
        .filter(refund::status.eq_any(LIVING))
        .select((refund::id, refund::amount))
        .load(conn)?;
    let back = sum(living.iter().map(|(_, amount)| *amount))?;
    let ids: Vec<i64> = living.into_iter().map(|(id, _)| id).collect();
    let taken: HashSet<i64> = refund_item::table
        .filter(refund_item::refund_id.eq_any(ids))
        .filter(refund_item::revokes)
        .select(refund_item::order_item_id)
        .load(conn)?
        .into_iter()
        .collect();
    let disputes: Vec<String> =
        dispute::table.filter(dispute::order_id.eq(order_id)).select(dispute::status).load(conn)?;
    let withdrawn: HashSet<i64> = withdrawal::table
        .inner_join(order_item::table)
        .filter(order_item::order_id.eq(order_id))
        .filter(withdrawal::lifted_at.is_null())
        .select(withdrawal::order_item_id)
        .load(conn)?
        .into_iter()
        .collect();
    let is = |stage| disputes.iter().any(|status| DisputeStage::of(status) == stage);
    let (lost, open, all) = (is(DisputeStage::Lost), is(DisputeStage::Open), total > 0 && back >= total);
    let rows: Vec<(i64, i64, String, Option<String>)> = entitlement::table
        .inner_join(order_item::table)
        .filter(order_item::order_id.eq(order_id))
        .select((entitlement::id, order_item::id, entitlement::state, entitlement::reason))
        .load(conn)?;
    let mut changes = Vec::new();
    for (id, item_id, state, reason) in rows {
        if !matches!(reason.as_deref(), None | Some(REFUNDED | DISPUTED | WITHDRAWN)) {
            continue;
        }
        let (new_state, new_reason) = if all || taken.contains(&item_id) {
            ("revoked", Some(REFUNDED))
        } else if lost {
            ("revoked", Some(DISPUTED))
        } else if withdrawn.contains(&item_id) {
            ("revoked", Some(WITHDRAWN))
        } else if open {
            ("frozen", Some(DISPUTED))
        } else {
            ("active", None)
        };
        if (state.as_str(), reason.as_deref()) != (new_state, new_reason) {
            diesel::update(entitlement::table.find(id))
                .set((
                    entitlement::state.eq(new_state),
                    entitlement::reason.eq(new_reason),
                    entitlement::changed_at.eq(now),
                ))
                .execute(conn)?;
            tracing::info!(order_id, entitlement = id, from = state, to = new_state, "a title's right changed");
            let kind = match (new_state, state.as_str()) {
                ("active", _) => EventType::EntitlementRestored,
                ("frozen", _) => EventType::EntitlementFrozen,
                (_, "revoked") => continue,
                _ => EventType::EntitlementRevoked,
            };
            changes.push(Change { item_id, kind, reason: new_reason.map(str::to_owned) });
        }
    }
    if !changes.is_empty() {
        let listeners = Listeners::load(conn)?;
        hooks::rights_changed(conn, &listeners, order_id, &changes, now)?;
    }
    Ok(())
}

/// What became of the money of each item, oldest first.
pub(crate) fn notes(
    conn: &mut AnyConnection,
    shop: &Shop,
    order_id: i64,
    items: &[i64],
    currency: Currency,
) -> Result<HashMap<i64, Vec<MoneyNote>>, Error> {
    let mut dated: Vec<(NaiveDateTime, i64, MoneyNoteKind)> = Vec::new();
    let refunds: Vec<(NaiveDateTime, String, i64, i64)> = refund_item::table
        .inner_join(refund::table)
        .filter(refund::order_id.eq(order_id))
        .filter(refund::status.eq_any(LIVING))
        .filter(refund_item::amount.gt(0))
        .order(refund::id)
        .select((refund::created_at, refund::status, refund_item::order_item_id, refund_item::amount))
        .load(conn)?;
    for (at, status, item, amount) in refunds {
        let amount = Money::new(amount, currency);
        let arrived = status == RefundStatus::Succeeded.as_str();
        let kind = if arrived { MoneyNoteKind::Refunded(amount) } else { MoneyNoteKind::Refunding(amount) };
        dated.push((at, item, kind));
    }
    let disputes: Vec<(NaiveDateTime, String)> = dispute::table
        .filter(dispute::order_id.eq(order_id))
        .order(dispute::id)
        .select((dispute::created_at, dispute::status))
        .load(conn)?;
    for (at, status) in disputes {
        let kind = match DisputeStage::of(&status) {
            DisputeStage::Open => MoneyNoteKind::Disputed,
            DisputeStage::Lost => MoneyNoteKind::ChargedBack,
            DisputeStage::Inquiry | DisputeStage::Won => continue,
        };
        dated.extend(items.iter().map(|item| (at, *item, kind)));
    }
    dated.sort_by_key(|(at, ..)| *at);
    let mut notes: HashMap<i64, Vec<MoneyNote>> = HashMap::new();
    for (at, item, kind) in dated {
        notes.entry(item).or_default().push(MoneyNote { kind, on: shop.notation().day(at.date()) });
    }
    Ok(notes)
}

/// A sum of minor units that are in the database, and so fit.
pub(crate) fn sum(amounts: impl IntoIterator<Item = i64>) -> Result<i64, Error> {
    amounts.into_iter().try_fold(0, i64::checked_add).ok_or_else(|| Error::internal("a sum of amounts does not fit"))
}
