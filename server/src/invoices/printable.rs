//! From what the shop keeps of a document to what the renderer lays out.

use bytes::Bytes;
use invoice::{Kind, Logo, Paper, Payment, Prices, TaxGroup, Totals, Treatment};
use shop::invoices::{Document, Line, LineTax};
use shop::types::{InvoiceKind, TaxTreatment};

const MILLION: i128 = 1_000_000;

pub(super) fn printable(document: &Document, logo: Option<Bytes>) -> invoice::Document {
    let lines: Vec<invoice::Line> = document.lines.iter().map(line).collect();
    let sum = |part: fn(&invoice::Line) -> i64| lines.iter().map(part).fold(0_i64, i64::saturating_add);
    let totals = Totals {
        lines: sum(|line| line.unit_amount),
        discount: sum(|line| line.discount),
        net: document.total.saturating_sub(document.tax),
        tax: document.tax,
        gross: document.total,
        paid: document.total,
    };
    let (seller, buyer) = (&document.seller, &document.buyer);
    let filled = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    invoice::Document {
        kind: match document.kind {
            InvoiceKind::Invoice => Kind::Invoice,
            InvoiceKind::CreditNote => Kind::CreditNote,
        },
        number: document.number.clone(),
        issued_on: document.issued_on,
        delivered_on: document.delivered_on,
        order_number: order_number(&document.order),
        corrects: document
            .corrects
            .as_ref()
            .map(|other| invoice::Reference { number: other.number.clone(), issued_on: other.on }),
        currency: document.currency,
        locale: document.locale.clone(),
        paper: if document.paper == "Letter" { Paper::Letter } else { Paper::A4 },
        seller: invoice::Seller {
            name: seller.name.clone(),
            address: seller.address.clone(),
            country: filled(&seller.country),
            vat_id: filled(&seller.vat_id),
            tax_number: filled(&seller.tax_number),
            registration: None,
            email: filled(&seller.email),
            legal_text: seller.legal_text.clone(),
            logo: logo.map(|picture| Logo(picture.to_vec())),
        },
        buyer: invoice::Buyer {
            company: buyer.company.clone(),
            name: buyer.name.clone(),
            address: buyer.address.clone(),
            country: buyer.country.clone(),
            vat_id: buyer.vat_id.clone(),
            email: filled(&buyer.email),
        },
        prices: if document.lines.iter().any(Line::holds_tax) { Prices::IncludeTax } else { Prices::ExcludeTax },
        taxes: groups(&document.lines),
        lines,
        totals,
        payment: document.paid.as_ref().map(|paid| Payment { means: paid.with.clone(), on: paid.on }),
        licence: seller.licence_text.clone(),
        notes: document.notes.clone(),
    }
}

/// As buyers know it: "ABCDE-FGHJK".
fn order_number(number: &str) -> String {
    number.parse().map_or_else(|_| number.to_owned(), |number: shop::types::OrderNumber| number.to_string())
}

fn line(line: &Line) -> invoice::Line {
    let net = line.total.saturating_sub(line.tax);
    invoice::Line {
        title: line.title.clone(),
        details: String::new(),
        quantity: 1,
        unit_amount: line.unit_amount,
        discount: line.discount,
        net,
        tax_rate_ppm: rate(line, net),
        treatment: treatment(line.taxes.first(), line.tax),
        tax: line.tax,
        gross: line.total,
    }
}

/// The sum of a line's rates; where nothing but the tax itself is known, what it comes to.
fn rate(line: &Line, net: i64) -> i64 {
    if !line.taxes.is_empty() {
        return line.taxes.iter().map(|tax| tax.rate_ppm).fold(0, i64::saturating_add);
    }
    if net <= 0 {
        return 0;
    }
    let (tax, net) = (i128::from(line.tax), i128::from(net));
    i64::try_from((tax * MILLION + net / 2) / net).unwrap_or(0)
}

/// Of a title that nobody taxes, no tax knows the sale.
fn treatment(tax: Option<&LineTax>, amount: i64) -> Treatment {
    match tax.map(|tax| tax.treatment) {
        Some(TaxTreatment::Standard) => Treatment::Standard,
        Some(TaxTreatment::Reduced) => Treatment::Reduced,
        Some(TaxTreatment::Zero) => Treatment::Zero,
        Some(TaxTreatment::ReverseCharge) => Treatment::ReverseCharge,
        Some(TaxTreatment::Exempt) => Treatment::Exempt,
        Some(TaxTreatment::OutsideScope) => Treatment::OutsideScope,
        None if amount > 0 => Treatment::Standard,
        None => Treatment::OutsideScope,
    }
}

/// What is taxed alike, in the order in which it comes.
fn groups(lines: &[Line]) -> Vec<TaxGroup> {
    let mut groups: Vec<TaxGroup> = Vec::new();
    let mut add = |name: &str, rate_ppm: i64, treatment: Treatment, taxable: i64, tax: i64| {
        // "VAT" is what the language calls it; another name is one of the country's own.
        let name = if ["VAT", "Tax", ""].contains(&name) { "" } else { name };
        let same = |group: &&mut TaxGroup| {
            (group.name.as_str(), group.rate_ppm, group.treatment) == (name, rate_ppm, treatment)
        };
        match groups.iter_mut().find(same) {
            Some(group) => {
                group.taxable = group.taxable.saturating_add(taxable);
                group.tax = group.tax.saturating_add(tax);
            }
            None => groups.push(TaxGroup { name: name.to_owned(), rate_ppm, treatment, taxable, tax }),
        }
    };
    for line in lines {
        let net = line.total.saturating_sub(line.tax);
        if line.taxes.is_empty() {
            add("", rate(line, net), treatment(None, line.tax), net, line.tax);
        }
        for tax in &line.taxes {
            add(&tax.name, tax.rate_ppm, treatment(Some(tax), tax.amount), tax.taxable, tax.amount);
        }
    }
    groups
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tax(name: &str, rate_ppm: i64, taxable: i64, amount: i64) -> LineTax {
        LineTax {
            country: "DE".into(),
            name: name.into(),
            rate_ppm,
            taxable,
            amount,
            treatment: TaxTreatment::Reduced,
            inclusive: true,
        }
    }

    fn title(total: i64, tax: i64, taxes: Vec<LineTax>) -> Line {
        Line { title: "Emma".into(), unit_amount: total, tax, total, taxes, ..Line::default() }
    }

    #[test]
    fn what_is_taxed_alike_is_one_group() {
        let lines = [
            title(1_070, 70, vec![tax("VAT", 70_000, 1_000, 70)]),
            title(535, 35, vec![tax("VAT", 70_000, 500, 35)]),
            title(1_190, 190, vec![tax("VAT", 190_000, 1_000, 190)]),
        ];
        let groups = groups(&lines);
        assert_eq!(groups.len(), 2);
        assert_eq!((groups[0].taxable, groups[0].tax, groups[0].rate_ppm), (1_500, 105, 70_000));
    }

    #[test]
    fn a_tax_of_before_has_the_rate_that_it_comes_to() {
        let old = title(1_190, 190, Vec::new());
        assert_eq!((line(&old).tax_rate_ppm, line(&old).treatment), (190_000, Treatment::Standard));
        let untaxed = title(500, 0, Vec::new());
        assert_eq!((line(&untaxed).tax_rate_ppm, line(&untaxed).treatment), (0, Treatment::OutsideScope));
    }
}
