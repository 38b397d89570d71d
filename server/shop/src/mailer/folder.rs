//! A mailbox that is a folder: each mail a file as it would travel, named by its Message-ID, which begins with the time.

use chrono::{DateTime, NaiveDateTime};
use mailparse::{MailHeaderMap as _, ParsedMail, parse_headers, parse_mail};
use std::io;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// The newest mails, which is as far back as a list goes.
const LIST: usize = 100;

/// The folder. It is made when the first mail comes.
#[derive(Clone, Debug)]
pub struct MailFolder(PathBuf);

/// A mail's first lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptMailHead {
    /// Its name in the mailbox.
    pub id: String,
    /// Who it is for.
    pub to: String,
    /// What it is about.
    pub subject: String,
    /// When it was sent, UTC.
    pub sent: Option<NaiveDateTime>,
}

/// A mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptMail {
    /// Its first lines.
    pub head: KeptMailHead,
    /// The plain text.
    pub text: String,
    /// The same as a page. What is in it was written by people: show it in a sandbox.
    pub html: String,
}

impl MailFolder {
    /// A mailbox in `folder`.
    #[must_use]
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self(folder.into())
    }

    /// The same mail twice is one file.
    pub(super) async fn keep(&self, message_id: &str, bytes: Vec<u8>) -> io::Result<()> {
        let name = message_id.trim_start_matches('<').split('@').next().and_then(|id| Uuid::parse_str(id).ok());
        let (folder, name) = (self.0.clone(), name.unwrap_or_else(Uuid::now_v7));
        blocking(move || {
            std::fs::create_dir_all(&folder)?;
            // Nobody sees half a mail.
            let half = folder.join(format!("{}.half", Uuid::new_v4()));
            std::fs::write(&half, bytes)?;
            std::fs::rename(half, folder.join(format!("{name}.eml")))
        })
        .await
    }

    /// The newest hundred mails, newest first.
    ///
    /// # Errors
    /// The file system's.
    pub async fn list(&self) -> io::Result<Vec<KeptMailHead>> {
        let folder = self.0.clone();
        blocking(move || {
            let mut names = match std::fs::read_dir(&folder) {
                Ok(entries) => entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?,
                Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
                Err(error) => return Err(error),
            };
            names.retain(|path| path.extension().is_some_and(|extension| extension == "eml"));
            // Their names begin with the time.
            names.sort_unstable_by(|a, b| b.cmp(a));
            let head = |path: &PathBuf| Ok(read(path)?.and_then(|bytes| head_of(path, &bytes)));
            names.iter().take(LIST).filter_map(|path| head(path).transpose()).collect()
        })
        .await
    }

    /// One mail, if there is one of that name.
    ///
    /// # Errors
    /// The file system's; a file that is no mail.
    pub async fn open(&self, id: &str) -> io::Result<Option<KeptMail>> {
        // No other name is ever given to the file system.
        let Ok(id) = Uuid::parse_str(id) else { return Ok(None) };
        let path = self.0.join(format!("{id}.eml"));
        blocking(move || {
            let Some(bytes) = read(&path)? else { return Ok(None) };
            let mail = parse_mail(&bytes).map_err(io::Error::other)?;
            let part = |kind: &str| find(&mail, kind).map(ParsedMail::get_body).transpose().map_err(io::Error::other);
            let (text, html) = (part("text/plain")?.unwrap_or_default(), part("text/html")?.unwrap_or_default());
            Ok(head_of(&path, &bytes).map(|head| KeptMail { head, text, html }))
        })
        .await
    }
}

/// A file that has gone in between is none.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn head_of(path: &Path, bytes: &[u8]) -> Option<KeptMailHead> {
    let (headers, _) = parse_headers(bytes).ok()?;
    let value = |name: &str| headers.get_first_value(name).unwrap_or_default();
    let date = mailparse::dateparse(&value("Date")).ok().and_then(|seconds| DateTime::from_timestamp(seconds, 0));
    Some(KeptMailHead {
        id: path.file_stem()?.to_str()?.to_owned(),
        to: value("To"),
        subject: value("Subject"),
        sent: date.map(|date| date.naive_utc()),
    })
}

fn find<'a, 'b>(mail: &'b ParsedMail<'a>, kind: &str) -> Option<&'b ParsedMail<'a>> {
    if mail.ctype.mimetype == kind {
        return Some(mail);
    }
    mail.subparts.iter().find_map(|part| find(part, kind))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_folder_is_a_mailbox() {
        let folder = tempfile::tempdir().unwrap();
        let mails = MailFolder::new(folder.path().join("not/there/yet"));
        assert_eq!(mails.list().await.unwrap(), []);
        let ids: Vec<Uuid> = (0..3).map(|_| Uuid::now_v7()).collect();
        for (i, id) in ids.iter().enumerate() {
            let text = format!(
                "To: ann@example.org\r\nSubject: Mail {i}\r\nDate: Sun, 22 Nov 2026 14:05:00 +0000\r\n\r\nHello {i}\r\n"
            );
            for _ in 0..2 {
                mails.keep(&format!("<{id}@books.example.org>"), text.clone().into_bytes()).await.unwrap();
            }
        }
        let list = mails.list().await.unwrap();
        let subjects: Vec<_> = list.iter().map(|head| head.subject.as_str()).collect();
        assert_eq!(subjects, ["Mail 2", "Mail 1", "Mail 0"]);
        assert_eq!(list[0].sent.unwrap().to_string(), "2026-11-22 14:05:00");
        let mail = mails.open(&ids[1].to_string()).await.unwrap().unwrap();
        assert_eq!((mail.head, mail.text.trim()), (list[1].clone(), "Hello 1"));
        for other in [Uuid::now_v7().to_string().as_str(), "../secret", "", "nothing.eml", "/etc/passwd"] {
            assert_eq!(mails.open(other).await.unwrap(), None, "{other}");
        }
    }
}
