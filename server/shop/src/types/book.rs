//! Books as the storefront shows them.

use super::{Money, Slug};
use core::fmt;
use core::str::FromStr;
use serde::{Deserialize, Serialize};

/// What a contributor did for a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ContributorRole {
    /// Wrote it.
    Author,
    /// Edited it.
    Editor,
    /// Translated it.
    Translator,
    /// Drew or photographed for it.
    Illustrator,
}

/// The text names no role that this store knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("unknown contributor role")]
pub struct ParseRoleError;

impl ContributorRole {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Editor => "editor",
            Self::Translator => "translator",
            Self::Illustrator => "illustrator",
        }
    }

    /// How a title page introduces the person: "", "edited by" …
    #[must_use]
    pub const fn credit(self) -> &'static str {
        match self {
            Self::Author => "by",
            Self::Editor => "edited by",
            Self::Translator => "translated by",
            Self::Illustrator => "illustrated by",
        }
    }
}

impl FromStr for ContributorRole {
    type Err = ParseRoleError;

    fn from_str(text: &str) -> Result<Self, ParseRoleError> {
        Ok(match text {
            "author" => Self::Author,
            "editor" => Self::Editor,
            "translator" => Self::Translator,
            "illustrator" => Self::Illustrator,
            _ => return Err(ParseRoleError),
        })
    }
}

/// Somebody who made the book, in the order of the title page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Contributor {
    /// As printed.
    pub name: String,
    /// What they did.
    pub role: ContributorRole,
}

/// A file format that a book is sold in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BookFormat {
    /// EPUB, the open e-book format.
    Epub,
    /// PDF, fixed pages.
    Pdf,
    /// MP3, read aloud.
    Mp3,
    /// M4B, read aloud, with chapters.
    M4b,
    /// A ZIP archive with what belongs to the book: code, templates, pictures.
    Zip,
}

impl BookFormat {
    /// All of them, in the order of the shelf.
    pub const ALL: [Self; 5] = [Self::Epub, Self::Pdf, Self::Mp3, Self::M4b, Self::Zip];

    /// The word in the database; also the file's extension.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Epub => "epub",
            Self::Pdf => "pdf",
            Self::Mp3 => "mp3",
            Self::M4b => "m4b",
            Self::Zip => "zip",
        }
    }

    /// The name on a button.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Epub => "EPUB",
            Self::Pdf => "PDF",
            Self::Mp3 => "MP3",
            Self::M4b => "M4B",
            Self::Zip => "ZIP",
        }
    }

    /// The IANA media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Epub => "application/epub+zip",
            Self::Pdf => "application/pdf",
            Self::Mp3 => "audio/mpeg",
            Self::M4b => "audio/mp4",
            Self::Zip => "application/zip",
        }
    }

    /// The format of that name, if this store sells it.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str() == text)
    }
}

impl fmt::Display for BookFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.label())
    }
}

/// A cover picture, 2:3, in three widths of WebP, and once more as JPEG for what cannot read that.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cover {
    /// The content's key: names the picture in URLs, changes when the picture does.
    pub key: String,
}

impl Cover {
    /// The widths in CSS pixels that every cover is kept in; the height is one and a half times the width.
    pub const WIDTHS: [u32; 3] = [240, 480, 960];

    /// The URL of the picture at one of [`Cover::WIDTHS`].
    #[must_use]
    pub fn url(&self, width: u32) -> String {
        format!("/covers/{}-{width}.webp", self.key)
    }

    /// The URL of the picture in its largest width as JPEG, for link previews.
    #[must_use]
    pub fn preview_url(&self) -> String {
        let [.., largest] = Self::WIDTHS;
        format!("/covers/{}-{largest}.jpg", self.key)
    }
}

/// A book on a shelf: what the catalogue shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookCard {
    /// Where its page is.
    pub slug: Slug,
    /// The title, without the subtitle.
    pub title: String,
    /// The authors, joined for reading: "Ann Lee and Bo Day".
    pub byline: String,
    /// The price in the asked currency; none if the book is not sold in it.
    pub price: Option<Money>,
    /// The cover, if one was uploaded.
    pub cover: Option<Cover>,
    /// A `#rrggbb` colour that goes with the cover, dark enough for white text.
    pub accent: String,
}

/// A format with its size.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FormatInfo {
    /// Which.
    pub format: BookFormat,
    /// In bytes.
    pub bytes: u64,
}

impl FormatInfo {
    /// The size for reading, in decimal units: "612 KB", "1.4 MB".
    #[must_use]
    pub fn size(&self) -> String {
        human_size(self.bytes)
    }
}

/// `bytes` in decimal units, as file managers show them.
fn human_size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..999_500 => format!("{} KB", (bytes + 500) / 1_000),
        _ => {
            let tenths = (bytes + 50_000) / 100_000;
            format!("{}.{} MB", tenths / 10, tenths % 10)
        }
    }
}

/// A book's own page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookDetail {
    /// Title, authors, price and cover.
    pub card: BookCard,
    /// The subtitle, or nothing.
    pub subtitle: String,
    /// Everybody on the title page.
    pub contributors: Vec<Contributor>,
    /// The description as sanitised HTML.
    pub description_html: String,
    /// The description's first sentences as plain text, for search engines; at most 200 characters.
    pub summary: String,
    /// A BCP 47 tag, for example `en`.
    pub language: String,
    /// The ISBN, if it has one.
    pub isbn: Option<String>,
    /// The publisher, or nothing.
    pub publisher: String,
    /// The day of first publication, ISO 8601.
    pub published_on: Option<String>,
    /// The formats of the current edition.
    pub formats: Vec<FormatInfo>,
    /// Its label: "Second edition".
    pub edition: String,
}

/// How the catalogue is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sort {
    /// The latest addition first.
    #[default]
    Newest,
    /// By title, as a library would file it.
    Title,
    /// Cheapest first.
    PriceAsc,
    /// Dearest first.
    PriceDesc,
}

impl Sort {
    /// All of them, in the order of the menu.
    pub const ALL: [Self; 4] = [Self::Newest, Self::Title, Self::PriceAsc, Self::PriceDesc];

    /// The word in the URL.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Newest => "newest",
            Self::Title => "title",
            Self::PriceAsc => "price",
            Self::PriceDesc => "-price",
        }
    }

    /// The words in the menu.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Newest => "Newest",
            Self::Title => "Title",
            Self::PriceAsc => "Lowest price",
            Self::PriceDesc => "Highest price",
        }
    }

    /// The order of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|sort| sort.as_str() == text)
    }
}

/// One page of the catalogue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CatalogPage {
    /// At most 24 books.
    pub books: Vec<BookCard>,
    /// How they are sorted.
    pub sort: Sort,
    /// The value of `after` for the next page, if there is one.
    pub next: Option<String>,
    /// Whether this is the first page.
    pub first: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_read_well() {
        for (bytes, text) in [
            (0, "0 bytes"),
            (999, "999 bytes"),
            (1_000, "1 KB"),
            (612_345, "612 KB"),
            (999_499, "999 KB"),
            (999_500, "1.0 MB"),
            (1_449_999, "1.4 MB"),
            (1_450_000, "1.5 MB"),
        ] {
            assert_eq!(human_size(bytes), text);
        }
    }

    #[test]
    fn words_round_trip() {
        for sort in Sort::ALL {
            assert_eq!(Sort::parse(sort.as_str()), Some(sort));
        }
        for format in BookFormat::ALL {
            assert_eq!(BookFormat::parse(format.as_str()), Some(format));
        }
        for role in [
            ContributorRole::Author,
            ContributorRole::Editor,
            ContributorRole::Translator,
            ContributorRole::Illustrator,
        ] {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
    }
}
