//! What a request brings: the shop, the session's cart, the browser's secret, the theme. Pages and server functions
//! ask here; nothing else touches cookies, headers or the session.

mod choice;
mod desk;
mod session_cart;
mod way;

pub use choice::{currency, currency_of, currency_or_own, keep_currency, keep_theme, theme, theme_of};
pub use desk::{
    desk_way_back, forget_staff, go_on_after, in_query, is_desk, keep_device, keep_staff, next_of_sign_in,
    send_to_sign_in, sign_in_then, staff, staff_device, staff_secret,
};
pub use session_cart::{HeldCart, Holds, cart, cart_count, hold_cart};
pub use way::{came_from, next_of_library, way_back, with_next};

use crate::error::{AppError, internal};
use axum::http::request::Parts;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use leptos::prelude::use_context;
use leptos::server_fn::redirect::REDIRECT_HEADER;
use leptos_axum::ResponseOptions;
use shop::{BrowserSecret, BuyerSecret, ClientIp, Keys, Shop};
use std::net::IpAddr;
use tower_sessions::Session;

/// The shop.
///
/// # Errors
/// Internal, if the router forgot to provide it.
pub fn shop() -> Result<Shop, AppError> {
    use_context::<Shop>().ok_or_else(|| internal(&"no shop in the context"))
}

fn parts() -> Result<Parts, AppError> {
    use_context::<Parts>().ok_or_else(|| internal(&"no request in the context"))
}

fn response() -> Result<ResponseOptions, AppError> {
    use_context::<ResponseOptions>().ok_or_else(|| internal(&"no response in the context"))
}

fn session() -> Result<Session, AppError> {
    parts()?.extensions.get::<Session>().cloned().ok_or_else(|| internal(&"no session layer"))
}

/// The secret of this browser, if it has one.
#[must_use]
pub fn browser() -> Option<BrowserSecret> {
    use_context::<Parts>()?.extensions.get::<BrowserSecret>().cloned()
}

/// By what this browser can show that it is the buyer's.
#[must_use]
pub fn keys() -> Keys {
    let parts = use_context::<Parts>();
    Keys { browser: browser(), buyer: parts.and_then(|parts| parts.extensions.get::<BuyerSecret>().cloned()) }
}

/// Keeps what opens a library, in place of what the browser may have had.
///
/// # Errors
/// Internal, if there is no response to put the cookie on.
pub fn keep_library(buyer: &BuyerSecret) -> Result<(), AppError> {
    set_cookie(&buyer.set_cookie(shop()?.is_https()))
}

/// Takes away what opened a library.
///
/// # Errors
/// Internal, if there is no response to put the cookie on.
pub fn forget_library() -> Result<(), AppError> {
    set_cookie(&BuyerSecret::clear_cookie(shop()?.is_https()))
}

/// The secret of this browser; one that has none is given one with the response.
///
/// # Errors
/// Internal, if there is no response to put the cookie on.
pub fn ensure_browser() -> Result<BrowserSecret, AppError> {
    let shop = shop()?;
    let secret = match browser() {
        Some(secret) => secret,
        None => shop.new_browser_secret(session()?.id().map(|id| id.to_string()).as_deref()),
    };
    // Also one that is known is set anew: its time begins with this checkout.
    set_cookie(&secret.set_cookie(shop.is_https()))?;
    Ok(secret)
}

/// Where the visitor connects from, as the router made it out.
///
/// # Errors
/// Internal, if the router's layer is missing.
pub fn client_ip() -> Result<IpAddr, AppError> {
    parts()?.extensions.get::<ClientIp>().map(|ip| ip.0).ok_or_else(|| internal(&"no client address"))
}

fn set_cookie(cookie: &str) -> Result<(), AppError> {
    let value = HeaderValue::from_str(cookie).map_err(|error| internal(&error))?;
    response()?.append_header(header::SET_COOKIE, value);
    Ok(())
}

/// Sends a plain form's visitor to `path` by GET. Any other caller only learns the address and keeps the answer.
pub fn see_other(path: &str) {
    let (Ok(parts), Ok(response)) = (parts(), response()) else { return };
    let Ok(location) = HeaderValue::from_str(path) else {
        internal(&"a redirect to an address that is no header value");
        return;
    };
    response.insert_header(header::LOCATION, location);
    let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if accept.is_some_and(|types| types.contains("text/html")) {
        response.set_status(StatusCode::SEE_OTHER);
    } else {
        response.insert_header(HeaderName::from_static(REDIRECT_HEADER), HeaderValue::from_static(""));
    }
}

/// Sets the status of the page that is being rendered.
pub fn set_status(status: u16) {
    if let (Ok(response), Ok(status)) = (response(), StatusCode::from_u16(status)) {
        response.set_status(status);
    }
}
