//! Passwords that are typed, and who may guess how often.
//!
//! Guesses are held back before anything is hashed: by account, by network and in all, at the desk's page and at the API's
//! address apart. A browser that has been in before (a signed cookie, [`crate::DeviceSecret`]) and a network that the account
//! was signed in to from ([`places`]) are not counted with strangers but have buckets of their own, so that nobody can lock an
//! account's owner out of where she comes from by guessing. Address and password are answered alike whichever of them is
//! wrong, and an address without an account takes as long.

use super::sessions::{Account, Device};
use super::{Password, Staff, places};
use crate::db::schema::users;
use crate::limits::{self, Guesses};
use crate::types::Email;
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::net::IpAddr;

/// Where somebody tries to come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// On the desk's page.
    Page,
    /// As a program.
    Api,
}

impl Way {
    fn guesses(self, shop: &Shop) -> &Guesses {
        match self {
            Self::Page => &shop.0.limits.desk,
            Self::Api => &shop.0.limits.api_way_in,
        }
    }
}

/// A guess that was let through, to be given back if it was none.
pub(super) struct Taken {
    way: Way,
    at: NaiveDateTime,
    network: IpAddr,
    address: String,
    /// Of who is no stranger: the account, and what it is known by.
    known: Option<(i64, String)>,
}

impl Taken {
    /// Whether there is a guess left.
    fn take(&self, shop: &Shop) -> bool {
        match &self.known {
            Some(known) => shop.0.limits.desk_by_known.take(known.clone(), self.at),
            None => self.way.guesses(shop).take(self.network, &self.address, self.at),
        }
    }

    pub(super) fn give_back(&self, shop: &Shop) {
        match &self.known {
            Some(known) => shop.0.limits.desk_by_known.give_back(known, self.at),
            None => self.way.guesses(shop).give_back(self.network, &self.address, self.at),
        }
    }
}

/// Looks at address and password. What was taken for the guess is given back by who needs no more.
pub(super) async fn check_password(
    shop: &Shop,
    way: Way,
    email: &Email,
    password: &Password,
    device: &Device,
) -> Result<(Account, Taken), Error> {
    let (now, norm) = (shop.0.clock.now(), email.normalized());
    let (address, key, network) = (norm.clone(), shop.0.key.clone(), limits::network(device.ip));
    let (account, place): (Option<Account>, Option<String>) = shop
        .0
        .db
        .read(move |conn| {
            let account: Option<Account> = users::table
                .filter(users::email_norm.eq(address))
                .select((users::id, users::password_hash, users::totp_since, users::disabled_at))
                .first(conn)
                .optional()?;
            // Asked without an account too, of nobody: it takes as long.
            let id = account.as_ref().map_or(0, |account| account.id);
            Ok((account, places::known(conn, &key, id, network, now)?))
        })
        .await?;
    let device = device.known.as_ref();
    let known = account.as_ref().and_then(|account| {
        let device = device.filter(|device| shop.0.key.knows_device(account.id, device));
        let by = device.map(|device| device.id().to_owned()).or(place.map(|place| format!("{way:?} {place}")));
        Some((account.id, by?))
    });
    let taken = Taken { way, at: now, network, address: norm, known };
    if !taken.take(shop) {
        tracing::warn!("a way into the desk was refused: too many guesses");
        return Err(Error::RateLimited);
    }
    let open = account.filter(|account| account.disabled_at.is_none());
    let hash = open.as_ref().and_then(|account| account.password_hash.clone());
    let right = shop.0.hashing.verify(password, hash).await?;
    match open {
        Some(account) if right => Ok((account, taken)),
        _ => Err(Error::SignInRefused),
    }
}

/// Asks somebody who is signed in for the password once more. Guesses are counted like those at the door.
pub(super) async fn confirm_password(shop: &Shop, staff: &Staff, password: &Password) -> Result<(), Error> {
    let (now, id) = (shop.0.clock.now(), staff.id);
    let bucket = (id, "signed in".to_owned());
    if !shop.0.limits.desk_by_known.take(bucket.clone(), now) {
        return Err(Error::RateLimited);
    }
    let hash: Option<String> =
        shop.0.db.read(move |conn| Ok(users::table.find(id).select(users::password_hash).first(conn)?)).await?;
    if !shop.0.hashing.verify(password, hash).await? {
        return Err(Error::SignInRefused);
    }
    shop.0.limits.desk_by_known.give_back(&bucket, now);
    Ok(())
}
