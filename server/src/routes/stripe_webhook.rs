//! `POST /webhooks/stripe`: verify, keep, say 200. Nothing else happens in the request.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use shop::events::WebhookSecrets;
use shop::{ErrorKind, Shop};

/// Answers 200 when the event is kept durably (or was there already), 400 for anything that Stripe has not signed in
/// the last five minutes, 503 if the database does not take it: Stripe comes back then
/// (<https://docs.stripe.com/webhooks#retries>).
pub async fn receive(
    State(shop): State<Shop>,
    State(secrets): State<WebhookSecrets>,
    headers: HeaderMap,
    body: Bytes,
) -> (StatusCode, &'static str) {
    let mut signatures = headers.get_all("stripe-signature").iter();
    let (Some(signature), None) = (signatures.next().and_then(|value| value.to_str().ok()), signatures.next()) else {
        return (StatusCode::BAD_REQUEST, "exactly one Stripe-Signature header is needed");
    };
    if let Err(error) = secrets.verify(signature, &body, shop.clock().now()) {
        tracing::warn!(%error, "a webhook delivery was refused");
        return (StatusCode::BAD_REQUEST, "the signature is wrong or too old");
    }
    match shop.keep_event(&body).await {
        Ok(true) => (StatusCode::OK, "kept"),
        Ok(false) => (StatusCode::OK, "known"),
        Err(error) if error.kind() == ErrorKind::BadRequest => (StatusCode::BAD_REQUEST, "this is no event"),
        Err(error) => {
            tracing::error!(%error, "a webhook delivery could not be kept");
            (StatusCode::SERVICE_UNAVAILABLE, "try again")
        }
    }
}
