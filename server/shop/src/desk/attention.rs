//! What needs a person: each thing with what to do next. Asked for with every page of the desk (for the number in its
//! navigation), so each question is answered from a partial index that is nearly empty in a healthy store, or from what
//! changed in the last days.

mod money;
mod running;

use super::orders::OrderRow;
use crate::db::AnyConnection;
use crate::events::EventSummary;
use crate::outbox::MailSummary;
use crate::reconciler::Difference;
use crate::types::{Money, OrderNumber};
use crate::{Error, Shop};
use chrono::NaiveDateTime;

/// Of each kind so many are listed.
const MOST: i64 = 50;

/// Everything that needs a person.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Attention {
    /// Events that were put aside, failed and will be tried again, or wait for an object that we do not know.
    pub events: Vec<EventSummary>,
    /// Mails that were given up, came back, or wait for their next try.
    pub mails: Vec<MailSummary>,
    /// Payments whose amounts are not ours: nothing was granted.
    pub quarantined: Vec<BadCheckout>,
    /// Those that somebody has reviewed of late. Not counted.
    pub reviewed: Vec<BadCheckout>,
    /// Checkouts that nobody has heard of again.
    pub stuck: Vec<BadCheckout>,
    /// Refunds that Stripe has not confirmed.
    pub refunds: Vec<BadRefund>,
    /// Refunds that failed, and that no later one of the same order makes good.
    pub failed_refunds: Vec<FailedRefund>,
    /// Disputes that wait for an answer.
    pub disputes: Vec<BadDispute>,
    /// Where our rows and Stripe's objects disagree.
    pub differences: Vec<Difference>,
    /// Endpoints of webhooks that were switched off because they failed.
    pub webhooks: Vec<BadEndpoint>,
    /// Invoices and credit notes whose PDF cannot be made.
    pub documents: Vec<BadDocument>,
    /// Orders whose tax Stripe could not work out.
    pub untaxed: Vec<BadTax>,
    /// Books whose product tax code Stripe refuses: slug and title.
    pub tax_codes: Vec<(String, String)>,
    /// Titles whose carts Stripe refuses for another reason.
    pub refused_titles: Vec<RefusedTitle>,
    /// Paid some days ago and never fetched. Not counted: it may be well.
    pub not_fetched: Vec<OrderRow>,
}

/// A checkout that came to no good end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadCheckout {
    /// Its id.
    pub id: i64,
    /// When it was begun, UTC.
    pub begun: NaiveDateTime,
    /// Stripe's name for it.
    pub session: Option<String>,
    /// What was offered, before discount and tax.
    pub subtotal: Option<Money>,
    /// What is wrong.
    pub why: Option<String>,
    /// Who has seen to it, if somebody has.
    pub reviewed: Option<Reviewed>,
}

/// That somebody has seen to something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewed {
    /// When, UTC.
    pub at: NaiveDateTime,
    /// Who, by address; nobody if it was the command line.
    pub by: Option<String>,
}

/// A refund that Stripe has not confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRefund {
    /// Of which order.
    pub order: OrderNumber,
    /// How much.
    pub amount: Money,
    /// When it was asked for, UTC.
    pub asked: NaiveDateTime,
}

/// A refund that failed: the buyer may have been told of it, and has no money.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FailedRefund {
    /// Its id.
    pub id: i64,
    /// Of which order.
    pub order: OrderNumber,
    /// How much.
    pub amount: Money,
    /// Why, in Stripe's words.
    pub why: Option<String>,
    /// Since when that is known, UTC.
    pub since: NaiveDateTime,
}

/// A dispute that waits for an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadDispute {
    /// Of which order.
    pub order: OrderNumber,
    /// How much.
    pub amount: Money,
    /// Why, in the bank's word.
    pub reason: String,
    /// Until when, UTC.
    pub answer_by: Option<NaiveDateTime>,
}

/// An endpoint of webhooks that was switched off because it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadEndpoint {
    /// Its id.
    pub id: i64,
    /// Its address.
    pub url: String,
    /// Whether it said so itself.
    pub gone: bool,
    /// When, for reading.
    pub since: NaiveDateTime,
}

/// A document whose PDF cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadDocument {
    /// Of which order.
    pub order: OrderNumber,
    /// Its number.
    pub number: String,
    /// Why.
    pub why: String,
}

/// An order whose tax Stripe could not work out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadTax {
    /// Which.
    pub order: OrderNumber,
    /// What was paid.
    pub total: Money,
    /// Why, in Stripe's word.
    pub why: String,
}

/// A title in carts for which Stripe refuses to make a session, so that nobody can pay for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefusedTitle {
    /// Names the refusal.
    pub id: i64,
    /// The book's slug.
    pub slug: String,
    /// Its title.
    pub title: String,
    /// Why, in Stripe's words.
    pub why: String,
    /// How often.
    pub times: i64,
    /// The first time, UTC.
    pub first: NaiveDateTime,
    /// The last time, UTC.
    pub last: NaiveDateTime,
}

impl Attention {
    /// How many things there are, for the number in the navigation.
    #[must_use]
    pub fn count(&self) -> usize {
        self.events.len()
            + self.mails.len()
            + self.quarantined.len()
            + self.stuck.len()
            + self.refunds.len()
            + self.failed_refunds.len()
            + self.disputes.len()
            + self.differences.len()
            + self.webhooks.len()
            + self.documents.len()
            + self.untaxed.len()
            + self.tax_codes.len()
            + self.refused_titles.len()
    }
}

impl Shop {
    /// What needs a person.
    ///
    /// # Errors
    /// The database's.
    pub async fn attention(&self) -> Result<Attention, Error> {
        let now = self.0.clock.now();
        self.0
            .db
            .read(move |conn| {
                Ok(Attention {
                    reviewed: money::reviewed(conn, now)?,
                    not_fetched: running::not_fetched(conn, now)?,
                    ..needed(conn, now)?
                })
            })
            .await
    }

    /// How many things need a person; of each kind no more than are listed.
    ///
    /// # Errors
    /// The database's.
    pub async fn attention_count(&self) -> Result<usize, Error> {
        let now = self.0.clock.now();
        self.0.db.read(move |conn| Ok(needed(conn, now)?.count())).await
    }
}

fn needed(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<Attention, Error> {
    Ok(Attention {
        events: running::events(conn)?,
        mails: running::mails(conn)?,
        quarantined: money::quarantined(conn)?,
        reviewed: Vec::new(),
        stuck: money::stuck(conn, now)?,
        refunds: money::refunds(conn, now)?,
        failed_refunds: money::failed_refunds(conn, now)?,
        disputes: money::disputes(conn)?,
        differences: money::differences(conn)?,
        webhooks: running::webhooks(conn)?,
        documents: running::documents(conn)?,
        untaxed: running::untaxed(conn)?,
        tax_codes: running::tax_codes(conn)?,
        refused_titles: money::refused_titles(conn, now)?,
        not_fetched: Vec::new(),
    })
}

fn corrupt(what: &'static str) -> Error {
    Error::internal(format!("a row of the desk: bad {what}"))
}
