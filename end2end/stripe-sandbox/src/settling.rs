//! How a bank debit under way ends: the money comes, or it does not.

use crate::checkout::{emit_charge, emit_intent, emit_session};
use crate::records::{Cause, ChargeStatus, Failure, IntentStatus, Means};
use crate::state::State;

/// Settles a bank debit under way: as its account says, or as told. False when none is.
pub(crate) fn settle(state: &mut State, session_id: &str, outcome: Option<bool>) -> bool {
    let Some(intent_id) = state.sessions.get(session_id).and_then(|session| session.intent.clone()) else {
        return false;
    };
    let Some(intent) = state.intents.get(&intent_id).filter(|i| i.status == IntentStatus::Processing).cloned() else {
        return false;
    };
    let (Some(method), Some(charge_id)) = (intent.method, intent.latest_charge) else { return false };
    let failure = match &method.means {
        Means::Bank(bank) => bank.fails.clone(),
        Means::Card(_) => None,
    };
    let succeeds = outcome.unwrap_or(failure.is_none());
    let (code, message) = failure
        .unwrap_or_else(|| ("payment_method_provider_decline".to_owned(), "The bank refused the debit.".to_owned()));
    let tasks: Vec<String> = state.tasks.of(&format!("session={session_id}")).map(|task| task.id.clone()).collect();
    for task in tasks {
        state.tasks.remove(&task);
    }
    state.charges.update(&charge_id, |charge| {
        charge.status = if succeeds { ChargeStatus::Succeeded } else { ChargeStatus::Failed };
        charge.failure = (!succeeds).then(|| (code.clone(), None, message.clone()));
    });
    emit_charge(state, &charge_id, if succeeds { "charge.succeeded" } else { "charge.failed" });
    state.intents.update(&intent_id, |intent| {
        if succeeds {
            intent.status = IntentStatus::Succeeded;
        } else {
            intent.status = IntentStatus::RequiresPaymentMethod;
            intent.method = None;
            intent.last_error = Some(Failure { code, decline_code: None, message, charge: Some(charge_id), method });
        }
    });
    let kind = if succeeds { "payment_intent.succeeded" } else { "payment_intent.payment_failed" };
    emit_intent(state, &intent_id, kind);
    state.sessions.update(session_id, |session| session.paid = succeeds);
    let kind = if succeeds { "succeeded" } else { "failed" };
    emit_session(state, session_id, &format!("checkout.session.async_payment_{kind}"), &Cause::default());
    true
}
