//! What an invoice takes, for `make bench`: one page of five lines with a logo, tagged, PDF/A-3, with and without
//! the EN 16931 data.
//!
//!     bench speed plain|xml COUNT     µs of CPU each, invoices a second, bytes
//!     bench memory COUNT              MB above idle at most, and at the end

use invoice::Document;
use std::error::Error;
use std::fs;
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    match arguments[..] {
        ["speed", data, count] => speed(&document(data == "xml")?, count.parse()?),
        ["memory", count] => memory(&document(true)?, count.parse()?),
        _ => Err("bench speed plain|xml COUNT, bench memory COUNT".into()),
    }
}

/// The one-page invoice of the tests; without a country of the buyer it has no XML.
fn document(xml: bool) -> Result<Document, Box<dyn Error>> {
    let mut document: Document = serde_json::from_str(include_str!("../tests/documents/one-page.json"))?;
    if !xml {
        document.buyer.country = None;
    }
    Ok(document)
}

/// Every invoice is another one, as in a store.
fn numbered(document: &Document, number: u64) -> Document {
    let mut document = document.clone();
    document.number = format!("INV-2026-{number:05}");
    if let Some(line) = document.lines.first_mut() {
        line.title = format!("{} {number}", line.title);
    }
    document
}

fn speed(document: &Document, count: u64) -> Result<(), Box<dyn Error>> {
    let mut bytes = 0;
    for number in 0..200 {
        bytes = invoice::render(&numbered(document, number))?.len();
    }
    let (began, cpu) = (Instant::now(), cpu_ticks()?);
    for number in 0..count {
        invoice::render(&numbered(document, 1_000 + number))?;
    }
    let wall = began.elapsed().as_micros();
    // A tick is ten milliseconds on every Linux that we know.
    let cpu = (cpu_ticks()? - cpu) * 10_000 / count;
    println!("{cpu} {} {bytes}", u128::from(count) * 1_000_000 / wall.max(1));
    Ok(())
}

fn memory(document: &Document, count: u64) -> Result<(), Box<dyn Error>> {
    let idle = status("VmRSS")?;
    for number in 0..count {
        invoice::render(&numbered(document, number))?;
    }
    println!("{} {}", (status("VmHWM")? - idle) / 1_024, (status("VmRSS")? - idle) / 1_024);
    Ok(())
}

/// User and system time of the process.
fn cpu_ticks() -> Result<u64, Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields = stat.rsplit_once(')').ok_or("no end of the name")?.1;
    let times = fields.split_whitespace().skip(11).take(2);
    Ok(times.map(str::parse::<u64>).sum::<Result<u64, _>>()?)
}

/// A figure of the process, in KB.
fn status(name: &str) -> Result<u64, Box<dyn Error>> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with(name)).ok_or("no such figure")?;
    Ok(line.split_whitespace().nth(1).ok_or("no figure")?.parse()?)
}
