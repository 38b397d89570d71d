//! To the owner: a bank asks for money back, and there is a day by which Stripe wants an answer.

use super::{Frame, Order, rendered};
use crate::clock::moment;
use crate::db::AnyConnection;
use crate::db::schema::{dispute, entitlement};
use crate::mailer::Letter;
use crate::types::Money;
use crate::{Error, Shop};
use askama::Template;
use chrono::NaiveDateTime;
use diesel::prelude::*;

struct Facts<'a> {
    frame: Frame<'a>,
    subject: String,
    order: &'a Order,
    amount: Money,
    dispute: String,
    /// Stripe's words with spaces in them.
    reason: String,
    status: String,
    heading: &'static str,
    /// What has happened, in a sentence.
    lead: String,
    due: Option<String>,
    frozen: bool,
    button_url: String,
    button: &'static str,
}

#[derive(Template)]
#[template(path = "dispute.html")]
struct Html<'a> {
    m: &'a Facts<'a>,
}

#[derive(Template)]
#[template(path = "dispute.txt")]
struct Text<'a> {
    m: &'a Facts<'a>,
}

pub(super) fn letter(conn: &mut AnyConnection, shop: &Shop, order: &Order, dispute_id: i64) -> Result<Letter, Error> {
    type Row = (String, i64, String, String, String, Option<NaiveDateTime>);
    let (stripe_id, amount, currency, status, reason, due): Row = dispute::table
        .find(dispute_id)
        .filter(dispute::order_id.eq(order.id))
        .select((
            dispute::stripe_id,
            dispute::amount,
            dispute::currency,
            dispute::status,
            dispute::reason,
            dispute::evidence_due_by,
        ))
        .first(conn)?;
    let currency = currency.parse().map_err(|_| Error::internal(format!("dispute {dispute_id}: bad currency")))?;
    let items: Vec<i64> = order.lines.iter().map(|line| line.item_id).collect();
    let frozen =
        entitlement::table.filter(entitlement::order_item_id.eq_any(items)).filter(entitlement::state.eq("frozen"));
    let frozen: bool = diesel::select(diesel::dsl::exists(frozen)).get_result(conn)?;
    let amount = Money::new(amount, currency);
    let (title, heading, lead, open) = match status.as_str() {
        "won" => ("won", "A dispute was decided", format!("The {amount} stay yours: the bank decided for you."), false),
        "lost" => ("lost", "A dispute was decided", format!("The bank gave {amount} back to the buyer."), false),
        "warning_closed" => {
            ("closed", "An inquiry was closed", format!("The bank has no more questions about {amount}."), false)
        }
        inquiry if inquiry.starts_with("warning") => {
            let lead = format!("A buyer's bank asks about a payment of {amount}. No money has moved yet.");
            ("an inquiry", "A bank asks about a payment", lead, true)
        }
        _ => {
            let lead = format!("A buyer's bank asks for {amount} back. Stripe holds the money until it is decided.");
            ("opened", "A payment is disputed", lead, true)
        }
    };
    let mode = if shop.0.settings.livemode { "" } else { "test/" };
    let facts = Facts {
        frame: Frame::new(shop),
        subject: format!("Dispute {title}: {amount} of order {}", order.number),
        order,
        amount,
        reason: reason.replace('_', " "),
        status: status.replace('_', " "),
        heading,
        lead,
        due: due.filter(|_| open).map(moment),
        frozen,
        button_url: format!("https://dashboard.stripe.com/{mode}disputes/{stripe_id}"),
        button: if open { "Answer it at Stripe" } else { "See it at Stripe" },
        dispute: stripe_id,
    };
    rendered(facts.subject.clone(), Text { m: &facts }.render(), Html { m: &facts }.render())
}
