//! Faults: what the next API requests are to suffer.

use std::collections::VecDeque;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::chance;

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultKind {
    /// An error answer, such as 500 or 429, instead of the work.
    Status {
        /// 400 to 599.
        status: u16,
        /// Seconds for the header `Retry-After`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        retry_after: Option<u32>,
    },
    /// The connection is reset before the work is done.
    Reset,
    /// The work is done, then the connection is reset: the answer is lost.
    LostAnswer,
    /// The work and the answer come late.
    Delay {
        /// Milliseconds.
        millis: u64,
    },
    /// The work is done at once, and the answer trickles in over that time.
    Slow {
        /// Milliseconds.
        millis: u64,
    },
}

/// A fault for the next matching API request, or the next few.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Fault {
    /// What goes wrong.
    #[serde(flatten)]
    pub kind: FaultKind,
    /// Only this method.
    #[serde(default)]
    pub method: Option<String>,
    /// Only paths that begin so, such as `/v1/checkout/sessions`.
    #[serde(default)]
    pub path: Option<String>,
    /// How many requests.
    #[serde(default = "once")]
    pub times: u32,
    /// How likely each matching request is to suffer (0 to 1); always, when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub probability: Option<f64>,
    /// Makes chance come out the same each time; 0 when not given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

fn once() -> u32 {
    1
}

impl Fault {
    fn new(kind: FaultKind) -> Self {
        Self { kind, method: None, path: None, times: 1, probability: None, seed: None }
    }

    /// An error status for the next request.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::new(FaultKind::Status { status, retry_after: None })
    }

    /// A rate limit for the next request: 429 with `Retry-After`.
    #[must_use]
    pub fn rate_limit(retry_after: Duration) -> Self {
        let seconds = u32::try_from(retry_after.as_secs()).unwrap_or(u32::MAX);
        Self::new(FaultKind::Status { status: 429, retry_after: Some(seconds) })
    }

    /// A connection reset for the next request, before any work.
    #[must_use]
    pub fn reset() -> Self {
        Self::new(FaultKind::Reset)
    }

    /// The next request is worked on, and its answer lost.
    #[must_use]
    pub fn lost_answer() -> Self {
        Self::new(FaultKind::LostAnswer)
    }

    /// The next request waits before it is worked on.
    #[must_use]
    pub fn delay(pause: Duration) -> Self {
        Self::new(FaultKind::Delay { millis: u64::try_from(pause.as_millis()).unwrap_or(u64::MAX) })
    }

    /// The next answer trickles in over that time.
    #[must_use]
    pub fn slow(over: Duration) -> Self {
        Self::new(FaultKind::Slow { millis: u64::try_from(over.as_millis()).unwrap_or(u64::MAX) })
    }

    /// Each matching request suffers with this probability (0 to 1), the same ones for the same seed.
    #[must_use]
    pub fn with_probability(mut self, probability: f64, seed: u64) -> Self {
        self.probability = Some(probability);
        self.seed = Some(seed);
        self
    }

    /// Only for requests of this method.
    #[must_use]
    pub fn on_method(mut self, method: impl Into<String>) -> Self {
        self.method = Some(method.into());
        self
    }

    /// Only for paths that begin so.
    #[must_use]
    pub fn on_path(mut self, path: impl Into<String>) -> Self {
        self.path = Some(path.into());
        self
    }

    /// For so many requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    pub(crate) fn matches(&self, method: &str, path: &str) -> bool {
        self.method.as_deref().is_none_or(|wanted| wanted.eq_ignore_ascii_case(method))
            && self.path.as_deref().is_none_or(|wanted| path.starts_with(wanted))
    }
}

/// A fault and how many matching requests it has seen.
#[derive(Debug, Clone)]
pub(crate) struct Armed {
    pub(crate) fault: Fault,
    seen: u64,
}

impl From<Fault> for Armed {
    fn from(fault: Fault) -> Self {
        Self { fault, seen: 0 }
    }
}

/// Takes the first fault that matches and strikes, and uses it up once.
pub(crate) fn take(faults: &mut VecDeque<Armed>, method: &str, path: &str) -> Option<FaultKind> {
    let at = faults.iter_mut().position(|armed| {
        if !armed.fault.matches(method, path) {
            return false;
        }
        armed.seen += 1;
        let seed = armed.fault.seed.unwrap_or(0);
        armed.fault.probability.is_none_or(|probability| chance::happens(seed, armed.seen, probability))
    })?;
    let fault = &mut faults.get_mut(at)?.fault;
    let kind = fault.kind.clone();
    fault.times = fault.times.saturating_sub(1);
    if fault.times == 0 {
        faults.remove(at);
    }
    Some(kind)
}
