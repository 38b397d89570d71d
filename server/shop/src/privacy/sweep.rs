//! Looking for a text in every text column of every table, as the database itself lists them: a table that somebody adds
//! later is searched too.

use crate::Error;
use crate::db::AnyConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};

/// A column that holds text.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub(super) struct Column {
    /// The table.
    #[diesel(sql_type = Text)]
    pub(super) table_name: String,
    /// The column.
    #[diesel(sql_type = Text)]
    pub(super) column_name: String,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    value: i64,
}

#[derive(QueryableByName)]
struct Value {
    #[diesel(sql_type = Text)]
    value: String,
}

/// The one column in which an erased buyer's address may stand.
pub(super) const INVOICES: (&str, &str) = ("invoice", "buyer_snapshot");

/// Where the addresses of those who work at the store, and of the store itself, stand. They are not buyers': somebody who is
/// both is forgotten as a buyer only.
const STAFF: [(&str, &str); 4] =
    [("users", "email"), ("users", "email_norm"), ("invoice_settings", "seller"), ("invoice", "seller_snapshot")];

/// Every text column of every table.
pub(super) fn columns(conn: &mut AnyConnection) -> Result<Vec<Column>, Error> {
    let sql = match conn {
        AnyConnection::Sqlite(_) => {
            "SELECT m.name AS table_name, p.name AS column_name FROM sqlite_master m JOIN pragma_table_info(m.name) p \
             WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite@_%' ESCAPE '@' AND (p.type LIKE '%TEXT%' OR p.type LIKE '%CHAR%') \
             ORDER BY 1, p.cid"
        }
        AnyConnection::Postgres(_) => {
            "SELECT CAST(table_name AS TEXT) AS table_name, CAST(column_name AS TEXT) AS column_name \
             FROM information_schema.columns WHERE table_schema = current_schema() \
             AND data_type IN ('text', 'character varying', 'character', 'json', 'jsonb') ORDER BY 1, ordinal_position"
        }
    };
    Ok(diesel::sql_query(sql).load(conn)?)
}

/// Whether the database has this table.
pub(super) fn has_table(columns: &[Column], table: &str) -> bool {
    columns.iter().any(|column| column.table_name == table)
}

/// The columns in which one of the addresses stands, in whatever case, as "table.column".
pub(super) fn hits(conn: &mut AnyConnection, columns: &[Column], addresses: &[String]) -> Result<Vec<String>, Error> {
    let mut hits = Vec::new();
    for Column { table_name, column_name } in columns {
        let column = (table_name.as_str(), column_name.as_str());
        if column == INVOICES || STAFF.contains(&column) {
            continue;
        }
        for address in addresses {
            if !values(conn, table_name, column_name, address)?.is_empty() {
                hits.push(format!("{table_name}.{column_name}"));
                break;
            }
        }
    }
    Ok(hits)
}

/// Runs a statement on the rows in whose `column` the address stands; returns how many there were.
pub(super) fn execute(
    conn: &mut AnyConnection,
    statement: &str,
    table: &str,
    column: &str,
    address: &str,
) -> Result<usize, Error> {
    let sql = format!("{statement} WHERE CAST(\"{column}\" AS TEXT) = {}", parameter(conn, 1));
    let mut rows = 0;
    for value in values(conn, table, column, address)? {
        rows += diesel::sql_query(&sql).bind::<Text, _>(value).execute(conn)?;
    }
    Ok(rows)
}

/// The ids of the rows in whose `column` the address stands.
pub(super) fn rows(conn: &mut AnyConnection, table: &str, column: &str, address: &str) -> Result<Vec<i64>, Error> {
    let sql = format!(
        "SELECT id AS value FROM \"{table}\" WHERE CAST(\"{column}\" AS TEXT) = {} ORDER BY id",
        parameter(conn, 1)
    );
    let mut ids = Vec::new();
    for value in values(conn, table, column, address)? {
        let found: Vec<Number> = diesel::sql_query(&sql).bind::<Text, _>(value).load(conn)?;
        ids.extend(found.into_iter().map(|row| row.value));
    }
    Ok(ids)
}

/// In how many rows of a table the address stands in `column`.
pub(super) fn count(conn: &mut AnyConnection, table: &str, column: &str, address: &str) -> Result<i64, Error> {
    let sql =
        format!("SELECT COUNT(*) AS value FROM \"{table}\" WHERE CAST(\"{column}\" AS TEXT) = {}", parameter(conn, 1));
    let mut count = 0;
    for value in values(conn, table, column, address)? {
        count += diesel::sql_query(&sql).bind::<Text, _>(value).get_result::<Number>(conn)?.value;
    }
    Ok(count)
}

/// The different texts of a column in which the address stands, as an address of its own and not as the end or the
/// beginning of another one.
pub(super) fn values(conn: &mut AnyConnection, table: &str, column: &str, address: &str) -> Result<Vec<String>, Error> {
    let text = format!("CAST(\"{column}\" AS TEXT)");
    let position = if matches!(conn, AnyConnection::Sqlite(_)) { "instr" } else { "strpos" };
    let (lower, typed) = (parameter(conn, 1), parameter(conn, 2));
    let sql = format!(
        "SELECT DISTINCT {text} AS value FROM \"{table}\" \
         WHERE {position}(lower({text}), {lower}) > 0 OR {position}({text}, {typed}) > 0"
    );
    let query = diesel::sql_query(sql).bind::<Text, _>(address.to_lowercase()).bind::<Text, _>(address);
    let values: Vec<Value> = query.load(conn)?;
    Ok(values.into_iter().map(|row| row.value).filter(|text| names(text, address)).collect())
}

fn parameter(conn: &AnyConnection, number: u8) -> String {
    match conn {
        AnyConnection::Sqlite(_) => "?".into(),
        AnyConnection::Postgres(_) => format!("${number}"),
    }
}

/// Whether the address stands in the text with nothing before or behind it that would make it another one.
fn names(text: &str, address: &str) -> bool {
    let (text, address) = (text.to_lowercase(), address.to_lowercase());
    let part = |c: char| c.is_alphanumeric() || c == '-' || c == '_' || c == '+';
    text.match_indices(&address).any(|(at, _)| {
        let (before, behind) = (&text[..at], &text[at + address.len()..]);
        // A line break as JSON writes it is no letter of the address.
        let escaped = ["\\n", "\\r", "\\t"].iter().any(|end| before.ends_with(end));
        let begins = escaped || !before.ends_with(|c: char| part(c) || c == '.');
        let mut next = behind.chars();
        let ends = match next.next() {
            Some('.') => !next.next().is_some_and(char::is_alphanumeric),
            Some(c) => !part(c),
            None => true,
        };
        begins && ends
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_not_a_part_of_another_one() {
        for text in [
            "ann@example.org",
            "Ann@Example.ORG",
            "{\"email\":\"ann@example.org\"}",
            "550 <ann@example.org>: unknown",
            "mail to ann@example.org.",
            "joann@example.org, ann@example.org",
            "one\\nann@example.org\\ntwo",
        ] {
            assert!(names(text, "ann@example.org"), "{text}");
        }
        for text in [
            "joann@example.org",
            "a.ann@example.org",
            "jo-ann@example.org",
            "x+ann@example.org",
            "ann@example.org.uk",
            "ann@example.organic",
            "",
        ] {
            assert!(!names(text, "ann@example.org"), "{text}");
        }
    }
}
