//! The time, in UTC and cut to microseconds, which is what both databases keep.

use chrono::{DateTime, NaiveDateTime, SubsecRound, Utc};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

/// Where "now" comes from. Tests set it; the store reads the system's.
#[derive(Clone, Debug, Default)]
pub enum Clock {
    /// The machine's clock.
    #[default]
    System,
    /// A clock that stands still until it is set: microseconds since 1970.
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// A clock that stands at `now`.
    #[must_use]
    pub fn manual(now: NaiveDateTime) -> Self {
        Self::Manual(Arc::new(AtomicI64::new(now.and_utc().timestamp_micros())))
    }

    /// UTC, cut to microseconds.
    #[must_use]
    pub fn now(&self) -> NaiveDateTime {
        match self {
            Self::System => Utc::now().trunc_subsecs(6).naive_utc(),
            Self::Manual(micros) => {
                DateTime::from_timestamp_micros(micros.load(Ordering::SeqCst)).unwrap_or_default().naive_utc()
            }
        }
    }

    /// Moves a manual clock by `delta`; the system's clock takes no orders.
    pub fn advance(&self, delta: chrono::TimeDelta) {
        if let Self::Manual(micros) = self {
            micros.fetch_add(delta.num_microseconds().unwrap_or_default(), Ordering::SeqCst);
        }
    }
}

/// A moment for reading: "22 November 2026, 14:05 UTC".
pub(crate) fn moment(at: NaiveDateTime) -> String {
    at.format("%-d %B %Y, %H:%M UTC").to_string()
}

/// A day for reading: "22 November 2026".
pub(crate) fn day(at: NaiveDateTime) -> String {
    at.format("%-d %B %Y").to_string()
}
