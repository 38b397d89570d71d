//! A checkout of a list of books, for a program that has no cart: the same prices, the same rows and the same sessions as
//! from the cart.

use crate::cart::Cart;
use crate::desk::FormKey;
use crate::types::{Currency, Money, Slug};
use crate::{CheckoutStart, Error, Shop};

/// A checkout of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Stripe's payment page.
    pub url: String,
    /// What is to be paid there, before Stripe's own tax.
    pub subtotal: Money,
}

impl Shop {
    /// Starts to pay for these books, each once, at the prices of this moment; none if there is nothing to pay. Asked for
    /// again under the same name it is the same session, as long as no price has changed.
    ///
    /// # Errors
    /// [`Error::BookUnavailable`] if one is not sold in this currency, [`Error::CartFull`], and those of
    /// [`Shop::start_checkout`].
    pub async fn checkout_list(
        &self,
        slugs: &[Slug],
        currency: Currency,
        name: FormKey,
    ) -> Result<Option<Listed>, Error> {
        let mut cart = Cart::new(currency);
        for slug in slugs {
            self.add_to_cart(&mut cart, slug).await?;
        }
        let view = self.cart_view(&cart).await?;
        // Nobody's browser: what it paid for opens with the mailed link only.
        let browser = self.0.key.browser_of(&format!("api {name}"));
        match self.start_checkout(&cart, &view.snapshot, &browser).await? {
            CheckoutStart::Pay(url) | CheckoutStart::Paid(url) => Ok(Some(Listed { url, subtotal: view.subtotal })),
            CheckoutStart::Free => Ok(None),
        }
    }
}
