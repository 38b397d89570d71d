//! Everything that the overview shows.

use super::figures::Figures;
use super::question::{Question, Step};
use super::summary::{Summary, currency, midnight, summary};
use super::{Range, Zone, parts};
use crate::db::AnyConnection;
use crate::db::schema::book;
use crate::notation::Notation;
use crate::types::Currency;
use crate::{Error, Shop};
use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use diesel::sql_types::{Text, Timestamp};
use std::collections::{BTreeMap, HashMap};

/// Books that are shown.
const BOOKS: usize = 10;

/// What the overview shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Board {
    /// What was asked.
    pub question: Question,
    /// All currencies' figures.
    pub summary: Summary,
    /// The currency's.
    pub now: Figures,
    /// In the days before.
    pub before: Figures,
    /// Step by step …
    pub line: Vec<Point>,
    /// … and in the days before; not always as many.
    pub line_before: Vec<Point>,
    /// The books that brought the most, best first.
    pub books: Vec<BookFigures>,
    /// Countries, those that brought the most first; nothing where it is not known.
    pub countries: Vec<(String, Figures)>,
    /// How often each format was fetched, whatever the currency.
    pub formats: Vec<(String, i64)>,
}

/// A step of the line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Point {
    /// In short: "26 Nov", "14:00"; of two hours of one name the second is "02:00 (+01:00)".
    pub short: String,
    /// For reading: "Thursday, 26 November 2026".
    pub long: String,
    /// Its first day.
    pub from: NaiveDate,
    /// Its last.
    pub until: NaiveDate,
    /// Of an hour, its beginning, for programs ([`Zone::stamp`]).
    pub hour: Option<String>,
    /// What happened.
    pub figures: Figures,
}

/// A book's figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BookFigures {
    /// Its title.
    pub title: String,
    /// Its slug.
    pub slug: String,
    /// Its figures.
    pub figures: Figures,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Timestamp)]
    start: NaiveDateTime,
    #[diesel(embed)]
    figures: Figures,
}

#[derive(QueryableByName)]
struct Code {
    #[diesel(sql_type = Text)]
    currency: String,
}

impl Shop {
    /// The overview's figures for whatever holds the parameters by their names ([`Question::read`]).
    ///
    /// # Errors
    /// The database's.
    pub async fn board(&self, value: impl Fn(&str) -> Option<String>) -> Result<Board, Error> {
        self.count_downloads_if_possible().await;
        let own = self.currency();
        let question = Question::read(value, self.today().await?, own);
        let notation = self.notation().clone();
        let Question { range, step, currency, .. } = question;
        let db = &self.0.db;
        // Beside each other: on PostgreSQL each has a core of its own, if there is one. None of them sees what comes while they
        // run as one moment, and neither would statement after statement on one connection.
        let ((summary, line, line_before), books, (countries, formats)) = futures::try_join!(
            db.read(move |conn| {
                let summary = summary(conn, &range, own)?;
                let now = line(conn, &notation, summary.zone, &range, step, currency)?;
                let before = line(conn, &notation, summary.zone, &summary.before, step, currency)?;
                Ok((summary, now, before))
            }),
            db.read(move |conn| {
                let best = parts::best_books(conn, &range, currency, BOOKS)?;
                named(conn, best)
            }),
            db.read(move |conn| {
                let countries = parts::all(conn, "country", &range, Some(currency))?;
                Ok((countries, parts::all(conn, "format", &range, None)?))
            }),
        )?;
        let of = summary.currencies.iter().find(|row| row.currency == currency);
        let (now, before) = of.map_or_else(Default::default, |row| (row.now, row.before));
        Ok(Board {
            question,
            summary,
            now,
            before,
            line,
            line_before,
            books,
            countries: countries.into_iter().map(|part| (part.key, part.figures)).collect(),
            formats: formats.into_iter().map(|part| (part.key, part.figures.downloads)).collect(),
        })
    }

    /// In which currencies anything was ever sold; the store's own is always among them.
    ///
    /// # Errors
    /// The database's.
    pub async fn currencies_sold(&self) -> Result<Vec<Currency>, Error> {
        let own = self.currency();
        let codes: Vec<Code> = self
            .0
            .db
            .read(|conn| {
                let query = "SELECT DISTINCT currency FROM tally WHERE dimension = 'all' AND grain = 'month'";
                Ok(diesel::sql_query(query).load(conn)?)
            })
            .await?;
        let mut all = codes.iter().map(|code| currency(&code.currency)).collect::<Result<Vec<_>, _>>()?;
        all.retain(|one| *one != own);
        all.insert(0, own);
        Ok(all)
    }
}

fn named(conn: &mut AnyConnection, parts: Vec<parts::Part>) -> Result<Vec<BookFigures>, Error> {
    let ids: Vec<i64> = parts.iter().filter_map(|part| part.key.parse().ok()).collect();
    let names: Vec<(i64, String, String)> =
        book::table.filter(book::id.eq_any(ids)).select((book::id, book::title, book::slug)).load(conn)?;
    let mut names: HashMap<String, (String, String)> =
        names.into_iter().map(|(id, title, slug)| (id.to_string(), (title, slug))).collect();
    Ok(parts
        .into_iter()
        .filter_map(|part| {
            let (title, slug) = names.remove(&part.key)?;
            Some(BookFigures { title, slug, figures: part.figures })
        })
        .collect())
}

/// The figures of each step of a range, also of those in which nothing happened.
pub(super) fn line(
    conn: &mut AnyConnection,
    notation: &Notation,
    zone: Zone,
    range: &Range,
    step: Step,
    currency: Currency,
) -> Result<Vec<Point>, Error> {
    if step == Step::Hour {
        return hours(conn, notation, zone, range, currency);
    }
    let rows = rows(conn, "day", midnight(range.from), midnight(range.until), currency)?;
    let mut steps: BTreeMap<NaiveDate, (NaiveDate, NaiveDate, Figures)> = BTreeMap::new();
    for day in range.from.iter_days().take_while(|day| *day <= range.until) {
        steps.entry(step.start(day)).or_insert((day, day, Figures::default())).1 = day;
    }
    for row in rows {
        if let Some((.., figures)) = steps.get_mut(&step.start(row.start.date())) {
            *figures = figures.plus(&row.figures);
        }
    }
    Ok(steps
        .into_values()
        .map(|(from, until, figures)| {
            let (short, long) = names(notation, step, from, until);
            Point { short, long, from, until, hour: None, figures }
        })
        .collect())
}

/// A step's names, which say what part of a week or month it is.
fn names(notation: &Notation, step: Step, from: NaiveDate, until: NaiveDate) -> (String, String) {
    let days = || format!("{} to {}", notation.step_day(from), notation.day(until));
    match step {
        Step::Hour | Step::Day => (notation.step_day(from), notation.weekday(from)),
        Step::Week => (notation.step_day(from), days()),
        Step::Month if super::month_of(from) == from && super::next_month(from).pred_opt() == Some(until) => {
            (notation.month(from), notation.whole_month(from))
        }
        Step::Month => (notation.month(from), days()),
    }
}

/// Hours as they pass: a day has 23 to 25 of them.
fn hours(
    conn: &mut AnyConnection,
    notation: &Notation,
    zone: Zone,
    range: &Range,
    currency: Currency,
) -> Result<Vec<Point>, Error> {
    let hour = TimeDelta::hours(1);
    let first = zone.start_of(range.from);
    let end = range.until.succ_opt().map_or(first, |day| zone.start_of(day));
    let rows = rows(conn, "quarter", first, end - TimeDelta::minutes(15), currency)?;
    let mut points: Vec<Point> = std::iter::successors(Some(first), |at| Some(*at + hour))
        .take_while(|at| *at < end)
        .map(|at| {
            let (local, day) = (zone.local(at), zone.day_of(at));
            let mut short = local.format("%H:%M").to_string();
            // Where the clocks go back an hour comes twice: the second says which it is.
            if zone.local(at - hour) == local {
                short = format!("{short} ({})", zone.offset(at));
            }
            let long = format!("{}, {short}", notation.weekday(local.date()));
            Point { short, long, from: day, until: day, hour: Some(zone.stamp(at)), figures: Figures::default() }
        })
        .collect();
    for row in rows {
        let passed = usize::try_from((row.start - first).num_hours()).unwrap_or(usize::MAX);
        if let Some(point) = points.get_mut(passed) {
            point.figures = point.figures.plus(&row.figures);
        }
    }
    Ok(points)
}

fn rows(
    conn: &mut AnyConnection,
    grain: &str,
    from: NaiveDateTime,
    until: NaiveDateTime,
    currency: Currency,
) -> Result<Vec<Row>, Error> {
    Ok(diesel::sql_query(format!(
        "SELECT start, {} FROM tally WHERE dimension = 'all' AND grain = '{grain}' AND start >= $1 AND start <= $2 \
         AND currency = $3",
        Figures::COLUMNS.join(", ")
    ))
    .bind::<Timestamp, _>(from)
    .bind::<Timestamp, _>(until)
    .bind::<Text, _>(currency.code())
    .load(conn)?)
}
