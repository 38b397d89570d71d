//! Money that goes back or never came: refunds, disputes, and payments that were declined.

use super::{METADATA_KEY, Payments, PaymentsError, id_of};
use crate::types::{Currency, RefundStatus};
use std::collections::HashMap;
use stripe::{IdempotencyKey, RequestStrategy, StripeRequest};
use stripe_core::dispute::RetrieveDispute;
use stripe_core::payment_intent::RetrievePaymentIntent;
use stripe_core::refund::{CreateRefund, CreateRefundReason, ListRefund, RetrieveRefund};
use stripe_shared::PaymentIntentStatus;

/// Names our refund in the metadata of Stripe's.
const REFUND_KEY: &str = "octavo_refund";

/// A refund to be made.
#[derive(Clone, Debug)]
pub(crate) struct NewRefund<'a> {
    /// The same key never makes a second refund.
    pub(crate) idempotency_key: &'a str,
    /// Names the refund over all its keys.
    pub(crate) name: &'a str,
    pub(crate) payment_intent: &'a str,
    /// Minor units.
    pub(crate) amount: i64,
    /// `duplicate`, `fraudulent` or `requested_by_customer`.
    pub(crate) reason: &'a str,
}

/// A refund as far as the shop cares.
#[derive(Clone, Debug)]
pub(crate) struct Refund {
    pub(crate) id: String,
    pub(crate) payment_intent: Option<String>,
    /// Minor units.
    pub(crate) amount: i64,
    pub(crate) currency: Option<Currency>,
    pub(crate) status: RefundStatus,
    pub(crate) reason: Option<String>,
    pub(crate) failure_reason: Option<String>,
    /// The name that it was made under, if this program made it.
    pub(crate) name: Option<String>,
    /// Unix seconds.
    pub(crate) created: i64,
}

/// Whose refunds are asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum RefundsOf<'a> {
    Payment(&'a str),
    Charge(&'a str),
}

/// A dispute as far as the shop cares.
#[derive(Clone, Debug)]
pub(crate) struct Dispute {
    pub(crate) id: String,
    pub(crate) livemode: bool,
    pub(crate) payment_intent: Option<String>,
    /// Minor units.
    pub(crate) amount: i64,
    pub(crate) currency: String,
    /// Stripe's word.
    pub(crate) status: String,
    /// Stripe's word.
    pub(crate) reason: String,
    /// Unix seconds.
    pub(crate) evidence_due_by: Option<i64>,
    /// Unix seconds.
    pub(crate) created: i64,
}

/// A `PaymentIntent` as far as the shop cares.
#[derive(Clone, Debug)]
pub(crate) struct Payment {
    pub(crate) livemode: bool,
    /// The idempotency key of the session that it belongs to, if this program made it.
    pub(crate) checkout_key: Option<String>,
    /// Why the last attempt failed, if the payment waits for another one.
    pub(crate) decline: Option<Decline>,
}

/// Stripe's codes for a payment that was declined.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Decline {
    /// The bank's reason (<https://docs.stripe.com/declines/codes>).
    pub(crate) decline_code: Option<String>,
    /// Stripe's error (<https://docs.stripe.com/error-codes>).
    pub(crate) code: Option<String>,
}

impl Payments {
    /// Makes a refund, or finds the one that the idempotency key has made.
    pub(crate) async fn create_refund(&self, new: &NewRefund<'_>) -> Result<Refund, PaymentsError> {
        let metadata: HashMap<String, String> = [(REFUND_KEY.to_owned(), new.name.to_owned())].into();
        let key = IdempotencyKey::new(new.idempotency_key).map_err(|error| PaymentsError::Setup(error.to_string()))?;
        // Never an error: what it does not know it keeps as it is.
        let reason: CreateRefundReason = new.reason.parse().unwrap_or(CreateRefundReason::RequestedByCustomer);
        CreateRefund::new()
            .payment_intent(new.payment_intent)
            .amount(new.amount)
            .reason(reason)
            .metadata(metadata)
            .customize()
            .request_strategy(RequestStrategy::Idempotent(key))
            .send(self.client()?)
            .await?
            .try_into()
    }

    /// The refund as Stripe has it now.
    pub(crate) async fn retrieve_refund(&self, id: &str) -> Result<Refund, PaymentsError> {
        RetrieveRefund::new(id).send(self.client()?).await?.try_into()
    }

    /// All refunds of a payment as Stripe has them now.
    pub(crate) async fn refunds(&self, of: RefundsOf<'_>) -> Result<Vec<Refund>, PaymentsError> {
        let mut refunds = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let mut list = match of {
                RefundsOf::Payment(id) => ListRefund::new().payment_intent(id),
                RefundsOf::Charge(id) => ListRefund::new().charge(id),
            }
            .limit(100);
            if let Some(after) = &after {
                list = list.starting_after(after.as_str());
            }
            let page = list.send(self.client()?).await?;
            after = page.data.last().map(|last| last.id.as_str().to_owned()).filter(|_| page.has_more);
            for refund in page.data {
                refunds.push(refund.try_into()?);
            }
            if after.is_none() {
                return Ok(refunds);
            }
        }
    }

    /// The dispute as Stripe has it now.
    pub(crate) async fn retrieve_dispute(&self, id: &str) -> Result<Dispute, PaymentsError> {
        Ok(RetrieveDispute::new(id).send(self.client()?).await?.into())
    }

    /// The payment as Stripe has it now.
    pub(crate) async fn retrieve_payment(&self, id: &str) -> Result<Payment, PaymentsError> {
        let mut intent = RetrievePaymentIntent::new(id).send(self.client()?).await?;
        let waits = intent.status == PaymentIntentStatus::RequiresPaymentMethod;
        let decline = intent.last_payment_error.filter(|_| waits).map(|error| Decline {
            decline_code: error.decline_code,
            code: error.code.map(|code| code.as_str().to_owned()),
        });
        Ok(Payment { livemode: intent.livemode, checkout_key: intent.metadata.remove(METADATA_KEY), decline })
    }
}

impl From<stripe_shared::Dispute> for Dispute {
    fn from(dispute: stripe_shared::Dispute) -> Self {
        Self {
            id: dispute.id.as_str().to_owned(),
            livemode: dispute.livemode,
            payment_intent: dispute.payment_intent.as_ref().map(id_of),
            amount: dispute.amount,
            currency: dispute.currency.to_string().to_uppercase(),
            status: dispute.status.as_str().to_owned(),
            reason: dispute.reason,
            // 0 where the bank takes no answer.
            evidence_due_by: dispute.evidence_details.due_by.filter(|at| *at > 0),
            created: dispute.created,
        }
    }
}

impl TryFrom<stripe_shared::Refund> for Refund {
    type Error = PaymentsError;

    fn try_from(refund: stripe_shared::Refund) -> Result<Self, PaymentsError> {
        let status = refund.status.as_deref().and_then(RefundStatus::parse).ok_or_else(|| {
            PaymentsError::Incomprehensible(format!("refund {} has the status {:?}", refund.id.as_str(), refund.status))
        })?;
        Ok(Self {
            id: refund.id.as_str().to_owned(),
            payment_intent: refund.payment_intent.as_ref().map(id_of),
            amount: refund.amount,
            currency: refund.currency.to_string().parse().ok(),
            status,
            reason: refund.reason.map(|reason| reason.as_str().to_owned()),
            failure_reason: refund.failure_reason,
            name: refund.metadata.and_then(|mut metadata| metadata.remove(REFUND_KEY)),
            created: refund.created,
        })
    }
}
