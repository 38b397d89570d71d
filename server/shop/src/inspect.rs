//! What a file is, before it becomes a book's: read from its bytes, never from its name, in bounded memory and time.
//!
//! A file is refused with the reason if it is of no kind that this store sells, if it is damaged, if only one program or
//! one reader could open it (DRM, a password), or if it is made to do harm where it is unpacked. Blocking: for the blocking
//! pool.

mod archive;
mod audio;
mod epub;
mod package;
mod pdf;
#[cfg(test)]
mod tests;

use crate::types::BookFormat;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

pub use package::Package;

/// Why a file is not taken.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// For this reason: a sentence for whoever sent the file.
    #[error("{0}")]
    Because(String),
    /// It cannot be read here.
    #[error("the file cannot be read")]
    Read(#[from] io::Error),
}

impl Refused {
    fn because(reason: impl Into<String>) -> Self {
        Self::Because(reason.into())
    }
}

/// What a file turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inspected {
    /// Its format.
    pub format: BookFormat,
    /// What an EPUB says about itself.
    pub package: Option<Package>,
}

/// Looks at a file.
///
/// # Errors
/// [`Refused`].
pub fn inspect(path: &Path) -> Result<Inspected, Refused> {
    let mut start = Vec::new();
    File::open(path)?.take(64).read_to_end(&mut start)?;
    let format = format_of(&start).ok_or_else(|| {
        Refused::because("This is none of the files that are sold here: EPUB, PDF, MP3, M4B or a ZIP archive.")
    })?;
    let package = match format {
        BookFormat::Epub => Some(epub::check(path)?),
        BookFormat::Pdf => {
            pdf::check(path)?;
            None
        }
        BookFormat::Mp3 | BookFormat::M4b => {
            audio::check(&start)?;
            None
        }
        BookFormat::Zip => {
            let mut archive = archive::Archive::open(path)?;
            if archive.has("META-INF/container.xml") {
                return Err(Refused::because(
                    "This is nearly an EPUB: its first file must be “mimetype”, not packed. Save it once more with a program for EPUBs.",
                ));
            }
            archive.read_all()?;
            None
        }
    };
    Ok(Inspected { format, package })
}

/// The picture on an EPUB's cover, at most 20 MB; none if it has none, or none that is there.
///
/// # Errors
/// [`Refused`].
pub fn epub_cover(path: &Path, package: &Package) -> Result<Option<Vec<u8>>, Refused> {
    let Some(name) = &package.cover else { return Ok(None) };
    let mut archive = archive::Archive::open(path)?;
    if archive.has(name) { archive.read(name, 20_000_000).map(Some) } else { Ok(None) }
}

/// From the first bytes. An EPUB begins with an entry called `mimetype` that is stored as it is (OCF 3.3, 4.2.3); a PDF
/// with its version (ISO 32000-2, 7.5.2); an MP3 with an ID3 tag or a frame of layer III; an M4B with a box `ftyp`.
pub(crate) fn format_of(start: &[u8]) -> Option<BookFormat> {
    const MIMETYPE: &[u8] = b"mimetypeapplication/epub+zip";
    let at = |from: usize, bytes: &[u8]| start.get(from..).is_some_and(|rest| rest.starts_with(bytes));
    if at(0, b"%PDF-") {
        Some(BookFormat::Pdf)
    } else if at(0, b"PK\x03\x04") && at(30, MIMETYPE) {
        Some(BookFormat::Epub)
    } else if at(0, b"PK\x03\x04") {
        Some(BookFormat::Zip)
    } else if at(0, b"ID3") || matches!(start, [0xff, second, ..] if second & 0xe6 == 0xe2) {
        Some(BookFormat::Mp3)
    } else if at(4, b"ftyp") {
        Some(BookFormat::M4b)
    } else {
        None
    }
}
