//! Disputes: retrieve, list, evidence, close. The buyer's bank opens them.

use super::lists::{self, Listing, fits};
use super::{Answer, Call, expand};
use crate::error::ApiError;
use crate::records::Dispute;
use crate::state::State;
use crate::{disputing, objects};

const WHAT: &str = "dispute";
/// The most text in all of the evidence (docs.stripe.com/disputes/responding).
const MOST_TEXT: usize = 150_000;

fn show(call: &Call<'_>, id: &str) -> Answer {
    let dispute = call.state.disputes.get(id).ok_or_else(|| ApiError::missing_resource(WHAT, id, "dispute"))?;
    let mut out = object(call.state, dispute);
    expand::object(&mut out, &call.params, call.state)?;
    Ok(out)
}

fn object(state: &State, dispute: &Dispute) -> serde_json::Value {
    let refunded = state.charges.get(&dispute.charge).is_some_and(|charge| charge.refunded >= charge.amount);
    objects::dispute(dispute, refunded)
}

/// `GET /v1/disputes/{id}`
pub(super) fn retrieve(call: Call<'_>, id: &str) -> Answer {
    call.params.texts("expand")?;
    call.params.finish()?;
    show(&call, id)
}

/// `GET /v1/disputes`
pub(super) fn list(call: Call<'_>) -> Answer {
    let created = call.params.range("created")?;
    let charge = call.params.text("charge", 255)?;
    let intent = call.params.text("payment_intent", 255)?;
    let wanted = |dispute: &Dispute| {
        created.allows(dispute.created) && fits(&charge, Some(&dispute.charge)) && fits(&intent, Some(&dispute.intent))
    };
    let key = lists::key([("charge", &charge), ("intent", &intent)]);
    let listing = Listing { what: WHAT, url: "/v1/disputes", key };
    lists::list(&call, &call.state.disputes, &listing, wanted, |dispute| object(call.state, dispute))
}

/// `POST /v1/disputes/{id}`: evidence, submitted unless `submit=false`.
pub(super) fn update(call: Call<'_>, id: &str) -> Answer {
    show(&call, id)?;
    let params = &call.params;
    let mut response = disputing::Response {
        metadata: params.metadata_change("metadata")?,
        submit: params.boolean("submit")?.unwrap_or(true),
        ..disputing::Response::default()
    };
    if let Some(evidence) = params.object("evidence")? {
        evidence.refuse(&["enhanced_evidence"])?;
    }
    for (name, text) in params.pairs("evidence", MOST_TEXT)?.unwrap_or_default() {
        let full = format!("evidence[{name}]");
        if !objects::EVIDENCE.contains(&name.as_str()) {
            return Err(ApiError::unknown(&full));
        }
        response.evidence.insert(name, text);
    }
    params.finish()?;
    open(call.state, id)?;
    let text: usize = response.evidence.values().flatten().map(|text| text.chars().count()).sum();
    if text > MOST_TEXT {
        let message = format!("The evidence can have at most {MOST_TEXT} characters in all.");
        return Err(ApiError::invalid(message).param("evidence"));
    }
    disputing::respond(call.state, id, response, &call.cause);
    show(&call, id)
}

/// `POST /v1/disputes/{id}/close`: the store gives in.
pub(super) fn close(call: Call<'_>, id: &str) -> Answer {
    show(&call, id)?;
    call.params.finish()?;
    open(call.state, id)?;
    disputing::close(call.state, id, false, &call.cause);
    show(&call, id)
}

fn open(state: &State, id: &str) -> Result<(), ApiError> {
    if state.disputes.get(id).is_some_and(|dispute| dispute.status.is_closed()) {
        return Err(ApiError::invalid("This dispute is already closed.").after_start());
    }
    Ok(())
}
