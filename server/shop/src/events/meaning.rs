//! What an event asks for, and what came of it.

use crate::Reconciled;

/// What an event asks for: which object to look at anew. The rest of what it says is not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A Checkout Session: paid, expired, its delayed payment arrived or not.
    Session,
    /// A `PaymentIntent` whose last attempt was declined.
    Declined,
    /// A refund.
    Refund,
    /// A charge of which something was refunded; it does not say which refund.
    RefundedCharge,
    /// A dispute.
    Dispute,
}

impl Meaning {
    /// The meaning of Stripe's type of event (<https://docs.stripe.com/api/events/types>), if it has one for us.
    pub(super) fn of(kind: &str) -> Option<Self> {
        match kind {
            "payment_intent.payment_failed" => Some(Self::Declined),
            "refund.created" | "refund.updated" | "refund.failed" => Some(Self::Refund),
            "charge.refunded" => Some(Self::RefundedCharge),
            _ if kind.starts_with("checkout.session.") => Some(Self::Session),
            _ if kind.starts_with("charge.dispute.") => Some(Self::Dispute),
            _ => None,
        }
    }
}

/// What came of looking at an object of Stripe's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Our rows agree with it.
    Done,
    /// Nothing of ours has it (yet).
    Unknown,
    /// Another program made it in the same Stripe account.
    Foreign,
    /// It belongs to the other mode (test or live) and must not touch our orders.
    WrongMode,
    /// It is about a payment that a person must look at, and which has no order.
    NoOrder,
    /// Stripe does not show yet what it must show soon.
    NotYet,
}

impl From<Reconciled> for Outcome {
    fn from(reconciled: Reconciled) -> Self {
        match reconciled {
            Reconciled::Unknown => Self::Unknown,
            Reconciled::Foreign => Self::Foreign,
            Reconciled::WrongMode => Self::WrongMode,
            Reconciled::Open => Self::NotYet,
            Reconciled::Expired | Reconciled::Quarantined | Reconciled::Ordered(_) => Self::Done,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_one_meaning_or_none() {
        for (kind, meaning) in [
            ("checkout.session.completed", Some(Meaning::Session)),
            ("checkout.session.async_payment_failed", Some(Meaning::Session)),
            ("payment_intent.payment_failed", Some(Meaning::Declined)),
            ("payment_intent.succeeded", None),
            ("refund.failed", Some(Meaning::Refund)),
            ("charge.refunded", Some(Meaning::RefundedCharge)),
            // The older name for what `refund.updated` says too.
            ("charge.refund.updated", None),
            ("charge.dispute.funds_reinstated", Some(Meaning::Dispute)),
            ("charge.succeeded", None),
            ("", None),
        ] {
            assert_eq!(Meaning::of(kind), meaning, "{kind}");
        }
    }

    #[test]
    fn nothing_is_fetched_from_stripes_list_that_means_nothing() {
        for kind in super::super::TYPES {
            assert!(Meaning::of(kind).is_some(), "{kind}");
        }
    }
}
