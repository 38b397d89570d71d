//! The store's figures of some days, each against the days before.

use super::figures::Figures;
use super::{Range, Zone, parts, state};
use crate::db::AnyConnection;
use crate::db::schema::visits;
use crate::types::Currency;
use crate::{Error, Shop};
use chrono::{NaiveDate, NaiveDateTime, NaiveTime};
use diesel::prelude::*;
use diesel::sql_types::Text;
use std::collections::BTreeMap;

/// The figures of a range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// In which the days are counted.
    pub zone: Zone,
    /// Which days.
    pub range: Range,
    /// What they are compared with.
    pub before: Range,
    /// A row for each currency in which anything happened in either; the store's own first, then by orders. Several
    /// currencies are never added together.
    pub currencies: Vec<CurrencySummary>,
    /// From the look at a book to the order, whatever the currency …
    pub funnel: Funnel,
    /// … and in the days before.
    pub funnel_before: Funnel,
}

/// The figures of one currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrencySummary {
    /// Which.
    pub currency: Currency,
    /// In the range.
    pub now: Figures,
    /// In the days before it.
    pub before: Figures,
}

/// How many came how far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
pub struct Funnel {
    /// Looks at a book's page, by whoever is not a known robot.
    pub views: i64,
    /// Books that were put into carts.
    pub carts: i64,
    /// Checkouts that were begun.
    pub checkouts: i64,
    /// Orders that were paid, or completed where there was nothing to pay.
    pub orders: i64,
}

impl Funnel {
    /// Orders for each hundred looks, in hundredths; nothing where nobody has looked.
    #[must_use]
    pub fn conversion(&self) -> Option<i64> {
        share(self.orders, self.views)
    }
}

/// A part of a whole, in hundredths of a per cent.
#[must_use]
pub fn share(part: i64, whole: i64) -> Option<i64> {
    (whole > 0).then(|| part.saturating_mul(10_000).saturating_add(whole / 2) / whole)
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    currency: String,
    #[diesel(embed)]
    figures: Figures,
}

impl Shop {
    /// As [`summary`], in one look at the database.
    ///
    /// # Errors
    /// The database's.
    pub async fn summary(&self, range: Range) -> Result<Summary, Error> {
        self.count_downloads_if_possible().await;
        let own = self.currency();
        self.0.db.read(move |conn| summary(conn, &range, own)).await
    }
}

/// The figures of a range, each currency's against the days before; `own` is the store's currency, which is always there.
///
/// # Errors
/// The database's.
pub fn summary(conn: &mut AnyConnection, range: &Range, own: Currency) -> Result<Summary, Error> {
    let (zone, _) = state::read(conn)?;
    let before = range.before();
    let mut both: BTreeMap<Currency, (Figures, Figures)> = BTreeMap::from([(own, Default::default())]);
    for row in sums(conn, range)? {
        both.entry(currency(&row.currency)?).or_default().0 = row.figures;
    }
    for row in sums(conn, &before)? {
        both.entry(currency(&row.currency)?).or_default().1 = row.figures;
    }
    let mut currencies: Vec<CurrencySummary> =
        both.into_iter().map(|(currency, (now, before))| CurrencySummary { currency, now, before }).collect();
    currencies.sort_by_key(|row| (row.currency != own, -row.now.orders, -row.before.orders));
    let (mut funnel, mut funnel_before) = steps(conn, range)?;
    for row in &currencies {
        for (funnel, figures) in [(&mut funnel, &row.now), (&mut funnel_before, &row.before)] {
            funnel.checkouts = funnel.checkouts.saturating_add(figures.checkouts);
            funnel.orders = funnel.orders.saturating_add(figures.orders);
        }
    }
    Ok(Summary { zone, range: *range, before, currencies, funnel, funnel_before })
}

fn sums(conn: &mut AnyConnection, range: &Range) -> Result<Vec<Row>, Error> {
    let rows = parts::rows("all", range, "");
    let query = format!("SELECT currency, {} FROM ({rows}) AS part GROUP BY currency", summed());
    Ok(diesel::sql_query(query).load(conn)?)
}

/// Every figure's sum, under its own name.
pub(super) fn summed() -> String {
    Figures::COLUMNS.iter().map(|name| format!("CAST(SUM({name}) AS BIGINT) AS {name}")).collect::<Vec<_>>().join(", ")
}

pub(super) fn midnight(day: NaiveDate) -> NaiveDateTime {
    day.and_time(NaiveTime::MIN)
}

pub(super) fn currency(code: &str) -> Result<Currency, Error> {
    code.parse().map_err(|_| Error::internal(format!("a tally in the unknown currency {code}")))
}

/// The steps that are counted when they are taken: of the range, and of the days before.
fn steps(conn: &mut AnyConnection, range: &Range) -> Result<(Funnel, Funnel), Error> {
    let rows: Vec<(NaiveDate, String, i64)> = visits::table
        .filter(visits::day.between(range.before().from, range.until))
        .select((visits::day, visits::step, visits::count))
        .load(conn)?;
    let (mut now, mut before) = (Funnel::default(), Funnel::default());
    for (day, step, count) in rows {
        let funnel = if day >= range.from { &mut now } else { &mut before };
        match step.as_str() {
            "view" => funnel.views = funnel.views.saturating_add(count),
            "cart" => funnel.carts = funnel.carts.saturating_add(count),
            _ => {}
        }
    }
    Ok((now, before))
}
