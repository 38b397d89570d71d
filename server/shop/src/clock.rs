//! The time, in UTC and cut to microseconds, which is what both databases keep.

use chrono::{DateTime, NaiveDateTime, SecondsFormat, SubsecRound, TimeDelta, Utc};
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
    pub fn advance(&self, delta: TimeDelta) {
        if let Self::Manual(micros) = self {
            micros.fetch_add(delta.num_microseconds().unwrap_or_default(), Ordering::SeqCst);
        }
    }
}

/// How long to wait after so many failed attempts: `first`, twice that, four times … at most `longest`, plus up to a quarter
/// so that a crowd of failures does not come back as one.
pub(crate) fn backoff(attempts: i32, first: TimeDelta, longest: TimeDelta) -> TimeDelta {
    let doubled = i32::checked_shl(1, attempts.saturating_sub(1).clamp(0, 20).unsigned_abs()).unwrap_or(i32::MAX);
    let pause = first.checked_mul(doubled).unwrap_or(longest).min(longest).num_milliseconds();
    TimeDelta::milliseconds(pause + rand::random_range(0..=pause / 4))
}

/// A moment for programs (RFC 3339): "2026-11-22T14:05:00.000000Z".
#[must_use]
pub fn rfc3339(at: NaiveDateTime) -> String {
    at.and_utc().to_rfc3339_opts(SecondsFormat::Micros, true)
}
