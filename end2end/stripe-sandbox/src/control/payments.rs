//! What a test does to sessions, payments, refunds and disputes beside Stripe's API.

use axum::Json;
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;

use super::refuse;
use crate::checkout::{self, PayOutcome};
use crate::core::Core;
use crate::records::Cause;
use crate::{actions, objects, settling};

#[derive(Deserialize)]
pub(crate) struct Advance {
    seconds: u32,
}

/// `POST /_sandbox/sessions/{id}/advance` makes a session that much older.
pub(crate) async fn advance(
    Shared(core): Shared<Core>,
    Path(id): Path<String>,
    Json(advance): Json<Advance>,
) -> Response {
    let older = core.act(|state| {
        let older = state.sessions.update(&id, |session| {
            session.created -= i64::from(advance.seconds);
            session.expires_at -= i64::from(advance.seconds);
        });
        checkout::expire_due(state);
        older
    });
    if older.is_none() {
        return refuse(StatusCode::NOT_FOUND, "no such session");
    }
    session_now(&core, &id).await
}

/// `POST /_sandbox/sessions/{id}/expire`
pub(crate) async fn expire(Shared(core): Shared<Core>, Path(id): Path<String>) -> Response {
    if core.lock().sessions.get(&id).is_none() {
        return refuse(StatusCode::NOT_FOUND, "no such session");
    }
    if core.act(|state| checkout::expire(state, &id, &Cause::default())).is_err() {
        return refuse(StatusCode::CONFLICT, "the session is not open");
    }
    session_now(&core, &id).await
}

/// How something is to end.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Verdict {
    Succeed,
    Fail,
    Win,
    Lose,
}

impl Verdict {
    fn is_good(&self) -> bool {
        matches!(self, Self::Succeed | Self::Win)
    }
}

#[derive(Deserialize)]
pub(crate) struct Ending {
    outcome: Verdict,
}

/// `POST /_sandbox/sessions/{id}/settle` with `{"outcome": "succeed"}` or `"fail"`: a bank debit under way.
pub(crate) async fn settle(Shared(core): Shared<Core>, Path(id): Path<String>, Json(ending): Json<Ending>) -> Response {
    if core.lock().sessions.get(&id).is_none() {
        return refuse(StatusCode::NOT_FOUND, "no such session");
    }
    if !core.act(|state| settling::settle(state, &id, Some(ending.outcome.is_good()))) {
        return refuse(StatusCode::CONFLICT, "no bank debit is under way");
    }
    session_now(&core, &id).await
}

#[derive(Deserialize)]
pub(crate) struct Pay {
    card: String,
    email: Option<String>,
    country: Option<String>,
    /// A number for value-added tax, letters and digits alone.
    tax_id: Option<String>,
}

/// `POST /_sandbox/sessions/{id}/pay` with `{"card": "4242424242424242"}` (or a test account): as on the page.
pub(crate) async fn pay(Shared(core): Shared<Core>, Path(id): Path<String>, Json(pay): Json<Pay>) -> Response {
    if core.lock().sessions.get(&id).is_none() {
        return refuse(StatusCode::NOT_FOUND, "no such session");
    }
    let email = pay.email.as_deref().unwrap_or("buyer@example.com");
    match actions::pay(&core, &id, &pay.card, email, pay.country.as_deref().unwrap_or("US"), pay.tax_id.as_deref()) {
        PayOutcome::Completed { .. } => session_now(&core, &id).await,
        PayOutcome::Declined { message, .. } => refuse(StatusCode::PAYMENT_REQUIRED, &message),
        PayOutcome::AuthenticationRequired => refuse(StatusCode::CONFLICT, "the buyer has to authenticate on the page"),
        PayOutcome::Invalid(errors) => {
            refuse(StatusCode::UNPROCESSABLE_ENTITY, errors.first().map_or("invalid", |error| error.message))
        }
        PayOutcome::Expired | PayOutcome::NotFound => refuse(StatusCode::CONFLICT, "the session is not open"),
    }
}

#[derive(Deserialize)]
pub(crate) struct NewRefund {
    amount: Option<i64>,
}

/// `POST /_sandbox/payments/{id}/refund`: a session, payment intent or charge; `{}` or `{"amount": 500}`.
pub(crate) async fn refund(Shared(core): Shared<Core>, Path(id): Path<String>, Json(new): Json<NewRefund>) -> Response {
    match actions::refund(&core, &id, new.amount) {
        Ok(refund) => refund_now(&core, &refund).await,
        Err(error) => refuse(error.status(), error.message()),
    }
}

/// `POST /_sandbox/refunds/{id}/finish` with `{"outcome": "succeed"}` or `"fail"`
pub(crate) async fn finish_refund(
    Shared(core): Shared<Core>,
    Path(id): Path<String>,
    Json(ending): Json<Ending>,
) -> Response {
    if !actions::finish_refund(&core, &id, ending.outcome.is_good()) {
        return refuse(StatusCode::CONFLICT, "the refund is unknown or has ended");
    }
    refund_now(&core, &id).await
}

#[derive(Deserialize)]
pub(crate) struct NewDispute {
    reason: Option<String>,
    #[serde(default)]
    inquiry: bool,
}

/// `POST /_sandbox/payments/{id}/dispute` with `{}`, `{"reason": "…"}`, `{"inquiry": true}`
pub(crate) async fn dispute(
    Shared(core): Shared<Core>,
    Path(id): Path<String>,
    Json(new): Json<NewDispute>,
) -> Response {
    let reason = new.reason.as_deref().unwrap_or("fraudulent");
    if !actions::REASONS.contains(&reason) {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "no such reason");
    }
    match actions::open_dispute(&core, &id, reason, new.inquiry) {
        Some(dispute) => dispute_now(&core, &dispute).await,
        None => refuse(StatusCode::CONFLICT, "there is no charge to dispute, or it was disputed before"),
    }
}

/// `POST /_sandbox/disputes/{id}/close` with `{"outcome": "win"}` or `"lose"`
pub(crate) async fn close_dispute(
    Shared(core): Shared<Core>,
    Path(id): Path<String>,
    Json(ending): Json<Ending>,
) -> Response {
    if !actions::close_dispute(&core, &id, ending.outcome.is_good()) {
        return refuse(StatusCode::CONFLICT, "the dispute is unknown or closed");
    }
    dispute_now(&core, &id).await
}

async fn refund_now(core: &Core, id: &str) -> Response {
    core.flushed().await;
    let shown = core.lock().refunds.get(id).map(objects::refund);
    Json(shown.unwrap_or_default()).into_response()
}

async fn dispute_now(core: &Core, id: &str) -> Response {
    core.flushed().await;
    let shown = core.lock().disputes.get(id).map(|dispute| objects::dispute(dispute, false));
    Json(shown.unwrap_or_default()).into_response()
}

async fn session_now(core: &Core, id: &str) -> Response {
    core.flushed().await;
    let state = core.lock();
    let body = state.sessions.get(id).map(|session| objects::session(session, &state.base_url));
    Json(body.unwrap_or_default()).into_response()
}
