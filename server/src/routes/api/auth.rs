//! `/api/v1/auth/…` and `/api/v1/me`: how a program comes in, stays in and leaves.

use super::extract::{Body, May, ViewerReads};
use super::problem::Problem;
use super::tokens::TokenScope;
use app::error::AppError;
use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use shop::staff::{ApiSignIn, Device, Password, Tokens};
use shop::types::{Email, Role, Scope};
use shop::{ClientIp, Shop};
use utoipa::ToSchema;

/// Whose program it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    #[schema(format = Email)]
    email: String,
    #[schema(format = Password)]
    password: String,
    /// Where the account asks for one.
    code: Option<String>,
}

/// A session, by its last refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Refresh {
    refresh_token: String,
}

/// What a program is given.
#[derive(Serialize, ToSchema)]
pub struct Pair {
    /// "Bearer".
    token_type: &'static str,
    /// To be sent with each request.
    access_token: String,
    /// For how many seconds.
    expires_in: i64,
    /// To be exchanged for the next pair, once.
    refresh_token: String,
}

/// Whose token it is.
#[derive(Serialize, ToSchema)]
pub struct Me {
    email: String,
    #[schema(value_type = AccountRole)]
    role: Role,
    #[schema(value_type = TokenScope)]
    scope: Scope,
}

/// What an account may do; each may do what those before it may.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "its names are for the document; the words are the shop's")]
enum AccountRole {
    Viewer,
    Support,
    Admin,
    Owner,
}

/// Opens a session.
///
/// 401 with the code `code-needed` if the account asks for one: the same again with it.
#[utoipa::path(
    post, path = "/api/v1/auth/login", tag = "Access", operation_id = "log-in", request_body = Login,
    responses((status = 200, description = "An access token and a refresh token.", body = Pair)),
)]
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
        ApiSignIn::Done(tokens) => Ok(pair(tokens)),
        ApiSignIn::CodeNeeded => {
            Err(Problem::new(401, "code-needed", "This account asks for a code too: send the same again with it."))
        }
    }
}

/// Exchanges a refresh token for the next pair.
///
/// One that comes a second time ends its session.
#[utoipa::path(
    post, path = "/api/v1/auth/refresh", tag = "Access", operation_id = "refresh", request_body = Refresh,
    responses((status = 200, description = "The next pair.", body = Pair)),
)]
pub async fn refresh(State(shop): State<Shop>, Body(body): Body<Refresh>) -> Result<Response, Problem> {
    Ok(pair(shop.api_refresh(&body.refresh_token).await?))
}

/// Ends the session of a refresh token.
///
/// A token that is nothing is no error.
#[utoipa::path(
    post, path = "/api/v1/auth/logout", tag = "Access", operation_id = "log-out", request_body = Refresh,
    responses((status = 204, description = "It is over.")),
)]
pub async fn logout(State(shop): State<Shop>, Body(body): Body<Refresh>) -> Result<StatusCode, Problem> {
    shop.api_sign_out(&body.refresh_token).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Says whose token it is, and how far it goes.
#[utoipa::path(
    get, path = "/api/v1/me", tag = "Access", operation_id = "me",
    security(("bearer" = ["viewer", "read"])),
    responses((status = 200, description = "Whose it is.", body = Me)),
)]
pub async fn me(caller: May<ViewerReads>) -> Json<Me> {
    let staff = &caller.0.staff;
    Json(Me { email: staff.email.as_str().to_owned(), role: staff.role, scope: caller.0.scope })
}

/// For nobody's cache (RFC 6749 5.1).
fn pair(tokens: Tokens) -> Response {
    let Tokens { access_token, expires_in, refresh_token } = tokens;
    let pair = Pair { token_type: "Bearer", access_token, expires_in, refresh_token };
    ([(header::CACHE_CONTROL, "no-store")], Json(pair)).into_response()
}
