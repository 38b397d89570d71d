//! Whether the process lives, and whether it can serve.

use axum::extract::State;
use axum::http::StatusCode;
use shop::Shop;

/// `GET /healthz`: the process answers.
pub async fn alive() -> &'static str {
    "ok"
}

/// `GET /readyz`: the database answers too, else 503.
pub async fn ready(State(shop): State<Shop>) -> Result<&'static str, (StatusCode, &'static str)> {
    match shop.db().read(shop::db::applied_versions).await {
        Ok(_) => Ok("ready"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            Err((StatusCode::SERVICE_UNAVAILABLE, "the database does not answer"))
        }
    }
}
