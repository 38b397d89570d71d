//! The catalogue as a table: written as CSV for a spreadsheet, read back with what was changed there.
//!
//! - A row is a book, named by its slug. What the table does not say stays as it is: a book without a row, a column that
//!   is not there, an empty cell.
//! - Reading one changes nothing. It is kept, and shown with the differences; applying it changes all of them or none, and
//!   only over the versions of the books that the differences were shown against. What takes long (reading, parsing,
//!   comparing) is done before the transaction, which only looks at versions and writes: SQLite's one writer has others to
//!   serve.
//! - A cell never begins like a formula (OWASP, "CSV Injection"): such text has an apostrophe before it, which is taken
//!   away again when it is read.

mod applying;
mod text;

use self::text::{cells, lay_over, parsed, written};
use super::Fields;
use super::reading::{Saved, Which};
use crate::db::AnyConnection;
use crate::types::{BookForm, Currency, Slug};
use crate::{Error, Shop};
use bytes::Bytes;
use diesel::prelude::*;
use futures::stream::{self, Stream};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// Rows of a table that is read.
const ROWS: usize = 20_000;
/// Of these so many may say something new: they are written in one transaction, for which others wait.
const CHANGES: usize = 2_000;
/// Books that are read at a time.
const BATCH: u16 = 500;

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
                let books = shop.0.db.read(move |conn| Saved::load(conn, &Which::Behind(behind, BATCH.into()))).await?;
                let next = books.last().map_or(i64::MAX, |book| book.id);
                let text = written(&books, &currencies, first).map_err(|error| Error::internal(error.to_string()))?;
                Ok(Some((Bytes::from(text), Some((next, currencies)))))
            }
        })
    }

    /// The store's currency, and those that any book has a price in.
    async fn currencies(&self, own: Currency) -> Result<Vec<Currency>, Error> {
        use crate::db::schema::book_price;
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
                compare(conn, &rows, |row, compared| {
                    let version = match compared {
                        Compared::Changed(saved, ..) => saved.version,
                        Compared::New(..) => 0,
                        Compared::Same | Compared::Wrong(_) => return,
                    };
                    versions.insert(row.slug.clone(), version);
                })?;
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
}

fn preview(conn: &mut AnyConnection, table: &Table) -> Result<Preview, Error> {
    let mut preview = Preview { ignored: table.ignored.clone(), ..Preview::default() };
    compare(conn, &table.rows, |row, compared| {
        let known = table.versions.get(&row.slug).copied();
        let (version, change) = match compared {
            Compared::Same => {
                preview.same += 1;
                // It was not: somebody has done what the table says, perhaps this very table.
                return;
            }
            Compared::Wrong(why) => {
                preview.problems.push((row.line, why));
                return;
            }
            Compared::New(_, change) => (0, change),
            Compared::Changed(saved, _, change) => (saved.version, change),
        };
        preview.outdated |= known != Some(version);
        preview.changes.push(change);
    })?;
    if preview.changes.len() > CHANGES {
        let why = format!("{} books would change; a table may change {CHANGES} at a time.", preview.changes.len());
        preview.problems.push((1, why));
    }
    Ok(preview)
}

/// Lays all rows over what is saved, in their order, and tells what comes of each.
fn compare(conn: &mut AnyConnection, rows: &[Row], mut tell: impl FnMut(&Row, Compared)) -> Result<(), Error> {
    for some in rows.chunks(BATCH.into()) {
        let slugs: Vec<&str> = some.iter().map(|row| row.slug.as_str()).collect();
        let books = Saved::load(conn, &Which::Slugs(&slugs))?;
        let mut books: HashMap<String, Saved> =
            books.into_iter().map(|book| (book.fields.slug.to_string(), book)).collect();
        for row in some {
            tell(row, compared(row, books.remove(&row.slug)));
        }
    }
    Ok(())
}

/// Lays a row over what is saved.
fn compared(row: &Row, saved: Option<Saved>) -> Compared {
    let Ok(slug) = row.slug.parse::<Slug>() else {
        return Compared::Wrong("the slug is no address of a book".to_owned());
    };
    let before = saved.as_ref().map(|saved| saved.fields.typed());
    let mut form = before.clone().unwrap_or_else(|| BookForm { slug: slug.to_string(), ..BookForm::default() });
    if let Err(why) = lay_over(&mut form, &row.cells) {
        return Compared::Wrong(why);
    }
    let fields = match Fields::parse(&form, saved.as_ref().map(|saved| &saved.fields)) {
        Ok(fields) => fields,
        Err(problems) => {
            let words = problems.into_iter().map(|problem| format!("{}: {}", problem.field, problem.sentence));
            return Compared::Wrong(words.collect::<Vec<_>>().join(" "));
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
    match saved {
        None => Compared::New(fields, change(true)),
        Some(saved) if saved.fields == fields => Compared::Same,
        Some(saved) => Compared::Changed(Box::new(saved), fields, change(false)),
    }
}
