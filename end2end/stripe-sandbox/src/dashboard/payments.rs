//! The list of sessions, newest first.

use super::layout::{self, Tab, pager, time};
use super::{Place, ROWS};
use crate::currency;
use crate::page::html::escape;
use crate::records::{ChargeStatus, Session, SessionStatus};
use crate::state::State;
use crate::table::{Record, Table};

/// One page of a table: the rows, and the cursors to the newer and the older ones.
pub(super) fn cut<'a, T: Record>(
    table: &'a Table<T>,
    key: Option<&str>,
    place: &Place,
) -> (Vec<&'a T>, Option<String>, Option<String>) {
    let mut rows: Vec<&T> = match place.before.as_deref().and_then(|id| table.place(id)) {
        Some(above) => {
            let mut rows: Vec<&T> = table.oldest_above(key, above).take(ROWS).collect();
            rows.reverse();
            rows
        }
        None => {
            let below = place.after.as_deref().and_then(|id| table.place(id));
            table.newest(key, below).map(|(_, row)| row).take(ROWS).collect()
        }
    };
    rows.truncate(ROWS);
    let newer = rows
        .first()
        .filter(|row| table.place(row.id()).is_some_and(|place| table.oldest_above(key, place).next().is_some()));
    let older = rows
        .last()
        .filter(|row| table.newest(key, table.place(row.id())).next().is_some())
        .map(|row| row.id().to_owned());
    let newer = newer.map(|row| row.id().to_owned());
    (rows, newer, older)
}

/// Where a payment stands, as a coloured word.
pub(super) fn standing(state: &State, session: &Session) -> String {
    let charge = session
        .intent
        .as_deref()
        .and_then(|id| state.intents.get(id))
        .and_then(|intent| intent.latest_charge.as_deref())
        .and_then(|id| state.charges.get(id));
    let (tone, word) = match (session.status, charge) {
        (SessionStatus::Expired, _) => ("calm", "Expired"),
        (SessionStatus::Open, Some(_)) => ("busy", "Declined, open"),
        (SessionStatus::Open, None) => ("busy", "Open"),
        (SessionStatus::Complete, None) => ("good", "Free"),
        (SessionStatus::Complete, Some(charge)) => {
            let dispute = crate::disputing::of(state, &charge.id).filter(|dispute| !dispute.status.is_closed());
            match charge.status {
                _ if dispute.is_some() => ("bad", "Disputed"),
                ChargeStatus::Pending => ("busy", "Processing"),
                ChargeStatus::Failed => ("bad", "Failed"),
                ChargeStatus::Succeeded if charge.refunded >= charge.amount => ("calm", "Refunded"),
                ChargeStatus::Succeeded if charge.refunded > 0 => ("calm", "Partly refunded"),
                ChargeStatus::Succeeded => ("good", "Paid"),
            }
        }
    };
    layout::state(tone, word)
}

/// The whole page.
pub(super) fn page(state: &State, place: &Place) -> String {
    let status = place.status.as_deref().filter(|status| matches!(*status, "open" | "complete" | "expired"));
    let key = status.map(|status| format!("status={status}"));
    let (rows, newer, older) = cut(&state.sessions, key.as_deref(), place);
    let filter: String =
        [(None, "All"), (Some("open"), "Open"), (Some("complete"), "Complete"), (Some("expired"), "Expired")]
            .into_iter()
            .map(|(value, name)| {
                let url = value.map_or_else(|| "/dashboard".to_owned(), |value| format!("/dashboard?status={value}"));
                let current = if value == status { " aria-current=\"true\"" } else { "" };
                let count =
                    value.map_or(state.sessions.len(), |value| state.sessions.count(&format!("status={value}")));
                format!("<li><a href=\"{url}\"{current}>{name} <span class=\"count\">{count}</span></a></li>")
            })
            .collect();
    let mut body =
        format!("<h1>Payments</h1>\n<nav class=\"filter\" aria-label=\"By state\"><ul>{filter}</ul></nav>\n");
    if rows.is_empty() {
        body.push_str("<p class=\"empty\">Nothing here yet. A session appears when a store creates one.</p>\n");
    } else {
        let rows: String = rows.into_iter().map(|session| row(state, session)).collect();
        body.push_str(&format!(
            "<table class=\"rows\"><thead><tr><th scope=\"col\">Amount</th><th scope=\"col\">State</th>\
             <th scope=\"col\">Order</th><th scope=\"col\">E-mail</th><th scope=\"col\">Created (UTC)</th></tr></thead>\
             <tbody>{rows}</tbody></table>\n"
        ));
    }
    let base = status.map_or_else(|| "/dashboard".to_owned(), |status| format!("/dashboard?status={status}"));
    body.push_str(&pager(&base, newer.as_deref(), older.as_deref()));
    layout::page(Tab::Payments, "Payments", place.flash().as_ref(), &body)
}

fn row(state: &State, session: &Session) -> String {
    let first = session.items.first().map_or("", |item| item.name.as_str());
    let more = match session.items.len() {
        0 | 1 => String::new(),
        count => format!(" <span class=\"quiet\">+ {} more</span>", count - 1),
    };
    format!(
        "<tr><th scope=\"row\"><a href=\"/dashboard/payments/{}\">{}</a></th><td>{}</td><td class=\"wide\">{}{more}</td>\
         <td class=\"wide\">{}</td><td class=\"when\">{}</td></tr>\n",
        escape(&session.id),
        escape(&currency::format(session.total(), &session.currency)),
        standing(state, session),
        escape(first),
        session.email().map_or_else(|| "<span class=\"quiet\">not given yet</span>".to_owned(), escape),
        time(session.created)
    )
}
