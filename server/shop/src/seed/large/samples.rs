//! The few small files that all seeded books share.
//!
//! `book_file.storage_key` is unique, and each object is kept once: a key of a shared object ends in `#` and something
//! of the row's own (see [`crate::files::Files`]). For a seeded book that is the run and the book's number, which is
//! also how an interrupted run knows where it was.

use crate::{Error, Shop};
use bytes::Bytes;
use sha2::{Digest, Sha256};

/// A file to be shared.
pub(super) struct Sample {
    pub(super) format: &'static str,
    pub(super) sha256: String,
    pub(super) bytes: i64,
    content: &'static [u8],
}

/// Where the objects are.
pub(super) const FOLDER: &str = "samples/";

/// All of them.
pub(super) fn all() -> Vec<Sample> {
    let files: [(&'static str, &'static [u8]); 6] = [
        ("epub", include_bytes!("samples/sample-1.epub")),
        ("epub", include_bytes!("samples/sample-2.epub")),
        ("epub", include_bytes!("samples/sample-3.epub")),
        ("pdf", include_bytes!("samples/sample-1.pdf")),
        ("pdf", include_bytes!("samples/sample-2.pdf")),
        ("pdf", include_bytes!("samples/sample-3.pdf")),
    ];
    files
        .into_iter()
        .map(|(format, content)| Sample {
            format,
            sha256: hex::encode(Sha256::digest(content)),
            bytes: i64::try_from(content.len()).unwrap_or_default(),
            content,
        })
        .collect()
}

fn object(sample: &Sample) -> String {
    format!("{FOLDER}{}.{}", &sample.sha256[..16], sample.format)
}

/// A row's key of the shared object.
pub(super) fn key(sample: &Sample, tag: &str, book: u64, file_id: i64) -> String {
    format!("{}#{tag}-{book:07}-{file_id}", object(sample))
}

/// The run and the number of the book that a key belongs to.
pub(super) fn parse_key(key: &str) -> Option<(&str, u64)> {
    let (_, own) = key.strip_prefix(FOLDER)?.split_once('#')?;
    let (own, _file) = own.rsplit_once('-')?;
    let (tag, book) = own.rsplit_once('-')?;
    Some((tag, book.parse().ok()?))
}

/// Puts them into the store's files.
pub(super) async fn store(shop: &Shop, samples: &[Sample]) -> Result<(), Error> {
    for sample in samples {
        shop.0.files.put(&object(sample), Bytes::from_static(sample.content)).await?;
    }
    Ok(())
}
