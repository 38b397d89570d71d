//! The door to the mail. Nothing in here knows the database: it takes a letter and an address, and says whether the
//! letter is on its way.

mod folder;
mod memory;
mod message;
mod relay;

use crate::types::Email;
use core::fmt;
use core::str::FromStr;
use lettre::Message;
use lettre::message::Mailbox;

pub use folder::{KeptMail, KeptMailHead, MailFolder};
pub use memory::{MailFault, Memory};
pub(crate) use message::{Envelope, compose};
pub(crate) use relay::CONNECTIONS;
pub use relay::{MalformedCa, MalformedRelay, RelayCa, SmtpRelay, SmtpUrl};

/// How mail leaves the store.
#[derive(Clone, Debug)]
pub enum Mailer {
    /// To an SMTP relay.
    Smtp(SmtpRelay),
    /// Into a folder: what a demo does, and whoever works on the store.
    File(MailFolder),
    /// Into memory, with faults on demand, for tests.
    Memory(Memory),
}

/// Everything that is needed to write to people.
#[derive(Clone, Debug)]
pub struct Post {
    /// How mail leaves.
    pub mailer: Mailer,
    /// Who writes.
    pub from: Sender,
    /// Where the store's owner reads: disputes are told there, and buyers' answers go there.
    pub owner: Email,
}

/// A letter without its envelope.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Letter {
    pub(crate) subject: String,
    pub(crate) text: String,
    pub(crate) html: String,
}

/// Why a mail did not leave.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum MailError {
    /// It never will: the relay or we ourselves refuse this very mail.
    #[error("{0}")]
    Refused(String),
    /// Not this time.
    #[error("{0}")]
    Failed(String),
}

impl Mailer {
    /// Hands a message on. When this returns, whoever took it is responsible for it.
    pub(crate) async fn send(&self, message: Message, message_id: &str) -> Result<(), MailError> {
        match self {
            Self::Smtp(relay) => relay.send(message).await,
            Self::File(folder) => {
                folder.keep(message_id, message.formatted()).await.map_err(|error| MailError::Failed(error.to_string()))
            }
            Self::Memory(memory) => memory.keep(message.formatted()).await,
        }
    }
}

/// Who writes: `Name <address>` or an address alone (RFC 5322 3.4).
#[derive(Clone, PartialEq, Eq)]
pub struct Sender(Mailbox);

/// The text names no sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an address, or a name and an address: Octavo Books <books@example.org>")]
pub struct MalformedSender;

impl Sender {
    /// The address without the name.
    #[must_use]
    pub fn address(&self) -> &str {
        self.0.email.as_ref()
    }

    /// An address with this name before it.
    ///
    /// # Errors
    /// [`MalformedSender`] if the name has line breaks in it.
    pub fn named(name: &str, address: &Email) -> Result<Self, MalformedSender> {
        if name.chars().any(char::is_control) {
            return Err(MalformedSender);
        }
        let email = address.as_str().parse().map_err(|_| MalformedSender)?;
        Ok(Self(Mailbox::new(Some(name.to_owned()), email)))
    }
}

impl FromStr for Sender {
    type Err = MalformedSender;

    fn from_str(text: &str) -> Result<Self, MalformedSender> {
        if text.chars().any(char::is_control) {
            return Err(MalformedSender);
        }
        let mailbox: Mailbox = text.trim().parse().map_err(|_| MalformedSender)?;
        // Ours is the stricter idea of an address: a relay on the internet must be able to answer it.
        AsRef::<str>::as_ref(&mailbox.email).parse::<Email>().map_err(|_| MalformedSender)?;
        Ok(Self(mailbox))
    }
}

impl fmt::Debug for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sender({})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sender_is_an_address_with_or_without_a_name() {
        for (text, address) in [
            ("books@example.org", "books@example.org"),
            ("Octavo Books <books@example.org>", "books@example.org"),
            ("\"Lee, Ann\" <ann@example.org>", "ann@example.org"),
            ("Bücher <books@example.org>", "books@example.org"),
        ] {
            assert_eq!(text.parse::<Sender>().unwrap().address(), address);
        }
        for bad in ["", "Octavo", "Octavo <>", "a@b", "A <a@example.org>\r\nBcc: x@y.z", "a@example.org\n", "<a@b.c"] {
            assert_eq!(bad.parse::<Sender>(), Err(MalformedSender), "{bad:?}");
        }
        let owner = "ann@example.org".parse().unwrap();
        assert!(Sender::named("Ann's Books", &owner).is_ok());
        assert_eq!(Sender::named("Ann\r\nBcc: x@y.z", &owner), Err(MalformedSender));
    }
}
