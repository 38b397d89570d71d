//! The rates for e-books and for everything else: those that come with the program, and the operator's own.
//!
//! The rates that come with the program are of 26 November 2026. For the members of the European Union they follow the
//! Commission's database "Taxes in Europe" (<https://ec.europa.eu/taxation_customs/tedb/>, category "supply of books …
//! supplied electronically") and, where a rate has changed since, the state that changed it; each stands with its source.
//! An operator sets another one beside them; the latest that is valid on the day counts. docs/tax.md shows the table.

use crate::Error;
use crate::db::AnyConnection;
use crate::db::schema::tax_rate;
use crate::types::{Country, TaxTreatment};
use chrono::NaiveDate;
use diesel::prelude::*;

/// What a rate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// Books and textbooks as files.
    Ebook,
    /// Everything else: audiobooks, for one.
    Standard,
}

impl Kind {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ebook, Self::Standard];

    /// The word in the database and in forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ebook => "ebook",
            Self::Standard => "standard",
        }
    }

    /// The words on the screen.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Ebook => "E-books",
            Self::Standard => "Everything else",
        }
    }

    /// The kind in the database and in forms.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text)
    }

    /// By Stripe's product tax code (<https://docs.stripe.com/tax/tax-codes>): 10302 are digital books, 10304 digital
    /// textbooks.
    #[must_use]
    pub fn of_code(code: &str) -> Self {
        if code.starts_with("txcd_10302") || code.starts_with("txcd_10304") { Self::Ebook } else { Self::Standard }
    }
}

/// A rate of a country, from a day on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rate {
    /// Where.
    pub country: Country,
    /// For what.
    pub kind: Kind,
    /// The first day on which it holds.
    pub valid_from: NaiveDate,
    /// Parts per million.
    pub ppm: i64,
    /// Where it is known from, or the operator's note.
    pub source: String,
    /// Whether the operator set it.
    pub own: bool,
}

impl Rate {
    /// How a sale at this rate is treated, beside the country's rate for everything else.
    #[must_use]
    pub const fn treatment(&self, standard: Option<&Self>) -> TaxTreatment {
        match (self.ppm, self.kind, standard) {
            (0, _, _) => TaxTreatment::Zero,
            (ppm, Kind::Ebook, Some(standard)) if ppm < standard.ppm => TaxTreatment::Reduced,
            _ => TaxTreatment::Standard,
        }
    }
}

/// Country, since when, e-books, everything else (both in parts per million), where the former is known from.
type Row = (&'static str, (i32, u32, u32), i64, i64, &'static str);

const TEDB: &str = "European Commission, Taxes in Europe database";

/// Sorted by country and day.
#[rustfmt::skip]
const TABLE: &[Row] = &[
    ("AT", (2020, 1, 1), 100_000, 200_000, "European Commission, Taxes in Europe database (CPA 58.11.3 on-line books)"),
    ("BE", (2019, 4, 1), 60_000, 210_000, "European Commission, Taxes in Europe database (CPA 58.11.3 on-line books)"),
    ("BG", (2020, 7, 1), 90_000, 200_000, "European Commission, Taxes in Europe database (CPA 58.11.30 on-line books)"),
    ("CH", (2024, 1, 1), 26_000, 81_000, "Swiss VAT Act (SR 641.20) art. 25 para. 2 let. a bis: electronic books"),
    ("CY", (2014, 1, 13), 190_000, 190_000, "Taxes in Europe database: the rate of 3 % names printed books only"),
    ("CZ", (2024, 1, 1), 0, 210_000, "Taxes in Europe database; Act 235/2004 § 71i: books in any form, exempt with deduction"),
    ("DE", (2019, 12, 18), 70_000, 190_000, "UStG § 12 para. 2 no. 14; Taxes in Europe database"),
    ("DK", (1992, 1, 1), 250_000, 250_000, "Momsloven § 33: one rate"),
    ("EE", (2020, 5, 1), 90_000, 200_000, "Taxes in Europe database: books on a physical medium and electronically"),
    ("EE", (2024, 1, 1), 90_000, 220_000, "Taxes in Europe database: books on a physical medium and electronically"),
    ("EE", (2025, 7, 1), 90_000, 240_000, "Taxes in Europe database: books on a physical medium and electronically"),
    ("ES", (2020, 4, 23), 40_000, 210_000, "Real Decreto-ley 15/2020, disposición final segunda"),
    ("FI", (2025, 1, 1), 140_000, 255_000, "Taxes in Europe database: electronically supplied products are reduced"),
    ("FI", (2026, 1, 1), 135_000, 255_000, "Act amending the VAT Act: 14 % is 13.5 % from 2026, for books too"),
    ("FR", (2012, 1, 1), 55_000, 200_000, "Code général des impôts art. 278-0 bis A 3°; Taxes in Europe database"),
    ("GB", (2020, 5, 1), 0, 200_000, "HMRC VAT Notice 701/10: e-publications are zero-rated"),
    ("GR", (2021, 7, 1), 60_000, 240_000, "Taxes in Europe database: on-line publications of books"),
    ("HR", (2020, 1, 1), 50_000, 250_000, "Taxes in Europe database"),
    ("HU", (2012, 1, 1), 270_000, 270_000, "Taxes in Europe database: 5 % is for books on a physical medium"),
    ("IE", (2024, 1, 1), 0, 230_000, "Finance (No. 2) Act 2023; Taxes in Europe database: e-books and audiobooks"),
    ("IT", (2015, 1, 1), 40_000, 220_000, "Legge 190/2014 art. 1 comma 667; Taxes in Europe database"),
    ("LT", (2022, 1, 1), 90_000, 210_000, "Taxes in Europe database: printed and electronic books"),
    ("LT", (2026, 1, 1), 50_000, 210_000, "Law XV-287 amending article 19 of the VAT Act: printed and electronic books 5 % from 2026"),
    ("LU", (2018, 5, 1), 30_000, 170_000, "Taxes in Europe database (CPA 58.11.30 on-line books)"),
    ("LV", (2022, 1, 1), 50_000, 210_000, "VAT Act section 42: electronic books"),
    ("LV", (2026, 1, 1), 50_000, 210_000, "VAT Act section 42 as of 2026: not in every language (see the documentation of taxes)"),
    ("MT", (2019, 1, 1), 50_000, 180_000, "Taxes in Europe database: extended to e-books"),
    ("NL", (2020, 1, 1), 90_000, 210_000, "Taxes in Europe database"),
    ("NO", (2019, 7, 1), 0, 250_000, "Merverdiavgiftsloven § 6-4: electronic books"),
    ("PL", (2019, 11, 1), 50_000, 230_000, "Taxes in Europe database"),
    ("PT", (2011, 1, 1), 60_000, 230_000, "Código do IVA, lista I 2.1; Taxes in Europe database"),
    ("RO", (2025, 8, 1), 110_000, 210_000, "Law 141/2025; Taxes in Europe database"),
    ("SE", (2019, 7, 1), 60_000, 250_000, "Taxes in Europe database (CPA 58.11.30 on-line books)"),
    ("SI", (2020, 1, 1), 50_000, 220_000, "Taxes in Europe database"),
    ("SK", (2025, 1, 1), 50_000, 230_000, "Act 222/2004 annex 7; Taxes in Europe database"),
];

/// The rates that come with the program.
pub fn built_in() -> impl Iterator<Item = Rate> {
    TABLE.iter().flat_map(|(country, (year, month, day), ebook, standard, source)| {
        let rate = move |kind, ppm, source: &str| {
            Some(Rate {
                country: country.parse().ok()?,
                kind,
                valid_from: NaiveDate::from_ymd_opt(*year, *month, *day)?,
                ppm,
                source: source.to_owned(),
                own: false,
            })
        };
        [rate(Kind::Ebook, *ebook, source), rate(Kind::Standard, *standard, standard_source(country))]
            .into_iter()
            .flatten()
    })
}

/// Where the rate for everything else is known from.
fn standard_source(country: &str) -> &'static str {
    match country {
        "CH" => "Swiss VAT Act (SR 641.20) art. 25 para. 1",
        "GB" => "Value Added Tax Act 1994 section 2",
        "NO" => "Stortingets vedtak om merverdiavgift § 2",
        _ => TEDB,
    }
}

/// All rates, by country, kind and day; of one day the operator's own stands last.
///
/// # Errors
/// The database's.
pub fn all(conn: &mut AnyConnection) -> Result<Vec<Rate>, Error> {
    let rows: Vec<(String, String, NaiveDate, i64, String)> = tax_rate::table
        .select((tax_rate::country, tax_rate::kind, tax_rate::valid_from, tax_rate::rate_ppm, tax_rate::note))
        .load(conn)?;
    let own = rows.into_iter().filter_map(|(country, kind, valid_from, ppm, source)| {
        let (country, kind) = (country.parse().ok()?, Kind::parse(&kind)?);
        Some(Rate { country, kind, valid_from, ppm, source, own: true })
    });
    let mut all: Vec<Rate> = built_in().chain(own).collect();
    all.sort_by_key(|rate| (rate.country, rate.kind, rate.valid_from, rate.own));
    Ok(all)
}

/// What holds on a day.
#[must_use]
pub fn on(rates: &[Rate], country: Country, kind: Kind, day: NaiveDate) -> Option<&Rate> {
    rates.iter().rfind(|rate| rate.country == country && rate.kind == kind && rate.valid_from <= day)
}

/// Parts per million as a percentage: "7", "25.5".
#[must_use]
pub fn percent(ppm: i64) -> String {
    let text = format!("{}.{:04}", ppm / 10_000, ppm % 10_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// A percentage as a person types it, or as Stripe writes it, in parts per million; none if it is not from 0 to 100 with at
/// most four decimals.
#[must_use]
pub fn read_percent(text: &str) -> Option<i64> {
    let (whole, fraction) = text.trim().split_once('.').unwrap_or((text.trim(), ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || whole.len() > 3 || fraction.len() > 4 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let ppm = format!("{whole}{fraction:0<4}").parse().ok()?;
    (0..=1_000_000).contains(&ppm).then_some(ppm)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn the_table_is_whole_and_has_all_of_the_union() {
        assert!(TABLE.is_sorted_by_key(|row| (row.0, row.1)));
        let rates: Vec<Rate> = built_in().collect();
        assert_eq!(rates.len(), 2 * TABLE.len(), "a row cannot be read");
        let others = ["GB", "CH", "NO"].map(|code| code.parse().unwrap());
        for country in Country::union().chain(others) {
            let on = |kind| on(&rates, country, kind, day("2026-11-26")).unwrap_or_else(|| panic!("{country}"));
            let (ebook, standard) = (on(Kind::Ebook), on(Kind::Standard));
            assert!(ebook.ppm <= standard.ppm && standard.ppm <= 270_000, "{country}");
            assert!(!ebook.source.is_empty() && !standard.source.is_empty());
        }
    }

    #[test]
    fn the_latest_rate_of_the_day_counts_and_of_two_the_operators() {
        let mut rates: Vec<Rate> = built_in().collect();
        let finland = "FI".parse().unwrap();
        let on_day = |rates: &[Rate], text| on(rates, finland, Kind::Ebook, day(text)).map(|rate| rate.ppm);
        assert_eq!(on_day(&rates, "2025-12-31"), Some(140_000));
        assert_eq!(on_day(&rates, "2026-01-01"), Some(135_000));
        assert_eq!(on_day(&rates, "2024-12-31"), None);
        let in_lithuania = |text| on(&rates, "LT".parse().unwrap(), Kind::Ebook, day(text)).map(|rate| rate.ppm);
        assert_eq!((in_lithuania("2025-12-31"), in_lithuania("2026-01-01")), (Some(90_000), Some(50_000)));
        let own = Rate {
            ppm: 100_000,
            own: true,
            ..rates.iter().rfind(|rate| rate.country == finland && rate.kind == Kind::Ebook).unwrap().clone()
        };
        rates.push(own);
        rates.sort_by_key(|rate| (rate.country, rate.kind, rate.valid_from, rate.own));
        assert_eq!(on_day(&rates, "2026-01-01"), Some(100_000));
    }

    #[test]
    fn percentages_are_written_and_read_exactly() {
        for (ppm, text) in
            [(0, "0"), (70_000, "7"), (55_000, "5.5"), (255_000, "25.5"), (1_000_000, "100"), (1, "0.0001")]
        {
            assert_eq!((percent(ppm).as_str(), read_percent(text)), (text, Some(ppm)));
        }
        for wrong in ["", "-1", "7,5", "100.0001", "1000", "7.00001", "x", "1e1"] {
            assert_eq!(read_percent(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn how_a_rate_is_treated_is_seen_beside_the_standard_one() {
        let rates: Vec<Rate> = built_in().collect();
        let treatment = |code: &str| {
            let of = |kind| on(&rates, code.parse().unwrap(), kind, day("2026-11-26")).unwrap();
            of(Kind::Ebook).treatment(Some(of(Kind::Standard)))
        };
        assert_eq!(treatment("DE"), TaxTreatment::Reduced);
        assert_eq!(treatment("DK"), TaxTreatment::Standard);
        assert_eq!(treatment("IE"), TaxTreatment::Zero);
    }
}
