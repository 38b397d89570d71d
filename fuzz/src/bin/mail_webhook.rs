//! What the mail provider delivers: the three headers and the event's body.
#![no_main]

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDateTime, TimeDelta};
use hmac::{Hmac, KeyInit as _, Mac as _};
use libfuzzer_sys::fuzz_target;
use provider::{Feedback, MailSignature, MailWebhookSecrets, Outcome};
use sha2::Sha256;

#[allow(dead_code, unreachable_pub)]
#[path = "../../../server/shop/src/outbox/provider.rs"]
mod provider;

/// One in the standard's form, and one whose own characters are the key.
const SECRETS: [&str; 2] = ["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "a secret of more than 24 characters"];
const NOW: i64 = 1_795_000_000;

fn now() -> NaiveDateTime {
    DateTime::from_timestamp(NOW, 0).expect("a time").naive_utc()
}

/// Every key that signs with these secrets.
fn keys() -> Vec<Vec<u8>> {
    let decoded = STANDARD.decode(&SECRETS[0]["whsec_".len()..]).expect("base64");
    vec![decoded, SECRETS[0].as_bytes().to_vec(), SECRETS[1].as_bytes().to_vec()]
}

fn sign(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("any length");
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    STANDARD.encode(mac.finalize().into_bytes())
}

fuzz_target!(|data: &[u8]| {
    // The three headers, each with a line feed behind it, and the body.
    let mut parts = data.splitn(4, |byte| *byte == b'\n');
    let mut next = || parts.next().unwrap_or_default();
    let (id, timestamp, signatures, body) = (next(), next(), next(), next());
    let secrets: MailWebhookSecrets = SECRETS.join(",").parse().expect("two secrets");
    let text = std::str::from_utf8;
    if let (Ok(id), Ok(timestamp), Ok(signatures)) = (text(id), text(timestamp), text(signatures)) {
        any_headers(&secrets, MailSignature { id, timestamp, signatures }, body);
        // The same with the signature that a fuzzer cannot guess: `$` stands for it.
        for key in keys() {
            let signatures = signatures.replace('$', &sign(&key, id, timestamp, body));
            any_headers(&secrets, MailSignature { id, timestamp, signatures: &signatures }, body);
        }
    }
    good_headers(&secrets, body);
    if let Ok(Some(feedback)) = Feedback::parse(body) {
        any_feedback(&feedback);
    }
    // What an operator sets is read or refused.
    if let Ok(secret) = text(data) {
        let _ = secret.parse::<MailWebhookSecrets>();
    }
});

/// Whatever is accepted was signed with one of our keys, over this id, time and body, just now.
fn any_headers(secrets: &MailWebhookSecrets, header: MailSignature<'_>, body: &[u8]) {
    if !secrets.verify(header, body, now()) {
        return;
    }
    let MailSignature { id, timestamp, signatures } = header;
    assert!(!id.is_empty());
    let age = timestamp.parse::<i64>().expect("a number").abs_diff(NOW);
    assert!(age <= 300, "accepted at an age of {age} s");
    let expected: Vec<Vec<u8>> =
        keys().iter().map(|key| STANDARD.decode(sign(key, id, timestamp, body)).expect("base64")).collect();
    let given = |part: &str| STANDARD.decode(part.strip_prefix("v1,")?).ok();
    let signed = signatures.split(' ').filter_map(given).any(|signature| expected.contains(&signature));
    assert!(signed, "accepted a signature that is not ours");
}

/// What the provider has signed is accepted, and nothing near it.
fn good_headers(secrets: &MailWebhookSecrets, body: &[u8]) {
    let (id, timestamp) = ("msg_1", NOW.to_string());
    for key in keys() {
        let signatures = format!("v0,x v1,{} v1a,y", sign(&key, id, &timestamp, body));
        let header = MailSignature { id, timestamp: &timestamp, signatures: &signatures };
        assert!(secrets.verify(header, body, now()));
        assert!(!secrets.verify(header, body, now() + TimeDelta::seconds(301)));
        assert!(!secrets.verify(header, body, now() - TimeDelta::seconds(301)));
        assert!(!secrets.verify(MailSignature { id: "msg_2", ..header }, body, now()));
        let mut other = body.to_vec();
        match other.first_mut() {
            Some(byte) => *byte ^= 1,
            None => other.push(0),
        }
        assert!(!secrets.verify(header, &other, now()));
    }
}

/// What is looked for in the outbox is a Message-ID, and what is kept of a bounce fits into its row on both databases.
fn any_feedback(feedback: &Feedback) {
    let id = feedback.message_id.strip_prefix('<').and_then(|id| id.strip_suffix('>')).expect("angle brackets");
    assert!(id.contains('@') && id.len() <= 250 && !id.chars().any(char::is_control), "{id:?}");
    if let Outcome::Bounced(why) = &feedback.outcome {
        assert!(why.chars().count() <= 500 && !why.chars().any(char::is_control), "{why:?}");
    }
}
