//! Money that went back before this store wrote credit notes: they are written when it starts, under the day on which they
//! are, because a number of the past cannot be given any more.

use super::settling::settle;
use crate::db::AnyConnection;
use crate::db::schema::{dispute, invoice, orders, refund};
use crate::rights::LIVING;
use crate::{Error, Shop};
use diesel::dsl::{exists, not};
use diesel::prelude::*;

impl Shop {
    /// Writes the documents that refunds and lost disputes of before still lack; returns of how many orders. Again, it finds
    /// nothing to do.
    ///
    /// # Errors
    /// The database's.
    pub async fn catch_up_on_documents(&self) -> Result<usize, Error> {
        let waiting = self.0.db.read(waiting).await?;
        for order_id in &waiting {
            let (shop, order_id) = (self.clone(), *order_id);
            let work = move |conn: &mut AnyConnection| {
                diesel::update(orders::table.find(order_id)).set(orders::status.eq(orders::status)).execute(conn)?;
                settle(conn, &shop, order_id, shop.0.clock.now())
            };
            self.0.db.write(work).await?;
        }
        Ok(waiting.len())
    }
}

fn waiting(conn: &mut AnyConnection) -> Result<Vec<i64>, Error> {
    let of_refund = invoice::table.filter(invoice::refund_id.eq(refund::id.nullable()));
    let mut waiting: Vec<i64> = refund::table
        .filter(refund::status.eq_any(LIVING))
        .filter(not(exists(of_refund)))
        .select(refund::order_id)
        .load(conn)?;
    let of_dispute = invoice::table.filter(invoice::dispute_id.eq(dispute::id.nullable()));
    let lost: Vec<i64> = dispute::table
        .filter(dispute::status.eq("lost"))
        .filter(not(exists(of_dispute)))
        .select(dispute::order_id)
        .load(conn)?;
    waiting.extend(lost);
    waiting.sort_unstable();
    waiting.dedup();
    Ok(waiting)
}
