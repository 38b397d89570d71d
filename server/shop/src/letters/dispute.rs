//! To the owner: a bank asks for money back, and there is a day by which Stripe wants an answer.

use super::{Frame, Order, Sum, rendered};
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
    amount: Sum,
    dispute: String,
    /// Stripe's words with spaces in them.
    reason: String,
    status: String,
    heading: &'static str,
    /// What has happened, in a sentence.
    lead: String,
    due: Option<String>,
    /// What happens if nobody answers.
    unanswered: &'static str,
    /// What has become of the right to the titles.
    titles: Option<&'static str>,
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

/// What a letter says of a dispute in a state.
struct Told {
    title: &'static str,
    heading: &'static str,
    lead: String,
    /// Whether Stripe waits for an answer, or for the bank's decision.
    open: bool,
    unanswered: &'static str,
}

fn tell(status: &str, amount: &Sum) -> Told {
    let told = |title, heading, lead, open, unanswered| Told { title, heading, lead, open, unanswered };
    match status {
        "won" => {
            let lead = format!("You keep {amount}: the bank decided for you.");
            told("Dispute won", "A dispute was won", lead, false, "")
        }
        "lost" => {
            let lead = format!("The bank gave {amount} back to the buyer.");
            told("Dispute lost", "A dispute was lost", lead, false, "")
        }
        "warning_closed" => {
            let lead = format!("The bank has no more questions about {amount}. Nothing has changed.");
            told("Inquiry closed", "An inquiry was closed", lead, false, "")
        }
        inquiry if inquiry.starts_with("warning") => {
            let lead = format!("A buyer's bank asks about a payment of {amount}. No money has moved yet.");
            let unanswered = "Without an answer it may become a dispute.";
            told("A bank asks", "A bank asks about a payment", lead, true, unanswered)
        }
        _ => {
            let lead = format!("A buyer's bank asks for {amount} back. Stripe holds the money until it is decided.");
            let unanswered = "Without an answer the buyer wins.";
            told("Dispute opened", "A payment is disputed", lead, true, unanswered)
        }
    }
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
    let rights: Vec<String> =
        entitlement::table.filter(entitlement::order_item_id.eq_any(items)).select(entitlement::state).load(conn)?;
    let (any, all) = (|state| rights.iter().any(|s| s == state), |state| rights.iter().all(|s| s == state));
    let titles = match status.as_str() {
        _ if any("frozen") => Some("The order's downloads are suspended until it is decided."),
        "won" if all("active") => Some("The order's titles are open again."),
        "lost" if all("revoked") => Some("The order's titles are no longer open."),
        _ => None,
    };
    let amount = Sum::new(shop.notation(), Money::new(amount, currency));
    let told = tell(&status, &amount);
    let mode = if shop.0.settings.livemode { "" } else { "test/" };
    let facts = Facts {
        frame: Frame::new(shop),
        subject: format!("{}: {amount} of order {}", told.title, order.number),
        order,
        amount,
        reason: reason.replace('_', " "),
        // Of an inquiry Stripe says `warning_needs_response`, which the rest of the letter says better.
        status: status.trim_start_matches("warning_").replace('_', " "),
        heading: told.heading,
        lead: told.lead,
        due: due.filter(|_| told.open).map(|due| shop.notation().moment(due)),
        unanswered: told.unanswered,
        titles,
        button_url: format!("https://dashboard.stripe.com/{mode}disputes/{stripe_id}"),
        button: if told.open { "Answer it at Stripe" } else { "See it at Stripe" },
        dispute: stripe_id,
    };
    rendered(facts.subject.clone(), Text { m: &facts }.render(), Html { m: &facts }.render())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notation::Notation;

    #[test]
    fn each_state_is_told_in_its_own_words() {
        let amount = Sum::new(&Notation::default(), Money::new(1_298, "USD".parse().unwrap()));
        for (status, title, open) in [
            ("needs_response", "Dispute opened", true),
            ("under_review", "Dispute opened", true),
            ("warning_needs_response", "A bank asks", true),
            ("warning_under_review", "A bank asks", true),
            ("warning_closed", "Inquiry closed", false),
            ("won", "Dispute won", false),
            ("lost", "Dispute lost", false),
            ("a_state_of_next_year", "Dispute opened", true),
        ] {
            let told = tell(status, &amount);
            assert_eq!((told.title, told.open), (title, open), "{status}");
            assert_eq!(told.unanswered.is_empty(), !open, "{status}");
            assert!(told.lead.contains("$12.98"), "{}", told.lead);
        }
    }
}
