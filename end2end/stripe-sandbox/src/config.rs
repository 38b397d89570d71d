//! How a sandbox is set up.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::knobs::Knobs;

/// Where events are sent, and the secret that signs them.
#[derive(Clone, PartialEq, Eq)]
pub struct WebhookEndpoint {
    /// An `http` URL.
    pub url: String,
    /// `whsec_…`
    pub secret: String,
}

impl WebhookEndpoint {
    /// An endpoint.
    pub fn new(url: impl Into<String>, secret: impl Into<String>) -> Self {
        Self { url: url.into(), secret: secret.into() }
    }
}

impl std::fmt::Debug for WebhookEndpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WebhookEndpoint").field("url", &self.url).field("secret", &"redacted").finish()
    }
}

/// The pauses between attempts to deliver an event; after the last one it has failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySchedule(Vec<Duration>);

impl RetrySchedule {
    /// One pause per retry.
    #[must_use]
    pub fn new(pauses: impl IntoIterator<Item = Duration>) -> Self {
        Self(pauses.into_iter().collect())
    }

    /// No retry at all.
    #[must_use]
    pub fn never() -> Self {
        Self(Vec::new())
    }

    /// The pause after so many attempts; none when it is time to give up.
    #[must_use]
    pub fn after(&self, attempts: usize) -> Option<Duration> {
        self.0.get(attempts.checked_sub(1)?).copied()
    }
}

impl Default for RetrySchedule {
    /// Quick at first (1 s, 3 s, 10 s, 30 s), then minutes, then hours, for three days in all.
    fn default() -> Self {
        let seconds = [1, 3, 10, 30, 60, 120, 300, 600, 1_800, 3_600].into_iter();
        let hours = std::iter::repeat_n(6 * 3_600, 11);
        Self::new(seconds.chain(hours).map(Duration::from_secs))
    }
}

/// How a sandbox is set up. `Config::default()` listens on a free port of 127.0.0.1 and forgets
/// everything when it stops.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Whether `listen` may be an address that others reach. The sandbox has no passwords.
    pub allow_remote: bool,
    /// How browsers reach it, where that differs from `listen` (containers).
    pub public_url: Option<String>,
    /// Where events go.
    pub webhooks: Vec<WebhookEndpoint>,
    /// Where the state is kept over restarts.
    pub state_file: Option<PathBuf>,
    /// When failed deliveries are tried again.
    pub retries: RetrySchedule,
    /// How long an endpoint may take to answer.
    pub webhook_timeout: Duration,
    /// The knobs that the endpoints of `webhooks` begin with.
    pub webhook_knobs: Knobs,
    /// How long what happens later takes: bank debits settle, refunds end, buyers dispute.
    pub settle_after: Duration,
    /// The most rows kept of each kind (sessions, charges, events, …); the oldest are forgotten first.
    pub most_records: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            allow_remote: false,
            public_url: None,
            webhooks: Vec::new(),
            state_file: None,
            retries: RetrySchedule::default(),
            webhook_timeout: Duration::from_secs(10),
            webhook_knobs: Knobs::default(),
            settle_after: Duration::from_secs(3),
            most_records: 50_000,
        }
    }
}

/// Why a sandbox does not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The address can be reached by others and that was not allowed.
    #[error("{0} can be reached from other machines; the sandbox has no passwords (see --allow-remote)")]
    NotLoopback(SocketAddr),
    /// The port is taken, or the address is not this machine's.
    #[error("cannot listen on {0}")]
    Listen(SocketAddr, #[source] std::io::Error),
    /// The state file cannot be read, or is not one.
    #[error("cannot read the state file {0}")]
    State(PathBuf, #[source] std::io::Error),
    /// A webhook URL is not `http`.
    #[error("the webhook URL {0} is not an absolute http URL")]
    WebhookUrl(String),
    /// The HTTP client for webhooks cannot be made.
    #[error("cannot make the HTTP client")]
    Client(#[source] reqwest::Error),
}

/// Refuses webhook URLs that cannot be delivered to.
pub(crate) fn check_webhook_url(url: &str) -> Result<(), StartError> {
    match url::Url::parse(url) {
        Ok(parsed) if parsed.scheme() == "http" && parsed.has_host() => Ok(()),
        _ => Err(StartError::WebhookUrl(url.to_owned())),
    }
}
