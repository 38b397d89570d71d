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
    let mut found: BTreeMap<String, (Attempt, Vec<(u64, bool)>)> = BTreeMap::new();
    let mut of = |name: &str, note: &mut dyn FnMut(&mut Attempt, &mut Vec<(u64, bool)>)| {
        let entry = found.entry(name.to_owned()).or_default();
        entry.0.attempt = name.to_owned();
        note(&mut entry.0, &mut entry.1);
    };
    for request in core.requests() {
        if request.method == "POST"
            && request.path == "/v1/checkout/sessions"
            && let Some(name) = request.param(&param)
        {
            of(name, &mut |attempt, _| attempt.requests += 1);
        }
    }
    let name_of = |session: &Session| match key {
        Some(key) => session.settings.metadata.get(key).cloned(),
        None => session.settings.client_reference_id.clone(),
    };
    for session in core.lock().sessions.iter() {
        let Some(name) = name_of(session) else { continue };
        of(&name, &mut |attempt, moments| {
            attempt.sessions.push(session.id.clone());
            attempt.live += usize::from(session.status == SessionStatus::Open);
            moments.push((session.opened, true));
            moments.extend(session.closed.map(|tick| (tick, false)));
        });
    }
    let count = |(mut attempt, mut moments): (Attempt, Vec<(u64, bool)>)| {
        moments.sort_unstable();
        let mut live = 0_usize;
        for (_, opens) in moments {
            live = if opens { live + 1 } else { live.saturating_sub(1) };
            attempt.most_live = attempt.most_live.max(live);
        }
        attempt
    };
    found.into_values().map(count).collect()
}
