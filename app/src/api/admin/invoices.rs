//! What the desk decides about invoices.

use crate::error::AppError;
use leptos::prelude::*;
use shop::types::SellerForm;

#[cfg(feature = "ssr")]
use crate::context;
#[cfg(feature = "ssr")]
use shop::audit::Actor;
#[cfg(feature = "ssr")]
use shop::books::NotTaken;
#[cfg(feature = "ssr")]
use shop::invoices::SellerSettings;
#[cfg(feature = "ssr")]
use shop::types::Role;

/// Changes what documents that are issued from now on say of their seller.
///
/// # Errors
/// Not allowed; our own trouble. What does not fit leads back with its reason.
#[server(prefix = "/actions", endpoint = "admin-save-seller")]
pub async fn admin_save_seller(
    /// What was typed.
    #[server(default)]
    seller: SellerForm,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Admin).await?);
    match SellerSettings::read(seller) {
        Ok(settings) => {
            context::shop()?.set_seller(&actor, &settings).await?;
            context::see_other("/admin/settings/invoices?done=seller-saved");
        }
        Err(_) => context::see_other("/admin/settings/invoices?refused=bad-seller"),
    }
    Ok(())
}

/// Takes the logo away, for documents that are issued from now on.
///
/// # Errors
/// Not allowed; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-remove-logo")]
pub async fn admin_remove_logo() -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Admin).await?);
    match context::shop()?.set_logo(&actor, None).await {
        Ok(()) => context::see_other("/admin/settings/invoices?done=logo-removed"),
        Err(NotTaken::Shop(error)) => return Err(error.into()),
        Err(NotTaken::Refused(_)) => return Err(AppError::BAD_REQUEST),
    }
    Ok(())
}
