//! The download of a title as programs are told it.

use serde::Serialize;
use shop::desk::Right;
use shop::rfc3339;
use shop::types::TokenState;
use utoipa::ToSchema;

/// What can be done with a download link.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "its names are for the document")]
enum LinkState {
    Usable,
    Expired,
    UsedUp,
    Suspended,
    Revoked,
}

/// The right to a title, with its current download link. The link itself is the buyer's and is told to nobody else.
#[derive(Debug, Serialize, ToSchema)]
pub struct Download {
    /// The book's address.
    book: String,
    /// As it was when bought.
    title: String,
    #[schema(value_type = LinkState)]
    state: &'static str,
    /// Why the title cannot be had, if it cannot.
    reason: Option<String>,
    /// Downloads that can still be started.
    uses_left: u32,
    /// Of how many.
    max_uses: u32,
    #[schema(format = DateTime)]
    expires_at: String,
    /// How often the link was renewed.
    renewals: u32,
}

/// The downloads of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Downloads {
    /// One for each title that is paid for.
    pub(super) data: Vec<Download>,
}

impl Download {
    pub(super) fn new(book: String, title: String, right: Right) -> Self {
        let state = match right.state {
            TokenState::Usable => "usable",
            TokenState::Expired => "expired",
            TokenState::UsedUp => "used-up",
            TokenState::Suspended => "suspended",
            TokenState::Revoked => "revoked",
        };
        let Right { reason, uses_left, max_uses, expires_at, renewals, .. } = right;
        Self { book, title, state, reason, uses_left, max_uses, expires_at: rfc3339(expires_at), renewals }
    }
}
