//! A book as programs are told it.

use crate::routes::api::money::Amount;
use crate::routes::api::problem::Problem;
use serde::{Deserialize, Serialize};
use shop::types::{
    BookFormat, BookLine as Listed, BookStatus, Cover, DeskBook, DeskEdition, PersonField, PriceField, parse_amount,
};
use utoipa::ToSchema;

/// Whether a book is on sale.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BookState {
    /// Not yet: nobody but the desk sees it.
    Draft,
    /// Yes.
    Published,
    /// No longer; whoever has bought it keeps it.
    Archived,
}

impl From<BookStatus> for BookState {
    fn from(status: BookStatus) -> Self {
        match status {
            BookStatus::Draft => Self::Draft,
            BookStatus::Published => Self::Published,
            BookStatus::Archived => Self::Archived,
        }
    }
}

impl From<BookState> for BookStatus {
    fn from(state: BookState) -> Self {
        match state {
            BookState::Draft => Self::Draft,
            BookState::Published => Self::Published,
            BookState::Archived => Self::Archived,
        }
    }
}

/// A book in the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct BookLine {
    /// Names the book.
    slug: String,
    title: String,
    /// The authors, joined for reading.
    byline: String,
    status: BookState,
    /// In the store's currency; null if it has no price in it.
    price: Option<Amount>,
    /// The formats of its newest edition.
    #[schema(value_type = Vec<FileFormat>)]
    formats: Vec<&'static str>,
    #[schema(format = DateTime)]
    changed_at: String,
}

/// What a file is.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "its names are for the document; the words are the shop's")]
pub(in crate::routes::api) enum FileFormat {
    Epub,
    Pdf,
    Mp3,
    M4b,
    Zip,
}

/// What somebody has done for a book.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum Role {
    Author,
    Editor,
    Translator,
    Illustrator,
}

impl Role {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Editor => "editor",
            Self::Translator => "translator",
            Self::Illustrator => "illustrator",
        }
    }
}

/// Somebody on the title page.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Contributor {
    /// As printed.
    #[schema(min_length = 1, max_length = 200)]
    pub(super) name: String,
    pub(super) role: Role,
}

/// A book.
#[derive(Debug, Serialize, ToSchema)]
pub struct Book {
    /// Names it.
    slug: String,
    title: String,
    subtitle: String,
    /// Markdown.
    description: String,
    language: String,
    isbn: Option<String>,
    publisher: String,
    #[schema(format = Date)]
    published_on: Option<String>,
    contributors: Vec<Contributor>,
    prices: Vec<Amount>,
    status: BookState,
    /// Grows with each change; stands in the `ETag` as well.
    pub(super) version: i64,
    /// The address of the cover, 960 pixels wide.
    cover: Option<String>,
    /// Newest first.
    editions: Vec<Edition>,
    /// What it takes to put the book on sale, in sentences; empty if it can be.
    missing: Vec<String>,
    /// How many have a right to it.
    readers: i64,
}

/// An edition of a book.
#[derive(Debug, Serialize, ToSchema)]
pub struct Edition {
    /// "Second edition".
    label: String,
    /// What is new in it, Markdown.
    changelog: String,
    #[schema(format = DateTime)]
    added_at: String,
    files: Vec<File>,
}

/// A file of an edition.
#[derive(Debug, Serialize, ToSchema)]
pub struct File {
    /// The name that buyers see.
    filename: String,
    #[schema(value_type = FileFormat)]
    format: &'static str,
    /// Its size.
    bytes: u64,
    /// In hexadecimal.
    sha256: String,
}

impl From<Listed> for BookLine {
    fn from(book: Listed) -> Self {
        Self {
            slug: book.slug.to_string(),
            title: book.title,
            byline: book.byline,
            status: book.status.into(),
            price: book.price.map(Amount::from),
            formats: book.formats.into_iter().map(BookFormat::as_str).collect(),
            changed_at: book.changed_at,
        }
    }
}

fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

impl Book {
    pub(super) fn new(book: DeskBook) -> Result<Self, Problem> {
        let DeskBook { slug, form, version, status, cover, editions, missing, readers, .. } = book;
        let broken = || Problem::from(app::error::ErrorCode::Internal);
        let contributors = form.people.into_iter().map(|PersonField { name, role }| {
            let role = match role.as_str() {
                "editor" => Role::Editor,
                "translator" => Role::Translator,
                "illustrator" => Role::Illustrator,
                _ => Role::Author,
            };
            Contributor { name, role }
        });
        let prices = form.prices.iter().map(|PriceField { currency, amount }| {
            let currency = currency.parse().map_err(|_| broken())?;
            parse_amount(amount, currency).map(Amount::from).map_err(|_| broken())
        });
        Ok(Self {
            slug: slug.into(),
            contributors: contributors.collect(),
            prices: prices.collect::<Result<_, _>>()?,
            title: form.title,
            subtitle: form.subtitle,
            description: form.description,
            language: form.language,
            isbn: filled(form.isbn),
            publisher: form.publisher,
            published_on: filled(form.published_on),
            status: status.into(),
            version,
            cover: cover.map(|cover| cover.url(Cover::WIDTHS.into_iter().max().unwrap_or_default())),
            editions: editions.into_iter().map(Edition::from).collect(),
            missing,
            readers,
        })
    }
}

impl From<DeskEdition> for Edition {
    fn from(edition: DeskEdition) -> Self {
        let DeskEdition { label, changelog, added_at, files, .. } = edition;
        let files = files.into_iter().map(|(filename, info, sha256)| File {
            filename,
            format: info.format.as_str(),
            bytes: info.bytes,
            sha256,
        });
        Self { label, changelog, added_at, files: files.collect() }
    }
}
