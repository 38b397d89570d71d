//! `/api/v1/books`: the books as the desk has them.

mod book;
mod input;

use super::extract::{AdminWrites, At, Body, May, Params, ViewerReads};
use super::lists::{Listing, Window};
use super::once::{Answer, Once};
use super::problem::Problem;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use shop::Shop;
use shop::audit::Actor;
use shop::types::{BookStatus, Slug};
use utoipa::{IntoParams, ToSchema};

pub(super) use book::FileFormat;
pub use book::{Book, BookLine, BookState, Contributor, Edition, File};
pub use input::BookInput;

/// Where the list is.
const LIST: &str = "/api/v1/books";

/// No search is longer.
const LONGEST_SEARCH: usize = 200;

/// A book's address.
#[derive(ToSchema)]
#[schema(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 120)]
#[expect(dead_code, reason = "the document's: the shop's own type reads it")]
pub(super) struct BookName(String);

/// Which books.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct BooksQuery {
    /// With a word that begins so for each word of this: title, subtitle, address, ISBN, people.
    #[param(max_length = 200)]
    q: Option<String>,
    /// Of this status.
    #[param(inline)]
    status: Option<BookState>,
    /// Rows on a page; 50 if it is left out.
    #[param(minimum = 1, maximum = 100)]
    limit: Option<u8>,
    /// From `next` or `previous` of another page.
    #[param(pattern = "^[A-Za-z0-9_-]+$", max_length = 400)]
    cursor: Option<String>,
}

/// Lists books, newest first.
#[utoipa::path(
    get, path = "/api/v1/books", tag = "Books", operation_id = "list-books", params(BooksQuery),
    security(("bearer" = ["viewer", "read"])),
    responses((status = 200, description = "A page of books.", body = Listing<BookLine>)),
)]
pub async fn list(
    State(shop): State<Shop>,
    _caller: May<ViewerReads>,
    Params(query): Params<BooksQuery>,
) -> Result<Response, Problem> {
    let BooksQuery { q, status, limit, cursor } = query;
    if q.as_ref().is_some_and(|q| q.chars().count() > LONGEST_SEARCH) {
        return Err(Problem::bad_request(format!("A search has at most {LONGEST_SEARCH} characters.")));
    }
    let status = status.map(BookStatus::from);
    let mut filters = Vec::new();
    filters.extend(q.clone().map(|q| ("q", q)));
    filters.extend(status.map(|status| ("status", status.as_str().to_owned())));
    let window = Window::read(&shop, LIST, filters, limit, cursor.as_deref())?;
    let page = shop.book_page(&q.unwrap_or_default(), status, window.place.clone(), window.size).await?;
    let rows = page.rows.into_iter().map(|(key, book)| (key, BookLine::from(book)));
    Ok(axum::Json(window.listing(&shop, rows.collect(), page.before, page.after)).into_response())
}

/// Gives a book, whatever its status.
#[utoipa::path(
    get, path = "/api/v1/books/{slug}", tag = "Books", operation_id = "get-book",
    params(("slug" = String, Path, description = "Names the book.")),
    security(("bearer" = ["viewer", "read"])),
    responses((status = 200, description = "The book.", body = Book)),
)]
pub async fn get(State(shop): State<Shop>, _caller: May<ViewerReads>, At(slug): At<Slug>) -> Result<Response, Problem> {
    Ok(found(&shop, &slug, 200).await?.into_response())
}

/// The book as it is now.
pub(super) async fn found(shop: &Shop, slug: &Slug, status: u16) -> Result<Answer, Problem> {
    let book = Book::new(shop.desk_book(slug).await?.ok_or_else(Problem::not_found)?)?;
    Ok(Answer::of(status, &book)?.version(book.version))
}

/// Makes a book: a draft, which nobody but the desk sees.
#[utoipa::path(
    post, path = "/api/v1/books", tag = "Books", operation_id = "create-book", request_body = BookInput,
    security(("bearer" = ["admin", "write"])),
    responses((status = 201, description = "The book, with its address in `Location`.", body = Book)),
)]
pub async fn create(
    State(shop): State<Shop>,
    caller: May<AdminWrites>,
    once: Once,
    Body(input): Body<BookInput>,
) -> Result<Response, Problem> {
    let made = async |slug: Slug| -> Result<Answer, Problem> {
        Ok(found(&shop, &slug, 201).await?.at(format!("{LIST}/{slug}")))
    };
    let work = async |actor: Actor| -> Result<Answer, Problem> {
        made(shop.create_book(&actor, &input.form()?, None).await?).await
    };
    once.mark(&shop, &caller, &input, work, async |object: String| made(of_audit(&object)?).await).await
}

/// Changes a book over the version that `If-Match` names.
///
/// Everything that the body leaves out is emptied, but for the address, which stays.
#[utoipa::path(
    put, path = "/api/v1/books/{slug}", tag = "Books", operation_id = "change-book", request_body = BookInput,
    params(
        ("slug" = String, Path, description = "Names the book."),
        ("If-Match" = String, Header, pattern = "^(W/)?\"[0-9]{1,18}\"$", description = "The `ETag` of the book that was changed."),
    ),
    security(("bearer" = ["admin", "write"])),
    responses(
        (status = 200, description = "The book as it is now.", body = Book),
        (status = 412, description = "It is another version by now.", body = super::problem::Details<'_>, content_type = "application/problem+json"),
        (status = 428, description = "There is no `If-Match`.", body = super::problem::Details<'_>, content_type = "application/problem+json"),
    ),
)]
pub async fn change(
    State(shop): State<Shop>,
    caller: May<AdminWrites>,
    At(slug): At<Slug>,
    headers: HeaderMap,
    once: Once,
    Body(mut input): Body<BookInput>,
) -> Result<Response, Problem> {
    let version = version(&headers)?;
    if input.slug.is_none() {
        input.slug = Some(slug.to_string());
    }
    let work = async |actor: Actor| -> Result<Answer, Problem> {
        let now = shop.save_book(&actor, &slug, version, &input.form()?).await?;
        found(&shop, &now, 200).await
    };
    let tell = async |object: String| -> Result<Answer, Problem> { found(&shop, &of_audit(&object)?, 200).await };
    once.mark(&shop, &caller, &(version, &input), work, tell).await
}

/// The book that the audit calls so.
pub(super) fn of_audit(object: &str) -> Result<Slug, Problem> {
    object.strip_prefix("book:").and_then(|slug| slug.parse().ok()).ok_or_else(Problem::not_found)
}

/// The version that `If-Match` names.
fn version(headers: &HeaderMap) -> Result<i64, Problem> {
    let missing = || Problem::new(428, "if-match-missing", "This needs If-Match with the ETag of the book.");
    let tag = headers.get(header::IF_MATCH).ok_or_else(missing)?.to_str().unwrap_or_default();
    let digits = tag.strip_prefix("W/").unwrap_or(tag).strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
    digits
        .and_then(|digits| digits.parse().ok())
        .ok_or_else(|| Problem::bad_request("If-Match names no version of a book: it is like \"7\"."))
}

/// Puts a book on sale.
#[utoipa::path(
    post, path = "/api/v1/books/{slug}/publish", tag = "Books", operation_id = "publish-book",
    params(("slug" = String, Path, description = "Names the book.")),
    security(("bearer" = ["admin", "write"])),
    responses((status = 200, description = "The book, which is on sale.", body = Book)),
)]
pub async fn publish(
    State(shop): State<Shop>,
    caller: May<AdminWrites>,
    At(slug): At<Slug>,
    once: Once,
) -> Result<Response, Problem> {
    set(&shop, &caller, &slug, once, BookStatus::Published).await
}

/// Takes a book off sale.
///
/// Whoever has bought it keeps it.
#[utoipa::path(
    post, path = "/api/v1/books/{slug}/archive", tag = "Books", operation_id = "archive-book",
    params(("slug" = String, Path, description = "Names the book.")),
    security(("bearer" = ["admin", "write"])),
    responses((status = 200, description = "The book, which is no longer on sale.", body = Book)),
)]
pub async fn archive(
    State(shop): State<Shop>,
    caller: May<AdminWrites>,
    At(slug): At<Slug>,
    once: Once,
) -> Result<Response, Problem> {
    set(&shop, &caller, &slug, once, BookStatus::Archived).await
}

async fn set(
    shop: &Shop,
    caller: &May<AdminWrites>,
    slug: &Slug,
    once: Once,
    status: BookStatus,
) -> Result<Response, Problem> {
    let work = async |actor: Actor| -> Result<Answer, Problem> {
        shop.set_book_status(&actor, slug, status).await?;
        found(shop, slug, 200).await
    };
    once.mark(shop, caller, &(), work, async |_: String| found(shop, slug, 200).await).await
}
