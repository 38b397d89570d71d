//! One book as it is, for the form.

use super::Fields;
use crate::catalog::{contributors, format_info};
use crate::clock::rfc3339;
use crate::db::AnyConnection;
use crate::db::schema::{book, book_file, book_price, edition, entitlement};
use crate::types::{BookStatus, Cover, Currency, DeskBook, DeskEdition, Slug};
use crate::{Error, Shop, markdown};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use std::collections::{BTreeMap, HashMap};

/// A book's row with all that belongs to it.
pub(crate) struct Saved {
    pub(crate) id: i64,
    pub(crate) version: i64,
    pub(crate) status: BookStatus,
    pub(crate) sort_title: String,
    pub(crate) cover_key: Option<String>,
    pub(crate) accent: String,
    pub(crate) fields: Fields,
}

/// Which books to read.
pub(crate) enum Which<'a> {
    /// One.
    Slug(&'a Slug),
    /// These.
    Slugs(&'a [&'a str]),
    /// So many behind this one, oldest first.
    Behind(i64, i64),
}

impl Saved {
    /// Reads one.
    pub(crate) fn find(conn: &mut AnyConnection, slug: &Slug) -> Result<Option<Self>, Error> {
        Ok(Self::load(conn, &Which::Slug(slug))?.pop())
    }

    /// Reads some.
    pub(crate) fn load(conn: &mut AnyConnection, which: &Which<'_>) -> Result<Vec<Self>, Error> {
        type Desk = (i64, i64, String, String, Option<String>, String);
        type Text = (String, String, String, String, String, Option<String>, String, Option<NaiveDate>);
        let query = book::table
            .select((
                (book::id, book::version, book::status, book::sort_title, book::cover_key, book::accent),
                (
                    book::slug,
                    book::title,
                    book::subtitle,
                    book::description_md,
                    book::language,
                    book::isbn,
                    book::publisher,
                    book::published_on,
                ),
            ))
            .order(book::id)
            .into_boxed();
        let rows: Vec<(Desk, Text)> = match which {
            Which::Slug(slug) => query.filter(book::slug.eq(slug.as_str())).load(conn)?,
            Which::Slugs(slugs) => query.filter(book::slug.eq_any(slugs.iter().copied())).load(conn)?,
            Which::Behind(id, count) => query.filter(book::id.gt(id)).limit(*count).load(conn)?,
        };
        let ids: Vec<i64> = rows.iter().map(|(desk, _)| desk.0).collect();
        let mut people = contributors(conn, &ids)?;
        let mut prices: HashMap<i64, BTreeMap<Currency, i64>> = HashMap::new();
        let found: Vec<(i64, String, i64)> = book_price::table
            .filter(book_price::book_id.eq_any(ids))
            .select((book_price::book_id, book_price::currency, book_price::unit_amount))
            .load(conn)?;
        for (id, code, minor) in found {
            let unknown = |_| Error::internal(format!("book {id} has a price in an unknown currency"));
            prices.entry(id).or_default().insert(code.parse().map_err(unknown)?, minor);
        }
        let assembled = rows.into_iter().map(|(desk, text)| {
            let (id, version, status, sort_title, cover_key, accent) = desk;
            let (slug, title, subtitle, description, language, isbn, publisher, published_on) = text;
            let wrong = |what: &str| Error::internal(format!("book {id} has a bad {what}"));
            Ok(Self {
                id,
                version,
                status: BookStatus::parse(&status).ok_or_else(|| wrong("status"))?,
                sort_title,
                cover_key,
                accent,
                fields: Fields {
                    title,
                    subtitle,
                    slug: slug.parse().map_err(|_| wrong("slug"))?,
                    description,
                    language,
                    isbn,
                    publisher,
                    published_on,
                    people: people.remove(&id).unwrap_or_default(),
                    prices: prices.remove(&id).unwrap_or_default(),
                },
            })
        });
        assembled.collect()
    }

    /// What it takes to put the book on sale.
    pub(crate) fn missing(&self, conn: &mut AnyConnection, currency: Currency) -> Result<Vec<String>, Error> {
        let files: i64 = book_file::table
            .inner_join(edition::table)
            .filter(edition::book_id.eq(self.id))
            .count()
            .get_result(conn)?;
        let mut missing = Vec::new();
        if self.fields.people.is_empty() {
            missing.push("Nobody is named who made the book.".to_owned());
        }
        if !self.fields.prices.contains_key(&currency) {
            missing.push(format!("There is no price in {currency}, which this store sells in; 0 gives it away."));
        }
        if files == 0 {
            missing.push("There is no file to sell: upload an EPUB, a PDF or another one.".to_owned());
        }
        if self.fields.description.is_empty() {
            missing.push("There is no description.".to_owned());
        }
        Ok(missing)
    }
}

impl Shop {
    /// A description as the book's page will show it.
    #[must_use]
    pub fn description_html(&self, markdown: &str) -> String {
        markdown::to_html(markdown)
    }

    /// A book, whatever its status.
    ///
    /// # Errors
    /// The database's.
    pub async fn desk_book(&self, slug: &Slug) -> Result<Option<DeskBook>, Error> {
        let (slug, currency) = (slug.clone(), self.currency());
        self.0.db.read(move |conn| desk(conn, &slug, currency)).await
    }
}

fn desk(conn: &mut AnyConnection, slug: &Slug, currency: Currency) -> Result<Option<DeskBook>, Error> {
    let Some(saved) = Saved::find(conn, slug)? else { return Ok(None) };
    let missing = saved.missing(conn, currency)?;
    let editions: Vec<(i64, String, String, NaiveDateTime)> = edition::table
        .filter(edition::book_id.eq(saved.id))
        .order(edition::id.desc())
        .select((edition::id, edition::label, edition::changelog, edition::created_at))
        .load(conn)?;
    let ids: Vec<i64> = editions.iter().map(|edition| edition.0).collect();
    type File = (i64, String, i64, String, String);
    let files: Vec<File> = book_file::table
        .filter(book_file::edition_id.eq_any(ids))
        .order((book_file::edition_id, book_file::format))
        .select((book_file::edition_id, book_file::format, book_file::bytes, book_file::filename, book_file::sha256))
        .load(conn)?;
    let mut by_edition: BTreeMap<i64, Vec<_>> = BTreeMap::new();
    for (edition, format, bytes, filename, sha256) in files {
        by_edition.entry(edition).or_default().push((filename, format_info(&format, bytes)?, sha256));
    }
    let readers = entitlement::table
        .filter(entitlement::book_id.eq(saved.id))
        .filter(entitlement::state.eq("active"))
        .count()
        .get_result(conn)?;
    Ok(Some(DeskBook {
        slug: slug.clone(),
        form: saved.fields.typed(),
        version: saved.version,
        status: saved.status,
        cover: saved.cover_key.map(|key| Cover { key }),
        accent: saved.accent,
        editions: editions
            .into_iter()
            .map(|(id, label, changelog, created_at)| DeskEdition {
                label,
                changelog,
                added_on: created_at.date().to_string(),
                added_at: rfc3339(created_at),
                files: by_edition.remove(&id).unwrap_or_default(),
            })
            .collect(),
        missing,
        readers,
    }))
}
