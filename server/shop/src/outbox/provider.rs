//! What a delivery of the mail provider is before it is anything to us: a signature over bytes as Standard Webhooks describe
//! (<https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md>), and bytes that may be an
//! event.
//!
//! Nothing in here knows the shop or a database, so that it can be fuzzed by itself (`fuzz/`).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::NaiveDateTime;
use core::fmt;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value;
use sha2::Sha256;
use std::str::FromStr;
use subtle::ConstantTimeEq as _;

/// The tolerance that the standard leaves to us, in both directions: Stripe's.
const TOLERANCE_SECONDS: u64 = 300;
/// The standard asks for keys of 24 to 64 bytes.
const MIN_KEY: usize = 24;
/// What a row keeps of a relay's explanation.
const MAX_DETAIL: usize = 500;

/// The provider's signing secrets: one, or two while rotating.
#[derive(Clone)]
pub struct MailWebhookSecrets(Vec<Vec<u8>>);

/// `MAIL_WEBHOOK_SECRET` names no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be the provider's signing secret (whsec_… in base64, or at least 24 characters), or several separated by commas"
)]
pub struct MalformedMailSecret;

impl FromStr for MailWebhookSecrets {
    type Err = MalformedMailSecret;

    /// `whsec_` and base64 is the standard's form. Some providers sign with the secret's own characters instead, so
    /// those are a key as well.
    fn from_str(text: &str) -> Result<Self, MalformedMailSecret> {
        let mut keys = Vec::new();
        for secret in text.split(',').map(str::trim) {
            let decoded = secret.strip_prefix("whsec_").and_then(|base64| STANDARD.decode(base64).ok());
            if secret.len() < MIN_KEY || decoded.as_ref().is_some_and(|key| key.len() < MIN_KEY) {
                return Err(MalformedMailSecret);
            }
            keys.extend(decoded);
            keys.push(secret.as_bytes().to_vec());
        }
        Ok(Self(keys))
    }
}

impl fmt::Debug for MailWebhookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MailWebhookSecrets(…)")
    }
}

/// The three headers of a delivery.
#[derive(Clone, Copy, Debug)]
pub struct MailSignature<'a> {
    /// `webhook-id`.
    pub id: &'a str,
    /// `webhook-timestamp`, in Unix seconds.
    pub timestamp: &'a str,
    /// `webhook-signature`: `v1,BASE64`, several separated by spaces.
    pub signatures: &'a str,
}

impl MailWebhookSecrets {
    /// Whether one of the secrets has signed the raw body within five minutes of `now`; any `v1` may match.
    #[must_use]
    pub fn verify(&self, header: MailSignature<'_>, body: &[u8], now: NaiveDateTime) -> bool {
        let MailSignature { id, timestamp, signatures } = header;
        let digits = !timestamp.is_empty() && timestamp.bytes().all(|b| b.is_ascii_digit());
        let Some(signed_at) = timestamp.parse::<i64>().ok().filter(|_| digits && !id.is_empty()) else { return false };
        let signatures: Vec<Vec<u8>> = signatures
            .split(' ')
            .filter_map(|signature| signature.strip_prefix("v1,"))
            .filter_map(|base64| STANDARD.decode(base64).ok())
            .collect();
        let matches = self.0.iter().any(|key| {
            let expected = sign(key, id, timestamp, body);
            signatures.iter().any(|signature| bool::from(expected.as_slice().ct_eq(signature)))
        });
        matches && now.and_utc().timestamp().abs_diff(signed_at) <= TOLERANCE_SECONDS
    }
}

fn sign(key: &[u8], id: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default()));
    for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

/// What became of a mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// With its angle brackets.
    pub(super) message_id: String,
    pub(super) outcome: Outcome,
}

/// The body of a delivery is no event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an event")]
pub struct MalformedEvent;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Delivered,
    /// With the relay's explanation.
    Bounced(String),
    Complained,
}

impl Feedback {
    /// Reads an event's body: `type` and, in `data`, the mail's Message-ID. Nothing for an event of another kind, or one
    /// that names no mail by its Message-ID.
    ///
    /// # Errors
    /// [`MalformedEvent`] if the body is no event at all.
    pub fn parse(body: &[u8]) -> Result<Option<Self>, MalformedEvent> {
        let event: Value = serde_json::from_slice(body).map_err(|_| MalformedEvent)?;
        let kind = event.get("type").and_then(Value::as_str).ok_or(MalformedEvent)?;
        // The same things have the same names with those who sign like this, but for the word before them.
        let outcome = match kind.strip_prefix("email.").or_else(|| kind.strip_prefix("message.")) {
            Some("delivered") => Outcome::Delivered,
            Some("bounced" | "failed" | "suppressed") => Outcome::Bounced(detail(&event, kind)),
            Some("complained") => Outcome::Complained,
            _ => return Ok(None),
        };
        let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
        let id = text("/data/message_id_header").or_else(|| text("/data/message_id"));
        let id = id.map(|id| id.trim().trim_start_matches('<').trim_end_matches('>'));
        Ok(id
            .filter(|id| id.contains('@') && id.len() <= 250 && !id.chars().any(char::is_control))
            .map(|id| Self { message_id: format!("<{id}>"), outcome }))
    }
}

/// The relay's own words, wherever they stand.
fn detail(event: &Value, kind: &str) -> String {
    let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str);
    let code = event.pointer("/data/delivery_attempt/smtp_code").and_then(Value::as_i64);
    let words = ["/data/delivery_attempt/response", "/data/bounce/message", "/data/reason"].into_iter().find_map(text);
    let detail = match (code, words) {
        (Some(code), Some(words)) => format!("{code} {words}"),
        (Some(code), None) => code.to_string(),
        (None, words) => words.unwrap_or(kind).to_owned(),
    };
    detail.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MAX_DETAIL).collect()
}

/// The standard's own example, and what must not pass.
#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{DateTime, TimeDelta};
    use serde_json::json;

    /// From the test suite of the standard's reference libraries.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const TIMESTAMP: &str = "1614265330";
    const BODY: &[u8] = br#"{"test": 2432232314}"#;
    const SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn at(seconds: i64) -> NaiveDateTime {
        DateTime::from_timestamp(seconds, 0).unwrap().naive_utc()
    }

    fn header<'a>(id: &'a str, timestamp: &'a str, signatures: &'a str) -> MailSignature<'a> {
        MailSignature { id, timestamp, signatures }
    }

    #[test]
    fn the_standards_example_is_accepted_and_nothing_like_it() {
        let secrets: MailWebhookSecrets = SECRET.parse().unwrap();
        let now = at(1_614_265_330);
        assert!(secrets.verify(header(ID, TIMESTAMP, SIGNATURE), BODY, now));
        let among_others = format!("v1,AAAA v1a,{} {SIGNATURE} v2,x", &SIGNATURE[3..]);
        assert!(secrets.verify(header(ID, TIMESTAMP, &among_others), BODY, now));
        for (skew, good) in [(-301, false), (-300, true), (300, true), (301, false)] {
            assert_eq!(secrets.verify(header(ID, TIMESTAMP, SIGNATURE), BODY, now + TimeDelta::seconds(skew)), good);
        }
        for (id, timestamp, signatures) in [
            ("msg_other", TIMESTAMP, SIGNATURE),
            ("", TIMESTAMP, SIGNATURE),
            (ID, "1614265331", SIGNATURE),
            (ID, "+1614265330", SIGNATURE),
            (ID, " 1614265330", SIGNATURE),
            (ID, "1614265330.0", SIGNATURE),
            (ID, "", SIGNATURE),
            (ID, "99999999999999999999", SIGNATURE),
            (ID, TIMESTAMP, ""),
            (ID, TIMESTAMP, &SIGNATURE[3..]),
            (ID, TIMESTAMP, "v1,"),
            (ID, TIMESTAMP, "v1,g0hM9SsE"),
            (ID, TIMESTAMP, "v1a,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
            (ID, TIMESTAMP, "v1,G0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="),
        ] {
            assert!(!secrets.verify(header(id, timestamp, signatures), BODY, now), "{id} {timestamp} {signatures}");
        }
        for i in 0..BODY.len() {
            let mut body = BODY.to_vec();
            body[i] ^= 1;
            assert!(!secrets.verify(header(ID, TIMESTAMP, SIGNATURE), &body, now));
        }
    }

    #[test]
    fn secrets_can_be_rotated_and_are_never_printed() {
        let both: MailWebhookSecrets = format!("whsec_{}, {SECRET}", STANDARD.encode([7; 32])).parse().unwrap();
        assert!(both.verify(header(ID, TIMESTAMP, SIGNATURE), BODY, at(1_614_265_330)));
        let other: MailWebhookSecrets = format!("whsec_{}", STANDARD.encode([7; 32])).parse().unwrap();
        assert!(!other.verify(header(ID, TIMESTAMP, SIGNATURE), BODY, at(1_614_265_330)));
        // A secret that is its own key.
        let literal = "aha-0123456789abcdef0123456789abcdef";
        let signature = format!("v1,{}", STANDARD.encode(sign(literal.as_bytes(), ID, TIMESTAMP, BODY)));
        let secrets: MailWebhookSecrets = literal.parse().unwrap();
        assert!(secrets.verify(header(ID, TIMESTAMP, &signature), BODY, at(1_614_265_330)));
        assert!(!format!("{both:?}{secrets:?}").contains("0123456789"));
        for bad in [
            "",
            " ",
            "whsec_",
            "whsec_c2hvcnQ=",
            "short",
            "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAA,",
            ",",
            "whsec_AAAAAAAAAAAAAAAAAAAA",
        ] {
            assert!(bad.parse::<MailWebhookSecrets>().is_err(), "{bad}");
        }
    }

    #[test]
    fn events_are_read_and_others_left_alone() {
        let read = |event: Value| Feedback::parse(event.to_string().as_bytes()).unwrap();
        let id = "<0199@books.example.org>";
        let feedback = |outcome| Some(Feedback { message_id: id.to_owned(), outcome });
        let event = |kind: &str| read(json!({ "type": kind, "data": { "message_id_header": id } }));
        assert_eq!(event("message.delivered"), feedback(Outcome::Delivered));
        assert_eq!(event("message.failed"), feedback(Outcome::Bounced("message.failed".into())));
        assert_eq!(event("message.suppressed"), feedback(Outcome::Bounced("message.suppressed".into())));
        for other in
            ["message.reception", "message.transient_error", "message.opened", "domain.dns_error", "delivered", ""]
        {
            assert_eq!(event(other), None, "{other}");
        }
        let bounced = json!({ "type": "message.bounced", "data": {
            "message_id_header": id, "delivery_attempt": { "smtp_code": 550, "response": "No such\r\nmailbox\u{0}" },
        } });
        assert_eq!(read(bounced), feedback(Outcome::Bounced("550 No such  mailbox ".into())));
        let complained = json!({ "type": "email.complained", "data": { "message_id": "0199@books.example.org" } });
        assert_eq!(read(complained), feedback(Outcome::Complained));
        for nameless in [json!({}), json!({ "message_id": 7 }), json!({ "message_id": "no-at-sign" }), json!(null)] {
            assert_eq!(read(json!({ "type": "email.delivered", "data": nameless })), None);
        }
        for bad in [&b""[..], b"{}", b"[]", b"null", b"{\"type\":7}", b"\xff", b"{\"type\":\"email.delivered\""] {
            assert!(Feedback::parse(bad).is_err());
        }
    }
}
