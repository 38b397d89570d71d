//! The door to Stripe. Everything the shop asks of Stripe is asked here, and nothing of Stripe's types leaves.

mod back;
mod lists;
mod taxes;

use crate::types::{Currency, TaxSettings};
use core::fmt;
use std::collections::HashMap;
use std::str::FromStr;
use std::time::Duration;
use stripe::{Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeError, StripeRequest};
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionLineItems, CreateCheckoutSessionLineItemsPriceData,
    CreateCheckoutSessionPaymentIntentData, ListLineItemsCheckoutSession, RetrieveCheckoutSession,
};
use stripe_shared::{
    ApiErrorsType, CheckoutSession, CheckoutSessionMode, CheckoutSessionPaymentStatus, CheckoutSessionStatus,
    PaymentIntent, PaymentIntentStatus,
};
use stripe_types::{Expandable, Object};

pub(crate) use lists::{Page, RefundEntry};
pub(crate) use taxes::LineTax;

pub(crate) use back::{Decline, Dispute, NewRefund, Payment, Refund, RefundsOf};

/// Stripe's own address.
pub const STRIPE_API_BASE: &str = "https://api.stripe.com/";

/// Names our checkout in the metadata of a session and its payment.
const METADATA_KEY: &str = "octavo_checkout";
/// Stripe's API is asked with this time limit; a buyer waits for it.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A secret or restricted API key of Stripe's.
#[derive(Clone)]
pub struct StripeKey {
    text: String,
    livemode: bool,
}

/// The key has not the form of one: `sk_test_…`, `sk_live_…`, `rk_test_…` or `rk_live_…`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a Stripe secret key: sk_test_…, sk_live_…, rk_test_… or rk_live_…")]
pub struct MalformedKey;

impl StripeKey {
    /// Whether it moves real money.
    #[must_use]
    pub const fn livemode(&self) -> bool {
        self.livemode
    }
}

impl FromStr for StripeKey {
    type Err = MalformedKey;

    fn from_str(text: &str) -> Result<Self, MalformedKey> {
        let rest = |prefix: &str| text.strip_prefix(prefix);
        let (rest, livemode) = if let Some(rest) = rest("sk_test_").or_else(|| rest("rk_test_")) {
            (rest, false)
        } else if let Some(rest) = rest("sk_live_").or_else(|| rest("rk_live_")) {
            (rest, true)
        } else {
            return Err(MalformedKey);
        };
        let well_formed = rest.len() >= 8 && rest.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if well_formed { Ok(Self { text: text.to_owned(), livemode }) } else { Err(MalformedKey) }
    }
}

impl fmt::Debug for StripeKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.livemode { "StripeKey(live)" } else { "StripeKey(test)" })
    }
}

/// Why Stripe did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum PaymentsError {
    /// No answer, or none in time: what was asked may have happened.
    #[error("Stripe cannot be reached: {0}")]
    Unreachable(String),
    /// A definite failure on Stripe's side, which its idempotency layer would repeat for the same key.
    #[error("Stripe failed with {0}")]
    Failed(u16),
    /// The same request is being worked on, or there are too many: ask again a moment later.
    #[error("Stripe asks to try again ({0})")]
    TryAgain(u16),
    /// The idempotency key has travelled with another request: of an earlier version of this program, or from before a
    /// title or the store's address changed.
    #[error("the idempotency key was used for another request")]
    KeyReused,
    /// Stripe has no such object.
    #[error("Stripe knows no such object")]
    NotFound,
    /// Stripe has not this product tax code.
    #[error("Stripe refuses a product tax code: {message}")]
    BadTaxCode {
        /// The line of the session, from 0.
        line: usize,
        /// Stripe's message.
        message: String,
    },
    /// Stripe refuses the request: a wrong key, an amount under its minimum.
    #[error("Stripe refuses ({status}): {message}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Stripe's message; it holds no secrets.
        message: String,
    },
    /// The answer is not what Stripe documents.
    #[error("Stripe's answer cannot be understood: {0}")]
    Incomprehensible(String),
    /// The client cannot be set up.
    #[error("Stripe client: {0}")]
    Setup(String),
}

impl From<StripeError> for PaymentsError {
    fn from(error: StripeError) -> Self {
        match error {
            StripeError::Stripe(_, status @ (409 | 429)) => Self::TryAgain(status),
            StripeError::Stripe(_, 404) => Self::NotFound,
            StripeError::Stripe(error, 400) if error.type_ == ApiErrorsType::IdempotencyError => Self::KeyReused,
            StripeError::Stripe(_, status @ 500..) => Self::Failed(status),
            StripeError::Stripe(error, status) => {
                let message = error.message.unwrap_or_default();
                match error.param.as_deref().and_then(taxes::line_of_code) {
                    Some(line) if status == 400 => Self::BadTaxCode { line, message },
                    _ => Self::Refused { status, message },
                }
            }
            StripeError::JSONDeserialize(what) => Self::Incomprehensible(what),
            StripeError::ClientError(what) => Self::Unreachable(what),
            StripeError::ConfigError(what) => Self::Setup(what),
            StripeError::Timeout => Self::Unreachable("timeout".into()),
        }
    }
}

/// A Checkout Session to be made.
#[derive(Clone, Debug)]
pub(crate) struct NewSession<'a> {
    /// The same key never makes a second session. It also travels with the session and its payment as metadata: it
    /// finds our row if we crash before keeping the session's id, and tells our sessions from those that another
    /// program makes in the same Stripe account.
    pub(crate) idempotency_key: &'a str,
    /// Names the checkout over all its keys.
    pub(crate) attempt: &'a str,
    pub(crate) currency: Currency,
    pub(crate) lines: Vec<NewLine<'a>>,
    /// How it is taxed.
    pub(crate) tax: &'a TaxSettings,
    pub(crate) success_url: String,
    pub(crate) cancel_url: String,
}

/// A title of a session to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NewLine<'a> {
    pub(crate) title: &'a str,
    /// Minor units.
    pub(crate) unit_amount: i64,
    /// Stripe's product tax code.
    pub(crate) tax_code: &'a str,
}

/// A Checkout Session as far as the shop cares.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) id: String,
    pub(crate) url: Option<String>,
    pub(crate) livemode: bool,
    pub(crate) state: SessionState,
    /// The idempotency key that it was made with, if this program made it.
    pub(crate) idempotency_key: Option<String>,
    pub(crate) currency: Option<Currency>,
    pub(crate) amount_subtotal: Option<i64>,
    pub(crate) amount_total: Option<i64>,
    pub(crate) payment_intent: Option<String>,
    pub(crate) email: Option<String>,
    pub(crate) name: Option<String>,
    pub(crate) country: Option<String>,
    /// The company's name, and its number for value-added tax with Stripe's word for its kind.
    pub(crate) company: Option<String>,
    pub(crate) vat_id: Option<(String, String)>,
    /// The billing address, as JSON.
    pub(crate) address: Option<String>,
    /// Where the card is from.
    pub(crate) card_country: Option<String>,
    /// The card's brand and last four digits, "visa 4242", if it was one.
    pub(crate) paid_with: Option<String>,
    /// Stripe's word for why it could not work out the tax, where it was to.
    pub(crate) tax_problem: Option<String>,
    /// In the order that they were asked for.
    pub(crate) lines: Vec<SessionLine>,
    /// Unix seconds.
    pub(crate) expires_at: i64,
}

/// What a title came to, in minor units.
#[derive(Clone, Debug)]
pub(crate) struct SessionLine {
    pub(crate) subtotal: i64,
    pub(crate) discount: i64,
    pub(crate) tax: i64,
    pub(crate) total: i64,
    /// What the tax is made of.
    pub(crate) taxes: Vec<LineTax>,
}

/// Where a session stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SessionState {
    /// The buyer has not finished.
    Open,
    /// Finished and paid.
    Paid,
    /// Finished, nothing to pay.
    NoPaymentRequired,
    /// Finished, the money is on its way.
    Processing,
    /// Finished, and the money will not come.
    Failed,
    /// Given up, or out of time.
    Expired,
}

/// Stripe's HTTP API, through async-stripe.
#[derive(Clone)]
pub struct Payments {
    /// None for commands that have nothing to ask Stripe.
    client: Option<Client>,
}

impl Payments {
    /// A client for `api_base` (Stripe's own, or the sandbox's), 10 s a request.
    ///
    /// # Errors
    /// [`PaymentsError::Setup`] if the address is none.
    pub fn new(key: &StripeKey, api_base: &str) -> Result<Self, PaymentsError> {
        let client = ClientBuilder::new(&key.text)
            .url(api_base)
            .timeout(TIMEOUT)
            .request_strategy(RequestStrategy::Once)
            .build()?;
        Ok(Self { client: Some(client) })
    }

    /// No Stripe: whatever is asked fails with [`PaymentsError::Setup`]. For commands that only need the database.
    #[must_use]
    pub const fn unconfigured() -> Self {
        Self { client: None }
    }

    fn client(&self) -> Result<&Client, PaymentsError> {
        self.client.as_ref().ok_or_else(|| PaymentsError::Setup("no key was given".into()))
    }

    /// Makes a Checkout Session, or finds the one that the idempotency key has made.
    pub(crate) async fn create_session(&self, new: &NewSession<'_>) -> Result<Session, PaymentsError> {
        let currency = stripe_currency(new.currency)?;
        let metadata: HashMap<String, String> = [(METADATA_KEY.to_owned(), new.idempotency_key.to_owned())].into();
        let line_items: Vec<_> = new
            .lines
            .iter()
            .map(|title| {
                let mut price = CreateCheckoutSessionLineItemsPriceData::new(currency.clone());
                price.unit_amount = Some(title.unit_amount);
                price.product_data = Some(taxes::product(title, new.tax));
                price.tax_behavior = taxes::behavior(new.tax);
                let mut line = CreateCheckoutSessionLineItems::new();
                line.price_data = Some(price);
                line.quantity = Some(1);
                line
            })
            .collect();
        let mut payment_intent = CreateCheckoutSessionPaymentIntentData::new();
        payment_intent.metadata = Some(metadata.clone());
        let key = IdempotencyKey::new(new.idempotency_key).map_err(|error| PaymentsError::Setup(error.to_string()))?;
        let session = taxes::ask(CreateCheckoutSession::new(), new.tax)
            .mode(CheckoutSessionMode::Payment)
            .line_items(line_items)
            .client_reference_id(new.attempt)
            .metadata(metadata)
            .payment_intent_data(payment_intent)
            .success_url(new.success_url.as_str())
            .cancel_url(new.cancel_url.as_str())
            .customize()
            .request_strategy(RequestStrategy::Idempotent(key))
            .send(self.client()?)
            .await?;
        Ok(session.into())
    }

    /// The session as Stripe has it now, with its line items and payment.
    pub(crate) async fn retrieve_session(&self, id: &str) -> Result<Session, PaymentsError> {
        let expand = ["line_items.data.taxes", "payment_intent.latest_charge"].map(String::from).to_vec();
        let mut session = RetrieveCheckoutSession::new(id).expand(expand).send(self.client()?).await?;
        // Only the first handful comes with the session. A hundred is a page, and as many as a session has.
        if session.line_items.as_ref().is_some_and(|lines| lines.has_more) {
            let all = ListLineItemsCheckoutSession::new(id).limit(100).expand(vec!["data.taxes".to_owned()]);
            session.line_items = Some(all.send(self.client()?).await?);
        }
        Ok(session.into())
    }
}

impl fmt::Debug for Payments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Payments")
    }
}

fn stripe_currency(currency: Currency) -> Result<stripe_types::Currency, PaymentsError> {
    currency
        .code()
        .to_lowercase()
        .parse()
        .map_err(|_| PaymentsError::Setup(format!("Stripe does not charge in {currency}")))
}

/// The id, whether or not Stripe sent the object with it.
fn id_of<T: Object>(object: &Expandable<T>) -> String
where
    T::Id: Clone + std::fmt::Display,
{
    object.id().to_string()
}

impl From<CheckoutSession> for Session {
    fn from(session: CheckoutSession) -> Self {
        let state = state_of(&session);
        let card_country = taxes::card_country(&session);
        let tax_problem = taxes::problem(&session);
        let details = session.customer_details;
        let address = details.as_ref().and_then(|d| d.address.as_ref());
        let country = address.and_then(|a| a.country.clone());
        let address = address.and_then(taxes::address);
        let vat_id = details.as_ref().and_then(taxes::vat_id);
        let company = details.as_ref().and_then(|d| d.business_name.clone());
        let (email, name) = details.map(|d| (d.email, d.name)).unwrap_or_default();
        Self {
            id: session.id.as_str().to_owned(),
            url: session.url,
            livemode: session.livemode,
            state,
            idempotency_key: session.metadata.and_then(|mut metadata| metadata.remove(METADATA_KEY)),
            currency: session.currency.and_then(|c| c.to_string().parse().ok()),
            amount_subtotal: session.amount_subtotal,
            amount_total: session.amount_total,
            payment_intent: session.payment_intent.as_ref().map(id_of),
            email,
            name,
            paid_with: session.payment_intent.as_ref().and_then(card_of),
            lines: session
                .line_items
                .map(|list| {
                    list.data
                        .into_iter()
                        .map(|line| SessionLine {
                            subtotal: line.amount_subtotal,
                            discount: line.amount_discount,
                            tax: line.amount_tax,
                            total: line.amount_total,
                            taxes: line
                                .taxes
                                .unwrap_or_default()
                                .into_iter()
                                .map(|tax| LineTax::new(tax, country.as_deref(), line.amount_total - line.amount_tax))
                                .collect(),
                        })
                        .collect()
                })
                .unwrap_or_default(),
            expires_at: session.expires_at,
            country,
            company,
            vat_id,
            address,
            card_country,
            tax_problem,
        }
    }
}

/// The card of a payment, if the charge was sent with it and was to a card.
fn card_of(intent: &Expandable<PaymentIntent>) -> Option<String> {
    let Expandable::Object(intent) = intent else { return None };
    let Some(Expandable::Object(charge)) = &intent.latest_charge else { return None };
    let card = charge.payment_method_details.as_ref()?.card.as_ref()?;
    Some(format!("{} {}", card.brand.as_deref()?, card.last4.as_deref()?))
}

/// `status` says whether the buyer has finished, `payment_status` whether money came
/// (<https://docs.stripe.com/checkout/fulfillment>).
fn state_of(session: &CheckoutSession) -> SessionState {
    match session.status {
        Some(CheckoutSessionStatus::Complete) => match session.payment_status {
            CheckoutSessionPaymentStatus::Paid => SessionState::Paid,
            CheckoutSessionPaymentStatus::NoPaymentRequired => SessionState::NoPaymentRequired,
            _ => match &session.payment_intent {
                Some(Expandable::Object(intent))
                    if matches!(
                        intent.status,
                        PaymentIntentStatus::Canceled | PaymentIntentStatus::RequiresPaymentMethod
                    ) =>
                {
                    SessionState::Failed
                }
                _ => SessionState::Processing,
            },
        },
        Some(CheckoutSessionStatus::Expired) => SessionState::Expired,
        _ => SessionState::Open,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_apart_and_never_printed() {
        let key: StripeKey = "sk_test_abcdefgh".parse().unwrap();
        assert!(!key.livemode());
        assert!("rk_live_12345678".parse::<StripeKey>().unwrap().livemode());
        assert_eq!(format!("{key:?}"), "StripeKey(test)");
        for bad in [
            "",
            "sk_test_",
            "pk_test_abcdefgh",
            "sk_test_abc",
            "whsec_abcdefgh",
            "sk_test_abc defgh",
            " sk_test_abcdefgh",
        ] {
            assert_eq!(bad.parse::<StripeKey>().unwrap_err(), MalformedKey, "{bad}");
        }
    }

    #[test]
    fn every_currency_of_ours_is_one_of_stripes() {
        for currency in Currency::all() {
            assert!(stripe_currency(currency).is_ok(), "{currency}");
        }
    }
}
