//! Loading a catalogue from a folder: `catalogue.json` with its covers and files. A store's worth of made-up rows is in
//! [`large`].

pub mod large;

use crate::db::AnyConnection;
use crate::db::schema::{book, book_file, book_price, contributor, edition};
use crate::types::{BookFormat, BookStatus, ContributorRole, Cover, Currency, Money, Slug};
use crate::{Error, Shop};
use bytes::Bytes;
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// `catalogue.json`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// In the order they came into the shop.
    pub books: Vec<BookEntry>,
}

/// A book of the catalogue file. Paths are relative to that file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookEntry {
    /// Its address.
    pub slug: Slug,
    /// Its title.
    pub title: String,
    /// As a library files it: "Tempest, The".
    pub sort_title: String,
    /// Its subtitle, if it has one.
    #[serde(default)]
    pub subtitle: Option<String>,
    /// A BCP 47 tag.
    pub language: String,
    /// Its ISBN.
    #[serde(default)]
    pub isbn: Option<String>,
    /// Who publishes it.
    #[serde(default)]
    pub publisher: String,
    /// The day of first publication.
    #[serde(default)]
    pub published_on: Option<NaiveDate>,
    /// The title page.
    pub contributors: Vec<ContributorEntry>,
    /// The jacket text, Markdown.
    pub description_md: String,
    /// `draft`, `published` or `archived`.
    pub status: BookStatus,
    /// `#rrggbb`.
    pub accent: String,
    /// Minor units by currency.
    pub prices: BTreeMap<Currency, i64>,
    /// The picture's files by width.
    #[serde(default)]
    pub cover: BTreeMap<u32, PathBuf>,
    /// Its edition.
    pub edition: EditionEntry,
    /// Its files.
    pub files: Vec<FileEntry>,
}

/// Somebody on the title page.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContributorEntry {
    /// As printed.
    pub name: String,
    /// What they did.
    pub role: ContributorRole,
}

/// An edition.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EditionEntry {
    /// "Second edition".
    pub label: String,
    /// What is new in it.
    #[serde(default)]
    pub changelog: String,
}

/// A file of an edition.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileEntry {
    /// Its format.
    pub format: BookFormat,
    /// Where it is.
    pub path: PathBuf,
    /// Its name for the buyer.
    pub filename: String,
}

/// Why a catalogue cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// `catalogue.json` is not one.
    #[error("{} is not a catalogue", path.display())]
    Parse {
        /// Which.
        path: PathBuf,
        /// Why.
        source: serde_json::Error,
    },
    /// A book says what cannot be.
    #[error("{slug}: {what}")]
    Invalid {
        /// Which book.
        slug: Slug,
        /// What is wrong.
        what: String,
    },
    /// The shop's own failure.
    #[error(transparent)]
    Shop(#[from] Error),
}

struct StoredFile {
    format: BookFormat,
    storage_key: String,
    sha256: String,
    bytes: i64,
    filename: String,
}

impl Shop {
    /// Loads the books of `folder` that the shop does not have yet (by slug). Returns how many were new.
    ///
    /// # Errors
    /// [`SeedError`]; the books before the one that failed are in the shop.
    pub async fn seed_catalogue(&self, folder: &Path) -> Result<usize, SeedError> {
        let path = folder.join("catalogue.json");
        let text = read(&path)?;
        let catalogue: Catalogue = serde_json::from_slice(&text).map_err(|source| SeedError::Parse { path, source })?;
        let mut added = 0;
        for entry in catalogue.books {
            if self.seed_book(folder, entry).await? {
                added += 1;
            }
        }
        Ok(added)
    }

    /// Adds one book with its cover and files, unless its slug is taken; true if it was added.
    ///
    /// # Errors
    /// [`SeedError`].
    pub async fn seed_book(&self, folder: &Path, entry: BookEntry) -> Result<bool, SeedError> {
        validate(&entry)?;
        let slug = entry.slug.clone();
        let known = self
            .0
            .db
            .read(move |conn| {
                Ok(diesel::select(diesel::dsl::exists(book::table.filter(book::slug.eq(slug.as_str()))))
                    .get_result::<bool>(conn)?)
            })
            .await?;
        if known {
            return Ok(false);
        }
        // Files first: a row never points at nothing.
        let cover_key = self.store_cover(folder, &entry).await?;
        let mut files = Vec::with_capacity(entry.files.len());
        for file in &entry.files {
            let content = read(&folder.join(&file.path))?;
            let stored = StoredFile {
                format: file.format,
                storage_key: format!("books/{}", Uuid::new_v4().simple()),
                sha256: hex::encode(Sha256::digest(&content)),
                bytes: i64::try_from(content.len()).map_err(|_| Error::internal("file size"))?,
                filename: file.filename.clone(),
            };
            self.0.files.put(&stored.storage_key, Bytes::from(content)).await.map_err(Error::from)?;
            files.push(stored);
        }
        let now = self.0.clock.now();
        self.0.db.write(move |conn| insert(conn, &entry, cover_key.as_deref(), &files, now)).await?;
        Ok(true)
    }

    async fn store_cover(&self, folder: &Path, entry: &BookEntry) -> Result<Option<String>, SeedError> {
        if entry.cover.is_empty() {
            return Ok(None);
        }
        let mut pictures = Vec::new();
        let mut digest = Sha256::new();
        for width in Cover::WIDTHS {
            let path = entry.cover.get(&width).ok_or_else(|| invalid(entry, format!("no cover of width {width}")))?;
            let content = read(&folder.join(path))?;
            digest.update(&content);
            pictures.push((width, content));
        }
        let key = hex::encode(&digest.finalize()[..8]);
        for (width, content) in pictures {
            self.0.files.put(&cover_path(&key, width), Bytes::from(content)).await.map_err(Error::from)?;
        }
        Ok(Some(key))
    }

    /// A cover picture, as WebP; none if there is no such picture.
    ///
    /// # Errors
    /// The object store's.
    pub async fn cover_picture(&self, key: &str, width: u32) -> Result<Option<Bytes>, Error> {
        if !is_cover_key(key) || !Cover::WIDTHS.contains(&width) {
            return Ok(None);
        }
        match self.0.files.get(&cover_path(key, width)).await {
            Ok(content) => Ok(Some(content)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Keys come from addresses.
pub(crate) fn is_cover_key(key: &str) -> bool {
    key.len() == 16 && key.bytes().all(|b| b.is_ascii_hexdigit())
}

pub(crate) fn cover_path(key: &str, width: u32) -> String {
    format!("covers/{key}-{width}.webp")
}

fn read(path: &Path) -> Result<Vec<u8>, SeedError> {
    std::fs::read(path).map_err(|source| SeedError::Read { path: path.to_owned(), source })
}

fn invalid(entry: &BookEntry, what: String) -> SeedError {
    SeedError::Invalid { slug: entry.slug.clone(), what }
}

fn validate(entry: &BookEntry) -> Result<(), SeedError> {
    let hex_colour = entry
        .accent
        .strip_prefix('#')
        .is_some_and(|rest| rest.len() == 6 && rest.bytes().all(|b| b.is_ascii_hexdigit()));
    if !hex_colour {
        return Err(invalid(entry, "the accent is not a #rrggbb colour".into()));
    }
    if entry.title.trim().is_empty() || entry.contributors.is_empty() {
        return Err(invalid(entry, "a book needs a title and a contributor".into()));
    }
    for (currency, minor) in &entry.prices {
        Money::price(*minor, *currency).map_err(|error| invalid(entry, format!("{currency}: {error}")))?;
    }
    for file in &entry.files {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c == '.';
        if file.filename.is_empty() || !file.filename.chars().all(plain) || file.filename.starts_with('.') {
            return Err(invalid(entry, format!("{:?} is not a plain file name", file.filename)));
        }
    }
    Ok(())
}

fn insert(
    conn: &mut AnyConnection,
    entry: &BookEntry,
    cover_key: Option<&str>,
    files: &[StoredFile],
    now: NaiveDateTime,
) -> Result<(), Error> {
    let book_id: i64 = diesel::insert_into(book::table)
        .values((
            book::slug.eq(entry.slug.as_str()),
            book::title.eq(&entry.title),
            book::sort_title.eq(entry.sort_title.to_lowercase()),
            book::subtitle.eq(entry.subtitle.as_deref().unwrap_or_default()),
            book::description_md.eq(&entry.description_md),
            book::language.eq(&entry.language),
            book::isbn.eq(&entry.isbn),
            book::publisher.eq(&entry.publisher),
            book::published_on.eq(entry.published_on),
            // Stripe's product tax code for e-books, downloaded, with permanent rights of use.
            book::tax_code.eq("txcd_10302000"),
            book::status.eq(entry.status.as_str()),
            book::cover_key.eq(cover_key),
            book::accent.eq(&entry.accent),
            book::version.eq(1_i64),
            book::created_at.eq(now),
            book::updated_at.eq(now),
        ))
        .returning(book::id)
        .get_result(conn)?;
    for (currency, minor) in &entry.prices {
        diesel::insert_into(book_price::table)
            .values((
                book_price::book_id.eq(book_id),
                book_price::currency.eq(currency.code()),
                book_price::unit_amount.eq(minor),
            ))
            .execute(conn)?;
    }
    for (position, person) in (0_i32..).zip(&entry.contributors) {
        diesel::insert_into(contributor::table)
            .values((
                contributor::book_id.eq(book_id),
                contributor::position.eq(position),
                contributor::name.eq(&person.name),
                contributor::role.eq(person.role.as_str()),
            ))
            .execute(conn)?;
    }
    let edition_id: i64 = diesel::insert_into(edition::table)
        .values((
            edition::book_id.eq(book_id),
            edition::label.eq(&entry.edition.label),
            edition::changelog.eq(&entry.edition.changelog),
            edition::created_at.eq(now),
        ))
        .returning(edition::id)
        .get_result(conn)?;
    for file in files {
        diesel::insert_into(book_file::table)
            .values((
                book_file::edition_id.eq(edition_id),
                book_file::format.eq(file.format.as_str()),
                book_file::storage_key.eq(&file.storage_key),
                book_file::sha256.eq(&file.sha256),
                book_file::bytes.eq(file.bytes),
                book_file::filename.eq(&file.filename),
            ))
            .execute(conn)?;
    }
    Ok(())
}
