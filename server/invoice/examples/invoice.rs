//! Makes the PDF of a document: `cargo run -p invoice --example invoice DOCUMENT.json OUT.pdf …`, as many pairs as
//! you like. Says what keeps a document from having its machine-readable half.

use std::fs;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let paths: Vec<_> = std::env::args().skip(1).collect();
    for pair in paths.chunks(2) {
        let [from, to] = pair else { return Err("a document without a place for its PDF".into()) };
        let document = serde_json::from_str(&fs::read_to_string(from)?)?;
        for shortcoming in invoice::shortcomings(&document) {
            println!("{from}: no XML, {shortcoming}");
        }
        fs::write(to, invoice::render(&document)?)?;
    }
    Ok(())
}
