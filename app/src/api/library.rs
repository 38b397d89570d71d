//! Access by e-mail: asking for a library, opening it, leaving it.

use crate::error::AppError;
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context;
#[cfg(feature = "ssr")]
use crate::error::ErrorCode;
#[cfg(feature = "ssr")]
use shop::access::Proof;
#[cfg(feature = "ssr")]
use shop::types::{AccessCode, Email};

/// Asks for link and code of the library under `email`. Answers the same whether there is one or not, and whether it was
/// asked for too often or not.
///
/// # Errors
/// An address that cannot be one.
#[server(prefix = "/actions", endpoint = "request-access")]
pub async fn request_access(
    /// Whose library.
    email: String,
    /// The page to come back to, if the visitor was sent here from one.
    #[server(default)]
    next: String,
) -> Result<(), AppError> {
    let email: Email = email.parse()?;
    let browser = context::ensure_browser()?;
    context::shop()?.request_access(&email, &browser, context::client_ip()?).await?;
    context::see_other(&context::with_next("/library/sent", &next));
    Ok(())
}

/// Opens a library with what its mail brought: the code in the browser that asked, the link's secret in the same, or both
/// in any other.
///
/// # Errors
/// Forbidden if it is wrong, too old, used up or another browser's; too many tries.
#[server(prefix = "/actions", endpoint = "open-library")]
pub async fn open_library(
    /// What stands behind `#` in the link; an island fills it in.
    #[server(default)]
    secret: String,
    /// The code.
    #[server(default)]
    code: String,
    /// The page to come back to.
    #[server(default)]
    next: String,
) -> Result<(), AppError> {
    let code: Option<AccessCode> = code.parse().ok();
    let proof = match (secret.trim(), code) {
        ("", None) => return Err(ErrorCode::Forbidden.into()),
        ("", Some(code)) => Proof::Code(code),
        (secret, code) => Proof::Link { secret: secret.to_owned(), code },
    };
    let opened = context::shop()?.open_library(proof, &context::keys(), context::client_ip()?).await?;
    context::keep_library(&opened)?;
    context::ensure_browser()?;
    context::see_other(context::way_back(&next).unwrap_or("/library"));
    Ok(())
}

/// Closes the library in this browser, and the orders that a mailed link has opened in it.
///
/// # Errors
/// Our own trouble.
#[server(prefix = "/actions", endpoint = "sign-out")]
pub async fn sign_out() -> Result<(), AppError> {
    context::shop()?.sign_out(&context::keys()).await?;
    context::forget_library()?;
    context::see_other("/library?left=here");
    Ok(())
}

/// Closes the library in every browser, and every order that a mailed link has opened in one; running downloads end.
///
/// # Errors
/// Forbidden in a browser that has not opened the library.
#[server(prefix = "/actions", endpoint = "sign-out-everywhere")]
pub async fn sign_out_everywhere() -> Result<(), AppError> {
    context::shop()?.sign_out_everywhere(&context::keys()).await?;
    context::forget_library()?;
    context::see_other("/library?left=everywhere");
    Ok(())
}
