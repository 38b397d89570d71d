//! The report of a quarter: what was sold and what went back, by country, rate and treatment, as the One Stop Shop asks for
//! it. In each currency by itself: whoever files it converts with the rate of the quarter's last day (Council Implementing
//! Regulation (EU) 2020/194, article 366 of the directive), which the store does not know.
//!
//! A sale belongs to the quarter in which it was paid, a refund to the one in which it was made; days are those of the
//! store's zone. Orders that nobody taxed are not in it.

use super::rates::percent;
use crate::analytics::next_month;
use crate::db::AnyConnection;
use crate::desk::cell;
use crate::types::{Currency, TaxTreatment};
use crate::{Error, Shop};
use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime};
use core::fmt;
use core::str::FromStr;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use std::collections::{BTreeMap, BTreeSet};

/// A quarter of a year.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Quarter {
    year: i32,
    number: u32,
}

/// The text names no quarter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a quarter like 2026Q4")]
pub struct NotAQuarter;

impl Quarter {
    /// The quarter of a day.
    #[must_use]
    pub fn of(day: NaiveDate) -> Self {
        Self { year: day.year(), number: day.month0() / 3 + 1 }
    }

    /// The quarter before it.
    #[must_use]
    pub const fn before(self) -> Self {
        match self.number {
            1 => Self { year: self.year - 1, number: 4 },
            number => Self { year: self.year, number: number - 1 },
        }
    }

    /// Its first day.
    #[must_use]
    pub fn first_day(self) -> NaiveDate {
        NaiveDate::from_ymd_opt(self.year, self.number * 3 - 2, 1).unwrap_or(NaiveDate::MIN)
    }

    /// The first day of the next one.
    #[must_use]
    pub fn end(self) -> NaiveDate {
        next_month(next_month(next_month(self.first_day())))
    }
}

impl FromStr for Quarter {
    type Err = NotAQuarter;

    fn from_str(text: &str) -> Result<Self, NotAQuarter> {
        let (year, number) = text.trim().split_once(['Q', 'q']).ok_or(NotAQuarter)?;
        let digits = |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
        if !digits(year, 4) || !digits(number, 1) {
            return Err(NotAQuarter);
        }
        match (year.parse(), number.parse()) {
            (Ok(year), Ok(number @ 1..=4)) => Ok(Self { year, number }),
            _ => Err(NotAQuarter),
        }
    }
}

impl fmt::Display for Quarter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04}Q{}", self.year, self.number)
    }
}

/// What a line of the report is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// Where the tax is due.
    pub country: String,
    /// The part of the country, where the rate is one of a part.
    pub region: String,
    /// Parts per million.
    pub rate_ppm: i64,
    /// How the sales are treated.
    pub treatment: TaxTreatment,
    /// What the tax is called there.
    pub name: String,
    /// The currency's code.
    pub currency: String,
}

/// Sums in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many orders were paid.
    pub orders: i64,
    /// What was sold, without tax.
    pub net: i64,
    /// The tax on it.
    pub tax: i64,
    /// How many refunds were made.
    pub refunds: i64,
    /// What went back, without tax.
    pub refunded_net: i64,
    /// The tax on it.
    pub refunded_tax: i64,
}

/// The report: every line with something in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Of which quarter.
    pub quarter: Quarter,
    /// By country, region, rate, treatment, name, currency.
    pub lines: Vec<(Subject, Sums)>,
}

impl Report {
    /// As CSV (RFC 4180). Amounts are in minor units: what a program reads must not depend on a language.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut text = String::from(
            "quarter,country,region,tax,rate_percent,treatment,currency,orders,net,tax_amount,gross,refunds,refunded_net,\
             refunded_tax,refunded_gross,due_net,due_tax\r\n",
        );
        for (subject, sums) in &self.lines {
            let words = [
                &self.quarter.to_string(),
                &subject.country,
                &subject.region,
                &subject.name,
                &percent(subject.rate_ppm),
                subject.treatment.as_str(),
                &subject.currency,
            ]
            .map(cell);
            let Sums { orders, net, tax, refunds, refunded_net, refunded_tax } = *sums;
            let figures = [
                orders,
                net,
                tax,
                net + tax,
                refunds,
                refunded_net,
                refunded_tax,
                refunded_net + refunded_tax,
                net - refunded_net,
                tax - refunded_tax,
            ];
            let figures = figures.map(|figure| figure.to_string());
            text.push_str(&words.join(","));
            text.push(',');
            text.push_str(&figures.join(","));
            text.push_str("\r\n");
        }
        text
    }
}

impl Shop {
    /// The report of a quarter.
    ///
    /// # Errors
    /// The database's.
    pub async fn tax_report(&self, quarter: Quarter) -> Result<Report, Error> {
        let zone = self.0.settings.time_zone;
        let (from, until) = (zone.start_of(quarter.first_day()), zone.start_of(quarter.end()));
        self.0.db.read(move |conn| report(conn, quarter, from, until)).await
    }

    /// The quarter of this moment, where the store is.
    #[must_use]
    pub fn this_quarter(&self) -> Quarter {
        Quarter::of(self.0.settings.time_zone.day_of(self.0.clock.now()))
    }
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    country: String,
    #[diesel(sql_type = Text)]
    region: String,
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = BigInt)]
    rate_ppm: i64,
    #[diesel(sql_type = Text)]
    treatment: String,
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(sql_type = BigInt)]
    count: i64,
    #[diesel(sql_type = BigInt)]
    net: i64,
    #[diesel(sql_type = BigInt)]
    tax: i64,
}

/// What a line of the report is made of.
const SUBJECT: &str = "t.country, t.region, t.name, t.rate_ppm, t.treatment, o.currency";
/// As plain equality SQLite would make an index of all orders each time instead of looking the days up in the one there is.
const PAID: &str = "COALESCE(o.status, '') = 'succeeded'";
const LIVING: &str = "r.status IN ('pending', 'requires_action', 'succeeded')";

/// A span of time as a condition.
fn within(conn: &AnyConnection, column: &str, from: NaiveDateTime, until: NaiveDateTime) -> String {
    let literal = |at: NaiveDateTime| {
        let text = at.format("%Y-%m-%d %H:%M:%S");
        match conn {
            AnyConnection::Sqlite(_) => format!("'{text}'"),
            AnyConnection::Postgres(_) => format!("TIMESTAMP '{text}'"),
        }
    };
    format!("{column} >= {} AND {column} < {}", literal(from), literal(until))
}

fn report(
    conn: &mut AnyConnection,
    quarter: Quarter,
    from: NaiveDateTime,
    until: NaiveDateTime,
) -> Result<Report, Error> {
    let mut lines: BTreeMap<Subject, Sums> = BTreeMap::new();
    let sold = format!(
        "SELECT {SUBJECT}, COUNT(DISTINCT o.id) AS count, CAST(SUM(t.taxable) AS BIGINT) AS net, \
             CAST(SUM(t.amount) AS BIGINT) AS tax \
         FROM orders o JOIN order_item i ON i.order_id = o.id JOIN order_tax t ON t.order_item_id = i.id \
         WHERE {PAID} AND {} GROUP BY {SUBJECT}",
        within(conn, "o.paid_at", from, until)
    );
    for row in diesel::sql_query(sold).load::<Row>(conn)? {
        let (subject, count, net, tax) = row.split()?;
        let sums = lines.entry(subject).or_default();
        (sums.orders, sums.net, sums.tax) = (count, net, tax);
    }
    // Of titles with one tax, their refunds' tax is all of that one.
    let back = format!(
        "SELECT {SUBJECT}, COUNT(DISTINCT r.id) AS count, CAST(SUM(x.amount - x.tax) AS BIGINT) AS net, \
             CAST(SUM(x.tax) AS BIGINT) AS tax \
         FROM refund r JOIN orders o ON o.id = r.order_id JOIN refund_item x ON x.refund_id = r.id \
             JOIN order_tax t ON t.order_item_id = x.order_item_id AND t.position = 0 \
         WHERE {LIVING} AND {PAID} AND x.amount > 0 AND {} \
             AND NOT EXISTS (SELECT 1 FROM order_tax u WHERE u.order_item_id = x.order_item_id AND u.position > 0) \
         GROUP BY {SUBJECT}",
        within(conn, "r.created_at", from, until)
    );
    let mut rows = diesel::sql_query(back).load::<Row>(conn)?;
    rows.extend(of_several(conn, from, until)?);
    for row in rows {
        let (subject, count, net, tax) = row.split()?;
        let sums = lines.entry(subject).or_default();
        sums.refunds += count;
        sums.refunded_net += net;
        sums.refunded_tax += tax;
    }
    Ok(Report { quarter, lines: lines.into_iter().collect() })
}

impl Row {
    fn split(self) -> Result<(Subject, i64, i64, i64), Error> {
        let Self { country, region, name, rate_ppm, treatment, currency, count, net, tax } = self;
        let treatment = treatment.parse().map_err(|_| Error::internal(format!("unknown treatment {treatment}")))?;
        currency.parse::<Currency>().map_err(|_| Error::internal(format!("unknown currency {currency}")))?;
        Ok((Subject { country, region, rate_ppm, treatment, name, currency }, count, net, tax))
    }
}

#[derive(QueryableByName)]
struct Item {
    #[diesel(sql_type = BigInt)]
    item: i64,
}

#[derive(QueryableByName)]
struct Several {
    #[diesel(sql_type = BigInt)]
    refund: i64,
    #[diesel(sql_type = BigInt)]
    amount: i64,
    #[diesel(sql_type = BigInt)]
    tax: i64,
    /// 1 within the quarter, 0 before it.
    #[diesel(sql_type = BigInt)]
    now: i64,
}

#[derive(QueryableByName)]
struct Part {
    #[diesel(sql_type = BigInt)]
    amount: i64,
    #[diesel(embed)]
    row: Row,
}

/// Refunds of titles that bear several taxes: what a refund gives back falls to them in proportion, counted from the first
/// refund on, so that what is all given back gives back all of each. Such titles are looked for by the quarter's refunds,
/// and each is read by itself.
fn of_several(conn: &mut AnyConnection, from: NaiveDateTime, until: NaiveDateTime) -> Result<Vec<Row>, Error> {
    let now = within(conn, "r.created_at", from, until);
    let until = within(conn, "r.created_at", DateTime::UNIX_EPOCH.naive_utc(), until);
    let items = format!(
        "SELECT DISTINCT x.order_item_id AS item FROM refund r JOIN orders o ON o.id = r.order_id \
             JOIN refund_item x ON x.refund_id = r.id \
             JOIN order_tax u ON u.order_item_id = x.order_item_id AND u.position = 1 \
         WHERE {LIVING} AND {PAID} AND x.amount > 0 AND {now} ORDER BY x.order_item_id"
    );
    let (mut rows, mut counted) = (Vec::new(), BTreeSet::new());
    for Item { item } in diesel::sql_query(items).load::<Item>(conn)? {
        let refunds = format!(
            "SELECT r.id AS refund, x.amount AS amount, x.tax AS tax, CAST(CASE WHEN {now} THEN 1 ELSE 0 END AS BIGINT) AS now \
             FROM order_item i JOIN refund r ON r.order_id = i.order_id \
                 JOIN refund_item x ON x.refund_id = r.id AND x.order_item_id = i.id \
             WHERE i.id = {item} AND {LIVING} AND x.amount > 0 AND {until}"
        );
        let refunds = diesel::sql_query(refunds).load::<Several>(conn)?;
        let parts = format!(
            "SELECT {SUBJECT}, t.amount AS amount, CAST(0 AS BIGINT) AS count, CAST(0 AS BIGINT) AS net, \
                 CAST(0 AS BIGINT) AS tax \
             FROM order_tax t JOIN order_item i ON i.id = t.order_item_id JOIN orders o ON o.id = i.order_id \
             WHERE t.order_item_id = {item} ORDER BY t.position"
        );
        let parts = diesel::sql_query(parts).load::<Part>(conn)?;
        let amounts: Vec<i64> = parts.iter().map(|part| part.amount).collect();
        let in_quarter = || refunds.iter().filter(|one| one.now == 1);
        let earlier = refunds.iter().filter(|one| one.now == 0).map(|one| one.tax).sum();
        let before = fall(&amounts, earlier);
        let after = fall(&amounts, refunds.iter().map(|one| one.tax).sum());
        let net = in_quarter().map(|one| one.amount - one.tax).sum();
        for ((Part { row, .. }, before), after) in parts.into_iter().zip(before).zip(after) {
            // A refund of two titles is one refund.
            let line = [&row.country, &row.region, &row.name, &row.treatment, &row.currency].map(Clone::clone);
            let first = in_quarter().filter(|one| counted.insert((line.clone(), row.rate_ppm, one.refund)));
            let count = i64::try_from(first.count()).unwrap_or(i64::MAX);
            rows.push(Row { count, net, tax: after - before, ..row });
        }
    }
    Ok(rows)
}

/// How so much of the sum of `amounts` falls to each: as it falls to what is before and up to it. All of the sum is all of
/// each.
fn fall(amounts: &[i64], tax: i64) -> Vec<i64> {
    let whole: i128 = amounts.iter().map(|amount| i128::from(*amount)).sum::<i128>().max(1);
    let up_to = |sum: i128| i64::try_from(i128::from(tax) * sum / whole).unwrap_or(tax);
    let mut sum = 0_i128;
    amounts
        .iter()
        .map(|amount| {
            let before = up_to(sum);
            sum += i128::from(*amount);
            up_to(sum) - before
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_quarter_has_three_months_and_one_before_it() {
        let quarter: Quarter = "2026Q4".parse().unwrap();
        assert_eq!(
            (quarter.first_day().to_string(), quarter.end().to_string()),
            ("2026-10-01".into(), "2027-01-01".into())
        );
        assert_eq!(quarter, Quarter::of("2026-12-31".parse().unwrap()));
        assert_eq!("2026Q1".parse::<Quarter>().unwrap().before().to_string(), "2025Q4");
        for wrong in ["", "2026", "2026Q0", "2026Q5", "26Q1", "2026Q", "Q4", "2026Q11", "+026Q1"] {
            assert_eq!(wrong.parse::<Quarter>(), Err(NotAQuarter), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn what_falls_to_the_parts_is_the_sum_and_all_of_it_all_of_each(
            amounts in proptest::collection::vec(0..1_000_000_i64, 1..6), share in 0..=1_000_i64,
        ) {
            let whole: i64 = amounts.iter().sum();
            let tax = whole / 1_000 * share;
            let parts = fall(&amounts, tax);
            prop_assert_eq!(parts.iter().sum::<i64>(), tax);
            prop_assert!(parts.iter().all(|part| *part >= 0));
            prop_assert_eq!(fall(&amounts, whole), amounts);
        }
    }
}
