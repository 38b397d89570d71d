//! Writing a great deal at once.

use super::{AnyConnection, Db, Writers, blocking, persist, transaction};
use crate::Error;
use diesel::connection::SimpleConnection;
use std::sync::{Arc, Mutex, PoisonError};

/// A way to write large transactions. On SQLite it is a connection of its own: under the writer's savepoints every page
/// that is changed is copied first, and each statement walks over all the copies. It is as durable as the writer's; what
/// it has more is memory for pages (512 MB) and a log that is carried over less often.
#[derive(Clone)]
pub(crate) enum Bulk {
    Alone(Arc<Mutex<AnyConnection>>),
    Pool(Db),
}

impl Db {
    /// Opens it.
    ///
    /// # Errors
    /// Without a connection.
    pub(crate) async fn bulk(&self) -> Result<Bulk, Error> {
        match &self.writer {
            Writers::Pool => Ok(Bulk::Pool(self.clone())),
            Writers::Thread(writer) => {
                let writer = writer.clone();
                blocking(move || {
                    let mut conn = writer.open().map_err(|error| Error::internal(error.to_string()))?;
                    conn.batch_execute("PRAGMA cache_size=-524288; PRAGMA wal_autocheckpoint=32768;")?;
                    Ok(Bulk::Alone(Arc::new(Mutex::new(conn))))
                })
                .await
            }
        }
    }
}

impl Bulk {
    /// Runs `work` in one transaction, as [`Db::write`] does.
    ///
    /// # Errors
    /// What `work` returns, the database's.
    pub(crate) async fn write<T, F>(&self, mut work: F) -> Result<T, Error>
    where
        T: Send + 'static,
        F: FnMut(&mut AnyConnection) -> Result<T, Error> + Send + 'static,
    {
        match self {
            Self::Pool(db) => db.write(work).await,
            Self::Alone(conn) => {
                let conn = Arc::clone(conn);
                blocking(move || {
                    let mut conn = conn.lock().unwrap_or_else(PoisonError::into_inner);
                    persist(|work| transaction(&mut conn, work), &mut work)
                })
                .await
            }
        }
    }
}
