//! A letter with its envelope, as it travels: RFC 5322 headers and two parts that say the same.

use super::{Letter, MailError, Sender};
use chrono::NaiveDateTime;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::{Address, Message};
use std::time::SystemTime;
use url::Host;

/// What stands around a letter.
pub(crate) struct Envelope<'a> {
    pub(crate) from: &'a Sender,
    pub(crate) to: &'a str,
    /// Where answers go, if not to the sender.
    pub(crate) reply_to: Option<&'a str>,
    /// With its angle brackets.
    pub(crate) message_id: &'a str,
    pub(crate) date: NaiveDateTime,
}

/// Puts the letter into its envelope.
///
/// # Errors
/// [`MailError::Refused`] for an address that is none, and for a header with a line break or another control character
/// in it: nothing that people type can add a header.
pub(crate) fn compose(letter: &Letter, envelope: &Envelope<'_>) -> Result<Message, MailError> {
    for value in [&letter.subject, envelope.message_id, envelope.to] {
        if value.chars().any(char::is_control) {
            return Err(MailError::Refused("a control character in a header".into()));
        }
    }
    let mut message = Message::builder()
        .from(envelope.from.0.clone())
        .to(mailbox(envelope.to)?)
        .subject(&letter.subject)
        .date(SystemTime::from(envelope.date.and_utc()))
        .message_id(Some(envelope.message_id.to_owned()))
        // RFC 3834: nobody's holiday answers to this.
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("Auto-Submitted"), "auto-generated".into()));
    if let Some(address) = envelope.reply_to {
        message = message.reply_to(mailbox(address)?);
    }
    message
        .multipart(MultiPart::alternative_plain_html(letter.text.clone(), letter.html.clone()))
        .map_err(|error| MailError::Refused(error.to_string()))
}

/// An address with its domain in the form that every relay understands.
fn mailbox(address: &str) -> Result<Mailbox, MailError> {
    let refused = || MailError::Refused("not an address that mail can be sent to".into());
    let (local, domain) = address.rsplit_once('@').ok_or_else(refused)?;
    let Ok(Host::Domain(domain)) = Host::parse(domain) else { return Err(refused()) };
    Ok(Mailbox::new(None, Address::new(local, domain).map_err(|_| refused())?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use mailparse::{MailHeaderMap as _, parse_mail};

    const MESSAGE_ID: &str = "<019a0000-0000-7000-8000-000000000000@books.example.org>";

    fn letter(subject: &str) -> Letter {
        Letter { subject: subject.into(), text: "Hello\n".into(), html: "<p>Hello</p>\n".into() }
    }

    fn compose_with(subject: &str, name: &str, to: &str, message_id: &str) -> Result<Vec<u8>, MailError> {
        let from = Sender::named(name, &"books@example.org".parse().unwrap())
            .map_err(|error| MailError::Refused(error.to_string()))?;
        let date = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap().naive_utc();
        let envelope = Envelope { from: &from, to, reply_to: Some("owner@example.org"), message_id, date };
        compose(&letter(subject), &envelope).map(|message| message.formatted())
    }

    /// The names of the outermost headers, in order.
    fn headers(message: &[u8]) -> Vec<String> {
        parse_mail(message).unwrap().headers.iter().map(mailparse::MailHeader::get_key).collect()
    }

    const EXPECTED: [&str; 9] =
        ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Reply-To", "MIME-Version", "Content-Type"];

    #[test]
    fn a_message_has_the_headers_it_needs_and_two_parts() {
        let bytes = compose_with("Ihre Bücher · “Moby‑Dick”", "Bücher, Ann", "ann@exämple.org", MESSAGE_ID).unwrap();
        assert_eq!(headers(&bytes), EXPECTED);
        assert!(bytes.is_ascii() && bytes.split(|b| *b == b'\n').all(|line| line.len() <= 998));
        let mail = parse_mail(&bytes).unwrap();
        let value = |name: &str| mail.headers.get_first_value(name).unwrap();
        assert_eq!(value("Subject"), "Ihre Bücher · “Moby‑Dick”");
        assert_eq!(value("To"), "ann@xn--exmple-cua.org");
        assert_eq!(value("Reply-To"), "owner@example.org");
        assert_eq!(value("Message-ID"), MESSAGE_ID);
        assert_eq!(value("Auto-Submitted"), "auto-generated");
        assert_eq!(value("Date"), "Fri, 15 Jan 2027 08:00:00 +0000");
        assert!(value("From").contains("Bücher, Ann") && value("From").ends_with("<books@example.org>"));
        let kinds: Vec<_> = mail.subparts.iter().map(|part| part.ctype.mimetype.as_str()).collect();
        assert_eq!((mail.ctype.mimetype.as_str(), kinds), ("multipart/alternative", vec!["text/plain", "text/html"]));
    }

    /// 25 ways to write a second header, in 8 places: 200 strings.
    #[test]
    fn row_39_no_text_adds_a_header() {
        let breaks = ["\r\n", "\n", "\r", "\r\n ", "\n\t"];
        let extras = [
            "Bcc: thief@example.com",
            "Content-Type: text/html\r\n\r\n<script>1</script>",
            "X-Extra: 1",
            "Reply-To: thief@example.com",
            "\r\n.\r\nMAIL FROM:<thief@example.com>",
        ];
        let mut tried = 0;
        for line_break in breaks {
            for extra in extras {
                let hostile = format!("Moby-Dick{line_break}{extra}");
                // With what other programs take for a line break, and behind what an encoder may undo.
                let softer = hostile.replace(['\r', '\n', '\t'], "\u{2028}");
                let encoded = format!("=?utf-8?Q?Moby=0D=0A{}?=", extra.replace(['\r', '\n', ' '], "_"));
                let address = format!("ann@example.org{line_break}{extra}");
                let quoted = format!("\"ann{line_break}{extra}\"@example.org");
                let id = format!("<1@example.org>{line_break}{extra}");
                for (made, kept) in [
                    (compose_with(&hostile, "Books", "ann@example.org", MESSAGE_ID), false),
                    (compose_with(&softer, "Books", "ann@example.org", MESSAGE_ID), true),
                    (compose_with(&encoded, "Books", "ann@example.org", MESSAGE_ID), true),
                    (compose_with("Books", &hostile, "ann@example.org", MESSAGE_ID), false),
                    (compose_with("Books", &softer, "ann@example.org", MESSAGE_ID), true),
                    (compose_with("Books", "Books", &address, MESSAGE_ID), false),
                    (compose_with("Books", "Books", &quoted, MESSAGE_ID), false),
                    (compose_with("Books", "Books", "ann@example.org", &id), false),
                ] {
                    tried += 1;
                    assert_eq!(made.is_ok(), kept, "{hostile:?}");
                    if let Ok(bytes) = made {
                        assert_eq!(headers(&bytes), EXPECTED, "{hostile:?}");
                    }
                }
            }
        }
        assert_eq!(tried, 200);
    }
}
