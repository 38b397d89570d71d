//! Row 37 and the rest of what is refused, with archives made here.

use super::*;
use std::io::{Cursor, Write as _};
use std::time::{Duration, Instant};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const CONTAINER: &str = r#"<?xml version="1.0"?><container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0">
<rootfiles><rootfile full-path="OEBPS/book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>"#;

const PACKAGE: &str = r##"<?xml version="1.0"?>
<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id">
<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">
  <dc:identifier id="id">urn:isbn:9780306406157</dc:identifier>
  <dc:title id="t1">Salt &amp; Stars</dc:title><dc:title id="t2">A sea story</dc:title>
  <meta refines="#t2" property="title-type">subtitle</meta>
  <dc:creator id="c1">Ann  Lee</dc:creator><meta refines="#c1" property="role" scheme="marc:relators">aut</meta>
  <dc:creator id="c2">Bo Day</dc:creator><meta refines="#c2" property="role">trl</meta>
  <dc:contributor id="c3">A Scanner</dc:contributor><meta refines="#c3" property="role">bkp</meta>
  <dc:language>en-GB</dc:language><dc:publisher>Tide Press</dc:publisher><dc:date>2024-03-01T00:00:00Z</dc:date>
  <dc:description>&lt;p&gt;One &amp;amp; two.&lt;/p&gt;&lt;p&gt;&lt;b&gt;Three&lt;/b&gt;&lt;script&gt;x&lt;/script&gt;&lt;/p&gt;</dc:description>
  <meta property="schema:accessMode">textual</meta>
  <meta property="schema:accessibilityHazard">none</meta>
</metadata>
<manifest><item id="cover" href="art/cover%201.png" media-type="image/png" properties="cover-image"/></manifest><spine/></package>"##;

/// An archive of these entries, the first one stored.
fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (at, (name, content)) in entries.iter().enumerate() {
        let method = if at == 0 { CompressionMethod::Stored } else { CompressionMethod::Deflated };
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn epub_of(more: &[(&str, &[u8])]) -> Vec<u8> {
    let mut entries: Vec<(&str, &[u8])> = vec![
        ("mimetype", b"application/epub+zip"),
        ("META-INF/container.xml", CONTAINER.as_bytes()),
        ("OEBPS/book.opf", PACKAGE.as_bytes()),
        ("OEBPS/art/cover 1.png", b"not really"),
    ];
    entries.extend_from_slice(more);
    archive(&entries)
}

fn looked(content: &[u8]) -> Result<Inspected, Refused> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), content).unwrap();
    inspect(file.path())
}

fn said(content: &[u8]) -> String {
    looked(content).expect_err("it was taken").to_string()
}

#[test]
fn row_37_a_text_is_read_no_further_than_it_can_be_used() {
    let start = PACKAGE.find("<dc:description>").unwrap() + "<dc:description>".len();
    let end = PACKAGE.find("</dc:description>").unwrap();
    // Ten times as long as the limit; and tags within tags, of which making plain text takes time by the square of their number.
    for description in ["word ".repeat(80_000), "<div>".repeat(800_000)] {
        let package = format!("{}<![CDATA[{description}]]>{}", &PACKAGE[..start], &PACKAGE[end..]);
        let epub = archive(&[
            ("mimetype", b"application/epub+zip"),
            ("META-INF/container.xml", CONTAINER.as_bytes()),
            ("OEBPS/book.opf", package.as_bytes()),
            ("OEBPS/art/cover 1.png", b"not really"),
        ]);
        assert!(looked(&epub).unwrap().package.unwrap().description.len() <= 40_000);
    }
}

#[test]
fn a_files_format_is_read_from_its_first_bytes() {
    let mut epub = b"PK\x03\x04".to_vec();
    epub.resize(30, 0);
    epub.extend_from_slice(b"mimetypeapplication/epub+zipPK");
    for (content, format) in [
        (epub.as_slice(), Some(BookFormat::Epub)),
        (b"%PDF-1.7\n", Some(BookFormat::Pdf)),
        (b"PK\x03\x04 a plain zip archive with some more bytes in it", Some(BookFormat::Zip)),
        (b"ID3\x04", Some(BookFormat::Mp3)),
        (b"\xff\xfb\x90\x64", Some(BookFormat::Mp3)),
        // AAC as it is broadcast, and a layer that is not the third.
        (b"\xff\xf1\x50\x80", None),
        (b"\xff\xfd\x90\x64", None),
        (b"\0\0\0\x20ftypM4B \0\0", Some(BookFormat::M4b)),
        (b"", None),
        (b"<html>", None),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", None),
        (b"MZ\x90\0", None),
    ] {
        assert_eq!(format_of(content), format, "{content:?}");
    }
}

#[test]
fn an_epub_says_what_the_form_asks() {
    let found = looked(&epub_of(&[])).unwrap();
    assert_eq!(found.format, BookFormat::Epub);
    let package = found.package.unwrap();
    assert_eq!((package.title.as_str(), package.subtitle.as_str()), ("Salt & Stars", "A sea story"));
    let people: Vec<_> = package.people.iter().map(|(name, role)| (name.as_str(), role.as_str())).collect();
    assert_eq!(people, [("Ann Lee", "author"), ("Bo Day", "translator")]);
    assert_eq!((package.language.as_str(), package.publisher.as_str()), ("en-GB", "Tide Press"));
    assert_eq!((package.isbn.as_deref(), package.date.as_str()), (Some("9780306406157"), "2024-03-01"));
    assert_eq!(package.description, "One & two.\n\nThree");
    assert_eq!(package.cover.as_deref(), Some("OEBPS/art/cover 1.png"));
    assert_eq!(package.accessibility, ["Access by: textual", "Hazard: none"]);
}

#[test]
fn locked_and_damaged_books_are_refused_with_the_reason() {
    let encryption = |algorithm: &str| {
        format!(
            r#"<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><enc:EncryptedData xmlns:enc="http://www.w3.org/2001/04/xmlenc#"><enc:EncryptionMethod Algorithm="{algorithm}"/></enc:EncryptedData></encryption>"#
        )
    };
    let locked = encryption("http://www.w3.org/2001/04/xmlenc#aes128-cbc");
    assert!(said(&epub_of(&[("META-INF/encryption.xml", locked.as_bytes())])).contains("encrypted"));
    let fonts = encryption("http://www.idpf.org/2008/embedding");
    assert!(looked(&epub_of(&[("META-INF/encryption.xml", fonts.as_bytes())])).is_ok());
    assert!(said(&epub_of(&[("META-INF/rights.xml", b"<x/>")])).contains("Adobe's DRM"));
    assert!(said(&epub_of(&[("META-INF/license.lcpl", b"{}")])).contains("LCP"));
    let whole = epub_of(&[]);
    assert!(said(&whole[..whole.len() - 30]).contains("sent as a whole"));
    // A byte of a chapter is another one.
    let chapter = b"It was a dark and stormy night. ".repeat(50);
    let mut flipped = epub_of(&[("OEBPS/1.xhtml", &chapter)]);
    let at = flipped.windows(13).position(|bytes| bytes == b"OEBPS/1.xhtml").unwrap() + 20;
    flipped[at] ^= 0xff;
    assert!(said(&flipped).contains("damaged"));
    let loose: &[(&str, &[u8])] =
        &[("META-INF/container.xml", CONTAINER.as_bytes()), ("mimetype", b"application/epub+zip")];
    assert!(said(&archive(loose)).contains("nearly an EPUB"));
    let without: &[(&str, &[u8])] = &[("mimetype", b"application/epub+zip"), ("x", b"x")];
    assert!(said(&archive(without)).contains("container.xml"));
    let nowhere: &[(&str, &[u8])] =
        &[("mimetype", b"application/epub+zip"), ("META-INF/container.xml", CONTAINER.as_bytes())];
    assert!(said(&archive(nowhere)).contains("package document"));
    let xml: &[(&str, &[u8])] = &[
        ("mimetype", b"application/epub+zip"),
        ("META-INF/container.xml", CONTAINER.as_bytes()),
        ("OEBPS/book.opf", b"<package><metadata></package>"),
    ];
    assert!(said(&archive(xml)).contains("well-formed"));
    assert!(said(b"<html>").contains("none of the files"));
}

/// An archive with a name in it as its bytes: the library that writes archives would not write such a one.
fn archive_with(name: &[u8; 13]) -> Vec<u8> {
    let entries: &[(&str, &[u8])] = &[("code/main.rs", b"fn main() {}"), ("harmless-name", b"x")];
    let mut zip = archive(entries);
    let positions: Vec<usize> =
        zip.windows(13).enumerate().filter(|(_, bytes)| bytes == b"harmless-name").map(|(at, _)| at).collect();
    assert_eq!(positions.len(), 2);
    for at in positions {
        zip[at..at + 13].copy_from_slice(name);
    }
    zip
}

#[test]
fn names_that_are_not_in_utf_8_are_in_code_page_437() {
    // "Märchen-1.txt" by programs of Windows; UTF-8 without the flag; Latin 1, which nothing says; a colon within.
    for name in [b"M\x84rchen-1.txt", b"M\xc3\xa4rchen1.txt", b"M\xe4rchen-1.txt", b"Part 1: x.txt"] {
        assert_eq!(looked(&archive_with(name)).unwrap().format, BookFormat::Zip, "{name:?}");
    }
    let harmful = said(&archive_with(b"M\x84r/../x.txt_"));
    assert!(harmful.contains("harmful name: “Mär/../x.txt_”"), "{harmful}");
}

#[test]
fn row_37_names_that_lead_elsewhere_and_links_are_refused() {
    for name in ["../x", "a/../../x", "/etc/passwd", "a\\..\\x", "C:/x", "a/C:x", "a//b", "./x", "a/\n", "a\0b"] {
        let zip = archive_with(format!("{name:_<13}").as_bytes().try_into().unwrap());
        assert!(said(&zip).contains("harmful name"), "{name:?}: {}", said(&zip));
    }
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_symlink("link", "/etc/passwd", SimpleFileOptions::default()).unwrap();
    assert!(said(&zip.finish().unwrap().into_inner()).contains("symbolic link"));
}

#[test]
fn row_37_bombs_cost_neither_memory_nor_time() {
    let started = Instant::now();
    let before = resident();
    // 80 MB of nothing.
    let zeros = vec![0; 1024 * 1024];
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.start_file("x", SimpleFileOptions::default()).unwrap();
    for _ in 0..80 {
        zip.write_all(&zeros).unwrap();
    }
    let bomb = zip.finish().unwrap().into_inner();
    // A hundred thousand files: with the record for more than 65 535 of them, and without.
    let many = directory_of(100_000);
    let mut lying = bomb.clone();
    let made = started.elapsed();
    let started = Instant::now();
    assert!(said(&bomb).contains("unpacks to"), "{}", said(&bomb));
    assert!(said(&many).contains("at most 10000"), "{}", said(&many));
    // It says that it is small: what comes out is counted.
    let entry = lying.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    lying[entry + 24..entry + 28].copy_from_slice(&1_000_u32.to_le_bytes());
    assert!(said(&lying).contains("damaged"), "{}", said(&lying));
    let took = started.elapsed();
    assert!(took < Duration::from_secs(2), "{took:?}, and {made:?} to make them");
    let more = resident().saturating_sub(before);
    assert!(more < 64 * 1024 * 1024, "{more} bytes more");
}

/// An archive of empty files that has 65 535 of them by its own count, and more in its directory.
fn directory_of(entries: usize) -> Vec<u8> {
    let mut zip = b"PK\x03\x04".to_vec();
    zip.resize(64, 0);
    let start = u32::try_from(zip.len()).unwrap();
    for number in 0..entries {
        let name = format!("{number:06}");
        zip.extend_from_slice(b"PK\x01\x02");
        zip.resize(zip.len() + 24, 0);
        zip.extend_from_slice(&6_u16.to_le_bytes());
        zip.resize(zip.len() + 16, 0);
        zip.extend_from_slice(name.as_bytes());
    }
    let size = u32::try_from(zip.len()).unwrap() - start;
    zip.extend_from_slice(b"PK\x05\x06\0\0\0\0\xff\xff\xff\xff");
    zip.extend_from_slice(&size.to_le_bytes());
    zip.extend_from_slice(&start.to_le_bytes());
    zip.extend_from_slice(&[0, 0]);
    zip
}

/// Memory of this process that is not a file's.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with("RssAnon:")).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|kb| kb.parse::<u64>().ok()).unwrap_or_default() * 1024
}
