//! The rows, and how a great many of them are written at once.

use crate::Error;
use crate::db::schema::{
    book, book_file, book_price, checkout, contributor, download_claim, download_log, download_quota, download_token,
    edition, entitlement, invoice, order_item, order_tax, orders, outbox, visits,
};
use crate::db::{AnyConnection, both};
use chrono::{NaiveDate, NaiveDateTime};
use diesel::prelude::*;
use diesel::sql_types::BigInt;
use std::collections::BTreeMap;

/// A struct per table. Every column is written always (`treat_none_as_default_value`), so that SQLite prepares each
/// statement once.
macro_rules! row {
    ($name:ident, $table:ident, { $($field:ident: $kind:ty),* $(,)? }) => {
        #[derive(Clone, Debug, Insertable)]
        #[diesel(table_name = $table, treat_none_as_default_value = false)]
        pub(super) struct $name {
            $(pub(super) $field: $kind,)*
        }
    };
}

row!(Book, book, {
    id: i64, slug: String, title: String, sort_title: String, subtitle: &'static str, description_md: String,
    language: &'static str, isbn: Option<String>, publisher: &'static str, published_on: Option<NaiveDate>,
    tax_code: &'static str, status: &'static str, accent: &'static str, version: i64, created_at: NaiveDateTime,
    updated_at: NaiveDateTime,
});
row!(Price, book_price, { book_id: i64, currency: &'static str, unit_amount: i64 });
row!(Contributor, contributor, { book_id: i64, position: i32, name: String, role: &'static str });
row!(Edition, edition, {
    id: i64, book_id: i64, label: &'static str, changelog: &'static str, created_at: NaiveDateTime,
});
row!(File, book_file, {
    id: i64, edition_id: i64, format: &'static str, storage_key: String, sha256: String, bytes: i64, filename: String,
});
row!(Checkout, checkout, {
    id: i64, idem_key: String, cart_snapshot: String, snapshot_hash: String, subtotal: i64, currency: &'static str,
    stripe_session: Option<String>, browser_hash: String, state: &'static str, last_error: Option<&'static str>,
    created_at: NaiveDateTime, expires_at: NaiveDateTime, updated_at: NaiveDateTime,
});
row!(Order, orders, {
    id: i64, number: String, email: String, email_norm: String, name: Option<String>, checkout_id: i64,
    stripe_session: Option<String>, stripe_payment_intent: Option<String>, amount_subtotal: i64, amount_discount: i64,
    amount_tax: i64, amount_total: i64, currency: &'static str, country: Option<&'static str>, status: &'static str,
    created_at: NaiveDateTime, paid_at: Option<NaiveDateTime>, tax_country: Option<&'static str>,
});
row!(Item, order_item, {
    id: i64, order_id: i64, book_id: i64, position: i32, title_snapshot: String, unit_amount: i64, discount: i64,
    tax: i64, total: i64,
});
row!(Tax, order_tax, {
    order_item_id: i64, position: i32, country: &'static str, region: &'static str, name: &'static str, rate_ppm: i64,
    taxable: i64, amount: i64, inclusive: bool, treatment: &'static str, source: &'static str,
});
row!(Entitlement, entitlement, {
    id: i64, order_item_id: i64, book_id: i64, email_norm: String, state: &'static str, granted_at: NaiveDateTime,
    changed_at: NaiveDateTime,
});
row!(Token, download_token, {
    id: i64, entitlement_id: i64, hash: String, generation: i32, created_at: NaiveDateTime, expires_at: NaiveDateTime,
    max_uses: i32, used_count: i32, revoked_at: Option<NaiveDateTime>,
});
row!(Claim, download_claim, {
    id: i64, token_id: i64, hash: String, browser_hash: String, created_at: NaiveDateTime, expires_at: NaiveDateTime,
    format: Option<&'static str>,
});
row!(Quota, download_quota, { claim_id: i64, book_file_id: i64, bytes: i64 });
row!(Log, download_log, {
    id: i64, token_id: i64, claim_id: Option<i64>, book_file_id: Option<i64>, at: NaiveDateTime, ip_prefix: String,
    user_agent: &'static str, status: i32, bytes: i64, reason: &'static str,
});
row!(Invoice, invoice, {
    id: i64, kind: &'static str, series: &'static str, year: i32, seq: i64, number: String, order_id: i64,
    currency: &'static str, issued_at: NaiveDateTime, buyer_snapshot: String, lines_snapshot: String,
    amount_total: i64, amount_tax: i64,
});
row!(Mail, outbox, {
    id: i64, kind: &'static str, recipient: String, order_id: i64, payload: String, dedupe_key: String,
    message_id: String, state: &'static str, attempts: i32, created_at: NaiveDateTime, next_at: NaiveDateTime,
    sent_at: NaiveDateTime, error: Option<&'static str>,
});

row!(Visit, visits, { day: NaiveDate, step: &'static str, count: i64 });

/// Rows that belong together: what one transaction writes. The tables are written in this order.
#[derive(Default)]
pub(super) struct Rows {
    pub(super) books: Vec<Book>,
    pub(super) prices: Vec<Price>,
    pub(super) contributors: Vec<Contributor>,
    pub(super) editions: Vec<Edition>,
    pub(super) files: Vec<File>,
    pub(super) checkouts: Vec<Checkout>,
    pub(super) orders: Vec<Order>,
    pub(super) items: Vec<Item>,
    pub(super) taxes: Vec<Tax>,
    pub(super) entitlements: Vec<Entitlement>,
    pub(super) tokens: Vec<Token>,
    pub(super) claims: Vec<Claim>,
    pub(super) quotas: Vec<Quota>,
    pub(super) log: Vec<Log>,
    pub(super) invoices: Vec<Invoice>,
    pub(super) mails: Vec<Mail>,
    pub(super) visits: Vec<Visit>,
}

/// PostgreSQL takes 65 535 parameters in one statement.
const PARAMETERS: usize = 16_000;

/// SQLite: one prepared statement, run for each row. PostgreSQL, where each statement is a journey: many rows in one.
macro_rules! write_all {
    ($conn:expr, $columns:expr, $table:ident, $rows:expr) => {
        match $conn {
            AnyConnection::Sqlite(c) => {
                for row in $rows {
                    diesel::insert_into($table::table).values(row).execute(c)?;
                }
            }
            AnyConnection::Postgres(c) => {
                for rows in $rows.chunks(PARAMETERS / $columns) {
                    diesel::insert_into($table::table).values(rows).execute(c)?;
                }
            }
        }
    };
}

impl Rows {
    /// Writes all of them.
    pub(super) fn write(&self, conn: &mut AnyConnection) -> Result<(), Error> {
        write_all!(conn, 16, book, &self.books);
        write_all!(conn, 3, book_price, &self.prices);
        write_all!(conn, 4, contributor, &self.contributors);
        write_all!(conn, 5, edition, &self.editions);
        write_all!(conn, 7, book_file, &self.files);
        write_all!(conn, 13, checkout, &self.checkouts);
        write_all!(conn, 18, orders, &self.orders);
        write_all!(conn, 9, order_item, &self.items);
        write_all!(conn, 11, order_tax, &self.taxes);
        write_all!(conn, 7, entitlement, &self.entitlements);
        write_all!(conn, 9, download_token, &self.tokens);
        write_all!(conn, 7, download_claim, &self.claims);
        write_all!(conn, 3, download_quota, &self.quotas);
        write_all!(conn, 10, download_log, &self.log);
        write_all!(conn, 13, invoice, &self.invoices);
        write_all!(conn, 13, outbox, &self.mails);
        self.write_visits(conn)?;
        Ok(())
    }

    /// Beside what real visitors have done on the same days.
    fn write_visits(&self, conn: &mut AnyConnection) -> Result<(), Error> {
        for row in &self.visits {
            both!(conn, |c| diesel::insert_into(visits::table)
                .values(row)
                .on_conflict((visits::day, visits::step))
                .do_update()
                .set(visits::count.eq(visits::count + row.count))
                .execute(c))?;
        }
        Ok(())
    }

    /// How many there are.
    pub(super) fn count(&self) -> u64 {
        let tables = [
            self.books.len(),
            self.prices.len(),
            self.contributors.len(),
            self.editions.len(),
            self.files.len(),
            self.checkouts.len(),
            self.orders.len(),
            self.items.len(),
            self.taxes.len(),
            self.entitlements.len(),
            self.tokens.len(),
            self.claims.len(),
            self.quotas.len(),
            self.log.len(),
            self.invoices.len(),
            self.mails.len(),
            self.visits.len(),
        ];
        tables.iter().sum::<usize>() as u64
    }
}

/// The ids that the next rows get. They are given by us, so that a row can name another one that is not written yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ids {
    pub(super) book: i64,
    pub(super) edition: i64,
    pub(super) file: i64,
    pub(super) checkout: i64,
    pub(super) order: i64,
    pub(super) item: i64,
    pub(super) entitlement: i64,
    pub(super) token: i64,
    pub(super) claim: i64,
    pub(super) log: i64,
    pub(super) invoice: i64,
    pub(super) mail: i64,
}

/// What has been made, and the numbers that come next.
pub(super) struct Out {
    pub(super) rows: Rows,
    pub(super) ids: Ids,
    /// The next invoice number of each year.
    pub(super) series: BTreeMap<i32, i64>,
}

impl Out {
    /// Adds an entry to the access log and gives it its id.
    pub(super) fn log(&mut self, entry: Log) {
        let id = take(&mut self.ids.log);
        self.rows.log.push(Log { id, ..entry });
    }
}

/// Takes the next one.
pub(super) fn take(id: &mut i64) -> i64 {
    *id += 1;
    *id - 1
}

#[derive(QueryableByName)]
struct Next {
    #[diesel(sql_type = BigInt)]
    next: i64,
}

impl Ids {
    fn tables(&mut self) -> [(&'static str, &mut i64); 12] {
        [
            ("book", &mut self.book),
            ("edition", &mut self.edition),
            ("book_file", &mut self.file),
            ("checkout", &mut self.checkout),
            ("orders", &mut self.order),
            ("order_item", &mut self.item),
            ("entitlement", &mut self.entitlement),
            ("download_token", &mut self.token),
            ("download_claim", &mut self.claim),
            ("download_log", &mut self.log),
            ("invoice", &mut self.invoice),
            ("outbox", &mut self.mail),
        ]
    }

    /// What the database would give next.
    pub(super) fn read(conn: &mut AnyConnection) -> Result<Self, Error> {
        let mut ids = Self {
            book: 1,
            edition: 1,
            file: 1,
            checkout: 1,
            order: 1,
            item: 1,
            entitlement: 1,
            token: 1,
            claim: 1,
            log: 1,
            invoice: 1,
            mail: 1,
        };
        for (table, id) in ids.tables() {
            let query = match conn {
                AnyConnection::Sqlite(_) => {
                    format!("SELECT COALESCE(MAX(seq), 0) + 1 AS next FROM sqlite_sequence WHERE name = '{table}'")
                }
                AnyConnection::Postgres(_) => format!(
                    "SELECT CASE WHEN is_called THEN last_value + 1 ELSE last_value END AS next FROM {table}_id_seq"
                ),
            };
            *id = diesel::sql_query(query).get_result::<Next>(conn)?.next;
        }
        Ok(ids)
    }

    /// Tells PostgreSQL which ids are taken; SQLite has noticed by itself.
    pub(super) fn keep(mut self, conn: &mut AnyConnection) -> Result<(), Error> {
        if let AnyConnection::Postgres(c) = conn {
            for (table, id) in self.tables() {
                diesel::sql_query(format!("SELECT setval('{table}_id_seq', {id}, false)")).execute(c)?;
            }
        }
        Ok(())
    }
}
