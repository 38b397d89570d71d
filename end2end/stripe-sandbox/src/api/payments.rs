//! Payment intents and Charges: reading only. They are made by paying a Checkout Session.

use serde_json::Value;

use super::lists::Page;
use super::{Answer, Call, expand};
use crate::error::ApiError;
use crate::objects;

/// `GET /v1/payment_intents/{id}`
pub(super) fn retrieve_intent(call: Call<'_>, id: &str) -> Answer {
    let found = call.state.intents.get(id);
    let intent = found.ok_or_else(|| ApiError::missing_resource("payment_intent", id, "intent"))?;
    let mut out = objects::intent(intent, &call.state.base_url);
    expand::object(&mut out, &call.params, call.state)?;
    call.params.finish()?;
    Ok(out)
}

/// `GET /v1/payment_intents`
pub(super) fn list_intents(call: Call<'_>) -> Answer {
    let page = Page::read(&call.params)?;
    let created = call.params.range("created")?;
    let rows = call.state.intents.iter().rev().collect();
    let (page, more) =
        page.cut(rows, "payment_intent", |intent| &intent.id, |intent| created.allows(intent.created))?;
    let mut data: Vec<Value> = page.into_iter().map(|intent| objects::intent(intent, &call.state.base_url)).collect();
    expand::rows(&mut data, "payment_intent", &call.params, call.state)?;
    call.params.finish()?;
    Ok(objects::list("/v1/payment_intents", data, more))
}

/// `GET /v1/charges/{id}`
pub(super) fn retrieve_charge(call: Call<'_>, id: &str) -> Answer {
    let charge = call.state.charges.get(id).ok_or_else(|| ApiError::missing_resource("charge", id, "id"))?;
    let mut out = objects::charge(charge);
    expand::object(&mut out, &call.params, call.state)?;
    call.params.finish()?;
    Ok(out)
}

/// `GET /v1/charges`
pub(super) fn list_charges(call: Call<'_>) -> Answer {
    let page = Page::read(&call.params)?;
    let created = call.params.range("created")?;
    let intent = call.params.text("payment_intent", 255)?;
    let rows = call.state.charges.iter().rev().collect();
    let (page, more) = page.cut(
        rows,
        "charge",
        |charge| &charge.id,
        |charge| created.allows(charge.created) && intent.as_ref().is_none_or(|id| *id == charge.intent),
    )?;
    let mut data: Vec<Value> = page.into_iter().map(objects::charge).collect();
    expand::rows(&mut data, "charge", &call.params, call.state)?;
    call.params.finish()?;
    Ok(objects::list("/v1/charges", data, more))
}
