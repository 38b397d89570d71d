//! The report of a quarter's taxes as a file.

use super::desk_files::{file, guard, refusal};
use super::figures::unkept;
use axum::Extension;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Response};
use shop::tax::report::Quarter;
use shop::types::Role;
use shop::{Shop, StaffSecret};
use std::collections::HashMap;

/// As CSV.
pub async fn report(
    State(shop): State<Shop>,
    Query(asked): Query<HashMap<String, String>>,
    secret: Option<Extension<StaffSecret>>,
    headers: HeaderMap,
) -> Response {
    if let Err(answer) = guard(&shop, secret, &headers, Role::Admin, "/admin/settings/tax").await {
        return unkept(*answer);
    }
    let quarter = asked.get("quarter").map(|text| text.parse::<Quarter>());
    let Some(Ok(quarter)) = quarter else { return StatusCode::BAD_REQUEST.into_response() };
    match shop.tax_report(quarter).await {
        Ok(report) => file("text/csv; charset=utf-8", &format!("tax-{quarter}.csv"), report.csv()),
        Err(error) => refusal(&error),
    }
}
