//! Days of the Gregorian calendar, and moments of them.

use crate::{Locale, Unformattable};
use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use icu_calendar::{Date, Gregorian};
use icu_datetime::FixedCalendarDateTimeFormatter;
use icu_datetime::fieldsets::{MD, YM, YMD, YMDE, YMDT};
use icu_datetime::input::{DateTime, Time};

/// How much room a date takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DateLength {
    /// In digits: `26.11.26`, `11/26/26`.
    Short,
    /// With a short month, or digits where that is usual: `Nov 26, 2026`, `26.11.2026`.
    Medium,
    /// With the month's name: `November 26, 2026`, `26. November 2026`.
    Long,
}

/// Writes days for one locale.
pub struct Dates(FixedCalendarDateTimeFormatter<Gregorian, YMD>);

impl Dates {
    /// For days of that length.
    ///
    /// # Errors
    /// [`Unformattable`] if the compiled data lacks the language, which it does for none: unknown ones are written as
    /// CLDR's root says.
    pub fn new(locale: &Locale, length: DateLength) -> Result<Self, Unformattable> {
        let fields = match length {
            DateLength::Short => YMD::short(),
            DateLength::Medium => YMD::medium(),
            DateLength::Long => YMD::long(),
        };
        let formatter = FixedCalendarDateTimeFormatter::try_new(locale.icu().into(), fields);
        Ok(Self(formatter.map_err(Unformattable::because)?))
    }

    /// The day as people write it; ISO 8601 for years that the calendar has no room for.
    #[must_use]
    pub fn write(&self, day: NaiveDate) -> String {
        gregorian(day).map_or_else(|| day.to_string(), |date| self.0.format(&date).to_string())
    }
}

/// Writes days with hour and minute for one locale.
pub struct Moments(FixedCalendarDateTimeFormatter<Gregorian, YMDT>);

impl Moments {
    /// With the month's name: `November 26, 2026 at 2:05 PM`, `26. November 2026 um 14:05`.
    ///
    /// # Errors
    /// As [`Dates::new`].
    pub fn new(locale: &Locale) -> Result<Self, Unformattable> {
        let formatter = FixedCalendarDateTimeFormatter::try_new(locale.icu().into(), YMD::long().with_time_hm());
        Ok(Self(formatter.map_err(Unformattable::because)?))
    }

    /// The moment as people write it, without a word on the time zone; ISO 8601 for years that the calendar has no room for.
    #[must_use]
    pub fn write(&self, at: NaiveDateTime) -> String {
        let [hour, minute] = [at.hour(), at.minute()].map(|part| u8::try_from(part).unwrap_or_default());
        match (gregorian(at.date()), Time::try_new(hour, minute, 0, 0)) {
            (Some(date), Ok(time)) => self.0.format(&DateTime { date, time }).to_string(),
            _ => at.to_string(),
        }
    }
}

/// Writes what stands along a line of days, weeks or months.
pub struct Steps {
    day: FixedCalendarDateTimeFormatter<Gregorian, MD>,
    weekday: FixedCalendarDateTimeFormatter<Gregorian, YMDE>,
    month: FixedCalendarDateTimeFormatter<Gregorian, YM>,
    whole_month: FixedCalendarDateTimeFormatter<Gregorian, YM>,
}

impl Steps {
    /// For one locale.
    ///
    /// # Errors
    /// As [`Dates::new`].
    pub fn new(locale: &Locale) -> Result<Self, Unformattable> {
        let formatter = |fields| FixedCalendarDateTimeFormatter::try_new(locale.icu().into(), fields);
        let day = FixedCalendarDateTimeFormatter::try_new(locale.icu().into(), MD::medium());
        let weekday = FixedCalendarDateTimeFormatter::try_new(locale.icu().into(), YMDE::long());
        Ok(Self {
            day: day.map_err(Unformattable::because)?,
            weekday: weekday.map_err(Unformattable::because)?,
            month: formatter(YM::medium()).map_err(Unformattable::because)?,
            whole_month: formatter(YM::long()).map_err(Unformattable::because)?,
        })
    }

    /// A day without its year: `Nov 26`, `26. Nov.`.
    #[must_use]
    pub fn day(&self, day: NaiveDate) -> String {
        gregorian(day).map_or_else(|| day.to_string(), |date| self.day.format(&date).to_string())
    }

    /// A day with the name that it has in its week: `Thursday, November 26, 2026`.
    #[must_use]
    pub fn weekday(&self, day: NaiveDate) -> String {
        gregorian(day).map_or_else(|| day.to_string(), |date| self.weekday.format(&date).to_string())
    }

    /// The month of a day, shortened: `Nov 2026`.
    #[must_use]
    pub fn month(&self, day: NaiveDate) -> String {
        gregorian(day).map_or_else(|| day.to_string(), |date| self.month.format(&date).to_string())
    }

    /// The month of a day by its whole name: `November 2026`.
    #[must_use]
    pub fn whole_month(&self, day: NaiveDate) -> String {
        gregorian(day).map_or_else(|| day.to_string(), |date| self.whole_month.format(&date).to_string())
    }
}

fn gregorian(day: NaiveDate) -> Option<Date<Gregorian>> {
    let [month, of_month] = [day.month(), day.day()].map(|part| u8::try_from(part).unwrap_or_default());
    Date::try_new_gregorian(day.year(), month, of_month).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_written_as_the_locale_does() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 5).unwrap();
        for (tag, short, medium, long) in [
            ("en", "3/5/26", "Mar 5, 2026", "March 5, 2026"),
            ("en-GB", "05/03/2026", "5 Mar 2026", "5 March 2026"),
            ("de", "05.03.26", "05.03.2026", "5. März 2026"),
            ("fr", "05/03/2026", "5 mars 2026", "5 mars 2026"),
            ("ja", "2026/03/05", "2026/03/05", "2026年3月5日"),
            ("th", "5/3/26", "5 มี.ค. 2026", "5 มีนาคม ค.ศ. 2026"),
        ] {
            let locale = tag.parse().unwrap();
            let write = |length| Dates::new(&locale, length).unwrap().write(day);
            assert_eq!(write(DateLength::Short), short, "{tag}");
            assert_eq!(write(DateLength::Medium), medium, "{tag}");
            assert_eq!(write(DateLength::Long), long, "{tag}");
        }
    }

    #[test]
    fn steps_have_names() {
        let day = NaiveDate::from_ymd_opt(2026, 3, 5).unwrap();
        for (tag, names) in [
            ("en-US", ["Mar 5", "Thursday, March 5, 2026", "Mar 2026", "March 2026"]),
            ("de-DE", ["5. März", "Donnerstag, 5. März 2026", "03/2026", "März 2026"]),
            ("fr-FR", ["5 mars", "jeudi 5 mars 2026", "mars 2026", "mars 2026"]),
        ] {
            let steps = Steps::new(&tag.parse().unwrap()).unwrap();
            let written = [steps.day(day), steps.weekday(day), steps.month(day), steps.whole_month(day)];
            assert_eq!(written, names, "{tag}");
        }
    }

    #[test]
    fn moments_are_written_as_the_locale_does() {
        let at = NaiveDate::from_ymd_opt(2026, 3, 5).and_then(|day| day.and_hms_opt(14, 5, 59)).unwrap();
        for (tag, written) in [
            ("en-US", "March 5, 2026 at 2:05 PM"),
            ("en-GB", "5 March 2026 at 14:05"),
            ("de-DE", "5. März 2026 um 14:05"),
            ("fr-FR", "5 mars 2026 à 14:05"),
            ("ja-JP", "2026年3月5日 14:05"),
        ] {
            // Some spaces are narrow ones.
            let text = Moments::new(&tag.parse().unwrap()).unwrap().write(at).replace('\u{202f}', " ");
            assert_eq!(text, written, "{tag}");
        }
    }
}
