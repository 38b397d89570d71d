//! Visitors' sessions in the database. Which cookie they belong to, only the browser knows: the key is its hash.

use crate::db::both;
use crate::db::schema::session;
use crate::secrets;
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;

impl Shop {
    /// Keeps a session's data until `expires_at`, replacing what was there.
    ///
    /// # Errors
    /// The database's.
    pub async fn save_session(&self, id: &str, data: String, expires_at: NaiveDateTime) -> Result<(), Error> {
        let key = secrets::hash(id);
        self.0
            .db
            .write(move |conn| {
                let values = (session::id_hash.eq(&key), session::data.eq(&data), session::expires_at.eq(expires_at));
                both!(conn, |c| diesel::insert_into(session::table)
                    .values(values)
                    .on_conflict(session::id_hash)
                    .do_update()
                    .set((session::data.eq(&data), session::expires_at.eq(expires_at)))
                    .execute(c))?;
                Ok(())
            })
            .await
    }

    /// Keeps a new session; false if there is one of this id already.
    ///
    /// # Errors
    /// The database's.
    pub async fn create_session_row(&self, id: &str, data: String, expires_at: NaiveDateTime) -> Result<bool, Error> {
        let key = secrets::hash(id);
        self.0
            .db
            .write(move |conn| {
                let values = (session::id_hash.eq(&key), session::data.eq(&data), session::expires_at.eq(expires_at));
                Ok(both!(conn, |c| diesel::insert_into(session::table)
                    .values(values)
                    .on_conflict_do_nothing()
                    .execute(c))?
                    == 1)
            })
            .await
    }

    /// A session's data, if it has not expired.
    ///
    /// # Errors
    /// The database's.
    pub async fn load_session(&self, id: &str) -> Result<Option<(String, NaiveDateTime)>, Error> {
        let (key, now) = (secrets::hash(id), self.0.clock.now());
        self.0
            .db
            .read(move |conn| {
                Ok(session::table
                    .find(key)
                    .filter(session::expires_at.gt(now))
                    .select((session::data, session::expires_at))
                    .first(conn)
                    .optional()?)
            })
            .await
    }

    /// Forgets a session.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_session(&self, id: &str) -> Result<(), Error> {
        let key = secrets::hash(id);
        self.0
            .db
            .write(move |conn| {
                diesel::delete(session::table.find(&key)).execute(conn)?;
                Ok(())
            })
            .await
    }

    /// Forgets what has expired; returns how many sessions that were.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_expired_sessions(&self) -> Result<usize, Error> {
        let now = self.0.clock.now();
        self.0
            .db
            .write(move |conn| Ok(diesel::delete(session::table.filter(session::expires_at.le(now))).execute(conn)?))
            .await
    }
}
