//! Filling the tallies from the rows, and proving that they are what the rows say.

use super::facts::{self, Wrong};
use super::{Zone, state};
use crate::db::AnyConnection;
use crate::{Error, Shop};
use chrono::NaiveDate;

impl Shop {
    /// Sees to it that the tallies are complete and in the store's time zone; fills them if not. Before the store opens.
    ///
    /// # Errors
    /// The database's.
    pub async fn keep_tallies(&self) -> Result<(), Error> {
        let zone = self.0.settings.time_zone;
        let (kept, filled) = self.0.db.read(state::read).await?;
        if kept == zone && filled.is_some() {
            return Ok(());
        }
        tracing::info!(%zone, "the sums of the overview are made");
        self.rebuild_tallies(|_| {}).await
    }

    /// Makes all tallies anew from the rows, a month in each transaction; the store may go on selling meanwhile. `report` is
    /// told how many months are left.
    ///
    /// # Errors
    /// The database's. What was not done then is done at the next start.
    pub async fn rebuild_tallies(&self, mut report: impl FnMut(usize) + Send) -> Result<(), Error> {
        let zone = self.0.settings.time_zone;
        let bulk = self.0.db.bulk().await?;
        bulk.write(move |conn| state::begin(conn, zone)).await?;
        let months = self.0.db.read(move |conn| facts::months(conn, zone)).await?;
        for (done, month) in months.iter().copied().enumerate() {
            report(months.len() - done);
            bulk.write(move |conn| facts::fill(conn, zone, month)).await?;
        }
        let now = self.0.clock.now();
        bulk.write(move |conn| state::complete(conn, now)).await
    }

    /// Where the tallies are not the sums that they stand for; nothing if all is well.
    ///
    /// # Errors
    /// The database's.
    pub async fn check_tallies(&self) -> Result<Vec<Wrong>, Error> {
        self.0.db.read(check).await
    }

    /// The day that it is in the zone in which days are counted.
    ///
    /// # Errors
    /// The database's.
    pub async fn today(&self) -> Result<NaiveDate, Error> {
        Ok(self.time_zone().await?.day_of(self.0.clock.now()))
    }

    /// The zone in which days are counted.
    ///
    /// # Errors
    /// The database's.
    pub async fn time_zone(&self) -> Result<Zone, Error> {
        Ok(self.0.db.read_briefly(state::read).await?.0)
    }
}

/// As [`Shop::check_tallies`].
pub(crate) fn check(conn: &mut AnyConnection) -> Result<Vec<Wrong>, Error> {
    let (zone, filled) = state::read(conn)?;
    if filled.is_none() {
        return Ok(vec![Wrong { id: "the tallies are not complete: octavo rollups rebuild".to_owned() }]);
    }
    let mut wrong = Vec::new();
    for month in facts::months(conn, zone)? {
        wrong.extend(facts::check(conn, zone, month)?);
    }
    Ok(wrong)
}

/// From now on the tallies are not complete, until they are made anew: before rows are written in great numbers.
pub(crate) fn suspend(conn: &mut AnyConnection) -> Result<(), Error> {
    let zone = state::zone(conn)?;
    state::begin(conn, zone)
}
