//! Stripe's JSON objects, made from the records. Field by field as in Stripe's published samples.

mod discount;
mod money;
mod payment;
mod session;

pub(crate) use discount::{automatic_rate, coupon, discount, promotion_code, tax_code, tax_rate};
pub(crate) use money::{EVIDENCE, customer, deleted, dispute, endpoint, refund};
pub(crate) use payment::{charge, intent, method};
pub(crate) use session::{items, line_discounts, line_taxes, product, session};

use serde_json::{Value, json};

use crate::records::{Buyer, Event};

/// The API version the objects follow.
pub(crate) const API_VERSION: &str = "2026-09-30.endive";

/// An event; `pending` is the number of endpoints still to be told.
pub(crate) fn event(event: &Event, pending: usize) -> Value {
    // It was written by this program.
    let object: Value = serde_json::from_str(&event.object).unwrap_or_default();
    json!({
        "id": event.id,
        "object": "event",
        "api_version": API_VERSION,
        "created": event.created,
        "data": { "object": object },
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
        "line2": buyer.line2,
        "postal_code": buyer.postal_code,
        "state": buyer.state,
    })
}
