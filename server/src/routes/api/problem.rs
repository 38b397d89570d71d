//! Errors as programs read them: `application/problem+json` (RFC 9457) with a code for programs and a sentence for people.

use app::error::{AppError, ErrorCode};
use axum::Json;
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use shop::ErrorKind;
use shop::books::NotTaken;
use shop::desk::Refusal;
use shop::refunds::RefundError;
use std::borrow::Cow;
use utoipa::ToSchema;

const MEDIA_TYPE: &str = "application/problem+json";
/// What is true only for the moment: asked again under the same key, it is looked at again.
const PASSING: [&str; 6] =
    ["being-worked-on", "being-sent", "cart-changed", "idempotency-key-in-use", "payment-refused", "unknown-address"];

/// An error of the API.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Problem {
    status: u16,
    code: Cow<'static, str>,
    detail: Cow<'static, str>,
    #[serde(default)]
    errors: Vec<FieldError>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// The field.
    pub field: String,
    /// What is wrong with it, and what would be right.
    pub sentence: String,
}

/// An error (RFC 9457). Programs go by `code`; `detail` is for people and may change.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
pub(super) struct Details<'a> {
    /// Always "about:blank": `code` says more.
    #[serde(rename = "type")]
    kind: &'static str,
    /// The status in words.
    title: &'static str,
    /// The status.
    status: u16,
    /// The error's name.
    code: &'a str,
    /// What happened, in a sentence.
    detail: &'a str,
    /// What is wrong with single fields.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    errors: &'a [FieldError],
}

impl Problem {
    pub(super) fn new(status: u16, code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code: code.into(), detail: detail.into(), errors: Vec::new() }
    }

    /// A request that can be read and asks for what cannot be.
    pub(super) fn unprocessable(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(422, "unprocessable", detail)
    }

    /// A request that cannot be read.
    pub(super) fn bad_request(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(400, "bad-request", detail)
    }

    /// A thing that is not in the state for it.
    pub(super) fn conflict(code: &'static str, detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(409, code, detail)
    }

    /// There is nothing here.
    pub(super) fn not_found() -> Self {
        Self::new(404, "not-found", "There is nothing of this name.")
    }

    /// A cursor that the store has not given with this list.
    pub(super) fn bad_cursor() -> Self {
        Self::new(400, "bad-cursor", "This cursor was not given with this list and these filters.")
    }

    pub(super) fn with_errors(self, errors: Vec<FieldError>) -> Self {
        Self { errors, ..self }
    }

    /// The status.
    pub(super) const fn status(&self) -> u16 {
        self.status
    }

    /// Whether the same request would come to the same again.
    pub(super) fn is_definite(&self) -> bool {
        self.status < 500 && self.status != 429 && !PASSING.contains(&self.code.as_ref())
    }
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let detail = match error.code {
            ErrorCode::SignedOut => "The token is missing, over, revoked or none of this store's.",
            ErrorCode::NotAllowed => "The token's scope or its account's role does not allow this.",
            ErrorCode::NotFound => return Self::not_found(),
            code => code.sentence(),
        };
        Self::new(error.status(), error.code.as_str(), detail)
    }
}

impl From<ErrorCode> for Problem {
    fn from(code: ErrorCode) -> Self {
        AppError::from(code).into()
    }
}

impl From<shop::Error> for Problem {
    fn from(error: shop::Error) -> Self {
        match (&error, error.kind()) {
            (shop::Error::BadRequest(what), ErrorKind::BadRequest) => {
                Self::bad_request(format!("This makes no sense here: {what}."))
            }
            (shop::Error::BadPlace, _) => Self::bad_cursor(),
            (shop::Error::TakenOver, _) => Self::conflict(
                "idempotency-key-in-use",
                "This took so long that another request with this Idempotency-Key does it now.",
            ),
            _ => AppError::from(error).into(),
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        let code = match refusal {
            Refusal::NotPaid => "not-paid",
            Refusal::Erased => "erased",
            Refusal::BeingSent => "being-sent",
            Refusal::NotOpen => "not-open",
            Refusal::NothingToDo => "nothing-to-do",
            Refusal::BadNote | Refusal::NoTitles | Refusal::NoFiles | Refusal::NotConfirmed => {
                return Self::unprocessable(sentence(&refusal.to_string()));
            }
        };
        Self::conflict(code, sentence(&refusal.to_string()))
    }
}

impl From<RefundError> for Problem {
    fn from(error: RefundError) -> Self {
        let words = sentence(&error.to_string());
        match error {
            RefundError::NoOrder => Self::not_found(),
            RefundError::NotPaid => Self::conflict("not-paid", words),
            RefundError::NothingLeft => Self::conflict("nothing-left", words),
            RefundError::TooMuch(_) => Self::conflict("too-much", words),
            RefundError::NoSuchItem(_) => Self::conflict("no-such-item", words),
            RefundError::WrongAmount(_) => Self::conflict("wrong-amount", words),
            RefundError::Refused(_) => Self::conflict("refused-by-stripe", words),
            RefundError::Shop(error) => error.into(),
        }
    }
}

impl From<NotTaken> for Problem {
    fn from(error: NotTaken) -> Self {
        match error {
            NotTaken::Refused(refused) => Self::unprocessable(refused.to_string()),
            NotTaken::Shop(error) => error.into(),
        }
    }
}

/// Words as a sentence.
pub(super) fn sentence(words: &str) -> String {
    let mut sentence = words.to_owned();
    sentence.get_mut(..1).map(str::make_ascii_uppercase);
    if !sentence.ends_with('.') {
        sentence.push('.');
    }
    sentence
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let body = Details {
            kind: "about:blank",
            title: status.canonical_reason().unwrap_or("Error"),
            status: self.status,
            code: &self.code,
            detail: &self.detail,
            errors: &self.errors,
        };
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// Gives the errors of layers (a body that is too large, a method that there is not, a panic, too little time) the form of
/// all others.
pub async fn as_problems(request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let status = response.status();
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(MEDIA_TYPE.as_bytes()));
    if is_problem || !(status.is_client_error() || status.is_server_error()) {
        return response;
    }
    let problem = match status {
        StatusCode::METHOD_NOT_ALLOWED => Problem::new(405, "method-not-allowed", "This address has no such method."),
        StatusCode::PAYLOAD_TOO_LARGE => Problem::new(413, "too-large", "The body is larger than this address takes."),
        StatusCode::REQUEST_TIMEOUT => Problem::new(408, "too-slow", "The body did not come in time."),
        StatusCode::NOT_FOUND => Problem::not_found(),
        StatusCode::SERVICE_UNAVAILABLE => ErrorCode::Busy.into(),
        status if status.is_client_error() => {
            Problem { status: status.as_u16(), ..Problem::bad_request("This makes no sense here.") }
        }
        _ => ErrorCode::Internal.into(),
    };
    let mut answer = problem.into_response();
    for name in [header::ALLOW, header::RETRY_AFTER] {
        if let Some(value) = response.headers().get(&name) {
            answer.headers_mut().insert(name, value.clone());
        }
    }
    answer
}

/// An address of the API that there is not.
pub async fn nowhere() -> Problem {
    Problem::not_found()
}
