//! Sessions of buyers: as long as one lives, its browser sees what was bought under its address.

use super::{IDLE, SEEN_AGAIN};
use crate::db::Value::{End, Moment, Text};
use crate::db::schema::{access_request, buyer_session, order_access, orders};
use crate::db::{AnyConnection, Constant};
use crate::secrets::{BuyerSecret, Keys};
use crate::{Error, Shop};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// The session of that secret, if it lives.
macro_rules! living {
    ($buyer:expr, $now:expr) => {
        buyer_session::table
            .filter(buyer_session::id_hash.eq($buyer.hash()))
            .filter(buyer_session::revoked_at.is_null())
            .filter(buyer_session::expires_at.gt($now))
            .filter(buyer_session::last_seen.gt($now - IDLE))
    };
}

/// The address whose library a browser has opened.
pub(crate) fn address(
    conn: &mut AnyConnection,
    buyer: Option<&BuyerSecret>,
    now: NaiveDateTime,
) -> Result<Option<String>, Error> {
    let Some(buyer) = buyer else { return Ok(None) };
    Ok(living!(buyer, now).select(buyer_session::email_norm).first(conn).optional()?)
}

/// Whether a browser has opened the library that the order stands in.
pub(crate) fn has_order(
    conn: &mut AnyConnection,
    buyer: Option<&BuyerSecret>,
    order_id: i64,
    now: NaiveDateTime,
) -> Result<bool, Error> {
    let Some(email_norm) = address(conn, buyer, now)? else { return Ok(false) };
    let order = orders::table.find(order_id).filter(orders::email_norm.eq(email_norm));
    Ok(diesel::select(diesel::dsl::exists(order)).get_result(conn)?)
}

/// Ends a session. Whether there was one.
pub(super) fn revoke(conn: &mut AnyConnection, buyer: &BuyerSecret, now: NaiveDateTime) -> Result<bool, Error> {
    let revoked = diesel::update(buyer_session::table.find(buyer.hash()).filter(buyer_session::revoked_at.is_null()))
        .set(buyer_session::revoked_at.eq(now))
        .execute(conn)?;
    Ok(revoked > 0)
}

/// Forgets sessions that are over.
pub(super) fn delete_ended(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<usize, Error> {
    Ok(diesel::delete(
        buyer_session::table.filter(
            buyer_session::expires_at
                .le(now)
                .or(buyer_session::last_seen.le(now - IDLE))
                .or(buyer_session::revoked_at.is_not_null()),
        ),
    )
    .execute(conn)?)
}

impl Shop {
    /// Notes that a session was used just now, so that it does not end for being idle.
    pub(crate) async fn seen(&self, keys: &Keys) -> Result<(), Error> {
        let Some(buyer) = keys.buyer.clone() else { return Ok(()) };
        let (now, known) = (self.0.clock.now(), buyer.clone());
        let stale = self
            .0
            .db
            .read(move |conn| {
                let long_ago = living!(known, now).filter(buyer_session::last_seen.le(now - SEEN_AGAIN));
                Ok(diesel::select(diesel::dsl::exists(long_ago)).get_result::<bool>(conn)?)
            })
            .await?;
        if !stale {
            return Ok(());
        }
        self.0
            .db
            .write(move |conn| {
                diesel::update(living!(buyer, now)).set(buyer_session::last_seen.eq(now)).execute(conn)?;
                Ok(())
            })
            .await
    }

    /// Ends this browser's session, and closes the orders that a mailed link has opened in it: whoever sits here next finds
    /// none of them. The order that this browser paid stays open for its day.
    ///
    /// # Errors
    /// The database's; a session that is over already is no error.
    pub async fn sign_out(&self, keys: &Keys) -> Result<(), Error> {
        let Some(buyer) = keys.buyer.clone() else { return Ok(()) };
        let (browser, now) = (keys.browser.clone(), self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                // Whoever has no session has nothing to leave.
                if let (true, Some(browser)) = (revoke(conn, &buyer, now)?, &browser) {
                    let here = order_access::table.filter(order_access::browser_hash.eq(browser.hash()));
                    diesel::delete(here).execute(conn)?;
                }
                Ok(())
            })
            .await
    }

    /// Ends every session of the address, calls back the links and codes that are on their way, closes the orders that
    /// were opened in any browser by a mailed link, and ends the downloads of their titles that run there. A browser that
    /// paid keeps its order for its day, and so what it downloads of it.
    ///
    /// # Errors
    /// [`Error::Forbidden`] without a session that lives, the database's.
    pub async fn sign_out_everywhere(&self, keys: &Keys) -> Result<(), Error> {
        let (buyer, now) = (keys.buyer.clone(), self.0.clock.now());
        let paid_after = now - TimeDelta::hours(self.0.settings.policy.order_hours.into());
        self.0
            .db
            .write(move |conn| {
                let email_norm = address(conn, buyer.as_ref(), now)?.ok_or(Error::Forbidden("no session"))?;
                diesel::update(
                    buyer_session::table
                        .filter(buyer_session::email_norm.eq(&email_norm))
                        .filter(buyer_session::revoked_at.is_null()),
                )
                .set(buyer_session::revoked_at.eq(now))
                .execute(conn)?;
                diesel::update(
                    access_request::table
                        .filter(access_request::email_norm.eq(&email_norm))
                        .filter(access_request::consumed_at.is_null())
                        .filter(access_request::expires_at.gt(now)),
                )
                .set(access_request::expires_at.eq(now))
                .execute(conn)?;
                let theirs = orders::table.filter(orders::email_norm.eq(&email_norm)).select(orders::id);
                diesel::delete(order_access::table.filter(order_access::order_id.eq_any(theirs))).execute(conn)?;
                end_claims(conn, &email_norm, paid_after, now)?;
                Ok(())
            })
            .await
    }
}

/// Ends the running downloads of what was bought under an address, but those of browsers that paid for it after
/// `paid_after`: the order is still open to them.
fn end_claims(
    conn: &mut AnyConnection,
    email_norm: &str,
    paid_after: NaiveDateTime,
    now: NaiveDateTime,
) -> Result<(), Error> {
    let ended = Constant(&[
        ("UPDATE download_claim SET expires_at = ", Moment(now)),
        (" WHERE expires_at > ", Moment(now)),
        (
            " AND token_id IN (SELECT t.id FROM download_token AS t JOIN entitlement AS e ON e.id = t.entitlement_id \
             WHERE e.email_norm = ",
            Text(email_norm),
        ),
        (
            ") AND NOT EXISTS (SELECT 1 FROM download_token AS t JOIN entitlement AS e ON e.id = t.entitlement_id \
             JOIN order_item AS i ON i.id = e.order_item_id JOIN orders AS o ON o.id = i.order_id \
             JOIN checkout AS c ON c.id = o.checkout_id WHERE t.id = download_claim.token_id \
             AND c.browser_hash = download_claim.browser_hash AND o.stripe_session IS NOT NULL AND o.created_at > ",
            Moment(paid_after),
        ),
        (")", End),
    ]);
    ended.execute(conn)?;
    Ok(())
}
