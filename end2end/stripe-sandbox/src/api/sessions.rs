//! Checkout Sessions: retrieve, list, expire, line items.

use serde_json::Value;

use super::lists::Page;
use super::{Answer, Call, expand};
use crate::error::ApiError;
use crate::records::{Item, Session, SessionStatus};
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
        let status = match status {
            SessionStatus::Complete => "complete",
            SessionStatus::Expired => "expired",
            SessionStatus::Open => "open",
        };
        return Err(ApiError::invalid(format!(
            "Only Checkout Sessions with a status in [\"open\"] can be expired. This Checkout Session has a status of \
             `{status}`."
        ))
        .after_start());
    }
    let session = call.state.sessions.get(id).ok_or_else(|| ApiError::missing_resource(WHAT, id, "id"))?;
    let mut out = objects::session(session, &call.state.base_url);
    expand::object(&mut out, &call.params, call.state)?;
    Ok(out)
}

/// `GET /v1/checkout/sessions`
pub(super) fn list(call: Call<'_>) -> Answer {
    let page = Page::read(&call.params)?;
    let intent = call.params.text("payment_intent", 255)?;
    let status = call.params.choice("status", &["complete", "expired", "open"])?;
    let created = call.params.range("created")?;
    let email = match call.params.object("customer_details")? {
        Some(details) => {
            let email = details.required("email", 800)?;
            details.finish()?;
            Some(email)
        }
        None => None,
    };
    if let Some(id) = &intent
        && call.state.intents.get(id).is_none()
    {
        return Err(ApiError::missing_resource("payment_intent", id, "payment_intent"));
    }
    let wanted = |session: &Session| {
        let word = match session.status {
            SessionStatus::Open => "open",
            SessionStatus::Complete => "complete",
            SessionStatus::Expired => "expired",
        };
        let address = session.buyer.as_ref().map(|buyer| &buyer.email).or(session.settings.customer_email.as_ref());
        status.as_deref().is_none_or(|status| status == word)
            && intent.as_ref().is_none_or(|id| session.intent.as_ref() == Some(id))
            && email.as_ref().is_none_or(|email| address.is_some_and(|a| a.eq_ignore_ascii_case(email)))
            && created.allows(session.created)
    };
    let rows = call.state.sessions.iter().rev().collect();
    let (page, more) = page.cut(rows, WHAT, |session| &session.id, wanted)?;
    let mut data: Vec<Value> =
        page.into_iter().map(|session| objects::session(session, &call.state.base_url)).collect();
    expand::rows(&mut data, WHAT, &call.params, call.state)?;
    call.params.finish()?;
    Ok(objects::list("/v1/checkout/sessions", data, more))
}

/// `GET /v1/checkout/sessions/{id}/line_items`
pub(super) fn line_items(call: Call<'_>, id: &str) -> Answer {
    let session = call.state.sessions.get(id).ok_or_else(|| ApiError::missing_resource(WHAT, id, "id"))?;
    let page = Page::read(&call.params)?;
    call.params.refuse(&["expand"])?;
    call.params.finish()?;
    let rows: Vec<&Item> = session.items.iter().collect();
    let (page, more) = page.cut(rows, "line_item", |item| &item.id, |_| true)?;
    let data = page.into_iter().map(|item| objects::item(item, session)).collect();
    Ok(objects::list(&items_url(session), data, more))
}

/// `line_items` as `expand` shows them: the first ten.
pub(super) fn first_items(session: &Session) -> Value {
    let data = session.items.iter().take(FIRST_ITEMS).map(|item| objects::item(item, session)).collect();
    objects::list(&items_url(session), data, session.items.len() > FIRST_ITEMS)
}

fn items_url(session: &Session) -> String {
    format!("/v1/checkout/sessions/{}/line_items", session.id)
}
