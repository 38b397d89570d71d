//! Files on their way in: written to a folder of this machine while they come, counted, and gone with the request.

use axum::extract::multipart::{Field, Multipart};
use futures::StreamExt as _;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use tempfile::{NamedTempFile, TempPath};
use tokio::io::AsyncWriteExt as _;

/// A line or a text beside the files.
const TEXT: usize = 256 * 1024;
/// Files of one form.
const FILES: usize = 8;
/// Fields of one form.
const FIELDS: usize = 32;
/// Bytes in a second that are the least that anybody's line brings (256 kbit/s), and what every form has besides.
const SLOWEST: u64 = 32_000;
const GRACE: Duration = Duration::from_secs(60);
/// What a process that was killed has left is taken away after so long.
const LEFT: Duration = Duration::from_secs(24 * 60 * 60);

/// Where files wait, and how large they may be.
#[derive(Clone, Debug)]
pub struct Uploads {
    folder: PathBuf,
    /// A book's file, in bytes.
    pub file: u64,
    /// A picture for a cover.
    pub picture: u64,
    /// A table of books.
    pub table: u64,
    /// How long a form may take whatever its size: besides, it has the time in which a slow line brings it.
    pub grace: Duration,
}

/// Why a form with files was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum NotRead {
    /// For this reason, in a sentence.
    #[error("{0}")]
    Refused(String),
    /// It broke off, or is no form with files.
    #[error("the form broke off or is none")]
    Broken,
    /// This machine's own failure.
    #[error("an upload cannot be kept")]
    Failed(#[from] std::io::Error),
}

/// A form with files.
#[derive(Debug, Default)]
pub struct Sent {
    texts: HashMap<String, String>,
    files: Vec<TempPath>,
}

impl Sent {
    /// The text of a field, or nothing.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }

    /// Where the files are, for as long as this lives.
    #[must_use]
    pub fn paths(&self) -> Vec<PathBuf> {
        self.files.iter().map(|path| path.to_path_buf()).collect()
    }
}

impl Uploads {
    /// Files wait in `folder`; one of a book may have `megabytes`.
    #[must_use]
    pub fn new(folder: PathBuf, megabytes: u16) -> Self {
        let uploads = Self {
            folder,
            file: u64::from(megabytes) * 1_000_000,
            picture: 20_000_000,
            table: 8_000_000,
            grace: GRACE,
        };
        uploads.sweep();
        uploads
    }

    /// What all of a form may have on its way: its files, and what is around them.
    #[must_use]
    pub fn body(&self) -> usize {
        usize::try_from(self.file).unwrap_or(usize::MAX).saturating_add(4_000_000).saturating_mul(2)
    }

    /// How long a form of so many bytes may take on its way; of one that does not say how many, the most that it may have.
    #[must_use]
    pub fn time_for(&self, bytes: Option<u64>) -> Duration {
        let most = u64::try_from(self.body()).unwrap_or(u64::MAX);
        self.grace + Duration::from_secs(bytes.map_or(most, |bytes| bytes.min(most)) / SLOWEST)
    }

    fn sweep(&self) {
        let entries = std::fs::read_dir(&self.folder).into_iter().flatten().flatten();
        for entry in entries {
            let age = entry.metadata().and_then(|data| data.modified()).map(|at| SystemTime::now().duration_since(at));
            if matches!(age, Ok(Ok(age)) if age > LEFT)
                && let Err(error) = std::fs::remove_file(entry.path())
            {
                tracing::warn!(%error, "an old upload is left behind");
            }
        }
    }

    /// Reads a form: texts into memory, files of at most `limit` bytes into the folder. A field for a file in which nobody
    /// chose one is left out. `bytes` is what all of it says to have.
    ///
    /// # Errors
    /// [`NotRead`]; nothing is left then.
    pub async fn read(&self, form: Multipart, limit: u64, bytes: Option<u64>) -> Result<Sent, NotRead> {
        let read = tokio::time::timeout(self.time_for(bytes), self.read_all(form, limit)).await;
        read.unwrap_or_else(|_| {
            Err(NotRead::Refused("The upload took too long. Is the connection a slow one?".to_owned()))
        })
    }

    async fn read_all(&self, mut form: Multipart, limit: u64) -> Result<Sent, NotRead> {
        let mut sent = Sent::default();
        for _ in 0..FIELDS {
            let Some(field) = form.next_field().await.map_err(|_| NotRead::Broken)? else { return Ok(sent) };
            let name = field.name().unwrap_or_default().to_owned();
            match field.file_name().map(str::is_empty) {
                Some(nobody_chose) => {
                    let file = self.keep(field, limit).await?;
                    if let (Some(file), false) = (file, nobody_chose) {
                        sent.files.push(file);
                    }
                    if sent.files.len() > FILES {
                        return Err(NotRead::Refused(format!("At most {FILES} files are taken at a time.")));
                    }
                }
                None => {
                    let text = read_text(field).await?;
                    sent.texts.insert(name, text);
                }
            }
        }
        Err(NotRead::Broken)
    }

    async fn keep(&self, mut field: Field<'_>, limit: u64) -> Result<Option<TempPath>, NotRead> {
        let (file, path) = temporary(&self.folder)?;
        let mut file = tokio::io::BufWriter::with_capacity(256 * 1024, tokio::fs::File::from_std(file));
        let mut bytes = 0_u64;
        while let Some(chunk) = field.next().await {
            let chunk = chunk.map_err(|_| NotRead::Broken)?;
            bytes += chunk.len() as u64;
            if bytes > limit {
                return Err(NotRead::Refused(format!(
                    "The file has more than {} MB, which is the limit.",
                    limit / 1_000_000
                )));
            }
            file.write_all(&chunk).await?;
        }
        file.flush().await?;
        Ok((bytes > 0).then_some(path))
    }
}

/// A file that only this process reads, and that goes when it is dropped.
fn temporary(folder: &Path) -> std::io::Result<(std::fs::File, TempPath)> {
    std::fs::create_dir_all(folder)?;
    Ok(NamedTempFile::new_in(folder)?.into_parts())
}

async fn read_text(mut field: Field<'_>) -> Result<String, NotRead> {
    let mut text = Vec::new();
    while let Some(chunk) = field.next().await {
        text.extend_from_slice(&chunk.map_err(|_| NotRead::Broken)?);
        if text.len() > TEXT {
            return Err(NotRead::Refused("A text of the form is too long.".to_owned()));
        }
    }
    String::from_utf8(text).map_err(|_| NotRead::Broken)
}
