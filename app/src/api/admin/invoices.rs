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
use shop::types::{KeptForm, Role};

/// Changes what documents that are issued from now on say of their seller.
///
/// # Errors
/// Not allowed; our own trouble. What does not fit leads back with its reasons, and nothing that was typed is lost.
#[server(prefix = "/actions", endpoint = "admin-save-seller")]
pub async fn admin_save_seller(
    /// What was typed.
    #[server(default)]
    seller: SellerForm,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Admin).await?);
    let shop = context::shop()?;
    match SellerSettings::read(seller.clone()) {
        Ok(settings) => {
            shop.set_seller(&actor, &settings).await?;
            context::see_other("/admin/settings/invoices?done=seller-saved");
        }
        Err(problems) => {
            let SellerForm {
                name,
                address,
                country,
                vat_id,
                tax_number,
                email,
                legal_text,
                licence_text,
                locale,
                paper,
            } = &seller;
            let values: [(&str, &str); 10] = [
                ("name", name),
                ("address", address),
                ("country", country),
                ("vat_id", vat_id),
                ("tax_number", tax_number),
                ("email", email),
                ("legal_text", legal_text),
                ("licence_text", licence_text),
                ("locale", locale),
                ("paper", paper),
            ];
            let draft = shop.keep_form(&KeptForm::new("seller", &values, problems)).await?;
            context::see_other(&format!("/admin/settings/invoices?refused=bad-seller&draft={draft}"));
        }
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
