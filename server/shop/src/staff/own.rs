//! What everybody may see and change of the own account: password, codes, sessions.

use super::accounts::object;
use super::guesses::confirm_password;
use super::{IDLE, Password, Staff};
use crate::audit::{self, Actor};
use crate::db::AnyConnection;
use crate::db::schema::{recovery_code, staff_session, users};
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// One's own account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    /// Whether it asks for codes, and since when, for reading.
    pub codes_since: Option<String>,
    /// How many recovery codes are left.
    pub recovery_codes: i64,
    /// Its sessions that live, the latest used first.
    pub sessions: Vec<SessionView>,
}

/// A session of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionView {
    /// For ending it.
    pub id: i64,
    /// Whether it is the one that asks.
    pub is_this: bool,
    /// Whether it is a program's.
    pub is_api: bool,
    /// The browser or program, in a few words of its own.
    pub user_agent: String,
    /// Where from: a network.
    pub ip_prefix: String,
    /// When it was opened, for reading.
    pub created: String,
    /// When it was last used, about.
    pub last_seen: String,
}

#[derive(Queryable)]
struct Row {
    id: i64,
    kind: String,
    user_agent: String,
    ip_prefix: String,
    created_at: NaiveDateTime,
    last_seen: NaiveDateTime,
}

impl Shop {
    /// One's own account.
    ///
    /// # Errors
    /// The database's.
    pub async fn own_account(&self, staff: &Staff) -> Result<Account, Error> {
        let (now, id, this) = (self.0.clock.now(), staff.id, staff.session);
        let notation = self.notation().clone();
        self.0
            .db
            .read(move |conn| {
                let since: Option<NaiveDateTime> = users::table.find(id).select(users::totp_since).first(conn)?;
                let codes = recovery_code::table
                    .filter(recovery_code::user_id.eq(id))
                    .filter(recovery_code::used_at.is_null())
                    .count()
                    .get_result(conn)?;
                let in_use = staff_session::kind.eq("api").or(staff_session::last_seen.gt(now - IDLE));
                let rows: Vec<Row> = staff_session::table
                    .filter(staff_session::user_id.eq(id))
                    .filter(staff_session::kind.ne("pending"))
                    .filter(staff_session::revoked_at.is_null())
                    .filter(staff_session::expires_at.gt(now))
                    .filter(in_use)
                    .order((staff_session::last_seen.desc(), staff_session::id.desc()))
                    .select((
                        staff_session::id,
                        staff_session::kind,
                        staff_session::user_agent,
                        staff_session::ip_prefix,
                        staff_session::created_at,
                        staff_session::last_seen,
                    ))
                    .limit(100)
                    .load(conn)?;
                let view = |row: Row| SessionView {
                    id: row.id,
                    is_this: row.id == this,
                    is_api: row.kind == "api",
                    user_agent: row.user_agent,
                    ip_prefix: row.ip_prefix,
                    created: notation.moment(row.created_at),
                    last_seen: notation.moment(row.last_seen),
                };
                Ok(Account {
                    codes_since: since.map(|since| notation.day(since.date())),
                    recovery_codes: codes,
                    sessions: rows.into_iter().map(view).collect(),
                })
            })
            .await
    }

    /// Changes one's own password, and ends all other sessions. Tokens for programs live on: nobody has to set up programs
    /// anew for it; who has to doubt them revokes them.
    ///
    /// # Errors
    /// [`Error::SignInRefused`] if the old one is wrong, [`Error::WeakPassword`], [`Error::RateLimited`], the database's.
    pub async fn change_password(&self, staff: &Staff, old: &Password, new: &Password) -> Result<(), Error> {
        confirm_password(self, staff, old).await?;
        new.check(&staff.email)?;
        let hash = self.0.hashing.hash(new).await?;
        let (id, this, now) = (staff.id, staff.session, self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                diesel::update(users::table.find(id))
                    .set((
                        users::password_hash.eq(&hash),
                        users::link_hash.eq(None::<String>),
                        users::link_expires_at.eq(None::<NaiveDateTime>),
                    ))
                    .execute(conn)?;
                end_sessions(conn, id, Some(this), now)?;
                renew_totp(conn, id)?;
                audit::record(conn, &Actor::Staff(id), "user.password_changed", object(id), None, None)
            })
            .await
    }

    /// Ends one of one's own sessions.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it is nobody's or another's, the database's.
    pub async fn end_session(&self, staff: &Staff, session: i64) -> Result<(), Error> {
        let (id, now) = (staff.id, self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                let own = staff_session::table
                    .find(session)
                    .filter(staff_session::user_id.eq(id))
                    .filter(staff_session::revoked_at.is_null());
                if diesel::update(own).set(staff_session::revoked_at.eq(now)).execute(conn)? == 0 {
                    return Err(Error::NotFound);
                }
                audit::record(conn, &Actor::Staff(id), "session.ended", object(id), None, None)
            })
            .await
    }
}

/// Gives an account that asks for no codes another secret for them: whoever had the old password may have seen the first.
pub(super) fn renew_totp(conn: &mut AnyConnection, id: i64) -> Result<(), Error> {
    diesel::update(users::table.find(id).filter(users::totp_since.is_null()))
        .set(users::totp_generation.eq(users::totp_generation + 1))
        .execute(conn)?;
    Ok(())
}

/// Ends the sessions of an account but for one.
pub(super) fn end_sessions(
    conn: &mut AnyConnection,
    id: i64,
    but: Option<i64>,
    now: NaiveDateTime,
) -> Result<(), Error> {
    diesel::update(
        staff_session::table
            .filter(staff_session::user_id.eq(id))
            .filter(staff_session::id.ne(but.unwrap_or(0)))
            .filter(staff_session::revoked_at.is_null()),
    )
    .set(staff_session::revoked_at.eq(now))
    .execute(conn)?;
    Ok(())
}
