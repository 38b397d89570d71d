//! The settings of mail: where it goes, who writes, who reads the answers.

use super::{ConfigError, Env, wrong};
use core::str::FromStr;
use shop::mailer::{MailFolder, Mailer, MalformedRelay, Post, RelayCa, Sender, SmtpRelay, SmtpUrl};
use shop::types::Email;
use std::path::{Path, PathBuf};

/// How the store writes to people.
#[derive(Clone, Debug)]
pub struct Mail {
    /// `SMTP_URL`.
    pub way: Way,
    /// `MAIL_FROM`.
    pub from: Sender,
    /// `OWNER_EMAIL`, or the address of `MAIL_FROM`.
    pub owner: Email,
}

/// Where mail goes.
#[derive(Clone, Debug)]
pub enum Way {
    /// To a relay, whose certificate is signed by that authority (`SMTP_CA`) or by one that browsers trust.
    Smtp(SmtpUrl, Option<RelayCa>),
    /// Into a folder.
    File(PathBuf),
}

/// A demo's sender; nothing is ever sent to or from there (RFC 2606).
const DEMO_ADDRESS: &str = "books@example.org";

impl FromStr for Way {
    type Err = MalformedRelay;

    fn from_str(text: &str) -> Result<Self, MalformedRelay> {
        match text.strip_prefix("file://") {
            Some("") => Err(MalformedRelay::Form),
            Some(path) => Ok(Self::File(path.into())),
            None => Ok(Self::Smtp(text.parse()?, None)),
        }
    }
}

/// Without `SMTP_URL` a demo keeps its mail in a folder, and any other store keeps it queued.
pub(super) fn read(env: &Env<'_>, demo: bool, data_dir: &Path, store: &str) -> Result<Option<Mail>, ConfigError> {
    let way = match env.filled("SMTP_URL")? {
        Some(way) => way,
        None if demo => Way::File(data_dir.join("mailbox")),
        None => return Ok(None),
    };
    let way = match (way, env.filled("SMTP_CA")?) {
        (way, None) => way,
        (Way::Smtp(url, _), ca) if url.encrypts() => Way::Smtp(url, ca),
        _ => {
            let why = "is set, and SMTP_URL asks for no TLS: it must be smtps://… or smtp://…?tls=required";
            return Err(wrong("SMTP_CA", why));
        }
    };
    let from = match env.filled::<Sender>("MAIL_FROM")? {
        Some(from) => from,
        None if demo => {
            let address = DEMO_ADDRESS.parse().map_err(|error| wrong("MAIL_FROM", error))?;
            Sender::named(store, &address).map_err(|error| wrong("MAIL_FROM", error))?
        }
        None => {
            return Err(wrong(
                "MAIL_FROM",
                "is not set: with SMTP_URL it is needed, like Octavo Books <books@example.org>",
            ));
        }
    };
    let owner = match env.filled("OWNER_EMAIL")? {
        Some(owner) => owner,
        None => from.address().parse().map_err(|error| wrong("MAIL_FROM", error))?,
    };
    Ok(Some(Mail { way, from, owner }))
}

impl Mail {
    /// The shop's side of it. Must be called within a Tokio runtime.
    ///
    /// # Errors
    /// [`MalformedRelay`], which reading the settings has ruled out.
    pub fn post(self) -> Result<Post, MalformedRelay> {
        let mailer = match self.way {
            Way::Smtp(url, ca) => Mailer::Smtp(SmtpRelay::new(&url, ca.as_ref())?),
            Way::File(folder) => Mailer::File(MailFolder::new(folder)),
        };
        Ok(Post { mailer, from: self.from, owner: self.owner })
    }
}
