//! Amounts of one currency.

use crate::{Locale, Unformattable};
use icu_decimal::DecimalFormatter;
use icu_decimal::input::Decimal;
use icu_experimental::dimension::currency::CurrencyType;
use icu_experimental::dimension::currency::formatter::CurrencyFormatter;

/// Writes amounts of one currency for one locale.
///
/// As many decimals are written as CLDR names for the currency (`JPY` none, `KWD` three, `ISK` none), and never fewer
/// than the amount needs: nothing is rounded.
pub struct Amounts {
    with_symbol: CurrencyFormatter<DecimalFormatter>,
    plain: CurrencyFormatter<DecimalFormatter>,
    /// For the rare amount with more decimals than CLDR has for its currency.
    exact: CurrencyFormatter<DecimalFormatter>,
    exact_plain: CurrencyFormatter<DecimalFormatter>,
    code: String,
    /// Decimals of a minor unit, as the caller counts.
    decimals: u8,
    /// Decimals that CLDR writes.
    written: u8,
}

/// ISO 4217 for "no currency": written with two decimals, and by its code in every locale.
const NO_CURRENCY: &str = "XXX";

impl Amounts {
    /// For amounts in minor units of which `10^decimals` make one unit of `currency` (its ISO 4217 code).
    ///
    /// # Errors
    /// [`Unformattable`] if the code is not three letters or there are more than three decimals.
    pub fn new(locale: &Locale, currency: &str, decimals: u8) -> Result<Self, Unformattable> {
        if decimals > 3 {
            return Err(Unformattable::because("more than three decimals"));
        }
        let kind = currency_type(currency)?;
        let locale = locale.icu();
        let symbol = |currency| CurrencyFormatter::try_new_symbol((&locale).into(), currency, <_>::default());
        let code = |currency| CurrencyFormatter::try_new_code((&locale).into(), currency, <_>::default());
        let plain = |currency| CurrencyFormatter::try_new_no_currency((&locale).into(), currency, <_>::default());
        let none = currency_type(NO_CURRENCY)?;
        Ok(Self {
            with_symbol: symbol(kind).map_err(Unformattable::because)?,
            plain: plain(kind).map_err(Unformattable::because)?,
            exact: code(none).map_err(Unformattable::because)?,
            exact_plain: plain(none).map_err(Unformattable::because)?,
            code: currency.to_ascii_uppercase(),
            decimals,
            written: written_decimals(kind)?,
        })
    }

    /// With the currency's sign: `€12.34`, `12,34 €`, `¥500`.
    #[must_use]
    pub fn with_symbol(&self, minor: i64) -> String {
        let amount = self.decimal(minor);
        if self.needs_more(minor) {
            return self.exact.format_fixed_decimal(&amount).to_string().replace(NO_CURRENCY, &self.code);
        }
        self.with_symbol.format_fixed_decimal(&amount).to_string()
    }

    /// Without it, for a column whose heading names the currency: `1,234.56`.
    #[must_use]
    pub fn plain(&self, minor: i64) -> String {
        let amount = self.decimal(minor);
        let formatter = if self.needs_more(minor) { &self.exact_plain } else { &self.plain };
        formatter.format_fixed_decimal(&amount).to_string()
    }

    fn decimal(&self, minor: i64) -> Decimal {
        let mut amount = Decimal::from(minor);
        amount.multiply_pow10(-i16::from(self.decimals));
        amount
    }

    /// Whether the locale's own way would round this amount.
    fn needs_more(&self, minor: i64) -> bool {
        let dropped = u32::from(self.decimals.saturating_sub(self.written));
        dropped > 0 && minor % 10_i64.pow(dropped) != 0
    }
}

fn currency_type(code: &str) -> Result<CurrencyType, Unformattable> {
    CurrencyType::try_from_str(code).map_err(|_| Unformattable::because("a currency has three letters"))
}

/// How many decimals CLDR gives the currency, read off an amount: the formatter does not tell.
fn written_decimals(currency: CurrencyType) -> Result<u8, Unformattable> {
    let english = icu_locale_core::locale!("en");
    let formatter = CurrencyFormatter::try_new_no_currency((&english).into(), currency, <_>::default())
        .map_err(Unformattable::because)?;
    let one = formatter.format_fixed_decimal(&Decimal::from(1)).to_string();
    let decimals = one.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    u8::try_from(decimals).map_err(Unformattable::because)
}

#[cfg(test)]
mod tests {
    use super::*;
    use shop::types::Currency;

    fn amounts(tag: &str, code: &str) -> Amounts {
        let currency: Currency = code.parse().unwrap();
        Amounts::new(&tag.parse().unwrap(), currency.code(), currency.decimals()).unwrap()
    }

    #[test]
    fn amounts_are_written_as_the_locale_does() {
        for (tag, code, minor, written) in [
            ("en", "EUR", 123_456, "€1,234.56"),
            ("en", "USD", -799, "-$7.99"),
            ("de", "EUR", 123_456, "1.234,56\u{a0}€"),
            ("de-CH", "CHF", 123_456, "CHF\u{a0}1'234.56"),
            ("fr", "EUR", 123_456, "1\u{202f}234,56\u{a0}€"),
            ("nl", "EUR", -123_456, "€\u{a0}-1.234,56"),
            ("ja", "JPY", 123_456, "￥123,456"),
            ("en", "KWD", 1_250, "KWD\u{a0}1.250"),
            ("hu", "HUF", 100_050, "1000,50\u{a0}HUF"),
            ("en-IN", "INR", 12_345_678, "₹1,23,456.78"),
        ] {
            assert_eq!(amounts(tag, code).with_symbol(minor), written, "{tag} {code} {minor}");
        }
        assert_eq!(amounts("de", "EUR").plain(-123_456), "-1.234,56");
        assert_eq!(amounts("en", "JPY").plain(500), "500");
    }

    /// Stripe counts the króna in hundredths; a share of tax need not be a whole one.
    #[test]
    fn nothing_is_rounded_away() {
        for code in ["ISK", "UGX"] {
            let amounts = amounts("de", code);
            assert_eq!(amounts.plain(123_400), "1.234", "{code}");
            assert_eq!(amounts.plain(123_456), "1.234,56", "{code}");
            assert_eq!(amounts.with_symbol(123_456), format!("1.234,56\u{a0}{code}"));
        }
    }

    #[test]
    fn every_currency_of_the_store_keeps_its_digits_in_many_languages() {
        for tag in ["en", "de", "fr", "es", "it", "nl", "ja", "ko", "he", "zh-TW", "sv", "pl", "hi"] {
            for currency in Currency::all() {
                let amounts = amounts(tag, currency.code());
                let digits = |text: String| text.chars().filter(char::is_ascii_digit).collect::<String>();
                let written = digits(amounts.plain(1_234_567));
                assert_eq!(written, "1234567", "{tag} {currency}");
                assert_eq!(digits(amounts.with_symbol(1_234_567)), written, "{tag} {currency}");
            }
        }
    }

    #[test]
    fn what_is_no_currency_is_refused() {
        for (code, decimals) in [("EU", 2), ("", 2), ("E1R", 2), ("€€€", 2), ("EUR", 4)] {
            assert!(Amounts::new(&Locale::english(), code, decimals).is_err(), "{code}");
        }
    }
}
