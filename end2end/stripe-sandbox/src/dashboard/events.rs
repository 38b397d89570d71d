//! The log of events: what was told to whom, and the button that tells it again.

use serde_json::Value;

use super::Place;
use super::layout::{self, Flash, Tab, pager, time};
use super::payments::cut;
use crate::objects;
use crate::page::html::escape;
use crate::records::{Delivery, DeliveryStatus, Event};
use crate::state::State;

/// The list, newest first.
pub(super) fn list(state: &State, place: &Place) -> String {
    let (rows, newer, older) = cut(&state.events, None, place);
    let mut body = "<h1>Events</h1>\n".to_owned();
    if rows.is_empty() {
        body.push_str("<p class=\"empty\">Nothing has happened yet.</p>\n");
    } else {
        let rows: String = rows.into_iter().map(|event| row(state, event)).collect();
        body.push_str(&format!(
            "<table class=\"rows\"><thead><tr><th scope=\"col\">Type</th><th scope=\"col\">Deliveries</th>\
             <th scope=\"col\">Time (UTC)</th><th scope=\"col\">Send again</th></tr></thead><tbody>{rows}</tbody></table>\n"
        ));
    }
    body.push_str(&pager("/dashboard/events", newer.as_deref(), older.as_deref()));
    layout::page(Tab::Events, "Events", place.flash().as_ref(), &body)
}

fn row(state: &State, event: &Event) -> String {
    let deliveries: Vec<&Delivery> = state.deliveries.of(&format!("event={}", event.id)).collect();
    let count = |status| deliveries.iter().filter(|delivery| delivery.status == status).count();
    let mut told = String::new();
    for (status, tone, word) in [
        (DeliveryStatus::Delivered, "good", "delivered"),
        (DeliveryStatus::Pending, "busy", "pending"),
        (DeliveryStatus::Failed, "bad", "failed"),
        (DeliveryStatus::Dropped, "bad", "dropped"),
    ] {
        let count = count(status);
        if count > 0 {
            told.push_str(&layout::state(tone, &format!("{count} {word}")));
            told.push(' ');
        }
    }
    if told.is_empty() {
        told = "<span class=\"quiet\">nobody to tell</span>".to_owned();
    }
    format!(
        "<tr><th scope=\"row\"><a href=\"/dashboard/events/{id}\">{}</a></th><td class=\"wide\">{told}</td>\
         <td class=\"when\">{}</td><td class=\"act\">{}</td></tr>\n",
        escape(&event.kind),
        time(event.created),
        resend(&event.id, &event.kind),
        id = escape(&event.id),
    )
}

fn resend(id: &str, kind: &str) -> String {
    format!(
        "<form method=\"post\" action=\"/dashboard/events/{}\"><button class=\"quiet small\" type=\"submit\">Resend\
         <span class=\"hidden\"> {}</span></button></form>",
        escape(id),
        escape(kind)
    )
}

/// One event with its deliveries and its object; `None` when there is no such event.
pub(super) fn one(state: &State, id: &str, flash: Option<&Flash>) -> Option<String> {
    let event = state.events.get(id)?;
    let rows: String = state.deliveries.of(&format!("event={id}")).map(delivery).collect();
    let deliveries = if rows.is_empty() {
        "<p class=\"empty\">It was sent to nobody.</p>".to_owned()
    } else {
        format!("<ul class=\"list\">{rows}</ul>")
    };
    let whole: Value = objects::event(event, state.undelivered(id));
    let body = format!(
        "<p class=\"back\"><a href=\"/dashboard/events\"><span aria-hidden=\"true\">←</span> All events</a></p>\n\
         <h1>{}</h1>\n<p class=\"quiet\">{} · <code>{}</code></p>\n{}\n\
         <section aria-labelledby=\"deliveries\"><h2 id=\"deliveries\">Deliveries</h2>{deliveries}</section>\n\
         <section aria-labelledby=\"object\"><h2 id=\"object\">Event</h2><pre tabindex=\"0\" aria-label=\"Event as JSON\">\
         {}</pre></section>\n",
        escape(&event.kind),
        time(event.created),
        escape(id),
        resend(id, &event.kind),
        escape(&format!("{whole:#}"))
    );
    Some(layout::page(Tab::Events, &event.kind, flash, &body))
}

fn delivery(delivery: &Delivery) -> String {
    let (tone, word) = match delivery.status {
        DeliveryStatus::Delivered => ("good", "Delivered"),
        DeliveryStatus::Pending => ("busy", "Pending"),
        DeliveryStatus::Failed => ("bad", "Failed"),
        DeliveryStatus::Dropped => ("bad", "Dropped"),
    };
    let problem = delivery.last_error.as_ref().map(|error| format!(", {}", escape(error))).unwrap_or_default();
    let times = if delivery.attempts == 1 { "attempt" } else { "attempts" };
    format!(
        "<li><span>{} <code>{}</code> <span class=\"quiet\">{} {times}{problem}</span></span></li>",
        layout::state(tone, word),
        escape(&delivery.url),
        delivery.attempts
    )
}
