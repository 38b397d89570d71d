//! Words of tax.

use core::fmt;
use core::str::FromStr;
use serde::{Deserialize, Serialize};

/// How a sale is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxTreatment {
    /// At the rate for most things.
    Standard,
    /// At a lower rate.
    Reduced,
    /// Taxed, at nothing.
    Zero,
    /// A business in another country owes the tax instead of the seller.
    ReverseCharge,
    /// Not taxed, by what it is or who buys it.
    Exempt,
    /// Nothing is due to anybody with whom the seller is registered.
    OutsideScope,
}

/// The text is no word of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown word of tax")]
pub struct UnknownTaxWord;

impl TaxTreatment {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Standard, Self::Reduced, Self::Zero, Self::ReverseCharge, Self::Exempt, Self::OutsideScope];

    /// The word in the database and in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Standard => "standard",
            Self::Reduced => "reduced",
            Self::Zero => "zero",
            Self::ReverseCharge => "reverse_charge",
            Self::Exempt => "exempt",
            Self::OutsideScope => "outside_scope",
        }
    }

    /// The words on the screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Standard => "Standard rate",
            Self::Reduced => "Reduced rate",
            Self::Zero => "Zero rate",
            Self::ReverseCharge => "Reverse charge",
            Self::Exempt => "Exempt",
            Self::OutsideScope => "Outside the scope",
        }
    }
}

impl FromStr for TaxTreatment {
    type Err = UnknownTaxWord;

    fn from_str(text: &str) -> Result<Self, UnknownTaxWord> {
        Self::ALL.into_iter().find(|treatment| treatment.as_str() == text).ok_or(UnknownTaxWord)
    }
}

impl fmt::Display for TaxTreatment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who worked a tax out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxSource {
    /// Stripe, as it stands in the session.
    Stripe,
    /// The store, by its table of rates.
    Table,
}

impl TaxSource {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::Table => "table",
        }
    }
}

impl FromStr for TaxSource {
    type Err = UnknownTaxWord;

    fn from_str(text: &str) -> Result<Self, UnknownTaxWord> {
        [Self::Stripe, Self::Table].into_iter().find(|source| source.as_str() == text).ok_or(UnknownTaxWord)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_written() {
        for treatment in TaxTreatment::ALL {
            assert_eq!(treatment.as_str().parse(), Ok(treatment));
        }
        assert_eq!("table".parse(), Ok(TaxSource::Table));
        assert_eq!("free".parse::<TaxTreatment>(), Err(UnknownTaxWord));
    }
}
