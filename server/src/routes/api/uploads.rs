//! Files of books: `multipart/form-data`, taken as the desk takes them. Sent twice, a file and a cover are there once.

use super::books::FileFormat;
use super::extract::{AdminWrites, At, May, Need};
use super::once::{Answer, Once};
use super::problem::{Problem, sentence};
use super::rates;
use crate::router::AppState;
use crate::uploads::{NotRead, Sent};
use app::error::ErrorCode;
use axum::extract::multipart::{Multipart, MultipartRejection};
use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderValue, header};
use axum::response::Response;
use serde::Serialize;
use sha2::{Digest as _, Sha256};
use shop::audit::Actor;
use shop::books::{FileTaken, Taken};
use shop::editions::{EditionError, NewEdition};
use shop::types::Slug;
use std::path::{Path, PathBuf};
use tokio::io::AsyncReadExt as _;
use tokio::sync::OwnedSemaphorePermit;
use tracing::Instrument as _;
use utoipa::ToSchema;

/// A form with files, and its place among those that are on their way. It stands behind the guard in a handler's signature:
/// no stranger takes a place.
pub struct Form {
    fields: Multipart,
    bytes: Option<u64>,
    authorization: Option<HeaderValue>,
    place: OwnedSemaphorePermit,
}

impl Form {
    /// Reads it, and asks the guard again: that may have taken hours, and an owner may have thought better of it. Its place is
    /// whose work comes next.
    async fn read<N: Need>(
        self,
        state: &AppState,
        _: &May<N>,
        limit: u64,
    ) -> Result<(Sent, OwnedSemaphorePermit), Problem> {
        let sent = state.uploads.read(self.fields, limit, self.bytes).await?;
        let caller = match self.authorization {
            Some(authorization) => rates::bearer(&state.shop, &authorization).await?,
            None => None,
        };
        caller.ok_or(ErrorCode::SignedOut)?.at_least(N::ROLE, N::SCOPE)?;
        Ok((sent, self.place))
    }
}

impl FromRequest<AppState> for Form {
    type Rejection = Problem;

    async fn from_request(request: Request, state: &AppState) -> Result<Self, Problem> {
        let place = state.upload_lane.enter().ok_or(ErrorCode::Busy)?;
        let headers = request.headers();
        let bytes = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let authorization = headers.get(header::AUTHORIZATION).cloned();
        let form = |fields| Self { fields, bytes, authorization, place };
        Multipart::from_request(request, state).await.map(form).map_err(|rejection| match rejection {
            MultipartRejection::InvalidBoundary(_) => {
                Problem::new(415, "unsupported-media-type", "The body must be multipart/form-data.")
            }
            _ => Problem::bad_request("The body is no form with files."),
        })
    }
}

impl From<NotRead> for Problem {
    fn from(error: NotRead) -> Self {
        match error {
            NotRead::Refused(words) => Self::new(413, "too-large", words),
            NotRead::Broken => Self::bad_request("The form broke off or is none."),
            NotRead::Failed(error) => {
                tracing::error!(%error, "an upload could not be kept");
                ErrorCode::Internal.into()
            }
        }
    }
}

impl From<EditionError> for Problem {
    fn from(error: EditionError) -> Self {
        match error {
            EditionError::Shop(error) => error.into(),
            EditionError::NoBook(_) => Self::not_found(),
            EditionError::Read { source, .. } => NotRead::Failed(source).into(),
            EditionError::Unknown(_) => Self::unprocessable("One of the files is none that is sold here."),
            EditionError::Invalid(words) => Self::unprocessable(sentence(words)),
        }
    }
}

/// Files for a book.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the document's; the form is read piece by piece")]
pub(super) struct FilesForm {
    /// One of each format at most.
    #[schema(value_type = Vec<String>, format = Binary, content_media_type = "application/octet-stream", min_items = 1, max_items = 8)]
    file: Vec<u8>,
}

/// A picture.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the document's; the form is read piece by piece")]
pub(super) struct CoverForm {
    /// JPEG, PNG or WebP.
    #[schema(value_type = String, format = Binary, content_media_type = "application/octet-stream")]
    file: Vec<u8>,
}

/// A new edition.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the document's; the form is read piece by piece")]
pub(super) struct EditionForm {
    /// "Second edition".
    #[schema(min_length = 1, max_length = 100)]
    label: String,
    /// What is new in it, Markdown.
    #[schema(max_length = 20_000)]
    changelog: Option<String>,
    /// One of each format at most.
    #[schema(value_type = Vec<String>, format = Binary, content_media_type = "application/octet-stream", min_items = 1, max_items = 8)]
    file: Vec<u8>,
}

/// What became of files.
#[derive(Debug, Serialize, ToSchema)]
pub struct FilesTaken {
    data: Vec<TakenFile>,
}

/// What became of a file.
#[derive(Debug, Serialize, ToSchema)]
pub struct TakenFile {
    /// The name that buyers see.
    filename: String,
    #[schema(value_type = FileFormat)]
    format: &'static str,
    #[schema(value_type = Outcome)]
    outcome: &'static str,
}

#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
#[expect(dead_code, reason = "its names are for the document")]
enum Outcome {
    /// The edition had none of this format.
    Added,
    /// The edition had another one.
    Replaced,
    /// The edition has this very file.
    Same,
}

impl From<FileTaken> for TakenFile {
    fn from(file: FileTaken) -> Self {
        let outcome = match file.taken {
            Taken::Added => "added",
            Taken::Replaced => "replaced",
            Taken::Same => "same",
        };
        Self { filename: file.filename, format: file.format.as_str(), outcome }
    }
}

/// What names an upload: its texts and the hashes of its files.
async fn fingerprint(sent: &Sent, texts: &[&str]) -> Result<Vec<String>, Problem> {
    let mut parts: Vec<String> = texts.iter().map(|name| sent.text(name).to_owned()).collect();
    for path in sent.paths() {
        parts.push(hash(&path).await.map_err(NotRead::Failed)?);
    }
    Ok(parts)
}

async fn hash(path: &Path) -> std::io::Result<String> {
    let mut file = tokio::fs::File::open(path).await?;
    let (mut hash, mut piece) = (Sha256::new(), vec![0_u8; 256 * 1024]);
    loop {
        let count = file.read(&mut piece).await?;
        match piece.get(..count) {
            Some(bytes) if count > 0 => hash.update(bytes),
            _ => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
        }
    }
}

fn one(paths: Vec<PathBuf>) -> Result<PathBuf, Problem> {
    let [path] = <[PathBuf; 1]>::try_from(paths).map_err(|_| Problem::unprocessable("There is not one picture."))?;
    Ok(path)
}

/// Does the work on a form to its end, also when the client hangs up meanwhile and the handler is dropped: what is stored for
/// it gets its rows or is taken away.
async fn to_its_end<W>(place: OwnedSemaphorePermit, work: W) -> Result<Response, Problem>
where
    W: Future<Output = Result<Response, Problem>> + Send + 'static,
{
    let working = async move {
        let done = work.await;
        drop(place);
        done
    };
    tokio::spawn(working.in_current_span()).await.unwrap_or_else(|error| {
        tracing::error!(%error, "an upload was not worked on to its end");
        Err(ErrorCode::Internal.into())
    })
}

/// Gives the newest edition of a book files, each in the place of the one of its format.
///
/// A book without an edition gets its first.
#[utoipa::path(
    post, path = "/api/v1/books/{slug}/files", tag = "Uploads", operation_id = "add-files",
    params(("slug" = String, Path, description = "Names the book.")),
    request_body(content = FilesForm, content_type = "multipart/form-data"),
    security(("bearer" = ["admin", "write"])),
    responses((status = 200, description = "What became of each file.", body = FilesTaken)),
)]
pub async fn files(
    State(state): State<AppState>,
    caller: May<AdminWrites>,
    At(slug): At<Slug>,
    once: Once,
    form: Form,
) -> Result<Response, Problem> {
    let (sent, place) = form.read(&state, &caller, state.uploads.file).await?;
    let work = async move {
        let input = fingerprint(&sent, &[]).await?;
        once.of_upload()
            .run(&state.shop, &caller, &input, async |_| {
                let taken = state.shop.add_book_files(&caller.actor(), &slug, &sent.paths()).await?;
                Answer::of(200, &FilesTaken { data: taken.into_iter().map(TakenFile::from).collect() })
            })
            .await
    };
    to_its_end(place, work).await
}

/// Gives a book a cover.
#[utoipa::path(
    put, path = "/api/v1/books/{slug}/cover", tag = "Uploads", operation_id = "set-cover",
    params(("slug" = String, Path, description = "Names the book.")),
    request_body(content = CoverForm, content_type = "multipart/form-data"),
    security(("bearer" = ["admin", "write"])),
    responses((status = 200, description = "The book with it.", body = super::books::Book)),
)]
pub async fn cover(
    State(state): State<AppState>,
    caller: May<AdminWrites>,
    At(slug): At<Slug>,
    once: Once,
    form: Form,
) -> Result<Response, Problem> {
    let (sent, place) = form.read(&state, &caller, state.uploads.picture).await?;
    let work = async move {
        let input = fingerprint(&sent, &[]).await?;
        once.of_upload()
            .run(&state.shop, &caller, &input, async |_| {
                let picture = tokio::fs::read(one(sent.paths())?).await.map_err(NotRead::Failed)?;
                state.shop.set_cover(&caller.actor(), &slug, picture.into()).await?;
                super::books::found(&state.shop, &slug, 200).await
            })
            .await
    };
    to_its_end(place, work).await
}

/// Adds an edition with files of its own.
///
/// The old ones stay within buyers' reach.
#[utoipa::path(
    post, path = "/api/v1/books/{slug}/editions", tag = "Uploads", operation_id = "add-edition",
    params(("slug" = String, Path, description = "Names the book.")),
    request_body(content = EditionForm, content_type = "multipart/form-data"),
    security(("bearer" = ["admin", "write"])),
    responses((status = 201, description = "The book with it.", body = super::books::Book)),
)]
pub async fn edition(
    State(state): State<AppState>,
    caller: May<AdminWrites>,
    At(slug): At<Slug>,
    once: Once,
    form: Form,
) -> Result<Response, Problem> {
    let (sent, place) = form.read(&state, &caller, state.uploads.file).await?;
    let work = async move {
        let add = async |actor: Actor| -> Result<Answer, Problem> {
            let files = sent.paths();
            state.shop.inspect_files(&files).await?;
            let (label, changelog) = (sent.text("label").to_owned(), sent.text("changelog").replace("\r\n", "\n"));
            state.shop.add_edition(&actor, &slug, &NewEdition { label, changelog, files }).await?;
            super::books::found(&state.shop, &slug, 201).await
        };
        let tell = async |_: String| -> Result<Answer, Problem> { super::books::found(&state.shop, &slug, 201).await };
        let input = fingerprint(&sent, &["label", "changelog"]).await?;
        once.required()?.of_upload().mark(&state.shop, &caller, &input, add, tell).await
    };
    to_its_end(place, work).await
}
