//! The story of an order: everything that any table knows of it, in one list.

use super::sheet::{ItemRow, OrderRow};
use crate::db::AnyConnection;
use crate::db::schema::{
    audit, book_file, checkout, dispute, download_log, download_token, entitlement, invoice, order_note, outbox,
    refund, stripe_event, users,
};
use crate::types::{Currency, InvoiceKind, Money, RefundStatus, mask_addresses};
use crate::{Error, Shop, outbox as mail};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::Value;
use std::collections::HashMap;

/// Downloads on one timeline; the newest are shown.
const MOST_DOWNLOADS: i64 = 100;
/// Of everything else; no honest order has as many.
const MOST: i64 = 200;

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moment {
    /// When, UTC.
    pub at: NaiveDateTime,
    /// What kind of thing.
    pub kind: MomentKind,
    /// What, in words.
    pub what: String,
    /// More about it: why it failed, from which network.
    pub detail: Option<String>,
    /// Whether it went wrong.
    pub bad: bool,
    /// What can be done about it.
    pub way: Option<Way>,
}

impl Moment {
    /// What and more about it, for who may see the buyer or not. Who may not sees neither her network nor what was written about
    /// her, and what Stripe and mail servers said without addresses.
    #[must_use]
    pub fn told(&self, sees_buyers: bool) -> (String, Option<String>) {
        if sees_buyers {
            return (self.what.clone(), self.detail.clone());
        }
        let private = matches!(self.kind, MomentKind::Download | MomentKind::Mail | MomentKind::Note);
        let what = if self.kind == MomentKind::Note { "A note".to_owned() } else { mask_addresses(&self.what) };
        (what, self.detail.as_deref().filter(|_| !private).map(mask_addresses))
    }
}

/// What kind of thing happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum MomentKind {
    /// The order itself.
    Order,
    /// An event of Stripe's.
    Event,
    /// Money that went back, or that a bank asks for.
    Money,
    /// A mail.
    Mail,
    /// A download, or one that was refused.
    Download,
    /// What somebody at the desk did.
    Desk,
    /// What somebody at the desk wrote down.
    Note,
}

impl MomentKind {
    /// One word for a style and a reader.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Event => "event",
            Self::Money => "money",
            Self::Mail => "mail",
            Self::Download => "download",
            Self::Desk => "desk",
            Self::Note => "note",
        }
    }
}

/// What can be done about something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Way {
    /// The mail of this id can be sent once more.
    Resend(i64),
    /// The event of this id can be worked on once more.
    Replay(String),
}

impl Moment {
    pub(super) fn new(at: NaiveDateTime, kind: MomentKind, what: impl Into<String>) -> Self {
        Self { at, kind, what: what.into(), detail: None, bad: false, way: None }
    }
}

/// The story, oldest first, and how many downloads are not on it.
pub(super) fn of(
    conn: &mut AnyConnection,
    shop: &Shop,
    order: &OrderRow,
    items: &[ItemRow],
    currency: Currency,
) -> Result<(Vec<Moment>, i64), Error> {
    let written = |minor| shop.notation().money(Money::new(minor, currency));
    let mut all = begun(conn, order)?;
    all.extend(refunds(conn, order.id, &written)?);
    all.extend(disputes(conn, order.id, &written)?);
    all.extend(documents(conn, order.id, &written)?);
    all.extend(events(conn, order)?);
    all.extend(mails(conn, order.id)?);
    all.extend(notes(conn, order.id)?);
    all.extend(done(conn, order)?);
    let (downloads, left_out) = downloads(conn, items)?;
    all.extend(downloads);
    // Of what happened at the same moment, the order comes before what came of it.
    all.sort_by_key(|entry| (entry.at, entry.kind));
    Ok((all, left_out))
}

fn begun(conn: &mut AnyConnection, order: &OrderRow) -> Result<Vec<Moment>, Error> {
    use MomentKind::Order;
    let mut all = Vec::new();
    if let Some(id) = order.checkout_id {
        let (began, reviewed, who): (NaiveDateTime, Option<NaiveDateTime>, Option<String>) = checkout::table
            .left_join(users::table.on(checkout::reviewed_by.eq(users::id.nullable())))
            .filter(checkout::id.eq(id))
            .select((checkout::created_at, checkout::reviewed_at, users::email.nullable()))
            .first(conn)?;
        all.push(Moment::new(began, Order, "Checkout begun"));
        if let Some(at) = reviewed {
            let what = "Its payment was under review, and somebody has seen to it";
            all.push(Moment { detail: Some(by(who)), ..Moment::new(at, MomentKind::Desk, what) });
        }
    }
    all.push(Moment::new(order.created_at, Order, "Order placed"));
    if let Some(at) = order.paid_at {
        let what = if order.total > 0 { "Paid; the titles are open" } else { "The titles are open" };
        all.push(Moment::new(at, Order, what));
    }
    Ok(all)
}

fn refunds(conn: &mut AnyConnection, order_id: i64, written: &dyn Fn(i64) -> String) -> Result<Vec<Moment>, Error> {
    type Row = (i64, String, Option<String>, Option<String>, NaiveDateTime);
    let rows: Vec<Row> = refund::table
        .filter(refund::order_id.eq(order_id))
        .order(refund::id)
        .limit(MOST)
        .select((refund::amount, refund::status, refund::reason, refund::failure_reason, refund::created_at))
        .load(conn)?;
    let settled: Vec<(i64, NaiveDateTime, Option<String>, Option<String>)> = refund::table
        .left_join(users::table.on(refund::settled_by.eq(users::id.nullable())))
        .filter(refund::order_id.eq(order_id))
        .filter(refund::settled_at.is_not_null())
        .order(refund::id)
        .limit(MOST)
        .select((refund::amount, refund::settled_at.assume_not_null(), refund::settled_note, users::email.nullable()))
        .load(conn)?;
    // What somebody wrote, so a note.
    let notes = settled.into_iter().map(|(amount, at, how, who)| {
        let how = how.map(|how| format!(": {how}")).unwrap_or_default();
        let what = format!("Failed refund of {} settled elsewhere{how}", written(amount));
        Moment { detail: Some(by(who)), ..Moment::new(at, MomentKind::Note, what) }
    });
    Ok(rows
        .into_iter()
        .map(|(amount, status, reason, why, at)| {
            let amount = written(amount);
            let (what, bad) = match RefundStatus::parse(&status) {
                Some(RefundStatus::Requested) => {
                    (format!("Refund of {amount} asked for; Stripe has not answered"), false)
                }
                Some(RefundStatus::Succeeded) => (format!("Refund of {amount}"), false),
                Some(RefundStatus::Failed) => (format!("Refund of {amount} failed"), true),
                Some(RefundStatus::Canceled) => (format!("Refund of {amount} was canceled"), true),
                _ => (format!("Refund of {amount} is on its way"), false),
            };
            let detail = why.or_else(|| reason.map(|reason| reason.replace('_', " ")));
            Moment { detail, bad, ..Moment::new(at, MomentKind::Money, what) }
        })
        .chain(notes)
        .collect())
}

fn documents(conn: &mut AnyConnection, order_id: i64, written: &dyn Fn(i64) -> String) -> Result<Vec<Moment>, Error> {
    type Row = (String, String, i64, NaiveDateTime, Option<String>);
    let rows: Vec<Row> = invoice::table
        .filter(invoice::order_id.eq(order_id))
        .order(invoice::id)
        .limit(MOST)
        .select((invoice::kind, invoice::number, invoice::amount_total, invoice::issued_at, invoice::pdf_error))
        .load(conn)?;
    let moment = |(kind, number, total, at, error): Row| {
        let kind = InvoiceKind::parse(&kind).map_or("Document", InvoiceKind::label);
        let what = format!("{kind} {number} over {}", written(total));
        let detail = error.as_ref().map(|why| format!("Its PDF cannot be made: {why}"));
        Moment { bad: error.is_some(), detail, ..Moment::new(at, MomentKind::Money, what) }
    };
    Ok(rows.into_iter().map(moment).collect())
}

fn disputes(conn: &mut AnyConnection, order_id: i64, written: &dyn Fn(i64) -> String) -> Result<Vec<Moment>, Error> {
    type Row = (i64, String, String, NaiveDateTime, NaiveDateTime);
    let rows: Vec<Row> = dispute::table
        .filter(dispute::order_id.eq(order_id))
        .order(dispute::id)
        .limit(MOST)
        .select((dispute::amount, dispute::status, dispute::reason, dispute::created_at, dispute::updated_at))
        .load(conn)?;
    let mut all = Vec::new();
    for (amount, status, reason, at, changed) in rows {
        let kind = if status.starts_with("warning") { "Inquiry" } else { "Dispute" };
        let detail = Some(reason.replace('_', " "));
        let what = format!("{kind} about {}", written(amount));
        all.push(Moment { detail, bad: true, ..Moment::new(at, MomentKind::Money, what) });
        if status == "won" || status == "lost" {
            let what = format!("{kind} {status}");
            all.push(Moment { bad: status == "lost", ..Moment::new(changed, MomentKind::Money, what) });
        }
    }
    Ok(all)
}

/// What Stripe has told of the order's session, its payment, its refunds and disputes.
fn events(conn: &mut AnyConnection, order: &OrderRow) -> Result<Vec<Moment>, Error> {
    type Row = (String, String, String, NaiveDateTime, Option<String>);
    let refunds: Vec<Option<String>> =
        refund::table.filter(refund::order_id.eq(order.id)).select(refund::stripe_id).load(conn)?;
    let disputes: Vec<String> =
        dispute::table.filter(dispute::order_id.eq(order.id)).select(dispute::stripe_id).load(conn)?;
    let own = [order.session.clone(), order.payment.clone()];
    let objects: Vec<String> = own.into_iter().chain(refunds).flatten().chain(disputes).collect();
    let rows: Vec<Row> = stripe_event::table
        .filter(stripe_event::object_id.eq_any(objects))
        .order((stripe_event::received_at, stripe_event::id))
        .limit(MOST)
        .select((
            stripe_event::id,
            stripe_event::type_,
            stripe_event::state,
            stripe_event::received_at,
            stripe_event::error,
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, kind, state, at, error)| {
            let what = match state.as_str() {
                "done" => format!("Stripe says {kind}"),
                "ignored" => format!("Stripe says {kind}: nothing to do"),
                "dead" => format!("Stripe says {kind}: put aside, it failed too often"),
                "parked" => format!("Stripe says {kind}: waits for its object"),
                _ => format!("Stripe says {kind}: waits to be worked on"),
            };
            let stuck = state == "dead" || state == "parked" || (state == "new" && error.is_some());
            let way = stuck.then_some(Way::Replay(id));
            Moment { detail: error, bad: stuck, way, ..Moment::new(at, MomentKind::Event, what) }
        })
        .collect())
}

fn mails(conn: &mut AnyConnection, order_id: i64) -> Result<Vec<Moment>, Error> {
    type Row = (i64, String, String, NaiveDateTime, Option<NaiveDateTime>, Option<String>, Option<NaiveDateTime>);
    let rows: Vec<Row> = outbox::table
        .filter(outbox::order_id.eq(order_id))
        .order(outbox::id)
        .limit(MOST)
        .select((
            outbox::id,
            outbox::kind,
            outbox::state,
            outbox::created_at,
            outbox::sent_at,
            outbox::error,
            outbox::complained_at,
        ))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(id, kind, state, queued, sent, error, complained)| {
            let name = mail::label(&kind);
            let (what, bad) = match state.as_str() {
                "sent" => (format!("{name} sent"), false),
                "delivered" => (format!("{name} delivered"), false),
                "bounced" => (format!("{name} came back"), true),
                "dead" => (format!("{name} could not be sent"), true),
                _ if error.is_some() => (format!("{name} waits for its next try"), true),
                _ => (format!("{name} waits to be sent"), false),
            };
            let what = if complained.is_some() { format!("{what}, and was marked as spam") } else { what };
            let way = bad.then_some(Way::Resend(id));
            Moment { detail: error, bad, way, ..Moment::new(sent.unwrap_or(queued), MomentKind::Mail, what) }
        })
        .collect())
}

fn notes(conn: &mut AnyConnection, order_id: i64) -> Result<Vec<Moment>, Error> {
    let rows: Vec<(String, NaiveDateTime, Option<String>)> = order_note::table
        .left_join(users::table)
        .filter(order_note::order_id.eq(order_id))
        .order(order_note::id)
        .limit(MOST)
        .select((order_note::body, order_note::created_at, users::email.nullable()))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(body, at, who)| Moment { detail: Some(by(who)), ..Moment::new(at, MomentKind::Note, body) })
        .collect())
}

fn by(who: Option<String>) -> String {
    who.unwrap_or_else(|| "from the command line".into())
}

/// What somebody did about the order; notes, and what settled a refund, stand for themselves.
fn done(conn: &mut AnyConnection, order: &OrderRow) -> Result<Vec<Moment>, Error> {
    type Row = (String, NaiveDateTime, Option<String>, Option<String>);
    let rows: Vec<Row> = audit::table
        .left_join(users::table)
        .filter(audit::object.eq(format!("order:{}", order.number)))
        .filter(audit::action.ne("order.noted"))
        .filter(audit::action.ne("refund.settled"))
        .order(audit::id)
        .limit(MOST)
        .select((audit::action, audit::at, users::email.nullable(), audit::after))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(action, at, who, after)| {
            let after: Value = after.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
            let what = match (action.as_str(), after["title"].as_str()) {
                ("order.refunded", _) => "Refund asked for".to_owned(),
                ("order.address_corrected", _) => "Address corrected".to_owned(),
                ("order.link_renewed", _) => "New link made and mailed".to_owned(),
                ("order.given", _) => "Given away".to_owned(),
                ("order.tax-seen-to", _) => "Its tax was seen to".to_owned(),
                ("order.evidence", _) => "Evidence for the bank taken out".to_owned(),
                ("mail.resent", _) => "Mail sent once more".to_owned(),
                ("title.renewed", Some(title)) => format!("Downloads of {title} renewed"),
                ("title.withdrawn", Some(title)) => format!("{title} taken back"),
                ("title.restored", Some(title)) => format!("{title} given back"),
                ("buyer.exported", _) => "Everything under the buyer's address handed out".to_owned(),
                ("buyer.erased", _) => "Buyer erased".to_owned(),
                (other, _) => other.to_owned(),
            };
            Moment { detail: Some(by(who)), ..Moment::new(at, MomentKind::Desk, what) }
        })
        .collect())
}

/// Links that took the place of others, and the delivery log, of which the newest are shown.
fn downloads(conn: &mut AnyConnection, items: &[ItemRow]) -> Result<(Vec<Moment>, i64), Error> {
    type Row = (i64, NaiveDateTime, String, String, i32, i64, String, Option<String>);
    let titles: HashMap<i64, &str> = items.iter().map(|item| (item.id, item.title.as_str())).collect();
    let ids: Vec<i64> = titles.keys().copied().collect();
    let tokens: Vec<(i64, i64, i32, NaiveDateTime)> = download_token::table
        .inner_join(entitlement::table)
        .filter(entitlement::order_item_id.eq_any(ids))
        .order(download_token::id)
        .select((
            download_token::id,
            entitlement::order_item_id,
            download_token::generation,
            download_token::created_at,
        ))
        .load(conn)?;
    let title = |item: i64| titles.get(&item).copied().unwrap_or("a title");
    let mut all: Vec<Moment> = tokens
        .iter()
        .filter(|(_, _, generation, _)| *generation > 1)
        .map(|(_, item, _, at)| {
            Moment::new(*at, MomentKind::Download, format!("New download link for {}", title(*item)))
        })
        .collect();
    let of: HashMap<i64, i64> = tokens.iter().map(|(token, item, ..)| (*token, *item)).collect();
    let log = || download_log::table.filter(download_log::token_id.eq_any(of.keys().copied().map(Some)));
    let count: i64 = log().count().get_result(conn)?;
    let mut rows: Vec<Row> = log()
        .left_join(book_file::table)
        .order(download_log::id.desc())
        .limit(MOST_DOWNLOADS)
        .select((
            download_log::token_id.assume_not_null(),
            download_log::at,
            download_log::reason,
            download_log::ip_prefix,
            download_log::status,
            download_log::bytes,
            download_log::user_agent,
            book_file::format.nullable(),
        ))
        .load(conn)?;
    rows.reverse();
    all.extend(rows.into_iter().map(|(token, at, reason, network, status, bytes, agent, format)| {
        let title = of.get(&token).map_or("a title", |item| title(*item));
        let format = format.map(|format| format!(" ({})", format.to_uppercase())).unwrap_or_default();
        let size = if bytes > 0 { format!(", {}", size(bytes)) } else { String::new() };
        let from: Vec<String> = [network, agent].into_iter().filter(|part| !part.is_empty()).collect();
        let detail = (!from.is_empty()).then(|| from.join(", "));
        let what = format!("{title}{format}: {reason}{size}");
        Moment { detail, bad: status >= 400, ..Moment::new(at, MomentKind::Download, what) }
    }));
    Ok((all, count.saturating_sub(MOST_DOWNLOADS).max(0)))
}

/// "1.2 MB", in decimal units.
fn size(bytes: i64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} KB", bytes / 1_000),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes / 100_000 % 10),
    }
}
