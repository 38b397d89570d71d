//! Numbers for value-added tax: their form, and their check digits where the state has published how they are made.
//!
//! A number that passes may still be nobody's: see the look-up in the Union's register ([`super::vies`]).

use crate::types::Country;

/// A number that has the form of one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VatId {
    /// Whose number it is. Greek ones begin with EL and are Greece's.
    pub country: Country,
    /// Without the letters of the country, spaces and punctuation.
    pub number: String,
}

impl VatId {
    /// A number as Stripe gives it, of Stripe's kind (`eu_vat`, `gb_vat`, `ch_vat`, `no_vat`); none if it is of another
    /// kind, or has not the form of one, or its check digits are wrong. Northern Ireland's (XI) are for goods.
    #[must_use]
    pub fn read(kind: &str, value: &str) -> Option<Self> {
        let text: String =
            value.chars().filter(char::is_ascii_alphanumeric).map(|letter| letter.to_ascii_uppercase()).collect();
        let (country, number) = match kind {
            "eu_vat" => {
                let (prefix, number) = text.split_at_checked(2)?;
                (if prefix == "EL" { "GR" } else { prefix }, number)
            }
            "gb_vat" => ("GB", text.strip_prefix("GB")?),
            "ch_vat" => {
                let number = text.strip_prefix("CHE")?;
                let number = ["MWST", "TVA", "IVA"].iter().find_map(|end| number.strip_suffix(end)).unwrap_or(number);
                ("CH", number)
            }
            "no_vat" => {
                let number = text.strip_prefix("NO").unwrap_or(&text);
                ("NO", number.strip_suffix("MVA").unwrap_or(number))
            }
            _ => return None,
        };
        let known: Country = country.parse().ok()?;
        let of_union = kind == "eu_vat";
        if of_union != known.is_in_union() || !is_sound(country, number) {
            return None;
        }
        Some(Self { country: known, number: number.to_owned() })
    }
}

/// Whether the number has the form of the country's, and its check digits are right as far as the state says how they are
/// made.
fn is_sound(country: &str, number: &str) -> bool {
    let d = digits(number);
    let n = number.len();
    match country {
        "AT" => number.strip_prefix('U').map(digits).is_some_and(|d| d.len() == 8 && austria(&d)),
        "BE" => {
            n == 10
                && d.len() == 10
                && matches!(d.first(), Some(0 | 1))
                && 97 - value(&d, 0..8) % 97 == value(&d, 8..10)
        }
        "CH" => n == 9 && d.len() == 9 && check(&d, &[5, 4, 3, 2, 7, 6, 5, 4], |sum| (11 - sum % 11) % 11),
        "DE" | "HR" => n == if country == "DE" { 9 } else { 11 } && d.len() == n && mod_11_10(&d),
        "DK" => n == 8 && d.len() == 8 && sum(&d, &[2, 7, 6, 5, 4, 3, 2, 1]).is_multiple_of(11),
        "EE" => n == 9 && d.len() == 9 && check(&d, &[3, 7, 1, 3, 7, 1, 3, 7], |sum| (10 - sum % 10) % 10),
        "FI" => n == 8 && d.len() == 8 && check(&d, &[7, 9, 10, 5, 8, 4, 2], |sum| (11 - sum % 11) % 11),
        "FR" => france(number),
        "GB" => (n == 9 || n == 12) && d.len() == n && britain(&d),
        "GR" => n == 9 && d.len() == 9 && check(&d, &[256, 128, 64, 32, 16, 8, 4, 2], |sum| sum % 11 % 10),
        "HU" => n == 8 && d.len() == 8 && check(&d, &[9, 7, 3, 1, 9, 7, 3], |sum| (10 - sum % 10) % 10),
        "IT" => n == 11 && d.len() == 11 && luhn(&d),
        "LU" => n == 8 && d.len() == 8 && value(&d, 0..6) % 89 == value(&d, 6..8),
        "MT" => n == 8 && d.len() == 8 && 37 - sum(&d, &[3, 4, 6, 7, 8, 9]) % 37 == value(&d, 6..8),
        "NL" => netherlands(number),
        "NO" => n == 9 && d.len() == 9 && check(&d, &[3, 2, 7, 6, 5, 4, 3, 2], |sum| (11 - sum % 11) % 11),
        "PL" => n == 10 && d.len() == 10 && check(&d, &[6, 5, 7, 2, 3, 4, 5, 6, 7], |sum| sum % 11),
        "PT" => n == 9 && d.len() == 9 && check(&d, &[9, 8, 7, 6, 5, 4, 3, 2], |sum| (11 - sum % 11) % 11 % 10),
        "SE" => n == 12 && d.len() == 12 && d.get(..10).is_some_and(luhn),
        "SI" => n == 8 && d.len() == 8 && check(&d, &[8, 7, 6, 5, 4, 3, 2], |sum| (11 - sum % 11) % 11 % 10),
        "SK" => n == 10 && d.len() == 10 && value(&d, 0..10).is_multiple_of(11),
        // The form alone.
        "BG" => d.len() == n && (9..=10).contains(&n),
        "CY" => n == 9 && d.len() == 8 && number.ends_with(|c: char| c.is_ascii_uppercase()),
        "CZ" => d.len() == n && (8..=10).contains(&n),
        "ES" => n == 9 && d.len() >= 7 && number.get(1..8).is_some_and(|middle| digits(middle).len() == 7),
        "IE" => (8..=9).contains(&n) && number.get(..1).is_some_and(|first| digits(first).len() == 1) && d.len() >= 6,
        "LT" => d.len() == n && (n == 9 || n == 12),
        "LV" => d.len() == n && n == 11,
        "RO" => d.len() == n && (2..=10).contains(&n),
        _ => false,
    }
}

fn digits(text: &str) -> Vec<u32> {
    text.chars().filter_map(|letter| letter.to_digit(10)).collect()
}

fn value(digits: &[u32], range: core::ops::Range<usize>) -> u64 {
    digits.get(range).unwrap_or_default().iter().fold(0, |value, digit| value * 10 + u64::from(*digit))
}

fn sum(digits: &[u32], weights: &[u32]) -> u64 {
    digits.iter().zip(weights).map(|(digit, weight)| u64::from(digit * weight)).sum()
}

/// Whether the digit after the weighted ones is what their sum says. Ten is no digit: such numbers are not given out.
fn check(digits: &[u32], weights: &[u32], last: fn(u64) -> u64) -> bool {
    digits.get(weights.len()).is_some_and(|digit| u64::from(*digit) == last(sum(digits, weights)))
}

fn luhn(digits: &[u32]) -> bool {
    let doubled = |digit: u32| if digit > 4 { 2 * digit - 9 } else { 2 * digit };
    let sum: u32 =
        digits.iter().rev().enumerate().map(|(i, digit)| if i % 2 == 1 { doubled(*digit) } else { *digit }).sum();
    sum.is_multiple_of(10)
}

/// ISO 7064, MOD 11,10.
fn mod_11_10(digits: &[u32]) -> bool {
    let Some((last, rest)) = digits.split_last() else { return false };
    let product = rest.iter().fold(10, |product, digit| {
        let sum = (product + digit) % 10;
        2 * if sum == 0 { 10 } else { sum } % 11
    });
    (11 - product) % 10 == *last
}

fn austria(digits: &[u32]) -> bool {
    let Some((last, rest)) = digits.split_last() else { return false };
    let part = |(i, digit): (usize, &u32)| if i % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { *digit };
    let sum: u32 = rest.iter().enumerate().map(part).sum();
    (10 - (sum + 4) % 10) % 10 == *last
}

/// Two characters before the number of the company. Only the digits among them can be checked.
fn france(number: &str) -> bool {
    let Some((key, company)) = number.split_at_checked(2) else { return false };
    let company = digits(company);
    if number.len() != 11 || company.len() != 9 {
        return false;
    }
    match key.parse::<u64>() {
        Ok(key) => (12 + 3 * (value(&company, 0..9) % 97)) % 97 == key,
        Err(_) => key.bytes().all(|letter| letter.is_ascii_alphanumeric() && letter != b'I' && letter != b'O'),
    }
}

fn britain(digits: &[u32]) -> bool {
    let rest = (sum(digits, &[8, 7, 6, 5, 4, 3, 2]) + value(digits, 7..9)) % 97;
    rest == 0 || rest == 42
}

/// Companies' numbers have a check digit of their own; since 2020 those of natural persons are checked as a whole, with
/// letters as numbers from 10.
fn netherlands(number: &str) -> bool {
    let (Some(company), Some(end)) = (number.get(..9), number.get(9..)) else { return false };
    let first = digits(company);
    let of_form = first.len() == 9 && end.len() == 3 && end.starts_with('B') && digits(end).len() == 2;
    let whole = format!("NL{number}").chars().fold(0, |rest: u64, letter| match letter.to_digit(36) {
        Some(low @ 0..=9) => (rest * 10 + u64::from(low)) % 97,
        Some(high) => (rest * 100 + u64::from(high)) % 97,
        None => rest,
    });
    of_form && (check(&first, &[9, 8, 7, 6, 5, 4, 3, 2], |sum| sum % 11) || whole == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers that public documentation of these check digits gives as examples.
    const GOOD: &[(&str, &str)] = &[
        ("eu_vat", "ATU13585627"),
        ("eu_vat", "BE 0428.759.497"),
        ("eu_vat", "BG 175 074 752"),
        ("eu_vat", "CY-10259033P"),
        ("eu_vat", "CZ 25123891"),
        ("eu_vat", "DE 136,695 976"),
        ("eu_vat", "DK 13585628"),
        ("eu_vat", "EE 100 931 558"),
        ("eu_vat", "EL 094259216"),
        ("eu_vat", "ES B-58378431"),
        ("eu_vat", "FI 20774740"),
        ("eu_vat", "Fr 40 303 265 045"),
        ("eu_vat", "HR 33392005961"),
        ("eu_vat", "HU-12892312"),
        ("eu_vat", "IE 6433435F"),
        ("eu_vat", "IT 00743110157"),
        ("eu_vat", "LT 119511515"),
        ("eu_vat", "LU 150 274 42"),
        ("eu_vat", "LV 4000 3521 600"),
        ("eu_vat", "MT 1167-9112"),
        ("eu_vat", "NL4495445B01"),
        ("eu_vat", "PL 8567346215"),
        ("eu_vat", "PT 501 964 843"),
        ("eu_vat", "RO 185 472 90"),
        ("eu_vat", "SE 556036079301"),
        ("eu_vat", "SI 5022 3054"),
        ("eu_vat", "SK 202 274 96 19"),
        ("gb_vat", "GB 980 7806 84"),
        ("ch_vat", "CHE-107.787.577 MWST"),
        ("no_vat", "NO 995 525 828 MVA"),
    ];

    #[test]
    fn sound_numbers_are_read_and_one_wrong_digit_is_seen() {
        for (kind, value) in GOOD {
            let value = value.replace("NL4495445B01", "NL004495445B01");
            let id = VatId::read(kind, &value).unwrap_or_else(|| panic!("{value}"));
            assert!(id.number.len() >= 7, "{value}");
            // Every single wrong digit, where there are check digits for it.
            let checked = !["BG", "CY", "CZ", "ES", "IE", "LT", "LV", "RO"].contains(&id.country.to_string().as_str());
            let last = value.rfind(|c: char| c.is_ascii_digit()).unwrap();
            let digit = value.as_bytes()[last] - b'0';
            // Sweden's and the Netherlands' last two digits number the company's parts.
            if checked && !["SE", "NL"].contains(&id.country.to_string().as_str()) {
                for other in (0..10).filter(|other| *other != digit) {
                    let wrong = format!("{}{other}{}", &value[..last], &value[last + 1..]);
                    assert_eq!(VatId::read(kind, &wrong), None, "{wrong}");
                }
            }
        }
        assert_eq!(VatId::read("eu_vat", "EL094259216").unwrap().country.to_string(), "GR");
    }

    #[test]
    fn what_is_no_number_is_none() {
        for (kind, value) in [
            ("eu_vat", ""),
            ("eu_vat", "D"),
            ("eu_vat", "DE"),
            ("eu_vat", "DE12345678"),
            ("eu_vat", "DE1234567890"),
            ("eu_vat", "XI980780684"),
            ("eu_vat", "GB980780684"),
            ("eu_vat", "US123456789"),
            ("eu_vat", "日本136695976"),
            ("us_ein", "12-3456789"),
            ("gb_vat", "980780684"),
            ("eu_vat", "NL004495445X01"),
        ] {
            assert_eq!(VatId::read(kind, value), None, "{kind} {value}");
        }
    }
}
