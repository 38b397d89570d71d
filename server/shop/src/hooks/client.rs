//! The request of a delivery: one, to an address that was looked at, with no redirect followed and no more of the answer
//! read than is kept.

use super::{BadAddress, Reach};
use chrono::{DateTime, NaiveDateTime, TimeDelta};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER, USER_AGENT};
use reqwest::{Client, Response, redirect};
use std::error::Error as StdError;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::sync::OnceCell;
use tokio::time::{Instant, timeout_at};

/// For a whole attempt: the look-up, the connection, the answer.
const TIME: Duration = Duration::from_secs(15);
/// So much of an answer is kept, in bytes.
const KEPT: usize = 2_048;

/// Takes deliveries to their endpoints.
#[derive(Debug)]
pub(crate) struct Courier {
    reach: Reach,
    /// Made with the first delivery: most processes send none.
    client: OnceCell<Client>,
}

/// What a delivery's request carries.
pub(super) struct Letter<'a> {
    pub(super) url: &'a str,
    pub(super) id: &'a str,
    pub(super) timestamp: i64,
    pub(super) signature: String,
    pub(super) body: String,
}

/// What came back.
#[derive(Debug, Default)]
pub(super) struct Reply {
    pub(super) status: Option<u16>,
    /// Its beginning.
    pub(super) answer: String,
    /// What went wrong, if anything did.
    pub(super) error: Option<String>,
    /// How long the endpoint wants to be left alone.
    pub(super) retry_after: Option<TimeDelta>,
}

impl Reply {
    fn failed(why: impl Into<String>) -> Self {
        Self { error: Some(why.into()), ..Self::default() }
    }
}

impl Courier {
    /// One that reaches so far.
    pub(crate) fn new(reach: Reach) -> Self {
        Self { reach, client: OnceCell::new() }
    }

    /// How far.
    pub(super) fn reach(&self) -> &Reach {
        &self.reach
    }

    /// Makes one request, and waits for its answer.
    pub(super) async fn carry(&self, letter: Letter<'_>, now: NaiveDateTime) -> Reply {
        let until = Instant::now() + TIME;
        match timeout_at(until, self.request(letter)).await {
            Ok(Ok(response)) => read(response, now, until).await,
            Ok(Err(reply)) => reply,
            Err(_) => Reply::failed(format!("no answer within {} seconds", TIME.as_secs())),
        }
    }

    async fn request(&self, letter: Letter<'_>) -> Result<Response, Reply> {
        // An address in the place of a name is never looked up: it is looked at here.
        let url = match self.reach.parse(letter.url) {
            Ok(url) => url,
            Err(why) => return Err(Reply::failed(format!("the address is not used: {why}"))),
        };
        let client = match self.client.get_or_try_init(|| async { self.build() }).await {
            Ok(client) => client,
            Err(error) => return Err(Reply::failed(format!("no connection can be made from here: {error}"))),
        };
        let request = client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("Octavo/", env!("CARGO_PKG_VERSION")))
            .header("webhook-id", letter.id)
            .header("webhook-timestamp", letter.timestamp)
            .header("webhook-signature", letter.signature)
            .body(letter.body);
        request.send().await.map_err(|error| Reply::failed(words(&error)))
    }

    fn build(&self) -> reqwest::Result<Client> {
        Client::builder()
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            // A proxy would look names up itself.
            .no_proxy()
            .http1_only()
            // Each attempt has a connection of its own, to an address that was looked at for it.
            .pool_max_idle_per_host(0)
            .dns_resolver(Careful(self.reach.clone()))
            .build()
    }
}

/// Looks up names, and gives only addresses that may be connected to.
struct Careful(Reach);

impl Resolve for Careful {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.0.clone();
        Box::pin(async move {
            let found = reach.addresses(name.as_str()).await?;
            // The port is the URL's.
            Ok::<Addrs, Box<dyn StdError + Send + Sync>>(Box::new(found.into_iter().map(|ip| SocketAddr::new(ip, 0))))
        })
    }
}

async fn read(mut response: Response, now: NaiveDateTime, until: Instant) -> Reply {
    let status = response.status();
    let retry_after = retry_after(response.headers(), now);
    let mut bytes = Vec::new();
    // What does not come to its end any more is of no account: the status is the answer.
    while bytes.len() < KEPT
        && let Ok(Ok(Some(chunk))) = timeout_at(until, response.chunk()).await
    {
        bytes.extend_from_slice(&chunk);
    }
    bytes.truncate(KEPT);
    let error = (!status.is_success()).then(|| match status.as_u16() {
        300..=399 => format!("answered {status}; redirects are not followed"),
        _ => format!("answered {status}"),
    });
    Reply { status: Some(status.as_u16()), answer: printable(&bytes), error, retry_after }
}

/// As text that both databases keep.
fn printable(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    text.chars().filter(|c| !c.is_control() || matches!(c, '\n' | '\t')).collect()
}

/// Seconds, or a date (RFC 9110 10.2.3).
fn retry_after(headers: &HeaderMap, now: NaiveDateTime) -> Option<TimeDelta> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<u32>() {
        return Some(TimeDelta::seconds(seconds.into()));
    }
    let date = DateTime::parse_from_rfc2822(text).ok()?;
    Some((date.naive_utc() - now).max(TimeDelta::zero()))
}

/// What went wrong on the way, for the owner of the endpoint: the innermost cause, and no URL.
fn words(error: &reqwest::Error) -> String {
    let mut cause: &dyn StdError = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    match cause.downcast_ref::<BadAddress>() {
        Some(why) => format!("the address is not used: {why}"),
        None if error.is_connect() => format!("no connection: {}", cut(&cause.to_string())),
        None => format!("no answer: {}", cut(&cause.to_string())),
    }
}

fn cut(text: &str) -> String {
    printable(text.as_bytes()).chars().take(300).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::HeaderValue;

    #[test]
    fn how_long_to_wait_is_told_in_seconds_or_as_a_date() {
        let now = DateTime::parse_from_rfc3339("2026-11-26T10:00:00Z").unwrap().naive_utc();
        let says = |text: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(RETRY_AFTER, HeaderValue::from_static(text));
            retry_after(&headers, now)
        };
        assert_eq!(says("120"), Some(TimeDelta::seconds(120)));
        assert_eq!(says("Thu, 26 Nov 2026 10:01:00 GMT"), Some(TimeDelta::seconds(60)));
        assert_eq!(says("Thu, 26 Nov 2026 09:00:00 GMT"), Some(TimeDelta::zero()));
        for odd in ["", "soon", "-1", "1.5", "99999999999999"] {
            assert_eq!(says(odd), None, "{odd}");
        }
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }

    #[test]
    fn an_answer_is_kept_as_text() {
        assert_eq!(printable(b"ok\0\x1b[31m\n\xff"), "ok[31m\n\u{fffd}");
    }
}
