//! Webhook endpoints: create, retrieve, update, delete, list. Each has its own secret, shown once.

use super::lists::{self, Listing};
use super::{Answer, Call};
use crate::config::check_webhook_url;
use crate::error::ApiError;
use crate::params::Params;
use crate::records::Endpoint;
use crate::{ids, objects};

const WHAT: &str = "webhook endpoint";
/// Stripe's limit for an account.
const MOST: usize = 16;

fn url(params: &Params<'_>) -> Result<Option<String>, ApiError> {
    let Some(url) = params.url("url")? else { return Ok(None) };
    if check_webhook_url(&url).is_err() {
        return Err(ApiError::unsupported("url", "webhook URLs that are not `http`"));
    }
    Ok(Some(url))
}

fn events(params: &Params<'_>) -> Result<Option<Vec<String>>, ApiError> {
    let Some(names) = params.texts("enabled_events")? else { return Ok(None) };
    for (index, name) in names.iter().enumerate() {
        // `checkout.session.completed`: words and dots. Which words there are is Stripe's to know.
        let words =
            |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_lowercase() || c == '_' || c == '2');
        let known = name == "*" || (name.contains('.') && name.split('.').all(words));
        if !known {
            let param = format!("enabled_events[{index}]");
            return Err(ApiError::invalid(format!("Invalid {param}: {name} is not an event type or `*`")).param(param));
        }
    }
    if names.is_empty() {
        return Err(ApiError::empty("enabled_events"));
    }
    Ok(Some(names))
}

/// `POST /v1/webhook_endpoints`
pub(super) fn create(call: Call<'_>) -> Answer {
    let params = &call.params;
    params.refuse(&["connect"])?;
    let Some(url) = url(params)? else { return Err(ApiError::missing("url")) };
    let Some(events) = events(params)? else { return Err(ApiError::missing("enabled_events")) };
    let mut endpoint = Endpoint::new(&url, &ids::fresh("whsec", 32));
    endpoint.events = events;
    endpoint.description = params.changeable("description", 5_000)?.flatten();
    endpoint.metadata = params.metadata("metadata")?;
    endpoint.api_version = params.text("api_version", 100)?;
    if endpoint.api_version.as_deref().is_some_and(|version| version != objects::API_VERSION) {
        return Err(ApiError::unsupported("api_version", "other API versions than its own"));
    }
    params.texts("expand")?;
    params.finish()?;
    if call.state.endpoints.len() >= MOST {
        return Err(ApiError::invalid(format!("You have reached the maximum of {MOST} test webhook endpoints.")));
    }
    let out = objects::endpoint(&endpoint, true);
    call.state.endpoints.push(endpoint);
    Ok(out)
}

/// `GET /v1/webhook_endpoints/{id}`
pub(super) fn retrieve(call: Call<'_>, id: &str) -> Answer {
    let endpoint = call.state.endpoints.get(id).ok_or_else(|| ApiError::missing_resource(WHAT, id, "id"))?;
    call.params.texts("expand")?;
    call.params.finish()?;
    Ok(objects::endpoint(endpoint, false))
}

/// `POST /v1/webhook_endpoints/{id}`
pub(super) fn update(call: Call<'_>, id: &str) -> Answer {
    let params = &call.params;
    let found = call.state.endpoints.get(id).cloned();
    let mut endpoint = found.ok_or_else(|| ApiError::missing_resource(WHAT, id, "id"))?;
    if let Some(url) = url(params)? {
        endpoint.url = url;
    }
    if let Some(events) = events(params)? {
        endpoint.events = events;
    }
    if let Some(description) = params.changeable("description", 5_000)? {
        endpoint.description = description;
    }
    if let Some(disabled) = params.boolean("disabled")? {
        endpoint.disabled = disabled;
    }
    if let Some(change) = params.metadata_change("metadata")? {
        change.apply(&mut endpoint.metadata);
    }
    params.texts("expand")?;
    params.finish()?;
    let out = objects::endpoint(&endpoint, false);
    call.state.endpoints.push(endpoint);
    Ok(out)
}

/// `DELETE /v1/webhook_endpoints/{id}`
pub(super) fn delete(call: Call<'_>, id: &str) -> Answer {
    call.params.finish()?;
    call.state.endpoints.remove(id).ok_or_else(|| ApiError::missing_resource(WHAT, id, "id"))?;
    Ok(objects::deleted("webhook_endpoint", id))
}

/// `GET /v1/webhook_endpoints`
pub(super) fn list(call: Call<'_>) -> Answer {
    let listing = Listing { what: "webhook_endpoint", url: "/v1/webhook_endpoints", key: None };
    lists::list(&call, &call.state.endpoints, &listing, |_| true, |endpoint| objects::endpoint(endpoint, false))
}
