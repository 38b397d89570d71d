//! What stands on the paper: text and picture of each document are kept beside it. After a change that is meant,
//! `BLESS=1 cargo test -p invoice` writes them anew; look at them before they are committed.

use crate::support::{document, documents, names, read_with, words_of};
use image::GrayImage;
use invoice::{Logo, Paper};
use std::path::Path;

/// So small that a letter is a few dots, which are enough to see that something moved.
const DOTS_PER_INCH: &str = "40";

#[test]
fn each_document_has_the_text_and_the_looks_that_it_had() {
    let bless = std::env::var_os("BLESS").is_some();
    for name in names() {
        let pdf = invoice::render(&document(&name)).unwrap();
        let text = String::from_utf8(read_with("pdftotext", &["-layout", "-enc", "UTF-8", "PDF", "-"], &pdf)).unwrap();
        let pages = pictures(&pdf);
        let text_path = documents().join(format!("{name}.txt"));
        let picture_path = documents().join(format!("{name}.png"));
        if bless {
            std::fs::write(&text_path, &text).unwrap();
            side_by_side(&pages).save(&picture_path).unwrap();
        }
        assert_eq!(text, std::fs::read_to_string(&text_path).unwrap(), "{name}");
        assert_alike(&side_by_side(&pages), &picture_path);
    }
}

#[test]
fn the_same_document_is_the_same_bytes() {
    for name in ["one-page", "three-pages", "scripts"] {
        let pdf = invoice::render(&document(name)).unwrap();
        assert!(pdf.starts_with(b"%PDF-1.7"));
        assert_eq!(pdf, invoice::render(&document(name)).unwrap(), "{name}");
    }
}

#[test]
fn a_snapshot_is_one_json() {
    for name in names() {
        let document = document(&name);
        let again: invoice::Document = serde_json::from_str(&serde_json::to_string(&document).unwrap()).unwrap();
        assert_eq!(again, document);
    }
}

#[test]
fn pages_are_counted_only_if_there_are_several() {
    let one = words_of(&invoice::render(&document("one-page")).unwrap());
    assert!(!one.contains("Page"), "{one}");
    let three = words_of(&invoice::render(&document("three-pages")).unwrap());
    for page in ["Seite 1 / 3", "Seite 2 / 3", "Seite 3 / 3"] {
        assert!(three.contains(page), "{three}");
    }
    assert_eq!(three.matches("Einzelpreis").count(), 3, "the table's heading stands on each page");
}

#[test]
fn it_is_tagged_and_says_title_language_and_paper() {
    let mut document = document("three-pages");
    document.paper = Paper::Letter;
    let pdf = invoice::render(&document).unwrap();
    let facts = String::from_utf8(read_with("pdfinfo", &["PDF"], &pdf)).unwrap();
    for fact in ["Rechnung INV-2026-00042", "Bücherstube Lindenhof GmbH", "Tagged:          yes", "612 x 792 pts"] {
        assert!(facts.contains(fact), "{fact}: {facts}");
    }
    let tags = String::from_utf8(read_with("pdfinfo", &["-struct", "PDF"], &pdf)).unwrap();
    for tag in ["H1", "Table", "THead", "TH ", "TBody", "TD", "Figure"] {
        assert!(tags.contains(tag), "{tag}: {tags}");
    }
    let file = String::from_utf8_lossy(&pdf);
    assert!(file.contains("<pdfaid:part>3</pdfaid:part><pdfaid:conformance>A</pdfaid:conformance>"));
    assert!(file.contains("<dc:language><rdf:Bag><rdf:li>de</rdf:li>"));
}

#[test]
fn a_logo_that_cannot_be_read_is_left_out() {
    let mut document = document("one-page");
    let without = {
        document.seller.logo = None;
        invoice::render(&document).unwrap()
    };
    for logo in [&b"\x89PNG\r\n\x1a\nnothing more"[..], b"<svg", b"\xff\xd8\xff\xe0", b"GIF89a", b""] {
        document.seller.logo = Some(Logo(logo.to_vec()));
        assert_eq!(invoice::render(&document).unwrap(), without, "{logo:?}");
    }
}

fn pictures(pdf: &[u8]) -> Vec<GrayImage> {
    let folder = tempfile::tempdir().unwrap();
    let prefix = folder.path().join("page");
    read_with("pdftoppm", &["-gray", "-png", "-r", DOTS_PER_INCH, "PDF", prefix.to_str().unwrap()], pdf);
    let mut files: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| image::open(file).unwrap().into_luma8()).collect()
}

fn side_by_side(pages: &[GrayImage]) -> GrayImage {
    let width = pages.iter().map(GrayImage::width).sum();
    let mut all = GrayImage::new(width, pages.iter().map(GrayImage::height).max().unwrap());
    let mut x = 0;
    for page in pages {
        image::imageops::replace(&mut all, page, i64::from(x), 0);
        x += page.width();
    }
    all
}

/// Another version of poppler smooths letters a little otherwise; what moves or goes missing is more than that.
fn assert_alike(picture: &GrayImage, path: &Path) {
    let kept = image::open(path).unwrap().into_luma8();
    assert_eq!(picture.dimensions(), kept.dimensions(), "{}", path.display());
    let far_off = picture.iter().zip(kept.iter()).filter(|(now, then)| now.abs_diff(**then) > 80).count();
    assert!(far_off * 2_000 <= picture.len(), "{}: {far_off} dots of {} differ", path.display(), picture.len());
}
