//! `Idempotency-Key`: a change that is asked for twice under one key is made once, and answered the same; also where the
//! process died on the way (see [`shop::once`]).

use super::extract::May;
use super::problem::Problem;
use axum::Json;
use axum::extract::FromRequestParts;
use axum::http::header::{self, HeaderName};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use chrono::TimeDelta;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use shop::Shop;
use shop::audit::Actor;
use shop::desk::FormKey;
use shop::once::{Begun, LEASE, Once as Kept, UPLOAD_LEASE};
use shop::secrets;

/// The header.
pub const KEY: HeaderName = HeaderName::from_static("idempotency-key");
/// Says that an answer is an earlier one.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// Letters of a key.
const LONGEST: usize = 255;

/// The key of a request, if it has one, and what the request is to.
#[derive(Debug)]
pub struct Once {
    key: Option<String>,
    target: String,
    lease: TimeDelta,
}

/// An answer that can be kept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Answer {
    status: u16,
    location: Option<String>,
    etag: Option<String>,
    body: Option<Value>,
}

/// What is kept: an answer, or the problem that it came to.
#[derive(Serialize, Deserialize)]
enum Stored {
    Answer(Answer),
    Problem(Problem),
}

impl Answer {
    /// With a body.
    pub fn of(status: u16, body: &impl Serialize) -> Result<Self, Problem> {
        let body = serde_json::to_value(body).map_err(|error| {
            tracing::error!(%error, "an answer of the API cannot be written");
            Problem::from(app::error::ErrorCode::Internal)
        })?;
        Ok(Self { status, location: None, etag: None, body: Some(body) })
    }

    /// Without one.
    pub const fn done() -> Self {
        Self { status: 204, location: None, etag: None, body: None }
    }

    /// Where the thing is now.
    pub fn at(self, location: String) -> Self {
        Self { location: Some(location), ..self }
    }

    /// Which version it has.
    pub fn version(self, version: i64) -> Self {
        Self { etag: Some(format!("\"{version}\"")), ..self }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = match self.body {
            Some(body) => Json(body).into_response(),
            None => ().into_response(),
        };
        *response.status_mut() = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let headers = response.headers_mut();
        for (name, value) in [(header::LOCATION, self.location), (header::ETAG, self.etag)] {
            if let Some(Ok(value)) = value.as_deref().map(HeaderValue::from_str) {
                headers.insert(name, value);
            }
        }
        response
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Once {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let mut sent = parts.headers.get_all(KEY).iter();
        let key = match (sent.next(), sent.next()) {
            (None, _) => None,
            (Some(value), None) => {
                let key = value.to_str().unwrap_or_default();
                if key.is_empty() || key.len() > LONGEST || !key.bytes().all(|b| b.is_ascii_graphic()) {
                    return Err(Problem::bad_request(
                        "An Idempotency-Key has 1 to 255 visible ASCII characters and no spaces.",
                    ));
                }
                Some(key.to_owned())
            }
            (Some(_), Some(_)) => return Err(Problem::bad_request("There is one Idempotency-Key or none.")),
        };
        Ok(Self { key, target: format!("{} {}", parts.method, parts.uri.path()), lease: LEASE })
    }
}

impl Once {
    /// For what must not be asked for without a key.
    ///
    /// # Errors
    /// 400 without one.
    pub fn required(self) -> Result<Self, Problem> {
        match self.key {
            Some(_) => Ok(self),
            None => Err(Problem::new(400, "idempotency-key-missing", "This needs an Idempotency-Key.")),
        }
    }

    /// For files, which take longer.
    pub fn of_upload(self) -> Self {
        Self { lease: UPLOAD_LEASE, ..self }
    }

    /// Does work that may be begun again, or gives the answer of the request that has done it. `input` is what is asked
    /// for; the work is given a name that is the same however often it is begun.
    ///
    /// # Errors
    /// The work's; 409 while another request does it; 422 if the key was for something else.
    pub async fn run<N>(
        self,
        shop: &Shop,
        caller: &May<N>,
        input: &impl Serialize,
        work: impl AsyncFnOnce(FormKey) -> Result<Answer, Problem>,
    ) -> Result<Response, Problem> {
        match self.begin(shop, caller, input).await? {
            Start::Free => Ok(work(FormKey::generate()).await?.into_response()),
            Start::Begun(begun) => end(shop, &begun, work(begun.name).await).await,
            Start::Answered(response) => Ok(response),
        }
    }

    /// As [`Once::run`], for work that is one transaction and is written down there in the actor's name: that marks the key,
    /// and what is marked is not done again. `tell` is the answer where that was done and its answer was lost: it is given
    /// what it was done to, in the words of the audit.
    ///
    /// # Errors
    /// As [`Once::run`].
    pub async fn mark<N>(
        self,
        shop: &Shop,
        caller: &May<N>,
        input: &impl Serialize,
        work: impl AsyncFnOnce(Actor) -> Result<Answer, Problem>,
        tell: impl AsyncFnOnce(String) -> Result<Answer, Problem>,
    ) -> Result<Response, Problem> {
        let begun = match self.begin(shop, caller, input).await? {
            Start::Free => return Ok(work(caller.actor()).await?.into_response()),
            Start::Begun(begun) => begun,
            Start::Answered(response) => return Ok(response),
        };
        let result = match &begun.done_to {
            Some(object) => tell(object.clone()).await,
            None => match work(Actor::Program(caller.0.staff.id, begun.mark())).await {
                Ok(answer) => Ok(answer),
                // It may have been done all the same, and failed over what itself had done before.
                Err(problem) => match shop.done_once(&begun).await? {
                    Some(object) => tell(object).await,
                    None => Err(problem),
                },
            },
        };
        end(shop, &begun, result).await
    }

    async fn begin<N>(self, shop: &Shop, caller: &May<N>, input: &impl Serialize) -> Result<Start, Problem> {
        let Some(key) = self.key else { return Ok(Start::Free) };
        let input = serde_json::to_string(input).unwrap_or_default();
        let request = secrets::hash(&format!("{}\n{input}", self.target));
        match shop.begin_once_within(caller.0.staff.id, &key, &request, self.lease).await? {
            Kept::Begin(begun) => Ok(Start::Begun(begun)),
            Kept::Done(_, stored) => replay(&stored).map(Start::Answered),
            Kept::Running => Err(Problem::conflict(
                "idempotency-key-in-use",
                "Another request with this Idempotency-Key is being worked on.",
            )),
            Kept::Another => {
                Err(Problem::new(422, "idempotency-key-reused", "This Idempotency-Key was used for another request."))
            }
        }
    }
}

/// How a request begins.
enum Start {
    /// Without a key.
    Free,
    /// With one: the answer is kept under it.
    Begun(Begun),
    /// It was answered before.
    Answered(Response),
}

/// Keeps what work came to, and answers it.
async fn end(shop: &Shop, begun: &Begun, result: Result<Answer, Problem>) -> Result<Response, Problem> {
    let (status, stored) = match &result {
        Ok(answer) => (answer.status, Stored::Answer(answer.clone())),
        Err(problem) if problem.is_definite() => (problem.status(), Stored::Problem(problem.clone())),
        // It may do better the next time.
        Err(_) => {
            shop.release_once(begun).await?;
            return result.map(IntoResponse::into_response);
        }
    };
    let text = serde_json::to_string(&stored).unwrap_or_default();
    shop.end_once(begun, status, text).await?;
    result.map(IntoResponse::into_response)
}

/// An earlier answer, marked as one.
fn replay(stored: &str) -> Result<Response, Problem> {
    let stored: Stored = serde_json::from_str(stored).map_err(|error| {
        tracing::error!(%error, "a kept answer of the API cannot be read");
        Problem::from(app::error::ErrorCode::Internal)
    })?;
    let mut response = match stored {
        Stored::Answer(answer) => answer.into_response(),
        Stored::Problem(problem) => problem.into_response(),
    };
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}
