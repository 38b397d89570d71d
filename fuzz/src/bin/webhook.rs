//! What Stripe delivers: the signature's header and the event's body.
#![no_main]

use chrono::{DateTime, NaiveDateTime, TimeDelta};
use hmac::{Hmac, KeyInit as _, Mac as _};
use incoming::{Incoming, SignatureError, WebhookSecrets};
use libfuzzer_sys::fuzz_target;
use sha2::Sha256;

#[allow(dead_code, unreachable_pub)]
#[path = "../../../server/shop/src/events/incoming.rs"]
mod incoming;

const SECRETS: [&str; 2] = ["whsec_fuzzing_one", "whsec_fuzzing_two"];
const NOW: i64 = 1_795_000_000;

fn now() -> NaiveDateTime {
    DateTime::from_timestamp(NOW, 0).expect("a time").naive_utc()
}

fn sign(secret: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("any length");
    for part in [timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    hex::encode(mac.finalize().into_bytes())
}

fuzz_target!(|data: &[u8]| {
    // The header, a line feed, the body.
    let at = data.iter().position(|byte| *byte == b'\n').unwrap_or(data.len());
    let (header, body) = (&data[..at], data.get(at + 1..).unwrap_or_default());
    let secrets: WebhookSecrets = SECRETS.join(",").parse().expect("two secrets");
    if let Ok(header) = std::str::from_utf8(header) {
        any_header(&secrets, header, body);
        // The same with the signatures that a fuzzer cannot guess: `$` stands for them.
        for secret in SECRETS {
            let timestamp = header.split(',').find_map(|part| part.trim().strip_prefix("t=")).unwrap_or_default();
            any_header(&secrets, &header.replace('$', &sign(secret, timestamp, body)), body);
        }
    }
    good_header(&secrets, body);
    if let Ok(event) = Incoming::parse(body) {
        any_event(&event, body);
    }
});

/// Whatever is accepted was signed with one of our secrets, over this body, just now.
fn any_header(secrets: &WebhookSecrets, header: &str, body: &[u8]) {
    if secrets.verify(header, body, now()).is_err() {
        return;
    }
    let fields: Vec<(&str, &str)> = header.split(',').filter_map(|part| part.trim().split_once('=')).collect();
    let timestamps: Vec<&str> = fields.iter().filter(|(name, _)| *name == "t").map(|(_, value)| *value).collect();
    let [timestamp] = timestamps[..] else { panic!("accepted {} timestamps", timestamps.len()) };
    let age = timestamp.parse::<i64>().expect("a number").abs_diff(NOW);
    assert!(age <= 300, "accepted at an age of {age} s");
    let expected = SECRETS.map(|secret| sign(secret, timestamp, body));
    let signed = fields.iter().any(|(name, value)| *name == "v1" && expected.iter().any(|e| e == value));
    assert!(signed, "accepted a signature that is not ours");
}

/// What we have signed is accepted, and nothing near it.
fn good_header(secrets: &WebhookSecrets, body: &[u8]) {
    let at = NOW.to_string();
    let signature = sign(SECRETS[1], &at, body);
    let header = format!("t={at},v1={signature},v0=x");
    assert_eq!(secrets.verify(&header, body, now()), Ok(()));
    let later = now() + TimeDelta::seconds(301);
    assert_eq!(secrets.verify(&header, body, later), Err(SignatureError::Skew));
    let mut other = body.to_vec();
    match other.first_mut() {
        Some(byte) => *byte ^= 1,
        None => other.push(0),
    }
    assert_eq!(secrets.verify(&header, &other, now()), Err(SignatureError::Mismatch));
    // One digit of the signature, somewhere.
    let place = usize::from(body.last().copied().unwrap_or_default()) % signature.len();
    let digit = if signature.as_bytes()[place] == b'0' { "1" } else { "0" };
    let mut wrong = signature.clone();
    wrong.replace_range(place..=place, digit);
    let header = format!("t={at},v1={wrong}");
    assert_eq!(secrets.verify(&header, body, now()), Err(SignatureError::Mismatch));
}

/// What is kept of an event is what stands in it, and both databases can keep it.
fn any_event(event: &Incoming, body: &[u8]) {
    assert_eq!(event.body.as_bytes(), body);
    assert!(!event.id.is_empty());
    for text in [&event.id, &event.kind, &event.object_id] {
        assert!(text.len() <= 255 && !text.contains('\0'));
    }
    assert!(!event.body.contains('\0'));
    let year = event.created.format("%Y").to_string();
    assert_eq!(year.len(), 4, "{year}");
    let again = serde_json::json!({
        "id": event.id, "type": event.kind, "created": event.created.and_utc().timestamp(), "livemode": event.livemode,
        "data": { "object": { "id": event.object_id } },
    });
    let again = again.to_string();
    let parsed = Incoming::parse(again.as_bytes()).expect("our own event");
    assert_eq!(parsed, Incoming { body: again, ..event.clone() });
}
