//! What a request brings to the desk: who is signed in, and where to go afterwards.

use super::{client_ip, parts, see_other, set_cookie, shop};
use crate::error::{AppError, ErrorCode};
use axum::http::request::Parts;
use axum::http::uri::PathAndQuery;
use axum::http::{HeaderMap, Method, header};
use leptos::prelude::{provide_context, use_context};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use shop::staff::{Device, SignIn, SignedIn, Staff};
use shop::types::Role;
use shop::{DeviceSecret, StaffSecret};

/// What may stand in a query's value as it is.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'/');

/// The guard: the first line of every page and every server function of the desk. Whoever is signed in, if that is at
/// least a `least`.
///
/// # Errors
/// [`ErrorCode::SignedOut`], which becomes the way to the sign-in; [`ErrorCode::NotAllowed`].
pub async fn staff(least: Role) -> Result<Staff, AppError> {
    let shop = shop()?;
    let automatic = use_context::<Parts>().is_some_and(|parts| is_automatic(&parts.method, &parts.headers));
    let staff = match staff_secret() {
        Some(secret) if automatic => shop.staff_unnoted(&secret).await?,
        Some(secret) => shop.staff(&secret).await?,
        None => None,
    };
    let staff = staff.ok_or(ErrorCode::SignedOut)?;
    if staff.role < least {
        return Err(ErrorCode::NotAllowed.into());
    }
    // For the frame, which says who is signed in.
    provide_context(staff.clone());
    Ok(staff)
}

/// Whether a page asks by itself and not somebody who is sitting before it: that does not keep a session alive. Our own
/// scripts say so; whoever says so untruly is signed out sooner.
fn is_automatic(method: &Method, headers: &HeaderMap) -> bool {
    (method == Method::GET || method == Method::HEAD) && headers.contains_key("x-automatic")
}

/// The session's secret, if the browser has one.
#[must_use]
pub fn staff_secret() -> Option<StaffSecret> {
    use_context::<Parts>()?.extensions.get::<StaffSecret>().cloned()
}

/// From where, and with what, somebody wants to come in.
///
/// # Errors
/// Internal, if the router's layer is missing.
pub fn staff_device() -> Result<Device, AppError> {
    let parts = parts()?;
    let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    Ok(Device {
        ip: client_ip()?,
        user_agent: agent.to_owned(),
        known: parts.extensions.get::<DeviceSecret>().cloned(),
        session: parts.extensions.get::<StaffSecret>().cloned(),
    })
}

/// Keeps a session, in place of what the browser may have had.
///
/// # Errors
/// Internal, if there is no response to put the cookies on.
pub fn keep_staff(opened: &SignedIn) -> Result<(), AppError> {
    let https = shop()?.is_https();
    set_cookie(&opened.session.set_cookie(https))?;
    set_cookie(&opened.device.set_cookie(https))
}

/// Has the browser be known from now on, without anybody being signed in.
///
/// # Errors
/// Internal, if there is no response to put the cookie on.
pub fn keep_device(device: &DeviceSecret) -> Result<(), AppError> {
    set_cookie(&device.set_cookie(shop()?.is_https()))
}

/// Keeps what comes of a right password, and goes on: to the page that was asked for, or to the question for the code.
///
/// # Errors
/// Internal, if there is no response to put the cookies on.
pub fn go_on_after(sign_in: &SignIn, next: &str) -> Result<(), AppError> {
    match sign_in {
        SignIn::Done(opened) => {
            keep_staff(opened)?;
            see_other(desk_way_back(next).unwrap_or("/admin"));
        }
        SignIn::CodeNeeded(secret) => {
            set_cookie(&secret.set_cookie(shop()?.is_https()))?;
            see_other(&sign_in_then(next));
        }
    }
    Ok(())
}

/// Takes the session away. The browser stays known.
///
/// # Errors
/// Internal, if there is no response to put the cookie on.
pub fn forget_staff() -> Result<(), AppError> {
    set_cookie(&StaffSecret::clear_cookie(shop()?.is_https()))
}

/// Whether the request is for a page of the desk.
#[must_use]
pub fn is_desk() -> bool {
    let path = use_context::<Parts>().map(|parts| parts.uri.path().to_owned()).unwrap_or_default();
    path == "/admin" || path.starts_with("/admin/")
}

/// Makes the page that is being rendered the way to the sign-in, and from there back to it.
pub fn send_to_sign_in() {
    let Some(parts) = use_context::<Parts>() else { return };
    let wants_page = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    if parts.method == Method::GET && wants_page.is_some_and(|types| types.contains("text/html")) {
        see_other(&sign_in_then(parts.uri.path_and_query().map_or("/admin", PathAndQuery::as_str)));
    }
}

/// The sign-in's address, with the page to go to afterwards.
#[must_use]
pub fn sign_in_then(next: &str) -> String {
    match desk_way_back(next) {
        Some("/admin") | None => "/admin/login".to_owned(),
        Some(next) => format!("/admin/login?next={}", utf8_percent_encode(next, VALUE)),
    }
}

/// Where the sign-in's address says to go afterwards. Read from the address itself: `leptos_router` decodes a query's value
/// twice, and this one has a query of its own.
#[must_use]
pub fn next_of_sign_in() -> Option<String> {
    next_in_query().filter(|next| desk_way_back(next).is_some())
}

/// The value of `next` in the address, decoded once.
pub(super) fn next_in_query() -> Option<String> {
    let parts = use_context::<Parts>()?;
    let value = parts.uri.query()?.split('&').find_map(|pair| pair.strip_prefix("next="))?;
    Some(percent_decode_str(value).decode_utf8().ok()?.into_owned())
}

/// A text as the value of a query.
#[must_use]
pub fn in_query(text: &str) -> String {
    utf8_percent_encode(text, VALUE).to_string()
}

/// The page of the desk that somebody was sent away from to sign in. It comes from the outside, so it is a path under
/// `/admin` with letters that mean nothing to any browser, and none of the pages on the way in.
#[must_use]
pub fn desk_way_back(next: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./?=&%+,:~".contains(c);
    let path = next.split('?').next().unwrap_or_default();
    let known = path == "/admin" || path.starts_with("/admin/");
    let way_in = ["/admin/login", "/admin/setup", "/admin/password"].contains(&path);
    let odd = next.contains("//") || path.contains("..") || path.contains('%') || next.matches('?').count() > 1;
    (known && !way_in && !odd && next.len() <= 400 && next.chars().all(plain)).then_some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn row_41_the_way_back_to_the_desk_is_a_page_of_the_desk_or_none() {
        for next in ["/admin", "/admin/books", "/admin/orders?q=ann%40example.org&page=2", "/admin/orders/ABCDE-FGHJK"]
        {
            assert_eq!(desk_way_back(next), Some(next));
        }
        assert_eq!(sign_in_then("/admin/orders?q=a&x=1"), "/admin/login?next=/admin/orders%3Fq%3Da%26x%3D1");
        assert_eq!(sign_in_then("/admin"), "/admin/login");
        let mut odd: Vec<String> = [
            "",
            "/",
            "admin",
            "//admin",
            "/admin//evil.example",
            "/adminx",
            "/admin.evil.example",
            "/admin@evil.example",
            "/admin/../cart",
            "/admin/..",
            "/admin/%2e%2e/cart",
            "/admin/%2f%2fevil.example",
            "/admin\\evil.example",
            "/admin/\\evil.example",
            "/admin/x#y",
            "/admin/x y",
            "/admin/x\r\nSet-Cookie: a=b",
            "/admin/x\0",
            " /admin",
            "\t/admin",
            "./admin",
            "/Admin",
            "javascript:alert(1)",
            "data:text/html,x",
            "/actions/admin-sign-out",
            "/admin/é",
            "/admin/login",
            "/admin/login?next=/admin",
            "/admin/setup",
            "/admin/password",
            "/admin/x?a?b",
            "/admin/x?next=//evil.example",
            "/admin/x?next=https://evil.example",
            "/library",
            "/d/x",
        ]
        .map(String::from)
        .to_vec();
        odd.push(format!("/admin/{}", "a".repeat(400)));
        for host in ["evil.example", "//evil.example", "\\\\evil.example", "@evil.example", "evil.example:80"] {
            for form in ["H", "https://H", "http:H", "/H", "H/admin", "https://H/admin"] {
                odd.push(form.replace('H', host));
            }
        }
        assert!(odd.len() >= 60, "{}", odd.len());
        for next in odd {
            assert_eq!(desk_way_back(&next), None, "{next:?}");
            assert_eq!(sign_in_then(&next), "/admin/login");
        }
    }
}
