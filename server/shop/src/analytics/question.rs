//! What the overview is asked: which days, in which steps, in which currency. The page, its CSV and its address mean the
//! same by it.

use super::Range;
use crate::types::Currency;
use chrono::{Datelike as _, Days, NaiveDate};

/// How much of the time one point of the line is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// An hour of the clock.
    Hour,
    /// A day.
    Day,
    /// A week, from Monday on.
    Week,
    /// A month.
    Month,
}

impl Step {
    /// All of them, from short to long.
    pub const ALL: [Self; 4] = [Self::Hour, Self::Day, Self::Week, Self::Month];

    /// The word in an address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// The word for people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Hour => "Hour",
            Self::Day => "Day",
            Self::Week => "Week",
            Self::Month => "Month",
        }
    }

    /// Whether a line over so many days can be read in it: not one point, and not a thousand.
    #[must_use]
    pub const fn fits(self, days: i64) -> bool {
        match self {
            Self::Hour => days <= 14,
            Self::Day => days > 1 && days <= 400,
            Self::Week => days > 14,
            Self::Month => days > 62,
        }
    }

    fn best(days: i64) -> Self {
        match days {
            ..=2 => Self::Hour,
            3..=92 => Self::Day,
            93..=731 => Self::Week,
            _ => Self::Month,
        }
    }

    /// The first day of the step that a day belongs to.
    pub(super) fn start(self, day: NaiveDate) -> NaiveDate {
        match self {
            Self::Hour | Self::Day => day,
            Self::Week => day.checked_sub_days(Days::new(day.weekday().num_days_from_monday().into())).unwrap_or(day),
            Self::Month => super::month_of(day),
        }
    }
}

/// The figure that the line shows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Line {
    /// Net revenue.
    #[default]
    Net,
    /// Gross revenue.
    Gross,
    /// Orders.
    Orders,
    /// Average order.
    Average,
    /// Titles.
    Units,
    /// What went back.
    Refunded,
}

impl Line {
    /// All of them, in the order of the page.
    pub const ALL: [Self; 6] = [Self::Net, Self::Gross, Self::Orders, Self::Average, Self::Units, Self::Refunded];

    /// The word in an address.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Net => "net",
            Self::Gross => "gross",
            Self::Orders => "orders",
            Self::Average => "average",
            Self::Units => "units",
            Self::Refunded => "refunded",
        }
    }
}

/// How many days can be asked for by one link.
pub const PRESETS: [u16; 4] = [7, 30, 90, 365];

/// A question. What makes no sense is left out, as if it had not been asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Question {
    /// Which days.
    pub range: Range,
    /// One of [`PRESETS`], if the days were asked for that way: they end today then.
    pub preset: Option<u16>,
    /// In which steps.
    pub step: Step,
    /// Whether the steps were asked for, and not only the best for the days.
    pub own_step: bool,
    /// In which currency.
    pub currency: Currency,
    /// Which line.
    pub line: Line,
}

impl Question {
    /// Of whatever holds the parameters by their names: `days` or `from` and `until`, `by`, `currency`, `show`.
    #[must_use]
    pub fn read(value: impl Fn(&str) -> Option<String>, today: NaiveDate, own: Currency) -> Self {
        let day = |name| value(name).and_then(|text| text.parse::<NaiveDate>().ok());
        let custom = match (day("from"), day("until")) {
            (Some(from), Some(until)) => Range::new(from, until),
            (Some(from), None) => Range::new(from, today),
            _ => None,
        };
        let days = value("days").and_then(|days| days.parse().ok()).filter(|days| PRESETS.contains(days));
        let (range, preset) = match custom {
            Some(range) => (range, None),
            None => {
                let days = days.unwrap_or(30);
                (Range::last(days, today), Some(days))
            }
        };
        let wanted = value("by").and_then(|word| Step::ALL.into_iter().find(|step| step.as_str() == word));
        let wanted = wanted.filter(|step| step.fits(range.days()));
        let line = value("show").and_then(|word| Line::ALL.into_iter().find(|line| line.as_str() == word));
        Self {
            range,
            preset,
            step: wanted.unwrap_or_else(|| Step::best(range.days())),
            own_step: wanted.is_some(),
            currency: value("currency").and_then(|code| code.parse().ok()).unwrap_or(own),
            line: line.unwrap_or_default(),
        }
    }

    /// What stands in an address for it; empty for the page as it is opened.
    #[must_use]
    pub fn query(&self, own: Currency) -> String {
        let mut parts = Vec::new();
        match self.preset {
            Some(30) => {}
            Some(days) => parts.push(format!("days={days}")),
            None => parts.push(format!("from={}&until={}", self.range.from, self.range.until)),
        }
        if self.own_step {
            parts.push(format!("by={}", self.step.as_str()));
        }
        if self.currency != own {
            parts.push(format!("currency={}", self.currency.code()));
        }
        if self.line != Line::default() {
            parts.push(format!("show={}", self.line.as_str()));
        }
        parts.join("&")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_sense_is_not_asked_for() {
        let (today, usd): (NaiveDate, Currency) = ("2026-11-26".parse().unwrap(), "USD".parse().unwrap());
        for (asked, means) in [
            ("", ""),
            ("days=365&by=month&show=orders&currency=EUR", "days=365&by=month&currency=EUR&show=orders"),
            ("days=31&by=fortnight&show=all&currency=XXX", ""),
            ("from=2026-11-20&until=2026-11-26&by=hour", "from=2026-11-20&until=2026-11-26&by=hour"),
            ("from=2026-11-26&until=2026-11-20&days=7", "days=7"),
            ("days=365&by=hour", "days=365"),
        ] {
            let parts: Vec<(&str, &str)> = asked.split('&').filter_map(|part| part.split_once('=')).collect();
            let value = |name: &str| parts.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(Question::read(value, today, usd).query(usd), means, "{asked}");
        }
    }

    #[test]
    fn weeks_begin_on_monday() {
        let monday: NaiveDate = "2026-11-23".parse().unwrap();
        for day in monday.iter_days().take(7) {
            assert_eq!(Step::Week.start(day), monday);
        }
    }
}
