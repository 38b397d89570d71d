//! Signing in and out, and who a session belongs to.
//!
//! Guesses are held back before anything is hashed: by account, by network and in all. A browser that has been in before
//! (a signed cookie, [`DeviceSecret`]) is not counted with strangers but has a bucket of its own, so that nobody can lock an
//! account's owner out of it by guessing. Address and password are answered alike whichever of them is wrong, and an address
//! without an account takes as long.

use super::accounts::{email_of, object, role_of};
use super::{IDLE, Password, SEEN_AGAIN, SESSION, Staff};
use crate::audit::{self, Actor};
use crate::db::AnyConnection;
use crate::db::schema::{refresh_token, staff_session, users};
use crate::secrets::{DeviceSecret, StaffSecret};
use crate::types::Email;
use crate::{Error, Shop, limits};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::net::IpAddr;

/// From where, and with what, somebody comes.
#[derive(Clone, Debug)]
pub struct Device {
    /// After trusted proxies.
    pub ip: IpAddr,
    /// As it calls itself.
    pub user_agent: String,
    /// What the browser was given when somebody last came in with it.
    pub known: Option<DeviceSecret>,
    /// The session that it has now: a new one takes its place.
    pub session: Option<StaffSecret>,
}

/// What a sign-in gives the browser.
#[derive(Clone, Debug)]
pub struct SignIn {
    /// The session.
    pub session: StaffSecret,
    /// By which the store knows the browser again.
    pub device: DeviceSecret,
}

/// As much of a browser's name as is kept.
const USER_AGENT: usize = 200;

/// The session of that secret, if it lives.
macro_rules! living {
    ($secret:expr, $now:expr) => {
        staff_session::table
            .filter(staff_session::hash.eq($secret.hash()))
            .filter(staff_session::kind.eq("browser"))
            .filter(staff_session::revoked_at.is_null())
            .filter(staff_session::expires_at.gt($now))
            .filter(staff_session::last_seen.gt($now - IDLE))
    };
}

/// What is known of an account before its password is.
#[derive(Clone, Queryable)]
struct Account {
    id: i64,
    password_hash: Option<String>,
    disabled_at: Option<NaiveDateTime>,
}

impl Shop {
    /// Signs somebody in.
    ///
    /// # Errors
    /// [`Error::SignInRefused`] without saying why, [`Error::RateLimited`], the database's.
    pub async fn sign_in(&self, email: &Email, password: &Password, device: &Device) -> Result<SignIn, Error> {
        let (now, norm) = (self.0.clock.now(), email.normalized());
        let address = norm.clone();
        let account: Option<Account> = self
            .0
            .db
            .read(move |conn| {
                Ok(users::table
                    .filter(users::email_norm.eq(address))
                    .select((users::id, users::password_hash, users::disabled_at))
                    .first(conn)
                    .optional()?)
            })
            .await?;
        let known = match (&account, &device.known) {
            (Some(account), Some(known)) if self.0.key.knows_device(account.id, known) => Some(known.clone()),
            _ => None,
        };
        let bucket = account.as_ref().map_or(0, |account| account.id);
        let network = limits::network(device.ip);
        let limits = &self.0.limits;
        let welcome = match &known {
            Some(known) => limits.desk_by_device.take((bucket, known.id().to_owned()), now),
            // The network first: what it guesses in vain takes nothing from the account's own bucket.
            None => {
                limits.desk_by_network.take(network, now)
                    && limits.desk_by_account.take(norm.clone(), now)
                    && limits.desk.take((), now)
            }
        };
        if !welcome {
            tracing::warn!("a way into the desk was refused: too many guesses");
            return Err(Error::RateLimited);
        }
        let open = account.filter(|account| account.disabled_at.is_none());
        let hash = open.as_ref().and_then(|account| account.password_hash.clone());
        if !self.0.hashing.verify(password, hash).await? {
            return Err(Error::SignInRefused);
        }
        let Some(account) = open else { return Err(Error::SignInRefused) };
        let (session, id) = (StaffSecret::generate(), account.id);
        let (secret, from) = (session.clone(), device.clone());
        self.0.db.write(move |conn| open_session(conn, &account, &secret, &from, now)).await?;
        match &known {
            Some(known) => limits.desk_by_device.give_back(&(bucket, known.id().to_owned()), now),
            None => {
                limits.desk_by_network.give_back(&network, now);
                limits.desk_by_account.give_back(&norm, now);
                limits.desk.give_back(&(), now);
            }
        }
        Ok(SignIn { session, device: known.unwrap_or_else(|| self.0.key.new_device(id)) })
    }

    /// Who a session belongs to, if it lives. Notes now and then that it was used.
    ///
    /// # Errors
    /// The database's.
    pub async fn staff(&self, secret: &StaffSecret) -> Result<Option<Staff>, Error> {
        let (now, asked) = (self.0.clock.now(), secret.clone());
        let row: Option<(i64, i64, String, String, NaiveDateTime)> = self
            .0
            .db
            .read_briefly(move |conn| {
                Ok(living!(asked, now)
                    .inner_join(users::table)
                    .filter(users::disabled_at.is_null())
                    .select((staff_session::id, users::id, users::email, users::role, staff_session::last_seen))
                    .first(conn)
                    .optional()?)
            })
            .await?;
        let Some((session, id, email, role, last_seen)) = row else { return Ok(None) };
        if last_seen <= now - SEEN_AGAIN {
            let seen = secret.clone();
            self.0
                .db
                .write(move |conn| {
                    diesel::update(living!(seen, now)).set(staff_session::last_seen.eq(now)).execute(conn)?;
                    Ok(())
                })
                .await?;
        }
        Ok(Some(Staff { id, email: email_of(&email)?, role: role_of(&role)?, session }))
    }

    /// Ends this browser's session.
    ///
    /// # Errors
    /// The database's; a session that is over already is no error.
    pub async fn sign_out_staff(&self, secret: &StaffSecret) -> Result<(), Error> {
        let (now, secret) = (self.0.clock.now(), secret.clone());
        self.0.db.write(move |conn| end(conn, &secret, now)).await
    }

    /// Forgets sessions that are over. Returns how many.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_ended_staff_sessions(&self) -> Result<usize, Error> {
        let now = self.0.clock.now();
        self.0
            .db
            .write(move |conn| {
                let over = staff_session::expires_at
                    .le(now)
                    .or(staff_session::last_seen.le(now - IDLE).and(staff_session::kind.ne("api")))
                    .or(staff_session::revoked_at.is_not_null());
                let over: Vec<i64> =
                    staff_session::table.filter(over).select(staff_session::id).limit(500).load(conn)?;
                let tokens = refresh_token::table.filter(refresh_token::session_id.eq_any(&over));
                diesel::delete(tokens).execute(conn)?;
                Ok(diesel::delete(staff_session::table.filter(staff_session::id.eq_any(&over))).execute(conn)?)
            })
            .await
    }
}

/// Opens a session of an account that is still as it was when its password was looked at.
fn open_session(
    conn: &mut AnyConnection,
    account: &Account,
    secret: &StaffSecret,
    device: &Device,
    now: NaiveDateTime,
) -> Result<(), Error> {
    let unchanged = users::table
        .find(account.id)
        .filter(users::disabled_at.is_null())
        .filter(users::password_hash.eq(&account.password_hash));
    if !diesel::select(diesel::dsl::exists(unchanged)).get_result::<bool>(conn)? {
        return Err(Error::SignInRefused);
    }
    if let Some(before) = &device.session {
        end(conn, before, now)?;
    }
    diesel::insert_into(staff_session::table)
        .values((
            staff_session::user_id.eq(account.id),
            staff_session::kind.eq("browser"),
            staff_session::hash.eq(secret.hash()),
            staff_session::ip_prefix.eq(limits::log_prefix(device.ip)),
            staff_session::user_agent.eq(device.user_agent.chars().take(USER_AGENT).collect::<String>()),
            staff_session::tries.eq(0),
            staff_session::created_at.eq(now),
            staff_session::last_seen.eq(now),
            staff_session::expires_at.eq(now + SESSION),
        ))
        .execute(conn)?;
    audit::record(conn, &Actor::Staff(account.id), "session.opened", object(account.id), None, None)
}

/// Ends the session of that secret.
fn end(conn: &mut AnyConnection, secret: &StaffSecret, now: NaiveDateTime) -> Result<(), Error> {
    diesel::update(
        staff_session::table.filter(staff_session::hash.eq(secret.hash())).filter(staff_session::revoked_at.is_null()),
    )
    .set(staff_session::revoked_at.eq(now))
    .execute(conn)?;
    Ok(())
}
