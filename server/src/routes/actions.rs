//! `POST /actions/…`: Leptos' server functions, with answers that both a script and a plain form understand.
//!
//! Leptos answers every error with 500, and a form with its text in the URL. Here a script gets the error's own status;
//! a form goes back to its page with the error's code if the visitor can put it right there, else it gets a page.

use super::errors;
use crate::router::AppState;
use app::error::{AppError, ErrorCode};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use http_body_util::LengthLimitError;
use leptos::context::provide_context;
use leptos::server_fn::error::{FromServerFnError, SERVER_FN_ERROR_HEADER};
use leptos_axum::handle_server_fns_with_context;
use tower_http::timeout::TimeoutError;
use url::Url;

/// Errors are a code in JSON.
const ERROR_LIMIT: usize = 4 * 1024;

/// Runs the server function that the path names.
pub async fn run(State(state): State<AppState>, request: Request) -> Response {
    if leptos::server_fn::axum::get_server_fn_service(request.uri().path(), request.method().clone()).is_none() {
        return StatusCode::NOT_FOUND.into_response();
    }
    let (parts, body) = request.into_parts();
    let form = match to_bytes(body, usize::MAX).await {
        Ok(form) => Body::from(form),
        Err(error) => return unreadable(&error).into_response(),
    };
    let shop = state.shop.clone();
    let response =
        handle_server_fns_with_context(move || provide_context(shop.clone()), Request::from_parts(parts.clone(), form))
            .await
            .into_response();
    if !response.headers().contains_key(SERVER_FN_ERROR_HEADER) {
        return response;
    }
    let (mut head, body) = response.into_parts();
    let error = to_bytes(body, ERROR_LIMIT).await.map_or(AppError::from(ErrorCode::Internal), AppError::de);
    if !errors::wants_page(&parts.headers) {
        head.status = StatusCode::from_u16(error.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        head.headers.remove(header::LOCATION);
        head.headers.remove(header::CONTENT_LENGTH);
        return Response::from_parts(head, Body::from(error.ser()));
    }
    if error.code == ErrorCode::SignedOut {
        // Back to the page afterwards; what was typed into its form is lost, which nobody has seen.
        let page = came_from(&state, &parts.headers).map(|page| with_query(&page));
        return Redirect::to(&app::context::sign_in_then(page.as_deref().unwrap_or("/admin"))).into_response();
    }
    let cookies: Vec<_> = head.headers.get_all(header::SET_COOKIE).iter().cloned().collect();
    let mut answer = match came_from(&state, &parts.headers).filter(|_| error.correctable()) {
        Some(page) => Redirect::to(&with_error(page, error)).into_response(),
        None => errors::page(&state, parts, error).await,
    };
    for cookie in cookies {
        answer.headers_mut().append(header::SET_COOKIE, cookie);
    }
    answer
}

/// Why a form could not be read: larger than the router's layers allow, slower than they do, or broken off.
fn unreadable(error: &axum::Error) -> StatusCode {
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return StatusCode::PAYLOAD_TOO_LARGE;
        }
        if error.is::<TimeoutError>() {
            return StatusCode::REQUEST_TIMEOUT;
        }
        cause = error.source();
    }
    StatusCode::BAD_REQUEST
}

/// The page of ours that the form stood on.
fn came_from(state: &AppState, headers: &HeaderMap) -> Option<Url> {
    let referer = Url::parse(headers.get(header::REFERER)?.to_str().ok()?).ok()?;
    let ours = Url::parse(state.shop.base_url()).ok()?;
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let same =
        referer.origin() == ours.origin() || host.is_some_and(|host| Some(host) == authority(&referer).as_deref());
    same.then_some(referer)
}

fn with_query(page: &Url) -> String {
    page.query().map_or_else(|| page.path().to_owned(), |query| format!("{}?{query}", page.path()))
}

fn authority(url: &Url) -> Option<String> {
    let host = url.host_str()?;
    Some(url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}")))
}

/// The page's path and query with the error's code, instead of an earlier one.
fn with_error(mut page: Url, error: AppError) -> String {
    let kept: Vec<(String, String)> = page
        .query_pairs()
        .filter(|(key, _)| key != "error" && key != "removed" && key != "done")
        .map(|(key, value)| (key.into_owned(), value.into_owned()))
        .collect();
    page.query_pairs_mut().clear().extend_pairs(kept).append_pair("error", error.code.as_str());
    let path = page.path().trim_start_matches('/');
    format!("/{path}?{}", page.query().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_code_replaces_an_earlier_one() {
        let page = Url::parse("http://h/cart?error=busy&x=1&removed=emma").unwrap();
        assert_eq!(with_error(page, ErrorCode::CartChanged.into()), "/cart?x=1&error=cart-changed");
        let sneaky = Url::parse("http://h//evil.example/").unwrap();
        assert_eq!(with_error(sneaky, ErrorCode::CartFull.into()), "/evil.example/?error=cart-full");
    }
}
