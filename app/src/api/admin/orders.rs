//! What the desk does with orders. A refusal leads back to the order with its reason (`?refused=`).

use crate::error::AppError;
use leptos::prelude::*;

#[cfg(feature = "ssr")]
use crate::context;
#[cfg(feature = "ssr")]
use crate::pages::admin::{Filters, Refused};
#[cfg(feature = "ssr")]
use shop::audit::Actor;
#[cfg(feature = "ssr")]
use shop::desk::{Gift, Refusal};
#[cfg(feature = "ssr")]
use shop::invoices::{DetailsError, Reissued};
#[cfg(feature = "ssr")]
use shop::refunds::{ItemRef, RefundError, RefundReason, RefundRequest, RefundWhat};
#[cfg(feature = "ssr")]
use shop::types::{BuyerDetails, Email, Money, OrderNumber, Role, Slug};

/// Leads from the search form to what it finds: an order by its number, else the list. What was typed of an address is
/// answered with an order's number, so that no address is in any URL.
///
/// # Errors
/// Not allowed; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-find-orders")]
pub async fn admin_find_orders(
    /// A number, an address, or how one begins.
    #[server(default)]
    q: String,
    /// A book's slug, or a piece of its title.
    #[server(default)]
    book: String,
    /// A word of a standing.
    #[server(default)]
    standing: String,
    /// The first day.
    #[server(default)]
    from: String,
    /// The last day.
    #[server(default)]
    until: String,
) -> Result<(), AppError> {
    let staff = context::staff(Role::Viewer).await?;
    let shop = context::shop()?;
    if let Ok(number) = q.parse::<OrderNumber>()
        && shop.has_order(&number).await?
    {
        context::see_other(&format!("/admin/orders/{number}"));
        return Ok(());
    }
    let mut filters = Filters { standing, from, until, ..Filters::default() };
    if !q.trim().is_empty() {
        let found = if staff.role >= Role::Support { shop.find_addresses(&q).await? } else { None };
        match found {
            Some(addresses) => filters.addresses = Some(addresses),
            None => filters.refused = Some(Refused::Nobody),
        }
    }
    match shop.find_books(&book).await?.as_slice() {
        [] if book.trim().is_empty() => {}
        [] => filters.refused = Some(Refused::NoBook),
        [one] => filters.book = Some(one.slug.clone()),
        _ => filters.books = Some(book.trim().to_owned()),
    }
    context::see_other(&filters.address());
    Ok(())
}

/// Refunds all, an amount, or a title of an order.
///
/// # Errors
/// Not allowed; an unknown order; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-refund")]
pub async fn admin_refund(
    /// The order's number.
    number: String,
    /// The form's own, so that it may be sent twice.
    key: String,
    /// `all`, `amount` or `title`.
    what: String,
    /// How much, if it is an amount.
    #[server(default)]
    amount: String,
    /// Which, if it is a title.
    #[server(default)]
    item: Option<i64>,
    /// Whether the buyer keeps the title.
    #[server(default)]
    keep: Option<String>,
    /// Stripe's word for why.
    #[server(default)]
    reason: String,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Admin).await?);
    let number: OrderNumber = number.parse()?;
    let key = key.parse().map_err(|_| AppError::BAD_REQUEST)?;
    let shop = context::shop()?;
    let what = match what.as_str() {
        "all" => RefundWhat::Full,
        "amount" => {
            let sheet = shop.order_sheet(&number).await?.ok_or(AppError::NOT_FOUND)?;
            match Money::read(amount.trim(), sheet.total.currency()) {
                Some(amount) => RefundWhat::Amount(amount),
                None => return refused(&number, Refused::WrongAmount),
            }
        }
        "title" => match item {
            Some(item) => RefundWhat::Items(vec![(ItemRef::Id(item), keep.is_none())]),
            None => return refused(&number, Refused::NoTitles),
        },
        _ => return Err(AppError::BAD_REQUEST),
    };
    let reason = match reason.as_str() {
        "duplicate" => RefundReason::Duplicate,
        "fraudulent" => RefundReason::Fraudulent,
        _ => RefundReason::RequestedByCustomer,
    };
    match shop.refund_once(&number, &RefundRequest { what, reason }, key, &actor).await {
        Ok(_) => done(&number, "refunded"),
        Err(RefundError::NoOrder) => Err(AppError::NOT_FOUND),
        Err(RefundError::NotPaid) => refused(&number, Refused::NotPaid),
        Err(RefundError::NothingLeft) => refused(&number, Refused::NothingLeft),
        Err(RefundError::TooMuch(_)) => refused(&number, Refused::TooMuch),
        Err(RefundError::WrongAmount(_)) => refused(&number, Refused::WrongAmount),
        Err(RefundError::NoSuchItem(_)) => refused(&number, Refused::NoTitles),
        Err(RefundError::Refused(_)) => refused(&number, Refused::ByStripe),
        Err(RefundError::Shop(error)) => Err(error.into()),
    }
}

/// Sends the mail with the order's link once more.
///
/// # Errors
/// Not allowed; an unknown order; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-resend-receipt")]
pub async fn admin_resend_receipt(
    /// The order's number.
    number: String,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Support).await?);
    let number: OrderNumber = number.parse()?;
    let sent = context::shop()?.resend_receipt(&number, &actor).await?;
    answer(&number, sent, "receipt-sent")
}

/// Makes a new link for an order and mails it.
///
/// # Errors
/// Not allowed; an unknown order; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-renew-link")]
pub async fn admin_renew_link(
    /// The order's number.
    number: String,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Support).await?);
    let number: OrderNumber = number.parse()?;
    let made = context::shop()?.renew_order_link(&number, &actor).await?;
    answer(&number, made.map(drop), "link-renewed")
}

/// Gives a title of an order all its downloads anew.
///
/// # Errors
/// Not allowed; an unknown order or title; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-renew-title")]
pub async fn admin_renew_title(
    /// The order's number.
    number: String,
    /// The title's item.
    item: i64,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Support).await?);
    let number: OrderNumber = number.parse()?;
    let renewed = context::shop()?.renew_title(&number, item, &actor).await?;
    answer(&number, renewed, "title-renewed")
}

/// Takes a title of an order back, or gives it back.
///
/// # Errors
/// Not allowed; an unknown order or title; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-withdraw-title")]
pub async fn admin_withdraw_title(
    /// The order's number.
    number: String,
    /// The title's item.
    item: i64,
    /// Whether it is given back.
    #[server(default)]
    restore: Option<String>,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Admin).await?);
    let number: OrderNumber = number.parse()?;
    let changed = context::shop()?.withdraw_title(&number, item, restore.is_none(), &actor).await?;
    answer(&number, changed, if restore.is_none() { "title-withdrawn" } else { "title-restored" })
}

/// Moves an order to another address; both are told.
///
/// # Errors
/// Not allowed; not an address; an unknown order; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-correct-address")]
pub async fn admin_correct_address(
    /// The order's number.
    number: String,
    /// The right address.
    email: String,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Support).await?);
    let (number, email): (OrderNumber, Email) = (number.parse()?, email.parse()?);
    let shop = context::shop()?;
    let current = shop.order_sheet(&number).await?.ok_or(AppError::NOT_FOUND)?;
    if current.erased {
        return refused(&number, Refused::Erased);
    }
    if current.email == email.as_str() {
        return refused(&number, Refused::NothingToDo);
    }
    shop.correct_address(&number, &email, &actor).await?;
    done(&number, "address-corrected")
}

/// Writes a note beside an order.
///
/// # Errors
/// Not allowed; an unknown order; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-note-order")]
pub async fn admin_note_order(
    /// The order's number.
    number: String,
    /// What to write.
    text: String,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Support).await?);
    let number: OrderNumber = number.parse()?;
    let noted = context::shop()?.note_order(&number, &text, &actor).await?;
    answer(&number, noted, "noted")
}

/// Has the invoice of an order made out to somebody else, or to somebody more fully.
///
/// # Errors
/// Not allowed; an unknown order; details that no invoice can have; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-set-buyer-details")]
pub async fn admin_set_buyer_details(
    /// The order's number.
    number: String,
    /// The number of the invoice that was shown.
    replaces: String,
    /// A person's name.
    #[server(default)]
    name: String,
    /// A company's.
    #[server(default)]
    company: String,
    /// Its VAT id.
    #[server(default)]
    vat_id: String,
    /// Line by line.
    #[server(default)]
    address: String,
    /// Two letters.
    #[server(default)]
    country: String,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Support).await?);
    let number: OrderNumber = number.parse()?;
    let Ok(details) = BuyerDetails::parse(&name, &company, &vat_id, &address, &country) else {
        return refused(&number, Refused::BadDetails);
    };
    match context::shop()?.set_buyer_details_at_desk(&number, &replaces, &details, &actor).await {
        Ok(Reissued { credit_note: Some(_), .. }) => done(&number, "invoice-replaced"),
        Ok(Reissued { credit_note: None, .. }) => done(&number, "invoice-as-it-was"),
        Err(DetailsError::Nothing | DetailsError::TooLate) => refused(&number, Refused::NoInvoice),
        Err(DetailsError::Changed) => refused(&number, Refused::InvoiceChanged),
        Err(DetailsError::Shop(error)) => Err(error.into()),
    }
}

/// Gives titles away.
///
/// # Errors
/// Not allowed; not an address; an unknown book; our own trouble.
#[server(prefix = "/actions", endpoint = "admin-give")]
pub async fn admin_give(
    /// The books' slugs, with commas between them.
    titles: String,
    /// Who gets the mail.
    email: String,
    /// The form's own, so that it may be sent twice.
    key: String,
) -> Result<(), AppError> {
    let actor = Actor::from(&context::staff(Role::Admin).await?);
    let email: Email = email.parse()?;
    let key = key.parse().map_err(|_| AppError::BAD_REQUEST)?;
    let books: Result<Vec<Slug>, _> = titles.split(',').filter(|slug| !slug.is_empty()).map(str::parse).collect();
    let gift = Gift { email, books: books?, key };
    match context::shop()?.give(&gift, &actor).await? {
        Ok(number) => done(&number, "given"),
        Err(why) => {
            let code = Refused::from(why).as_str();
            context::see_other(&format!("/admin/orders/new?titles={titles}&refused={code}"));
            Ok(())
        }
    }
}

#[cfg(feature = "ssr")]
fn answer(number: &OrderNumber, result: Result<(), Refusal>, code: &str) -> Result<(), AppError> {
    match result {
        Ok(()) => done(number, code),
        Err(why) => refused(number, why.into()),
    }
}

#[cfg(feature = "ssr")]
fn done(number: &OrderNumber, code: &str) -> Result<(), AppError> {
    context::see_other(&format!("/admin/orders/{number}?done={code}"));
    Ok(())
}

#[cfg(feature = "ssr")]
fn refused(number: &OrderNumber, why: Refused) -> Result<(), AppError> {
    context::see_other(&format!("/admin/orders/{number}?refused={}", why.as_str()));
    Ok(())
}
