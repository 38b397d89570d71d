//! What can be asked of a refund that is made here, and what comes of it.

use crate::Error;
use crate::types::{Currency, Money, RefundStatus, Slug};

/// What is to be refunded, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundRequest {
    /// What.
    pub what: RefundWhat,
    /// Why.
    pub reason: RefundReason,
}

/// What is to be refunded. A total that is refunded, at once or bit by bit, takes all titles back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RefundWhat {
    /// All that is left.
    Full,
    /// An amount, spread over all titles; the buyer keeps them.
    Amount(Money),
    /// What is left of these titles, and whether each is taken back.
    Items(Vec<(ItemRef, bool)>),
}

/// A title of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ItemRef {
    /// By its book.
    Book(Slug),
    /// By the item's id.
    Id(i64),
}

impl std::fmt::Display for ItemRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Book(slug) => write!(f, "{slug}"),
            Self::Id(id) => write!(f, "{id}"),
        }
    }
}

/// Why: Stripe's words. "Fraudulent" makes Stripe refuse the card and the address from then on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RefundReason {
    /// The buyer asked for it.
    #[default]
    RequestedByCustomer,
    /// Paid twice.
    Duplicate,
    /// Not paid by the card's owner.
    Fraudulent,
}

impl RefundReason {
    /// Stripe's word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RequestedByCustomer => "requested_by_customer",
            Self::Duplicate => "duplicate",
            Self::Fraudulent => "fraudulent",
        }
    }
}

/// A refund that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefundMade {
    /// How much.
    pub amount: Money,
    /// Where it stands; [`RefundStatus::Requested`] if Stripe's answer was lost: it will be asked again.
    pub status: RefundStatus,
    /// Stripe's id, if we know it yet.
    pub stripe_id: Option<String>,
}

/// Why nothing is refunded.
#[derive(Debug, thiserror::Error)]
pub enum RefundError {
    /// There is no such order.
    #[error("there is no order of this number")]
    NoOrder,
    /// No money came in for it.
    #[error("nothing was paid for this order")]
    NotPaid,
    /// All of it has been refunded, or it cost nothing.
    #[error("there is nothing left to refund")]
    NothingLeft,
    /// More than is left.
    #[error("only {0} is left to refund")]
    TooMuch(Money),
    /// Not an amount of this order, or one that Stripe does not move ([`Currency::step`]): also what is left of single titles
    /// may be such a one, after a refund that was made elsewhere.
    #[error(
        "the amount, or what is left of the titles together, must be more than nothing, in {0}, and without fractions that \
         are not paid in it"
    )]
    WrongAmount(Currency),
    /// The order has no such title.
    #[error("the order has no title {0}")]
    NoSuchItem(String),
    /// Stripe said no, and why.
    #[error("Stripe refuses the refund: {0}")]
    Refused(String),
    /// Anything else; nothing has changed, or the refund is completed later.
    #[error(transparent)]
    Shop(#[from] Error),
}
