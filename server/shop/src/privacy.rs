//! What is known of a buyer, on her request: handed out ([`Shop::export_buyer`](crate::Shop::export_buyer)), or forgotten
//! ([`Shop::erase_buyer`](crate::Shop::erase_buyer)). `docs/privacy.md` says what is held where and for how long.

mod erasing;
mod exporting;
mod sweep;

pub use erasing::{Erased, KeptInvoice, NotErased};

/// What stands where an address was. Nothing is ever delivered there (RFC 2606), and nothing is ever sent.
pub(crate) const TOMBSTONE: &str = "erased@erased.invalid";

/// Whether an address is that of a buyer who was erased.
pub(crate) fn is_erased(address: &str) -> bool {
    address == TOMBSTONE
}
