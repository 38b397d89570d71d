//! Whether the process lives, and whether it can serve.

use crate::lanes::Welcome;
use axum::extract::State;
use axum::http::StatusCode;
use shop::Shop;

/// `GET /healthz`: the process answers.
pub async fn alive() -> &'static str {
    "ok"
}

/// `GET /readyz`: new requests are welcome and the database answers, else 503.
pub async fn ready(
    State(shop): State<Shop>,
    State(welcome): State<Welcome>,
) -> Result<&'static str, (StatusCode, &'static str)> {
    if !welcome.is_open() {
        return Err((StatusCode::SERVICE_UNAVAILABLE, "closing"));
    }
    match shop.db().read(shop::db::applied_versions).await {
        Ok(_) => Ok("ready"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            Err((StatusCode::SERVICE_UNAVAILABLE, "the database does not answer"))
        }
    }
}
