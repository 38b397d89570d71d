//! The figures as CSV (RFC 4180), a piece at a time. Amounts are in minor units: what a program reads must not depend on a
//! language.

use super::board::line;
use super::figures::Figures;
use super::question::Question;
use super::{Range, parts, state};
use crate::db::schema::book;
use crate::desk::cell;
use crate::notation::Notation;
use crate::{Error, Shop};
use diesel::prelude::*;
use std::fmt::Write as _;

/// What is handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sheet {
    /// The line's figures, step by step.
    Line,
    /// Every book of which anything was sold or went back.
    Books,
    /// Countries.
    Countries,
}

impl Sheet {
    /// By the name of its file.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Line, Self::Books, Self::Countries].into_iter().find(|sheet| sheet.name() == name)
    }

    /// The name of its file.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Line => "figures.csv",
            Self::Books => "books.csv",
            Self::Countries => "countries.csv",
        }
    }
}

/// Books of one piece.
const PIECE: i64 = 500;

/// A piece of a sheet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetPiece {
    /// Whole lines; the first piece begins with the names of the columns.
    pub text: String,
    /// After which book the next one begins, if there is one.
    pub next: Option<i64>,
}

impl Shop {
    /// The piece of a sheet that begins after a book; with 0, the first.
    ///
    /// # Errors
    /// The database's.
    pub async fn figures_csv(&self, sheet: Sheet, question: Question, after: i64) -> Result<SheetPiece, Error> {
        if after == 0 {
            self.count_downloads_if_possible().await;
        }
        self.0
            .db
            .read(move |conn| {
                let Question { range, step, currency, .. } = question;
                let mut text = String::new();
                if after == 0 {
                    let names = match sheet {
                        Sheet::Line => "from,until",
                        Sheet::Books => "book,title",
                        Sheet::Countries => "country",
                    };
                    let _ = write!(text, "{names},currency,{},net\r\n", Figures::COLUMNS.join(","));
                }
                let mut next = None;
                match sheet {
                    Sheet::Line => {
                        let (zone, _) = state::read(conn)?;
                        // For programs: in the house's own way whatever the store's is.
                        for point in line(conn, &Notation::default(), zone, &range, step, currency)? {
                            let from = point.hour.unwrap_or_else(|| point.from.to_string());
                            add(&mut text, &[&from, &point.until.to_string(), currency.code()], &point.figures);
                        }
                    }
                    Sheet::Countries => {
                        for part in parts::all(conn, "country", &range, Some(currency))? {
                            add(&mut text, &[&part.key, currency.code()], &part.figures);
                        }
                    }
                    Sheet::Books => next = books(conn, &range, currency, after, &mut text)?,
                }
                Ok(SheetPiece { text, next })
            })
            .await
    }
}

fn books(
    conn: &mut crate::db::AnyConnection,
    range: &Range,
    currency: crate::types::Currency,
    after: i64,
    text: &mut String,
) -> Result<Option<i64>, Error> {
    let books: Vec<(i64, String, String)> = book::table
        .filter(book::id.gt(after))
        .order(book::id)
        .limit(PIECE)
        .select((book::id, book::slug, book::title))
        .load(conn)?;
    let keys: Vec<String> = books.iter().map(|(id, ..)| id.to_string()).collect();
    let found = parts::exact(conn, range, currency, &keys, keys.len())?;
    for (id, slug, title) in &books {
        if let Some(part) = found.iter().find(|part| part.key == id.to_string()) {
            add(text, &[slug, title, currency.code()], &part.figures);
        }
    }
    let full = books.len() == usize::try_from(PIECE).unwrap_or(usize::MAX);
    Ok(books.last().map(|(id, ..)| *id).filter(|_| full))
}

fn add(text: &mut String, names: &[&str], figures: &Figures) {
    for name in names {
        text.push_str(&cell(name));
        text.push(',');
    }
    for value in figures.values() {
        let _ = write!(text, "{value},");
    }
    let _ = write!(text, "{}\r\n", figures.net());
}
