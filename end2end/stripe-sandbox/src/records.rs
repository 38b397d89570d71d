//! What the sandbox remembers: plain records, saved to the state file as they are.
//!
//! Stripe's JSON is made from them in [`crate::objects`]; nothing here knows HTTP.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::cards::CardSummary;
use crate::params::Metadata;

/// Something with an identifier, kept in a [`crate::state::Table`].
pub(crate) trait Record {
    /// Stripe's identifier.
    fn id(&self) -> &str;
}

macro_rules! record {
    ($($name:ident),*) => { $(impl Record for $name {
        fn id(&self) -> &str { &self.id }
    })* };
}
record!(Session, Intent, Charge, Event, Delivery);

/// Where a Checkout Session stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SessionStatus {
    Open,
    Complete,
    Expired,
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
}

impl Session {
    /// The sum of all lines, in minor units.
    pub(crate) fn total(&self) -> i64 {
        self.items.iter().fold(0, |sum, item| sum.saturating_add(item.total()))
    }
}

/// A line of a session.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) price: String,
    pub(crate) product: String,
    pub(crate) name: String,
    pub(crate) description: Option<String>,
    pub(crate) tax_behavior: String,
    pub(crate) unit_amount: i64,
    pub(crate) quantity: i64,
}

impl Item {
    /// Unit amount times quantity, in minor units.
    pub(crate) fn total(&self) -> i64 {
        self.unit_amount.saturating_mul(self.quantity)
    }
}

/// What the store asked for when it created the session.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Settings {
    pub(crate) success_url: String,
    pub(crate) cancel_url: Option<String>,
    pub(crate) client_reference_id: Option<String>,
    pub(crate) customer_email: Option<String>,
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
    pub(crate) city: Option<String>,
    pub(crate) postal_code: Option<String>,
}

/// Where a `PaymentIntent` stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum IntentStatus {
    RequiresPaymentMethod,
    RequiresAction,
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
    /// The card being tried or charged.
    pub(crate) method: Option<Method>,
    pub(crate) latest_charge: Option<String>,
    pub(crate) last_error: Option<Failure>,
    pub(crate) canceled_at: Option<i64>,
}

/// A `PaymentMethod`: one card as one buyer used it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Method {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) card: CardSummary,
    pub(crate) buyer: Buyer,
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

/// A Charge.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Charge {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) intent: String,
    pub(crate) amount: i64,
    pub(crate) currency: String,
    pub(crate) settings: IntentSettings,
    pub(crate) method: Method,
    /// Code, finer reason and sentence, where the charge failed.
    pub(crate) failure: Option<(String, Option<String>, String)>,
}

/// An Event, with the object as it was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) kind: String,
    pub(crate) object: Value,
    pub(crate) cause: Cause,
    /// How many endpoints were to be told when it happened.
    pub(crate) endpoints: usize,
}

/// The API request behind an event, if one was.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Cause {
    pub(crate) request: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}

/// A webhook endpoint as the sandbox keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) id: String,
    pub(crate) url: String,
    pub(crate) secret: String,
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryStatus {
    /// To be tried, or tried again.
    Pending,
    /// Answered with a 2xx.
    Delivered,
    /// Given up after the last retry.
    Failed,
}

/// One event on its way to one endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delivery {
    /// `whd_…`, the sandbox's own.
    pub id: String,
    /// Seconds since 1970, UTC.
    pub created: i64,
    /// The event's id.
    pub event: String,
    /// The event's type.
    pub event_type: String,
    /// The endpoint's id.
    pub endpoint: String,
    /// The endpoint's URL.
    pub url: String,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub attempts: usize,
    /// When it is due (milliseconds since 1970, UTC), while pending.
    pub next_attempt: i64,
    /// The HTTP status of the last answer, if there was one.
    pub last_status: Option<u16>,
    /// What went wrong the last time.
    pub last_error: Option<String>,
    /// Being tried right now; not kept over a restart.
    #[serde(skip)]
    pub(crate) in_flight: bool,
}

impl Delivery {
    /// Whether it will be tried (again).
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.status == DeliveryStatus::Pending
    }
}
