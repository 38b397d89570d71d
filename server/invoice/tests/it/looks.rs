//! What stands on the paper.

use crate::support::five_books;

#[test]
fn an_invoice_is_made_and_the_same_bytes_each_time() {
    let document = five_books();
    let pdf = invoice::render(&document).unwrap();
    assert!(pdf.starts_with(b"%PDF-1.7"));
    assert_eq!(pdf, invoice::render(&document).unwrap());
    let again: invoice::Document = serde_json::from_str(&serde_json::to_string(&document).unwrap()).unwrap();
    assert_eq!(again, document);
}
