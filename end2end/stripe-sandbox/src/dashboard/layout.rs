//! What all pages of the dashboard share.

use chrono::{TimeZone as _, Utc};

use crate::page::html::{document_with, escape};

/// Where one is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tab {
    Payments,
    Events,
    Webhooks,
}

/// What is said at the top of a page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Flash {
    Done(&'static str),
    Problem(String),
}

impl Flash {
    /// The sentence for what was done; the address only names it, so that a link cannot put words here.
    pub(super) fn of(done: &str) -> Option<Self> {
        Some(Self::Done(match done {
            "refunded" => "The refund was made.",
            "disputed" => "The dispute was opened.",
            "won" => "The dispute was won.",
            "lost" => "The dispute was lost.",
            "refund_done" => "The refund succeeded.",
            "refund_failed" => "The refund failed.",
            "settled" => "The bank debit succeeded.",
            "settle_failed" => "The bank debit failed.",
            "expired" => "The session expired.",
            "resent" => "The event is sent again.",
            "added" => "The endpoint was added.",
            "enabled" => "The endpoint was enabled.",
            "disabled" => "The endpoint was disabled.",
            "removed" => "The endpoint was removed.",
            _ => return None,
        }))
    }

    fn html(&self) -> String {
        match self {
            Self::Done(text) => format!("<p class=\"flash\" role=\"status\">{}</p>\n", escape(text)),
            Self::Problem(text) => format!("<p class=\"flash bad\" role=\"alert\">{}</p>\n", escape(text)),
        }
    }
}

/// A whole page.
pub(super) fn page(tab: Tab, title: &str, flash: Option<&Flash>, body: &str) -> String {
    let link = |this: Tab, url: &str, name: &str| {
        let current = if this == tab { " aria-current=\"page\"" } else { "" };
        format!("<li><a href=\"{url}\"{current}>{name}</a></li>")
    };
    let nav = [
        link(Tab::Payments, "/dashboard", "Payments"),
        link(Tab::Events, "/dashboard/events", "Events"),
        link(Tab::Webhooks, "/dashboard/webhooks", "Webhooks"),
    ]
    .concat();
    let flash = flash.map(Flash::html).unwrap_or_default();
    let body = format!(
        "<a class=\"skip\" href=\"#main\">Skip to the content</a>\n<header class=\"top\"><p class=\"brand\">stripe-sandbox \
         <span class=\"badge\">Test mode</span></p>\n<nav aria-label=\"Dashboard\"><ul>{nav}</ul></nav></header>\n\
         <main id=\"main\">\n{flash}{body}</main>\n<footer><p>stripe-sandbox is a stand-in for Stripe. No real money is \
         moved.</p></footer>\n"
    );
    document_with(&format!("{title} – stripe-sandbox"), "/_sandbox/dashboard.css", &body)
}

/// A time for people and machines, UTC.
pub(super) fn time(seconds: i64) -> String {
    match Utc.timestamp_opt(seconds, 0).single() {
        Some(at) => format!(
            "<time datetime=\"{}\">{}</time>",
            at.format("%Y-%m-%dT%H:%M:%SZ"),
            at.format("%-d %b %Y, %H:%M:%S")
        ),
        None => String::new(),
    }
}

/// A state as a coloured word. `tone` is `good`, `bad`, `busy` or `calm`.
pub(super) fn state(tone: &str, word: &str) -> String {
    format!("<span class=\"state {tone}\">{}</span>", escape(word))
}

/// The links between pages of a list.
pub(super) fn pager(base: &str, newer: Option<&str>, older: Option<&str>) -> String {
    if newer.is_none() && older.is_none() {
        return String::new();
    }
    let joint = if base.contains('?') { "&amp;" } else { "?" };
    let link = |name: &str, label: &str, id: Option<&str>| match id {
        Some(id) => {
            format!("<a class=\"button quiet\" rel=\"{label}\" href=\"{base}{joint}{label}={}\">{name}</a>", escape(id))
        }
        None => String::new(),
    };
    let newer = link("Newer", "before", newer).replace("rel=\"before\"", "rel=\"prev\"");
    let older = link("Older", "after", older).replace("rel=\"after\"", "rel=\"next\"");
    format!("<nav class=\"pager\" aria-label=\"Pages\">{newer}{older}</nav>\n")
}
