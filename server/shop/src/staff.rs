//! Those who work at the store: their accounts, and how they get in.
//!
//! An account is an address with a role and a password, of which argon2id keeps a hash ([`passwords`]). What opens the desk
//! is a session ([`sessions`]): a row by the hash of its cookie, a new one with every sign-in. A page or a server function
//! never asks for an account, only for the [`Staff`] that a session belongs to, and for no less than a role.

mod accounts;
mod passwords;
mod sessions;

pub use accounts::NewStaff;
pub use passwords::Password;
pub use sessions::{Device, SignIn};

pub(crate) use passwords::Hashing;

use crate::types::{Email, Role};
use chrono::TimeDelta;

/// A session ends after so long …
pub(crate) const SESSION: TimeDelta = TimeDelta::days(7);
/// … or when it was not used for so long.
pub(crate) const IDLE: TimeDelta = TimeDelta::hours(12);
/// How exactly the store knows when a session was last used: looking at a page need not be a write.
const SEEN_AGAIN: TimeDelta = TimeDelta::minutes(10);

/// Somebody who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staff {
    /// The account.
    pub id: i64,
    /// Its address.
    pub email: Email,
    /// What it may do.
    pub role: Role,
    /// The session that shows it.
    pub session: i64,
}
