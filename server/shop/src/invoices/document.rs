//! What stands on a document, and how its row keeps it.
//!
//! Everything is kept as of the day of issue, in four texts of JSON: the seller, the buyer (alone, because that is what an
//! erasure must find and, when its time is over, take), the lines, and the rest. Documents of before have only buyer and
//! lines, in the first form of both; what they lack is read from the order.

use crate::Error;
use crate::analytics::Zone;
use crate::tax;
use crate::types::{Currency, InvoiceKind, TaxTreatment};
use chrono::{NaiveDate, NaiveDateTime};
use serde::{Deserialize, Serialize};

/// Who sells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Seller {
    /// The name that the store trades under.
    pub name: String,
    /// Street, town, as they are written one below the other.
    pub address: Vec<String>,
    /// ISO 3166, or empty.
    pub country: String,
    /// For trade within the EU.
    pub vat_id: String,
    /// Of the tax office.
    pub tax_number: String,
    /// Where a buyer may write to.
    pub email: String,
    /// What the law wants at the foot: register, directors.
    pub legal_text: String,
    /// What the buyer may do with the files.
    pub licence_text: String,
    /// The object of the logo.
    pub logo: Option<String>,
}

/// Who bought. The first form had the first three.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Buyer {
    /// Where the books were sent.
    pub email: String,
    /// As given at the purchase, or later.
    pub name: Option<String>,
    /// ISO 3166.
    pub country: Option<String>,
    /// Whom the invoice is made out to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// In the form without spaces.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vat_id: Option<String>,
    /// Line by line.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub address: Vec<String>,
}

/// A line: amounts in minor units of the document's currency. The first form had the first five of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Line {
    /// The title as bought.
    pub title: String,
    /// What it cost.
    pub unit_amount: i64,
    /// What was taken off.
    pub discount: i64,
    /// The tax in `total`.
    pub tax: i64,
    /// What was paid for it.
    pub total: i64,
    /// The place of the title in its order. Documents of before have their lines in that order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<i32>,
    /// How the tax comes about, if that is known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub taxes: Vec<LineTax>,
}

impl Line {
    /// Whether the price holds the tax already.
    #[must_use]
    pub fn holds_tax(&self) -> bool {
        self.taxes.iter().any(|tax| tax.inclusive)
    }
}

/// One tax of a line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineTax {
    /// The country whose it is, ISO 3166.
    pub country: String,
    /// Its name there.
    pub name: String,
    /// Parts per million.
    pub rate_ppm: i64,
    /// What it is taken of.
    pub taxable: i64,
    /// What it comes to.
    pub amount: i64,
    /// How the sale is treated.
    pub treatment: TaxTreatment,
    /// Whether it is within the price.
    pub inclusive: bool,
}

impl LineTax {
    pub(super) fn of(tax: &tax::Line) -> Self {
        Self {
            country: tax.country.clone(),
            name: tax.name.clone(),
            rate_ppm: tax.rate_ppm,
            taxable: tax.taxable,
            amount: tax.amount,
            treatment: tax.treatment,
            inclusive: tax.inclusive,
        }
    }
}

/// Another document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Its number.
    pub number: String,
    /// Its day.
    pub on: NaiveDate,
}

/// How a document was settled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// In words: "Visa •••• 4242".
    pub with: String,
    /// When.
    pub on: NaiveDate,
}

/// The rest of what stands on it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Facts {
    pub(super) issued_on: NaiveDate,
    pub(super) delivered_on: NaiveDate,
    pub(super) order: String,
    #[serde(default)]
    pub(super) corrects: Option<Reference>,
    #[serde(default)]
    pub(super) paid: Option<Settled>,
    #[serde(default)]
    pub(super) notes: Vec<String>,
    pub(super) locale: String,
    pub(super) paper: String,
}

/// A whole document, as it was issued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// What it is.
    pub kind: InvoiceKind,
    /// Its number.
    pub number: String,
    /// Its day, where the store is.
    pub issued_on: NaiveDate,
    /// When the files were handed over.
    pub delivered_on: NaiveDate,
    /// The order's public number.
    pub order: String,
    /// What it corrects.
    pub corrects: Option<Reference>,
    /// Of all its amounts.
    pub currency: Currency,
    /// As of its day.
    pub seller: Seller,
    /// As of its day; empty once its time is over.
    pub buyer: Buyer,
    /// What was sold, or is taken back.
    pub lines: Vec<Line>,
    /// Their sum.
    pub total: i64,
    /// The tax in it.
    pub tax: i64,
    /// How and when it was paid, or paid back.
    pub paid: Option<Settled>,
    /// What else must be said.
    pub notes: Vec<String>,
    /// Its language, BCP 47.
    pub locale: String,
    /// `A4` or `Letter`.
    pub paper: String,
}

/// The JSON of a part of a row.
pub(crate) fn text<T: Serialize>(part: &T) -> Result<String, Error> {
    serde_json::to_string(part).map_err(|error| Error::internal(format!("a document's part: {error}")))
}

/// The part of a row.
pub(super) fn part<T: for<'a> Deserialize<'a>>(number: &str, text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(|error| Error::internal(format!("document {number}: {error}")))
}

/// What stands on a document, as far as only its day matters.
#[derive(Deserialize)]
struct Day {
    issued_on: NaiveDate,
}

/// The day that stands on a document, whatever zone the store has by now. A document of before does not say it (`facts` is
/// none): it is of the day of its issue in `zone`.
pub(super) fn day_on(
    number: &str,
    facts: Option<&str>,
    issued_at: NaiveDateTime,
    zone: Zone,
) -> Result<NaiveDate, Error> {
    let day = facts.map(|facts| part::<Day>(number, facts)).transpose()?;
    Ok(day.map_or_else(|| zone.day_of(issued_at), |day| day.issued_on))
}

/// "Visa •••• 4242" of Stripe's "visa 4242"; a way to pay that we have no words for is not named.
pub(super) fn paid_with(words: Option<&str>) -> String {
    let known = words.and_then(|words| words.split_once(' ')).and_then(|(brand, last4)| {
        let brand = match brand {
            "visa" => "Visa",
            "mastercard" => "Mastercard",
            "amex" => "American Express",
            "discover" => "Discover",
            "diners" => "Diners Club",
            "jcb" => "JCB",
            "unionpay" => "UnionPay",
            "cartes_bancaires" => "Cartes Bancaires",
            "eftpos_au" => "eftpos",
            "interac" => "Interac",
            _ => "Card",
        };
        let digits = last4.len() == 4 && last4.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| format!("{brand} •••• {last4}"))
    });
    known.unwrap_or_else(|| "Paid online".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_form_is_read() {
        let line: Line = part("N", r#"{"title":"Emma","unit_amount":799,"discount":0,"tax":52,"total":851}"#).unwrap();
        assert_eq!((line.total, line.position, line.taxes.len()), (851, None, 0));
        let buyer: Buyer = part("N", r#"{"email":"ann@example.org","name":null,"country":"DE"}"#).unwrap();
        assert_eq!((buyer.country.as_deref(), buyer.company), (Some("DE"), None));
        let erased: Buyer = part("N", "{}").unwrap();
        assert_eq!(erased, Buyer::default());
    }

    #[test]
    fn the_day_that_stands_on_a_document_is_its_day_in_any_zone() {
        let midnight = NaiveDate::from_ymd_opt(2026, 12, 31).unwrap().and_hms_opt(23, 30, 0).unwrap();
        let berlin: Zone = "Europe/Berlin".parse().unwrap();
        let facts = r#"{"issued_on":"2026-12-31","delivered_on":"2026-12-30","order":"A","locale":"en","paper":"A4"}"#;
        assert_eq!(day_on("N", Some(facts), midnight, berlin).unwrap().to_string(), "2026-12-31");
        assert_eq!(day_on("N", None, midnight, berlin).unwrap().to_string(), "2027-01-01");
        assert!(day_on("N", Some("{}"), midnight, berlin).is_err());
    }

    #[test]
    fn what_was_paid_with_is_told_if_stripe_tells() {
        assert_eq!(paid_with(Some("visa 4242")), "Visa •••• 4242");
        assert_eq!(paid_with(Some("link 0005")), "Card •••• 0005");
        for unknown in [None, Some(""), Some("visa"), Some("visa <b>"), Some("visa 42424242")] {
            assert_eq!(paid_with(unknown), "Paid online", "{unknown:?}");
        }
    }
}
