//! Refunds that are asked for here.
//!
//! The row comes first, with the key that the request travels under; then Stripe is asked; then what Stripe says is
//! written down like any other refund. Whatever is lost on the way, the refund's event, the next round of
//! [`Shop::retry_refunds`] or Stripe's idempotency completes it, and none of them makes a second one.

use super::ledger::Order;
use super::planning::plan;
use super::request::{RefundError, RefundMade, RefundReason, RefundRequest, RefundWhat};
use crate::audit::{self, Actor};
use crate::db::AnyConnection;
use crate::db::schema::{orders, refund};
use crate::desk::{FormKey, object};
use crate::failpoint::{Failpoint, pass};
use crate::hooks;
use crate::payments::{NewRefund, PaymentsError, RefundsOf};
use crate::types::{Currency, Money, OrderNumber, RefundStatus};
use crate::{Error, Shop};
use chrono::TimeDelta;
use diesel::prelude::*;
use serde_json::json;

/// A refund that Stripe has not confirmed after so long is asked for again.
const RETRY_AFTER: TimeDelta = TimeDelta::minutes(1);
/// So many in one round.
const BATCH: i64 = 16;

/// The name of a refund, which all its keys begin with.
pub(super) fn name_of(key: &str) -> &str {
    key.split_once('.').map_or(key, |(name, _)| name)
}

/// The same name with the next number.
fn next_key(key: &str) -> String {
    let number = key.split_once('.').and_then(|(_, number)| number.parse().ok()).unwrap_or(1_u32);
    format!("{}.{}", name_of(key), number.saturating_add(1))
}

/// A row that Stripe has not confirmed.
#[derive(Clone, Debug, Queryable)]
pub(super) struct Asked {
    pub(super) id: i64,
    pub(super) key: Option<String>,
    pub(super) payment_intent: Option<String>,
    pub(super) amount: i64,
    pub(super) reason: Option<String>,
}

impl Shop {
    /// Refunds an order, wholly or in part, from the command line. Two at once never come to more than its total.
    ///
    /// # Errors
    /// [`RefundError`]. If Stripe does not answer, that is none: the refund stays [`RefundStatus::Requested`] and is
    /// completed later.
    pub async fn refund(&self, number: &OrderNumber, request: &RefundRequest) -> Result<RefundMade, RefundError> {
        self.refund_once(number, request, FormKey::generate(), &Actor::Command).await
    }

    /// As [`Shop::refund`], for a form that may be sent twice: of one `name` there is one refund, and the second time is told
    /// what became of the first.
    ///
    /// # Errors
    /// As [`Shop::refund`].
    pub async fn refund_once(
        &self,
        number: &OrderNumber,
        request: &RefundRequest,
        name: FormKey,
        actor: &Actor,
    ) -> Result<RefundMade, RefundError> {
        let (number, request, actor, now) = (number.clone(), request.clone(), *actor, self.0.clock.now());
        let planned = self
            .0
            .db
            .write(move |conn| {
                let key = format!("octavo-refund-{name}");
                if let Some(id) = known(conn, &number, &key)? {
                    return Ok(Ok(Planned::Before(id)));
                }
                let asked = match plan(conn, &number, &request, key, now)? {
                    Ok(asked) => asked,
                    Err(why) => return Ok(Err(why)),
                };
                let after = json!({ "amount": asked.amount, "reason": asked.reason, "what": words(&request.what) });
                audit::record(conn, &actor, "order.refunded", object(&number), None, Some(after))?;
                Ok(Ok(Planned::Now(asked)))
            })
            .await??;
        let id = match planned {
            Planned::Before(id) => id,
            Planned::Now(asked) => {
                pass(Failpoint::RefundPlanned);
                self.pursue(&asked, false).await?;
                asked.id
            }
        };
        let row = self.0.db.read(move |conn| made(conn, id)).await?;
        match row {
            (made, Some(why)) if made.status == RefundStatus::Failed && made.stripe_id.is_none() => {
                Err(RefundError::Refused(why))
            }
            (made, _) => Ok(made),
        }
    }

    /// Asks again for refunds that Stripe has not confirmed within a minute. Returns how many those were.
    ///
    /// # Errors
    /// The database's.
    pub async fn retry_refunds(&self) -> Result<usize, Error> {
        let before = self.0.clock.now() - RETRY_AFTER;
        let waiting: Vec<Asked> = self
            .0
            .db
            .read(move |conn| {
                Ok(refund::table
                    .inner_join(orders::table)
                    .filter(refund::status.eq(RefundStatus::Requested.as_str()))
                    .filter(refund::updated_at.le(before))
                    .order(refund::updated_at)
                    .limit(BATCH)
                    .select((
                        refund::id,
                        refund::idem_key,
                        orders::stripe_payment_intent,
                        refund::amount,
                        refund::reason,
                    ))
                    .load(conn)?)
            })
            .await?;
        for asked in &waiting {
            self.pursue(asked, true).await?;
        }
        Ok(waiting.len())
    }

    /// Asks Stripe for a refund, and writes down what came of it.
    async fn pursue(&self, asked: &Asked, again: bool) -> Result<(), Error> {
        let (Some(key), Some(payment_intent)) = (asked.key.as_deref(), asked.payment_intent.as_deref()) else {
            return Err(Error::internal(format!("refund {} has no key or no payment", asked.id)));
        };
        if again {
            // What became of the earlier requests is not known, and a key is forgotten after a day: Stripe's list knows.
            match self.0.payments.refunds(RefundsOf::Payment(payment_intent)).await {
                Ok(all) => {
                    if let Some(found) = all.into_iter().find(|refund| refund.name.as_deref() == Some(name_of(key))) {
                        return self.write_down(asked.id, key, &found.id).await;
                    }
                }
                Err(error) => {
                    tracing::warn!(refund = asked.id, %error, "what became of a refund cannot be seen yet");
                    return self.wait(asked.id, key.to_owned(), None).await;
                }
            }
        }
        let new = NewRefund {
            idempotency_key: key,
            name: name_of(key),
            payment_intent,
            amount: asked.amount,
            reason: asked.reason.as_deref().unwrap_or(RefundReason::RequestedByCustomer.as_str()),
        };
        match self.0.payments.create_refund(&new).await {
            Ok(made) => {
                pass(Failpoint::RefundMade);
                self.write_down(asked.id, key, &made.id).await
            }
            Err(PaymentsError::Refused { message, .. } | PaymentsError::Setup(message)) => {
                self.give_up(asked.id, message).await
            }
            Err(error @ PaymentsError::NotFound) => self.give_up(asked.id, error.to_string()).await,
            Err(error) => {
                tracing::warn!(refund = asked.id, %error, "a refund will be asked for again");
                // Stripe repeats a stored failure for the same key: the next try needs another one.
                let renewed = matches!(error, PaymentsError::Failed(_)).then(|| next_key(key));
                self.wait(asked.id, key.to_owned(), renewed).await
            }
        }
    }

    /// Money has moved: if it cannot be written down now, the refund's event does so, or the next round.
    async fn write_down(&self, id: i64, key: &str, stripe_id: &str) -> Result<(), Error> {
        let Err(error) = self.reconcile_refund(stripe_id).await else { return Ok(()) };
        tracing::warn!(refund = id, stripe_id, %error, "a refund was made and is not written down yet");
        self.wait(id, key.to_owned(), None).await
    }

    /// A definite no: nothing was refunded.
    async fn give_up(&self, id: i64, why: String) -> Result<(), Error> {
        tracing::error!(refund = id, why, "a refund was refused");
        let now = self.0.clock.now();
        self.0
            .db
            .write(move |conn| {
                let requested = refund::table.find(id).filter(refund::status.eq(RefundStatus::Requested.as_str()));
                let failed = diesel::update(requested)
                    .set((
                        refund::status.eq(RefundStatus::Failed.as_str()),
                        refund::failure_reason.eq(&why),
                        refund::updated_at.eq(now),
                    ))
                    .execute(conn)?;
                if failed > 0 {
                    hooks::refund_came_to(conn, id, RefundStatus::Failed, now)?;
                }
                Ok(())
            })
            .await
    }

    /// Puts a refund to the end of the queue, under another key if the one that it has is spent.
    async fn wait(&self, id: i64, key: String, renewed: Option<String>) -> Result<(), Error> {
        let now = self.0.clock.now();
        self.0
            .db
            .write(move |conn| {
                let requested = refund::table
                    .find(id)
                    .filter(refund::status.eq(RefundStatus::Requested.as_str()))
                    .filter(refund::idem_key.eq(&key));
                let renewed = renewed.as_ref().map(|key| refund::idem_key.eq(key));
                diesel::update(requested).set((refund::updated_at.eq(now), renewed)).execute(conn)?;
                Ok(())
            })
            .await
    }
}

/// What a request comes to.
enum Planned {
    /// It was made before, and is the refund of this id.
    Before(i64),
    /// It was written down now.
    Now(Asked),
}

/// The refund of that name, whichever of its keys it has come to. Locks the order's row: of two requests at once the second
/// one finds the first one's.
fn known(conn: &mut AnyConnection, number: &OrderNumber, name: &str) -> Result<Option<i64>, Error> {
    let Some(order) = Order::lock_number(conn, number)? else { return Ok(None) };
    let keys: Vec<(i64, Option<String>)> =
        refund::table.filter(refund::order_id.eq(order.id)).select((refund::id, refund::idem_key)).load(conn)?;
    Ok(keys.into_iter().find(|(_, key)| key.as_deref().is_some_and(|key| name_of(key) == name)).map(|(id, _)| id))
}

/// What is refunded, for the audit.
fn words(what: &RefundWhat) -> serde_json::Value {
    match what {
        RefundWhat::Full => json!("all"),
        RefundWhat::Amount(_) => json!("an amount"),
        RefundWhat::Items(items) => {
            items.iter().map(|(item, revoke)| json!({ "title": item.to_string(), "taken_back": revoke })).collect()
        }
    }
}

/// The refund as it stands, and why it failed if it has.
fn made(conn: &mut AnyConnection, id: i64) -> Result<(RefundMade, Option<String>), Error> {
    type Row = (i64, String, String, Option<String>, Option<String>);
    let (amount, currency, status, stripe_id, why): Row = refund::table
        .find(id)
        .select((refund::amount, refund::currency, refund::status, refund::stripe_id, refund::failure_reason))
        .first(conn)?;
    let corrupt = |what: &str| Error::internal(format!("refund {id}: bad {what}"));
    let currency: Currency = currency.parse().map_err(|_| corrupt("currency"))?;
    let status = RefundStatus::parse(&status).ok_or_else(|| corrupt("status"))?;
    Ok((RefundMade { amount: Money::new(amount, currency), status, stripe_id }, why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refund_keeps_its_name_over_all_its_keys() {
        assert_eq!(next_key("octavo-refund-a"), "octavo-refund-a.2");
        assert_eq!(next_key("octavo-refund-a.2"), "octavo-refund-a.3");
        assert_eq!(name_of("octavo-refund-a.3"), "octavo-refund-a");
        assert_eq!(name_of("octavo-refund-a"), "octavo-refund-a");
    }
}
