//! Whole numbers in bodies. JSON has one kind of number, and `12.0` is an integer to JSON Schema (2020-12, 4.2.3), and so to the
//! document.

use serde::de::{Deserialize, Deserializer, Error};
use serde_json::Number;

/// Reads a whole number, with or without a decimal point.
///
/// # Errors
/// For what is no number, has a fraction, or is none of `N`.
pub(super) fn whole<'de, D: Deserializer<'de>, N: TryFrom<i64>>(deserializer: D) -> Result<N, D::Error> {
    let number = Number::deserialize(deserializer)?;
    // Up to 2⁵³ a whole float is exactly what was sent.
    let exact = |value: &f64| value.fract() == 0.0 && value.abs() <= 9_007_199_254_740_992.0;
    let float = || number.as_f64().filter(exact).and_then(|value| format!("{value:.0}").parse().ok());
    let read = number.as_i64().or_else(float).and_then(|value| N::try_from(value).ok());
    read.ok_or_else(|| Error::custom(format!("{number} is no whole number that fits here")))
}

#[cfg(test)]
mod tests {
    use super::whole;
    use serde::Deserialize;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Hours(#[serde(deserialize_with = "whole")] u16);

    #[test]
    fn a_whole_number_may_have_a_point() {
        for (text, hours) in [("0", 0), ("138", 138), ("138.0", 138), ("1.38e2", 138), ("-0.0", 0), ("65535", 65_535)] {
            assert_eq!(serde_json::from_str::<Hours>(text).unwrap(), Hours(hours), "{text}");
        }
        for text in ["1.5", "-1", "65536", "1e300", "\"1\"", "null", "true"] {
            assert!(serde_json::from_str::<Hours>(text).is_err(), "{text}");
        }
    }
}
