//! Refunds: making one, and how it ends.
//!
//! As with Stripe, a refund counts against its charge from the moment it is made, pending or not, and
//! no longer when it fails.

use crate::cards::Afterwards;
use crate::error::ApiError;
use crate::params::Metadata;
use crate::records::{Cause, ChargeStatus, Means, Refund, RefundStatus, What};
use crate::state::State;
use crate::{clock, currency, disputing, ids, objects};

/// What is asked for.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) charge: String,
    /// All that is left, when not given.
    pub(crate) amount: Option<i64>,
    pub(crate) reason: Option<String>,
    pub(crate) metadata: Metadata,
}

/// Refunds a charge; the refund's id. Nothing is done on an error.
pub(crate) fn refund(state: &mut State, request: Request, cause: &Cause) -> Result<String, ApiError> {
    let Some(charge) = state.charges.get(&request.charge).cloned() else {
        return Err(ApiError::missing_resource("charge", &request.charge, "charge"));
    };
    let id = &charge.id;
    if charge.status != ChargeStatus::Succeeded {
        return Err(ApiError::invalid(format!("This charge ({id}) has not succeeded and cannot be refunded.")));
    }
    if disputing::of(state, id).is_some_and(|dispute| !dispute.status.is_inquiry()) {
        let message = format!("Charge {id} has been charged back; cannot issue a refund.");
        return Err(ApiError::invalid(message).code("charge_disputed"));
    }
    let left = charge.amount.saturating_sub(charge.refunded);
    if left == 0 {
        let message = format!("Charge {id} has already been refunded.");
        return Err(ApiError::invalid(message).code("charge_already_refunded"));
    }
    let amount = request.amount.unwrap_or(left);
    if amount > left {
        let written = |minor| currency::format(minor, &charge.currency);
        let (what, most) =
            if charge.refunded == 0 { ("charge amount", charge.amount) } else { ("unrefunded amount on charge", left) };
        let message = format!("Refund amount ({}) is greater than {what} ({})", written(amount), written(most));
        return Err(ApiError::invalid(message).param("amount"));
    }
    currency::check(amount, &charge.currency).map_err(|error| error.param("amount"))?;
    let afterwards = match &charge.method.means {
        Means::Card(card) => card.afterwards,
        // Money to a bank account is on its way for a while.
        Means::Bank(_) => Afterwards::RefundIsPending,
    };
    let pending = afterwards == Afterwards::RefundIsPending;
    let refund = Refund {
        id: ids::usual("re"),
        created: clock::now(),
        charge: charge.id.clone(),
        intent: charge.intent.clone(),
        amount,
        currency: charge.currency.clone(),
        reason: request.reason,
        metadata: request.metadata,
        status: if pending { RefundStatus::Pending } else { RefundStatus::Succeeded },
        failure_reason: None,
        method: charge.method.means.kind().to_owned(),
    };
    let refund_id = refund.id.clone();
    let snapshot = objects::refund(&refund);
    state.refunds.push(refund);
    state.charges.update(&charge.id, |charge| charge.refunded = charge.refunded.saturating_add(amount));
    state.emit("refund.created", &snapshot, cause);
    emit_charge(state, &charge.id, "charge.refunded", cause);
    if matches!(afterwards, Afterwards::RefundFails | Afterwards::RefundIsPending) {
        state.later(What::Refund { refund: refund_id.clone(), succeeds: pending });
    }
    if amount == left {
        disputing::refunded(state, &charge.id);
    }
    tracing::info!(refund = %refund_id, charge = %charge.id, "refund made");
    Ok(refund_id)
}

/// Ends a refund: a pending one succeeds, a pending or succeeded one fails. False when it is neither.
pub(crate) fn finish(state: &mut State, refund_id: &str, succeeds: bool) -> bool {
    let Some(refund) = state.refunds.get(refund_id).cloned() else { return false };
    let open = match refund.status {
        RefundStatus::Pending => true,
        RefundStatus::Succeeded => !succeeds,
        RefundStatus::Failed => false,
    };
    if !open {
        return false;
    }
    state.refunds.update(refund_id, |refund| {
        refund.status = if succeeds { RefundStatus::Succeeded } else { RefundStatus::Failed };
        refund.failure_reason = (!succeeds).then(|| "unknown".to_owned());
    });
    if !succeeds {
        let back = refund.amount;
        state.charges.update(&refund.charge, |charge| charge.refunded = charge.refunded.saturating_sub(back));
    }
    updated(state, refund_id, &Cause::default());
    if !succeeds && let Some(snapshot) = state.refunds.get(refund_id).map(objects::refund) {
        state.emit("refund.failed", &snapshot, &Cause::default());
    }
    true
}

/// Says that a refund has changed, under both of Stripe's names.
pub(crate) fn updated(state: &mut State, refund_id: &str, cause: &Cause) {
    if let Some(snapshot) = state.refunds.get(refund_id).map(objects::refund) {
        state.emit("charge.refund.updated", &snapshot, cause);
        state.emit("refund.updated", &snapshot, cause);
    }
}

fn emit_charge(state: &mut State, id: &str, kind: &str, cause: &Cause) {
    if let Some(snapshot) = state.charges.get(id).map(objects::charge) {
        state.emit(kind, &snapshot, cause);
    }
}
