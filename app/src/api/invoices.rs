//! Invoices and credit notes: which there are, and whom they are made out to.

use crate::error::AppError;
use leptos::prelude::*;
use shop::types::InvoiceLink;

#[cfg(feature = "ssr")]
use crate::context;
#[cfg(feature = "ssr")]
use crate::error::ErrorCode;
#[cfg(feature = "ssr")]
use shop::invoices::DetailsError;
#[cfg(feature = "ssr")]
use shop::types::{BuyerDetails, OrderNumber};

/// The invoices and credit notes of an order, oldest first. A plain form is led to the order's page, which shows them.
///
/// # Errors
/// Not found in a browser that is not the buyer's.
#[server(prefix = "/actions", endpoint = "invoice-for")]
pub async fn invoice_for(
    /// The order's public number.
    number: String,
) -> Result<Vec<InvoiceLink>, AppError> {
    let number: OrderNumber = number.parse()?;
    let documents = context::shop()?.invoice_for(&number, context::keys()).await?;
    context::see_other(&format!("/orders/{number}"));
    Ok(documents)
}

/// Has the invoice of an order made out to somebody else, or to somebody more fully: a credit note takes the one that was
/// shown back, and a new one stands.
///
/// # Errors
/// Not found in a browser that is not the buyer's; details that no invoice can have; too late, or changed meanwhile.
#[server(prefix = "/actions", endpoint = "set-buyer-details")]
pub async fn set_buyer_details(
    /// The order's public number.
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
    let number: OrderNumber = number.parse()?;
    let details = BuyerDetails::parse(&name, &company, &vat_id, &address, &country)?;
    let done = context::shop()?.set_buyer_details(&number, &replaces, &details, context::keys()).await;
    match done.map_err(refusal)?.credit_note {
        Some(_) => context::see_other(&format!("/orders/{number}?done=invoice-replaced")),
        None => context::see_other(&format!("/orders/{number}?done=invoice-as-it-was")),
    }
    Ok(())
}

/// What the buyer is told.
#[cfg(feature = "ssr")]
pub(crate) fn refusal(why: DetailsError) -> AppError {
    match why {
        DetailsError::Nothing | DetailsError::TooLate => ErrorCode::InvoiceFinal.into(),
        DetailsError::Changed => ErrorCode::InvoiceChanged.into(),
        DetailsError::Shop(error) => error.into(),
    }
}
