//! Checkout Sessions, their lines, and what the store asked for.

use serde::{Deserialize, Serialize};

use crate::params::Metadata;
use crate::pricing::{self, Totals};
use crate::table::Record;

/// Where a Checkout Session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SessionStatus {
    Open,
    Complete,
    Expired,
}

impl SessionStatus {
    /// Stripe's word.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Complete => "complete",
            Self::Expired => "expired",
        }
    }
}

/// A Checkout Session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) expires_at: i64,
    pub(crate) status: SessionStatus,
    pub(crate) currency: String,
    pub(crate) items: Vec<Item>,
    pub(crate) settings: Settings,
    /// The one `PaymentIntent`, made at the first attempt to pay; shown once the session is complete.
    pub(crate) intent: Option<String>,
    /// Who paid; set on completion.
    pub(crate) buyer: Option<Buyer>,
    /// Whether the money came: a bank debit completes a session before it does.
    pub(crate) paid: bool,
    /// The customer given, or made on completion.
    pub(crate) customer: Option<String>,
    /// At most one, as with Stripe.
    pub(crate) discount: Option<Discount>,
    /// The country that automatic tax counts with, once it is known.
    pub(crate) tax_country: Option<String>,
    /// The number for tax that the buyer has given, once the total is worked out with it.
    #[serde(default)]
    pub(crate) tax_id: Option<String>,
    /// Whether automatic tax cannot be worked out, as when Stripe's own engine is out of order.
    #[serde(default)]
    pub(crate) tax_fails: bool,
    /// The ticks at which it was opened, and completed or expired.
    pub(crate) opened: u64,
    pub(crate) closed: Option<u64>,
}

impl Session {
    /// The amounts of every line and of the whole, in minor units.
    pub(crate) fn totals(&self) -> Totals {
        pricing::totals(self, self.tax_country.as_deref().filter(|_| !self.tax_fails))
    }

    /// What is to be paid, in minor units.
    pub(crate) fn total(&self) -> i64 {
        self.totals().total
    }

    /// The address given by the store or typed by the buyer.
    pub(crate) fn email(&self) -> Option<&str> {
        self.buyer.as_ref().map(|buyer| buyer.email.as_str()).or_else(|| self.given_email())
    }

    /// The address given by the store, itself or with the customer: the buyer cannot change it.
    pub(crate) fn given_email(&self) -> Option<&str> {
        self.settings.customer_email.as_deref().or(self.settings.attached_email.as_deref())
    }
}

impl Record for Session {
    fn id(&self) -> &str {
        &self.id
    }

    fn keys(&self) -> Vec<String> {
        let mut keys = vec![format!("status={}", self.status.word())];
        keys.extend(self.intent.iter().map(|id| format!("intent={id}")));
        keys.extend(self.customer.iter().map(|id| format!("customer={id}")));
        keys.extend(self.email().map(|email| format!("email={}", email.to_lowercase())));
        keys
    }

    /// When an open session expires, in seconds.
    fn due(&self) -> Option<i64> {
        (self.status == SessionStatus::Open).then_some(self.expires_at)
    }
}

/// A line of a session.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) price: String,
    pub(crate) product: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) images: Vec<String>,
    pub(crate) tax_code: Option<String>,
    pub(crate) product_metadata: Metadata,
    pub(crate) tax_behavior: String,
    pub(crate) unit_amount: i64,
    pub(crate) quantity: i64,
    pub(crate) tax_rates: Vec<ItemTaxRate>,
}

impl Item {
    /// Unit amount times quantity, in minor units, before discount and tax.
    pub(crate) fn subtotal(&self) -> i64 {
        self.unit_amount.saturating_mul(self.quantity)
    }
}

/// A tax rate as it was when the line was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ItemTaxRate {
    pub(crate) id: String,
    /// In ten-thousandths of a percent.
    pub(crate) rate: i64,
    pub(crate) inclusive: bool,
}

/// The discount of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Discount {
    pub(crate) id: String,
    pub(crate) coupon: String,
    pub(crate) promotion_code: Option<String>,
    /// For the page.
    pub(crate) name: String,
    pub(crate) off: super::Off,
    pub(crate) start: i64,
    /// Typed by the buyer, who may take it off again.
    pub(crate) typed: bool,
}

/// What the store asked for when it created the session.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub(crate) success_url: String,
    pub(crate) cancel_url: Option<String>,
    pub(crate) client_reference_id: Option<String>,
    pub(crate) customer_email: Option<String>,
    /// The address of the customer given.
    pub(crate) attached_email: Option<String>,
    pub(crate) customer_creation: Option<String>,
    pub(crate) metadata: Metadata,
    pub(crate) intent: IntentSettings,
    pub(crate) locale: Option<String>,
    pub(crate) billing_address_collection: Option<String>,
    pub(crate) submit_type: Option<String>,
    pub(crate) allow_promotion_codes: Option<bool>,
    pub(crate) automatic_tax: bool,
    pub(crate) tax_id_collection: Option<bool>,
    pub(crate) consent: Option<Consent>,
    pub(crate) custom_text: CustomText,
    pub(crate) adaptive_pricing: bool,
    /// `card`, `sepa_debit`, `us_bank_account`; empty means card alone.
    pub(crate) methods: Vec<String>,
}

impl Settings {
    /// The payment methods that the page offers.
    pub(crate) fn methods(&self) -> Vec<&str> {
        if self.methods.is_empty() { vec!["card"] } else { self.methods.iter().map(String::as_str).collect() }
    }
}

/// `payment_intent_data`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct IntentSettings {
    pub(crate) metadata: Metadata,
    pub(crate) description: Option<String>,
    pub(crate) receipt_email: Option<String>,
    pub(crate) statement_descriptor: Option<String>,
    pub(crate) statement_descriptor_suffix: Option<String>,
}

/// `consent_collection`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Consent {
    pub(crate) terms_of_service: Option<String>,
    pub(crate) promotions: Option<String>,
}

/// `custom_text`
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CustomText {
    pub(crate) after_submit: Option<String>,
    pub(crate) shipping_address: Option<String>,
    pub(crate) submit: Option<String>,
    pub(crate) terms_of_service_acceptance: Option<String>,
}

/// What the buyer typed beside the card.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Buyer {
    pub(crate) email: String,
    pub(crate) name: Option<String>,
    pub(crate) country: Option<String>,
    pub(crate) line1: Option<String>,
    pub(crate) line2: Option<String>,
    pub(crate) city: Option<String>,
    pub(crate) postal_code: Option<String>,
    pub(crate) state: Option<String>,
    /// The number for tax, without spaces, and the name of the business.
    pub(crate) tax_id: Option<String>,
    pub(crate) business: Option<String>,
}
