//! Refunds, disputes, customers and webhook endpoints as Stripe writes them.

use serde_json::{Map, Value, json};

use crate::clock;
use crate::records::{Customer, Dispute, Endpoint, Refund};

/// A `refund`.
pub(crate) fn refund(refund: &Refund) -> Value {
    let method = refund.method.as_str();
    let destination = match method {
        "card" => json!({ "card": { "type": "refund" }, "type": "card" }),
        other => json!({ "type": format!("{other}_bank_transfer") }),
    };
    let mut out = json!({
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "balance_transaction": null,
        "charge": refund.charge,
        "created": refund.created,
        "currency": refund.currency,
        "customer": null,
        "customer_account": null,
        "destination_details": destination,
        "metadata": refund.metadata,
        "payment_intent": refund.intent,
        "payment_method": null,
        "reason": refund.reason,
        "receipt_number": null,
        "source_transfer_reversal": null,
        "status": refund.status,
        "transfer_reversal": null,
    });
    if let (Some(reason), Some(fields)) = (&refund.failure_reason, out.as_object_mut()) {
        fields.insert("failure_reason".into(), json!(reason));
    }
    out
}

/// The names of a dispute's evidence, in Stripe's order.
pub(crate) const EVIDENCE: &[&str] = &[
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
];

/// A `dispute`; `refunded` says whether its charge has been refunded in full.
pub(crate) fn dispute(dispute: &Dispute, refunded: bool) -> Value {
    let mut evidence: Map<String, Value> =
        EVIDENCE.iter().map(|name| ((*name).to_owned(), json!(dispute.evidence.get(*name)))).collect();
    evidence.insert("enhanced_evidence".into(), json!({}));
    let network_code = if dispute.reason == "product_not_received" { "13.1" } else { "10.4" };
    let mut out = json!({
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.amount,
        "balance_transactions": [],
        "charge": dispute.charge,
        "created": dispute.created,
        "currency": dispute.currency,
        "enhanced_eligibility_types": [],
        "evidence": evidence,
        "evidence_details": {
            "due_by": dispute.due_by,
            "enhanced_eligibility": {},
            "has_evidence": !dispute.evidence.is_empty(),
            "past_due": dispute.due_by < clock::now(),
            "submission_count": dispute.submissions,
        },
        "is_charge_refundable": dispute.status.is_inquiry() && !refunded,
        "livemode": false,
        "metadata": dispute.metadata,
        "payment_intent": dispute.intent,
        "reason": dispute.reason,
        "status": dispute.status,
    });
    if let (false, Some(fields)) = (dispute.brand.is_empty(), out.as_object_mut()) {
        let details = json!({
            "card": {
                "brand": dispute.brand,
                "case_type": if dispute.status.is_inquiry() { "inquiry" } else { "chargeback" },
                "network": dispute.brand,
                "network_reason_code": network_code,
            },
            "type": "card",
        });
        fields.insert("payment_method_details".into(), details);
    }
    out
}

/// A `customer`, or what is left of a deleted one.
pub(crate) fn customer(customer: &Customer) -> Value {
    if customer.deleted {
        return deleted("customer", &customer.id);
    }
    let address = customer.address.as_ref().map(|address| {
        let part = |name: &str| address.get(name);
        json!({
            "city": part("city"),
            "country": part("country"),
            "line1": part("line1"),
            "line2": part("line2"),
            "postal_code": part("postal_code"),
            "state": part("state"),
        })
    });
    json!({
        "id": customer.id,
        "object": "customer",
        "address": address,
        "balance": 0,
        "created": customer.created,
        "currency": null,
        "default_source": null,
        "delinquent": false,
        "description": customer.description,
        "discount": null,
        "email": customer.email,
        "invoice_prefix": customer.invoice_prefix,
        "invoice_settings": {
            "custom_fields": null,
            "default_payment_method": null,
            "footer": null,
            "rendering_options": null,
        },
        "livemode": false,
        "metadata": customer.metadata,
        "name": customer.name,
        "next_invoice_sequence": 1,
        "phone": customer.phone,
        "preferred_locales": customer.preferred_locales,
        "shipping": null,
        "tax_exempt": customer.tax_exempt.as_deref().unwrap_or("none"),
        "test_clock": null,
    })
}

/// A `webhook_endpoint`; the secret is shown at its creation only.
pub(crate) fn endpoint(endpoint: &Endpoint, with_secret: bool) -> Value {
    let mut out = json!({
        "id": endpoint.id,
        "object": "webhook_endpoint",
        "api_version": endpoint.api_version,
        "application": null,
        "created": endpoint.created,
        "description": endpoint.description,
        "enabled_events": endpoint.events,
        "livemode": false,
        "metadata": endpoint.metadata,
        "status": if endpoint.disabled { "disabled" } else { "enabled" },
        "url": endpoint.url,
    });
    if let (true, Some(fields)) = (with_secret, out.as_object_mut()) {
        fields.insert("secret".into(), json!(endpoint.secret));
    }
    out
}

/// What is left of a deleted object.
pub(crate) fn deleted(what: &str, id: &str) -> Value {
    json!({ "id": id, "object": what, "deleted": true })
}
