//! From link or code to a session.

use super::{SESSION, TRIES, sessions};
use crate::db::AnyConnection;
use crate::db::schema::{access_request, buyer_session};
use crate::secrets::{self, BrowserSecret, BuyerSecret, Keys};
use crate::types::AccessCode;
use crate::{Error, Shop, limits};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::net::IpAddr;
use subtle::ConstantTimeEq;

/// What somebody has from the mail.
#[derive(Clone, Debug)]
pub enum Proof {
    /// The code, typed into the browser that asked.
    Code(AccessCode),
    /// The secret of the link, in the browser that asked; in another one, the code as well.
    Link {
        /// What stands behind `#`.
        secret: String,
        /// The code, if it was typed too.
        code: Option<AccessCode>,
    },
}

/// A request that a guess was counted for.
type Tried = (i64, Option<String>, String);

impl Shop {
    /// Whether this browser has asked for a library so lately that link and code are still good. Says nothing about
    /// whether there is one.
    ///
    /// # Errors
    /// The database's.
    pub async fn has_asked(&self, keys: &Keys) -> Result<bool, Error> {
        let Some(browser) = &keys.browser else { return Ok(false) };
        let (hash, now) = (browser.hash(), self.0.clock.now());
        self.0
            .db
            .read(move |conn| {
                let asked = access_request::table
                    .filter(access_request::browser_hash.eq(hash))
                    .filter(access_request::expires_at.gt(now))
                    .filter(access_request::consumed_at.is_null());
                Ok(diesel::select(diesel::dsl::exists(asked)).get_result(conn)?)
            })
            .await
    }

    /// Opens a library with what its mail brought: a new session takes the place of the browser's old one. A proof is
    /// good once, for ten minutes; of guesses at a code five are looked at, wherever they come from.
    ///
    /// # Errors
    /// [`Error::Forbidden`] if it is wrong, too old, used up or another browser's (they look alike);
    /// [`Error::RateLimited`] after 30 tries an hour from one network; the database's.
    pub async fn open_library(&self, proof: Proof, keys: &Keys, client_ip: IpAddr) -> Result<BuyerSecret, Error> {
        let now = self.0.clock.now();
        if !self.0.limits.access_guess.take(limits::network(client_ip), now) {
            return Err(Error::RateLimited);
        }
        let (shop, keys, fresh) = (self.clone(), keys.clone(), BuyerSecret::generate());
        let id_hash = fresh.hash();
        let opened = self
            .0
            .db
            .write(move |conn| {
                // A wrong guess is no error here: that it was made must be kept.
                let Some(email_norm) = prove(conn, &shop, &proof, &keys, now)? else { return Ok(false) };
                if let Some(old) = &keys.buyer {
                    sessions::revoke(conn, old, now)?;
                }
                diesel::insert_into(buyer_session::table)
                    .values((
                        buyer_session::id_hash.eq(&id_hash),
                        buyer_session::email_norm.eq(&email_norm),
                        buyer_session::created_at.eq(now),
                        buyer_session::last_seen.eq(now),
                        buyer_session::expires_at.eq(now + SESSION),
                    ))
                    .execute(conn)?;
                Ok(true)
            })
            .await?;
        if opened { Ok(fresh) } else { Err(Error::Forbidden("library")) }
    }
}

/// The address that the proof opens, once.
fn prove(
    conn: &mut AnyConnection,
    shop: &Shop,
    proof: &Proof,
    keys: &Keys,
    now: NaiveDateTime,
) -> Result<Option<String>, Error> {
    // A browser without a cookie has asked for nothing: no row has the hash of something that nobody knows.
    let browser = keys.browser.as_ref().map_or_else(|| secrets::hash(&secrets::random()), BrowserSecret::hash);
    let alive = || {
        access_request::table
            .filter(access_request::consumed_at.is_null())
            .filter(access_request::expires_at.gt(now))
            .filter(access_request::tries.lt(TRIES))
    };
    let tried = (access_request::id, access_request::code_hash, access_request::email_norm);
    let one_more = access_request::tries.eq(access_request::tries + 1);
    let (tried, code): (Vec<Tried>, &AccessCode) = match proof {
        Proof::Code(code) => {
            let asked_here = alive().filter(access_request::browser_hash.eq(&browser));
            (diesel::update(asked_here).set(one_more).returning(tried).load(conn)?, code)
        }
        Proof::Link { secret, code } => {
            let link = secrets::hash(secret);
            let asked_here =
                alive().filter(access_request::link_hash.eq(&link)).filter(access_request::browser_hash.eq(&browser));
            let opened: Vec<String> = diesel::update(asked_here)
                .set(access_request::consumed_at.eq(now))
                .returning(access_request::email_norm)
                .load(conn)?;
            if let Some(email_norm) = opened.into_iter().next() {
                return Ok(Some(email_norm));
            }
            let Some(code) = code else { return Ok(None) };
            // Elsewhere the code belongs to the link; here it may be that of a later mail, and is good beside any link.
            let either = access_request::browser_hash.eq(&browser).or(access_request::link_hash.eq(&link));
            (diesel::update(alive().filter(either)).set(one_more).returning(tried).load(conn)?, code)
        }
    };
    let Some((id, email_norm)) = matching(shop, &tried, code) else { return Ok(None) };
    // Of two that race with the same code the second finds it consumed.
    let consumed = diesel::update(access_request::table.find(id).filter(access_request::consumed_at.is_null()))
        .set(access_request::consumed_at.eq(now))
        .execute(conn)?;
    Ok((consumed == 1).then_some(email_norm))
}

/// The request whose code it is. All are compared, and something is where there is none: how long it takes says nothing.
fn matching(shop: &Shop, tried: &[Tried], code: &AccessCode) -> Option<(i64, String)> {
    let nobody: Tried = (0, None, String::new());
    let all = if tried.is_empty() { std::slice::from_ref(&nobody) } else { tried };
    let mut found = None;
    for (id, code_hash, email_norm) in all {
        let expected = code_hash.as_deref().unwrap_or("-");
        let given = shop.0.key.code_hash(*id, code);
        if bool::from(expected.as_bytes().ct_eq(given.as_bytes())) {
            found = Some((*id, email_norm.clone()));
        }
    }
    found
}
