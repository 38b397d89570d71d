//! Where a checkout stands, for the success page.

use crate::cart::Offer;
use crate::db::schema::{book, checkout, orders};
use crate::orders::{OrderRow, order_columns, view};
use crate::secrets::Keys;
use crate::types::{CheckoutProgress, OrderStatus};
use crate::{Error, Reconciled, Shop};
use diesel::prelude::*;
use std::time::Duration;

/// How long the success page lets the buyer wait for Stripe before it says "preparing".
const SUCCESS_DEADLINE: Duration = Duration::from_secs(3);

impl Shop {
    /// What the success page of a Checkout Session shows; none if we know no such session (Stripe is not asked then).
    ///
    /// # Errors
    /// The database's. If Stripe is slow or down, that is [`CheckoutProgress::Preparing`].
    pub async fn checkout_progress(
        &self,
        session_id: &str,
        keys: impl Into<Keys>,
    ) -> Result<Option<CheckoutProgress>, Error> {
        let keys = keys.into();
        // PostgreSQL's text has no NUL and would call the question an error.
        if session_id.contains('\0') {
            return Ok(None);
        }
        let found = {
            let session_id = session_id.to_owned();
            self.0
                .db
                .read(move |conn| {
                    Ok(checkout::table
                        .left_join(orders::table)
                        .filter(checkout::stripe_session.eq(session_id))
                        .select((
                            checkout::browser_hash,
                            checkout::stripe_url,
                            checkout::state,
                            checkout::cart_snapshot,
                            orders::status.nullable(),
                        ))
                        .first::<(String, Option<String>, String, String, Option<String>)>(conn)
                        .optional()?)
                })
                .await?
        };
        let Some((browser_hash, stripe_url, state, snapshot, status)) = found else { return Ok(None) };
        let began_here = keys.browser.as_ref().is_some_and(|browser| browser.hash() == browser_hash);
        let settled = status.as_deref() == Some(OrderStatus::Succeeded.as_str()) || state == "quarantined";
        if !settled {
            match tokio::time::timeout(SUCCESS_DEADLINE, self.reconcile(session_id)).await {
                Ok(Ok(Reconciled::Ordered(_))) => {}
                Ok(Ok(Reconciled::Open)) => {
                    return Ok(Some(CheckoutProgress::Open { resume_url: stripe_url.filter(|_| began_here) }));
                }
                Ok(Ok(Reconciled::Expired)) => return Ok(Some(CheckoutProgress::Expired)),
                Ok(Ok(Reconciled::Quarantined)) => return self.under_review(&snapshot, began_here).await.map(Some),
                Ok(Ok(Reconciled::Unknown | Reconciled::Foreign | Reconciled::WrongMode)) => return Ok(None),
                Ok(Err(error @ Error::Payments(_))) => {
                    tracing::warn!(%error, "the success page could not ask Stripe");
                    return Ok(Some(CheckoutProgress::Preparing));
                }
                Ok(Err(error)) => return Err(error),
                Err(_elapsed) => return Ok(Some(CheckoutProgress::Preparing)),
            }
        } else if state == "quarantined" {
            return self.under_review(&snapshot, began_here).await.map(Some);
        }
        let (shop, session_id) = (self.clone(), session_id.to_owned());
        let view = self
            .0
            .db
            .read(move |conn| {
                let row = orders::table
                    .filter(orders::stripe_session.eq(session_id))
                    .select(order_columns!())
                    .first::<OrderRow>(conn)
                    .optional()?;
                row.map(|row| view(conn, &shop, row, &keys)).transpose()
            })
            .await?;
        Ok(Some(view.map_or(CheckoutProgress::Preparing, |view| CheckoutProgress::Ordered(Box::new(view)))))
    }

    /// A payment that a person must look at, and what it was for.
    async fn under_review(&self, snapshot: &str, began_here: bool) -> Result<CheckoutProgress, Error> {
        if !began_here {
            return Ok(CheckoutProgress::UnderReview { titles: Vec::new() });
        }
        let offers: Vec<Offer> = serde_json::from_str(snapshot)
            .map_err(|error| Error::internal(format!("snapshot of a checkout: {error}")))?;
        let ids: Vec<i64> = offers.iter().map(|offer| offer.book_id).collect();
        let slugs: Vec<String> = self
            .0
            .db
            .read(move |conn| Ok(book::table.filter(book::id.eq_any(ids)).select(book::slug).load(conn)?))
            .await?;
        Ok(CheckoutProgress::UnderReview { titles: slugs.iter().filter_map(|slug| slug.parse().ok()).collect() })
    }
}
