//! What a dispute can be answered with: the order's whole story, as a ZIP to be handed to the bank.
//!
//! It holds what happened and when, and no secret: no link, token or hash of one. Networks are cut as the access log cuts
//! them. Stripe's guide to what counts: <https://docs.stripe.com/disputes/categories> (digital goods: proof of delivery
//! and use).

use crate::audit::{self, Actor};
use crate::db::AnyConnection;
use crate::db::schema::{
    book_file, checkout, dispute, download_log, download_token, entitlement, order_item, orders, outbox, refund,
};
use crate::desk::object;
use crate::types::{Currency, Money, OrderNumber};
use crate::{Error, Shop, invoices};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

/// No story of one order is longer; what is over is counted.
const MOST_ACCESSES: i64 = 10_000;

#[derive(Serialize)]
struct Evidence {
    store: String,
    store_url: String,
    written_at: NaiveDateTime,
    order: Order,
    items: Vec<Item>,
    mails: Vec<Mail>,
    accesses: Vec<Access>,
    accesses_left_out: i64,
    refunds: Vec<Refund>,
    disputes: Vec<Dispute>,
    terms: Terms,
}

#[derive(Serialize, Queryable)]
struct Order {
    #[serde(skip)]
    id: i64,
    number: String,
    status: String,
    email: String,
    name: Option<String>,
    country: Option<String>,
    currency: String,
    amount_subtotal: i64,
    amount_discount: i64,
    amount_tax: i64,
    amount_total: i64,
    stripe_checkout_session: Option<String>,
    stripe_payment_intent: Option<String>,
    checkout_began_at: Option<NaiveDateTime>,
    checkout_completed_at: NaiveDateTime,
    paid_at: Option<NaiveDateTime>,
    invoice: Option<String>,
}

#[derive(Serialize, Queryable)]
struct Item {
    title: String,
    unit_amount: i64,
    discount: i64,
    tax: i64,
    total: i64,
    right: Option<String>,
    right_reason: Option<String>,
    granted_at: Option<NaiveDateTime>,
    right_changed_at: Option<NaiveDateTime>,
}

#[derive(Serialize, Queryable)]
struct Mail {
    kind: String,
    to: String,
    state: String,
    queued_at: NaiveDateTime,
    sent_at: Option<NaiveDateTime>,
    message_id: String,
    error: Option<String>,
}

#[derive(Serialize, Queryable)]
struct Access {
    at: NaiveDateTime,
    title: String,
    format: Option<String>,
    network: String,
    user_agent: String,
    http_status: i32,
    bytes: i64,
    outcome: String,
}

#[derive(Serialize, Queryable)]
struct Refund {
    stripe_id: Option<String>,
    status: String,
    amount: i64,
    tax: i64,
    reason: Option<String>,
    created_at: NaiveDateTime,
}

#[derive(Serialize, Queryable)]
struct Dispute {
    stripe_id: String,
    status: String,
    reason: String,
    amount: i64,
    opened_at: NaiveDateTime,
    evidence_due_by: Option<NaiveDateTime>,
}

/// The download terms of the store as they stand.
#[derive(Serialize)]
struct Terms {
    link_valid_days: u16,
    downloads_per_link: u16,
    renewals: u16,
    renewable_days: u16,
    download_hours: u16,
}

impl Shop {
    /// Everything that shows what was sold and delivered with an order: a ZIP of `order.json` and the same as text.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such order, the database's.
    pub async fn dispute_evidence(&self, number: &OrderNumber, actor: &Actor) -> Result<Vec<u8>, Error> {
        let (shop, wanted, actor) = (self.clone(), number.clone(), *actor);
        let evidence = self.0.db.read(move |conn| collect(conn, &shop, &wanted)).await?;
        let object = object(number);
        self.0.db.write(move |conn| audit::record(conn, &actor, "order.evidence", object.clone(), None, None)).await?;
        pack(&evidence).map_err(|error| Error::internal(format!("evidence: {error}")))
    }
}

fn collect(conn: &mut AnyConnection, shop: &Shop, number: &OrderNumber) -> Result<Evidence, Error> {
    let order: Order = orders::table
        .left_join(checkout::table)
        .filter(orders::number.eq(number.as_str()))
        .select((
            orders::id,
            orders::number,
            orders::status,
            orders::email,
            orders::name,
            orders::country,
            orders::currency,
            orders::amount_subtotal,
            orders::amount_discount,
            orders::amount_tax,
            orders::amount_total,
            orders::stripe_session,
            orders::stripe_payment_intent,
            checkout::created_at.nullable(),
            orders::created_at,
            orders::paid_at,
            None::<String>.into_sql::<diesel::sql_types::Nullable<diesel::sql_types::Text>>(),
        ))
        .first(conn)
        .optional()?
        .ok_or(Error::NotFound)?;
    let id = order.id;
    let invoice = invoices::number_of(conn, id)?;
    let items = order_item::table
        .left_join(entitlement::table)
        .filter(order_item::order_id.eq(id))
        .order(order_item::position)
        .select((
            order_item::title_snapshot,
            order_item::unit_amount,
            order_item::discount,
            order_item::tax,
            order_item::total,
            entitlement::state.nullable(),
            entitlement::reason.nullable(),
            entitlement::granted_at.nullable(),
            entitlement::changed_at.nullable(),
        ))
        .load(conn)?;
    let mails = outbox::table
        .filter(outbox::order_id.eq(id))
        // What the store wrote to its owner is not for the bank.
        .filter(outbox::kind.ne("dispute_notice"))
        .order(outbox::id)
        .select((
            outbox::kind,
            outbox::recipient,
            outbox::state,
            outbox::created_at,
            outbox::sent_at,
            outbox::message_id,
            outbox::error,
        ))
        .load(conn)?;
    let accesses: Vec<Access> = download_log::table
        .inner_join(download_token::table.inner_join(entitlement::table.inner_join(order_item::table)))
        .left_join(book_file::table)
        .filter(order_item::order_id.eq(id))
        .order(download_log::id)
        .select((
            download_log::at,
            order_item::title_snapshot,
            book_file::format.nullable(),
            download_log::ip_prefix,
            download_log::user_agent,
            download_log::status,
            download_log::bytes,
            download_log::reason,
        ))
        .limit(MOST_ACCESSES)
        .load(conn)?;
    let all: i64 = download_log::table
        .inner_join(download_token::table.inner_join(entitlement::table.inner_join(order_item::table)))
        .filter(order_item::order_id.eq(id))
        .count()
        .get_result(conn)?;
    let refunds = refund::table
        .filter(refund::order_id.eq(id))
        .order(refund::id)
        .select((refund::stripe_id, refund::status, refund::amount, refund::tax, refund::reason, refund::created_at))
        .load(conn)?;
    let disputes = dispute::table
        .filter(dispute::order_id.eq(id))
        .order(dispute::id)
        .select((
            dispute::stripe_id,
            dispute::status,
            dispute::reason,
            dispute::amount,
            dispute::created_at,
            dispute::evidence_due_by,
        ))
        .load(conn)?;
    let policy = shop.0.settings.policy;
    Ok(Evidence {
        store: shop.store_name().to_owned(),
        store_url: shop.base_url().to_owned(),
        written_at: shop.0.clock.now(),
        order: Order { invoice, ..order },
        items,
        mails,
        accesses_left_out: all.saturating_sub(MOST_ACCESSES).max(0),
        accesses,
        refunds,
        disputes,
        terms: Terms {
            link_valid_days: policy.token_days,
            downloads_per_link: policy.token_uses,
            renewals: policy.renewals,
            renewable_days: policy.renewal_days,
            download_hours: policy.claim_hours,
        },
    })
}

fn pack(evidence: &Evidence) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Deflated);
    zip.start_file("order.json", options)?;
    zip.write_all(&serde_json::to_vec_pretty(evidence)?)?;
    zip.start_file("order.txt", options)?;
    zip.write_all(text(evidence)?.as_bytes())?;
    Ok(zip.finish()?.into_inner())
}

/// The same for people.
fn text(evidence: &Evidence) -> Result<String, Box<dyn std::error::Error>> {
    let Evidence { order, terms, .. } = evidence;
    let currency: Currency = order.currency.parse()?;
    let money = |minor| Money::new(minor, currency).to_string();
    let at = |at: NaiveDateTime| at.format("%Y-%m-%d %H:%M:%S UTC").to_string();
    let maybe = |when: Option<NaiveDateTime>| when.map_or_else(|| "-".to_owned(), at);
    let mut out = String::new();
    writeln!(out, "{}, {}", evidence.store, evidence.store_url)?;
    writeln!(out, "Order {}, as of {}\n", order.number, at(evidence.written_at))?;
    writeln!(out, "ORDER\n  Status: {}", order.status)?;
    writeln!(out, "  Buyer: {} <{}>", order.name.as_deref().unwrap_or("(no name given)"), order.email)?;
    writeln!(out, "  Country: {}", order.country.as_deref().unwrap_or("-"))?;
    writeln!(out, "  Checkout begun: {}", maybe(order.checkout_began_at))?;
    writeln!(out, "  Checkout completed: {}", at(order.checkout_completed_at))?;
    writeln!(out, "  Paid: {}", maybe(order.paid_at))?;
    writeln!(out, "  Invoice: {}", order.invoice.as_deref().unwrap_or("-"))?;
    writeln!(out, "  Stripe: {}", order.stripe_payment_intent.as_deref().unwrap_or("-"))?;
    writeln!(out, "  Total: {} (of which tax {})\n", money(order.amount_total), money(order.amount_tax))?;
    writeln!(out, "TITLES (digital files, delivered by download)")?;
    for item in &evidence.items {
        let right = item.right.as_deref().unwrap_or("not granted");
        writeln!(out, "  {}: {}; granted {}; {right}", item.title, money(item.total), maybe(item.granted_at))?;
    }
    writeln!(out, "\nMAILS")?;
    for mail in &evidence.mails {
        writeln!(
            out,
            "  {} to {}: {}, queued {}, sent {}",
            mail.kind,
            mail.to,
            mail.state,
            at(mail.queued_at),
            maybe(mail.sent_at)
        )?;
    }
    writeln!(out, "\nACCESS (networks are shortened; bytes as sent)")?;
    for access in &evidence.accesses {
        writeln!(
            out,
            "  {}  {} {}  {} bytes, {} {}, from {}, {}",
            at(access.at),
            access.title,
            access.format.as_deref().unwrap_or("-"),
            access.bytes,
            access.http_status,
            access.outcome,
            access.network,
            access.user_agent
        )?;
    }
    if evidence.accesses_left_out > 0 {
        writeln!(out, "  and {} more", evidence.accesses_left_out)?;
    }
    writeln!(out, "\nREFUNDS")?;
    for refund in &evidence.refunds {
        let id = refund.stripe_id.as_deref().unwrap_or("-");
        writeln!(out, "  {}: {} {}, {}", at(refund.created_at), money(refund.amount), refund.status, id)?;
    }
    writeln!(out, "\nDISPUTES")?;
    for dispute in &evidence.disputes {
        writeln!(
            out,
            "  {}: {} for \"{}\", {}, answer by {}",
            at(dispute.opened_at),
            dispute.stripe_id,
            dispute.reason,
            dispute.status,
            maybe(dispute.evidence_due_by)
        )?;
    }
    writeln!(
        out,
        "\nDOWNLOAD TERMS\n  Each title has a link that is valid for {} days and {} downloads; the buyer may renew it {} \
         times within {} days. A download, once begun, serves all formats for {} hours.",
        terms.link_valid_days, terms.downloads_per_link, terms.renewals, terms.renewable_days, terms.download_hours
    )?;
    Ok(out)
}
