//! Sessions by the store's attempt: what lets a test say "at most one live session per attempt".

use std::collections::BTreeMap;

use serde::Serialize;

use crate::core::Core;
use crate::records::{Session, SessionStatus};

/// All sessions that the store made for one attempt to sell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Attempt {
    /// The value that names the attempt, such as the `client_reference_id`.
    pub attempt: String,
    /// The requests to create a session for it, replays and failures included (of those still recorded).
    pub requests: usize,
    /// The ids of its sessions, oldest first.
    pub sessions: Vec<String>,
    /// How many of them are open now.
    pub live: usize,
    /// The most that were open at the same time.
    pub most_live: usize,
}

/// The attempts by `client_reference_id`, or by `metadata.KEY`, in the order of their names.
pub(crate) fn all(core: &Core, by: &str) -> Vec<Attempt> {
    let (key, param) = match by.split_once('.') {
        Some(("metadata", key)) => (Some(key), format!("metadata[{key}]")),
        _ => (None, "client_reference_id".to_owned()),
    };
    let mut found: BTreeMap<String, Life> = BTreeMap::new();
    let blank =
        |name: &str| Life { attempt: Attempt { attempt: name.to_owned(), ..Attempt::default() }, moments: Vec::new() };
    for request in core.requests() {
        if request.method == "POST"
            && request.path == "/v1/checkout/sessions"
            && let Some(name) = request.param(&param)
        {
            found.entry(name.to_owned()).or_insert_with(|| blank(name)).attempt.requests += 1;
        }
    }
    let name_of = |session: &Session| match key {
        Some(key) => session.settings.metadata.get(key).cloned(),
        None => session.settings.client_reference_id.clone(),
    };
    for session in core.lock().sessions.iter() {
        let Some(name) = name_of(session) else { continue };
        let life = found.entry(name.clone()).or_insert_with(|| blank(&name));
        life.attempt.sessions.push(session.id.clone());
        life.attempt.live += usize::from(session.status == SessionStatus::Open);
        life.moments.push((session.opened, true));
        life.moments.extend(session.closed.map(|tick| (tick, false)));
    }
    found.into_values().map(Life::count).collect()
}

/// An attempt, and when its sessions were opened (true) and closed.
struct Life {
    attempt: Attempt,
    moments: Vec<(u64, bool)>,
}

impl Life {
    fn count(mut self) -> Attempt {
        self.moments.sort_unstable();
        let mut live = 0_usize;
        for (_, opens) in self.moments {
            live = if opens { live + 1 } else { live.saturating_sub(1) };
            self.attempt.most_live = self.attempt.most_live.max(live);
        }
        self.attempt
    }
}
