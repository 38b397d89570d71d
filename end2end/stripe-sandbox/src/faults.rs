//! Faults: what the next API requests are to suffer.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
#[non_exhaustive]
pub enum FaultKind {
    /// An error answer, such as 500 or 429, instead of the work.
    Status {
        /// 400 to 599.
        status: u16,
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
}

/// A fault for the next matching API request, or the next few.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
}

fn once() -> u32 {
    1
}

impl Fault {
    fn new(kind: FaultKind) -> Self {
        Self { kind, method: None, path: None, times: 1 }
    }

    /// An error status for the next request.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self::new(FaultKind::Status { status })
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

/// Takes the first fault that matches, and uses it up once.
pub(crate) fn take(faults: &mut std::collections::VecDeque<Fault>, method: &str, path: &str) -> Option<FaultKind> {
    let at = faults.iter().position(|fault| fault.matches(method, path))?;
    let fault = faults.get_mut(at)?;
    let kind = fault.kind.clone();
    fault.times = fault.times.saturating_sub(1);
    if fault.times == 0 {
        faults.remove(at);
    }
    Some(kind)
}
