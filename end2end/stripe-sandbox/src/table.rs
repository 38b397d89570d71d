//! Rows in the order they were made, found by id, by the keys their kind names, and by when they are due.
//!
//! Every look-up is a hash or a tree step, never a scan. A table keeps at most so many rows and
//! forgets the oldest. It remembers what changed, for the journal, when told to.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

/// A row of a [`Table`].
pub(crate) trait Record: Serialize + DeserializeOwned {
    /// Stripe's identifier, or the sandbox's own.
    fn id(&self) -> &str;

    /// What it is found by besides its id, as `name=value`.
    fn keys(&self) -> Vec<String> {
        Vec::new()
    }

    /// When something is to happen to it by itself (in the unit of its kind).
    fn due(&self) -> Option<i64> {
        None
    }
}

/// What the journal has not been told yet.
#[derive(Debug, Default)]
struct Changes {
    rows: BTreeSet<u64>,
    gone: Vec<String>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Table<T> {
    rows: BTreeMap<u64, T>,
    places: HashMap<String, u64>,
    found_by: HashMap<String, BTreeSet<u64>>,
    due: BTreeSet<(i64, u64)>,
    next: u64,
    most: usize,
    changes: Option<Changes>,
}

impl<T: Record> Table<T> {
    /// An empty table of at most so many rows.
    pub(crate) fn new(most: usize) -> Self {
        Self {
            rows: BTreeMap::new(),
            places: HashMap::new(),
            found_by: HashMap::new(),
            due: BTreeSet::new(),
            next: 0,
            most: most.max(1),
            changes: None,
        }
    }

    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.rows.get(self.places.get(id)?)
    }

    /// Where a row stands among the others; cursors are made of it.
    pub(crate) fn place(&self, id: &str) -> Option<u64> {
        self.places.get(id).copied()
    }

    /// Changes a row; what it is found by follows. `None` when there is no such row.
    pub(crate) fn update<R>(&mut self, id: &str, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let place = *self.places.get(id)?;
        let mut row = self.rows.remove(&place)?;
        self.unlink(place, &row);
        let result = change(&mut row);
        self.link(place, &row);
        self.rows.insert(place, row);
        self.changed(place);
        Some(result)
    }

    /// Adds a row as the newest; one of the same id is replaced where it stands.
    pub(crate) fn push(&mut self, row: T) {
        if let Some(place) = self.place(row.id()) {
            if let Some(old) = self.rows.remove(&place) {
                self.unlink(place, &old);
            }
            self.link(place, &row);
            self.rows.insert(place, row);
            self.changed(place);
            return;
        }
        let place = self.next;
        self.next += 1;
        self.places.insert(row.id().to_owned(), place);
        self.link(place, &row);
        self.rows.insert(place, row);
        self.changed(place);
        while self.rows.len() > self.most {
            let Some(oldest) = self.rows.values().next().map(|row| row.id().to_owned()) else { break };
            self.remove(&oldest);
        }
    }

    pub(crate) fn remove(&mut self, id: &str) -> Option<T> {
        let place = self.places.remove(id)?;
        let row = self.rows.remove(&place)?;
        self.unlink(place, &row);
        if let Some(changes) = &mut self.changes {
            changes.rows.remove(&place);
            changes.gone.push(id.to_owned());
        }
        Some(row)
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.rows.values()
    }

    /// Newest first, of one key where one is given, from below a place where one is given.
    pub(crate) fn newest<'a>(
        &'a self,
        key: Option<&str>,
        below: Option<u64>,
    ) -> Box<dyn Iterator<Item = (u64, &'a T)> + 'a> {
        let below = below.unwrap_or(u64::MAX);
        match key {
            None => Box::new(self.rows.range(..below).rev().map(|(place, row)| (*place, row))),
            Some(key) => Box::new(
                self.found_by
                    .get(key)
                    .into_iter()
                    .flat_map(move |places| places.range(..below).rev())
                    .filter_map(|place| Some((*place, self.rows.get(place)?))),
            ),
        }
    }

    /// Oldest first, of one key where one is given, from above a place.
    pub(crate) fn oldest_above<'a>(&'a self, key: Option<&str>, above: u64) -> Box<dyn Iterator<Item = &'a T> + 'a> {
        let above = (Bound::Excluded(above), Bound::Unbounded);
        match key {
            None => Box::new(self.rows.range(above).map(|(_, row)| row)),
            Some(key) => Box::new(
                self.found_by
                    .get(key)
                    .into_iter()
                    .flat_map(move |places| places.range(above))
                    .filter_map(|place| self.rows.get(place)),
            ),
        }
    }

    /// The rows of one key, oldest first.
    pub(crate) fn of<'a>(&'a self, key: &str) -> impl Iterator<Item = &'a T> + use<'a, T> {
        self.found_by.get(key).into_iter().flatten().filter_map(|place| self.rows.get(place))
    }

    /// How many rows have a key.
    pub(crate) fn count(&self, key: &str) -> usize {
        self.found_by.get(key).map_or(0, BTreeSet::len)
    }

    /// The ids of the rows due by now, the earliest first.
    pub(crate) fn due_by(&self, now: i64) -> Vec<String> {
        self.due
            .range(..=(now, u64::MAX))
            .filter_map(|(_, place)| self.rows.get(place))
            .map(|row| row.id().to_owned())
            .collect()
    }

    /// When the next row is due.
    pub(crate) fn next_due(&self) -> Option<i64> {
        self.due.first().map(|(at, _)| *at)
    }

    fn link(&mut self, place: u64, row: &T) {
        for key in row.keys() {
            self.found_by.entry(key).or_default().insert(place);
        }
        if let Some(at) = row.due() {
            self.due.insert((at, place));
        }
    }

    fn unlink(&mut self, place: u64, row: &T) {
        for key in row.keys() {
            if let Some(places) = self.found_by.get_mut(&key) {
                places.remove(&place);
                if places.is_empty() {
                    self.found_by.remove(&key);
                }
            }
        }
        if let Some(at) = row.due() {
            self.due.remove(&(at, place));
        }
    }

    // --- for the journal ---

    fn changed(&mut self, place: u64) {
        if let Some(changes) = &mut self.changes {
            changes.rows.insert(place);
        }
    }

    /// Remembers changes from now on.
    pub(crate) fn watch(&mut self) {
        self.changes = Some(Changes::default());
    }

    /// Writes what changed since the last time, a line each.
    pub(crate) fn drain(&mut self, table: &str, out: &mut Vec<u8>) {
        let Some(changes) = &mut self.changes else { return };
        let Changes { rows, gone } = std::mem::take(changes);
        for id in gone {
            line(out, &serde_json::json!({ "table": table, "gone": id }));
        }
        for row in rows.iter().filter_map(|place| self.rows.get(place)) {
            line(out, &Line { table, row });
        }
    }

    /// Writes all rows, a line each.
    pub(crate) fn dump(&self, table: &str, out: &mut Vec<u8>) {
        for row in self.rows.values() {
            line(out, &Line { table, row });
        }
    }

    /// Takes a line back in.
    pub(crate) fn replay(&mut self, row: Option<Value>, gone: Option<&str>) -> serde_json::Result<()> {
        if let Some(row) = row {
            self.push(serde_json::from_value(row)?);
        }
        if let Some(id) = gone {
            self.remove(id);
        }
        Ok(())
    }
}

#[derive(Serialize)]
struct Line<'a, T> {
    table: &'a str,
    row: &'a T,
}

fn line(out: &mut Vec<u8>, line: &impl Serialize) {
    // Plain data with text keys: it always has a JSON form, and a Vec takes every byte.
    if serde_json::to_writer(&mut *out, line).is_ok() {
        out.push(b'\n');
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Serialize, Deserialize)]
    struct Row {
        id: String,
        colour: String,
        at: Option<i64>,
    }

    impl Record for Row {
        fn id(&self) -> &str {
            &self.id
        }
        fn keys(&self) -> Vec<String> {
            vec![format!("colour={}", self.colour)]
        }
        fn due(&self) -> Option<i64> {
            self.at
        }
    }

    fn row(id: &str, colour: &str, at: i64) -> Row {
        Row { id: id.to_owned(), colour: colour.to_owned(), at: Some(at) }
    }

    fn ids<'a>(rows: impl Iterator<Item = &'a Row>) -> String {
        rows.map(|row| row.id.as_str()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn what_a_row_is_found_by_follows_its_changes() {
        let mut table = Table::new(10);
        for (id, colour, at) in [("a", "red", 3), ("b", "blue", 1), ("c", "red", 2)] {
            table.push(row(id, colour, at));
        }
        assert_eq!(ids(table.of("colour=red")), "a c");
        assert_eq!(table.due_by(2), ["b", "c"]);
        table.update("a", |row| {
            row.colour = "blue".to_owned();
            row.at = None;
        });
        assert_eq!((ids(table.of("colour=red")), ids(table.of("colour=blue"))), ("c".into(), "a b".into()));
        assert_eq!((table.count("colour=blue"), table.due_by(9)), (2, vec!["b".to_owned(), "c".to_owned()]));
        table.remove("b");
        assert_eq!((table.next_due(), ids(table.of("colour=blue"))), (Some(2), "a".into()));
        assert_eq!(table.update("b", |_| ()), None);
    }

    #[test]
    fn the_oldest_rows_are_forgotten() {
        let mut table = Table::new(2);
        for id in ["a", "b", "c"] {
            table.push(row(id, "red", 1));
        }
        assert_eq!(ids(table.iter()), "b c");
        assert!(table.get("a").is_none() && table.count("colour=red") == 2);
        assert_eq!(ids(table.newest(None, table.place("c")).map(|(_, row)| row)), "b");
    }

    #[test]
    fn what_was_drained_makes_the_same_table_again() {
        let mut table = Table::new(10);
        table.watch();
        table.push(row("a", "red", 1));
        table.push(row("b", "red", 1));
        let mut lines = Vec::new();
        table.drain("rows", &mut lines);
        table.update("a", |row| row.colour = "blue".to_owned());
        table.remove("b");
        table.drain("rows", &mut lines);
        let mut again: Table<Row> = Table::new(10);
        for line in String::from_utf8(lines).unwrap().lines() {
            let mut line: Value = serde_json::from_str(line).unwrap();
            let gone = line["gone"].as_str().map(str::to_owned);
            let row = line.get_mut("row").map(Value::take);
            again.replay(row, gone.as_deref()).unwrap();
        }
        assert_eq!((ids(again.iter()), ids(again.of("colour=blue"))), ("a".into(), "a".into()));
    }
}
