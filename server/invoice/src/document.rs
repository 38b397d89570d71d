//! What an invoice or a credit note says: plain data, made by the server from what was stored at the sale.
//!
//! A snapshot of these types is kept as JSON, so a field may be added with `#[serde(default)]` and none may be renamed.
//! All amounts are minor units of the document's one currency and never negative: a credit note says by its kind that
//! the money goes the other way (as EN 16931 and the tax offices count, document type 381).

use crate::text::Shape;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use shop::types::Currency;

/// An invoice or a credit note, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Which of the two.
    pub kind: Kind,
    /// Its number within its series.
    pub number: String,
    /// The day it was issued, in the store's time zone.
    pub issued_on: NaiveDate,
    /// The day the books were delivered.
    pub delivered_on: NaiveDate,
    /// The order as the buyer knows it.
    pub order_number: String,
    /// The invoice that a credit note corrects; for a new invoice after a correction, the one that it replaces.
    #[serde(default)]
    pub corrects: Option<Reference>,
    /// The currency of every amount.
    pub currency: Currency,
    /// Language and region, as a BCP 47 tag: words, amounts and dates follow it. An unknown one counts as English.
    pub locale: String,
    /// The paper it is laid out for.
    #[serde(default)]
    pub paper: Paper,
    /// Who sold.
    pub seller: Seller,
    /// Who bought.
    pub buyer: Buyer,
    /// Whether [`Line::unit_amount`], [`Line::discount`], [`Totals::lines`] and [`Totals::discount`] contain the tax.
    pub prices: Prices,
    /// What was sold, in the order of the sale.
    pub lines: Vec<Line>,
    /// The tax by name, rate and treatment; an untaxed group (reverse charge, exempt, …) is one too.
    pub taxes: Vec<TaxGroup>,
    /// The sums.
    pub totals: Totals,
    /// How and when it was paid (or, on a credit note, paid back).
    #[serde(default)]
    pub payment: Option<Payment>,
    /// What the buyer may do with the books.
    #[serde(default)]
    pub licence: String,
    /// Further sentences, one paragraph each. (The one about reverse charge is added by itself.)
    #[serde(default)]
    pub notes: Vec<String>,
}

/// Invoice or credit note.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Commercial invoice, code 380.
    Invoice,
    /// Credit note, code 381.
    CreditNote,
}

/// Another document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reference {
    /// Its number.
    pub number: String,
    /// The day it was issued.
    pub issued_on: NaiveDate,
}

/// Paper sizes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Paper {
    /// 210 × 297 mm.
    #[default]
    A4,
    /// 8.5 × 11 inches.
    Letter,
}

/// Who sold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seller {
    /// The name of the business.
    pub name: String,
    /// Street, postal code and town, one line each; without the country.
    #[serde(default)]
    pub address: Vec<String>,
    /// ISO 3166-1 alpha-2.
    #[serde(default)]
    pub country: Option<String>,
    /// With its country's prefix: `DE123456789`.
    #[serde(default)]
    pub vat_id: Option<String>,
    /// The tax office's number.
    #[serde(default)]
    pub tax_number: Option<String>,
    /// The number in the register of companies.
    #[serde(default)]
    pub registration: Option<String>,
    /// Where questions go.
    #[serde(default)]
    pub email: Option<String>,
    /// What the law wants at the foot: court of registration, directors, bank.
    #[serde(default)]
    pub legal_text: String,
    /// The logo's file: PNG, JPEG or SVG.
    #[serde(default)]
    pub logo: Option<Logo>,
}

/// A picture file, base64 in JSON.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Logo(pub Vec<u8>);

/// Who bought.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buyer {
    /// The company, if it is one.
    #[serde(default)]
    pub company: Option<String>,
    /// The person.
    #[serde(default)]
    pub name: Option<String>,
    /// Street, postal code and town, one line each; without the country.
    #[serde(default)]
    pub address: Vec<String>,
    /// ISO 3166-1 alpha-2.
    #[serde(default)]
    pub country: Option<String>,
    /// With its country's prefix.
    #[serde(default)]
    pub vat_id: Option<String>,
    /// Where the receipt went.
    #[serde(default)]
    pub email: Option<String>,
}

/// What prices and discounts contain.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Prices {
    /// Prices are what the buyer pays.
    IncludeTax,
    /// Tax is added to prices.
    ExcludeTax,
}

/// One thing sold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// The book's title.
    pub title: String,
    /// A few words below it: "E-book: EPUB, PDF".
    #[serde(default)]
    pub details: String,
    /// How many, at least one.
    pub quantity: u32,
    /// The price of one, before the discount; with or without tax as [`Document::prices`] says.
    pub unit_amount: i64,
    /// What was taken off the line as a whole; in the same terms.
    #[serde(default)]
    pub discount: i64,
    /// The line without tax, after the discount.
    pub net: i64,
    /// The rate in parts per million: 7 % is 70 000. With several taxes on a line, their sum.
    pub tax_rate_ppm: i64,
    /// How tax law treats it.
    pub treatment: Treatment,
    /// The tax on the line.
    pub tax: i64,
    /// Net and tax.
    pub gross: i64,
}

/// How tax law treats a sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Treatment {
    /// The country's usual rate.
    Standard,
    /// A lower one, as for books.
    Reduced,
    /// Taxed at nothing.
    Zero,
    /// The buyer, a business, owes the tax.
    ReverseCharge,
    /// Exempt, the small business for example.
    Exempt,
    /// Not a sale that this tax knows.
    OutsideScope,
}

/// What was taxed alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaxGroup {
    /// The tax's name where it is not the usual one of the language: "Texas sales tax".
    #[serde(default)]
    pub name: String,
    /// The rate in parts per million.
    pub rate_ppm: i64,
    /// The treatment of all of it.
    pub treatment: Treatment,
    /// The sum of the lines' net amounts.
    pub taxable: i64,
    /// The sum of their tax.
    pub tax: i64,
}

/// The sums of a document.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    /// All lines before discounts; with or without tax as [`Document::prices`] says.
    pub lines: i64,
    /// All discounts; in the same terms.
    pub discount: i64,
    /// All lines without tax, after discounts.
    pub net: i64,
    /// All tax.
    pub tax: i64,
    /// What is to be paid (or paid back).
    pub gross: i64,
    /// What has been.
    pub paid: i64,
}

/// How it was paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Payment {
    /// In words: "Visa •••• 4242".
    pub means: String,
    /// The day of it, in the store's time zone.
    pub on: NaiveDate,
}

impl Document {
    /// Every text that comes from outside.
    pub(crate) fn texts(&mut self) -> Vec<(Shape, &mut String)> {
        let mut texts = vec![&mut self.number, &mut self.order_number];
        texts.extend(self.corrects.as_mut().map(|other| &mut other.number));
        texts.extend(self.payment.as_mut().map(|payment| &mut payment.means));
        let Seller { name, address, country, vat_id, tax_number, registration, email, legal_text, logo: _ } =
            &mut self.seller;
        texts.push(name);
        texts.extend(address);
        texts.extend([country, vat_id, tax_number, registration, email].into_iter().flatten());
        let Buyer { company, name, address, country, vat_id, email } = &mut self.buyer;
        texts.extend(address);
        texts.extend([company, name, country, vat_id, email].into_iter().flatten());
        texts.extend(self.lines.iter_mut().flat_map(|line| [&mut line.title, &mut line.details]));
        texts.extend(self.taxes.iter_mut().map(|group| &mut group.name));
        let paragraphs = [legal_text, &mut self.licence].into_iter().chain(&mut self.notes);
        let paragraphs = paragraphs.map(|text| (Shape::Lines, text));
        texts.into_iter().map(|text| (Shape::OneLine, text)).chain(paragraphs).collect()
    }
}

impl From<Logo> for String {
    fn from(logo: Logo) -> Self {
        use base64::prelude::*;
        BASE64_STANDARD.encode(logo.0)
    }
}

impl TryFrom<String> for Logo {
    type Error = base64::DecodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        use base64::prelude::*;
        Ok(Self(BASE64_STANDARD.decode(text)?))
    }
}
