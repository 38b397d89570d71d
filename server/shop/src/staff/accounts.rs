//! Accounts: who may work here.

use super::Password;
use crate::audit::{self, Actor};
use crate::db::AnyConnection;
use crate::db::schema::users;
use crate::types::{Email, Role};
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use serde_json::json;

/// An account to be.
#[derive(Clone, Debug)]
pub struct NewStaff {
    /// Whose.
    pub email: Email,
    /// What it may do.
    pub role: Role,
    /// Without one nobody gets in before a link has set it.
    pub password: Option<Password>,
}

impl Shop {
    /// Adds an account; gives its id.
    ///
    /// # Errors
    /// [`Error::Taken`] if there is one under this address, [`Error::WeakPassword`], the database's.
    pub async fn add_staff(&self, actor: &Actor, new: &NewStaff) -> Result<i64, Error> {
        let NewStaff { email, role, password } = new.clone();
        let hash = match &password {
            Some(password) => {
                password.check(&email)?;
                Some(self.0.hashing.hash(password).await?)
            }
            None => None,
        };
        let (actor, now) = (*actor, self.0.clock.now());
        self.0.db.write(move |conn| insert(conn, &actor, &email, role, hash.as_deref(), now)).await
    }

    /// How many passwords were hashed since the start.
    #[must_use]
    pub fn passwords_hashed(&self) -> u64 {
        self.0.hashing.made()
    }

    /// How many of them at the same moment, at most.
    #[must_use]
    pub fn most_passwords_at_once(&self) -> u64 {
        self.0.hashing.most_at_once()
    }
}

/// The row, and who added it.
pub(super) fn insert(
    conn: &mut AnyConnection,
    actor: &Actor,
    email: &Email,
    role: Role,
    password_hash: Option<&str>,
    now: NaiveDateTime,
) -> Result<i64, Error> {
    let taken = users::table.filter(users::email_norm.eq(email.normalized()));
    if diesel::select(diesel::dsl::exists(taken)).get_result(conn)? {
        return Err(Error::Taken);
    }
    let id = diesel::insert_into(users::table)
        .values((
            users::email.eq(email.as_str()),
            users::email_norm.eq(email.normalized()),
            users::role.eq(role.as_str()),
            users::password_hash.eq(password_hash),
            users::link_generation.eq(0),
            users::totp_generation.eq(0),
            users::created_at.eq(now),
        ))
        .returning(users::id)
        .get_result(conn)
        .map_err(|error| match error {
            // Of two at once the second.
            DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _) => Error::Taken,
            error => error.into(),
        })?;
    audit::record(conn, actor, "user.added", object(id), None, Some(json!({ "role": role })))?;
    Ok(id)
}

/// How the audit names an account.
pub(super) fn object(id: i64) -> String {
    format!("user:{id}")
}

/// A role as a row has it.
pub(super) fn role_of(text: &str) -> Result<Role, Error> {
    text.parse().map_err(|_| Error::internal(format!("an account has the role {text:?}")))
}

/// An address as a row has it.
pub(super) fn email_of(text: &str) -> Result<Email, Error> {
    text.parse().map_err(|_| Error::internal("an account's address is none"))
}
