//! Events that no delivery has brought: found in Stripe's own list.

use super::incoming::Incoming;
use crate::db::schema::stripe_event;
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use futures::{StreamExt as _, TryStreamExt as _};
use std::collections::HashSet;

/// What the store acts on, and so what it asks Stripe for. The list takes no wildcards, and at most 20 types
/// (<https://docs.stripe.com/api/events/list#list_events-types>).
pub(crate) const TYPES: &[&str] = &[
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.payment_failed",
    "charge.refunded",
    "refund.created",
    "refund.updated",
    "refund.failed",
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
];

/// Kept at once, so that they share a commit.
const AT_ONCE: usize = 16;

/// What became of a page of Stripe's list.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Kept {
    /// Events that were not here yet.
    pub(crate) new: usize,
    /// When the page's newest event was made.
    pub(crate) newest: Option<NaiveDateTime>,
}

impl Shop {
    /// Keeps what is missing of `bodies` (newest first, as Stripe lists them), oldest first.
    pub(crate) async fn keep_missing(&self, bodies: Vec<String>) -> Result<Kept, Error> {
        let mut events = Vec::with_capacity(bodies.len());
        for body in bodies {
            match Incoming::parse(body.as_bytes()) {
                Ok(event) => events.push(event),
                Err(_) => tracing::warn!("an entry of Stripe's list of events is none, and was left out"),
            }
        }
        let newest = events.iter().map(|event| event.created).max();
        let ids: Vec<String> = events.iter().map(|event| event.id.clone()).collect();
        let here: HashSet<String> = self
            .0
            .db
            .read(move |conn| {
                let ids = stripe_event::table.filter(stripe_event::id.eq_any(ids)).select(stripe_event::id);
                Ok(ids.load::<String>(conn)?.into_iter().collect())
            })
            .await?;
        let missing = events.into_iter().rev().filter(|event| !here.contains(&event.id));
        let new = futures::stream::iter(missing)
            .map(|event| async move { self.keep_event(event.body.as_bytes()).await })
            .buffered(AT_ONCE)
            .try_fold(0, async |new, kept| Ok(new + usize::from(kept)))
            .await?;
        Ok(Kept { new, newest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operator_is_told_of_every_type() {
        let readme = include_str!("../../../../README.md");
        let (_, list) = readme.split_once("/webhooks/stripe`, with the events").unwrap();
        let (list, _) = list.split_once(". What").unwrap();
        let named: HashSet<&str> = list.split('`').skip(1).step_by(2).collect();
        assert_eq!(named, TYPES.iter().copied().collect());
    }
}
