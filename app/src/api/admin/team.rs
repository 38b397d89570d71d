//! Who works here.

use crate::error::AppError;
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context;
#[cfg(feature = "ssr")]
use shop::types::{Email, Role};

/// Adds an account, with a link that sets its password.
///
/// # Errors
/// An address that cannot be one or has an account.
#[server(prefix = "/actions", endpoint = "admin-invite")]
pub async fn admin_invite(
    /// Whose.
    email: String,
    /// What it may do.
    role: String,
) -> Result<(), AppError> {
    let owner = context::staff(Role::Owner).await?;
    let (email, role): (Email, Role) = (email.parse()?, role.parse()?);
    let id = context::shop()?.invite(&(&owner).into(), &email, role).await?;
    context::see_other(&format!("/admin/team?link={id}&done=invited"));
    Ok(())
}

/// Makes a new link that sets an account's password.
///
/// # Errors
/// An unknown account is not found.
#[server(prefix = "/actions", endpoint = "admin-new-link")]
pub async fn admin_new_link(
    /// The account.
    id: i64,
) -> Result<(), AppError> {
    let owner = context::staff(Role::Owner).await?;
    context::shop()?.make_password_link(&(&owner).into(), id).await?;
    context::see_other(&format!("/admin/team?link={id}&done=link-made"));
    Ok(())
}

/// Gives an account another role.
///
/// # Errors
/// An unknown account is not found; the last owner stays one.
#[server(prefix = "/actions", endpoint = "admin-set-role")]
pub async fn admin_set_role(
    /// The account.
    id: i64,
    /// What it may do from now on.
    role: String,
) -> Result<(), AppError> {
    let owner = context::staff(Role::Owner).await?;
    let role: Role = role.parse()?;
    context::shop()?.set_role(&(&owner).into(), id, role).await?;
    context::see_other("/admin/team?done=role-changed");
    Ok(())
}

/// Switches an account off.
///
/// # Errors
/// An unknown account is not found; the last owner stays.
#[server(prefix = "/actions", endpoint = "admin-switch-off")]
pub async fn admin_switch_off(
    /// The account.
    id: i64,
) -> Result<(), AppError> {
    let owner = context::staff(Role::Owner).await?;
    context::shop()?.switch_off(&(&owner).into(), id).await?;
    context::see_other("/admin/team?done=switched-off");
    Ok(())
}

/// Switches an account on again.
///
/// # Errors
/// An unknown account is not found.
#[server(prefix = "/actions", endpoint = "admin-switch-on")]
pub async fn admin_switch_on(
    /// The account.
    id: i64,
) -> Result<(), AppError> {
    let owner = context::staff(Role::Owner).await?;
    context::shop()?.switch_on(&(&owner).into(), id).await?;
    context::see_other("/admin/team?done=switched-on");
    Ok(())
}
