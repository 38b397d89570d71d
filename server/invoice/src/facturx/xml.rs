//! A document as UN/CEFACT's Cross Industry Invoice (D16B, as EN 16931 binds it). The order of the elements is the
//! schema's; the numbers in the comments are the standard's business terms.

use super::rules::category;
use crate::document::{Document, Kind, Line, TaxGroup, Treatment};
use crate::words::Words;
use chrono::NaiveDate;
use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};
use std::io;

/// The profile: the standard itself, nothing left out or added.
const PROFILE: &str = "urn:cen.eu:en16931:2017";

const NAMESPACES: [(&str, &str); 4] = [
    ("xmlns:rsm", "urn:un:unece:uncefact:data:standard:CrossIndustryInvoice:100"),
    ("xmlns:ram", "urn:un:unece:uncefact:data:standard:ReusableAggregateBusinessInformationEntity:100"),
    ("xmlns:udt", "urn:un:unece:uncefact:data:standard:UnqualifiedDataType:100"),
    ("xmlns:qdt", "urn:un:unece:uncefact:data:standard:QualifiedDataType:100"),
];

/// The XML of a document without shortcomings.
///
/// # Errors
/// None but what the writer may say, which writes to memory.
pub(crate) fn write(document: &Document) -> io::Result<Vec<u8>> {
    let mut xml = Writer::new(Vec::new());
    xml.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let root = xml.create_element("rsm:CrossIndustryInvoice").with_attributes(NAMESPACES);
    root.write_inner_content(|xml| Invoice { document, words: words(document) }.write(xml))?;
    Ok(xml.into_inner())
}

fn words(document: &Document) -> &'static Words {
    let language = document.locale.get(..2).unwrap_or_default();
    Words::of(&language.to_ascii_lowercase())
}

type Xml = Writer<Vec<u8>>;
type Written = io::Result<()>;

/// The few shapes that this format has.
trait Shapes {
    fn group(&mut self, name: &str, inner: impl FnOnce(&mut Self) -> Written) -> Written;
    fn text(&mut self, name: &str, value: &str) -> Written;
    /// An element with one attribute.
    fn with(&mut self, name: &str, attribute: (&str, &str), value: &str) -> Written;

    fn optional(&mut self, name: &str, value: Option<&str>) -> Written {
        value.filter(|value| !value.trim().is_empty()).map_or(Ok(()), |value| self.text(name, value))
    }

    /// A day, `YYYYMMDD`.
    fn day(&mut self, name: &str, string: &str, day: NaiveDate) -> Written {
        let value = day.format("%Y%m%d").to_string();
        self.group(name, |xml| xml.with(string, ("format", "102"), &value))
    }
}

impl Shapes for Xml {
    fn group(&mut self, name: &str, inner: impl FnOnce(&mut Self) -> Written) -> Written {
        self.create_element(name).write_inner_content(inner).map(drop)
    }

    fn text(&mut self, name: &str, value: &str) -> Written {
        self.create_element(name).write_text_content(BytesText::new(&allowed(value))).map(drop)
    }

    fn with(&mut self, name: &str, attribute: (&str, &str), value: &str) -> Written {
        let element = self.create_element(name).with_attribute(attribute);
        element.write_text_content(BytesText::new(&allowed(value))).map(drop)
    }
}

/// XML has no way to write most control characters.
fn allowed(text: &str) -> String {
    let allowed = |c: char| if c.is_control() && c != '\n' || matches!(c, '\u{FFFE}' | '\u{FFFF}') { ' ' } else { c };
    text.chars().map(allowed).collect()
}

struct Invoice<'a> {
    document: &'a Document,
    words: &'static Words,
}

impl Invoice<'_> {
    fn write(&self, xml: &mut Xml) -> Written {
        xml.group("rsm:ExchangedDocumentContext", |xml| {
            xml.group("ram:GuidelineSpecifiedDocumentContextParameter", |xml| xml.text("ram:ID", PROFILE))
        })?;
        let document = self.document;
        xml.group("rsm:ExchangedDocument", |xml| {
            xml.text("ram:ID", &document.number)?;
            xml.text(
                "ram:TypeCode",
                match document.kind {
                    Kind::Invoice => "380",
                    Kind::CreditNote => "381",
                },
            )?;
            xml.day("ram:IssueDateTime", "udt:DateTimeString", document.issued_on)?;
            let notes = document.notes.iter().chain([&document.licence]);
            for note in notes.filter(|note| !note.trim().is_empty()) {
                xml.group("ram:IncludedNote", |xml| xml.text("ram:Content", note))?;
            }
            Ok(())
        })?;
        xml.group("rsm:SupplyChainTradeTransaction", |xml| {
            for (number, line) in (1..).zip(&document.lines) {
                xml.group("ram:IncludedSupplyChainTradeLineItem", |xml| self.line(xml, number, line))?;
            }
            xml.group("ram:ApplicableHeaderTradeAgreement", |xml| self.agreement(xml))?;
            xml.group("ram:ApplicableHeaderTradeDelivery", |xml| {
                xml.group("ram:ActualDeliverySupplyChainEvent", |xml| {
                    xml.day("ram:OccurrenceDateTime", "udt:DateTimeString", document.delivered_on)
                })
            })?;
            xml.group("ram:ApplicableHeaderTradeSettlement", |xml| self.settlement(xml))
        })
    }

    fn line(&self, xml: &mut Xml, number: u32, line: &Line) -> Written {
        xml.group("ram:AssociatedDocumentLineDocument", |xml| xml.text("ram:LineID", &number.to_string()))?;
        xml.group("ram:SpecifiedTradeProduct", |xml| {
            xml.text("ram:Name", &line.title)?;
            xml.optional("ram:Description", Some(&line.details))
        })?;
        // BT-146: what one costs without tax, after the discount.
        xml.group("ram:SpecifiedLineTradeAgreement", |xml| {
            xml.group("ram:NetPriceProductTradePrice", |xml| {
                xml.text("ram:ChargeAmount", &self.price(line.net, line.quantity))
            })
        })?;
        xml.group("ram:SpecifiedLineTradeDelivery", |xml| {
            xml.with("ram:BilledQuantity", ("unitCode", "C62"), &line.quantity.to_string())
        })?;
        xml.group("ram:SpecifiedLineTradeSettlement", |xml| {
            xml.group("ram:ApplicableTradeTax", |xml| {
                xml.text("ram:TypeCode", "VAT")?;
                let category = category(line.treatment, line.tax_rate_ppm);
                xml.text("ram:CategoryCode", category)?;
                rate(xml, category, line.tax_rate_ppm)
            })?;
            xml.group("ram:SpecifiedTradeSettlementLineMonetarySummation", |xml| {
                xml.text("ram:LineTotalAmount", &self.amount(line.net))
            })
        })
    }

    /// Who deals with whom.
    fn agreement(&self, xml: &mut Xml) -> Written {
        let Document { seller, buyer, .. } = self.document;
        // BR-O-02: what is outside the scope of VAT names no VAT ids.
        let in_scope = |id: &Option<String>| {
            let outside = self.document.lines.iter().any(|line| line.treatment == Treatment::OutsideScope);
            id.clone().filter(|id| !outside && !id.trim().is_empty())
        };
        let vat_id = in_scope(&seller.vat_id);
        xml.group("ram:SellerTradeParty", |xml| {
            // BT-29, for want of another number (BR-CO-26).
            if vat_id.is_none() && seller.registration.is_none() {
                xml.optional("ram:ID", seller.tax_number.as_deref().or(seller.vat_id.as_deref()))?;
            }
            xml.text("ram:Name", &seller.name)?;
            xml.optional("ram:Description", Some(&seller.legal_text))?;
            if let Some(registration) = &seller.registration {
                xml.group("ram:SpecifiedLegalOrganization", |xml| xml.optional("ram:ID", Some(registration)))?;
            }
            address(xml, &seller.address, seller.country.as_deref())?;
            electronic_address(xml, seller.email.as_deref())?;
            registration(xml, "VA", vat_id.as_deref())?;
            registration(xml, "FC", seller.tax_number.as_deref())
        })?;
        xml.group("ram:BuyerTradeParty", |xml| {
            let named = |name: &&String| !name.trim().is_empty();
            let mut names = [&buyer.company, &buyer.name].into_iter().flatten().filter(named);
            xml.text("ram:Name", names.next().map_or("", String::as_str))?;
            // BT-56: the person at the company.
            if let Some(person) = names.next() {
                xml.group("ram:DefinedTradeContact", |xml| xml.text("ram:PersonName", person))?;
            }
            address(xml, &buyer.address, buyer.country.as_deref())?;
            electronic_address(xml, buyer.email.as_deref())?;
            registration(xml, "VA", in_scope(&buyer.vat_id).as_deref())
        })?;
        // BT-14: our number of the order.
        xml.group("ram:SellerOrderReferencedDocument", |xml| {
            xml.text("ram:IssuerAssignedID", &self.document.order_number)
        })
    }

    fn settlement(&self, xml: &mut Xml) -> Written {
        let Document { totals, payment, .. } = self.document;
        let currency = self.document.currency.code();
        xml.text("ram:InvoiceCurrencyCode", currency)?;
        if let Some(payment) = payment {
            xml.group("ram:SpecifiedTradeSettlementPaymentMeans", |xml| {
                // UNTDID 4461: an online payment service.
                xml.text("ram:TypeCode", "68")?;
                xml.optional("ram:Information", Some(&payment.means))
            })?;
        }
        for group in &self.document.taxes {
            xml.group("ram:ApplicableTradeTax", |xml| self.tax(xml, group))?;
        }
        if totals.paid < totals.gross {
            // BR-CO-25: when the rest is due.
            xml.group("ram:SpecifiedTradePaymentTerms", |xml| {
                xml.day("ram:DueDateDateTime", "udt:DateTimeString", self.document.issued_on)
            })?;
        }
        xml.group("ram:SpecifiedTradeSettlementHeaderMonetarySummation", |xml| {
            xml.text("ram:LineTotalAmount", &self.amount(totals.net))?;
            xml.text("ram:TaxBasisTotalAmount", &self.amount(totals.net))?;
            xml.with("ram:TaxTotalAmount", ("currencyID", currency), &self.amount(totals.tax))?;
            xml.text("ram:GrandTotalAmount", &self.amount(totals.gross))?;
            xml.text("ram:TotalPrepaidAmount", &self.amount(totals.paid))?;
            xml.text("ram:DuePayableAmount", &self.amount(totals.gross.saturating_sub(totals.paid)))
        })?;
        let Some(other) = &self.document.corrects else { return Ok(()) };
        xml.group("ram:InvoiceReferencedDocument", |xml| {
            xml.text("ram:IssuerAssignedID", &other.number)?;
            xml.day("ram:FormattedIssueDateTime", "qdt:DateTimeString", other.issued_on)
        })
    }

    fn tax(&self, xml: &mut Xml, group: &TaxGroup) -> Written {
        let (reason, code) = match group.treatment {
            Treatment::ReverseCharge => (Some(self.words.reverse_charge_note), Some("VATEX-EU-AE")),
            Treatment::Exempt => (Some(self.words.exempt_note), None),
            Treatment::OutsideScope => (Some(self.words.outside_scope_note), Some("VATEX-EU-O")),
            Treatment::Standard | Treatment::Reduced | Treatment::Zero => (None, None),
        };
        let category = category(group.treatment, group.rate_ppm);
        xml.text("ram:CalculatedAmount", &self.amount(group.tax))?;
        xml.text("ram:TypeCode", "VAT")?;
        xml.optional("ram:ExemptionReason", reason)?;
        xml.text("ram:BasisAmount", &self.amount(group.taxable))?;
        xml.text("ram:CategoryCode", category)?;
        xml.optional("ram:ExemptionReasonCode", code)?;
        rate(xml, category, group.rate_ppm)
    }

    /// An amount with the decimals that its currency has, at most two.
    fn amount(&self, minor: i64) -> String {
        match self.document.currency.decimals() {
            3 => decimal(i128::from(minor / 10), 2),
            decimals => decimal(i128::from(minor), decimals),
        }
    }

    /// What one of several costs; a price may have as many decimals as it needs.
    fn price(&self, net: i64, quantity: u32) -> String {
        let decimals = self.document.currency.decimals();
        if quantity <= 1 {
            return self.amount(net);
        }
        let quantity = i128::from(quantity);
        decimal((i128::from(net) * 1_000_000 + quantity / 2) / quantity, decimals + 6)
    }
}

/// BT-151, BT-119: in percent, except where there is none (BR-O-05).
fn rate(xml: &mut Xml, category: &str, rate_ppm: i64) -> Written {
    match category {
        "O" => Ok(()),
        "S" => xml.text("ram:RateApplicablePercent", &decimal(i128::from(rate_ppm), 4)),
        _ => xml.text("ram:RateApplicablePercent", "0"),
    }
}

fn address(xml: &mut Xml, lines: &[String], country: Option<&str>) -> Written {
    let lines: Vec<_> = lines.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).collect();
    xml.group("ram:PostalTradeAddress", |xml| {
        let (first, rest) = lines.split_at(lines.len().min(2));
        for (name, line) in ["ram:LineOne", "ram:LineTwo"].into_iter().zip(first) {
            xml.text(name, line)?;
        }
        xml.optional("ram:LineThree", Some(&rest.join(", ")))?;
        xml.optional("ram:CountryID", country)
    })
}

fn electronic_address(xml: &mut Xml, email: Option<&str>) -> Written {
    let Some(email) = email.filter(|email| !email.trim().is_empty()) else { return Ok(()) };
    xml.group("ram:URIUniversalCommunication", |xml| xml.with("ram:URIID", ("schemeID", "EM"), email))
}

fn registration(xml: &mut Xml, scheme: &str, id: Option<&str>) -> Written {
    let Some(id) = id.filter(|id| !id.trim().is_empty()) else { return Ok(()) };
    xml.group("ram:SpecifiedTaxRegistration", |xml| xml.with("ram:ID", ("schemeID", scheme), id))
}

/// `value` × 10^-decimals, without zeros at the end.
fn decimal(value: i128, decimals: u8) -> String {
    let scale = 10_i128.pow(u32::from(decimals));
    let (units, rest) = (value / scale, value % scale);
    if rest == 0 {
        return units.to_string();
    }
    let rest = format!("{rest:0width$}", width = usize::from(decimals));
    format!("{units}.{}", rest.trim_end_matches('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        for (value, decimals, text) in
            [(0, 2, "0"), (5, 2, "0.05"), (1_250, 2, "12.5"), (500, 0, "500"), (70_000, 4, "7"), (88_750, 4, "8.875")]
        {
            assert_eq!(decimal(value, decimals), text);
        }
    }

    #[test]
    fn what_xml_cannot_write_is_a_space() {
        assert_eq!(allowed("a\u{0}b\u{b}c\td\ne\u{ffff}f"), "a b c d\ne f");
    }
}
