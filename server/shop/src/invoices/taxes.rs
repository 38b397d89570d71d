//! The taxes that the documents of some days say, one after the other: what the report of a quarter adds up.

use super::document::{Line, LineTax, day_on, part};
use super::issuing::Reason;
use crate::Error;
use crate::analytics::Zone;
use crate::db::AnyConnection;
use crate::db::schema::invoice;
use crate::tax::{self, report::Subject};
use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use std::collections::{BTreeSet, HashMap};

/// What a document is to the tax.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// A sale.
    Sold,
    /// Money that was sent back.
    Refunded,
    /// Money that a bank took.
    Disputed,
    /// An invoice that takes a credit note back, or stands in the place of another one.
    Restored,
    /// The credit note over the one whose place it takes; it counts as no document.
    Replaced,
}

impl Turn {
    fn of(reason: &str) -> Option<Self> {
        let reason = Reason::ALL.into_iter().find(|known| known.as_str() == reason)?;
        Some(match reason {
            Reason::Sale => Self::Sold,
            Reason::Refund => Self::Refunded,
            Reason::Dispute => Self::Disputed,
            Reason::Restored | Reason::Reissued => Self::Restored,
            Reason::Replaced => Self::Replaced,
        })
    }
}

/// So many documents are read at once.
const PAGE: i64 = 1_000;

/// A day in one zone begins at most 26 hours before or after it does in another.
const ZONES: TimeDelta = TimeDelta::days(2);

type Row = (i64, NaiveDateTime, i64, String, String, String, String, Option<i64>, Option<String>);

/// Goes through every tax of every document of the days from `first` until before `end`: what it is about, what the document
/// is, 1 if this is the document's first tax of that kind, and the tax's net and amount, which are never negative. The day of
/// a document is the one that stands on it, also where the store had another zone then; of one that does not say it, the day of
/// its issue in `zone`.
pub(crate) fn each(
    conn: &mut AnyConnection,
    first: NaiveDate,
    end: NaiveDate,
    zone: Zone,
    mut with: impl FnMut(Subject, Turn, i64, i64, i64),
) -> Result<(), Error> {
    let until = zone.start_of(end) + ZONES;
    let mut after = (zone.start_of(first) - ZONES, 0);
    loop {
        let rows: Vec<Row> = invoice::table
            .filter(invoice::issued_at.ge(after.0).and(invoice::issued_at.lt(until)))
            .filter(invoice::issued_at.gt(after.0).or(invoice::id.gt(after.1)))
            .order((invoice::issued_at, invoice::id))
            .limit(PAGE)
            .select((
                invoice::id,
                invoice::issued_at,
                invoice::order_id,
                invoice::number,
                invoice::reason,
                invoice::currency,
                invoice::lines_snapshot,
                invoice::corrects_id,
                invoice::facts_snapshot,
            ))
            .load(conn)?;
        let Some(last) = rows.last() else { return Ok(()) };
        after = (last.1, last.0);
        let orders: BTreeSet<i64> = rows.iter().map(|row| row.2).collect();
        let known = taxes_of(conn, &orders)?;
        for (_, at, order, number, reason, currency, lines, corrects, facts) in rows {
            let day = day_on(&number, facts.as_deref(), at, zone)?;
            if day < first || day >= end {
                continue;
            }
            let turn = Turn::of(&reason).ok_or_else(|| Error::internal(format!("document {number}: bad reason")))?;
            // One that only makes the invoice out anew gives nothing back.
            let counts = turn != Turn::Replaced && !(reason == Reason::Reissued.as_str() && corrects.is_none());
            let mut seen = BTreeSet::new();
            for (place, line) in (0..).zip(part::<Vec<Line>>(&number, &lines)?) {
                for (tax, region) in taxes(&line, known.get(&(order, line.position.unwrap_or(place)))) {
                    let subject = Subject {
                        country: tax.country,
                        region,
                        rate_ppm: tax.rate_ppm,
                        treatment: tax.treatment,
                        name: tax.name,
                        currency: currency.clone(),
                    };
                    let new = counts && seen.insert(subject.clone());
                    with(subject, turn, new.into(), tax.taxable, tax.amount);
                }
            }
        }
    }
}

/// The taxes of the orders' titles, by order and place, each with the part of its country.
type Known = HashMap<(i64, i32), Vec<(LineTax, String)>>;

fn taxes_of(conn: &mut AnyConnection, orders: &BTreeSet<i64>) -> Result<Known, Error> {
    let mut known = Known::new();
    for (place, line) in tax::lines_of_all(conn, orders)? {
        known.entry(place).or_default().push((LineTax::of(&line), line.region));
    }
    Ok(known)
}

/// A line's taxes, in the order of its title's, which say the part of the country. A line of before says none itself, and is
/// over its whole title.
fn taxes(line: &Line, known: Option<&Vec<(LineTax, String)>>) -> Vec<(LineTax, String)> {
    let known = known.map(Vec::as_slice).unwrap_or_default();
    if line.taxes.is_empty() && line.position.is_none() {
        return known.to_vec();
    }
    let region = |at: usize| known.get(at).map(|(_, region)| region.clone()).unwrap_or_default();
    line.taxes.iter().enumerate().map(|(at, tax)| (tax.clone(), region(at))).collect()
}
