//! Migrations: embedded, run at start under a lock, and a newer schema is refused.

use super::{AnyConnection, DatabaseUrl, OpenError, create_parent};
use diesel::connection::SimpleConnection;
use diesel::migration::{Migration, MigrationSource, MigrationVersion};
use diesel::prelude::*;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};
use std::fs::File;
use std::path::PathBuf;

const SQLITE: EmbeddedMigrations = embed_migrations!("../../migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("../../migrations/postgres");

/// Any number that only Octavo's migrations use, for PostgreSQL's advisory lock: "octavo" in ASCII.
const ADVISORY_LOCK: i64 = 0x6f63_7461_766f;

/// The schema cannot be brought up to date.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    /// No connection.
    #[error("cannot connect to the database: {0}")]
    Connect(#[from] ConnectionError),
    /// The lock file beside an SQLite database cannot be taken.
    #[error("cannot lock {}", path.display())]
    Lock {
        /// The lock file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The database was migrated by a later version of this program.
    #[error("the database has a newer schema ({0}) than this version of Octavo knows; upgrade Octavo")]
    Newer(String),
    /// A migration failed; it was rolled back.
    #[error("migration failed: {0}")]
    Failed(Box<dyn std::error::Error + Send + Sync>),
}

/// Brings the schema up to date. One process at a time; the others wait and find nothing left to do.
pub(super) fn run(url: &DatabaseUrl) -> Result<(), OpenError> {
    match url {
        DatabaseUrl::Sqlite(path) => {
            create_parent(path)?;
            let lock_path = path.with_extension("lock");
            let lock_error = |source| MigrationError::Lock { path: lock_path.clone(), source };
            let lock = File::create(&lock_path).map_err(lock_error)?;
            lock.lock().map_err(lock_error)?;
            let mut conn = SqliteConnection::establish(&path.to_string_lossy()).map_err(MigrationError::Connect)?;
            conn.batch_execute("PRAGMA busy_timeout=10000; PRAGMA journal_mode=WAL; PRAGMA foreign_keys=ON;")
                .map_err(failed)?;
            refuse_newer(&mut conn, &SQLITE)?;
            conn.run_pending_migrations(SQLITE).map_err(MigrationError::Failed)?;
            Ok(())
        }
        DatabaseUrl::Postgres(address) => {
            let mut conn = PgConnection::establish(address).map_err(MigrationError::Connect)?;
            let lock = |call: &str| format!("SELECT {call}({ADVISORY_LOCK})");
            conn.batch_execute(&lock("pg_advisory_lock")).map_err(failed)?;
            let result = refuse_newer(&mut conn, &POSTGRES)
                .and_then(|()| conn.run_pending_migrations(POSTGRES).map(drop).map_err(MigrationError::Failed));
            conn.batch_execute(&lock("pg_advisory_unlock")).map_err(failed)?;
            Ok(result?)
        }
    }
}

fn failed(error: diesel::result::Error) -> MigrationError {
    MigrationError::Failed(error.into())
}

fn refuse_newer<C, DB>(conn: &mut C, ours: &EmbeddedMigrations) -> Result<(), MigrationError>
where
    DB: diesel::backend::Backend,
    C: MigrationHarness<DB>,
    EmbeddedMigrations: MigrationSource<DB>,
{
    let ours: Vec<Box<dyn Migration<DB>>> = ours.migrations().map_err(MigrationError::Failed)?;
    let known: Vec<MigrationVersion<'static>> =
        ours.iter().map(|migration| migration.name().version().as_owned()).collect();
    let applied = conn.applied_migrations().map_err(MigrationError::Failed)?;
    match applied.into_iter().find(|version| !known.contains(version)) {
        Some(version) => Err(MigrationError::Newer(version.to_string())),
        None => Ok(()),
    }
}

/// The versions of the migrations that the database has, newest first.
///
/// # Errors
/// The database's.
pub fn applied_versions(conn: &mut AnyConnection) -> Result<Vec<String>, crate::Error> {
    diesel::table! { __diesel_schema_migrations (version) { version -> Text, } }
    use __diesel_schema_migrations::dsl;
    Ok(dsl::__diesel_schema_migrations.select(dsl::version).order(dsl::version.desc()).load(conn)?)
}
