//! Access by e-mail: who reads an address's mail may see what was bought under it. No account, no password.
//!
//! Whoever asks is given the same answer in the same time, whether there is anything under the address or not: a request
//! writes one row, and the look-up is a job ([`requests`]). The mail brings a link and a code; looking at the link's page
//! consumes nothing, because mail scanners look too ([`opening`]). What is opened is a session of the address
//! ([`sessions`]), and everything bought is found by that address, never by anything the visitor says.

mod opening;
mod requests;
pub(crate) mod sessions;

pub use opening::Proof;

use chrono::TimeDelta;

/// How long link and code are good for.
const REQUEST: TimeDelta = TimeDelta::minutes(10);
/// So many guesses are looked at for a code, from wherever they come; then it is dead, and so is its link.
const TRIES: i32 = 5;
/// A session ends after so long …
pub(crate) const SESSION: TimeDelta = TimeDelta::days(30);
/// … or when it was not used for so long.
const IDLE: TimeDelta = TimeDelta::days(7);
/// How exactly the store knows when a session was last used: looking at a page need not be a write.
const SEEN_AGAIN: TimeDelta = TimeDelta::minutes(10);
/// Requests and their mails are forgotten after so long; until then the provider may say what became of a mail.
const KEPT: TimeDelta = TimeDelta::days(7);
