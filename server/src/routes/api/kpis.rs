//! `GET /api/v1/kpis`: the figures of the desk's overview.

use super::extract::{May, Params, ViewerReads};
use super::problem::Problem;
use axum::Json;
use axum::extract::State;
use chrono::{Days, NaiveDate};
use serde::{Deserialize, Serialize};
use shop::Shop;
use shop::analytics::{CurrencySummary, Figures, Funnel, Range};
use utoipa::{IntoParams, ToSchema};

/// Days before the last one if nobody says the first.
const USUAL: Days = Days::new(29);

/// The figures of some days beside those of as many days before.
#[derive(Debug, Serialize, ToSchema)]
pub struct Kpis {
    /// In which days are counted: a name of the IANA's list.
    zone: String,
    /// The first day.
    #[schema(format = Date)]
    from: String,
    /// The last day.
    #[schema(format = Date)]
    until: String,
    /// What they are compared with.
    before: DaysBefore,
    /// One for each currency in which anything happened; the store's own first.
    currencies: Vec<CurrencyKpis>,
    funnel: FunnelCounts,
    /// In the days before.
    funnel_before: FunnelCounts,
}

/// The days before.
#[derive(Debug, Serialize, ToSchema)]
pub struct DaysBefore {
    #[schema(format = Date)]
    from: String,
    #[schema(format = Date)]
    until: String,
}

/// The figures of one currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct CurrencyKpis {
    /// ISO 4217.
    currency: String,
    now: FiguresOf,
    before: FiguresOf,
}

/// What is counted. Money is in minor units of the currency.
#[derive(Debug, Serialize, ToSchema)]
pub struct FiguresOf {
    /// What is left to the store: what was paid, without tax, less what went back.
    net: i64,
    /// What buyers paid, with tax and after discounts.
    gross: i64,
    /// What was taken off before.
    discount: i64,
    /// The tax in `gross`.
    tax: i64,
    /// Orders that were paid, or completed where there was nothing to pay.
    orders: i64,
    /// Of these, the ones that cost nothing.
    free: i64,
    /// What an order came to that cost something; null if there was none.
    average: Option<i64>,
    /// Titles in the orders.
    units: i64,
    /// Refunds.
    refunds: i64,
    /// What went back with them, tax included.
    refunded: i64,
    /// What banks took back in disputes that were lost.
    disputed: i64,
    /// Downloads that were begun.
    downloads: i64,
    /// Titles of which no download was ever begun, free ones and those that were taken back among them.
    never_fetched: i64,
}

/// How many came how far.
#[derive(Debug, Serialize, ToSchema)]
pub struct FunnelCounts {
    /// Looks at a book's page, by whoever is not a known robot.
    views: i64,
    /// Books that were put into carts.
    carts: i64,
    /// Checkouts that were begun.
    checkouts: i64,
    /// Orders that were paid, or completed where there was nothing to pay.
    orders: i64,
}

impl From<&Figures> for FiguresOf {
    fn from(figures: &Figures) -> Self {
        Self {
            net: figures.net(),
            gross: figures.gross,
            discount: figures.discount,
            tax: figures.tax,
            orders: figures.orders,
            free: figures.free,
            average: figures.average(),
            units: figures.units,
            refunds: figures.refunds,
            refunded: figures.refunded,
            disputed: figures.disputed,
            downloads: figures.downloads,
            never_fetched: figures.never_fetched(),
        }
    }
}

impl From<&CurrencySummary> for CurrencyKpis {
    fn from(summary: &CurrencySummary) -> Self {
        let CurrencySummary { currency, now, before } = summary;
        Self { currency: currency.code().to_owned(), now: now.into(), before: before.into() }
    }
}

impl From<Funnel> for FunnelCounts {
    fn from(Funnel { views, carts, checkouts, orders }: Funnel) -> Self {
        Self { views, carts, checkouts, orders }
    }
}

/// Which days.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct KpisQuery {
    /// The first day; 29 days before the last one if it is left out.
    #[param(format = Date)]
    from: Option<String>,
    /// The last day; today, where the store is, if it is left out.
    #[param(format = Date)]
    until: Option<String>,
}

/// Gives the store's figures of some days, each beside that of as many days before.
#[utoipa::path(
    get, path = "/api/v1/kpis", tag = "Figures", operation_id = "get-kpis", params(KpisQuery),
    security(("bearer" = ["viewer", "read"])),
    responses((status = 200, description = "The figures.", body = Kpis)),
)]
pub async fn get(
    State(shop): State<Shop>,
    _caller: May<ViewerReads>,
    Params(query): Params<KpisQuery>,
) -> Result<Json<Kpis>, Problem> {
    let day = |text: &str| {
        let day = text.parse::<NaiveDate>();
        day.map_err(|_| Problem::bad_request("A day is written like 2026-11-22: year, month, day."))
    };
    let until = match query.until.as_deref() {
        Some(until) => day(until)?,
        None => shop.today().await?,
    };
    let from = match query.from.as_deref() {
        Some(from) => day(from)?,
        None => until.checked_sub_days(USUAL).unwrap_or(until),
    };
    let range = Range::new(from, until).ok_or_else(|| {
        Problem::bad_request("The days are from one day to the same or a later one, ten years at most.")
    })?;
    let summary = shop.summary(range).await?;
    Ok(Json(Kpis {
        zone: summary.zone.to_string(),
        from: summary.range.from.to_string(),
        until: summary.range.until.to_string(),
        before: DaysBefore { from: summary.before.from.to_string(), until: summary.before.until.to_string() },
        currencies: summary.currencies.iter().map(CurrencyKpis::from).collect(),
        funnel: summary.funnel.into(),
        funnel_before: summary.funnel_before.into(),
    }))
}
