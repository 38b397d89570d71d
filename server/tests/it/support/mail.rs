//! Mail: a relay to send it to, and the provider that says what became of it.

use super::{MAIL_FROM, MAIL_SECRET, OWNER, Store};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use mailparse::{MailHeaderMap as _, ParsedMail, parse_mail};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use reqwest::StatusCode;
use serde_json::Value;
use sha2::Sha256;
use shop::mailer::{Mailer, Post, SmtpRelay};
use shop::{Parts, Shop};
use std::io::{BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tempfile::TempDir;

/// Where the store's mail goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailWay {
    /// Nobody said: it stays queued.
    Nowhere,
    /// [`Store::memory`].
    Memory,
    /// The folder `mailbox` in [`Store::data`].
    Folder,
    /// [`Store::sink`] in clear text, with these credentials (`user:password@`, or nothing). It knows Ann, whose password
    /// is "right".
    Sink(&'static str),
    /// The same under TLS, with a certificate of the sink's own authority, which the store knows.
    Secure(Encryption, &'static str),
}

/// When a relay encrypts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encryption {
    /// From the first byte.
    FromTheStart,
    /// After `STARTTLS`, without which it takes nothing.
    StartTls,
}

/// A mail, taken apart.
#[derive(Debug)]
pub struct Mail {
    /// The outermost headers in order, decoded.
    pub headers: Vec<(String, String)>,
    pub text: String,
    pub html: String,
}

impl Mail {
    pub fn parse(bytes: &[u8]) -> Self {
        let mail = parse_mail(bytes).unwrap();
        let part = |kind: &str| find(&mail, kind).unwrap_or_else(|| panic!("no {kind}")).get_body().unwrap();
        Self {
            text: part("text/plain"),
            html: part("text/html"),
            headers: mail.headers.iter().map(|header| (header.get_key(), header.get_value())).collect(),
        }
    }

    pub fn header(&self, name: &str) -> &str {
        let mut found = self.headers.iter().filter(|(key, _)| key.eq_ignore_ascii_case(name));
        let (_, value) = found.next().unwrap_or_else(|| panic!("no {name}"));
        assert!(found.next().is_none(), "two of {name}");
        value
    }
}

fn find<'a, 'b>(mail: &'b ParsedMail<'a>, kind: &str) -> Option<&'b ParsedMail<'a>> {
    if mail.ctype.mimetype == kind { Some(mail) } else { mail.subparts.iter().find_map(|part| find(part, kind)) }
}

/// A relay, and what it must show to be believed.
pub(super) fn relay(url: &str, authority: Option<&str>) -> Mailer {
    let authority = authority.map(|pem| pem.parse().unwrap());
    Mailer::Smtp(SmtpRelay::new(&url.parse().unwrap(), authority.as_ref()).unwrap())
}

/// The Message-IDs of mails as they travelled.
pub fn message_ids(mails: &[Vec<u8>]) -> Vec<String> {
    mails.iter().map(|mail| parse_mail(mail).unwrap().headers.get_first_value("Message-ID").unwrap()).collect()
}

/// An authority that signs certificates for relays on this machine, and one of those.
pub struct Authority {
    /// Its own certificate, in PEM.
    pub pem: String,
    /// That of the server, and its key.
    pub certificate: String,
    pub key: String,
}

impl Authority {
    /// A new one; its certificate is for a relay of this name or address.
    pub fn new(relay: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "An authority of a test");
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        let key = KeyPair::generate().unwrap();
        let signed = CertificateParams::new([relay.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        Self { pem: issuer.pem(), certificate: signed.pem(), key: key.serialize_pem() }
    }
}

/// `end2end/mail/sink.py`: a relay of another make than our client.
pub struct Sink {
    port: u16,
    credentials: bool,
    tls: Option<(Encryption, TempDir, Authority)>,
    taken: Arc<Mutex<Vec<Vec<u8>>>>,
    running: Mutex<Option<Process>>,
}

struct Process {
    child: Child,
    input: ChildStdin,
    said: Receiver<String>,
}

impl Sink {
    /// Starts it on a free port, in clear text.
    pub fn start(credentials: bool) -> Self {
        Self::start_with(credentials, None)
    }

    /// Starts it on a free port, under TLS with the authority's certificate.
    pub fn start_secure(encryption: Encryption, credentials: bool, authority: Authority) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("certificate.pem"), &authority.certificate).unwrap();
        std::fs::write(folder.path().join("key.pem"), &authority.key).unwrap();
        std::fs::write(folder.path().join("authority.pem"), &authority.pem).unwrap();
        Self::start_with(credentials, Some((encryption, folder, authority)))
    }

    fn start_with(credentials: bool, tls: Option<(Encryption, TempDir, Authority)>) -> Self {
        let mut sink = Self { port: 0, credentials, tls, taken: Arc::default(), running: Mutex::default() };
        sink.port = sink.run();
        sink
    }

    /// The certificate of the authority that it shows, and the file that has it.
    pub fn authority(&self) -> Option<(&str, PathBuf)> {
        self.tls.as_ref().map(|(_, folder, authority)| (authority.pem.as_str(), folder.path().join("authority.pem")))
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    fn run(&self) -> u16 {
        let python = std::env::var("TEST_MAIL_SINK").expect(
            "TEST_MAIL_SINK: run the tests with `make test` or scripts/host-tests.sh, after scripts/setup.sh python",
        );
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../end2end/mail/sink.py");
        let mut command = Command::new(&python);
        command.arg("-B").arg(script).arg("--port").arg(self.port.to_string());
        if self.credentials {
            command.args(["--user", "ann", "--password", "right"]);
        }
        if let Some((encryption, folder, _)) = &self.tls {
            let tls = if *encryption == Encryption::StartTls { "starttls" } else { "start" };
            command.args(["--tls", tls, "--certificate"]).arg(folder.path().join("certificate.pem"));
            command.arg("--key").arg(folder.path().join("key.pem"));
        }
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap_or_else(|error| {
                panic!("{python} (TEST_MAIL_SINK): {error}; scripts/setup.sh python brings it")
            });
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let (say, said) = channel();
        let taken = Arc::clone(&self.taken);
        std::thread::spawn(move || read(BufReader::new(output), &taken, &say));
        let process = Process { child, input, said };
        let ready = process.said.recv_timeout(Duration::from_secs(20)).expect("the sink starts");
        *self.running.lock().unwrap() = Some(process);
        ready.strip_prefix("ready ").expect("a port").parse().unwrap()
    }

    /// How it answers from now on: `up`, `down`, `refuse`, `quota` or `closed`; `sync` is as before.
    pub fn answer(&self, mode: &str) {
        let mut running = self.running.lock().unwrap();
        let process = running.as_mut().expect("it runs");
        writeln!(process.input, "{mode}").unwrap();
        assert_eq!(process.said.recv_timeout(Duration::from_secs(20)).unwrap(), "ok");
    }

    /// Ends it; nobody listens on its port then.
    pub fn stop(&self) {
        if let Some(mut process) = self.running.lock().unwrap().take() {
            process.child.kill().unwrap();
            process.child.wait().unwrap();
        }
    }

    /// Starts it again on the same port.
    pub fn restart(&self) {
        assert_eq!(self.run(), self.port);
    }

    /// Its address for `SMTP_URL`.
    pub fn url(&self, credentials: &str) -> String {
        self.url_at(credentials, self.port)
    }

    /// As if it listened on another port.
    pub fn url_at(&self, credentials: &str, port: u16) -> String {
        match self.tls.as_ref().map(|(encryption, ..)| *encryption) {
            None => format!("smtp://{credentials}127.0.0.1:{port}"),
            Some(Encryption::FromTheStart) => format!("smtps://{credentials}127.0.0.1:{port}"),
            Some(Encryption::StartTls) => format!("smtp://{credentials}127.0.0.1:{port}?tls=required"),
        }
    }

    /// What it took, oldest first.
    pub fn taken(&self) -> Vec<Vec<u8>> {
        // It writes down what it takes before it says that it has; what it has written, we have read when it answers.
        if self.running.lock().unwrap().is_some() {
            self.answer("sync");
        }
        self.taken.lock().unwrap().clone()
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.stop();
    }
}

fn read(output: impl std::io::BufRead, taken: &Mutex<Vec<Vec<u8>>>, say: &Sender<String>) {
    for line in output.lines().map_while(Result::ok) {
        if line.starts_with('{') {
            let mail: Value = serde_json::from_str(&line).unwrap();
            taken.lock().unwrap().push(STANDARD.decode(mail["data"].as_str().unwrap()).unwrap());
        } else if say.send(line).is_err() {
            return;
        }
    }
}

/// `webhook-signature` over any bytes.
pub fn mail_signature(secret: &str, id: &str, timestamp: i64, body: &[u8]) -> String {
    let key = STANDARD.decode(secret.strip_prefix("whsec_").unwrap()).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{timestamp}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

impl Store {
    /// The mails that went to memory.
    pub fn mails(&self) -> Vec<Mail> {
        self.memory.sent().iter().map(|bytes| Mail::parse(bytes)).collect()
    }

    /// The provider tells of a mail.
    pub async fn tell_of_mail(&self, event: &Value) -> (StatusCode, String) {
        let (body, id, now) = (event.to_string().into_bytes(), "msg_1", self.seconds());
        let signature = mail_signature(MAIL_SECRET, id, now, &body);
        let request = self.http.post(format!("{}/webhooks/mail", self.url));
        let request = request.header("webhook-id", id).header("webhook-timestamp", now);
        let answer = request.header("webhook-signature", signature).body(body).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    }

    /// The same store with another relay, and what it holds its certificate against.
    pub fn with_relay(&self, url: &str, authority: Option<&str>) -> Shop {
        let (from, owner) = (MAIL_FROM.parse().unwrap(), OWNER.parse().unwrap());
        Shop::new(Parts { post: Some(Post { mailer: relay(url, authority), from, owner }), ..self.parts.clone() })
    }

    /// Sends whatever is due.
    pub async fn send_all(&self) {
        while self.shop.work_on_outbox().await.unwrap() > 0 {}
    }
}
