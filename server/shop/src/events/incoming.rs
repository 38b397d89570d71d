//! What a delivery is before it is anything to us: a signature over bytes, and bytes that may be an event.
//!
//! Nothing in here knows the shop or a database, so that it can be fuzzed by itself (`fuzz/`).

use chrono::{DateTime, NaiveDateTime};
use core::fmt;
use hmac::{Hmac, KeyInit, Mac};
use serde::Deserialize;
use sha2::Sha256;
use std::str::FromStr;
use std::sync::Arc;
use subtle::ConstantTimeEq;

/// Stripe's tolerance (<https://docs.stripe.com/webhooks#verify-manually>), here in both directions.
const TOLERANCE_SECONDS: u64 = 300;

/// The signing secrets of the endpoint: one, or two while rotating.
#[derive(Clone)]
pub struct WebhookSecrets(Arc<[String]>);

/// `STRIPE_WEBHOOK_SECRET` names no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the endpoint's signing secret (whsec_…), or several of them separated by commas")]
pub struct MalformedSecret;

impl FromStr for WebhookSecrets {
    type Err = MalformedSecret;

    fn from_str(text: &str) -> Result<Self, MalformedSecret> {
        let secrets: Arc<[String]> = text.split(',').map(|secret| secret.trim().to_owned()).collect();
        let well_formed = |secret: &String| secret.strip_prefix("whsec_").is_some_and(|rest| rest.len() >= 8);
        if secrets.iter().all(well_formed) { Ok(Self(secrets)) } else { Err(MalformedSecret) }
    }
}

impl fmt::Debug for WebhookSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "WebhookSecrets({})", self.0.len())
    }
}

/// The delivery is not Stripe's, or not a fresh one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureError {
    /// The header has not the form `t=…,v1=…`.
    #[error("malformed signature header")]
    Malformed,
    /// No `v1` is ours.
    #[error("wrong signature")]
    Mismatch,
    /// Signed more than five minutes ago, or in the future.
    #[error("signature too old or from the future")]
    Skew,
}

impl WebhookSecrets {
    /// Checks `Stripe-Signature` over the raw body at the time `now`; any secret and any `v1` may match.
    ///
    /// # Errors
    /// [`SignatureError`]; nothing of the body may be trusted then.
    pub fn verify(&self, header: &str, body: &[u8], now: NaiveDateTime) -> Result<(), SignatureError> {
        let mut timestamp = None;
        let mut signatures: Vec<[u8; 32]> = Vec::new();
        for part in header.split(',') {
            let (name, value) = part.trim().split_once('=').ok_or(SignatureError::Malformed)?;
            match name {
                "t" if timestamp.is_none() && value.bytes().all(|b| b.is_ascii_digit()) => timestamp = Some(value),
                "t" => return Err(SignatureError::Malformed),
                "v1" => {
                    let mut signature = [0; 32];
                    if value.bytes().any(|b| b.is_ascii_uppercase())
                        || hex::decode_to_slice(value, &mut signature).is_err()
                    {
                        continue;
                    }
                    signatures.push(signature);
                }
                _ => {}
            }
        }
        let timestamp = timestamp.ok_or(SignatureError::Malformed)?;
        if signatures.is_empty() {
            return Err(SignatureError::Malformed);
        }
        let matches = self.0.iter().any(|secret| {
            let expected = sign(secret, timestamp, body);
            signatures.iter().any(|signature| bool::from(expected.ct_eq(signature)))
        });
        if !matches {
            return Err(SignatureError::Mismatch);
        }
        let signed: i64 = timestamp.parse().map_err(|_| SignatureError::Malformed)?;
        if now.and_utc().timestamp().abs_diff(signed) > TOLERANCE_SECONDS { Err(SignatureError::Skew) } else { Ok(()) }
    }
}

fn sign(secret: &str, timestamp: &str, body: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap_or_else(|_| Hmac::new(&Default::default()));
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    mac.finalize().into_bytes().into()
}

/// An event's body is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAnEvent;

/// The few fields that are read of an event's body, and the body as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Incoming {
    pub(crate) id: String,
    pub(crate) kind: String,
    pub(crate) object_id: String,
    pub(crate) created: NaiveDateTime,
    pub(crate) livemode: bool,
    pub(crate) body: String,
}

#[derive(Deserialize)]
struct Envelope {
    id: String,
    r#type: String,
    created: i64,
    livemode: bool,
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    object: Object,
}

#[derive(Deserialize)]
struct Object {
    #[serde(default)]
    id: String,
}

/// Ids and types are a few dozen characters; anything longer is not Stripe's.
const MAX_NAME: usize = 255;
/// 1 January 10000: the years that both databases sort as text and numbers alike end before it.
const MAX_CREATED: i64 = 253_402_300_800;

impl Incoming {
    /// Reads the body of an event. What it accepts, both databases can keep.
    ///
    /// # Errors
    /// [`NotAnEvent`]: not JSON, no event's fields, or a value that no event has.
    pub(crate) fn parse(body: &[u8]) -> Result<Self, NotAnEvent> {
        let text = std::str::from_utf8(body).map_err(|_| NotAnEvent)?;
        let event: Envelope = serde_json::from_str(text).map_err(|_| NotAnEvent)?;
        let names = [&event.id, &event.r#type, &event.data.object.id];
        // PostgreSQL's text has no NUL.
        if event.id.is_empty() || names.iter().any(|name| name.len() > MAX_NAME || name.contains('\0')) {
            return Err(NotAnEvent);
        }
        if text.contains('\0') || !(0..MAX_CREATED).contains(&event.created) {
            return Err(NotAnEvent);
        }
        let created = DateTime::from_timestamp(event.created, 0).ok_or(NotAnEvent)?.naive_utc();
        Ok(Self {
            id: event.id,
            kind: event.r#type,
            object_id: event.data.object.id,
            created,
            livemode: event.livemode,
            body: text.to_owned(),
        })
    }
}
