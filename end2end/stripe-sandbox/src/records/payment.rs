//! Payment intents, charges, refunds, disputes and customers.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Buyer, IntentSettings};
use crate::cards::CardSummary;
use crate::params::Metadata;
use crate::table::Record;

/// Where a `PaymentIntent` stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IntentStatus {
    RequiresPaymentMethod,
    RequiresAction,
    /// A bank debit is under way.
    Processing,
    Succeeded,
    Canceled,
}

/// A `PaymentIntent`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Intent {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) client_secret: String,
    pub(crate) session: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) status: IntentStatus,
    pub(crate) settings: IntentSettings,
    /// What may be paid with.
    pub(crate) methods: Vec<String>,
    pub(crate) customer: Option<String>,
    /// What is being tried or charged.
    pub(crate) method: Option<Method>,
    pub(crate) latest_charge: Option<String>,
    pub(crate) last_error: Option<Failure>,
    pub(crate) canceled_at: Option<i64>,
}

impl Record for Intent {
    fn id(&self) -> &str {
        &self.id
    }

    fn keys(&self) -> Vec<String> {
        let mut keys: Vec<_> = self.method.iter().map(|method| format!("method={}", method.id)).collect();
        keys.extend(self.customer.iter().map(|id| format!("customer={id}")));
        keys
    }
}

/// A `PaymentMethod`: one card or account as one buyer used it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Method {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) means: Means,
    pub(crate) buyer: Buyer,
}

/// What a buyer pays with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Means {
    Card(CardSummary),
    Bank(BankSummary),
}

impl Means {
    /// Stripe's word for the type.
    pub(crate) fn kind(&self) -> &str {
        match self {
            Self::Card(_) => "card",
            Self::Bank(bank) => &bank.kind,
        }
    }

    pub(crate) fn last4(&self) -> &str {
        match self {
            Self::Card(card) => &card.last4,
            Self::Bank(bank) => &bank.last4,
        }
    }
}

/// What may be remembered of a bank account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct BankSummary {
    /// `sepa_debit` or `us_bank_account`.
    pub(crate) kind: String,
    pub(crate) last4: String,
    /// Of the IBAN.
    pub(crate) country: Option<String>,
    /// The bank's part of the IBAN, or the routing number.
    pub(crate) bank_code: Option<String>,
    /// Why the debit will fail, where it will: code and sentence.
    pub(crate) fails: Option<(String, String)>,
}

/// Why a payment failed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Failure {
    pub(crate) code: String,
    pub(crate) decline_code: Option<String>,
    pub(crate) message: String,
    pub(crate) charge: Option<String>,
    pub(crate) method: Method,
}

/// Where a Charge stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ChargeStatus {
    Pending,
    Succeeded,
    Failed,
}

/// A Charge.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Charge {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) intent: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) status: ChargeStatus,
    pub(crate) settings: IntentSettings,
    pub(crate) customer: Option<String>,
    pub(crate) method: Method,
    /// Code, finer reason and sentence, where the charge failed.
    pub(crate) failure: Option<(String, Option<String>, String)>,
    /// What went back or is going back, in minor units.
    pub(crate) refunded: i64,
    pub(crate) disputed: bool,
}

impl Record for Charge {
    fn id(&self) -> &str {
        &self.id
    }

    fn keys(&self) -> Vec<String> {
        let mut keys = vec![format!("intent={}", self.intent)];
        keys.extend(self.customer.iter().map(|id| format!("customer={id}")));
        keys
    }
}

/// Where a Refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RefundStatus {
    Pending,
    Succeeded,
    Failed,
}

/// A Refund.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) charge: String,
    pub(crate) intent: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) reason: Option<String>,
    pub(crate) metadata: Metadata,
    pub(crate) status: RefundStatus,
    /// Set when it failed.
    pub(crate) failure_reason: Option<String>,
    /// `card`, `sepa_debit`, …
    pub(crate) method: String,
}

impl Record for Refund {
    fn id(&self) -> &str {
        &self.id
    }

    fn keys(&self) -> Vec<String> {
        vec![format!("charge={}", self.charge), format!("intent={}", self.intent)]
    }
}

/// Where a Dispute stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum DisputeStatus {
    WarningNeedsResponse,
    WarningUnderReview,
    WarningClosed,
    NeedsResponse,
    UnderReview,
    Won,
    Lost,
}

impl DisputeStatus {
    /// Whether nothing more will come.
    pub(crate) fn is_closed(self) -> bool {
        matches!(self, Self::WarningClosed | Self::Won | Self::Lost)
    }

    /// Whether it is only an inquiry: no money was taken.
    pub(crate) fn is_inquiry(self) -> bool {
        matches!(self, Self::WarningNeedsResponse | Self::WarningUnderReview | Self::WarningClosed)
    }
}

/// A Dispute.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Dispute {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) charge: String,
    pub(crate) intent: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) reason: String,
    pub(crate) status: DisputeStatus,
    pub(crate) evidence: BTreeMap<String, String>,
    pub(crate) submissions: u32,
    pub(crate) due_by: i64,
    pub(crate) metadata: Metadata,
    /// Of the card; empty for a bank account.
    pub(crate) brand: String,
}

impl Record for Dispute {
    fn id(&self) -> &str {
        &self.id
    }

    fn keys(&self) -> Vec<String> {
        vec![format!("charge={}", self.charge), format!("intent={}", self.intent)]
    }
}

/// A Customer.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Customer {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) phone: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) address: Option<BTreeMap<String, String>>,
    pub(crate) metadata: Metadata,
    pub(crate) preferred_locales: Vec<String>,
    pub(crate) tax_exempt: Option<String>,
    pub(crate) invoice_prefix: String,
    /// Still answered for by its id, and in no list.
    pub(crate) deleted: bool,
}

impl Record for Customer {
    fn id(&self) -> &str {
        &self.id
    }

    fn keys(&self) -> Vec<String> {
        let mut keys = vec![if self.deleted { "deleted=true".to_owned() } else { "deleted=false".to_owned() }];
        if !self.deleted {
            keys.extend(self.email.iter().map(|email| format!("email={email}")));
        }
        keys
    }
}
