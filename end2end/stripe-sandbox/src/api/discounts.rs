//! Coupons, promotion codes, tax rates and tax codes, as far as sessions use them.

use super::lists::{self, Listing, fits};
use super::{Answer, Call, expand};
use crate::error::ApiError;
use crate::params::Params;
use crate::records::{Coupon, Off, PromotionCode, TaxRate};
use crate::{clock, currency, ids, objects, tax};

const FAR: i64 = i64::MAX;

/// `POST /v1/coupons`
pub(super) fn create_coupon(call: Call<'_>) -> Answer {
    let params = &call.params;
    params.refuse(&["applies_to", "currency_options"])?;
    let id = match params.text("id", 200)? {
        Some(id) if call.state.coupons.get(&id).is_some() => {
            return Err(ApiError::invalid("Coupon already exists.").code("resource_already_exists").param("id"));
        }
        Some(id) if id.contains(['/', '?', '#', '&']) => {
            return Err(ApiError::invalid("Invalid coupon id.").param("id"));
        }
        Some(id) => id,
        None => ids::invoice_prefix(),
    };
    let coupon = Coupon {
        id,
        created: clock::now(),
        off: off(params)?,
        duration: params.choice("duration", &["forever", "once", "repeating"])?.unwrap_or_else(|| "once".to_owned()),
        duration_in_months: params.integer("duration_in_months", 1, 120)?,
        name: params.text("name", 40)?,
        max_redemptions: params.integer("max_redemptions", 1, FAR)?,
        redeem_by: params.integer("redeem_by", 0, FAR)?,
        times_redeemed: 0,
        metadata: params.metadata("metadata")?,
    };
    if (coupon.duration == "repeating") != coupon.duration_in_months.is_some() {
        return Err(ApiError::invalid("`duration_in_months` goes with `duration=repeating`, and only with it.")
            .param("duration_in_months"));
    }
    params.texts("expand")?;
    params.finish()?;
    let out = objects::coupon(&coupon);
    call.state.coupons.push(coupon);
    call.state.emit("coupon.created", &out, &call.cause);
    Ok(out)
}

fn off(params: &Params<'_>) -> Result<Off, ApiError> {
    let currency = params.text("currency", 10)?.map(|code| code.to_ascii_lowercase());
    match (params.integer("amount_off", 1, 99_999_999)?, params.percent("percent_off")?) {
        (Some(_), Some(_)) => {
            Err(ApiError::invalid("You may only specify one of these parameters: amount_off, percent_off.")
                .param("percent_off"))
        }
        (None, None) => Err(ApiError::invalid("Must provide either amount_off or percent_off.")),
        (None, Some((rate, written))) if rate > 0 => Ok(Off::Percent { rate, written }),
        (None, Some(_)) => Err(ApiError::invalid("percent_off must be greater than 0.").param("percent_off")),
        (Some(minor), None) => match currency {
            None => Err(ApiError::missing("currency")),
            Some(code) if !currency::is_known(&code) => {
                Err(ApiError::invalid(format!("Invalid currency: {code}.")).param("currency"))
            }
            Some(currency) => Ok(Off::Amount { minor, currency }),
        },
    }
}

fn coupon<'a>(call: &'a Call<'_>, id: &str) -> Result<&'a Coupon, ApiError> {
    call.state.coupons.get(id).ok_or_else(|| ApiError::missing_resource("coupon", id, "coupon"))
}

/// `GET /v1/coupons/{id}`
pub(super) fn retrieve_coupon(call: Call<'_>, id: &str) -> Answer {
    call.params.texts("expand")?;
    call.params.finish()?;
    coupon(&call, id).map(objects::coupon)
}

/// `POST /v1/coupons/{id}`: name and metadata.
pub(super) fn update_coupon(call: Call<'_>, id: &str) -> Answer {
    let mut row = coupon(&call, id)?.clone();
    call.params.refuse(&["currency_options"])?;
    if let Some(name) = call.params.changeable("name", 40)? {
        row.name = name;
    }
    if let Some(change) = call.params.metadata_change("metadata")? {
        change.apply(&mut row.metadata);
    }
    call.params.texts("expand")?;
    call.params.finish()?;
    let out = objects::coupon(&row);
    call.state.coupons.push(row);
    call.state.emit("coupon.updated", &out, &call.cause);
    Ok(out)
}

/// `DELETE /v1/coupons/{id}`: sessions that have it keep it.
pub(super) fn delete_coupon(call: Call<'_>, id: &str) -> Answer {
    let gone = coupon(&call, id).map(objects::coupon)?;
    call.params.finish()?;
    call.state.coupons.remove(id);
    call.state.emit("coupon.deleted", &gone, &call.cause);
    Ok(objects::deleted("coupon", id))
}

/// `GET /v1/coupons`
pub(super) fn list_coupons(call: Call<'_>) -> Answer {
    let created = call.params.range("created")?;
    let listing = Listing { what: "coupon", url: "/v1/coupons", key: None };
    lists::list(&call, &call.state.coupons, &listing, |row: &Coupon| created.allows(row.created), objects::coupon)
}

/// `POST /v1/promotion_codes`
pub(super) fn create_code(call: Call<'_>) -> Answer {
    let params = &call.params;
    params.refuse(&["customer", "customer_account"])?;
    let Some(promotion) = params.object("promotion")? else { return Err(ApiError::missing("promotion")) };
    promotion.choice("type", &["coupon"])?;
    let coupon = promotion.required("coupon", 200)?;
    promotion.finish()?;
    if call.state.coupons.get(&coupon).is_none() {
        return Err(ApiError::missing_resource("coupon", &coupon, "promotion[coupon]").in_parameter());
    }
    let code = params.text("code", 500)?.unwrap_or_else(ids::invoice_prefix);
    if !code.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
        return Err(ApiError::invalid("A code has letters, digits and dashes only.").param("code"));
    }
    let now = clock::now();
    if call.state.promotion_codes.of(&format!("code={}", code.to_lowercase())).any(|row| row.is_active(now)) {
        return Err(ApiError::invalid(format!("An active promotion code with `code: {code}` already exists."))
            .code("resource_already_exists")
            .param("code"));
    }
    let mut minimum = None;
    if let Some(restrictions) = params.object("restrictions")? {
        restrictions.refuse(&["currency_options", "first_time_transaction"])?;
        let amount = restrictions.integer("minimum_amount", 1, FAR)?;
        let code = restrictions.text("minimum_amount_currency", 10)?.map(|code| code.to_ascii_lowercase());
        restrictions.finish()?;
        minimum = match (amount, code) {
            (Some(amount), Some(code)) => Some((amount, code)),
            (None, None) => None,
            _ => {
                return Err(ApiError::invalid("`minimum_amount` and `minimum_amount_currency` go together.")
                    .param("restrictions"));
            }
        };
    }
    let row = PromotionCode {
        id: ids::usual("promo"),
        created: now,
        coupon,
        code,
        active: params.boolean("active")?.unwrap_or(true),
        expires_at: params.integer("expires_at", 0, FAR)?,
        max_redemptions: params.integer("max_redemptions", 1, FAR)?,
        times_redeemed: 0,
        minimum,
        metadata: params.metadata("metadata")?,
    };
    finish_code(call, row, "promotion_code.created")
}

fn finish_code(call: Call<'_>, row: PromotionCode, kind: &str) -> Answer {
    let out = objects::promotion_code(&row);
    let mut shown = out.clone();
    expand::object(&mut shown, &call.params, call.state)?;
    call.params.finish()?;
    call.state.promotion_codes.push(row);
    call.state.emit(kind, &out, &call.cause);
    Ok(shown)
}

fn code<'a>(call: &'a Call<'_>, id: &str) -> Result<&'a PromotionCode, ApiError> {
    let found = call.state.promotion_codes.get(id);
    found.ok_or_else(|| ApiError::missing_resource("promotion code", id, "promotion_code"))
}

/// `GET /v1/promotion_codes/{id}`
pub(super) fn retrieve_code(call: Call<'_>, id: &str) -> Answer {
    let mut out = objects::promotion_code(code(&call, id)?);
    expand::object(&mut out, &call.params, call.state)?;
    call.params.finish()?;
    Ok(out)
}

/// `POST /v1/promotion_codes/{id}`: active and metadata.
pub(super) fn update_code(call: Call<'_>, id: &str) -> Answer {
    let mut row = code(&call, id)?.clone();
    call.params.refuse(&["restrictions"])?;
    if let Some(active) = call.params.boolean("active")? {
        row.active = active;
    }
    if let Some(change) = call.params.metadata_change("metadata")? {
        change.apply(&mut row.metadata);
    }
    finish_code(call, row, "promotion_code.updated")
}

/// `GET /v1/promotion_codes`
pub(super) fn list_codes(call: Call<'_>) -> Answer {
    let created = call.params.range("created")?;
    let active = call.params.boolean("active")?;
    let text = call.params.text("code", 500)?.map(|code| code.to_lowercase());
    let coupon = call.params.text("coupon", 200)?;
    call.params.refuse(&["customer", "customer_account"])?;
    let now = clock::now();
    let wanted = |row: &PromotionCode| {
        created.allows(row.created)
            && active.is_none_or(|active| row.is_active(now) == active)
            && fits(&text, Some(&row.code.to_lowercase()))
            && fits(&coupon, Some(&row.coupon))
    };
    let key = lists::key([("code", &text), ("coupon", &coupon)]);
    let listing = Listing { what: "promotion_code", url: "/v1/promotion_codes", key };
    lists::list(&call, &call.state.promotion_codes, &listing, wanted, objects::promotion_code)
}

/// `POST /v1/tax_rates`
pub(super) fn create_rate(call: Call<'_>) -> Answer {
    let params = &call.params;
    params.refuse(&["state"])?;
    let Some((rate, written)) = params.percent("percentage")? else { return Err(ApiError::missing("percentage")) };
    let Some(inclusive) = params.boolean("inclusive")? else { return Err(ApiError::missing("inclusive")) };
    let row = TaxRate {
        id: ids::usual("txr"),
        created: clock::now(),
        display_name: params.required("display_name", 50)?,
        inclusive,
        rate,
        written,
        country: params.text("country", 2)?,
        jurisdiction: params.text("jurisdiction", 50)?,
        description: params.text("description", 5_000)?,
        tax_type: params.text("tax_type", 50)?,
        active: params.boolean("active")?.unwrap_or(true),
        metadata: params.metadata("metadata")?,
    };
    params.texts("expand")?;
    params.finish()?;
    let out = objects::tax_rate(&row);
    call.state.tax_rates.push(row);
    call.state.emit("tax_rate.created", &out, &call.cause);
    Ok(out)
}

/// `GET /v1/tax_rates/{id}`
pub(super) fn retrieve_rate(call: Call<'_>, id: &str) -> Answer {
    call.params.texts("expand")?;
    call.params.finish()?;
    let found = call.state.tax_rates.get(id).map(objects::tax_rate);
    found.ok_or_else(|| ApiError::missing_resource("tax rate", id, "tax_rate"))
}

/// `GET /v1/tax_codes/{id}`
pub(super) fn retrieve_tax_code(call: Call<'_>, id: &str) -> Answer {
    call.params.texts("expand")?;
    call.params.finish()?;
    let name = tax::name_of(id).ok_or_else(|| ApiError::missing_resource("tax code", id, "id"))?;
    Ok(objects::tax_code(id, name))
}

/// `GET /v1/tax_rates`
pub(super) fn list_rates(call: Call<'_>) -> Answer {
    let created = call.params.range("created")?;
    let active = call.params.boolean("active")?;
    let inclusive = call.params.boolean("inclusive")?;
    let wanted = |row: &TaxRate| {
        created.allows(row.created)
            && active.is_none_or(|active| row.active == active)
            && inclusive.is_none_or(|inclusive| row.inclusive == inclusive)
    };
    let listing = Listing { what: "tax_rate", url: "/v1/tax_rates", key: None };
    lists::list(&call, &call.state.tax_rates, &listing, wanted, objects::tax_rate)
}
