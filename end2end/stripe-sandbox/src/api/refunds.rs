//! Refunds: create, retrieve, update, list, cancel.

use serde_json::Value;

use super::lists::{self, Listing, Page, fits};
use super::{Answer, Call, expand};
use crate::error::ApiError;
use crate::records::{ChargeStatus, Refund};
use crate::state::State;
use crate::{objects, refunding};

const WHAT: &str = "refund";
/// How many an expanded charge carries.
const FIRST: usize = 10;
const REASONS: &[&str] = &["duplicate", "fraudulent", "requested_by_customer"];

/// `POST /v1/refunds`, and `POST /v1/charges/{id}/refunds` with the charge in the address.
pub(super) fn create(call: Call<'_>, charge: Option<&str>) -> Answer {
    let params = &call.params;
    params.refuse(&[
        "currency",
        "customer",
        "instructions_email",
        "origin",
        "refund_application_fee",
        "reverse_transfer",
    ])?;
    let intent = params.text("payment_intent", 255)?;
    let charge = match charge {
        Some(id) => Some(id.to_owned()),
        None => params.text("charge", 255)?,
    };
    let request = refunding::Request {
        charge: which(call.state, charge, intent)?,
        amount: params.integer("amount", 1, i64::MAX)?,
        reason: params.choice("reason", REASONS)?,
        metadata: params.metadata("metadata")?,
    };
    // A wrong path is an error before anything is done.
    trial(&call)?;
    params.finish()?;
    let id = refunding::refund(call.state, request, &call.cause).map_err(ApiError::after_start)?;
    show(call, &id)
}

/// Whether the paths of `expand` fit a refund, tried on one of nothing.
fn trial(call: &Call<'_>) -> Result<(), ApiError> {
    let mut none = serde_json::json!({ "object": WHAT, "charge": null, "payment_intent": null });
    expand::object(&mut none, &call.params, call.state)
}

fn which(state: &State, charge: Option<String>, intent: Option<String>) -> Result<String, ApiError> {
    let Some(intent_id) = intent else {
        return charge.ok_or_else(|| {
            ApiError::invalid(
                "One of the following params should be provided for this request: payment_intent or charge.",
            )
        });
    };
    let Some(intent) = state.intents.get(&intent_id) else {
        return Err(ApiError::missing_resource("payment_intent", &intent_id, "payment_intent"));
    };
    let found = intent
        .latest_charge
        .as_ref()
        .filter(|id| state.charges.get(id).is_some_and(|charge| charge.status == ChargeStatus::Succeeded))
        .ok_or_else(|| {
            ApiError::invalid(format!("This PaymentIntent ({intent_id}) does not have a successful charge to refund."))
        })?;
    match charge {
        Some(charge) if charge != *found => {
            Err(ApiError::invalid(format!("The charge {charge} does not belong to the PaymentIntent {intent_id}."))
                .param("charge"))
        }
        _ => Ok(found.clone()),
    }
}

fn show(call: Call<'_>, id: &str) -> Answer {
    let refund = call.state.refunds.get(id).ok_or_else(|| ApiError::missing_resource(WHAT, id, "id"))?;
    let mut out = objects::refund(refund);
    expand::object(&mut out, &call.params, call.state)?;
    Ok(out)
}

/// `GET /v1/refunds/{id}`
pub(super) fn retrieve(call: Call<'_>, id: &str) -> Answer {
    call.params.texts("expand")?;
    call.params.finish()?;
    show(call, id)
}

/// `POST /v1/refunds/{id}`: its metadata may be changed.
pub(super) fn update(call: Call<'_>, id: &str) -> Answer {
    if call.state.refunds.get(id).is_none() {
        return Err(ApiError::missing_resource(WHAT, id, "id"));
    }
    trial(&call)?;
    let change = call.params.metadata_change("metadata")?;
    call.params.finish()?;
    if let Some(change) = change {
        call.state.refunds.update(id, |refund| change.apply(&mut refund.metadata));
        refunding::updated(call.state, id, &call.cause);
    }
    show(call, id)
}

/// `POST /v1/refunds/{id}/cancel`: only what waits for the customer can be cancelled, and no refund here does.
pub(super) fn cancel(call: Call<'_>, id: &str) -> Answer {
    let refund = call.state.refunds.get(id).ok_or_else(|| ApiError::missing_resource(WHAT, id, "id"))?;
    call.params.texts("expand")?;
    call.params.finish()?;
    let status = serde_json::json!(refund.status);
    Err(ApiError::invalid(format!(
        "Only refunds with a status of `requires_action` can be canceled. This refund has a status of `{}`.",
        status.as_str().unwrap_or_default()
    ))
    .after_start())
}

/// `GET /v1/refunds`, and `GET /v1/charges/{id}/refunds` with the charge in the address.
pub(super) fn list(call: Call<'_>, charge: Option<&str>) -> Answer {
    let created = call.params.range("created")?;
    let intent = call.params.text("payment_intent", 255)?;
    let (charge, url) = match charge {
        Some(id) => {
            if call.state.charges.get(id).is_none() {
                return Err(ApiError::missing_resource("charge", id, "id"));
            }
            (Some(id.to_owned()), url(id))
        }
        None => (call.params.text("charge", 255)?, "/v1/refunds".to_owned()),
    };
    let wanted = |refund: &Refund| {
        created.allows(refund.created) && fits(&intent, Some(&refund.intent)) && fits(&charge, Some(&refund.charge))
    };
    let key = lists::key([("charge", &charge), ("intent", &intent)]);
    let listing = Listing { what: WHAT, url: &url, key };
    lists::list(&call, &call.state.refunds, &listing, wanted, objects::refund)
}

/// `GET /v1/charges/{id}/refunds/{refund}`
pub(super) fn retrieve_of(call: Call<'_>, charge: &str, id: &str) -> Answer {
    match call.state.refunds.get(id) {
        Some(refund) if refund.charge == charge => retrieve(call, id),
        _ => Err(ApiError::missing_resource(WHAT, id, "id")),
    }
}

/// `refunds` of a charge as `expand` shows them: the newest ten.
pub(super) fn of_charge(state: &State, charge: &str) -> Value {
    let page = Page::first_of(FIRST);
    let (rows, more) = page.of(&state.refunds, WHAT, Some(&format!("charge={charge}")), |_| true).unwrap_or_default();
    objects::list(&url(charge), rows.into_iter().map(objects::refund).collect(), more)
}

fn url(charge: &str) -> String {
    format!("/v1/charges/{charge}/refunds")
}
