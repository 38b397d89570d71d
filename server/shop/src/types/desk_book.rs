//! Books as they lie on the owner's desk: in lists, in the form, and with what is still missing.

use super::{BookFormat, Cover, Currency, FormatInfo, Money, Slug};
use core::str::FromStr;
use serde::{Deserialize, Serialize};

/// Whether a book is on sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BookStatus {
    /// Not yet: nobody but the desk sees it.
    Draft,
    /// Yes.
    Published,
    /// No longer; whoever has bought it keeps it.
    Archived,
}

impl BookStatus {
    /// All of them, in the order of the menu.
    pub const ALL: [Self; 3] = [Self::Draft, Self::Published, Self::Archived];

    /// The word in the database and in URLs.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Published => "published",
            Self::Archived => "archived",
        }
    }

    /// The word for reading.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Draft => "Draft",
            Self::Published => "Published",
            Self::Archived => "Archived",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }
}

/// Where a page of the list begins. A book is named by its slug.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ListPlace {
    /// With the newest book.
    #[default]
    First,
    /// Behind this book.
    After(Slug),
    /// So that it ends before this book.
    Before(Slug),
    /// So that it ends with the oldest book.
    Last,
}

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookLine {
    /// Names the book.
    pub slug: Slug,
    /// The title.
    pub title: String,
    /// The authors, joined for reading.
    pub byline: String,
    /// Whether it is on sale.
    pub status: BookStatus,
    /// The price in the store's currency.
    pub price: Option<Money>,
    /// The formats of its newest edition.
    pub formats: Vec<BookFormat>,
    /// The cover, if one was uploaded.
    pub cover: Option<Cover>,
    /// A colour that goes with the cover.
    pub accent: String,
    /// The day of the last change, ISO 8601.
    pub changed_on: String,
    /// The moment of the last change, for programs (RFC 3339).
    pub changed_at: String,
}

/// A page of the list, newest books first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookList {
    /// At most 50 books.
    pub books: Vec<BookLine>,
    /// Whether there are newer ones.
    pub newer: bool,
    /// Whether there are older ones.
    pub older: bool,
}

/// Somebody on the title page, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PersonField {
    /// As printed; an empty one is left out.
    #[serde(default)]
    pub name: String,
    /// `author` and its like.
    #[serde(default)]
    pub role: String,
}

/// A price, as typed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceField {
    /// An ISO 4217 code.
    #[serde(default)]
    pub currency: String,
    /// "7.99"; an empty one is no price.
    #[serde(default)]
    pub amount: String,
}

/// The form of a book: everything as somebody typed it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct BookForm {
    /// The title.
    pub title: String,
    /// The subtitle, or nothing.
    pub subtitle: String,
    /// The address; made from the title if it is empty.
    pub slug: String,
    /// The description, Markdown.
    pub description: String,
    /// A BCP 47 tag.
    pub language: String,
    /// The ISBN, or nothing.
    pub isbn: String,
    /// The publisher, or nothing.
    pub publisher: String,
    /// The day of first publication, ISO 8601, or nothing.
    pub published_on: String,
    /// The title page.
    pub people: Vec<PersonField>,
    /// The prices.
    pub prices: Vec<PriceField>,
}

/// What is wrong with one field of a form of the desk, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The field's name in its form.
    pub field: String,
    /// What is wrong, and what would be right.
    pub sentence: String,
}

impl Problem {
    /// What is wrong with a field.
    #[must_use]
    pub fn new(field: &str, sentence: &str) -> Self {
        Self { field: field.to_owned(), sentence: sentence.to_owned() }
    }
}

/// A form that was sent and not kept, to be shown again: nothing that somebody typed is lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unfinished {
    /// What was typed, or read from a file.
    pub form: BookForm,
    /// The version of the book that it was typed over.
    pub version: i64,
    /// What keeps it from being saved.
    pub problems: Vec<Problem>,
    /// Whether somebody else has changed the book meanwhile.
    pub outdated: bool,
    /// Whether the description is to be shown as it will look.
    pub preview: bool,
    /// What a file says about itself that no field is for.
    pub notes: Vec<String>,
    /// The cover that a file brought, with its colour.
    pub cover: Option<(String, String)>,
    /// The EPUB that filled it, to become the book's first file.
    pub file: Option<WaitingFile>,
}

/// A file that is kept and belongs to no book yet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WaitingFile {
    /// Where it is kept.
    pub key: String,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Its size.
    pub bytes: u64,
}

/// An edition on the desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeskEdition {
    /// "Second edition".
    pub label: String,
    /// What is new in it, Markdown.
    pub changelog: String,
    /// The day on which it came, ISO 8601.
    pub added_on: String,
    /// The same, for programs (RFC 3339).
    pub added_at: String,
    /// Its files: the buyers' name of each, with format, size and SHA-256.
    pub files: Vec<(String, FormatInfo, String)>,
}

/// A book on the desk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeskBook {
    /// Names it.
    pub slug: Slug,
    /// What is saved, as it would be typed.
    pub form: BookForm,
    /// Grows with each change.
    pub version: i64,
    /// Whether it is on sale.
    pub status: BookStatus,
    /// The cover, if one was uploaded.
    pub cover: Option<Cover>,
    /// A colour that goes with it.
    pub accent: String,
    /// Its editions, newest first.
    pub editions: Vec<DeskEdition>,
    /// What it takes to put it on sale, in sentences; nothing if it can be.
    pub missing: Vec<String>,
    /// How many have a right to it.
    pub readers: i64,
}

/// The text is not an amount of this currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an amount: digits, and a point before the cents")]
pub struct NotAnAmount;

/// Reads "7.99" in a currency with two decimals; neither a sign nor separators of thousands.
///
/// # Errors
/// [`NotAnAmount`], also if it is too large.
pub fn parse_amount(text: &str, currency: Currency) -> Result<Money, NotAnAmount> {
    let text = text.trim();
    let decimals = usize::from(currency.decimals());
    let (units, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if units.is_empty() || !digits(units) || !digits(fraction) || fraction.len() > decimals || text.ends_with('.') {
        return Err(NotAnAmount);
    }
    let minor = format!("{units}{fraction:0<decimals$}").parse().map_err(|_| NotAnAmount)?;
    Ok(Money::new(minor, currency))
}

/// An amount as it is typed: "7.99".
#[must_use]
pub fn typed_amount(money: Money) -> String {
    let decimals = money.currency().decimals();
    let (digits, scale) = (usize::from(decimals), 10_u64.pow(u32::from(decimals)));
    let (sign, minor) = (if money.minor() < 0 { "-" } else { "" }, money.minor().unsigned_abs());
    match digits {
        0 => format!("{sign}{minor}"),
        _ => format!("{sign}{}.{:0digits$}", minor / scale, minor % scale),
    }
}

/// An ISBN with 13 digits, whose last one is right. One with 10 becomes the one with 13 that stands for the same book.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Isbn(String);

/// The text is no ISBN.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an ISBN: 13 digits (or 10), of which the last one checks the others")]
pub struct InvalidIsbn;

impl Isbn {
    /// Its 13 digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The digit that ISO 2108 puts behind these twelve.
fn check_digit(twelve: &[u32]) -> u32 {
    let sum: u32 = twelve.iter().zip([1, 3].into_iter().cycle()).map(|(digit, weight)| digit * weight).sum();
    (10 - sum % 10) % 10
}

impl FromStr for Isbn {
    type Err = InvalidIsbn;

    fn from_str(text: &str) -> Result<Self, InvalidIsbn> {
        let text = text.trim();
        let text = text.strip_prefix("urn:isbn:").or_else(|| text.strip_prefix("ISBN")).unwrap_or(text);
        let mut digits: Vec<u32> = Vec::new();
        for c in text.chars().filter(|c| !matches!(c, '-' | ' ' | '\u{2010}' | '\u{2011}' | '\u{2013}' | ':')) {
            digits.push(match c {
                'X' | 'x' if digits.len() == 9 => 10,
                c => c.to_digit(10).ok_or(InvalidIsbn)?,
            });
        }
        if digits.len() == 10 {
            let sum: u32 = digits.iter().zip((1..=10).rev()).map(|(digit, weight)| digit * weight).sum();
            if !sum.is_multiple_of(11) {
                return Err(InvalidIsbn);
            }
            digits.truncate(9);
            digits.splice(0..0, [9, 7, 8]);
            digits.push(check_digit(&digits));
        }
        let right = digits.len() == 13
            && matches!(digits.get(..3), Some([9, 7, 8 | 9]))
            && digits.get(..12).map(check_digit).as_ref() == digits.last();
        if right { Ok(Self(digits.iter().map(u32::to_string).collect())) } else { Err(InvalidIsbn) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_isbn_is_checked_and_has_thirteen_digits() {
        for (text, isbn) in [
            ("978-0-306-40615-7", Some("9780306406157")),
            ("0-306-40615-2", Some("9780306406157")),
            ("ISBN 978 3 16 148410 0", Some("9783161484100")),
            ("urn:isbn:9783161484100", Some("9783161484100")),
            ("080442957X", Some("9780804429573")),
            ("9780306406158", None),
            ("0306406153", None),
            ("9770306406157", None),
            ("978030640615X", None),
            ("", None),
            ("978", None),
            ("97803064061577", None),
        ] {
            assert_eq!(text.parse::<Isbn>().ok().as_ref().map(Isbn::as_str), isbn, "{text}");
        }
    }

    #[test]
    fn amounts_are_read_exactly_or_not_at_all_and_written_as_they_are_typed() {
        for (text, code, minor) in [
            ("4.99", "USD", Some(499)),
            (" 4.9 ", "USD", Some(490)),
            ("4", "USD", Some(400)),
            ("1200", "JPY", Some(1_200)),
            ("1.250", "KWD", Some(1_250)),
            ("12.5", "JPY", None),
            ("4.999", "USD", None),
            ("4,99", "USD", None),
            ("-4.99", "USD", None),
            (".5", "USD", None),
            ("4.", "USD", None),
            ("", "USD", None),
            ("99999999999999999999", "USD", None),
        ] {
            let currency: Currency = code.parse().unwrap();
            let read = parse_amount(text, currency);
            assert_eq!(read.ok().map(Money::minor), minor, "{text} {code}");
            if let Ok(money) = read {
                assert_eq!(parse_amount(&typed_amount(money), currency), Ok(money));
            }
        }
    }

    #[test]
    fn a_status_round_trips() {
        for status in BookStatus::ALL {
            assert_eq!(BookStatus::parse(status.as_str()), Some(status));
        }
    }
}
