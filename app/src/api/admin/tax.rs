//! How the store taxes. A refusal leads back with its reason (`?refused=`) and with the form as it was typed (`?draft=`).

use crate::error::AppError;
use leptos::prelude::*;
use shop::types::TaxForm;

#[cfg(feature = "ssr")]
use crate::context;
#[cfg(feature = "ssr")]
use shop::Shop;
#[cfg(feature = "ssr")]
use shop::audit::Actor;
#[cfg(feature = "ssr")]
use shop::tax::rates::{Kind, read_percent};
#[cfg(feature = "ssr")]
use shop::types::{Country, KeptForm, OrderNumber, Problem, Role, Slug, TaxRefusal, TaxSettings};

/// Changes how the store taxes from now on, unless somebody has changed it since the form was opened.
///
/// # Errors
/// Not allowed; our own trouble. What cannot be stands in the address of the page that this leads to.
#[server(prefix = "/actions", endpoint = "admin-save-tax")]
pub async fn admin_save_tax(
    /// The version of the settings that the form was filled from.
    #[server(default)]
    version: String,
    /// What was typed.
    #[server(default)]
    tax: TaxForm,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Admin).await?);
    let shop = context::shop()?;
    let TaxForm { mode, prices, seller, oss, registered, vat_ids, vies } = tax;
    let flag = |on| if on { "true" } else { "" };
    let typed = [
        ("version", version.as_str()),
        ("mode", mode.as_str()),
        ("prices", prices.as_str()),
        ("seller", seller.as_str()),
        ("oss", oss.as_str()),
        ("registered", registered.as_str()),
        ("vat_ids", flag(vat_ids)),
        ("vies", flag(vies)),
    ];
    let inclusive = match prices.as_str() {
        "included" => true,
        "added" => false,
        _ => return Err(AppError::BAD_REQUEST),
    };
    let (Ok(mode), Ok(standing)) = (mode.parse(), if oss.is_empty() { Ok(Default::default()) } else { oss.parse() })
    else {
        return Err(AppError::BAD_REQUEST);
    };
    let (home, elsewhere) = match countries(&seller, &registered) {
        Ok(read) => read,
        Err(field) => {
            let wrong = Problem::new(field, A_COUNTRY);
            return refuse(&shop, TaxRefusal::Unreadable, KeptForm::new("tax", &typed, vec![wrong])).await;
        }
    };
    let settings = TaxSettings { mode, inclusive, seller: home, oss: standing, registered: elsewhere, vat_ids, vies };
    match shop.change_tax_settings(&actor, &version, settings).await? {
        Ok(()) => context::see_other("/admin/settings/tax?done=tax-saved"),
        Err(why @ TaxRefusal::Outdated) => {
            return refuse(&shop, why, KeptForm::new("tax", &typed, Vec::new()).outdated()).await;
        }
        Err(why) => {
            let field = match why {
                TaxRefusal::ExclusiveTable => "prices",
                TaxRefusal::NoThreshold => "oss",
                TaxRefusal::NoRate if !registered.trim().is_empty() => "registered",
                _ => "seller",
            };
            let wrong = Problem::new(field, why.sentence());
            return refuse(&shop, why, KeptForm::new("tax", &typed, vec![wrong])).await;
        }
    }
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
    let typed = [
        ("country", country.as_str()),
        ("kind", kind.as_str()),
        ("percent", percent.as_str()),
        ("from", from.as_str()),
        ("note", note.as_str()),
    ];
    let kept = |problems| KeptForm::new("rate", &typed, problems);
    let kind = Kind::parse(&kind).ok_or(AppError::BAD_REQUEST)?;
    let (place, rate, day) = (country.parse::<Country>(), read_percent(&percent), from.trim().parse());
    let (Ok(place), Some(ppm), Ok(day)) = (place, rate, day) else {
        let mut problems = Vec::new();
        if place.is_err() {
            problems.push(Problem::new("country", A_COUNTRY));
        }
        if rate.is_none() {
            problems.push(Problem::new("percent", "A percentage from 0 to 100 with at most four decimals."));
        }
        if day.is_err() {
            problems.push(Problem::new("from", "A day like 2026-01-31."));
        }
        return refuse(&shop, TaxRefusal::Unreadable, kept(problems)).await;
    };
    match shop.set_tax_rate(&actor, place, kind, day, ppm, &note).await? {
        Ok(()) => context::see_other("/admin/settings/tax?done=tax-rate-set"),
        Err(why) => {
            return refuse(&shop, why, kept(vec![Problem::new("percent", why.sentence())])).await;
        }
    }
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
    let result = match context::shop()?.remove_tax_rate(&actor, country, kind, from).await? {
        Ok(()) => "done=tax-rate-removed".to_owned(),
        Err(why) => format!("refused={}", why.as_str()),
    };
    context::see_other(&format!("/admin/settings/tax?{result}"));
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

/// What is said beside the field.
#[cfg(feature = "ssr")]
const A_COUNTRY: &str = "A country is two letters, like DE or US.";

/// The seller's country, if one is typed, and the others, each once; or the field that cannot be read.
#[cfg(feature = "ssr")]
fn countries(seller: &str, registered: &str) -> Result<(Option<Country>, Vec<Country>), &'static str> {
    let seller = match seller.trim() {
        "" => None,
        text => Some(text.parse().map_err(|_| "seller")?),
    };
    let words = registered.split([',', ' ', ';']).filter(|word| !word.is_empty());
    let mut countries =
        words.map(|word| word.parse().map_err(|_| "registered")).collect::<Result<Vec<Country>, _>>()?;
    countries.sort();
    countries.dedup();
    Ok((seller, countries))
}

/// Keeps the form as it was typed, and leads back to it.
#[cfg(feature = "ssr")]
async fn refuse(shop: &Shop, why: TaxRefusal, form: KeptForm) -> Result<(), AppError> {
    let draft = shop.keep_form(&form).await?;
    context::see_other(&format!("/admin/settings/tax?refused={}&draft={draft}", why.as_str()));
    Ok(())
}
