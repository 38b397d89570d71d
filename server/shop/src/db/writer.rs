//! SQLite's one writer: a thread with the only connection that writes, and what has queued up for it.
//!
//! What makes a transaction durable is one `fsync`, a few milliseconds on most disks, however much stands in it. So the
//! thread takes all the work that waits, runs each piece in a savepoint of one transaction, commits once, and only then
//! answers each caller (group commit: PostgreSQL does the same by itself). Nothing is answered before it is durable.
//! Work that is in no hurry ([`Hurry`]) is gathered before a transaction is begun, so that nobody else is kept out meanwhile.

use super::{AnyConnection, Hurry, Manner, Setup, begin, both, commit, rollback, transaction};
use crate::Error;
use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::prelude::*;
use diesel::r2d2::CustomizeConnection;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::time::{Duration, Instant};
use tokio::sync::oneshot;

/// Pieces of work that may wait; more are told to come back.
const QUEUE: usize = 4_096;
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
            .spawn(move || Loop { path: own, conn, last: Last::default() }.run(&waiting))
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
        let queued = Instant::now();
        let piece = Piece { work, manner, answer, result: None, queued, span: tracing::Span::current() };
        match self.queue.try_send(Box::new(piece)) {
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

/// A caller's transaction with the way back to the caller.
trait Work: Send {
    /// Whether its caller has been kept waiting for too long.
    fn is_late(&self) -> bool;
    /// In what manner it is to be done.
    fn manner(&self) -> Manner;
    /// Since when it waits.
    fn queued(&self) -> Instant;
    /// Does it; false if it must be undone.
    fn attempt(&mut self, conn: &mut AnyConnection) -> bool;
    /// Answers with what the attempt came to: it is durable, or undone.
    fn answer(self: Box<Self>);
    /// Answers that it could not be done.
    fn refuse(self: Box<Self>, error: Error);
    /// Does it in a transaction of its own and answers.
    fn alone(self: Box<Self>, conn: &mut AnyConnection);
}

struct Piece<T, F> {
    work: F,
    manner: Manner,
    answer: oneshot::Sender<Result<T, Error>>,
    result: Option<Result<T, Error>>,
    queued: Instant,
    span: tracing::Span,
}

impl<T, F> Work for Piece<T, F>
where
    T: Send,
    F: FnMut(&mut AnyConnection) -> Result<T, Error> + Send,
{
    fn is_late(&self) -> bool {
        self.queued.elapsed() > super::POOL_TIMEOUT
    }

    fn manner(&self) -> Manner {
        self.manner
    }

    fn queued(&self) -> Instant {
        self.queued
    }

    fn attempt(&mut self, conn: &mut AnyConnection) -> bool {
        let result = self.span.in_scope(|| (self.work)(conn));
        let done = result.is_ok();
        self.result = Some(result);
        done
    }

    fn answer(self: Box<Self>) {
        let result = self.result.unwrap_or_else(|| Err(Error::internal("work that was never done")));
        // Whoever asked may have gone; what was asked is done all the same.
        let _ = self.answer.send(result);
    }

    fn refuse(self: Box<Self>, error: Error) {
        let _ = self.answer.send(Err(error));
    }

    fn alone(mut self: Box<Self>, conn: &mut AnyConnection) {
        let result = self.span.in_scope(|| super::persist(|work| transaction(conn, work), &mut self.work));
        let _ = self.answer.send(result);
    }
}

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

struct Loop {
    path: PathBuf,
    conn: AnyConnection,
    last: Last,
}

impl Loop {
    fn run(mut self, waiting: &Receiver<Box<dyn Work>>) {
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

#[cfg(test)]
mod tests {
    use super::*;
    use diesel::dsl::sql;
    use diesel::sql_types::BigInt;
    use futures::future::join_all;

    fn writer(folder: &tempfile::TempDir) -> Writer {
        Writer::start(&folder.path().join("test.db")).unwrap()
    }

    async fn run(writer: &Writer, sql: String) -> Result<(), Error> {
        writer.run(Manner::PLAIN, move |conn| Ok(diesel::sql_query(&sql).execute(conn).map(drop)?)).await
    }

    fn count(folder: &tempfile::TempDir) -> i64 {
        // Another connection: what it sees is committed.
        let mut conn = SqliteConnection::establish(&folder.path().join("test.db").to_string_lossy()).unwrap();
        diesel::select(sql::<BigInt>("(SELECT count(*) FROM t)")).get_result(&mut conn).unwrap()
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_answered_is_committed_and_what_failed_is_undone_alone() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder);
        run(&writer, "CREATE TABLE t (id INTEGER PRIMARY KEY)".into()).await.unwrap();
        let results = join_all((0..400_i64).map(|i| {
            let (writer, folder) = (writer.clone(), &folder);
            async move {
                let result = writer
                    .run(Manner::PLAIN, move |conn| {
                        diesel::sql_query(format!("INSERT INTO t VALUES ({i})")).execute(conn)?;
                        match i % 10 {
                            3 => Err(Error::NotFound),
                            7 => Ok(diesel::sql_query("INSERT INTO t VALUES (0)").execute(conn).map(drop)?),
                            _ => Ok(()),
                        }
                    })
                    .await;
                if result.is_ok() && i % 50 == 0 {
                    assert!(count(folder) > 0, "answered before it was committed");
                }
                result
            }
        }))
        .await;
        for (i, result) in results.iter().enumerate() {
            match i % 10 {
                3 => assert!(matches!(result, Err(Error::NotFound))),
                7 => assert!(matches!(result, Err(Error::Database(_)))),
                _ => assert!(result.is_ok(), "{i}: {result:?}"),
            }
        }
        assert_eq!(count(&folder), 320);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn bare_work_that_fails_takes_nobody_else_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder);
        run(&writer, "CREATE TABLE t (id INTEGER PRIMARY KEY)".into()).await.unwrap();
        let results = join_all((0..60_i64).map(|i| {
            let writer = writer.clone();
            async move {
                // Every third has its savepoint; of the others every tenth finds its number taken.
                if i % 3 == 0 {
                    return run(&writer, format!("INSERT INTO t VALUES ({i})")).await;
                }
                let number = if i % 10 == 1 { 1 } else { i };
                let insert = move |conn: &mut AnyConnection| {
                    diesel::sql_query(format!("INSERT INTO t VALUES ({number})")).execute(conn)?;
                    Ok(())
                };
                writer.run(Manner::BARE, insert).await
            }
        }))
        .await;
        // 1, 11, 31, 41 want number one (21 and 51 are of the others), and one of them has it.
        let failed: Vec<usize> =
            results.iter().enumerate().filter(|(_, result)| result.is_err()).map(|(i, _)| i).collect();
        assert_eq!(failed.len(), 3, "{failed:?}");
        assert!(failed.iter().all(|i| [1, 11, 31, 41].contains(i)), "{failed:?}");
        assert_eq!(count(&folder), 57);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_panic_takes_nobody_else_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder);
        run(&writer, "CREATE TABLE t (id INTEGER PRIMARY KEY)".into()).await.unwrap();
        let results = join_all((0..60_i64).map(|i| {
            let writer = writer.clone();
            async move {
                writer
                    .run(Manner::PLAIN, move |conn| {
                        diesel::sql_query(format!("INSERT INTO t VALUES ({i})")).execute(conn)?;
                        assert_ne!(i % 20, 9, "a defect");
                        Ok(())
                    })
                    .await
            }
        }))
        .await;
        let failed = results.iter().filter(|result| matches!(result, Err(Error::Internal(_)))).count();
        assert_eq!((failed, results.iter().filter(|result| result.is_ok()).count()), (3, 57));
        assert_eq!(count(&folder), 57);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn callers_at_once_share_a_commit() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder);
        run(&writer, "CREATE TABLE t (id INTEGER PRIMARY KEY)".into()).await.unwrap();
        let hold = std::sync::Arc::new(std::sync::Barrier::new(2));
        let held = {
            let (writer, hold) = (writer.clone(), hold.clone());
            tokio::spawn(async move {
                writer
                    .run(Manner::PLAIN, move |_| {
                        hold.wait();
                        hold.wait();
                        Ok(())
                    })
                    .await
            })
        };
        // The writer is busy; a hundred more queue up behind it.
        hold.wait();
        let before = frames(&folder);
        let others: Vec<_> = (0..100)
            .map(|i| {
                let writer = writer.clone();
                tokio::spawn(async move { run(&writer, format!("INSERT INTO t VALUES ({i})")).await })
            })
            .collect();
        tokio::time::sleep(Duration::from_millis(100)).await;
        hold.wait();
        held.await.unwrap().unwrap();
        for other in others {
            other.await.unwrap().unwrap();
        }
        assert_eq!(count(&folder), 100);
        // Each commit writes at least the one page of the table to the log: a hundred of them would be a hundred pages.
        let written = frames(&folder) - before;
        assert!((1..=5).contains(&written), "{written} pages");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn work_in_no_hurry_shares_the_next_commit_and_does_not_wait_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let writer = writer(&folder);
        run(&writer, "CREATE TABLE t (id INTEGER PRIMARY KEY)".into()).await.unwrap();
        let insert = |manner: Manner, i: i64| {
            let writer = writer.clone();
            tokio::spawn(async move {
                let insert = format!("INSERT INTO t VALUES ({i})");
                writer.run(manner, move |conn| Ok(diesel::sql_query(&insert).execute(conn).map(drop)?)).await
            })
        };
        let before = frames(&folder);
        let mut work: Vec<_> = (0..40).map(|i| insert(Manner::BARE.whenever(), i)).collect();
        work.extend((40..50).map(|i| insert(Manner::PLAIN.whenever(), i)));
        // One of them fails, alone.
        work.push(insert(Manner::PLAIN.whenever(), 49));
        let mut failed = 0;
        for work in work {
            failed += usize::from(work.await.unwrap().is_err());
        }
        assert_eq!((failed, count(&folder)), (1, 50));
        let written = frames(&folder) - before;
        assert!((1..=5).contains(&written), "{written} pages");
        // Whoever is in a hurry takes along what waits.
        let before = frames(&folder);
        let insert = |i: i64| {
            let insert = format!("INSERT INTO t VALUES ({i})");
            move |conn: &mut AnyConnection| Ok(diesel::sql_query(&insert).execute(conn).map(drop)?)
        };
        let (waited, hurried) =
            tokio::join!(writer.run(Manner::BARE.whenever(), insert(100)), writer.run(Manner::PLAIN, insert(101)),);
        waited.and(hurried).unwrap();
        assert_eq!((count(&folder), frames(&folder) - before), (52, 1));
    }

    /// Pages in the write-ahead log: 32 bytes of header, then 24 + 4 096 each.
    fn frames(folder: &tempfile::TempDir) -> u64 {
        let bytes = std::fs::metadata(folder.path().join("test.db-wal")).unwrap().len();
        bytes.saturating_sub(32) / (24 + 4_096)
    }
}
