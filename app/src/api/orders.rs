//! After paying: waiting for the order, opening it by its mailed code, renewing a download link.

use crate::error::AppError;
use leptos::prelude::*;
use serde::{Deserialize, Serialize};
use shop::types::Renewed;

#[cfg(feature = "ssr")]
use crate::context;
#[cfg(feature = "ssr")]
use shop::types::{CheckoutProgress, OrderNumber};

/// Where a checkout stands, in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Progress {
    /// Ask again.
    Preparing,
    /// There is something new to show: load the page again.
    Settled,
}

/// Where a checkout stands, for the page that waits.
///
/// # Errors
/// An unknown session is not found.
#[server(prefix = "/actions", endpoint = "order-progress")]
pub async fn order_progress(
    /// Stripe's name for the checkout.
    session_id: String,
) -> Result<Progress, AppError> {
    match context::shop()?.checkout_progress(&session_id, &context::keys()).await? {
        None => Err(AppError::NOT_FOUND),
        Some(CheckoutProgress::Preparing) => Ok(Progress::Preparing),
        Some(_) => Ok(Progress::Settled),
    }
}

/// Opens one order in this browser with the code from its mail, and nothing else under that address.
///
/// # Errors
/// A wrong or expired code is forbidden.
#[server(prefix = "/actions", endpoint = "open-order")]
pub async fn open_order(
    /// The order's public number.
    number: String,
    /// The code from the mail.
    secret: String,
) -> Result<(), AppError> {
    let number: OrderNumber = number.parse()?;
    let browser = context::ensure_browser()?;
    context::shop()?.open_order(&number, secret.trim(), &browser, context::client_ip()?).await?;
    context::see_other(&format!("/orders/{number}"));
    Ok(())
}

/// Replaces a download link whose time or uses are over, and goes to the new one, or back to `next`.
///
/// # Errors
/// Forbidden in a browser that is not the buyer's, or when it was renewed too often.
#[server(prefix = "/actions", endpoint = "renew-download")]
pub async fn renew_download(
    /// The secret in `/d/{token}`.
    token: String,
    /// The page that the form stands on, if it is to be seen again.
    #[server(default)]
    next: String,
) -> Result<Renewed, AppError> {
    let renewed = context::shop()?.renew_download(&token, &context::keys()).await?;
    match context::way_back(&next) {
        Some(page) => context::see_other(page),
        None => context::see_other(&format!("/d/{}", renewed.token)),
    }
    Ok(renewed)
}
