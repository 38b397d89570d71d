//! What happens to a Checkout Session after its creation: paying, authenticating, expiring.
//!
//! Every function takes the whole state, so the caller's lock makes each of them one step: however
//! many requests pay one session, there is one `PaymentIntent` and one success.

use crate::cards::{Afterwards, Card, Decline, FieldError, Outcome};
use crate::records::{
    BankSummary, Buyer, Cause, Charge, ChargeStatus, Customer, Failure, Intent, IntentStatus, Means, Method, Session,
    SessionStatus, What,
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

/// What the buyer pays with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Payment {
    Card(Card),
    Bank(BankSummary),
}

const AUTHENTICATION_FAILED: Decline = Decline {
    code: "payment_intent_authentication_failure",
    decline_code: None,
    message: "We are unable to authenticate your payment method. Please choose a different payment method and try again.",
};

/// Tries to pay. The payment is only looked at where there is something to pay.
pub(crate) fn pay(state: &mut State, session_id: &str, payment: Option<Payment>, buyer: Buyer) -> PayOutcome {
    expire_due(state);
    let Some(session) = state.sessions.get(session_id).cloned() else { return PayOutcome::NotFound };
    if let Some(outcome) = closed(&session) {
        return outcome;
    }
    locate(state, session_id, buyer.country.as_deref(), buyer.tax_id.as_deref());
    let Some(session) = state.sessions.get(session_id).cloned() else { return PayOutcome::NotFound };
    if session.total() == 0 {
        return complete(state, session_id, buyer, true);
    }
    let Some(payment) = payment else {
        let message = "Your card number is incomplete.";
        return PayOutcome::Invalid(vec![FieldError { field: "card_number", code: "incomplete_number", message }]);
    };
    let method = |means| Method { id: ids::usual("pm"), created: clock::now(), means, buyer: buyer.clone() };
    let intent_id = ensure_intent(state, &session);
    match payment {
        Payment::Bank(bank) => debit(state, session_id, &intent_id, method(Means::Bank(bank))),
        Payment::Card(card) => {
            let method = method(Means::Card(card.summary));
            match card.outcome {
                Outcome::Succeeds => charge(state, session_id, &intent_id, method),
                Outcome::Declined(decline) => decline_card(state, &intent_id, method, decline),
                Outcome::NeedsAuthentication => {
                    state.intents.update(&intent_id, |intent| {
                        intent.status = IntentStatus::RequiresAction;
                        intent.method = Some(method);
                        intent.last_error = None;
                    });
                    emit_intent(state, &intent_id, "payment_intent.requires_action");
                    PayOutcome::AuthenticationRequired
                }
            }
        }
    }
}

/// The outcome for a session that is no longer open.
fn closed(session: &Session) -> Option<PayOutcome> {
    match session.status {
        SessionStatus::Complete => Some(completed(session)),
        SessionStatus::Expired => Some(PayOutcome::Expired),
        SessionStatus::Open => None,
    }
}

/// Notes where the buyer is, and whether a business, for automatic tax.
pub(crate) fn locate(state: &mut State, session_id: &str, country: Option<&str>, tax_id: Option<&str>) {
    state.sessions.update(session_id, |session| {
        if session.settings.automatic_tax && session.status == SessionStatus::Open && country.is_some() {
            session.tax_country = country.map(str::to_owned);
            session.tax_id = tax_id.filter(|_| session.settings.tax_id_collection == Some(true)).map(str::to_owned);
        }
    });
}

/// Lets automatic tax fail for an open session.
pub(crate) fn fail_tax(state: &mut State, session_id: &str) -> bool {
    let open = state.sessions.get(session_id).is_some_and(|session| session.status == SessionStatus::Open);
    if open {
        state.sessions.update(session_id, |session| session.tax_fails = true);
    }
    open
}

/// The buyer's answer on the authentication page.
pub(crate) fn authenticate(state: &mut State, session_id: &str, passed: bool) -> PayOutcome {
    expire_due(state);
    let Some(session) = state.sessions.get(session_id).cloned() else { return PayOutcome::NotFound };
    if let Some(outcome) = closed(&session) {
        return outcome;
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
    let tick = state.tick();
    let expired = state.sessions.update(session_id, |session| {
        if session.status != SessionStatus::Open {
            return Err(session.status);
        }
        session.status = SessionStatus::Expired;
        session.closed = Some(tick);
        Ok(session.intent.clone())
    });
    let Some(expired) = expired else { return Ok(()) };
    // Nothing may be paid any more: what was begun is cancelled.
    if let Some(id) = expired? {
        state.intents.update(&id, |intent| {
            intent.status = IntentStatus::Canceled;
            intent.canceled_at = Some(clock::now());
        });
        emit_intent(state, &id, "payment_intent.canceled");
    }
    emit_session(state, session_id, "checkout.session.expired", cause);
    Ok(())
}

/// Expires every session whose time has come. Returns whether there was one.
pub(crate) fn expire_due(state: &mut State) -> bool {
    let due = state.sessions.due_by(clock::now());
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
    let amount = session.total();
    if let Some(id) = &session.intent {
        // A discount or a tax may have come since the last attempt.
        state.intents.update(id, |intent| intent.amount = amount);
        return id.clone();
    }
    let id = ids::usual("pi");
    state.intents.push(Intent {
        id: id.clone(),
        created: clock::now(),
        client_secret: ids::fresh(&format!("{id}_secret"), 25),
        session: session.id.clone(),
        amount,
        currency: session.currency.clone(),
        status: IntentStatus::RequiresPaymentMethod,
        settings: session.settings.intent.clone(),
        methods: session.settings.methods().into_iter().map(str::to_owned).collect(),
        customer: session.customer.clone(),
        method: None,
        latest_charge: None,
        last_error: None,
        canceled_at: None,
    });
    state.sessions.update(&session.id, |session| session.intent = Some(id.clone()));
    emit_intent(state, &id, "payment_intent.created");
    id
}

fn charge(state: &mut State, session_id: &str, intent_id: &str, method: Method) -> PayOutcome {
    let buyer = method.buyer.clone();
    ensure_customer(state, session_id, intent_id, &buyer);
    let Some(charge_id) = new_charge(state, intent_id, &method, None) else { return PayOutcome::NotFound };
    let afterwards = match &method.means {
        Means::Card(card) => card.afterwards,
        Means::Bank(_) => Afterwards::Nothing,
    };
    state.intents.update(intent_id, |intent| {
        intent.status = IntentStatus::Succeeded;
        intent.method = Some(method);
        intent.latest_charge = Some(charge_id.clone());
        intent.last_error = None;
    });
    emit_intent(state, intent_id, "payment_intent.succeeded");
    let outcome = complete(state, session_id, buyer, true);
    let dispute = |reason: &str, inquiry| What::Dispute { charge: charge_id, reason: reason.to_owned(), inquiry };
    match afterwards {
        Afterwards::Fraudulent => state.later(dispute("fraudulent", false)),
        Afterwards::NotReceived => state.later(dispute("product_not_received", false)),
        Afterwards::Inquiry => state.later(dispute("fraudulent", true)),
        Afterwards::Nothing | Afterwards::RefundFails | Afterwards::RefundIsPending => {}
    }
    outcome
}

/// A bank debit: the session is complete, the money is not there yet.
fn debit(state: &mut State, session_id: &str, intent_id: &str, method: Method) -> PayOutcome {
    let buyer = method.buyer.clone();
    ensure_customer(state, session_id, intent_id, &buyer);
    let Some(charge_id) = new_charge(state, intent_id, &method, None) else { return PayOutcome::NotFound };
    state.intents.update(intent_id, |intent| {
        intent.status = IntentStatus::Processing;
        intent.method = Some(method);
        intent.latest_charge = Some(charge_id);
        intent.last_error = None;
    });
    emit_intent(state, intent_id, "payment_intent.processing");
    let outcome = complete(state, session_id, buyer, false);
    state.later(What::Settle { session: session_id.to_owned() });
    outcome
}

fn complete(state: &mut State, session_id: &str, buyer: Buyer, paid: bool) -> PayOutcome {
    let tick = state.tick();
    let outcome = state.sessions.update(session_id, |session| {
        session.status = SessionStatus::Complete;
        session.closed = Some(tick);
        session.buyer = Some(buyer);
        session.paid = paid;
        (completed(session), session.discount.clone())
    });
    let Some((outcome, discount)) = outcome else { return PayOutcome::NotFound };
    if let Some(discount) = discount {
        state.coupons.update(&discount.coupon, |coupon| coupon.times_redeemed += 1);
        if let Some(code) = discount.promotion_code {
            state.promotion_codes.update(&code, |code| code.times_redeemed += 1);
        }
    }
    emit_session(state, session_id, "checkout.session.completed", &Cause::default());
    outcome
}

/// Makes the customer that `customer_creation=always` asks for.
fn ensure_customer(state: &mut State, session_id: &str, intent_id: &str, buyer: &Buyer) {
    let wanted = state.sessions.get(session_id).is_some_and(|session| {
        session.customer.is_none() && session.settings.customer_creation.as_deref() == Some("always")
    });
    if !wanted {
        return;
    }
    let customer = Customer {
        id: ids::fresh("cus", 14),
        created: clock::now(),
        email: Some(buyer.email.clone()),
        name: buyer.name.clone(),
        invoice_prefix: ids::invoice_prefix(),
        ..Customer::default()
    };
    let id = customer.id.clone();
    let snapshot = objects::customer(&customer);
    state.customers.push(customer);
    state.emit("customer.created", &snapshot, &Cause::default());
    state.sessions.update(session_id, |session| session.customer = Some(id.clone()));
    state.intents.update(intent_id, |intent| intent.customer = Some(id));
}

fn decline_card(state: &mut State, intent_id: &str, method: Method, decline: Decline) -> PayOutcome {
    let charge = new_charge(state, intent_id, &method, Some(decline));
    fail(state, intent_id, method, decline, charge)
}

fn fail(state: &mut State, intent_id: &str, method: Method, why: Decline, charge: Option<String>) -> PayOutcome {
    let decline_code = why.decline_code.map(str::to_owned);
    state.intents.update(intent_id, |intent| {
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
    });
    emit_intent(state, intent_id, "payment_intent.payment_failed");
    PayOutcome::Declined { code: why.code.to_owned(), decline_code, message: why.message.to_owned() }
}

fn new_charge(state: &mut State, intent_id: &str, method: &Method, failure: Option<Decline>) -> Option<String> {
    let intent = state.intents.get(intent_id)?;
    let (status, kind) = match (failure, &method.means) {
        (Some(_), _) => (ChargeStatus::Failed, "charge.failed"),
        (None, Means::Card(_)) => (ChargeStatus::Succeeded, "charge.succeeded"),
        (None, Means::Bank(_)) => (ChargeStatus::Pending, "charge.pending"),
    };
    let charge = Charge {
        id: ids::usual(if matches!(method.means, Means::Card(_)) { "ch" } else { "py" }),
        created: clock::now(),
        intent: intent.id.clone(),
        amount: intent.amount,
        currency: intent.currency.clone(),
        status,
        settings: intent.settings.clone(),
        customer: intent.customer.clone(),
        method: method.clone(),
        failure: failure.map(|why| (why.code.to_owned(), why.decline_code.map(str::to_owned), why.message.to_owned())),
        refunded: 0,
        disputed: false,
    };
    let id = charge.id.clone();
    let snapshot = objects::charge(&charge);
    state.charges.push(charge);
    state.emit(kind, &snapshot, &Cause::default());
    Some(id)
}

pub(crate) fn emit_intent(state: &mut State, id: &str, kind: &str) {
    if let Some(snapshot) = state.intents.get(id).map(|intent| objects::intent(intent, &state.base_url)) {
        state.emit(kind, &snapshot, &Cause::default());
    }
}

pub(crate) fn emit_charge(state: &mut State, id: &str, kind: &str) {
    if let Some(snapshot) = state.charges.get(id).map(objects::charge) {
        state.emit(kind, &snapshot, &Cause::default());
    }
}

pub(crate) fn emit_session(state: &mut State, id: &str, kind: &str, cause: &Cause) {
    if let Some(snapshot) = state.sessions.get(id).map(|session| objects::session(session, &state.base_url)) {
        state.emit(kind, &snapshot, cause);
    }
}
