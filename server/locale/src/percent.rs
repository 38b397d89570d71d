//! Tax rates.

use crate::{Locale, Unformattable};
use icu_decimal::DecimalFormatter;
use icu_decimal::input::Decimal;
use icu_experimental::dimension::percent::formatter::PercentFormatter;

/// Writes rates for one locale.
pub struct Percentages(PercentFormatter<DecimalFormatter>);

impl Percentages {
    /// For rates of that locale.
    ///
    /// # Errors
    /// [`Unformattable`] if the compiled data is not what this crate was built with.
    pub fn new(locale: &Locale) -> Result<Self, Unformattable> {
        let formatter = PercentFormatter::try_new((&locale.icu()).into(), <_>::default());
        Ok(Self(formatter.map_err(Unformattable::because)?))
    }

    /// A rate in parts per million, with as many decimals as it needs: 70 000 is `7%`, 55 000 is `5.5%`.
    #[must_use]
    pub fn write(&self, parts_per_million: i64) -> String {
        let mut percent = Decimal::from(parts_per_million);
        percent.multiply_pow10(-4);
        percent.trim_end();
        self.0.format(&percent).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_the_decimals_that_they_need() {
        for (tag, rate, written) in [
            ("en", 70_000, "7%"),
            ("en", 0, "0%"),
            ("en", 88_750, "8.875%"),
            ("en", 200_000, "20%"),
            ("de", 55_000, "5,5\u{a0}%"),
            ("fr", 21_000, "2,1\u{a0}%"),
            ("tr", 10_000, "%1"),
            ("en", 1, "0.0001%"),
        ] {
            assert_eq!(Percentages::new(&tag.parse().unwrap()).unwrap().write(rate), written, "{tag} {rate}");
        }
    }
}
