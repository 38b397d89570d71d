//! Pages that are the same for everybody without a cart: kept as they were sent, for as long as no book changes.
//!
//! Anonymous means: no session cookie. Such a visitor's catalogue and book pages depend on the URL, the theme, the currency,
//! the encoding and the books; so that is the key, with the database's content version for the books (raised by triggers
//! with every change, whoever makes it). The version is read again at most every [`Settings::recheck`], by the first
//! request that finds it old: a change is on every page that late at the latest, in every process.

use crate::session_store;
use app::context;
use axum::Router;
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use quick_cache::Weighter;
use quick_cache::sync::Cache;
use sha2::{Digest as _, Sha256};
use shop::Shop;
use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tower::ServiceExt as _;

/// How pages are kept.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// Bytes of pages, as they are sent; a page of 24 books has about 3 KB.
    pub bytes: u64,
    /// How old the known content version may be.
    pub recheck: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { bytes: 12 * 1024 * 1024, recheck: Duration::from_secs(1) }
    }
}

/// Of a page's size: for the cache to reserve room for as many.
const TYPICAL: u64 = 4 * 1024;
/// Beside its body, a page costs its headers.
const HEADERS: u64 = 1_024;

/// Query parameters that say where a visitor comes from and change nothing.
const TRACKING: [&str; 6] = ["fbclid", "gclid", "msclkid", "mc_cid", "mc_eid", "igshid"];

/// The kept pages; cheap to clone.
#[derive(Clone)]
pub struct PageCache(Arc<Inner>);

struct Inner {
    shop: Shop,
    session: &'static str,
    pages: Cache<Key, Arc<Page>, Bytewise>,
    recheck: Duration,
    started: Instant,
    /// Milliseconds after `started` when the version was last asked for, plus one; 0: never.
    asked: AtomicU64,
    version: AtomicI64,
}

/// What an answer is kept under.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Key {
    version: i64,
    /// Encoding, theme, currency, path and query.
    name: String,
}

struct Page {
    headers: HeaderMap,
    body: Bytes,
}

#[derive(Clone)]
struct Bytewise;

impl Weighter<Key, Arc<Page>> for Bytewise {
    fn weight(&self, key: &Key, page: &Arc<Page>) -> u64 {
        HEADERS + key.name.len() as u64 + page.body.len() as u64
    }
}

impl std::fmt::Debug for PageCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PageCache").field("pages", &self.0.pages.len()).finish_non_exhaustive()
    }
}

impl PageCache {
    /// An empty cache of this shop's pages.
    #[must_use]
    pub fn new(shop: &Shop, settings: Settings) -> Self {
        let items = usize::try_from(settings.bytes / TYPICAL).unwrap_or(usize::MAX).max(1);
        Self(Arc::new(Inner {
            shop: shop.clone(),
            session: session_store::cookie_name(shop),
            pages: Cache::with_weighter(items, settings.bytes, Bytewise),
            recheck: settings.recheck,
            started: Instant::now(),
            asked: AtomicU64::new(0),
            version: AtomicI64::new(0),
        }))
    }

    /// The content version, read again if it is old. None if the database does not answer.
    async fn version(&self) -> Option<i64> {
        let inner = &self.0;
        let now = u64::try_from(inner.started.elapsed().as_millis()).unwrap_or(u64::MAX).saturating_add(1);
        let asked = inner.asked.load(Ordering::Acquire);
        let recheck = u64::try_from(inner.recheck.as_millis()).unwrap_or(u64::MAX);
        if asked != 0 && recheck != 0 && now.saturating_sub(asked) < recheck {
            return Some(inner.version.load(Ordering::Acquire));
        }
        match inner.shop.content_version().await {
            Ok(version) => {
                // Answers may arrive out of order; the version only grows.
                let newest = inner.version.fetch_max(version, Ordering::AcqRel).max(version);
                inner.asked.fetch_max(now, Ordering::AcqRel);
                Some(newest)
            }
            Err(error) => {
                tracing::warn!(%error, "the content version could not be read");
                None
            }
        }
    }

    /// The key's name, if everybody without a cart is shown the same.
    fn name<B>(&self, request: &Request<B>) -> Option<String> {
        if *request.method() != Method::GET
            || !is_shared(request.uri())
            || has_cookie(request.headers(), self.0.session)
        {
            return None;
        }
        let mut name = String::with_capacity(96);
        let theme = context::theme_of(request.headers());
        let currency = context::currency_of(request.headers(), &self.0.shop);
        let (encoding, theme, path) = (encoding(request.headers()), theme.as_str(), request.uri().path());
        let _ = write!(name, "{encoding} {theme} {currency} {path}");
        for (i, pair) in pairs(request.uri()).filter(|(key, _)| !is_tracking(key)).enumerate() {
            let _ = write!(name, "{}{}={}", if i == 0 { '?' } else { '&' }, pair.0, pair.1);
        }
        Some(name)
    }
}

/// What is kept for a request.
#[derive(Debug)]
pub(crate) enum Found {
    /// The answer.
    Kept(Response),
    /// Nothing yet, but the answer may be kept under this key.
    Missing(Key),
    /// Nothing ever: what is shown depends on who asks.
    Nothing,
}

impl PageCache {
    /// The answer to a request, if it is kept.
    pub(crate) async fn look_up<B>(&self, request: &Request<B>) -> Found {
        let Some(name) = self.name(request) else { return Found::Nothing };
        // Read before the page is made: what is made from newer content than that is kept for the older version, and gone
        // at the next look; never the other way round.
        let Some(version) = self.version().await else { return Found::Nothing };
        let key = Key { version, name };
        match self.0.pages.get(&key) {
            Some(page) => Found::Kept(page.answer(request.headers().get(header::IF_NONE_MATCH))),
            None => Found::Missing(key),
        }
    }

    /// Has `inner` answer, and keeps the answer if it is a page.
    pub(crate) async fn make(&self, key: Key, mut request: Request, inner: Router) -> Response {
        let known = request.headers().get(header::IF_NONE_MATCH).cloned();
        // One encoding a key.
        let encoding = HeaderValue::from_static(encoding(request.headers()));
        request.headers_mut().insert(header::ACCEPT_ENCODING, encoding);
        let response = ask(inner, request).await;
        let html =
            response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        if response.status() != StatusCode::OK || !html || response.headers().contains_key(header::SET_COOKIE) {
            return response;
        }
        let (parts, body) = response.into_parts();
        let body = match to_bytes(body, usize::MAX).await {
            Ok(body) => body,
            Err(error) => {
                tracing::error!(%error, "a page broke off while it was made");
                return StatusCode::INTERNAL_SERVER_ERROR.into_response();
            }
        };
        let mut headers = parts.headers;
        let digest = Sha256::digest(&body);
        let mut tag = String::from("\"");
        for byte in digest.iter().take(16) {
            let _ = write!(tag, "{byte:02x}");
        }
        tag.push('"');
        if let Ok(tag) = HeaderValue::from_str(&tag) {
            headers.insert(header::ETAG, tag);
        }
        headers.insert(header::CONTENT_LENGTH, body.len().into());
        let page = Arc::new(Page { headers, body });
        self.0.pages.insert(key, Arc::clone(&page));
        page.answer(known.as_ref())
    }
}

/// Has the router answer.
pub(crate) async fn ask(inner: Router, request: Request) -> Response {
    match inner.oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

impl Page {
    fn answer(&self, known: Option<&HeaderValue>) -> Response {
        let tag = self.headers.get(header::ETAG);
        let same = match (known.and_then(|known| known.to_str().ok()), tag.and_then(|tag| tag.to_str().ok())) {
            (Some(known), Some(tag)) => known.split(',').any(|one| one.trim().trim_start_matches("W/") == tag),
            _ => false,
        };
        let mut response = Response::new(if same { Body::empty() } else { Body::from(self.body.clone()) });
        *response.headers_mut() = self.headers.clone();
        if same {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            for name in [header::CONTENT_LENGTH, header::CONTENT_TYPE, header::CONTENT_ENCODING] {
                response.headers_mut().remove(name);
            }
        }
        response
    }
}

/// Whether the URL is the catalogue's or a book's, with nothing in its query that could be meant for one visitor only.
fn is_shared(uri: &Uri) -> bool {
    let path = uri.path();
    let catalogue = path == "/";
    let book = path.strip_prefix("/books/").is_some_and(|slug| !slug.is_empty() && !slug.contains('/'));
    (catalogue || book)
        && pairs(uri).all(|(key, _)| is_tracking(key) || (catalogue && (key == "sort" || key == "after")))
}

fn pairs(uri: &Uri) -> impl Iterator<Item = (&str, &str)> {
    uri.query()
        .unwrap_or_default()
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
}

fn is_tracking(key: &str) -> bool {
    key.starts_with("utm_") || TRACKING.contains(&key)
}

fn has_cookie(headers: &HeaderMap, name: &str) -> bool {
    headers
        .get_all(header::COOKIE)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b';'))
        .any(|pair| pair.trim_ascii().strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&b'=')))
}

/// The best encoding that the client takes; which of several it would like more makes no difference to it.
fn encoding(headers: &HeaderMap) -> &'static str {
    let takes = |wanted: &str| {
        headers.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok()).any(|value| {
            value.split(',').any(|one| {
                let (name, weight) = one.split_once(';').unwrap_or((one, "q=1"));
                let refused = weight.trim().strip_prefix("q=").is_some_and(|q| q.trim_matches(['0', '.']).is_empty());
                name.trim().eq_ignore_ascii_case(wanted) && !refused
            })
        })
    };
    ["br", "gzip"].into_iter().find(|wanted| takes(wanted)).unwrap_or("identity")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_everybody_sees_is_shared() {
        for (uri, shared) in [
            ("/", true),
            ("/?sort=title&after=abc&utm_source=x", true),
            ("/?error=cart-full", false),
            ("/?sort=title&x=1", false),
            ("/books/emma", true),
            ("/books/emma?gclid=1", true),
            ("/books/emma?error=book-unavailable", false),
            ("/books/emma?sort=title", false),
            ("/books/", false),
            ("/books/a/b", false),
            ("/cart", false),
            ("/orders/ABCDE-FGHJK", false),
        ] {
            assert_eq!(is_shared(&Uri::from_static(uri)), shared, "{uri}");
        }
    }

    #[test]
    fn a_session_is_found_among_other_cookies() {
        let headers = |value: &'static str| HeaderMap::from_iter([(header::COOKIE, HeaderValue::from_static(value))]);
        assert!(has_cookie(&headers("theme=dark; octavo=1"), "octavo"));
        assert!(has_cookie(&headers("octavo="), "octavo"));
        assert!(!has_cookie(&headers("octavo-theme=1; xoctavo=2; theme=octavo"), "octavo"));
        assert!(!has_cookie(&HeaderMap::new(), "octavo"));
    }

    #[test]
    fn encodings_are_three() {
        let headers =
            |value: &'static str| HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(value))]);
        for (accepts, expected) in [
            ("gzip, deflate, br, zstd", "br"),
            ("gzip;q=1.0, br;q=0", "gzip"),
            ("br;q=0.000, gzip;q=0.0", "identity"),
            ("BR;q=0.5", "br"),
            ("*", "identity"),
            ("", "identity"),
        ] {
            assert_eq!(encoding(&headers(accepts)), expected, "{accepts}");
        }
    }
}
