//! The first owner: made with a link that the program prints as long as there is none. No account has a password that
//! anybody could look up, but for the demo store's, which says so at its door.

use super::accounts::{insert, object};
use super::links::open_accounts;
use super::{NewStaff, Password, own, tokens};
use crate::audit::{self, Actor};
use crate::db::AnyConnection;
use crate::db::schema::users;
use crate::secrets::{DeviceSecret, Purpose};
use crate::types::{Email, Role};
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use subtle::ConstantTimeEq as _;

/// The demo store's owner, as its sign-in shows.
pub const DEMO_EMAIL: &str = "owner@demo.example";
/// And the password.
pub const DEMO_PASSWORD: &str = "look around as you like";

/// Makes everybody else who changes the team wait until this transaction is over. On SQLite there is one writer anyway.
pub(super) fn lock(conn: &mut AnyConnection) -> Result<(), Error> {
    if let AnyConnection::Postgres(conn) = conn {
        diesel::sql_query("LOCK TABLE users IN SHARE ROW EXCLUSIVE MODE").execute(conn)?;
    }
    Ok(())
}

fn has_owner(conn: &mut AnyConnection) -> Result<bool, Error> {
    let owners = users::table.filter(users::role.eq(Role::Owner.as_str())).filter(open_accounts!());
    Ok(diesel::select(diesel::dsl::exists(owners)).get_result(conn)?)
}

impl Shop {
    fn setup_secret(&self) -> String {
        self.0.key.derive(Purpose::SetUp, 0, 0)
    }

    /// Where the first owner is made, as long as there is none.
    ///
    /// # Errors
    /// The database's.
    pub async fn setup_url(&self) -> Result<Option<String>, Error> {
        let url = format!("{}/admin/setup#{}", self.base_url(), self.setup_secret());
        Ok(self.needs_owner().await?.then_some(url))
    }

    /// Whether nobody decides here yet.
    ///
    /// # Errors
    /// The database's.
    pub async fn needs_owner(&self) -> Result<bool, Error> {
        self.0.db.read(|conn| Ok(!has_owner(conn)?)).await
    }

    /// Whether somebody can come in.
    ///
    /// # Errors
    /// The database's.
    pub async fn has_staff(&self) -> Result<bool, Error> {
        let anybody = |conn: &mut AnyConnection| {
            let open = users::table.filter(open_accounts!());
            Ok(diesel::select(diesel::dsl::exists(open)).get_result(conn)?)
        };
        self.0.db.read(anybody).await
    }

    /// Makes the first owner, with the secret of [`Shop::setup_url`]. It is good once: with an owner it is nothing any more.
    /// Gives what her browser is known by from now on: no stranger's guesses keep it out.
    ///
    /// # Errors
    /// [`Error::Forbidden`] for any other secret or when there is an owner, [`Error::Taken`], [`Error::WeakPassword`], the
    /// database's.
    pub async fn set_up(&self, secret: &str, email: &Email, password: &Password) -> Result<DeviceSecret, Error> {
        let right = self.setup_secret();
        if !bool::from(right.as_bytes().ct_eq(secret.as_bytes())) || !self.needs_owner().await? {
            return Err(Error::Forbidden("the store is set up, or the secret is another's"));
        }
        password.check(email)?;
        let hash = self.0.hashing.hash(password).await?;
        let (email, now) = (email.clone(), self.0.clock.now());
        let id = self
            .0
            .db
            .write(move |conn| {
                lock(conn)?;
                if has_owner(conn)? {
                    return Err(Error::Forbidden("the store is set up"));
                }
                let id = insert(conn, &Actor::Visitor, &email, Role::Owner, Some(&hash), now)?;
                audit::record(conn, &Actor::Staff(id), "store.set_up", object(id), None, None)?;
                Ok(id)
            })
            .await?;
        Ok(self.0.key.new_device(id))
    }

    /// Sees to it that a demo store has its owner, as its sign-in shows it, whatever visitors did to the account; and that
    /// no other store has: one that began as a demo keeps nobody who worked in it.
    ///
    /// # Errors
    /// The database's.
    pub async fn open_demo_desk(&self) -> Result<(), Error> {
        let email: Email = DEMO_EMAIL.parse().map_err(|_| Error::internal("the demo's address is none"))?;
        if !self.is_demo() {
            return self.close_demo_desk(email).await;
        }
        let password: Password = DEMO_PASSWORD.parse()?;
        let new = NewStaff { email: email.clone(), role: Role::Owner, password: Some(password.clone()) };
        match self.add_staff(&Actor::Store, &new).await {
            Err(Error::Taken) => {}
            result => return result.map(|_| ()),
        }
        let id = self.staff_id(&email).await?;
        self.drop_codes_of(&Actor::Store, id).await?;
        let hash = self.0.hashing.hash(&password).await?;
        self.0
            .db
            .write(move |conn| {
                diesel::update(users::table.find(id))
                    .set((
                        users::password_hash.eq(&hash),
                        users::role.eq(Role::Owner.as_str()),
                        users::disabled_at.eq(None::<NaiveDateTime>),
                    ))
                    .execute(conn)?;
                Ok(())
            })
            .await
    }

    /// Everybody could be the demo's owner, and let others in: nobody who works there then works here, and nothing is told to
    /// whom they named. The store has its first owner made anew.
    async fn close_demo_desk(&self, email: Email) -> Result<(), Error> {
        let (norm, now) = (email.normalized(), self.0.clock.now());
        let was_demo = self
            .0
            .db
            .read(move |conn| {
                let on = users::table.filter(users::email_norm.eq(&norm)).filter(users::disabled_at.is_null());
                Ok(diesel::select(diesel::dsl::exists(on)).get_result::<bool>(conn)?)
            })
            .await?;
        if !was_demo {
            return Ok(());
        }
        // First, since the account is what says at the next start that this is left to do.
        for endpoint in self.webhook_endpoints().await? {
            self.switch_webhook_endpoint(&Actor::Store, endpoint.id, false).await?;
        }
        self.0
            .db
            .write(move |conn| {
                lock(conn)?;
                let on: Vec<i64> =
                    users::table.filter(users::disabled_at.is_null()).order(users::id).select(users::id).load(conn)?;
                for id in on {
                    diesel::update(users::table.find(id)).set(users::disabled_at.eq(now)).execute(conn)?;
                    own::end_sessions(conn, id, None, now)?;
                    tokens::revoke_all(conn, &Actor::Store, id, now)?;
                    audit::record(conn, &Actor::Store, "user.switched_off", object(id), None, None)?;
                }
                tracing::warn!(
                    "this store was a demo: everybody who worked in it is switched off, and so are its webhooks"
                );
                Ok(())
            })
            .await
    }

    /// The address and the password that a demo store's sign-in shows.
    #[must_use]
    pub fn demo_login(&self) -> Option<(&'static str, &'static str)> {
        self.is_demo().then_some((DEMO_EMAIL, DEMO_PASSWORD))
    }
}
