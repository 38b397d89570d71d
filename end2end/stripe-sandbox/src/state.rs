//! Everything the sandbox knows, behind one lock, and the reading and writing of the state file.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::records::{Cause, Charge, Delivery, DeliveryStatus, Endpoint, Event, Intent, Record, Session};
use crate::{clock, ids};

/// Records in the order they were made, found by id.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(
    from = "Vec<T>",
    into = "Vec<T>",
    bound(serialize = "T: Serialize + Record + Clone", deserialize = "T: Deserialize<'de> + Record")
)]
pub(crate) struct Table<T> {
    rows: Vec<T>,
    index: HashMap<String, usize>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self { rows: Vec::new(), index: HashMap::new() }
    }
}

impl<T: Record> From<Vec<T>> for Table<T> {
    fn from(rows: Vec<T>) -> Self {
        let index = rows.iter().enumerate().map(|(at, row)| (row.id().to_owned(), at)).collect();
        Self { rows, index }
    }
}

impl<T> From<Table<T>> for Vec<T> {
    fn from(table: Table<T>) -> Self {
        table.rows
    }
}

impl<T: Record> Table<T> {
    pub(crate) fn get(&self, id: &str) -> Option<&T> {
        self.rows.get(*self.index.get(id)?)
    }

    pub(crate) fn get_mut(&mut self, id: &str) -> Option<&mut T> {
        self.rows.get_mut(*self.index.get(id)?)
    }

    pub(crate) fn push(&mut self, row: T) {
        self.index.insert(row.id().to_owned(), self.rows.len());
        self.rows.push(row);
    }

    /// Oldest first.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, T> {
        self.rows.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> std::slice::IterMut<'_, T> {
        self.rows.iter_mut()
    }
}

/// An answer kept for an idempotency key.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Kept {
    pub(crate) path: String,
    pub(crate) fingerprint: String,
    pub(crate) at: i64,
    pub(crate) status: u16,
    pub(crate) body: String,
    pub(crate) request: String,
}

/// All that is remembered.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    /// Where the payment page is, without a slash at the end.
    #[serde(skip)]
    pub(crate) base_url: String,
    pub(crate) sessions: Table<Session>,
    pub(crate) intents: Table<Intent>,
    pub(crate) charges: Table<Charge>,
    pub(crate) events: Table<Event>,
    pub(crate) deliveries: Table<Delivery>,
    pub(crate) endpoints: Vec<Endpoint>,
    pub(crate) idempotency: HashMap<String, Kept>,
}

impl State {
    /// Records an event and queues it for every endpoint.
    pub(crate) fn emit(&mut self, kind: &str, object: Value, cause: &Cause) {
        let id = ids::usual("evt");
        tracing::info!(event = %id, kind, "event");
        self.events.push(Event {
            id: id.clone(),
            created: clock::now(),
            kind: kind.to_owned(),
            object,
            cause: cause.clone(),
            endpoints: self.endpoints.len(),
        });
        for endpoint in self.endpoints.clone() {
            self.queue(&id, kind, &endpoint);
        }
    }

    /// Queues one event for one endpoint, due now.
    pub(crate) fn queue(&mut self, event: &str, kind: &str, endpoint: &Endpoint) {
        self.deliveries.push(Delivery {
            id: ids::usual("whd"),
            created: clock::now(),
            event: event.to_owned(),
            event_type: kind.to_owned(),
            endpoint: endpoint.id.clone(),
            url: endpoint.url.clone(),
            status: DeliveryStatus::Pending,
            attempts: 0,
            next_attempt: clock::now_millis(),
            last_status: None,
            last_error: None,
            in_flight: false,
        });
    }

    /// Adds an endpoint, or gives the one of that URL the new secret. Returns its id.
    pub(crate) fn add_endpoint(&mut self, url: &str, secret: &str) -> String {
        if let Some(known) = self.endpoints.iter_mut().find(|endpoint| endpoint.url == url) {
            secret.clone_into(&mut known.secret);
            return known.id.clone();
        }
        let id = ids::usual("we");
        self.endpoints.push(Endpoint { id: id.clone(), url: url.to_owned(), secret: secret.to_owned() });
        id
    }

    /// Reads a state file; a file that is not there is an empty state.
    ///
    /// # Errors
    /// When the file cannot be read or is not ours.
    pub(crate) fn load(path: &Path) -> std::io::Result<Self> {
        match std::fs::read(path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(std::io::Error::from),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Writes the state file: a new file, synced, then renamed over the old one.
    ///
    /// # Errors
    /// When the folder cannot be written to.
    pub(crate) fn save(bytes: &[u8], path: &Path) -> std::io::Result<()> {
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".new");
        let fresh = path.with_file_name(name);
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(true);
        // Webhook secrets are in it.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&fresh)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        std::fs::rename(&fresh, path)
    }
}
