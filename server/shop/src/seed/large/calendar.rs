//! When things were sold: growth over three years, the week's and the day's rhythm, the season before Christmas.

use super::random::{Domain, Random};
use crate::Error;
use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

/// How many days there are orders of: three years.
pub(super) const DAYS: u64 = 1_096;
/// How many days before the end the first book came into the shop: eight years.
const BOOK_DAYS: u64 = 2_922;

/// From January. Holidays are for reading, Christmas is for giving.
const MONTHS: [u64; 12] = [104, 92, 90, 88, 84, 90, 98, 100, 92, 98, 132, 176];
/// From Monday.
const WEEK: [u64; 7] = [102, 96, 95, 98, 92, 104, 121];
/// By hour, UTC: Europe's evening and America's afternoon.
const HOURS: [u64; 24] =
    [34, 30, 27, 22, 18, 16, 18, 24, 34, 44, 50, 54, 56, 54, 54, 57, 60, 66, 74, 82, 86, 78, 60, 44];

/// The days before `until`, with the share of the orders that falls on each.
pub(super) struct Calendar {
    /// The first moment after everything.
    pub(super) until: NaiveDateTime,
    first: NaiveDate,
    orders: u64,
    /// Weights up to and without day `i`.
    cumulative: Vec<u64>,
}

impl Calendar {
    /// # Errors
    /// If `until` is so early or late that there is no calendar around it.
    pub(super) fn new(seed: u64, orders: u64, until: NaiveDate) -> Result<Self, Error> {
        let first = until
            .checked_sub_days(Days::new(DAYS))
            .filter(|day| (1_900..9_000).contains(&day.year()))
            .ok_or(Error::BadRequest("until"))?;
        let mut random = Random::new(seed, Domain::Run, 0);
        let mut cumulative = vec![0];
        let mut sum = 0_u64;
        for (age, day) in (0..DAYS).zip(first.iter_days()) {
            // From 40 % of the last year's end to all of it.
            let growth = 400 + 600 * age / DAYS;
            let month = usize::try_from(day.month0()).unwrap_or_default();
            let weekday = usize::try_from(day.weekday().num_days_from_monday()).unwrap_or_default();
            let sale = match (day.month(), day.day()) {
                (11, 24..=30) => 150,
                (12, 25 | 26) => 140,
                _ => 100,
            };
            sum += growth * MONTHS[month] * WEEK[weekday] * sale / 1_000 * (90 + random.below(21)) / 1_000;
            cumulative.push(sum);
        }
        Ok(Self { until: until.and_time(NaiveTime::MIN), first, orders, cumulative })
    }

    /// The running numbers of the orders of day `day`, from 0.
    pub(super) fn orders_of(&self, day: u64) -> std::ops::Range<u64> {
        self.before(day)..self.before(day + 1)
    }

    /// How many orders there are before day `day`.
    pub(super) fn before(&self, day: u64) -> u64 {
        let all = self.cumulative.last().copied().unwrap_or_default().max(1);
        let until = usize::try_from(day).ok().and_then(|day| self.cumulative.get(day)).copied().unwrap_or(all);
        let share = u128::from(self.orders) * u128::from(until) / u128::from(all);
        u64::try_from(share).unwrap_or_default()
    }

    /// The first moment of a day.
    pub(super) fn start_of(&self, day: u64) -> NaiveDateTime {
        self.first.checked_add_days(Days::new(day)).unwrap_or(self.first).and_time(NaiveTime::MIN)
    }
}

/// A second of a day, by its rhythm.
pub(super) fn second_of_day(random: &mut Random) -> i64 {
    let hour = random.weighted(HOURS);
    i64::try_from(hour).unwrap_or_default() * 3_600 + random.between(0, 3_599)
}

/// When book `index` of `count` came into the shop: evenly over eight years, in the order of their numbers.
pub(super) fn book_created(random: &mut Random, until: NaiveDateTime, index: u64, count: u64) -> NaiveDateTime {
    let span = BOOK_DAYS * 86_400;
    let slot = |index: u64| {
        let seconds = u128::from(span) * u128::from(index) / u128::from(count.max(1));
        u64::try_from(seconds).unwrap_or_default()
    };
    let (from, to) = (slot(index), slot(index + 1));
    let seconds = from + random.below((to - from).max(1));
    until - TimeDelta::seconds(i64::try_from(span - seconds).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_order_has_its_day_and_december_is_the_peak() {
        let until = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap();
        let calendar = Calendar::new(1, 1_000_000, until).unwrap();
        assert_eq!(calendar.orders_of(0).start, 0);
        assert_eq!(calendar.orders_of(DAYS - 1).end, 1_000_000);
        assert_eq!(calendar.start_of(DAYS), calendar.until);
        let mut months = std::collections::BTreeMap::new();
        for day in 0..DAYS {
            assert_eq!(calendar.orders_of(day).end, calendar.orders_of(day + 1).start);
            let at = calendar.start_of(day);
            *months.entry((at.year(), at.month())).or_insert(0) += calendar.orders_of(day).count();
        }
        assert!(months[&(2025, 12)] * 10 > months[&(2025, 9)] * 15, "{months:?}");
        assert!(months[&(2026, 6)] * 10 > months[&(2024, 6)] * 13, "{months:?}");
    }

    #[test]
    fn books_come_in_one_after_the_other() {
        let until = NaiveDate::from_ymd_opt(2026, 11, 22).unwrap().and_time(NaiveTime::MIN);
        for count in [1, 7, 5_000] {
            let moments: Vec<_> = (0..count)
                .map(|index| book_created(&mut Random::new(1, Domain::Book, index), until, index, count))
                .collect();
            assert!(moments.is_sorted() && moments.last().is_some_and(|last| *last < until));
        }
    }
}
