//! Countries by their code.

use core::fmt;
use core::str::FromStr;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A country: two capital letters of ISO 3166-1. Whether there is such a country nobody checks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

/// The text is no code of a country.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the two letters of a country, like DE")]
pub struct NotACountry;

/// The members of the European Union, by code.
const UNION: [Country; 27] = {
    let mut all = [Country(*b"  "); 27];
    let codes = b"ATBEBGCYCZDEDKEEESFIFRGRHRHUIEITLTLULVMTNLPLPTROSESISK";
    let mut i = 0;
    while i < 27 {
        all[i] = Country([codes[2 * i], codes[2 * i + 1]]);
        i += 1;
    }
    all
};

impl Country {
    /// Germany, Greece and so on: where the Union's rules of value-added tax hold.
    #[must_use]
    pub fn is_in_union(self) -> bool {
        UNION.contains(&self)
    }

    /// The members of the European Union, by code.
    pub fn union() -> impl Iterator<Item = Self> {
        UNION.into_iter()
    }
}

impl FromStr for Country {
    type Err = NotACountry;

    /// Takes either case, and spaces around.
    fn from_str(text: &str) -> Result<Self, NotACountry> {
        match *text.trim().as_bytes() {
            [a, b] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic() => {
                Ok(Self([a.to_ascii_uppercase(), b.to_ascii_uppercase()]))
            }
            _ => Err(NotACountry),
        }
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0 {
            write!(f, "{}", char::from(letter))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_country_is_two_letters() {
        let country = |text: &str| text.parse::<Country>();
        assert_eq!(country(" de ").unwrap().to_string(), "DE");
        for wrong in ["", "D", "DEU", "D1", "ÄÖ", "日本"] {
            assert_eq!(country(wrong), Err(NotACountry), "{wrong}");
        }
    }

    #[test]
    fn the_union_has_27_members_by_code() {
        assert!(UNION.is_sorted());
        assert!("GR".parse::<Country>().unwrap().is_in_union());
        assert!(!"GB".parse::<Country>().unwrap().is_in_union());
    }
}
