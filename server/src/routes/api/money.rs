//! Money as programs read it: minor units and a currency.

use super::whole::whole;
use serde::{Deserialize, Serialize};
use shop::types::{Currency, Money};
use utoipa::ToSchema;

/// An amount of money.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Amount {
    /// In the currency's smallest unit: cents, yen, fils.
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 0)]
    amount: i64,
    /// ISO 4217.
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: String,
}

impl From<Money> for Amount {
    fn from(money: Money) -> Self {
        Self { amount: money.minor(), currency: money.currency().code().to_owned() }
    }
}

impl Amount {
    /// The money, or what is wrong with it, in a sentence.
    pub(super) fn read(&self) -> Result<Money, String> {
        let currency: Currency =
            self.currency.parse().map_err(|_| format!("{:?} is no currency of this store.", self.currency))?;
        if self.amount < 0 {
            return Err("An amount is not less than nothing.".to_owned());
        }
        Ok(Money::new(self.amount, currency))
    }
}
