//! Adding an edition to a book: its files first, then the rows that point at them.

use crate::audit::{self, Actor};
use crate::books::object;
use crate::db::AnyConnection;
use crate::db::schema::{book, book_file, edition};
use crate::files::Written;
use crate::types::{BookFormat, Slug};
use crate::{Error, Shop, inspect};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::json;
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
    /// Where its files are, at most one of each format. What they are is read from their first bytes, and what they are
    /// called here is of no consequence.
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
    /// A file is nothing that is sold here.
    #[error("{} is no EPUB, PDF, MP3, M4B or ZIP archive", .0.display())]
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
    /// Adds an edition to a book, whatever the book's state. Everybody who has the title has its files at once. Sent twice
    /// (the book's newest edition is called so and has these files), it is added once.
    ///
    /// # Errors
    /// [`EditionError`]; nothing has changed then.
    pub async fn add_edition(&self, actor: &Actor, slug: &Slug, new: &NewEdition) -> Result<Added, EditionError> {
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
        let added = self.store_and_insert(actor, slug, label, &new.changelog, stored).await;
        if !matches!(added, Ok((_, true))) {
            self.discard_unless_kept(Some(slug), keys).await;
        }
        Ok(added?.0)
    }

    async fn store_and_insert(
        &self,
        actor: &Actor,
        slug: &Slug,
        label: &str,
        changelog: &str,
        files: Vec<Stored>,
    ) -> Result<(Added, bool), Error> {
        let mut written = Vec::with_capacity(files.len());
        for file in files {
            let content = self.0.files.put_file(&file.key, &file.path).await?;
            written.push((file, content));
        }
        let (actor, slug, now) = (*actor, slug.clone(), self.0.clock.now());
        let (label, changelog) = (label.to_owned(), changelog.to_owned());
        self.0
            .db
            .write(move |conn| {
                let book_id = locked(conn, &slug, now)?;
                if let Some(added) = same(conn, book_id, &label, &written)? {
                    audit::mark(conn, &actor, &object(&slug))?;
                    return Ok((added, false));
                }
                let added = insert(conn, book_id, &slug, &label, &changelog, &written, now)?;
                let files: Vec<_> = added.files.iter().map(|(name, _, sha256)| json!([name, sha256])).collect();
                let after = json!({ "label": label, "changelog": changelog, "files": files });
                audit::record(conn, &actor, "edition.added", object(&slug), None, Some(after))?;
                Ok((added, true))
            })
            .await
    }
}

/// From the first bytes.
fn format_of(path: &Path) -> Result<BookFormat, EditionError> {
    let failed = |source| EditionError::Read { path: path.to_owned(), source };
    let mut start = Vec::new();
    std::fs::File::open(path).map_err(failed)?.take(64).read_to_end(&mut start).map_err(failed)?;
    inspect::format_of(&start).ok_or_else(|| EditionError::Unknown(path.to_owned()))
}

fn book_id(conn: &mut AnyConnection, slug: &Slug) -> Result<Option<i64>, Error> {
    Ok(book::table.filter(book::slug.eq(slug.as_str())).select(book::id).first(conn).optional()?)
}

/// Locks the book's row, so that of two editions at once each finds the other's names.
fn locked(conn: &mut AnyConnection, slug: &Slug, now: NaiveDateTime) -> Result<i64, Error> {
    let book_id = book_id(conn, slug)?.ok_or(Error::NotFound)?;
    diesel::update(book::table.find(book_id))
        .set((book::version.eq(book::version + 1), book::updated_at.eq(now)))
        .execute(conn)?;
    Ok(book_id)
}

/// The newest edition, if it is this one.
fn same(
    conn: &mut AnyConnection,
    book_id: i64,
    label: &str,
    files: &[(Stored, Written)],
) -> Result<Option<Added>, Error> {
    let editions: Vec<(i64, String)> = edition::table
        .filter(edition::book_id.eq(book_id))
        .order(edition::id.desc())
        .select((edition::id, edition::label))
        .load(conn)?;
    let Some((newest, _)) = editions.first().filter(|(_, newest)| newest == label) else { return Ok(None) };
    let mut there: Vec<(String, i64, String)> = book_file::table
        .filter(book_file::edition_id.eq(newest))
        .select((book_file::filename, book_file::bytes, book_file::sha256))
        .load(conn)?;
    there.sort();
    let digests: HashSet<&str> = there.iter().map(|(_, _, sha256)| sha256.as_str()).collect();
    if digests != files.iter().map(|(_, written)| written.sha256.as_str()).collect() {
        return Ok(None);
    }
    Ok(Some(Added {
        ordinal: editions.len(),
        files: there.into_iter().map(|(name, bytes, sha256)| (name, bytes.unsigned_abs(), sha256)).collect(),
        entitled: super::announcing::entitled(conn, book_id)?,
    }))
}

fn insert(
    conn: &mut AnyConnection,
    book_id: i64,
    slug: &Slug,
    label: &str,
    changelog: &str,
    files: &[(Stored, Written)],
    now: NaiveDateTime,
) -> Result<Added, Error> {
    let editions: i64 = edition::table.filter(edition::book_id.eq(book_id)).count().get_result(conn)?;
    let taken = names(conn, book_id)?;
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

/// What a book's files are called.
pub(crate) fn names(conn: &mut AnyConnection, book_id: i64) -> Result<HashSet<String>, Error> {
    let names: Vec<String> = book_file::table
        .inner_join(edition::table)
        .filter(edition::book_id.eq(book_id))
        .select(book_file::filename)
        .load(conn)?;
    Ok(names.into_iter().collect())
}

/// "moby-dick.epub", "moby-dick-2.epub" for the second edition, and on until nothing else of the book is called so.
pub(crate) fn free_name(slug: &Slug, ordinal: usize, format: BookFormat, taken: &HashSet<String>) -> String {
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
    fn a_file_that_cannot_be_read_is_told_from_one_that_is_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("book.epub");
        std::fs::write(&path, b"<html>").unwrap();
        assert!(matches!(format_of(&path), Err(EditionError::Unknown(_))));
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
