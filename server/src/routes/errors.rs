//! Errors as people see them: whatever refused a request, a browser gets a page of the store with the same status.

use crate::router::AppState;
use app::error::{AppError, ErrorCode};
use axum::body::Body;
use axum::extract::{FromRef, Request, State};
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, header, request::Parts};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use leptos::config::LeptosOptions;
use leptos::context::provide_context;
use shop::Shop;
use std::sync::Arc;

/// Megabytes that a file of the desk's may have: for the script that has sent one.
pub const UPLOAD_LIMIT: HeaderName = HeaderName::from_static("octavo-upload-mb");

/// Whether the visitor reads the answer as a page.
pub fn wants_page(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|types| types.contains("text/html"))
}

/// Gives errors without a page of their own (a refused origin, a form that is too large, an unknown path) the store's
/// error page. Answers that have a body keep it.
pub async fn as_pages(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let page_for = wants_page(request.headers()).then(|| {
        let (parts, ()) = Request::new(()).into_parts();
        let mut copy = parts;
        copy.uri = request.uri().clone();
        copy.headers = request.headers().clone();
        copy.extensions = request.extensions().clone();
        copy
    });
    let response = next.run(request).await;
    let status = response.status();
    let has_page =
        response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    match page_for {
        Some(parts) if (status.is_client_error() || status.is_server_error()) && !has_page => {
            let code = match status {
                StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::GONE => ErrorCode::NotFound,
                StatusCode::FORBIDDEN => ErrorCode::Forbidden,
                StatusCode::TOO_MANY_REQUESTS => ErrorCode::RateLimited,
                StatusCode::SERVICE_UNAVAILABLE => ErrorCode::Busy,
                _ if status.is_client_error() => ErrorCode::BadRequest,
                _ => ErrorCode::Internal,
            };
            let mut page = page(&state, parts, code.into()).await;
            *page.status_mut() = status;
            for name in [header::ALLOW, header::CONTENT_RANGE, header::RETRY_AFTER, UPLOAD_LIMIT] {
                if let Some(value) = response.headers().get(&name) {
                    page.headers_mut().insert(name, value.clone());
                }
            }
            page
        }
        _ => response,
    }
}

/// The store's page for an error, rendered for this request.
pub async fn page(state: &AppState, mut parts: Parts, error: AppError) -> Response {
    parts.method = Method::GET;
    let options = LeptosOptions::from_ref(state);
    let shop = Shop::from_ref(state);
    let render = leptos_axum::render_app_async_with_context(
        move || provide_context(shop.clone()),
        move || app::app::error_page(options.clone(), error),
    );
    render(Request::from_parts(parts, Body::empty())).await.into_response()
}
