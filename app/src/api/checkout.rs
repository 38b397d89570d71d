//! From the cart to Stripe, or to a mailed link when nothing is to be paid.

use crate::error::AppError;
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context;
#[cfg(feature = "ssr")]
use shop::types::Email;

/// Begins to pay for exactly the cart that `snapshot` names and sends the visitor to Stripe's page, or to the free
/// path if the total is zero. Asked twice, it goes to the same payment page; asked again once that is paid, to the order.
///
/// # Errors
/// An empty or changed cart (back to the cart, with the reason); Stripe out of reach (503, the cart is kept).
#[server(prefix = "/actions", endpoint = "start-checkout")]
pub async fn start_checkout(
    /// Names the cart as it was on the screen.
    snapshot: String,
) -> Result<(), AppError> {
    let (shop, cart) = (context::shop()?, context::cart().await?);
    let browser = context::ensure_browser()?;
    match shop.start_checkout(&cart, &snapshot, &browser).await? {
        shop::CheckoutStart::Pay(url) | shop::CheckoutStart::Paid(url) => context::see_other(&url),
        shop::CheckoutStart::Free => context::see_other("/checkout/free"),
    }
    Ok(())
}

/// Takes an order of zero: the files open only through the link that is mailed to `email`.
///
/// # Errors
/// An address that cannot be one, a cart that is not free or not the shown one, too many orders from one place.
#[server(prefix = "/actions", endpoint = "checkout-free")]
pub async fn checkout_free(
    /// Where to send the link.
    email: String,
    /// Names the cart as it was on the screen.
    snapshot: String,
) -> Result<(), AppError> {
    let email: Email = email.parse()?;
    let browser = context::ensure_browser()?;
    let mut held = context::hold_cart().await?;
    context::shop()?.checkout_free(&held.cart, &snapshot, &email, &browser, context::client_ip()?).await?;
    held.clear()?;
    held.save().await?;
    context::see_other("/checkout/free/sent");
    Ok(())
}
