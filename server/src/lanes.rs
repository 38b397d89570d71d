//! Lanes: how many requests are worked on at once. Whoever comes when a lane is full is told at once to come back,
//! which costs next to nothing, so that a crowd does not make everybody wait. Stripe's deliveries have a lane of their
//! own, so that no crowd keeps out a payment.

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::Semaphore;

/// Pages and forms being made at once: at 0.2 ms each, nobody in the lane waits for long.
const PAGES: usize = 512;
/// Webhook deliveries being kept at once: one group commit takes as many.
const WEBHOOKS: usize = 512;
/// Files being sent at once.
const DOWNLOADS: usize = 1_024;

/// Programs' questions at once.
const API: usize = 128;

/// Seconds after which whoever was sent away should come back.
const RETRY_AFTER: &str = "2";

/// The places in one lane.
#[derive(Clone, Debug)]
pub struct Lane(Arc<Semaphore>);

impl Lane {
    /// A lane for `places` requests at once.
    #[must_use]
    pub fn new(places: usize) -> Self {
        Self(Arc::new(Semaphore::new(places)))
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
    /// Files; the place is taken until the last byte is sent.
    pub downloads: Lane,
}

impl Default for Lanes {
    fn default() -> Self {
        Self {
            pages: Lane::new(PAGES),
            webhooks: Lane::new(WEBHOOKS),
            api: Lane::new(API),
            downloads: Lane::new(DOWNLOADS),
        }
    }
}

/// Runs the request if there is a place, and keeps the place until the answer's head is there.
pub async fn through(State(lane): State<Lane>, request: Request, next: Next) -> Response {
    match lane.0.try_acquire() {
        Ok(_place) => next.run(request).await,
        Err(_) => busy(),
    }
}

/// As [`through`], but the place is kept until the answer's body has been sent or given up.
pub async fn through_to_the_end(State(lane): State<Lane>, request: Request, next: Next) -> Response {
    let Ok(place) = lane.0.try_acquire_owned() else { return busy() };
    next.run(request).await.map(|body| Body::new(Held { body, _place: place }))
}

/// A body with its place in the lane.
struct Held {
    body: Body,
    _place: tokio::sync::OwnedSemaphorePermit,
}

impl http_body::Body for Held {
    type Data = bytes::Bytes;
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

fn busy() -> Response {
    (
        StatusCode::SERVICE_UNAVAILABLE,
        [(header::RETRY_AFTER, RETRY_AFTER), (header::CACHE_CONTROL, "no-store")],
        "The store is very busy. Please try again in a moment.",
    )
        .into_response()
}

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
