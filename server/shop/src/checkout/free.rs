//! Orders of nothing to pay: their files open only through the link in the mail, so the mail is what a second order of the
//! same titles comes to.

use super::NewCheckout;
use crate::analytics::posting;
use crate::cart::Cart;
use crate::db::AnyConnection;
use crate::db::schema::{checkout, entitlement, order_item, orders, outbox};
use crate::secrets::BrowserSecret;
use crate::types::Email;
use crate::{Error, Shop, fulfilment, limits, outbox as mail};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use std::net::IpAddr;

/// The same free titles for the same address within this time are one order.
const FREE_ONCE_PER: TimeDelta = TimeDelta::hours(24);
/// A link that left within this time is still on its way to its reader.
const LINK_ON_ITS_WAY: TimeDelta = TimeDelta::minutes(10);
/// The same form of the same browser within this time is the same click.
const DOUBLE_CLICK: TimeDelta = TimeDelta::minutes(1);

impl Shop {
    /// Gets titles that cost nothing. The files open only through the link that is mailed to `email`, so that nobody
    /// can put an order under another's address and read it. Who asks for the same titles again within a day gets the same
    /// link again, unless it has only just left.
    ///
    /// # Errors
    /// [`Error::NotFree`] if there is something to pay, [`Error::CartEmpty`], [`Error::CartChanged`],
    /// [`Error::RateLimited`] (3 an hour per address, 10 per network), the database's.
    pub async fn checkout_free(
        &self,
        cart: &Cart,
        snapshot: &str,
        email: &Email,
        browser: &BrowserSecret,
        client_ip: IpAddr,
    ) -> Result<(), Error> {
        let now = self.0.clock.now();
        // The second of two clicks finds the cart that the first one has emptied.
        if cart.count() == 0 && self.has_just_ordered(snapshot, browser, now).await? {
            return Ok(());
        }
        let (offers, subtotal, tax) = self.offers(cart, snapshot).await?;
        if !subtotal.is_zero() {
            return Err(Error::NotFree);
        }
        let limits = &self.0.limits;
        if !limits.free_by_network.take(limits::network(client_ip), now)
            || !limits.free_by_email.take(email.normalized(), now)
        {
            return Err(Error::RateLimited);
        }
        let new = NewCheckout::new(cart.currency(), subtotal, &offers, tax.as_deref(), browser, now)?;
        let (shop, email) = (self.clone(), email.clone());
        self.0
            .db
            .write(move |conn| {
                one_at_a_time(conn, &email.normalized())?;
                if let Some(order) = free_order(conn, &email.normalized(), &new.snapshot_hash, now)? {
                    return send_link_again(conn, order, now);
                }
                let checkout_id: i64 = diesel::insert_into(checkout::table)
                    .values((&new, checkout::state.eq("completed")))
                    .returning(checkout::id)
                    .get_result(conn)?;
                posting::begun(conn, new.currency, new.created_at)?;
                fulfilment::place_free_order(conn, &shop, Some(checkout_id), &email, &offers).map(drop)
            })
            .await?;
        self.0.mail_waiting.notify_one();
        Ok(())
    }

    /// Whether this browser has just completed the checkout of that snapshot.
    async fn has_just_ordered(
        &self,
        snapshot: &str,
        browser: &BrowserSecret,
        now: NaiveDateTime,
    ) -> Result<bool, Error> {
        let (snapshot, browser) = (snapshot.to_owned(), browser.hash());
        self.0
            .db
            .read(move |conn| {
                let done = checkout::table
                    .filter(checkout::browser_hash.eq(browser))
                    .filter(checkout::snapshot_hash.eq(snapshot))
                    .filter(checkout::state.eq("completed"))
                    .filter(checkout::created_at.gt(now - DOUBLE_CLICK));
                Ok(diesel::select(diesel::dsl::exists(done)).get_result(conn)?)
            })
            .await
    }
}

/// The address's newest order of the same titles for nothing, as long as nothing of it was taken back: who has it needs no
/// other one.
fn free_order(
    conn: &mut AnyConnection,
    email_norm: &str,
    snapshot_hash: &str,
    now: NaiveDateTime,
) -> Result<Option<i64>, Error> {
    let placed: Vec<i64> = orders::table
        .inner_join(checkout::table)
        .filter(orders::email_norm.eq(email_norm))
        .filter(orders::amount_total.eq(0))
        .filter(orders::created_at.gt(now - FREE_ONCE_PER))
        .filter(checkout::snapshot_hash.eq(snapshot_hash))
        .order(orders::id.desc())
        .select(orders::id)
        .load(conn)?;
    let taken_back: Vec<i64> = entitlement::table
        .inner_join(order_item::table)
        .filter(order_item::order_id.eq_any(&placed))
        .filter(entitlement::state.ne("active"))
        .select(order_item::order_id)
        .load(conn)?;
    Ok(placed.into_iter().find(|order| !taken_back.contains(order)))
}

/// Makes an order's link due once more if nobody has it, as far as we know, or if it left a while ago: its reader would not
/// ask if it were there. What is still to be sent goes by itself.
fn send_link_again(conn: &mut AnyConnection, order_id: i64, now: NaiveDateTime) -> Result<(), Error> {
    let sent: Option<(i64, NaiveDateTime, Option<NaiveDateTime>)> = outbox::table
        .filter(outbox::order_id.eq(order_id))
        .filter(outbox::kind.eq(mail::Kind::FreeOrderLink.name()))
        .select((outbox::id, outbox::created_at, outbox::sent_at))
        .first(conn)
        .optional()?;
    let Some((id, created_at, sent_at)) = sent else { return Ok(()) };
    let states: &[&str] = if sent_at.unwrap_or(created_at) < now - LINK_ON_ITS_WAY {
        &["dead", "bounced", "sent", "delivered"]
    } else {
        &["dead", "bounced"]
    };
    mail::queue_again(conn, id, states, now).map(drop)
}

/// Makes this transaction wait for any other one with the same `name` until that has ended. SQLite has one writer
/// anyway.
fn one_at_a_time(conn: &mut AnyConnection, name: &str) -> Result<(), Error> {
    if let AnyConnection::Postgres(c) = conn {
        diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))")
            .bind::<diesel::sql_types::Text, _>(name)
            .execute(c)?;
    }
    Ok(())
}
