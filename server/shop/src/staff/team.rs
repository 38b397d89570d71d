//! The team: who works here, as its owners see and change it. Somebody always decides: the last owner stays one.

use super::accounts::{email_of, insert, object, role_of};
use super::links::{make_link, open_accounts};
use super::{own, setup, tokens};
use crate::audit::{self, Actor};
use crate::db::AnyConnection;
use crate::db::schema::{staff_session, users};
use crate::types::{Email, Role};
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::dsl::max;
use diesel::prelude::*;
use serde_json::json;
use std::collections::BTreeMap;

/// Somebody who works here, as the others see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colleague {
    /// The account.
    pub id: i64,
    /// Its address.
    pub email: Email,
    /// What it may do.
    pub role: Role,
    /// Whether a password was set.
    pub has_password: bool,
    /// Whether it asks for a code too.
    pub has_codes: bool,
    /// Whether it is switched off.
    pub is_off: bool,
    /// Whether a link that sets its password is on its way.
    pub has_link: bool,
    /// When one of its sessions was last used, for reading.
    pub last_seen: Option<String>,
}

#[derive(Queryable)]
struct Row {
    id: i64,
    email: String,
    role: String,
    password_hash: Option<String>,
    totp_since: Option<NaiveDateTime>,
    disabled_at: Option<NaiveDateTime>,
    link_expires_at: Option<NaiveDateTime>,
}

impl Shop {
    /// Everybody, in the order of their coming.
    ///
    /// # Errors
    /// The database's.
    pub async fn team(&self) -> Result<Vec<Colleague>, Error> {
        let (now, notation) = (self.0.clock.now(), self.notation().clone());
        self.0
            .db
            .read(move |conn| {
                let seen: Vec<(i64, Option<NaiveDateTime>)> = staff_session::table
                    .group_by(staff_session::user_id)
                    .select((staff_session::user_id, max(staff_session::last_seen)))
                    .load(conn)?;
                let seen: BTreeMap<i64, NaiveDateTime> =
                    seen.into_iter().filter_map(|(id, at)| Some((id, at?))).collect();
                let rows: Vec<Row> = users::table
                    .order(users::id)
                    .select((
                        users::id,
                        users::email,
                        users::role,
                        users::password_hash,
                        users::totp_since,
                        users::disabled_at,
                        users::link_expires_at,
                    ))
                    .load(conn)?;
                rows.into_iter()
                    .map(|row| {
                        Ok(Colleague {
                            id: row.id,
                            email: email_of(&row.email)?,
                            role: role_of(&row.role)?,
                            has_password: row.password_hash.is_some(),
                            has_codes: row.totp_since.is_some(),
                            is_off: row.disabled_at.is_some(),
                            has_link: row.link_expires_at.is_some_and(|end| end > now),
                            last_seen: seen.get(&row.id).map(|at| notation.moment(*at)),
                        })
                    })
                    .collect()
            })
            .await
    }

    /// Adds an account without a password, and a link that sets it, which is mailed if the store sends mail. Gives the
    /// account's id.
    ///
    /// # Errors
    /// [`Error::Taken`], the database's.
    pub async fn invite(&self, actor: &Actor, email: &Email, role: Role) -> Result<i64, Error> {
        let (shop, actor, email, now) = (self.clone(), *actor, email.clone(), self.0.clock.now());
        let invited = self.0.db.write(move |conn| {
            let id = insert(conn, &actor, &email, role, None, now)?;
            make_link(conn, &shop, &actor, id, now)?;
            Ok(id)
        });
        invited.await.inspect(|_| self.0.mail_waiting.notify_one())
    }

    /// Gives an account another role, from its next request on.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::LastOwner`], the database's.
    pub async fn set_role(&self, actor: &Actor, id: i64, role: Role) -> Result<(), Error> {
        let actor = *actor;
        self.0
            .db
            .write(move |conn| {
                setup::lock(conn)?;
                let before: Option<String> = users::table.find(id).select(users::role).first(conn).optional()?;
                let before = role_of(&before.ok_or(Error::NotFound)?)?;
                if before == role {
                    return Ok(());
                }
                diesel::update(users::table.find(id)).set(users::role.eq(role.as_str())).execute(conn)?;
                somebody_decides(conn)?;
                let (was, is) = (json!({ "role": before }), json!({ "role": role }));
                audit::record(conn, &actor, "user.role_changed", object(id), Some(was), Some(is))
            })
            .await
    }

    /// Switches an account off: its sessions and tokens are nothing any more, from the next request on and for good.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::LastOwner`], the database's.
    pub async fn switch_off(&self, actor: &Actor, id: i64) -> Result<(), Error> {
        let (actor, now) = (*actor, self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                setup::lock(conn)?;
                let on = users::table.find(id).filter(users::disabled_at.is_null());
                if diesel::update(on).set(users::disabled_at.eq(now)).execute(conn)? == 0 {
                    return Err(Error::NotFound);
                }
                somebody_decides(conn)?;
                own::end_sessions(conn, id, None, now)?;
                tokens::revoke_all(conn, &actor, id, now)?;
                audit::record(conn, &actor, "user.switched_off", object(id), None, None)
            })
            .await
    }

    /// Switches an account on again. Neither its sessions nor its tokens come back with it.
    ///
    /// # Errors
    /// [`Error::NotFound`], the database's.
    pub async fn switch_on(&self, actor: &Actor, id: i64) -> Result<(), Error> {
        let actor = *actor;
        self.0
            .db
            .write(move |conn| {
                let off = users::table.find(id).filter(users::disabled_at.is_not_null());
                if diesel::update(off).set(users::disabled_at.eq(None::<NaiveDateTime>)).execute(conn)? == 0 {
                    return Err(Error::NotFound);
                }
                audit::record(conn, &actor, "user.switched_on", object(id), None, None)
            })
            .await
    }
}

/// Whether an owner is left who can come in; if not, the change is undone.
fn somebody_decides(conn: &mut AnyConnection) -> Result<(), Error> {
    let owners = users::table.filter(users::role.eq(Role::Owner.as_str())).filter(open_accounts!());
    let left: bool = diesel::select(diesel::dsl::exists(owners)).get_result(conn)?;
    if left { Ok(()) } else { Err(Error::LastOwner) }
}
