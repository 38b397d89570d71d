//! What an invoice takes: one page of five lines with a logo, tagged, PDF/A-3. `end2end/yardsticks/pdfkit.js` makes the
//! same page by hand.

use crate::process;
use anyhow::Result;
use invoice::Document;
use std::time::Instant;

/// Prints µs of CPU each, invoices a second one after the other, and bytes.
pub(crate) fn speed(xml: bool, times: u32) -> Result<()> {
    let document = document(xml)?;
    let mut bytes = 0;
    for number in 0..200 {
        bytes = invoice::render(&numbered(&document, number))?.len();
    }
    let (began, before) = (Instant::now(), process::cpu(std::process::id())?);
    for number in 0..times {
        invoice::render(&numbered(&document, 1_000 + number))?;
    }
    let wall = began.elapsed().as_micros().max(1);
    let cpu = process::cpu(std::process::id())?.saturating_sub(before) / times.max(1);
    println!("{} {} {bytes}", cpu.as_micros(), u128::from(times) * 1_000_000 / wall);
    Ok(())
}

/// Prints the MB that the process has more than before the first invoice: at most, and after the last.
pub(crate) fn memory(times: u32) -> Result<()> {
    let document = document(true)?;
    let me = std::process::id();
    let idle = process::memory(me)?;
    let mut most = idle;
    for number in 0..times {
        invoice::render(&numbered(&document, number))?;
        if number % 100 == 0 {
            most = most.max(process::memory(me)?);
        }
    }
    let end = process::memory(me)?;
    println!("{} {}", most.max(end).saturating_sub(idle) / 1_024, end.saturating_sub(idle) / 1_024);
    Ok(())
}

/// The one-page invoice of the tests; without the buyer's country it has no XML.
fn document(xml: bool) -> Result<Document> {
    let mut document: Document = serde_json::from_str(include_str!("../../invoice/tests/documents/one-page.json"))?;
    if !xml {
        document.buyer.country = None;
    }
    Ok(document)
}

/// Every invoice is another one, as in a store: another number, order, buyer, and other books. The seller, the day and the prices
/// are what invoices have in common.
fn numbered(document: &Document, number: u32) -> Document {
    let mut document = document.clone();
    document.number = format!("INV-2026-{number:05}");
    document.order_number = format!("{number:05}-9XTRB");
    let buyer = &mut document.buyer;
    for text in [&mut buyer.name, &mut buyer.email].into_iter().flatten().chain(&mut buyer.address) {
        *text = format!("{text} {number}");
    }
    for line in &mut document.lines {
        line.title = format!("{} {number}", line.title);
    }
    document
}
