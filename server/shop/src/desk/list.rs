//! The statement behind the list of orders: only the ids of one page, read from an index in the order that is shown.
//!
//! Which index that is must not be left to a planner that knows nothing of the values (docs/architecture.md): the
//! statement begins with the table that has the fewest rows for what is asked, and all else is a condition that no index
//! serves. Written out as text, since byte-wise collations and joins in a given order are not in Diesel's words; every text from
//! outside is bound.

use super::orders::{Addresses, OrderQuery, StandingFilter, Turn};
use crate::Error;
use crate::db::AnyConnection;
use crate::db::schema::{book, orders};
use crate::privacy::{TOMBSTONE, is_erased};
use chrono::{Datelike as _, Days, NaiveDate, NaiveTime, TimeDelta};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use std::fmt::Write as _;

/// Orders lie in the order in which they came, but for clocks that were set back or differ: by less than this.
const SKEW: TimeDelta = TimeDelta::days(1);

#[derive(QueryableByName)]
struct Id {
    #[diesel(sql_type = BigInt)]
    id: i64,
}

/// Addresses as a condition.
enum Under {
    One(String),
    Beginning(String),
}

/// Where a page begins: an order, and the address that it is under.
struct Mark {
    id: i64,
    email_norm: String,
}

/// What a query's names stand for.
pub(super) struct Facts {
    under: Option<Under>,
    book: Option<i64>,
    standing: Option<StandingFilter>,
    days: Vec<String>,
    ids: (Option<i64>, Option<i64>),
    turn: Turn,
    mark: Option<Mark>,
    /// The address or its beginning.
    pub(super) shown: Option<String>,
    /// The book's title.
    pub(super) title: Option<String>,
}

impl Facts {
    /// None if something that the query names is not there.
    pub(super) fn look_up(conn: &mut AnyConnection, query: &OrderQuery) -> Result<Option<Self>, Error> {
        let by_number = |conn: &mut AnyConnection, number: &str| -> Result<Option<Mark>, Error> {
            let row = orders::table.filter(orders::number.eq(number)).select((orders::id, orders::email_norm));
            Ok(row.first(conn).optional()?.map(|(id, email_norm)| Mark { id, email_norm }))
        };
        let mut facts = Self {
            under: None,
            book: None,
            standing: query.standing,
            days: Vec::new(),
            ids: (None, None),
            turn: query.turn.clone(),
            mark: None,
            shown: None,
            title: None,
        };
        if let Some(Addresses { order, letters }) = &query.addresses {
            let Some(mark) = by_number(conn, order.as_str())?.filter(|mark| !is_erased(&mark.email_norm)) else {
                return Ok(None);
            };
            let text: String = mark.email_norm.chars().take(letters.unwrap_or(usize::MAX)).collect();
            facts.shown = Some(text.clone());
            facts.under = Some(if letters.is_some() { Under::Beginning(text) } else { Under::One(text) });
        }
        if let Some(slug) = &query.book {
            let row = book::table.filter(book::slug.eq(slug.as_str())).select((book::id, book::title));
            let Some((id, title)) = row.first::<(i64, String)>(conn).optional()? else { return Ok(None) };
            (facts.book, facts.title) = (Some(id), Some(title));
        }
        if let Turn::After(number) | Turn::Before(number) = &query.turn {
            let Some(mark) = by_number(conn, number.as_str())? else { return Ok(None) };
            facts.mark = Some(mark);
        }
        if !facts.between(conn, query.from, query.until)? {
            return Ok(None);
        }
        Ok(Some(facts))
    }

    /// The days as conditions, and the ids that orders of these days can have. False if there can be none.
    fn between(
        &mut self,
        conn: &mut AnyConnection,
        from: Option<NaiveDate>,
        until: Option<NaiveDate>,
    ) -> Result<bool, Error> {
        let midnight = |day: NaiveDate| day.and_time(NaiveTime::MIN);
        // Years that both databases can tell.
        if from.iter().chain(&until).any(|day| !(1900..=9999).contains(&day.year())) {
            return Ok(false);
        }
        if let Some(from) = from.map(midnight) {
            let first = orders::table
                .filter(orders::created_at.ge(from.checked_sub_signed(SKEW).unwrap_or(from)))
                .order((orders::created_at, orders::id))
                .select(orders::id);
            let Some(id) = first.first(conn).optional()? else { return Ok(false) };
            self.ids.0 = Some(id);
            self.days.push(format!("(o.created_at >= '{from}') IS TRUE"));
        }
        if let Some(end) = until.and_then(|day| day.checked_add_days(Days::new(1))).map(midnight) {
            let last = orders::table
                .filter(orders::created_at.lt(end.checked_add_signed(SKEW).unwrap_or(end)))
                .order((orders::created_at.desc(), orders::id.desc()))
                .select(orders::id);
            let Some(id) = last.first(conn).optional()? else { return Ok(false) };
            self.ids.1 = Some(id);
            self.days.push(format!("(o.created_at < '{end}') IS TRUE"));
        }
        Ok(true)
    }

    /// Whether the page is read from its end.
    pub(super) const fn is_backwards(&self) -> bool {
        matches!(self.turn, Turn::Before(_) | Turn::Last)
    }
}

/// A statement under construction, with the texts that are bound to it.
struct Statement<'a> {
    postgres: bool,
    conditions: Vec<String>,
    texts: Vec<&'a str>,
}

impl<'a> Statement<'a> {
    fn text(&mut self, text: &'a str) -> String {
        self.texts.push(text);
        if self.postgres { format!("${}", self.texts.len()) } else { "?".into() }
    }

    fn when(&mut self, condition: impl Into<String>) {
        self.conditions.push(condition.into());
    }

    /// The address, compared byte by byte.
    fn address(&self) -> &'static str {
        if self.postgres { "o.email_norm COLLATE \"C\"" } else { "o.email_norm" }
    }
}

/// The living refunds of an order, as `refund` is called `r`.
const LIVING: &str = "r.status IN ('pending', 'requires_action', 'succeeded')";
/// What counts as disputed, as `dispute` is called `d`.
const DISPUTED: &str = "d.status IN ('needs_response', 'under_review', 'lost')";

/// The ids of a page's orders, in the direction in which it is read.
pub(super) fn ids(conn: &mut AnyConnection, facts: &Facts, limit: usize) -> Result<Vec<i64>, Error> {
    let mut statement =
        Statement { postgres: matches!(conn, AnyConnection::Postgres(_)), conditions: Vec::new(), texts: Vec::new() };
    let sql = compose(&mut statement, facts, limit);
    let rows: Vec<Id> = match statement.texts.as_slice() {
        [] => diesel::sql_query(sql).load(conn)?,
        [a] => diesel::sql_query(sql).bind::<Text, _>(*a).load(conn)?,
        [a, b] => diesel::sql_query(sql).bind::<Text, _>(*a).bind::<Text, _>(*b).load(conn)?,
        [a, b, c] => diesel::sql_query(sql).bind::<Text, _>(*a).bind::<Text, _>(*b).bind::<Text, _>(*c).load(conn)?,
        more => return Err(Error::internal(format!("{} texts in one statement", more.len()))),
    };
    Ok(rows.into_iter().map(|row| row.id).collect())
}

fn compose<'a>(statement: &mut Statement<'a>, facts: &'a Facts, limit: usize) -> String {
    let (mut key, mut group, mut by_address) = ("o.id", "", false);
    let from = match (facts.standing, &facts.under, facts.book) {
        // One buyer's orders are few, and so is what is not simply paid.
        (_, Some(Under::One(_)), _) => "orders o",
        (Some(StandingFilter::Refunded | StandingFilter::PartlyRefunded), ..) => {
            (key, group) = ("r.order_id", " GROUP BY r.order_id");
            statement.when(LIVING);
            statement.when("o.id = r.order_id");
            "refund r CROSS JOIN orders o"
        }
        (Some(StandingFilter::Disputed), ..) => {
            (key, group) = ("d.order_id", " GROUP BY d.order_id");
            statement.when(DISPUTED);
            statement.when("o.id = d.order_id");
            "dispute d CROSS JOIN orders o"
        }
        (Some(StandingFilter::Pending | StandingFilter::Failed), ..) => {
            statement.when("o.status <> 'succeeded'");
            "orders o"
        }
        (_, _, Some(_)) => {
            key = "i.order_id";
            statement.when("o.id = i.order_id");
            "order_item i CROSS JOIN orders o"
        }
        (_, Some(Under::Beginning(_)), None) => {
            by_address = true;
            "orders o"
        }
        (_, None, None) => "orders o",
    };
    under(statement, facts, by_address);
    if let Some(book) = facts.book {
        statement.when(if key == "i.order_id" {
            format!("i.book_id = {book}")
        } else {
            format!("EXISTS (SELECT 1 FROM order_item i WHERE i.order_id = o.id AND i.book_id = {book})")
        });
    }
    let having = standing(statement, facts, group);
    if let Some(id) = facts.ids.0 {
        statement.when(format!("{key} >= {id}"));
    }
    if let Some(id) = facts.ids.1 {
        statement.when(format!("{key} <= {id}"));
    }
    for day in &facts.days {
        statement.when(day.as_str());
    }
    let (way, beyond) = match (facts.is_backwards(), by_address) {
        // Newest first, but addresses from A to Z.
        (false, false) => ("DESC", "<"),
        (true, false) => ("ASC", ">"),
        (false, true) => ("ASC", ">"),
        (true, true) => ("DESC", "<"),
    };
    if let Some(mark) = &facts.mark {
        if by_address {
            let text = statement.text(&mark.email_norm);
            statement.when(format!("({}, o.id) {beyond} ({text}, {})", statement.address(), mark.id));
        } else {
            statement.when(format!("{key} {beyond} {}", mark.id));
        }
    }
    let mut sql = format!("SELECT {key} AS id FROM {from}");
    for (number, condition) in statement.conditions.iter().enumerate() {
        let word = if number == 0 { "WHERE" } else { "AND" };
        let _ = write!(sql, " {word} {condition}");
    }
    let order = if by_address { format!("{} {way}, o.id {way}", statement.address()) } else { format!("{key} {way}") };
    let _ = write!(sql, "{group}{having} ORDER BY {order} LIMIT {limit}");
    sql
}

/// The condition on the address. Only where it leads may an index serve it.
fn under<'a>(statement: &mut Statement<'a>, facts: &'a Facts, by_address: bool) {
    match &facts.under {
        Some(Under::One(address)) => {
            let text = statement.text(address);
            statement.when(format!("o.email_norm = {text}"));
        }
        Some(Under::Beginning(letters)) => {
            let column = statement.address();
            let (from, to) = (statement.text(letters), statement.text(letters));
            // No letter comes behind the last one of Unicode.
            let last = if statement.postgres { "chr(1114111)" } else { "char(1114111)" };
            let range = [format!("{column} >= {from}"), format!("{column} < {to} || {last}")];
            for condition in range {
                statement.when(if by_address { condition } else { format!("({condition}) IS TRUE") });
            }
            // What was erased is nobody's.
            statement.when(format!("(o.email_norm <> '{TOMBSTONE}') IS TRUE"));
        }
        None => {}
    }
}

/// The condition on where the order stands, and what a group must have.
fn standing(statement: &mut Statement<'_>, facts: &Facts, group: &str) -> &'static str {
    let whole = "(SELECT COALESCE(SUM(r.amount), 0) FROM refund r WHERE r.order_id = o.id AND \
                 r.status IN ('pending', 'requires_action', 'succeeded'))";
    match facts.standing {
        Some(StandingFilter::Succeeded) => statement.when("(o.status = 'succeeded') IS TRUE"),
        Some(StandingFilter::Pending) => statement.when("(o.status = 'pending') IS TRUE"),
        Some(StandingFilter::Failed) => statement.when("(o.status = 'failed') IS TRUE"),
        Some(StandingFilter::Refunded) if !group.is_empty() => return " HAVING SUM(r.amount) >= MAX(o.amount_total)",
        Some(StandingFilter::PartlyRefunded) if !group.is_empty() => {
            return " HAVING SUM(r.amount) < MAX(o.amount_total)";
        }
        Some(StandingFilter::Refunded) => {
            statement.when(format!("o.amount_total > 0 AND {whole} >= o.amount_total"));
        }
        Some(StandingFilter::PartlyRefunded) => {
            statement.when(format!("{whole} > 0 AND {whole} < o.amount_total"));
        }
        Some(StandingFilter::Disputed) if group.is_empty() => {
            statement.when(format!("EXISTS (SELECT 1 FROM dispute d WHERE d.order_id = o.id AND {DISPUTED})"));
        }
        Some(StandingFilter::Disputed) | None => {}
    }
    ""
}

/// The number of the first order whose address begins so.
pub(super) fn first_of(conn: &mut AnyConnection, beginning: &str) -> Result<Option<String>, Error> {
    let facts = Facts {
        under: Some(Under::Beginning(beginning.to_owned())),
        book: None,
        standing: None,
        days: Vec::new(),
        ids: (None, None),
        turn: Turn::First,
        mark: None,
        shown: None,
        title: None,
    };
    let Some(id) = ids(conn, &facts, 1)?.pop() else { return Ok(None) };
    let row = orders::table.find(id).select((orders::number, orders::email_norm));
    let found: Option<(String, String)> = row.first(conn).optional()?;
    Ok(found.filter(|(_, email)| !is_erased(email)).map(|(number, _)| number))
}
