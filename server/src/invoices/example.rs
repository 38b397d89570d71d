//! A document that nobody has bought: how the seller's details look.

use chrono::NaiveDate;
use shop::Shop;
use shop::invoices::{Buyer, Document, Line, LineTax, Settled};
use shop::types::{InvoiceKind, TaxTreatment};

/// Two titles for somebody in another country, as the store would issue them today.
pub(crate) async fn example(shop: &Shop, today: NaiveDate) -> Result<Document, shop::Error> {
    let line = |position, title: &str, net: i64| {
        let amount = net * 7 / 100;
        Line {
            title: title.to_owned(),
            unit_amount: net + amount,
            tax: amount,
            total: net + amount,
            position: Some(position),
            taxes: vec![LineTax {
                country: "FR".into(),
                name: "VAT".into(),
                rate_ppm: 70_000,
                taxable: net,
                amount,
                treatment: TaxTreatment::Reduced,
                inclusive: true,
            }],
            ..Line::default()
        }
    };
    let lines = vec![line(0, "The first book", 900), line(1, "A title that is as long as some titles are", 1_400)];
    let (total, tax) = lines.iter().fold((0, 0), |(total, tax), line| (total + line.total, tax + line.tax));
    let (seller, look) = shop.seller_now().await?;
    Ok(Document {
        kind: InvoiceKind::Invoice,
        number: shop.number_for_example(today),
        issued_on: today,
        delivered_on: today,
        order: "ABCDEFGHJK".into(),
        corrects: None,
        currency: shop.currency(),
        seller,
        buyer: Buyer {
            email: "reader@example.org".into(),
            name: Some("Ann Lee".into()),
            country: Some("FR".into()),
            company: Some("Example SARL".into()),
            vat_id: Some("FR12345678901".into()),
            address: vec!["12 Rue des Lilas".into(), "75011 Paris".into()],
        },
        lines,
        total,
        tax,
        paid: Some(Settled { with: "Visa •••• 4242".into(), on: today }),
        notes: Vec::new(),
        locale: look.locale,
        paper: look.paper,
    })
}
