//! Coupons, promotion codes and tax rates.

use serde::{Deserialize, Serialize};

use crate::params::Metadata;
use crate::table::Record;

/// How much a coupon takes off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Off {
    /// Minor units of a currency.
    Amount { minor: i64, currency: String },
    /// Ten-thousandths of a percent, with the number as it was written.
    Percent { rate: i64, written: String },
}

/// A Coupon.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Coupon {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) off: Off,
    pub(crate) duration: String,
    pub(crate) duration_in_months: Option<i64>,
    pub(crate) name: Option<String>,
    pub(crate) max_redemptions: Option<i64>,
    pub(crate) redeem_by: Option<i64>,
    pub(crate) times_redeemed: i64,
    pub(crate) metadata: Metadata,
}

impl Coupon {
    /// Whether it can be redeemed at that time.
    pub(crate) fn is_valid(&self, now: i64) -> bool {
        self.max_redemptions.is_none_or(|most| self.times_redeemed < most) && self.redeem_by.is_none_or(|by| now < by)
    }
}

impl Record for Coupon {
    fn id(&self) -> &str {
        &self.id
    }
}

/// A Promotion Code: what a buyer types to get a coupon.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct PromotionCode {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) coupon: String,
    pub(crate) code: String,
    pub(crate) active: bool,
    pub(crate) expires_at: Option<i64>,
    pub(crate) max_redemptions: Option<i64>,
    pub(crate) times_redeemed: i64,
    pub(crate) minimum: Option<(i64, String)>,
    pub(crate) metadata: Metadata,
}

impl PromotionCode {
    /// Whether it can be redeemed at that time, its coupon apart.
    pub(crate) fn is_active(&self, now: i64) -> bool {
        self.active
            && self.max_redemptions.is_none_or(|most| self.times_redeemed < most)
            && self.expires_at.is_none_or(|at| now < at)
    }
}

impl Record for PromotionCode {
    fn id(&self) -> &str {
        &self.id
    }

    fn keys(&self) -> Vec<String> {
        vec![format!("code={}", self.code.to_lowercase()), format!("coupon={}", self.coupon)]
    }
}

/// A Tax Rate made by the store, for its lines.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TaxRate {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) display_name: String,
    pub(crate) inclusive: bool,
    /// Ten-thousandths of a percent, and as it was written.
    pub(crate) rate: i64,
    pub(crate) written: String,
    pub(crate) country: Option<String>,
    pub(crate) jurisdiction: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) tax_type: Option<String>,
    pub(crate) active: bool,
    pub(crate) metadata: Metadata,
}

impl Record for TaxRate {
    fn id(&self) -> &str {
        &self.id
    }
}
