//! A buyer who mistyped her address: the order moves to the right one.

use crate::audit::{self, Actor};
use crate::db::schema::{entitlement, order_access, order_item, orders, outbox};
use crate::desk::object;
use crate::outbox::{self as mail, FOLLOWING, Kind};
use crate::types::{Email, OrderNumber};
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::json;

impl Shop {
    /// Moves an order with its titles to another address, and tells both. Whoever reads the old one is shut out: a link that
    /// was mailed opens nothing any more, nor does a browser that it has opened, and mails about the order that wait or were
    /// given up go to the new address. The browser that paid keeps the order for its time. Whether the new address is the
    /// buyer's is for the person to judge who calls this.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown order, [`Error::BadRequest`] if it is under that address already, the
    /// database's.
    pub async fn correct_address(&self, number: &OrderNumber, new: &Email, actor: &Actor) -> Result<(), Error> {
        let (shop, number, new, actor) = (self.clone(), number.clone(), new.clone(), *actor);
        let now = self.0.clock.now();
        self.0
            .db
            .write(move |conn| {
                let order = orders::table.filter(orders::number.eq(number.as_str()));
                // Locks the order's row until the end of the transaction.
                diesel::update(order).set(orders::number.eq(orders::number)).execute(conn)?;
                let (id, old, generation, paid_at): (i64, String, i32, Option<NaiveDateTime>) = order
                    .select((orders::id, orders::email, orders::link_generation, orders::paid_at))
                    .first(conn)
                    .optional()?
                    .ok_or(Error::NotFound)?;
                if old == new.as_str() {
                    return Err(Error::BadRequest("the order is under this address already"));
                }
                diesel::update(orders::table.find(id))
                    .set((
                        orders::email.eq(new.as_str()),
                        orders::email_norm.eq(new.normalized()),
                        orders::link_generation.eq(generation + 1),
                        // The time of a link begins with the payment; before it there is none.
                        orders::linked_at.eq(paid_at.map(|_| now)),
                    ))
                    .execute(conn)?;
                diesel::delete(order_access::table.filter(order_access::order_id.eq(id))).execute(conn)?;
                let items = order_item::table.filter(order_item::order_id.eq(id)).select(order_item::id);
                diesel::update(entitlement::table.filter(entitlement::order_item_id.eq_any(items)))
                    .set(entitlement::email_norm.eq(new.normalized()))
                    .execute(conn)?;
                // What came back keeps the address that it came back from until it is sent again.
                let unsent = outbox::table
                    .filter(outbox::order_id.eq(id))
                    .filter(outbox::kind.eq_any(FOLLOWING))
                    .filter(outbox::state.eq_any(["queued", "dead"]));
                diesel::update(unsent).set(outbox::recipient.eq(new.as_str())).execute(conn)?;
                let moved_before: i64 = outbox::table
                    .filter(outbox::order_id.eq(id))
                    .filter(outbox::kind.eq(Kind::AddressLeft(0).name()))
                    .count()
                    .get_result(conn)?;
                let this = moved_before + 1;
                mail::queue(conn, &shop, Kind::AddressLeft(this), &old, id, now)?;
                mail::queue(conn, &shop, Kind::AddressCame(this), new.as_str(), id, now)?;
                // Masked: an address stands where a buyer's are looked for when she is forgotten, and nowhere else.
                let masked =
                    |email: &str| email.parse::<Email>().map_or_else(|_| json!(null), |email| json!(email.masked()));
                let (object, before, after) = (object(&number), masked(&old), json!(new.masked()));
                audit::record(conn, &actor, "order.address_corrected", object, Some(before), Some(after))?;
                tracing::info!(order_id = id, "an order moved to another address");
                Ok(())
            })
            .await?;
        self.0.mail_waiting.notify_one();
        Ok(())
    }
}
