//! Migrations and the one schema of two databases.

use crate::support::{Backend, TestDatabase, on_both_databases, schema};
use shop::db::{DatabaseUrl, Db, OpenError};
use std::collections::BTreeSet;

async fn open(url: &DatabaseUrl) -> Result<Db, OpenError> {
    let url = url.clone();
    tokio::task::spawn_blocking(move || Db::open(&url)).await.unwrap()
}

async fn versions(db: &Db) -> Vec<String> {
    db.read(shop::db::applied_versions).await.unwrap()
}

async fn opened_by_many(backend: Backend) {
    let folder = tempfile::tempdir().unwrap();
    let database = TestDatabase::create(backend, folder.path()).await;
    let all = futures::future::join_all((0..6).map(|_| open(&database.url))).await;
    let mut seen = BTreeSet::new();
    for db in all {
        seen.insert(versions(&db.expect("each of them opens it")).await);
    }
    assert!(seen.len() == 1 && !seen.first().unwrap().is_empty(), "{seen:?}");
    assert_eq!(versions(&open(&database.url).await.expect("once more")).await, *seen.first().unwrap());
    database.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_processes_may_migrate_at_once_on_sqlite() {
    opened_by_many(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_processes_may_migrate_at_once_on_postgres() {
    opened_by_many(Backend::Postgres).await;
}

on_both_databases!(a_schema_of_a_later_version_is_refused, async |store| {
    let url = store.database_url();
    open(url).await.expect("it opens twice");
    store.execute("INSERT INTO __diesel_schema_migrations (version) VALUES ('99991231000000')").await;
    let error = open(url).await.expect_err("a newer schema was accepted").to_string();
    assert!(error.contains("newer schema") && error.contains("99991231000000"), "{error}");
    store.execute("DELETE FROM __diesel_schema_migrations WHERE version = '99991231000000'").await;
    open(url).await.expect("it opens again");
});

on_both_databases!(schema_rs_has_what_the_database_has, async |store| {
    let tables = schema();
    for (table, columns) in &tables {
        let names: Vec<_> = columns.iter().map(|column| format!("\"{}\"", column.name)).collect();
        let sql = format!("SELECT '' AS value FROM (SELECT {} FROM {table} LIMIT 0) AS rows", names.join(", "));
        assert_eq!(store.texts(&sql).await, Vec::<String>::new());
    }
    // And nothing more, with the same types and the same columns that may be empty.
    let query = match store.backend {
        Backend::Sqlite => {
            "SELECT t.name || '.' || c.name || ' ' || lower(c.type) || CASE WHEN c.\"notnull\" THEN '' ELSE ' null' END AS value \
             FROM sqlite_master t JOIN pragma_table_info(t.name) c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'"
        }
        Backend::Postgres => {
            "SELECT table_name || '.' || column_name || ' ' || data_type || CASE is_nullable WHEN 'YES' THEN ' null' ELSE '' END AS value \
             FROM information_schema.columns WHERE table_schema = 'public'"
        }
    };
    let found: BTreeSet<String> = store
        .texts(query)
        .await
        .into_iter()
        // The index of words is each database's own, and never read through schema.rs.
        .filter(|column| !column.starts_with("__diesel") && !column.starts_with("book_search"))
        .map(|column| in_diesels_words(&column))
        .collect();
    let written: BTreeSet<String> = tables
        .iter()
        .flat_map(|(table, columns)| {
            columns.iter().map(move |column| {
                format!("{table}.{} {}{}", column.name, column.kind, if column.nullable { " null" } else { "" })
            })
        })
        .collect();
    assert_eq!(found, written);
});

/// "book.id integer" → "book.id `BigInt`".
fn in_diesels_words(column: &str) -> String {
    let (name, rest) = column.split_once(' ').unwrap();
    let (kind, null) = rest.strip_suffix(" null").map_or((rest, ""), |kind| (kind, " null"));
    let kind = match kind {
        "bigint" => "BigInt",
        // SQLite's own row number is written INTEGER and has 64 bits.
        "integer" if name.ends_with(".id") => "BigInt",
        "integer" => "Integer",
        "text" => "Text",
        "date" => "Date",
        "boolean" => "Bool",
        "timestamp" | "timestamp without time zone" => "Timestamp",
        other => other,
    };
    format!("{name} {kind}{null}")
}
