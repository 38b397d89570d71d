//! The state file: a journal of changed rows, one JSON line each, the last line of a row counting.
//!
//! What it promises: an answer to a request that changed something is given only when its rows are
//! appended and synced to disk; many requests at once share one sync. A line that was cut short by a
//! crash is the last one and is dropped. On start, and when it has grown a lot, the file is written
//! anew beside the old one, synced, and renamed over it, so that at every moment one whole file is there.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use crate::state::State;

/// The first line of every journal.
const HEADER: &str = "{\"journal\":\"stripe-sandbox\",\"version\":1}";
/// How a state file of earlier builds began: one JSON object, written anew for each request.
const SNAPSHOT: &[u8] = b"{\"sessions\":";
/// How much may be appended before the file is written anew.
const MOST_APPENDED: u64 = 64 * 1024 * 1024;

/// An open state file.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    /// None after a failure: the next write makes the file anew.
    file: Option<File>,
    appended: u64,
}

/// What one turn of the writer puts into the file.
pub(crate) enum Turn {
    /// The lines of the rows that changed.
    Append(Vec<u8>),
    /// All rows.
    Anew(Vec<u8>),
}

#[derive(Deserialize)]
struct Line {
    table: String,
    #[serde(default)]
    row: Option<Value>,
    #[serde(default)]
    gone: Option<String>,
}

impl Journal {
    /// A journal of that path; nothing is read or written yet.
    pub(crate) fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), file: None, appended: 0 }
    }

    /// Reads the file into an empty state; a file that is not there changes nothing.
    ///
    /// # Errors
    /// When the file cannot be read or is not ours.
    pub(crate) fn load(&self, state: &mut State) -> io::Result<()> {
        let bytes = match std::fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        if bytes.is_empty() {
            return Ok(());
        }
        if bytes.starts_with(SNAPSHOT) {
            let aside = beside(&self.path, ".old");
            tracing::warn!(path = %aside.display(), "the state file of an earlier version was moved aside");
            return std::fs::rename(&self.path, aside);
        }
        let text = String::from_utf8(bytes).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        let mut lines = text.lines();
        if lines.next() != Some(HEADER) {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "it is not a journal of this version"));
        }
        let mut lines = lines.peekable();
        while let Some(line) = lines.next() {
            match serde_json::from_str::<Line>(line) {
                Ok(Line { table, row, gone }) => state.replay(&table, row, gone.as_deref())?,
                Err(_) if lines.peek().is_none() && !text.ends_with('\n') => {
                    tracing::warn!("the last line of the state file was cut short and is dropped");
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Whether the next turn is to be [`Turn::Anew`].
    pub(crate) fn wants_anew(&self) -> bool {
        self.file.is_none() || self.appended > MOST_APPENDED
    }

    /// Writes one turn and syncs it.
    ///
    /// # Errors
    /// When the disk refuses; the next turn then has to be [`Turn::Anew`].
    pub(crate) fn write(&mut self, turn: &Turn) -> io::Result<()> {
        let written = match turn {
            Turn::Append(lines) => self.append(lines),
            Turn::Anew(lines) => self.anew(lines),
        };
        if written.is_err() {
            self.file = None;
        }
        written
    }

    fn append(&mut self, lines: &[u8]) -> io::Result<()> {
        if lines.is_empty() {
            return Ok(());
        }
        let Some(file) = &mut self.file else { return Err(io::Error::other("the state file is not open")) };
        file.write_all(lines)?;
        self.appended = self.appended.saturating_add(u64::try_from(lines.len()).unwrap_or(u64::MAX));
        file.sync_data()
    }

    fn anew(&mut self, lines: &[u8]) -> io::Result<()> {
        let fresh = beside(&self.path, ".new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // Webhook secrets are in it.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&fresh)?;
        file.write_all(HEADER.as_bytes())?;
        file.write_all(b"\n")?;
        file.write_all(lines)?;
        file.sync_all()?;
        std::fs::rename(&fresh, &self.path)?;
        if let Some(folder) = self.path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            File::open(folder)?.sync_all()?;
        }
        self.file = Some(file);
        self.appended = 0;
        Ok(())
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(ending);
    path.with_file_name(name)
}
