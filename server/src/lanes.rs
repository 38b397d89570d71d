//! Lanes: how many requests are worked on at once. Whoever comes when a lane is full is told at once to come back,
//! which costs next to nothing, so that a crowd does not make everybody wait. Stripe's deliveries have a lane of their
//! own, so that no crowd keeps out a payment.

use crate::router::AppState;
use crate::routes::api::Problem;
use crate::routes::errors;
use app::error::ErrorCode;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{OnceCell, OwnedSemaphorePermit, Semaphore};

/// Pages and forms being made at once: at 0.2 ms each, nobody in the lane waits for long.
const PAGES: usize = 512;
/// Webhook deliveries being kept at once: one group commit takes as many.
const WEBHOOKS: usize = 512;
/// Files being sent at once.
const DOWNLOADS: usize = 1_024;
/// Forms with files being read at once: each may fill the disk a little.
const UPLOADS: usize = 8;

/// Programs' questions at once.
const API: usize = 128;
/// Programs coming in, staying in and leaving at once: anybody may knock, so not in the lane of those who are in.
const API_WAY_IN: usize = 32;

/// Seconds after which whoever was sent away should come back.
pub(crate) const RETRY_AFTER: &str = "2";

/// The places in one lane.
#[derive(Clone, Debug)]
pub struct Lane(Arc<Semaphore>);

impl Lane {
    /// A lane for `places` requests at once.
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self(Arc::new(Semaphore::new(places)))
    }

    /// Whether the next one would be sent away.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.0.available_permits() == 0
    }

    /// A place, taken until it is dropped. None if there is none.
    pub(crate) fn enter(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }
}

/// All lanes.
#[derive(Clone, Debug)]
pub struct Lanes {
    /// Pages and forms.
    pub pages: Lane,
    /// Stripe's deliveries, and the mail provider's.
    pub webhooks: Lane,
    /// Programs.
    pub api: Lane,
    /// Programs that want to come in: `/api/v1/auth/`.
    pub api_way_in: Lane,
    /// Files; the place is taken until the last byte is sent.
    pub downloads: Lane,
    /// Forms with files. Their route takes the place, for those only whom the guard lets through; until then, and beside it,
    /// such a form has one among the pages.
    pub uploads: Lane,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            pages: Lane::new(PAGES),
            webhooks: Lane::new(WEBHOOKS),
            api: Lane::new(API),
            api_way_in: Lane::new(API_WAY_IN),
            downloads: Lane::new(DOWNLOADS),
            uploads: Lane::new(UPLOADS),
        }
    }
}

impl Lanes {
    /// A place for a request. None if its lane is full.
    pub(crate) fn enter(&self, path: &str) -> Option<Place> {
        let (lane, to_the_end) = match path {
            "/healthz" | "/readyz" => return Some(Place { _permit: None, to_the_end: false }),
            _ if path.starts_with("/f/") => (&self.downloads, true),
            _ if path.starts_with("/webhooks/") => (&self.webhooks, false),
            _ if path.starts_with("/api/v1/auth/") => (&self.api_way_in, false),
            _ if path.starts_with("/api/") => (&self.api, false),
            _ => (&self.pages, false),
        };
        Some(Place { _permit: Some(lane.enter()?), to_the_end })
    }
}

/// A place in a lane. It is given back with the answer's head; a download's, when its body has been sent or given up.
#[derive(Debug)]
pub(crate) struct Place {
    _permit: Option<OwnedSemaphorePermit>,
    to_the_end: bool,
}

impl Place {
    /// The answer is there.
    pub(crate) fn leave(self, response: Response) -> Response {
        if self.to_the_end { response.map(|body| Body::new(Held { body, _place: self })) } else { response }
    }
}

/// A body with its place in the lane.
struct Held {
    body: Body,
    _place: Place,
}

impl http_body::Body for Held {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Self::Data>, Self::Error>>> {
        std::pin::Pin::new(&mut self.body).poll_frame(context)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> http_body::SizeHint {
        self.body.size_hint()
    }
}

/// What those are told for whom there is no place. The same for everybody and made only once, before any other work on the
/// request: sending a crowd away must not cost what serving it would.
#[derive(Clone, Debug)]
pub(crate) struct Refusal {
    state: AppState,
    page: Arc<OnceCell<Bytes>>,
}

impl Refusal {
    pub(crate) fn new(state: AppState) -> Self {
        Self { state, page: Arc::default() }
    }

    /// `503` with when to come back: as a page for who reads pages, as a problem for programs, else as a line.
    pub(crate) async fn answer(&self, path: &str, headers: &HeaderMap) -> Response {
        if path.starts_with("/api/") {
            let mut response = Problem::from(ErrorCode::Busy).into_response();
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
            return response;
        }
        let (media_type, body) = if errors::wants_page(headers) {
            ("text/html; charset=utf-8", self.page.get_or_init(|| self.render()).await.clone())
        } else {
            ("text/plain; charset=utf-8", Bytes::from_static(LINE))
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
        let headers = response.headers_mut();
        headers.clone_from(&self.state.headers);
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type));
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    /// The store's page for it, as a visitor without any cookie sees it.
    async fn render(&self) -> Bytes {
        let (parts, ()) = Request::new(()).into_parts();
        let page = errors::page(&self.state, parts, ErrorCode::Busy.into()).await;
        to_bytes(page.into_body(), usize::MAX).await.unwrap_or_else(|error| {
            tracing::error!(%error, "the page for a busy store could not be made");
            Bytes::from_static(LINE)
        })
    }
}

const LINE: &[u8] = b"The store is very busy. Please try again in a moment.";

/// Whether new requests are welcome: off as soon as the process is told to stop, before it stops listening, so that a
/// load balancer sends nobody any more.
#[derive(Clone, Debug)]
pub struct Welcome(Arc<AtomicBool>);

impl Default for Welcome {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Welcome {
    /// Turns new requests away, for whoever asks `/readyz`.
    pub fn end(&self) {
        self.0.store(false, Ordering::Release);
    }

    /// Whether they are welcome.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}
