//! What the browsers of those who work at the store are given.

use super::{SecretKey, cookie, hash, random, well_formed};
use crate::types::AccessCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core::fmt;
use hmac::Mac as _;
use std::net::IpAddr;
use subtle::ConstantTimeEq as _;

/// How many recovery codes an account has.
pub(crate) const RECOVERY_CODES: u8 = 10;

/// What a browser is given that somebody has signed in with. A new one each time.
#[derive(Clone, PartialEq, Eq)]
pub struct StaffSecret(String);

impl StaffSecret {
    pub(crate) fn generate() -> Self {
        Self(random())
    }

    /// The value of the cookie, if it has the right form.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        well_formed(value).then(|| Self(value.to_owned()))
    }

    /// The cookie's name. With https it has the `__Host-` prefix (RFC 6265bis 4.1.3.2).
    #[must_use]
    pub const fn cookie_name(secure: bool) -> &'static str {
        if secure { "__Host-octavo-desk" } else { "octavo-desk" }
    }

    /// The `Set-Cookie` header's value.
    #[must_use]
    pub fn set_cookie(&self, secure: bool) -> String {
        cookie(Self::cookie_name(secure), &self.0, crate::staff::SESSION.num_seconds(), secure)
    }

    /// The `Set-Cookie` header's value that takes it away again.
    #[must_use]
    pub fn clear_cookie(secure: bool) -> String {
        cookie(Self::cookie_name(secure), "", 0, secure)
    }

    pub(crate) fn hash(&self) -> String {
        hash(&self.0)
    }
}

impl fmt::Debug for StaffSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StaffSecret(…)")
    }
}

/// By which the store knows a browser again that somebody has come in with: a name of its own, signed for the account. It
/// opens nothing; it only keeps the browser's guesses apart from those of strangers.
#[derive(Clone, PartialEq, Eq)]
pub struct DeviceSecret(String);

impl DeviceSecret {
    /// How long a browser is remembered.
    const MAX_AGE_SECONDS: i64 = 365 * 24 * 60 * 60;

    /// The value of the cookie, if it has the right form.
    #[must_use]
    pub fn parse(value: &str) -> Option<Self> {
        let (id, signature) = value.split_once('.')?;
        (well_formed(id) && well_formed(signature)).then(|| Self(value.to_owned()))
    }

    /// The cookie's name. With https it has the `__Host-` prefix (RFC 6265bis 4.1.3.2).
    #[must_use]
    pub const fn cookie_name(secure: bool) -> &'static str {
        if secure { "__Host-octavo-device" } else { "octavo-device" }
    }

    /// The `Set-Cookie` header's value.
    #[must_use]
    pub fn set_cookie(&self, secure: bool) -> String {
        cookie(Self::cookie_name(secure), &self.0, Self::MAX_AGE_SECONDS, secure)
    }

    /// The browser's name.
    pub(crate) fn id(&self) -> &str {
        self.0.split('.').next().unwrap_or_default()
    }
}

impl fmt::Debug for DeviceSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DeviceSecret(…)")
    }
}

impl SecretKey {
    /// A name for a browser that the account has come in with.
    pub(crate) fn new_device(&self, user_id: i64) -> DeviceSecret {
        let id = random();
        let signature = self.device_signature(user_id, &id);
        DeviceSecret(format!("{id}.{signature}"))
    }

    /// Whether the account has come in with this browser before.
    pub(crate) fn knows_device(&self, user_id: i64, device: &DeviceSecret) -> bool {
        let Some((id, signature)) = device.0.split_once('.') else { return false };
        self.device_signature(user_id, id).as_bytes().ct_eq(signature.as_bytes()).into()
    }

    /// What a row keeps of a network that the account was signed in to from. There are few networks, so the hash takes the
    /// key as well.
    pub(crate) fn place_hash(&self, user_id: i64, network: IpAddr) -> String {
        let mut mac = self.mac();
        mac.update(b"place");
        mac.update(&user_id.to_be_bytes());
        mac.update(network.to_string().as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }

    /// What an account's one-time codes are made from (RFC 4226 wants 160 bits). Derived, so that the database has none.
    pub(crate) fn totp_secret(&self, user_id: i64, generation: i32) -> [u8; 20] {
        let bytes = self.staff_bytes(b"totp", user_id, generation, 0);
        let mut secret = [0; 20];
        secret.copy_from_slice(bytes.get(..20).unwrap_or(&[0; 20]));
        secret
    }

    /// An account's recovery codes, of which its rows keep hashes.
    pub(crate) fn recovery_codes(&self, user_id: i64, generation: i32) -> Vec<AccessCode> {
        let code = |index| {
            let bytes = self.staff_bytes(b"recovery", user_id, generation, index);
            AccessCode::from_bits(bytes.iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte)))
        };
        (0..RECOVERY_CODES).map(code).collect()
    }

    /// What a row keeps of a recovery code. It has 39 bits, so the hash takes the key as well.
    pub(crate) fn recovery_hash(&self, user_id: i64, code: &AccessCode) -> String {
        let mut mac = self.mac();
        mac.update(b"recovery-hash");
        mac.update(&user_id.to_be_bytes());
        mac.update(code.as_str().as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }

    /// What access tokens are signed with, and its name.
    pub(crate) fn access_token_key(&self) -> (Vec<u8>, String) {
        let bytes = self.staff_bytes(b"access-token", 0, 0, 0);
        let name = hash(&hex::encode(&bytes)).chars().take(16).collect();
        (bytes, name)
    }

    fn staff_bytes(&self, what: &[u8], user_id: i64, generation: i32, index: u8) -> Vec<u8> {
        let mut mac = self.mac();
        mac.update(b"staff");
        mac.update(what);
        mac.update(&user_id.to_be_bytes());
        mac.update(&generation.to_be_bytes());
        mac.update(&[index]);
        mac.finalize().into_bytes().to_vec()
    }

    fn device_signature(&self, user_id: i64, id: &str) -> String {
        let mut mac = self.mac();
        mac.update(b"device");
        mac.update(&user_id.to_be_bytes());
        mac.update(id.as_bytes());
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_known_to_its_account_only() {
        let key = SecretKey::new([7_u8; 32]).unwrap();
        let device = key.new_device(1);
        assert!(key.knows_device(1, &device) && !key.knows_device(2, &device));
        assert!(!SecretKey::new([8_u8; 32]).unwrap().knows_device(1, &device));
        let cookie = device.set_cookie(true);
        let value = cookie.strip_prefix("__Host-octavo-device=").unwrap().split(';').next().unwrap();
        assert_eq!(DeviceSecret::parse(value), Some(device));
        for odd in ["", ".", "a.b", &"A".repeat(43), &format!("{0}.{0}.{0}", "A".repeat(43))] {
            assert_eq!(DeviceSecret::parse(odd), None, "{odd}");
        }
    }
}
