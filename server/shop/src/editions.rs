//! Editions: what a book's files were and are. The right to a title is the right to all of them, so that a new edition
//! reaches everybody who has bought the title with the commit that adds it, and an older one stays within reach.
//!
//! - The newest edition is what the catalogue shows.
//! - A claim of a format serves the newest file of that format, also where the newest edition has none.
//! - Any file of any edition can be claimed by its name. Within a book every file has a name of its own: that of an
//!   edition added here is made from the book's address and the edition's place in the row, never from what the file was
//!   called before.

mod adding;
mod announcing;

use crate::catalog::format_info;
use crate::db::AnyConnection;
use crate::db::schema::{book, book_file, edition};
use crate::types::{EditionFile, EditionView, Slug};
use crate::{Error, Shop, markdown};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::{HashMap, HashSet};

pub use adding::{Added, EditionError, NewEdition};
pub(crate) use adding::{free_name, names};
pub use announcing::Announced;

impl Shop {
    /// The editions of each of these books, newest first, with their files by format: what a shelf offers beside the
    /// download of the newest files. Books that there are not, or that have no edition, are left out. Whose right it is
    /// to any of them is not asked here; a file is claimed by its name with [`Shop::claim_file`].
    ///
    /// # Errors
    /// The database's.
    pub async fn editions(&self, books: &[Slug]) -> Result<HashMap<Slug, Vec<EditionView>>, Error> {
        let slugs: Vec<String> = books.iter().map(|slug| slug.as_str().to_owned()).collect();
        let shop = self.clone();
        self.0.db.read(move |conn| of_books(conn, &shop, slugs)).await
    }
}

/// As [`Shop::editions`].
pub(crate) fn of_books(
    conn: &mut AnyConnection,
    shop: &Shop,
    slugs: Vec<String>,
) -> Result<HashMap<Slug, Vec<EditionView>>, Error> {
    type Row = (i64, String, String, String, NaiveDateTime);
    let editions: Vec<Row> = edition::table
        .inner_join(book::table)
        .filter(book::slug.eq_any(slugs))
        .order((edition::book_id, edition::id.desc()))
        .select((edition::id, book::slug, edition::label, edition::changelog, edition::created_at))
        .load(conn)?;
    let ids: Vec<i64> = editions.iter().map(|row| row.0).collect();
    type FileRow = (i64, String, i64, String, String);
    let files: Vec<FileRow> = book_file::table
        .filter(book_file::edition_id.eq_any(ids))
        .order((book_file::edition_id, book_file::format))
        .select((book_file::edition_id, book_file::format, book_file::bytes, book_file::sha256, book_file::filename))
        .load(conn)?;
    let mut by_edition: HashMap<i64, Vec<EditionFile>> = HashMap::new();
    for (edition, format, bytes, sha256, filename) in files {
        let info = format_info(&format, bytes)?;
        by_edition.entry(edition).or_default().push(EditionFile { info, sha256, filename, newest: false });
    }
    let mut by_book: HashMap<Slug, Vec<EditionView>> = HashMap::new();
    let mut seen = HashSet::new();
    for (id, slug, label, changelog, created_at) in editions {
        let slug: Slug = slug.parse().map_err(|_| Error::internal(format!("edition {id}: a book with a bad slug")))?;
        let mut files = by_edition.remove(&id).unwrap_or_default();
        for file in &mut files {
            file.newest = seen.insert((slug.clone(), file.format()));
        }
        by_book.entry(slug).or_default().push(EditionView {
            label,
            changelog_html: if changelog.trim().is_empty() { String::new() } else { markdown::to_html(&changelog) },
            added_on: shop.notation().day(created_at.date()),
            files,
        });
    }
    Ok(by_book)
}
