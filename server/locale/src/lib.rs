//! Amounts, dates and percentages as people of a language and region write them.
//!
//! ICU4X with the data of the Unicode CLDR compiled in; for the server only, no locale data ever reaches the browser.
//! Knows no currencies of its own: the caller says how many decimals its minor units have. A formatter is made once
//! for a page or a document and used for all that is in it.

mod amounts;
mod countries;
mod dates;
mod numbers;
mod percent;

pub use amounts::Amounts;
pub use countries::Countries;
pub use dates::{DateLength, Dates, Moments, Steps};
pub use numbers::Numbers;
pub use percent::Percentages;

use core::fmt;
use core::str::FromStr;
use icu_locale_core::LanguageIdentifier;

/// How amounts, dates and percentages are to be written: a BCP 47 language with or without script and region.
///
/// Extensions (`-u-nu-arab`) are dropped: calendar and digits are those that CLDR names for the language, and the
/// calendar is always the Gregorian one.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Locale(LanguageIdentifier);

/// The text is no BCP 47 language tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a language tag")]
pub struct InvalidLocale;

/// No data was found, which the compiled data rules out; or a currency's code was not three letters.
#[derive(Debug, thiserror::Error)]
#[error("no formatter: {0}")]
pub struct Unformattable(String);

impl Unformattable {
    fn because(cause: impl fmt::Display) -> Self {
        Self(cause.to_string())
    }
}

impl Locale {
    /// English as in the United States: what is used when nothing better is known.
    #[must_use]
    pub fn english() -> Self {
        Self(icu_locale_core::langid!("en"))
    }

    /// The language alone, in lower case: `de` of `de-AT`.
    #[must_use]
    pub fn language(&self) -> &str {
        self.0.language.as_str()
    }

    /// The region in upper case, if one is named: `AT` of `de-AT`.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.0.region.as_ref().map(icu_locale_core::subtags::Region::as_str)
    }

    /// Whether the language is written from right to left (by its usual script, or the one that is named).
    #[must_use]
    pub fn right_to_left(&self) -> bool {
        match self.0.script.as_ref().map(icu_locale_core::subtags::Script::as_str) {
            Some("Arab" | "Hebr" | "Syrc" | "Thaa" | "Nkoo" | "Adlm" | "Rohg") => true,
            Some(_) => false,
            None => matches!(
                self.language(),
                "ar" | "he" | "fa" | "ur" | "yi" | "ckb" | "ps" | "sd" | "ug" | "dv" | "syr" | "nqo"
            ),
        }
    }

    fn icu(&self) -> icu_locale_core::Locale {
        self.0.clone().into()
    }
}

impl FromStr for Locale {
    type Err = InvalidLocale;

    /// Takes `de`, `de-AT`, `zh-Hant-TW`; `_` counts as `-`. The tag's case does not matter.
    fn from_str(tag: &str) -> Result<Self, InvalidLocale> {
        let tag = tag.replace('_', "-");
        let locale = icu_locale_core::Locale::try_from_str(&tag).map_err(|_| InvalidLocale)?;
        Ok(Self(locale.id))
    }
}

impl fmt::Display for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Locale {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_read_and_written_in_its_usual_form() {
        for (tag, written) in
            [("de", "de"), ("de_at", "de-AT"), ("ZH-hant-tw", "zh-Hant-TW"), ("ar-u-nu-latn", "ar"), ("en-GB", "en-GB")]
        {
            assert_eq!(tag.parse::<Locale>().unwrap().to_string(), written);
        }
        for tag in ["", "english please", "de-", "1"] {
            assert_eq!(tag.parse::<Locale>(), Err(InvalidLocale), "{tag}");
        }
    }

    #[test]
    fn the_direction_follows_the_script() {
        for (tag, right_to_left) in
            [("ar", true), ("he-IL", true), ("fa", true), ("az-Arab", true), ("de", false), ("ur-Latn", false)]
        {
            assert_eq!(tag.parse::<Locale>().unwrap().right_to_left(), right_to_left, "{tag}");
        }
    }
}
