//! Identifiers in Stripe's format: a prefix that says what it is, then random letters and digits.

use rand::distr::{Alphanumeric, SampleString};

/// A fresh identifier: `prefix`, an underscore and `length` random characters.
pub(crate) fn fresh(prefix: &str, length: usize) -> String {
    let mut id = format!("{prefix}_");
    Alphanumeric.append_string(&mut rand::rng(), &mut id, length);
    id
}

/// A Checkout Session's identifier, as long as Stripe's in test mode.
pub(crate) fn session() -> String {
    fresh("cs_test", 58)
}

/// An identifier of the usual length (`pi_…`, `ch_…`, `evt_…`, `li_…`).
pub(crate) fn usual(prefix: &str) -> String {
    fresh(prefix, 24)
}

/// The identifier of one request, as in the header `Request-Id`.
pub(crate) fn request() -> String {
    fresh("req", 14)
}

/// What a customer's invoices would begin with: eight capital letters and digits.
pub(crate) fn invoice_prefix() -> String {
    Alphanumeric.sample_string(&mut rand::rng(), 8).to_ascii_uppercase()
}
