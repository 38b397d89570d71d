//! The cart as it is shown. What the session keeps is only book ids and a currency.

use super::{BookCard, Currency, Money};
use serde::{Deserialize, Serialize};

/// One title in the cart. A digital book is bought once, so there is no quantity.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartLine {
    /// The book at today's price.
    pub book: BookCard,
    /// Its formats for reading: "EPUB, PDF".
    pub formats: String,
    /// What the price was when the buyer put it in, if it is another one now.
    pub price_was: Option<Money>,
}

/// Something the buyer must know before paying.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CartProblem {
    /// The title is no longer sold and does not count.
    Unavailable {
        /// The title.
        title: String,
        /// Names it to the "Remove" button.
        slug: String,
    },
    /// The title is sold, but not in the cart's currency, and does not count.
    OtherCurrency {
        /// The title.
        title: String,
        /// Names it to the "Remove" button.
        slug: String,
        /// The cart's.
        currency: Currency,
    },
    /// The price is another one than when the title was put in.
    PriceChanged {
        /// The title.
        title: String,
        /// Then.
        was: Money,
        /// Now.
        now: Money,
    },
}

/// How tax is in a price.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PriceTax {
    /// The price holds it, whatever the rate.
    Included,
    /// It is added when the buyer's country is known.
    Added,
}

/// The cart at today's prices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CartView {
    /// In the order they were put in.
    pub lines: Vec<CartLine>,
    /// What changed since they were put in.
    pub problems: Vec<CartProblem>,
    /// The sum of the lines.
    pub subtotal: Money,
    /// What Stripe will charge, before the tax if that is added to the prices.
    pub total: Money,
    /// How tax is in it, if the store taxes.
    pub tax: Option<PriceTax>,
    /// Names exactly these titles at these prices. The checkout form sends it back, so that nobody pays for a cart
    /// other than the one on the screen.
    pub snapshot: String,
}

impl CartView {
    /// How many titles.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lines.len()
    }
}
