//! Payment intents, payment methods and charges as Stripe writes them.

use serde_json::{Value, json};

use super::address;
use crate::records::{Buyer, Charge, Failure, Intent, IntentStatus, Method};

/// A `payment_intent`.
pub(crate) fn intent(intent: &Intent, base_url: &str) -> Value {
    let settings = &intent.settings;
    let waiting = intent.status == IntentStatus::RequiresAction;
    let received = if intent.status == IntentStatus::Succeeded { intent.amount } else { 0 };
    // A card that failed is taken off the intent again.
    let method = intent
        .method
        .as_ref()
        .filter(|_| matches!(intent.status, IntentStatus::RequiresAction | IntentStatus::Succeeded));
    json!({
        "id": intent.id,
        "object": "payment_intent",
        "amount": intent.amount,
        "amount_capturable": 0,
        "amount_details": { "tip": {} },
        "amount_received": received,
        "application": null,
        "application_fee_amount": null,
        "automatic_payment_methods": null,
        "canceled_at": intent.canceled_at,
        "cancellation_reason": intent.canceled_at.map(|_| "automatic"),
        "capture_method": "automatic_async",
        "client_secret": intent.client_secret,
        "confirmation_method": "automatic",
        "created": intent.created,
        "currency": intent.currency,
        "customer": null,
        "customer_account": null,
        "description": settings.description,
        "excluded_payment_method_types": null,
        "last_payment_error": intent.last_error.as_ref().map(failure),
        "latest_charge": intent.latest_charge,
        "livemode": false,
        "managed_payments": { "enabled": false },
        "metadata": settings.metadata,
        "next_action": waiting.then(|| json!({
            "type": "redirect_to_url",
            "redirect_to_url": {
                "return_url": format!("{base_url}/c/pay/{}", intent.session),
                "url": format!("{base_url}/c/pay/{}/authenticate", intent.session),
            },
        })),
        "on_behalf_of": null,
        "payment_method": method.map(|method| method.id.as_str()),
        "payment_method_configuration_details": null,
        "payment_method_options": {
            "card": {
                "installments": null,
                "mandate_options": null,
                "network": null,
                "request_three_d_secure": "automatic",
            },
        },
        "payment_method_types": ["card"],
        "processing": null,
        "receipt_email": settings.receipt_email,
        "review": null,
        "setup_future_usage": null,
        "shipping": null,
        "source": null,
        "statement_descriptor": settings.statement_descriptor,
        "statement_descriptor_suffix": settings.statement_descriptor_suffix,
        "status": intent.status,
        "transfer_data": null,
        "transfer_group": null,
    })
}

fn failure(failure: &Failure) -> Value {
    let mut out = json!({
        "code": failure.code,
        "doc_url": format!("https://stripe.com/docs/error-codes/{}", failure.code.replace('_', "-")),
        "message": failure.message,
        "payment_method": method(&failure.method),
        "type": "card_error",
    });
    if let Some(fields) = out.as_object_mut() {
        if let Some(charge) = &failure.charge {
            fields.insert("charge".into(), json!(charge));
        }
        if let Some(code) = &failure.decline_code {
            fields.insert("decline_code".into(), json!(code));
        }
    }
    out
}

/// A `payment_method` of type `card`.
pub(crate) fn method(method: &Method) -> Value {
    let card = &method.card;
    json!({
        "id": method.id,
        "object": "payment_method",
        "allow_redisplay": "limited",
        "billing_details": billing(&method.buyer),
        "card": {
            "brand": card.brand,
            "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" },
            "country": "US",
            "display_brand": card.brand,
            "exp_month": card.exp_month,
            "exp_year": card.exp_year,
            "fingerprint": fingerprint(method),
            "funding": "credit",
            "generated_from": null,
            "last4": card.last4,
            "networks": { "available": [card.brand], "preferred": null },
            "regulated_status": "unregulated",
            "three_d_secure_usage": { "supported": true },
            "wallet": null,
        },
        "created": method.created,
        "customer": null,
        "customer_account": null,
        "livemode": false,
        "metadata": {},
        "type": "card",
    })
}

/// A `charge`.
pub(crate) fn charge(charge: &Charge) -> Value {
    let settings = &charge.settings;
    let paid = charge.failure.is_none();
    let (failure_code, decline_code, failure_message) = match &charge.failure {
        Some((code, decline, message)) => (Some(code), decline.as_ref(), Some(message)),
        None => (None, None, None),
    };
    let outcome = if paid {
        json!({
            "advice_code": null,
            "network_advice_code": null,
            "network_decline_code": null,
            "network_status": "approved_by_network",
            "reason": null,
            "seller_message": "Payment complete.",
            "type": "authorized",
        })
    } else {
        json!({
            "advice_code": null,
            "network_advice_code": null,
            "network_decline_code": null,
            "network_status": "declined_by_network",
            "reason": decline_code.or(failure_code),
            "seller_message": "The bank did not return any further details with this decline.",
            "type": "issuer_declined",
        })
    };
    json!({
        "id": charge.id,
        "object": "charge",
        "amount": charge.amount,
        "amount_captured": if paid { charge.amount } else { 0 },
        "amount_refunded": 0,
        "application": null,
        "application_fee": null,
        "application_fee_amount": null,
        "balance_transaction": null,
        "billing_details": billing(&charge.method.buyer),
        "calculated_statement_descriptor": settings.statement_descriptor.as_deref().unwrap_or("SANDBOX"),
        "captured": paid,
        "created": charge.created,
        "currency": charge.currency,
        "customer": null,
        "description": settings.description,
        "disputed": false,
        "failure_balance_transaction": null,
        "failure_code": failure_code,
        "failure_message": failure_message,
        "fraud_details": {},
        "livemode": false,
        "metadata": settings.metadata,
        "on_behalf_of": null,
        "outcome": outcome,
        "paid": paid,
        "payment_intent": charge.intent,
        "payment_method": charge.method.id,
        "payment_method_details": { "card": card_details(charge, paid), "type": "card" },
        "receipt_email": settings.receipt_email,
        "receipt_number": null,
        "receipt_url": null,
        "refunded": false,
        "refunds": super::list(&format!("/v1/charges/{}/refunds", charge.id), Vec::new(), false),
        "review": null,
        "shipping": null,
        "source": null,
        "source_transfer": null,
        "statement_descriptor": settings.statement_descriptor,
        "statement_descriptor_suffix": settings.statement_descriptor_suffix,
        "status": if paid { "succeeded" } else { "failed" },
        "transfer_data": null,
        "transfer_group": null,
    })
}

fn card_details(charge: &Charge, paid: bool) -> Value {
    let card = &charge.method.card;
    json!({
        "amount_authorized": paid.then_some(charge.amount),
        "authorization_code": null,
        "brand": card.brand,
        "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" },
        "country": "US",
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "extended_authorization": { "status": "disabled" },
        "fingerprint": fingerprint(&charge.method),
        "funding": "credit",
        "incremental_authorization": { "status": "unavailable" },
        "installments": null,
        "last4": card.last4,
        "mandate": null,
        "multicapture": { "status": "unavailable" },
        "network": card.brand,
        "network_token": { "used": false },
        "network_transaction_id": null,
        "overcapture": { "maximum_amount_capturable": charge.amount, "status": "unavailable" },
        "regulated_status": "unregulated",
        "three_d_secure": card.authenticates.then(|| json!({
            "authentication_flow": "challenge",
            "electronic_commerce_indicator": "05",
            "exemption_indicator": null,
            "result": "authenticated",
            "result_reason": null,
            "transaction_id": null,
            "version": "2.2.0",
        })),
        "transaction_link_id": null,
        "wallet": null,
    })
}

fn billing(buyer: &Buyer) -> Value {
    json!({
        "address": address(buyer),
        "email": buyer.email,
        "name": buyer.name,
        "phone": null,
        "tax_id": null,
    })
}

/// The same for the same card, and nothing that leads back to its number.
fn fingerprint(method: &Method) -> String {
    let card = &method.card;
    format!("Sandbox{}{:02}{}", card.last4, card.exp_month, card.exp_year % 100)
}
