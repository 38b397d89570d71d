//! Small things in words: languages, lists, amounts for machines.

use shop::types::{FormatInfo, Money};

/// The English name of a language tag, or the tag.
#[must_use]
pub fn language(tag: &str) -> &str {
    match tag.split('-').next().unwrap_or_default() {
        "ar" => "Arabic",
        "cs" => "Czech",
        "da" => "Danish",
        "de" => "German",
        "el" => "Greek",
        "en" => "English",
        "es" => "Spanish",
        "fi" => "Finnish",
        "fr" => "French",
        "he" => "Hebrew",
        "hu" => "Hungarian",
        "it" => "Italian",
        "ja" => "Japanese",
        "ko" => "Korean",
        "la" => "Latin",
        "nl" => "Dutch",
        "no" | "nb" | "nn" => "Norwegian",
        "pl" => "Polish",
        "pt" => "Portuguese",
        "ru" => "Russian",
        "sv" => "Swedish",
        "tr" => "Turkish",
        "uk" => "Ukrainian",
        "vi" => "Vietnamese",
        "zh" => "Chinese",
        _ => tag,
    }
}

/// The formats in a sentence: "EPUB + PDF".
#[must_use]
pub fn formats(formats: &[FormatInfo]) -> String {
    formats.iter().map(|info| info.format.label()).collect::<Vec<_>>().join(" + ")
}

/// An amount for machines: "7.99", with the decimals of its currency.
#[must_use]
pub fn decimal(money: Money) -> String {
    let digits = usize::from(money.currency().decimals());
    if digits == 0 {
        return money.minor().to_string();
    }
    let sign = if money.minor() < 0 { "-" } else { "" };
    let scale = 10_u64.pow(u32::from(money.currency().decimals()));
    let minor = money.minor().unsigned_abs();
    format!("{sign}{}.{:0digits$}", minor / scale, minor % scale)
}

/// A browser's name for itself, for reading: "Firefox on Linux". Of a program, how it begins.
#[must_use]
pub fn user_agent(text: &str) -> String {
    const BROWSERS: [(&str, &str); 6] = [
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("HeadlessChrome/", "Chrome"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ];
    const SYSTEMS: [(&str, &str); 6] = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("Linux", "Linux"),
    ];
    let find =
        |names: &[(&str, &'static str)]| names.iter().find(|(mark, _)| text.contains(mark)).map(|(_, name)| *name);
    match (find(&BROWSERS), find(&SYSTEMS)) {
        (Some(browser), Some(system)) => format!("{browser} on {system}"),
        (Some(browser), None) => browser.to_owned(),
        (None, _) => text.split([' ', '(']).next().unwrap_or_default().chars().take(40).collect(),
    }
}

/// The text of a `<textarea>`. Leptos writes it as it is, so it is escaped here; a line break at the beginning is HTML's own.
#[must_use]
pub fn in_textarea(text: &str) -> String {
    format!("\n{}", text.replace('&', "&amp;").replace('<', "&lt;"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_read_amounts_with_the_currencys_decimals() {
        let money = |minor, code: &str| Money::new(minor, code.parse().unwrap());
        assert_eq!(decimal(money(799, "USD")), "7.99");
        assert_eq!(decimal(money(5, "EUR")), "0.05");
        assert_eq!(decimal(money(500, "JPY")), "500");
        assert_eq!(decimal(money(1_250, "KWD")), "1.250");
        assert_eq!(decimal(money(-5, "EUR")), "-0.05");
    }

    #[test]
    fn browsers_have_names() {
        let chrome =
            "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36";
        let safari =
            "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1 Version/19.0 Safari/604.1";
        assert_eq!(user_agent(chrome), "Chrome on Linux");
        assert_eq!(user_agent(&format!("{chrome} Edg/156.0")), "Edge on Linux");
        assert_eq!(user_agent(safari), "Safari on iPhone");
        assert_eq!(user_agent("curl/8.5.0"), "curl/8.5.0");
        assert_eq!(user_agent("python-requests/2.32 (x)"), "python-requests/2.32");
        assert_eq!(user_agent(""), "");
    }

    #[test]
    fn languages_have_names() {
        assert_eq!(language("en-GB"), "English");
        assert_eq!(language("tlh"), "tlh");
    }
}
