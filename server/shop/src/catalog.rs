//! The catalogue: published books, a page at a time, and one book's page.

use crate::db::AnyConnection;
use crate::db::schema::{book, book_file, book_price, content, contributor, edition};
use crate::types::{
    BookCard, BookDetail, BookFormat, CatalogPage, Contributor, Cover, Currency, FormatInfo, Money, Slug, Sort,
};
use crate::{Error, Shop, markdown};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::NaiveDate;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// Books on one page.
pub(crate) const PAGE_SIZE: usize = 24;
const LIMIT: i64 = 25;

/// Where a page begins: after this row of the sorted catalogue. Opaque in the URL, and meaningless to forge.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum Cursor {
    Newest { id: i64 },
    Title { sort_title: String, id: i64 },
    Price { unit_amount: i64, id: i64 },
}

impl Cursor {
    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).unwrap_or_default())
    }

    fn decode(text: &str) -> Result<Self, Error> {
        const WRONG: Error = Error::BadRequest("after");
        if text.len() > 2_000 {
            return Err(WRONG);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| WRONG)?;
        match serde_json::from_slice(&bytes) {
            // PostgreSQL's text has no NUL.
            Ok(Self::Title { sort_title, .. }) if sort_title.contains('\0') => Err(WRONG),
            cursor => cursor.map_err(|_| WRONG),
        }
    }
}

#[derive(Queryable)]
pub(crate) struct CardRow {
    pub(crate) id: i64,
    slug: String,
    pub(crate) title: String,
    sort_title: String,
    cover_key: Option<String>,
    accent: String,
    unit_amount: Option<i64>,
    pub(crate) tax_code: String,
}

/// The columns of a [`CardRow`].
macro_rules! card_columns {
    () => {
        (
            book::id,
            book::slug,
            book::title,
            book::sort_title,
            book::cover_key,
            book::accent,
            book_price::unit_amount.nullable(),
            book::tax_code,
        )
    };
}

impl CardRow {
    pub(crate) fn price(&self, currency: Currency) -> Option<Money> {
        self.unit_amount.map(|minor| Money::new(minor, currency))
    }

    fn into_card(self, currency: Currency, bylines: &mut HashMap<i64, String>) -> Result<BookCard, Error> {
        Ok(BookCard {
            price: self.price(currency),
            slug: self.slug.parse().map_err(|_| Error::internal(format!("book {} has a bad slug", self.id)))?,
            title: self.title,
            byline: bylines.remove(&self.id).unwrap_or_default(),
            cover: self.cover_key.map(|key| Cover { key }),
            accent: self.accent,
        })
    }
}

impl Shop {
    /// One page of published books sold in `currency`, starting after the cursor `after` of the page before.
    ///
    /// # Errors
    /// [`Error::BadRequest`] if `after` is not a cursor of this sort order; the database's.
    pub async fn catalog_page(
        &self,
        currency: Currency,
        sort: Sort,
        after: Option<&str>,
    ) -> Result<CatalogPage, Error> {
        let cursor = after.map(Cursor::decode).transpose()?;
        self.0.db.read(move |conn| page(conn, currency, sort, cursor)).await
    }

    /// A published book, priced in `currency`.
    ///
    /// # Errors
    /// The database's.
    pub async fn book(&self, slug: &Slug, currency: Currency) -> Result<Option<BookDetail>, Error> {
        let slug = slug.clone();
        self.0.db.read(move |conn| detail(conn, &slug, currency)).await
    }

    /// Grows with every change of a book: what was made from one version holds until there is another.
    ///
    /// # Errors
    /// The database's.
    pub async fn content_version(&self) -> Result<i64, Error> {
        self.0.db.read(|conn| Ok(content::table.select(content::version).first(conn)?)).await
    }
}

fn page(
    conn: &mut AnyConnection,
    currency: Currency,
    sort: Sort,
    cursor: Option<Cursor>,
) -> Result<CatalogPage, Error> {
    let first = cursor.is_none();
    let mut query = book::table
        .inner_join(book_price::table)
        .filter(book::status.eq("published"))
        .filter(book_price::currency.eq(currency.code()))
        .select(card_columns!())
        .limit(LIMIT)
        .into_boxed();
    query = match (sort, cursor) {
        (_, None) => query,
        (Sort::Newest, Some(Cursor::Newest { id })) => query.filter(book::id.lt(id)),
        (Sort::Title, Some(Cursor::Title { sort_title, id })) => query
            .filter(book::sort_title.gt(sort_title.clone()).or(book::sort_title.eq(sort_title).and(book::id.gt(id)))),
        (Sort::PriceAsc, Some(Cursor::Price { unit_amount, id })) => query.filter(
            book_price::unit_amount
                .gt(unit_amount)
                .or(book_price::unit_amount.eq(unit_amount).and(book_price::book_id.gt(id))),
        ),
        (Sort::PriceDesc, Some(Cursor::Price { unit_amount, id })) => query.filter(
            book_price::unit_amount
                .lt(unit_amount)
                .or(book_price::unit_amount.eq(unit_amount).and(book_price::book_id.lt(id))),
        ),
        _ => return Err(Error::BadRequest("after")),
    };
    let mut rows: Vec<CardRow> = match sort {
        Sort::Newest => query.order(book::id.desc()).load(conn)?,
        Sort::Title => query.order((book::sort_title.asc(), book::id.asc())).load(conn)?,
        // By the price's own book id: then the index has them in this order, and nothing is sorted.
        Sort::PriceAsc => query.order((book_price::unit_amount.asc(), book_price::book_id.asc())).load(conn)?,
        Sort::PriceDesc => query.order((book_price::unit_amount.desc(), book_price::book_id.desc())).load(conn)?,
    };
    let more = rows.len() > PAGE_SIZE;
    rows.truncate(PAGE_SIZE);
    let next = rows.last().filter(|_| more).map(|row| {
        let cursor = match sort {
            Sort::Newest => Cursor::Newest { id: row.id },
            Sort::Title => Cursor::Title { sort_title: row.sort_title.clone(), id: row.id },
            Sort::PriceAsc | Sort::PriceDesc => {
                Cursor::Price { unit_amount: row.unit_amount.unwrap_or_default(), id: row.id }
            }
        };
        cursor.encode()
    });
    Ok(CatalogPage { books: cards(conn, rows, currency)?, sort, next, first })
}

fn detail(conn: &mut AnyConnection, slug: &Slug, currency: Currency) -> Result<Option<BookDetail>, Error> {
    type More = (String, String, String, Option<String>, String, Option<NaiveDate>);
    let Some((row, more)) = book::table
        .left_join(book_price::table.on(book_price::book_id.eq(book::id).and(book_price::currency.eq(currency.code()))))
        .filter(book::slug.eq(slug.as_str()))
        .filter(book::status.eq("published"))
        .select((
            card_columns!(),
            (book::subtitle, book::description_md, book::language, book::isbn, book::publisher, book::published_on),
        ))
        .first::<(CardRow, More)>(conn)
        .optional()?
    else {
        return Ok(None);
    };
    let id = row.id;
    let (subtitle, description_md, language, isbn, publisher, published_on) = more;
    let contributors = contributors(conn, &[id])?.remove(&id).unwrap_or_default();
    let byline = byline(&contributors);
    let (edition, formats) = current_edition(conn, id)?.unwrap_or_default();
    Ok(Some(BookDetail {
        card: row.into_card(currency, &mut HashMap::from([(id, byline)]))?,
        subtitle,
        contributors,
        description_html: markdown::to_html(&description_md),
        summary: markdown::summary(&description_md, 200),
        language,
        isbn,
        publisher,
        published_on: published_on.map(|day| day.to_string()),
        formats,
        edition,
    }))
}

/// Books by id, priced in `currency`, whatever their status is not: only published ones are found.
pub(crate) fn published(conn: &mut AnyConnection, ids: &[i64], currency: Currency) -> Result<Vec<CardRow>, Error> {
    Ok(book::table
        .inner_join(book_price::table)
        .filter(book::id.eq_any(ids.to_vec()))
        .filter(book::status.eq("published"))
        .filter(book_price::currency.eq(currency.code()))
        .select(card_columns!())
        .load(conn)?)
}

/// Gives rows their bylines.
pub(crate) fn cards(conn: &mut AnyConnection, rows: Vec<CardRow>, currency: Currency) -> Result<Vec<BookCard>, Error> {
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let mut bylines = bylines(conn, &ids)?;
    rows.into_iter().map(|row| row.into_card(currency, &mut bylines)).collect()
}

/// The people of each book, in the order of its title page.
pub(crate) fn contributors(conn: &mut AnyConnection, books: &[i64]) -> Result<HashMap<i64, Vec<Contributor>>, Error> {
    let rows: Vec<(i64, String, String)> = contributor::table
        .filter(contributor::book_id.eq_any(books.to_vec()))
        .order((contributor::book_id, contributor::position))
        .select((contributor::book_id, contributor::name, contributor::role))
        .load(conn)?;
    let mut by_book: HashMap<i64, Vec<Contributor>> = HashMap::new();
    for (book, name, role) in rows {
        let role =
            role.parse().map_err(|_| Error::internal(format!("book {book} has a contributor of unknown role")))?;
        by_book.entry(book).or_default().push(Contributor { name, role });
    }
    Ok(by_book)
}

/// The authors of each book for reading.
pub(crate) fn bylines(conn: &mut AnyConnection, books: &[i64]) -> Result<HashMap<i64, String>, Error> {
    Ok(contributors(conn, books)?.into_iter().map(|(id, people)| (id, byline(&people))).collect())
}

/// "Ann", "Ann and Bo", "Ann, Bo and Cy"; whoever is named first if nobody is an author.
fn byline(contributors: &[Contributor]) -> String {
    use crate::types::ContributorRole::Author;
    let mut names: Vec<&str> = contributors.iter().filter(|c| c.role == Author).map(|c| c.name.as_str()).collect();
    if names.is_empty() {
        names.extend(contributors.first().map(|c| c.name.as_str()));
    }
    match names.split_last() {
        None => String::new(),
        Some((last, [])) => (*last).to_owned(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// The label and files of a book's newest edition.
pub(crate) fn current_edition(
    conn: &mut AnyConnection,
    book_id: i64,
) -> Result<Option<(String, Vec<FormatInfo>)>, Error> {
    let newest: Option<(i64, String)> = edition::table
        .filter(edition::book_id.eq(book_id))
        .order(edition::id.desc())
        .select((edition::id, edition::label))
        .first(conn)
        .optional()?;
    let Some((id, label)) = newest else { return Ok(None) };
    let files: Vec<(String, i64)> = book_file::table
        .filter(book_file::edition_id.eq(id))
        .order(book_file::format)
        .select((book_file::format, book_file::bytes))
        .load(conn)?;
    let formats = files.into_iter().map(|(format, bytes)| format_info(&format, bytes)).collect::<Result<_, _>>()?;
    Ok(Some((label, formats)))
}

/// The newest file of each of a book's formats, by format. An edition that has no PDF leaves the last PDF there is.
pub(crate) fn newest_files(conn: &mut AnyConnection, book_id: i64) -> Result<Vec<(i64, FormatInfo)>, Error> {
    let files: Vec<(i64, String, i64)> = book_file::table
        .inner_join(edition::table)
        .filter(edition::book_id.eq(book_id))
        .order((book_file::format, edition::id.desc()))
        .select((book_file::id, book_file::format, book_file::bytes))
        .load(conn)?;
    let mut newest: Vec<(i64, FormatInfo)> = Vec::new();
    for (id, format, bytes) in files {
        let info = format_info(&format, bytes)?;
        if newest.last().is_none_or(|(_, last)| last.format != info.format) {
            newest.push((id, info));
        }
    }
    Ok(newest)
}

pub(crate) fn format_info(format: &str, bytes: i64) -> Result<FormatInfo, Error> {
    let format = BookFormat::parse(format).ok_or_else(|| Error::internal(format!("unknown format {format}")))?;
    Ok(FormatInfo { format, bytes: bytes.unsigned_abs() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::ContributorRole;

    #[test]
    fn bylines_read_well() {
        let people = |roles: &[(&str, ContributorRole)]| {
            byline(
                &roles.iter().map(|(name, role)| Contributor { name: (*name).into(), role: *role }).collect::<Vec<_>>(),
            )
        };
        use ContributorRole::{Author, Editor, Translator};
        assert_eq!(people(&[]), "");
        assert_eq!(people(&[("Ann", Author), ("Bo", Translator)]), "Ann");
        assert_eq!(people(&[("Ann", Author), ("Bo", Author)]), "Ann and Bo");
        assert_eq!(people(&[("Ann", Author), ("Bo", Author), ("Cy", Author)]), "Ann, Bo and Cy");
        assert_eq!(people(&[("Ed", Editor), ("Bo", Translator)]), "Ed");
    }

    #[test]
    fn a_cursor_round_trips_and_refuses_anything_else() {
        let text = Cursor::Title { sort_title: "ü".into(), id: 7 }.encode();
        assert!(matches!(Cursor::decode(&text), Ok(Cursor::Title { sort_title, id: 7 }) if sort_title == "ü"));
        for bad in ["", "x", "%%", "eyJ4IjoxfQ", &"A".repeat(5_000)] {
            assert!(Cursor::decode(bad).is_err());
        }
    }
}
