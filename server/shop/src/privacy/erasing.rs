//! Forgetting a buyer: one transaction over all tables, which ends by looking for her address in every one of them.

use super::TOMBSTONE;
use super::sweep::{self, columns, has_table, hits};
use crate::audit::{self, Actor};
use crate::books::waiting_file;
use crate::db::AnyConnection;
use crate::db::schema::{
    checkout, dispute, download_claim, download_log, download_token, entitlement, invoice, order_access, order_item,
    order_note, orders, outbox, refund, stripe_event,
};
use crate::downloads::disputed_orders;
use crate::hooks::{self, Change, EventType, Listeners};
use crate::types::Email;
use crate::{Error, Shop, secrets};
use chrono::{Datelike as _, NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use serde_json::json;
use std::collections::BTreeSet;

/// What was forgotten, and what had to stay.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Orders that no longer say whose they are. Their titles are no longer open to anybody.
    pub orders: usize,
    /// Mails whose recipient is gone; those that had not left yet never will.
    pub mails: usize,
    /// Entries of the delivery log without network and browser.
    pub accesses: usize,
    /// Bodies of Stripe's events that were dropped.
    pub events: usize,
    /// Invoices that keep her name and address until their day.
    pub kept: Vec<KeptInvoice>,
    /// Invoices whose day had come: they have lost both.
    pub cleared: usize,
}

/// An invoice that the law wants kept as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptInvoice {
    /// Its number.
    pub number: String,
    /// The last day of its time.
    pub until: NaiveDate,
}

/// Why a buyer cannot be forgotten now. Nothing has changed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotErased {
    /// A bank has not decided yet, and what is known of the order is the answer to it.
    #[error("order {0} has an open dispute: erase when it is decided")]
    Disputed(String),
    /// Money is on its way.
    #[error("order {0} is still being paid: erase when it is paid or has failed")]
    Pending(String),
    /// Money is on its way back.
    #[error("a refund of order {0} has not arrived yet: erase when it has")]
    Refunding(String),
    /// A mail is being sent at this moment.
    #[error("a mail to this address is being sent: try again in some minutes")]
    Sending,
    /// There is nothing to erase.
    #[error("nothing is held under this address")]
    Nothing,
}

/// Tables that hold nothing but a buyer's way in.
const WAYS_IN: [&str; 2] = ["access_request", "buyer_session"];

#[derive(Queryable)]
struct OrderRow {
    id: i64,
    number: String,
    email: String,
    status: String,
    session: Option<String>,
    intent: Option<String>,
    checkout_id: Option<i64>,
}

impl Shop {
    /// Forgets what is held under an address: the access data go, orders stay as figures without a name, invoices stay
    /// as they are until their time is over. Her titles are no longer open to anybody.
    ///
    /// # Errors
    /// The database's; [`Error::Internal`] if the address still stands in a column that this does not know: nothing has
    /// changed then.
    pub async fn erase_buyer(&self, email: &Email, actor: &Actor) -> Result<Result<Erased, NotErased>, Error> {
        let (shop, email, actor) = (self.clone(), email.clone(), *actor);
        let (erased, waiting) = self
            .0
            .db
            .write(move |conn| {
                let latest = latest_order(conn, &email)?;
                let mut waiting = Vec::new();
                let erased = erase(conn, &shop, &email, &mut waiting)?;
                if let Ok(erased) = &erased {
                    let after = json!({ "orders": erased.orders, "mails": erased.mails, "kept": erased.kept.len() });
                    audit::record(conn, &actor, "buyer.erased", latest, None, Some(after))?;
                }
                Ok((erased, waiting))
            })
            .await?;
        for key in waiting {
            self.0.files.discard(&key).await;
        }
        Ok(erased)
    }
}

/// What stands for a buyer in the audit: the latest order, for the address may not stand there.
pub(super) fn latest_order(conn: &mut AnyConnection, email: &Email) -> Result<String, Error> {
    let row = orders::table.filter(orders::email_norm.eq(email.normalized())).order(orders::id.desc());
    let number: Option<String> = row.select(orders::number).first(conn).optional()?;
    Ok(number.map_or_else(|| "buyer".to_owned(), |number| format!("order:{number}")))
}

/// Does it; objects that had the address in them (PDFs, what waited beside forms) are put into `waiting`, to be discarded.
fn erase(
    conn: &mut AnyConnection,
    shop: &Shop,
    email: &Email,
    waiting: &mut Vec<String>,
) -> Result<Result<Erased, NotErased>, Error> {
    let (now, norm) = (shop.0.clock.now(), email.normalized());
    let columns = columns(conn)?;
    let rows: Vec<OrderRow> = orders::table
        .filter(orders::email_norm.eq(&norm))
        .order(orders::id)
        .select((
            orders::id,
            orders::number,
            orders::email,
            orders::status,
            orders::stripe_session,
            orders::stripe_payment_intent,
            orders::checkout_id,
        ))
        .load(conn)?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut needles: Vec<String> = rows.iter().map(|row| row.email.clone()).collect();
    needles.extend([norm.clone(), email.as_str().to_owned()]);
    needles.sort_unstable();
    needles.dedup();
    if let Some(why) = refusal(conn, &rows, &norm)? {
        return Ok(Err(why));
    }
    let (kept, cleared) = invoices(conn, shop, (&needles, &ids), now, waiting)?;
    if ids.is_empty() && cleared == 0 && hits(conn, &columns, &needles)?.is_empty() {
        return Ok(if kept.is_empty() { Err(NotErased::Nothing) } else { Ok(Erased { kept, ..Erased::default() }) });
    }
    // The hash of a secret that no browser has.
    let nobody = secrets::hash(&secrets::random());
    let accesses = accesses(conn, &ids, &nobody, now)?;
    let mails = mails(conn, &ids, &norm, &needles, now)?;
    let events = events(conn, &rows, &needles)?;
    entitlements(conn, &ids, now)?;
    diesel::update(orders::table.filter(orders::id.eq_any(&ids)))
        .set((
            orders::email.eq(TOMBSTONE),
            orders::email_norm.eq(TOMBSTONE),
            orders::name.eq(None::<String>),
            orders::company.eq(None::<String>),
            orders::address.eq(None::<String>),
            orders::vat_id.eq(None::<String>),
        ))
        .execute(conn)?;
    let checkouts: Vec<i64> = rows.iter().filter_map(|row| row.checkout_id).collect();
    diesel::update(checkout::table.filter(checkout::id.eq_any(checkouts)))
        .set((
            checkout::browser_hash.eq(&nobody),
            checkout::last_error.eq(None::<String>),
            checkout::decline.eq(None::<String>),
        ))
        .execute(conn)?;
    for needle in &needles {
        sweep::execute(conn, "UPDATE difference SET detail = 'erased'", "difference", "detail", needle)?;
        sweep::execute(conn, "DELETE FROM session", "session", "data", needle)?;
        // A form or a table that somebody has not finished, and what somebody calls a program.
        waiting.extend(sweep::values(conn, "unfinished", "data", needle)?.iter().filter_map(|data| waiting_file(data)));
        sweep::execute(conn, "DELETE FROM unfinished", "unfinished", "data", needle)?;
        sweep::execute(conn, "UPDATE api_token SET name = 'erased'", "api_token", "name", needle)?;
        // The row stays, so that nothing is done a second time under its key.
        sweep::execute(conn, "UPDATE api_once SET answer = '{}'", "api_once", "answer", needle)?;
        // What was done stays in the audit, and of whom it was the order's number.
        for column in ["before", "after"] {
            sweep::execute(conn, &format!("UPDATE audit SET {column} = '\"erased\"'"), "audit", column, needle)?;
        }
    }
    for needle in &needles {
        // What an endpoint has answered, and what is written about one. One whose own address has hers in it is at an end.
        for column in ["answer", "error"] {
            let statement = format!("UPDATE webhook_attempt SET {column} = 'erased'");
            sweep::execute(conn, &statement, "webhook_attempt", column, needle)?;
        }
        let statement = "UPDATE webhook_endpoint SET description = 'erased'";
        sweep::execute(conn, statement, "webhook_endpoint", "description", needle)?;
        let statement = "UPDATE webhook_endpoint SET url = 'https://erased.invalid/'";
        sweep::execute(conn, statement, "webhook_endpoint", "url", needle)?;
    }
    diesel::delete(order_note::table.filter(order_note::order_id.eq_any(&ids))).execute(conn)?;
    diesel::update(refund::table.filter(refund::order_id.eq_any(&ids)))
        .set(refund::settled_note.eq(None::<String>))
        .execute(conn)?;
    for needle in &needles {
        sweep::execute(conn, "UPDATE order_note SET body = 'erased'", "order_note", "body", needle)?;
        sweep::execute(conn, "UPDATE refund SET settled_note = 'erased'", "refund", "settled_note", needle)?;
        sweep::execute(conn, "DELETE FROM refused_title", "refused_title", "cause", needle)?;
    }
    for table in WAYS_IN.into_iter().filter(|table| has_table(&columns, table)) {
        for needle in &needles {
            sweep::execute(conn, &format!("DELETE FROM {table}"), table, "email_norm", needle)?;
        }
    }
    let left = hits(conn, &columns, &needles)?;
    if !left.is_empty() {
        return Err(Error::internal(format!("nothing was erased: the address also stands in {}", left.join(", "))));
    }
    tracing::info!(orders = ids.len(), mails, accesses, "a buyer was erased");
    Ok(Ok(Erased { orders: ids.len(), mails, accesses, events, kept, cleared }))
}

/// What must come to its end before anybody is forgotten.
fn refusal(conn: &mut AnyConnection, rows: &[OrderRow], norm: &str) -> Result<Option<NotErased>, Error> {
    let disputed = disputed_orders(conn)?;
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let refunding: Vec<i64> = refund::table
        .filter(refund::order_id.eq_any(&ids))
        .filter(refund::status.eq_any(["requested", "pending", "requires_action"]))
        .select(refund::order_id)
        .load(conn)?;
    for row in rows {
        let number = || row.number.clone();
        if disputed.contains(&row.id) {
            return Ok(Some(NotErased::Disputed(number())));
        }
        if row.status == "pending" {
            return Ok(Some(NotErased::Pending(number())));
        }
        if refunding.contains(&row.id) {
            return Ok(Some(NotErased::Refunding(number())));
        }
    }
    let leased = outbox::table.filter(outbox::state.eq("leased")).select((outbox::order_id, outbox::recipient));
    let sending = leased
        .load::<(Option<i64>, String)>(conn)?
        .into_iter()
        .any(|(order, recipient)| order.is_some_and(|order| ids.contains(&order)) || recipient.to_lowercase() == norm);
    Ok(sending.then_some(NotErased::Sending))
}

/// The invoices of these orders or with the address in them, which an order that was moved has still: those that keep it, and how many have lost it now because their time is over.
fn invoices(
    conn: &mut AnyConnection,
    shop: &Shop,
    (needles, orders): (&[String], &[i64]),
    now: NaiveDateTime,
    waiting: &mut Vec<String>,
) -> Result<(Vec<KeptInvoice>, usize), Error> {
    let (table, column) = sweep::INVOICES;
    let of_orders = invoice::table.filter(invoice::order_id.eq_any(orders)).select(invoice::id);
    let mut ids: BTreeSet<i64> = of_orders.load(conn)?.into_iter().collect();
    for needle in needles {
        ids.extend(sweep::rows(conn, table, column, needle)?);
    }
    // Their PDFs go at once: one can be made again from the row as long as that is kept.
    let printed = invoice::table.filter(invoice::id.eq_any(&ids)).filter(invoice::pdf_key.is_not_null());
    waiting.extend(printed.select(invoice::pdf_key.assume_not_null()).load::<String>(conn)?);
    diesel::update(invoice::table.filter(invoice::id.eq_any(&ids)))
        .set(invoice::pdf_key.eq(None::<String>))
        .execute(conn)?;
    let rows: Vec<(i64, String, NaiveDateTime)> = invoice::table
        .filter(invoice::id.eq_any(&ids))
        .order(invoice::id)
        .select((invoice::id, invoice::number, invoice::issued_at))
        .load(conn)?;
    let (mut kept, mut over) = (Vec::new(), Vec::new());
    for (id, number, issued_at) in rows {
        // The time of books and records begins with the end of their year.
        let year = issued_at.year() + i32::from(shop.0.settings.policy.invoice_years);
        let until = NaiveDate::from_ymd_opt(year, 12, 31).unwrap_or(NaiveDate::MAX);
        if until < now.date() {
            over.push(id);
        } else {
            kept.push(KeptInvoice { number, until });
        }
    }
    let cleared = diesel::update(invoice::table.filter(invoice::id.eq_any(over)))
        .set(invoice::buyer_snapshot.eq("{}"))
        .execute(conn)?;
    Ok((kept, cleared))
}

/// Browsers, networks and ways to the files.
fn accesses(conn: &mut AnyConnection, orders: &[i64], nobody: &str, now: NaiveDateTime) -> Result<usize, Error> {
    diesel::delete(order_access::table.filter(order_access::order_id.eq_any(orders))).execute(conn)?;
    let tokens: Vec<i64> = download_token::table
        .inner_join(entitlement::table.inner_join(order_item::table))
        .filter(order_item::order_id.eq_any(orders))
        .select(download_token::id)
        .load(conn)?;
    diesel::update(
        download_token::table.filter(download_token::id.eq_any(&tokens)).filter(download_token::expires_at.gt(now)),
    )
    .set(download_token::expires_at.eq(now))
    .execute(conn)?;
    diesel::update(download_claim::table.filter(download_claim::token_id.eq_any(&tokens)))
        .set((download_claim::browser_hash.eq(nobody), download_claim::expires_at.eq(now)))
        .execute(conn)?;
    Ok(diesel::update(download_log::table.filter(download_log::token_id.eq_any(&tokens)))
        .set((download_log::ip_prefix.eq(""), download_log::user_agent.eq("")))
        .execute(conn)?)
}

fn entitlements(conn: &mut AnyConnection, orders: &[i64], now: NaiveDateTime) -> Result<(), Error> {
    let items = order_item::table.filter(order_item::order_id.eq_any(orders)).select(order_item::id);
    let ids: Vec<i64> =
        entitlement::table.filter(entitlement::order_item_id.eq_any(items)).select(entitlement::id).load(conn)?;
    diesel::update(entitlement::table.filter(entitlement::id.eq_any(&ids)))
        .set(entitlement::email_norm.eq(TOMBSTONE))
        .execute(conn)?;
    tell_of_rights(conn, &ids, now)?;
    // A refund that comes later finds them gone already, and one that fails gives nothing back to nobody.
    diesel::update(entitlement::table.filter(entitlement::id.eq_any(&ids)).filter(entitlement::state.ne("revoked")))
        .set((entitlement::state.eq("revoked"), entitlement::reason.eq("erased"), entitlement::changed_at.eq(now)))
        .execute(conn)?;
    Ok(())
}

/// Those who are told of rights that end, which these do. Nobody is told whose they were.
fn tell_of_rights(conn: &mut AnyConnection, entitlements: &[i64], now: NaiveDateTime) -> Result<(), Error> {
    let listeners = Listeners::load(conn)?;
    if !listeners.any(EventType::EntitlementRevoked) {
        return Ok(());
    }
    let ending: Vec<(i64, i64)> = entitlement::table
        .inner_join(order_item::table)
        .filter(entitlement::id.eq_any(entitlements))
        .filter(entitlement::state.ne("revoked"))
        .order(entitlement::id)
        .select((order_item::order_id, order_item::id))
        .load(conn)?;
    for (order_id, item_id) in ending {
        let change = Change { item_id, kind: EventType::EntitlementRevoked, reason: Some("erased".to_owned()) };
        hooks::rights_changed(conn, &listeners, order_id, &[change], now)?;
    }
    Ok(())
}

/// Mails to the buyer, about her orders or about none. What was written to the owner stays.
fn mails(
    conn: &mut AnyConnection,
    orders: &[i64],
    norm: &str,
    needles: &[String],
    now: NaiveDateTime,
) -> Result<usize, Error> {
    let mut ids = BTreeSet::new();
    for needle in needles {
        ids.extend(sweep::rows(conn, "outbox", "recipient", needle)?);
        sweep::execute(conn, "UPDATE outbox SET error = 'erased'", "outbox", "error", needle)?;
    }
    let rows: Vec<(i64, String, Option<i64>)> = outbox::table
        .filter(outbox::id.eq_any(ids))
        .select((outbox::id, outbox::recipient, outbox::order_id))
        .load(conn)?;
    let ours: Vec<i64> = rows
        .into_iter()
        .filter(|(_, recipient, order)| {
            recipient.to_lowercase() == norm || order.is_some_and(|order| orders.contains(&order))
        })
        .map(|(id, ..)| id)
        .collect();
    diesel::update(outbox::table.filter(outbox::id.eq_any(&ours)).filter(outbox::state.eq("queued")))
        .set((outbox::state.eq("dead"), outbox::error.eq("its buyer was erased"), outbox::next_at.eq(now)))
        .execute(conn)?;
    Ok(diesel::update(outbox::table.filter(outbox::id.eq_any(&ours)))
        .set(outbox::recipient.eq(TOMBSTONE))
        .execute(conn)?)
}

/// The bodies of what Stripe has told us of her payments, and of everything else that names her.
fn events(conn: &mut AnyConnection, rows: &[OrderRow], needles: &[String]) -> Result<usize, Error> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let refunds: Vec<Option<String>> =
        refund::table.filter(refund::order_id.eq_any(&ids)).select(refund::stripe_id).load(conn)?;
    let disputes: Vec<String> =
        dispute::table.filter(dispute::order_id.eq_any(&ids)).select(dispute::stripe_id).load(conn)?;
    let objects: Vec<String> = rows
        .iter()
        .flat_map(|row| [row.session.clone(), row.intent.clone()])
        .chain(refunds)
        .flatten()
        .chain(disputes)
        .collect();
    let about = stripe_event::table.filter(stripe_event::object_id.eq_any(objects)).filter(stripe_event::body.ne(""));
    let mut dropped = diesel::update(about).set(stripe_event::body.eq("")).execute(conn)?;
    for needle in needles {
        dropped += sweep::execute(conn, "UPDATE stripe_event SET body = ''", "stripe_event", "body", needle)?;
        sweep::execute(conn, "UPDATE stripe_event SET error = 'erased'", "stripe_event", "error", needle)?;
    }
    Ok(dropped)
}
