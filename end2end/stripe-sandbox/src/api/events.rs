//! Events: retrieve and list. A store that missed its webhooks finds them here.

use std::collections::HashMap;

use super::lists::Page;
use super::{Answer, Call};
use crate::error::ApiError;
use crate::objects;
use crate::records::{DeliveryStatus, Event};
use crate::state::State;

/// `GET /v1/events/{id}`
pub(super) fn retrieve(call: Call<'_>, id: &str) -> Answer {
    let event = call.state.events.get(id).ok_or_else(|| ApiError::missing_resource("event", id, "id"))?;
    call.params.finish()?;
    Ok(objects::event(event, undelivered(call.state).get(id).copied().unwrap_or(0)))
}

/// `GET /v1/events`
pub(super) fn list(call: Call<'_>) -> Answer {
    let page = Page::read(&call.params)?;
    let created = call.params.range("created")?;
    let kind = call.params.text("type", 255)?;
    let kinds = call.params.texts("types")?;
    let delivered = call.params.boolean("delivery_success")?;
    call.params.finish()?;
    if kind.is_some() && kinds.is_some() {
        return Err(ApiError::invalid("You may only specify one of these parameters: type, types.").param("types"));
    }
    if kinds.as_ref().is_some_and(|kinds| kinds.len() > 20) {
        return Err(ApiError::invalid("You may specify at most 20 types.").param("types"));
    }
    let pending = undelivered(call.state);
    let wanted = |event: &Event| {
        created.allows(event.created)
            && kind.as_deref().is_none_or(|pattern| matches(pattern, &event.kind))
            && kinds.as_ref().is_none_or(|kinds| kinds.contains(&event.kind))
            && delivered.is_none_or(|delivered| delivered != pending.contains_key(event.id.as_str()))
    };
    let rows = call.state.events.iter().rev().collect();
    let (page, more) = page.cut(rows, "event", |event| &event.id, wanted)?;
    let data = page
        .into_iter()
        .map(|event| objects::event(event, pending.get(event.id.as_str()).copied().unwrap_or(0)))
        .collect();
    Ok(objects::list("/v1/events", data, more))
}

/// `type` takes a name, or a group such as `checkout.session.*`.
fn matches(pattern: &str, kind: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(group) => kind.starts_with(group),
        None => pattern == kind,
    }
}

/// How many endpoints have not got each event yet; delivered events are left out.
fn undelivered(state: &State) -> HashMap<&str, usize> {
    // A later, manual delivery to the same endpoint settles an earlier failure.
    let mut open: HashMap<(&str, &str), bool> = HashMap::new();
    for delivery in state.deliveries.iter() {
        let done = delivery.status == DeliveryStatus::Delivered;
        let entry = open.entry((&delivery.event, &delivery.endpoint)).or_insert(false);
        *entry = *entry || done;
    }
    let mut counts = HashMap::new();
    for ((event, _), done) in open {
        if !done {
            *counts.entry(event).or_insert(0) += 1;
        }
    }
    counts
}
