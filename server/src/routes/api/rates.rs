//! Who asks, and how much: looked up once for each request, before anything else of it is read.
//!
//! The headers are those of the IETF's draft (draft-ietf-httpapi-ratelimit-headers-10): `RateLimit-Policy` says how much there
//! is, `RateLimit` what is left. An account has one allowance for all its tokens; who brings no token that is good shares one
//! with the network that they come from.

use super::extract::Caller;
use super::problem::Problem;
use crate::router::AppState;
use app::error::ErrorCode;
use axum::extract::{Request, State};
use axum::http::header::{self, HeaderName};
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use shop::{Allowance, Asking, ClientIp, Shop};
use std::sync::Arc;

const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
const LEFT: HeaderName = HeaderName::from_static("ratelimit");

/// Finds out who asks, for [`Caller`], and lets them in if they have not asked for too much.
pub async fn admit(State(state): State<Arc<AppState>>, mut request: Request, next: Next) -> Response {
    let caller = match caller(&state.shop, request.headers()).await {
        Ok(caller) => caller,
        Err(error) => return Problem::from(error).into_response(),
    };
    let who = match (&caller, request.extensions().get::<ClientIp>()) {
        (Some(caller), _) => Asking::Account(caller.0.staff.id),
        (None, Some(ip)) => Asking::Stranger(ip.0),
        (None, None) => return Problem::from(ErrorCode::Internal).into_response(),
    };
    let allowance = state.shop.ask_api(who);
    let mut response = if allowance.granted {
        if let Some(caller) = caller {
            request.extensions_mut().insert(caller);
        }
        next.run(request).await
    } else {
        Problem::new(429, "rate-limited", "That was a little too often. Please wait as long as Retry-After says.")
            .into_response()
    };
    say(response.headers_mut(), &allowance);
    response
}

/// Whose token stands in `Authorization`, if it is one that is good.
async fn caller(shop: &Shop, headers: &HeaderMap) -> Result<Option<Caller>, shop::Error> {
    let mut sent = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(value), None) = (sent.next(), sent.next()) else { return Ok(None) };
    bearer(shop, value).await
}

/// Whose token this header brings.
pub(super) async fn bearer(shop: &Shop, authorization: &HeaderValue) -> Result<Option<Caller>, shop::Error> {
    let token = authorization.to_str().ok().and_then(|value| value.split_once(' '));
    match token {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(shop.bearer(token).await?.map(Caller)),
        _ => Ok(None),
    }
}

fn say(headers: &mut HeaderMap, allowance: &Allowance) {
    let Allowance { granted, limit, window, left, more_in } = allowance;
    if let Ok(policy) = HeaderValue::from_str(&format!("\"requests\";q={limit};w={window}")) {
        headers.insert(POLICY, policy);
    }
    if let Ok(now) = HeaderValue::from_str(&format!("\"requests\";r={left};t={more_in}")) {
        headers.insert(LEFT, now);
    }
    if !granted {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(*more_in));
    }
    // What a token opens is for no cache.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
