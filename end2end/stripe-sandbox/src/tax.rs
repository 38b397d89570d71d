//! Automatic tax: one rate for each country, the sandbox's own simplification of the standard rates of
//! value-added tax (as of 2026). Stripe computes by product, place and registration; this does not.

/// Percent by country; a country that is not here has no tax.
const RATES: &[(&str, &str)] = &[
    ("AT", "20"),
    ("AU", "10"),
    ("BE", "21"),
    ("BG", "20"),
    ("CH", "8.1"),
    ("CY", "19"),
    ("CZ", "21"),
    ("DE", "19"),
    ("DK", "25"),
    ("EE", "24"),
    ("ES", "21"),
    ("FI", "25.5"),
    ("FR", "20"),
    ("GB", "20"),
    ("GR", "24"),
    ("HR", "25"),
    ("HU", "27"),
    ("IE", "23"),
    ("IT", "22"),
    ("JP", "10"),
    ("LT", "21"),
    ("LU", "17"),
    ("LV", "21"),
    ("MT", "18"),
    ("NL", "21"),
    ("NO", "25"),
    ("NZ", "15"),
    ("PL", "23"),
    ("PT", "23"),
    ("RO", "21"),
    ("SE", "25"),
    ("SI", "22"),
    ("SK", "23"),
];

/// The rate of a country in ten-thousandths of a percent.
pub(crate) fn rate(country: &str) -> Option<i64> {
    let (_, written) = RATES.iter().find(|(code, _)| *code == country)?;
    crate::pricing::percent(written)
}

/// Whether a price holds its tax already. What is not specified is exclusive, as Stripe's default for most currencies.
pub(crate) fn is_inclusive(behavior: &str) -> bool {
    behavior == "inclusive"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rate_is_a_percentage() {
        for (code, written) in RATES {
            assert!(rate(code).is_some_and(|rate| rate > 0), "{code} {written}");
        }
        assert_eq!((rate("DE"), rate("CH"), rate("US")), (Some(190_000), Some(81_000), None));
    }
}
