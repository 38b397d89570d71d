//! `/api/v1/webhook-endpoints/{id}/deliveries`: what was sent to an endpoint, what came back, and sending it once more.

use super::extract::{AdminReads, AdminWrites, At, Body, May, Params};
use super::lists::{Listing, Window};
use super::once::{Answer, Once};
use super::problem::Problem;
use super::webhook_endpoints::{LIST, disabled};
use super::whole::whole;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use shop::audit::Actor;
use shop::hooks::{Attempt, Delivery, NotSent, Sheet};
use shop::{Shop, rfc3339};
use utoipa::{IntoParams, ToSchema};

/// Messages are kept for 30 days.
const LONGEST: u16 = 30 * 24;

/// Where a delivery stands.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "its names are for the document; the words are the shop's")]
enum DeliveryStanding {
    /// It will be made, or made again.
    Waiting,
    /// It is being made.
    Leased,
    /// The endpoint has taken it.
    Delivered,
    /// It was given up.
    Failed,
}

/// A filter by where a delivery stands.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum DeliveriesWanted {
    /// Those that were given up.
    Failed,
}

/// A delivery.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookDelivery {
    /// Names it.
    id: i64,
    /// The message's id, which travels as `webhook-id`.
    message: String,
    /// Of what type.
    #[serde(rename = "type")]
    kind: String,
    #[schema(value_type = DeliveryStanding)]
    state: &'static str,
    /// How often it was tried since it was queued, or queued again.
    attempts: i32,
    #[schema(format = DateTime)]
    happened_at: String,
    /// When it is tried next; null if it is not.
    #[schema(format = DateTime)]
    next_at: Option<String>,
    /// The status of the last answer.
    status: Option<i32>,
    /// Why the last attempt was no success.
    error: Option<String>,
}

/// A delivery with what is sent and what came back.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookDeliverySheet {
    #[serde(flatten)]
    delivery: WebhookDelivery,
    /// What is sent, byte by byte.
    body: String,
    /// The latest first; the last fifty.
    tried: Vec<WebhookAttempt>,
}

/// A request that was made.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookAttempt {
    #[schema(format = DateTime)]
    made_at: String,
    milliseconds: i32,
    /// Of the answer.
    status: Option<i32>,
    /// Its beginning.
    answer: String,
    /// Why it was no success.
    error: Option<String>,
}

impl From<Delivery> for WebhookDelivery {
    fn from(delivery: Delivery) -> Self {
        let Delivery { id, message, kind, state, attempts, status, error, happened_at, next_at } = delivery;
        Self {
            id,
            message,
            kind,
            state: state.as_str(),
            attempts,
            happened_at: rfc3339(happened_at),
            next_at: next_at.map(rfc3339),
            status,
            error,
        }
    }
}

impl From<Attempt> for WebhookAttempt {
    fn from(attempt: Attempt) -> Self {
        let Attempt { made_at, milliseconds, status, answer, error } = attempt;
        Self { made_at: rfc3339(made_at), milliseconds, status, answer, error }
    }
}

impl From<NotSent> for Problem {
    fn from(error: NotSent) -> Self {
        match error {
            NotSent::Disabled => disabled(),
            NotSent::BeingSent => {
                Self::conflict("being-sent", "It is on its way: within a minute it is there or free.")
            }
            NotSent::Nothing => Self::conflict("nothing-to-do", "Nothing of that time was given up."),
        }
    }
}

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DeliveriesQuery {
    /// Where they stand.
    #[param(inline)]
    state: Option<DeliveriesWanted>,
    /// Rows on a page; 50 if it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
    /// From `next` or `previous` of another page.
    #[param(pattern = "^[A-Za-z0-9_-]+$", max_length = 400)]
    cursor: Option<String>,
}

/// Which deliveries are made once more.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RedeliverInput {
    /// Those of what happened in so many hours before now.
    #[serde(deserialize_with = "whole")]
    #[schema(minimum = 1, maximum = 720)]
    hours: u16,
}

/// How many deliveries are made once more.
#[derive(Debug, Serialize, ToSchema)]
pub struct Redelivered {
    deliveries: usize,
}

/// Lists what was sent to an endpoint and what waits, newest first.
#[utoipa::path(
    get, path = "/api/v1/webhook-endpoints/{id}/deliveries", tag = "Webhook endpoints",
    operation_id = "list-webhook-deliveries",
    params(("id" = i64, Path, description = "Names the endpoint."), DeliveriesQuery),
    security(("bearer" = ["admin", "read"])),
    responses((status = 200, description = "A page of deliveries.", body = Listing<WebhookDelivery>)),
)]
pub async fn list(
    State(shop): State<Shop>,
    _caller: May<AdminReads>,
    At(id): At<i64>,
    Params(query): Params<DeliveriesQuery>,
) -> Result<Json<Listing<WebhookDelivery>>, Problem> {
    let DeliveriesQuery { state, limit, cursor } = query;
    let filters = state.map(|DeliveriesWanted::Failed| ("state", "failed".to_owned())).into_iter().collect();
    let window = Window::read(&shop, &format!("{LIST}/{id}/deliveries"), filters, limit, cursor.as_deref())?;
    let page = shop.webhook_delivery_page(id, state.is_some(), window.place.clone(), window.size).await?;
    let rows = page.rows.into_iter().map(|delivery| (delivery.id.to_string(), WebhookDelivery::from(delivery)));
    Ok(Json(window.listing(&shop, rows.collect(), page.before, page.after)))
}

/// The delivery, if it is one to that endpoint.
async fn found(shop: &Shop, endpoint: i64, delivery: i64) -> Result<Sheet, Problem> {
    let sheet = shop.webhook_delivery(delivery).await?;
    if sheet.endpoint == endpoint { Ok(sheet) } else { Err(Problem::not_found()) }
}

/// Gives a delivery with what is sent and what was answered.
#[utoipa::path(
    get, path = "/api/v1/webhook-endpoints/{id}/deliveries/{delivery}", tag = "Webhook endpoints",
    operation_id = "get-webhook-delivery",
    params(
        ("id" = i64, Path, description = "Names the endpoint."),
        ("delivery" = i64, Path, description = "Names the delivery."),
    ),
    security(("bearer" = ["admin", "read"])),
    responses((status = 200, description = "The delivery.", body = WebhookDeliverySheet)),
)]
pub async fn get(
    State(shop): State<Shop>,
    _caller: May<AdminReads>,
    At((id, delivery)): At<(i64, i64)>,
) -> Result<Json<WebhookDeliverySheet>, Problem> {
    let Sheet { delivery, body, attempts, .. } = found(&shop, id, delivery).await?;
    let tried = attempts.into_iter().map(WebhookAttempt::from).collect();
    Ok(Json(WebhookDeliverySheet { delivery: delivery.into(), body, tried }))
}

/// Makes a delivery once more from the beginning, under the same id.
#[utoipa::path(
    post, path = "/api/v1/webhook-endpoints/{id}/deliveries/{delivery}/redeliver", tag = "Webhook endpoints",
    operation_id = "redeliver-webhook",
    params(
        ("id" = i64, Path, description = "Names the endpoint."),
        ("delivery" = i64, Path, description = "Names the delivery."),
    ),
    security(("bearer" = ["admin", "write"])),
    responses((status = 204, description = "It is due now.")),
)]
pub async fn redeliver(
    State(shop): State<Shop>,
    caller: May<AdminWrites>,
    At((id, delivery)): At<(i64, i64)>,
    once: Once,
) -> Result<Response, Problem> {
    found(&shop, id, delivery).await?;
    let work = async |actor: Actor| -> Result<Answer, Problem> {
        shop.redeliver_webhook(&actor, delivery).await??;
        Ok(Answer::done())
    };
    once.mark(&shop, &caller, &(), work, async |_: String| Ok(Answer::done())).await
}

/// Makes all of an endpoint's deliveries once more that were given up.
#[utoipa::path(
    post, path = "/api/v1/webhook-endpoints/{id}/redeliver", tag = "Webhook endpoints",
    operation_id = "redeliver-webhooks",
    params(("id" = i64, Path, description = "Names the endpoint.")), request_body = RedeliverInput,
    security(("bearer" = ["admin", "write"])),
    responses((status = 200, description = "How many are due now.", body = Redelivered)),
)]
pub async fn redeliver_failed(
    State(shop): State<Shop>,
    caller: May<AdminWrites>,
    At(id): At<i64>,
    once: Once,
    Body(input): Body<RedeliverInput>,
) -> Result<Response, Problem> {
    if !(1..=LONGEST).contains(&input.hours) {
        return Err(Problem::unprocessable(format!("From one hour to {LONGEST}: messages are kept for 30 days.")));
    }
    let work = async |actor: Actor| -> Result<Answer, Problem> {
        let deliveries = shop.redeliver_failed_webhooks(&actor, id, input.hours).await??;
        Answer::of(200, &Redelivered { deliveries })
    };
    // It goes on where it was, if there is anything left.
    let tell = async |_: String| -> Result<Answer, Problem> {
        let deliveries = match shop.redeliver_failed_webhooks(&caller.actor(), id, input.hours).await? {
            Err(NotSent::Nothing) => 0,
            sent => sent?,
        };
        Answer::of(200, &Redelivered { deliveries })
    };
    once.mark(&shop, &caller, &input, work, tell).await
}
