//! Editions of a book as those see them who have bought it.

use super::{BookFormat, FormatInfo};
use serde::{Deserialize, Serialize};

/// An edition with its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditionView {
    /// "Second edition".
    pub label: String,
    /// What is new in it, as safe HTML; empty if nobody said.
    pub changelog_html: String,
    /// When it came, for reading: "22 November 2026".
    pub added_on: String,
    /// Its files by format.
    pub files: Vec<EditionFile>,
}

/// A file of an edition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EditionFile {
    /// Its format and size.
    pub info: FormatInfo,
    /// SHA-256 in hexadecimal.
    pub sha256: String,
    /// Its name for the buyer: the only one of the book's files that has it.
    pub filename: String,
    /// Whether it is the newest file of its format, which a claim of the format serves.
    pub newest: bool,
}

impl EditionFile {
    /// Which.
    #[must_use]
    pub fn format(&self) -> BookFormat {
        self.info.format
    }
}
