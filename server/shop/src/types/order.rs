//! Orders and downloads as the buyer sees them.

use super::{BookFormat, BuyerForm, Cover, Email, InvoiceLink, Money};
use core::fmt;
use core::str::FromStr;
use serde::{Deserialize, Serialize};

/// The public name of an order: ten characters without look-alikes, shown as `ABCDE-FGHJK`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrderNumber(String);

/// The text is not an order number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this is not an order number")]
pub struct InvalidOrderNumber;

impl OrderNumber {
    /// Crockford's alphabet less `0 1 L O U I`: 30 characters, so that nothing is misread over the phone.
    pub const ALPHABET: &'static [u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
    /// How many of them.
    pub const LENGTH: usize = 10;

    /// The ten characters.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for OrderNumber {
    type Err = InvalidOrderNumber;

    /// Takes either case, with or without the hyphen.
    fn from_str(text: &str) -> Result<Self, InvalidOrderNumber> {
        let plain: String =
            text.chars().filter(|c| *c != '-').map(|c| c.to_ascii_uppercase()).take(Self::LENGTH + 1).collect();
        if plain.len() == Self::LENGTH && plain.bytes().all(|b| Self::ALPHABET.contains(&b)) {
            Ok(Self(plain))
        } else {
            Err(InvalidOrderNumber)
        }
    }
}

impl TryFrom<String> for OrderNumber {
    type Error = InvalidOrderNumber;

    fn try_from(text: String) -> Result<Self, InvalidOrderNumber> {
        text.parse()
    }
}

impl From<OrderNumber> for String {
    fn from(number: OrderNumber) -> Self {
        number.0
    }
}

impl fmt::Display for OrderNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (head, tail) = self.0.split_at(Self::LENGTH / 2);
        write!(f, "{head}-{tail}")
    }
}

/// Whether an order's money has arrived. Refunds and disputes are rows of their own, never a status.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// The buyer has finished the checkout, the money is still on its way.
    Pending,
    /// Paid, or free by our own total.
    Succeeded,
    /// The money will not come.
    Failed,
}

impl OrderStatus {
    /// The word in the database.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
        }
    }
}

/// What can be done with a download token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TokenState {
    /// Downloads can be started.
    Usable,
    /// Its time is over.
    Expired,
    /// All its uses are taken.
    UsedUp,
    /// The right to the title is suspended: its payment is disputed.
    Suspended,
    /// The right to the title is gone: its payment went back.
    Revoked,
}

/// One title's way to its files.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DownloadView {
    /// The secret in `/d/{token}`.
    pub token: String,
    /// What it is good for.
    pub state: TokenState,
    /// Downloads that can still be started.
    pub uses_left: u32,
    /// Of how many.
    pub max_uses: u32,
    /// For reading: "29 November 2026, 14:05 UTC".
    pub expires: String,
    /// Whether a new token may be asked for.
    pub renewable: bool,
    /// The formats with size that can be fetched, or could if the token were good.
    pub formats: Vec<super::FormatInfo>,
    /// Until when the download that this browser has begun serves `formats` without taking another use, for reading;
    /// nothing if no such download is running.
    pub running_until: Option<String>,
    /// Formats of a used-up token that its running download serves no more.
    pub exhausted: Vec<super::FormatInfo>,
}

/// One title of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderItemView {
    /// As it was when bought.
    pub title: String,
    /// The authors, joined for reading.
    pub byline: String,
    /// The slug of the book's page.
    pub slug: String,
    /// The cover, if it has one.
    pub cover: Option<Cover>,
    /// The accent colour, `#rrggbb`.
    pub accent: String,
    /// What was paid for it.
    pub total: Money,
    /// What became of the money, oldest first.
    pub notes: Vec<super::MoneyNote>,
    /// The files; nothing while the order is pending, or in a browser that has not proven to be the buyer's.
    pub download: Option<DownloadView>,
}

/// An order, as far as the visitor may see it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderView {
    /// Its public number.
    pub number: OrderNumber,
    /// Whether it is paid.
    pub status: OrderStatus,
    /// The buyer's address, in full only for the buyer.
    pub email: String,
    /// For reading: "22 November 2026".
    pub placed_on: String,
    /// The titles; empty for anybody but the buyer.
    pub items: Vec<OrderItemView>,
    /// The subtotal.
    pub subtotal: Money,
    /// The tax.
    pub tax: Money,
    /// Whether the prices held it already, rather than it was added to them.
    pub tax_included: bool,
    /// What was paid.
    pub total: Money,
    /// The number of its invoice, if it has one.
    pub invoice: Option<String>,
    /// Its invoices and credit notes, oldest first.
    pub documents: Vec<InvoiceLink>,
    /// Whom the invoice is made out to, as long as the buyer may say so.
    pub buyer_form: Option<BuyerForm>,
    /// Whether this browser has proven to be the buyer's.
    pub owned: bool,
}

impl OrderView {
    /// What anybody may see who has the link but not the buyer's browser: that it exists, and whether it is paid.
    #[must_use]
    pub fn masked(mut self, email: Option<&Email>) -> Self {
        self.email = email.map(Email::masked).unwrap_or_default();
        self.items = Vec::new();
        self.invoice = None;
        self.documents = Vec::new();
        self.buyer_form = None;
        self.owned = false;
        let zero = Money::zero(self.total.currency());
        (self.subtotal, self.tax, self.total) = (zero, zero, zero);
        self
    }
}

impl OrderView {
    /// Why no title of the order is open any more, if none is: its payment is disputed, or went back.
    #[must_use]
    pub fn closed(&self) -> Option<TokenState> {
        let states = || self.items.iter().filter_map(|item| item.download.as_ref()).map(|download| download.state);
        let closed = |state| matches!(state, TokenState::Suspended | TokenState::Revoked);
        if states().next().is_none() || !states().all(closed) {
            return None;
        }
        states().find(|state| *state == TokenState::Suspended).or(Some(TokenState::Revoked))
    }
}

/// What the success page knows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CheckoutProgress {
    /// Stripe has not told us yet that it is paid; the page asks again by itself.
    Preparing,
    /// The buyer has not finished paying; the link goes back to Stripe's page.
    Open {
        /// Stripe's payment page, only in the browser that began the checkout.
        resume_url: Option<String>,
    },
    /// The checkout was given up or ran out.
    Expired,
    /// Stripe's amount is not the one we asked for: a person must look at it. Nothing was lost.
    UnderReview {
        /// The titles that were paid for, so that nobody pays again; only in the browser that began the checkout.
        titles: Vec<super::Slug>,
    },
    /// There is an order.
    Ordered(Box<OrderView>),
}

/// The name of a format's download button.
impl DownloadView {
    /// Whether a format is among the files.
    #[must_use]
    pub fn has(&self, format: BookFormat) -> bool {
        self.formats.iter().any(|f| f.format == format)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_numbers_are_forgiving_to_read_and_strict_to_be() {
        let number: OrderNumber = "abcde-fghjk".parse().unwrap();
        assert_eq!(number.as_str(), "ABCDEFGHJK");
        assert_eq!(number.to_string(), "ABCDE-FGHJK");
        for bad in ["", "ABCDE", "ABCDEFGHJKM", "ABCDEFGHJ0", "ABCDEFGHJI", "ÄBCDEFGHJK", &"A".repeat(1_000_000)] {
            assert_eq!(bad.parse::<OrderNumber>(), Err(InvalidOrderNumber));
        }
    }
}
