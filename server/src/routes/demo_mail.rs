//! `GET /demo/mailbox/{id}/html`: a mail's page as a mail program would show it, for the frame on the demo's own page.

use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Response};
use shop::Shop;

/// Nothing runs and nothing is loaded, wherever the page is opened; its links lead the whole window away.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'; \
     sandbox allow-top-navigation-by-user-activation",
);

/// The page, or 404 outside of a demo.
pub async fn page(State(shop): State<Shop>, Path(id): Path<String>) -> Response {
    let Some(folder) = shop.open_mailbox() else { return StatusCode::NOT_FOUND.into_response() };
    match folder.open(&id).await {
        Ok(Some(mail)) => {
            let html = mail.html.replace("<a ", "<a target=\"_top\" ");
            ([(header::CONTENT_SECURITY_POLICY, POLICY)], Html(html)).into_response()
        }
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => {
            tracing::error!(%error, "a mail of the demo could not be read");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
