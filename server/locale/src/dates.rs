//! Days of the Gregorian calendar.

use crate::{Locale, Unformattable};
use chrono::{Datelike, NaiveDate};
use icu_calendar::{Date, Gregorian};
use icu_datetime::FixedCalendarDateTimeFormatter;
use icu_datetime::fieldsets::YMD;

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
        let month = u8::try_from(day.month()).unwrap_or_default();
        let of_month = u8::try_from(day.day()).unwrap_or_default();
        Date::try_new_gregorian(day.year(), month, of_month)
            .map_or_else(|_| day.to_string(), |date| self.0.format(&date).to_string())
    }
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
}
