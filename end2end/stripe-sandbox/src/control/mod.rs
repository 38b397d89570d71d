//! The sandbox's own routes under `/_sandbox/`: JSON, no key, not part of Stripe. README.md lists them.
//!
//! They are for tests and demos that are not written in Rust. Anyone who reaches the sandbox may use
//! them, one reason why it listens on loopback only; other sites' pages may not (see [`crate::guard`]).

mod payments;

use axum::Json;
use axum::extract::{Path, Query, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) use payments::{advance, close_dispute, dispute, expire, finish_refund, pay, refund, settle};

use crate::config::check_webhook_url;
use crate::core::Core;
use crate::faults::{Fault, FaultKind};
use crate::knobs::Knobs;
use crate::records::{Delivery, Endpoint};
use crate::{actions, attempts, chance};

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
        match filter.event {
            Some(event) => state.deliveries.of(&format!("event={event}")).cloned().collect(),
            None => state.deliveries.iter().cloned().collect(),
        }
    };
    data(rows)
}

pub(crate) async fn deliver(Shared(core): Shared<Core>, Path(id): Path<String>) -> Response {
    match actions::deliver_again(&core, &id) {
        Some(endpoints) => (StatusCode::ACCEPTED, Json(json!({ "endpoints": endpoints }))).into_response(),
        None => refuse(StatusCode::NOT_FOUND, "no such event"),
    }
}

pub(crate) async fn faults(Shared(core): Shared<Core>) -> Response {
    data(core.faults().iter().map(|armed| armed.fault.clone()).collect::<Vec<_>>())
}

pub(crate) async fn add_fault(Shared(core): Shared<Core>, Json(fault): Json<Fault>) -> Response {
    if let FaultKind::Status { status, .. } = fault.kind
        && !(400..=599).contains(&status)
    {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "status must be from 400 to 599");
    }
    if fault.times == 0 {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "times must be at least 1");
    }
    if fault.probability.is_some_and(|probability| !chance::is_probability(probability)) {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, "probability must be from 0 to 1");
    }
    core.faults().push_back(fault.into());
    StatusCode::CREATED.into_response()
}

pub(crate) async fn clear_faults(Shared(core): Shared<Core>) -> StatusCode {
    core.faults().clear();
    StatusCode::NO_CONTENT
}

pub(crate) async fn webhooks(Shared(core): Shared<Core>) -> Response {
    let rows: Vec<Value> = {
        let state = core.lock();
        let show = |endpoint: &Endpoint| {
            json!({
                "id": endpoint.id,
                "url": endpoint.url,
                "enabled_events": endpoint.events,
                "disabled": endpoint.disabled,
                "knobs": endpoint.knobs,
            })
        };
        state.endpoints.iter().map(show).collect()
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

/// `DELETE /_sandbox/webhooks/{id}`
pub(crate) async fn remove_webhook(Shared(core): Shared<Core>, Path(id): Path<String>) -> Response {
    if core.act(|state| state.endpoints.remove(&id)).is_none() {
        return refuse(StatusCode::NOT_FOUND, "no such endpoint");
    }
    core.flushed().await;
    StatusCode::NO_CONTENT.into_response()
}

/// `POST /_sandbox/webhooks/{id}/knobs`: all of them at once; what is left out is off.
pub(crate) async fn set_knobs(
    Shared(core): Shared<Core>,
    Path(id): Path<String>,
    Json(knobs): Json<Knobs>,
) -> Response {
    if let Some(problem) = knobs.problem() {
        return refuse(StatusCode::UNPROCESSABLE_ENTITY, problem);
    }
    if !actions::set_knobs(&core, &id, knobs.clone()) {
        return refuse(StatusCode::NOT_FOUND, "no such endpoint");
    }
    core.flushed().await;
    Json(json!(knobs)).into_response()
}

#[derive(Deserialize)]
pub(crate) struct By {
    by: Option<String>,
}

/// `GET /_sandbox/attempts?by=client_reference_id`, or `by=metadata.KEY`
pub(crate) async fn attempts(Shared(core): Shared<Core>, Query(by): Query<By>) -> Response {
    data(attempts::all(&core, by.by.as_deref().unwrap_or("client_reference_id")))
}
