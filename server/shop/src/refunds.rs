//! Refunds: what Stripe says of them, written down; and refunds that are asked for here.
//!
//! [`Shop::reconcile_refund`] asks Stripe for all refunds of a payment and makes our rows agree, in one transaction on the
//! locked order, as often as it is called and in any order of events. The whole list and not the one refund: what has
//! failed makes room for what came after it. A pending refund counts from the start (see [`RefundStatus::is_living`]).

mod asking;
mod ledger;
mod listing;
mod planning;
mod request;
pub(crate) mod share;

pub(crate) use ledger::Order;
pub use listing::RefundRow;
pub use request::{ItemRef, RefundError, RefundMade, RefundReason, RefundRequest, RefundWhat};

use crate::db::AnyConnection;
use crate::db::schema::{checkout, orders};
use crate::events::Outcome;
use crate::failpoint::{Failpoint, pass};
use crate::payments::{PaymentsError, Refund, RefundsOf};
#[cfg(doc)]
use crate::types::RefundStatus;
use crate::{Error, Reconciled, Shop};
use diesel::prelude::*;

/// What is to be done in the same transaction as the rest, with what it came to.
pub(crate) trait Also: FnMut(&mut AnyConnection, Outcome) -> Result<(), Error> + Send + 'static {}
impl<F: FnMut(&mut AnyConnection, Outcome) -> Result<(), Error> + Send + 'static> Also for F {}

impl Shop {
    /// Makes our rows agree with how Stripe has this refund, and all others of its payment, now.
    ///
    /// # Errors
    /// [`Error::Payments`] if Stripe does not answer, [`Error::Internal`] if what it says cannot be (more refunded than
    /// paid), the database's. Nothing has changed then.
    pub async fn reconcile_refund(&self, refund_id: &str) -> Result<Outcome, Error> {
        self.reconcile_refund_and(refund_id, |_, _| Ok(())).await
    }

    /// As [`Shop::reconcile_refund`], with more to do in the same transaction.
    pub(crate) async fn reconcile_refund_and(&self, refund_id: &str, also: impl Also) -> Result<Outcome, Error> {
        let refund = match self.0.payments.retrieve_refund(refund_id).await {
            Ok(refund) => refund,
            Err(PaymentsError::NotFound) => return self.conclude(Outcome::Unknown, also).await,
            Err(error) => return Err(error.into()),
        };
        let Some(intent) = refund.payment_intent.clone() else {
            return self.conclude(Outcome::Foreign, also).await;
        };
        let mut refunds = self.0.payments.refunds(RefundsOf::Payment(&intent)).await?;
        // Stripe's lists may be a moment behind its objects.
        if !refunds.iter().any(|listed| listed.id == refund.id) {
            refunds.push(refund);
        }
        self.write_refunds(intent, refunds, also).await
    }

    /// Makes our rows agree with the refunds of a charge: `charge.refunded` does not say which they are.
    pub(crate) async fn reconcile_charge_and(&self, charge_id: &str, also: impl Also) -> Result<Outcome, Error> {
        let refunds = match self.0.payments.refunds(RefundsOf::Charge(charge_id)).await {
            Ok(refunds) => refunds,
            Err(PaymentsError::NotFound) => return self.conclude(Outcome::Unknown, also).await,
            Err(error) => return Err(error.into()),
        };
        let Some(first) = refunds.first() else { return self.conclude(Outcome::Unknown, also).await };
        let Some(intent) = first.payment_intent.clone() else {
            return self.conclude(Outcome::Foreign, also).await;
        };
        self.write_refunds(intent, refunds, also).await
    }

    async fn write_refunds(&self, intent: String, refunds: Vec<Refund>, mut also: impl Also) -> Result<Outcome, Error> {
        pass(Failpoint::RefundsFetched);
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
                        ledger::apply(conn, &shop, &order, &refunds, shop.0.clock.now())?;
                        Outcome::Done
                    }
                    None => Outcome::Unknown,
                };
                also(conn, outcome)?;
                pass(Failpoint::RefundsWritten);
                Ok(outcome)
            })
            .await?;
        pass(Failpoint::RefundsKept);
        Ok(outcome)
    }

    pub(crate) async fn conclude(&self, outcome: Outcome, mut also: impl Also) -> Result<Outcome, Error> {
        self.0.db.write(move |conn| also(conn, outcome).map(|()| outcome)).await
    }

    /// Makes sure that a payment's order is there. Money may go back before we have heard that it came: then the
    /// payment's metadata leads to its checkout, which is reconciled first. Else says whose the payment is.
    pub(crate) async fn order_of_payment(&self, intent: &str) -> Result<Result<(), Outcome>, Error> {
        let wanted = intent.to_owned();
        let known = self
            .0
            .db
            .read(move |conn| {
                let order = orders::table.filter(orders::stripe_payment_intent.eq(wanted));
                Ok(diesel::select(diesel::dsl::exists(order)).get_result(conn)?)
            })
            .await?;
        if known {
            return Ok(Ok(()));
        }
        let payment = match self.0.payments.retrieve_payment(intent).await {
            Ok(payment) => payment,
            Err(PaymentsError::NotFound) => return Ok(Err(Outcome::Unknown)),
            Err(error) => return Err(error.into()),
        };
        if payment.livemode != self.0.settings.livemode {
            return Ok(Err(Outcome::WrongMode));
        }
        let Some(key) = payment.checkout_key else { return Ok(Err(Outcome::Foreign)) };
        let session: Option<String> = self
            .0
            .db
            .read(move |conn| {
                let row = checkout::table.filter(checkout::idem_key.eq(key));
                Ok(row.select(checkout::stripe_session).first::<Option<String>>(conn).optional()?.flatten())
            })
            .await?;
        let Some(session) = session else { return Ok(Err(Outcome::Unknown)) };
        Ok(match self.reconcile(&session).await? {
            Reconciled::Ordered(_) => Ok(()),
            // A person looks at the payment, and this is what she did about it.
            Reconciled::Quarantined => Err(Outcome::NoOrder),
            other => Err(other.into()),
        })
    }
}
