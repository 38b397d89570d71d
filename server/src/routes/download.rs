//! `POST /d/{token}/claim` and `GET /f/{claim}/{file}`: the only ways to a bought file.

use super::content_disposition::attachment;
use super::ranges::Wanted;
use crate::file_socket::KeptFiles;
use app::context;
use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use futures::stream::{self, BoxStream, Stream, StreamExt as _};
use serde::Deserialize;
use shop::downloads::{FileFacts, OpenFile, Opened};
use shop::files::Reading;
use shop::types::BookFormat;
use shop::{BrowserSecret, BuyerSecret, Claimed, ClientIp, ErrorKind, Shop, Visitor};
use std::io;
use std::ops::Range;
use std::time::{Duration, Instant};
use tracing::Instrument as _;

/// A file that is being sent is looked at again this often: a revoked right ends it.
const RECHECK: Duration = Duration::from_secs(2);

/// The form of a download button: a format, for its newest file, or a file's name, for that of an older edition.
#[derive(Debug, Deserialize)]
pub struct ClaimForm {
    format: Option<String>,
    file: Option<String>,
}

/// Takes a use of the token and leads to the file. Who has not shown to be the buyer is led to the library; whatever else stands
/// in the way is shown by the token's own page.
pub async fn claim(
    State(shop): State<Shop>,
    Path(token): Path<String>,
    Extension(ip): Extension<ClientIp>,
    browser: Option<Extension<BrowserSecret>>,
    buyer: Option<Extension<BuyerSecret>>,
    headers: HeaderMap,
    form: Result<Form<ClaimForm>, FormRejection>,
) -> Response {
    let Ok(Form(ClaimForm { format, file })) = form else { return StatusCode::BAD_REQUEST.into_response() };
    let mut visitor = visitor(ip, browser, &headers);
    visitor.buyer = buyer.map(|Extension(secret)| secret);
    // A claim belongs to a browser. A library stays open for longer than the cookie lives that knows one; of two clicks at
    // once neither brings it, and both must be the same browser's.
    if visitor.browser.is_none() {
        visitor.browser = visitor.buyer.as_ref().map(|library| shop.browser_of_library(library));
    }
    let claimed = match (format.as_deref().map(BookFormat::parse), file) {
        (None, Some(file)) => shop.claim_file(&token, &file, &visitor).await,
        (Some(Some(format)), None) => shop.claim_download(&token, format, &visitor).await,
        _ => return StatusCode::BAD_REQUEST.into_response(),
    };
    match claimed {
        Ok(Claimed::File(path)) => {
            let mut response = Redirect::to(&path).into_response();
            // Also one that is known is set anew: the claim is of use for no longer than the cookie that it belongs to.
            if let Some(browser) = &visitor.browser {
                insert(response.headers_mut(), header::SET_COOKIE, &shop.claim_cookie(browser));
            }
            response
        }
        Ok(Claimed::NotYours) => Redirect::to(&context::with_next("/library", &format!("/d/{token}"))).into_response(),
        Ok(Claimed::Refused(_)) => Redirect::to(&format!("/d/{token}")).into_response(),
        Err(error) => refusal(&error).into_response(),
    }
}

/// Sends a file of a running claim.
pub async fn file(
    State(shop): State<Shop>,
    method: Method,
    Path((claim, filename)): Path<(String, String)>,
    Extension(ip): Extension<ClientIp>,
    browser: Option<Extension<BrowserSecret>>,
    connection: Option<Extension<KeptFiles>>,
    headers: HeaderMap,
) -> Response {
    let visitor = visitor(ip, browser, &headers);
    let facts = match shop.claimed_file(&claim, &filename, &visitor).await {
        Ok(Some(facts)) => facts,
        Ok(None) => return StatusCode::NOT_FOUND.into_response(),
        Err(error) => return refusal(&error).into_response(),
    };
    let etag = format!("\"{}\"", facts.sha256);
    let unchanged = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|tags| tags.to_str().ok())
        .is_some_and(|tags| tags.split(',').any(|tag| tag.trim() == etag));
    if unchanged {
        return with_headers(StatusCode::NOT_MODIFIED, &facts, &etag, Body::empty());
    }
    if method == Method::HEAD {
        let mut response = with_headers(StatusCode::OK, &facts, &etag, Body::empty());
        response.headers_mut().insert(header::CONTENT_LENGTH, facts.bytes.into());
        return response;
    }
    let parts = match Wanted::from_headers(&headers, facts.bytes, &etag) {
        Wanted::Whole => None,
        Wanted::Parts(parts) => Some(parts),
        Wanted::Unsatisfiable => {
            let mut response = StatusCode::RANGE_NOT_SATISFIABLE.into_response();
            insert(response.headers_mut(), header::CONTENT_RANGE, &format!("bytes */{}", facts.bytes));
            return response;
        }
    };
    let wanted = parts.as_ref().map_or(facts.bytes, |parts| parts.iter().map(|part| part.end - part.start).sum());
    let range = parts.as_ref().and_then(|_| headers.get(header::RANGE)?.to_str().ok()).map(str::to_owned);
    let led = shop.download_origin().is_some() && can_be_led(&headers, parts.as_deref());
    let connection = connection.map(|Extension(files)| files);
    let begun = {
        let facts = facts.clone();
        async move {
            let meter = begin(shop, &facts, wanted, range.clone(), &visitor, connection).await?;
            if led { lead(meter, &facts, range.as_deref()).await } else { Ok((meter, None)) }
        }
    };
    // In a task of its own: of a client that hangs up meanwhile this handler is dropped, and not what the database has been
    // asked for. What nobody takes is dropped when it is there, and its meter gives back all that was counted.
    let (mut meter, url) = match tokio::spawn(begun.in_current_span()).await {
        Ok(Ok(begun)) => begun,
        Ok(Err(status)) => return status.into_response(),
        Err(error) => {
            tracing::error!(%error, "a download could not be begun");
            return StatusCode::INTERNAL_SERVER_ERROR.into_response();
        }
    };
    if let Some(url) = url {
        // What was counted counts as sent.
        meter.settled = true;
        return led_to(&url);
    }
    match parts {
        None => whole(meter, &facts, &etag),
        Some(parts) => match parts.as_slice() {
            [part] => one_part(meter, &facts, &etag, part.clone()),
            _ => many_parts(meter, &facts, &etag, &parts),
        },
    }
}

/// Whether the bucket would answer this request as we would: it knows no several parts and none of our `ETag`s, and takes a
/// `Range` that we ignore for one.
fn can_be_led(headers: &HeaderMap, parts: Option<&[Range<u64>]>) -> bool {
    match parts {
        None => !headers.contains_key(header::RANGE),
        Some(parts) => parts.len() == 1 && !headers.contains_key(header::IF_RANGE),
    }
}

/// Counts what is wanted of a file, and the meter with which its answer begins.
async fn begin(
    shop: Shop,
    facts: &FileFacts,
    wanted: u64,
    range: Option<String>,
    visitor: &Visitor,
    connection: Option<KeptFiles>,
) -> Result<Meter, StatusCode> {
    match shop.open_download(facts, wanted, range, visitor).await {
        Ok(Opened::Ready(open)) => {
            Ok(Meter { shop, open, wanted, sent: 0, revoked: false, settled: false, connection })
        }
        Ok(Opened::Exhausted) => Err(StatusCode::GONE),
        Ok(Opened::Suspended) => Err(StatusCode::FORBIDDEN),
        Err(error) => Err(refusal(&error)),
    }
}

/// Where the bucket has the file, for a minute. The meter stays unsettled until somebody is led there.
async fn lead(mut meter: Meter, facts: &FileFacts, range: Option<&str>) -> Result<(Meter, Option<String>), StatusCode> {
    let disposition = attachment(&facts.filename);
    let disposition = disposition.to_str().unwrap_or("attachment");
    match meter.shop.redirect_download(&meter.open, facts, range, disposition).await {
        Ok(url) => Ok((meter, Some(url))),
        Err(error) => {
            // Nobody was sent a byte.
            meter.settled = true;
            if let Err(error) = meter.shop.finish_download(&meter.open, 0, "failed").await {
                tracing::error!(%error, "the end of a download could not be logged");
            }
            Err(refusal(&error))
        }
    }
}

fn led_to(url: &str) -> Response {
    let mut response = StatusCode::FOUND.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    insert(headers, header::LOCATION, url);
    response
}

fn visitor(ip: ClientIp, browser: Option<Extension<BrowserSecret>>, headers: &HeaderMap) -> Visitor {
    let user_agent = headers
        .get(header::USER_AGENT)
        .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
        .unwrap_or_default();
    Visitor { browser: browser.map(|Extension(secret)| secret), buyer: None, ip: ip.0, user_agent }
}

fn refusal(error: &shop::Error) -> StatusCode {
    match error.kind() {
        ErrorKind::NotFound => StatusCode::NOT_FOUND,
        ErrorKind::BadRequest => StatusCode::BAD_REQUEST,
        ErrorKind::Busy => StatusCode::SERVICE_UNAVAILABLE,
        _ => {
            tracing::error!(%error, "a download failed");
            StatusCode::INTERNAL_SERVER_ERROR
        }
    }
}

fn with_headers(status: StatusCode, facts: &FileFacts, etag: &str, body: Body) -> Response {
    let mut response = (status, body).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(facts.format.media_type()));
    headers.insert(header::CONTENT_DISPOSITION, attachment(&facts.filename));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    insert(headers, header::ETAG, etag);
    response
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

fn whole(meter: Meter, facts: &FileFacts, etag: &str) -> Response {
    let range = 0..facts.bytes;
    let mut response =
        with_headers(StatusCode::OK, facts, etag, Body::from_stream(send(meter, vec![Piece::File(range)])));
    response.headers_mut().insert(header::CONTENT_LENGTH, facts.bytes.into());
    response
}

fn one_part(meter: Meter, facts: &FileFacts, etag: &str, part: Range<u64>) -> Response {
    let length = part.end - part.start;
    let content_range = content_range(&part, facts.bytes);
    let mut response =
        with_headers(StatusCode::PARTIAL_CONTENT, facts, etag, Body::from_stream(send(meter, vec![Piece::File(part)])));
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    insert(response.headers_mut(), header::CONTENT_RANGE, &content_range);
    response
}

/// `multipart/byteranges` (RFC 9110, 14.6).
fn many_parts(meter: Meter, facts: &FileFacts, etag: &str, parts: &[Range<u64>]) -> Response {
    const BOUNDARY: &str = "octavo-part-9dd2c1";
    let mut pieces = Vec::with_capacity(parts.len() * 2 + 1);
    let mut length = 0;
    for (i, part) in parts.iter().enumerate() {
        let start = if i == 0 { "" } else { "\r\n" };
        let head = format!(
            "{start}--{BOUNDARY}\r\nContent-Type: {}\r\nContent-Range: {}\r\n\r\n",
            facts.format.media_type(),
            content_range(part, facts.bytes)
        );
        length += head.len() as u64 + (part.end - part.start);
        pieces.push(Piece::Text(head));
        pieces.push(Piece::File(part.clone()));
    }
    let end = format!("\r\n--{BOUNDARY}--\r\n");
    length += end.len() as u64;
    pieces.push(Piece::Text(end));
    let mut response = with_headers(StatusCode::PARTIAL_CONTENT, facts, etag, Body::from_stream(send(meter, pieces)));
    response.headers_mut().insert(header::CONTENT_LENGTH, length.into());
    insert(response.headers_mut(), header::CONTENT_TYPE, &format!("multipart/byteranges; boundary={BOUNDARY}"));
    response
}

fn content_range(part: &Range<u64>, size: u64) -> String {
    format!("bytes {}-{}/{size}", part.start, part.end - 1)
}

/// What an answer is made of.
enum Piece {
    File(Range<u64>),
    Text(String),
}

/// Counts what is sent. When the answer ends, however it ends, the log's entry is completed and what was not sent is
/// given back to the claim.
struct Meter {
    shop: Shop,
    open: OpenFile,
    wanted: u64,
    sent: u64,
    revoked: bool,
    /// There is nothing more to complete or to give back.
    settled: bool,
    /// The connection that the answer goes out on.
    connection: Option<KeptFiles>,
}

impl Meter {
    fn revoke(&mut self) {
        self.revoked = true;
    }
}

impl Drop for Meter {
    fn drop(&mut self) {
        if self.settled {
            return;
        }
        let outcome = if self.revoked {
            "revoked"
        } else if self.sent >= self.wanted {
            "complete"
        } else {
            "broken off"
        };
        let (shop, open, sent) = (self.shop.clone(), self.open.clone(), self.sent);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            if let Err(error) = shop.finish_download(&open, sent, outcome).await {
                tracing::error!(%error, "the end of a download could not be logged");
            }
        });
    }
}

struct Sending {
    meter: Meter,
    pieces: std::vec::IntoIter<Piece>,
    current: Option<BoxStream<'static, Result<Bytes, shop::Error>>>,
    next_check: Instant,
}

/// The pieces one after another, a chunk at a time: nothing is read before the reader has taken what came before.
fn send(meter: Meter, pieces: Vec<Piece>) -> impl Stream<Item = io::Result<Bytes>> + Send + 'static {
    let sending = Sending { meter, pieces: pieces.into_iter(), current: None, next_check: Instant::now() + RECHECK };
    stream::try_unfold(sending, |mut sending| async move {
        loop {
            if Instant::now() >= sending.next_check {
                if !sending.meter.shop.may_continue(&sending.meter.open).await.map_err(io::Error::other)? {
                    sending.meter.revoke();
                    return Err(io::Error::other("the right to this title was withdrawn"));
                }
                sending.next_check = Instant::now() + RECHECK;
            }
            if let Some(chunks) = &mut sending.current {
                if let Some(chunk) = chunks.next().await {
                    let chunk = chunk.map_err(io::Error::other)?;
                    sending.meter.sent += chunk.len() as u64;
                    return Ok(Some((chunk, sending)));
                }
                sending.current = None;
            }
            match sending.pieces.next() {
                None => return Ok(None),
                Some(Piece::Text(text)) => return Ok(Some((Bytes::from(text), sending))),
                Some(Piece::File(range)) => {
                    let Reading { pieces, kept } =
                        sending.meter.shop.stream_file(&sending.meter.open, range).await.map_err(io::Error::other)?;
                    if let Some(connection) = &sending.meter.connection {
                        connection.expect(kept);
                    }
                    sending.current = Some(pieces);
                }
            }
        }
    })
}
