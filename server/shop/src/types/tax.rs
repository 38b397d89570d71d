//! Words of tax.

use super::Country;
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

/// Who works taxes out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaxMode {
    /// Nobody: prices are all there is.
    #[default]
    None,
    /// The store, by its table of rates.
    Table,
    /// Stripe Tax.
    Stripe,
}

impl TaxMode {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::None, Self::Table, Self::Stripe];

    /// The word in forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Table => "table",
            Self::Stripe => "stripe",
        }
    }

    /// The words on the screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::None => "No tax",
            Self::Table => "Own table of rates",
            Self::Stripe => "Stripe Tax",
        }
    }
}

impl FromStr for TaxMode {
    type Err = UnknownTaxWord;

    fn from_str(text: &str) -> Result<Self, UnknownTaxWord> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == text).ok_or(UnknownTaxWord)
    }
}

/// How a seller stands to the Union's One Stop Shop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OneStopShop {
    /// A seller within the Union who sells less than 10 000 € a year to other members: taxed at home.
    #[default]
    BelowThreshold,
    /// Registered: taxed where the buyer is, reported in one place.
    Registered,
    /// Registered in each country by itself: taxed where the buyer is, reported there.
    No,
}

impl OneStopShop {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::BelowThreshold, Self::Registered, Self::No];

    /// The word in forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BelowThreshold => "below_threshold",
            Self::Registered => "registered",
            Self::No => "no",
        }
    }

    /// The words on the screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::BelowThreshold => "Threshold not reached: the seller’s own rate",
            Self::Registered => "Registered: the buyer’s rate, one report",
            Self::No => "Not registered: the buyer’s rate, reported in each country",
        }
    }
}

impl FromStr for OneStopShop {
    type Err = UnknownTaxWord;

    fn from_str(text: &str) -> Result<Self, UnknownTaxWord> {
        Self::ALL.into_iter().find(|oss| oss.as_str() == text).ok_or(UnknownTaxWord)
    }
}

/// How the store taxes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaxSettings {
    /// Who works it out.
    pub mode: TaxMode,
    /// Whether prices hold the tax already.
    pub inclusive: bool,
    /// Where the seller is; needed for the own table.
    pub seller: Option<Country>,
    /// How the seller stands to the One Stop Shop.
    pub oss: OneStopShop,
    /// Countries, beside the seller's own and what the One Stop Shop covers, in which the seller is registered.
    pub registered: Vec<Country>,
    /// Whether businesses are asked for their number for value-added tax.
    pub vat_ids: bool,
    /// Whether such a number is also looked up at the Union's register.
    pub vies: bool,
}

impl TaxSettings {
    /// Whether an order may bear tax.
    #[must_use]
    pub fn taxes(&self) -> bool {
        self.mode != TaxMode::None
    }
}

/// What the desk types about tax.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaxForm {
    /// Who works it out, by the word of [`TaxMode`].
    pub mode: String,
    /// Whether prices hold it: `included`, `added`.
    pub prices: String,
    /// Where the seller is, by its letters.
    pub seller: String,
    /// How the seller stands to the One Stop Shop, by the word of [`OneStopShop`].
    pub oss: String,
    /// Further countries in which the seller is registered, by their letters.
    pub registered: String,
    /// Whether businesses are asked for their number.
    pub vat_ids: bool,
    /// Whether it is looked up.
    pub vies: bool,
}

/// Why settings of tax are not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TaxRefusal {
    /// Stripe charges what the store asks for: a tax on top would have to be known before the buyer's country is.
    #[error("with the own table, prices must hold the tax")]
    ExclusiveTable,
    /// The own table begins with where the seller is.
    #[error("the own table needs the seller's country")]
    NoSeller,
    /// Only a seller within the Union has a threshold.
    #[error("the threshold is for sellers within the Union")]
    NoThreshold,
    /// There is no rate for a country that is named.
    #[error("there is no rate for a country")]
    NoRate,
    /// What was typed cannot be read.
    #[error("a country or rate cannot be read")]
    Unreadable,
    /// Not one of Stripe's codes.
    #[error("not a product tax code")]
    NotACode,
    /// It has the form of one, and Stripe has none like it.
    #[error("Stripe has no such product tax code")]
    UnknownCode,
    /// They are others by now than those that the form was filled from.
    #[error("the settings have changed meanwhile")]
    Outdated,
}

impl TaxRefusal {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::ExclusiveTable,
        Self::NoSeller,
        Self::NoThreshold,
        Self::NoRate,
        Self::Unreadable,
        Self::NotACode,
        Self::UnknownCode,
        Self::Outdated,
    ];

    /// The word in an address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ExclusiveTable => "tax-exclusive-table",
            Self::NoSeller => "tax-no-seller",
            Self::NoThreshold => "tax-no-threshold",
            Self::NoRate => "tax-no-rate",
            Self::Unreadable => "tax-unreadable",
            Self::NotACode => "tax-no-code",
            Self::UnknownCode => "tax-unknown-code",
            Self::Outdated => "tax-outdated",
        }
    }

    /// The sentence on the screen.
    #[must_use]
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::ExclusiveTable => {
                "With the own table, prices must hold the tax: Stripe charges what the store asks for, and the buyer’s country is known only when she has paid. Choose prices with tax, or Stripe Tax."
            }
            Self::NoSeller => "The own table needs the seller’s country.",
            Self::NoThreshold => "Only sellers in the European Union have a threshold: say whether you are registered.",
            Self::NoRate => "There is no rate for one of the countries: add its rate first.",
            Self::NotACode => "A product tax code is txcd_ and eight digits, as Stripe lists them.",
            Self::UnknownCode => {
                "Stripe has no such product tax code: look it up in Stripe’s list. The book keeps the one it had."
            }
            Self::Outdated => "Somebody has saved these settings since the form was opened, so it was not saved.",
            Self::Unreadable => {
                "A country is two letters, a rate a percentage from 0 to 100 with at most four decimals, a day like 2026-01-31."
            }
        }
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
        for (mode, oss) in TaxMode::ALL.into_iter().zip(OneStopShop::ALL) {
            assert_eq!((mode.as_str().parse(), oss.as_str().parse()), (Ok(mode), Ok(oss)));
        }
        assert_eq!("free".parse::<TaxTreatment>(), Err(UnknownTaxWord));
    }
}
