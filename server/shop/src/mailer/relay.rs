//! SMTP, through lettre.

use super::MailError;
use core::fmt;
use core::str::FromStr;
use lettre::transport::smtp::PoolConfig;
use lettre::transport::smtp::client::{Certificate, CertificateStore, Tls, TlsParameters};
use lettre::{AsyncSmtpTransport, AsyncTransport, Message, Tokio1Executor};
use std::error::Error as _;
use std::time::Duration;
use url::{Host, Url};

/// For connecting, and for each answer of the relay.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Connections that are kept open while there is mail.
pub(crate) const CONNECTIONS: u32 = 4;

/// Where the relay is, in lettre's form: `smtps://USER:PASSWORD@HOST` (TLS from the start, port 465),
/// `smtp://USER:PASSWORD@HOST?tls=required` (STARTTLS, port 587), `smtp://HOST:PORT` (clear text: a relay on this
/// machine or in its own network). A path is the name to say hello with.
#[derive(Clone, PartialEq, Eq)]
pub struct SmtpUrl(String);

/// The address names no relay that mail can be given to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MalformedRelay {
    /// Another scheme, no host, an unknown parameter.
    #[error("must be smtps://USER:PASSWORD@HOST, smtp://USER:PASSWORD@HOST?tls=required or smtp://HOST:PORT")]
    Form,
    /// Half of the credentials: lettre would send neither.
    #[error("must have both a user and a password, or neither")]
    Credentials,
    /// Anybody on the way could read the password, or strip the TLS off.
    #[error("has a password that would travel in clear text: add ?tls=required, or use smtps://")]
    ClearText,
}

impl FromStr for SmtpUrl {
    type Err = MalformedRelay;

    fn from_str(text: &str) -> Result<Self, MalformedRelay> {
        let text = text.trim();
        let url = Url::parse(text).map_err(|_| MalformedRelay::Form)?;
        let parameters: Vec<_> = url.query_pairs().collect();
        if url.fragment().is_some() || parameters.iter().any(|(name, _)| name != "tls") || parameters.len() > 1 {
            return Err(MalformedRelay::Form);
        }
        if url.username().is_empty() != url.password().is_none_or(str::is_empty) {
            return Err(MalformedRelay::Credentials);
        }
        if !encrypts(&url) && url.password().is_some() && !is_loopback(&url) {
            return Err(MalformedRelay::ClearText);
        }
        AsyncSmtpTransport::<Tokio1Executor>::from_url(text).map_err(|_| MalformedRelay::Form)?;
        Ok(Self(text.to_owned()))
    }
}

impl SmtpUrl {
    /// Whether nothing is said to the relay but under TLS.
    #[must_use]
    pub fn encrypts(&self) -> bool {
        Url::parse(&self.0).is_ok_and(|url| encrypts(&url))
    }
}

fn encrypts(url: &Url) -> bool {
    url.scheme() == "smtps" || url.query_pairs().any(|(name, value)| name == "tls" && value == "required")
}

/// Who signs the relay's certificate, if that is not an authority that browsers trust: a company's own, say. Nobody else's
/// signature counts then.
#[derive(Clone)]
pub struct RelayCa(Certificate);

/// The text holds no certificates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be one or more certificates in PEM (-----BEGIN CERTIFICATE-----)")]
pub struct MalformedCa;

impl FromStr for RelayCa {
    type Err = MalformedCa;

    fn from_str(text: &str) -> Result<Self, MalformedCa> {
        if !text.contains("-----BEGIN CERTIFICATE-----") {
            return Err(MalformedCa);
        }
        let ca = Self(Certificate::from_pem(text.as_bytes()).map_err(|_| MalformedCa)?);
        // Only this looks into the certificates.
        ca.parameters("localhost").map_err(|_| MalformedCa)?;
        Ok(ca)
    }
}

impl RelayCa {
    fn parameters(&self, host: &str) -> Result<TlsParameters, lettre::transport::smtp::Error> {
        TlsParameters::builder(host.to_owned())
            .certificate_store(CertificateStore::None)
            .add_root_certificate(self.0.clone())
            .build()
    }
}

impl fmt::Debug for RelayCa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RelayCa")
    }
}

/// Hosts of unknown schemes are kept as text.
fn is_loopback(url: &Url) -> bool {
    match url.host_str().map(Host::parse) {
        Some(Ok(Host::Domain(name))) => name == "localhost",
        Some(Ok(Host::Ipv4(ip))) => ip.is_loopback(),
        Some(Ok(Host::Ipv6(ip))) => ip.is_loopback(),
        _ => false,
    }
}

/// Without user and password.
impl fmt::Debug for SmtpUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = Url::parse(&self.0).ok();
        write!(f, "SmtpUrl({})", url.as_ref().and_then(Url::host_str).unwrap_or_default())
    }
}

/// Connections to a relay.
#[derive(Clone)]
pub struct SmtpRelay(AsyncSmtpTransport<Tokio1Executor>);

impl SmtpRelay {
    /// Opens none yet. Must be called within a Tokio runtime, which closes idle connections. Without `ca` the authorities
    /// count that browsers trust.
    ///
    /// # Errors
    /// [`MalformedRelay`], which [`SmtpUrl`] and [`RelayCa`] have ruled out.
    pub fn new(url: &SmtpUrl, ca: Option<&RelayCa>) -> Result<Self, MalformedRelay> {
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(&url.0).map_err(|_| MalformedRelay::Form)?;
        if let Some(ca) = ca {
            let url = Url::parse(&url.0).map_err(|_| MalformedRelay::Form)?;
            let parameters = ca.parameters(url.host_str().unwrap_or_default()).map_err(|_| MalformedRelay::Form)?;
            let from_the_start = url.scheme() == "smtps";
            builder = builder.tls(if from_the_start { Tls::Wrapper(parameters) } else { Tls::Required(parameters) });
        }
        let pool = PoolConfig::new().max_size(CONNECTIONS).idle_timeout(Duration::from_secs(30));
        Ok(Self(builder.timeout(Some(TIMEOUT)).pool_config(pool).build()))
    }

    pub(super) async fn send(&self, message: Message) -> Result<(), MailError> {
        let unusual = !message.envelope().to().iter().all(|address| AsRef::<str>::as_ref(address).is_ascii());
        let Err(error) = self.0.send(message).await else { return Ok(()) };
        let why = in_words(&error);
        if error.is_permanent() {
            // A relay that greets nobody or lets nobody in (a wrong password) says nothing about this mail either.
            let meant = means_the_recipient(&error) && matches!(self.0.test_connection().await, Ok(true));
            return Err(if meant { MailError::Refused(why) } else { MailError::Failed(why) });
        }
        // No SMTPUTF8 on the other side: the address cannot be said there.
        if error.is_client() && unusual { Err(MailError::Refused(why)) } else { Err(MailError::Failed(why)) }
    }
}

/// Whether a permanent refusal is about whom the mail is for. Any other one is about us, and would be the same for every
/// mail of the hour: too many mails for today, a sender who is not verified yet, an account that is paused.
fn means_the_recipient(error: &lettre::transport::smtp::Error) -> bool {
    let text = error.source().map(ToString::to_string).unwrap_or_default();
    error.status().is_some_and(|code| names_the_recipient(u16::from(code), &text))
}

/// By the reply's enhanced status (RFC 3463): 5.1.x is about an address, of which .7 and .8 are the sender's, and 5.2.1 is a
/// mailbox that is closed. Without one by its code: 550, 551 and 553 are of a mailbox (RFC 5321 4.2.3).
fn names_the_recipient(code: u16, text: &str) -> bool {
    match enhanced_status(text) {
        Some((5, 1, detail)) => !matches!(detail, 7 | 8),
        Some(status) => status == (5, 2, 1),
        None => matches!(code, 550 | 551 | 553),
    }
}

/// Class, subject and detail of the status that a reply begins with (RFC 2034), if it has one.
fn enhanced_status(text: &str) -> Option<(u16, u16, u16)> {
    let mut parts = text.split_whitespace().next()?.split('.');
    let (class, subject, detail) = (parts.next()?, parts.next()?, parts.next()?);
    // An address, or a version.
    if !matches!(class, "2" | "4" | "5") || parts.next().is_some() {
        return None;
    }
    Some((class.parse().ok()?, subject.parse().ok()?, detail.parse().ok()?))
}

/// With what lies behind it, cut to what a row should hold.
fn in_words(error: &lettre::transport::smtp::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(500).collect()
}

impl fmt::Debug for SmtpRelay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SmtpRelay")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relay_is_addressed_by_its_url_and_its_password_is_never_printed() {
        for good in [
            "smtps://ann:0123456789@mail.example.org",
            "smtps://ann%40example.org:0123456789@mail.example.org:465",
            "smtp://ann:0123456789@mail.example.org?tls=required",
            "smtp://ann:0123456789@mail.example.org:587/books.example.org?tls=required",
            "smtp://127.0.0.1:25",
            "smtp://mail.example.org",
            "smtp://ann:0123456789@localhost:2525",
            "smtp://ann:0123456789@[::1]:2525",
        ] {
            let url: SmtpUrl = good.parse().unwrap_or_else(|error| panic!("{good}: {error}"));
            assert!(!format!("{url:?}").contains("0123456789"));
            assert_eq!(url.encrypts(), good.starts_with("smtps") || good.ends_with("tls=required"), "{good}");
        }
        for (bad, why) in [
            ("", MalformedRelay::Form),
            ("mail.example.org", MalformedRelay::Form),
            ("http://mail.example.org", MalformedRelay::Form),
            ("smtp://", MalformedRelay::Form),
            ("smtp://mail.example.org?tls=maybe", MalformedRelay::Form),
            ("smtp://mail.example.org?ssl=1", MalformedRelay::Form),
            ("smtp://mail.example.org?tls=required&tls=opportunistic", MalformedRelay::Form),
            ("smtps://ann@mail.example.org", MalformedRelay::Credentials),
            ("smtps://:0123456789@mail.example.org", MalformedRelay::Credentials),
            ("smtp://ann:0123456789@mail.example.org", MalformedRelay::ClearText),
            ("smtp://ann:0123456789@mail.example.org?tls=opportunistic", MalformedRelay::ClearText),
        ] {
            assert_eq!(bad.parse::<SmtpUrl>(), Err(why), "{bad}");
        }
    }

    #[test]
    fn only_what_is_said_of_the_recipient_is_said_of_the_mail() {
        for (code, text) in [
            (550, "5.1.1 no such mailbox"),
            (550, "5.1.10 recipient address has a null MX"),
            (553, "5.1.3 bad address syntax"),
            (556, "5.1.2 no such domain"),
            (550, "5.2.1 The email account that you tried to reach is inactive"),
            (550, "no such user here"),
            (551, "user not local"),
            (553, ""),
            (550, "10.0.0.1 has no such user"),
        ] {
            assert!(names_the_recipient(code, text), "{code} {text}");
        }
        for (code, text) in [
            (550, "5.4.5 Daily user sending limit exceeded"),
            (554, "Message rejected: Email address is not verified"),
            (554, "5.7.1 Sending paused for this account"),
            (554, ""),
            (550, "5.7.1 relaying denied"),
            (550, "5.7.26 unauthenticated sender"),
            (553, "5.1.8 sender's domain does not exist"),
            (501, "5.1.7 bad sender address syntax"),
            (552, "5.2.2 mailbox full"),
            (552, "5.2.3 message too large"),
            (535, "5.7.8 authentication credentials invalid"),
            (530, "authentication required"),
            (521, "no mail service here"),
            (550, "4.2.1 odd"),
        ] {
            assert!(!names_the_recipient(code, text), "{code} {text}");
        }
    }

    #[test]
    fn an_authority_is_a_certificate_in_pem() {
        for bad in [
            "",
            "/etc/ssl/ca.pem",
            "-----BEGIN CERTIFICATE-----",
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
            "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----",
        ] {
            assert_eq!(bad.parse::<RelayCa>().map(drop), Err(MalformedCa), "{bad}");
        }
    }
}
