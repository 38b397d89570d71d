//! What somebody has bought under an address, and the code that opens it.

use super::{Cover, DownloadView, EditionView, InvoiceLink, Money, MoneyNote, OrderNumber, OrderStatus};
use core::fmt;
use core::str::FromStr;
use serde::{Deserialize, Serialize};

/// The code from a mail: eight characters without look-alikes, shown as `ABCD-EFGH`.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessCode(String);

/// The text is not such a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a code")]
pub struct InvalidAccessCode;

impl AccessCode {
    /// How many characters of [`OrderNumber::ALPHABET`].
    pub const LENGTH: usize = 8;

    /// The eight characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The code of so many random bits: less than 2⁻⁸⁸ from being fair.
    #[must_use]
    pub fn from_bits(mut bits: u128) -> Self {
        let base = OrderNumber::ALPHABET.len() as u128;
        let letter = |_| {
            let index = usize::try_from(bits % base).unwrap_or_default();
            bits /= base;
            OrderNumber::ALPHABET.get(index).copied().map_or('2', char::from)
        };
        Self((0..Self::LENGTH).map(letter).collect())
    }

    /// The first word of a text that is a code with its hyphen, or the text itself if it is one without: what somebody
    /// has copied out of the mail, a little too much perhaps.
    #[must_use]
    pub fn find(text: &str) -> Option<Self> {
        let words = text.split_whitespace().filter(|word| word.contains('-'));
        words.filter_map(|word| word.parse().ok()).next().or_else(|| text.parse().ok())
    }
}

impl FromStr for AccessCode {
    type Err = InvalidAccessCode;

    /// Takes either case, with or without hyphens and spaces.
    fn from_str(text: &str) -> Result<Self, InvalidAccessCode> {
        let plain: String = text
            .chars()
            .filter(|c| *c != '-' && !c.is_whitespace())
            .map(|c| c.to_ascii_uppercase())
            .take(Self::LENGTH + 1)
            .collect();
        if plain.len() == Self::LENGTH && plain.bytes().all(|b| OrderNumber::ALPHABET.contains(&b)) {
            Ok(Self(plain))
        } else {
            Err(InvalidAccessCode)
        }
    }
}

impl fmt::Display for AccessCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (head, tail) = self.0.split_at(Self::LENGTH / 2);
        write!(f, "{head}-{tail}")
    }
}

/// Hidden: it opens a library.
impl fmt::Debug for AccessCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessCode(…)")
    }
}

/// Everything that was bought under an address.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LibraryView {
    /// The address.
    pub email: String,
    /// The titles, each once however often it was bought, the latest purchase first.
    pub titles: Vec<ShelfTitle>,
    /// The orders, the latest first.
    pub orders: Vec<ShelfOrder>,
}

/// A title on the shelf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShelfTitle {
    /// As it was when bought.
    pub title: String,
    /// The authors, joined for reading.
    pub byline: String,
    /// The slug of the book's page.
    pub slug: String,
    /// The cover, if it has one.
    pub cover: Option<Cover>,
    /// The accent colour, `#rrggbb`.
    pub accent: String,
    /// Its editions with their files, newest first.
    pub editions: Vec<EditionView>,
    /// What became of the money, oldest first.
    pub notes: Vec<MoneyNote>,
    /// The way to the files; of several purchases the one that is good for most.
    pub download: DownloadView,
}

/// An order in the list below the shelf.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShelfOrder {
    /// Its public number.
    pub number: OrderNumber,
    /// Whether it is paid.
    pub status: OrderStatus,
    /// For reading: "22 November 2026".
    pub placed_on: String,
    /// What was paid.
    pub total: Money,
    /// What went back, or is on its way back.
    pub refunded: Option<Money>,
    /// Whether its payment is disputed, or was lost in a dispute.
    pub disputed: bool,
    /// Its invoices and credit notes, oldest first.
    pub documents: Vec<InvoiceLink>,
    /// Whether the buyer may still say whom the invoice is made out to.
    pub changeable: bool,
}

/// A token that took the place of another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Renewed {
    /// The secret in `/d/{token}`.
    pub token: String,
    /// Downloads that can be started.
    pub uses: u32,
    /// Until when, for reading.
    pub expires: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_forgiving_to_type_and_strict_to_be() {
        let code: AccessCode = " abcd efgh".parse().unwrap();
        assert_eq!((code.as_str(), code.to_string().as_str()), ("ABCDEFGH", "ABCD-EFGH"));
        for bad in ["", "ABCDEFG", "ABCDEFGHJ", "ABCD-EFG0", "ABCD-EFGI", "ÄBCDEFGH", &"A".repeat(1_000_000)] {
            assert_eq!(bad.parse::<AccessCode>(), Err(InvalidAccessCode));
        }
        assert_eq!(format!("{code:?}"), "AccessCode(…)");
    }

    #[test]
    fn a_code_is_found_in_what_was_copied() {
        for text in ["ABCD-EFGH", "abcdefgh", "  Your code: ABCD-EFGH\n(ten minutes)", "ABCD EFGH", "x-y ABCD-EFGH"] {
            assert_eq!(AccessCode::find(text).unwrap().as_str(), "ABCDEFGH", "{text}");
        }
        for text in ["", "Your code", "https://books.example.org/library", "ABCD-EFGH-JKMN"] {
            assert_eq!(AccessCode::find(text), None, "{text}");
        }
    }

    #[test]
    fn every_letter_comes_up() {
        let seen: std::collections::BTreeSet<char> = (0..2_000_u128)
            .flat_map(|n| AccessCode::from_bits(n * n * n * 7_919).0.chars().collect::<Vec<_>>())
            .collect();
        assert_eq!(seen.len(), OrderNumber::ALPHABET.len());
    }
}
