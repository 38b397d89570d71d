//! Those who work at the store: their accounts, and how they get in.
//!
//! An account is an address with a role and a password, of which argon2id keeps a hash ([`passwords`]); the first one is made
//! with a link that the program prints ([`setup`]), the others are invited ([`team`]). Who wants it has to give a code of her
//! telephone as well ([`codes`]). What opens the desk is a session ([`sessions`]): a row by the hash of its cookie, a new one
//! with every sign-in. A page or a server function never asks for an account, only for the [`Staff`] that a session belongs
//! to, and for no less than a role. Programs come with tokens ([`bearer`], [`tokens`]).

mod accounts;
mod bearer;
mod codes;
mod guesses;
mod links;
mod own;
mod passwords;
mod places;
mod sessions;
mod setup;
mod team;
mod tokens;

pub use accounts::NewStaff;
pub use bearer::{ApiSignIn, Bearer, Tokens};
pub use codes::TotpSetup;
pub use links::PasswordLink;
pub use own::{Account, SessionView};
pub use passwords::Password;
pub use sessions::{Device, SignIn, SignedIn};
pub use setup::{DEMO_EMAIL, DEMO_PASSWORD};
pub use team::Colleague;
pub use tokens::TokenView;

pub(crate) use passwords::Hashing;

use crate::types::{Email, Role};
use chrono::TimeDelta;

/// A session ends after so long …
pub(crate) const SESSION: TimeDelta = TimeDelta::days(7);
/// … or when it was not used for so long.
pub(crate) const IDLE: TimeDelta = TimeDelta::hours(12);
/// How exactly the store knows when a session was last used: looking at a page need not be a write.
const SEEN_AGAIN: TimeDelta = TimeDelta::minutes(10);
/// A program's session ends after so long, however often it is refreshed.
const API_SESSION: TimeDelta = TimeDelta::days(30);
/// A network that an account was signed in to from is no stranger's for so long.
const PLACE: TimeDelta = TimeDelta::days(90);
/// Between the password and the code.
const PENDING: TimeDelta = TimeDelta::minutes(5);
/// What is shown once is shown for so long: recovery codes, a new token.
pub(crate) const SHOWN: TimeDelta = TimeDelta::minutes(10);

/// Somebody who is signed in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staff {
    /// The account.
    pub id: i64,
    /// Its address.
    pub email: Email,
    /// What it may do.
    pub role: Role,
    /// The session that shows it; 0 for a token that has none.
    pub session: i64,
}
