//! What the figures of a range are made of: the books that sold best, countries, formats.
//!
//! A range is read as its whole months and the days besides, which are at most 61 rows of each book or country. Which
//! books sold best is found without adding up all of them (Fagin, Lotem, Naor: "Optimal aggregation algorithms for
//! middleware", the threshold algorithm): the heads of the months' and days' lists, each sorted by an index, are read to a
//! depth; a book that is in none of them cannot come to more than the lists' last entries together. If that is less than
//! what the last of the best has, they are the best; else it is read deeper.

use super::Range;
use super::figures::Figures;
use super::summary::{midnight, summed};
use crate::Error;
use crate::db::AnyConnection;
use crate::types::Currency;
use chrono::NaiveDate;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use std::collections::HashMap;

/// A part of the store's figures.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub(super) struct Part {
    #[diesel(sql_type = Text)]
    pub(super) key: String,
    #[diesel(embed)]
    pub(super) figures: Figures,
}

/// Of so many entries at the head of each list; four times as many each time that it was not enough.
const DEPTH: usize = 48;

/// The beginnings of months and days as lists of literals, for SQL: both databases compare a timestamp with these.
fn starts(range: &Range) -> [(&'static str, Vec<String>); 2] {
    let literals = |days: Vec<NaiveDate>| {
        days.into_iter().map(|day| midnight(day).format("'%Y-%m-%d %H:%M:%S'").to_string()).collect()
    };
    let (months, days) = range.months_and_days();
    [("month", literals(months)), ("day", literals(days))]
}

/// The rows of a dimension in a range, as a query's source with all columns.
pub(super) fn rows(dimension: &str, range: &Range, and: &str) -> String {
    let parts: Vec<String> = starts(range)
        .into_iter()
        .filter(|(_, starts)| !starts.is_empty())
        .map(|(grain, starts)| {
            format!(
                "SELECT currency, key, {} FROM tally WHERE dimension = '{dimension}' AND grain = '{grain}' AND start IN ({}){and}",
                Figures::COLUMNS.join(", "),
                starts.join(", ")
            )
        })
        .collect();
    parts.join(" UNION ALL ")
}

/// The parts of a dimension with few of them, those with the most money first. Of all currencies, if none is named: for
/// what is not money.
pub(super) fn all(
    conn: &mut AnyConnection,
    dimension: &str,
    range: &Range,
    currency: Option<Currency>,
) -> Result<Vec<Part>, Error> {
    let and = currency.map(|currency| format!(" AND currency = '{}'", currency.code())).unwrap_or_default();
    let query = format!(
        "SELECT key, {} FROM ({}) AS part GROUP BY key ORDER BY SUM(gross) DESC, SUM(downloads) DESC, key",
        summed(),
        rows(dimension, range, &and)
    );
    Ok(diesel::sql_query(query).load(conn)?)
}

#[derive(QueryableByName)]
struct Entry {
    #[diesel(sql_type = BigInt)]
    list: i64,
    #[diesel(sql_type = Text)]
    key: String,
    #[diesel(sql_type = BigInt)]
    gross: i64,
}

/// The `most` books that brought the most money in a currency.
pub(super) fn best_books(
    conn: &mut AnyConnection,
    range: &Range,
    currency: Currency,
    most: usize,
) -> Result<Vec<Part>, Error> {
    let lists: Vec<(&str, String)> = starts(range)
        .into_iter()
        .flat_map(|(grain, starts)| starts.into_iter().map(move |start| (grain, start)))
        .collect();
    let mut depth = DEPTH;
    loop {
        let entries: Vec<Entry> = diesel::sql_query(heads(conn, &lists, currency, depth)).load(conn)?;
        if let Some(found) = candidates(&entries, lists.len(), depth, most) {
            return exact(conn, range, currency, &found, most);
        }
        depth = depth.saturating_mul(4);
    }
}

/// The query for the first `depth` entries of each list.
fn heads(conn: &AnyConnection, lists: &[(&str, String)], currency: Currency, depth: usize) -> String {
    let currency = currency.code();
    match conn {
        AnyConnection::Sqlite(_) => {
            let head = |(list, (grain, start)): (usize, &(&str, String))| {
                format!(
                    "SELECT * FROM (SELECT {list} AS list, key, gross FROM tally WHERE dimension = 'book' AND grain = '{grain}' \
                     AND start = {start} AND currency = '{currency}' ORDER BY gross DESC LIMIT {depth}) AS head{list}"
                )
            };
            lists.iter().enumerate().map(head).collect::<Vec<_>>().join(" UNION ALL ")
        }
        // Planned once and not list by list, which took longer than reading them. SQLite has no LATERAL.
        AnyConnection::Postgres(_) => {
            let list =
                |(list, (grain, start)): (usize, &(&str, String))| format!("({list}, '{grain}', TIMESTAMP {start})");
            let lists: Vec<String> = lists.iter().enumerate().map(list).collect();
            format!(
                "SELECT CAST(l.list AS BIGINT) AS list, head.key, head.gross FROM (VALUES {}) AS l (list, grain, start) \
                 CROSS JOIN LATERAL (SELECT key, gross FROM tally WHERE dimension = 'book' AND grain = l.grain \
                 AND start = l.start AND currency = '{currency}' ORDER BY gross DESC LIMIT {depth}) AS head ORDER BY list, gross DESC",
                lists.join(", ")
            )
        }
    }
}

/// The books that can be among the `most` best, if the heads of the lists tell.
fn candidates(entries: &[Entry], lists: usize, depth: usize, most: usize) -> Option<Vec<String>> {
    // What a list that was not read to its end may have of a book that is not in its head.
    let (mut bounds, mut lengths) = (vec![0_i64; lists], vec![0_usize; lists]);
    let mut seen: HashMap<&str, (i64, i64)> = HashMap::new();
    let place = |list: i64| usize::try_from(list).unwrap_or_default();
    for Entry { list, gross, .. } in entries {
        lengths[place(*list)] += 1;
        bounds[place(*list)] = *gross;
    }
    for (bound, length) in bounds.iter_mut().zip(lengths) {
        if length < depth {
            *bound = 0;
        }
    }
    let unseen = bounds.iter().fold(0_i64, |sum, bound| sum.saturating_add(*bound));
    for Entry { list, key, gross } in entries {
        let (known, bounded) = seen.entry(key).or_default();
        *known = known.saturating_add(*gross);
        *bounded = bounded.saturating_add(bounds[place(*list)]);
    }
    let mut known: Vec<i64> = seen.values().map(|(known, _)| *known).collect();
    known.sort_unstable_by(|a, b| b.cmp(a));
    let threshold = known.get(most.saturating_sub(1)).copied().unwrap_or(0);
    if unseen > 0 && unseen >= threshold {
        return None;
    }
    let may = |(known, bounded): (i64, i64)| known.saturating_add(unseen).saturating_sub(bounded) >= threshold;
    Some(seen.into_iter().filter(|(_, sums)| may(*sums)).map(|(key, _)| key.to_owned()).collect())
}

/// The figures of these books, those with the most money first.
pub(super) fn exact(
    conn: &mut AnyConnection,
    range: &Range,
    currency: Currency,
    books: &[String],
    most: usize,
) -> Result<Vec<Part>, Error> {
    // Ours: numbers and nothing else.
    let keys: Vec<String> = books.iter().filter_map(|key| Some(format!("'{}'", key.parse::<i64>().ok()?))).collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let and = format!(" AND currency = '{}' AND key IN ({})", currency.code(), keys.join(", "));
    let query = format!("SELECT key, {} FROM ({}) AS part GROUP BY key", summed(), rows("book", range, &and));
    let mut parts: Vec<Part> = diesel::sql_query(query).load(conn)?;
    parts.retain(|part| part.figures.units > 0 || part.figures.refunds > 0);
    parts.sort_by_key(|part| (-part.figures.gross, part.key.parse::<i64>().unwrap_or_default()));
    parts.truncate(most);
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(list: i64, key: &str, gross: i64) -> Entry {
        Entry { list, key: key.to_owned(), gross }
    }

    #[test]
    fn the_heads_of_the_lists_tell_the_best_or_that_they_do_not() {
        // Two lists, read two deep: "c" may have up to 1 in the first.
        let heads = [entry(0, "a", 90), entry(0, "b", 1), entry(1, "a", 50), entry(1, "c", 40)];
        let mut found = candidates(&heads, 2, 2, 1).unwrap();
        found.sort_unstable();
        assert_eq!(found, ["a"]);
        // A book that is in neither may have 41, and the second best has 40.
        assert_eq!(candidates(&heads, 2, 2, 2), None);
        // Read to their ends, they tell everything.
        assert_eq!(candidates(&heads, 2, 9, 2).unwrap().len(), 2);
        assert_eq!(candidates(&[], 0, 2, 1), Some(Vec::new()));
    }
}
