//! `/api/v1/tokens`: the caller's own tokens for a long time. They are made at the desk, where a person is.

use super::extract::{At, May, ViewerReads, ViewerWrites};
use super::once::{Answer, Once};
use super::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::Serialize;
use shop::audit::Actor;
use shop::staff::TokenView;
use shop::types::Scope;
use shop::{Shop, rfc3339};
use utoipa::ToSchema;

/// How far a token goes.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "its names are for the document; the words are the shop's")]
pub(super) enum TokenScope {
    Read,
    Write,
}

/// A token. Its secret was shown when it was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct Token {
    /// Names it.
    id: i64,
    /// What its maker calls it.
    name: String,
    #[schema(value_type = TokenScope)]
    scope: Scope,
    #[schema(format = DateTime)]
    created_at: String,
    /// About when.
    #[schema(format = DateTime)]
    last_used_at: Option<String>,
    #[schema(format = DateTime)]
    expires_at: String,
}

/// The caller's tokens.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tokens {
    /// Those that are good, the latest first; at most 50.
    data: Vec<Token>,
}

impl From<TokenView> for Token {
    fn from(token: TokenView) -> Self {
        let TokenView { id, name, scope, moments: (created, used, expires), .. } = token;
        Self {
            id,
            name,
            scope,
            created_at: rfc3339(created),
            last_used_at: used.map(rfc3339),
            expires_at: rfc3339(expires),
        }
    }
}

/// Lists the caller's own tokens that are good.
#[utoipa::path(
    get, path = "/api/v1/tokens", tag = "Tokens", operation_id = "list-tokens",
    security(("bearer" = ["viewer", "read"])),
    responses((status = 200, description = "The tokens.", body = Tokens)),
)]
pub async fn list(State(shop): State<Shop>, caller: May<ViewerReads>) -> Result<Json<Tokens>, Problem> {
    let tokens = shop.own_tokens(&caller.0.staff).await?;
    Ok(Json(Tokens { data: tokens.into_iter().map(Token::from).collect() }))
}

/// Revokes one of the caller's own tokens: it is nothing from the next request on.
#[utoipa::path(
    delete, path = "/api/v1/tokens/{id}", tag = "Tokens", operation_id = "revoke-token",
    params(("id" = i64, Path, description = "Names the token.")),
    security(("bearer" = ["viewer", "write"])),
    responses((status = 204, description = "It is revoked.")),
)]
pub async fn revoke(
    State(shop): State<Shop>,
    caller: May<ViewerWrites>,
    At(id): At<i64>,
    once: Once,
) -> Result<Response, Problem> {
    let work = async |actor: Actor| -> Result<Answer, Problem> {
        shop.revoke_token(&caller.0.staff, &actor, id).await?;
        Ok(Answer::done())
    };
    once.mark(&shop, &caller, &(), work, async |_: String| Ok(Answer::done())).await
}
