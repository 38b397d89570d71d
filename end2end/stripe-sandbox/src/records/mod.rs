//! What the sandbox remembers: plain records, kept in the journal as they are.
//!
//! Stripe's JSON is made from them in [`crate::objects`]; nothing here knows HTTP.

mod discount;
mod hook;
mod payment;
mod session;

use serde::{Deserialize, Serialize};

pub(crate) use discount::{Coupon, Off, PromotionCode, TaxRate};
pub(crate) use hook::{Cause, Endpoint, Event};
pub use hook::{Delivery, DeliveryStatus};
pub(crate) use payment::{
    BankSummary, Charge, ChargeStatus, Customer, Dispute, DisputeStatus, Failure, Intent, IntentStatus, Means, Method,
    Refund, RefundStatus,
};
pub(crate) use session::{
    Buyer, Consent, CustomText, Discount, IntentSettings, Item, ItemTaxRate, Session, SessionStatus, Settings,
};

use crate::table::Record;

/// An answer kept for an idempotency key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) key: String,
    pub(crate) path: String,
    pub(crate) fingerprint: String,
    pub(crate) at: i64,
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) request: String,
}

impl Record for Kept {
    fn id(&self) -> &str {
        &self.key
    }

    /// When it was kept, in seconds: what is too old is forgotten.
    fn due(&self) -> Option<i64> {
        Some(self.at)
    }
}

/// Something that happens later by itself.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Task {
    pub(crate) id: String,
    /// In milliseconds.
    pub(crate) due: i64,
    pub(crate) what: What,
}

/// What happens later.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum What {
    /// A bank debit is settled, as its account says.
    Settle { session: String },
    /// A pending or succeeded refund comes to its end.
    Refund { refund: String, succeeds: bool },
    /// The buyer disputes.
    Dispute { charge: String, reason: String, inquiry: bool },
}

impl Record for Task {
    fn id(&self) -> &str {
        &self.id
    }

    fn keys(&self) -> Vec<String> {
        match &self.what {
            What::Settle { session } => vec![format!("session={session}")],
            What::Refund { refund, .. } => vec![format!("refund={refund}")],
            What::Dispute { charge, .. } => vec![format!("charge={charge}")],
        }
    }

    fn due(&self) -> Option<i64> {
        Some(self.due)
    }
}
