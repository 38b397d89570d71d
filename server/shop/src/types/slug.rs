//! The name of a book in its URL.

use core::fmt;
use core::str::FromStr;
use serde::{Deserialize, Serialize};

/// Lower-case ASCII letters, digits and single hyphens between them; 1 to 120 characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slug(String);

/// The text is not a slug.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not the address of a book")]
pub struct InvalidSlug;

impl Slug {
    /// The slug as it stands in the URL.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Slug {
    type Err = InvalidSlug;

    fn from_str(text: &str) -> Result<Self, InvalidSlug> {
        let part_ok =
            |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if text.len() <= 120 && text.split('-').all(part_ok) { Ok(Self(text.to_owned())) } else { Err(InvalidSlug) }
    }
}

impl TryFrom<String> for Slug {
    type Error = InvalidSlug;

    fn try_from(text: String) -> Result<Self, InvalidSlug> {
        text.parse()
    }
}

impl From<Slug> for String {
    fn from(slug: Slug) -> Self {
        slug.0
    }
}

impl fmt::Display for Slug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slugs_are_plain() {
        for good in ["moby-dick", "1984", "a"] {
            assert_eq!(good.parse::<Slug>().unwrap().as_str(), good);
        }
        for bad in ["", "-a", "a-", "a--b", "Moby", "a b", "../etc", "ä", &"x".repeat(121)] {
            assert_eq!(bad.parse::<Slug>(), Err(InvalidSlug), "{bad}");
        }
    }
}
