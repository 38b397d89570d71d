//! Signing in and out, and who a session belongs to.
//!
//! Passwords and guesses at them are the business of [`super::guesses`].

use super::accounts::{email_of, object, role_of};
use super::guesses::{Way, check_password};
use super::{IDLE, PENDING, Password, SEEN_AGAIN, SESSION, Staff, codes, places};
use crate::audit::{self, Actor};
use crate::db::AnyConnection;
use crate::db::schema::{refresh_token, staff_session, users};
use crate::secrets::{DeviceSecret, SecretKey, StaffSecret};
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

/// What comes of a right password.
#[derive(Clone, Debug)]
pub enum SignIn {
    /// Somebody is in.
    Done(SignedIn),
    /// Only with a code: this opens nothing but the question for it, for some minutes.
    CodeNeeded(StaffSecret),
}

/// What a sign-in gives the browser.
#[derive(Clone, Debug)]
pub struct SignedIn {
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
pub(super) struct Account {
    pub(super) id: i64,
    pub(super) password_hash: Option<String>,
    totp_since: Option<NaiveDateTime>,
    pub(super) disabled_at: Option<NaiveDateTime>,
}

impl Account {
    /// Whether it asks for codes.
    pub(super) fn has_codes(&self) -> bool {
        self.totp_since.is_some()
    }
}

/// Codes that are looked at for one right password.
const TRIES: i32 = 5;

impl Shop {
    /// Signs somebody in, as far as address and password go.
    ///
    /// # Errors
    /// [`Error::SignInRefused`] without saying why, [`Error::RateLimited`], the database's.
    pub async fn sign_in(&self, email: &Email, password: &Password, device: &Device) -> Result<SignIn, Error> {
        let (account, taken) = check_password(self, Way::Page, email, password, device).await?;
        let now = self.0.clock.now();
        let (secret, id, pending) = (StaffSecret::generate(), account.id, account.has_codes());
        let (kept, from) = (secret.clone(), device.clone());
        let row = Row { kind: if pending { "pending" } else { "browser" }, hash: Some(kept.hash()), device: from };
        let key = self.0.key.clone();
        self.0.db.write(move |conn| open_session(conn, &key, &account, &row, now).map(|_| ())).await?;
        if pending {
            return Ok(SignIn::CodeNeeded(secret));
        }
        taken.give_back(self);
        Ok(SignIn::Done(SignedIn { session: secret, device: device_of(self, id, device) }))
    }

    /// Whether a browser is asked for a code.
    ///
    /// # Errors
    /// The database's.
    pub async fn is_code_needed(&self, secret: &StaffSecret) -> Result<bool, Error> {
        let (now, hash) = (self.0.clock.now(), secret.hash());
        self.0.db.read_briefly(move |conn| Ok(pending(conn, &hash, now)?.is_some())).await
    }

    /// Signs somebody in who has given the password, with a code of the telephone or a recovery code. Five are looked at.
    ///
    /// # Errors
    /// [`Error::SignedOut`] if the password was too long ago, [`Error::SignInRefused`], [`Error::RateLimited`], the
    /// database's.
    pub async fn sign_in_with_code(&self, code: &str, device: &Device) -> Result<SignedIn, Error> {
        let (now, before) = (self.0.clock.now(), device.session.clone().ok_or(Error::SignedOut)?);
        let hash = before.hash();
        let found = self.0.db.read({
            let hash = hash.clone();
            move |conn| pending(conn, &hash, now)
        });
        let (session, account) = found.await?.ok_or(Error::SignedOut)?;
        let id = account.id;
        let known = device.known.as_ref().filter(|known| self.0.key.knows_device(id, known));
        let bucket = (id, known.map(|known| known.id().to_owned()).unwrap_or_default());
        if !self.0.limits.desk_code.take(bucket.clone(), now) {
            return Err(Error::RateLimited);
        }
        let (shop, code, secret, from) = (self.clone(), code.to_owned(), StaffSecret::generate(), device.clone());
        let kept = secret.clone();
        // Refused or not, the guess is counted: so that is no error of the transaction.
        let right = self
            .0
            .db
            .write(move |conn| {
                let tried = staff_session::table
                    .find(session)
                    .filter(staff_session::revoked_at.is_null())
                    .filter(staff_session::tries.lt(TRIES));
                let counted =
                    diesel::update(tried).set(staff_session::tries.eq(staff_session::tries + 1)).execute(conn)?;
                if counted == 0 || !codes::use_code(conn, &shop.0.key, account.id, &code, now)? {
                    return Ok(false);
                }
                let row = Row { kind: "browser", hash: Some(kept.hash()), device: from.clone() };
                open_session(conn, &shop.0.key, &account, &row, now)?;
                Ok(true)
            })
            .await?;
        if !right {
            return Err(Error::SignInRefused);
        }
        self.0.limits.desk_code.give_back(&bucket, now);
        Ok(SignedIn { session: secret, device: device_of(self, id, device) })
    }

    /// Who a session belongs to, if it lives. Notes now and then that it was used.
    ///
    /// # Errors
    /// The database's.
    pub async fn staff(&self, secret: &StaffSecret) -> Result<Option<Staff>, Error> {
        self.staff_of(secret, true).await
    }

    /// The same for what a page asks by itself while nobody need be sitting before it: that is no use of the session, which
    /// would not end otherwise as long as the page is open.
    ///
    /// # Errors
    /// The database's.
    pub async fn staff_unnoted(&self, secret: &StaffSecret) -> Result<Option<Staff>, Error> {
        self.staff_of(secret, false).await
    }

    async fn staff_of(&self, secret: &StaffSecret, note: bool) -> Result<Option<Staff>, Error> {
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
        if note && last_seen <= now - SEEN_AGAIN {
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

    /// Whether that session is going on, without counting as its use: a page that is left open hears of the store's figures.
    ///
    /// # Errors
    /// The database's.
    pub async fn is_signed_in(&self, secret: &StaffSecret) -> Result<bool, Error> {
        let (now, secret) = (self.0.clock.now(), secret.clone());
        self.0
            .db
            .read_briefly(move |conn| {
                let going_on = living!(secret, now).inner_join(users::table).filter(users::disabled_at.is_null());
                Ok(diesel::select(diesel::dsl::exists(going_on)).get_result(conn)?)
            })
            .await
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
                places::forget_old(conn, now)?;
                let over: Vec<i64> =
                    staff_session::table.filter(over).select(staff_session::id).limit(500).load(conn)?;
                let tokens = refresh_token::table.filter(refresh_token::session_id.eq_any(&over));
                diesel::delete(tokens).execute(conn)?;
                Ok(diesel::delete(staff_session::table.filter(staff_session::id.eq_any(&over))).execute(conn)?)
            })
            .await
    }
}

/// The browser's name, if it has one that this account has come in with, or a new one.
fn device_of(shop: &Shop, id: i64, device: &Device) -> DeviceSecret {
    let known = device.known.as_ref().filter(|known| shop.0.key.knows_device(id, known));
    known.cloned().unwrap_or_else(|| shop.0.key.new_device(id))
}

/// The session that waits for a code, and its account.
fn pending(conn: &mut AnyConnection, hash: &str, now: NaiveDateTime) -> Result<Option<(i64, Account)>, Error> {
    let row: Option<(i64, Account)> = staff_session::table
        .inner_join(users::table)
        .filter(staff_session::hash.eq(hash))
        .filter(staff_session::kind.eq("pending"))
        .filter(staff_session::revoked_at.is_null())
        .filter(staff_session::expires_at.gt(now))
        .filter(users::disabled_at.is_null())
        .select((staff_session::id, (users::id, users::password_hash, users::totp_since, users::disabled_at)))
        .first(conn)
        .optional()?;
    Ok(row)
}

/// A session to be.
pub(super) struct Row {
    pub(super) kind: &'static str,
    pub(super) hash: Option<String>,
    pub(super) device: Device,
}

/// Opens a session of an account that is still as it was when its password was looked at; gives its id.
pub(super) fn open_session(
    conn: &mut AnyConnection,
    key: &SecretKey,
    account: &Account,
    row: &Row,
    now: NaiveDateTime,
) -> Result<i64, Error> {
    let Row { kind, hash, device } = row;
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
    let end = match *kind {
        "pending" => now + PENDING,
        "api" => now + super::API_SESSION,
        _ => now + SESSION,
    };
    let id = diesel::insert_into(staff_session::table)
        .values((
            staff_session::user_id.eq(account.id),
            staff_session::kind.eq(kind),
            staff_session::hash.eq(hash),
            staff_session::ip_prefix.eq(limits::log_prefix(device.ip)),
            staff_session::user_agent.eq(device.user_agent.chars().take(USER_AGENT).collect::<String>()),
            staff_session::tries.eq(0),
            staff_session::created_at.eq(now),
            staff_session::last_seen.eq(now),
            staff_session::expires_at.eq(end),
        ))
        .returning(staff_session::id)
        .get_result(conn)?;
    if *kind != "pending" {
        places::note(conn, key, account.id, limits::network(device.ip), now)?;
        audit::record(conn, &Actor::Staff(account.id), "session.opened", object(account.id), None, None)?;
    }
    Ok(id)
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
