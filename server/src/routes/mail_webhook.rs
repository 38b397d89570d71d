//! `POST /webhooks/mail`: what the mail provider says about mails that it took, signed as Standard Webhooks describe.

use crate::router::AppState;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use shop::outbox::{Feedback, MailSignature};

/// The names of the three headers: the standard's, and those of the company that began it.
const HEADERS: [[&str; 3]; 2] =
    [["webhook-id", "webhook-timestamp", "webhook-signature"], ["svix-id", "svix-timestamp", "svix-signature"]];

/// Answers 200 for every event that is signed, also for one about a mail that is none of ours; 400 for anything that
/// the provider has not signed in the last five minutes; 404 in a store without `MAIL_WEBHOOK_SECRET`; 503 if the
/// database does not take it: the provider comes back then.
pub async fn receive(State(state): State<AppState>, headers: HeaderMap, body: Bytes) -> (StatusCode, &'static str) {
    let Some(secrets) = &state.mail_webhook_secrets else { return (StatusCode::NOT_FOUND, "not found") };
    let Some(signature) = HEADERS.iter().find_map(|names| signature(&headers, names)) else {
        return (StatusCode::BAD_REQUEST, "webhook-id, webhook-timestamp and webhook-signature are needed, once each");
    };
    if !secrets.verify(signature, &body, state.shop.clock().now()) {
        tracing::warn!("a delivery of the mail provider was refused: wrong signature, or too old");
        return (StatusCode::BAD_REQUEST, "the signature is wrong or too old");
    }
    let feedback = match Feedback::parse(&body) {
        Ok(Some(feedback)) => feedback,
        Ok(None) => return (StatusCode::OK, "ignored"),
        Err(_) => return (StatusCode::BAD_REQUEST, "this is no event"),
    };
    match state.shop.keep_mail_feedback(feedback).await {
        Ok(true) => (StatusCode::OK, "kept"),
        Ok(false) => (StatusCode::OK, "ignored"),
        Err(error) => {
            tracing::error!(%error, "a delivery of the mail provider could not be kept");
            (StatusCode::SERVICE_UNAVAILABLE, "try again")
        }
    }
}

/// The three headers, if each is there exactly once.
fn signature<'a>(headers: &'a HeaderMap, names: &[&str; 3]) -> Option<MailSignature<'a>> {
    let one = |name: &str| {
        let mut values = headers.get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    };
    Some(MailSignature { id: one(names[0])?, timestamp: one(names[1])?, signatures: one(names[2])? })
}
