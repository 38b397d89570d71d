//! Keeps other sites' pages from pressing the sandbox's buttons (cross-site request forgery).
//!
//! A browser says where a request comes from (`Sec-Fetch-Site`, or `Origin`); what comes from another
//! site is refused. Programs send neither and may do what they like: whoever can reach the sandbox may.

use axum::extract::Request;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

/// Refuses requests that change something and come from another site.
pub(crate) async fn same_site(request: Request, next: Next) -> Response {
    if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) || is_ours(request.headers()) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "This request comes from another site.\n").into_response()
}

fn is_ours(headers: &HeaderMap) -> bool {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    match (text(header::ORIGIN), text(header::HOST)) {
        (None, _) => true,
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, from)| from.eq_ignore_ascii_case(host)),
        (Some(_), None) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ours(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, value.parse().unwrap());
        }
        is_ours(&headers)
    }

    #[test]
    fn only_other_sites_pages_are_refused() {
        assert!(ours(&[]));
        assert!(ours(&[("sec-fetch-site", "same-origin")]) && ours(&[("sec-fetch-site", "none")]));
        assert!(!ours(&[("sec-fetch-site", "cross-site")]) && !ours(&[("sec-fetch-site", "same-site")]));
        assert!(ours(&[("origin", "http://127.0.0.1:1"), ("host", "127.0.0.1:1")]));
        for origin in ["http://127.0.0.1:2", "http://evil.example", "null"] {
            assert!(!ours(&[("origin", origin), ("host", "127.0.0.1:1")]), "{origin}");
        }
    }
}
