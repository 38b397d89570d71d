//! `/api/v1/orders`: orders as the desk has them, and what helps a buyer.

mod download;
mod order;

use super::extract::{At, Body, May, Params, SupportWrites, ViewerReads};
use super::lists::{Listing, Window};
use super::once::{Answer, Once};
use super::problem::Problem;
use app::error::ErrorCode;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use shop::Shop;
use shop::audit::Actor;
use shop::desk::{Addresses, OrderQuery, SheetItem, StandingFilter, Turn};
use shop::paging::Place;
use shop::types::{OrderNumber, Role, Slug};
use utoipa::{IntoParams, ToSchema};

pub use download::{Download, Downloads};
pub use order::{Document, Moment, Order, OrderItem, OrderLine};
pub(super) use order::{DocumentKind, document_address};

/// Where the list is.
const LIST: &str = "/api/v1/orders";

/// A filter by where an order stands.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
enum StandingWanted {
    /// The money is on its way.
    Pending,
    /// Paid or free, whatever became of the money later.
    Succeeded,
    /// The money did not come.
    Failed,
    /// All of it went back.
    Refunded,
    /// Some of it went back.
    PartlyRefunded,
    /// The bank has it, for now or for good.
    Disputed,
}

impl From<StandingWanted> for StandingFilter {
    fn from(wanted: StandingWanted) -> Self {
        match wanted {
            StandingWanted::Pending => Self::Pending,
            StandingWanted::Succeeded => Self::Succeeded,
            StandingWanted::Failed => Self::Failed,
            StandingWanted::Refunded => Self::Refunded,
            StandingWanted::PartlyRefunded => Self::PartlyRefunded,
            StandingWanted::Disputed => Self::Disputed,
        }
    }
}

/// A note.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteInput {
    /// What is to be remembered.
    #[schema(min_length = 1, max_length = 2_000, pattern = "\\S")]
    text: String,
}

/// Which orders. Everything that is given must hold. No address is ever a parameter: browsers and proxies write those down.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OrdersQuery {
    /// Where they stand.
    #[param(inline)]
    standing: Option<StandingWanted>,
    /// With this book, by its address.
    #[param(value_type = Option<String>, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 120)]
    book: Option<Slug>,
    /// Under the address of the order of this number. For support and above.
    #[param(value_type = Option<String>, pattern = "^[2-9A-HJKMNP-TV-Z]{5}-?[2-9A-HJKMNP-TV-Z]{5}$")]
    buyer: Option<OrderNumber>,
    /// Placed on this day (UTC) or later.
    #[param(format = Date)]
    from: Option<String>,
    /// Placed on this day (UTC) or earlier.
    #[param(format = Date)]
    until: Option<String>,
    /// Rows on a page; 50 if it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
    /// From `next` or `previous` of another page.
    #[param(pattern = "^[A-Za-z0-9_-]+$", max_length = 400)]
    cursor: Option<String>,
}

/// Lists orders, newest first.
#[utoipa::path(
    get, path = "/api/v1/orders", tag = "Orders", operation_id = "list-orders", params(OrdersQuery),
    security(("bearer" = ["viewer", "read"])),
    responses((status = 200, description = "A page of orders.", body = Listing<OrderLine>)),
)]
pub async fn list(
    State(shop): State<Shop>,
    caller: May<ViewerReads>,
    Params(query): Params<OrdersQuery>,
) -> Result<Json<Listing<OrderLine>>, Problem> {
    let OrdersQuery { standing, book, buyer, from, until, limit, cursor } = query;
    let role = caller.role();
    if buyer.is_some() && role < Role::Support {
        return Err(ErrorCode::NotAllowed.into());
    }
    let standing = standing.map(StandingFilter::from);
    let day = |text: &Option<String>| match text {
        None => Ok(None),
        Some(text) => OrderQuery::day(text)
            .map(Some)
            .ok_or_else(|| Problem::bad_request("A day is written like 2026-11-22: year, month, day.")),
    };
    let mut filters = Vec::new();
    filters.extend(standing.map(|standing| ("standing", standing.as_str().to_owned())));
    filters.extend(book.clone().map(|book| ("book", book.into())));
    filters.extend(buyer.as_ref().map(|buyer| ("buyer", buyer.to_string())));
    let (from, until) = (day(&from)?, day(&until)?);
    filters.extend(from.map(|from| ("from", from.to_string())));
    filters.extend(until.map(|until| ("until", until.to_string())));
    let window = Window::read(&shop, LIST, filters, limit, cursor.as_deref())?;
    let number = |key: &str| key.parse::<OrderNumber>().map_err(|_| Problem::bad_cursor());
    let turn = match &window.place {
        Place::First => Turn::First,
        Place::After(key) => Turn::After(number(key)?),
        Place::Before(key) => Turn::Before(number(key)?),
    };
    let addresses = buyer.map(|order| Addresses { order, letters: None });
    let query = OrderQuery { addresses, book, standing, from, until, turn };
    let page = shop.desk_orders_of(query, window.size).await?;
    let rows = page.rows.into_iter().map(|row| (row.number.as_str().to_owned(), OrderLine::new(row, role)));
    Ok(Json(window.listing(&shop, rows.collect(), page.before, page.after)))
}

/// Gives an order with its titles and its story.
#[utoipa::path(
    get, path = "/api/v1/orders/{number}", tag = "Orders", operation_id = "get-order",
    params(("number" = String, Path, description = "Names the order.")),
    security(("bearer" = ["viewer", "read"])),
    responses((status = 200, description = "The order.", body = Order)),
)]
pub async fn get(
    State(shop): State<Shop>,
    caller: May<ViewerReads>,
    At(number): At<OrderNumber>,
) -> Result<Json<Order>, Problem> {
    let sheet = shop.order_sheet(&number).await?.ok_or_else(Problem::not_found)?;
    Ok(Json(Order::new(sheet, caller.role())))
}

/// Sends the mail with the order's link once more.
#[utoipa::path(
    post, path = "/api/v1/orders/{number}/resend", tag = "Orders", operation_id = "resend-receipt",
    params(("number" = String, Path, description = "Names the order.")),
    security(("bearer" = ["support", "write"])),
    responses((status = 204, description = "The mail is queued.")),
)]
pub async fn resend(
    State(shop): State<Shop>,
    caller: May<SupportWrites>,
    At(number): At<OrderNumber>,
    once: Once,
) -> Result<axum::response::Response, Problem> {
    let work = async |actor: Actor| -> Result<Answer, Problem> {
        shop.resend_receipt(&number, &actor).await??;
        Ok(Answer::done())
    };
    once.mark(&shop, &caller, &(), work, async |_: String| Ok(Answer::done())).await
}

/// Writes a note beside an order.
///
/// It is part of what is handed out to the buyer.
#[utoipa::path(
    post, path = "/api/v1/orders/{number}/notes", tag = "Orders", operation_id = "note-order",
    params(("number" = String, Path, description = "Names the order.")),
    request_body = NoteInput,
    security(("bearer" = ["support", "write"])),
    responses((status = 204, description = "The note is on the order's timeline.")),
)]
pub async fn note(
    State(shop): State<Shop>,
    caller: May<SupportWrites>,
    At(number): At<OrderNumber>,
    once: Once,
    Body(input): Body<NoteInput>,
) -> Result<axum::response::Response, Problem> {
    let work = async |actor: Actor| -> Result<Answer, Problem> {
        shop.note_order(&number, &input.text, &actor).await??;
        Ok(Answer::done())
    };
    once.mark(&shop, &caller, &input, work, async |_: String| Ok(Answer::done())).await
}

/// Lists the downloads of an order: uses left, and until when.
#[utoipa::path(
    get, path = "/api/v1/orders/{number}/downloads", tag = "Orders", operation_id = "list-downloads",
    params(("number" = String, Path, description = "Names the order.")),
    security(("bearer" = ["viewer", "read"])),
    responses((status = 200, description = "The downloads; none before the order is paid.", body = Downloads)),
)]
pub async fn downloads(
    State(shop): State<Shop>,
    _caller: May<ViewerReads>,
    At(number): At<OrderNumber>,
) -> Result<Json<Downloads>, Problem> {
    let sheet = shop.order_sheet(&number).await?.ok_or_else(Problem::not_found)?;
    let rights = sheet.items.into_iter().filter_map(|item| {
        let SheetItem { slug, title, right, .. } = item;
        right.map(|right| Download::new(slug, title, right))
    });
    Ok(Json(Downloads { data: rights.collect() }))
}

/// Gives a title a new download link with all its days and uses.
///
/// The old one opens nothing any more.
#[utoipa::path(
    post, path = "/api/v1/orders/{number}/downloads/{book}/renew", tag = "Orders", operation_id = "renew-download",
    params(
        ("number" = String, Path, description = "Names the order."),
        ("book" = String, Path, description = "Names the title's book."),
    ),
    security(("bearer" = ["support", "write"])),
    responses((status = 200, description = "The download as it is now.", body = Download)),
)]
pub async fn renew(
    State(shop): State<Shop>,
    caller: May<SupportWrites>,
    At((number, book)): At<(OrderNumber, Slug)>,
    once: Once,
) -> Result<axum::response::Response, Problem> {
    let item = async || -> Result<SheetItem, Problem> {
        let sheet = shop.order_sheet(&number).await?.ok_or_else(Problem::not_found)?;
        sheet.items.into_iter().find(|item| item.slug == book.as_str()).ok_or_else(Problem::not_found)
    };
    let now = async || -> Result<Answer, Problem> {
        let SheetItem { slug, title, right, .. } = item().await?;
        let right = right.ok_or_else(Problem::not_found)?;
        Answer::of(200, &Download::new(slug, title, right))
    };
    let work = async |actor: Actor| -> Result<Answer, Problem> {
        shop.renew_title(&number, item().await?.id, &actor).await??;
        now().await
    };
    once.mark(&shop, &caller, &(), work, async |_: String| now().await).await
}
