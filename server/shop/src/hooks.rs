//! Webhooks of our own: programs that the owner names are told what happens in the store, in the form of the Standard
//! Webhooks specification (<https://www.standardwebhooks.com>). `docs/webhooks.md` says what is told and how to check it.
//!
//! What happens is written down in the transaction in which it happens, once, with a row for each endpoint that listens for
//! it; nobody listening, nothing is written. A worker sends later, at least once and always under the same id, from
//! addresses and to addresses that it has looked at itself ([`Reach`]). No message names a buyer.

mod address;
mod client;
mod endpoints;
mod events;
mod keeping;
mod log;
mod pieces;
mod sending;
mod signing;

pub use address::{Answers, BadAddress, Names, Reach};
pub(crate) use client::Courier;
pub use endpoints::{Endpoint, EndpointState, NewEndpoint, NotSaved, WhyDisabled, form_name};
pub use events::EventType;
pub(crate) use events::{Change, DownloadBy, Issued, Listeners, document_issued, refund_came_to, rights_changed};
pub use log::{Attempt, Delivery, DeliveryPage, DeliveryQuery, DeliveryState, NotSent, Sheet};
pub use sending::AT_ONCE;

/// How an endpoint is called in the audit.
fn object(id: i64) -> String {
    format!("webhook:{id}")
}
