//! The list of all books: searched by the beginnings of words, filtered, paged by a key in both directions.

use crate::catalog::bylines;
use crate::clock::rfc3339;
use crate::db::AnyConnection;
use crate::db::schema::{book, book_file, book_price, edition};
use crate::paging::{Page, Place};
use crate::types::{BookFormat, BookLine, BookList, BookStatus, Cover, Currency, ListPlace, Money, Slug};
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use std::collections::HashMap;

/// Books on a page of the list.
const PAGE: usize = 50;
/// Words of a search that are looked for; the rest is ignored.
const WORDS: usize = 8;

impl Shop {
    /// A page of all books, newest first: those of a status, and with a word that begins so for each word of `search`
    /// (title, subtitle, address, ISBN, people).
    ///
    /// # Errors
    /// [`Error::NotFound`] if the page is to begin beside a book that there is not; the database's.
    pub async fn book_list(
        &self,
        search: &str,
        status: Option<BookStatus>,
        place: ListPlace,
    ) -> Result<BookList, Error> {
        let Some(words) = words_of(search) else { return Ok(BookList::default()) };
        let currency = self.currency();
        self.0
            .db
            .read(move |conn| {
                let start = Start::beside(conn, &place)?;
                let (rows, newer, older) = list(conn, &words, status, start, PAGE)?;
                Ok(BookList { books: lines(conn, rows, currency)?, newer, older })
            })
            .await
    }

    /// The same for programs, each book with its key in the list, which stays when its address changes.
    ///
    /// # Errors
    /// [`Error::BadPlace`] if the place is none of this list; the database's.
    pub async fn book_page(
        &self,
        search: &str,
        status: Option<BookStatus>,
        place: Place,
        size: usize,
    ) -> Result<Page<(String, BookLine)>, Error> {
        let start = Start::at(&place)?;
        let Some(words) = words_of(search) else {
            return Ok(Page { rows: Vec::new(), before: false, after: false });
        };
        let currency = self.currency();
        self.0
            .db
            .read(move |conn| {
                let (rows, before, after) = list(conn, &words, status, start, size)?;
                let keys: Vec<String> = rows.iter().map(|row| key(row.0)).collect();
                let rows = keys.into_iter().zip(lines(conn, rows, currency)?).collect();
                Ok(Page { rows, before, after })
            })
            .await
    }
}

/// A book's key in the list. With a letter that no address has, for those were its keys before.
fn key(id: i64) -> String {
    format!("#{id}")
}

/// Where a page begins.
#[derive(Clone, Copy)]
enum Start {
    First,
    After(i64),
    Before(i64),
    Last,
}

impl Start {
    /// Beside a book that is named by its address.
    fn beside(conn: &mut AnyConnection, place: &ListPlace) -> Result<Self, Error> {
        let mut id = |slug: &Slug| -> Result<i64, Error> {
            let row = book::table.filter(book::slug.eq(slug.as_str())).select(book::id);
            row.first(conn).optional()?.ok_or(Error::NotFound)
        };
        Ok(match place {
            ListPlace::First => Self::First,
            ListPlace::After(slug) => Self::After(id(slug)?),
            ListPlace::Before(slug) => Self::Before(id(slug)?),
            ListPlace::Last => Self::Last,
        })
    }

    /// Beside a book that is named by its key.
    fn at(place: &Place) -> Result<Self, Error> {
        let id = |key: &str| key.strip_prefix('#').and_then(|id| id.parse().ok()).ok_or(Error::BadPlace);
        Ok(match place {
            Place::First => Self::First,
            Place::After(key) => Self::After(id(key)?),
            Place::Before(key) => Self::Before(id(key)?),
        })
    }
}

/// The words of a search, none of them if nothing is searched for; nothing if there are none in it.
fn words_of(search: &str) -> Option<Vec<String>> {
    let words = words(search);
    (!words.is_empty() || search.trim().is_empty()).then_some(words)
}

/// The words of a search as the index has them: lower case, letters and digits.
fn words(search: &str) -> Vec<String> {
    let lower = search.to_lowercase();
    let words = lower.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty() && word.len() <= 200);
    words.take(WORDS).map(str::to_owned).collect()
}

type Row = (i64, String, String, String, Option<String>, String, NaiveDateTime);

/// The rows of a page, and whether there are newer and older ones.
fn list(
    conn: &mut AnyConnection,
    words: &[String],
    status: Option<BookStatus>,
    start: Start,
    size: usize,
) -> Result<(Vec<Row>, bool, bool), Error> {
    let beside = match start {
        Start::After(id) | Start::Before(id) => Some(id),
        Start::First | Start::Last => None,
    };
    let backwards = matches!(start, Start::Before(_) | Start::Last);
    let limit = i64::try_from(size.saturating_add(1)).unwrap_or(i64::MAX);
    let mut ids = if words.is_empty() {
        ids(conn, status, beside, backwards, limit)?
    } else {
        found(conn, words, status, beside, backwards, limit)?
    };
    let more = ids.len() > size;
    ids.truncate(size);
    let rows: Vec<Row> = book::table
        .filter(book::id.eq_any(ids))
        .order(book::id.desc())
        .select((book::id, book::slug, book::title, book::status, book::cover_key, book::accent, book::updated_at))
        .load(conn)?;
    let (newer, older) = match start {
        Start::First => (false, more),
        Start::After(_) => (true, more),
        Start::Before(_) => (more, true),
        Start::Last => (more, false),
    };
    Ok((rows, newer, older))
}

/// Books of a status, from one end or the other.
fn ids(
    conn: &mut AnyConnection,
    status: Option<BookStatus>,
    beside: Option<i64>,
    backwards: bool,
    limit: i64,
) -> Result<Vec<i64>, Error> {
    let mut query = book::table.select(book::id).limit(limit).into_boxed();
    if let Some(status) = status {
        query = query.filter(book::status.eq(status.as_str()));
    }
    query = match (beside, backwards) {
        (Some(id), true) => query.filter(book::id.gt(id)),
        (Some(id), false) => query.filter(book::id.lt(id)),
        (None, _) => query,
    };
    Ok(if backwards { query.order(book::id.asc()).load(conn)? } else { query.order(book::id.desc()).load(conn)? })
}

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// The same among those that the index of words has. Its tables are each database's own, so the SQL is written out.
fn found(
    conn: &mut AnyConnection,
    words: &[String],
    status: Option<BookStatus>,
    beside: Option<i64>,
    backwards: bool,
    limit: i64,
) -> Result<Vec<i64>, Error> {
    let (key, condition, query) = match conn {
        AnyConnection::Sqlite(_) => (
            "s.rowid",
            "book_search MATCH",
            // A string in quotes has no operators in it; there are no quotes in a word.
            words.iter().map(|word| format!("\"{word}\"*")).collect::<Vec<_>>().join(" "),
        ),
        AnyConnection::Postgres(_) => (
            "s.book_id",
            "s.words @@ CAST(",
            words.iter().map(|word| format!("'{word}':*")).collect::<Vec<_>>().join(" & "),
        ),
    };
    let close = if matches!(conn, AnyConnection::Postgres(_)) { " AS tsquery)" } else { "" };
    let (compare, order) = if backwards { (">", "ASC") } else { ("<", "DESC") };
    let place = |number: u8| match conn {
        AnyConnection::Sqlite(_) => "?".to_owned(),
        AnyConnection::Postgres(_) => format!("${number}"),
    };
    let sql = format!(
        "SELECT book.id AS id FROM book_search s JOIN book ON book.id = {key} \
         WHERE {condition} {}{close} AND {key} {compare} {} AND (book.status = {} OR {}) ORDER BY {key} {order} LIMIT {limit}",
        place(1),
        place(2),
        place(3),
        place(4),
    );
    let edge = if backwards { 0 } else { i64::MAX };
    let rows: Vec<Id> = diesel::sql_query(sql)
        .bind::<Text, _>(query)
        .bind::<BigInt, _>(beside.unwrap_or(edge))
        .bind::<Text, _>(status.map_or("", BookStatus::as_str))
        .bind::<Bool, _>(status.is_none())
        .load(conn)?;
    Ok(rows.into_iter().map(|row| row.id).collect())
}

fn lines(conn: &mut AnyConnection, rows: Vec<Row>, currency: Currency) -> Result<Vec<BookLine>, Error> {
    let ids: Vec<i64> = rows.iter().map(|row| row.0).collect();
    let mut bylines = bylines(conn, &ids)?;
    let prices: HashMap<i64, i64> = book_price::table
        .filter(book_price::book_id.eq_any(ids.clone()))
        .filter(book_price::currency.eq(currency.code()))
        .select((book_price::book_id, book_price::unit_amount))
        .load::<(i64, i64)>(conn)?
        .into_iter()
        .collect();
    let files: Vec<(i64, i64, String)> = book_file::table
        .inner_join(edition::table)
        .filter(edition::book_id.eq_any(ids))
        .order((edition::book_id, edition::id.desc()))
        .select((edition::book_id, edition::id, book_file::format))
        .load(conn)?;
    let mut formats: HashMap<i64, (i64, Vec<BookFormat>)> = HashMap::new();
    for (book, edition, format) in files {
        let (newest, formats) = formats.entry(book).or_insert((edition, Vec::new()));
        if let (true, Some(format)) = (*newest == edition, BookFormat::parse(&format)) {
            formats.push(format);
            formats.sort_unstable();
        }
    }
    rows.into_iter()
        .map(|(id, slug, title, status, cover_key, accent, updated_at)| {
            let wrong = |what: &str| Error::internal(format!("book {id} has a bad {what}"));
            let slug: Slug = slug.parse().map_err(|_| wrong("slug"))?;
            Ok(BookLine {
                slug,
                title,
                byline: bylines.remove(&id).unwrap_or_default(),
                status: BookStatus::parse(&status).ok_or_else(|| wrong("status"))?,
                price: prices.get(&id).map(|minor| Money::new(*minor, currency)),
                formats: formats.remove(&id).map(|(_, formats)| formats).unwrap_or_default(),
                cover: cover_key.map(|key| Cover { key }),
                accent,
                changed_on: updated_at.date().to_string(),
                changed_at: rfc3339(updated_at),
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::words;

    #[test]
    fn a_search_is_words_and_nothing_else() {
        assert_eq!(words("Moby-Dick; OR 'x\" * (NEAR"), ["moby", "dick", "or", "x", "near"]);
        assert_eq!(words("  \" '' :* "), Vec::<String>::new());
        assert_eq!(words("Ä1 ß"), ["ä1", "ß"]);
    }
}
