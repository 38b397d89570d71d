//! Invoices and credit notes: numbered in the transaction that gives the reason for them, gapless per series and year, and
//! never changed once they are issued.
//!
//! A sale has one invoice from the moment it is paid. Whatever happens to its money later is answered by a document of its
//! own, worked out anew from all refunds and disputes of the order like the rights to its titles ([`settling`]):
//!
//! - A refund has a credit note from the moment it counts (see [`crate::types::RefundStatus::is_living`]), and so has a lost
//!   dispute. If the refund fails after all, or the bank changes its mind, an invoice over the same lines takes the credit
//!   note back: nothing that was issued is ever withdrawn.
//! - What the buyer adds about herself later replaces the invoice ([`buyer`]): a credit note over all that is left of it,
//!   and a new invoice over the same.
//!
//! An order of nothing has no documents.

mod arrears;
mod buyer;
mod document;
mod issuing;
mod left;
mod listing;
mod pattern;
mod printed;
mod reading;
mod seller;
mod settling;
pub(crate) mod taxes;
mod words;

pub use buyer::{DetailsError, Reissued};
pub(crate) use buyer::{form, is_in_time};
pub(crate) use document::text as json;
pub use document::{Buyer, Document, Line, LineTax, Reference, Seller, Settled};
pub(crate) use issuing::{INVOICES, issue};
pub use listing::{InvoiceQuery, InvoiceRow};
pub use pattern::{BadPattern, Numbering, Pattern, SameNumbers};
pub use reading::Kept;
pub(crate) use reading::{links_of, links_of_all, number_of};
pub(crate) use seller::has_seller;
pub use seller::{InvoiceSettings, LOCALES, Outdated, PAPERS, SellerSettings};
pub(crate) use settling::settle;
