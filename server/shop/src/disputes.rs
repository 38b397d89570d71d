//! Disputes: a buyer's bank asks for the money back.
//!
//! [`Shop::reconcile_dispute`] asks Stripe how a dispute stands and makes our rows agree. What that leaves of the right to
//! the titles is worked out in [`crate::rights`]; the store's owner is told once of each dispute.

use crate::analytics::posting::Standing;
use crate::db::AnyConnection;
use crate::db::schema::dispute;
use crate::events::Outcome;
use crate::failpoint::{Failpoint, pass};
use crate::outbox::Kind;
use crate::payments::{Dispute, PaymentsError};
use crate::refunds::{Also, Order};
use crate::{Error, Shop, invoices, outbox, rights};
use chrono::{DateTime, NaiveDateTime};
use diesel::prelude::*;

impl Shop {
    /// Makes our rows agree with how Stripe has this dispute now.
    ///
    /// # Errors
    /// [`Error::Payments`] if Stripe does not answer, the database's. Nothing has changed then.
    pub async fn reconcile_dispute(&self, dispute_id: &str) -> Result<Outcome, Error> {
        self.reconcile_dispute_and(dispute_id, |_, _| Ok(())).await
    }

    /// As [`Shop::reconcile_dispute`], with more to do in the same transaction.
    pub(crate) async fn reconcile_dispute_and(&self, dispute_id: &str, mut also: impl Also) -> Result<Outcome, Error> {
        // Before Stripe is asked: what it answers is not older than this.
        let asked_at = self.0.clock.now();
        let dispute = match self.0.payments.retrieve_dispute(dispute_id).await {
            Ok(dispute) => dispute,
            Err(PaymentsError::NotFound) => return self.conclude(Outcome::Unknown, also).await,
            Err(error) => return Err(error.into()),
        };
        pass(Failpoint::DisputeFetched);
        if dispute.livemode != self.0.settings.livemode {
            return self.conclude(Outcome::WrongMode, also).await;
        }
        let Some(intent) = dispute.payment_intent.clone() else {
            return self.conclude(Outcome::Foreign, also).await;
        };
        if let Err(outcome) = self.order_of_payment(&intent).await? {
            return self.conclude(outcome, also).await;
        }
        let shop = self.clone();
        let outcome = self
            .0
            .db
            .write(move |conn| {
                let outcome = match Order::lock_payment(conn, &intent)? {
                    Some(order) => {
                        let before = Standing::of(conn, order.id)?;
                        write(conn, &shop, order.id, &dispute, asked_at)?;
                        let now = shop.0.clock.now();
                        invoices::settle(conn, &shop, order.id, now)?;
                        before.settle(conn)?;
                        rights::settle(conn, order.id, now)?;
                        Outcome::Done
                    }
                    None => Outcome::Unknown,
                };
                also(conn, outcome)?;
                pass(Failpoint::DisputeWritten);
                Ok(outcome)
            })
            .await?;
        pass(Failpoint::DisputeKept);
        Ok(outcome)
    }
}

fn write(
    conn: &mut AnyConnection,
    shop: &Shop,
    order_id: i64,
    dispute: &Dispute,
    asked_at: NaiveDateTime,
) -> Result<(), Error> {
    let at = |seconds: i64| DateTime::from_timestamp(seconds, 0).map(|at| at.naive_utc());
    let due_by = dispute.evidence_due_by.and_then(at);
    let known: Option<(i64, String, NaiveDateTime)> = dispute::table
        .filter(dispute::stripe_id.eq(&dispute.id))
        .select((dispute::id, dispute::status, dispute::updated_at))
        .first(conn)
        .optional()?;
    if let Some((id, status, updated_at)) = known {
        if may_follow(&status, &dispute.status, asked_at >= updated_at) {
            diesel::update(dispute::table.find(id))
                .set((
                    dispute::amount.eq(dispute.amount),
                    dispute::status.eq(&dispute.status),
                    dispute::reason.eq(&dispute.reason),
                    dispute::evidence_due_by.eq(due_by),
                    dispute::updated_at.eq(asked_at.max(updated_at)),
                ))
                .execute(conn)?;
        }
        return Ok(());
    }
    let id: i64 = diesel::insert_into(dispute::table)
        .values((
            dispute::stripe_id.eq(&dispute.id),
            dispute::order_id.eq(order_id),
            dispute::amount.eq(dispute.amount),
            dispute::currency.eq(&dispute.currency),
            dispute::status.eq(&dispute.status),
            dispute::reason.eq(&dispute.reason),
            dispute::evidence_due_by.eq(due_by),
            dispute::created_at.eq(at(dispute.created).unwrap_or(asked_at)),
            dispute::updated_at.eq(asked_at),
        ))
        .returning(dispute::id)
        .get_result(conn)?;
    let Some(owner) = shop.owner() else {
        tracing::error!(dispute = dispute.id, order_id, "a payment is disputed, and no owner's address is set to tell");
        return Ok(());
    };
    outbox::queue(conn, shop, Kind::DisputeNotice(id), owner, order_id, asked_at)?;
    Ok(())
}

/// Whether a dispute in the state `from` may come into the state `to`, which Stripe was asked for later (`newer`) or
/// earlier than for the first. A dispute goes forward: inquiry, end of the inquiry or dispute, answer, decision. Only a
/// newer answer takes a step back or a decision for another (a bank may appeal, or yield), and no decision is undone.
fn may_follow(from: &str, to: &str, newer: bool) -> bool {
    const DECIDED: u8 = 5;
    let rank = |status: &str| match status {
        "warning_needs_response" => 0,
        "warning_under_review" => 1,
        "warning_closed" | "prevented" => 2,
        "needs_response" => 3,
        "under_review" => 4,
        "won" | "lost" => DECIDED,
        // Of a status that we do not know, only the time says whether it comes later.
        _ => 2,
    };
    match (rank(from), rank(to)) {
        (DECIDED, DECIDED) => newer,
        (DECIDED, _) => false,
        (from, to) => to > from || newer,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_decision_is_not_undone_by_a_late_answer() {
        for from in ["warning_needs_response", "warning_under_review", "warning_closed", "needs_response", "new_word"] {
            for decided in ["won", "lost"] {
                for newer in [false, true] {
                    assert!(may_follow(from, decided, newer) && !may_follow(decided, from, newer), "{from} {decided}");
                }
            }
        }
        assert!(may_follow("won", "lost", true) && !may_follow("won", "lost", false));
    }

    #[test]
    fn an_inquiry_is_closed_or_becomes_a_dispute() {
        assert!(may_follow("warning_under_review", "warning_closed", false));
        assert!(!may_follow("warning_closed", "warning_under_review", false));
        assert!(may_follow("warning_under_review", "needs_response", false));
        assert!(!may_follow("needs_response", "warning_under_review", false));
        assert!(
            may_follow("under_review", "needs_response", true) && !may_follow("under_review", "needs_response", false)
        );
    }
}
