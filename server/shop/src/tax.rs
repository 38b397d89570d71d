//! Tax: how the store taxes, what tax an order bears, and what speaks for it.
//!
//! Amounts are minor units of the order's currency, rates parts per million. What an order bears is written once, with the
//! order, and never worked out again.

pub mod place;
pub mod rates;
pub mod report;
mod settings;
mod storing;
pub mod vat_id;
mod vies;
pub mod working;

use crate::Error;
use crate::db::AnyConnection;
use crate::db::schema::{order_item, order_tax};
use crate::types::{TaxSource, TaxTreatment};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

pub use settings::{TaxRates, settings};
pub(crate) use storing::{Looked, Taxed, plan, read_plan, tax, write};
pub(crate) use vies::Register;
pub use vies::Vies;

/// What tax an item bears at one rate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The order's item.
    pub item_id: i64,
    /// Where it is due: ISO 3166-1, two capital letters. Empty where nobody knew.
    pub country: String,
    /// The part of the country, where the rate is one of a part.
    pub region: String,
    /// What the tax is called there, like "VAT".
    pub name: String,
    /// Parts per million: 7 % is 70 000.
    pub rate_ppm: i64,
    /// What it was taken of, without it.
    pub taxable: i64,
    /// The tax.
    pub amount: i64,
    /// Whether the price held it already.
    pub inclusive: bool,
    /// How the sale is treated.
    pub treatment: TaxTreatment,
    /// Who worked it out.
    pub source: TaxSource,
}

/// Whether the prices of an order hold its tax: nothing was added to what is left of them.
#[must_use]
pub const fn is_included(subtotal: i64, discount: i64, total: i64) -> bool {
    subtotal.saturating_sub(discount) == total
}

/// What a [`Row`] is read from.
macro_rules! columns {
    () => {
        (
            order_tax::order_item_id,
            order_tax::country,
            order_tax::region,
            order_tax::name,
            order_tax::rate_ppm,
            order_tax::taxable,
            order_tax::amount,
            order_tax::inclusive,
            order_tax::treatment,
            order_tax::source,
        )
    };
}

/// The taxes of an order, item by item in the order's own order; an item may have several, and none if nobody taxes it.
///
/// # Errors
/// The database's.
pub fn lines_of(conn: &mut AnyConnection, order_id: i64) -> Result<Vec<Line>, Error> {
    let rows: Vec<Row> = order_tax::table
        .inner_join(order_item::table)
        .filter(order_item::order_id.eq(order_id))
        .order((order_item::position, order_tax::position))
        .select(columns!())
        .load(conn)?;
    rows.into_iter().map(Line::try_from).collect()
}

/// A tax behind its order and the place of its title in it.
type Placed = ((i64, i32), Line);

/// The taxes of many orders, each behind its order and the place of its title in it, in that order.
pub(crate) fn lines_of_all(conn: &mut AnyConnection, orders: &BTreeSet<i64>) -> Result<Vec<Placed>, Error> {
    let rows: Vec<((i64, i32), Row)> = order_tax::table
        .inner_join(order_item::table)
        .filter(order_item::order_id.eq_any(orders))
        .order((order_item::order_id, order_item::position, order_tax::position))
        .select(((order_item::order_id, order_item::position), columns!()))
        .load(conn)?;
    rows.into_iter().map(|(place, row)| Ok((place, row.try_into()?))).collect()
}

#[derive(Queryable)]
struct Row {
    item_id: i64,
    country: String,
    region: String,
    name: String,
    rate_ppm: i64,
    taxable: i64,
    amount: i64,
    inclusive: bool,
    treatment: String,
    source: String,
}

impl TryFrom<Row> for Line {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let unknown = |_| Error::internal(format!("the tax of item {} is unknown", row.item_id));
        Ok(Self {
            treatment: row.treatment.parse().map_err(unknown)?,
            source: row.source.parse().map_err(unknown)?,
            item_id: row.item_id,
            country: row.country,
            region: row.region,
            name: row.name,
            rate_ppm: row.rate_ppm,
            taxable: row.taxable,
            amount: row.amount,
            inclusive: row.inclusive,
        })
    }
}
