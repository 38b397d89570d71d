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
use shop::invoices::{Outdated, SellerSettings};
#[cfg(feature = "ssr")]
use shop::types::{KeptForm, Problem, Role};

/// Changes what documents that are issued from now on say of their seller, unless somebody has changed it since the form was
/// opened.
///
/// # Errors
/// Not allowed; our own trouble. What does not fit leads back with its reasons, and nothing that was typed is lost.
#[server(prefix = "/actions", endpoint = "admin-save-seller")]
pub async fn admin_save_seller(
    /// The version of the settings that the form was filled from.
    #[server(default)]
    version: String,
    /// What was typed.
    #[server(default)]
    seller: SellerForm,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Admin).await?);
    let shop = context::shop()?;
    let (why, kept) = match SellerSettings::read(seller.clone()) {
        Ok(settings) => match shop.set_seller(&actor, &version, &settings).await? {
            Ok(()) => {
                context::see_other("/admin/settings/invoices?done=seller-saved");
                return Ok(());
            }
            Err(Outdated) => ("outdated", as_typed(&version, &seller, Vec::new()).outdated()),
        },
        Err(problems) => ("bad-seller", as_typed(&version, &seller, problems)),
    };
    let draft = shop.keep_form(&kept).await?;
    context::see_other(&format!("/admin/settings/invoices?refused={why}&draft={draft}"));
    Ok(())
}

/// The form, to be kept.
#[cfg(feature = "ssr")]
fn as_typed(version: &str, seller: &SellerForm, problems: Vec<Problem>) -> KeptForm {
    let SellerForm { name, address, country, vat_id, tax_number, email, legal_text, licence_text, locale, paper } =
        seller;
    let values: [(&str, &str); 11] = [
        ("version", version),
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
    KeptForm::new("seller", &values, problems)
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
