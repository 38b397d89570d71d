//! `/api/v1/orders`: orders as the desk has them, and what helps a buyer.

use super::extract::{At, Body, May, Params, SupportWrites, ViewerReads};
use super::lists::{Listing, Window};
use super::money::Amount;
use super::once::{Answer, Once};
use super::problem::Problem;
use app::error::ErrorCode;
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use shop::audit::Actor;
use shop::desk::{
    Addresses, Moment as Happened, OrderQuery, OrderRow, OrderSheet, Right, SheetItem, StandingFilter, Turn,
};
use shop::paging::Place;
use shop::types::{Email, InvoiceLink, OrderNumber, OrderStatus, Role, Slug, TokenState, in_path};
use shop::{Shop, rfc3339};
use utoipa::{IntoParams, ToSchema};

/// Where the list is.
const LIST: &str = "/api/v1/orders";

/// Where an order stands, all that happened to its money considered.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "its names are for the document; the words are the shop's")]
enum OrderStanding {
    Pending,
    Paid,
    Free,
    Gift,
    Failed,
    Refunded,
    PartlyRefunded,
    Disputed,
    ChargedBack,
}

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

/// An order in the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderLine {
    /// Names the order.
    number: String,
    /// The buyer's address, masked for viewers; null once the buyer was erased.
    email: Option<String>,
    #[schema(format = DateTime)]
    placed_at: String,
    /// As they were when bought.
    titles: Vec<String>,
    total: Amount,
    #[schema(value_type = OrderStanding)]
    standing: &'static str,
}

/// An order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Order {
    /// Names the order.
    number: String,
    /// The buyer's address, masked for viewers; null once the buyer was erased.
    email: Option<String>,
    /// As typed on Stripe's page; null for viewers.
    name: Option<String>,
    /// Of the payment, ISO 3166.
    country: Option<String>,
    #[schema(format = DateTime)]
    placed_at: String,
    #[schema(format = DateTime)]
    paid_at: Option<String>,
    #[schema(value_type = OrderStanding)]
    standing: &'static str,
    subtotal: Amount,
    discount: Amount,
    tax: Amount,
    /// Whether the prices held the tax already, rather than it was added to them.
    tax_included: bool,
    /// By which country's rules it is taxed, ISO 3166; null if nobody taxes it.
    tax_country: Option<String>,
    total: Amount,
    /// What went back, or is on its way.
    refunded: Amount,
    /// What can still be refunded.
    refundable: Amount,
    /// The number of its invoice.
    invoice: Option<String>,
    /// Its invoices and credit notes, oldest first.
    documents: Vec<Document>,
    /// Stripe's name for the payment.
    payment_intent: Option<String>,
    /// Whether there is or was a dispute or an inquiry.
    disputed: bool,
    items: Vec<OrderItem>,
    /// What happened, oldest first.
    timeline: Vec<Moment>,
}

/// An invoice or a credit note.
#[derive(Debug, Serialize, ToSchema)]
pub struct Document {
    number: String,
    #[schema(value_type = DocumentKind)]
    kind: &'static str,
    /// The day, where the store is.
    #[schema(format = Date)]
    issued_on: String,
    /// What it comes to; of a credit note, what it takes back.
    total: Amount,
    /// The number of the document that it corrects.
    corrects: Option<String>,
    /// The path of its PDF, for who is signed in at the desk.
    pdf: String,
    /// Its address here.
    url: String,
}

/// The address of a document: a number may have letters that mean something in an address.
pub(super) fn document_address(number: &str) -> String {
    format!("/api/v1/invoices/{}", in_path(number))
}

/// What a document is.
#[derive(ToSchema)]
#[schema(rename_all = "snake_case")]
#[expect(dead_code, reason = "its names are for the document; the words are the shop's")]
pub(super) enum DocumentKind {
    /// What was sold.
    Invoice,
    /// What of an invoice is taken back.
    CreditNote,
}

/// A title of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct OrderItem {
    /// The book's address.
    book: String,
    /// As it was when bought.
    title: String,
    total: Amount,
    /// What of it can still be refunded.
    refundable: Amount,
    /// Whether the desk has taken it back.
    withdrawn: bool,
}

/// Something that happened to an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Moment {
    #[schema(format = DateTime)]
    at: String,
    /// `order`, `event`, `money`, `mail`, `download`, `desk` or `note`.
    kind: &'static str,
    /// In words.
    what: String,
    /// More about it.
    detail: Option<String>,
    /// Whether it went wrong.
    bad: bool,
}

/// What can be done with a download link.
#[derive(ToSchema)]
#[schema(rename_all = "kebab-case")]
#[expect(dead_code, reason = "its names are for the document")]
enum LinkState {
    Usable,
    Expired,
    UsedUp,
    Suspended,
    Revoked,
}

/// The right to a title, with its current download link. The link itself is the buyer's and is told to nobody else.
#[derive(Debug, Serialize, ToSchema)]
pub struct Download {
    /// The book's address.
    book: String,
    /// As it was when bought.
    title: String,
    #[schema(value_type = LinkState)]
    state: &'static str,
    /// Why the title cannot be had, if it cannot.
    reason: Option<String>,
    /// Downloads that can still be started.
    uses_left: u32,
    /// Of how many.
    max_uses: u32,
    #[schema(format = DateTime)]
    expires_at: String,
    /// How often the link was renewed.
    renewals: u32,
}

/// The downloads of an order.
#[derive(Debug, Serialize, ToSchema)]
pub struct Downloads {
    /// One for each title that is paid for.
    data: Vec<Download>,
}

/// A note.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteInput {
    /// What is to be remembered.
    #[schema(min_length = 1, max_length = 2_000, pattern = "\\S")]
    text: String,
}

/// The address, as far as the role may see it.
fn address(email: &str, erased: bool, role: Role) -> Option<String> {
    if erased {
        None
    } else if role >= Role::Support {
        Some(email.to_owned())
    } else {
        Some(email.parse::<Email>().map_or_else(|_| "…".to_owned(), |email| email.masked()))
    }
}

impl OrderLine {
    fn new(row: OrderRow, role: Role) -> Self {
        Self {
            number: row.number.to_string(),
            email: address(&row.email, row.erased, role),
            placed_at: rfc3339(row.placed_at),
            titles: row.titles,
            total: row.total.into(),
            standing: row.standing.as_str(),
        }
    }
}

impl Order {
    fn new(sheet: OrderSheet, role: Role) -> Self {
        Self {
            number: sheet.number.to_string(),
            email: address(&sheet.email, sheet.erased, role),
            name: sheet.name.filter(|_| role >= Role::Support && !sheet.erased),
            country: sheet.country,
            placed_at: rfc3339(sheet.placed_at),
            paid_at: sheet.paid_at.filter(|_| sheet.status == OrderStatus::Succeeded).map(rfc3339),
            standing: sheet.standing.as_str(),
            subtotal: sheet.subtotal.into(),
            discount: sheet.discount.into(),
            tax: sheet.tax.into(),
            tax_included: sheet.tax_included,
            tax_country: sheet.tax_country,
            total: sheet.total.into(),
            refunded: sheet.refunded.into(),
            refundable: sheet.refundable.into(),
            invoice: sheet.invoice,
            documents: sheet.documents.into_iter().map(Document::from).collect(),
            payment_intent: sheet.payment,
            disputed: sheet.disputed,
            items: sheet.items.into_iter().map(OrderItem::from).collect(),
            timeline: sheet.timeline.iter().map(|moment| Moment::new(moment, role)).collect(),
        }
    }
}

impl From<InvoiceLink> for Document {
    fn from(link: InvoiceLink) -> Self {
        let (pdf, url) = (link.address(), document_address(&link.number));
        let InvoiceLink { number, kind, day, total, corrects, .. } = link;
        Self { number, kind: kind.as_str(), issued_on: day, total: total.into(), corrects, pdf, url }
    }
}

impl From<SheetItem> for OrderItem {
    fn from(item: SheetItem) -> Self {
        let SheetItem { title, slug, total, refundable, withdrawn, .. } = item;
        Self { book: slug, title, total: total.into(), refundable: refundable.into(), withdrawn }
    }
}

impl Moment {
    fn new(moment: &Happened, role: Role) -> Self {
        let (what, detail) = moment.told(role >= Role::Support);
        Self { at: rfc3339(moment.at), kind: moment.kind.as_str(), what, detail, bad: moment.bad }
    }
}

impl Download {
    fn new(book: String, title: String, right: Right) -> Self {
        let state = match right.state {
            TokenState::Usable => "usable",
            TokenState::Expired => "expired",
            TokenState::UsedUp => "used-up",
            TokenState::Suspended => "suspended",
            TokenState::Revoked => "revoked",
        };
        let Right { reason, uses_left, max_uses, expires_at, renewals, .. } = right;
        Self { book, title, state, reason, uses_left, max_uses, expires_at: rfc3339(expires_at), renewals }
    }
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
