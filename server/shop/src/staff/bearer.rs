//! How programs come in: an access token for a quarter of an hour (JWT, RFC 7519 and 9068), a refresh token that is good once,
//! or a token for a long time ([`super::tokens`]).
//!
//! An access token is only a hint at a session: algorithm, key, issuer, audience and time must be ours, and then the session
//! and the account are looked at, so that what is revoked is over at once. Role and address are never read from it.

use super::accounts::{email_of, object, role_of};
use super::guesses::{Way, check_password};
use super::sessions::{Device, Row, open_session};
use super::{API_SESSION, Password, Staff, codes, tokens};
use crate::audit::{self, Actor};
use crate::db::AnyConnection;
use crate::db::schema::{refresh_token, staff_session, users};
use crate::secrets;
use crate::types::{Email, Role, Scope};
use crate::{Error, Shop};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};

/// How long an access token is good for.
const ACCESS: TimeDelta = TimeDelta::minutes(15);
/// How long a refresh token waits for its use.
const REFRESH: TimeDelta = TimeDelta::days(14);
/// Whom access tokens are for.
const AUDIENCE: &str = "octavo-api";
/// What kind of JWT they are (RFC 9068 2.1).
const KIND: &str = "at+jwt";
/// No token of ours is longer.
const LONGEST: usize = 1_024;

/// What a program is given.
#[derive(Clone)]
pub struct Tokens {
    /// To be sent with each request, as `Authorization: Bearer …`.
    pub access_token: String,
    /// For how many seconds.
    pub expires_in: i64,
    /// To be exchanged for the next pair, once.
    pub refresh_token: String,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Tokens(…)")
    }
}

/// What comes of a right password.
#[derive(Clone, Debug)]
pub enum ApiSignIn {
    /// The program is in.
    Done(Tokens),
    /// The account asks for a code as well: the same again with one.
    CodeNeeded,
}

/// Whose program asks, and how far it may go.
#[derive(Clone, Debug)]
pub struct Bearer {
    /// Whose.
    pub staff: Staff,
    /// How far, within the role.
    pub scope: Scope,
}

impl Bearer {
    /// Whether it may do what needs that role and scope.
    #[must_use]
    pub fn may(&self, role: Role, scope: Scope) -> bool {
        self.staff.role >= role && self.scope >= scope
    }
}

#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    aud: String,
    sub: String,
    sid: i64,
    iat: i64,
    exp: i64,
}

impl Shop {
    /// Opens a program's session.
    ///
    /// # Errors
    /// [`Error::SignInRefused`] without saying why, [`Error::RateLimited`], the database's.
    pub async fn api_sign_in(
        &self,
        email: &Email,
        password: &Password,
        code: Option<&str>,
        device: &Device,
    ) -> Result<ApiSignIn, Error> {
        let (account, taken) = check_password(self, Way::Api, email, password, device).await?;
        let (now, user_id) = (self.0.clock.now(), account.id);
        let bucket = (user_id, String::new());
        let code = match code {
            None if account.has_codes() => return Ok(ApiSignIn::CodeNeeded),
            Some(code) if account.has_codes() => {
                if !self.0.limits.desk_code.take(bucket.clone(), now) {
                    return Err(Error::RateLimited);
                }
                Some(code.to_owned())
            }
            _ => None,
        };
        let (shop, from, refresh) = (self.clone(), device.clone(), new_refresh_token());
        let kept = secrets::hash(&refresh);
        let session = self
            .0
            .db
            .write(move |conn| {
                if let Some(code) = &code
                    && !codes::use_code(conn, &shop.0.key, account.id, code, now)?
                {
                    return Err(Error::SignInRefused);
                }
                let row = Row { kind: "api", hash: None, device: from.clone() };
                let session = open_session(conn, &shop.0.key, &account, &row, now)?;
                keep_refresh_token(conn, &kept, session, now)?;
                Ok(session)
            })
            .await?;
        taken.give_back(self);
        self.0.limits.desk_code.give_back(&bucket, now);
        self.tokens(user_id, session, refresh, now).map(ApiSignIn::Done)
    }

    /// Exchanges a refresh token for the next pair. One that comes a second time was stolen, from whoever has come first or
    /// second: it ends the session.
    ///
    /// # Errors
    /// [`Error::SignedOut`] for a token that is used, too old or none, the database's.
    pub async fn api_refresh(&self, token: &str) -> Result<Tokens, Error> {
        let (now, old, next) = (self.0.clock.now(), secrets::hash(token), new_refresh_token());
        if !self.is_refresh_token(&old).await? {
            return Err(Error::SignedOut);
        }
        let kept = secrets::hash(&next);
        // That a token was used twice ends the session, which an error would undo.
        let found = self.0.db.write(move |conn| exchange(conn, &old, &kept, now)).await?;
        let (user_id, session) = found.ok_or(Error::SignedOut)?;
        self.tokens(user_id, session, next, now)
    }

    /// Ends a program's session by its last refresh token. A token that is nothing is no error.
    ///
    /// # Errors
    /// The database's.
    pub async fn api_sign_out(&self, token: &str) -> Result<(), Error> {
        let (now, hash) = (self.0.clock.now(), secrets::hash(token));
        if !self.is_refresh_token(&hash).await? {
            return Ok(());
        }
        self.0
            .db
            .write(move |conn| {
                let session =
                    refresh_token::table.find(&hash).select(refresh_token::session_id).first(conn).optional()?;
                session.map_or(Ok(()), |session| end(conn, session, now))
            })
            .await
    }

    /// Whether a refresh token of that hash was ever given out: what strangers make up does not come to the writer.
    async fn is_refresh_token(&self, hash: &str) -> Result<bool, Error> {
        let asked = hash.to_owned();
        self.0
            .db
            .read_briefly(move |conn| {
                let given = refresh_token::table.find(asked);
                Ok(diesel::select(diesel::dsl::exists(given)).get_result(conn)?)
            })
            .await
    }

    /// Who sends that token, if it is one that is good now.
    ///
    /// # Errors
    /// The database's.
    pub async fn bearer(&self, token: &str) -> Result<Option<Bearer>, Error> {
        if token.len() > LONGEST {
            return Ok(None);
        }
        if tokens::is_one(token) {
            return tokens::bearer(self, token).await;
        }
        let now = self.0.clock.now();
        let Some(Claims { sub, sid, .. }) = self.claims(token, now) else { return Ok(None) };
        let Ok(user_id) = sub.parse::<i64>() else { return Ok(None) };
        let row: Option<(String, String)> = self
            .0
            .db
            .read_briefly(move |conn| {
                Ok(staff_session::table
                    .find(sid)
                    .inner_join(users::table)
                    .filter(staff_session::user_id.eq(user_id))
                    .filter(staff_session::kind.eq("api"))
                    .filter(staff_session::revoked_at.is_null())
                    .filter(staff_session::expires_at.gt(now))
                    .filter(users::disabled_at.is_null())
                    .select((users::email, users::role))
                    .first(conn)
                    .optional()?)
            })
            .await?;
        let Some((email, role)) = row else { return Ok(None) };
        let staff = Staff { id: user_id, email: email_of(&email)?, role: role_of(&role)?, session: sid };
        Ok(Some(Bearer { staff, scope: Scope::Write }))
    }

    fn tokens(&self, user_id: i64, session: i64, refresh_token: String, now: NaiveDateTime) -> Result<Tokens, Error> {
        let (key, name) = self.0.key.access_token_key();
        let issued = now.and_utc().timestamp();
        let claims = Claims {
            iss: self.base_url().to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: user_id.to_string(),
            sid: session,
            iat: issued,
            exp: issued + ACCESS.num_seconds(),
        };
        let mut header = Header::new(Algorithm::HS256);
        header.typ = Some(KIND.to_owned());
        header.kid = Some(name);
        let access_token = encode(&header, &claims, &EncodingKey::from_secret(&key))
            .map_err(|error| Error::internal(format!("an access token: {error}")))?;
        Ok(Tokens { access_token, expires_in: ACCESS.num_seconds(), refresh_token })
    }

    /// What an access token says, if it is one of ours and its time is not over. Nothing of the token decides how it is
    /// looked at.
    fn claims(&self, token: &str, now: NaiveDateTime) -> Option<Claims> {
        let (key, name) = self.0.key.access_token_key();
        let header = decode_header(token).ok()?;
        let ours = header.alg == Algorithm::HS256
            && header.kid.as_deref() == Some(name.as_str())
            && header.typ.as_deref() == Some(KIND)
            && (header.jku.is_none() && header.jwk.is_none() && header.x5u.is_none() && header.x5c.is_none())
            && header.crit.is_none();
        if !ours {
            return None;
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_audience(&[AUDIENCE]);
        validation.set_issuer(&[self.base_url()]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // The time is the store's.
        validation.validate_exp = false;
        let claims = decode::<Claims>(token, &DecodingKey::from_secret(&key), &validation).ok()?.claims;
        let now = now.and_utc().timestamp();
        let in_time = claims.iat <= now && now < claims.exp && claims.exp - claims.iat <= ACCESS.num_seconds();
        in_time.then_some(claims)
    }
}

fn new_refresh_token() -> String {
    format!("octavo_rt_{}", secrets::random())
}

fn keep_refresh_token(conn: &mut AnyConnection, hash: &str, session: i64, now: NaiveDateTime) -> Result<(), Error> {
    diesel::insert_into(refresh_token::table)
        .values((
            refresh_token::hash.eq(hash),
            refresh_token::session_id.eq(session),
            refresh_token::created_at.eq(now),
            refresh_token::expires_at.eq((now + REFRESH).min(now + API_SESSION)),
        ))
        .execute(conn)?;
    Ok(())
}

/// Uses a token up and keeps the next; gives account and session. None if it was nothing, and then it ended what it was of.
fn exchange(conn: &mut AnyConnection, old: &str, next: &str, now: NaiveDateTime) -> Result<Option<(i64, i64)>, Error> {
    let session: Option<i64> =
        refresh_token::table.find(old).select(refresh_token::session_id).first(conn).optional()?;
    let Some(session) = session else { return Ok(None) };
    let fresh = refresh_token::table.find(old).filter(refresh_token::used_at.is_null());
    if diesel::update(fresh).set(refresh_token::used_at.eq(now)).execute(conn)? == 0 {
        tracing::warn!(session, "a refresh token came a second time: its session is over");
        end(conn, session, now)?;
        return Ok(None);
    }
    let user_id: Option<i64> = refresh_token::table
        .find(old)
        .inner_join(staff_session::table.inner_join(users::table))
        .filter(refresh_token::expires_at.gt(now))
        .filter(staff_session::revoked_at.is_null())
        .filter(staff_session::expires_at.gt(now))
        .filter(users::disabled_at.is_null())
        .select(users::id)
        .first(conn)
        .optional()?;
    let Some(user_id) = user_id else { return Ok(None) };
    keep_refresh_token(conn, next, session, now)?;
    diesel::update(staff_session::table.find(session)).set(staff_session::last_seen.eq(now)).execute(conn)?;
    Ok(Some((user_id, session)))
}

/// Ends a program's session.
fn end(conn: &mut AnyConnection, session: i64, now: NaiveDateTime) -> Result<(), Error> {
    let living = staff_session::table.find(session).filter(staff_session::revoked_at.is_null());
    let ended: Option<i64> = diesel::update(living)
        .set(staff_session::revoked_at.eq(now))
        .returning(staff_session::user_id)
        .get_result(conn)
        .optional()?;
    match ended {
        Some(user) => audit::record(conn, &Actor::Staff(user), "session.ended", object(user), None, None),
        None => Ok(()),
    }
}
