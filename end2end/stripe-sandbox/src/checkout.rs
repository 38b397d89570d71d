//! What happens to a Checkout Session after its creation: paying, authenticating, expiring.
//!
//! Every function takes the whole state, so the caller's lock makes each of them one step: however
//! many requests pay one session, there is one `PaymentIntent` and one success.

use crate::cards::{Card, Decline, FieldError, Outcome};
use crate::records::{
    Buyer, Cause, Charge, Failure, Intent, IntentStatus, Method, Record as _, Session, SessionStatus,
};
use crate::state::State;
use crate::{SESSION_ID_TEMPLATE, clock, ids, objects};

/// What became of an attempt to pay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PayOutcome {
    /// The session is complete, now or since before.
    Completed {
        /// The store's success URL, with the session id filled in.
        redirect: String,
        /// The `PaymentIntent`; none for an order of zero.
        payment_intent: Option<String>,
    },
    /// The buyer has to authenticate: see [`crate::Running::authenticate`].
    AuthenticationRequired,
    /// The card was declined; the session stays open.
    Declined {
        /// Stripe's error code.
        code: String,
        /// The finer reason.
        decline_code: Option<String>,
        /// The sentence for the buyer.
        message: String,
    },
    /// Fields of the form are wrong; nothing was tried.
    Invalid(Vec<FieldError>),
    /// The session has expired.
    Expired,
    /// There is no such session, or nothing to authenticate.
    NotFound,
}

const AUTHENTICATION_FAILED: Decline = Decline {
    code: "payment_intent_authentication_failure",
    decline_code: None,
    message: "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
};

/// Tries to pay. `card` is only looked at where there is something to pay.
pub(crate) fn pay(state: &mut State, session_id: &str, card: Option<Card>, buyer: Buyer) -> PayOutcome {
    expire_due(state);
    let Some(session) = state.sessions.get(session_id).cloned() else { return PayOutcome::NotFound };
    match session.status {
        SessionStatus::Complete => return completed(&session),
        SessionStatus::Expired => return PayOutcome::Expired,
        SessionStatus::Open => {}
    }
    if session.total() == 0 {
        return complete(state, session_id, buyer);
    }
    let Some(card) = card else {
        let message = "Your card number is incomplete.";
        return PayOutcome::Invalid(vec![FieldError { field: "card_number", code: "incomplete_number", message }]);
    };
    let method = Method { id: ids::usual("pm"), created: clock::now(), card: card.summary, buyer: buyer.clone() };
    let intent_id = ensure_intent(state, &session);
    match card.outcome {
        Outcome::Succeeds => charge(state, session_id, &intent_id, method),
        Outcome::Declined(decline) => decline_card(state, &intent_id, method, decline),
        Outcome::NeedsAuthentication => {
            if let Some(intent) = state.intents.get_mut(&intent_id) {
                intent.status = IntentStatus::RequiresAction;
                intent.method = Some(method);
                intent.last_error = None;
            }
            emit_intent(state, &intent_id, "payment_intent.requires_action");
            PayOutcome::AuthenticationRequired
        }
    }
}

/// The buyer's answer on the authentication page.
pub(crate) fn authenticate(state: &mut State, session_id: &str, passed: bool) -> PayOutcome {
    expire_due(state);
    let Some(session) = state.sessions.get(session_id).cloned() else { return PayOutcome::NotFound };
    match session.status {
        SessionStatus::Complete => return completed(&session),
        SessionStatus::Expired => return PayOutcome::Expired,
        SessionStatus::Open => {}
    }
    let waiting = session
        .intent
        .as_deref()
        .and_then(|id| state.intents.get(id))
        .filter(|intent| intent.status == IntentStatus::RequiresAction);
    let Some((intent_id, method)) = waiting.and_then(|i| Some((i.id.clone(), i.method.clone()?))) else {
        return PayOutcome::NotFound;
    };
    if passed {
        charge(state, session_id, &intent_id, method)
    } else {
        fail(state, &intent_id, method, AUTHENTICATION_FAILED, None)
    }
}

/// Expires one session. `Err` names the status that forbids it.
pub(crate) fn expire(state: &mut State, session_id: &str, cause: &Cause) -> Result<(), SessionStatus> {
    let Some(session) = state.sessions.get_mut(session_id) else { return Ok(()) };
    if session.status != SessionStatus::Open {
        return Err(session.status);
    }
    session.status = SessionStatus::Expired;
    let intent_id = session.intent.clone();
    let snapshot = objects::session(session, &state.base_url);
    // Nothing may be paid any more: what was begun is cancelled.
    if let Some(id) = intent_id {
        if let Some(intent) = state.intents.get_mut(&id) {
            intent.status = IntentStatus::Canceled;
            intent.canceled_at = Some(clock::now());
        }
        emit_intent(state, &id, "payment_intent.canceled");
    }
    state.emit("checkout.session.expired", snapshot, cause);
    Ok(())
}

/// Expires every session whose time has come. Returns whether there was one.
pub(crate) fn expire_due(state: &mut State) -> bool {
    let now = clock::now();
    let due: Vec<String> = state
        .sessions
        .iter()
        .filter(|session| session.status == SessionStatus::Open && session.expires_at <= now)
        .map(|session| session.id().to_owned())
        .collect();
    for id in &due {
        // Open a moment ago, under the same lock: it cannot refuse.
        let _ = expire(state, id, &Cause::default());
    }
    !due.is_empty()
}

/// The store's success URL with the session's id in it.
pub(crate) fn success_url(session: &Session) -> String {
    session.settings.success_url.replace(SESSION_ID_TEMPLATE, &session.id)
}

fn completed(session: &Session) -> PayOutcome {
    PayOutcome::Completed { redirect: success_url(session), payment_intent: session.intent.clone() }
}

fn ensure_intent(state: &mut State, session: &Session) -> String {
    if let Some(id) = &session.intent {
        return id.clone();
    }
    let id = ids::usual("pi");
    state.intents.push(Intent {
        id: id.clone(),
        created: clock::now(),
        client_secret: ids::fresh(&format!("{id}_secret"), 25),
        session: session.id.clone(),
        amount: session.total(),
        currency: session.currency.clone(),
        status: IntentStatus::RequiresPaymentMethod,
        settings: session.settings.intent.clone(),
        method: None,
        latest_charge: None,
        last_error: None,
        canceled_at: None,
    });
    if let Some(session) = state.sessions.get_mut(&session.id) {
        session.intent = Some(id.clone());
    }
    emit_intent(state, &id, "payment_intent.created");
    id
}

fn charge(state: &mut State, session_id: &str, intent_id: &str, method: Method) -> PayOutcome {
    let buyer = method.buyer.clone();
    let Some(charge_id) = new_charge(state, intent_id, &method, None) else { return PayOutcome::NotFound };
    if let Some(intent) = state.intents.get_mut(intent_id) {
        intent.status = IntentStatus::Succeeded;
        intent.method = Some(method);
        intent.latest_charge = Some(charge_id);
        intent.last_error = None;
    }
    emit_intent(state, intent_id, "payment_intent.succeeded");
    complete(state, session_id, buyer)
}

fn complete(state: &mut State, session_id: &str, buyer: Buyer) -> PayOutcome {
    let Some(session) = state.sessions.get_mut(session_id) else { return PayOutcome::NotFound };
    session.status = SessionStatus::Complete;
    session.buyer = Some(buyer);
    let outcome = completed(session);
    let snapshot = objects::session(session, &state.base_url);
    state.emit("checkout.session.completed", snapshot, &Cause::default());
    outcome
}

fn decline_card(state: &mut State, intent_id: &str, method: Method, decline: Decline) -> PayOutcome {
    let charge = new_charge(state, intent_id, &method, Some(decline));
    fail(state, intent_id, method, decline, charge)
}

fn fail(state: &mut State, intent_id: &str, method: Method, why: Decline, charge: Option<String>) -> PayOutcome {
    let decline_code = why.decline_code.map(str::to_owned);
    if let Some(intent) = state.intents.get_mut(intent_id) {
        intent.status = IntentStatus::RequiresPaymentMethod;
        intent.method = None;
        if charge.is_some() {
            intent.latest_charge.clone_from(&charge);
        }
        intent.last_error = Some(Failure {
            code: why.code.to_owned(),
            decline_code: decline_code.clone(),
            message: why.message.to_owned(),
            charge,
            method,
        });
    }
    emit_intent(state, intent_id, "payment_intent.payment_failed");
    PayOutcome::Declined { code: why.code.to_owned(), decline_code, message: why.message.to_owned() }
}

fn new_charge(state: &mut State, intent_id: &str, method: &Method, failure: Option<Decline>) -> Option<String> {
    let intent = state.intents.get(intent_id)?;
    let charge = Charge {
        id: ids::usual("ch"),
        created: clock::now(),
        intent: intent.id.clone(),
        amount: intent.amount,
        currency: intent.currency.clone(),
        settings: intent.settings.clone(),
        method: method.clone(),
        failure: failure.map(|why| (why.code.to_owned(), why.decline_code.map(str::to_owned), why.message.to_owned())),
    };
    let id = charge.id.clone();
    let kind = if failure.is_some() { "charge.failed" } else { "charge.succeeded" };
    let snapshot = objects::charge(&charge);
    state.charges.push(charge);
    state.emit(kind, snapshot, &Cause::default());
    Some(id)
}

fn emit_intent(state: &mut State, id: &str, kind: &str) {
    if let Some(intent) = state.intents.get(id) {
        let snapshot = objects::intent(intent, &state.base_url);
        state.emit(kind, snapshot, &Cause::default());
    }
}
