//! Coming into the desk, and leaving it.

use crate::error::AppError;
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context;
#[cfg(feature = "ssr")]
use shop::staff::Password;
#[cfg(feature = "ssr")]
use shop::types::Email;

/// Signs somebody in. Says the same whether the address or the password is wrong.
///
/// # Errors
/// Refused; too many tries.
#[server(prefix = "/actions", endpoint = "admin-sign-in")]
pub async fn admin_sign_in(
    /// The account's address.
    email: String,
    /// Its password.
    password: String,
    /// The page to go to afterwards.
    #[server(default)]
    next: String,
) -> Result<(), AppError> {
    let email: Email = email.parse()?;
    let device = context::staff_device()?;
    let opened = context::shop()?.sign_in(&email, &Password::typed(&password), &device).await?;
    context::keep_staff(&opened)?;
    context::see_other(context::desk_way_back(&next).unwrap_or("/admin"));
    Ok(())
}

/// Ends the session in this browser.
///
/// # Errors
/// Our own trouble.
#[server(prefix = "/actions", endpoint = "admin-sign-out")]
pub async fn admin_sign_out() -> Result<(), AppError> {
    if let Some(secret) = context::staff_secret() {
        context::shop()?.sign_out_staff(&secret).await?;
    }
    context::forget_staff()?;
    context::see_other("/admin/login?done=signed-out");
    Ok(())
}
