//! Automatic tax: one rate for each country and a few for e-books, the sandbox's own simplification of value-added tax (as
//! of 2026). A business in the European Union that gives its number owes the tax itself. Stripe computes by product, place
//! and registration; this does not.

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

/// Percent for e-books by country, where that is another rate.
const EBOOKS: &[(&str, &str)] = &[
    ("AT", "10"),
    ("CZ", "0"),
    ("DE", "7"),
    ("ES", "4"),
    ("FI", "13.5"),
    ("FR", "5.5"),
    ("GB", "0"),
    ("IE", "0"),
    ("IT", "4"),
    ("NL", "9"),
    ("SE", "6"),
];

/// Stripe's product tax code for e-books, downloaded, with permanent rights.
const EBOOK: &str = "txcd_10302000";

/// Product tax codes of Stripe's that the sandbox knows, with their names: those of books, and the general ones.
pub(crate) const CODES: &[(&str, &str)] = &[
    ("txcd_00000000", "Nontaxable"),
    ("txcd_10000000", "General - Electronically Supplied Services"),
    ("txcd_10301000", "Audio Books - downloaded - non subscription - with permanent rights"),
    ("txcd_10302000", "Digital Books - downloaded - non subscription - with permanent rights"),
    ("txcd_10302001", "Digital Books - downloaded - non subscription - with limited rights"),
    ("txcd_10302002", "Digital Books - downloaded - subscription - with conditional rights"),
    ("txcd_10302003", "Digital Books - viewable only - non subscription - with limited rights"),
    ("txcd_10304000", "Digital School Textbooks - downloaded - non subscription - with permanent rights"),
    ("txcd_35010000", "Books"),
    ("txcd_99999999", "General - Tangible Goods"),
];

/// The name of a product tax code.
pub(crate) fn name_of(code: &str) -> Option<&'static str> {
    CODES.iter().find(|(known, _)| *known == code).map(|(_, name)| *name)
}

/// A rate, and Stripe's word for why it is that one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rate {
    /// In ten-thousandths of a percent.
    pub(crate) rate: i64,
    pub(crate) reason: &'static str,
}

/// The rate of a country for a product, to a buyer with or without a number for value-added tax.
pub(crate) fn rate(country: &str, code: Option<&str>, tax_id: Option<&str>) -> Option<Rate> {
    let find = |table: &[(&str, &str)]| {
        let (_, written) = table.iter().find(|(code, _)| *code == country)?;
        crate::pricing::percent(written)
    };
    let standard = find(RATES)?;
    if tax_id.is_some_and(|id| kind(id) == "eu_vat") {
        return Some(Rate { rate: 0, reason: "reverse_charge" });
    }
    let found = match code.filter(|code| *code == EBOOK).and_then(|_| find(EBOOKS)) {
        Some(0) => Rate { rate: 0, reason: "zero_rated" },
        Some(rate) => Rate { rate, reason: "reduced_rated" },
        None => Rate { rate: standard, reason: "standard_rated" },
    };
    Some(found)
}

/// Stripe's word for the kind of a number, by the letters that it begins with.
pub(crate) fn kind(tax_id: &str) -> &'static str {
    match tax_id.get(..2) {
        Some("GB") => "gb_vat",
        Some("CH") => "ch_vat",
        Some("NO") => "no_vat",
        Some(letters) if letters == "EL" || RATES.iter().any(|(code, _)| *code == letters) => "eu_vat",
        _ => "unknown",
    }
}

/// Whether a text has the form of a number for value-added tax: the country's letters and up to twelve more.
pub(crate) fn is_tax_id(text: &str) -> bool {
    (8..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric()) && kind(text) != "unknown"
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
            assert!(rate(code, None, None).is_some_and(|found| found.rate > 0), "{code} {written}");
        }
        for (code, written) in EBOOKS {
            assert!(rate(code, Some(EBOOK), None).is_some(), "{code} {written}");
        }
        let of = |country, code, id| rate(country, code, id).map(|found| (found.rate, found.reason));
        assert_eq!(of("DE", None, None), Some((190_000, "standard_rated")));
        assert_eq!(of("DE", Some(EBOOK), None), Some((70_000, "reduced_rated")));
        assert_eq!(of("IE", Some(EBOOK), None), Some((0, "zero_rated")));
        assert_eq!(of("DE", Some(EBOOK), Some("DE136695976")), Some((0, "reverse_charge")));
        assert_eq!((of("CH", None, None), of("US", None, None)), (Some((81_000, "standard_rated")), None));
    }

    #[test]
    fn a_number_is_known_by_its_letters() {
        for (text, expected) in [("DE136695976", "eu_vat"), ("EL094259216", "eu_vat"), ("GB980780684", "gb_vat")] {
            assert!(is_tax_id(text) && kind(text) == expected, "{text}");
        }
        for wrong in ["", "DE1", "US123456789", "DE 136695976", "DE13669597612345", "日本36695976"] {
            assert!(!is_tax_id(wrong), "{wrong}");
        }
    }
}
