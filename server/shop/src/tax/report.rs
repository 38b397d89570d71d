//! The report of a quarter: what was sold and what went back, by country, rate and treatment, as the One Stop Shop asks for
//! it. In each currency by itself: whoever files it converts with the rate of the quarter's last day (Council Implementing
//! Regulation (EU) 2020/194, article 366 of the directive), which the store does not know.
//!
//! It is the sum of the documents on which a day of the quarter stands, and so it never changes once the quarter is over, also if
//! the store's zone does: what happens later to a sale of it has a document of its own day. Sales that nobody taxed are not in it.

use super::rates::percent;
use crate::analytics::{Zone, next_month};
use crate::db::AnyConnection;
use crate::desk::cell;
use crate::invoices::taxes::{self, Turn};
use crate::types::TaxTreatment;
use crate::{Error, Shop};
use chrono::{Datelike, NaiveDate};
use core::fmt;
use core::str::FromStr;
use std::collections::BTreeMap;

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

/// How many documents, and what they come to in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum {
    /// Of the documents of the quarter that say something of this.
    pub count: i64,
    /// Without tax.
    pub net: i64,
    /// The tax on it.
    pub tax: i64,
}

/// What happened in the quarter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// Sales.
    pub sold: Sum,
    /// Refunds.
    pub refunded: Sum,
    /// Disputes that were lost.
    pub disputed: Sum,
    /// What came back of either: refunds that failed later, banks that changed their mind.
    pub restored: Sum,
}

impl Sums {
    /// What is due for the quarter: net and tax.
    #[must_use]
    pub const fn due(&self) -> (i64, i64) {
        let Self { sold, refunded, disputed, restored } = self;
        (sold.net - refunded.net - disputed.net + restored.net, sold.tax - refunded.tax - disputed.tax + restored.tax)
    }
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
             refunded_tax,refunded_gross,disputes,disputed_net,disputed_tax,disputed_gross,restored,restored_net,restored_tax,\
             restored_gross,due_net,due_tax\r\n",
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
            ];
            let mut cells: Vec<String> = words.into_iter().map(cell).collect();
            for Sum { count, net, tax } in [sums.sold, sums.refunded, sums.disputed, sums.restored] {
                cells.extend([count, net, tax, net + tax].map(|figure| figure.to_string()));
            }
            let (net, tax) = sums.due();
            cells.extend([net, tax].map(|figure| figure.to_string()));
            text.push_str(&cells.join(","));
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
        self.0.db.read(move |conn| report(conn, quarter, zone)).await
    }

    /// The quarter of this moment, where the store is.
    #[must_use]
    pub fn this_quarter(&self) -> Quarter {
        Quarter::of(self.0.settings.time_zone.day_of(self.0.clock.now()))
    }
}

fn report(conn: &mut AnyConnection, quarter: Quarter, zone: Zone) -> Result<Report, Error> {
    let mut lines: BTreeMap<Subject, Sums> = BTreeMap::new();
    taxes::each(conn, quarter.first_day(), quarter.end(), zone, |subject, turn, count, net, tax| {
        let sums = lines.entry(subject).or_default();
        let (sum, sign) = match turn {
            Turn::Sold => (&mut sums.sold, 1),
            Turn::Refunded => (&mut sums.refunded, 1),
            Turn::Disputed => (&mut sums.disputed, 1),
            Turn::Restored => (&mut sums.restored, 1),
            // The old one and the new one cancel out, but for what came back with them.
            Turn::Replaced => (&mut sums.restored, -1),
        };
        sum.count += count;
        sum.net += sign * net;
        sum.tax += sign * tax;
    })?;
    lines.retain(|_, sums| *sums != Sums::default());
    Ok(Report { quarter, lines: lines.into_iter().collect() })
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
