//! The shared middle: the state behind its lock, faults, the record of requests, and the writer of
//! the state file.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use tokio::sync::{Notify, watch};

use crate::config::Config;
use crate::faults::Armed;
use crate::journal::{Journal, Turn};
use crate::state::State;

/// How many requests are remembered.
const RECORDED: usize = 2_000;

/// One API request as it came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RecordedRequest {
    /// `req_…`, as answered in `Request-Id`.
    pub id: String,
    /// `GET` or `POST`.
    pub method: String,
    /// `/v1/checkout/sessions`
    pub path: String,
    /// The header `Idempotency-Key`.
    pub idempotency_key: Option<String>,
    /// The parameters of query and body, decoded, in order.
    pub form: Vec<(String, String)>,
    /// When it came (milliseconds since 1970, UTC).
    pub at: i64,
    /// The HTTP status of the answer; none while it is being worked on, or when it was cut off.
    pub status: Option<u16>,
    /// The id of the object answered with, whether or not the answer arrived.
    pub object: Option<String>,
    /// Whether the answer was one kept for the idempotency key.
    pub replayed: bool,
}

impl RecordedRequest {
    /// The value of a parameter by its full name, such as `line_items[0][quantity]`.
    #[must_use]
    pub fn param(&self, name: &str) -> Option<&str> {
        self.form.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// A handle on the sandbox; clones are the same sandbox.
#[derive(Clone)]
pub(crate) struct Core(Arc<Inner>);

struct Inner {
    config: Config,
    state: Mutex<State>,
    faults: Mutex<VecDeque<Armed>>,
    requests: Mutex<VecDeque<RecordedRequest>>,
    keys_in_use: Mutex<std::collections::HashSet<String>>,
    http: reqwest::Client,
    deliveries: Notify,
    tasks: Notify,
    journal: Option<Mutex<Journal>>,
    version: AtomicU64,
    closing: AtomicBool,
    dirty: Notify,
    saved: watch::Sender<u64>,
}

fn relock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Core {
    pub(crate) fn new(config: Config, state: State, journal: Option<Journal>, http: reqwest::Client) -> Self {
        Self(Arc::new(Inner {
            config,
            state: Mutex::new(state),
            faults: Mutex::default(),
            requests: Mutex::default(),
            keys_in_use: Mutex::default(),
            http,
            deliveries: Notify::new(),
            tasks: Notify::new(),
            journal: journal.map(Mutex::new),
            version: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            dirty: Notify::new(),
            saved: watch::Sender::new(0),
        }))
    }

    pub(crate) fn config(&self) -> &Config {
        &self.0.config
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.0.http
    }

    /// The state. Never hold it over an `await`; call [`Core::changed`] after a change.
    pub(crate) fn lock(&self) -> MutexGuard<'_, State> {
        relock(&self.0.state)
    }

    /// Changes the state and tells everyone that it did.
    pub(crate) fn act<R>(&self, change: impl FnOnce(&mut State) -> R) -> R {
        let result = change(&mut self.lock());
        self.changed();
        result
    }

    /// Tells the deliverer and the writer that something changed.
    pub(crate) fn changed(&self) {
        self.0.version.fetch_add(1, Ordering::SeqCst);
        self.0.deliveries.notify_one();
        self.0.tasks.notify_one();
        self.0.dirty.notify_one();
    }

    /// Waits for the next change that may concern what happens later.
    pub(crate) async fn tasks_changed(&self) {
        self.0.tasks.notified().await;
    }

    /// Waits for the next change that may concern deliveries.
    pub(crate) async fn deliveries_changed(&self) {
        self.0.deliveries.notified().await;
    }

    /// Waits until everything up to now is in the state file, if there is one.
    pub(crate) async fn flushed(&self) {
        if self.0.journal.is_none() {
            return;
        }
        let version = self.0.version.load(Ordering::SeqCst);
        // The sender lives in `self`, so waiting cannot fail.
        let _ = self.0.saved.subscribe().wait_for(|saved| *saved >= version).await;
    }

    /// Writes the state file after changes, those of many requests at once under load, until told to close.
    pub(crate) async fn write_journal(self) {
        loop {
            let closing = self.0.closing.load(Ordering::SeqCst);
            self.write_once().await;
            if closing {
                return;
            }
            self.0.dirty.notified().await;
        }
    }

    /// Lets the writer of the state file finish.
    pub(crate) fn close_journal(&self) {
        self.0.closing.store(true, Ordering::SeqCst);
        self.0.dirty.notify_one();
    }

    async fn write_once(&self) {
        let version = self.0.version.load(Ordering::SeqCst);
        let core = self.clone();
        let written = tokio::task::spawn_blocking(move || {
            let Some(journal) = &core.0.journal else { return Ok(()) };
            let mut journal = relock(journal);
            let turn = {
                let mut state = core.lock();
                let changes = state.drain();
                if journal.wants_anew() { Turn::Anew(state.dump()) } else { Turn::Append(changes) }
            };
            journal.write(&turn)
        });
        if let Err(error) = written.await.unwrap_or_else(|error| Err(std::io::Error::other(error))) {
            tracing::error!(%error, "cannot write the state file");
        }
        // Also after a failure: an answer must not hang because a disk is full.
        self.0.saved.send_replace(version);
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, VecDeque<Armed>> {
        relock(&self.0.faults)
    }

    pub(crate) fn requests(&self) -> Vec<RecordedRequest> {
        relock(&self.0.requests).iter().cloned().collect()
    }

    pub(crate) fn forget_requests(&self) {
        relock(&self.0.requests).clear();
    }

    pub(crate) fn record(&self, request: RecordedRequest) {
        let mut requests = relock(&self.0.requests);
        if requests.len() >= RECORDED {
            requests.pop_front();
        }
        requests.push_back(request);
    }

    /// Notes what a request was answered.
    pub(crate) fn record_answer(&self, id: &str, status: Option<u16>, object: Option<String>, replayed: bool) {
        if let Some(request) = relock(&self.0.requests).iter_mut().rev().find(|request| request.id == id) {
            request.status = status;
            request.object = object;
            request.replayed = replayed;
        }
    }

    /// Claims an idempotency key for one request; `None` while another has it.
    pub(crate) fn claim_key(&self, key: &str) -> Option<KeyClaim> {
        relock(&self.0.keys_in_use).insert(key.to_owned()).then(|| KeyClaim { core: self.clone(), key: key.to_owned() })
    }
}

/// An idempotency key in use; dropping it frees the key.
pub(crate) struct KeyClaim {
    core: Core,
    key: String,
}

impl Drop for KeyClaim {
    fn drop(&mut self) {
        relock(&self.core.0.keys_in_use).remove(&self.key);
    }
}
