//! Adding an edition to a book: its files first, then the rows that point at them.

use crate::db::AnyConnection;
use crate::db::schema::{book, book_file, edition};
use crate::files::Written;
use crate::types::{BookFormat, Slug};
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::HashSet;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// An edition to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEdition {
    /// "Second edition".
    pub label: String,
    /// What is new in it, Markdown.
    pub changelog: String,
    /// Where its files are: EPUB and PDF, at most one of each. What they are is read from their first bytes, and what
    /// they are called here is of no consequence.
    pub files: Vec<PathBuf>,
}

/// An edition that was added.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Added {
    /// Which of the book's editions it is, the first being 1.
    pub ordinal: usize,
    /// The names that buyers see, with sizes in bytes and SHA-256.
    pub files: Vec<(String, u64, String)>,
    /// How many have a right to it now.
    pub entitled: i64,
}

/// Why an edition was not added.
#[derive(Debug, thiserror::Error)]
pub enum EditionError {
    /// A file cannot be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is neither an EPUB nor a PDF.
    #[error("{} is neither an EPUB nor a PDF", .0.display())]
    Unknown(PathBuf),
    /// What was asked for makes no edition.
    #[error("{0}")]
    Invalid(&'static str),
    /// There is no such book.
    #[error("there is no book with the address {0}")]
    NoBook(Slug),
    /// The shop's own failure.
    #[error(transparent)]
    Shop(#[from] Error),
}

/// A file and the key that it is kept under.
struct Stored {
    format: BookFormat,
    key: String,
    path: PathBuf,
}

const LABEL: usize = 100;
const CHANGELOG: usize = 20_000;

impl Shop {
    /// Adds an edition to a book, whatever the book's state. Everybody who has the title has its files at once.
    ///
    /// # Errors
    /// [`EditionError`]; nothing has changed then.
    pub async fn add_edition(&self, slug: &Slug, new: &NewEdition) -> Result<Added, EditionError> {
        let label = new.label.trim();
        if label.is_empty() || label.chars().count() > LABEL || label.chars().any(char::is_control) {
            return Err(EditionError::Invalid("a label is a line of at most 100 characters"));
        }
        if new.changelog.chars().count() > CHANGELOG || new.changelog.contains('\0') {
            return Err(EditionError::Invalid("a changelog is a text of at most 20 000 characters"));
        }
        let mut formats = HashSet::new();
        let mut sources = Vec::with_capacity(new.files.len());
        for path in &new.files {
            let format = format_of(path)?;
            if !formats.insert(format) {
                return Err(EditionError::Invalid("an edition has at most one file of each format"));
            }
            sources.push((format, path));
        }
        if sources.is_empty() {
            return Err(EditionError::Invalid("an edition has at least one file"));
        }
        let known = slug.clone();
        let there = self.0.db.read(move |conn| Ok(book_id(conn, &known)?.is_some())).await?;
        if !there {
            return Err(EditionError::NoBook(slug.clone()));
        }
        // Files first: a row never points at nothing.
        let mut stored = Vec::with_capacity(sources.len());
        for (format, path) in sources {
            stored.push(Stored { format, key: format!("books/{}", Uuid::new_v4().simple()), path: path.clone() });
        }
        let keys: Vec<String> = stored.iter().map(|file| file.key.clone()).collect();
        let added = self.store_and_insert(slug, label, &new.changelog, stored).await;
        if added.is_err() {
            for key in keys {
                self.0.files.discard(&key).await;
            }
        }
        Ok(added?)
    }

    async fn store_and_insert(
        &self,
        slug: &Slug,
        label: &str,
        changelog: &str,
        files: Vec<Stored>,
    ) -> Result<Added, Error> {
        let mut written = Vec::with_capacity(files.len());
        for file in files {
            let content = self.0.files.put_file(&file.key, &file.path).await?;
            written.push((file, content));
        }
        let (slug, label, changelog, now) = (slug.clone(), label.to_owned(), changelog.to_owned(), self.0.clock.now());
        self.0.db.write(move |conn| insert(conn, &slug, &label, &changelog, &written, now)).await
    }
}

/// From the first bytes. An EPUB begins with an entry called `mimetype` that is stored as it is (OCF 3.3, 4.2.3); a PDF
/// with its version (ISO 32000-2, 7.5.2).
fn format_of(path: &Path) -> Result<BookFormat, EditionError> {
    const MIMETYPE: &[u8] = b"mimetypeapplication/epub+zip";
    let failed = |source| EditionError::Read { path: path.to_owned(), source };
    let mut start = Vec::new();
    std::fs::File::open(path).map_err(failed)?.take(64).read_to_end(&mut start).map_err(failed)?;
    if start.starts_with(b"%PDF-") {
        Ok(BookFormat::Pdf)
    } else if start.starts_with(b"PK\x03\x04") && start.get(30..).is_some_and(|rest| rest.starts_with(MIMETYPE)) {
        Ok(BookFormat::Epub)
    } else {
        Err(EditionError::Unknown(path.to_owned()))
    }
}

fn book_id(conn: &mut AnyConnection, slug: &Slug) -> Result<Option<i64>, Error> {
    Ok(book::table.filter(book::slug.eq(slug.as_str())).select(book::id).first(conn).optional()?)
}

fn insert(
    conn: &mut AnyConnection,
    slug: &Slug,
    label: &str,
    changelog: &str,
    files: &[(Stored, Written)],
    now: NaiveDateTime,
) -> Result<Added, Error> {
    let book_id = book_id(conn, slug)?.ok_or(Error::NotFound)?;
    // Locks the book's row, so that of two editions at once each finds the other's names.
    diesel::update(book::table.find(book_id))
        .set((book::version.eq(book::version + 1), book::updated_at.eq(now)))
        .execute(conn)?;
    let editions: i64 = edition::table.filter(edition::book_id.eq(book_id)).count().get_result(conn)?;
    let taken: HashSet<String> = book_file::table
        .inner_join(edition::table)
        .filter(edition::book_id.eq(book_id))
        .select(book_file::filename)
        .load(conn)?
        .into_iter()
        .collect();
    let edition_id: i64 = diesel::insert_into(edition::table)
        .values((
            edition::book_id.eq(book_id),
            edition::label.eq(label),
            edition::changelog.eq(changelog),
            edition::created_at.eq(now),
        ))
        .returning(edition::id)
        .get_result(conn)?;
    let ordinal = usize::try_from(editions).unwrap_or_default() + 1;
    let mut names = Vec::with_capacity(files.len());
    for (file, content) in files {
        let filename = free_name(slug, ordinal, file.format, &taken);
        diesel::insert_into(book_file::table)
            .values((
                book_file::edition_id.eq(edition_id),
                book_file::format.eq(file.format.as_str()),
                book_file::storage_key.eq(&file.key),
                book_file::sha256.eq(&content.sha256),
                book_file::bytes.eq(i64::try_from(content.bytes).map_err(|_| Error::internal("file size"))?),
                book_file::filename.eq(&filename),
            ))
            .execute(conn)?;
        names.push((filename, content.bytes, content.sha256.clone()));
    }
    Ok(Added { ordinal, files: names, entitled: super::announcing::entitled(conn, book_id)? })
}

/// "moby-dick.epub", "moby-dick-2.epub" for the second edition, and on until nothing else of the book is called so.
fn free_name(slug: &Slug, ordinal: usize, format: BookFormat, taken: &HashSet<String>) -> String {
    let name = |number: usize| match number {
        0 | 1 => format!("{slug}.{}", format.as_str()),
        number => format!("{slug}-{number}.{}", format.as_str()),
    };
    (ordinal..).map(name).find(|name| !taken.contains(name)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_files_format_is_read_from_its_first_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("book.epub");
        let mut epub = b"PK\x03\x04".to_vec();
        epub.resize(30, 0);
        epub.extend_from_slice(b"mimetypeapplication/epub+zipPK");
        for (content, format) in [
            (epub.as_slice(), Some(BookFormat::Epub)),
            (b"%PDF-1.7\n", Some(BookFormat::Pdf)),
            (b"PK\x03\x04 a plain zip archive with some more bytes in it", None),
            (&epub[..40], None),
            (b"", None),
            (b"<html>", None),
        ] {
            std::fs::write(&path, content).unwrap();
            assert_eq!(format_of(&path).ok(), format, "{content:?}");
        }
        assert!(matches!(format_of(&folder.path().join("gone")), Err(EditionError::Read { .. })));
        assert!(matches!(format_of(folder.path()), Err(EditionError::Read { .. })));
    }

    #[test]
    fn every_file_of_a_book_has_a_name_of_its_own() {
        let slug: Slug = "moby-dick".parse().unwrap();
        let taken: HashSet<String> = ["moby-dick.epub", "moby-dick-3.epub"].map(str::to_owned).into();
        let name = |ordinal| free_name(&slug, ordinal, BookFormat::Epub, &taken);
        assert_eq!([name(1), name(2), name(3)], ["moby-dick-2.epub", "moby-dick-2.epub", "moby-dick-4.epub"]);
        assert_eq!(free_name(&slug, 1, BookFormat::Pdf, &taken), "moby-dick.pdf");
    }
}
