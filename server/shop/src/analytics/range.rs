//! Which days a question is about.

use chrono::{Datelike as _, Days, NaiveDate};

/// The first and the last of some days, both included, in the store's zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    /// The first.
    pub from: NaiveDate,
    /// The last; not before the first.
    pub until: NaiveDate,
}

/// No question is about more days: ten years.
const MOST_DAYS: i64 = 3_653;

impl Range {
    /// From one day to another, both included; none if they are the wrong way round or further apart than ten years, or not
    /// of the years 1900 to 9999.
    #[must_use]
    pub fn new(from: NaiveDate, until: NaiveDate) -> Option<Self> {
        let range = Self { from, until };
        // PostgreSQL tells of no year before 4713 BC, and a store of none before ours.
        let years = 1900..=9999;
        let told = years.contains(&from.year()) && years.contains(&until.year());
        (told && (1..=MOST_DAYS).contains(&range.days())).then_some(range)
    }

    /// So many days, of which `today` is the last.
    #[must_use]
    pub fn last(days: u16, today: NaiveDate) -> Self {
        let back = Days::new(u64::from(days.max(1)) - 1);
        Self { from: today.checked_sub_days(back).unwrap_or(today), until: today }
    }

    /// How many days.
    #[must_use]
    pub fn days(&self) -> i64 {
        (self.until - self.from).num_days() + 1
    }

    /// As many days that end the day before this begins: what it is compared with.
    #[must_use]
    pub fn before(&self) -> Self {
        let days = Days::new(self.days().unsigned_abs());
        let back = |day: NaiveDate| day.checked_sub_days(days).unwrap_or(day);
        Self { from: back(self.from), until: back(self.until) }
    }

    /// The whole months in it and the days besides: together they are the range, and far fewer than its days.
    pub(super) fn months_and_days(&self) -> (Vec<NaiveDate>, Vec<NaiveDate>) {
        let (mut months, mut days, mut day) = (Vec::new(), Vec::new(), self.from);
        while day <= self.until {
            let next = super::zone::next_month(day);
            if day.day() == 1 && next.pred_opt().is_some_and(|last| last <= self.until) {
                months.push(day);
                day = next;
            } else {
                days.push(day);
                let Some(next) = day.succ_opt() else { break };
                day = next;
            }
        }
        (months, days)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn range(from: &str, until: &str) -> Option<Range> {
        Range::new(from.parse().unwrap(), until.parse().unwrap())
    }

    #[test]
    fn a_range_is_compared_with_as_many_days_before_it() {
        let month = Range::last(30, "2026-11-26".parse().unwrap());
        assert_eq!(Some(month), range("2026-10-28", "2026-11-26"));
        assert_eq!(Some(month.before()), range("2026-09-28", "2026-10-27"));
        assert_eq!(month.days(), 30);
        assert_eq!(range("2026-11-26", "2026-11-25"), None);
        assert_eq!(range("2006-11-26", "2026-11-25"), None);
    }

    #[test]
    fn months_and_days_are_the_range_and_nothing_twice() {
        for (from, until, wanted) in [
            ("2026-11-26", "2026-11-26", (0, 1)),
            ("2026-11-01", "2026-11-30", (1, 0)),
            ("2025-11-27", "2026-11-26", (11, 4 + 26)),
            ("2026-01-31", "2026-03-01", (1, 2)),
        ] {
            let (months, days) = range(from, until).unwrap().months_and_days();
            assert_eq!((months.len(), days.len()), wanted, "{from} {until}");
        }
    }
}
