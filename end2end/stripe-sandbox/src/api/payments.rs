//! Payment intents, payment methods and Charges: made by paying a Checkout Session, read here.

use super::lists::{self, Listing, fits};
use super::{Answer, Call, expand};
use crate::error::ApiError;
use crate::objects;
use crate::records::{Charge, Intent};

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
    let created = call.params.range("created")?;
    let customer = call.params.text("customer", 255)?;
    let wanted = |intent: &Intent| created.allows(intent.created) && fits(&customer, intent.customer.as_deref());
    let key = lists::key([("customer", &customer)]);
    let listing = Listing { what: "payment_intent", url: "/v1/payment_intents", key };
    let show = |intent: &Intent| objects::intent(intent, &call.state.base_url);
    lists::list(&call, &call.state.intents, &listing, wanted, show)
}

/// `GET /v1/payment_methods/{id}`
pub(super) fn retrieve_method(call: Call<'_>, id: &str) -> Answer {
    call.params.finish()?;
    let intent = call.state.intents.of(&format!("method={id}")).next();
    let method = intent.and_then(|intent| intent.method.as_ref());
    method.map(objects::method).ok_or_else(|| ApiError::missing_resource("PaymentMethod", id, "payment_method"))
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
    let created = call.params.range("created")?;
    let intent = call.params.text("payment_intent", 255)?;
    let customer = call.params.text("customer", 255)?;
    call.params.refuse(&["transfer_group"])?;
    let wanted = |charge: &Charge| {
        created.allows(charge.created)
            && fits(&intent, Some(&charge.intent))
            && fits(&customer, charge.customer.as_deref())
    };
    let key = lists::key([("intent", &intent), ("customer", &customer)]);
    let listing = Listing { what: "charge", url: "/v1/charges", key };
    lists::list(&call, &call.state.charges, &listing, wanted, objects::charge)
}
