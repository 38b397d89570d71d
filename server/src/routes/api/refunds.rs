//! Refunds: asked for, and listed.

use super::books::BookName;
use super::extract::{AdminWrites, At, Body, May, Params, ViewerReads};
use super::lists::{Listing, Window};
use super::money::Amount;
use super::once::{Answer, Once};
use super::problem::Problem;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use serde::{Deserialize, Serialize};
use shop::refunds::{ItemRef, RefundReason, RefundRequest, RefundRow, RefundWhat};
use shop::types::{OrderNumber, Role, Slug, readable_for};
use shop::{Shop, rfc3339};
use utoipa::{IntoParams, ToSchema};

/// Why: Stripe's words. "fraudulent" makes Stripe refuse the card and the address from then on.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum Reason {
    /// The buyer asked for it.
    #[default]
    RequestedByCustomer,
    /// Paid twice.
    Duplicate,
    /// Not paid by the card's owner.
    Fraudulent,
}

/// A title that is refunded.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundItem {
    /// The book's address.
    #[schema(value_type = BookName)]
    book: Slug,
    /// Whether the buyer keeps the title.
    #[serde(default)]
    keep: bool,
}

/// What is refunded: an amount, or titles; all that is left if it is neither.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundInput {
    /// So much, spread over all titles, which the buyer keeps. In the order's currency.
    #[serde(default)]
    amount: Option<Amount>,
    /// What is left of these titles.
    #[serde(default)]
    #[schema(min_items = 1, max_items = 100)]
    items: Option<Vec<RefundItem>>,
    #[serde(default)]
    reason: Reason,
}

/// Where a refund stands.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "its names are for the document; the words are the shop's")]
enum RefundState {
    /// Stripe was asked and has not confirmed it: it is asked again by itself.
    Requested,
    Pending,
    RequiresAction,
    Succeeded,
    Failed,
    Canceled,
}

/// A refund that was asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct Made {
    /// The order's number.
    order: String,
    amount: Amount,
    #[schema(value_type = RefundState)]
    status: &'static str,
    /// Stripe's id; null as long as it is not known.
    stripe_id: Option<String>,
}

/// A refund.
#[derive(Debug, Serialize, ToSchema)]
pub struct Refund {
    /// The order's number.
    order: String,
    amount: Amount,
    #[schema(value_type = RefundState)]
    status: &'static str,
    /// Stripe's word for why.
    reason: Option<String>,
    /// Why it failed, if it has.
    failure: Option<String>,
    /// Stripe's id; null as long as it is not known.
    stripe_id: Option<String>,
    #[schema(format = DateTime)]
    created_at: String,
    /// Its share of each title.
    items: Vec<RefundShare>,
}

/// A refund's share of one title.
#[derive(Debug, Serialize, ToSchema)]
pub struct RefundShare {
    /// The book's address.
    book: String,
    amount: Amount,
    /// Whether the title is taken back by it.
    taken_back: bool,
}

impl Refund {
    /// Addresses in what went wrong are masked for who may not see them.
    fn new(row: RefundRow, role: Role) -> Self {
        let items = row.items.into_iter();
        Self {
            order: row.order.to_string(),
            amount: row.amount.into(),
            status: row.status.as_str(),
            reason: row.reason,
            failure: row.failure.map(|words| readable_for(role, words)),
            stripe_id: row.stripe_id,
            created_at: rfc3339(row.created_at),
            items: items
                .map(|(book, amount, taken_back)| RefundShare { book, amount: amount.into(), taken_back })
                .collect(),
        }
    }
}

impl RefundInput {
    fn read(&self) -> Result<RefundRequest, Problem> {
        let reason = match self.reason {
            Reason::RequestedByCustomer => RefundReason::RequestedByCustomer,
            Reason::Duplicate => RefundReason::Duplicate,
            Reason::Fraudulent => RefundReason::Fraudulent,
        };
        let what = match (&self.amount, &self.items) {
            (None, None) => RefundWhat::Full,
            (Some(amount), None) => RefundWhat::Amount(amount.read().map_err(Problem::unprocessable)?),
            (None, Some(items)) if !items.is_empty() => {
                RefundWhat::Items(items.iter().map(|item| (ItemRef::Book(item.book.clone()), !item.keep)).collect())
            }
            (None, Some(_)) => return Err(Problem::unprocessable("There is no title among the items.")),
            (Some(_), Some(_)) => {
                return Err(Problem::unprocessable("A refund is of an amount or of titles, not of both."));
            }
        };
        Ok(RefundRequest { what, reason })
    }
}

/// Which page of refunds.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct RefundsQuery {
    /// Rows on a page; 50 if it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
    /// From `next` or `previous` of another page.
    #[param(pattern = "^[A-Za-z0-9_-]+$", max_length = 400)]
    cursor: Option<String>,
}

/// Refunds an order: all that is left, an amount, or titles.
///
/// Of one `Idempotency-Key` there is one refund, whatever is lost on the way.
#[utoipa::path(
    post, path = "/api/v1/orders/{number}/refunds", tag = "Refunds", operation_id = "refund-order",
    params(("number" = String, Path, description = "Names the order.")),
    request_body = RefundInput,
    security(("bearer" = ["admin", "write"])),
    responses((status = 201, description = "The refund; `requested` if Stripe has not answered yet.", body = Made)),
)]
pub async fn create(
    State(shop): State<Shop>,
    caller: May<AdminWrites>,
    At(number): At<OrderNumber>,
    once: Once,
    Body(input): Body<RefundInput>,
) -> Result<Response, Problem> {
    once.required()?
        .run(&shop, &caller, &input, async |name| {
            let made = shop.refund_once(&number, &input.read()?, name, &caller.actor()).await?;
            let made = Made {
                order: number.to_string(),
                amount: made.amount.into(),
                status: made.status.as_str(),
                stripe_id: made.stripe_id,
            };
            Answer::of(201, &made)
        })
        .await
}

/// Lists the refunds of an order, newest first.
#[utoipa::path(
    get, path = "/api/v1/orders/{number}/refunds", tag = "Refunds", operation_id = "list-refunds-of-order",
    params(("number" = String, Path, description = "Names the order."), RefundsQuery),
    security(("bearer" = ["viewer", "read"])),
    responses((status = 200, description = "A page of refunds.", body = Listing<Refund>)),
)]
pub async fn of_order(
    State(shop): State<Shop>,
    caller: May<ViewerReads>,
    At(number): At<OrderNumber>,
    Params(query): Params<RefundsQuery>,
) -> Result<Json<Listing<Refund>>, Problem> {
    page(&shop, &format!("/api/v1/orders/{number}/refunds"), Some(&number), &query, caller.role()).await
}

/// Lists the refunds of all orders, newest first.
#[utoipa::path(
    get, path = "/api/v1/refunds", tag = "Refunds", operation_id = "list-refunds", params(RefundsQuery),
    security(("bearer" = ["viewer", "read"])),
    responses((status = 200, description = "A page of refunds.", body = Listing<Refund>)),
)]
pub async fn list(
    State(shop): State<Shop>,
    caller: May<ViewerReads>,
    Params(query): Params<RefundsQuery>,
) -> Result<Json<Listing<Refund>>, Problem> {
    page(&shop, "/api/v1/refunds", None, &query, caller.role()).await
}

async fn page(
    shop: &Shop,
    path: &str,
    order: Option<&OrderNumber>,
    query: &RefundsQuery,
    role: Role,
) -> Result<Json<Listing<Refund>>, Problem> {
    let window = Window::read(shop, path, Vec::new(), query.limit, query.cursor.as_deref())?;
    let page = shop.refund_page(order, window.place.clone(), window.size).await?;
    let rows = page.rows.into_iter().map(|row| (row.key.to_string(), Refund::new(row, role)));
    Ok(Json(window.listing(shop, rows.collect(), page.before, page.after)))
}
