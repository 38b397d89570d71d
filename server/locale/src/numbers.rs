//! Whole numbers.

use crate::{Locale, Unformattable};
use icu_decimal::DecimalFormatter;
use icu_decimal::input::Decimal;

/// Writes whole numbers for one locale.
pub struct Numbers(DecimalFormatter);

impl Numbers {
    /// In groups of digits as the locale has them.
    ///
    /// # Errors
    /// [`Unformattable`] if the compiled data is not what this crate was built with.
    pub fn new(locale: &Locale) -> Result<Self, Unformattable> {
        let formatter = DecimalFormatter::try_new(locale.icu().into(), <_>::default());
        Ok(Self(formatter.map_err(Unformattable::because)?))
    }

    /// `12,345`, `12.345`, `12 345`.
    #[must_use]
    pub fn write(&self, number: i64) -> String {
        self.0.format(&Decimal::from(number)).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_grouped_as_the_locale_does() {
        for (tag, number, written) in [
            ("en-US", 1_234_567, "1,234,567"),
            ("de-DE", -12_345, "-12.345"),
            ("fr-FR", 12_345, "12\u{202f}345"),
            ("en-IN", 1_234_567, "12,34,567"),
            ("ja-JP", 0, "0"),
        ] {
            assert_eq!(Numbers::new(&tag.parse().unwrap()).unwrap().write(number), written, "{tag}");
        }
    }
}
