//! Coming into the desk, and leaving it.

use crate::error::AppError;
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context;
#[cfg(feature = "ssr")]
use shop::staff::{Device, Password, SignIn};
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
    let sign_in = context::shop()?.sign_in(&email, &Password::typed(&password), &device).await?;
    context::go_on_after(&sign_in, &next)
}

/// Signs somebody in who has given the password, with a code of the telephone or a recovery code.
///
/// # Errors
/// Refused; too many tries; the password was too long ago.
#[server(prefix = "/actions", endpoint = "admin-sign-in-code")]
pub async fn admin_sign_in_code(
    /// The code.
    code: String,
    /// The page to go to afterwards.
    #[server(default)]
    next: String,
) -> Result<(), AppError> {
    let device = context::staff_device()?;
    let opened = context::shop()?.sign_in_with_code(&code, &device).await?;
    context::go_on_after(&SignIn::Done(opened), &next)
}

/// Makes the first owner, with the secret of the link that the program printed, and signs her in.
///
/// # Errors
/// Forbidden with another secret, or when there is an owner; a weak password.
#[server(prefix = "/actions", endpoint = "admin-set-up")]
pub async fn admin_set_up(
    /// What stands behind `#` in the link.
    secret: String,
    /// The owner's address.
    email: String,
    /// The owner's password.
    password: String,
) -> Result<(), AppError> {
    let (shop, email, password): (_, Email, Password) = (context::shop()?, email.parse()?, password.parse()?);
    let known = shop.set_up(secret.trim(), &email, &password).await?;
    let device = Device { known: Some(known), ..context::staff_device()? };
    let sign_in = shop.sign_in(&email, &password, &device).await?;
    context::go_on_after(&sign_in, "/admin")
}

/// Sets the password of the account that a link is for.
///
/// # Errors
/// Forbidden for a link that is used, too old or none; a weak password.
#[server(prefix = "/actions", endpoint = "admin-set-password")]
pub async fn admin_set_password(
    /// What stands behind `#` in the link.
    secret: String,
    /// The new password.
    password: String,
) -> Result<(), AppError> {
    let password: Password = password.parse()?;
    let device = context::shop()?.set_password(secret.trim(), &password).await?;
    context::keep_device(&device)?;
    context::see_other("/admin/login?done=password-set");
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
