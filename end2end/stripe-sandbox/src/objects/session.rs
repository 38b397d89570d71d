//! The Checkout Session and its line items as Stripe writes them.

use serde_json::{Value, json};

use super::address;
use crate::pricing::{LineTotals, WHOLE};
use crate::records::{Item, Session, SessionStatus};

/// A `checkout.session`, without `line_items` (they come by `expand`).
pub(crate) fn session(session: &Session, base_url: &str) -> Value {
    let settings = &session.settings;
    let totals = session.totals();
    let complete = session.status == SessionStatus::Complete;
    let payment_status = match (complete, totals.total) {
        (true, 0) => "no_payment_required",
        (true, _) if session.paid => "paid",
        _ => "unpaid",
    };
    let methods = settings.methods();
    let url = (session.status == SessionStatus::Open).then(|| format!("{base_url}/c/pay/{}", session.id));
    let mut out = json!({
        "id": session.id,
        "object": "checkout.session",
        "adaptive_pricing": { "enabled": settings.adaptive_pricing },
        "after_expiration": null,
        "allow_promotion_codes": settings.allow_promotion_codes,
        "amount_subtotal": totals.subtotal,
        "amount_total": totals.total,
        "automatic_tax": {
            "enabled": settings.automatic_tax,
            "liability": settings.automatic_tax.then(|| json!({ "type": "self" })),
            "provider": settings.automatic_tax.then_some("stripe"),
            "status": match (settings.automatic_tax, complete || session.tax_country.is_some()) {
                (false, _) => None,
                _ if session.tax_fails => Some("failed"),
                (true, true) => Some("complete"),
                (true, false) => Some("requires_location_inputs"),
            },
        },
        "billing_address_collection": settings.billing_address_collection,
        "cancel_url": settings.cancel_url,
        "client_reference_id": settings.client_reference_id,
        "client_secret": null,
        "collected_information": complete.then(|| json!({
            "business_name": session.buyer.as_ref().and_then(|buyer| buyer.business.clone()),
            "individual_name": null,
            "shipping_details": null,
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
        "customer": session.customer,
        "customer_account": null,
        "customer_creation": customer_creation(session),
        "customer_details": customer_details(session),
        "customer_email": settings.customer_email,
        "discounts": session.discount.iter().map(|discount| json!({
            "coupon": discount.promotion_code.is_none().then_some(&discount.coupon),
            "promotion_code": discount.promotion_code,
        })).collect::<Vec<_>>(),
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
        "payment_method_options": method_options(&methods),
        "payment_method_types": methods,
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
        "total_details": {
            "amount_discount": totals.discount,
            "amount_shipping": 0,
            "amount_tax": totals.tax,
        },
        "ui_mode": "hosted_page",
        "url": url,
        "wallet_options": null,
    });
    if let (Some(enabled), Some(fields)) = (settings.tax_id_collection, out.as_object_mut()) {
        fields.insert("tax_id_collection".into(), json!({ "enabled": enabled, "required": "never" }));
    }
    out
}

fn method_options(methods: &[&str]) -> Value {
    let options = methods.iter().filter_map(|method| match *method {
        "card" => Some(("card".to_owned(), json!({ "request_three_d_secure": "automatic" }))),
        "us_bank_account" => Some(("us_bank_account".to_owned(), json!({ "verification_method": "automatic" }))),
        _ => None,
    });
    Value::Object(options.collect())
}

/// Null where a customer was given: there is none to make.
fn customer_creation(session: &Session) -> Value {
    match (&session.settings.customer_creation, &session.customer) {
        (Some(how), _) => json!(how),
        (None, Some(_)) => Value::Null,
        (None, None) => json!("if_required"),
    }
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
    match (&session.buyer, session.given_email()) {
        (Some(buyer), _) => json!({
            "address": address(buyer),
            "business_name": buyer.business,
            "email": buyer.email,
            "individual_name": null,
            "name": buyer.name,
            "phone": null,
            "tax_exempt": "none",
            "tax_ids": buyer.tax_id.iter().map(|id| json!({ "type": crate::tax::kind(id), "value": id })).collect::<Vec<_>>(),
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

/// All line items, each with the price made for it.
pub(crate) fn items(session: &Session) -> Vec<Value> {
    let totals = session.totals();
    session.items.iter().zip(&totals.lines).map(|(row, line)| item(row, line, session)).collect()
}

fn item(item: &Item, line: &LineTotals, session: &Session) -> Value {
    json!({
        "id": item.id,
        "object": "item",
        "adjustable_quantity": null,
        "amount_discount": line.discount,
        "amount_subtotal": line.subtotal,
        "amount_tax": line.tax,
        "amount_total": line.total,
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

/// The product made for a line, as `expand` shows it.
pub(crate) fn product(item: &Item, session: &Session) -> Value {
    json!({
        "id": item.product,
        "object": "product",
        "active": false,
        "created": session.created,
        "default_price": null,
        "description": item.description,
        "images": item.images,
        "livemode": false,
        "marketing_features": [],
        "metadata": item.product_metadata,
        "name": item.name,
        "package_dimensions": null,
        "shippable": null,
        "statement_descriptor": null,
        "tax_code": item.tax_code,
        "type": "service",
        "unit_label": null,
        "updated": session.created,
        "url": null,
    })
}

/// The taxes of a line, as `expand` shows them. `rate` makes the rate object of an id.
pub(crate) fn line_taxes(line: &LineTotals, country: Option<&str>, rate: impl Fn(&str) -> Option<Value>) -> Value {
    let taxes = line.taxes.iter().map(|tax| {
        let shown = match &tax.rate_id {
            Some(id) => rate(id).unwrap_or_else(|| json!(id)),
            None => super::automatic_rate(tax, country),
        };
        json!({
            "amount": tax.amount,
            "rate": shown,
            "taxability_reason": tax.reason,
            "taxable_amount": tax.taxable,
        })
    });
    Value::Array(taxes.collect())
}

/// The discounts of a line, as `expand` shows them.
pub(crate) fn line_discounts(session: &Session, line: &LineTotals) -> Value {
    let discounts = session
        .discount
        .iter()
        .map(|discount| json!({ "amount": line.discount, "discount": super::discount(discount, session) }));
    Value::Array(discounts.collect())
}

/// A percentage as JSON: `19`, `25.5`.
pub(crate) fn percentage(rate: i64) -> Value {
    let step = WHOLE / 100;
    let (whole, fraction) = (rate / step, rate % step);
    let text = format!("{whole}.{fraction:04}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    serde_json::from_str(text).unwrap_or_default()
}
