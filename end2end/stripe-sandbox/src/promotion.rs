//! Which discount a session gets: by coupon, by promotion code, or by what a buyer types.

use crate::error::ApiError;
use crate::records::{Coupon, Discount, Off, PromotionCode, Session};
use crate::state::State;
use crate::{clock, ids};

/// Why there is no discount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// No such coupon.
    NoCoupon,
    /// No such code, or one that is switched off, used up or over.
    NoCode,
    /// The coupon is used up or over.
    Expired,
    /// It takes off an amount of another currency.
    Currency,
    /// The order is too small for it.
    TooSmall,
}

impl Refusal {
    /// The sentence for the buyer who typed a code.
    pub(crate) fn sentence(self) -> &'static str {
        match self {
            Self::NoCoupon | Self::NoCode => "This code is invalid.",
            Self::Expired => "This code has expired.",
            Self::Currency => "This code cannot be used with this order.",
            Self::TooSmall => "This order is too small for this code.",
        }
    }

    /// The API's error, for the parameter that named the discount.
    pub(crate) fn error(self, param: &str) -> ApiError {
        match self {
            Self::NoCoupon | Self::NoCode => {
                let what = if self == Self::NoCoupon { "coupon" } else { "promotion code" };
                ApiError::invalid(format!("No such {what} that can be redeemed.")).code("resource_missing").param(param)
            }
            Self::Expired => ApiError::invalid("This coupon has expired.").code("coupon_expired").param(param),
            Self::Currency => {
                ApiError::invalid("The coupon's currency does not match the currency of the session.").param(param)
            }
            Self::TooSmall => {
                ApiError::invalid("The order does not reach the minimum amount of the promotion code.").param(param)
            }
        }
    }
}

/// The discount of a coupon.
pub(crate) fn by_coupon(session: &Session, coupon: &str, state: &State) -> Result<Discount, Refusal> {
    let coupon = state.coupons.get(coupon).ok_or(Refusal::NoCoupon)?;
    take(session, coupon, None)
}

/// The discount of a promotion code, by its id.
pub(crate) fn by_code_id(session: &Session, id: &str, state: &State) -> Result<Discount, Refusal> {
    by_code(session, state.promotion_codes.get(id), state)
}

/// The discount of a promotion code, as a buyer types it. Capitals do not matter.
pub(crate) fn by_typed_code(session: &Session, text: &str, state: &State) -> Result<Discount, Refusal> {
    let now = clock::now();
    let code = state.promotion_codes.of(&format!("code={}", text.to_lowercase())).find(|code| code.is_active(now));
    by_code(session, code, state).map(|discount| Discount { typed: true, ..discount })
}

fn by_code(session: &Session, code: Option<&PromotionCode>, state: &State) -> Result<Discount, Refusal> {
    let code = code.filter(|code| code.is_active(clock::now())).ok_or(Refusal::NoCode)?;
    let coupon = state.coupons.get(&code.coupon).ok_or(Refusal::NoCode)?;
    if let Some((minimum, currency)) = &code.minimum {
        if *currency != session.currency {
            return Err(Refusal::Currency);
        }
        if session.totals().subtotal < *minimum {
            return Err(Refusal::TooSmall);
        }
    }
    take(session, coupon, Some(code))
}

fn take(session: &Session, coupon: &Coupon, code: Option<&PromotionCode>) -> Result<Discount, Refusal> {
    let now = clock::now();
    if !coupon.is_valid(now) {
        return Err(Refusal::Expired);
    }
    if let Off::Amount { currency, .. } = &coupon.off
        && *currency != session.currency
    {
        return Err(Refusal::Currency);
    }
    let name = code.map(|code| code.code.clone()).or_else(|| coupon.name.clone());
    Ok(Discount {
        id: ids::usual("di"),
        coupon: coupon.id.clone(),
        promotion_code: code.map(|code| code.id.clone()),
        name: name.unwrap_or_else(|| coupon.id.clone()),
        off: coupon.off.clone(),
        start: now,
        typed: false,
    })
}
