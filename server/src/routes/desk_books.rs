//! Files for the desk's books: `POST /admin/books/…` with `multipart/form-data`, and the table as a download.
//!
//! Each begins with the guard, which is asked again when the form has come (that may take hours, and an owner may have thought
//! better of it), and ends by leading back to a page that says what happened, so that a plain form does. What is
//! refused is kept as a sentence, and its name stands in the address.

use super::content_disposition::attachment;
use super::errors;
use crate::invoices;
use crate::lanes;
use crate::router::AppState;
use crate::uploads::{NotRead, Sent};
use app::context::sign_in_then;
use app::error::{AppError, ErrorCode};
use axum::body::Body;
use axum::extract::multipart::Multipart;
use axum::extract::{FromRequest as _, Path, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use leptos::server_fn::error::FromServerFnError as _;
use shop::StaffSecret;
use shop::audit::Actor;
use shop::books::{NotTaken, TableError};
use shop::editions::{EditionError, NewEdition};
use shop::types::{Role, Slug};
use tracing::Instrument as _;

/// Why nothing came of a form.
enum Refusal {
    /// To be said on the page.
    Said(String),
    /// A page of its own.
    Page(AppError),
}

impl From<shop::Error> for Refusal {
    fn from(error: shop::Error) -> Self {
        Self::Page(error.into())
    }
}

impl From<NotTaken> for Refusal {
    fn from(error: NotTaken) -> Self {
        match error {
            NotTaken::Refused(refused) => Self::Said(refused.to_string()),
            NotTaken::Shop(error) => error.into(),
        }
    }
}

impl From<NotRead> for Refusal {
    fn from(error: NotRead) -> Self {
        match error {
            NotRead::Refused(words) => Self::Said(words),
            NotRead::Broken => Self::Page(AppError::BAD_REQUEST),
            NotRead::Failed(error) => {
                tracing::error!(%error, "an upload could not be kept");
                Self::Page(ErrorCode::Internal.into())
            }
        }
    }
}

impl From<EditionError> for Refusal {
    fn from(error: EditionError) -> Self {
        match error {
            EditionError::Shop(error) => error.into(),
            EditionError::NoBook(_) => Self::Page(AppError::NOT_FOUND),
            EditionError::Read { source, .. } => NotRead::Failed(source).into(),
            EditionError::Unknown(_) => Self::Said("One of the files is none that is sold here.".to_owned()),
            EditionError::Invalid(words) => {
                let mut words = words.to_owned();
                words.get_mut(..1).map(str::make_ascii_uppercase);
                Self::Said(format!("{words}."))
            }
        }
    }
}

/// The error as a page, or for a script as it is.
async fn refused(state: &AppState, parts: Parts, error: AppError) -> Response {
    if errors::wants_page(&parts.headers) {
        return errors::page(state, parts, error).await;
    }
    let status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, [(header::CACHE_CONTROL, "private, no-store")], error.ser()).into_response()
}

/// The guard: who is signed in, if that is an admin; else the answer.
pub(super) async fn admin(state: &AppState, parts: &Parts, page: &str) -> Result<Actor, Response> {
    let staff = match parts.extensions.get::<StaffSecret>() {
        Some(secret) => state.shop.staff(secret).await,
        None => Ok(None),
    };
    let error = match staff {
        Ok(Some(staff)) if staff.role >= Role::Admin => return Ok(Actor::from(&staff)),
        Ok(Some(_)) => AppError::from(ErrorCode::NotAllowed),
        Ok(None) if errors::wants_page(&parts.headers) => {
            let private = [(header::CACHE_CONTROL, "private, no-store")];
            return Err((private, Redirect::to(&sign_in_then(page))).into_response());
        }
        Ok(None) => ErrorCode::SignedOut.into(),
        Err(error) => error.into(),
    };
    Err(refused(state, parts.clone(), error).await)
}

/// Who comes when as many forms as there are places for are on their way.
async fn sent_away(state: &AppState, parts: Parts) -> Response {
    let mut response = refused(state, parts, ErrorCode::Busy.into()).await;
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(lanes::RETRY_AFTER));
    response
}

/// Guards, reads the form, guards again, does what is to be done, and leads to a page.
///
/// A browser may leave at any time, and its handler is dropped then. Until the form has come as a whole, nothing is left of
/// it; from then on it is worked on in a task of its own, to its end: what is stored for it gets its rows or is taken away.
async fn answer<F, W>(state: AppState, request: Request, page: String, limit: u64, work: F) -> Response
where
    F: FnOnce(AppState, Actor, Sent) -> W,
    W: Future<Output = Result<String, Refusal>> + Send + 'static,
{
    let (parts, body) = request.into_parts();
    if let Err(answer) = admin(&state, &parts, &page).await {
        return answer;
    }
    // Only now: no stranger takes a place.
    let Some(place) = state.upload_lane.enter() else { return sent_away(&state, parts).await };
    let bytes = parts.headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    let request = Request::from_parts(parts.clone(), body);
    let Ok(form) = Multipart::from_request(request, &()).await else {
        return refused(&state, parts, AppError::BAD_REQUEST).await;
    };
    let read = state.uploads.read(form, limit, bytes).await;
    let actor = match admin(&state, &parts, &page).await {
        Ok(actor) => actor,
        Err(answer) => return answer,
    };
    let done = match read {
        Ok(sent) => {
            let work = work(state.clone(), actor, sent);
            let working = async move {
                let done = work.await;
                drop(place);
                done
            };
            tokio::spawn(working.in_current_span()).await.unwrap_or_else(|error| {
                tracing::error!(%error, "an upload was not worked on to its end");
                Err(Refusal::Page(ErrorCode::Internal.into()))
            })
        }
        Err(error) => Err(error.into()),
    };
    match done {
        Ok(to) => Redirect::to(&to).into_response(),
        Err(Refusal::Said(words)) => match state.shop.keep_words(&words).await {
            Ok(name) => Redirect::to(&format!("{page}?said={name}")).into_response(),
            Err(error) => refused(&state, parts, error.into()).await,
        },
        Err(Refusal::Page(error)) => refused(&state, parts, error).await,
    }
}

fn page_of(slug: &Slug) -> String {
    format!("/admin/books/{slug}")
}

/// Files for the newest edition.
pub async fn files(State(state): State<AppState>, Path(slug): Path<Slug>, request: Request) -> Response {
    let limit = state.uploads.file;
    answer(state, request, page_of(&slug), limit, move |state, actor, sent| async move {
        state.shop.add_book_files(&actor, &slug, &sent.paths()).await?;
        Ok(format!("{}?done=files-taken", page_of(&slug)))
    })
    .await
}

/// A cover.
pub async fn cover(State(state): State<AppState>, Path(slug): Path<Slug>, request: Request) -> Response {
    let limit = state.uploads.picture;
    answer(state, request, page_of(&slug), limit, move |state, actor, sent| async move {
        let [path] = sent.paths().try_into().map_err(|_| Refusal::Said("Choose one picture first.".to_owned()))?;
        let picture = tokio::fs::read(path).await.map_err(NotRead::Failed)?;
        state.shop.set_cover(&actor, &slug, picture.into()).await?;
        Ok(format!("{}?done=cover-set", page_of(&slug)))
    })
    .await
}

/// A logo for invoices.
pub async fn logo(State(state): State<AppState>, request: Request) -> Response {
    let limit = state.uploads.picture;
    answer(state, request, "/admin/settings/invoices".to_owned(), limit, move |state, actor, sent| async move {
        let [path] = sent.paths().try_into().map_err(|_| Refusal::Said("Choose one picture first.".to_owned()))?;
        let picture = tokio::fs::read(path).await.map_err(NotRead::Failed)?;
        state.shop.set_logo(&actor, Some(picture.into())).await?;
        Ok("/admin/settings/invoices?done=logo-set".to_owned())
    })
    .await
}

/// How an invoice would look, as PDF: of a sale that never was.
pub async fn example(State(state): State<AppState>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if let Err(answer) = admin(&state, &parts, "/admin/settings/invoices").await {
        return answer;
    }
    let document = match invoices::example(&state.shop, state.shop.document_day()).await {
        Ok(document) => document,
        Err(error) => return refused(&state, parts, error.into()).await,
    };
    match invoices::print(&state.shop, &document).await {
        Ok(pdf) => {
            let headers = [(header::CONTENT_TYPE, "application/pdf"), (header::CACHE_CONTROL, "private, no-store")];
            let name = [(header::CONTENT_DISPOSITION, attachment("example.pdf"))];
            (headers, name, pdf).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "the example of an invoice cannot be made");
            refused(&state, parts, ErrorCode::Internal.into()).await
        }
    }
}

/// A new edition with its files, and the mail about it if it is asked for.
pub async fn edition(State(state): State<AppState>, Path(slug): Path<Slug>, request: Request) -> Response {
    let limit = state.uploads.file;
    answer(state, request, page_of(&slug), limit, move |state, actor, sent| async move {
        let files = sent.paths();
        state.shop.inspect_files(&files).await?;
        let (label, changelog) = (sent.text("label").to_owned(), sent.text("changelog").replace("\r\n", "\n"));
        state.shop.add_edition(&actor, &slug, &NewEdition { label, changelog, files }).await?;
        let mut done = "edition-added";
        if sent.text("tell") == "yes" {
            state.shop.announce_edition(&actor, &slug).await?;
            done = "edition-announced";
        }
        Ok(format!("{}?done={done}", page_of(&slug)))
    })
    .await
}

/// An EPUB of which there is no book yet: its metadata fill the form.
pub async fn epub(State(state): State<AppState>, request: Request) -> Response {
    let limit = state.uploads.file;
    answer(state, request, "/admin/books/new".to_owned(), limit, move |state, _, sent| async move {
        let [path] = sent.paths().try_into().map_err(|_| Refusal::Said("Choose one EPUB first.".to_owned()))?;
        let name = state.shop.draft_of_epub(&path).await?;
        Ok(format!("/admin/books/new?draft={name}"))
    })
    .await
}

/// A table of books, to be looked over.
pub async fn table(State(state): State<AppState>, request: Request) -> Response {
    let limit = state.uploads.table;
    answer(state, request, "/admin/books/import".to_owned(), limit, move |state, _, sent| async move {
        let [path] = sent.paths().try_into().map_err(|_| Refusal::Said("Choose one CSV file first.".to_owned()))?;
        let csv = tokio::fs::read(path).await.map_err(NotRead::Failed)?;
        match state.shop.read_book_table(csv.into()).await {
            Ok(name) => Ok(format!("/admin/books/import?table={name}")),
            Err(TableError::Refused(words)) => Err(Refusal::Said(words)),
            Err(TableError::Shop(error)) => Err(error.into()),
        }
    })
    .await
}

/// The whole catalogue as CSV.
pub async fn export(State(state): State<AppState>, request: Request) -> Response {
    let (parts, _) = request.into_parts();
    if let Err(answer) = admin(&state, &parts, "/admin/books").await {
        return answer;
    }
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"books.csv\""),
        (header::CACHE_CONTROL, "private, no-store"),
    ];
    (headers, Body::from_stream(state.shop.book_table())).into_response()
}
