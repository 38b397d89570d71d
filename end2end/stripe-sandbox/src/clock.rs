//! The time of day, in the two grains that Stripe and the webhook schedule need.

use chrono::Utc;

/// Seconds since 1970, UTC: every timestamp in Stripe's objects.
pub(crate) fn now() -> i64 {
    Utc::now().timestamp()
}

/// Milliseconds since 1970, UTC: when a delivery is due.
pub(crate) fn now_millis() -> i64 {
    Utc::now().timestamp_millis()
}
