//! Checkout Sessions: retrieve, list, expire, line items.

use serde_json::Value;

use super::lists::{self, Listing, Page, fits};
use super::{Answer, Call, expand};
use crate::error::ApiError;
use crate::records::{Session, SessionStatus};
use crate::{checkout, objects};

const WHAT: &str = "checkout.session";
/// How many lines an expanded session carries.
const FIRST_ITEMS: usize = 10;

/// `GET /v1/checkout/sessions/{id}`
pub(super) fn retrieve(call: Call<'_>, id: &str) -> Answer {
    let session = call.state.sessions.get(id).ok_or_else(|| ApiError::missing_resource(WHAT, id, "id"))?;
    let mut out = objects::session(session, &call.state.base_url);
    expand::object(&mut out, &call.params, call.state)?;
    call.params.finish()?;
    Ok(out)
}

/// `POST /v1/checkout/sessions/{id}`: its metadata may be changed.
pub(super) fn update(call: Call<'_>, id: &str) -> Answer {
    let session = call.state.sessions.get(id).ok_or_else(|| ApiError::missing_resource(WHAT, id, "id"))?;
    let mut trial = objects::session(session, "");
    expand::object(&mut trial, &call.params, call.state)?;
    let change = call.params.metadata_change("metadata")?;
    call.params.refuse(&["collected_information", "line_items", "shipping_options"])?;
    call.params.finish()?;
    if let Some(change) = change {
        call.state.sessions.update(id, |session| change.apply(&mut session.settings.metadata));
    }
    retrieve(call, id)
}

/// `POST /v1/checkout/sessions/{id}/expire`
pub(super) fn expire(call: Call<'_>, id: &str) -> Answer {
    if call.state.sessions.get(id).is_none() {
        return Err(ApiError::missing_resource(WHAT, id, "id"));
    }
    // Checked before anything is done.
    let mut trial = call.state.sessions.get(id).map(|s| objects::session(s, "")).unwrap_or_default();
    expand::object(&mut trial, &call.params, call.state)?;
    call.params.finish()?;
    if let Err(status) = checkout::expire(call.state, id, &call.cause) {
        return Err(ApiError::invalid(format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of \
             `{}`.",
            status.word()
        ))
        .after_start());
    }
    retrieve(call, id)
}

/// `GET /v1/checkout/sessions`
pub(super) fn list(call: Call<'_>) -> Answer {
    let params = &call.params;
    let intent = params.text("payment_intent", 255)?;
    let customer = params.text("customer", 255)?;
    let status = params.choice("status", &["complete", "expired", "open"])?;
    let created = params.range("created")?;
    params.refuse(&["customer_account", "payment_link", "subscription"])?;
    let email = match params.object("customer_details")? {
        Some(details) => {
            let email = details.required("email", 800)?;
            details.finish()?;
            Some(email.to_lowercase())
        }
        None => None,
    };
    if let Some(id) = &intent
        && call.state.intents.get(id).is_none()
    {
        return Err(ApiError::missing_resource("payment_intent", id, "payment_intent"));
    }
    let wanted = |session: &Session| {
        fits(&status, Some(session.status.word()))
            && fits(&intent, session.intent.as_deref().filter(|_| session.status == SessionStatus::Complete))
            && fits(&customer, session.customer.as_deref())
            && fits(&email, session.email().map(str::to_lowercase).as_deref())
            && created.allows(session.created)
    };
    let keys = [("intent", &intent), ("customer", &customer), ("email", &email), ("status", &status)];
    let listing = Listing { what: WHAT, url: "/v1/checkout/sessions", key: lists::key(keys) };
    let show = |session: &Session| objects::session(session, &call.state.base_url);
    lists::list(&call, &call.state.sessions, &listing, wanted, show)
}

/// `GET /v1/checkout/sessions/{id}/line_items`
pub(super) fn line_items(call: Call<'_>, id: &str) -> Answer {
    let session = call.state.sessions.get(id).ok_or_else(|| ApiError::missing_resource(WHAT, id, "id"))?;
    let page = Page::read(&call.params)?;
    let (mut data, more) =
        page.cut(objects::items(session), "line_item", |item| item.get("id").and_then(Value::as_str))?;
    expand::rows_of(&mut data, "item", Some(session), &call.params, call.state)?;
    call.params.finish()?;
    Ok(objects::list(&items_url(session), data, more))
}

/// `line_items` as `expand` shows them: the first ten.
pub(super) fn first_items(session: &Session) -> Value {
    let data = objects::items(session).into_iter().take(FIRST_ITEMS).collect();
    objects::list(&items_url(session), data, session.items.len() > FIRST_ITEMS)
}

fn items_url(session: &Session) -> String {
    format!("/v1/checkout/sessions/{}/line_items", session.id)
}
