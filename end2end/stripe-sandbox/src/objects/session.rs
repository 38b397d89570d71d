//! The Checkout Session and its line items as Stripe writes them.

use serde_json::{Value, json};

use super::address;
use crate::records::{Item, Session, SessionStatus};

/// A `checkout.session`, without `line_items` (they come by `expand`).
pub(crate) fn session(session: &Session, base_url: &str) -> Value {
    let settings = &session.settings;
    let total = session.total();
    let complete = session.status == SessionStatus::Complete;
    let payment_status = match (complete, total) {
        (true, 0) => "no_payment_required",
        (true, _) => "paid",
        (false, _) => "unpaid",
    };
    let url = (session.status == SessionStatus::Open).then(|| format!("{base_url}/c/pay/{}", session.id));
    let mut out = json!({
        "id": session.id,
        "object": "checkout.session",
        "adaptive_pricing": { "enabled": settings.adaptive_pricing },
        "after_expiration": null,
        "allow_promotion_codes": settings.allow_promotion_codes,
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {
            "enabled": settings.automatic_tax,
            "liability": settings.automatic_tax.then(|| json!({ "type": "self" })),
            "provider": settings.automatic_tax.then_some("stripe"),
            "status": match (settings.automatic_tax, complete) {
                (false, _) => None,
                (true, true) => Some("complete"),
                (true, false) => Some("requires_location_inputs"),
            },
        },
        "billing_address_collection": settings.billing_address_collection,
        "cancel_url": settings.cancel_url,
        "client_reference_id": settings.client_reference_id,
        "client_secret": null,
        "collected_information": complete.then(|| json!({
            "business_name": null, "individual_name": null, "shipping_details": null,
        })),
        "consent": consent(session, complete),
        "consent_collection": settings.consent.as_ref().map(|consent| json!({
            "payment_method_reuse_agreement": null,
            "promotions": consent.promotions,
            "terms_of_service": consent.terms_of_service,
        })),
        "created": session.created,
        "currency": session.currency,
        "currency_conversion": null,
        "custom_fields": [],
        "custom_text": {
            "after_submit": message(settings.custom_text.after_submit.as_deref()),
            "shipping_address": message(settings.custom_text.shipping_address.as_deref()),
            "submit": message(settings.custom_text.submit.as_deref()),
            "terms_of_service_acceptance": message(settings.custom_text.terms_of_service_acceptance.as_deref()),
        },
        "customer": null,
        "customer_account": null,
        "customer_creation": "if_required",
        "customer_details": customer_details(session),
        "customer_email": settings.customer_email,
        "discounts": [],
        "expires_at": session.expires_at,
        "integration_identifier": null,
        "invoice": null,
        "invoice_creation": {
            "enabled": false,
            "invoice_data": {
                "account_tax_ids": null,
                "custom_fields": null,
                "description": null,
                "footer": null,
                "issuer": null,
                "metadata": {},
                "rendering_options": null,
            },
        },
        "livemode": false,
        "locale": settings.locale,
        "managed_payments": { "enabled": false },
        "metadata": settings.metadata,
        "mode": "payment",
        "origin_context": null,
        // Null until paid, as in current API versions.
        "payment_intent": session.intent.as_ref().filter(|_| complete),
        "payment_link": null,
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": null,
        "payment_method_options": { "card": { "request_three_d_secure": "automatic" } },
        "payment_method_types": ["card"],
        "payment_status": payment_status,
        "permissions": null,
        "phone_number_collection": { "enabled": false },
        "recovered_from": null,
        "saved_payment_method_options": null,
        "setup_intent": null,
        "shipping_address_collection": null,
        "shipping_cost": null,
        "shipping_options": [],
        "status": session.status,
        "submit_type": settings.submit_type,
        "subscription": null,
        "success_url": settings.success_url,
        "total_details": { "amount_discount": 0, "amount_shipping": 0, "amount_tax": 0 },
        "ui_mode": "hosted_page",
        "url": url,
        "wallet_options": null,
    });
    if let (Some(enabled), Some(fields)) = (settings.tax_id_collection, out.as_object_mut()) {
        fields.insert("tax_id_collection".into(), json!({ "enabled": enabled, "required": "never" }));
    }
    out
}

fn message(text: Option<&str>) -> Value {
    text.map_or(Value::Null, |text| json!({ "message": text }))
}

fn consent(session: &Session, complete: bool) -> Value {
    match &session.settings.consent {
        None => Value::Null,
        Some(consent) => json!({
            "promotions": null,
            "terms_of_service":
                (complete && consent.terms_of_service.as_deref() == Some("required")).then_some("accepted"),
        }),
    }
}

fn customer_details(session: &Session) -> Value {
    match (&session.buyer, &session.settings.customer_email) {
        (Some(buyer), _) => json!({
            "address": address(buyer),
            "business_name": null,
            "email": buyer.email,
            "individual_name": null,
            "name": buyer.name,
            "phone": null,
            "tax_exempt": "none",
            "tax_ids": [],
        }),
        (None, Some(email)) => json!({
            "address": null,
            "business_name": null,
            "email": email,
            "individual_name": null,
            "name": null,
            "phone": null,
            "tax_exempt": "none",
            "tax_ids": null,
        }),
        (None, None) => Value::Null,
    }
}

/// A line item, with the price made for it.
pub(crate) fn item(item: &Item, session: &Session) -> Value {
    json!({
        "id": item.id,
        "object": "item",
        "adjustable_quantity": null,
        "amount_discount": 0,
        "amount_subtotal": item.total(),
        "amount_tax": 0,
        "amount_total": item.total(),
        "currency": session.currency,
        "description": item.name,
        "metadata": {},
        "price": {
            "id": item.price,
            "object": "price",
            // A price made for one session is not for sale again.
            "active": false,
            "billing_scheme": "per_unit",
            "created": session.created,
            "currency": session.currency,
            "custom_unit_amount": null,
            "livemode": false,
            "lookup_key": null,
            "metadata": {},
            "nickname": null,
            "product": item.product,
            "recurring": null,
            "tax_behavior": item.tax_behavior,
            "tiers_mode": null,
            "transform_quantity": null,
            "type": "one_time",
            "unit_amount": item.unit_amount,
            "unit_amount_decimal": item.unit_amount.to_string(),
        },
        "quantity": item.quantity,
    })
}
