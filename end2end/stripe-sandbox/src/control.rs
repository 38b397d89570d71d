//! The sandbox's own routes under `/_sandbox/`: JSON, no key, not part of Stripe.
//!
//! They are for tests and demos that are not written in Rust. Anyone who reaches the sandbox may use
//! them, one reason why it listens on loopback only.
//!
//! - `GET /_sandbox/requests` → `{"data": […]}`, `DELETE` forgets them
//! - `GET /_sandbox/deliveries?event=evt_…` → `{"data": […]}`
//! - `POST /_sandbox/events/{id}/deliver` sends an event (again) to every endpoint
//! - `GET`, `POST`, `DELETE /_sandbox/faults`; `POST` takes `{"kind": "status", "status": 500}`, `{"kind": "reset"}`,
//!   `{"kind": "lost_answer"}` or `{"kind": "delay", "millis": 2000}`, each with optional `method`, `path`, `times`
//! - `GET`, `POST /_sandbox/webhooks`; `POST` takes `{"url": "http://…", "secret": "whsec_…"}`
//! - `POST /_sandbox/sessions/{id}/advance` with `{"seconds": 3600}` makes a session that much older
//! - `POST /_sandbox/sessions/{id}/expire`

use axum::Json;
use axum::extract::{Path, Query, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::checkout;
use crate::config::check_webhook_url;
use crate::core::Core;
use crate::faults::{Fault, FaultKind};
use crate::objects;
use crate::records::{Cause, Delivery};

fn refuse(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "error": { "message": message } }))).into_response()
}

fn data<T: serde::Serialize>(rows: T) -> Response {
    Json(json!({ "data": rows })).into_response()
}

pub(crate) async fn requests(Shared(core): Shared<Core>) -> Response {
    data(core.requests())
}

pub(crate) async fn forget_requests(Shared(core): Shared<Core>) -> StatusCode {
    core.forget_requests();
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
pub(crate) struct DeliveryFilter {
    event: Option<String>,
}

pub(crate) async fn deliveries(Shared(core): Shared<Core>, Query(filter): Query<DeliveryFilter>) -> Response {
    let rows: Vec<Delivery> = {
        let state = core.lock();
        let wanted = |delivery: &&Delivery| filter.event.as_ref().is_none_or(|event| *event == delivery.event);
        state.deliveries.iter().filter(wanted).cloned().collect()
    };
    data(rows)
}

/// Queues an event for every endpoint; the number of endpoints, or `None` for an unknown event.
pub(crate) fn queue_again(core: &Core, event_id: &str) -> Option<usize> {
    let count = {
        let mut state = core.lock();
        let kind = state.events.get(event_id)?.kind.clone();
        let endpoints = state.endpoints.clone();
        for endpoint in &endpoints {
            state.queue(event_id, &kind, endpoint);
        }
        endpoints.len()
    };
    core.changed();
    Some(count)
}

pub(crate) async fn deliver(Shared(core): Shared<Core>, Path(id): Path<String>) -> Response {
    match queue_again(&core, &id) {
        Some(endpoints) => (StatusCode::ACCEPTED, Json(json!({ "endpoints": endpoints }))).into_response(),
        None => refuse(StatusCode::NOT_FOUND, "no such event"),
    }
}

pub(crate) async fn faults(Shared(core): Shared<Core>) -> Response {
    data(core.faults().iter().collect::<Vec<_>>())
}

pub(crate) async fn add_fault(Shared(core): Shared<Core>, Json(fault): Json<Fault>) -> Response {
    if let FaultKind::Status { status } = fault.kind
        && !(400..=599).contains(&status)
    {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "status must be from 400 to 599");
    }
    if fault.times == 0 {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "times must be at least 1");
    }
    core.faults().push_back(fault);
    StatusCode::CREATED.into_response()
}

pub(crate) async fn clear_faults(Shared(core): Shared<Core>) -> StatusCode {
    core.faults().clear();
    StatusCode::NO_CONTENT
}

pub(crate) async fn webhooks(Shared(core): Shared<Core>) -> Response {
    let rows: Vec<Value> = {
        let state = core.lock();
        state.endpoints.iter().map(|endpoint| json!({ "id": endpoint.id, "url": endpoint.url })).collect()
    };
    data(rows)
}

#[derive(Deserialize)]
pub(crate) struct NewWebhook {
    url: String,
    secret: String,
}

pub(crate) async fn add_webhook(Shared(core): Shared<Core>, Json(webhook): Json<NewWebhook>) -> Response {
    if let Err(error) = check_webhook_url(&webhook.url) {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, &error.to_string());
    }
    let id = core.lock().add_endpoint(&webhook.url, &webhook.secret);
    core.changed();
    core.flushed().await;
    (StatusCode::CREATED, Json(json!({ "id": id, "url": webhook.url }))).into_response()
}

#[derive(Deserialize)]
pub(crate) struct Advance {
    seconds: u32,
}

pub(crate) async fn advance(
    Shared(core): Shared<Core>,
    Path(id): Path<String>,
    Json(advance): Json<Advance>,
) -> Response {
    {
        let mut state = core.lock();
        let Some(session) = state.sessions.get_mut(&id) else {
            return refuse(StatusCode::NOT_FOUND, "no such session");
        };
        session.created -= i64::from(advance.seconds);
        session.expires_at -= i64::from(advance.seconds);
        checkout::expire_due(&mut state);
    }
    session_now(&core, &id).await
}

pub(crate) async fn expire(Shared(core): Shared<Core>, Path(id): Path<String>) -> Response {
    {
        let mut state = core.lock();
        if state.sessions.get(&id).is_none() {
            return refuse(StatusCode::NOT_FOUND, "no such session");
        }
        if checkout::expire(&mut state, &id, &Cause::default()).is_err() {
            return refuse(StatusCode::CONFLICT, "the session is not open");
        }
    }
    session_now(&core, &id).await
}

async fn session_now(core: &Core, id: &str) -> Response {
    core.changed();
    core.flushed().await;
    let state = core.lock();
    let body = state.sessions.get(id).map(|session| objects::session(session, &state.base_url));
    Json(body.unwrap_or_default()).into_response()
}
