//! Money that went back before this store wrote credit notes: they are written when it starts, under the day on which they
//! are, because a number of the past cannot be given any more. And what is lacking where a program of before wrote a credit
//! note over less than went back, and something happened later.

use super::settling::settle;
use crate::db::AnyConnection;
use crate::db::schema::{dispute, invoice, orders, refund};
use crate::rights::LIVING;
use crate::types::OrderStatus;
use crate::{Error, Shop};
use diesel::dsl::{exists, not};
use diesel::prelude::*;

impl Shop {
    /// Writes the documents that refunds and lost disputes of before still lack, each in a transaction of its own; returns of
    /// how many orders. What cannot be written is logged and left for the next time.
    ///
    /// # Errors
    /// The database's, if it cannot say what is lacking.
    pub async fn catch_up_on_documents(&self) -> Result<usize, Error> {
        let mut done = 0;
        for order_id in self.0.db.read(waiting).await? {
            let shop = self.clone();
            let work = move |conn: &mut AnyConnection| {
                diesel::update(orders::table.find(order_id)).set(orders::status.eq(orders::status)).execute(conn)?;
                let of_order = || invoice::table.filter(invoice::order_id.eq(order_id)).count();
                let before: i64 = of_order().get_result(conn)?;
                settle(conn, &shop, order_id, shop.0.clock.now())?;
                Ok(of_order().get_result::<i64>(conn)? > before)
            };
            match self.0.db.write(work).await {
                Ok(true) => done += 1,
                Ok(false) => {}
                Err(error) => tracing::error!(order_id, %error, "the credit notes of an order cannot be written"),
            }
        }
        Ok(done)
    }
}

/// Orders with money back and without a document for it, and the few with a lost dispute beside a refund.
/// Of some there will never be a document (all of it was taken back before), and they are looked at again.
fn waiting(conn: &mut AnyConnection) -> Result<Vec<i64>, Error> {
    let sold = orders::status.eq(OrderStatus::Succeeded.as_str()).and(orders::amount_total.gt(0));
    let of_refund = invoice::table.filter(invoice::refund_id.eq(refund::id.nullable()));
    let mut waiting: Vec<i64> = refund::table
        .inner_join(orders::table)
        .filter(sold)
        .filter(refund::status.eq_any(LIVING))
        .filter(not(exists(of_refund)))
        .select(refund::order_id)
        .load(conn)?;
    let of_dispute = invoice::table.filter(invoice::dispute_id.eq(dispute::id.nullable()));
    let lost: Vec<i64> = dispute::table
        .inner_join(orders::table)
        .filter(sold)
        .filter(dispute::status.eq("lost"))
        .filter(dispute::currency.eq(orders::currency))
        .filter(not(exists(of_dispute)).or(exists(refund::table.filter(refund::order_id.eq(dispute::order_id)))))
        .select(dispute::order_id)
        .load(conn)?;
    waiting.extend(lost);
    waiting.sort_unstable();
    waiting.dedup();
    Ok(waiting)
}
