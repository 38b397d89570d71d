//! Documents to begin with.

use chrono::NaiveDate;
use invoice::{Buyer, Document, Kind, Line, Paper, Payment, Prices, Seller, TaxGroup, Totals, Treatment};

/// Five e-books at 7 %, prices with tax, paid by card.
pub(crate) fn five_books() -> Document {
    let titles =
        ["The Cartographer’s Daughter", "Salt and Ink", "A Field Guide to Forgetting", "Winter Letters", "Ördög"];
    let lines: Vec<_> =
        titles.iter().zip([999, 1_299, 499, 1_999, 749]).map(|(title, price)| line(title, price)).collect();
    let day = NaiveDate::from_ymd_opt(2026, 11, 26).unwrap();
    let mut document = Document {
        kind: Kind::Invoice,
        number: "INV-2026-00042".to_owned(),
        issued_on: day,
        delivered_on: day,
        order_number: "7KQ2M-9XTRB".to_owned(),
        corrects: None,
        currency: "EUR".parse().unwrap(),
        locale: "en".to_owned(),
        paper: Paper::A4,
        seller: Seller {
            name: "Bücherstube Lindenhof GmbH".to_owned(),
            address: vec!["Lindenallee 7".to_owned(), "10115 Berlin".to_owned()],
            country: Some("DE".to_owned()),
            vat_id: Some("DE123456789".to_owned()),
            tax_number: Some("37/123/45678".to_owned()),
            registration: Some("HRB 123456 B".to_owned()),
            email: Some("hello@lindenhof.example".to_owned()),
            legal_text: "Amtsgericht Charlottenburg\nManaging director: Ada Lindqvist".to_owned(),
            logo: None,
        },
        buyer: Buyer {
            company: None,
            name: Some("Zoë Žižek".to_owned()),
            address: vec!["12 Rue des Lilas".to_owned(), "75011 Paris".to_owned()],
            country: Some("FR".to_owned()),
            vat_id: None,
            email: Some("zoe@example.test".to_owned()),
        },
        prices: Prices::IncludeTax,
        lines,
        taxes: Vec::new(),
        totals: Totals::default(),
        payment: Some(Payment { means: "Visa •••• 4242".to_owned(), on: day }),
        licence: "For your own reading on all your devices. Please don’t pass the files on.".to_owned(),
        notes: Vec::new(),
    };
    sum_up(&mut document);
    document
}

/// One copy with a price that contains 7 %.
pub(crate) fn line(title: &str, price: i64) -> Line {
    let net = (price * 100 + 53) / 107;
    Line {
        title: title.to_owned(),
        details: "E-book: EPUB, PDF".to_owned(),
        quantity: 1,
        unit_amount: price,
        discount: 0,
        net,
        tax_rate_ppm: 70_000,
        treatment: Treatment::Reduced,
        tax: price - net,
        gross: price,
    }
}

/// Tax groups and totals of the lines, all paid.
pub(crate) fn sum_up(document: &mut Document) {
    document.taxes = Vec::new();
    let mut totals = Totals::default();
    for line in &document.lines {
        totals.lines += line.unit_amount * i64::from(line.quantity);
        totals.discount += line.discount;
        totals.net += line.net;
        totals.tax += line.tax;
        totals.gross += line.gross;
        let same = |group: &&mut TaxGroup| group.rate_ppm == line.tax_rate_ppm && group.treatment == line.treatment;
        if let Some(group) = document.taxes.iter_mut().find(same) {
            group.taxable += line.net;
            group.tax += line.tax;
        } else {
            document.taxes.push(TaxGroup {
                name: String::new(),
                rate_ppm: line.tax_rate_ppm,
                treatment: line.treatment,
                taxable: line.net,
                tax: line.tax,
            });
        }
    }
    totals.paid = totals.gross;
    document.totals = totals;
}
