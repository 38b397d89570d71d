//! The database: one set of queries for SQLite and PostgreSQL.
//!
//! Diesel is synchronous here (`MultiConnection` and diesel-async do not combine), so every closure runs on the
//! blocking pool. A page should need one call, because a hop to that pool costs about 40 µs.

mod bulk;
mod constant;
mod migrate;
pub(crate) mod schema;
mod writer;

pub use migrate::{MigrationError, applied_versions};

use crate::Error;
use diesel::connection::{AnsiTransactionManager, SimpleConnection, TransactionManager};
use diesel::prelude::*;
use diesel::r2d2::{ConnectionManager, CustomizeConnection, Pool, PooledConnection};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use writer::Writer;

pub(crate) use bulk::Bulk;
pub use connection::AnyConnection;
pub(crate) use constant::{Constant, Value, next_id};

mod connection {
    use diesel::{PgConnection, SqliteConnection};

    /// A connection to either database.
    #[derive(diesel::MultiConnection)]
    pub enum AnyConnection {
        /// To scale out.
        Postgres(PgConnection),
        /// The embedded default.
        Sqlite(SqliteConnection),
    }
}

/// Runs the same query on whichever database it is, for what `MultiConnection` cannot express (upserts).
macro_rules! both {
    ($conn:expr, |$c:ident| $body:expr) => {
        match $conn {
            $crate::db::AnyConnection::Sqlite($c) => $body,
            $crate::db::AnyConnection::Postgres($c) => $body,
        }
    };
}
pub(crate) use both;

/// Where the database is.
#[derive(Clone, PartialEq, Eq)]
pub enum DatabaseUrl {
    /// `sqlite://PATH`, relative or absolute.
    Sqlite(PathBuf),
    /// `postgres://…` or `postgresql://…`, as libpq reads it.
    Postgres(String),
}

/// The URL names no database that this store runs on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be sqlite://PATH or postgres://…")]
pub struct UnknownDatabase;

impl FromStr for DatabaseUrl {
    type Err = UnknownDatabase;

    fn from_str(url: &str) -> Result<Self, UnknownDatabase> {
        if let Some(path) = url.strip_prefix("sqlite://") {
            return if path.is_empty() || path.contains(['?', '\0']) {
                Err(UnknownDatabase)
            } else {
                Ok(Self::Sqlite(path.into()))
            };
        }
        if ["postgres://", "postgresql://"].iter().any(|scheme| url.starts_with(scheme)) {
            return Ok(Self::Postgres(url.to_owned()));
        }
        Err(UnknownDatabase)
    }
}

/// Without the password.
impl std::fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => write!(f, "sqlite://{}", path.display()),
            Self::Postgres(_) => f.write_str("postgres://…"),
        }
    }
}

/// The database cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder of the SQLite file cannot be made.
    #[error("cannot create the folder of {}", path.display())]
    Folder {
        /// The database file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No connection.
    #[error("cannot connect to the database: {0}")]
    Connect(#[from] diesel::r2d2::PoolError),
    /// SQLite's writer could not start.
    #[error("cannot open the database for writing: {0}")]
    Write(#[source] diesel::r2d2::Error),
    /// Migrations failed, or the schema is newer than this program.
    #[error(transparent)]
    Migrate(#[from] MigrationError),
}

type AnyPool = Pool<ConnectionManager<AnyConnection>>;

/// The connections. On SQLite a thread writes and a pool reads; PostgreSQL has one pool for both.
#[derive(Clone, Debug)]
pub struct Db {
    readers: Readers,
    writer: Writers,
}

/// A pool, and as many permits as it has connections: who waits for one waits without holding a thread.
#[derive(Clone, Debug)]
struct Readers {
    pool: AnyPool,
    permits: Arc<Semaphore>,
}

#[derive(Clone, Debug)]
enum Writers {
    Thread(Writer),
    Pool,
}

/// How a transaction stands to the others that SQLite's writer has. PostgreSQL gives each a connection of its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Manner {
    /// It fails only if the database does, and has no savepoint of its own. Should it fail, all that shared its transaction
    /// is done again, each piece by itself.
    bare: bool,
    hurry: Hurry,
}

/// How soon it is to be begun.
#[derive(Clone, Copy, Debug)]
enum Hurry {
    /// As soon as the writer is free.
    Now,
    /// So too; only a busy writer may wait a few milliseconds for others, to save commits.
    InCompany,
    /// Within a tenth of a second.
    Whenever,
}

impl Manner {
    pub(crate) const PLAIN: Self = Self { bare: false, hurry: Hurry::Now };
    pub(crate) const BARE: Self = Self { bare: true, hurry: Hurry::Now };

    pub(crate) const fn in_company(self) -> Self {
        Self { hurry: Hurry::InCompany, ..self }
    }

    pub(crate) const fn whenever(self) -> Self {
        Self { hurry: Hurry::Whenever, ..self }
    }
}

/// How long a request waits for a connection before it is told to come back.
const POOL_TIMEOUT: Duration = Duration::from_secs(10);
const READERS: u16 = 4;
const POSTGRES_CONNECTIONS: u16 = 12;

#[derive(Clone, Copy, Debug)]
enum Setup {
    SqliteReader,
    SqliteWriter,
    Postgres,
}

impl CustomizeConnection<AnyConnection, diesel::r2d2::Error> for Setup {
    fn on_acquire(&self, conn: &mut AnyConnection) -> Result<(), diesel::r2d2::Error> {
        let sql = match self {
            // `synchronous=FULL`: what was acknowledged survives a power cut also in WAL mode. The log is brought home every
            // 16 MB: what is written all the time is then copied once for many times.
            Self::SqliteWriter => {
                "PRAGMA busy_timeout=10000; PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA wal_autocheckpoint=4000;"
            }
            Self::SqliteReader => {
                "PRAGMA busy_timeout=10000; PRAGMA foreign_keys=ON; PRAGMA temp_store=MEMORY; PRAGMA query_only=ON;"
            }
            // A page's queries take milliseconds. The planner takes some of them for long ones, and compiling one or starting
            // workers for it costs ten times what it takes.
            Self::Postgres => {
                "SET TIME ZONE 'UTC'; SET statement_timeout = '30s'; SET lock_timeout = '10s'; SET jit = off; SET parallel_setup_cost = 100000;"
            }
        };
        conn.batch_execute(sql).map_err(diesel::r2d2::Error::QueryError)
    }
}

impl Db {
    /// Connects, brings the schema up to date under a lock, and opens the pools. Blocks.
    ///
    /// # Errors
    /// [`OpenError`]: no connection, a failed migration, or a schema newer than this program.
    pub fn open(url: &DatabaseUrl) -> Result<Self, OpenError> {
        migrate::run(url)?;
        Self::connect(url)
    }

    /// Connects without touching the schema. Blocks.
    ///
    /// # Errors
    /// [`OpenError`] without a connection.
    pub fn connect(url: &DatabaseUrl) -> Result<Self, OpenError> {
        let pool = |address: &str, size: u16, setup: Setup| -> Result<Readers, OpenError> {
            let pool = Pool::builder()
                .max_size(size.into())
                // None in reserve: the pool would connect in the background, and a command of the program that ends
                // meanwhile takes the TLS library away from under that thread, which is a crash.
                .min_idle(Some(0))
                .connection_timeout(POOL_TIMEOUT)
                // A server may have hung up; a file does not.
                .test_on_check_out(matches!(setup, Setup::Postgres))
                .connection_customizer(Box::new(setup))
                .build(ConnectionManager::<AnyConnection>::new(address))?;
            Ok(Readers { pool, permits: Arc::new(Semaphore::new(size.into())) })
        };
        match url {
            DatabaseUrl::Sqlite(path) => {
                create_parent(path)?;
                let address = path.to_string_lossy();
                // The writer first: it is the one that switches the file to WAL.
                let writer = Writers::Thread(Writer::start(path).map_err(OpenError::Write)?);
                Ok(Self { readers: pool(&address, READERS, Setup::SqliteReader)?, writer })
            }
            DatabaseUrl::Postgres(address) => {
                Ok(Self { readers: pool(address, POSTGRES_CONNECTIONS, Setup::Postgres)?, writer: Writers::Pool })
            }
        }
    }

    /// Runs queries that change nothing.
    ///
    /// # Errors
    /// What `work` returns, or [`Error::Pool`] if no connection was free in time.
    pub async fn read<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut AnyConnection) -> Result<T, Error> + Send + 'static,
    {
        self.readers.run(move |pool| work(&mut *acquire(pool)?)).await
    }

    /// As [`Db::read`], for a look at a row or two by its key. SQLite answers that from memory in less time than it takes
    /// to hand the question to another thread and back, so it is asked where we are.
    ///
    /// # Errors
    /// As [`Db::read`].
    pub async fn read_briefly<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnOnce(&mut AnyConnection) -> Result<T, Error> + Send + 'static,
    {
        match &self.writer {
            Writers::Thread(_) => {
                let _permit = self.readers.permit().await?;
                work(&mut *acquire(&self.readers.pool)?)
            }
            Writers::Pool => self.read(work).await,
        }
    }

    /// Runs `work` in one transaction: `BEGIN IMMEDIATE` on SQLite (a deferred read-to-write upgrade would fail at
    /// once, whatever the time limit). An error rolls back. A passing failure (lost lock, deadlock, lost connection) is tried
    /// again, so `work` must do nothing outside the database. It may have been done then, and only the answer to its commit
    /// lost: what must not be done twice finds a mark of its own (a form's key, [`crate::once`]).
    ///
    /// # Errors
    /// What `work` returns, or [`Error::Pool`] if no connection was free in time.
    pub async fn write<T, F>(&self, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut AnyConnection) -> Result<T, Error> + Send + 'static,
    {
        self.write_as(Manner::PLAIN, work).await
    }

    /// As [`Db::write`], in a manner of its own.
    ///
    /// # Errors
    /// As [`Db::write`].
    pub(crate) async fn write_as<T, F>(&self, manner: Manner, work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut AnyConnection) -> Result<T, Error> + Send + 'static,
    {
        match &self.writer {
            Writers::Thread(writer) => writer.run(manner, work).await,
            Writers::Pool => self.write_from_pool(work).await,
        }
    }

    async fn write_from_pool<T, F>(&self, mut work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut AnyConnection) -> Result<T, Error> + Send + 'static,
    {
        self.readers.run(move |pool| persist(|work| transaction(&mut *acquire(pool)?, work), &mut work)).await
    }
}

impl Readers {
    /// A place at one of the connections.
    async fn permit(&self) -> Result<OwnedSemaphorePermit, Error> {
        tokio::time::timeout(POOL_TIMEOUT, Arc::clone(&self.permits).acquire_owned())
            .await
            .map_err(|_| Error::Overloaded)?
            .map_err(|error| Error::internal(error.to_string()))
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&AnyPool) -> Result<T, Error> + Send + 'static,
    ) -> Result<T, Error> {
        let permit = self.permit().await?;
        let pool = self.pool.clone();
        blocking(move || {
            let result = work(&pool);
            drop(permit);
            result
        })
        .await
    }
}

const WRITE_ATTEMPTS: u32 = 5;

/// Runs a transaction, and again after a passing failure.
fn persist<T, F>(mut run: impl FnMut(&mut F) -> Result<T, Error>, work: &mut F) -> Result<T, Error> {
    let mut attempt = 1;
    loop {
        match run(work) {
            Err(Error::Database(error)) if attempt < WRITE_ATTEMPTS && crate::error::is_passing(&error) => {
                tracing::debug!(%error, attempt, "transaction is tried again");
                attempt += 1;
            }
            result => return result,
        }
    }
}

fn transaction<T>(
    conn: &mut AnyConnection,
    work: &mut impl FnMut(&mut AnyConnection) -> Result<T, Error>,
) -> Result<T, Error> {
    begin(conn)?;
    let result = work(conn);
    let end = if result.is_ok() { commit(conn) } else { rollback(conn) };
    match (result, end) {
        (Ok(value), Ok(())) => Ok(value),
        (Ok(_), Err(error)) => Err(error.into()),
        (Err(error), _) => Err(error),
    }
}

fn begin(conn: &mut AnyConnection) -> QueryResult<()> {
    match conn {
        AnyConnection::Sqlite(c) => AnsiTransactionManager::begin_transaction_sql(c, "BEGIN IMMEDIATE"),
        AnyConnection::Postgres(c) => AnsiTransactionManager::begin_transaction(c),
    }
}

fn commit(conn: &mut AnyConnection) -> QueryResult<()> {
    both!(conn, |c| AnsiTransactionManager::commit_transaction(c))
}

fn rollback(conn: &mut AnyConnection) -> QueryResult<()> {
    both!(conn, |c| AnsiTransactionManager::rollback_transaction(c))
}

fn acquire(pool: &AnyPool) -> Result<PooledConnection<ConnectionManager<AnyConnection>>, Error> {
    Ok(pool.get()?)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Error> + Send + 'static) -> Result<T, Error> {
    let span = tracing::Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work))
        .await
        .unwrap_or_else(|error| Err(Error::internal(format!("database task: {error}"))))
}

fn create_parent(path: &Path) -> Result<(), OpenError> {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => {
            std::fs::create_dir_all(parent).map_err(|source| OpenError::Folder { path: path.to_owned(), source })
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_url_is_an_error_and_not_a_new_file() {
        assert_eq!("sqlite://data/x.db".parse(), Ok(DatabaseUrl::Sqlite("data/x.db".into())));
        assert_eq!("sqlite:///tmp/x.db".parse(), Ok(DatabaseUrl::Sqlite("/tmp/x.db".into())));
        assert!("postgres://u@h/db".parse::<DatabaseUrl>().is_ok());
        for unknown in
            ["", "x.db", "data/x.db", "mysql://h/db", "sqlite:x.db", "sqlite://", "file:x.db", "Postgres://x"]
        {
            assert_eq!(unknown.parse::<DatabaseUrl>(), Err(UnknownDatabase), "{unknown}");
        }
        assert_eq!(format!("{:?}", DatabaseUrl::Postgres("postgres://u:secret@h/db".into())), "postgres://…");
    }
}
