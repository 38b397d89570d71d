//! What needs a person about the store's running: events, mails, webhooks, documents and tax; and who has not fetched her books.

use super::{BadDocument, BadEndpoint, BadTax, MOST, corrupt};
use crate::Error;
use crate::db::AnyConnection;
use crate::db::schema::{
    book, download_claim, download_token, entitlement, invoice, order_item, orders, outbox, stripe_event,
    webhook_endpoint,
};
use crate::desk::orders::{OrderRow, rows};
use crate::events::EventSummary;
use crate::hooks::WhyDisabled;
use crate::outbox::MailSummary;
use crate::types::{Currency, Money, OrderStatus};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl::{exists, not, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;

/// Who has not fetched her books after so long may not have had the mail …
const NOT_FETCHED: TimeDelta = TimeDelta::days(3);
/// … and who has not after so long has forgotten them.
const FORGOTTEN: TimeDelta = TimeDelta::days(14);
/// So many of them are listed.
const MOST_NOT_FETCHED: i64 = 20;

pub(super) fn events(conn: &mut AnyConnection) -> Result<Vec<EventSummary>, Error> {
    // In the words of the indexes (docs/architecture.md).
    let mut found: Vec<EventSummary> = stripe_event::table
        .filter(sql::<Bool>("stripe_event.state = 'dead'"))
        .order(stripe_event::received_at.desc())
        .limit(MOST)
        .select(EventSummary::as_select())
        .load(conn)?;
    let waiting: Vec<EventSummary> = stripe_event::table
        .filter(sql::<Bool>("stripe_event.state IN ('new', 'leased', 'parked')"))
        .filter(stripe_event::error.is_not_null())
        .order(stripe_event::next_at)
        .limit(MOST)
        .select(EventSummary::as_select())
        .load(conn)?;
    found.extend(waiting);
    Ok(found)
}

pub(super) fn mails(conn: &mut AnyConnection) -> Result<Vec<MailSummary>, Error> {
    let mut found: Vec<MailSummary> = outbox::table
        .left_join(orders::table)
        .filter(sql::<Bool>("outbox.state IN ('dead', 'bounced')"))
        // Nobody is to be written to any more.
        .filter(outbox::recipient.ne(crate::privacy::TOMBSTONE))
        .order(outbox::id.desc())
        .limit(MOST)
        .select(MailSummary::as_select())
        .load(conn)?;
    let waiting: Vec<MailSummary> = outbox::table
        .left_join(orders::table)
        .filter(sql::<Bool>("outbox.state IN ('queued', 'leased')"))
        .filter(outbox::error.is_not_null())
        .order(outbox::next_at)
        .limit(MOST)
        .select(MailSummary::as_select())
        .load(conn)?;
    found.extend(waiting);
    Ok(found)
}

pub(super) fn webhooks(conn: &mut AnyConnection) -> Result<Vec<BadEndpoint>, Error> {
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

pub(super) fn documents(conn: &mut AnyConnection) -> Result<Vec<BadDocument>, Error> {
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

pub(super) fn untaxed(conn: &mut AnyConnection) -> Result<Vec<BadTax>, Error> {
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

pub(super) fn tax_codes(conn: &mut AnyConnection) -> Result<Vec<(String, String)>, Error> {
    Ok(book::table
        .filter(book::tax_code_refused_at.is_not_null())
        .order(book::id)
        .limit(MOST)
        .select((book::slug, book::title))
        .load(conn)?)
}

/// Orders that were paid some days ago, none of whose titles was ever begun to be fetched.
pub(super) fn not_fetched(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<Vec<OrderRow>, Error> {
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
