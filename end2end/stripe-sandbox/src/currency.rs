//! Currencies as Stripe treats them: which it takes, how many decimals, the smallest charge.

use crate::error::ApiError;

/// Currencies that Checkout takes (lower-case ISO 4217).
const KNOWN: &str = "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd \
    cad cdf chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg \
    huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk mnt mop \
    mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub rwf sar sbd scr \
    sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx usd uyu uzs vnd vuv wst xaf xcd xof xpf \
    yer zar zmw";
const NO_DECIMALS: &str = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf";
const THREE_DECIMALS: &str = "bhd jod kwd omr tnd";
/// Written with two decimals and charged in whole hundreds: currencies whose coins are gone
/// (docs.stripe.com/currencies, "Special cases"). HUF and TWD are whole in payouts only.
const WHOLE: &str = "isk ugx";

/// Whether Stripe takes this lower-case code.
pub(crate) fn is_known(code: &str) -> bool {
    listed(KNOWN, code)
}

/// All codes, for the error message.
pub(crate) fn all() -> String {
    KNOWN.split_whitespace().collect::<Vec<_>>().join(", ")
}

fn listed(list: &str, code: &str) -> bool {
    list.split_whitespace().any(|c| c == code)
}

/// The smallest amount Stripe charges, in minor units (docs.stripe.com/currencies, "Minimum and maximum charge amounts").
pub(crate) fn minimum(code: &str) -> i64 {
    match code {
        "aed" | "myr" | "pln" | "ron" => 200,
        "bgn" => 100,
        "czk" => 1_500,
        "dkk" => 250,
        "gbp" => 30,
        "hkd" => 400,
        "huf" => 17_500,
        "jpy" => 50,
        "mxn" | "thb" => 1_000,
        "nok" | "sek" => 300,
        _ if decimals(code) == 0 => 1,
        _ => 50,
    }
}

/// Digits after the decimal point.
pub(crate) fn decimals(code: &str) -> usize {
    if listed(NO_DECIMALS, code) {
        0
    } else if listed(THREE_DECIMALS, code) {
        3
    } else {
        2
    }
}

/// Why Stripe does not charge or refund this amount, if so: of some currencies the last digits must be 0.
pub(crate) fn check(minor: i64, code: &str) -> Result<(), ApiError> {
    let name = code.to_ascii_uppercase();
    if listed(WHOLE, code) && minor % 100 != 0 {
        return Err(ApiError::invalid(format!(
            "Invalid amount. Currency {name} has become effectively zero-decimal and charged amounts must be evenly \
             divisible by 100. See https://stripe.com/docs/currencies#special-cases for more information."
        ))
        .code("invalid_charge_amount_no_decimal_compatible"));
    }
    // Stripe documents the rule and not the words.
    if listed(THREE_DECIMALS, code) && minor % 10 != 0 {
        return Err(ApiError::invalid(format!("Invalid amount. The last digit of amounts in {name} must be 0.")));
    }
    Ok(())
}

/// An amount for people: `$12.99`, `€5.00`, `¥500`, `CHF 12.00`, `ISK 1,200`. Integers only.
pub(crate) fn format(minor: i64, code: &str) -> String {
    let decimals = decimals(code);
    let digits = minor.unsigned_abs().to_string();
    let padded = format!("{digits:0>width$}", width = decimals + 1);
    let (whole, fraction) = padded.split_at(padded.len() - decimals);
    let mut grouped = String::new();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    let sign = if minor < 0 { "-" } else { "" };
    let symbol = match code {
        "usd" => "$".to_owned(),
        "eur" => "€".to_owned(),
        "gbp" => "£".to_owned(),
        "jpy" => "¥".to_owned(),
        "cad" => "CA$".to_owned(),
        "aud" => "A$".to_owned(),
        other => format!("{}\u{a0}", other.to_ascii_uppercase()),
    };
    let whole_only = listed(WHOLE, code) && minor % 100 == 0;
    if fraction.is_empty() || whole_only {
        format!("{sign}{symbol}{grouped}")
    } else {
        format!("{sign}{symbol}{grouped}.{fraction}")
    }
}

/// Reads an amount as people write it (`12.99`, `1,234.5`, `500`) into minor units. Integers only.
pub(crate) fn parse(text: &str, code: &str) -> Option<i64> {
    let decimals = decimals(code);
    let text: String = text.chars().filter(|c| !matches!(c, ',' | ' ')).collect();
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > decimals || !digits(whole) || !digits(fraction) {
        return None;
    }
    format!("{whole}{fraction:0<decimals$}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_read_as_people_write_them() {
        assert_eq!(format(1299, "usd"), "$12.99");
        assert_eq!(format(5, "eur"), "€0.05");
        assert_eq!(format(500, "jpy"), "¥500");
        assert_eq!(format(1_234_567, "gbp"), "£12,345.67");
        assert_eq!(format(1_500, "kwd"), "KWD\u{a0}1.500");
        assert_eq!(format(0, "usd"), "$0.00");
    }

    #[test]
    fn currencies_whose_coins_are_gone_are_charged_in_whole_hundreds() {
        assert_eq!((decimals("ugx"), decimals("isk"), decimals("huf"), decimals("twd")), (2, 2, 2, 2));
        assert_eq!(
            (format(350_000, "ugx"), format(1_299_000, "isk")),
            ("UGX\u{a0}3,500".into(), "ISK\u{a0}12,990".into())
        );
        assert_eq!(format(12_345, "ugx"), "UGX\u{a0}123.45");
        assert_eq!(parse("3500", "ugx"), Some(350_000));
        for (minor, code, good) in [
            (500, "ugx", true),
            (550, "ugx", false),
            (500, "isk", true),
            (501, "isk", false),
            (4_990, "kwd", true),
            (4_995, "kwd", false),
            (39_995, "huf", true),
            (9_901, "twd", true),
            (1, "jpy", true),
        ] {
            assert_eq!(check(minor, code).is_ok(), good, "{minor} {code}");
        }
    }

    #[test]
    fn amounts_are_read_exactly() {
        let cases = [("12.99", "usd", Some(1299)), ("12.9", "usd", Some(1290)), ("1,234", "eur", Some(123_400))];
        for (text, code, minor) in cases {
            assert_eq!(parse(text, code), minor, "{text}");
        }
        assert_eq!((parse("500", "jpy"), parse("1.5", "kwd")), (Some(500), Some(1_500)));
        for (text, code) in [("", "usd"), ("1.999", "usd"), ("-1", "usd"), ("1.5", "jpy"), ("x", "usd"), (".5", "usd")]
        {
            assert_eq!(parse(text, code), None, "{text}");
        }
    }
}
