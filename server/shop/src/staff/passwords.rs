//! Passwords: argon2id, at most two at once.
//!
//! A hash takes 19 MiB and some 20 ms of a core, which is what it is for; so no crowd may ask for many. Whoever waits,
//! waits without a thread, and only a few may.

use crate::Error;
use crate::types::Email;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher as _, PasswordVerifier as _};
use argon2::{Algorithm, Argon2, Params, Version};
use core::fmt;
use core::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Semaphore;

/// Memory in KiB: OWASP's first choice together with [`PASSES`] and one lane.
const MEMORY: u32 = 19 * 1024;
const PASSES: u32 = 2;
/// Hashes at once.
const AT_ONCE: usize = 2;
/// Who may wait for one; the next is told that it was too often.
const WAITING: usize = 32;

/// A password that somebody chose or typed.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// How many characters it must have (NIST SP 800-63B and ASVS 6.2 ask for 8; length is what helps).
    pub const LEAST: usize = 12;
    /// More than anybody types; a limit for what is hashed.
    const MOST: usize = 512;

    /// One that is typed to be compared: anything.
    #[must_use]
    pub fn typed(text: &str) -> Self {
        Self(text.chars().take(Self::MOST).collect())
    }

    /// Whether it is good enough for an account of this address: long, not one letter over and over, not the address.
    ///
    /// # Errors
    /// [`Error::WeakPassword`].
    pub fn check(&self, email: &Email) -> Result<(), Error> {
        let mut letters: Vec<char> = self.0.to_lowercase().chars().collect();
        let count = letters.len();
        letters.sort_unstable();
        letters.dedup();
        let lower = self.0.to_lowercase();
        let address = email.normalized();
        let local = address.split('@').next().unwrap_or_default();
        let is_address = lower.replace(&address, "").chars().count() < Self::LEAST / 2
            || (local.chars().count() > 3 && lower.replace(local, "").chars().count() < Self::LEAST / 2);
        if count < Self::LEAST || letters.len() < 5 || is_address { Err(Error::WeakPassword) } else { Ok(()) }
    }
}

impl FromStr for Password {
    type Err = Error;

    /// One that is chosen: at least [`Password::LEAST`] characters.
    fn from_str(text: &str) -> Result<Self, Error> {
        let count = text.chars().count();
        if (Self::LEAST..=Self::MOST).contains(&count) { Ok(Self(text.to_owned())) } else { Err(Error::WeakPassword) }
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// The one place that hashes.
#[derive(Debug)]
pub(crate) struct Hashing {
    at_once: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
    count: Arc<Count>,
}

/// What was hashed since the start.
#[derive(Debug, Default)]
struct Count {
    made: AtomicU64,
    running: AtomicU64,
    most: AtomicU64,
}

impl Default for Hashing {
    fn default() -> Self {
        Self {
            at_once: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(WAITING)),
            count: Arc::default(),
        }
    }
}

impl Hashing {
    /// A password's hash, with a fresh salt, in the PHC form.
    pub(crate) async fn hash(&self, password: &Password) -> Result<String, Error> {
        let password = password.clone();
        self.run(move |argon2| {
            let salt = rand::random::<[u8; 16]>();
            let hash = argon2.hash_password_with_salt(password.0.as_bytes(), &salt).map_err(defect)?;
            Ok(hash.to_string())
        })
        .await
    }

    /// Whether it is the password of that hash. Without a hash (an account that is not there, or has no password yet) it
    /// takes as long and is not.
    pub(crate) async fn verify(&self, password: &Password, hash: Option<String>) -> Result<bool, Error> {
        let password = password.clone();
        self.run(move |argon2| match hash {
            Some(hash) => {
                let hash = PasswordHash::new(&hash).map_err(defect)?;
                Ok(argon2.verify_password(password.0.as_bytes(), &hash).is_ok())
            }
            None => {
                let hashed: PasswordHash =
                    argon2.hash_password_with_salt(password.0.as_bytes(), &[0; 16]).map_err(defect)?;
                // Looked at, so that it is not left out.
                Ok(hashed.hash.is_none())
            }
        })
        .await
    }

    /// How many hashes were made since the start.
    pub(crate) fn made(&self) -> u64 {
        self.count.made.load(Ordering::Relaxed)
    }

    /// How many were made at the same moment, at most.
    pub(crate) fn most_at_once(&self) -> u64 {
        self.count.most.load(Ordering::Relaxed)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Argon2<'_>) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let _place = self.waiting.try_acquire().map_err(|_| Error::RateLimited)?;
        let permit = Arc::clone(&self.at_once).acquire_owned().await.map_err(defect)?;
        let count = Arc::clone(&self.count);
        tokio::task::spawn_blocking(move || {
            count.made.fetch_add(1, Ordering::Relaxed);
            count.most.fetch_max(count.running.fetch_add(1, Ordering::Relaxed) + 1, Ordering::Relaxed);
            let params = Params::new(MEMORY, PASSES, 1, None).map_err(defect);
            let result = params.and_then(|params| work(&Argon2::new(Algorithm::Argon2id, Version::V0x13, params)));
            count.running.fetch_sub(1, Ordering::Relaxed);
            // Held until the work is done, also if whoever asked has gone.
            drop(permit);
            result
        })
        .await
        .map_err(defect)?
    }
}

fn defect(error: impl fmt::Display) -> Error {
    Error::internal(format!("passwords: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_is_argon2id_of_its_password_and_no_other() {
        let hashing = Hashing::default();
        let password: Password = "correct horse battery".parse().unwrap();
        let hash = hashing.hash(&password).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hashing.hash(&password).await.unwrap(), hash);
        assert!(hashing.verify(&password, Some(hash.clone())).await.unwrap());
        assert!(!hashing.verify(&Password::typed("correct horse batterz"), Some(hash)).await.unwrap());
        assert!(!hashing.verify(&password, None).await.unwrap());
        assert_eq!(hashing.made(), 5);
        assert_eq!(format!("{password:?}"), "Password(…)");
    }

    #[test]
    fn what_can_be_guessed_is_refused() {
        let email: Email = "annabel@example.org".parse().unwrap();
        let check = |text: &str| text.parse::<Password>().and_then(|password| password.check(&email)).is_ok();
        for good in ["correct horse battery", "Tr0ub4dor&3xyz", "пароль с пробелами", &"long enough ".repeat(20)]
        {
            assert!(check(good), "{good}");
        }
        let endless = "a1b2c3d4e5".repeat(60);
        for bad in [
            "",
            "short",
            "elevenchars",
            "aaaaaaaaaaaaaaaa",
            "abababababab",
            "annabel@example.org1",
            "annabel12345",
            &endless,
        ] {
            assert!(!check(bad), "{bad}");
        }
    }
}
