//! SQLite's one writer: a thread with the only connection that writes, and what has queued up for it.
//!
//! What makes a transaction durable is one `fsync`, a few milliseconds on most disks, however much stands in it. So the
//! thread takes all the work that waits, runs each piece in a savepoint of one transaction, commits once, and only then
//! answers each caller (group commit: PostgreSQL does the same by itself). Nothing is answered before it is durable.
//! Work that is in no hurry ([`Hurry`](super::Hurry)) is gathered before a transaction is begun, so that nobody else is kept
//! out meanwhile.

mod batches;
mod piece;

use super::{AnyConnection, Manner, Setup};
use crate::Error;
use batches::Loop;
use diesel::prelude::*;
use diesel::r2d2::CustomizeConnection;
use piece::{Piece, Work};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use tokio::sync::oneshot;

/// Pieces of work that may wait; more are told to come back.
const QUEUE: usize = 4_096;

/// The way to the writer's thread, which ends with the last copy.
#[derive(Clone, Debug)]
pub(super) struct Writer {
    path: Arc<Path>,
    queue: SyncSender<Box<dyn Work>>,
}

impl Writer {
    /// Opens the database and starts the thread. Blocks.
    pub(super) fn start(path: &Path) -> Result<Self, diesel::r2d2::Error> {
        let conn = open(path)?;
        let (queue, waiting) = sync_channel(QUEUE);
        let own = path.to_owned();
        std::thread::Builder::new()
            .name("sqlite-writer".into())
            .spawn(move || Loop::new(own, conn).run(&waiting))
            .map_err(|error| diesel::r2d2::Error::ConnectionError(ConnectionError::BadConnection(error.to_string())))?;
        Ok(Self { path: path.into(), queue })
    }

    /// Another connection that may write. Blocks.
    pub(super) fn open(&self) -> Result<AnyConnection, diesel::r2d2::Error> {
        open(&self.path)
    }

    /// Has `work` done and waits until it is durable.
    pub(super) async fn run<T, F>(&self, manner: Manner, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut AnyConnection) -> Result<T, Error> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        match self.queue.try_send(Box::new(Piece::new(work, manner, answer))) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => return Err(Error::Overloaded),
            Err(TrySendError::Disconnected(_)) => return Err(Error::internal("the database's writer has ended")),
        }
        answered.await.unwrap_or_else(|_| Err(Error::internal("the database's writer has ended")))
    }
}

fn open(path: &Path) -> Result<AnyConnection, diesel::r2d2::Error> {
    let conn = SqliteConnection::establish(&path.to_string_lossy()).map_err(diesel::r2d2::Error::ConnectionError)?;
    let mut conn = AnyConnection::Sqlite(conn);
    Setup::SqliteWriter.on_acquire(&mut conn)?;
    Ok(conn)
}

#[cfg(test)]
mod tests;
