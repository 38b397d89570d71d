//! What the desk does with one order, besides refunds and its address. Each change is one transaction on the locked order,
//! with its entry in the audit.

use super::object;
use crate::audit::{self, Actor};
use crate::db::AnyConnection;
use crate::db::schema::{
    download_token, entitlement, order_access, order_item, order_note, orders, outbox, withdrawal,
};
use crate::fulfilment::insert_token;
use crate::hooks::{DownloadBy, EventType, Listeners};
use crate::outbox::{self as mail, Resent};
use crate::privacy::is_erased;
use crate::types::{OrderNumber, OrderStatus};
use crate::{Error, Shop, rights};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::json;

/// A note is a few sentences.
const LONGEST_NOTE: usize = 2_000;
/// The states in which the mail with the link can be sent once more: all but on its way.
const ANY: [&str; 5] = ["queued", "sent", "delivered", "bounced", "dead"];

/// Why nothing was done. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// There is nothing to send: the order is not paid.
    #[error("the order is not paid")]
    NotPaid,
    /// Its buyer was erased.
    #[error("the buyer of this order was erased")]
    Erased,
    /// A worker has the mail right now.
    #[error("the mail is on its way right now")]
    BeingSent,
    /// The title cannot be had, for a reason that is not the desk's.
    #[error("the title cannot be had at the moment")]
    NotOpen,
    /// It is so already.
    #[error("it is so already")]
    NothingToDo,
    /// Empty, or too long.
    #[error("a note has between 1 and {LONGEST_NOTE} letters")]
    BadNote,
    /// No title was chosen.
    #[error("no title was chosen")]
    NoTitles,
    /// A title has no files yet.
    #[error("a title has no files yet")]
    NoFiles,
    /// What was typed is not the address.
    #[error("this is not the address")]
    NotConfirmed,
}

/// What came of [`Shop::renew_order_link`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewLink {
    /// Titles whose link was used up or expired, and that have a new one.
    pub renewed: usize,
}

/// An order whose row is locked until the end of the transaction.
#[derive(Queryable)]
struct Locked {
    id: i64,
    email: String,
    status: String,
    generation: i32,
}

fn lock(conn: &mut AnyConnection, number: &OrderNumber) -> Result<Locked, Error> {
    diesel::update(orders::table.filter(orders::number.eq(number.as_str())))
        .set(orders::status.eq(orders::status))
        .returning((orders::id, orders::email, orders::status, orders::link_generation))
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)
}

impl Locked {
    /// Whether there is anything to send, and anybody to send it to.
    fn refusal(&self) -> Option<Refusal> {
        if self.status != OrderStatus::Succeeded.as_str() {
            Some(Refusal::NotPaid)
        } else if is_erased(&self.email) {
            Some(Refusal::Erased)
        } else {
            None
        }
    }
}

impl Shop {
    /// Sends the mail with the order's link once more, wherever the first one is. The link is the same.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown order, the database's.
    pub async fn resend_receipt(&self, number: &OrderNumber, actor: &Actor) -> Result<Result<(), Refusal>, Error> {
        let (number, actor, now) = (number.clone(), *actor, self.0.clock.now());
        let sent = self
            .0
            .db
            .write(move |conn| {
                let order = lock(conn, &number)?;
                match order.refusal() {
                    Some(why) => Ok(Err(why)),
                    None => send_link(conn, &order, &actor, now),
                }
            })
            .await?;
        self.0.mail_waiting.notify_one();
        Ok(sent)
    }

    /// Gives the order a new link and mails it: the old one opens nothing any more, nor does a browser that it has opened.
    /// Each title whose download link is used up or expired has a new one too.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown order, the database's.
    pub async fn renew_order_link(
        &self,
        number: &OrderNumber,
        actor: &Actor,
    ) -> Result<Result<NewLink, Refusal>, Error> {
        let (shop, number, actor, now) = (self.clone(), number.clone(), *actor, self.0.clock.now());
        let made = self
            .0
            .db
            .write(move |conn| {
                let order = lock(conn, &number)?;
                if let Some(why) = order.refusal() {
                    return Ok(Err(why));
                }
                if let Err(why) = send_link(conn, &order, &actor, now)? {
                    return Ok(Err(why));
                }
                diesel::update(orders::table.find(order.id))
                    .set((orders::link_generation.eq(order.generation + 1), orders::linked_at.eq(now)))
                    .execute(conn)?;
                diesel::delete(order_access::table.filter(order_access::order_id.eq(order.id))).execute(conn)?;
                let mut renewed = 0;
                for token in tokens(conn, order.id, None)? {
                    if token.state == "active" && (token.expires_at <= now || token.used >= token.uses) {
                        renew(conn, &shop, &token, now)?;
                        renewed += 1;
                    }
                }
                audit::record(
                    conn,
                    &actor.unmarked(),
                    "order.link_renewed",
                    object(&number),
                    None,
                    Some(json!({ "titles": renewed })),
                )?;
                Ok(Ok(NewLink { renewed }))
            })
            .await?;
        self.0.mail_waiting.notify_one();
        Ok(made)
    }

    /// Gives a title a new download link with all its days and uses, whatever is left of the old one, which opens nothing
    /// any more. The store's limit of renewals is for buyers.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown order or title, the database's.
    pub async fn renew_title(
        &self,
        number: &OrderNumber,
        item: i64,
        actor: &Actor,
    ) -> Result<Result<(), Refusal>, Error> {
        let (shop, number, actor, now) = (self.clone(), number.clone(), *actor, self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                let order = lock(conn, &number)?;
                if let Some(why) = order.refusal() {
                    return Ok(Err(why));
                }
                let token = tokens(conn, order.id, Some(item))?.pop().ok_or(Error::NotFound)?;
                if token.state != "active" {
                    return Ok(Err(Refusal::NotOpen));
                }
                renew(conn, &shop, &token, now)?;
                let (before, after) = (token.generation, token.generation + 1);
                let title = |generation: i32| Some(json!({ "title": token.title, "link": generation }));
                audit::record(conn, &actor, "title.renewed", object(&number), title(before), title(after))?;
                Ok(Ok(()))
            })
            .await
    }

    /// Takes a title back, or gives back what was taken so. The money stays where it is; what refunds and disputes take is
    /// theirs to give back.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown order or title, the database's.
    pub async fn withdraw_title(
        &self,
        number: &OrderNumber,
        item: i64,
        withdraw: bool,
        actor: &Actor,
    ) -> Result<Result<(), Refusal>, Error> {
        let (number, actor, now) = (number.clone(), *actor, self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                let order = lock(conn, &number)?;
                if let Some(why) = order.refusal() {
                    return Ok(Err(why));
                }
                let title: String = order_item::table
                    .find(item)
                    .filter(order_item::order_id.eq(order.id))
                    .select(order_item::title_snapshot)
                    .first(conn)
                    .optional()?
                    .ok_or(Error::NotFound)?;
                let current = withdrawal::table
                    .filter(withdrawal::order_item_id.eq(item))
                    .filter(withdrawal::lifted_at.is_null());
                let withdrawn: bool = diesel::select(diesel::dsl::exists(current)).get_result(conn)?;
                if withdrawn == withdraw {
                    return Ok(Err(Refusal::NothingToDo));
                }
                if withdraw {
                    diesel::insert_into(withdrawal::table)
                        .values((withdrawal::order_item_id.eq(item), withdrawal::made_at.eq(now)))
                        .execute(conn)?;
                } else {
                    diesel::update(current).set(withdrawal::lifted_at.eq(now)).execute(conn)?;
                }
                rights::settle(conn, order.id, now)?;
                let action = if withdraw { "title.withdrawn" } else { "title.restored" };
                audit::record(conn, &actor, action, object(&number), None, Some(json!({ "title": title })))?;
                Ok(Ok(()))
            })
            .await
    }

    /// Writes a note beside an order.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown order, the database's.
    pub async fn note_order(
        &self,
        number: &OrderNumber,
        text: &str,
        actor: &Actor,
    ) -> Result<Result<(), Refusal>, Error> {
        let text = text.trim().to_owned();
        if text.is_empty() || text.chars().count() > LONGEST_NOTE || text.contains('\0') {
            return Ok(Err(Refusal::BadNote));
        }
        let (number, actor, now) = (number.clone(), *actor, self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                let order = lock(conn, &number)?;
                let user = actor.account();
                diesel::insert_into(order_note::table)
                    .values((
                        order_note::order_id.eq(order.id),
                        order_note::user_id.eq(user),
                        order_note::body.eq(&text),
                        order_note::created_at.eq(now),
                    ))
                    .execute(conn)?;
                audit::record(conn, &actor, "order.noted", object(&number), None, None)?;
                Ok(Ok(()))
            })
            .await
    }
}

/// Makes the mail that brings the order's link due.
fn send_link(
    conn: &mut AnyConnection,
    order: &Locked,
    actor: &Actor,
    now: NaiveDateTime,
) -> Result<Result<(), Refusal>, Error> {
    let id: i64 = outbox::table
        .filter(outbox::order_id.eq(order.id))
        .filter(outbox::kind.eq_any(["receipt", "free_order_link"]))
        .order(outbox::id)
        .select(outbox::id)
        .first(conn)?;
    let state = mail::queue_again(conn, id, &ANY, now)?;
    let Resent::Queued(was) = state else { return Ok(Err(Refusal::BeingSent)) };
    mail::note(conn, id, &was, actor)?;
    Ok(Ok(()))
}

/// A title's current download link.
#[derive(Queryable)]
struct Token {
    id: i64,
    entitlement_id: i64,
    generation: i32,
    expires_at: NaiveDateTime,
    used: i32,
    uses: i32,
    state: String,
    title: String,
}

/// The current links of an order's titles, or of one.
fn tokens(conn: &mut AnyConnection, order: i64, item: Option<i64>) -> Result<Vec<Token>, Error> {
    let mut rows = download_token::table
        .inner_join(entitlement::table.inner_join(order_item::table))
        .filter(order_item::order_id.eq(order))
        .filter(download_token::revoked_at.is_null())
        .order(order_item::position)
        .select((
            download_token::id,
            download_token::entitlement_id,
            download_token::generation,
            download_token::expires_at,
            download_token::used_count,
            download_token::max_uses,
            entitlement::state,
            order_item::title_snapshot,
        ))
        .into_boxed();
    if let Some(item) = item {
        rows = rows.filter(order_item::id.eq(item));
    }
    Ok(rows.load(conn)?)
}

fn renew(conn: &mut AnyConnection, shop: &Shop, token: &Token, now: NaiveDateTime) -> Result<(), Error> {
    // A buyer may renew at the same moment: whoever comes second finds the other's link, and there is one.
    let current = download_token::table.find(token.id).filter(download_token::revoked_at.is_null());
    if diesel::update(current).set(download_token::revoked_at.eq(now)).execute(conn)? > 0 {
        let (key, policy) = (&shop.0.key, &shop.0.settings.policy);
        insert_token(conn, key, policy, token.entitlement_id, token.generation + 1, now)?;
        diesel::update(entitlement::table.find(token.entitlement_id))
            .set(entitlement::desk_renewals.eq(entitlement::desk_renewals + 1))
            .execute(conn)?;
        let kind = EventType::DownloadRenewed;
        Listeners::load(conn)?.download(conn, kind, token.entitlement_id, DownloadBy::Desk, now)?;
    }
    Ok(())
}
