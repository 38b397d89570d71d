//! One payment: what is known of it, and the buttons.

use super::layout::{self, Flash, Tab, time};
use super::payments::standing;
use crate::actions::REASONS;
use crate::page::html::escape;
use crate::records::{
    Charge, ChargeStatus, Dispute, DisputeStatus, Intent, IntentStatus, Refund, RefundStatus, Session, SessionStatus,
};
use crate::state::State;
use crate::{currency, disputing};

/// The whole page; `None` when there is no such session.
pub(super) fn page(state: &State, id: &str, flash: Option<&Flash>) -> Option<String> {
    let session = state.sessions.get(id)?;
    let intent = session.intent.as_deref().and_then(|id| state.intents.get(id));
    let charge = intent.and_then(|intent| intent.latest_charge.as_deref()).and_then(|id| state.charges.get(id));
    let money = |minor| escape(&currency::format(minor, &session.currency));
    let mut body = format!(
        "<p class=\"back\"><a href=\"/dashboard\"><span aria-hidden=\"true\">←</span> All payments</a></p>\n\
         <h1>{} {}</h1>\n",
        money(session.total()),
        standing(state, session)
    );
    body.push_str("<div class=\"columns\">\n<div>\n");
    body.push_str(&facts(state, session, intent, charge));
    body.push_str(&lines(session));
    if let Some(charge) = charge {
        body.push_str(&refunds(state, charge, id));
    }
    body.push_str(&history(state, session, intent, charge));
    body.push_str("</div>\n<div>\n");
    body.push_str(&buttons(state, session, intent, charge));
    body.push_str("</div>\n</div>\n");
    Some(layout::page(Tab::Payments, "Payment", flash, &body))
}

fn facts(state: &State, session: &Session, intent: Option<&Intent>, charge: Option<&Charge>) -> String {
    let mut rows = String::new();
    let mut row = |name: &str, value: String| rows.push_str(&format!("<div><dt>{name}</dt><dd>{value}</dd></div>"));
    let code = |text: &str| format!("<code>{}</code>", escape(text));
    row("Session", code(&session.id));
    if let Some(intent) = intent {
        row("Payment intent", code(&intent.id));
    }
    if let Some(charge) = charge {
        row("Charge", code(&charge.id));
        row(
            "Paid with",
            format!("{} ending in {}", escape(charge.method.means.kind()), escape(charge.method.means.last4())),
        );
        if let Some((code, _, message)) = &charge.failure {
            row("Failed", format!("{} <code>{}</code>", escape(message), escape(code)));
        }
        if let Some(dispute) = disputing::of(state, &charge.id) {
            row("Dispute", format!("{} {}", dispute_state(dispute.status), code(&dispute.id)));
        }
    }
    if let Some(email) = session.email() {
        row("E-mail", escape(email));
    }
    if let Some(customer) = &session.customer {
        row("Customer", code(customer));
    }
    if let Some(reference) = &session.settings.client_reference_id {
        row("Reference", code(reference));
    }
    row("Created (UTC)", time(session.created));
    if session.status == SessionStatus::Open {
        row("Expires (UTC)", time(session.expires_at));
    }
    for (key, value) in &session.settings.metadata {
        row(&escape(key), code(value));
    }
    format!(
        "<section aria-labelledby=\"facts\"><h2 id=\"facts\">Details</h2><dl class=\"facts\">{rows}</dl></section>\n"
    )
}

fn lines(session: &Session) -> String {
    let totals = session.totals();
    let money = |minor| escape(&currency::format(minor, &session.currency));
    let mut rows: String = session
        .items
        .iter()
        .map(|item| {
            let name = escape(&item.name);
            format!(
                "<tr><th scope=\"row\">{name}</th><td>{}</td><td>{}</td></tr>",
                item.quantity,
                money(item.subtotal())
            )
        })
        .collect();
    let mut sum = |name: &str, value: String| {
        rows.push_str(&format!("<tr class=\"sum\"><th scope=\"row\" colspan=\"2\">{name}</th><td>{value}</td></tr>"));
    };
    if totals.discount > 0 {
        sum("Discount", format!("−{}", money(totals.discount)));
    }
    if totals.tax > 0 {
        sum("Tax", money(totals.tax));
    }
    sum("Total", money(totals.total));
    format!(
        "<section aria-labelledby=\"lines\"><h2 id=\"lines\">Order</h2><table class=\"lines\"><thead><tr>\
         <th scope=\"col\">Item</th><th scope=\"col\">Qty</th><th scope=\"col\">Amount</th></tr></thead>\
         <tbody>{rows}</tbody></table></section>\n"
    )
}

fn refunds(state: &State, charge: &Charge, session: &str) -> String {
    let rows: String =
        state.refunds.of(&format!("charge={}", charge.id)).map(|refund| refund_row(refund, session)).collect();
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "<section aria-labelledby=\"refunds\"><h2 id=\"refunds\">Refunds</h2><ul class=\"list\">{rows}</ul></section>\n"
    )
}

fn refund_row(refund: &Refund, session: &str) -> String {
    let (tone, word) = match refund.status {
        RefundStatus::Pending => ("busy", "Pending"),
        RefundStatus::Succeeded => ("good", "Succeeded"),
        RefundStatus::Failed => ("bad", "Failed"),
    };
    let button = |name: &str, label: &str| {
        format!("<button class=\"quiet small\" type=\"submit\" name=\"do\" value=\"{name}\">{label}</button>")
    };
    let buttons = match refund.status {
        RefundStatus::Pending => button("refund_succeeds", "Let it succeed") + &button("refund_fails", "Let it fail"),
        RefundStatus::Succeeded => button("refund_fails", "Let it fail"),
        RefundStatus::Failed => String::new(),
    };
    format!(
        "<li><span><strong>{}</strong> {} <code>{}</code></span><form method=\"post\" \
         action=\"/dashboard/payments/{}\"><input type=\"hidden\" name=\"refund\" value=\"{}\">{buttons}</form></li>",
        escape(&currency::format(refund.amount, &refund.currency)),
        layout::state(tone, word),
        escape(&refund.id),
        escape(session),
        escape(&refund.id)
    )
}

fn dispute_state(status: DisputeStatus) -> String {
    let (tone, word) = match status {
        DisputeStatus::WarningNeedsResponse => ("busy", "Inquiry"),
        DisputeStatus::WarningUnderReview => ("busy", "Inquiry under review"),
        DisputeStatus::WarningClosed => ("calm", "Inquiry closed"),
        DisputeStatus::NeedsResponse => ("bad", "Needs response"),
        DisputeStatus::UnderReview => ("busy", "Under review"),
        DisputeStatus::Won => ("good", "Won"),
        DisputeStatus::Lost => ("bad", "Lost"),
    };
    layout::state(tone, word)
}

fn history(state: &State, session: &Session, intent: Option<&Intent>, charge: Option<&Charge>) -> String {
    let ids: Vec<&str> = [Some(session.id.as_str()), intent.map(|i| i.id.as_str()), charge.map(|c| c.id.as_str())]
        .into_iter()
        .flatten()
        .collect();
    let mut rows = String::new();
    let mut keys: Vec<String> = ids.iter().map(|id| format!("about={id}")).collect();
    keys.dedup();
    let mut events: Vec<_> = keys.iter().flat_map(|key| state.events.newest(Some(key), None)).collect();
    events.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
    events.dedup_by_key(|(place, _)| *place);
    for (_, event) in events {
        rows.push_str(&format!(
            "<li><a href=\"/dashboard/events/{}\">{}</a> <span class=\"quiet\">{}</span></li>",
            escape(&event.id),
            escape(&event.kind),
            time(event.created)
        ));
    }
    if rows.is_empty() {
        return String::new();
    }
    format!(
        "<section aria-labelledby=\"history\"><h2 id=\"history\">Events</h2><ul class=\"list\">{rows}</ul></section>\n"
    )
}

fn form(session: &str, title: &str, inner: &str) -> String {
    format!(
        "<form class=\"card\" method=\"post\" action=\"/dashboard/payments/{}\"><h2>{title}</h2>{inner}</form>\n",
        escape(session)
    )
}

fn button(name: &str, label: &str, class: &str) -> String {
    format!("<button class=\"{class}\" type=\"submit\" name=\"do\" value=\"{name}\">{label}</button>")
}

fn buttons(state: &State, session: &Session, intent: Option<&Intent>, charge: Option<&Charge>) -> String {
    let mut out = String::new();
    let id = &session.id;
    if session.status == SessionStatus::Open {
        let page = format!("<p><a class=\"button\" href=\"/c/pay/{}\">Open the payment page</a></p>", escape(id));
        out.push_str(&form(id, "Open session", &(page + &button("expire", "Let it expire", "quiet"))));
    }
    if intent.is_some_and(|intent| intent.status == IntentStatus::Processing) {
        let text = "<p>The bank has not answered yet.</p>".to_owned();
        let both = button("settle", "Let it succeed", "") + &button("settle_fails", "Let it fail", "quiet");
        out.push_str(&form(id, "Bank debit", &(text + &both)));
    }
    let Some(charge) = charge.filter(|charge| charge.status == ChargeStatus::Succeeded) else { return out };
    let dispute = disputing::of(state, &charge.id);
    let left = charge.amount.saturating_sub(charge.refunded);
    if left > 0 && dispute.is_none_or(|dispute| dispute.status.is_inquiry()) {
        let inner = format!(
            "<div class=\"field\"><label for=\"amount\">Amount</label><input id=\"amount\" name=\"amount\" type=\"text\" \
             inputmode=\"decimal\" autocomplete=\"off\" aria-describedby=\"amount-hint\">\
             <p class=\"hint\" id=\"amount-hint\">Leave empty to refund all that is left: {}.</p></div>{}",
            escape(&currency::format(left, &charge.currency)),
            button("refund", "Refund", "")
        );
        out.push_str(&form(id, "Refund", &inner));
    }
    match dispute {
        None if left > 0 => out.push_str(&form(id, "Dispute", &new_dispute())),
        Some(dispute) if !dispute.status.is_closed() => out.push_str(&form(id, "Dispute", &open_dispute(dispute))),
        _ => {}
    }
    out
}

fn new_dispute() -> String {
    let reasons: String = REASONS
        .iter()
        .map(|reason| format!("<option value=\"{reason}\">{}</option>", reason.replace('_', " ")))
        .collect();
    format!(
        "<div class=\"field\"><label for=\"reason\">Reason</label><select id=\"reason\" name=\"reason\">{reasons}</select>\
         </div><div class=\"field\"><label for=\"kind\">Kind</label><select id=\"kind\" name=\"kind\">\
         <option value=\"dispute\">Dispute: the money is taken</option><option value=\"inquiry\">Inquiry: the bank only \
         asks</option></select></div>{}",
        button("dispute", "Open a dispute", "")
    )
}

fn open_dispute(dispute: &Dispute) -> String {
    let evidence = if dispute.evidence.is_empty() { "no evidence yet" } else { "evidence was sent" };
    format!(
        "<p>{} {} for {}, {evidence}.</p><input type=\"hidden\" name=\"dispute\" value=\"{}\">{}{}",
        dispute_state(dispute.status),
        escape(&currency::format(dispute.amount, &dispute.currency)),
        escape(&dispute.reason.replace('_', " ")),
        escape(&dispute.id),
        button("win", "The store wins", ""),
        button("lose", "The store loses", "quiet")
    )
}
