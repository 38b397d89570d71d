//! `/api/v1/books`: the books as the desk has them.

use super::extract::{AdminWrites, At, Body, May, Params, ViewerReads};
use super::lists::{Listing, Window};
use super::money::Amount;
use super::once::{Answer, Once};
use super::problem::{FieldError, Problem};
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use shop::Shop;
use shop::audit::Actor;
use shop::books::{NotChanged, NotSaved};
use shop::types::{
    BookForm, BookFormat, BookStatus, Cover, DeskBook, DeskEdition, PersonField, PriceField, Slug, parse_amount,
    typed_amount,
};
use utoipa::{IntoParams, ToSchema};

/// Where the list is.
const LIST: &str = "/api/v1/books";

/// No search is longer.
const LONGEST_SEARCH: usize = 200;

/// A book's address.
#[derive(ToSchema)]
#[schema(pattern = "^[a-z0-9]+(-[a-z0-9]+)*$", max_length = 120)]
#[expect(dead_code, reason = "the document's: the shop's own type reads it")]
pub(super) struct BookName(String);

/// Whether a book is on sale.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BookState {
    /// Not yet: nobody but the desk sees it.
    Draft,
    /// Yes.
    Published,
    /// No longer; whoever has bought it keeps it.
    Archived,
}

impl From<BookStatus> for BookState {
    fn from(status: BookStatus) -> Self {
        match status {
            BookStatus::Draft => Self::Draft,
            BookStatus::Published => Self::Published,
            BookStatus::Archived => Self::Archived,
        }
    }
}

impl From<BookState> for BookStatus {
    fn from(state: BookState) -> Self {
        match state {
            BookState::Draft => Self::Draft,
            BookState::Published => Self::Published,
            BookState::Archived => Self::Archived,
        }
    }
}

/// A book in the list.
#[derive(Debug, Serialize, ToSchema)]
pub struct BookLine {
    /// Names the book.
    slug: String,
    title: String,
    /// The authors, joined for reading.
    byline: String,
    status: BookState,
    /// In the store's currency; null if it has no price in it.
    price: Option<Amount>,
    /// The formats of its newest edition.
    #[schema(value_type = Vec<FileFormat>)]
    formats: Vec<&'static str>,
    #[schema(format = DateTime)]
    changed_at: String,
}

/// What a file is.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "its names are for the document; the words are the shop's")]
pub(super) enum FileFormat {
    Epub,
    Pdf,
    Mp3,
    M4b,
    Zip,
}

/// What somebody has done for a book.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
enum Role {
    Author,
    Editor,
    Translator,
    Illustrator,
}

impl Role {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Author => "author",
            Self::Editor => "editor",
            Self::Translator => "translator",
            Self::Illustrator => "illustrator",
        }
    }
}

/// Somebody on the title page.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Contributor {
    /// As printed.
    #[schema(min_length = 1, max_length = 200)]
    name: String,
    role: Role,
}

/// What can be said of a book. What is left out is empty.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BookInput {
    #[schema(min_length = 1, max_length = 300)]
    title: String,
    #[serde(default)]
    #[schema(max_length = 300)]
    subtitle: String,
    /// The book's address; made from the title if it is left out. It stays once the book has been on sale.
    #[serde(default)]
    #[schema(max_length = 120, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
    slug: Option<String>,
    /// Markdown.
    #[serde(default)]
    #[schema(max_length = 20_000)]
    description: String,
    /// A tag like `en` or `pt-BR`.
    #[schema(pattern = "^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,3}$")]
    language: String,
    /// With 13 digits, or 10.
    #[serde(default)]
    isbn: Option<String>,
    #[serde(default)]
    #[schema(max_length = 200)]
    publisher: String,
    /// The day of first publication.
    #[serde(default)]
    #[schema(format = Date)]
    published_on: Option<String>,
    #[serde(default)]
    #[schema(max_items = 50)]
    contributors: Vec<Contributor>,
    /// At most one in each currency; 0 gives the book away.
    #[serde(default)]
    #[schema(max_items = 20)]
    prices: Vec<Amount>,
}

/// A book.
#[derive(Debug, Serialize, ToSchema)]
pub struct Book {
    /// Names it.
    slug: String,
    title: String,
    subtitle: String,
    /// Markdown.
    description: String,
    language: String,
    isbn: Option<String>,
    publisher: String,
    #[schema(format = Date)]
    published_on: Option<String>,
    contributors: Vec<Contributor>,
    prices: Vec<Amount>,
    status: BookState,
    /// Grows with each change; stands in the `ETag` as well.
    version: i64,
    /// The address of the cover, 960 pixels wide.
    cover: Option<String>,
    /// Newest first.
    editions: Vec<Edition>,
    /// What it takes to put the book on sale, in sentences; empty if it can be.
    missing: Vec<String>,
    /// How many have a right to it.
    readers: i64,
}

/// An edition of a book.
#[derive(Debug, Serialize, ToSchema)]
pub struct Edition {
    /// "Second edition".
    label: String,
    /// What is new in it, Markdown.
    changelog: String,
    #[schema(format = DateTime)]
    added_at: String,
    files: Vec<File>,
}

/// A file of an edition.
#[derive(Debug, Serialize, ToSchema)]
pub struct File {
    /// The name that buyers see.
    filename: String,
    #[schema(value_type = FileFormat)]
    format: &'static str,
    /// Its size.
    bytes: u64,
    /// In hexadecimal.
    sha256: String,
}

fn filled(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

impl Book {
    fn new(book: DeskBook) -> Result<Self, Problem> {
        let DeskBook { slug, form, version, status, cover, editions, missing, readers, .. } = book;
        let broken = || Problem::from(app::error::ErrorCode::Internal);
        let contributors = form.people.into_iter().map(|PersonField { name, role }| {
            let role = match role.as_str() {
                "editor" => Role::Editor,
                "translator" => Role::Translator,
                "illustrator" => Role::Illustrator,
                _ => Role::Author,
            };
            Contributor { name, role }
        });
        let prices = form.prices.iter().map(|PriceField { currency, amount }| {
            let currency = currency.parse().map_err(|_| broken())?;
            parse_amount(amount, currency).map(Amount::from).map_err(|_| broken())
        });
        Ok(Self {
            slug: slug.into(),
            contributors: contributors.collect(),
            prices: prices.collect::<Result<_, _>>()?,
            title: form.title,
            subtitle: form.subtitle,
            description: form.description,
            language: form.language,
            isbn: filled(form.isbn),
            publisher: form.publisher,
            published_on: filled(form.published_on),
            status: status.into(),
            version,
            cover: cover.map(|cover| cover.url(Cover::WIDTHS.into_iter().max().unwrap_or_default())),
            editions: editions.into_iter().map(Edition::from).collect(),
            missing,
            readers,
        })
    }
}

impl From<DeskEdition> for Edition {
    fn from(edition: DeskEdition) -> Self {
        let DeskEdition { label, changelog, added_at, files, .. } = edition;
        let files = files.into_iter().map(|(filename, info, sha256)| File {
            filename,
            format: info.format.as_str(),
            bytes: info.bytes,
            sha256,
        });
        Self { label, changelog, added_at, files: files.collect() }
    }
}

impl BookInput {
    fn form(&self) -> Result<BookForm, Problem> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let prices = self.prices.iter().map(|price| {
            let money = price.read().map_err(|words| {
                let errors = vec![FieldError { field: "prices".to_owned(), sentence: words.clone() }];
                Problem::unprocessable(words).with_errors(errors)
            })?;
            Ok(PriceField { currency: money.currency().code().to_owned(), amount: typed_amount(money) })
        });
        let people = self.contributors.iter();
        Ok(BookForm {
            title: self.title.clone(),
            subtitle: self.subtitle.clone(),
            slug: text(&self.slug),
            description: self.description.clone(),
            language: self.language.clone(),
            isbn: text(&self.isbn),
            publisher: self.publisher.clone(),
            published_on: text(&self.published_on),
            people: people
                .map(|person| PersonField { name: person.name.clone(), role: person.role.as_str().to_owned() })
                .collect(),
            prices: prices.collect::<Result<_, Problem>>()?,
        })
    }
}

impl From<NotSaved> for Problem {
    fn from(error: NotSaved) -> Self {
        match error {
            NotSaved::Problems(problems) => {
                let errors = problems.into_iter().map(|problem| FieldError {
                    // The form calls them so.
                    field: if problem.field == "people" { "contributors".to_owned() } else { problem.field },
                    sentence: problem.sentence,
                });
                Self::unprocessable("Something is wrong with the book.").with_errors(errors.collect())
            }
            NotSaved::Outdated(version) => {
                Self::new(412, "outdated", format!("The book has changed meanwhile: it has version {version}."))
            }
            NotSaved::Shop(error) => error.into(),
        }
    }
}

impl From<NotChanged> for Problem {
    fn from(error: NotChanged) -> Self {
        match error {
            NotChanged::Missing(missing) => {
                let errors = missing.into_iter();
                let errors = errors.map(|sentence| FieldError { field: "status".to_owned(), sentence });
                Self::conflict("not-ready", "The book is not ready to be sold.").with_errors(errors.collect())
            }
            NotChanged::Shop(error) => error.into(),
        }
    }
}

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
    let rows = page.rows.into_iter().map(|(key, book)| {
        let line = BookLine {
            slug: book.slug.to_string(),
            title: book.title,
            byline: book.byline,
            status: book.status.into(),
            price: book.price.map(Amount::from),
            formats: book.formats.into_iter().map(BookFormat::as_str).collect(),
            changed_at: book.changed_at,
        };
        (key, line)
    });
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
