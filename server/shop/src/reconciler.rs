//! What heals the store when webhooks do not arrive: Stripe is asked now and then what we may have missed.
//!
//! Four rounds: open checkouts and unconfirmed refunds every five minutes, Stripe's events of the last hours every hour
//! and of the last three days every day (<https://docs.stripe.com/webhooks/process-undelivered-events>), and every night a
//! comparison of Stripe's sessions and refunds with our rows. Each round is one process's: a row of `watermark` says when
//! it is due next, and whoever moves that on does it. Doing one twice would do no harm.

mod checkouts;
mod compare;
mod differences;
mod missed;

use crate::db::schema::watermark;
use crate::db::{AnyConnection, both};
use crate::{Error, Shop};
use chrono::{NaiveDateTime, NaiveTime, TimeDelta};
use diesel::prelude::*;

pub use checkouts::CheckoutsChecked;
pub use differences::Difference;

/// After a round that failed, it is tried again this soon.
const SOON: TimeDelta = TimeDelta::minutes(5);
/// The hour (UTC) at which rows are compared: when few buy.
const NIGHT: TimeDelta = TimeDelta::hours(3);
/// The comparison of each night goes back so many days.
const NIGHTLY_DAYS: u16 = 7;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Round {
    Checkouts,
    RecentEvents,
    AllEvents,
    Comparison,
}

impl Round {
    const ALL: [Self; 4] = [Self::Checkouts, Self::RecentEvents, Self::AllEvents, Self::Comparison];

    /// Its row in `watermark`, which holds when it is due next.
    const fn name(self) -> &'static str {
        match self {
            Self::Checkouts => "next round of open checkouts",
            Self::RecentEvents => "next round of recent events",
            Self::AllEvents => "next round of three days of events",
            Self::Comparison => "next comparison",
        }
    }

    /// When it is due after one at `now`.
    fn next(self, now: NaiveDateTime) -> NaiveDateTime {
        match self {
            Self::Checkouts => now + TimeDelta::minutes(5),
            Self::RecentEvents => now + TimeDelta::hours(1),
            Self::AllEvents => now + TimeDelta::days(1),
            Self::Comparison => (now - NIGHT).date().and_time(NaiveTime::MIN) + TimeDelta::days(1) + NIGHT,
        }
    }
}

impl Shop {
    /// Does the rounds that are due, unless another process has taken them. What fails is logged, and tried again in
    /// five minutes.
    ///
    /// # Errors
    /// The database's, if it cannot even be said what is due.
    pub async fn reconcile_what_is_due(&self) -> Result<(), Error> {
        for round in Round::ALL {
            let now = self.0.clock.now();
            if !self.0.db.write(move |conn| claim(conn, round, now)).await? {
                continue;
            }
            let done = match round {
                Round::Checkouts => self.check_what_is_open().await,
                Round::RecentEvents => self.fetch_recent_events().await.map(drop),
                Round::AllEvents => self.fetch_events_of_three_days().await.map(drop),
                Round::Comparison => self.compare_with_stripe(NIGHTLY_DAYS).await.map(drop),
            };
            if let Err(error) = done {
                tracing::warn!(%error, round = round.name(), "a round of the reconciler failed and will be tried again");
                self.0.db.write(move |conn| set(conn, round.name(), now + SOON)).await?;
            }
        }
        Ok(())
    }
}

impl Shop {
    /// Checkouts that nobody has heard of again, and refunds that Stripe has not confirmed.
    async fn check_what_is_open(&self) -> Result<(), Error> {
        self.check_open_checkouts().await?;
        self.retry_refunds().await.map(drop)
    }
}

/// Whether the round is due and now ours. A store that has never done one begins with the next.
fn claim(conn: &mut AnyConnection, round: Round, now: NaiveDateTime) -> Result<bool, Error> {
    let next = round.next(now);
    let first = (watermark::name.eq(round.name()), watermark::at.eq(next));
    both!(conn, |c| diesel::insert_into(watermark::table).values(first).on_conflict_do_nothing().execute(c))?;
    let due = watermark::table.find(round.name()).filter(watermark::at.le(now));
    Ok(diesel::update(due).set(watermark::at.eq(next)).execute(conn)? > 0)
}

fn get(conn: &mut AnyConnection, name: &str) -> Result<Option<NaiveDateTime>, Error> {
    Ok(watermark::table.find(name).select(watermark::at).first(conn).optional()?)
}

fn set(conn: &mut AnyConnection, name: &str, at: NaiveDateTime) -> Result<(), Error> {
    let row = (watermark::name.eq(name), watermark::at.eq(at));
    both!(conn, |c| diesel::insert_into(watermark::table).values(row).on_conflict_do_nothing().execute(c))?;
    diesel::update(watermark::table.find(name)).set(watermark::at.eq(at)).execute(conn)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_compared_at_three_in_the_morning() {
        for (now, next) in [
            ("2026-11-22T02:59:59", "2026-11-22T03:00:00"),
            ("2026-11-22T03:00:00", "2026-11-23T03:00:00"),
            ("2026-11-22T23:30:00", "2026-11-23T03:00:00"),
            ("2026-12-31T12:00:00", "2027-01-01T03:00:00"),
        ] {
            assert_eq!(Round::Comparison.next(now.parse().unwrap()), next.parse().unwrap(), "{now}");
        }
    }
}
