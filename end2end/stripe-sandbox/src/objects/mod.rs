//! Stripe's JSON objects, made from the records. Field by field as in Stripe's published samples.

mod payment;
mod session;

pub(crate) use payment::{charge, intent, method};
pub(crate) use session::{item, session};

use serde_json::{Value, json};

use crate::records::{Buyer, Event};

/// The API version the objects follow.
pub(crate) const API_VERSION: &str = "2026-09-30.endive";

/// An event; `pending` is the number of endpoints still to be told.
pub(crate) fn event(event: &Event, pending: usize) -> Value {
    json!({
        "id": event.id,
        "object": "event",
        "api_version": API_VERSION,
        "created": event.created,
        "data": { "object": event.object },
        "livemode": false,
        "pending_webhooks": pending,
        "request": { "id": event.cause.request, "idempotency_key": event.cause.idempotency_key },
        "type": event.kind,
    })
}

/// A list object around one page of rows.
pub(crate) fn list(url: &str, data: Vec<Value>, has_more: bool) -> Value {
    json!({ "object": "list", "data": data, "has_more": has_more, "url": url })
}

fn address(buyer: &Buyer) -> Value {
    json!({
        "city": buyer.city,
        "country": buyer.country,
        "line1": buyer.line1,
        "line2": null,
        "postal_code": buyer.postal_code,
        "state": null,
    })
}
