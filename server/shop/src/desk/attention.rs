//! What needs a person: each thing with what to do next. Asked for with every page of the desk (for the number in its
//! navigation), so each question is answered from a partial index that is nearly empty in a healthy store, or from what
//! changed in the last days.

use super::orders::{OrderRow, rows};
use crate::db::AnyConnection;
use crate::db::schema::{
    book, checkout, difference, dispute, download_claim, download_token, entitlement, invoice, order_item, orders,
    outbox, refund, stripe_event, webhook_endpoint,
};
use crate::events::EventSummary;
use crate::hooks::WhyDisabled;
use crate::outbox::MailSummary;
use crate::reconciler::Difference;
use crate::types::{Currency, Money, OrderNumber, OrderStatus};
use crate::{Error, Shop};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl::{exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;

/// Of each kind so many are listed.
const MOST: i64 = 50;
/// After so long no session of ours can still be paid, and the reconciler has asked about each.
const STUCK: TimeDelta = TimeDelta::hours(26);
/// A refund that Stripe has not confirmed after so long.
const SLOW_REFUND: TimeDelta = TimeDelta::minutes(30);
/// A refund that failed is listed for so long: Stripe does not know of money that was paid back another way.
const FAILED_FOR: TimeDelta = TimeDelta::days(30);
/// Who has not fetched her books after so long may not have had the mail …
const NOT_FETCHED: TimeDelta = TimeDelta::days(3);
/// … and who has not after so long has forgotten them.
const FORGOTTEN: TimeDelta = TimeDelta::days(14);
/// So many of them are listed.
const MOST_NOT_FETCHED: i64 = 20;

/// Everything that needs a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attention {
    /// Events that were put aside, failed and will be tried again, or wait for an object that we do not know.
    pub events: Vec<EventSummary>,
    /// Mails that were given up, came back, or wait for their next try.
    pub mails: Vec<MailSummary>,
    /// Payments whose amounts are not ours: nothing was granted.
    pub quarantined: Vec<BadCheckout>,
    /// Checkouts that nobody has heard of again.
    pub stuck: Vec<BadCheckout>,
    /// Refunds that Stripe has not confirmed.
    pub refunds: Vec<BadRefund>,
    /// Refunds that failed, and that no later one of the same order makes good.
    pub failed_refunds: Vec<FailedRefund>,
    /// Disputes that wait for an answer.
    pub disputes: Vec<BadDispute>,
    /// Where our rows and Stripe's objects disagree.
    pub differences: Vec<Difference>,
    /// Endpoints of webhooks that were switched off because they failed.
    pub webhooks: Vec<BadEndpoint>,
    /// Invoices and credit notes whose PDF cannot be made.
    pub documents: Vec<BadDocument>,
    /// Orders whose tax Stripe could not work out.
    pub untaxed: Vec<BadTax>,
    /// Books whose product tax code Stripe refuses: slug and title.
    pub tax_codes: Vec<(String, String)>,
    /// Paid some days ago and never fetched. Not counted: it may be well.
    pub not_fetched: Vec<OrderRow>,
}

/// A checkout that came to no good end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadCheckout {
    /// When it was begun, UTC.
    pub begun: NaiveDateTime,
    /// Stripe's name for it.
    pub session: Option<String>,
    /// What was offered, before discount and tax.
    pub subtotal: Option<Money>,
    /// What is wrong.
    pub why: Option<String>,
}

/// A refund that Stripe has not confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRefund {
    /// Of which order.
    pub order: OrderNumber,
    /// How much.
    pub amount: Money,
    /// When it was asked for, UTC.
    pub asked: NaiveDateTime,
}

/// A refund that failed: the buyer may have been told of it, and has no money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedRefund {
    /// Of which order.
    pub order: OrderNumber,
    /// How much.
    pub amount: Money,
    /// Why, in Stripe's words.
    pub why: Option<String>,
    /// Since when that is known, UTC.
    pub since: NaiveDateTime,
}

/// A dispute that waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadDispute {
    /// Of which order.
    pub order: OrderNumber,
    /// How much.
    pub amount: Money,
    /// Why, in the bank's word.
    pub reason: String,
    /// Until when, UTC.
    pub answer_by: Option<NaiveDateTime>,
}

/// An endpoint of webhooks that was switched off because it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadEndpoint {
    /// Its id.
    pub id: i64,
    /// Its address.
    pub url: String,
    /// Whether it said so itself.
    pub gone: bool,
    /// When, for reading.
    pub since: NaiveDateTime,
}

/// A document whose PDF cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadDocument {
    /// Of which order.
    pub order: OrderNumber,
    /// Its number.
    pub number: String,
    /// Why.
    pub why: String,
}

/// An order whose tax Stripe could not work out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadTax {
    /// Which.
    pub order: OrderNumber,
    /// What was paid.
    pub total: Money,
    /// Why, in Stripe's word.
    pub why: String,
}

impl Attention {
    /// How many things there are, for the number in the navigation.
    #[must_use]
    pub fn count(&self) -> usize {
        self.events.len()
            + self.mails.len()
            + self.quarantined.len()
            + self.stuck.len()
            + self.refunds.len()
            + self.failed_refunds.len()
            + self.disputes.len()
            + self.differences.len()
            + self.webhooks.len()
            + self.documents.len()
            + self.untaxed.len()
            + self.tax_codes.len()
    }
}

impl Shop {
    /// What needs a person.
    ///
    /// # Errors
    /// The database's.
    pub async fn attention(&self) -> Result<Attention, Error> {
        let now = self.0.clock.now();
        self.0.db.read(move |conn| Ok(Attention { not_fetched: not_fetched(conn, now)?, ..needed(conn, now)? })).await
    }

    /// How many things need a person; of each kind no more than are listed.
    ///
    /// # Errors
    /// The database's.
    pub async fn attention_count(&self) -> Result<usize, Error> {
        let now = self.0.clock.now();
        self.0.db.read(move |conn| Ok(needed(conn, now)?.count())).await
    }
}

fn needed(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<Attention, Error> {
    Ok(Attention {
        events: events(conn)?,
        mails: mails(conn)?,
        quarantined: quarantined(conn)?,
        stuck: stuck(conn, now)?,
        refunds: refunds(conn, now)?,
        failed_refunds: failed_refunds(conn, now)?,
        disputes: disputes(conn)?,
        differences: differences(conn)?,
        webhooks: webhooks(conn)?,
        documents: documents(conn)?,
        untaxed: untaxed(conn)?,
        tax_codes: tax_codes(conn)?,
        not_fetched: Vec::new(),
    })
}

fn events(conn: &mut AnyConnection) -> Result<Vec<EventSummary>, Error> {
    let columns = || {
        (
            stripe_event::id,
            stripe_event::type_,
            stripe_event::object_id,
            stripe_event::state,
            stripe_event::attempts,
            stripe_event::received_at,
            stripe_event::next_at,
            stripe_event::error,
        )
    };
    // In the words of the indexes (docs/architecture.md).
    let mut found: Vec<EventSummary> = stripe_event::table
        .filter(sql::<Bool>("stripe_event.state = 'dead'"))
        .order(stripe_event::received_at.desc())
        .limit(MOST)
        .select(columns())
        .load(conn)?;
    let waiting: Vec<EventSummary> = stripe_event::table
        .filter(sql::<Bool>("stripe_event.state IN ('new', 'leased', 'parked')"))
        .filter(stripe_event::error.is_not_null())
        .order(stripe_event::next_at)
        .limit(MOST)
        .select(columns())
        .load(conn)?;
    found.extend(waiting);
    Ok(found)
}

fn mails(conn: &mut AnyConnection) -> Result<Vec<MailSummary>, Error> {
    let columns = || {
        (
            outbox::id,
            outbox::kind,
            outbox::recipient,
            orders::number.nullable(),
            outbox::state,
            outbox::attempts,
            outbox::created_at,
            outbox::next_at,
            outbox::error,
        )
    };
    let mut found: Vec<MailSummary> = outbox::table
        .left_join(orders::table)
        .filter(sql::<Bool>("outbox.state IN ('dead', 'bounced')"))
        // Nobody is to be written to any more.
        .filter(outbox::recipient.ne(crate::privacy::TOMBSTONE))
        .order(outbox::id.desc())
        .limit(MOST)
        .select(columns())
        .load(conn)?;
    let waiting: Vec<MailSummary> = outbox::table
        .left_join(orders::table)
        .filter(sql::<Bool>("outbox.state IN ('queued', 'leased')"))
        .filter(outbox::error.is_not_null())
        .order(outbox::next_at)
        .limit(MOST)
        .select(columns())
        .load(conn)?;
    found.extend(waiting);
    Ok(found)
}

type CheckoutRow = (NaiveDateTime, Option<String>, i64, String, Option<String>);

fn bad((begun, session, subtotal, currency, why): CheckoutRow) -> BadCheckout {
    let currency: Option<Currency> = currency.parse().ok();
    BadCheckout { begun, session, subtotal: currency.map(|currency| Money::new(subtotal, currency)), why }
}

macro_rules! checkout_columns {
    () => {
        (checkout::created_at, checkout::stripe_session, checkout::subtotal, checkout::currency, checkout::last_error)
    };
}

fn quarantined(conn: &mut AnyConnection) -> Result<Vec<BadCheckout>, Error> {
    let rows: Vec<CheckoutRow> = checkout::table
        .filter(sql::<Bool>("checkout.state = 'quarantined'"))
        .order(checkout::id.desc())
        .limit(MOST)
        .select(checkout_columns!())
        .load(conn)?;
    Ok(rows.into_iter().map(bad).collect())
}

fn stuck(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<Vec<BadCheckout>, Error> {
    let rows: Vec<CheckoutRow> = checkout::table
        .filter(sql::<Bool>("checkout.state = 'open'"))
        .filter(checkout::created_at.lt(now - STUCK))
        .order(checkout::created_at.desc())
        .limit(MOST)
        .select(checkout_columns!())
        .load(conn)?;
    Ok(rows.into_iter().map(bad).collect())
}

fn corrupt(what: &'static str) -> Error {
    Error::internal(format!("a row of the desk: bad {what}"))
}

fn refunds(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<Vec<BadRefund>, Error> {
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
const NOT_MADE_GOOD: &str = "refund.amount > COALESCE((SELECT SUM(later.amount) FROM refund AS later \
     WHERE later.order_id = refund.order_id AND later.id > refund.id \
     AND later.status IN ('requested', 'pending', 'requires_action', 'succeeded')), 0)";

fn failed_refunds(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<Vec<FailedRefund>, Error> {
    let rows: Vec<(String, i64, String, Option<String>, NaiveDateTime)> = refund::table
        .inner_join(orders::table)
        .filter(refund::updated_at.gt(now - FAILED_FOR))
        .filter(sql::<Bool>("refund.status = 'failed'"))
        .filter(sql::<Bool>(NOT_MADE_GOOD))
        .order((refund::updated_at.desc(), refund::id.desc()))
        .limit(MOST)
        .select((orders::number, refund::amount, refund::currency, refund::failure_reason, refund::updated_at))
        .load(conn)?;
    rows.into_iter()
        .map(|(number, amount, currency, why, since)| {
            let currency: Currency = currency.parse().map_err(|_| corrupt("currency"))?;
            let order = number.parse().map_err(|_| corrupt("number"))?;
            Ok(FailedRefund { order, amount: Money::new(amount, currency), why, since })
        })
        .collect()
}

fn disputes(conn: &mut AnyConnection) -> Result<Vec<BadDispute>, Error> {
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

fn differences(conn: &mut AnyConnection) -> Result<Vec<Difference>, Error> {
    Ok(difference::table
        .filter(sql::<Bool>("difference.gone_at IS NULL"))
        .order(difference::id)
        .limit(MOST)
        .select((difference::kind, difference::object_id, difference::detail, difference::found_at))
        .load(conn)?)
}

fn webhooks(conn: &mut AnyConnection) -> Result<Vec<BadEndpoint>, Error> {
    let rows: Vec<(i64, String, Option<String>, NaiveDateTime)> = webhook_endpoint::table
        .filter(webhook_endpoint::reason.eq_any([WhyDisabled::Gone.as_str(), WhyDisabled::Failing.as_str()]))
        .order(webhook_endpoint::id)
        .limit(MOST)
        .select((webhook_endpoint::id, webhook_endpoint::url, webhook_endpoint::reason, webhook_endpoint::changed_at))
        .load(conn)?;
    let gone = Some(WhyDisabled::Gone.as_str());
    let view = |(id, url, why, at): (i64, String, Option<String>, NaiveDateTime)| BadEndpoint {
        id,
        url,
        gone: why.as_deref() == gone,
        since: at,
    };
    Ok(rows.into_iter().map(view).collect())
}

fn documents(conn: &mut AnyConnection) -> Result<Vec<BadDocument>, Error> {
    let rows: Vec<(String, String, String)> = invoice::table
        .inner_join(orders::table)
        .filter(invoice::pdf_error.is_not_null())
        .order(invoice::id)
        .limit(MOST)
        .select((orders::number, invoice::number, invoice::pdf_error.assume_not_null()))
        .load(conn)?;
    let view = |(order, number, why): (String, String, String)| {
        let order = order.parse().map_err(|_| Error::internal(format!("document {number}: bad order")))?;
        Ok(BadDocument { order, number, why })
    };
    rows.into_iter().map(view).collect()
}

fn untaxed(conn: &mut AnyConnection) -> Result<Vec<BadTax>, Error> {
    let rows: Vec<(String, i64, String, String)> = orders::table
        .filter(orders::tax_problem.is_not_null())
        .filter(orders::tax_seen_to_at.is_null())
        .order(orders::id)
        .limit(MOST)
        .select((orders::number, orders::amount_total, orders::currency, orders::tax_problem.assume_not_null()))
        .load(conn)?;
    let view = |(number, total, currency, why): (String, i64, String, String)| {
        let currency: Currency = currency.parse().map_err(|_| corrupt("currency"))?;
        let order = number.parse().map_err(|_| corrupt("number"))?;
        Ok(BadTax { order, total: Money::new(total, currency), why: why.replace('_', " ") })
    };
    rows.into_iter().map(view).collect()
}

fn tax_codes(conn: &mut AnyConnection) -> Result<Vec<(String, String)>, Error> {
    Ok(book::table
        .filter(book::tax_code_refused_at.is_not_null())
        .order(book::id)
        .limit(MOST)
        .select((book::slug, book::title))
        .load(conn)?)
}

/// Orders that were paid some days ago, none of whose titles was ever begun to be fetched.
fn not_fetched(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<Vec<OrderRow>, Error> {
    let begun = download_claim::table
        .inner_join(download_token::table.inner_join(entitlement::table.inner_join(order_item::table)))
        .filter(order_item::order_id.eq(orders::id))
        .select(download_claim::id);
    let open = entitlement::table
        .inner_join(order_item::table)
        .filter(order_item::order_id.eq(orders::id))
        .filter(entitlement::state.eq("active"))
        .select(entitlement::id);
    let ids: Vec<i64> = orders::table
        .filter(orders::created_at.between(now - FORGOTTEN, now - NOT_FETCHED))
        .filter(orders::status.eq(OrderStatus::Succeeded.as_str()))
        .filter(not(exists(begun)))
        .filter(exists(open))
        .order((orders::created_at.desc(), orders::id.desc()))
        .limit(MOST_NOT_FETCHED)
        .select(orders::id)
        .load(conn)?;
    rows(conn, &ids)
}
