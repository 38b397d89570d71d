//! Downloads, which are counted a little later than they are begun.
//!
//! A download adds to up to a dozen tallies. Added in its own transaction, each was a statement more for SQLite's one
//! writer, and on PostgreSQL all downloads of a currency waited for each other's commits. So a claim only says that it is
//! not counted, and claims are counted together: every few seconds, and before the figures are read. What is
//! read is as exact as if each had been counted at once, and what "counted" means stands in the database: the check of
//! [`super::facts`] leaves out the claims that still wait.

use super::figures::{Dimension, Figures};
use super::posting::Ledger;
use super::state;
use crate::db::Value::{End, Number};
use crate::db::schema::{download_claim, download_token, entitlement, order_item, orders, uncounted_claim};
use crate::db::{AnyConnection, Constant};
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::dsl::{exists, not};
use diesel::prelude::*;
use std::collections::{BTreeMap, HashSet};

/// So many are counted in one transaction.
const AT_ONCE: usize = 1000;

/// A claim was written: it is to be counted.
pub(crate) fn note(conn: &mut AnyConnection, claim_id: i64) -> Result<(), Error> {
    Constant(&[("INSERT INTO uncounted_claim (claim_id) VALUES (", Number(claim_id)), (")", End)]).execute(conn)?;
    Ok(())
}

impl Shop {
    /// Counts the downloads that wait to be counted now.
    ///
    /// # Errors
    /// The database's. What was not counted then is counted by the next call.
    pub async fn count_downloads(&self) -> Result<(), Error> {
        let waiting = uncounted_claim::table.select(uncounted_claim::claim_id);
        if !self.0.db.read_briefly(move |conn| Ok(diesel::select(exists(waiting)).get_result(conn)?)).await? {
            return Ok(());
        }
        // What comes meanwhile is for the next time: a crowd must keep nobody here.
        while self.0.db.write(count).await? == AT_ONCE {}
        Ok(())
    }

    /// As [`Shop::count_downloads`], before figures are read: if it cannot be done, they are those of a moment before.
    pub(super) async fn count_downloads_if_possible(&self) {
        if let Err(error) = self.count_downloads().await {
            tracing::warn!(%error, "the last downloads are not in the figures yet");
        }
    }
}

/// A claim, with what decides where it is counted.
#[derive(Queryable)]
struct Claim {
    at: NaiveDateTime,
    format: Option<String>,
    entitlement_id: i64,
    book_id: i64,
    currency: String,
    paid_at: Option<NaiveDateTime>,
    checkout_id: Option<i64>,
}

/// Counts some, and says how many.
fn count(conn: &mut AnyConnection) -> Result<usize, Error> {
    let zone = state::zone(conn)?;
    let waiting = uncounted_claim::table
        .select(uncounted_claim::claim_id)
        .order(uncounted_claim::claim_id)
        .limit(i64::try_from(AT_ONCE).unwrap_or(i64::MAX));
    // Who comes second waits for the first here and finds what is left. On SQLite there is one writer.
    let ids: Vec<i64> = match conn {
        AnyConnection::Postgres(conn) => waiting.for_update().load(conn)?,
        AnyConnection::Sqlite(conn) => waiting.load(conn)?,
    };
    let claims: Vec<Claim> = download_claim::table
        .inner_join(
            download_token::table
                .inner_join(entitlement::table.inner_join(order_item::table.inner_join(orders::table))),
        )
        .filter(download_claim::id.eq_any(&ids))
        .order(download_claim::id)
        .select((
            download_claim::created_at,
            download_claim::format,
            entitlement::id,
            entitlement::book_id,
            orders::currency,
            orders::paid_at,
            orders::checkout_id,
        ))
        .load(conn)?;
    let titles: Vec<i64> = claims.iter().map(|claim| claim.entitlement_id).collect();
    let still_waits = uncounted_claim::table.filter(uncounted_claim::claim_id.eq(download_claim::id));
    let mut fetched: HashSet<i64> = download_token::table
        .inner_join(download_claim::table)
        .filter(download_token::entitlement_id.eq_any(&titles))
        .filter(not(exists(still_waits)))
        .select(download_token::entitlement_id)
        .distinct()
        .load(conn)?
        .into_iter()
        .collect();
    let mut ledgers: BTreeMap<String, Ledger<'_>> = BTreeMap::new();
    for claim in &claims {
        let ledger =
            ledgers.entry(claim.currency.clone()).or_insert_with(|| Ledger::new(zone, claim.currency.as_str()));
        let (book, one) = (claim.book_id.to_string(), Figures { downloads: 1, ..Figures::default() });
        ledger.post(Dimension::All, "", claim.at, &one);
        ledger.post(Dimension::Book, &book, claim.at, &one);
        ledger.post(Dimension::Format, claim.format.as_deref().unwrap_or_default(), claim.at, &one);
        // Given away by the desk, or counted when the title was fetched before.
        if let (Some(paid_at), Some(_), true) = (claim.paid_at, claim.checkout_id, fetched.insert(claim.entitlement_id))
        {
            let first = Figures { fetched: 1, ..Figures::default() };
            ledger.post(Dimension::All, "", paid_at, &first);
            ledger.post(Dimension::Book, &book, paid_at, &first);
        }
    }
    for ledger in ledgers.values() {
        ledger.write(conn)?;
    }
    diesel::delete(uncounted_claim::table.filter(uncounted_claim::claim_id.eq_any(&ids))).execute(conn)?;
    Ok(ids.len())
}
