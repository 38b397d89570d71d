//! What needs a person about money: payments under review, refunds, disputes, and where the store and Stripe disagree.

use super::{BadCheckout, BadDispute, BadRefund, FailedRefund, MOST, RefusedTitle, Reviewed, corrupt};
use crate::db::AnyConnection;
use crate::db::schema::{book, checkout, difference, dispute, orders, refund, refused_title, users};
use crate::reconciler::Difference;
use crate::rights::living_words;
use crate::types::{Currency, Money, RefundStatus};
use crate::{Error, refusals};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;

/// After so long no session of ours can still be paid, and the reconciler has asked about each.
const STUCK: TimeDelta = TimeDelta::hours(26);
/// A refund that Stripe has not confirmed after so long.
const SLOW_REFUND: TimeDelta = TimeDelta::minutes(30);
/// A refund that failed is listed for so long, unless somebody says before that it is settled.
const FAILED_FOR: TimeDelta = TimeDelta::days(30);
/// A payment that somebody has reviewed stays in sight for so long.
const REVIEWED_FOR: TimeDelta = TimeDelta::days(30);
/// So many of them.
const MOST_REVIEWED: i64 = 20;

type CheckoutRow = (i64, NaiveDateTime, Option<String>, i64, String, Option<String>);

fn bad((id, begun, session, subtotal, currency, why): CheckoutRow) -> BadCheckout {
    let currency: Option<Currency> = currency.parse().ok();
    let subtotal = currency.map(|currency| Money::new(subtotal, currency));
    BadCheckout { id, begun, session, subtotal, why, reviewed: None }
}

macro_rules! checkout_columns {
    () => {
        (
            checkout::id,
            checkout::created_at,
            checkout::stripe_session,
            checkout::subtotal,
            checkout::currency,
            checkout::last_error,
        )
    };
}

pub(super) fn quarantined(conn: &mut AnyConnection) -> Result<Vec<BadCheckout>, Error> {
    let rows: Vec<CheckoutRow> = checkout::table
        .filter(sql::<Bool>("checkout.state = 'quarantined'"))
        .filter(checkout::reviewed_at.is_null())
        .order(checkout::id.desc())
        .limit(MOST)
        .select(checkout_columns!())
        .load(conn)?;
    Ok(rows.into_iter().map(bad).collect())
}

/// Payments under review that somebody has seen to, the latest first.
pub(super) fn reviewed(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<Vec<BadCheckout>, Error> {
    let rows: Vec<(CheckoutRow, NaiveDateTime, Option<String>)> = checkout::table
        .left_join(users::table.on(checkout::reviewed_by.eq(users::id.nullable())))
        .filter(sql::<Bool>("checkout.state = 'quarantined'"))
        .filter(checkout::reviewed_at.gt(now - REVIEWED_FOR))
        .order((checkout::reviewed_at.desc(), checkout::id.desc()))
        .limit(MOST_REVIEWED)
        .select((checkout_columns!(), checkout::reviewed_at.assume_not_null(), users::email.nullable()))
        .load(conn)?;
    let view = |(row, at, by)| BadCheckout { reviewed: Some(Reviewed { at, by }), ..bad(row) };
    Ok(rows.into_iter().map(view).collect())
}

pub(super) fn stuck(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<Vec<BadCheckout>, Error> {
    let rows: Vec<CheckoutRow> = checkout::table
        .filter(sql::<Bool>("checkout.state = 'open'"))
        .filter(checkout::created_at.lt(now - STUCK))
        .order(checkout::created_at.desc())
        .limit(MOST)
        .select(checkout_columns!())
        .load(conn)?;
    Ok(rows.into_iter().map(bad).collect())
}

pub(super) fn refunds(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<Vec<BadRefund>, Error> {
    let rows: Vec<(String, i64, String, NaiveDateTime)> = refund::table
        .inner_join(orders::table)
        .filter(sql::<Bool>("refund.status = 'requested'"))
        .filter(refund::created_at.lt(now - SLOW_REFUND))
        .order(refund::id)
        .limit(MOST)
        .select((orders::number, refund::amount, refund::currency, refund::created_at))
        .load(conn)?;
    rows.into_iter()
        .map(|(number, amount, currency, asked)| {
            let currency: Currency = currency.parse().map_err(|_| corrupt("currency"))?;
            let order = number.parse().map_err(|_| corrupt("number"))?;
            Ok(BadRefund { order, amount: Money::new(amount, currency), asked })
        })
        .collect()
}

/// The refunds of the order that came later and live, or may yet, together come to less than this one.
fn not_made_good() -> String {
    let living = living_words(&[RefundStatus::Requested]);
    format!(
        "refund.amount > COALESCE((SELECT SUM(later.amount) FROM refund AS later \
         WHERE later.order_id = refund.order_id AND later.id > refund.id AND later.status IN ({living})), 0)"
    )
}

pub(super) fn failed_refunds(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<Vec<FailedRefund>, Error> {
    type Row = (i64, String, i64, String, Option<String>, NaiveDateTime);
    let rows: Vec<Row> = refund::table
        .inner_join(orders::table)
        .filter(refund::updated_at.gt(now - FAILED_FOR))
        .filter(sql::<Bool>("refund.status = 'failed'"))
        .filter(refund::settled_at.is_null())
        .filter(sql::<Bool>(&not_made_good()))
        .order((refund::updated_at.desc(), refund::id.desc()))
        .limit(MOST)
        .select((
            refund::id,
            orders::number,
            refund::amount,
            refund::currency,
            refund::failure_reason,
            refund::updated_at,
        ))
        .load(conn)?;
    rows.into_iter()
        .map(|(id, number, amount, currency, why, since)| {
            let currency: Currency = currency.parse().map_err(|_| corrupt("currency"))?;
            let order = number.parse().map_err(|_| corrupt("number"))?;
            Ok(FailedRefund { id, order, amount: Money::new(amount, currency), why, since })
        })
        .collect()
}

pub(super) fn disputes(conn: &mut AnyConnection) -> Result<Vec<BadDispute>, Error> {
    let rows: Vec<(String, i64, String, String, Option<NaiveDateTime>)> = dispute::table
        .inner_join(orders::table)
        .filter(dispute::status.eq_any(["needs_response", "warning_needs_response"]))
        .order((dispute::evidence_due_by, dispute::id))
        .limit(MOST)
        .select((orders::number, dispute::amount, dispute::currency, dispute::reason, dispute::evidence_due_by))
        .load(conn)?;
    rows.into_iter()
        .map(|(number, amount, currency, reason, due)| {
            let currency: Currency = currency.parse().map_err(|_| corrupt("currency"))?;
            Ok(BadDispute {
                order: number.parse().map_err(|_| corrupt("number"))?,
                amount: Money::new(amount, currency),
                reason: reason.replace('_', " "),
                answer_by: due,
            })
        })
        .collect()
}

pub(super) fn differences(conn: &mut AnyConnection) -> Result<Vec<Difference>, Error> {
    Ok(difference::table
        .filter(sql::<Bool>("difference.gone_at IS NULL"))
        .order(difference::id)
        .limit(MOST)
        .select((difference::kind, difference::object_id, difference::detail, difference::found_at))
        .load(conn)?)
}

/// Titles that nobody can pay for because Stripe refuses their carts, those refused last first.
pub(super) fn refused_titles(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<Vec<RefusedTitle>, Error> {
    type Row = (i64, String, String, String, i64, NaiveDateTime, NaiveDateTime);
    let rows: Vec<Row> = refused_title::table
        .inner_join(book::table)
        .filter(refused_title::last_at.gt(now - refusals::KEPT))
        .order((refused_title::last_at.desc(), refused_title::id))
        .limit(MOST)
        .select((
            refused_title::id,
            book::slug,
            book::title,
            refused_title::cause,
            refused_title::times,
            refused_title::first_at,
            refused_title::last_at,
        ))
        .load(conn)?;
    let view =
        |(id, slug, title, why, times, first, last): Row| RefusedTitle { id, slug, title, why, times, first, last };
    Ok(rows.into_iter().map(view).collect())
}
