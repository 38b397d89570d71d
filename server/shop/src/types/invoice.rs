//! Invoices and credit notes, as lists and forms show them.

use super::Money;
use serde::{Deserialize, Serialize};

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InvoiceKind {
    /// What the buyer owes, and has paid.
    Invoice,
    /// What is taken back of an invoice.
    CreditNote,
}

impl InvoiceKind {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Invoice => "invoice",
            Self::CreditNote => "credit_note",
        }
    }

    /// The kind of that name.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Invoice, Self::CreditNote].into_iter().find(|kind| kind.as_str() == text)
    }

    /// For people.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Invoice => "Invoice",
            Self::CreditNote => "Credit note",
        }
    }
}

/// A document of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InvoiceLink {
    /// Its number.
    pub number: String,
    /// What it is.
    pub kind: InvoiceKind,
    /// For reading: "22 November 2026".
    pub issued_on: String,
    /// For programs: "2026-11-22".
    pub day: String,
    /// What it comes to.
    pub total: Money,
    /// The number of the document that it corrects.
    pub corrects: Option<String>,
}

impl InvoiceLink {
    /// Where its PDF is.
    #[must_use]
    pub fn address(&self) -> String {
        pdf_address(&self.number)
    }
}

/// Where the PDF of a document is: a number may have letters that mean something in an address.
#[must_use]
pub fn pdf_address(number: &str) -> String {
    format!("/invoices/{}.pdf", in_path(number))
}

/// A text as one part of a path.
#[must_use]
pub fn in_path(text: &str) -> String {
    let mut part = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-_.".contains(&byte) {
            part.push(char::from(byte));
        } else {
            part.push_str(&format!("%{byte:02X}"));
        }
    }
    part
}

/// Whom an invoice is made out to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuyerDetails {
    /// A person's name.
    pub name: String,
    /// A company's, if it is one that buys.
    pub company: String,
    /// In the form without spaces, or empty.
    pub vat_id: String,
    /// Street, town: line by line.
    pub address: Vec<String>,
    /// ISO 3166, or empty.
    pub country: String,
}

/// What is wrong with the details.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDetails {
    /// Neither a person nor a company.
    #[error("an invoice is made out to a name or a company")]
    NoName,
    /// More than there is room for on a page.
    #[error("at most 120 characters a line, and six lines of address")]
    TooLong,
    /// Not two letters.
    #[error("a country is two letters, like DE or US")]
    Country,
    /// Not of the form that VAT ids have.
    #[error("a VAT id begins with two letters and has 4 to 15 letters and digits in all")]
    VatId,
}

impl BuyerDetails {
    const LONGEST: usize = 120;
    const LINES: usize = 6;

    /// Reads what was typed: trimmed, the VAT id without spaces and in capitals, the address one line a line.
    ///
    /// # Errors
    /// [`InvalidDetails`]: what is missing, too long or no such thing.
    pub fn parse(
        name: &str,
        company: &str,
        vat_id: &str,
        address: &str,
        country: &str,
    ) -> Result<Self, InvalidDetails> {
        let line = |text: &str| {
            let words: Vec<&str> =
                text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|w| !w.is_empty()).collect();
            words.join(" ")
        };
        let capitals = |text: &str| -> String {
            text.chars().filter(|c| !c.is_whitespace() && !"-.".contains(*c)).collect::<String>().to_uppercase()
        };
        let details = Self {
            name: line(name),
            company: line(company),
            vat_id: capitals(vat_id),
            address: address.lines().map(line).filter(|line| !line.is_empty()).collect(),
            country: capitals(country),
        };
        let long = |line: &String| line.chars().count() > Self::LONGEST;
        if [&details.name, &details.company].into_iter().chain(&details.address).any(long)
            || details.address.len() > Self::LINES
        {
            return Err(InvalidDetails::TooLong);
        }
        if details.name.is_empty() && details.company.is_empty() {
            return Err(InvalidDetails::NoName);
        }
        let letters = |text: &str| text.bytes().all(|byte| byte.is_ascii_uppercase());
        let country = &details.country;
        if !country.is_empty() && (country.len() != 2 || !letters(country)) {
            return Err(InvalidDetails::Country);
        }
        let id = details.vat_id.as_str();
        let formed = (4..=15).contains(&id.len())
            && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
            && id.get(..2).is_some_and(letters);
        if !id.is_empty() && !formed {
            return Err(InvalidDetails::VatId);
        }
        Ok(details)
    }
}

/// What the desk types about who sells.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct SellerForm {
    /// The name that the store trades under.
    pub name: String,
    /// Line by line.
    pub address: String,
    /// Two letters.
    pub country: String,
    /// For trade within the EU.
    pub vat_id: String,
    /// Of the tax office.
    pub tax_number: String,
    /// Where a buyer may write to.
    pub email: String,
    /// What the law wants at the foot.
    pub legal_text: String,
    /// What the buyer may do with the files.
    pub licence_text: String,
    /// The documents' language.
    pub locale: String,
    /// `A4` or `Letter`.
    pub paper: String,
}

/// The form in which a buyer says whom the invoice is made out to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuyerForm {
    /// The number of the invoice that would be replaced.
    pub replaces: String,
    /// What it says now.
    pub details: BuyerDetails,
    /// Until when the buyer may change it, for reading.
    pub until: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_read_as_people_type_them() {
        let read =
            BuyerDetails::parse(" Ann  Lee ", "", "de 123.456-789", "Gasse 1\r\n\r\n 10115 Berlin \n", "de").unwrap();
        assert_eq!((read.name.as_str(), read.vat_id.as_str(), read.country.as_str()), ("Ann Lee", "DE123456789", "DE"));
        assert_eq!(read.address, ["Gasse 1", "10115 Berlin"]);
        // Nothing of it becomes a second line.
        assert_eq!(BuyerDetails::parse("Ann\r\nBcc: x\u{0}y", "", "", "", "").unwrap().name, "Ann Bcc: x y");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let parse =
            |name: &str, vat: &str, address: &str, country: &str| BuyerDetails::parse(name, "", vat, address, country);
        assert_eq!(parse("", "", "", ""), Err(InvalidDetails::NoName));
        assert_eq!(parse(&"a".repeat(121), "", "", ""), Err(InvalidDetails::TooLong));
        assert_eq!(parse("Ann", "", &"x\n".repeat(7), ""), Err(InvalidDetails::TooLong));
        for country in ["D", "DEU", "D1", "é"] {
            assert_eq!(parse("Ann", "", "", country), Err(InvalidDetails::Country), "{country}");
        }
        for id in ["DE1", "123456789", "D1234567", "DE12345678901234", "DE12345é"] {
            assert_eq!(parse("Ann", id, "", ""), Err(InvalidDetails::VatId), "{id}");
        }
    }

    #[test]
    fn a_number_is_one_part_of_an_address() {
        assert_eq!(pdf_address("INV-2026-00042"), "/invoices/INV-2026-00042.pdf");
        assert_eq!(pdf_address("2026/42 (#1)"), "/invoices/2026%2F42%20%28%231%29.pdf");
    }
}
