//! The catalogue as a table: written as CSV for a spreadsheet, read back with what was changed there.
//!
//! - A row is a book, named by its slug. What the table does not say stays as it is: a book without a row, a column that
//!   is not there, an empty cell.
//! - Reading one changes nothing. It is kept, and shown with the differences; applying it changes all of them or none, and
//!   only over the versions of the books that the differences were shown against.
//! - A cell never begins like a formula (OWASP, "CSV Injection"): such text has an apostrophe before it, which is taken
//!   away again when it is read.

use super::reading::{Saved, Which};
use super::saving::{create, locked, update};
use super::{Fields, NotSaved};
use crate::audit::Actor;
use crate::db::AnyConnection;
use crate::types::{BookForm, ContributorRole, Currency, PersonField, PriceField, Slug};
use crate::{Error, Shop};
use bytes::Bytes;
use futures::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Rows of a table that is read.
const ROWS: usize = 20_000;
/// Of these so many may say something new.
const CHANGES: usize = 5_000;
/// Books of a table that is written, at a time.
const BATCH: i64 = 500;

/// The columns that every table has; behind them one for each currency, like `price_USD`.
const COLUMNS: [&str; 9] =
    ["slug", "title", "subtitle", "language", "isbn", "publisher", "published_on", "people", "description"];
/// Written and never read: a table puts nothing on sale.
const STATUS: &str = "status";

/// A table cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// For this reason.
    #[error("{0}")]
    Refused(String),
    /// The shop's own failure.
    #[error(transparent)]
    Shop(#[from] Error),
}

/// A row that says something new.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowChange {
    /// Names the book.
    pub slug: Slug,
    /// Whether it is a book that there is not yet; it will be a draft.
    pub new: bool,
    /// Column, what is saved, and what the table says.
    pub cells: Vec<(String, String, String)>,
}

/// What applying a table would do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preview {
    /// Rows that say something new.
    pub changes: Vec<RowChange>,
    /// Rows that say what is saved.
    pub same: usize,
    /// Rows that cannot be: the line and why. With any of these nothing is applied.
    pub problems: Vec<(u64, String)>,
    /// Columns that are not read.
    pub ignored: Vec<String>,
    /// Whether the books have changed since this preview was first made.
    pub outdated: bool,
}

/// What came of applying one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Applied {
    /// So many books were made and changed.
    Done {
        /// Made.
        created: usize,
        /// Changed.
        changed: usize,
    },
    /// Nothing: a book has changed since, or a row cannot be. The preview says which.
    Not,
}

/// A table as it was sent, with what it was compared to.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Table {
    rows: Vec<Row>,
    ignored: Vec<String>,
    /// The version of each book that a row says something new about; 0 for one that there was not.
    versions: BTreeMap<String, i64>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Row {
    line: u64,
    slug: String,
    cells: BTreeMap<String, String>,
}

/// A row compared to what is saved.
enum Compared {
    Same,
    New(Fields, RowChange),
    Changed(Box<Saved>, Fields, RowChange),
    Wrong(String),
}

impl Shop {
    /// The whole catalogue as CSV, piece by piece.
    pub fn book_table(&self) -> impl Stream<Item = Result<Bytes, Error>> + Send + 'static + use<> {
        let shop = self.clone();
        let currency = shop.currency();
        stream::try_unfold(None::<(i64, Vec<Currency>)>, move |place| {
            let shop = shop.clone();
            async move {
                let first = place.is_none();
                let (behind, currencies) = match place {
                    Some(place) => place,
                    None => (0, shop.currencies(currency).await?),
                };
                if behind == i64::MAX {
                    return Ok(None);
                }
                let books = shop.0.db.read(move |conn| Saved::load(conn, &Which::Behind(behind, BATCH))).await?;
                let next = books.last().map_or(i64::MAX, |book| book.id);
                let text = written(&books, &currencies, first).map_err(|error| Error::internal(error.to_string()))?;
                Ok(Some((Bytes::from(text), Some((next, currencies)))))
            }
        })
    }

    /// The store's currency, and those that any book has a price in.
    async fn currencies(&self, own: Currency) -> Result<Vec<Currency>, Error> {
        use crate::db::schema::book_price;
        use diesel::prelude::*;
        let codes: Vec<String> =
            self.0.db.read(|conn| Ok(book_price::table.select(book_price::currency).distinct().load(conn)?)).await?;
        let others = codes.iter().filter_map(|code| code.parse().ok()).filter(|currency| *currency != own);
        let others: BTreeSet<Currency> = others.collect();
        Ok(std::iter::once(own).chain(others).collect())
    }

    /// Reads a table and keeps it; returns its name, for [`Shop::preview_table`].
    ///
    /// # Errors
    /// [`TableError::Refused`] if it is no table of books.
    pub async fn read_book_table(&self, csv: Bytes) -> Result<String, TableError> {
        let parsed = tokio::task::spawn_blocking(move || parsed(&csv));
        let mut table = parsed.await.map_err(|error| Error::internal(error.to_string()))??;
        let rows = table.rows.clone();
        table.versions = self
            .0
            .db
            .read(move |conn| {
                let mut versions = BTreeMap::new();
                for row in &rows {
                    let version = match compared(conn, row)? {
                        Compared::Changed(saved, ..) => saved.version,
                        Compared::New(..) => 0,
                        Compared::Same | Compared::Wrong(_) => continue,
                    };
                    versions.insert(row.slug.clone(), version);
                }
                Ok(versions)
            })
            .await?;
        Ok(self.keep("table", &table).await?)
    }

    /// What applying a kept table would do now; none if it is gone.
    ///
    /// # Errors
    /// The database's.
    pub async fn preview_table(&self, name: &str) -> Result<Option<Preview>, Error> {
        let Some(table) = self.kept::<Table>("table", name).await? else { return Ok(None) };
        Ok(Some(self.0.db.read(move |conn| preview(conn, &table)).await?))
    }

    /// Applies a kept table: everything that its preview shows, in one transaction, or nothing. Twice, it does it once.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it is gone; the database's.
    pub async fn apply_table(&self, actor: &Actor, name: &str) -> Result<Applied, Error> {
        let table = self.kept::<Table>("table", name).await?.ok_or(Error::NotFound)?;
        let (actor, now) = (*actor, self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                let shown = preview(conn, &table)?;
                if shown.outdated || !shown.problems.is_empty() {
                    return Ok(Applied::Not);
                }
                let (mut created, mut changed) = (0, 0);
                for row in table.rows.iter().filter(|row| table.versions.contains_key(&row.slug)) {
                    let saved = match compared(conn, row)? {
                        Compared::Same | Compared::Wrong(_) => continue,
                        Compared::New(fields, _) => {
                            created += 1;
                            create(conn, &actor, &fields, now)
                        }
                        Compared::Changed(saved, fields, _) => {
                            changed += 1;
                            // Locked, and asked once more.
                            let saved = locked(conn, &saved.fields.slug)?;
                            let version = table.versions.get(&row.slug).copied();
                            update(conn, &actor, &saved, version, &fields, now)
                        }
                    };
                    match saved {
                        Ok(_) => {}
                        Err(NotSaved::Shop(error)) => return Err(error),
                        // Between the preview and here: undone as a whole, and the visitor looks again.
                        Err(NotSaved::Outdated(_) | NotSaved::Problems(_)) => {
                            return Err(Error::BadRequest("a book has changed while the table was applied"));
                        }
                    }
                }
                Ok(Applied::Done { created, changed })
            })
            .await
    }
}

fn preview(conn: &mut AnyConnection, table: &Table) -> Result<Preview, Error> {
    let mut preview = Preview { ignored: table.ignored.clone(), ..Preview::default() };
    for row in &table.rows {
        let known = table.versions.get(&row.slug).copied();
        let (version, change) = match compared(conn, row)? {
            Compared::Same => {
                preview.same += 1;
                // It was not: somebody has done what the table says, perhaps this very table.
                continue;
            }
            Compared::Wrong(why) => {
                preview.problems.push((row.line, why));
                continue;
            }
            Compared::New(_, change) => (0, change),
            Compared::Changed(saved, _, change) => (saved.version, change),
        };
        preview.outdated |= known != Some(version);
        preview.changes.push(change);
    }
    if preview.changes.len() > CHANGES {
        let why = format!("{} books would change; a table may change {CHANGES} at a time.", preview.changes.len());
        preview.problems.push((1, why));
    }
    Ok(preview)
}

/// Lays a row over what is saved.
fn compared(conn: &mut AnyConnection, row: &Row) -> Result<Compared, Error> {
    let Ok(slug) = row.slug.parse::<Slug>() else {
        return Ok(Compared::Wrong("the slug is no address of a book".to_owned()));
    };
    let saved = Saved::find(conn, &slug)?;
    let before = saved.as_ref().map(|saved| saved.fields.typed());
    let mut form = before.clone().unwrap_or_else(|| BookForm { slug: slug.to_string(), ..BookForm::default() });
    if let Err(why) = lay_over(&mut form, &row.cells) {
        return Ok(Compared::Wrong(why));
    }
    let fields = match Fields::parse(&form, saved.as_ref().map(|saved| &saved.fields)) {
        Ok(fields) => fields,
        Err(problems) => {
            let words = problems.into_iter().map(|problem| format!("{}: {}", problem.field, problem.sentence));
            return Ok(Compared::Wrong(words.collect::<Vec<_>>().join(" ")));
        }
    };
    let (was, is) = (before.map(|form| cells(&form)).unwrap_or_default(), cells(&fields.typed()));
    let mut changed = Vec::new();
    for (column, value) in is {
        let old = was.get(&column).cloned().unwrap_or_default();
        if old != value {
            changed.push((column, old, value));
        }
    }
    let change = |new| RowChange { slug: slug.clone(), new, cells: changed.clone() };
    Ok(match saved {
        None => Compared::New(fields, change(true)),
        Some(saved) if saved.fields == fields => Compared::Same,
        Some(saved) => Compared::Changed(Box::new(saved), fields, change(false)),
    })
}

fn lay_over(form: &mut BookForm, cells: &BTreeMap<String, String>) -> Result<(), String> {
    for (column, value) in cells {
        match column.as_str() {
            "title" => form.title.clone_from(value),
            "subtitle" => form.subtitle.clone_from(value),
            "language" => form.language.clone_from(value),
            "isbn" => form.isbn.clone_from(value),
            "publisher" => form.publisher.clone_from(value),
            "published_on" => form.published_on.clone_from(value),
            "description" => form.description.clone_from(value),
            "people" => form.people = people_of(value)?,
            column => {
                let code = column.strip_prefix("price_").unwrap_or(column);
                let price = form.prices.iter_mut().find(|price| price.currency == code);
                match price {
                    Some(price) => price.amount.clone_from(value),
                    None => form.prices.push(PriceField { currency: code.to_owned(), amount: value.clone() }),
                }
            }
        }
    }
    Ok(())
}

/// "Ann Lee (author); Bo Day (translator)".
fn people_of(text: &str) -> Result<Vec<PersonField>, String> {
    let people = text.split(';').map(str::trim).filter(|person| !person.is_empty());
    people
        .map(|person| {
            let (name, role) = match person.strip_suffix(')').and_then(|person| person.rsplit_once('(')) {
                Some((name, role)) if role.trim().parse::<ContributorRole>().is_ok() => (name.trim(), role.trim()),
                Some((_, role)) => {
                    return Err(format!("people: {role} is none of author, editor, translator and illustrator."));
                }
                None => (person, "author"),
            };
            Ok(PersonField { name: name.to_owned(), role: role.to_owned() })
        })
        .collect()
}

/// A form as cells by column.
fn cells(form: &BookForm) -> BTreeMap<String, String> {
    let people: Vec<String> = form.people.iter().map(|person| format!("{} ({})", person.name, person.role)).collect();
    let texts = [
        ("slug", &form.slug),
        ("title", &form.title),
        ("subtitle", &form.subtitle),
        ("language", &form.language),
        ("isbn", &form.isbn),
        ("publisher", &form.publisher),
        ("published_on", &form.published_on),
        ("people", &people.join("; ")),
        ("description", &form.description),
    ]
    .map(|(column, value)| (column.to_owned(), value.clone()));
    let prices = form.prices.iter().map(|price| (format!("price_{}", price.currency), price.amount.clone()));
    texts.into_iter().chain(prices).collect()
}

fn written(books: &[Saved], currencies: &[Currency], first: bool) -> Result<Vec<u8>, csv::Error> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    if first {
        let prices = currencies.iter().map(|currency| format!("price_{currency}"));
        let columns = COLUMNS.into_iter().map(str::to_owned).chain(prices).chain([STATUS.to_owned()]);
        csv.write_record(columns)?;
    }
    for book in books {
        let mut cells = cells(&book.fields.typed());
        let prices = currencies.iter().map(|currency| format!("price_{currency}"));
        let columns = COLUMNS.into_iter().map(str::to_owned).chain(prices);
        let row = columns.map(|column| safe(&cells.remove(&column).unwrap_or_default()));
        csv.write_record(row.chain([book.status.as_str().to_owned()]).collect::<Vec<_>>())?;
    }
    csv.into_inner().map_err(|error| csv::Error::from(std::io::Error::other(error.to_string())))
}

/// Whether a spreadsheet would take what stands behind any apostrophes for a formula.
fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'])
}

fn safe(text: &str) -> String {
    if is_formula(text) { format!("'{text}") } else { text.to_owned() }
}

fn unsafe_again(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_formula(rest) => rest,
        _ => cell,
    }
}

fn parsed(csv: &[u8]) -> Result<Table, TableError> {
    let refused = |why: String| TableError::Refused(why);
    // A byte order mark is how some spreadsheets say UTF-8; a semicolon is what they write where the comma is a decimal point.
    let csv = csv.strip_prefix(b"\xef\xbb\xbf").unwrap_or(csv);
    let text =
        std::str::from_utf8(csv).map_err(|_| refused("The table is not in UTF-8. Save it as “CSV UTF-8”.".into()))?;
    if text.contains('\0') {
        return Err(refused("This is not a table of text.".into()));
    }
    let head = text.lines().next().unwrap_or_default();
    let delimiter = [b',', b';', b'\t'].into_iter().max_by_key(|by| head.bytes().filter(|b| b == by).count());
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter.unwrap_or(b',')).from_reader(text.as_bytes());
    let wrong = |error: csv::Error| refused(format!("The table cannot be read: {error}."));
    let columns: Vec<String> = reader.headers().map_err(wrong)?.iter().map(|name| name.trim().to_owned()).collect();
    if columns.iter().collect::<HashSet<_>>().len() != columns.len() {
        return Err(refused("Two columns of the table have the same name.".into()));
    }
    let read = |column: &str| {
        COLUMNS.contains(&column)
            || column
                .strip_prefix("price_")
                .is_some_and(|code| code.parse::<Currency>().is_ok_and(|currency| currency.code() == code))
    };
    let Some(slug_at) = columns.iter().position(|column| column == "slug") else {
        return Err(refused("The table's first line names the columns, and one of them is “slug”.".into()));
    };
    let ignored = columns.iter().filter(|column| !read(column)).cloned().collect();
    let (mut rows, mut seen) = (Vec::new(), HashSet::new());
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        let line = record.position().map_or(0, csv::Position::line);
        let slug = record.get(slug_at).unwrap_or_default().trim().to_owned();
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if !seen.insert(slug.clone()) {
            return Err(refused(format!("Line {line}: the book “{slug}” is in the table twice.")));
        }
        let cells = columns.iter().zip(record.iter()).filter(|(column, _)| *column != "slug" && read(column));
        let cells = cells
            .map(|(column, cell)| (column.clone(), unsafe_again(cell).trim().to_owned()))
            .filter(|(_, cell)| !cell.is_empty())
            .collect();
        rows.push(Row { line, slug, cells });
        if rows.len() > ROWS {
            return Err(refused(format!("The table has more than {ROWS} rows. Split it.")));
        }
    }
    Ok(Table { rows, ignored, versions: BTreeMap::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{BookStatus, Contributor};

    fn book(title: &str) -> Saved {
        Saved {
            id: 1,
            version: 1,
            status: BookStatus::Draft,
            sort_title: String::new(),
            cover_key: None,
            accent: String::new(),
            fields: Fields {
                title: title.to_owned(),
                subtitle: String::new(),
                slug: "a-book".parse().unwrap(),
                description: "One,\n\"two\"".to_owned(),
                language: "en".to_owned(),
                isbn: None,
                publisher: String::new(),
                published_on: None,
                people: vec![Contributor { name: "Ann (Lee)".to_owned(), role: ContributorRole::Editor }],
                prices: BTreeMap::from([("USD".parse().unwrap(), 799)]),
            },
        }
    }

    #[test]
    fn row_38_no_cell_is_a_formula_and_each_is_read_back_as_it_was() {
        for title in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''+x", "'tis", "plain", "a=b", "＝1"] {
            let usd = "USD".parse().unwrap();
            let text = written(&[book(title)], &[usd], true).unwrap();
            let mut reader = csv::Reader::from_reader(text.as_slice());
            let record = reader.records().next().unwrap().unwrap();
            for cell in &record {
                assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝']), "{cell:?}");
            }
            let table = parsed(&text).unwrap();
            assert_eq!((table.rows[0].slug.as_str(), table.ignored), ("a-book", vec![STATUS.to_owned()]));
            let mut form = BookForm::default();
            lay_over(&mut form, &table.rows[0].cells).unwrap();
            assert_eq!(form.title, title.trim());
            let saved = book(title).fields.typed();
            assert_eq!((form.description, form.people, form.prices), (saved.description, saved.people, saved.prices));
        }
    }

    #[test]
    fn what_is_no_table_of_books_is_refused() {
        let said = |text: &[u8]| parsed(text).unwrap_err().to_string();
        assert!(said(b"title,subtitle\na,b\n").contains("slug"));
        assert!(said(b"slug,title,title\na,b,c\n").contains("same name"));
        assert!(said(b"slug,title\na,b\na,c\n").contains("twice"));
        assert!(said(b"slug,title\na,b,c\n").contains("cannot be read"));
        assert!(said(b"slug\n\xff\n").contains("UTF-8"));
        assert!(said(b"slug\n\0\n").contains("text"));
        let semicolons = parsed("\u{feff}slug;title;mood\r\na;B\u{e4}r;odd\r\n;;\r\n".as_bytes()).unwrap();
        assert_eq!((semicolons.rows.len(), semicolons.ignored), (1, vec!["mood".to_owned()]));
        assert_eq!(semicolons.rows[0].cells["title"], "Bär");
    }
}
