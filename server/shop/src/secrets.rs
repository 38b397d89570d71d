//! Secrets: derived from one key, shown once, kept only as hashes.
//!
//! A download token or an order link is `HMAC-SHA256(SECRET_KEY, kind ‖ id ‖ generation)`. It can be shown or mailed
//! again without being stored, and a copy of the database opens nothing.

mod staff;

pub use staff::{DeviceSecret, StaffSecret};

use crate::types::AccessCode;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use core::fmt;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

/// The key that every secret of a store is derived from: at least 32 bytes.
#[derive(Clone)]
pub struct SecretKey(Vec<u8>);

/// `SECRET_KEY` is too short to derive 256-bit secrets from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be at least 32 bytes long")]
pub struct WeakKey;

/// What a derived secret is for; each kind is its own key space and carries its own prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// `/d/{token}`.
    DownloadToken,
    /// `/f/{claim}/…`.
    DownloadClaim,
    /// `/orders/{number}#…`.
    OrderLink,
    /// `/library/open#…`.
    LibraryLink,
    /// The code beside it.
    LibraryCode,
    /// `/admin/setup#…`: makes the first owner.
    SetUp,
    /// `/admin/password#…`: sets an account's password.
    PasswordLink,
    /// What a program sends to the API for a long time.
    ApiToken,
    /// What deliveries to an endpoint are signed with.
    WebhookSecret,
}

impl Purpose {
    const fn prefix(self) -> &'static str {
        match self {
            Self::DownloadToken => "dl_",
            Self::DownloadClaim => "dc_",
            Self::OrderLink => "ol_",
            Self::LibraryLink => "ll_",
            Self::LibraryCode => "lc_",
            Self::SetUp => "su_",
            Self::PasswordLink => "pl_",
            Self::ApiToken => "octavo_",
            Self::WebhookSecret => "whsec_",
        }
    }
}

impl SecretKey {
    /// Takes the key.
    ///
    /// # Errors
    /// [`WeakKey`] under 32 bytes.
    pub fn new(bytes: impl Into<Vec<u8>>) -> Result<Self, WeakKey> {
        let bytes = bytes.into();
        if bytes.len() < 32 { Err(WeakKey) } else { Ok(Self(bytes)) }
    }

    /// The secret of the row `id` in its `generation`: prefix and 256 bits in base64url.
    pub(crate) fn derive(&self, purpose: Purpose, id: i64, generation: i32) -> String {
        format!("{}{}", purpose.prefix(), URL_SAFE_NO_PAD.encode(self.derived_bytes(purpose, id, generation)))
    }

    /// The code that is mailed with the link to a library, of the request `id`.
    pub(crate) fn library_code(&self, id: i64) -> AccessCode {
        let bytes = self.derived_bytes(Purpose::LibraryCode, id, 0);
        AccessCode::from_bits(bytes.iter().take(16).fold(0, |bits, byte| bits << 8 | u128::from(*byte)))
    }

    /// What the row `id` keeps of its code. A code has 39 bits, which anybody could try through who has a copy of the
    /// table: so the hash takes the key as well.
    pub(crate) fn code_hash(&self, id: i64, code: &AccessCode) -> String {
        let mut mac = self.mac();
        mac.update(b"code-hash");
        mac.update(&id.to_be_bytes());
        mac.update(code.as_str().as_bytes());
        hex::encode(mac.finalize().into_bytes())
    }

    /// The key that deliveries to an endpoint are signed with, in its `generation`: 256 bits.
    pub(crate) fn webhook_secret(&self, endpoint: i64, generation: i32) -> Vec<u8> {
        self.derived_bytes(Purpose::WebhookSecret, endpoint, generation)
    }

    fn derived_bytes(&self, purpose: Purpose, id: i64, generation: i32) -> Vec<u8> {
        let mut mac = self.mac();
        mac.update(purpose.prefix().as_bytes());
        mac.update(&id.to_be_bytes());
        mac.update(&generation.to_be_bytes());
        mac.finalize().into_bytes().to_vec()
    }

    /// The browser secret that belongs to a visitor's session.
    pub(crate) fn browser_of(&self, session_id: &str) -> BrowserSecret {
        let mut mac = self.mac();
        mac.update(b"browser");
        mac.update(session_id.as_bytes());
        BrowserSecret(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    /// What shows that a place in a list was written by this store, for this list: 96 bits, since a place is no secret.
    pub(crate) fn place_tag(&self, list: &str, place: &str) -> Vec<u8> {
        let mut mac = self.mac();
        mac.update(b"place");
        mac.update(&(list.len() as u64).to_be_bytes());
        mac.update(list.as_bytes());
        mac.update(place.as_bytes());
        let mut tag = mac.finalize().into_bytes().to_vec();
        tag.truncate(12);
        tag
    }

    fn mac(&self) -> Hmac<Sha256> {
        // HMAC takes keys of any length; the constructor's error cannot happen.
        Hmac::new_from_slice(&self.0).unwrap_or_else(|_| Hmac::new(&Default::default()))
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

/// What a row keeps of a secret: SHA-256 in hexadecimal. The secrets have 256 bits, so no salt is needed.
#[must_use]
pub fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// A key for [`SecretKey`], freshly made: 256 random bits in base64url.
#[must_use]
pub fn random_key() -> String {
    random()
}

/// 256 fresh random bits in base64url.
pub(crate) fn random() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// The secret that a browser gets with its first checkout; it is how the shop knows the browser that paid.
#[derive(Clone, PartialEq, Eq)]
pub struct BrowserSecret(String);

impl BrowserSecret {
    /// How long the cookie lives: a checkout may take a day, and the order stays open for another.
    pub const MAX_AGE_SECONDS: u32 = 3 * 24 * 60 * 60;

    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
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
        if secure { "__Host-octavo-buyer" } else { "octavo-buyer" }
    }

    /// The `Set-Cookie` header's value.
    #[must_use]
    pub fn set_cookie(&self, secure: bool) -> String {
        cookie(Self::cookie_name(secure), &self.0, Self::MAX_AGE_SECONDS.into(), secure)
    }

    /// The same for no less than so many `hours`.
    pub(crate) fn set_cookie_for(&self, secure: bool, hours: u16) -> String {
        let seconds = i64::from(hours) * 60 * 60;
        cookie(Self::cookie_name(secure), &self.0, seconds.max(Self::MAX_AGE_SECONDS.into()), secure)
    }

    pub(crate) fn hash(&self) -> String {
        hash(&self.0)
    }
}

impl fmt::Debug for BrowserSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BrowserSecret(…)")
    }
}

/// A `Set-Cookie` header's value; `max_age` in seconds.
fn cookie(name: &str, value: &str, max_age: i64, secure: bool) -> String {
    let secure = if secure { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{secure}")
}

/// Whether a cookie's value can be one of [`random`]'s.
fn well_formed(value: &str) -> bool {
    value.len() == 43 && URL_SAFE_NO_PAD.decode(value).is_ok()
}

/// What a browser is given whose owner reads an address's mail: it opens that address's library. A new one each time.
#[derive(Clone, PartialEq, Eq)]
pub struct BuyerSecret(String);

impl BuyerSecret {
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
        if secure { "__Host-octavo-library" } else { "octavo-library" }
    }

    /// The `Set-Cookie` header's value.
    #[must_use]
    pub fn set_cookie(&self, secure: bool) -> String {
        cookie(Self::cookie_name(secure), &self.0, crate::access::SESSION.num_seconds(), secure)
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

impl fmt::Debug for BuyerSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BuyerSecret(…)")
    }
}

/// By what a browser can show that it is the buyer's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Keys {
    /// It paid for an order, or has opened one with its mailed secret.
    pub browser: Option<BrowserSecret>,
    /// Its owner reads an address's mail.
    pub buyer: Option<BuyerSecret>,
}

impl From<Option<&BrowserSecret>> for Keys {
    fn from(browser: Option<&BrowserSecret>) -> Self {
        Self { browser: browser.cloned(), buyer: None }
    }
}

impl From<&Self> for Keys {
    fn from(keys: &Self) -> Self {
        keys.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_derived_per_kind_id_and_generation() {
        let key = SecretKey::new([7_u8; 32]).unwrap();
        let secrets = [
            key.derive(Purpose::DownloadToken, 1, 1),
            key.derive(Purpose::DownloadToken, 1, 2),
            key.derive(Purpose::DownloadToken, 2, 1),
            key.derive(Purpose::DownloadClaim, 1, 1),
            SecretKey::new([8_u8; 32]).unwrap().derive(Purpose::DownloadToken, 1, 1),
        ];
        for (i, secret) in secrets.iter().enumerate() {
            assert_eq!(secret.len(), 46);
            assert!(secrets[..i].iter().all(|other| other != secret));
        }
        assert_eq!(key.derive(Purpose::DownloadToken, 1, 1), secrets[0]);
        assert_eq!(SecretKey::new([7_u8; 31]).unwrap_err(), WeakKey);
    }

    fn max_age(cookie: &str) -> u32 {
        let age = cookie.split("; ").find_map(|attribute| attribute.strip_prefix("Max-Age="));
        age.unwrap().parse().unwrap()
    }

    #[test]
    fn a_browser_secret_round_trips_through_its_cookie() {
        let secret = BrowserSecret::generate();
        let cookie = secret.set_cookie(true);
        let value = cookie.strip_prefix("__Host-octavo-buyer=").unwrap().split(';').next().unwrap();
        assert_eq!(BrowserSecret::parse(value), Some(secret.clone()));
        let age = |hours| max_age(&secret.set_cookie_for(false, hours));
        assert_eq!((age(24), age(100)), (3 * 24 * 60 * 60, 100 * 60 * 60));
        assert_eq!(BrowserSecret::parse("short"), None);
        assert_eq!(BrowserSecret::parse(&"!".repeat(43)), None);
    }
}
