//! Everything that is held under an address, as one JSON text. No secret and no hash of one is in it: what opens something
//! is not a thing to hand out.

use super::erasing::latest_order;
use super::sweep::{self, Column, columns, has_table};
use crate::audit::{self, Actor};
use crate::db::AnyConnection;
use crate::db::schema::{
    dispute, download_claim, download_token, entitlement, invoice, order_item, order_note, orders, outbox, refund,
};
use crate::downloads::{LogEntry, LogQuery};
use crate::types::Email;
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::Serialize;
use serde_json::{Value, json};

/// Entries of the delivery log are read so many at a time.
const PAGE: u16 = 1_000;

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
    created_at: NaiveDateTime,
    paid_at: Option<NaiveDateTime>,
    company: Option<String>,
    vat_id: Option<String>,
    /// As it was typed, as JSON.
    address: Option<String>,
}

#[derive(Serialize, Queryable)]
struct Item {
    #[serde(skip)]
    id: i64,
    title: String,
    unit_amount: i64,
    discount: i64,
    tax: i64,
    total: i64,
}

#[derive(Serialize, Queryable)]
struct Right {
    #[serde(skip)]
    id: i64,
    state: String,
    reason: Option<String>,
    granted_at: NaiveDateTime,
    changed_at: NaiveDateTime,
}

#[derive(Serialize, Queryable)]
struct Token {
    #[serde(skip)]
    id: i64,
    created_at: NaiveDateTime,
    expires_at: NaiveDateTime,
    max_uses: i32,
    used_count: i32,
    replaced_at: Option<NaiveDateTime>,
}

#[derive(Serialize, Queryable)]
struct Claim {
    created_at: NaiveDateTime,
    expires_at: NaiveDateTime,
}

#[derive(Serialize, Queryable)]
struct Refund {
    status: String,
    amount: i64,
    tax: i64,
    reason: Option<String>,
    created_at: NaiveDateTime,
    settled_at: Option<NaiveDateTime>,
    settled_note: Option<String>,
}

#[derive(Serialize, Queryable)]
struct Dispute {
    status: String,
    reason: String,
    amount: i64,
    created_at: NaiveDateTime,
}

#[derive(Serialize, Queryable)]
struct Note {
    text: String,
    created_at: NaiveDateTime,
}

#[derive(Serialize, Queryable)]
struct Mail {
    kind: String,
    recipient: String,
    state: String,
    created_at: NaiveDateTime,
    sent_at: Option<NaiveDateTime>,
    complained_at: Option<NaiveDateTime>,
    message_id: String,
    error: Option<String>,
}

impl Shop {
    /// Everything that this store holds under an address: a JSON text for people and programs. None if it is nothing.
    ///
    /// # Errors
    /// The database's.
    pub async fn export_buyer(&self, email: &Email, actor: &Actor) -> Result<Option<String>, Error> {
        let mut downloads: Vec<LogEntry> = Vec::new();
        let mut query = LogQuery { email: Some(email.clone()), limit: PAGE, ..LogQuery::default() };
        loop {
            let page = self.download_log(query.clone()).await?;
            downloads.extend(page.entries);
            query.before = page.next;
            if page.next.is_none() {
                break;
            }
        }
        let (shop, address) = (self.clone(), email.clone());
        let held = self.0.db.read(move |conn| collect(conn, &shop, &address)).await?;
        let Some(mut held) = held else { return Ok(None) };
        held["downloads"] = to_value(&downloads)?;
        let (email, actor) = (email.clone(), *actor);
        self.0
            .db
            .write(move |conn| {
                let latest = latest_order(conn, &email)?;
                audit::record(conn, &actor, "buyer.exported", latest, None, None)
            })
            .await?;
        serde_json::to_string_pretty(&held).map(Some).map_err(unwritable)
    }
}

fn unwritable(error: serde_json::Error) -> Error {
    Error::internal(format!("export: {error}"))
}

fn to_value(rows: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(rows).map_err(unwritable)
}

/// Without the delivery log. None if there is nothing.
fn collect(conn: &mut AnyConnection, shop: &Shop, email: &Email) -> Result<Option<Value>, Error> {
    let norm = email.normalized();
    let rows: Vec<Order> = orders::table
        .filter(orders::email_norm.eq(&norm))
        .order(orders::id)
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
            orders::created_at,
            orders::paid_at,
            orders::company,
            orders::vat_id,
            orders::address,
        ))
        .load(conn)?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mails = mails(conn, &ids, &norm)?;
    let mut orders = Vec::with_capacity(rows.len());
    for row in rows {
        orders.push(order(conn, row)?);
    }
    let columns = columns(conn)?;
    let (library_requests, library_sessions) =
        (ways_in(conn, &columns, "access_request", &norm)?, ways_in(conn, &columns, "buyer_session", &norm)?);
    let invoices = invoices(conn, &norm, &ids)?;
    if orders.is_empty() && mails.is_empty() && invoices.is_empty() && library_requests + library_sessions == 0 {
        return Ok(None);
    }
    Ok(Some(json!({
        "store": shop.store_name(),
        "address": email.as_str(),
        "written_at": shop.0.clock.now(),
        "orders": orders,
        "invoices": invoices,
        "mails": to_value(&mails)?,
        "library": { "requests": library_requests, "sessions": library_sessions },
        "downloads": [],
    })))
}

fn order(conn: &mut AnyConnection, row: Order) -> Result<Value, Error> {
    let items: Vec<Item> = order_item::table
        .filter(order_item::order_id.eq(row.id))
        .order(order_item::position)
        .select((
            order_item::id,
            order_item::title_snapshot,
            order_item::unit_amount,
            order_item::discount,
            order_item::tax,
            order_item::total,
        ))
        .load(conn)?;
    let mut titles = Vec::with_capacity(items.len());
    for item in items {
        let rights: Vec<Right> = entitlement::table
            .filter(entitlement::order_item_id.eq(item.id))
            .select((
                entitlement::id,
                entitlement::state,
                entitlement::reason,
                entitlement::granted_at,
                entitlement::changed_at,
            ))
            .load(conn)?;
        let of: Vec<i64> = rights.iter().map(|right| right.id).collect();
        let tokens: Vec<Token> = download_token::table
            .filter(download_token::entitlement_id.eq_any(of))
            .order(download_token::id)
            .select((
                download_token::id,
                download_token::created_at,
                download_token::expires_at,
                download_token::max_uses,
                download_token::used_count,
                download_token::revoked_at,
            ))
            .load(conn)?;
        let of: Vec<i64> = tokens.iter().map(|token| token.id).collect();
        let claims: Vec<Claim> = download_claim::table
            .filter(download_claim::token_id.eq_any(of))
            .order(download_claim::id)
            .select((download_claim::created_at, download_claim::expires_at))
            .load(conn)?;
        titles.push(json!({
            "item": to_value(&item)?,
            "rights": to_value(&rights)?,
            "links": to_value(&tokens)?,
            "begun_downloads": to_value(&claims)?,
        }));
    }
    let refunds: Vec<Refund> = refund::table
        .filter(refund::order_id.eq(row.id))
        .order(refund::id)
        .select((
            refund::status,
            refund::amount,
            refund::tax,
            refund::reason,
            refund::created_at,
            refund::settled_at,
            refund::settled_note,
        ))
        .load(conn)?;
    let disputes: Vec<Dispute> = dispute::table
        .filter(dispute::order_id.eq(row.id))
        .order(dispute::id)
        .select((dispute::status, dispute::reason, dispute::amount, dispute::created_at))
        .load(conn)?;
    let notes: Vec<Note> = order_note::table
        .filter(order_note::order_id.eq(row.id))
        .order(order_note::id)
        .select((order_note::body, order_note::created_at))
        .load(conn)?;
    Ok(json!({
        "order": to_value(&row)?,
        "titles": titles,
        "refunds": to_value(&refunds)?,
        "disputes": to_value(&disputes)?,
        "notes": to_value(&notes)?,
    }))
}

/// Mails to the address, and about its orders but for what was written to the owner.
fn mails(conn: &mut AnyConnection, orders: &[i64], norm: &str) -> Result<Vec<Mail>, Error> {
    let ids = sweep::rows(conn, "outbox", "recipient", norm)?;
    let mails: Vec<Mail> = outbox::table
        .filter(outbox::id.eq_any(ids).or(outbox::order_id.eq_any(orders).and(outbox::kind.ne("dispute_notice"))))
        .order(outbox::id)
        .select((
            outbox::kind,
            outbox::recipient,
            outbox::state,
            outbox::created_at,
            outbox::sent_at,
            outbox::complained_at,
            outbox::message_id,
            outbox::error,
        ))
        .load(conn)?;
    Ok(mails.into_iter().filter(|mail| mail.recipient.to_lowercase() == norm).collect())
}

/// Invoices of the orders, and those that still name an address that was erased from its orders.
fn invoices(conn: &mut AnyConnection, norm: &str, orders: &[i64]) -> Result<Vec<Value>, Error> {
    let (table, column) = sweep::INVOICES;
    let ids = sweep::rows(conn, table, column, norm)?;
    let rows: Vec<(String, String, NaiveDateTime, String, String, String)> = invoice::table
        .filter(invoice::id.eq_any(ids).or(invoice::order_id.eq_any(orders)))
        .order(invoice::id)
        .select((
            invoice::number,
            invoice::kind,
            invoice::issued_at,
            invoice::currency,
            invoice::buyer_snapshot,
            invoice::lines_snapshot,
        ))
        .load(conn)?;
    let parsed = |text: &str| serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    Ok(rows
        .into_iter()
        .map(|(number, kind, issued_at, currency, buyer, lines)| {
            json!({
                "number": number, "kind": kind, "issued_at": issued_at, "currency": currency,
                "buyer": parsed(&buyer), "lines": parsed(&lines),
            })
        })
        .collect())
}

/// How many rows of a table of ways into the library are under the address.
fn ways_in(conn: &mut AnyConnection, columns: &[Column], table: &str, norm: &str) -> Result<i64, Error> {
    if has_table(columns, table) { sweep::count(conn, table, "email_norm", norm) } else { Ok(0) }
}
