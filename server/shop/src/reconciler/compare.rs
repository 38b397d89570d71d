//! Stripe's sessions, refunds and disputes of the last days against our rows, both ways.

mod disputes;

use super::differences::{self, Difference, Found};
use crate::db::AnyConnection;
use crate::db::schema::{checkout, orders, refund};
use crate::payments::{PaymentsError, RefundEntry, Session, SessionState};
use crate::types::OrderStatus;
use crate::{Error, Shop};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use std::collections::{HashMap, HashSet};

/// What is younger may still be on its way to us.
const YOUNG: TimeDelta = TimeDelta::minutes(15);
/// A session is made at most a day before its order.
const SESSION_LIFE: TimeDelta = TimeDelta::hours(25);
/// Rows of ours that Stripe's list did not show are asked for one by one, at most so many.
const AT_MOST: usize = 200;
/// Sessions that `octavo seed` has made up.
const MADE_UP: &str = "cs_seed_";

const PAID_WITHOUT_ORDER: &str = "paid_session_without_order";
const UNDER_REVIEW: &str = "payment_under_review";
const AMOUNTS: &str = "order_with_other_amounts";
const NOT_PAID: &str = "order_not_paid_at_stripe";
const ORDER_UNKNOWN: &str = "order_unknown_to_stripe";
const REFUND_UNKNOWN_HERE: &str = "refund_unknown_here";
const REFUND_DIFFERS: &str = "refund_differs";
const REFUND_UNKNOWN: &str = "refund_unknown_to_stripe";
const REFUND_NOT_SENT: &str = "refund_never_reached_stripe";

/// An order as far as it is compared.
#[derive(Queryable)]
struct OrderRow {
    stripe_session: Option<String>,
    status: String,
    amount_subtotal: i64,
    amount_total: i64,
    currency: String,
}

/// A refund as far as it is compared.
#[derive(Queryable)]
struct RefundRow {
    stripe_id: Option<String>,
    amount: i64,
    currency: String,
    status: String,
}

impl Shop {
    /// Compares the last `days` of Stripe's completed sessions, refunds and disputes with our rows, heals what asking again heals,
    /// keeps what remains in the table of differences, and returns the open ones. Differences that were found
    /// before and are not there any more are marked as gone.
    ///
    /// # Errors
    /// [`Error::Payments`] if Stripe does not answer to the end, the database's. The table is as it was then.
    pub async fn compare_with_stripe(&self, days: u16) -> Result<Vec<Difference>, Error> {
        let now = self.0.clock.now();
        let since = now - TimeDelta::days(days.into());
        let mut found = self.compare_sessions(since, now).await?;
        found.extend(self.compare_refunds(since, now).await?);
        found.extend(self.compare_disputes(since, now).await?);
        // What was found earlier may be older than the days we look at.
        let before = self.0.db.read(differences::open).await?;
        for old in before {
            if found.iter().any(|new| new.kind == old.kind && new.object_id == old.object_id) {
                continue;
            }
            let again = if old.kind.starts_with("refund_") {
                self.examine_refund(&old.object_id).await?
            } else if old.kind.starts_with("dispute_") {
                self.examine_dispute(&old.object_id).await?
            } else {
                self.examine_session(&old.object_id).await?
            };
            found.extend(again.into_iter().filter(|new| new.kind == old.kind));
        }
        self.0.db.write(move |conn| differences::record(conn, &found, now)).await?;
        self.differences().await
    }

    async fn compare_sessions(&self, since: NaiveDateTime, now: NaiveDateTime) -> Result<Vec<Found>, Error> {
        let (mut suspects, mut seen, mut after) = (Vec::new(), HashSet::new(), None);
        loop {
            let payments = &self.0.payments;
            let page = payments.sessions_page(since.and_utc().timestamp(), true, after.as_deref()).await?;
            let ours: Vec<Session> = page.items.into_iter().filter(|s| s.idempotency_key.is_some()).collect();
            seen.extend(ours.iter().map(|session| session.id.clone()));
            let found = self.0.db.read(move |conn| compare(conn, &ours)).await?;
            suspects.extend(found.into_iter().map(|found| found.object_id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let bought: Vec<Option<String>> = self
            .0
            .db
            .read(move |conn| {
                Ok(orders::table
                    .filter(orders::status.eq(OrderStatus::Succeeded.as_str()))
                    .filter(orders::created_at.between(since + SESSION_LIFE, now - YOUNG))
                    .select(orders::stripe_session)
                    .load(conn)?)
            })
            .await?;
        let unseen = bought.into_iter().flatten().filter(|id| !seen.contains(id) && !id.starts_with(MADE_UP));
        suspects.extend(bounded(unseen.collect(), "orders"));
        let mut found = Vec::new();
        for id in suspects {
            found.extend(self.examine_session(&id).await?);
        }
        Ok(found)
    }

    /// One session as it is now, after what asking again heals: its webhook may only be late.
    async fn examine_session(&self, id: &str) -> Result<Vec<Found>, Error> {
        let session = match self.0.payments.retrieve_session(id).await {
            Ok(session) => Some(session),
            Err(PaymentsError::NotFound) => None,
            Err(error) => return Err(error.into()),
        };
        let Some(session) = session else {
            let id = id.to_owned();
            return self.0.db.read(move |conn| order_of_nothing(conn, &id)).await;
        };
        self.reconcile(id).await?;
        self.0.db.read(move |conn| compare(conn, std::slice::from_ref(&session))).await
    }

    /// Each refund of the list, and each of ours that the list must have shown. What differs is asked for once more, which
    /// heals what only no event has told; the rest is found.
    async fn compare_refunds(&self, since: NaiveDateTime, now: NaiveDateTime) -> Result<Vec<Found>, Error> {
        let (mut suspects, mut seen, mut after) = (Vec::new(), HashSet::new(), None);
        let settled = (now - YOUNG).and_utc().timestamp();
        loop {
            let page = self.0.payments.refunds_page(since.and_utc().timestamp(), after.as_deref()).await?;
            seen.extend(page.items.iter().map(|refund| refund.id.clone()));
            let refunds: Vec<RefundEntry> = page.items.into_iter().filter(|r| r.created <= settled).collect();
            let found = self.0.db.read(move |conn| compare_refunds(conn, &refunds)).await?;
            suspects.extend(found.into_iter().map(|found| found.object_id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let (sent, unsent) = self.0.db.read(move |conn| our_refunds(conn, since, now)).await?;
        suspects.extend(bounded(sent.into_iter().filter(|id| !seen.contains(id)).collect(), "refunds"));
        let mut found = unsent;
        for id in &suspects {
            found.extend(self.examine_refund(id).await?);
        }
        Ok(found)
    }

    /// One refund as it is now, after what asking again heals.
    async fn examine_refund(&self, id: &str) -> Result<Vec<Found>, Error> {
        let entry = match self.0.payments.refund_entry(id).await {
            Ok(entry) => entry,
            Err(PaymentsError::NotFound) => {
                let id = id.to_owned();
                return self.0.db.read(move |conn| refund_of_nothing(conn, &id)).await;
            }
            Err(error) => return Err(error.into()),
        };
        match self.reconcile_refund(id).await {
            Ok(_) => {}
            // What cannot be written down is a difference, and no reason to compare nothing else tonight.
            Err(error @ (Error::Internal(_) | Error::Money(_))) => {
                tracing::error!(refund = id, %error, "a refund cannot be made to agree with Stripe's");
            }
            Err(error) => return Err(error),
        }
        self.0.db.read(move |conn| compare_refunds(conn, std::slice::from_ref(&entry))).await
    }
}

fn bounded(mut ids: Vec<String>, what: &str) -> Vec<String> {
    if ids.len() > AT_MOST {
        tracing::error!(what, count = ids.len(), "many rows are not in Stripe's list; is this the right account?");
        ids.truncate(AT_MOST);
    }
    ids
}

fn compare(conn: &mut AnyConnection, sessions: &[Session]) -> Result<Vec<Found>, Error> {
    let ids: Vec<&str> = sessions.iter().map(|session| session.id.as_str()).collect();
    let rows: Vec<OrderRow> = orders::table
        .filter(orders::stripe_session.eq_any(&ids))
        .select((
            orders::stripe_session,
            orders::status,
            orders::amount_subtotal,
            orders::amount_total,
            orders::currency,
        ))
        .load(conn)?;
    let mut rows: HashMap<String, OrderRow> =
        rows.into_iter().filter_map(|row| Some((row.stripe_session.clone()?, row))).collect();
    let quarantined: HashSet<Option<String>> = checkout::table
        .filter(checkout::stripe_session.eq_any(&ids))
        .filter(checkout::state.eq("quarantined"))
        .select(checkout::stripe_session)
        .load(conn)?
        .into_iter()
        .collect();
    Ok(sessions
        .iter()
        .filter_map(|session| {
            let review = quarantined.contains(&Some(session.id.clone()));
            let (kind, detail) = difference(session, rows.remove(&session.id).as_ref(), review)?;
            Some(Found { kind, object_id: session.id.clone(), detail })
        })
        .collect())
}

/// What is wrong between a session and its order, if something is.
fn difference(session: &Session, order: Option<&OrderRow>, review: bool) -> Option<(&'static str, String)> {
    let paid = matches!(session.state, SessionState::Paid | SessionState::NoPaymentRequired);
    let theirs = || {
        let currency = session.currency.map_or("no currency", |currency| currency.code());
        format!("{} of {} {currency}", text(session.amount_total), text(session.amount_subtotal))
    };
    let Some(order) = order else {
        return match (paid, review) {
            (true, true) => Some((UNDER_REVIEW, format!("{} was paid for what we did not ask", theirs()))),
            (true, false) => Some((PAID_WITHOUT_ORDER, format!("{} was paid and there is no order", theirs()))),
            (false, _) => None,
        };
    };
    let same = session.amount_total == Some(order.amount_total)
        && session.amount_subtotal == Some(order.amount_subtotal)
        && session.currency.is_some_and(|currency| currency.code() == order.currency);
    if !same {
        let OrderRow { amount_total, amount_subtotal, currency, .. } = order;
        return Some((AMOUNTS, format!("{amount_total} of {amount_subtotal} {currency} here, {} at Stripe", theirs())));
    }
    let succeeded = order.status == OrderStatus::Succeeded.as_str();
    match (succeeded, paid) {
        (true, false) => Some((NOT_PAID, format!("the order has succeeded, the session is {:?}", session.state))),
        (false, true) => Some((PAID_WITHOUT_ORDER, format!("{} was paid, the order is {}", theirs(), order.status))),
        _ => None,
    }
}

fn text(amount: Option<i64>) -> String {
    amount.map_or_else(|| "nothing".into(), |amount| amount.to_string())
}

/// A succeeded order whose session Stripe does not have.
fn order_of_nothing(conn: &mut AnyConnection, session: &str) -> Result<Vec<Found>, Error> {
    let number: Option<String> = orders::table
        .filter(orders::stripe_session.eq(session))
        .filter(orders::status.eq(OrderStatus::Succeeded.as_str()))
        .select(orders::number)
        .first(conn)
        .optional()?;
    let detail = |number| format!("order {number} has succeeded, Stripe knows no such session");
    Ok(number
        .map(|number| Found { kind: ORDER_UNKNOWN, object_id: session.to_owned(), detail: detail(number) })
        .into_iter()
        .collect())
}

fn compare_refunds(conn: &mut AnyConnection, refunds: &[RefundEntry]) -> Result<Vec<Found>, Error> {
    let ids: Vec<&str> = refunds.iter().map(|refund| refund.id.as_str()).collect();
    let intents: Vec<&str> = refunds.iter().filter_map(|refund| refund.payment_intent.as_deref()).collect();
    let ours: HashSet<Option<String>> = orders::table
        .filter(orders::stripe_payment_intent.eq_any(intents))
        .select(orders::stripe_payment_intent)
        .load(conn)?
        .into_iter()
        .collect();
    let rows: Vec<RefundRow> = refund::table
        .filter(refund::stripe_id.eq_any(ids))
        .select((refund::stripe_id, refund::amount, refund::currency, refund::status))
        .load(conn)?;
    let rows: HashMap<Option<&str>, &RefundRow> = rows.iter().map(|row| (row.stripe_id.as_deref(), row)).collect();
    // Another program's payments are none of our business.
    let refunds =
        refunds.iter().filter(|refund| refund.payment_intent.is_some() && ours.contains(&refund.payment_intent));
    Ok(refunds
        .filter_map(|refund| {
            let RefundEntry { id, amount, currency, status, .. } = refund;
            let found = |kind, detail| Some(Found { kind, object_id: id.clone(), detail });
            match rows.get(&Some(id.as_str())) {
                None => found(REFUND_UNKNOWN_HERE, format!("{amount} {currency} {status} at Stripe, nothing here")),
                Some(row) if row.amount == *amount && row.currency == *currency && row.status == *status => None,
                Some(row) => found(
                    REFUND_DIFFERS,
                    format!(
                        "{} {} {} here, {amount} {currency} {status} at Stripe",
                        row.amount, row.currency, row.status
                    ),
                ),
            }
        })
        .collect())
}

/// The ids of our refunds that Stripe's list must have shown, and those that Stripe never got.
fn our_refunds(
    conn: &mut AnyConnection,
    since: NaiveDateTime,
    now: NaiveDateTime,
) -> Result<(Vec<String>, Vec<Found>), Error> {
    let rows: Vec<(i64, Option<String>, i64, String)> = refund::table
        .filter(refund::created_at.between(since + TimeDelta::hours(1), now - YOUNG))
        .select((refund::id, refund::stripe_id, refund::amount, refund::currency))
        .load(conn)?;
    let (mut sent, mut unsent) = (Vec::new(), Vec::new());
    for (id, stripe_id, amount, currency) in rows {
        match stripe_id {
            Some(stripe_id) => sent.push(stripe_id),
            None => unsent.push(Found {
                kind: REFUND_NOT_SENT,
                object_id: id.to_string(),
                detail: format!("{amount} {currency} was asked for here and Stripe has not taken it"),
            }),
        }
    }
    Ok((sent, unsent))
}

fn refund_of_nothing(conn: &mut AnyConnection, id: &str) -> Result<Vec<Found>, Error> {
    let row: Option<(i64, String, String)> = refund::table
        .filter(refund::stripe_id.eq(id))
        .select((refund::amount, refund::currency, refund::status))
        .first(conn)
        .optional()?;
    let detail = |(amount, currency, status)| format!("{amount} {currency} {status} here, Stripe knows no such refund");
    Ok(row
        .map(|row| Found { kind: REFUND_UNKNOWN, object_id: id.to_owned(), detail: detail(row) })
        .into_iter()
        .collect())
}
