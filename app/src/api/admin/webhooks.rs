//! The endpoints of webhooks, and what is sent to them once more. A refusal leads back with its reason (`?refused=`).

use crate::error::AppError;
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context;
#[cfg(feature = "ssr")]
use crate::pages::admin::webhooks::refused;
#[cfg(feature = "ssr")]
use shop::audit::Actor;
#[cfg(feature = "ssr")]
use shop::hooks::{EventType, NewEndpoint, NotSaved, form_name};
#[cfg(feature = "ssr")]
use shop::types::{KeptForm, Role};

/// Adds an endpoint.
///
/// # Errors
/// Not allowed; our own trouble. What is wrong with it stands in the address of the page that this leads to.
#[server(prefix = "/actions", endpoint = "admin-add-webhook")]
pub async fn admin_add_webhook(
    /// Where deliveries go.
    url: String,
    /// What it is for.
    #[server(default)]
    description: String,
    /// What it is told of.
    #[server(default)]
    events: Vec<String>,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Owner).await?);
    match context::shop()?.add_webhook_endpoint(&actor, &typed(url, description, &events)?).await? {
        Ok(id) => context::see_other(&format!("/admin/webhooks/{id}?done=webhook-added")),
        Err(why) => context::see_other(&format!("/admin/webhooks?refused={}", refused::of_saving(why))),
    }
    Ok(())
}

/// Changes an endpoint, unless somebody has changed it since the form was opened. What cannot be saved is kept as it was typed.
///
/// # Errors
/// As [`admin_add_webhook`], and an unknown endpoint is not found.
#[server(prefix = "/actions", endpoint = "admin-change-webhook")]
pub async fn admin_change_webhook(
    /// Which.
    id: i64,
    /// The version of the endpoint that the form was filled from.
    #[server(default)]
    version: String,
    /// Where deliveries go from now on.
    url: String,
    /// What it is for.
    #[server(default)]
    description: String,
    /// What it is told of from now on.
    #[server(default)]
    events: Vec<String>,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Owner).await?);
    let shop = context::shop()?;
    let named = events.join(" ");
    let values = [
        ("version", version.as_str()),
        ("url", url.as_str()),
        ("description", description.as_str()),
        ("events", named.as_str()),
    ];
    let kept = KeptForm::new(&form_name(id), &values, Vec::new());
    match shop.change_webhook_endpoint(&actor, id, Some(&version), &typed(url, description, &events)?).await? {
        Ok(()) => back(id, "done=webhook-changed"),
        Err(why) => {
            let kept = if why == NotSaved::Outdated { kept.outdated() } else { kept };
            let draft = shop.keep_form(&kept).await?;
            back(id, &format!("refused={}&draft={draft}", refused::of_saving(why)));
        }
    }
    Ok(())
}

/// Switches an endpoint on or off.
///
/// # Errors
/// Not allowed; an unknown endpoint; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-switch-webhook")]
pub async fn admin_switch_webhook(
    /// Which.
    id: i64,
    /// Whether on.
    on: bool,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Owner).await?);
    context::shop()?.switch_webhook_endpoint(&actor, id, on).await?;
    back(id, if on { "done=webhook-on" } else { "done=webhook-off" });
    Ok(())
}

/// Gives an endpoint a new secret.
///
/// # Errors
/// Not allowed; an unknown endpoint; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-replace-webhook-secret")]
pub async fn admin_replace_webhook_secret(
    /// Which.
    id: i64,
    /// For how many hours the old one is good too.
    keep: u16,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Owner).await?);
    context::shop()?.rotate_webhook_secret(&actor, id, keep.min(7 * 24)).await?;
    back(id, "done=webhook-secret");
    Ok(())
}

/// Deletes an endpoint.
///
/// # Errors
/// Not allowed; an unknown endpoint; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-delete-webhook")]
pub async fn admin_delete_webhook(
    /// Which.
    id: i64,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Owner).await?);
    context::shop()?.delete_webhook_endpoint(&actor, id).await?;
    context::see_other("/admin/webhooks?done=webhook-deleted");
    Ok(())
}

/// Sends an endpoint something to try it with.
///
/// # Errors
/// Not allowed; an unknown endpoint; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-test-webhook")]
pub async fn admin_test_webhook(
    /// Which.
    id: i64,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Owner).await?);
    match context::shop()?.test_webhook_endpoint(&actor, id).await? {
        Some(delivery) => context::see_other(&format!("/admin/webhooks/{id}/{delivery}?done=webhook-sent")),
        None => back(id, "refused=off"),
    }
    Ok(())
}

/// Makes a delivery once more.
///
/// # Errors
/// Not allowed; an unknown delivery; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-redeliver-webhook")]
pub async fn admin_redeliver_webhook(
    /// Which.
    id: i64,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Admin).await?);
    let shop = context::shop()?;
    let endpoint = shop.webhook_delivery(id).await?.endpoint;
    let result = match shop.redeliver_webhook(&actor, id).await? {
        Ok(()) => "done=webhook-sent".to_owned(),
        Err(why) => format!("refused={}", refused::of_sending(why)),
    };
    context::see_other(&format!("/admin/webhooks/{endpoint}/{id}?{result}"));
    Ok(())
}

/// Makes all of an endpoint's deliveries once more that were given up.
///
/// # Errors
/// Not allowed; an unknown endpoint; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-redeliver-webhooks")]
pub async fn admin_redeliver_webhooks(
    /// Of which endpoint.
    id: i64,
    /// Only what happened in so many hours before now.
    hours: u16,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Admin).await?);
    match context::shop()?.redeliver_failed_webhooks(&actor, id, hours).await? {
        Ok(_) => back(id, "done=webhooks-sent"),
        Err(why) => back(id, &format!("refused={}", refused::of_sending(why))),
    }
    Ok(())
}

/// What was typed into the form.
#[cfg(feature = "ssr")]
fn typed(url: String, description: String, events: &[String]) -> Result<NewEndpoint, AppError> {
    let events: Option<Vec<EventType>> = events.iter().map(|name| EventType::parse(name)).collect();
    Ok(NewEndpoint { url, description, events: events.ok_or(AppError::BAD_REQUEST)? })
}

#[cfg(feature = "ssr")]
fn back(id: i64, result: &str) {
    context::see_other(&format!("/admin/webhooks/{id}?{result}"));
}
