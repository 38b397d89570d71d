//! The HTTP API under `/v1`: one entry for all requests, then a table of endpoints.
//!
//! The entry does what is the same everywhere: keys, faults, idempotency, the record of requests.
//! An endpoint is a plain function from the locked state and the parameters to JSON.

mod create;
mod customers;
mod discounts;
mod disputes;
mod endpoints;
mod events;
mod expand;
mod idempotency;
mod items;
mod lists;
mod payments;
mod refunds;
mod routes;
mod sessions;

use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Request, State as Shared};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use serde_json::Value;

use crate::connection::Connection;
use crate::core::{Core, RecordedRequest};
use crate::error::ApiError;
use crate::faults::{self, FaultKind};
use crate::form::{self, Node};
use crate::params::Params;
use crate::records::Cause;
use crate::state::State;
use crate::{clock, ids, objects};

/// What an endpoint gets.
pub(crate) struct Call<'a> {
    pub(crate) state: &'a mut State,
    pub(crate) params: Params<'a>,
    pub(crate) cause: Cause,
}

/// What an endpoint gives.
pub(crate) type Answer = Result<Value, ApiError>;

/// The finished answer, before it is bytes on a wire.
#[derive(Clone)]
pub(crate) struct Done {
    pub(crate) status: StatusCode,
    pub(crate) body: String,
    /// Whether an idempotency key keeps it.
    pub(crate) kept: bool,
    /// The first request's id, where this is a replay.
    pub(crate) replay_of: Option<String>,
    /// The id of the object answered with.
    pub(crate) object: Option<String>,
    /// For the header `Retry-After`.
    pub(crate) retry_after: Option<u32>,
}

impl Done {
    pub(crate) fn from_answer(answer: Answer, request_id: &str) -> Self {
        let (status, body, kept, object) = match answer {
            Ok(value) => (StatusCode::OK, pretty(&value), true, id_of(&value)),
            Err(error) => (error.status(), pretty(&error.body(request_id, clock::now())), error.is_kept(), None),
        };
        Self { status, body, kept, replay_of: None, object, retry_after: None }
    }
}

fn id_of(answer: &Value) -> Option<String> {
    answer.get("id").and_then(Value::as_str).map(str::to_owned)
}

fn pretty(value: &Value) -> String {
    // `{:#}` is serde_json's indented form; Stripe indents its answers too.
    format!("{value:#}\n")
}

/// Every request under `/v1`.
pub(crate) async fn entry(Shared(core): Shared<Core>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let connection = parts.extensions.get::<axum::extract::ConnectInfo<Connection>>().map(|info| info.0.clone());
    let request_id = ids::request();
    if let Some(connection) = &connection {
        connection.steady();
    }
    let bytes = axum::body::to_bytes(body, form::MAX_BODY).await;
    let path = parts.uri.path().to_owned();
    let query = parts.uri.query().unwrap_or_default().as_bytes();
    let key = parts.headers.get("idempotency-key").and_then(|v| v.to_str().ok()).map(str::to_owned);
    let mut joined = query.to_vec();
    if let Ok(bytes) = &bytes {
        if !joined.is_empty() && !bytes.is_empty() {
            joined.push(b'&');
        }
        joined.extend_from_slice(bytes);
    }
    core.record(RecordedRequest {
        id: request_id.clone(),
        method: parts.method.to_string(),
        path: path.clone(),
        idempotency_key: key.clone(),
        form: form::pairs(&joined),
        at: clock::now_millis(),
        status: None,
        object: None,
        replayed: false,
    });
    let version = parts.headers.get("stripe-version").cloned();
    let incoming = Incoming {
        id: request_id.clone(),
        method: parts.method,
        path,
        headers: parts.headers,
        form: bytes.map(|_| Bytes::from(joined)).map_err(|_| ApiError::invalid("Request body is too large.")),
        key: key.clone(),
    };
    // In its own task: as with Stripe, a client that hangs up does not stop the work.
    let worker = {
        let core = core.clone();
        tokio::spawn(async move { work(&core, incoming).await })
    };
    let (done, fault) = worker.await.unwrap_or_else(|error| {
        tracing::error!(%error, "a request failed");
        (Done::from_answer(Err(ApiError::injected(StatusCode::INTERNAL_SERVER_ERROR)), &request_id), None)
    });
    let cut = matches!(fault, Some(FaultKind::Reset | FaultKind::LostAnswer)) && connection.is_some();
    let status = (!cut).then_some(done.status.as_u16());
    core.record_answer(&request_id, status, done.object.clone(), done.replay_of.is_some());
    match (connection, fault) {
        (Some(connection), Some(FaultKind::Reset | FaultKind::LostAnswer)) => connection.reset(),
        (Some(connection), Some(FaultKind::Slow { millis })) => {
            connection.slow(done.body.len(), Duration::from_millis(millis));
        }
        _ => {}
    }
    respond(done, &request_id, key.as_deref(), version)
}

struct Incoming {
    id: String,
    method: Method,
    path: String,
    headers: HeaderMap,
    form: Result<Bytes, ApiError>,
    key: Option<String>,
}

async fn work(core: &Core, incoming: Incoming) -> (Done, Option<FaultKind>) {
    let fault = faults::take(&mut core.faults(), incoming.method.as_str(), &incoming.path);
    let fail = |error| Done::from_answer(Err(error), &incoming.id);
    if fault == Some(FaultKind::Reset) {
        return (fail(ApiError::injected(StatusCode::INTERNAL_SERVER_ERROR)), fault);
    }
    let form = match check(&incoming) {
        Ok(form) => form,
        Err(error) => return (fail(error), fault),
    };
    let key = incoming.key.as_deref().filter(|_| incoming.method == Method::POST);
    let claim = match key.map(|key| core.claim_key(key).ok_or_else(|| ApiError::key_in_use(key))).transpose() {
        Ok(claim) => claim,
        Err(error) => return (fail(error), fault),
    };
    if let Some(FaultKind::Delay { millis }) = fault {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
    let done = {
        let mut state = core.lock();
        if crate::checkout::expire_due(&mut state) {
            core.changed();
        }
        let fingerprint = idempotency::fingerprint(&form);
        match key.and_then(|key| idempotency::replay(&state, key, &incoming.path, &fingerprint)) {
            Some(Ok(done)) => done,
            Some(Err(error)) => fail(error),
            None => {
                let answer = match fault {
                    Some(FaultKind::Status { status, .. }) => Err(ApiError::injected(
                        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
                    )),
                    _ => {
                        let cause = Cause { request: Some(incoming.id.clone()), idempotency_key: incoming.key.clone() };
                        let call = Call { state: &mut state, params: Params::root(&form), cause };
                        routes::dispatch(call, incoming.method.as_str(), &incoming.path)
                    }
                };
                let mut done = Done::from_answer(answer, &incoming.id);
                if let Some(FaultKind::Status { retry_after, .. }) = fault {
                    done.retry_after = retry_after;
                }
                if let Some(key) = key.filter(|_| done.kept) {
                    idempotency::keep(&mut state, key, &incoming.path, fingerprint, &done, &incoming.id);
                }
                done
            }
        }
    };
    drop(claim);
    if incoming.method != Method::GET {
        core.changed();
        core.flushed().await;
    }
    (done, fault)
}

/// Key, encoding and parameters, before anything is done.
fn check(incoming: &Incoming) -> Result<Node, ApiError> {
    authorize(&incoming.headers)?;
    if let Some(key) = incoming.headers.get("idempotency-key") {
        idempotency::check_key(key)?;
    }
    let bytes = incoming.form.as_ref().map_err(Clone::clone)?;
    let content_type = incoming.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok());
    let is_form = content_type.is_none_or(|kind| kind.starts_with("application/x-www-form-urlencoded"));
    if incoming.method == Method::POST && !bytes.is_empty() && !is_form {
        return Err(ApiError::invalid(
            "Invalid request (check that your POST content type is application/x-www-form-urlencoded). If you have \
             any questions, we can help at https://support.stripe.com/.",
        ));
    }
    form::parse(bytes)
}

fn authorize(headers: &HeaderMap) -> Result<(), ApiError> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(read_key);
    let Some(key) = given else {
        return Err(ApiError::unauthorized(
            "You did not provide an API key. You need to provide your API key in the Authorization header, using \
             Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY'). See \
             https://stripe.com/docs/api#authentication for details.",
        ));
    };
    if key.starts_with("sk_live_") || key.starts_with("rk_live_") {
        return Err(ApiError::unauthorized(
            "This is stripe-sandbox, not Stripe, and you sent it a live secret key. Nothing was done. Use a key that \
             begins with sk_test_, and consider rolling the live key.",
        ));
    }
    if key.strip_prefix("sk_test_").or_else(|| key.strip_prefix("rk_test_")).is_some_and(|rest| !rest.is_empty()) {
        return Ok(());
    }
    let shown: String = key.chars().take(7).collect();
    Err(ApiError::unauthorized(format!("Invalid API Key provided: {shown}****")))
}

/// The key of `Bearer sk_test_…`, or of `Basic` with the key as user name.
fn read_key(header: &str) -> Option<String> {
    let (scheme, rest) = header.split_once(' ')?;
    let key = if scheme.eq_ignore_ascii_case("bearer") {
        rest.trim().to_owned()
    } else if scheme.eq_ignore_ascii_case("basic") {
        let bytes = base64::engine::general_purpose::STANDARD.decode(rest.trim()).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        text.split(':').next()?.to_owned()
    } else {
        return None;
    };
    (!key.is_empty()).then_some(key)
}

fn respond(done: Done, request_id: &str, key: Option<&str>, version: Option<HeaderValue>) -> Response {
    let mut response = Response::new(Body::from(done.body));
    *response.status_mut() = done.status;
    let headers = response.headers_mut();
    let mut set = |name: &'static str, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            headers.insert(name, value);
        }
    };
    set("content-type", "application/json");
    set("cache-control", "no-cache, no-store");
    set("request-id", request_id);
    set("stripe-version", objects::API_VERSION);
    if let Some(key) = key {
        set("idempotency-key", key);
    }
    if let Some(first) = &done.replay_of {
        set("idempotent-replayed", "true");
        set("original-request", first);
    }
    if let Some(seconds) = done.retry_after {
        set("retry-after", &seconds.to_string());
    }
    if done.status == StatusCode::UNAUTHORIZED {
        set("www-authenticate", "Bearer realm=\"Stripe\"");
    }
    if let Some(version) = version {
        headers.insert("stripe-version", version);
    }
    response
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    const FORM: &str = "mode=payment&success_url=http://127.0.0.1:9/&line_items[0][quantity]=1\
        &line_items[0][price_data][currency]=usd&line_items[0][price_data][unit_amount]=1299\
        &line_items[0][price_data][product_data][name]=Dune";

    fn ask(state: &mut State, method: &str, path: &str, form: &str) -> Value {
        let form = form::parse(form.as_bytes()).unwrap();
        let call = Call { state, params: Params::root(&form), cause: Cause::default() };
        routes::dispatch(call, method, path).unwrap()
    }

    /// Not a benchmark: a scan of all rows for each question would take a hundred times as long.
    #[test]
    fn ten_thousand_sessions_are_no_burden() {
        let mut state = State::new(50_000);
        let first = ask(&mut state, "POST", "/v1/checkout/sessions", FORM);
        let first = id_of(&first).unwrap();
        let row = state.sessions.get(&first).cloned().unwrap();
        for n in 1..10_000 {
            let id = format!("cs_test_{n}");
            let event = crate::records::Event {
                id: format!("evt_{n}"),
                created: row.created,
                kind: "checkout.session.completed".to_owned(),
                object: "{}".to_owned(),
                cause: Cause::default(),
                endpoints: 0,
                about: Vec::new(),
            };
            state.sessions.push(crate::records::Session { id, ..row.clone() });
            state.events.push(event);
        }
        crate::checkout::expire(&mut state, &first, &Cause::default()).unwrap();
        let begun = Instant::now();
        for _ in 0..1_000 {
            ask(&mut state, "GET", &format!("/v1/checkout/sessions/{first}"), "");
            crate::checkout::expire_due(&mut state);
            let expired = ask(&mut state, "GET", "/v1/checkout/sessions", "status=expired");
            assert_eq!(expired["data"].as_array().map(Vec::len), Some(1));
            let events = ask(&mut state, "GET", "/v1/events", "type=checkout.session.expired");
            assert_eq!(events["data"].as_array().map(Vec::len), Some(1));
        }
        let took = begun.elapsed();
        assert!(took.as_secs() < 20, "4000 questions took {took:?}");
    }
}
