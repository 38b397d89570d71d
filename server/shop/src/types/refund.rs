//! Money that went back, or that a bank wants back.

use super::Money;
use serde::{Deserialize, Serialize};

/// Where a refund stands: Stripe's words (<https://docs.stripe.com/api/refunds/object#refund_object-status>), and one of
/// ours for what Stripe has not answered yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundStatus {
    /// Written down here; Stripe has not confirmed it.
    Requested,
    /// The money is on its way.
    Pending,
    /// The buyer must say where it should go.
    RequiresAction,
    /// It has arrived, or was handed to the card's bank.
    Succeeded,
    /// It came back, or was refused.
    Failed,
    /// It was called off.
    Canceled,
}

impl RefundStatus {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Requested, Self::Pending, Self::RequiresAction, Self::Succeeded, Self::Failed, Self::Canceled];

    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::Pending => "pending",
            Self::RequiresAction => "requires_action",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// The status of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == text)
    }

    /// Whether the money is gone from us, for all that we know: it counts against the order's total, and takes the titles
    /// that go with it. From the moment that Stripe has the refund, not when it arrives: until then it cannot be taken
    /// back, and a title should not be read to its end on the way.
    #[must_use]
    pub const fn is_living(self) -> bool {
        matches!(self, Self::Pending | Self::RequiresAction | Self::Succeeded)
    }

    /// Whether a refund in this state may come into that one. Events come in any order and answers may be late, so what
    /// is over stays over; only a refund that succeeded may still fail
    /// (<https://docs.stripe.com/refunds#failed-refunds>).
    #[must_use]
    pub const fn may_become(self, next: Self) -> bool {
        match (self, next) {
            (Self::Failed | Self::Canceled, _) | (_, Self::Requested) => false,
            (Self::Succeeded, next) => matches!(next, Self::Failed | Self::Canceled),
            _ => true,
        }
    }
}

/// What a dispute means for the titles of its order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DisputeStage {
    /// The bank only asks, or the matter was settled before it became a dispute: nothing changes.
    Inquiry,
    /// The bank has taken the money and decides: the titles wait.
    Open,
    /// The money stays here.
    Won,
    /// The money is gone, and the titles with it.
    Lost,
}

impl DisputeStage {
    /// Of Stripe's status (<https://docs.stripe.com/api/disputes/object#dispute_object-status>). One that Stripe may add
    /// some day takes nothing from a buyer.
    #[must_use]
    pub fn of(status: &str) -> Self {
        match status {
            "needs_response" | "under_review" => Self::Open,
            "won" => Self::Won,
            "lost" => Self::Lost,
            _ => Self::Inquiry,
        }
    }
}

/// What became of the money of one title, for its buyer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MoneyNote {
    /// What happened.
    pub kind: MoneyNoteKind,
    /// When, for reading: "22 November 2026".
    pub on: String,
}

/// What happened to the money of one title.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MoneyNoteKind {
    /// So much of it is on its way back.
    Refunding(Money),
    /// So much of it went back.
    Refunded(Money),
    /// The buyer's bank has taken it back for now.
    Disputed,
    /// The buyer's bank has taken it back for good.
    ChargedBack,
}

impl MoneyNote {
    /// A sentence for the order's page, with amounts as `write` writes them.
    #[must_use]
    pub fn text(&self, write: impl Fn(Money) -> String) -> String {
        let on = &self.on;
        match self.kind {
            MoneyNoteKind::Refunding(amount) => format!("A refund of {} is on its way since {on}.", write(amount)),
            MoneyNoteKind::Refunded(amount) => format!("Refunded {} on {on}.", write(amount)),
            MoneyNoteKind::Disputed => {
                format!("The payment was disputed on {on}. Downloads wait until the bank has decided.")
            }
            MoneyNoteKind::ChargedBack => format!("The payment was disputed on {on}, and the bank took it back."),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::RefundStatus::{Canceled, Failed, Pending, Requested, RequiresAction, Succeeded};
    use super::*;

    #[test]
    fn a_refund_that_is_over_stays_over_but_one_that_succeeded_may_fail() {
        for status in RefundStatus::ALL {
            assert_eq!(RefundStatus::parse(status.as_str()), Some(status));
            assert!(!status.may_become(Requested), "{status:?}");
            assert!(!Failed.may_become(status) && !Canceled.may_become(status), "{status:?}");
        }
        for next in [Pending, RequiresAction, Succeeded, Failed, Canceled] {
            assert!(Requested.may_become(next) && Pending.may_become(next) && RequiresAction.may_become(next));
            assert_eq!(Succeeded.may_become(next), matches!(next, Failed | Canceled), "{next:?}");
        }
    }

    #[test]
    fn only_an_open_dispute_freezes() {
        for (status, stage) in [
            ("warning_needs_response", DisputeStage::Inquiry),
            ("warning_under_review", DisputeStage::Inquiry),
            ("warning_closed", DisputeStage::Inquiry),
            ("prevented", DisputeStage::Inquiry),
            ("a_status_of_next_year", DisputeStage::Inquiry),
            ("needs_response", DisputeStage::Open),
            ("under_review", DisputeStage::Open),
            ("won", DisputeStage::Won),
            ("lost", DisputeStage::Lost),
        ] {
            assert_eq!(DisputeStage::of(status), stage, "{status}");
        }
    }
}
