//! What the desk does about what went wrong, and about buyers.

use crate::error::AppError;
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context;
#[cfg(feature = "ssr")]
use crate::pages::admin::{Filters, Refused};
#[cfg(feature = "ssr")]
use shop::audit::Actor;
#[cfg(feature = "ssr")]
use shop::desk::Settlement;
#[cfg(feature = "ssr")]
use shop::events::Replayed;
#[cfg(feature = "ssr")]
use shop::outbox::Resent;
#[cfg(feature = "ssr")]
use shop::types::{OrderNumber, Role};

/// Has a mail sent once more.
///
/// # Errors
/// Not allowed; an unknown mail; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-resend-mail")]
pub async fn admin_resend_mail(
    /// The mail's id.
    id: i64,
    /// The order whose page the form stands on.
    #[server(default)]
    number: String,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Support).await?);
    match context::shop()?.resend_mail(id, &actor).await? {
        Resent::Queued(_) => back(&number, "done=mail-sent"),
        Resent::NotNeeded(_) => back(&number, "refused=nothing-to-do"),
        Resent::BeingSent => back(&number, "refused=being-sent"),
        Resent::Unknown => return Err(AppError::NOT_FOUND),
    }
    Ok(())
}

/// Has one of Stripe's events worked on once more.
///
/// # Errors
/// Not allowed; an unknown event; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-replay-event")]
pub async fn admin_replay_event(
    /// The event's id.
    id: String,
    /// The order whose page the form stands on.
    #[server(default)]
    number: String,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Admin).await?);
    match context::shop()?.replay_event(&id, &actor).await? {
        Replayed::Queued(_) => back(&number, "done=event-replayed"),
        Replayed::BeingWorkedOn => back(&number, "refused=being-worked-on"),
        Replayed::Unknown => return Err(AppError::NOT_FOUND),
    }
    Ok(())
}

/// Takes a payment under review off the list of what needs a person.
///
/// # Errors
/// Not allowed; no such payment under review; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-review-payment")]
pub async fn admin_review_payment(
    /// The checkout's id.
    id: i64,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Admin).await?);
    context::shop()?.review_payment(&actor, id).await?;
    back("", "done=reviewed");
    Ok(())
}

/// Takes a refund that failed off that list, because the buyer has the money in another way.
///
/// # Errors
/// Not allowed; no such refund that failed; our own trouble. A note that is none leads back with its reason.
#[server(prefix = "/actions", endpoint = "admin-settle-refund")]
pub async fn admin_settle_refund(
    /// The refund's id.
    id: i64,
    /// How the buyer has the money.
    #[server(default)]
    note: String,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Admin).await?);
    let Ok(how) = note.parse::<Settlement>() else {
        back("", &format!("refused={}", Refused::BadSettlement.as_str()));
        return Ok(());
    };
    context::shop()?.settle_refund(&actor, id, &how).await?;
    back("", "done=refund-settled");
    Ok(())
}

/// Takes what Stripe refused for one cause off that list.
///
/// # Errors
/// Not allowed; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-refusal-seen-to")]
pub async fn admin_refusal_seen_to(
    /// The id of one title's refusal.
    id: i64,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Admin).await?);
    context::shop()?.refusal_seen_to(&actor, id).await?;
    back("", "done=refusal-seen-to");
    Ok(())
}

/// Leads to a buyer by her address, or to the orders under the addresses that begin with what was typed.
///
/// # Errors
/// Not allowed; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-find-buyer")]
pub async fn admin_find_buyer(
    /// The address, or how it begins; or the number of an order of hers.
    #[server(default)]
    q: String,
) -> Result<(), AppError> {
    context::staff(Role::Support).await?;
    let shop = context::shop()?;
    if let Ok(number) = q.parse::<OrderNumber>()
        && shop.has_order(&number).await?
    {
        context::see_other(&format!("/admin/buyers/{number}"));
        return Ok(());
    }
    match shop.find_addresses(&q).await? {
        Some(found) if found.letters.is_none() => context::see_other(&format!("/admin/buyers/{}", found.order)),
        Some(found) => context::see_other(&Filters { addresses: Some(found), ..Filters::default() }.address()),
        None => context::see_other("/admin/buyers?refused=nobody"),
    }
    Ok(())
}

/// Forgets a buyer, if her address was typed.
///
/// # Errors
/// Not allowed; an unknown order; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-erase-buyer")]
pub async fn admin_erase_buyer(
    /// An order of hers.
    number: String,
    /// Her address, typed.
    typed: String,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Owner).await?);
    let number: OrderNumber = number.parse()?;
    match context::shop()?.erase_buyer_of(&number, &typed, &actor).await? {
        Ok(Ok(erased)) if erased.kept.is_empty() => context::see_other("/admin/buyers?done=erased"),
        Ok(Ok(_)) => context::see_other("/admin/buyers?done=erased-but-invoices"),
        Ok(Err(why)) => {
            context::see_other(&format!("/admin/buyers/{number}?refused={}", Refused::from(why).as_str()));
        }
        Err(why) => context::see_other(&format!("/admin/buyers/{number}?refused={}", Refused::from(why).as_str())),
    }
    Ok(())
}

/// Back to the order's page, or to what needs attention.
#[cfg(feature = "ssr")]
fn back(number: &str, result: &str) {
    match number.parse::<OrderNumber>() {
        Ok(number) => context::see_other(&format!("/admin/orders/{number}?{result}")),
        Err(_) => context::see_other(&format!("/admin/attention?{result}")),
    }
}
