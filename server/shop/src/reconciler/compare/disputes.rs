//! Disputes: a title that is frozen, and an owner who is told, depend on each.

use super::{Found, YOUNG, bounded};
use crate::db::AnyConnection;
use crate::db::schema::{dispute, orders};
use crate::payments::{Dispute, PaymentsError};
use crate::{Error, Shop};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use std::collections::{HashMap, HashSet};

const UNKNOWN_HERE: &str = "dispute_unknown_here";
const DIFFERS: &str = "dispute_differs";
const UNKNOWN: &str = "dispute_unknown_to_stripe";

/// A dispute as far as it is compared.
#[derive(Queryable)]
struct Row {
    stripe_id: String,
    amount: i64,
    currency: String,
    status: String,
}

impl Shop {
    /// Each dispute of the list, and each of ours that the list must have shown. What differs is asked for once more,
    /// which heals what only no event has told; the rest is found.
    pub(super) async fn compare_disputes(&self, since: NaiveDateTime, now: NaiveDateTime) -> Result<Vec<Found>, Error> {
        let (mut suspects, mut seen, mut after) = (Vec::new(), HashSet::new(), None);
        let settled = (now - YOUNG).and_utc().timestamp();
        loop {
            let page = self.0.payments.disputes_page(since.and_utc().timestamp(), after.as_deref()).await?;
            seen.extend(page.items.iter().map(|dispute| dispute.id.clone()));
            let disputes: Vec<Dispute> = page.items.into_iter().filter(|d| d.created <= settled).collect();
            let found = self.0.db.read(move |conn| compare(conn, &disputes)).await?;
            suspects.extend(found.into_iter().map(|found| found.object_id));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        let ours: Vec<String> = self
            .0
            .db
            .read(move |conn| {
                Ok(dispute::table
                    .filter(dispute::created_at.between(since + TimeDelta::hours(1), now - YOUNG))
                    .select(dispute::stripe_id)
                    .load(conn)?)
            })
            .await?;
        suspects.extend(bounded(ours.into_iter().filter(|id| !seen.contains(id)).collect(), "disputes"));
        let mut found = Vec::new();
        for id in &suspects {
            found.extend(self.examine_dispute(id).await?);
        }
        Ok(found)
    }

    /// One dispute as it is now, after what asking again heals.
    pub(super) async fn examine_dispute(&self, id: &str) -> Result<Vec<Found>, Error> {
        match self.0.payments.retrieve_dispute(id).await {
            Ok(dispute) => {
                self.reconcile_dispute(id).await?;
                self.0.db.read(move |conn| compare(conn, std::slice::from_ref(&dispute))).await
            }
            Err(PaymentsError::NotFound) => {
                let id = id.to_owned();
                self.0.db.read(move |conn| of_nothing(conn, &id)).await
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn compare(conn: &mut AnyConnection, disputes: &[Dispute]) -> Result<Vec<Found>, Error> {
    let ids: Vec<&str> = disputes.iter().map(|dispute| dispute.id.as_str()).collect();
    let intents: Vec<&str> = disputes.iter().filter_map(|dispute| dispute.payment_intent.as_deref()).collect();
    let ours: HashSet<Option<String>> = orders::table
        .filter(orders::stripe_payment_intent.eq_any(intents))
        .select(orders::stripe_payment_intent)
        .load(conn)?
        .into_iter()
        .collect();
    let rows: Vec<Row> = dispute::table
        .filter(dispute::stripe_id.eq_any(ids))
        .select((dispute::stripe_id, dispute::amount, dispute::currency, dispute::status))
        .load(conn)?;
    let rows: HashMap<&str, &Row> = rows.iter().map(|row| (row.stripe_id.as_str(), row)).collect();
    // Another program's payments are none of our business.
    let disputes = disputes.iter().filter(|d| d.payment_intent.is_some() && ours.contains(&d.payment_intent));
    Ok(disputes
        .filter_map(|dispute| {
            let Dispute { id, amount, currency, status, .. } = dispute;
            let found = |kind, detail| Some(Found { kind, object_id: id.clone(), detail });
            match rows.get(id.as_str()) {
                None => found(UNKNOWN_HERE, format!("{amount} {currency} {status} at Stripe, nothing here")),
                Some(row) if row.amount == *amount && row.currency == *currency && row.status == *status => None,
                Some(Row { amount: here, currency: its_currency, status: its_status, .. }) => found(
                    DIFFERS,
                    format!("{here} {its_currency} {its_status} here, {amount} {currency} {status} at Stripe"),
                ),
            }
        })
        .collect())
}

/// A dispute of ours that Stripe does not have.
fn of_nothing(conn: &mut AnyConnection, id: &str) -> Result<Vec<Found>, Error> {
    let row: Option<(i64, String, String)> = dispute::table
        .filter(dispute::stripe_id.eq(id))
        .select((dispute::amount, dispute::currency, dispute::status))
        .first(conn)
        .optional()?;
    let detail =
        |(amount, currency, status)| format!("{amount} {currency} {status} here, Stripe knows no such dispute");
    let found = |row| Found { kind: UNKNOWN, object_id: id.to_owned(), detail: detail(row) };
    Ok(row.map(found).into_iter().collect())
}
