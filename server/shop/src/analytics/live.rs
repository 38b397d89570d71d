//! That figures have changed, for those who are looking at them.
//!
//! While anybody looks, each process asks the database twice a second for the newest of what is counted: six looks into an
//! index, and it does not matter which process has taken the payment.

use crate::db::AnyConnection;
use crate::db::schema::{checkout, dispute, download_claim, orders, refund};
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::dsl::max;
use diesel::prelude::*;
use tokio::sync::watch;

/// Who may look at once in one process; a page of the desk that finds no place is as good as one without scripts.
const LISTENERS: usize = 64;

/// When the newest checkout, order, download, change of a dispute and change of a refund were, and the newest refund.
type Newest = ([Option<NaiveDateTime>; 5], Option<i64>);

/// What is sent to the listeners.
#[derive(Debug)]
pub(crate) struct Live(watch::Sender<Newest>);

impl Default for Live {
    fn default() -> Self {
        Self(watch::Sender::new(([None; 5], None)))
    }
}

/// Is told when figures change.
#[derive(Debug)]
pub struct Listener(watch::Receiver<Newest>);

impl Listener {
    /// Waits for the next change; false if there will be none.
    pub async fn changed(&mut self) -> bool {
        self.0.changed().await.is_ok()
    }
}

impl Shop {
    /// A place among the listeners; none if all are taken.
    ///
    /// # Errors
    /// The database's.
    pub async fn listen(&self) -> Result<Option<Listener>, Error> {
        let live = &self.0.live.0;
        if live.receiver_count() >= LISTENERS {
            return Ok(None);
        }
        // What was there before is no change.
        let newest = self.0.db.read_briefly(newest).await?;
        let mut listener = live.subscribe();
        live.send_replace(newest);
        listener.mark_unchanged();
        Ok(Some(Listener(listener)))
    }

    /// Tells the listeners if anything has changed; asks nobody if there are none.
    ///
    /// # Errors
    /// The database's.
    pub async fn look_for_changes(&self) -> Result<(), Error> {
        let live = &self.0.live.0;
        if live.receiver_count() == 0 {
            return Ok(());
        }
        let newest = self.0.db.read_briefly(newest).await?;
        live.send_if_modified(|known| std::mem::replace(known, newest) != newest);
        Ok(())
    }
}

fn newest(conn: &mut AnyConnection) -> Result<Newest, Error> {
    let times = [
        checkout::table.select(max(checkout::created_at)).first(conn)?,
        orders::table.select(max(orders::paid_at)).first(conn)?,
        download_claim::table.select(max(download_claim::created_at)).first(conn)?,
        // Few, and they change: one that is lost is money that has gone.
        dispute::table.select(max(dispute::updated_at)).first(conn)?,
        // A refund that was asked for here counts once Stripe has answered, and no more once it has failed.
        refund::table.select(max(refund::updated_at)).first(conn)?,
    ];
    // Two processes' clocks may differ: a new one is told of whatever its time.
    let refunds = refund::table.select(max(refund::id)).first(conn)?;
    Ok((times, refunds))
}
