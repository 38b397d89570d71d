//! The signature of a delivery (Standard Webhooks, "Signature scheme"): `v1,` and HMAC-SHA256 in base64 over
//! `id.timestamp.body`. While a secret is being replaced there are two, the new one's first.

use crate::secrets::SecretKey;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::NaiveDateTime;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// What an endpoint's deliveries are signed with.
#[derive(Clone, Copy, Debug)]
pub(super) struct Keys {
    pub(super) endpoint: i64,
    /// Of the secret.
    pub(super) generation: i32,
    /// Until when the secret before is good too.
    pub(super) old_until: Option<NaiveDateTime>,
}

impl Keys {
    /// The header `webhook-signature`.
    pub(super) fn sign(self, key: &SecretKey, id: &str, now: NaiveDateTime, body: &str) -> String {
        let mut generations = vec![self.generation];
        if self.generation > 1 && self.old_until.is_some_and(|until| now < until) {
            generations.push(self.generation - 1);
        }
        let signed = format!("{id}.{}.{body}", now.and_utc().timestamp());
        let sign = |generation: i32| {
            let secret = key.webhook_secret(self.endpoint, generation);
            // HMAC takes keys of any length; the constructor's error cannot happen.
            let mut mac = Hmac::<Sha256>::new_from_slice(&secret).unwrap_or_else(|_| Hmac::new(&Default::default()));
            mac.update(signed.as_bytes());
            format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
        };
        generations.into_iter().map(sign).collect::<Vec<_>>().join(" ")
    }

    /// The current secret as it is shown.
    pub(super) fn secret(self, key: &SecretKey) -> String {
        format!("whsec_{}", STANDARD.encode(key.webhook_secret(self.endpoint, self.generation)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_secrets_sign_while_one_takes_the_others_place() {
        let key = SecretKey::new([7_u8; 32]).unwrap();
        let now = chrono::DateTime::from_timestamp(1_674_087_231, 0).unwrap().naive_utc();
        let at = |generation, old_until| Keys { endpoint: 1, generation, old_until }.sign(&key, "msg_1", now, "{}");
        let (first, second) = (at(1, None), at(2, None));
        assert!(first.starts_with("v1,") && first.len() == 3 + 44 && first != second);
        assert_eq!(at(2, Some(now + chrono::TimeDelta::seconds(1))), format!("{second} {first}"));
        assert_eq!(at(2, Some(now)), second);
        assert_eq!(at(1, Some(now + chrono::TimeDelta::days(1))), first);
        let secret = Keys { endpoint: 1, generation: 1, old_until: None }.secret(&key);
        assert_eq!((&secret[..6], STANDARD.decode(&secret[6..]).unwrap().len()), ("whsec_", 32));
    }
}
