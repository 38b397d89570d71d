//! Coupons, promotion codes, discounts and tax rates as Stripe writes them.

use serde_json::{Value, json};

use super::session::percentage;
use crate::clock;
use crate::pricing::LineTax;
use crate::records::{Coupon, Discount, Off, PromotionCode, Session, TaxRate};

/// A `coupon`.
pub(crate) fn coupon(coupon: &Coupon) -> Value {
    let (amount, currency, percent) = match &coupon.off {
        Off::Amount { minor, currency } => (Some(minor), Some(currency), Value::Null),
        Off::Percent { rate, .. } => (None, None, percentage(*rate)),
    };
    json!({
        "id": coupon.id,
        "object": "coupon",
        "amount_off": amount,
        "created": coupon.created,
        "currency": currency,
        "duration": coupon.duration,
        "duration_in_months": coupon.duration_in_months,
        "livemode": false,
        "max_redemptions": coupon.max_redemptions,
        "metadata": coupon.metadata,
        "name": coupon.name,
        "percent_off": percent,
        "redeem_by": coupon.redeem_by,
        "times_redeemed": coupon.times_redeemed,
        "valid": coupon.is_valid(clock::now()),
    })
}

/// A `promotion_code`.
pub(crate) fn promotion_code(code: &PromotionCode) -> Value {
    json!({
        "id": code.id,
        "object": "promotion_code",
        "active": code.is_active(clock::now()),
        "code": code.code,
        "created": code.created,
        "customer": null,
        "customer_account": null,
        "expires_at": code.expires_at,
        "livemode": false,
        "max_redemptions": code.max_redemptions,
        "metadata": code.metadata,
        "promotion": { "coupon": code.coupon, "type": "coupon" },
        "restrictions": {
            "first_time_transaction": false,
            "minimum_amount": code.minimum.as_ref().map(|(amount, _)| amount),
            "minimum_amount_currency": code.minimum.as_ref().map(|(_, currency)| currency),
        },
        "times_redeemed": code.times_redeemed,
    })
}

/// A `discount` on a session.
pub(crate) fn discount(discount: &Discount, session: &Session) -> Value {
    json!({
        "id": discount.id,
        "object": "discount",
        "checkout_session": session.id,
        "customer": session.customer,
        "customer_account": null,
        "end": null,
        "invoice": null,
        "invoice_item": null,
        "promotion_code": discount.promotion_code,
        "source": { "coupon": discount.coupon, "type": "coupon" },
        "start": discount.start,
        "subscription": null,
        "subscription_item": null,
    })
}

/// A `tax_code`.
pub(crate) fn tax_code(id: &str, name: &str) -> Value {
    json!({
        "id": id,
        "object": "tax_code",
        "description": name,
        "name": name,
        "requirements": { "performance_location": "optional" },
    })
}

/// A `tax_rate` made by the store.
pub(crate) fn tax_rate(rate: &TaxRate) -> Value {
    json!({
        "id": rate.id,
        "object": "tax_rate",
        "active": rate.active,
        "country": rate.country,
        "created": rate.created,
        "description": rate.description,
        "display_name": rate.display_name,
        "effective_percentage": null,
        "flat_amount": null,
        "inclusive": rate.inclusive,
        "jurisdiction": rate.jurisdiction,
        "jurisdiction_level": null,
        "livemode": false,
        "metadata": rate.metadata,
        "percentage": percentage(rate.rate),
        "rate_type": "percentage",
        "state": null,
        "tax_type": rate.tax_type,
    })
}

/// The rate that automatic tax used.
pub(crate) fn automatic_rate(tax: &LineTax, country: Option<&str>) -> Value {
    let country = country.unwrap_or_default();
    json!({
        "id": format!("txr_automatic{}{}{}", country, tax.rate, if tax.inclusive { "Inclusive" } else { "" }),
        "object": "tax_rate",
        "active": false,
        "country": country,
        "created": 0,
        "description": null,
        "display_name": "VAT",
        "effective_percentage": percentage(tax.rate),
        "flat_amount": null,
        "inclusive": tax.inclusive,
        "jurisdiction": country,
        "jurisdiction_level": "country",
        "livemode": false,
        "metadata": {},
        "percentage": percentage(tax.rate),
        "rate_type": "percentage",
        "state": null,
        "tax_type": "vat",
    })
}
