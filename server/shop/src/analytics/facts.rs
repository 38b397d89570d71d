//! What the tallies must be: the sums over the rows themselves, in SQL. Filling and checking both use it, a month of the
//! store's zone at a time, so that neither holds up a store for long.

use super::figures::Figures;
use super::summary::summed;
use super::zone::{Zone, month_of, next_month};
use crate::Error;
use crate::db::AnyConnection;
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamp};

/// Orders that count: paid, and not given away by the desk. Not as plain equality, for which SQLite would make an index of
/// all orders each time instead of looking up the days' in the one that is there.
const COUNTED: &str = "COALESCE(o.status, '') = 'succeeded' AND o.checkout_id IS NOT NULL";
const LIVING: &str = "r.status IN ('pending', 'requires_action', 'succeeded')";

/// Downloads that do not wait to be counted.
const COUNTED_CLAIM: &str = "NOT EXISTS (SELECT 1 FROM uncounted_claim u WHERE u.claim_id = c.id)";

/// A difference between a tally and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq, QueryableByName)]
pub struct Wrong {
    /// Which tally, and what it says: "tally all day 2026-11-26 USD …" or "rows …".
    #[diesel(sql_type = Text)]
    pub id: String,
}

/// A moment as a literal.
fn literal(conn: &AnyConnection, at: NaiveDateTime) -> String {
    let text = at.format("%Y-%m-%d %H:%M:%S");
    match conn {
        AnyConnection::Sqlite(_) => format!("'{text}'"),
        AnyConnection::Postgres(_) => format!("TIMESTAMP '{text}'"),
    }
}

/// The figures of a posting in the order of the columns: those that are named, and nothing else.
fn row(named: &[(&str, &str)]) -> String {
    let value = |column: &&str| named.iter().find(|(name, _)| name == column).map_or("0", |(_, value)| value);
    Figures::COLUMNS.iter().map(value).collect::<Vec<_>>().join(", ")
}

/// The columns that name a tally.
const KEY: &str = "dimension, grain, start, currency, key";

/// The tallies of a month as they must be: a query with the columns of the table.
fn month(conn: &AnyConnection, zone: Zone, month: NaiveDate) -> String {
    let stamp = |at| literal(conn, at);
    let midnight = |day: NaiveDate| stamp(day.and_time(NaiveTime::MIN));
    let days = month.iter_days().take_while(|day| *day < next_month(month));
    let span: Vec<String> = days
        .filter_map(|day| Some((day, zone.start_of(day), zone.start_of(day.succ_opt()?))))
        .map(|(day, starts, ends)| format!("({}, {}, {})", midnight(day), stamp(starts), stamp(ends)))
        .collect();
    let (opens, closes) = (stamp(zone.start_of(month)), stamp(zone.start_of(next_month(month))));
    // PostgreSQL cannot see that the days are of one month, and would read whole tables.
    let within = |at: &str| match conn {
        AnyConnection::Sqlite(_) => format!("{at} >= s.starts AND {at} < s.ends"),
        AnyConnection::Postgres(_) => {
            format!("{at} >= s.starts AND {at} < s.ends AND {at} >= {opens} AND {at} < {closes}")
        }
    };
    // SQLite goes from the days to their rows in the order in which they are named, and never the other way.
    let join = match conn {
        AnyConnection::Sqlite(_) => "CROSS JOIN",
        AnyConnection::Postgres(_) => "JOIN",
    };
    let mut postings = Vec::new();
    let mut post = |dimension: &str, key: &str, currency: &str, at: &str, figures: &[(&str, &str)], from: &str| {
        postings.push(format!(
            "SELECT CAST('{dimension}' AS TEXT), CAST({key} AS TEXT), {currency}, {at}, s.day, {} FROM span s {from}",
            row(figures)
        ));
    };
    let begun = format!("{join} checkout c ON {}", within("c.created_at"));
    post("all", "''", "c.currency", "c.created_at", &[("checkouts", "1")], &begun);
    let paid = format!("{join} orders o ON {} WHERE {COUNTED}", within("o.paid_at"));
    let sold =
        format!("{join} orders o ON {} JOIN order_item i ON i.order_id = o.id WHERE {COUNTED}", within("o.paid_at"));
    let back = format!(
        "{join} refund r ON {} JOIN orders o ON o.id = r.order_id WHERE {LIVING} AND {COUNTED}",
        within("r.created_at")
    );
    let back_of = format!(
        "{join} refund r ON {} JOIN orders o ON o.id = r.order_id JOIN refund_item x ON x.refund_id = r.id \
         JOIN order_item i ON i.id = x.order_item_id WHERE {LIVING} AND {COUNTED}",
        within("r.created_at")
    );
    let lost = format!(
        "{join} dispute d ON {} JOIN orders o ON o.id = d.order_id WHERE COALESCE(d.status, '') = 'lost' AND d.currency = o.currency AND {COUNTED}",
        within("d.created_at")
    );
    let order = [
        ("orders", "1"),
        ("free", "CASE WHEN o.amount_total = 0 THEN 1 ELSE 0 END"),
        ("units", "(SELECT COUNT(*) FROM order_item i WHERE i.order_id = o.id)"),
        ("gross", "o.amount_total"),
        ("discount", "o.amount_discount"),
        ("tax", "o.amount_tax"),
    ];
    for (dimension, key) in [("all", "''"), ("country", "COALESCE(o.country, '')")] {
        post(dimension, key, "o.currency", "o.paid_at", &order, &paid);
        let refund = [("refunds", "1"), ("refunded", "r.amount"), ("refunded_tax", "r.tax")];
        post(dimension, key, "o.currency", "r.created_at", &refund, &back);
        post(dimension, key, "o.currency", "d.created_at", &[("disputed", "d.amount")], &lost);
    }
    let item = [("units", "1"), ("gross", "i.total"), ("discount", "i.discount"), ("tax", "i.tax")];
    post("book", "i.book_id", "o.currency", "o.paid_at", &item, &sold);
    let refund = [("refunds", "1"), ("refunded", "x.amount"), ("refunded_tax", "x.tax")];
    post("book", "i.book_id", "o.currency", "r.created_at", &refund, &back_of);
    let fetched = format!(
        "{join} orders o ON {} JOIN order_item i ON i.order_id = o.id JOIN entitlement e ON e.order_item_id = i.id WHERE {COUNTED} \
         AND EXISTS (SELECT 1 FROM download_token t JOIN download_claim c ON c.token_id = t.id WHERE t.entitlement_id = e.id AND {COUNTED_CLAIM})",
        within("o.paid_at")
    );
    let claims = format!(
        "{join} download_claim c ON {} JOIN download_token t ON t.id = c.token_id JOIN entitlement e ON e.id = t.entitlement_id \
         JOIN order_item i ON i.id = e.order_item_id JOIN orders o ON o.id = i.order_id WHERE {COUNTED_CLAIM}",
        within("c.created_at")
    );
    for (dimension, key, format) in [("all", "''", "''"), ("book", "i.book_id", "i.book_id")] {
        post(dimension, key, "o.currency", "o.paid_at", &[("fetched", "1")], &fetched);
        post(dimension, format, "o.currency", "c.created_at", &[("downloads", "1")], &claims);
    }
    post("format", "COALESCE(c.format, '')", "o.currency", "c.created_at", &[("downloads", "1")], &claims);

    let quarter = match conn {
        AnyConnection::Sqlite(_) => {
            "strftime('%Y-%m-%d %H:', at) || printf('%02d:00', CAST(strftime('%M', at) AS INTEGER) / 15 * 15)"
        }
        AnyConnection::Postgres(_) => "date_bin(INTERVAL '15 minutes', at, TIMESTAMP '2000-01-01 00:00:00')",
    };
    let columns = Figures::COLUMNS.join(", ");
    let sums = summed();
    let first = midnight(month);
    format!(
        "WITH span (day, starts, ends) AS (VALUES {}), \
         posting (dimension, key, currency, at, day, {columns}) AS MATERIALIZED ({}) \
         SELECT dimension, 'quarter' AS grain, {quarter} AS start, currency, key, {sums} FROM posting \
             WHERE dimension = 'all' GROUP BY dimension, {quarter}, currency, key \
         UNION ALL SELECT dimension, 'day', day, currency, key, {sums} FROM posting GROUP BY dimension, day, currency, key \
         UNION ALL SELECT dimension, 'month', {first}, currency, key, {sums} FROM posting GROUP BY dimension, currency, key",
        span.join(", "),
        postings.join(" UNION ALL "),
    )
}

/// The tallies of a month as they are: a condition.
fn kept(conn: &AnyConnection, zone: Zone, month: NaiveDate) -> String {
    let stamp = |at| literal(conn, at);
    let midnight = |day: NaiveDate| stamp(day.and_time(NaiveTime::MIN));
    let end = next_month(month);
    format!(
        "(grain = 'quarter' AND dimension = 'all' AND start >= {} AND start < {}) \
         OR (grain IN ('day', 'month') AND dimension IN ('all', 'book', 'country', 'format') AND start >= {} AND start < {})",
        stamp(zone.start_of(month)),
        stamp(zone.start_of(end)),
        midnight(month),
        midnight(end)
    )
}

/// Makes the tallies of a month what they must be. Nobody else writes any meanwhile.
pub(super) fn fill(conn: &mut AnyConnection, zone: Zone, of: NaiveDate) -> Result<(), Error> {
    // On SQLite there is one writer.
    if let AnyConnection::Postgres(c) = conn {
        // A month of a large store takes longer than any page may.
        c.batch_execute("SET LOCAL statement_timeout = 0; LOCK TABLE tally IN EXCLUSIVE MODE")?;
    }
    let delete = format!("DELETE FROM tally WHERE {}", kept(conn, zone, of));
    diesel::sql_query(delete).execute(conn)?;
    let columns = Figures::COLUMNS.join(", ");
    let insert = format!("INSERT INTO tally ({KEY}, {columns}) {}", month(conn, zone, of));
    diesel::sql_query(insert).execute(conn)?;
    Ok(())
}

/// Where the tallies of a month are not what they must be.
pub(super) fn check(conn: &mut AnyConnection, zone: Zone, of: NaiveDate) -> Result<Vec<Wrong>, Error> {
    let columns = Figures::COLUMNS.join(", ");
    let not_nothing = Figures::COLUMNS.iter().map(|column| format!("{column} <> 0")).collect::<Vec<_>>().join(" OR ");
    let shown = |who: &str| {
        let figures = Figures::COLUMNS
            .iter()
            .map(|column| format!("CASE WHEN {column} = 0 THEN '' ELSE ' {column} ' || CAST({column} AS TEXT) END"))
            .collect::<Vec<_>>()
            .join(" || ");
        format!(
            "'{who} ' || dimension || ' ' || grain || ' ' || CAST(start AS TEXT) || ' ' || currency || ' ' || key || ':' || {figures} AS id"
        )
    };
    let must = month(conn, zone, of);
    let is = format!("SELECT {KEY}, {columns} FROM tally WHERE ({}) AND ({not_nothing})", kept(conn, zone, of));
    let query = format!(
        "SELECT {} FROM (SELECT * FROM ({must}) AS must EXCEPT {is}) AS missing \
         UNION ALL SELECT {} FROM ({is} EXCEPT SELECT * FROM ({must}) AS must) AS more LIMIT 100",
        shown("rows"),
        shown("tally")
    );
    Ok(diesel::sql_query(query).load(conn)?)
}

#[derive(QueryableByName)]
struct Ends {
    #[diesel(sql_type = Nullable<Timestamp>)]
    first: Option<NaiveDateTime>,
    #[diesel(sql_type = Nullable<Timestamp>)]
    last: Option<NaiveDateTime>,
}

/// The months in which anything is or is said to be.
pub(super) fn months(conn: &mut AnyConnection, zone: Zone) -> Result<Vec<NaiveDate>, Error> {
    let (mut first, mut last) = (None, None);
    for (table, column) in [
        ("checkout", "created_at"),
        ("orders", "paid_at"),
        ("refund", "created_at"),
        ("dispute", "created_at"),
        ("download_claim", "created_at"),
        ("tally", "start"),
    ] {
        let query =
            format!("SELECT (SELECT MIN({column}) FROM {table}) AS first, (SELECT MAX({column}) FROM {table}) AS last");
        let ends: Ends = diesel::sql_query(query).get_result(conn)?;
        // A tally's day is local, and the others' are not: a day on either side makes sure.
        let day = |at: NaiveDateTime, by: i64| zone.day_of(at + chrono::TimeDelta::days(by));
        first = [first, ends.first.map(|at| day(at, -1))].into_iter().flatten().min();
        last = [last, ends.last.map(|at| day(at, 1))].into_iter().flatten().max();
    }
    let (Some(first), Some(last)) = (first, last) else { return Ok(Vec::new()) };
    Ok(std::iter::successors(Some(month_of(first)), |month| Some(next_month(*month)))
        .take_while(|m| *m <= last)
        .collect())
}
