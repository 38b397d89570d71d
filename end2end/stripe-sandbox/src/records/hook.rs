//! Events, the endpoints they are told to, and each telling.

use serde::{Deserialize, Serialize};

use crate::knobs::Knobs;
use crate::params::Metadata;
use crate::table::Record;
use crate::{clock, ids};

/// An Event, with the object as it was.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) kind: String,
    /// As JSON text: a tenth of the memory of the tree.
    pub(crate) object: String,
    pub(crate) cause: Cause,
    /// How many endpoints were to be told when it happened.
    pub(crate) endpoints: usize,
    /// The ids of its object and of the payment it belongs to.
    #[serde(default)]
    pub(crate) about: Vec<String>,
}

impl Record for Event {
    fn id(&self) -> &str {
        &self.id
    }

    fn keys(&self) -> Vec<String> {
        let mut keys = vec![format!("type={}", self.kind)];
        keys.extend(self.about.iter().map(|id| format!("about={id}")));
        keys
    }
}

/// The API request behind an event, if one was.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Cause {
    pub(crate) request: Option<String>,
    pub(crate) idempotency_key: Option<String>,
}

/// A webhook endpoint as the sandbox keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Endpoint {
    pub(crate) id: String,
    pub(crate) created: i64,
    pub(crate) url: String,
    pub(crate) secret: String,
    /// Names, or `*`.
    pub(crate) events: Vec<String>,
    pub(crate) description: Option<String>,
    pub(crate) metadata: Metadata,
    pub(crate) api_version: Option<String>,
    pub(crate) disabled: bool,
    #[serde(default)]
    pub(crate) knobs: Knobs,
    /// How many deliveries its knobs have seen.
    #[serde(default)]
    pub(crate) draws: u64,
}

impl Endpoint {
    /// An endpoint for all events.
    pub(crate) fn new(url: &str, secret: &str) -> Self {
        Self {
            id: ids::usual("we"),
            created: clock::now(),
            url: url.to_owned(),
            secret: secret.to_owned(),
            events: vec!["*".to_owned()],
            description: None,
            metadata: Metadata::new(),
            api_version: None,
            disabled: false,
            knobs: Knobs::default(),
            draws: 0,
        }
    }

    /// Whether it asked for all events.
    pub(crate) fn wants_all(&self) -> bool {
        self.events.iter().any(|name| name == "*")
    }

    /// Whether it is to be told of events of that type.
    pub(crate) fn wants(&self, kind: &str) -> bool {
        !self.disabled && self.events.iter().any(|name| name == "*" || name == kind)
    }
}

impl Record for Endpoint {
    fn id(&self) -> &str {
        &self.id
    }

    fn keys(&self) -> Vec<String> {
        vec![format!("url={}", self.url)]
    }
}

/// Where a delivery stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum DeliveryStatus {
    /// To be tried, or tried again.
    Pending,
    /// Answered with a 2xx.
    Delivered,
    /// Given up after the last retry.
    Failed,
    /// Never sent: the endpoint's knobs lost it.
    Dropped,
}

/// One event on its way to one endpoint.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Delivery {
    /// `whd_…`, the sandbox's own.
    pub id: String,
    /// Seconds since 1970, UTC.
    pub created: i64,
    /// The event's id.
    pub event: String,
    /// The event's type.
    pub event_type: String,
    /// The endpoint's id.
    pub endpoint: String,
    /// The endpoint's URL.
    pub url: String,
    /// Where it stands.
    pub status: DeliveryStatus,
    /// How often it was tried.
    pub attempts: usize,
    /// When it is due (milliseconds since 1970, UTC), while pending.
    pub next_attempt: i64,
    /// The HTTP status of the last answer, if there was one.
    pub last_status: Option<u16>,
    /// What went wrong the last time.
    pub last_error: Option<String>,
    /// Held back to be shuffled with others.
    #[serde(default)]
    pub(crate) held: bool,
    /// Being tried right now; not kept over a restart.
    #[serde(skip)]
    pub(crate) in_flight: bool,
}

impl Delivery {
    /// Whether it will be tried (again).
    #[must_use]
    pub fn is_pending(&self) -> bool {
        self.status == DeliveryStatus::Pending
    }
}

impl Record for Delivery {
    fn id(&self) -> &str {
        &self.id
    }

    fn keys(&self) -> Vec<String> {
        let mut keys = vec![format!("event={}", self.event), format!("endpoint={}", self.endpoint)];
        if self.is_pending() {
            keys.push("pending".to_owned());
        }
        if self.held {
            keys.push(format!("held={}", self.endpoint));
        }
        if self.in_flight {
            keys.push("flying".to_owned());
            keys.push(format!("flying={}", self.endpoint));
        }
        keys
    }

    /// When it is to be sent, in milliseconds.
    fn due(&self) -> Option<i64> {
        (self.is_pending() && !self.in_flight).then_some(self.next_attempt)
    }
}
