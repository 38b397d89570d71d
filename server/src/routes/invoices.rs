//! `GET /invoices/{number}.pdf`: a document, for who may open its order and for the desk; and the desk's example.

use super::content_disposition::attachment;
use crate::invoices as printing;
use app::context;
use axum::Extension;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use sha2::{Digest as _, Sha256};
use shop::invoices::Kept;
use shop::types::{Role, pdf_address};
use shop::{BrowserSecret, BuyerSecret, ErrorKind, Keys, Shop, StaffSecret};

/// The PDF. Who has shown nothing yet is led to the library and back, whether there is such a document or not; who has, and
/// may not see it, is told that it is not here.
pub async fn pdf(
    State(shop): State<Shop>,
    Path(name): Path<String>,
    browser: Option<Extension<BrowserSecret>>,
    buyer: Option<Extension<BuyerSecret>>,
    staff: Option<Extension<StaffSecret>>,
    headers: HeaderMap,
) -> Response {
    let Some(number) = name.strip_suffix(".pdf") else { return StatusCode::NOT_FOUND.into_response() };
    let keys = Keys { browser: browser.map(|Extension(secret)| secret), buyer: buyer.map(|Extension(secret)| secret) };
    let known = keys.buyer.is_some();
    match find(&shop, number, keys, staff.map(|Extension(secret)| secret)).await {
        Ok(Found::Document(kept)) => send(&shop, &kept, &headers).await,
        Ok(Found::Nothing) if !known => {
            let way = context::with_next("/library", &pdf_address(number));
            ([(header::CACHE_CONTROL, "private, no-store")], Redirect::to(&way)).into_response()
        }
        Ok(Found::Nothing | Found::NotForRole) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => refusal(&error),
    }
}

enum Found {
    Document(Box<Kept>),
    Nothing,
    /// Somebody of the desk who may not see buyers.
    NotForRole,
}

async fn find(shop: &Shop, number: &str, keys: Keys, staff: Option<StaffSecret>) -> Result<Found, shop::Error> {
    if let Some(kept) = shop.invoice_of_buyer(number, keys).await? {
        return Ok(Found::Document(Box::new(kept)));
    }
    let staff = match staff {
        Some(secret) => shop.staff(&secret).await?,
        None => None,
    };
    match staff {
        None => Ok(Found::Nothing),
        Some(staff) if staff.role < Role::Support => Ok(Found::NotForRole),
        Some(_) => Ok(match shop.invoice_at_desk(number).await? {
            Some(kept) => Found::Document(Box::new(kept)),
            None => Found::NotForRole,
        }),
    }
}

/// The PDF of a document that may be seen.
pub(crate) async fn send(shop: &Shop, kept: &Kept, headers: &HeaderMap) -> Response {
    match printing::pdf(shop, kept).await {
        Ok(pdf) => answer(&kept.document.number, pdf, headers),
        // Noted and logged: the order is as it is.
        Err(_) => StatusCode::SERVICE_UNAVAILABLE.into_response(),
    }
}

fn answer(number: &str, pdf: Bytes, headers: &HeaderMap) -> Response {
    let etag = format!("\"{}\"", hex::encode(Sha256::digest(&pdf)));
    let unchanged = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|tags| tags.to_str().ok())
        .is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == etag));
    let mut response = if unchanged { StatusCode::NOT_MODIFIED.into_response() } else { pdf.into_response() };
    let headers = response.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(&etag) {
        headers.insert(header::ETAG, etag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/pdf"));
    headers.insert(header::CONTENT_DISPOSITION, attachment(&format!("{}.pdf", number.replace('/', "-"))));
    response
}

fn refusal(error: &shop::Error) -> Response {
    match error.kind() {
        ErrorKind::Busy => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => {
            tracing::error!(%error, "a document could not be read");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
