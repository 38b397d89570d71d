//! Events: retrieve and list. A store that missed its webhooks finds them here.

use super::lists::{self, Listing};
use super::{Answer, Call};
use crate::error::ApiError;
use crate::objects;
use crate::records::Event;

/// `GET /v1/events/{id}`
pub(super) fn retrieve(call: Call<'_>, id: &str) -> Answer {
    let event = call.state.events.get(id).ok_or_else(|| ApiError::missing_resource("event", id, "id"))?;
    call.params.texts("expand")?;
    call.params.finish()?;
    Ok(objects::event(event, call.state.undelivered(id)))
}

/// `GET /v1/events`
pub(super) fn list(call: Call<'_>) -> Answer {
    let created = call.params.range("created")?;
    let kind = call.params.text("type", 255)?;
    let kinds = call.params.texts("types")?;
    let delivered = call.params.boolean("delivery_success")?;
    if kind.is_some() && kinds.is_some() {
        return Err(ApiError::invalid("You may only specify one of these parameters: type, types.").param("types"));
    }
    if kinds.as_ref().is_some_and(|kinds| kinds.len() > 20) {
        return Err(ApiError::invalid("You may specify at most 20 types.").param("types"));
    }
    let wanted = |event: &Event| {
        created.allows(event.created)
            && kind.as_deref().is_none_or(|pattern| matches(pattern, &event.kind))
            && kinds.as_ref().is_none_or(|kinds| kinds.iter().any(|pattern| matches(pattern, &event.kind)))
            && delivered.is_none_or(|delivered| delivered == (call.state.undelivered(&event.id) == 0))
    };
    let whole = kind.clone().filter(|kind| !kind.ends_with('*'));
    let listing = Listing { what: "event", url: "/v1/events", key: lists::key([("type", &whole)]) };
    let show = |event: &Event| objects::event(event, call.state.undelivered(&event.id));
    lists::list(&call, &call.state.events, &listing, wanted, show)
}

/// `type` takes a name, or a group such as `checkout.session.*`.
fn matches(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(group) => kind.starts_with(group),
        None => pattern == kind,
    }
}
