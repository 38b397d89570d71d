//! The writer's thread: which pieces share a transaction, when it is begun, and what becomes of the others if one fails.

use super::open;
use super::piece::Work;
use crate::Error;
use crate::db::{AnyConnection, Hurry, begin, both, commit, rollback};
use diesel::QueryResult;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};

/// Pieces in one transaction.
const BATCH: usize = 512;
/// No longer than this is anything added to a transaction before it is committed.
const BATCH_TIME: Duration = Duration::from_millis(50);
/// A busy writer waits for stragglers, at most this share of what its last commit took.
const PATIENCE: u32 = 4;
/// As long as the last commit is no older than this, the writer is busy.
const BUSY: Duration = Duration::from_millis(10);
/// How long a busy writer gathers work that can wait for company.
const COMPANY: Duration = Duration::from_millis(5);
/// How long work that nobody waits for is put off.
const WHENEVER: Duration = Duration::from_millis(100);

/// The last transaction: what the next one can expect.
#[derive(Clone, Copy, Default)]
struct Last {
    pieces: usize,
    commit: Duration,
    ended: Option<Instant>,
}

/// What a piece of a batch came to.
enum Attempt {
    /// Kept, or undone by itself.
    Settled,
    /// Undone with the whole transaction.
    Undone,
    /// It panicked; nobody knows what the connection is in.
    Panicked,
    /// The transaction cannot go on.
    Lost,
}

/// What the writer's thread does until nobody can give it work any more.
pub(super) struct Loop {
    path: PathBuf,
    conn: AnyConnection,
    last: Last,
}

impl Loop {
    pub(super) fn new(path: PathBuf, conn: AnyConnection) -> Self {
        Self { path, conn, last: Last::default() }
    }

    pub(super) fn run(mut self, waiting: &Receiver<Box<dyn Work>>) {
        while let Ok(first) = waiting.recv() {
            let mut gathered = self.gather(first, waiting);
            while !gathered.is_empty() {
                self.batch(&mut gathered, waiting);
            }
        }
    }

    /// `first` and what comes until one of them can wait no longer.
    fn gather(&self, first: Box<dyn Work>, waiting: &Receiver<Box<dyn Work>>) -> VecDeque<Box<dyn Work>> {
        let mut due = self.due(first.as_ref());
        let mut gathered = VecDeque::from([first]);
        while gathered.len() < BATCH {
            let left = due.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let Ok(piece) = waiting.recv_timeout(left) else { break };
            due = due.min(self.due(piece.as_ref()));
            gathered.push_back(piece);
        }
        gathered
    }

    /// When a piece wants to be begun.
    fn due(&self, piece: &dyn Work) -> Instant {
        let queued = piece.queued();
        match piece.manner().hurry {
            Hurry::Now => queued,
            Hurry::InCompany if self.last.ended.is_none_or(|ended| ended.elapsed() > BUSY) => queued,
            Hurry::InCompany => queued + COMPANY,
            Hurry::Whenever => queued + WHENEVER,
        }
    }

    /// One transaction: what was gathered, and what comes meanwhile. What is left in `gathered` is for the next one.
    fn batch(&mut self, gathered: &mut VecDeque<Box<dyn Work>>, waiting: &Receiver<Box<dyn Work>>) {
        if let Err(error) = begin(&mut self.conn) {
            tracing::warn!(%error, "the writer could not begin a transaction");
            return self.one_by_one(gathered.drain(..));
        }
        let started = Instant::now();
        let mut batch = Vec::new();
        loop {
            let next = match gathered.pop_front() {
                Some(piece) => Some(piece),
                None if batch.len() < BATCH && started.elapsed() < BATCH_TIME => {
                    self.next(batch.len(), started, waiting)
                }
                None => None,
            };
            let Some(piece) = next else { break };
            let Some(mut piece) = on_time(piece) else { continue };
            match self.attempt(piece.as_mut(), batch.is_empty()) {
                Attempt::Settled => batch.push(piece),
                // It stood alone in the transaction, which is gone.
                Attempt::Undone => return piece.answer(),
                Attempt::Panicked => {
                    piece.refuse(Error::internal("a panic while writing to the database"));
                    batch.extend(gathered.drain(..));
                    return self.start_again(batch);
                }
                Attempt::Lost => {
                    batch.push(piece);
                    batch.extend(gathered.drain(..));
                    return self.start_again(batch);
                }
            }
        }
        let committing = Instant::now();
        if let Err(error) = commit(&mut self.conn) {
            tracing::warn!(%error, pieces = batch.len(), "the writer could not commit");
            return self.start_again(batch);
        }
        self.last = Last { pieces: batch.len(), commit: committing.elapsed(), ended: Some(Instant::now()) };
        for piece in batch {
            piece.answer();
        }
    }

    /// Another piece for the open transaction. Those whom the last commit has just answered may be on their way back:
    /// while fewer are here than then, a little patience saves them a whole commit.
    fn next(&self, here: usize, started: Instant, waiting: &Receiver<Box<dyn Work>>) -> Option<Box<dyn Work>> {
        if here >= self.last.pieces {
            return waiting.try_recv().ok();
        }
        let patience = (self.last.commit / PATIENCE).min(BATCH_TIME).saturating_sub(started.elapsed());
        waiting.recv_timeout(patience).ok()
    }

    /// One piece in its savepoint. The first one needs none: if it fails, there is nothing else to undo. (SQLite copies
    /// each page that is changed within a savepoint.) Nor does one that fails only if the database does, since nobody knows
    /// then whether the transaction is still there.
    fn attempt(&mut self, piece: &mut dyn Work, first: bool) -> Attempt {
        let conn = &mut self.conn;
        let bare = first || piece.manner().bare;
        if !bare && savepoint(conn).is_err() {
            return Attempt::Lost;
        }
        match catch_unwind(AssertUnwindSafe(|| piece.attempt(conn))) {
            Ok(true) if bare => Attempt::Settled,
            Ok(false) if first && rollback(conn).is_ok() => Attempt::Undone,
            Ok(false) if bare => Attempt::Lost,
            Ok(true) if commit(conn).is_ok() => Attempt::Settled,
            Ok(false) if rollback(conn).is_ok() => Attempt::Settled,
            Ok(_) => Attempt::Lost,
            Err(_) => Attempt::Panicked,
        }
    }

    /// Nothing of the open transaction was kept: each piece is done again by itself, over a new connection.
    fn start_again(&mut self, batch: Vec<Box<dyn Work>>) {
        match open(&self.path) {
            // Dropping the old one rolls back what it had begun.
            Ok(conn) => {
                self.conn = conn;
                self.one_by_one(batch);
            }
            Err(error) => {
                tracing::error!(%error, "the writer could not open the database again");
                for piece in batch {
                    piece.refuse(Error::Overloaded);
                }
            }
        }
    }

    fn one_by_one(&mut self, batch: impl IntoIterator<Item = Box<dyn Work>>) {
        self.last = Last::default();
        for piece in batch.into_iter().filter_map(on_time) {
            if catch_unwind(AssertUnwindSafe(|| piece.alone(&mut self.conn))).is_err() {
                // Its caller has learnt it from the dropped channel.
                match open(&self.path) {
                    Ok(conn) => self.conn = conn,
                    Err(error) => tracing::error!(%error, "the writer could not open the database again"),
                }
            }
        }
    }
}

/// Nothing is begun for a caller who has waited so long: it is told that it was not.
fn on_time(piece: Box<dyn Work>) -> Option<Box<dyn Work>> {
    if piece.is_late() {
        piece.refuse(Error::Overloaded);
        None
    } else {
        Some(piece)
    }
}

fn savepoint(conn: &mut AnyConnection) -> QueryResult<()> {
    both!(conn, |c| AnsiTransactionManager::begin_transaction(c))
}
