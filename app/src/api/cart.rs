//! Putting books into the cart and taking them out.

use crate::error::AppError;
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context;
#[cfg(feature = "ssr")]
use shop::types::Slug;

/// Puts a book into the cart; doing it twice changes nothing. Returns how many titles are in it.
///
/// # Errors
/// Unknown or unavailable book, a full cart, or our own trouble.
#[server(prefix = "/actions", endpoint = "add-to-cart")]
pub async fn add_to_cart(
    /// Names the book.
    slug: String,
) -> Result<usize, AppError> {
    let slug: Slug = slug.parse()?;
    let mut held = context::hold_cart().await?;
    let shop = context::shop()?;
    shop.add_to_cart(&mut held.cart, &slug).await?;
    shop.count_cart();
    let count = held.save().await?;
    context::see_other("/cart");
    Ok(count)
}

/// Takes a book out of the cart; the cart's page then offers to undo it. Returns how many titles are left.
///
/// # Errors
/// Our own trouble; a book that is not in the cart is no error.
#[server(prefix = "/actions", endpoint = "remove-from-cart")]
pub async fn remove_from_cart(
    /// Names the book.
    slug: String,
) -> Result<usize, AppError> {
    let slug: Slug = slug.parse()?;
    let mut held = context::hold_cart().await?;
    context::shop()?.remove_from_cart(&mut held.cart, &slug).await?;
    let count = held.save().await?;
    context::see_other(&format!("/cart?removed={slug}"));
    Ok(count)
}
