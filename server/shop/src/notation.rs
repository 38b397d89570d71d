//! How the store writes amounts, days and countries for people.
//!
//! [`Notation`] is made once, at start, from the operator's `locale`, with the formatters of every currency in it, and is shared
//! by all that is written afterwards: pages, the desk, letters. What programs read (CSV, the API, JSON-LD, fields of forms)
//! is never written by it. The words around are English whatever the locale is.

use crate::tax::rates::percent;
use crate::types::{Currency, Money};
use chrono::{NaiveDate, NaiveDateTime};
use core::fmt;
use locale::{Amounts, Countries, DateLength, Dates, Locale, Moments, Numbers, Percentages, Steps, Unformattable};
use std::sync::Arc;

/// The store's notation; cheap to clone.
#[derive(Clone)]
pub struct Notation(Arc<Inner>);

struct Inner {
    locale: Locale,
    /// None if the data compiled in is not what the program was built with: a country is then its code.
    countries: Option<Countries>,
    /// None for the house's own way.
    written: Option<Written>,
}

/// What a locale needs.
struct Written {
    /// Sorted by currency.
    amounts: Vec<(Currency, Amounts)>,
    days: Dates,
    short_days: Dates,
    moments: Moments,
    steps: Steps,
    numbers: Numbers,
    percentages: Percentages,
}

impl Default for Notation {
    /// The house's own way, which `en` stands for: `$7.99`, "22 November 2026, 14:05 UTC".
    fn default() -> Self {
        let locale = Locale::english();
        let countries = Countries::new(&locale).ok();
        Self(Arc::new(Inner { locale, countries, written: None }))
    }
}

impl Notation {
    /// The notation of a locale. `en` without a region is the house's own way, as by default; `en-US` and `en-GB` are what
    /// the Unicode CLDR says of them.
    ///
    /// # Errors
    /// [`Unformattable`] if the data compiled in is not what the program was built with.
    pub fn new(locale: &Locale) -> Result<Self, Unformattable> {
        if *locale == Locale::english() {
            return Ok(Self::default());
        }
        let amounts =
            Currency::all().map(|currency| Ok((currency, Amounts::new(locale, currency.code(), currency.decimals())?)));
        let written = Written {
            amounts: amounts.collect::<Result<_, Unformattable>>()?,
            days: Dates::new(locale, DateLength::Long)?,
            short_days: Dates::new(locale, DateLength::Medium)?,
            moments: Moments::new(locale)?,
            steps: Steps::new(locale)?,
            numbers: Numbers::new(locale)?,
            percentages: Percentages::new(locale)?,
        };
        let countries = Some(Countries::new(locale)?);
        Ok(Self(Arc::new(Inner { locale: locale.clone(), countries, written: Some(written) })))
    }

    /// An amount with its currency: `$7.99`, `7,99 $`.
    #[must_use]
    pub fn money(&self, money: Money) -> String {
        self.amounts(money.currency()).map_or_else(|| money.to_string(), |amounts| amounts.with_symbol(money.minor()))
    }

    /// An amount where there is little room, on a scale: `$7`, `1.234 €`, and `$7.50` where it is no whole one.
    #[must_use]
    pub fn mark(&self, money: Money) -> String {
        let text = self.money(money);
        let scale = 10_i64.pow(u32::from(money.currency().decimals()));
        if scale == 1 || money.minor() % scale != 0 {
            return text;
        }
        // The digits are the same with and without a sign; the rest of the text is the locale's and stays.
        let size = money.minor().saturating_abs();
        match (self.amounts(money.currency()), &self.0.written) {
            (Some(amounts), Some(written)) => {
                text.replacen(&amounts.plain(size), &written.numbers.write(size / scale), 1)
            }
            _ => {
                let cents = format!(".{}", "0".repeat(money.currency().decimals().into()));
                text.strip_suffix(&cents).map(str::to_owned).unwrap_or(text)
            }
        }
    }

    /// What writes amounts of a currency; nothing for the house's own way.
    fn amounts(&self, currency: Currency) -> Option<&Amounts> {
        let written = self.0.written.as_ref()?;
        let place = written.amounts.binary_search_by_key(&currency, |(currency, _)| *currency).ok()?;
        written.amounts.get(place).map(|(_, amounts)| amounts)
    }

    /// A whole number, with its digits in groups.
    #[must_use]
    pub fn number(&self, number: i64) -> String {
        self.0.written.as_ref().map_or_else(|| in_threes(number), |written| written.numbers.write(number))
    }

    /// A day: "22 November 2026".
    #[must_use]
    pub fn day(&self, day: NaiveDate) -> String {
        match &self.0.written {
            Some(written) => written.days.write(day),
            None => day.format("%-d %B %Y").to_string(),
        }
    }

    /// Hundredths of a per cent, rounded to a tenth: "12.3 %".
    #[must_use]
    pub fn percent(&self, hundredths: i64) -> String {
        let tenths = (hundredths + 5 * hundredths.signum()) / 10;
        match &self.0.written {
            Some(written) => written.percentages.write(tenths * 1_000),
            None => format!("{}.{} %", in_threes(tenths / 10), (tenths % 10).abs()),
        }
    }

    /// A rate of tax in parts per million, with the decimals that it needs: "5.5 %".
    #[must_use]
    pub fn rate(&self, ppm: i64) -> String {
        match &self.0.written {
            Some(written) => written.percentages.write(ppm),
            None => format!("{}\u{a0}%", percent(ppm)),
        }
    }

    /// A day where there is little room: "22 Nov 2026".
    #[must_use]
    pub fn short_day(&self, day: NaiveDate) -> String {
        match &self.0.written {
            Some(written) => written.short_days.write(day),
            None => day.format("%-d %b %Y").to_string(),
        }
    }

    /// A day on a line of days: "22 Nov".
    #[must_use]
    pub fn step_day(&self, day: NaiveDate) -> String {
        self.step(day, Steps::day, "%-d %b")
    }

    /// A day with the name that it has in its week: "Sunday, 22 November 2026".
    #[must_use]
    pub fn weekday(&self, day: NaiveDate) -> String {
        self.step(day, Steps::weekday, "%A, %-d %B %Y")
    }

    /// The month of a day: "Nov 2026".
    #[must_use]
    pub fn month(&self, day: NaiveDate) -> String {
        self.step(day, Steps::month, "%b %Y")
    }

    /// The month of a day: "November 2026".
    #[must_use]
    pub fn whole_month(&self, day: NaiveDate) -> String {
        self.step(day, Steps::whole_month, "%B %Y")
    }

    fn step(&self, day: NaiveDate, write: fn(&Steps, NaiveDate) -> String, own: &str) -> String {
        self.0.written.as_ref().map_or_else(|| day.format(own).to_string(), |written| write(&written.steps, day))
    }

    /// The day of an ISO 8601 date. Anything else is returned as it is.
    #[must_use]
    pub fn iso_day(&self, iso: &str) -> String {
        iso.parse().map_or_else(|_| iso.to_owned(), |day| self.day(day))
    }

    /// A moment in UTC, and that it is: "22 November 2026, 14:05 UTC".
    #[must_use]
    pub fn moment(&self, at: NaiveDateTime) -> String {
        match &self.0.written {
            Some(written) => format!("{} UTC", written.moments.write(at)),
            None => own_moment(at),
        }
    }

    /// A country by its two letters, with them: "Germany (DE)". Letters that stand for no country are returned as they are.
    #[must_use]
    pub fn country(&self, code: &str) -> String {
        match self.0.countries.as_ref().map(|countries| countries.name(code)) {
            Some(name) if !name.eq_ignore_ascii_case(code) => format!("{name} ({code})"),
            _ => code.to_owned(),
        }
    }
}

/// A moment in the house's own way, in a file that is the same in every store.
pub(crate) fn own_moment(at: NaiveDateTime) -> String {
    at.format("%-d %B %Y, %H:%M UTC").to_string()
}

/// 12,345: digits in threes, as amounts have them.
fn in_threes(number: i64) -> String {
    let digits = number.unsigned_abs().to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    if number < 0 {
        out.push('−');
    }
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

impl fmt::Debug for Notation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Notation({})", self.0.locale)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notation(tag: &str) -> Notation {
        Notation::new(&tag.parse().unwrap()).unwrap()
    }

    fn written(tag: &str, minor: i64, code: &str) -> String {
        // Spaces differ in width and in whether they break.
        notation(tag).money(Money::new(minor, code.parse().unwrap())).replace(['\u{a0}', '\u{202f}'], " ")
    }

    #[test]
    fn amounts_are_written_as_the_locale_does() {
        for (code, minor, american, german, french, japanese) in [
            ("EUR", 123_456, "€1,234.56", "1.234,56 €", "1 234,56 €", "€1,234.56"),
            ("EUR", -1_234, "-€12.34", "-12,34 €", "-12,34 €", "-€12.34"),
            ("USD", 799, "$7.99", "7,99 $", "7,99 $US", "$7.99"),
            ("USD", -799, "-$7.99", "-7,99 $", "-7,99 $US", "-$7.99"),
            ("JPY", 1_500, "¥1,500", "1.500 ¥", "1 500 JP¥", "￥1,500"),
            ("KWD", 1_250, "KWD 1.250", "1,250 KWD", "1,250 KWD", "KWD 1.250"),
            ("KWD", -1_250, "-KWD 1.250", "-1,250 KWD", "-1,250 KWD", "-KWD 1.250"),
            ("HUF", 123_456, "HUF 1,234.56", "1.234,56 HUF", "1 234,56 HUF", "HUF 1,234.56"),
        ] {
            for (tag, text) in [("en-US", american), ("de-DE", german), ("fr-FR", french), ("ja-JP", japanese)] {
                assert_eq!(written(tag, minor, code), text, "{tag} {code}");
            }
        }
    }

    #[test]
    fn marks_of_a_scale_are_without_decimals_where_they_are_whole() {
        for (tag, code, minor, text) in [
            ("de-DE", "EUR", 123_400, "1.234 €"),
            ("de-DE", "EUR", -1_200, "-12 €"),
            ("de-DE", "EUR", 1_250, "12,50 €"),
            ("de-DE", "USD", 0, "0 $"),
            ("de-DE", "JPY", 1_500, "1.500 ¥"),
            ("de-DE", "KWD", 1_000_000, "1.000 KWD"),
            ("en-US", "USD", 200_000, "$2,000"),
            ("en-US", "USD", -200_000, "-$2,000"),
            ("en-US", "USD", 750, "$7.50"),
            ("en-US", "JPY", 1_500, "¥1,500"),
            ("en-US", "KWD", 2_000, "KWD 2"),
            ("en-US", "KWD", 2_500, "KWD 2.500"),
            ("fr-FR", "EUR", 1_000_000, "10 000 €"),
            ("en", "USD", 200_000, "$2,000"),
            ("en", "USD", -750, "−$7.50"),
            ("en", "JPY", 1_500, "¥1,500"),
        ] {
            let money = Money::new(minor, code.parse().unwrap());
            let mark = notation(tag).mark(money).replace(['\u{a0}', '\u{202f}'], " ");
            assert_eq!(mark, text, "{tag} {code} {minor}");
        }
    }

    #[test]
    fn english_without_a_region_is_the_houses_own() {
        let (own, at) = (notation("en"), "2026-11-22T14:05:09".parse::<NaiveDateTime>().unwrap());
        assert_eq!(own.moment(at), "22 November 2026, 14:05 UTC");
        assert_eq!(own.day(at.date()), "22 November 2026");
        assert_eq!(written("en", -799, "USD"), "−$7.99");
        assert_eq!(own.number(-12_345), "−12,345");
        assert_eq!(own.number(120), "120");
        assert_eq!(own.number(1_234_567), "1,234,567");
        assert_eq!((own.percent(1_234), own.percent(1_235)), ("12.3 %".into(), "12.4 %".into()));
        assert_eq!(notation("de-DE").percent(1_234), "12,3\u{a0}%");
        assert_eq!(own.short_day(at.date()), "22 Nov 2026");
        assert_eq!(notation("de-DE").short_day(at.date()), "22.11.2026");
    }

    #[test]
    fn days_are_written_as_the_locale_does_and_nonsense_stays() {
        for (tag, day, moment) in [
            ("en-US", "March 5, 2026", "March 5, 2026 at 2:05 PM UTC"),
            ("de-DE", "5. März 2026", "5. März 2026 um 14:05 UTC"),
            ("fr-FR", "5 mars 2026", "5 mars 2026 à 14:05 UTC"),
            ("ja-JP", "2026年3月5日", "2026年3月5日 14:05 UTC"),
        ] {
            let notation = notation(tag);
            assert_eq!(notation.iso_day("2026-03-05"), day);
            let at = "2026-03-05T14:05:00".parse().unwrap();
            assert_eq!(notation.moment(at).replace('\u{202f}', " "), moment);
        }
        assert_eq!(notation("en").iso_day("1605-01-01"), "1 January 1605");
        for odd in ["1851", "1851-13-01", "1851-00-01", "", "soon"] {
            assert_eq!(notation("de-DE").iso_day(odd), odd);
        }
    }

    #[test]
    fn countries_have_their_names_beside_their_letters() {
        for (tag, code, name) in [
            ("en", "GR", "Greece (GR)"),
            ("de-AT", "GR", "Griechenland (GR)"),
            ("fr-FR", "JP", "Japon (JP)"),
            ("en", "QQ", "QQ"),
            ("en", "?", "?"),
            ("en", "", ""),
        ] {
            assert_eq!(notation(tag).country(code), name, "{tag} {code}");
        }
    }
}
