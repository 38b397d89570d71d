//! The owner's desk: orders, buyers, and what needs a person.
//!
//! Nothing here decides what an order is worth or who may have a title: that stays with fulfilment, refunds and rights.
//! What changes something takes an [`Actor`](crate::audit::Actor) and is written into the audit in the same transaction.
//! Who may do what is for the caller to ask.

mod actions;
mod attention;
mod buyers;
mod csv;
mod gifts;
mod health;
mod list;
mod orders;
mod seen_to;
mod sheet;
mod timeline;
mod unfetched;

use crate::types::OrderNumber;
use std::fmt;
use std::str::FromStr;
use uuid::Uuid;

pub use actions::{NewLink, Refusal};
pub use attention::{
    Attention, BadCheckout, BadDispute, BadDocument, BadEndpoint, BadRefund, BadTax, FailedRefund, RefusedTitle,
    Reviewed,
};
pub use buyers::{BuyerSheet, BuyerTitle};
pub use csv::CsvPiece;
pub(crate) use csv::cell;
pub use gifts::Gift;
pub use health::{FileTrouble, FirstSteps, Health, Pulse};
pub use orders::{Addresses, BookChoice, OrderPage, OrderQuery, OrderRow, Standing, StandingFilter, Turn};
pub use seen_to::{InvalidSettlement, Settlement};
pub use sheet::{OrderSheet, Right, SheetItem};
pub use timeline::{Moment, MomentKind, Way};
pub use unfetched::{MailState, Unfetched, UnfetchedPage};

/// What a form carries that must not be done twice: made when the form is shown, the same however often it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FormKey(Uuid);

impl FormKey {
    /// A new one.
    #[must_use]
    pub fn generate() -> Self {
        Self(Uuid::new_v4())
    }
}

/// The text is no key of a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not a form of this store")]
pub struct InvalidFormKey;

impl FromStr for FormKey {
    type Err = InvalidFormKey;

    fn from_str(text: &str) -> Result<Self, InvalidFormKey> {
        text.parse().map(Self).map_err(|_| InvalidFormKey)
    }
}

impl fmt::Display for FormKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What an order is called in the audit.
pub(crate) fn object(number: &OrderNumber) -> String {
    format!("order:{}", number.as_str())
}
