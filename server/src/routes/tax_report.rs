//! The report of a quarter's taxes as a file.

use super::desk_books::admin;
use super::desk_files::{file, refusal};
use crate::router::AppState;
use axum::extract::{Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use shop::tax::report::Quarter;
use std::collections::HashMap;

/// As CSV.
pub async fn report(
    State(state): State<AppState>,
    Query(asked): Query<HashMap<String, String>>,
    request: Request,
) -> Response {
    let (parts, _) = request.into_parts();
    if let Err(answer) = admin(&state, &parts, "/admin/settings/tax").await {
        return answer;
    }
    let quarter = asked.get("quarter").map(|text| text.parse::<Quarter>());
    let Some(Ok(quarter)) = quarter else { return StatusCode::BAD_REQUEST.into_response() };
    match state.shop.tax_report(quarter).await {
        Ok(report) => file("text/csv; charset=utf-8", &format!("tax-{quarter}.csv"), report.csv()),
        Err(error) => refusal(&error),
    }
}
