//! Payment intents, payment methods and charges as Stripe writes them.

use serde_json::{Value, json};

use super::address;
use crate::cards::CardSummary;
use crate::records::{BankSummary, Buyer, Charge, ChargeStatus, Failure, Intent, IntentStatus, Means, Method};

/// A `payment_intent`.
pub(crate) fn intent(intent: &Intent, base_url: &str) -> Value {
    let settings = &intent.settings;
    let waiting = intent.status == IntentStatus::RequiresAction;
    let received = if intent.status == IntentStatus::Succeeded { intent.amount } else { 0 };
    // A card that failed is taken off the intent again.
    let method = intent.method.as_ref().filter(|_| {
        matches!(intent.status, IntentStatus::RequiresAction | IntentStatus::Processing | IntentStatus::Succeeded)
    });
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
        "customer": intent.customer,
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
        "payment_method_options": method_options(intent),
        "payment_method_types": intent.methods,
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

fn method_options(intent: &Intent) -> Value {
    let options = intent.methods.iter().map(|method| {
        let option = match method.as_str() {
            "card" => json!({
                "installments": null,
                "mandate_options": null,
                "network": null,
                "request_three_d_secure": "automatic",
            }),
            "us_bank_account" => json!({ "verification_method": "automatic" }),
            _ => json!({}),
        };
        (method.clone(), option)
    });
    Value::Object(options.collect())
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

/// A `payment_method`.
pub(crate) fn method(method: &Method) -> Value {
    let kind = method.means.kind();
    let mut out = json!({
        "id": method.id,
        "object": "payment_method",
        "allow_redisplay": "limited",
        "billing_details": billing(&method.buyer),
        "created": method.created,
        "customer": null,
        "customer_account": null,
        "livemode": false,
        "metadata": {},
        "type": kind,
    });
    let details = match &method.means {
        Means::Card(card) => json!({
            "brand": card.brand,
            "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" },
            "country": card.country,
            "display_brand": card.brand,
            "exp_month": card.exp_month,
            "exp_year": card.exp_year,
            "fingerprint": fingerprint(card),
            "funding": "credit",
            "generated_from": null,
            "last4": card.last4,
            "networks": { "available": [card.brand], "preferred": null },
            "regulated_status": "unregulated",
            "three_d_secure_usage": { "supported": true },
            "wallet": null,
        }),
        Means::Bank(bank) => bank_method(bank),
    };
    if let Some(fields) = out.as_object_mut() {
        fields.insert(kind.to_owned(), details);
    }
    out
}

fn bank_method(bank: &BankSummary) -> Value {
    if bank.kind == "sepa_debit" {
        return json!({
            "bank_code": bank.bank_code,
            "branch_code": "",
            "country": bank.country,
            "fingerprint": bank_fingerprint(bank),
            "generated_from": { "charge": null, "setup_attempt": null },
            "last4": bank.last4,
        });
    }
    json!({
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "financial_connections_account": null,
        "fingerprint": bank_fingerprint(bank),
        "last4": bank.last4,
        "networks": { "preferred": "ach", "supported": ["ach"] },
        "routing_number": bank.bank_code,
        "status_details": {},
    })
}

/// A `charge`.
pub(crate) fn charge(charge: &Charge) -> Value {
    let settings = &charge.settings;
    let paid = charge.status == ChargeStatus::Succeeded;
    let failed = charge.status == ChargeStatus::Failed;
    let (failure_code, decline_code, failure_message) = match &charge.failure {
        Some((code, decline, message)) => (Some(code), decline.as_ref(), Some(message)),
        None => (None, None, None),
    };
    let outcome = if !failed {
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
        "amount_captured": if failed { 0 } else { charge.amount },
        "amount_refunded": charge.refunded,
        "application": null,
        "application_fee": null,
        "application_fee_amount": null,
        "balance_transaction": null,
        "billing_details": billing(&charge.method.buyer),
        "calculated_statement_descriptor": settings.statement_descriptor.as_deref().unwrap_or("SANDBOX"),
        "captured": !failed,
        "created": charge.created,
        "currency": charge.currency,
        "customer": charge.customer,
        "description": settings.description,
        "disputed": charge.disputed,
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
        "payment_method_details": details(charge, failed),
        "receipt_email": settings.receipt_email,
        "receipt_number": null,
        "receipt_url": null,
        "refunded": charge.refunded >= charge.amount && paid,
        "review": null,
        "shipping": null,
        "source": null,
        "source_transfer": null,
        "statement_descriptor": settings.statement_descriptor,
        "statement_descriptor_suffix": settings.statement_descriptor_suffix,
        "status": charge.status,
        "transfer_data": null,
        "transfer_group": null,
    })
}

fn details(charge: &Charge, failed: bool) -> Value {
    let details = match &charge.method.means {
        Means::Card(card) => card_details(charge, card, failed),
        Means::Bank(bank) => bank_details(bank),
    };
    let kind = charge.method.means.kind();
    json!({ kind: details, "type": kind })
}

fn bank_details(bank: &BankSummary) -> Value {
    if bank.kind == "sepa_debit" {
        return json!({
            "bank_code": bank.bank_code,
            "branch_code": "",
            "country": bank.country,
            "expected_debit_date": null,
            "fingerprint": bank_fingerprint(bank),
            "last4": bank.last4,
            "mandate": null,
        });
    }
    json!({
        "account_holder_type": "individual",
        "account_type": "checking",
        "bank_name": "STRIPE TEST BANK",
        "expected_debit_date": null,
        "fingerprint": bank_fingerprint(bank),
        "last4": bank.last4,
        "mandate": null,
        "payment_reference": null,
        "routing_number": bank.bank_code,
    })
}

fn card_details(charge: &Charge, card: &CardSummary, failed: bool) -> Value {
    json!({
        "amount_authorized": (!failed).then_some(charge.amount),
        "authorization_code": null,
        "brand": card.brand,
        "checks": { "address_line1_check": null, "address_postal_code_check": null, "cvc_check": "pass" },
        "country": card.country,
        "exp_month": card.exp_month,
        "exp_year": card.exp_year,
        "extended_authorization": { "status": "disabled" },
        "fingerprint": fingerprint(card),
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
fn fingerprint(card: &CardSummary) -> String {
    format!("Sandbox{}{:02}{}", card.last4, card.exp_month, card.exp_year % 100)
}

fn bank_fingerprint(bank: &BankSummary) -> String {
    format!("SandboxBank{}", bank.last4)
}
