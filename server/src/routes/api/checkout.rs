//! `POST /api/v1/checkout`: a payment page for a list of books, for a shop window that is elsewhere.

use super::books::BookName;
use super::extract::{Body, May, ViewerWrites};
use super::money::Amount;
use super::once::{Answer, Once};
use super::problem::Problem;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use shop::Shop;
use shop::types::Slug;
use utoipa::ToSchema;

/// What is to be bought.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CheckoutInput {
    /// The addresses of the books, each once.
    #[schema(value_type = Vec<BookName>, min_items = 1, max_items = 100)]
    books: Vec<Slug>,
    /// The store's own if it is left out.
    #[serde(default)]
    #[schema(pattern = "^[A-Z]{3}$")]
    currency: Option<String>,
}

/// A checkout that was begun.
#[derive(Debug, Serialize, ToSchema)]
pub struct CheckoutStarted {
    /// Stripe's payment page, where the buyer is to be sent.
    #[schema(format = "uri")]
    url: String,
    /// What is to be paid there, before Stripe's own tax.
    subtotal: Amount,
}

/// Begins a checkout of a list of books, at the store's prices of this moment.
///
/// The buyer pays on Stripe's page and is mailed the link to the order; the order is in the list of orders as soon as
/// it is paid.
#[utoipa::path(
    post, path = "/api/v1/checkout", tag = "Checkout", operation_id = "start-checkout", request_body = CheckoutInput,
    security(("bearer" = ["viewer", "write"])),
    responses((status = 201, description = "The payment page.", body = CheckoutStarted)),
)]
pub async fn start(
    State(shop): State<Shop>,
    caller: May<ViewerWrites>,
    once: Once,
    Body(input): Body<CheckoutInput>,
) -> Result<Response, Problem> {
    once.required()?
        .run(&shop, &caller, &input, async |name| {
            if input.books.is_empty() {
                return Err(Problem::unprocessable("There is no book among the books."));
            }
            let currency = match &input.currency {
                None => shop.currency(),
                Some(code) => code
                    .parse()
                    .map_err(|_| Problem::unprocessable(format!("{code:?} is no currency of this store.")))?,
            };
            let listed = shop.checkout_list(&input.books, currency, name).await?.ok_or_else(|| {
                Problem::conflict("nothing-to-pay", "These books are free: they are got in the store, by mail.")
            })?;
            Answer::of(201, &CheckoutStarted { url: listed.url, subtotal: listed.subtotal.into() })
        })
        .await
}
