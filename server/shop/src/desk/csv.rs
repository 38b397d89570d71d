//! The list of orders as CSV (RFC 4180), a piece at a time. No cell is a formula to a spreadsheet, whoever typed it.

use super::orders::{OrderQuery, OrderRow, Turn, page};
use crate::audit::{self, Actor};
use crate::notation::own_moment;
use crate::{Error, Shop};
use serde_json::json;

/// Orders of one piece.
const PIECE: usize = 500;
/// What stands above the columns. Amounts are in minor units: what a program reads must not depend on a language.
const HEAD: &str = "number,placed,status,email,titles,total,currency\r\n";

/// A piece of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsvPiece {
    /// Whole lines; the first piece begins with the names of the columns.
    pub text: String,
    /// Where the next one begins, if there is one.
    pub next: Option<Turn>,
}

impl Shop {
    /// Writes into the audit that the list was taken out: once, before its first piece.
    ///
    /// # Errors
    /// The database's.
    pub async fn note_orders_export(&self, actor: &Actor) -> Result<(), Error> {
        let actor = *actor;
        let after = || Some(json!({ "as": "csv" }));
        self.0
            .db
            .write(move |conn| audit::record(conn, &actor, "orders.exported", "orders".to_owned(), None, after()))
            .await
    }

    /// The piece of the list that begins at the query's page: forwards, whatever page that is.
    ///
    /// # Errors
    /// The database's.
    pub async fn orders_csv(&self, query: OrderQuery) -> Result<CsvPiece, Error> {
        self.0
            .db
            .read(move |conn| {
                let first = query.turn == Turn::First;
                let found = page(conn, &query, PIECE)?;
                let mut text = if first { HEAD.to_owned() } else { String::new() };
                for row in &found.rows {
                    line(&mut text, row);
                }
                let next = found.rows.last().filter(|_| found.after).map(|row| Turn::After(row.number.clone()));
                Ok(CsvPiece { text, next })
            })
            .await
    }
}

fn line(text: &mut String, row: &OrderRow) {
    let OrderRow { number, email, placed_at, titles, total, standing, .. } = row;
    let cells = [
        number.to_string(),
        own_moment(*placed_at),
        standing.text(|amount| amount.to_string()),
        email.clone(),
        titles.join("; "),
        total.minor().to_string(),
        total.currency().code().to_owned(),
    ];
    for (place, value) in cells.iter().enumerate() {
        if place > 0 {
            text.push(',');
        }
        text.push_str(&cell(value));
    }
    text.push_str("\r\n");
}

/// A cell that is what it says: quoted where it must be, and with an apostrophe in front of what a spreadsheet would work
/// out (OWASP, CSV injection).
pub(crate) fn cell(value: &str) -> String {
    let formula =
        value.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}']);
    let value = if formula { format!("'{value}") } else { value.to_owned() };
    if value.contains([',', '"', '\r', '\n', ';']) || formula {
        format!("\"{}\"", value.replace('"', "\"\""))
    } else {
        value
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_38_no_cell_of_the_orders_is_a_formula_and_each_is_one_cell() {
        for (value, written) in [
            ("ABCDE-FGHJK", "ABCDE-FGHJK"),
            ("a, b", "\"a, b\""),
            ("say \"hm\"", "\"say \"\"hm\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            ("=1+1", "\"'=1+1\""),
            ("+4", "\"'+4\""),
            ("-4", "\"'-4\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("＝1+1", "\"'＝1+1\""),
            ("=cmd|' /C calc'!A0", "\"'=cmd|' /C calc'!A0\""),
        ] {
            assert_eq!(cell(value), written);
        }
    }
}
