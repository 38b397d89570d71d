//! Disputes: opening one, evidence, and how it ends.
//!
//! A dispute takes the money at once and gives it back when it is won; an inquiry (`warning_…`) takes
//! none. The texts that win and lose by themselves are Stripe's (docs.stripe.com/testing, "Disputes").

use std::collections::BTreeMap;

use crate::records::{Cause, ChargeStatus, Dispute, DisputeStatus, Means};
use crate::state::State;
use crate::{clock, ids, objects};

/// How long the store has to answer, in seconds.
const TIME_TO_ANSWER: i64 = 9 * 86_400;

/// The dispute of a charge that counts: an open one, or the last.
pub(crate) fn of<'a>(state: &'a State, charge: &str) -> Option<&'a Dispute> {
    state.disputes.newest(Some(&format!("charge={charge}")), None).next().map(|(_, dispute)| dispute)
}

/// Disputes a charge for its whole amount; the dispute's id. `None` for a charge that has not succeeded, is
/// refunded, or was disputed before.
pub(crate) fn open(state: &mut State, charge_id: &str, reason: &str, inquiry: bool) -> Option<String> {
    let charge = state.charges.get(charge_id).cloned()?;
    if charge.status != ChargeStatus::Succeeded || charge.refunded >= charge.amount || of(state, charge_id).is_some() {
        return None;
    }
    let now = clock::now();
    let dispute = Dispute {
        id: ids::usual("dp"),
        created: now,
        charge: charge.id.clone(),
        intent: charge.intent.clone(),
        amount: charge.amount,
        currency: charge.currency.clone(),
        reason: reason.to_owned(),
        status: if inquiry { DisputeStatus::WarningNeedsResponse } else { DisputeStatus::NeedsResponse },
        evidence: BTreeMap::new(),
        submissions: 0,
        due_by: now + TIME_TO_ANSWER,
        metadata: BTreeMap::new(),
        brand: match &charge.method.means {
            Means::Card(card) => card.brand.clone(),
            Means::Bank(_) => String::new(),
        },
    };
    let id = dispute.id.clone();
    state.disputes.push(dispute);
    state.charges.update(charge_id, |charge| charge.disputed = true);
    tell(state, &id, "charge.dispute.created", &Cause::default());
    if let Some(snapshot) = state.charges.get(charge_id).map(objects::charge) {
        state.emit("charge.updated", &snapshot, &Cause::default());
    }
    if !inquiry {
        tell(state, &id, "charge.dispute.funds_withdrawn", &Cause::default());
    }
    tracing::info!(dispute = %id, charge = %charge_id, "dispute opened");
    Some(id)
}

/// What the store answers.
#[derive(Debug, Default)]
pub(crate) struct Response {
    pub(crate) evidence: BTreeMap<String, Option<String>>,
    pub(crate) metadata: Option<crate::params::MetadataChange>,
    pub(crate) submit: bool,
}

/// Takes the store's evidence; submitting it goes to the bank, which may answer at once.
pub(crate) fn respond(state: &mut State, id: &str, response: Response, cause: &Cause) {
    let submitted = response.submit && !response.evidence.is_empty();
    let verdict = state.disputes.update(id, |dispute| {
        for (name, text) in response.evidence {
            match text {
                Some(text) => dispute.evidence.insert(name, text),
                None => dispute.evidence.remove(&name),
            };
        }
        if let Some(change) = response.metadata {
            change.apply(&mut dispute.metadata);
        }
        if submitted {
            dispute.submissions += 1;
            dispute.status = match dispute.status {
                DisputeStatus::WarningNeedsResponse => DisputeStatus::WarningUnderReview,
                DisputeStatus::NeedsResponse => DisputeStatus::UnderReview,
                other => other,
            };
        }
        dispute.evidence.get("uncategorized_text").cloned().filter(|_| submitted)
    });
    tell(state, id, "charge.dispute.updated", cause);
    match verdict.flatten().as_deref() {
        Some("winning_evidence") => {
            close(state, id, true, &Cause::default());
        }
        Some("losing_evidence") => {
            close(state, id, false, &Cause::default());
        }
        Some("escalate_inquiry_evidence") => {
            escalate(state, id);
        }
        _ => {}
    }
}

/// An inquiry becomes a dispute, and the money is taken. False when it is not an open inquiry.
pub(crate) fn escalate(state: &mut State, id: &str) -> bool {
    let Some(dispute) = state.disputes.get(id) else { return false };
    if !dispute.status.is_inquiry() || dispute.status.is_closed() {
        return false;
    }
    state.disputes.update(id, |dispute| dispute.status = DisputeStatus::NeedsResponse);
    tell(state, id, "charge.dispute.updated", &Cause::default());
    tell(state, id, "charge.dispute.funds_withdrawn", &Cause::default());
    true
}

/// Ends a dispute. A won inquiry is closed as a warning; a lost one was escalated on the way. False when it is over.
pub(crate) fn close(state: &mut State, id: &str, won: bool, cause: &Cause) -> bool {
    let Some(status) = state.disputes.get(id).map(|dispute| dispute.status) else { return false };
    if status.is_closed() {
        return false;
    }
    let inquiry = status.is_inquiry();
    if inquiry && !won {
        tell(state, id, "charge.dispute.funds_withdrawn", cause);
    }
    state.disputes.update(id, |dispute| {
        dispute.status = match (inquiry, won) {
            (true, true) => DisputeStatus::WarningClosed,
            (false, true) => DisputeStatus::Won,
            (_, false) => DisputeStatus::Lost,
        };
    });
    if won && !inquiry {
        tell(state, id, "charge.dispute.funds_reinstated", cause);
    }
    tell(state, id, "charge.dispute.closed", cause);
    true
}

/// A charge was refunded in full: an inquiry about it is settled.
pub(crate) fn refunded(state: &mut State, charge: &str) {
    let open = of(state, charge).filter(|d| d.status.is_inquiry() && !d.status.is_closed()).map(|d| d.id.clone());
    if let Some(id) = open {
        close(state, &id, true, &Cause::default());
    }
}

fn tell(state: &mut State, id: &str, kind: &str, cause: &Cause) {
    let snapshot = state.disputes.get(id).map(|dispute| {
        let refunded = state.charges.get(&dispute.charge).is_some_and(|charge| charge.refunded >= charge.amount);
        objects::dispute(dispute, refunded)
    });
    if let Some(snapshot) = snapshot {
        state.emit(kind, &snapshot, cause);
    }
}
