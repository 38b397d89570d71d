//! The figures of the desk: as files, and that they have changed for as long as somebody looks at them.

use super::desk_files::{file, guard, guard_unnoted, refusal};
use crate::router::AppState;
use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures::stream;
use shop::analytics::{Listener, Question, Sheet};
use shop::types::Role;
use shop::{Shop, StaffSecret};
use std::collections::HashMap;
use std::convert::Infallible;
use std::time::Duration;

/// A sheet of the figures of the page's own days and currency, made while it is sent.
pub async fn csv(
    State(shop): State<Shop>,
    Path(name): Path<String>,
    Query(asked): Query<HashMap<String, String>>,
    secret: Option<Extension<StaffSecret>>,
    headers: HeaderMap,
) -> Response {
    if let Err(answer) = guard(&shop, secret, &headers, Role::Viewer, "/admin").await {
        return unkept(*answer);
    }
    let Some(sheet) = Sheet::parse(&name) else { return StatusCode::NOT_FOUND.into_response() };
    let today = match shop.today().await {
        Ok(today) => today,
        Err(error) => return refusal(&error),
    };
    let question = Question::read(|name| asked.get(name).cloned(), today, shop.currency());
    let pieces = stream::try_unfold(Some(0), move |after| {
        let shop = shop.clone();
        async move {
            let Some(after) = after else { return Ok(None) };
            let piece = shop.figures_csv(sheet, question, after).await.inspect_err(|error| {
                tracing::error!(%error, "a sheet of figures broke off");
            })?;
            Ok::<_, shop::Error>(Some((piece.text, piece.next)))
        }
    });
    let Question { range, currency, .. } = question;
    let name = format!("{}-{}-{}-{}", currency.code().to_ascii_lowercase(), range.from, range.until, sheet.name());
    file("text/csv; charset=utf-8", &name, Body::from_stream(pieces))
}

/// How often it is looked whether the store closes …
const LOOK: Duration = Duration::from_secs(1);
/// … and, every so many looks, whether who listens may still: the connection is kept open with it.
const LOOKS: u32 = 10;

/// What one connection listens with.
struct Listening {
    state: AppState,
    secret: StaffSecret,
    listener: Listener,
    looks: u32,
}

/// Says "changed" whenever figures have changed, and no figure: whoever hears it asks for the page. Ends when the store
/// closes and when the session does.
pub async fn live(
    State(state): State<AppState>,
    secret: Option<Extension<StaffSecret>>,
    headers: HeaderMap,
) -> Response {
    if !is_own_page(&state.shop, &headers) {
        return StatusCode::FORBIDDEN.into_response();
    }
    let Some(Extension(secret)) = secret else { return StatusCode::UNAUTHORIZED.into_response() };
    // A page that is left open is no use of the session.
    if let Err(answer) = guard_unnoted(&state.shop, &secret, &headers, Role::Viewer, "/admin").await {
        return unkept(*answer);
    }
    let listener = match state.shop.listen().await {
        Ok(Some(listener)) => listener,
        Ok(None) => return StatusCode::SERVICE_UNAVAILABLE.into_response(),
        Err(error) => return refusal(&error),
    };
    let first = stream::once(async { Ok::<_, Infallible>("retry: 5000\n\n") });
    let listening = Listening { state, secret, listener, looks: 0 };
    let changes =
        stream::unfold(listening, |listening| async { listening.next().await.map(|(said, next)| (Ok(said), next)) });
    let mut response = Response::new(Body::from_stream(stream::StreamExt::chain(first, changes)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // nginx would keep it back.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    unkept(response)
}

/// An answer that no cache keeps.
fn unkept(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    response
}

impl Listening {
    /// What is said next; nothing when it is over.
    async fn next(mut self) -> Option<(&'static str, Self)> {
        loop {
            let changed = tokio::time::timeout(LOOK, self.listener.changed()).await;
            if changed == Ok(false) || !self.state.welcome.is_open() {
                return None;
            }
            self.looks += 1;
            if changed.is_err() && self.looks < LOOKS {
                continue;
            }
            self.looks = 0;
            // A session that was ended hears nothing more.
            if !matches!(self.state.shop.is_signed_in(&self.secret).await, Ok(true)) {
                return None;
            }
            return Some((if changed.is_ok() { "data: changed\n\n" } else { ":\n\n" }, self));
        }
    }
}

/// Whether a page of this store asks: every browser that knows event streams says so in one way or the other.
fn is_own_page(shop: &Shop, headers: &HeaderMap) -> bool {
    let is = |name: &str, value: &str| headers.get(name).map(|said| said.as_bytes() == value.as_bytes());
    match (is("sec-fetch-site", "same-origin"), is("origin", shop.base_url())) {
        (None, None) => false,
        (site, origin) => site != Some(false) && origin != Some(false),
    }
}
