//! The test shop's books.

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use shop::Shop;
use shop::seed::BookEntry;
use std::path::Path;

/// Slug, price in cents, formats, status.
pub const BOOKS: &[(&str, i64, &[&str], &str)] = &[
    ("the-first-book", 799, &["epub", "pdf"], "published"),
    ("the-second-book", 499, &["epub", "pdf"], "published"),
    ("the-third-book", 1_200, &["epub"], "published"),
    ("a-free-book", 0, &["epub"], "published"),
    ("a-draft", 999, &["epub"], "draft"),
    ("an-archived-book", 999, &["epub"], "archived"),
];

/// "the-first-book" is called "The first book".
pub fn title_of(slug: &str) -> String {
    let text = slug.replace('-', " ");
    text[..1].to_uppercase() + &text[1..]
}

/// The bytes of a book's file: different for each, larger than one chunk, and not compressible into nothing.
pub fn file_content(slug: &str, format: &str) -> Vec<u8> {
    content_of(slug, format, 100_000)
}

fn content_of(slug: &str, format: &str, size: usize) -> Vec<u8> {
    let mut state = Sha256::digest(format!("{slug}.{format}"));
    let mut content = Vec::with_capacity(size + 32);
    while content.len() < size {
        content.extend_from_slice(&state);
        state = Sha256::digest(state);
    }
    content.truncate(size);
    content
}

/// A book that a catalogue file could hold.
pub fn entry(slug: &str, price: i64, formats: &[&str], status: &str) -> Value {
    let files: Vec<_> = formats.iter().map(|format| (*format, format!("{slug}.{format}"))).collect();
    let files: Vec<_> =
        files.iter().map(|(format, name)| json!({ "format": format, "path": name, "filename": name })).collect();
    json!({
        "slug": slug, "title": title_of(slug), "sort_title": title_of(slug), "language": "en", "publisher": "Test Press",
        "contributors": [{ "name": "Ann Lee", "role": "author" }],
        "description_md": "A book *for tests*.", "status": status, "accent": "#334455",
        "prices": { "USD": price }, "edition": { "label": "First edition" }, "files": files,
    })
}

/// Seeds one book with files of `size` bytes.
pub async fn add_book(shop: &Shop, folder: &Path, entry: Value, size: usize) {
    let slug = entry["slug"].as_str().unwrap().to_owned();
    for file in entry["files"].as_array().unwrap() {
        let content = content_of(&slug, file["format"].as_str().unwrap(), size);
        std::fs::write(folder.join(file["path"].as_str().unwrap()), content).unwrap();
    }
    let entry: BookEntry = serde_json::from_value(entry).unwrap();
    assert!(shop.seed_book(folder, entry).await.unwrap());
}

pub async fn add_all(shop: &Shop, folder: &Path) {
    for (slug, price, formats, status) in BOOKS {
        add_book(shop, folder, entry(slug, *price, formats, status), 100_000).await;
    }
}
