//! The currency that a visitor wants to pay in: a cookie that the server reads, so that pages without a cart stay the same for
//! everybody with the same choice.

use crate::error::AppError;
use leptos::prelude::*;

/// Keeps the currency for a year, has the cart priced in it, and goes back to where the visitor was.
///
/// # Errors
/// A currency in which the store does not sell is a bad request; our own trouble.
#[server(prefix = "/actions", endpoint = "set-currency")]
pub async fn set_currency(
    /// Its ISO code.
    currency: String,
) -> Result<(), AppError> {
    let shop = crate::context::shop()?;
    let wanted = shop.sells_in(&currency).ok_or(AppError::BAD_REQUEST)?;
    crate::context::keep_currency(wanted)?;
    // A visitor without a cart has no session, and gets none because of this.
    if crate::context::cart().await?.count() > 0 {
        let mut held = crate::context::hold_cart().await?;
        shop.price_cart_in(&mut held.cart, wanted).await?;
        held.save().await?;
    }
    crate::context::see_other(&crate::context::came_from());
    Ok(())
}
