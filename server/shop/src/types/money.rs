//! Money as checked integer minor units with its currency. No float ever touches an amount.

use core::fmt;
use core::str::FromStr;
use serde::{Deserialize, Serialize};

/// A currency that Stripe charges in, as its ISO 4217 code.
///
/// The number of decimals is Stripe's, not ISO's, because amounts travel to and from Stripe in these units
/// (<https://docs.stripe.com/currencies#zero-decimal>): ISK and UGX are written with two decimals there although
/// their coins are gone, so these must be multiples of a hundred, and those with three decimals multiples of ten. HUF and
/// TWD are whole in Stripe's payouts only.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Currency(&'static Entry);

#[derive(PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Entry {
    code: &'static str,
    decimals: u8,
    symbol: &'static str,
}

const fn entry(code: &'static str, decimals: u8, symbol: &'static str) -> Entry {
    Entry { code, decimals, symbol }
}

/// Sorted by code. An empty symbol means "write the code".
static CURRENCIES: &[Entry] = &[
    entry("AED", 2, ""),
    entry("AUD", 2, "A$"),
    entry("BGN", 2, ""),
    entry("BHD", 3, ""),
    entry("BIF", 0, ""),
    entry("BRL", 2, "R$"),
    entry("CAD", 2, "CA$"),
    entry("CHF", 2, ""),
    entry("CLP", 0, ""),
    entry("CNY", 2, "CN¥"),
    entry("CZK", 2, ""),
    entry("DJF", 0, ""),
    entry("DKK", 2, ""),
    entry("EUR", 2, "€"),
    entry("GBP", 2, "£"),
    entry("GNF", 0, ""),
    entry("HKD", 2, "HK$"),
    entry("HUF", 2, ""),
    entry("IDR", 2, ""),
    entry("ILS", 2, "₪"),
    entry("INR", 2, "₹"),
    entry("ISK", 2, ""),
    entry("JOD", 3, ""),
    entry("JPY", 0, "¥"),
    entry("KMF", 0, ""),
    entry("KRW", 0, "₩"),
    entry("KWD", 3, ""),
    entry("MGA", 0, ""),
    entry("MXN", 2, "MX$"),
    entry("MYR", 2, ""),
    entry("NOK", 2, ""),
    entry("NZD", 2, "NZ$"),
    entry("OMR", 3, ""),
    entry("PHP", 2, "₱"),
    entry("PLN", 2, ""),
    entry("PYG", 0, ""),
    entry("RON", 2, ""),
    entry("RWF", 0, ""),
    entry("SEK", 2, ""),
    entry("SGD", 2, ""),
    entry("THB", 2, ""),
    entry("TND", 3, ""),
    entry("TRY", 2, ""),
    entry("TWD", 2, "NT$"),
    entry("UGX", 2, ""),
    entry("USD", 2, "$"),
    entry("VND", 0, "₫"),
    entry("VUV", 0, ""),
    entry("XAF", 0, ""),
    entry("XOF", 0, ""),
    entry("XPF", 0, ""),
    entry("ZAR", 2, ""),
];

/// The text is not the code of a currency that this store can charge in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown currency")]
pub struct UnknownCurrency;

impl Currency {
    /// The upper-case ISO 4217 code, for example `USD`.
    #[must_use]
    pub fn code(self) -> &'static str {
        self.0.code
    }

    /// How many decimals an amount in Stripe's units has: 0, 2 or 3.
    #[must_use]
    pub fn decimals(self) -> u8 {
        self.0.decimals
    }

    /// What every amount that Stripe charges or refunds is a multiple of, in minor units.
    #[must_use]
    pub fn step(self) -> i64 {
        match (self.0.code, self.0.decimals) {
            ("ISK" | "UGX", _) => 100,
            (_, 3) => 10,
            _ => 1,
        }
    }

    /// The least that Stripe charges in it, where Stripe says so
    /// (<https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>). That is the least for an account that is
    /// paid out in it. For others Stripe looks at what the amount comes to in theirs, so it may differ by the rate.
    #[must_use]
    pub fn least_charge(self) -> Option<Money> {
        let minor = match self.0.code {
            "AUD" | "BRL" | "CAD" | "CHF" | "EUR" | "INR" | "JPY" | "NZD" | "SGD" | "USD" => 50,
            "AED" | "MYR" | "PLN" | "RON" => 200,
            "BGN" => 100,
            "CZK" => 1_500,
            "DKK" => 250,
            "GBP" => 30,
            "HKD" => 400,
            "HUF" => 17_500,
            "MXN" | "THB" => 1_000,
            "NOK" | "SEK" => 300,
            _ => return None,
        };
        Some(Money::new(minor, self))
    }

    /// Every known currency, by code.
    pub fn all() -> impl Iterator<Item = Self> {
        CURRENCIES.iter().map(Currency)
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    /// Takes the ISO code in either case (Stripe writes lower case).
    fn from_str(code: &str) -> Result<Self, UnknownCurrency> {
        CURRENCIES.iter().find(|entry| entry.code.eq_ignore_ascii_case(code)).map(Currency).ok_or(UnknownCurrency)
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// An amount that cannot be added or made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    /// Two amounts of different currencies were put together.
    #[error("amounts of different currencies cannot be added")]
    CurrencyMismatch,
    /// The result does not fit an `i64` of minor units.
    #[error("the amount is too large")]
    Overflow,
    /// A price or total below zero.
    #[error("an amount to pay cannot be negative")]
    Negative,
    /// Of some currencies Stripe charges only amounts whose last digits are 0: see [`Currency::step`].
    #[error("amounts in this currency must end with 0, and those in ISK and UGX with 00, in minor units")]
    Granularity,
}

/// An amount of money: minor units (as Stripe counts them) and the currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Money {
    minor: i64,
    currency: Currency,
}

impl Money {
    /// An amount as a person types it: "4.99" in a currency with so many decimals; neither a sign nor separators of
    /// thousands.
    #[must_use]
    pub fn read(text: &str, currency: Currency) -> Option<Self> {
        let decimals = usize::from(currency.decimals());
        let (units, fraction) = text.split_once('.').unwrap_or((text, ""));
        let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
        let too_long = fraction.len() > decimals || text.ends_with('.');
        if units.is_empty() || !digits(units) || !digits(fraction) || too_long {
            return None;
        }
        let minor: i64 = format!("{units}{fraction:0<decimals$}").parse().ok()?;
        Some(Self::new(minor, currency))
    }

    /// An amount of `minor` units, of either sign.
    #[must_use]
    pub const fn new(minor: i64, currency: Currency) -> Self {
        Self { minor, currency }
    }

    /// Nothing, in `currency`.
    #[must_use]
    pub const fn zero(currency: Currency) -> Self {
        Self::new(0, currency)
    }

    /// A price as a seller may set it.
    ///
    /// # Errors
    /// [`MoneyError::Negative`] below zero; [`MoneyError::Granularity`] if it is no multiple of [`Currency::step`]
    /// (Stripe refuses those).
    pub fn price(minor: i64, currency: Currency) -> Result<Self, MoneyError> {
        if minor < 0 {
            return Err(MoneyError::Negative);
        }
        if minor % currency.step() != 0 {
            return Err(MoneyError::Granularity);
        }
        Ok(Self::new(minor, currency))
    }

    /// The amount in minor units.
    #[must_use]
    pub const fn minor(self) -> i64 {
        self.minor
    }

    /// The currency.
    #[must_use]
    pub const fn currency(self) -> Currency {
        self.currency
    }

    /// Whether nothing is to be paid.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.minor == 0
    }

    /// Whether it is something, and less than Stripe charges: see [`Currency::least_charge`].
    #[must_use]
    pub fn is_too_little(self) -> bool {
        self.minor > 0 && self.currency.least_charge().is_some_and(|least| self.minor < least.minor)
    }

    /// The sum of two amounts.
    ///
    /// # Errors
    /// [`MoneyError::CurrencyMismatch`] or [`MoneyError::Overflow`]; never a wrapped result.
    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch);
        }
        let minor = self.minor.checked_add(other.minor).ok_or(MoneyError::Overflow)?;
        Ok(Self::new(minor, self.currency))
    }

    /// The sum of all `amounts`, zero in `currency` if there are none.
    ///
    /// # Errors
    /// As [`Money::checked_add`].
    pub fn sum(currency: Currency, amounts: impl IntoIterator<Item = Self>) -> Result<Self, MoneyError> {
        amounts.into_iter().try_fold(Self::zero(currency), Self::checked_add)
    }
}

/// English notation: `$7.99`, `¥500`, `KWD 1.250`, and `ISK 1,200` as there are no coins.
impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.minor < 0 {
            f.write_str("−")?;
        }
        match self.currency.0.symbol {
            "" => write!(f, "{}\u{a0}", self.currency.code())?,
            symbol => f.write_str(symbol)?,
        }
        let digits = usize::from(self.currency.decimals());
        let scale = 10_u64.pow(u32::from(self.currency.decimals()));
        let units = self.minor.unsigned_abs();
        f.write_str(&grouped(units / scale))?;
        let without_coins = self.currency.step() == 100 && units.is_multiple_of(scale);
        if digits > 0 && !without_coins {
            write!(f, ".{:0digits$}", units % scale)?;
        }
        Ok(())
    }
}

fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn money(minor: i64, code: &str) -> Money {
        Money::new(minor, code.parse().unwrap())
    }

    #[test]
    fn amounts_are_written_with_the_decimals_that_stripe_uses() {
        for (minor, code, text) in [
            (799, "USD", "$7.99"),
            (5, "EUR", "€0.05"),
            (500, "JPY", "¥500"),
            (123_456_789, "USD", "$1,234,567.89"),
            (1_250, "KWD", "KWD\u{a0}1.250"),
            (100_000, "HUF", "HUF\u{a0}1,000.00"),
            (100, "ISK", "ISK\u{a0}1"),
            (-799, "USD", "−$7.99"),
        ] {
            assert_eq!(money(minor, code).to_string(), text);
        }
        assert_eq!(money(i64::MIN, "JPY").to_string(), "−¥9,223,372,036,854,775,808");
    }

    #[test]
    fn the_table_is_sorted_and_has_stripes_zero_decimal_currencies() {
        assert!(CURRENCIES.is_sorted_by_key(|c| c.code));
        let zero: Vec<_> = Currency::all().filter(|c| c.decimals() == 0).map(Currency::code).collect();
        assert_eq!(
            zero,
            ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
        );
        assert!("usd".parse::<Currency>().is_ok());
        assert_eq!("XXX".parse::<Currency>(), Err(UnknownCurrency));
    }

    #[test]
    fn less_than_stripe_charges_is_too_little_and_nothing_is_not() {
        for (minor, code, too_little) in [
            (49, "USD", true),
            (50, "USD", false),
            (0, "USD", false),
            (29, "GBP", true),
            (30, "GBP", false),
            (49, "JPY", true),
            (50, "JPY", false),
            (17_499, "HUF", true),
            (17_500, "HUF", false),
            // Stripe names none.
            (1, "KRW", false),
        ] {
            assert_eq!(money(minor, code).is_too_little(), too_little, "{minor} {code}");
        }
        let named: Vec<_> = Currency::all().filter(|currency| currency.least_charge().is_some()).collect();
        assert_eq!(named.len(), 24);
    }

    #[test]
    fn a_price_is_not_negative_and_fits_stripes_granularity() {
        let kwd = "KWD".parse().unwrap();
        assert_eq!(Money::price(-1, kwd), Err(MoneyError::Negative));
        assert_eq!(Money::price(1_255, kwd), Err(MoneyError::Granularity));
        assert!(Money::price(1_250, kwd).is_ok());
        for code in ["ISK", "UGX"] {
            let currency = code.parse().unwrap();
            assert_eq!(Money::price(12_350, currency), Err(MoneyError::Granularity), "{code}");
            assert!(Money::price(12_300, currency).is_ok(), "{code}");
        }
        for code in ["HUF", "TWD"] {
            assert!(Money::price(12_355, code.parse().unwrap()).is_ok(), "{code}");
        }
    }

    /// Row 13: a generated cart is summed exactly or refused, never wrapped.
    #[test]
    fn row_13_sums_are_exact_or_an_error() {
        let usd: Currency = "USD".parse().unwrap();
        let amounts = proptest::collection::vec(prop_oneof![0..1_000_000_i64, any::<i64>()], 0..40);
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(100_000));
        runner
            .run(&amounts, |minors| {
                let exact: i128 = minors.iter().map(|m| i128::from(*m)).sum();
                match Money::sum(usd, minors.iter().map(|m| Money::new(*m, usd))) {
                    Ok(sum) => prop_assert_eq!(i128::from(sum.minor()), exact),
                    Err(error) => {
                        prop_assert_eq!(error, MoneyError::Overflow);
                        // Refused only if some prefix really left the range.
                        let mut total = 0_i128;
                        let left = minors.iter().any(|m| {
                            total += i128::from(*m);
                            i64::try_from(total).is_err()
                        });
                        prop_assert!(left);
                    }
                }
                Ok(())
            })
            .unwrap();
    }

    #[test]
    fn currencies_do_not_mix() {
        assert_eq!(money(1, "USD").checked_add(money(1, "EUR")), Err(MoneyError::CurrencyMismatch));
    }

    #[test]
    fn amounts_are_read_exactly_or_not_at_all() {
        let read = |text: &str, currency: &str| Money::read(text, currency.parse().unwrap()).map(Money::minor);
        for (text, currency, minor) in [
            ("4.99", "USD", Some(499)),
            ("4.9", "USD", Some(490)),
            ("4", "USD", Some(400)),
            ("0.01", "USD", Some(1)),
            ("1200", "JPY", Some(1_200)),
            ("1.250", "KWD", Some(1_250)),
            ("12.5", "JPY", None),
            ("4.999", "USD", None),
            ("4,99", "USD", None),
            ("1,000", "USD", None),
            ("-4.99", "USD", None),
            ("+4", "USD", None),
            (".5", "USD", None),
            ("4.", "USD", None),
            ("", "USD", None),
            ("four", "USD", None),
            ("99999999999999999999", "USD", None),
        ] {
            assert_eq!(read(text, currency), minor, "{text} {currency}");
        }
    }
}
