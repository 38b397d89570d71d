//! `/api/v1/auth/…` and `/api/v1/me`: how a program comes in, stays in and leaves.

use super::{Body, Caller, Problem};
use app::error::AppError;
use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;
use shop::staff::{ApiSignIn, Device, Password, Tokens};
use shop::types::{Email, Role, Scope};
use shop::{ClientIp, Shop};

/// What `POST /api/v1/auth/login` takes.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    email: String,
    password: String,
    /// Where the account asks for one.
    code: Option<String>,
}

/// What `POST /api/v1/auth/refresh` and `…/logout` take.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    refresh_token: String,
}

/// Opens a session. 401 with the code `code-needed` if the account asks for one: the same again with it.
///
/// # Errors
/// Refused, or too many tries.
pub async fn login(
    State(shop): State<Shop>,
    Extension(ip): Extension<ClientIp>,
    headers: HeaderMap,
    Body(login): Body<Login>,
) -> Result<Response, Problem> {
    let email: Email = login.email.parse().map_err(AppError::from)?;
    let agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let device = Device { ip: ip.0, user_agent: agent.to_owned(), known: None, session: None };
    let password = Password::typed(&login.password);
    match shop.api_sign_in(&email, &password, login.code.as_deref(), &device).await? {
        ApiSignIn::Done(tokens) => Ok(pair(&tokens)),
        ApiSignIn::CodeNeeded => Err(Problem {
            status: 401,
            code: "code-needed",
            detail: "This account asks for a code too: send the same again with it.",
        }),
    }
}

/// Exchanges a refresh token for the next pair.
///
/// # Errors
/// 401 for a token that is used, too old or none.
pub async fn refresh(State(shop): State<Shop>, Body(body): Body<Refresh>) -> Result<Response, Problem> {
    Ok(pair(&shop.api_refresh(&body.refresh_token).await?))
}

/// Ends the session of a refresh token.
///
/// # Errors
/// Our own trouble.
pub async fn logout(State(shop): State<Shop>, Body(body): Body<Refresh>) -> Result<StatusCode, Problem> {
    shop.api_sign_out(&body.refresh_token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Whose token it is, and how far it goes.
///
/// # Errors
/// 401 without a token that is good.
pub async fn me(caller: Caller) -> Result<Response, Problem> {
    let bearer = caller.at_least(Role::Viewer, Scope::Read)?;
    let (staff, scope) = (&bearer.staff, bearer.scope);
    Ok(fresh(json!({ "email": staff.email.as_str(), "role": staff.role, "scope": scope })))
}

fn pair(tokens: &Tokens) -> Response {
    fresh(json!({
        "token_type": "Bearer",
        "access_token": tokens.access_token,
        "expires_in": tokens.expires_in,
        "refresh_token": tokens.refresh_token,
    }))
}

/// For nobody's cache (RFC 6749 5.1).
fn fresh(body: serde_json::Value) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Json(body)).into_response()
}
