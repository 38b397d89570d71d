//! One's own account.

use crate::error::AppError;
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context;
#[cfg(feature = "ssr")]
use shop::audit::Actor;
#[cfg(feature = "ssr")]
use shop::staff::Password;
#[cfg(feature = "ssr")]
use shop::types::{Role, Scope};

/// Changes one's own password, and ends all other sessions.
///
/// # Errors
/// Refused if the old one is wrong; a weak new one; too many tries.
#[server(prefix = "/actions", endpoint = "admin-change-password")]
pub async fn admin_change_password(
    /// The password until now.
    old: String,
    /// The password from now on.
    new: String,
) -> Result<(), AppError> {
    let staff = context::staff(Role::Viewer).await?;
    let new: Password = new.parse()?;
    let shop = context::shop()?;
    shop.change_password(&staff, &Password::typed(&old), &new).await?;
    let tokens = !shop.own_tokens(&staff).await?.is_empty();
    context::see_other(if tokens {
        "/admin/account?done=password-changed-not-tokens#tokens"
    } else {
        "/admin/account?done=password-changed"
    });
    Ok(())
}

/// Has one's own account ask for codes of the telephone from now on.
///
/// # Errors
/// Refused if password or code is wrong; too many tries.
#[server(prefix = "/actions", endpoint = "admin-codes-on")]
pub async fn admin_codes_on(
    /// The account's password.
    password: String,
    /// A code, which shows that the telephone makes them.
    code: String,
) -> Result<(), AppError> {
    let staff = context::staff(Role::Viewer).await?;
    context::shop()?.require_codes(&staff, &Password::typed(&password), &code).await?;
    context::see_other("/admin/account/codes?done=codes-on");
    Ok(())
}

/// Has one's own account ask for no codes any more.
///
/// # Errors
/// Refused if the password is wrong; too many tries.
#[server(prefix = "/actions", endpoint = "admin-codes-off")]
pub async fn admin_codes_off(
    /// The account's password.
    password: String,
) -> Result<(), AppError> {
    let staff = context::staff(Role::Viewer).await?;
    context::shop()?.drop_codes(&staff, &Password::typed(&password)).await?;
    context::see_other("/admin/account?done=codes-off");
    Ok(())
}

/// Ends one of one's own sessions.
///
/// # Errors
/// Not found if it is nobody's or another's.
#[server(prefix = "/actions", endpoint = "admin-end-session")]
pub async fn admin_end_session(
    /// Which.
    id: i64,
) -> Result<(), AppError> {
    let staff = context::staff(Role::Viewer).await?;
    context::shop()?.end_session(&staff, id).await?;
    context::see_other("/admin/account?done=session-ended");
    Ok(())
}

/// Makes a token for a program.
///
/// # Errors
/// A name that is none, a time that is too long, too many tokens; refused if the password is wrong.
#[server(prefix = "/actions", endpoint = "admin-make-token")]
pub async fn admin_make_token(
    /// What its maker calls it.
    name: String,
    /// `read` or `write`.
    scope: String,
    /// For how many days.
    days: u16,
    /// The account's password.
    #[server(default)]
    password: String,
) -> Result<(), AppError> {
    let staff = context::staff(Role::Viewer).await?;
    let scope: Scope = scope.parse()?;
    let id = context::shop()?.make_token(&staff, &Password::typed(&password), &name, scope, days).await?;
    context::see_other(&format!("/admin/account?token={id}&done=token-made"));
    Ok(())
}

/// Revokes one of one's own tokens.
///
/// # Errors
/// Not found if it is nobody's or another's.
#[server(prefix = "/actions", endpoint = "admin-revoke-token")]
pub async fn admin_revoke_token(
    /// Which.
    id: i64,
) -> Result<(), AppError> {
    let staff = context::staff(Role::Viewer).await?;
    context::shop()?.revoke_token(&staff, &Actor::from(&staff), id).await?;
    context::see_other("/admin/account?done=token-revoked");
    Ok(())
}

/// Revokes all of one's own tokens.
///
/// # Errors
/// Our own trouble.
#[server(prefix = "/actions", endpoint = "admin-revoke-all-tokens")]
pub async fn admin_revoke_all_tokens() -> Result<(), AppError> {
    let staff = context::staff(Role::Viewer).await?;
    context::shop()?.revoke_all_tokens(&staff).await?;
    context::see_other("/admin/account?done=tokens-revoked");
    Ok(())
}
