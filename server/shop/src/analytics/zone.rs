//! Days as people where the store is have them.

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, SecondsFormat, TimeDelta, TimeZone as _, Timelike};
use chrono_tz::Tz;
use serde::Deserialize;
use std::fmt;
use std::str::FromStr;

/// A time zone of the IANA's list, `Europe/Berlin` or `UTC`. Its days have 23 to 25 hours, and may begin at a quarter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Zone(Tz);

/// The text names no time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be a time zone of the IANA's list, like Europe/Berlin or UTC")]
pub struct UnknownZone;

impl Default for Zone {
    fn default() -> Self {
        Self(Tz::UTC)
    }
}

impl FromStr for Zone {
    type Err = UnknownZone;

    fn from_str(name: &str) -> Result<Self, UnknownZone> {
        name.parse().map(Self).map_err(|_| UnknownZone)
    }
}

impl TryFrom<String> for Zone {
    type Error = UnknownZone;

    fn try_from(name: String) -> Result<Self, UnknownZone> {
        name.parse()
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.name())
    }
}

/// No zone's clocks jump by more than a day (Samoa left one out in 2011).
const LONGEST_JUMP: i64 = 26 * 4;

impl Zone {
    /// The first moment of a day, UTC. Where the clocks jump over midnight that is the moment of the jump; where midnight
    /// comes twice, the first.
    #[must_use]
    pub fn start_of(self, day: NaiveDate) -> NaiveDateTime {
        let midnight = day.and_time(NaiveTime::MIN);
        (0..=LONGEST_JUMP)
            .filter_map(|quarters| midnight.checked_add_signed(TimeDelta::minutes(15 * quarters)))
            .find_map(|local| self.0.from_local_datetime(&local).earliest())
            .map_or(midnight, |at| at.naive_utc())
    }

    /// The day that a moment (UTC) belongs to: the one whose first moment was the last to come.
    #[must_use]
    pub fn day_of(self, at: NaiveDateTime) -> NaiveDate {
        let day = self.0.from_utc_datetime(&at).date_naive();
        match day.succ_opt() {
            Some(next) if at >= self.start_of(next) => next,
            _ => day,
        }
    }

    /// What the clocks show at a moment (UTC).
    #[must_use]
    pub fn local(self, at: NaiveDateTime) -> NaiveDateTime {
        self.0.from_utc_datetime(&at).naive_local()
    }

    /// A moment (UTC) for programs, as the clocks show it and how far they are from UTC: "2026-10-25T02:00:00+01:00" (RFC 3339).
    #[must_use]
    pub fn stamp(self, at: NaiveDateTime) -> String {
        self.0.from_utc_datetime(&at).to_rfc3339_opts(SecondsFormat::Secs, false)
    }

    /// How far the clocks are from UTC at a moment (UTC): "+01:00".
    #[must_use]
    pub fn offset(self, at: NaiveDateTime) -> String {
        self.0.from_utc_datetime(&at).format("%:z").to_string()
    }
}

/// The first day of a day's month.
#[must_use]
pub fn month_of(day: NaiveDate) -> NaiveDate {
    day.with_day(1).unwrap_or(day)
}

/// The first day of the month after a day's.
#[must_use]
pub fn next_month(day: NaiveDate) -> NaiveDate {
    month_of(month_of(day).checked_add_days(Days::new(31)).unwrap_or(NaiveDate::MAX))
}

/// The beginning of the quarter of an hour that a moment belongs to. Every zone's days begin with one.
#[must_use]
pub(super) fn quarter_of(at: NaiveDateTime) -> NaiveDateTime {
    let minute = at.minute() - at.minute() % 15;
    at.with_minute(minute).and_then(|at| at.with_second(0)).and_then(|at| at.with_nanosecond(0)).unwrap_or(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn at(text: &str) -> NaiveDateTime {
        NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
    }

    #[test]
    fn a_day_begins_when_it_does_where_the_store_is() {
        for (zone, date, start) in [
            ("UTC", "2026-11-26", "2026-11-26 00:00"),
            ("Europe/Berlin", "2026-03-29", "2026-03-28 23:00"),
            ("Europe/Berlin", "2026-03-30", "2026-03-29 22:00"),
            ("Europe/Berlin", "2026-10-26", "2026-10-25 23:00"),
            ("Asia/Kolkata", "2026-11-26", "2026-11-25 18:30"),
            ("Asia/Kathmandu", "2026-11-26", "2026-11-25 18:15"),
            ("Australia/Lord_Howe", "2026-01-01", "2025-12-31 13:00"),
            ("Australia/Lord_Howe", "2026-07-01", "2026-06-30 13:30"),
            // Midnight is left out on the day on which the clocks go forward.
            ("Africa/Cairo", "2026-04-24", "2026-04-23 22:00"),
            // The whole day is left out: it begins and ends with the next.
            ("Pacific/Apia", "2011-12-30", "2011-12-30 10:00"),
            ("Pacific/Apia", "2011-12-31", "2011-12-30 10:00"),
        ] {
            assert_eq!(zone.parse::<Zone>().unwrap().start_of(day(date)), at(start), "{zone} {date}");
        }
    }

    #[test]
    fn each_moment_belongs_to_the_day_between_whose_ends_it_lies() {
        for name in [
            "UTC",
            "Europe/Berlin",
            "America/New_York",
            "Asia/Kathmandu",
            "Australia/Lord_Howe",
            "Africa/Cairo",
            "America/Havana",
            "America/Nuuk",
        ] {
            let zone: Zone = name.parse().unwrap();
            let mut moment = at("2026-01-01 00:00");
            while moment < at("2027-01-01 00:00") {
                let found = zone.day_of(moment);
                let next = found.succ_opt().unwrap();
                assert!(zone.start_of(found) <= moment && moment < zone.start_of(next), "{name} {moment} {found}");
                assert_eq!(quarter_of(zone.start_of(found)), zone.start_of(found), "{name} {found}");
                moment += TimeDelta::minutes(15);
            }
        }
    }

    #[test]
    fn a_moment_is_told_with_its_distance_from_utc() {
        for (zone, moment, stamp, offset) in [
            ("UTC", "2026-10-25 01:00", "2026-10-25T01:00:00+00:00", "+00:00"),
            ("Europe/Berlin", "2026-10-25 00:00", "2026-10-25T02:00:00+02:00", "+02:00"),
            ("Europe/Berlin", "2026-10-25 01:00", "2026-10-25T02:00:00+01:00", "+01:00"),
            ("America/New_York", "2026-11-01 06:00", "2026-11-01T01:00:00-05:00", "-05:00"),
            ("Asia/Kathmandu", "2026-11-26 00:00", "2026-11-26T05:45:00+05:45", "+05:45"),
        ] {
            let zone: Zone = zone.parse().unwrap();
            assert_eq!((zone.stamp(at(moment)).as_str(), zone.offset(at(moment)).as_str()), (stamp, offset));
        }
    }

    #[test]
    fn months_follow_each_other() {
        assert_eq!(month_of(day("2026-02-28")), day("2026-02-01"));
        assert_eq!(next_month(day("2026-01-31")), day("2026-02-01"));
        assert_eq!(next_month(day("2026-12-01")), day("2027-01-01"));
        assert_eq!(quarter_of(at("2026-01-01 10:44")), at("2026-01-01 10:30"));
        assert_eq!("Mars/Olympus".parse::<Zone>(), Err(UnknownZone));
    }
}
