//! Which documents have a machine-readable half, and what it says. That the schemas accept it is shown by
//! `scripts/invoice-check.sh`.

use crate::support::document;
use invoice::{Document, Shortcoming, Treatment, shortcomings};

/// Whether the PDF has the XML, and says so.
fn declared(document: &Document) -> bool {
    let pdf = invoice::render(document).unwrap();
    let file = String::from_utf8_lossy(&pdf);
    let attached = file.contains("/AFRelationship/Alternative");
    assert_eq!(attached, file.contains("<fx:ConformanceLevel>EN 16931</fx:ConformanceLevel>"));
    assert_eq!(attached, file.contains("factur-x.xml"));
    attached
}

#[test]
fn documents_of_europe_have_it_and_others_do_not() {
    for name in ["one-page", "three-pages", "credit-note", "reverse-charge", "exempt", "outside-scope", "two-rates"] {
        assert_eq!(shortcomings(&document(name)), [], "{name}");
        assert!(declared(&document(name)), "{name}");
    }
    for name in ["arabic", "yen", "letter"] {
        assert!(shortcomings(&document(name)).contains(&Shortcoming::NoVatCountry), "{name}");
        assert!(!declared(&document(name)), "{name}");
    }
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    type Break = fn(&mut Document);
    let breaks: [(Break, Shortcoming); 15] = [
        (|it| it.seller.name.clear(), Shortcoming::SellerName),
        (|it| it.seller.country = None, Shortcoming::SellerCountry),
        (|it| it.seller.country = Some("us".to_owned()), Shortcoming::SellerCountry),
        (|it| (it.seller.vat_id, it.seller.tax_number) = (None, Some(" ".to_owned())), Shortcoming::SellerTaxNumber),
        (|it| it.buyer.name = None, Shortcoming::BuyerName),
        (|it| it.buyer.country = None, Shortcoming::BuyerCountry),
        (|it| it.lines[0].title = " ".to_owned(), Shortcoming::Lines),
        (|it| it.currency = "KWD".parse().unwrap(), Shortcoming::Decimals),
        (|it| it.taxes.push(it.taxes[0].clone()), Shortcoming::TaxPerLine),
        (|it| it.lines[0].treatment = Treatment::OutsideScope, Shortcoming::MixedScope),
        (|it| it.totals.gross += 1, Shortcoming::Sums),
        (|it| it.totals.paid = it.totals.gross + 1, Shortcoming::Sums),
        (|it| it.lines[0].net += 1, Shortcoming::Sums),
        (|it| it.taxes[0].tax += 100, Shortcoming::Sums),
        (|it| it.lines[0].quantity = 0, Shortcoming::Sums),
    ];
    for (number, (break_it, shortcoming)) in breaks.into_iter().enumerate() {
        let mut document = document("one-page");
        break_it(&mut document);
        let found = shortcomings(&document);
        assert!(found.contains(&shortcoming), "{number}: {found:?}");
        assert!(!shortcoming.to_string().is_empty());
        assert!(!declared(&document), "{number}");
    }
    let mut reverse = document("reverse-charge");
    reverse.buyer.vat_id = None;
    assert_eq!(shortcomings(&reverse), [Shortcoming::BuyerVatId]);
    let mut credit = document("credit-note");
    credit.corrects.as_mut().unwrap().number.clear();
    assert_eq!(shortcomings(&credit), [Shortcoming::Correction]);
}
