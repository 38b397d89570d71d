//! Tokens for a long time, for programs that nobody types a password into. Derived, shown while they are new; rows keep their
//! hashes. Such a token does what its scope says and what its maker's role allows at that moment.

use super::accounts::{email_of, object, role_of};
use super::bearer::Bearer;
use super::guesses::confirm_password;
use super::{Password, SEEN_AGAIN, SHOWN, Staff};
use crate::audit::{self, Actor};
use crate::db::AnyConnection;
use crate::db::schema::{api_token, users};
use crate::secrets::{self, Purpose};
use crate::types::Scope;
use crate::{Error, Shop};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde_json::json;

/// The longest that a token is good for, in days.
const MOST_DAYS: u16 = 366;
/// How many an account may have at once.
const AT_ONCE: i64 = 50;

/// A token, as its maker sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenView {
    /// For revoking it.
    pub id: i64,
    /// What its maker calls it.
    pub name: String,
    /// How far it goes.
    pub scope: Scope,
    /// Made when, for reading.
    pub created: String,
    /// Used when, about.
    pub last_used: Option<String>,
    /// Good until when.
    pub expires: String,
    /// Made, used and good until when, for programs.
    pub moments: (NaiveDateTime, Option<NaiveDateTime>, NaiveDateTime),
}

type Row = (i64, String, String, NaiveDateTime, Option<NaiveDateTime>, NaiveDateTime);

impl Shop {
    /// Makes a token, for who gives the account's password once more: it outlives the session. Gives its id.
    ///
    /// # Errors
    /// [`Error::BadRequest`] without a name, for too long a time, or if there are too many; [`Error::SignInRefused`],
    /// [`Error::RateLimited`], the database's.
    pub async fn make_token(
        &self,
        staff: &Staff,
        password: &Password,
        name: &str,
        scope: Scope,
        days: u16,
    ) -> Result<i64, Error> {
        let name: String = name.trim().chars().take(100).collect();
        if name.is_empty() || days == 0 || days > MOST_DAYS {
            return Err(Error::BadRequest("a token has a name, and an end within a year"));
        }
        confirm_password(self, staff, password).await?;
        let (shop, user, now) = (self.clone(), staff.id, self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                let alive = api_token::table
                    .filter(api_token::user_id.eq(user))
                    .filter(api_token::revoked_at.is_null())
                    .filter(api_token::expires_at.gt(now));
                if alive.count().get_result::<i64>(conn)? >= AT_ONCE {
                    return Err(Error::BadRequest("too many tokens"));
                }
                // Its secret is derived from its id, which it has only now.
                let id: i64 = diesel::insert_into(api_token::table)
                    .values((
                        api_token::user_id.eq(user),
                        api_token::name.eq(&name),
                        api_token::hash.eq(secrets::hash(&secrets::random())),
                        api_token::scopes.eq(scope.as_str()),
                        api_token::created_at.eq(now),
                        api_token::expires_at.eq(now + TimeDelta::days(days.into())),
                    ))
                    .returning(api_token::id)
                    .get_result(conn)?;
                let secret = shop.0.key.derive(Purpose::ApiToken, id, 0);
                diesel::update(api_token::table.find(id))
                    .set(api_token::hash.eq(secrets::hash(&secret)))
                    .execute(conn)?;
                let after = json!({ "token": id, "name": name, "scope": scope });
                audit::record(conn, &Actor::Staff(user), "token.made", object(user), None, Some(after))?;
                Ok(id)
            })
            .await
    }

    /// One's own token in full, while it is new.
    ///
    /// # Errors
    /// The database's.
    pub async fn new_token(&self, staff: &Staff, id: i64) -> Result<Option<String>, Error> {
        let (user, since) = (staff.id, self.0.clock.now() - SHOWN);
        let new = self
            .0
            .db
            .read(move |conn| {
                let new = api_token::table
                    .find(id)
                    .filter(api_token::user_id.eq(user))
                    .filter(api_token::created_at.gt(since))
                    .filter(api_token::revoked_at.is_null());
                Ok(diesel::select(diesel::dsl::exists(new)).get_result::<bool>(conn)?)
            })
            .await?;
        Ok(new.then(|| self.0.key.derive(Purpose::ApiToken, id, 0)))
    }

    /// One's own tokens that are good, the latest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn own_tokens(&self, staff: &Staff) -> Result<Vec<TokenView>, Error> {
        let (user, now) = (staff.id, self.0.clock.now());
        let rows: Vec<Row> = self
            .0
            .db
            .read(move |conn| {
                Ok(api_token::table
                    .filter(api_token::user_id.eq(user))
                    .filter(api_token::revoked_at.is_null())
                    .filter(api_token::expires_at.gt(now))
                    .order(api_token::id.desc())
                    .select((
                        api_token::id,
                        api_token::name,
                        api_token::scopes,
                        api_token::created_at,
                        api_token::last_used,
                        api_token::expires_at,
                    ))
                    .load(conn)?)
            })
            .await?;
        rows.into_iter()
            .map(|(id, name, scope, created, used, expires)| {
                Ok(TokenView {
                    id,
                    name,
                    scope: scope_of(&scope)?,
                    created: self.notation().day(created.date()),
                    last_used: used.map(|used| self.notation().moment(used)),
                    expires: self.notation().day(expires.date()),
                    moments: (created, used, expires),
                })
            })
            .collect()
    }

    /// Revokes one of one's own tokens, oneself or by a program: it is nothing from the next request on.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it is nobody's or another's, the database's.
    pub async fn revoke_token(&self, staff: &Staff, actor: &Actor, id: i64) -> Result<(), Error> {
        let (user, actor, now) = (staff.id, *actor, self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                let own = api_token::table
                    .find(id)
                    .filter(api_token::user_id.eq(user))
                    .filter(api_token::revoked_at.is_null());
                if diesel::update(own).set(api_token::revoked_at.eq(now)).execute(conn)? == 0 {
                    return Err(Error::NotFound);
                }
                let before = json!({ "token": id });
                audit::record(conn, &actor, "token.revoked", object(user), Some(before), None)
            })
            .await
    }

    /// Revokes all of one's own tokens; gives how many there were.
    ///
    /// # Errors
    /// The database's.
    pub async fn revoke_all_tokens(&self, staff: &Staff) -> Result<usize, Error> {
        let (user, now) = (staff.id, self.0.clock.now());
        self.0.db.write(move |conn| revoke_all(conn, &Actor::Staff(user), user, now)).await
    }
}

/// Revokes all tokens of an account, and writes down how many, if any; gives how many.
pub(super) fn revoke_all(
    conn: &mut AnyConnection,
    actor: &Actor,
    user: i64,
    now: NaiveDateTime,
) -> Result<usize, Error> {
    let count =
        diesel::update(api_token::table.filter(api_token::user_id.eq(user)).filter(api_token::revoked_at.is_null()))
            .set(api_token::revoked_at.eq(now))
            .execute(conn)?;
    if count > 0 {
        let before = json!({ "tokens": count });
        audit::record(conn, actor, "token.all_revoked", object(user), Some(before), None)?;
    }
    Ok(count)
}

/// Whether the text has the form of such a token, rather than of an access token.
pub(super) fn is_one(token: &str) -> bool {
    token.starts_with("octavo_") && !token.contains('.')
}

/// Whose token it is, if it is good. Notes now and then that it was used.
pub(super) async fn bearer(shop: &Shop, token: &str) -> Result<Option<Bearer>, Error> {
    let (now, hash) = (shop.0.clock.now(), secrets::hash(token));
    let row: Option<(i64, String, Option<NaiveDateTime>, i64, String, String)> = shop
        .0
        .db
        .read_briefly(move |conn| {
            Ok(api_token::table
                .inner_join(users::table)
                .filter(api_token::hash.eq(hash))
                .filter(api_token::revoked_at.is_null())
                .filter(api_token::expires_at.gt(now))
                .filter(users::disabled_at.is_null())
                .select((api_token::id, api_token::scopes, api_token::last_used, users::id, users::email, users::role))
                .first(conn)
                .optional()?)
        })
        .await?;
    let Some((id, scope, last_used, user, email, role)) = row else { return Ok(None) };
    if last_used.is_none_or(|last| last <= now - SEEN_AGAIN) {
        shop.0
            .db
            .write(move |conn| {
                diesel::update(api_token::table.find(id)).set(api_token::last_used.eq(now)).execute(conn)?;
                Ok(())
            })
            .await?;
    }
    let staff = Staff { id: user, email: email_of(&email)?, role: role_of(&role)?, session: 0 };
    Ok(Some(Bearer { staff, scope: scope_of(&scope)? }))
}

fn scope_of(text: &str) -> Result<Scope, Error> {
    text.parse().map_err(|_| Error::internal(format!("a token has the scope {text:?}")))
}
