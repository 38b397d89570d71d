//! Links that set a password: for who is invited, and for who has forgotten hers. Derived, shown to the owner who asks (or
//! printed by the program), mailed if a colleague has asked and the store sends mail, good once and for three days. With the password every session of the account ends.

use super::accounts::{email_of, object};
use super::{Password, own, tokens};
use crate::audit::{self, Actor};
use crate::db::AnyConnection;
use crate::db::schema::users;
use crate::outbox::{self, Kind};
use crate::secrets::{self, DeviceSecret, Purpose};
use crate::types::Email;
use crate::{Error, Shop};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// How long a link is good for.
const GOOD_FOR: TimeDelta = TimeDelta::days(3);

/// Accounts that somebody can come in with.
macro_rules! open_accounts {
    () => {
        users::disabled_at.is_null().and(users::password_hash.is_not_null())
    };
}
pub(super) use open_accounts;

/// A link, to be handed to whoever it is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordLink {
    /// Whose.
    pub email: Email,
    /// With the secret behind `#`.
    pub url: String,
    /// The end of its time.
    pub expires_at: NaiveDateTime,
}

impl Shop {
    /// Makes a new link for an account; an older one is nothing any more.
    ///
    /// # Errors
    /// [`Error::NotFound`], the database's.
    pub async fn make_password_link(&self, actor: &Actor, id: i64) -> Result<PasswordLink, Error> {
        let (shop, actor, now) = (self.clone(), *actor, self.0.clock.now());
        let made = self.0.db.write(move |conn| {
            make_link(conn, &shop, &actor, id, now)?;
            audit::record(conn, &actor, "user.link_made", object(id), None, None)?;
            link(conn, &shop, id, now)?.ok_or(Error::NotFound)
        });
        made.await.inspect(|_| self.0.mail_waiting.notify_one())
    }

    /// The link that an account has, if it is still good.
    ///
    /// # Errors
    /// The database's.
    pub async fn password_link(&self, id: i64) -> Result<Option<PasswordLink>, Error> {
        let (shop, now) = (self.clone(), self.0.clock.now());
        self.0.db.read(move |conn| link(conn, &shop, id, now)).await
    }

    /// The account under an address, for the command line.
    ///
    /// # Errors
    /// [`Error::NotFound`], the database's.
    pub async fn staff_id(&self, email: &Email) -> Result<i64, Error> {
        let norm = email.normalized();
        self.0
            .db
            .read(move |conn| {
                let id = users::table.filter(users::email_norm.eq(norm)).select(users::id).first(conn).optional()?;
                id.ok_or(Error::NotFound)
            })
            .await
    }

    /// Sets the password of the account whose link has that secret, and ends all its sessions and tokens. Gives what the
    /// browser is known by from now on: no stranger's guesses keep it out.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for a link that is used, too old or none, [`Error::WeakPassword`], the database's.
    pub async fn set_password(&self, secret: &str, password: &Password) -> Result<DeviceSecret, Error> {
        let (now, link_hash) = (self.0.clock.now(), secrets::hash(secret));
        let asked = link_hash.clone();
        let account = self.0.db.read(move |conn| of_link(conn, &asked, now)).await?;
        let (_, email) = account.ok_or(Error::Forbidden("no such link"))?;
        password.check(&email)?;
        let hash = self.0.hashing.hash(password).await?;
        let id = self
            .0
            .db
            .write(move |conn| {
                // Of two at once the second finds it used.
                let (id, _) = of_link(conn, &link_hash, now)?.ok_or(Error::Forbidden("no such link"))?;
                diesel::update(users::table.find(id))
                    .set((
                        users::password_hash.eq(&hash),
                        users::link_hash.eq(None::<String>),
                        users::link_expires_at.eq(None::<NaiveDateTime>),
                    ))
                    .execute(conn)?;
                own::end_sessions(conn, id, None, now)?;
                tokens::revoke_all(conn, &Actor::Visitor, id, now)?;
                own::renew_totp(conn, id)?;
                audit::record(conn, &Actor::Visitor, "user.password_set", object(id), None, None)?;
                Ok(id)
            })
            .await?;
        Ok(self.0.key.new_device(id))
    }
}

/// The account that a link is for, if it is good.
fn of_link(conn: &mut AnyConnection, hash: &str, now: NaiveDateTime) -> Result<Option<(i64, Email)>, Error> {
    let row: Option<(i64, String)> = users::table
        .filter(users::link_hash.eq(hash))
        .filter(users::link_expires_at.gt(now))
        .filter(users::disabled_at.is_null())
        .select((users::id, users::email))
        .first(conn)
        .optional()?;
    row.map(|(id, email)| Ok((id, email_of(&email)?))).transpose()
}

/// A new link in place of an older one. If a colleague has asked, it is mailed, where the store sends mail and the account is
/// not switched off; what the program prints is for the hands of who has asked for it.
pub(super) fn make_link(
    conn: &mut AnyConnection,
    shop: &Shop,
    actor: &Actor,
    id: i64,
    now: NaiveDateTime,
) -> Result<(), Error> {
    let (generation, email, off): (i32, String, Option<NaiveDateTime>) = diesel::update(users::table.find(id))
        .set(users::link_generation.eq(users::link_generation + 1))
        .returning((users::link_generation, users::email, users::disabled_at))
        .get_result(conn)
        .optional()?
        .ok_or(Error::NotFound)?;
    if matches!(actor, Actor::Staff(_)) && shop.sends_mail() && off.is_none() {
        outbox::queue(conn, shop, Kind::PasswordLink { user: id, generation }, &email, None, now)?;
    }
    diesel::update(users::table.find(id))
        .set((
            users::link_hash.eq(secrets::hash(&shop.0.key.derive(Purpose::PasswordLink, id, generation))),
            users::link_expires_at.eq(now + GOOD_FOR),
        ))
        .execute(conn)?;
    Ok(())
}

fn link(conn: &mut AnyConnection, shop: &Shop, id: i64, now: NaiveDateTime) -> Result<Option<PasswordLink>, Error> {
    let row: Option<(String, i32, Option<NaiveDateTime>)> = users::table
        .find(id)
        .filter(users::link_expires_at.gt(now))
        .filter(users::disabled_at.is_null())
        .select((users::email, users::link_generation, users::link_expires_at))
        .first(conn)
        .optional()?;
    let Some((email, generation, Some(expires_at))) = row else { return Ok(None) };
    let secret = shop.0.key.derive(Purpose::PasswordLink, id, generation);
    let url = format!("{}/admin/password#{secret}", shop.base_url());
    Ok(Some(PasswordLink { email: email_of(&email)?, url, expires_at }))
}
