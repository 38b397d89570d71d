//! `POST /v1/checkout/sessions`: reading and checking what the store asks for.

use super::{Answer, Call, expand};
use crate::error::ApiError;
use crate::params::{Params, check_url};
use crate::records::{Consent, CustomText, IntentSettings, Item, Session, SessionStatus, Settings};
use crate::{clock, currency, ids, objects};

/// The most lines in payment mode.
const MOST_ITEMS: usize = 100;
/// The largest amount, in minor units (eight digits).
const LARGEST: i64 = 99_999_999;
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
    "customer",
    "customer_account",
    "customer_update",
    "discounts",
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
    let (items, currency) = line_items(params)?;
    let now = clock::now();
    let session = Session {
        id: ids::session(),
        created: now,
        expires_at: expires_at(params, now)?,
        status: SessionStatus::Open,
        currency,
        items,
        settings: settings(params)?,
        intent: None,
        buyer: None,
    };
    check_total(&session)?;
    let id = session.id.clone();
    let mut trial = objects::session(&session, "");
    expand::object(&mut trial, params, call.state)?;
    params.finish()?;
    let mut out = objects::session(&session, &call.state.base_url);
    call.state.sessions.push(session);
    expand::object(&mut out, params, call.state)?;
    tracing::info!(session = %id, "session created");
    Ok(out)
}

fn settings(params: &Params<'_>) -> Result<Settings, ApiError> {
    let Some(success_url) = params.url("success_url")? else { return Err(ApiError::missing("success_url")) };
    let customer_email = params.text("customer_email", 800)?;
    check_email(customer_email.as_deref(), "customer_email")?;
    if params.choice("customer_creation", &["always", "if_required"])?.as_deref() == Some("always") {
        return Err(ApiError::unsupported("customer_creation", "customer_creation=always, having no Customers"));
    }
    if let Some(methods) = params.texts("payment_method_types")?
        && methods.iter().any(|method| method != "card")
    {
        return Err(ApiError::unsupported("payment_method_types", "payment methods other than `card`"));
    }
    if enabled(params, "invoice_creation", &["invoice_data"])? == Some(true) {
        return Err(ApiError::unsupported("invoice_creation[enabled]", "invoices"));
    }
    Ok(Settings {
        success_url,
        cancel_url: params.url("cancel_url")?,
        client_reference_id: params.text("client_reference_id", 200)?,
        customer_email,
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

fn line_items(params: &Params<'_>) -> Result<(Vec<Item>, String), ApiError> {
    let lines = params.objects("line_items")?.unwrap_or_default();
    if lines.is_empty() {
        return Err(ApiError::missing("line_items"));
    }
    if lines.len() > MOST_ITEMS {
        return Err(ApiError::invalid(format!("You can have at most {MOST_ITEMS} line items in payment mode."))
            .param("line_items"));
    }
    let mut items = Vec::with_capacity(lines.len());
    let mut common: Option<String> = None;
    for line in lines {
        let (item, currency) = line_item(&line)?;
        if common.as_ref().is_some_and(|common| *common != currency) {
            return Err(ApiError::invalid("All line items of a Checkout Session must have the same currency.")
                .param(format!("{}[currency]", line.name("price_data"))));
        }
        common = Some(currency);
        items.push(item);
    }
    Ok((items, common.unwrap_or_default()))
}

fn line_item(line: &Params<'_>) -> Result<(Item, String), ApiError> {
    line.refuse(&["adjustable_quantity", "dynamic_tax_rates", "price", "tax_rates", "metadata"])?;
    let Some(quantity) = line.integer("quantity", 1, 999_999)? else {
        return Err(ApiError::missing(&line.name("quantity")));
    };
    let Some(price) = line.object("price_data")? else {
        return Err(ApiError::missing(&line.name("price_data")));
    };
    price.refuse(&["product", "recurring", "unit_amount_decimal"])?;
    let currency = price.required("currency", 10)?.to_ascii_lowercase();
    if !currency::is_known(&currency) {
        return Err(ApiError::invalid(format!(
            "Invalid currency: {currency}. Stripe currently supports these currencies: {}",
            currency::all()
        ))
        .param(price.name("currency")));
    }
    let Some(unit_amount) = price.integer("unit_amount", 0, LARGEST)? else {
        return Err(ApiError::missing(&price.name("unit_amount")));
    };
    let tax_behavior = price.choice("tax_behavior", &["exclusive", "inclusive", "unspecified"])?;
    let Some(product) = price.object("product_data")? else {
        return Err(ApiError::missing(&price.name("product_data")));
    };
    let name = product.required("name", 5_000)?;
    let description = product.text("description", 40_000)?;
    product.text("tax_code", 100)?;
    product.refuse(&["tax_details", "unit_label"])?;
    product.metadata("metadata")?;
    let images = product.texts("images")?.unwrap_or_default();
    if images.len() > 8 {
        return Err(ApiError::invalid("You can have at most 8 images.").param(product.name("images")));
    }
    for (index, image) in images.iter().enumerate() {
        check_url(image, &format!("{}[{index}]", product.name("images")))?;
    }
    product.finish()?;
    price.finish()?;
    line.finish()?;
    let item = Item {
        id: ids::usual("li"),
        price: ids::usual("price"),
        product: ids::fresh("prod", 14),
        name,
        description,
        tax_behavior: tax_behavior.unwrap_or_else(|| "unspecified".to_owned()),
        unit_amount,
        quantity,
    };
    Ok((item, currency))
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
