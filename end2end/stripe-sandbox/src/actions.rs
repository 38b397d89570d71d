//! What can be done from outside Stripe's API: by the handle, the control routes and the dashboard alike.

use crate::cards;
use crate::checkout::{self, PayOutcome, Payment};
use crate::core::Core;
use crate::error::ApiError;
use crate::knobs::Knobs;
use crate::records::{Buyer, Cause, Intent};
use crate::state::State;
use crate::{bank, disputing, refunding};

/// Stripe's reasons for a dispute.
pub(crate) const REASONS: &[&str] = &[
    "fraudulent",
    "product_not_received",
    "product_unacceptable",
    "duplicate",
    "subscription_canceled",
    "unrecognized",
    "credit_not_processed",
    "general",
];

/// Pays as a buyer would on the page: with a test card's number, a test IBAN or a test account number.
pub(crate) fn pay(
    core: &Core,
    session_id: &str,
    number: &str,
    email: &str,
    country: &str,
    tax_id: Option<&str>,
) -> PayOutcome {
    let email = {
        let state = core.lock();
        let Some(session) = state.sessions.get(session_id) else { return PayOutcome::NotFound };
        session.given_email().map_or_else(|| email.to_owned(), str::to_owned)
    };
    let payment = match means(core, session_id, number) {
        Ok(payment) => payment,
        Err(errors) => return PayOutcome::Invalid(errors),
    };
    let buyer = Buyer {
        email,
        name: Some("Test Buyer".to_owned()),
        country: Some(country.to_owned()),
        tax_id: tax_id.map(str::to_owned),
        business: tax_id.map(|_| "Test Business".to_owned()),
        ..Buyer::default()
    };
    core.act(|state| checkout::pay(state, session_id, Some(payment), buyer))
}

fn means(core: &Core, session_id: &str, number: &str) -> Result<Payment, Vec<cards::FieldError>> {
    let offers = |method: &str| {
        let state = core.lock();
        state.sessions.get(session_id).is_some_and(|session| session.settings.methods().contains(&method))
    };
    let not_offered = cards::FieldError {
        field: "method",
        code: "payment_method_unavailable",
        message: "The session does not offer this payment method.",
    };
    if number.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return if offers("sepa_debit") { bank::sepa(number).map(Payment::Bank) } else { Err(vec![not_offered]) };
    }
    if bank::US_ACCOUNTS.iter().any(|account| account.number == number) {
        let bank = bank::us_account(bank::ROUTING, number).map(Payment::Bank);
        return if offers("us_bank_account") { bank } else { Err(vec![not_offered]) };
    }
    let cvc = if number.starts_with('3') { "1234" } else { "123" };
    let card = cards::parse(number, "12 / 34", cvc).map(Payment::Card)?;
    if offers("card") { Ok(card) } else { Err(vec![not_offered]) }
}

/// The charge that a session, a payment intent or a charge names.
pub(crate) fn charge_of(state: &State, id: &str) -> Option<String> {
    if state.charges.get(id).is_some() {
        return Some(id.to_owned());
    }
    let latest = |intent: &Intent| intent.latest_charge.clone();
    if let Some(intent) = state.intents.get(id) {
        return latest(intent);
    }
    state.intents.get(state.sessions.get(id)?.intent.as_deref()?).and_then(latest)
}

/// Refunds a payment, all that is left of it or an amount; the refund's id.
pub(crate) fn refund(core: &Core, payment: &str, amount: Option<i64>) -> Result<String, ApiError> {
    core.act(|state| {
        let Some(charge) = charge_of(state, payment) else {
            return Err(ApiError::missing_resource("payment", payment, "id"));
        };
        if amount.is_some_and(|amount| amount < 1) {
            return Err(ApiError::integer("amount", "This value must be greater than or equal to 1."));
        }
        let request = refunding::Request { charge, amount, ..refunding::Request::default() };
        refunding::refund(state, request, &Cause::default())
    })
}

/// Ends a refund. False when it has ended.
pub(crate) fn finish_refund(core: &Core, refund: &str, succeeds: bool) -> bool {
    core.act(|state| {
        let waiting: Vec<String> = state.tasks.of(&format!("refund={refund}")).map(|task| task.id.clone()).collect();
        for task in waiting {
            state.tasks.remove(&task);
        }
        refunding::finish(state, refund, succeeds)
    })
}

/// Disputes a payment; the dispute's id.
pub(crate) fn open_dispute(core: &Core, payment: &str, reason: &str, inquiry: bool) -> Option<String> {
    core.act(|state| {
        let charge = charge_of(state, payment)?;
        disputing::open(state, &charge, reason, inquiry)
    })
}

/// Ends a dispute. False when it is closed.
pub(crate) fn close_dispute(core: &Core, dispute: &str, won: bool) -> bool {
    core.act(|state| disputing::close(state, dispute, won, &Cause::default()))
}

/// Sets an endpoint's knobs; their count of deliveries begins anew. False when there is no such endpoint.
pub(crate) fn set_knobs(core: &Core, endpoint: &str, knobs: Knobs) -> bool {
    core.act(|state| {
        let set = state.endpoints.update(endpoint, |endpoint| {
            endpoint.knobs = knobs;
            endpoint.draws = 0;
        });
        set.is_some()
    })
}

/// Queues an event for every endpoint that is not disabled; their number, or `None` for an unknown event.
pub(crate) fn deliver_again(core: &Core, event: &str) -> Option<usize> {
    core.act(|state| {
        let kind = state.events.get(event)?.kind.clone();
        let endpoints: Vec<String> =
            state.endpoints.iter().filter(|endpoint| !endpoint.disabled).map(|endpoint| endpoint.id.clone()).collect();
        for endpoint in &endpoints {
            state.queue(event, &kind, endpoint, false);
        }
        Some(endpoints.len())
    })
}
