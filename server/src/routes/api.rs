//! The JSON API, `/api/v1/…`: who asks, and errors as programs read them (RFC 9457).
//!
//! No cookie counts here, so no page of another site can do anything in anybody's name: there is no session's layer and no
//! need for an origin. Who asks is whose token stands in `Authorization`.

pub mod auth;

use crate::router::AppState;
use app::error::{AppError, ErrorCode};
use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde_json::json;
use shop::staff::Bearer;
use shop::types::{Role, Scope};

/// An error of the API: `application/problem+json` with a code for programs and a sentence for people.
#[derive(Debug)]
pub struct Problem {
    status: u16,
    code: &'static str,
    detail: &'static str,
}

impl From<AppError> for Problem {
    fn from(error: AppError) -> Self {
        let (code, detail) = match error.code {
            ErrorCode::SignedOut => ("signed-out", "The token is missing, over, revoked or none of this store's."),
            code => (code.as_str(), code.sentence()),
        };
        Self { status: error.status(), code, detail }
    }
}

impl From<ErrorCode> for Problem {
    fn from(code: ErrorCode) -> Self {
        AppError::from(code).into()
    }
}

impl From<shop::Error> for Problem {
    fn from(error: shop::Error) -> Self {
        AppError::from(error).into()
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let title = status.canonical_reason().unwrap_or("Error");
        let body = json!({
            "type": "about:blank", "title": title, "status": self.status, "code": self.code, "detail": self.detail,
        });
        let mut response = (status, Json(body)).into_response();
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A body of JSON; anything else is a [`Problem`].
#[derive(Debug)]
pub struct Body<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &S) -> Result<Self, Problem> {
        match Json::<T>::from_request(request, state).await {
            Ok(Json(body)) => Ok(Self(body)),
            Err(JsonRejection::MissingJsonContentType(_)) => {
                Err(Problem { status: 415, code: "bad-request", detail: "The body must be application/json." })
            }
            Err(rejection) => {
                let status = if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE { 413 } else { 400 };
                Err(Problem { status, code: "bad-request", detail: "The body is not what this address takes." })
            }
        }
    }
}

/// The guard of the API: whose token a request brings. A route asks [`Caller::at_least`] first.
#[derive(Clone, Debug)]
pub struct Caller(pub Bearer);

impl Caller {
    /// Goes on only for that role and that scope.
    ///
    /// # Errors
    /// 403 otherwise.
    pub fn at_least(&self, role: Role, scope: Scope) -> Result<&Bearer, Problem> {
        if self.0.may(role, scope) { Ok(&self.0) } else { Err(ErrorCode::NotAllowed.into()) }
    }
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, Problem> {
        let mut sent = parts.headers.get_all(header::AUTHORIZATION).iter();
        let (Some(value), None) = (sent.next(), sent.next()) else { return Err(ErrorCode::SignedOut.into()) };
        let token = value.to_str().ok().and_then(|value| value.split_once(' '));
        let Some((scheme, token)) = token else { return Err(ErrorCode::SignedOut.into()) };
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(ErrorCode::SignedOut.into());
        }
        let bearer = state.shop.bearer(token).await?;
        bearer.map(Self).ok_or_else(|| ErrorCode::SignedOut.into())
    }
}

/// An address of the API that there is not.
pub async fn nowhere() -> Problem {
    ErrorCode::NotFound.into()
}
