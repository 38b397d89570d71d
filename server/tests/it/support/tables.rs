//! Every table with every column, as `schema.rs` has them, and what is in them.

use super::{Backend, Store};
use crate::support::sha256;
use std::collections::BTreeMap;

/// A column of `schema.rs`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Column {
    pub name: String,
    /// Diesel's type without `Nullable`.
    pub kind: String,
    pub nullable: bool,
}

/// The tables of `schema.rs` with their columns in order.
pub fn schema() -> BTreeMap<String, Vec<Column>> {
    let mut tables: BTreeMap<String, Vec<Column>> = BTreeMap::new();
    let mut table = None;
    let mut sql_name = None;
    for line in include_str!("../../../shop/src/db/schema.rs").lines().map(str::trim) {
        if let Some((name, kind)) = line.split_once(" -> ") {
            if line.contains("joinable") {
                continue;
            }
            let kind = kind.trim_end_matches(',');
            let inner = kind.strip_prefix("Nullable<").and_then(|kind| kind.strip_suffix('>'));
            let name = sql_name.take().unwrap_or_else(|| name.to_owned());
            let column = Column { name, kind: inner.unwrap_or(kind).to_owned(), nullable: inner.is_some() };
            tables.get_mut(table.as_deref().expect("a table")).unwrap().push(column);
        } else if let Some(name) = line.strip_prefix("#[sql_name = \"") {
            sql_name = name.strip_suffix("\"]").map(str::to_owned);
        } else if let Some((name, _)) = line.split_once(" (").filter(|_| line.ends_with('{')) {
            tables.insert(name.to_owned(), Vec::new());
            table = Some(name.to_owned());
        }
    }
    assert!(
        tables.len() >= 18 && tables.values().all(|columns| !columns.is_empty()),
        "schema.rs was read wrongly: {tables:?}"
    );
    tables
}

impl Store {
    /// A digest of everything in each table: two that are equal mean that nothing changed. When the reconciler's rounds
    /// are due is not part of it: they come by themselves.
    pub async fn fingerprint(&self) -> BTreeMap<String, String> {
        let mut digests = BTreeMap::new();
        for (table, columns) in schema().into_iter().filter(|(table, _)| table != "watermark") {
            let text = |column: &Column| match self.backend {
                Backend::Sqlite => format!("quote(\"{}\")", column.name),
                Backend::Postgres => format!("COALESCE(quote_literal(CAST(\"{}\" AS TEXT)), 'NULL')", column.name),
            };
            let row = columns.iter().map(text).collect::<Vec<_>>().join(" || ',' || ");
            let rows = self.texts(&format!("SELECT {row} AS value FROM {table} ORDER BY 1")).await;
            digests.insert(table, format!("{} rows, {}", rows.len(), sha256(rows.join("\n").as_bytes())));
        }
        digests
    }
}
