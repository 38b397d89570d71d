//! What somebody at the desk takes off the list of what needs a person, because nothing else can. Sent twice it is done once,
//! with one entry in the audit.

use super::object;
use crate::audit::{self, Actor};
use crate::db::schema::{book, checkout, orders, refund, refused_title};
use crate::types::OrderNumber;
use crate::{Error, Shop};
use diesel::prelude::*;
use serde_json::json;
use std::str::FromStr;

/// How else a buyer has the money of a refund that failed, in a few words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement(String);

/// The text says not how a refund was settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("how it was settled is said in 1 to {LONGEST} letters on one line")]
pub struct InvalidSettlement;

/// It is a line.
const LONGEST: usize = 200;

impl FromStr for Settlement {
    type Err = InvalidSettlement;

    fn from_str(text: &str) -> Result<Self, InvalidSettlement> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > LONGEST || text.chars().any(char::is_control) {
            return Err(InvalidSettlement);
        }
        Ok(Self(text.to_owned()))
    }
}

impl Shop {
    /// Writes down that somebody has seen to a payment under review: it needs nobody any more. Nothing is granted by it.
    ///
    /// # Errors
    /// [`Error::NotFound`] if no payment of this id is under review; the database's.
    pub async fn review_payment(&self, actor: &Actor, id: i64) -> Result<(), Error> {
        let (actor, now) = (*actor, self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                let held = || checkout::table.filter(checkout::id.eq(id)).filter(checkout::state.eq("quarantined"));
                let session: Option<Option<String>> = held().select(checkout::stripe_session).first(conn).optional()?;
                let session = session.ok_or(Error::NotFound)?;
                let open = held().filter(checkout::reviewed_at.is_null());
                let done = (checkout::reviewed_at.eq(now), checkout::reviewed_by.eq(actor.account()));
                if diesel::update(open).set(done).execute(conn)? == 0 {
                    return Ok(());
                }
                let object = format!("checkout:{}", session.unwrap_or_else(|| id.to_string()));
                audit::record(conn, &actor, "payment.reviewed", object, None, None)
            })
            .await
    }

    /// Writes down that the buyer has the money of a refund that failed in another way, so that it needs nobody any more.
    ///
    /// # Errors
    /// [`Error::NotFound`] if no refund of this id has failed; the database's.
    pub async fn settle_refund(&self, actor: &Actor, id: i64, how: &Settlement) -> Result<(), Error> {
        let (actor, how, now) = (*actor, how.0.clone(), self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                let failed: Option<(String, i64, String)> = refund::table
                    .inner_join(orders::table)
                    .filter(refund::id.eq(id))
                    .filter(refund::status.eq("failed"))
                    .select((orders::number, refund::amount, refund::currency))
                    .first(conn)
                    .optional()?;
                let (number, amount, currency) = failed.ok_or(Error::NotFound)?;
                let number: OrderNumber =
                    number.parse().map_err(|_| Error::internal(format!("refund {id}: bad order")))?;
                let open = refund::table
                    .filter(refund::id.eq(id))
                    .filter(refund::status.eq("failed"))
                    .filter(refund::settled_at.is_null());
                let done = (
                    refund::settled_at.eq(now),
                    refund::settled_by.eq(actor.account()),
                    // It may speak of the buyer: it stands here alone, where it is forgotten with her.
                    refund::settled_note.eq(&how),
                );
                if diesel::update(open).set(done).execute(conn)? == 0 {
                    return Ok(());
                }
                let what = json!({ "refund": id, "amount": amount, "currency": currency });
                audit::record(conn, &actor, "refund.settled", object(&number), None, Some(what))
            })
            .await
    }

    /// Takes what Stripe refused for one cause, whatever the title, off the list until it refuses it again.
    ///
    /// # Errors
    /// The database's. A refusal that is gone already is no error.
    pub async fn refusal_seen_to(&self, actor: &Actor, id: i64) -> Result<(), Error> {
        let actor = *actor;
        self.0
            .db
            .write(move |conn| {
                let found: Option<(String, String)> = refused_title::table
                    .inner_join(book::table)
                    .filter(refused_title::id.eq(id))
                    .select((refused_title::cause, book::slug))
                    .first(conn)
                    .optional()?;
                let Some((cause, slug)) = found else { return Ok(()) };
                let titles =
                    diesel::delete(refused_title::table.filter(refused_title::cause.eq(&cause))).execute(conn)?;
                if titles == 0 {
                    return Ok(());
                }
                let what = json!({ "why": cause, "titles": titles });
                audit::record(conn, &actor, "refusal.seen-to", format!("book:{slug}"), Some(what), None)
            })
            .await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_refund_was_settled_is_a_short_line() {
        let long = "x".repeat(201);
        for (text, good) in [
            ("by bank transfer", true),
            (&long[1..], true),
            (" ", false),
            ("a\nb", false),
            ("a\0", false),
            (long.as_str(), false),
        ] {
            assert_eq!(text.parse::<Settlement>().is_ok(), good, "{text:?}");
        }
    }
}
