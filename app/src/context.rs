//! What a request brings: the shop, the session's cart, the browser's secret, the theme. Pages and server functions
//! ask here; nothing else touches cookies, headers or the session.

mod desk;

pub use desk::{
    desk_way_back, forget_staff, go_on_after, in_query, is_desk, keep_device, keep_staff, next_of_sign_in,
    send_to_sign_in, sign_in_then, staff, staff_device, staff_secret,
};

use crate::api::Theme;
use crate::error::{AppError, internal};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use leptos::prelude::use_context;
use leptos::server_fn::redirect::REDIRECT_HEADER;
use leptos_axum::ResponseOptions;
use percent_encoding::percent_decode_str;
use shop::cart::Cart;
use shop::types::{Currency, pdf_address};
use shop::{BrowserSecret, BuyerSecret, ClientIp, Keys, Shop};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, PoisonError};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tower_sessions::Session;

/// The session's key for the cart.
const CART: &str = "cart";
/// The cookie that keeps the theme.
const THEME: &str = "theme";
/// The cookie that keeps the currency.
const CURRENCY: &str = "currency";

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

async fn read_cart(session: &Session) -> Result<Cart, AppError> {
    let kept = session.get::<Cart>(CART).await.map_err(|error| internal(&error))?;
    match kept {
        Some(cart) if cart.count() > 0 => Ok(cart),
        // An empty one has no currency to keep to.
        _ => Ok(Cart::new(currency_or_own()?)),
    }
}

/// The visitor's cart, for looking at. A visitor without one has an empty one, and no session because of it.
///
/// # Errors
/// Internal, if the session cannot be read.
pub async fn cart() -> Result<Cart, AppError> {
    read_cart(&session()?).await
}

/// How many titles are in the cart; none where there is no session (an error page for a refused request).
pub async fn cart_count() -> usize {
    let session = use_context::<Parts>().and_then(|parts| parts.extensions.get::<Session>().cloned());
    match session {
        Some(session) => read_cart(&session).await.map_or(0, |cart| cart.count()),
        None => 0,
    }
}

/// The cart, held against every other request of the same session until this one is answered.
pub struct HeldCart {
    /// To be changed, then [saved](HeldCart::save).
    pub cart: Cart,
    session: Session,
}

/// What a request holds until it is answered. The session's layer writes a changed session once more after the handler
/// has returned, so a hold that ended with the handler would let that write undo another request's change.
#[derive(Clone, Debug, Default)]
pub struct Holds(Arc<std::sync::Mutex<Vec<OwnedMutexGuard<()>>>>);

impl Holds {
    /// Lets go of everything: the answer is complete.
    pub fn release(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<OwnedMutexGuard<()>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sessions that change their cart at the same moment share these locks by the hash of their id.
static STRIPES: LazyLock<Vec<Arc<Mutex<()>>>> = LazyLock::new(|| (0..64).map(|_| Arc::default()).collect());

/// Takes hold of the cart and reads it afresh, so that two tabs that add a book at once lose neither. (Two machines
/// behind one load balancer still could; the visitor sees it in the cart and adds the book again.)
///
/// # Errors
/// Internal, if the session cannot be read.
pub async fn hold_cart() -> Result<HeldCart, AppError> {
    let session = session()?;
    let holds = parts()?.extensions.get::<Holds>().cloned().ok_or_else(|| internal(&"no layer holds the session"))?;
    if let Some(id) = session.id() {
        let mut hasher = DefaultHasher::new();
        id.hash(&mut hasher);
        let stripe = usize::try_from(hasher.finish() % 64).unwrap_or_default();
        let held_already = !holds.lock().is_empty();
        if let (false, Some(lock)) = (held_already, STRIPES.get(stripe)) {
            let held = Arc::clone(lock).lock_owned().await;
            holds.lock().push(held);
        }
        session.load().await.map_err(|error| internal(&error))?;
    }
    let cart = read_cart(&session).await?;
    Ok(HeldCart { cart, session })
}

impl HeldCart {
    /// Leaves nothing in the cart.
    ///
    /// # Errors
    /// Internal, if there is no shop.
    pub fn clear(&mut self) -> Result<(), AppError> {
        self.cart = Cart::new(currency_or_own()?);
        Ok(())
    }

    /// Keeps the changed cart. Returns how many titles are in it.
    ///
    /// # Errors
    /// Internal, if the session cannot be written.
    pub async fn save(self) -> Result<usize, AppError> {
        self.session.insert(CART, &self.cart).await.map_err(|error| internal(&error))?;
        self.session.save().await.map_err(|error| internal(&error))?;
        Ok(self.cart.count())
    }
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

/// The theme that the visitor chose.
#[must_use]
pub fn theme() -> Theme {
    use_context::<Parts>().map(|parts| theme_of(&parts.headers)).unwrap_or_default()
}

/// The theme in a request's cookies.
#[must_use]
pub fn theme_of(headers: &HeaderMap) -> Theme {
    let cookies = headers.get_all(header::COOKIE);
    cookies.iter().filter_map(|value| value.to_str().ok()).find_map(theme_in).unwrap_or_default()
}

/// The currency of the page: what the visitor chose, if the store sells in it, else the store's own. None without a shop.
#[must_use]
pub fn currency() -> Option<Currency> {
    let shop = shop().ok()?;
    Some(use_context::<Parts>().map_or_else(|| shop.currency(), |parts| currency_of(&parts.headers, &shop)))
}

/// The same, with the error of a missing shop.
///
/// # Errors
/// Internal, if the router forgot to provide it.
pub fn currency_or_own() -> Result<Currency, AppError> {
    currency().map_or_else(|| shop().map(|shop| shop.currency()), Ok)
}

/// The currency in a request's cookies, if the store sells in it, else the store's own.
#[must_use]
pub fn currency_of(headers: &HeaderMap, shop: &Shop) -> Currency {
    let cookies = headers.get_all(header::COOKIE);
    let mut chosen =
        cookies.iter().filter_map(|value| value.to_str().ok()).filter_map(|text| cookie_in(text, CURRENCY));
    chosen.find_map(|code| shop.sells_in(code)).unwrap_or_else(|| shop.currency())
}

/// Keeps the currency for a year.
///
/// # Errors
/// Internal, if there is no response to put the cookie on.
pub fn keep_currency(currency: Currency) -> Result<(), AppError> {
    let secure = if shop()?.is_https() { "; Secure" } else { "" };
    set_cookie(&format!("{CURRENCY}={}; Path=/; Max-Age=31536000; SameSite=Lax{secure}", currency.code()))
}

fn cookie_in<'a>(cookies: &'a str, wanted: &str) -> Option<&'a str> {
    let mut pairs = cookies.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == wanted).map(|(_, value)| value)
}

fn theme_in(cookies: &str) -> Option<Theme> {
    cookie_in(cookies, THEME).and_then(Theme::parse)
}

/// Keeps the theme for a year.
///
/// # Errors
/// Internal, if there is no response to put the cookie on.
pub fn keep_theme(theme: Theme) -> Result<(), AppError> {
    let secure = if shop()?.is_https() { "; Secure" } else { "" };
    set_cookie(&format!("{THEME}={}; Path=/; Max-Age=31536000; SameSite=Lax{secure}", theme.as_str()))
}

fn set_cookie(cookie: &str) -> Result<(), AppError> {
    let value = HeaderValue::from_str(cookie).map_err(|error| internal(&error))?;
    response()?.append_header(header::SET_COOKIE, value);
    Ok(())
}

/// The page that the visitor came from: path and query of the `Referer`, never another site.
#[must_use]
pub fn came_from() -> String {
    let referer = use_context::<Parts>().and_then(|parts| parts.headers.get(header::REFERER).cloned());
    referer.as_ref().and_then(|value| value.to_str().ok()).map(local_part).unwrap_or_else(|| "/".to_owned())
}

/// Path and query of a URL as a path of this site: exactly one slash in front, or a browser could read the rest as the
/// name of another host.
fn local_part(url: &str) -> String {
    let after_scheme = url.split_once("://").map_or("", |(_, rest)| rest);
    let path = after_scheme.find('/').map_or("", |at| after_scheme.get(at..).unwrap_or_default());
    let path = path.split('#').next().unwrap_or_default();
    format!("/{}", path.trim_start_matches(['/', '\\']))
}

/// The page that a visitor was sent away from to open a library, to go back to afterwards. It comes from the outside, so it is
/// one of the few pages that this happens on, and made of letters that mean nothing to any browser.
#[must_use]
pub fn way_back(next: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let named = ["/d/", "/orders/"].iter().find_map(|page| next.strip_prefix(page));
    let known = named.is_some_and(|name| !name.is_empty() && name.chars().all(plain)) || next == "/library";
    (known && next.len() <= 100 || is_document(next)).then_some(next)
}

/// Whether this is the address of a document exactly as the store writes it. A number may have letters that mean something in an
/// address (`R/2026/5`); there they are encoded, and no other way of writing them counts. What could be read as the parent of a
/// folder, or as a host, is in no number that anybody uses.
fn is_document(address: &str) -> bool {
    let name = address.strip_prefix("/invoices/").and_then(|name| name.strip_suffix(".pdf"));
    let number = name.and_then(|name| percent_decode_str(name).decode_utf8().ok());
    number.is_some_and(|number| {
        let usual = |c: char| c.is_ascii_alphanumeric() || " -_./#()".contains(c);
        let odd = number.is_empty() || number.contains("..") || number.contains("//");
        !odd && number.len() <= 60 && number.chars().all(usual) && pdf_address(&number) == address
    })
}

/// A page's address that remembers where to go back to.
#[must_use]
pub fn with_next(page: &str, next: &str) -> String {
    way_back(next).map_or_else(|| page.to_owned(), |next| format!("{page}?next={}", in_query(next)))
}

/// Where the address of the library's door says to go afterwards. Read from the address itself, as at the desk's door.
#[must_use]
pub fn next_of_library() -> Option<String> {
    desk::next_in_query().filter(|next| way_back(next).is_some())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_back_never_leaves_the_shop() {
        for (referer, path) in [
            ("https://shop.example/books/emma", "/books/emma"),
            ("https://shop.example/checkout/success?session_id=cs_1", "/checkout/success?session_id=cs_1"),
            ("https://shop.example/orders/A#secret", "/orders/A"),
            ("https://shop.example", "/"),
            ("https://evil.example//other.example/x", "/other.example/x"),
            ("https://evil.example/\\/other.example", "/other.example"),
            ("javascript:alert(1)", "/"),
            ("", "/"),
        ] {
            assert_eq!(local_part(referer), path);
        }
    }

    #[test]
    fn row_41_the_way_back_is_one_of_our_pages_or_none() {
        for next in ["/d/dl_AbC-_9", "/orders/ABCDE-FGHJK", "/library", "/invoices/INV-2026-00001.pdf"] {
            assert_eq!(way_back(next), Some(next));
        }
        for number in ["R/2026/00005", "2026.5", "No. 5 (2026) #1", "/2026/5", "a/b/c/2026-1", "2026/5/"] {
            let next = pdf_address(number);
            assert_eq!(way_back(&next), Some(next.as_str()));
        }
        let next = "/invoices/R%2F2026%2F5.pdf";
        assert_eq!(with_next("/library", next), "/library?next=/invoices/R%252F2026%252F5.pdf");
        assert_eq!(with_next("/library/sent", "/orders/ABCDE-FGHJK"), "/library/sent?next=/orders/ABCDE-FGHJK");
        let long = format!("/d/{}", "a".repeat(100));
        let hosts = [
            "evil.example",
            "//evil.example",
            "\\\\evil.example",
            "%2f%2fevil.example",
            "@evil.example",
            "evil.example:80",
        ];
        let mut odd: Vec<String> = vec![
            String::new(),
            "/".into(),
            "/d/".into(),
            "/d".into(),
            "/orders/".into(),
            "/cart".into(),
            "/library/".into(),
            "/library?next=/d/x".into(),
            "/d/x/claim".into(),
            "/d/x?y".into(),
            "/d/x#y".into(),
            "/d/../cart".into(),
            "/d/..".into(),
            "/d/%2e%2e".into(),
            "/d/x y".into(),
            "/d/x\r\nSet-Cookie: a=b".into(),
            "/d/x\0".into(),
            " /d/x".into(),
            "\t/d/x".into(),
            "d/x".into(),
            "./d/x".into(),
            "/D/x".into(),
            "/d//x".into(),
            "/d/\\x".into(),
            "javascript:alert(1)".into(),
            "data:text/html,x".into(),
            "/actions/sign-out".into(),
            "/d/é".into(),
            "/invoices/.pdf".into(),
            "/invoices/../cart.pdf".into(),
            "/invoices/x.html".into(),
            "/invoices/R/2026/5.pdf".into(),
            "/invoices//evil.example/5.pdf".into(),
            "/invoices/\\evil.example/5.pdf".into(),
            "/invoices/%5Cevil.example%5C5.pdf".into(),
            "/invoices/%2F%2Fevil.example%2F5.pdf".into(),
            "/invoices/%2f%2fevil.example%2f5.pdf".into(),
            "/invoices/%2F..%2F5.pdf".into(),
            "/invoices/..%2Fcart.pdf".into(),
            "/invoices/%2e%2e%2fcart.pdf".into(),
            "/invoices/%252F%252Fevil.example.pdf".into(),
            "/invoices/R%2f2026%2f5.pdf".into(),
            "/invoices/%522026-5.pdf".into(),
            "/invoices/2026-5%.pdf".into(),
            "/invoices/2026-5%2.pdf".into(),
            "/invoices/2026-5%00.pdf".into(),
            "/invoices/2026-5%0D%0ASet-Cookie:%20a=b.pdf".into(),
            "/invoices/2026-5%FF.pdf".into(),
            "/invoices/2026-5.pdf?x.pdf".into(),
            "/invoices/2026-5.pdf#x.pdf".into(),
            "/invoices/user%40evil.example.pdf".into(),
            "//invoices/2026-5.pdf".into(),
            "/\\invoices/2026-5.pdf".into(),
            format!("/invoices/{}.pdf", "5".repeat(61)),
            long,
        ];
        for host in hosts {
            for form in ["H", "https://H", "http:H", "/d/H", "/d/@H", "/orders/https://H", "/orders/H/x"] {
                let next = form.replace('H', host);
                // A name with a dot in it is no page of ours; without one there is none here.
                odd.push(next);
            }
        }
        assert!(odd.len() >= 60);
        for next in odd {
            assert_eq!(way_back(&next), None, "{next:?}");
            assert_eq!(with_next("/library/sent", &next), "/library/sent");
        }
    }

    #[test]
    fn the_theme_is_found_among_other_cookies() {
        assert_eq!(theme_in("id=1; theme=dark"), Some(Theme::Dark));
        assert_eq!(theme_in("mytheme=dark; theme=purple"), None);
        assert_eq!(theme_in(""), None);
    }
}
