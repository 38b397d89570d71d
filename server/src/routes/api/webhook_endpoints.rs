//! `/api/v1/webhook-endpoints`: where the store tells programs what happens (`docs/webhooks.md`), as the desk has them.

use super::extract::{AdminReads, At, Body, May, OwnerWrites};
use super::once::{Answer, Once};
use super::problem::{FieldError, Problem, sentence};
use super::whole::whole;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use shop::audit::Actor;
use shop::hooks::{BadAddress, Endpoint, EndpointState, EventType, NewEndpoint, NotSaved, WhyDisabled};
use shop::{Shop, rfc3339};
use utoipa::ToSchema;

/// Where the list is.
pub(super) const LIST: &str = "/api/v1/webhook-endpoints";
/// The longest that a replaced secret stays good.
const LONGEST_KEPT: u16 = 7 * 24;

/// What an endpoint can be told of: see docs/webhooks.md.
#[derive(ToSchema)]
#[schema(pattern = "^[a-z_]+\\.[a-z_]+$", max_length = 60)]
#[expect(dead_code, reason = "the document's: the shop knows the names")]
pub(super) struct EventName(String);

/// What an endpoint is to be.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndpointInput {
    /// Where deliveries go: https, and an address of the public internet. `unknown-address` (422): nothing is known under its name now.
    #[schema(min_length = 1, max_length = 2_000)]
    url: String,
    /// What it is for, for the people at the desk.
    #[serde(default)]
    #[schema(max_length = 200)]
    description: String,
    /// What it is told of.
    #[schema(value_type = Vec<EventName>, min_items = 1, max_items = 50)]
    events: Vec<String>,
}

/// For how long the secret before stays good.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecretInput {
    /// In hours; until then deliveries are signed with both.
    #[serde(default, deserialize_with = "whole")]
    #[schema(minimum = 0, maximum = 168)]
    keep_old_hours: u16,
}

/// Why an endpoint is told nothing.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "its names are for the document; the words are made here")]
enum DisabledReason {
    /// Somebody switched it off.
    SwitchedOff,
    /// It answered 410.
    Gone,
    /// For days no delivery came to a good end.
    Failing,
}

/// An endpoint.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookEndpoint {
    /// Names it.
    id: i64,
    /// Where deliveries go.
    url: String,
    /// What it is for.
    description: String,
    /// What it is told of.
    #[schema(value_type = Vec<EventName>)]
    events: Vec<&'static str>,
    /// Whether it is told anything.
    enabled: bool,
    /// Why it is not.
    #[schema(value_type = Option<DisabledReason>)]
    disabled_reason: Option<&'static str>,
    #[schema(format = DateTime)]
    added_at: String,
    /// Since when it is enabled or disabled.
    #[schema(format = DateTime)]
    since: String,
    /// The last success, to within a minute.
    #[schema(format = DateTime)]
    succeeded_at: Option<String>,
    /// Since when nothing has succeeded.
    #[schema(format = DateTime)]
    failing_since: Option<String>,
    /// Until when the secret before is good too.
    #[schema(format = DateTime)]
    old_secret_until: Option<String>,
    /// Deliveries that wait.
    waiting: i64,
    /// Deliveries that were given up, of those that are still kept.
    failed: i64,
}

/// The endpoints.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookEndpoints {
    /// In the order in which they were added; at most 16.
    data: Vec<WebhookEndpoint>,
}

/// A secret that deliveries are signed with.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookSecret {
    /// As the libraries for Standard Webhooks take it: `whsec_` and base64.
    secret: String,
}

/// A message that was queued.
#[derive(Debug, Serialize, ToSchema)]
pub struct TestSent {
    /// Names its delivery.
    delivery: i64,
}

impl From<Endpoint> for WebhookEndpoint {
    fn from(endpoint: Endpoint) -> Self {
        let Endpoint {
            id,
            url,
            description,
            events,
            added,
            state,
            since,
            succeeded,
            failing_since,
            old_until,
            waiting,
            failed,
        } = endpoint;
        let disabled = match state {
            EndpointState::Enabled => None,
            EndpointState::Disabled(WhyDisabled::SwitchedOff) => Some("switched-off"),
            EndpointState::Disabled(WhyDisabled::Gone) => Some("gone"),
            EndpointState::Disabled(WhyDisabled::Failing) => Some("failing"),
        };
        Self {
            id,
            url,
            description,
            events: events.into_iter().map(EventType::as_str).collect(),
            enabled: disabled.is_none(),
            disabled_reason: disabled,
            added_at: rfc3339(added),
            since: rfc3339(since),
            succeeded_at: succeeded.map(rfc3339),
            failing_since: failing_since.map(rfc3339),
            old_secret_until: old_until.map(rfc3339),
            waiting,
            failed,
        }
    }
}

impl EndpointInput {
    fn read(&self) -> Result<NewEndpoint, Problem> {
        let event = |name: &String| {
            EventType::parse(name).ok_or_else(|| field("events", format!("There is no type of event {name:?}.")))
        };
        let events = self.events.iter().map(event).collect::<Result<_, _>>()?;
        Ok(NewEndpoint { url: self.url.clone(), description: self.description.clone(), events })
    }
}

fn field(field: &str, sentence: String) -> Problem {
    let errors = vec![FieldError { field: field.to_owned(), sentence: sentence.clone() }];
    Problem::unprocessable(sentence).with_errors(errors)
}

impl From<NotSaved> for Problem {
    fn from(error: NotSaved) -> Self {
        let words = sentence(&error.to_string());
        match error {
            // A name server may know it in a minute: this answer is not kept.
            NotSaved::Address(BadAddress::Unknown) => {
                let errors = vec![FieldError { field: "url".to_owned(), sentence: words.clone() }];
                Self::new(422, "unknown-address", words).with_errors(errors)
            }
            NotSaved::Address(_) => field("url", words),
            NotSaved::NoEvents => field("events", words),
            NotSaved::LongDescription => field("description", words),
            NotSaved::TooMany => Self::conflict("too-many", words),
            NotSaved::Outdated => Self::new(412, "outdated", words),
        }
    }
}

/// The endpoint as it is now.
async fn found(shop: &Shop, id: i64, status: u16) -> Result<Answer, Problem> {
    Answer::of(status, &WebhookEndpoint::from(shop.webhook_endpoint(id).await?))
}

/// Lists the endpoints of the store's own webhooks.
#[utoipa::path(
    get, path = "/api/v1/webhook-endpoints", tag = "Webhook endpoints", operation_id = "list-webhook-endpoints",
    security(("bearer" = ["admin", "read"])),
    responses((status = 200, description = "The endpoints.", body = WebhookEndpoints)),
)]
pub async fn list(State(shop): State<Shop>, _caller: May<AdminReads>) -> Result<Json<WebhookEndpoints>, Problem> {
    let endpoints = shop.webhook_endpoints().await?;
    Ok(Json(WebhookEndpoints { data: endpoints.into_iter().map(WebhookEndpoint::from).collect() }))
}

/// Adds an endpoint, which is told what happens from now on.
///
/// Its secret is read at its `/secret` within ten minutes. Where deliveries go and where not is in docs/webhooks.md.
#[utoipa::path(
    post, path = "/api/v1/webhook-endpoints", tag = "Webhook endpoints", operation_id = "add-webhook-endpoint",
    request_body = EndpointInput,
    security(("bearer" = ["owner", "write"])),
    responses((status = 201, description = "The endpoint, with its address in `Location`.", body = WebhookEndpoint)),
)]
pub async fn add(
    State(shop): State<Shop>,
    caller: May<OwnerWrites>,
    once: Once,
    Body(input): Body<EndpointInput>,
) -> Result<Response, Problem> {
    let added =
        async |id: i64| -> Result<Answer, Problem> { Ok(found(&shop, id, 201).await?.at(format!("{LIST}/{id}"))) };
    let work = async |actor: Actor| -> Result<Answer, Problem> {
        added(shop.add_webhook_endpoint(&actor, &input.read()?).await??).await
    };
    let tell = async |object: String| -> Result<Answer, Problem> {
        let id = object.strip_prefix("webhook:").and_then(|id| id.parse().ok());
        added(id.ok_or_else(Problem::not_found)?).await
    };
    once.mark(&shop, &caller, &input, work, tell).await
}

/// Gives an endpoint.
#[utoipa::path(
    get, path = "/api/v1/webhook-endpoints/{id}", tag = "Webhook endpoints", operation_id = "get-webhook-endpoint",
    params(("id" = i64, Path, description = "Names the endpoint.")),
    security(("bearer" = ["admin", "read"])),
    responses((status = 200, description = "The endpoint.", body = WebhookEndpoint)),
)]
pub async fn get(
    State(shop): State<Shop>,
    _caller: May<AdminReads>,
    At(id): At<i64>,
) -> Result<Json<WebhookEndpoint>, Problem> {
    Ok(Json(shop.webhook_endpoint(id).await?.into()))
}

/// Changes where an endpoint is, what it is for and what it is told of.
///
/// What waits goes to the new address.
#[utoipa::path(
    put, path = "/api/v1/webhook-endpoints/{id}", tag = "Webhook endpoints", operation_id = "change-webhook-endpoint",
    params(("id" = i64, Path, description = "Names the endpoint.")), request_body = EndpointInput,
    security(("bearer" = ["owner", "write"])),
    responses((status = 200, description = "The endpoint as it is now.", body = WebhookEndpoint)),
)]
pub async fn change(
    State(shop): State<Shop>,
    caller: May<OwnerWrites>,
    At(id): At<i64>,
    once: Once,
    Body(input): Body<EndpointInput>,
) -> Result<Response, Problem> {
    let work = async |actor: Actor| -> Result<Answer, Problem> {
        shop.change_webhook_endpoint(&actor, id, None, &input.read()?).await??;
        found(&shop, id, 200).await
    };
    once.mark(&shop, &caller, &input, work, async |_: String| found(&shop, id, 200).await).await
}

/// Deletes an endpoint; what waits for it is never sent.
#[utoipa::path(
    delete, path = "/api/v1/webhook-endpoints/{id}", tag = "Webhook endpoints", operation_id = "delete-webhook-endpoint",
    params(("id" = i64, Path, description = "Names the endpoint.")),
    security(("bearer" = ["owner", "write"])),
    responses((status = 204, description = "It is deleted.")),
)]
pub async fn delete(
    State(shop): State<Shop>,
    caller: May<OwnerWrites>,
    At(id): At<i64>,
    once: Once,
) -> Result<Response, Problem> {
    let work = async |actor: Actor| -> Result<Answer, Problem> {
        shop.delete_webhook_endpoint(&actor, id).await?;
        Ok(Answer::done())
    };
    once.mark(&shop, &caller, &(), work, async |_: String| Ok(Answer::done())).await
}

/// Switches an endpoint on, with a clean slate.
#[utoipa::path(
    post, path = "/api/v1/webhook-endpoints/{id}/enable", tag = "Webhook endpoints",
    operation_id = "enable-webhook-endpoint",
    params(("id" = i64, Path, description = "Names the endpoint.")),
    security(("bearer" = ["owner", "write"])),
    responses((status = 200, description = "The endpoint, which is told what happens.", body = WebhookEndpoint)),
)]
pub async fn enable(
    State(shop): State<Shop>,
    caller: May<OwnerWrites>,
    At(id): At<i64>,
    once: Once,
) -> Result<Response, Problem> {
    switch(&shop, &caller, id, once, true).await
}

/// Switches an endpoint off: it is told nothing, and what waits for it is given up and can be sent again later.
#[utoipa::path(
    post, path = "/api/v1/webhook-endpoints/{id}/disable", tag = "Webhook endpoints",
    operation_id = "disable-webhook-endpoint",
    params(("id" = i64, Path, description = "Names the endpoint.")),
    security(("bearer" = ["owner", "write"])),
    responses((status = 200, description = "The endpoint, which is told nothing.", body = WebhookEndpoint)),
)]
pub async fn disable(
    State(shop): State<Shop>,
    caller: May<OwnerWrites>,
    At(id): At<i64>,
    once: Once,
) -> Result<Response, Problem> {
    switch(&shop, &caller, id, once, false).await
}

async fn switch(shop: &Shop, caller: &May<OwnerWrites>, id: i64, once: Once, on: bool) -> Result<Response, Problem> {
    let work = async |actor: Actor| -> Result<Answer, Problem> {
        shop.switch_webhook_endpoint(&actor, id, on).await?;
        found(shop, id, 200).await
    };
    once.mark(shop, caller, &(), work, async |_: String| found(shop, id, 200).await).await
}

/// Gives the secret of an endpoint that was added, or whose secret was replaced, within the last ten minutes.
#[utoipa::path(
    get, path = "/api/v1/webhook-endpoints/{id}/secret", tag = "Webhook endpoints", operation_id = "get-webhook-secret",
    params(("id" = i64, Path, description = "Names the endpoint.")),
    security(("bearer" = ["owner", "write"])),
    responses(
        (status = 200, description = "The secret.", body = WebhookSecret),
        (status = 409, description = "It is not new any more.", body = super::problem::Details<'_>, content_type = "application/problem+json"),
    ),
)]
pub async fn secret(
    State(shop): State<Shop>,
    _caller: May<OwnerWrites>,
    At(id): At<i64>,
) -> Result<Json<WebhookSecret>, Problem> {
    let secret = shop.new_webhook_secret(id).await?.ok_or_else(|| {
        Problem::conflict("not-new", "A secret is told for ten minutes. Whoever has lost it replaces it.")
    })?;
    Ok(Json(WebhookSecret { secret }))
}

/// Gives an endpoint a new secret, which is read at its `/secret` within ten minutes.
#[utoipa::path(
    post, path = "/api/v1/webhook-endpoints/{id}/secret", tag = "Webhook endpoints",
    operation_id = "replace-webhook-secret",
    params(("id" = i64, Path, description = "Names the endpoint.")), request_body = SecretInput,
    security(("bearer" = ["owner", "write"])),
    responses((status = 200, description = "The endpoint, with a new secret.", body = WebhookEndpoint)),
)]
pub async fn replace_secret(
    State(shop): State<Shop>,
    caller: May<OwnerWrites>,
    At(id): At<i64>,
    once: Once,
    Body(input): Body<SecretInput>,
) -> Result<Response, Problem> {
    if input.keep_old_hours > LONGEST_KEPT {
        let most = format!("A secret that is replaced stays good for {LONGEST_KEPT} hours at most.");
        return Err(field("keep_old_hours", most));
    }
    let work = async |actor: Actor| -> Result<Answer, Problem> {
        shop.rotate_webhook_secret(&actor, id, input.keep_old_hours).await?;
        found(&shop, id, 200).await
    };
    once.mark(&shop, &caller, &input, work, async |_: String| found(&shop, id, 200).await).await
}

/// Sends an endpoint a message of the type `webhook.test`, whatever it is told of.
#[utoipa::path(
    post, path = "/api/v1/webhook-endpoints/{id}/test", tag = "Webhook endpoints", operation_id = "test-webhook-endpoint",
    params(("id" = i64, Path, description = "Names the endpoint.")),
    security(("bearer" = ["owner", "write"])),
    responses((status = 202, description = "It is queued.", body = TestSent)),
)]
pub async fn test(
    State(shop): State<Shop>,
    caller: May<OwnerWrites>,
    At(id): At<i64>,
    once: Once,
) -> Result<Response, Problem> {
    let work = async |actor: Actor| -> Result<Answer, Problem> {
        let delivery = shop.test_webhook_endpoint(&actor, id).await?.ok_or_else(disabled)?;
        Answer::of(202, &TestSent { delivery })
    };
    let tell = async |object: String| -> Result<Answer, Problem> {
        let delivery = object.strip_prefix("delivery:").and_then(|id| id.parse().ok());
        Answer::of(202, &TestSent { delivery: delivery.ok_or_else(Problem::not_found)? })
    };
    once.mark(&shop, &caller, &(), work, tell).await
}

/// Nothing is sent where nobody is told anything.
pub(super) fn disabled() -> Problem {
    Problem::conflict("disabled", "The endpoint is switched off: nothing is sent to it.")
}
