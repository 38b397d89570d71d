//! What every request passes through: who asks, from where, and the headers that every answer has.

use crate::router::AppState;
use app::context::Holds;
use axum::extract::{ConnectInfo, Request, State};
use axum::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use axum::http::{Method, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use ipnet::IpNet;
use shop::{BrowserSecret, BuyerSecret, ClientIp, DeviceSecret, Shop, StaffSecret};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;

/// The two inline scripts that Leptos appends to every page in islands mode, as CSP hashes. They are constant as long as
/// no island holds a `Resource` or an `ErrorBoundary`; the Chromium tests fail on a violation.
const LEPTOS_SCRIPTS: &str =
    "'sha256-2e+rGxtst+bbxdLf6Dp32aL0uyPdikvr0awq53hVU58=' 'sha256-PEoA+SZ6ZbFCusLsUEMftpXvTp6Abhw9kvgQnCC8l3U='";

/// Puts the client's address and the browser's secrets where pages and routes find them.
pub async fn identify(State(state): State<Arc<AppState>>, mut request: Request, next: Next) -> Response {
    let peer = request
        .extensions()
        .get::<ConnectInfo<SocketAddr>>()
        .map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |info| info.0.ip());
    let ip = client_ip(peer, request.headers(), &state.trusted_proxies);
    request.extensions_mut().insert(ClientIp(ip));
    if let Some(secret) = browser_secret(&state.shop, request.headers()) {
        request.extensions_mut().insert(secret);
    }
    let library = BuyerSecret::cookie_name(state.shop.is_https());
    if let Some(secret) = cookie(request.headers(), library).and_then(BuyerSecret::parse) {
        request.extensions_mut().insert(secret);
    }
    let https = state.shop.is_https();
    if let Some(secret) = cookie(request.headers(), StaffSecret::cookie_name(https)).and_then(StaffSecret::parse) {
        request.extensions_mut().insert(secret);
    }
    if let Some(device) = cookie(request.headers(), DeviceSecret::cookie_name(https)).and_then(DeviceSecret::parse) {
        request.extensions_mut().insert(device);
    }
    next.run(request).await
}

/// The rightmost hop that is not one of our proxies; `X-Forwarded-For` from anybody else is only a claim.
fn client_ip(peer: IpAddr, headers: &HeaderMap, proxies: &[IpNet]) -> IpAddr {
    let trusted = |ip: &IpAddr| proxies.iter().any(|net| net.contains(&ip.to_canonical()));
    let mut client = peer;
    let hops = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = hops.flat_map(|value| value.split(',')).map(str::trim).collect();
    for hop in hops.iter().rev() {
        if !trusted(&client) {
            break;
        }
        match hop.parse() {
            Ok(ip) => client = ip,
            Err(_) => break,
        }
    }
    client.to_canonical()
}

/// The secret in the browser's cookie, if it has one of the right form.
pub fn browser_secret(shop: &Shop, headers: &HeaderMap) -> Option<BrowserSecret> {
    cookie(headers, BrowserSecret::cookie_name(shop.is_https())).and_then(BrowserSecret::parse)
}

/// The value of the first cookie of that name.
fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// Keeps what the request holds of its session until the session's layer, which is inside of this one, has written it.
pub async fn hold_session(mut request: Request, next: Next) -> Response {
    let holds = Holds::default();
    request.extensions_mut().insert(holds.clone());
    let response = next.run(request).await;
    holds.release();
    response
}

/// Refuses a change that no browser vouches for. The layer below this one compares `Sec-Fetch-Site` and `Origin`; a
/// request with neither would pass it, and every browser that can use this store sends one of them with a POST.
pub async fn require_origin(request: Request, next: Next) -> Response {
    let safe = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let vouched = request.headers().contains_key("sec-fetch-site") || request.headers().contains_key(header::ORIGIN);
    if safe || vouched { next.run(request).await } else { StatusCode::FORBIDDEN.into_response() }
}

/// The headers of every answer.
pub async fn security_headers(State(state): State<Arc<AppState>>, request: Request, next: Next) -> Response {
    let path = request.uri().path();
    // Pages with a buyer's links on them are nothing for the browser's disk.
    let private =
        ["/orders/", "/d/", "/checkout/", "/demo/", "/library", "/admin"].iter().any(|start| path.starts_with(start));
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let is_html = headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/html"));
    if is_html && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static(if private { "private, no-store" } else { "private, no-cache" }),
        );
    }
    for (name, value) in state.headers.iter() {
        if !headers.contains_key(name) {
            headers.insert(name.clone(), value.clone());
        }
    }
    response
}

/// The constant part of [`security_headers`]. `form_origins` are where a checkout form and a download button may lead to:
/// browsers apply `form-action` to the redirects after a form as well.
#[must_use]
pub fn constant_headers(https: bool, form_origins: &[String]) -> HeaderMap {
    let csp = format!(
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval' {LEPTOS_SCRIPTS}; style-src 'self'; style-src-attr 'unsafe-inline'; \
         img-src 'self' data:; font-src 'self'; connect-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; \
         form-action 'self' {}",
        form_origins.join(" ")
    );
    let mut headers = HeaderMap::new();
    if let Ok(csp) = HeaderValue::from_str(csp.trim_end()) {
        headers.insert(header::CONTENT_SECURITY_POLICY, csp);
    }
    // Not `no-referrer`: the way back to the form after an error reads it.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin"));
    headers.insert(
        HeaderName::from_static("permissions-policy"),
        HeaderValue::from_static("camera=(), geolocation=(), microphone=()"),
    );
    if https {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_forwarded_address_is_believed_from_a_trusted_proxy_only() {
        let proxies: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap()];
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        let resolve = |peer: &str, forwarded: &[&str]| {
            let mut headers = HeaderMap::new();
            for value in forwarded {
                headers.append("x-forwarded-for", HeaderValue::from_str(value).unwrap());
            }
            client_ip(ip(peer), &headers, &proxies)
        };
        assert_eq!(resolve("203.0.113.9", &["1.2.3.4"]), ip("203.0.113.9"));
        assert_eq!(resolve("10.0.0.1", &["1.2.3.4"]), ip("1.2.3.4"));
        assert_eq!(resolve("10.0.0.1", &["6.6.6.6, 1.2.3.4, 10.0.0.2"]), ip("1.2.3.4"));
        assert_eq!(resolve("10.0.0.1", &["6.6.6.6", "1.2.3.4"]), ip("1.2.3.4"));
        assert_eq!(resolve("10.0.0.1", &["1.2.3.4, garbage"]), ip("10.0.0.1"));
        assert_eq!(resolve("10.0.0.1", &[]), ip("10.0.0.1"));
    }
}
