//! `POST /v1/checkout/sessions`: reading and checking what the store asks for.

use super::items::{self, LARGEST};
use super::{Answer, Call, expand};
use crate::error::ApiError;
use crate::params::Params;
use crate::records::{Consent, CustomText, Discount, IntentSettings, Session, SessionStatus, Settings};
use crate::state::State;
use crate::{clock, currency, ids, objects, promotion};

const HALF_HOUR: i64 = 1_800;
const DAY: i64 = 86_400;
const LOCALES: &[&str] = &[
    "auto", "bg", "cs", "da", "de", "el", "en", "en-GB", "es", "es-419", "et", "fi", "fil", "fr", "fr-CA", "hr", "hu",
    "id", "it", "ja", "ko", "lt", "lv", "ms", "mt", "nb", "nl", "pl", "pt", "pt-BR", "ro", "ru", "sk", "sl", "sv",
    "th", "tr", "vi", "zh", "zh-HK", "zh-TW",
];
/// Parameters that Stripe has and the sandbox does not.
const NOT_HERE: &[&str] = &[
    "after_expiration",
    "branding_settings",
    "currency",
    "custom_fields",
    "customer_account",
    "customer_update",
    "excluded_payment_method_types",
    "managed_payments",
    "name_collection",
    "optional_items",
    "origin_context",
    "payment_method_collection",
    "payment_method_configuration",
    "payment_method_data",
    "payment_method_options",
    "permissions",
    "phone_number_collection",
    "redirect_on_completion",
    "return_url",
    "saved_payment_method_options",
    "setup_intent_data",
    "shipping_address_collection",
    "shipping_options",
    "subscription_data",
    "wallet_options",
];

/// The payment methods that the page has.
const METHODS: &[&str] = &["card", "sepa_debit", "us_bank_account"];

/// Makes a Checkout Session.
pub(super) fn session(call: Call<'_>) -> Answer {
    let params = &call.params;
    params.refuse(NOT_HERE)?;
    match params.choice("mode", &["payment", "setup", "subscription"])?.as_deref() {
        Some("payment") => {}
        None => return Err(ApiError::missing("mode")),
        Some(other) => return Err(ApiError::unsupported("mode", &format!("mode={other}, only mode=payment"))),
    }
    // The names since 2026-03; the older `hosted` is still sent by older clients.
    match params.text("ui_mode", 100)?.as_deref() {
        None | Some("hosted_page" | "hosted") => {}
        Some(other) => return Err(ApiError::unsupported("ui_mode", &format!("ui_mode={other}, only the hosted page"))),
    }
    let (items, currency) = items::read(params, call.state)?;
    let now = clock::now();
    let mut session = Session {
        id: ids::session(),
        created: now,
        expires_at: expires_at(params, now)?,
        status: SessionStatus::Open,
        currency,
        items,
        settings: settings(params)?,
        intent: None,
        buyer: None,
        paid: false,
        customer: None,
        discount: None,
        tax_country: None,
        tax_id: None,
        tax_fails: false,
        opened: call.state.ticks + 1,
        closed: None,
    };
    attach_customer(&mut session, params, call.state)?;
    check_methods(&session)?;
    check_tax(&session)?;
    session.discount = discount(&session, params, call.state)?;
    check_total(&session)?;
    let id = session.id.clone();
    let mut trial = objects::session(&session, "");
    expand::object(&mut trial, params, call.state)?;
    params.finish()?;
    call.state.tick();
    let mut out = objects::session(&session, &call.state.base_url);
    call.state.sessions.push(session);
    expand::object(&mut out, params, call.state)?;
    tracing::info!(session = %id, "session created");
    Ok(out)
}

/// `customer`: its address is the one that pays.
fn attach_customer(session: &mut Session, params: &Params<'_>, state: &State) -> Result<(), ApiError> {
    let Some(id) = params.text("customer", 255)? else { return Ok(()) };
    let only_one = |other: &str| {
        ApiError::invalid(format!("You may only specify one of these parameters: customer, {other}.")).param("customer")
    };
    if session.settings.customer_email.is_some() {
        return Err(only_one("customer_email"));
    }
    if session.settings.customer_creation.is_some() {
        return Err(only_one("customer_creation"));
    }
    let Some(customer) = state.customers.get(&id).filter(|customer| !customer.deleted) else {
        return Err(ApiError::missing_resource("customer", &id, "customer").in_parameter());
    };
    session.settings.attached_email = customer.email.clone();
    if session.settings.automatic_tax {
        session.tax_country = customer.address.as_ref().and_then(|address| address.get("country")).cloned();
    }
    session.customer = Some(id);
    Ok(())
}

/// A bank debit goes with its own currency only.
fn check_methods(session: &Session) -> Result<(), ApiError> {
    for (method, currency) in [("sepa_debit", "eur"), ("us_bank_account", "usd")] {
        if session.settings.methods().contains(&method) && session.currency != currency {
            return Err(ApiError::invalid(format!(
                "The payment method `{method}` cannot be used with the currency `{}`; it supports only `{currency}`.",
                session.currency
            ))
            .param("payment_method_types"));
        }
    }
    Ok(())
}

fn check_tax(session: &Session) -> Result<(), ApiError> {
    let own = session.items.iter().position(|item| !item.tax_rates.is_empty());
    match own {
        Some(at) if session.settings.automatic_tax => {
            Err(ApiError::invalid("You cannot use `tax_rates` together with `automatic_tax[enabled]=true`.")
                .param(format!("line_items[{at}][tax_rates]")))
        }
        _ => Ok(()),
    }
}

/// `discounts`: at most one, by coupon or by promotion code.
fn discount(session: &Session, params: &Params<'_>, state: &State) -> Result<Option<Discount>, ApiError> {
    let given = params.objects("discounts")?.unwrap_or_default();
    if given.len() > 1 {
        return Err(ApiError::invalid("You can only apply one discount to a Checkout Session.").param("discounts"));
    }
    let Some(given) = given.into_iter().next() else { return Ok(None) };
    if session.settings.allow_promotion_codes.is_some() {
        return Err(ApiError::invalid(
            "You may only specify one of these parameters: allow_promotion_codes, discounts.",
        )
        .param("discounts"));
    }
    given.refuse(&["coupon_data"])?;
    let (coupon, code) = (given.text("coupon", 200)?, given.text("promotion_code", 255)?);
    given.finish()?;
    let param = |name: &str| given.name(name);
    match (coupon, code) {
        (Some(coupon), None) => promotion::by_coupon(session, &coupon, state).map_err(|e| e.error(&param("coupon"))),
        (None, Some(code)) => {
            promotion::by_code_id(session, &code, state).map_err(|e| e.error(&param("promotion_code")))
        }
        (Some(_), Some(_)) => {
            Err(ApiError::invalid("You may only specify one of these parameters: coupon, promotion_code.")
                .param(given.name("promotion_code")))
        }
        (None, None) => Err(ApiError::missing(&given.name("coupon"))),
    }
    .map(Some)
}

fn settings(params: &Params<'_>) -> Result<Settings, ApiError> {
    let Some(success_url) = params.url("success_url")? else { return Err(ApiError::missing("success_url")) };
    let customer_email = params.text("customer_email", 800)?;
    check_email(customer_email.as_deref(), "customer_email")?;
    let methods = params.texts("payment_method_types")?.unwrap_or_default();
    if methods.iter().any(|method| !METHODS.contains(&method.as_str())) {
        let what = format!("payment methods other than {}", METHODS.join(", "));
        return Err(ApiError::unsupported("payment_method_types", &what));
    }
    if enabled(params, "invoice_creation", &["invoice_data"])? == Some(true) {
        return Err(ApiError::unsupported("invoice_creation[enabled]", "invoices"));
    }
    Ok(Settings {
        success_url,
        cancel_url: params.url("cancel_url")?,
        client_reference_id: params.text("client_reference_id", 200)?,
        customer_email,
        attached_email: None,
        customer_creation: params.choice("customer_creation", &["always", "if_required"])?,
        methods,
        metadata: params.metadata("metadata")?,
        intent: intent_settings(params)?,
        locale: params.choice("locale", LOCALES)?,
        billing_address_collection: params.choice("billing_address_collection", &["auto", "required"])?,
        submit_type: params.choice("submit_type", &["auto", "book", "donate", "pay", "subscribe"])?,
        allow_promotion_codes: params.boolean("allow_promotion_codes")?,
        automatic_tax: enabled(params, "automatic_tax", &["liability"])?.unwrap_or(false),
        tax_id_collection: enabled(params, "tax_id_collection", &["required"])?,
        consent: consent(params)?,
        custom_text: custom_text(params)?,
        adaptive_pricing: enabled(params, "adaptive_pricing", &[])?.unwrap_or(false),
    })
}

/// `name[enabled]`, refusing the finer settings that the sandbox does not have.
fn enabled(params: &Params<'_>, name: &str, not_here: &[&str]) -> Result<Option<bool>, ApiError> {
    let Some(object) = params.object(name)? else { return Ok(None) };
    object.refuse(not_here)?;
    let Some(enabled) = object.boolean("enabled")? else { return Err(ApiError::missing(&object.name("enabled"))) };
    object.finish()?;
    Ok(Some(enabled))
}

fn intent_settings(params: &Params<'_>) -> Result<IntentSettings, ApiError> {
    let Some(object) = params.object("payment_intent_data")? else { return Ok(IntentSettings::default()) };
    object.refuse(&[
        "application_fee_amount",
        "on_behalf_of",
        "setup_future_usage",
        "shipping",
        "transfer_data",
        "transfer_group",
    ])?;
    let capture = object.choice("capture_method", &["automatic", "automatic_async", "manual"])?;
    if capture.as_deref() == Some("manual") {
        return Err(ApiError::unsupported("payment_intent_data[capture_method]", "capture_method=manual"));
    }
    let settings = IntentSettings {
        metadata: object.metadata("metadata")?,
        description: object.text("description", 1_000)?,
        receipt_email: object.text("receipt_email", 800)?,
        statement_descriptor: object.text("statement_descriptor", 22)?,
        statement_descriptor_suffix: object.text("statement_descriptor_suffix", 22)?,
    };
    check_email(settings.receipt_email.as_deref(), "payment_intent_data[receipt_email]")?;
    for (key, text) in [
        ("statement_descriptor", &settings.statement_descriptor),
        ("statement_descriptor_suffix", &settings.statement_descriptor_suffix),
    ] {
        let Some(text) = text else { continue };
        if text.contains(['<', '>', '\\', '\'', '"', '*']) || !text.chars().any(char::is_alphabetic) {
            return Err(ApiError::invalid(
                "The statement descriptor must contain at least one alphabetic character and none of < > \\ ' \" *.",
            )
            .param(object.name(key)));
        }
    }
    object.finish()?;
    Ok(settings)
}

fn consent(params: &Params<'_>) -> Result<Option<Consent>, ApiError> {
    let Some(object) = params.object("consent_collection")? else { return Ok(None) };
    object.refuse(&["payment_method_reuse_agreement"])?;
    let consent = Consent {
        terms_of_service: object.choice("terms_of_service", &["none", "required"])?,
        promotions: object.choice("promotions", &["auto", "none"])?,
    };
    object.finish()?;
    Ok(Some(consent))
}

fn custom_text(params: &Params<'_>) -> Result<CustomText, ApiError> {
    let Some(object) = params.object("custom_text")? else { return Ok(CustomText::default()) };
    let read = |key| -> Result<Option<String>, ApiError> {
        let Some(inner) = object.object(key)? else { return Ok(None) };
        let text = inner.required("message", 1_200)?;
        inner.finish()?;
        Ok(Some(text))
    };
    let text = CustomText {
        after_submit: read("after_submit")?,
        shipping_address: read("shipping_address")?,
        submit: read("submit")?,
        terms_of_service_acceptance: read("terms_of_service_acceptance")?,
    };
    object.finish()?;
    Ok(text)
}

fn expires_at(params: &Params<'_>, now: i64) -> Result<i64, ApiError> {
    let Some(at) = params.integer("expires_at", i64::MIN, i64::MAX)? else { return Ok(now + DAY) };
    if at < now + HALF_HOUR {
        return Err(ApiError::invalid(
            "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation.",
        )
        .param("expires_at"));
    }
    if at > now + DAY {
        return Err(ApiError::invalid(
            "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation.",
        )
        .param("expires_at"));
    }
    Ok(at)
}

fn check_total(session: &Session) -> Result<(), ApiError> {
    let total = session.total();
    let minimum = currency::minimum(&session.currency);
    let code = &session.currency;
    if total > LARGEST {
        let most = currency::format(LARGEST, code);
        return Err(ApiError::invalid(format!(
            "The Checkout Session's total amount due must be no more than {most} {code}."
        ))
        .code("amount_too_large"));
    }
    // Zero is a no-cost order and allowed.
    if total != 0 && total < minimum {
        let least = currency::format(minimum, code);
        return Err(ApiError::invalid(format!(
            "The Checkout Session's total amount due must add up to at least {least} {code}"
        ))
        .code("amount_too_small"));
    }
    Ok(())
}

fn check_email(email: Option<&str>, param: &str) -> Result<(), ApiError> {
    match email {
        Some(email) if !crate::is_email(email) => {
            Err(ApiError::invalid(format!("Invalid email address: {email}")).code("email_invalid").param(param))
        }
        _ => Ok(()),
    }
}
