//! Names of countries.

use crate::{Locale, Unformattable};
use icu_experimental::displaynames::multi::RegionDisplayNames;
use icu_locale_core::subtags::Region;

/// The countries' names in one language.
pub struct Countries(RegionDisplayNames);

impl Countries {
    /// In the language of that locale.
    ///
    /// # Errors
    /// [`Unformattable`] if the compiled data is not what this crate was built with.
    pub fn new(locale: &Locale) -> Result<Self, Unformattable> {
        let names = RegionDisplayNames::try_new(locale.icu().into(), <_>::default());
        Ok(Self(names.map_err(Unformattable::because)?))
    }

    /// The name of a country by its ISO 3166-1 code (two letters, either case); the code itself if it has none.
    #[must_use]
    pub fn name(&self, code: &str) -> String {
        let region = Region::try_from_str(code).ok();
        region.and_then(|region| self.0.of(region)).map_or_else(|| code.to_ascii_uppercase(), str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn countries_are_named_in_the_language() {
        for (tag, code, name) in [
            ("en", "de", "Germany"),
            ("de", "DE", "Deutschland"),
            ("de-AT", "GR", "Griechenland"),
            ("fr", "JP", "Japon"),
            ("ar", "EG", "مصر"),
            ("en", "X1", "X1"),
        ] {
            assert_eq!(Countries::new(&tag.parse().unwrap()).unwrap().name(code), name, "{tag} {code}");
        }
    }
}
