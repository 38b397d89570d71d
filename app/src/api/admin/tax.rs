//! How the store taxes. A refusal leads back with its reason (`?refused=`).

use crate::error::AppError;
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context;
#[cfg(feature = "ssr")]
use shop::audit::Actor;
#[cfg(feature = "ssr")]
use shop::tax::rates::{Kind, read_percent};
#[cfg(feature = "ssr")]
use shop::types::{Country, OrderNumber, Role, Slug, TaxRefusal, TaxSettings};

/// Changes how the store taxes from now on.
///
/// # Errors
/// Not allowed; our own trouble. What cannot be stands in the address of the page that this leads to.
#[server(prefix = "/actions", endpoint = "admin-save-tax")]
pub async fn admin_save_tax(
    /// Who works taxes out: "none", "table", "stripe".
    mode: String,
    /// Whether prices hold the tax: "included", "added".
    prices: String,
    /// Where the seller is.
    #[server(default)]
    seller: String,
    /// How the seller stands to the One Stop Shop.
    #[server(default)]
    oss: String,
    /// Further countries in which the seller is registered, by their letters.
    #[server(default)]
    registered: String,
    /// Whether businesses are asked for their number.
    #[server(default)]
    vat_ids: bool,
    /// Whether it is looked up.
    #[server(default)]
    vies: bool,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Admin).await?);
    let shop = context::shop()?;
    let inclusive = match prices.as_str() {
        "included" => true,
        "added" => false,
        _ => return Err(AppError::BAD_REQUEST),
    };
    let (Ok(mode), Ok(oss)) = (mode.parse(), if oss.is_empty() { Ok(Default::default()) } else { oss.parse() }) else {
        return Err(AppError::BAD_REQUEST);
    };
    let Some((seller, registered)) = countries(&seller, &registered) else {
        back(Some(TaxRefusal::Unreadable), "");
        return Ok(());
    };
    let settings = TaxSettings { mode, inclusive, seller, oss, registered, vat_ids, vies };
    back(shop.change_tax_settings(&actor, settings).await?.err(), "tax-saved");
    Ok(())
}

/// Sets a rate from a day on.
///
/// # Errors
/// As [`admin_save_tax`].
#[server(prefix = "/actions", endpoint = "admin-set-tax-rate")]
pub async fn admin_set_tax_rate(
    /// Where, by its letters.
    country: String,
    /// For what: "ebook", "standard".
    kind: String,
    /// A percentage.
    percent: String,
    /// The first day on which it holds.
    from: String,
    /// Where it is known from.
    #[server(default)]
    note: String,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Admin).await?);
    let shop = context::shop()?;
    let kind = Kind::parse(&kind).ok_or(AppError::BAD_REQUEST)?;
    let typed = (country.parse::<Country>(), read_percent(&percent), from.trim().parse());
    let (Ok(country), Some(ppm), Ok(from)) = typed else {
        back(Some(TaxRefusal::Unreadable), "");
        return Ok(());
    };
    back(shop.set_tax_rate(&actor, country, kind, from, ppm, &note).await?.err(), "tax-rate-set");
    Ok(())
}

/// Takes an own rate away.
///
/// # Errors
/// Not allowed; an unknown rate; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-remove-tax-rate")]
pub async fn admin_remove_tax_rate(
    /// Where, by its letters.
    country: String,
    /// For what.
    kind: String,
    /// The first day on which it holds.
    from: String,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Admin).await?);
    let named = (country.parse::<Country>(), Kind::parse(&kind), from.parse());
    let (Ok(country), Some(kind), Ok(from)) = named else { return Err(AppError::BAD_REQUEST) };
    back(context::shop()?.remove_tax_rate(&actor, country, kind, from).await?.err(), "tax-rate-removed");
    Ok(())
}

/// Gives a book another product tax code.
///
/// # Errors
/// Not allowed; an unknown book; our own trouble. A code that is none leads back with its reason.
#[server(prefix = "/actions", endpoint = "admin-set-book-tax-code")]
pub async fn admin_set_book_tax_code(
    /// Names the book.
    slug: String,
    /// One of Stripe's.
    code: String,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Admin).await?);
    let slug: Slug = slug.parse()?;
    match context::shop()?.set_book_tax_code(&actor, &slug, &code).await? {
        Ok(()) => context::see_other(&format!("/admin/books/{slug}?done=tax-code-set")),
        Err(why) => context::see_other(&format!("/admin/settings/tax?refused={}", why.as_str())),
    }
    Ok(())
}

/// Takes an order whose tax Stripe could not work out off the list of what needs a person.
///
/// # Errors
/// Not allowed; no such order, or nothing to see to; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-tax-seen-to")]
pub async fn admin_tax_seen_to(
    /// The order.
    number: String,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Admin).await?);
    let number: OrderNumber = number.parse()?;
    context::shop()?.tax_seen_to(&actor, &number).await?;
    context::see_other(&format!("/admin/orders/{number}?done=tax-seen-to"));
    Ok(())
}

/// The seller's country, if one is typed, and the others, each once.
#[cfg(feature = "ssr")]
fn countries(seller: &str, registered: &str) -> Option<(Option<Country>, Vec<Country>)> {
    let seller = match seller.trim() {
        "" => None,
        text => Some(text.parse().ok()?),
    };
    let words = registered.split([',', ' ', ';']).filter(|word| !word.is_empty());
    let mut countries = words.map(|word| word.parse().ok()).collect::<Option<Vec<Country>>>()?;
    countries.sort();
    countries.dedup();
    Some((seller, countries))
}

#[cfg(feature = "ssr")]
fn back(refused: Option<TaxRefusal>, done: &str) {
    let result = refused.map_or_else(|| format!("done={done}"), |why| format!("refused={}", why.as_str()));
    context::see_other(&format!("/admin/settings/tax?{result}"));
}
