//! `/api/v1/webhooks/stripe`: the log of Stripe's events.

use super::extract::{AdminWrites, At, May, Params, ViewerReads};
use super::lists::{Listing, Window};
use super::once::{Answer, Once};
use super::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use shop::audit::Actor;
use shop::events::{EventFilter, EventSummary, Replayed};
use shop::types::{Role, readable_for};
use shop::{Shop, rfc3339};
use utoipa::{IntoParams, ToSchema};

/// Where the list is.
const LIST: &str = "/api/v1/webhooks/stripe";

/// What became of an event.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "its names are for the document; the words are the shop's")]
enum EventState {
    /// Waits to be worked on.
    New,
    /// Is being worked on.
    Leased,
    Done,
    /// Nothing to do.
    Ignored,
    /// Waits for its object.
    Parked,
    /// Put aside: it failed too often.
    Dead,
}

/// A filter by what became of an event.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum EventsWanted {
    /// Those that are still to be worked on: new, leased or parked.
    Waiting,
    /// Those that were put aside.
    Dead,
}

/// An event of Stripe's.
#[derive(Debug, Serialize, ToSchema)]
pub struct Event {
    /// Stripe's.
    id: String,
    /// Stripe's.
    #[serde(rename = "type")]
    kind: String,
    /// What it is about.
    object: String,
    #[schema(value_type = EventState)]
    state: String,
    /// How often it was worked on since it was new.
    attempts: i32,
    #[schema(format = DateTime)]
    received_at: String,
    /// Why it is where it is.
    error: Option<String>,
}

/// An event of Stripe's with what came.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventWithBody {
    #[serde(flatten)]
    event: Event,
    /// What Stripe sent; null after 90 days, and for viewers, since buyers' addresses are in it.
    #[schema(value_type = Option<Object>)]
    body: Option<serde_json::Value>,
}

impl Event {
    /// Addresses in what went wrong are masked for who may not see them.
    fn new(event: EventSummary, role: Role) -> Self {
        let EventSummary { id, kind, object_id, state, attempts, received_at, error, .. } = event;
        Self {
            id,
            kind,
            object: object_id,
            state,
            attempts,
            received_at: rfc3339(received_at),
            error: error.map(|words| readable_for(role, words)),
        }
    }
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct EventsQuery {
    /// What became of them.
    #[param(inline)]
    state: Option<EventsWanted>,
    /// Rows on a page; 50 if it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
    /// From `next` or `previous` of another page.
    #[param(pattern = "^[A-Za-z0-9_-]+$", max_length = 400)]
    cursor: Option<String>,
}

/// Lists Stripe's events, newest first.
#[utoipa::path(
    get, path = "/api/v1/webhooks/stripe", tag = "Webhooks", operation_id = "list-events", params(EventsQuery),
    security(("bearer" = ["viewer", "read"])),
    responses((status = 200, description = "A page of events.", body = Listing<Event>)),
)]
pub async fn list(
    State(shop): State<Shop>,
    caller: May<ViewerReads>,
    Params(query): Params<EventsQuery>,
) -> Result<Json<Listing<Event>>, Problem> {
    let role = caller.role();
    let EventsQuery { state, limit, cursor } = query;
    let (filter, word) = match state {
        None => (None, None),
        Some(EventsWanted::Waiting) => (Some(EventFilter::Waiting), Some("waiting")),
        Some(EventsWanted::Dead) => (Some(EventFilter::Dead), Some("dead")),
    };
    let filters = word.map(|word| ("state", word.to_owned())).into_iter().collect();
    let window = Window::read(&shop, LIST, filters, limit, cursor.as_deref())?;
    let page = shop.event_page(filter, window.place.clone(), window.size).await?;
    let rows = page.rows.into_iter().map(|event| (event.key(), Event::new(event, role)));
    Ok(Json(window.listing(&shop, rows.collect(), page.before, page.after)))
}

/// An id as Stripe writes them.
fn known(id: &str) -> Result<&str, Problem> {
    let plain = !id.is_empty() && id.len() <= 255 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    if plain { Ok(id) } else { Err(Problem::not_found()) }
}

async fn found(shop: &Shop, id: &str, role: Role) -> Result<EventWithBody, Problem> {
    let detail = shop.event(known(id)?).await?.ok_or_else(Problem::not_found)?;
    let body = (role >= Role::Support).then_some(detail.body).and_then(|body| serde_json::from_str(&body).ok());
    Ok(EventWithBody { event: Event::new(detail.summary, role), body })
}

/// Gives an event, with its body for support and above.
#[utoipa::path(
    get, path = "/api/v1/webhooks/stripe/{id}", tag = "Webhooks", operation_id = "get-event",
    params(("id" = String, Path, description = "Stripe's id.")),
    security(("bearer" = ["viewer", "read"])),
    responses((status = 200, description = "The event.", body = EventWithBody)),
)]
pub async fn get(
    State(shop): State<Shop>,
    caller: May<ViewerReads>,
    At(id): At<String>,
) -> Result<Json<EventWithBody>, Problem> {
    Ok(Json(found(&shop, &id, caller.role()).await?))
}

/// Has an event worked on once more, whatever became of it.
///
/// What it means is asked from Stripe again, so that doing it twice does no harm.
#[utoipa::path(
    post, path = "/api/v1/webhooks/stripe/{id}/replay", tag = "Webhooks", operation_id = "replay-event",
    params(("id" = String, Path, description = "Stripe's id.")),
    security(("bearer" = ["admin", "write"])),
    responses((status = 204, description = "It is due now.")),
)]
pub async fn replay(
    State(shop): State<Shop>,
    caller: May<AdminWrites>,
    At(id): At<String>,
    once: Once,
) -> Result<Response, Problem> {
    let id = known(&id)?;
    let work = async |actor: Actor| -> Result<Answer, Problem> {
        match shop.replay_event(id, &actor).await? {
            Replayed::Queued(_) => Ok(Answer::done()),
            Replayed::BeingWorkedOn => Err(Problem::conflict(
                "being-worked-on",
                "A worker has it right now: within a minute it is done or free.",
            )),
            Replayed::Unknown => Err(Problem::not_found()),
        }
    };
    once.mark(&shop, &caller, &(), work, async |_: String| Ok(Answer::done())).await
}
