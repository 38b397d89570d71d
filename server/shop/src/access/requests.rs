//! Asking for a library, and the worker who looks whether there is one.

use super::{KEPT, REQUEST};
use crate::db::AnyConnection;
use crate::db::schema::{access_request, orders, outbox};
use crate::outbox::Kind;
use crate::secrets::{self, BrowserSecret, Purpose};
use crate::types::{Email, normalize_address};
use crate::{Error, Shop, limits};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use std::net::IpAddr;
use std::time::Duration;

/// Requests looked up in one transaction.
const BATCH: i64 = 32;
/// Orders of one address that are looked at for how it is written.
const LOOKED_AT: i64 = 100;
/// Mails to one address within an hour, whichever process took the request …
const MAILS_TO_ONE: i64 = 3;
/// … and to all addresses together.
const MAILS_IN_ALL: i64 = 500;
const HOUR: TimeDelta = TimeDelta::hours(1);
/// What is still to be looked up, in the words of the index `access_request_new`.
const NEW: &str = "access_request.state = 'new'";
/// In the words of the index `access_request_mailed`.
const MAILED: &str = "access_request.state = 'mailed'";

impl Shop {
    /// Takes a request for the library of an address. What is done here does not depend on whether anything was bought
    /// under it: one row is written, and a worker looks later. Too many requests for one address (3 an hour), from one
    /// network (10) or in all are dropped without a word.
    ///
    /// # Errors
    /// The database's.
    pub async fn request_access(&self, email: &Email, browser: &BrowserSecret, client_ip: IpAddr) -> Result<(), Error> {
        let (now, email_norm, browser_hash) = (self.0.clock.now(), email.normalized(), browser.hash());
        let limits = &self.0.limits;
        // The network first: what it asks for in vain takes nothing from the address's own.
        let welcome = limits.access_by_network.take(limits::network(client_ip), now)
            && limits.access_by_email.take(email_norm.clone(), now)
            && limits.access.take((), now);
        if !welcome {
            tracing::info!("a request for a library was dropped: too many");
            return Ok(());
        }
        self.0
            .db
            .write(move |conn| {
                diesel::insert_into(access_request::table)
                    .values((
                        access_request::email_norm.eq(&email_norm),
                        access_request::browser_hash.eq(&browser_hash),
                        access_request::state.eq("new"),
                        access_request::tries.eq(0),
                        access_request::created_at.eq(now),
                        access_request::expires_at.eq(now + REQUEST),
                    ))
                    .execute(conn)?;
                Ok(())
            })
            .await?;
        self.0.access_waiting.notify_one();
        Ok(())
    }

    /// Returns when a library was asked for, or after `at_most`.
    pub async fn wait_for_requests(&self, at_most: Duration) {
        let _ = tokio::time::timeout(at_most, self.0.access_waiting.notified()).await;
    }

    /// Looks up what was asked for, and queues a mail where there is something. Returns how many requests it took.
    ///
    /// # Errors
    /// The database's.
    pub async fn work_on_requests(&self) -> Result<usize, Error> {
        // Looking costs no transaction, so it can be done often.
        let waiting = self
            .0
            .db
            .read(|conn| {
                let new = access_request::table.filter(sql::<Bool>(NEW));
                Ok(diesel::select(diesel::dsl::exists(new)).get_result::<bool>(conn)?)
            })
            .await?;
        if !waiting {
            return Ok(0);
        }
        let (shop, now) = (self.clone(), self.0.clock.now());
        let (taken, mailed) = self.0.db.write(move |conn| look_up(conn, &shop, now)).await?;
        if mailed > 0 {
            self.0.mail_waiting.notify_one();
        }
        Ok(taken)
    }

    /// Forgets requests of long ago with their mails, and sessions that are over. Returns how many rows went.
    ///
    /// # Errors
    /// The database's.
    pub async fn delete_old_access(&self) -> Result<usize, Error> {
        let now = self.0.clock.now();
        self.0
            .db
            .write(move |conn| {
                let old: Vec<i64> = access_request::table
                    .filter(access_request::created_at.le(now - KEPT))
                    .order(access_request::created_at)
                    .select(access_request::id)
                    .limit(500)
                    .load(conn)?;
                let keys: Vec<String> = old.iter().map(|id| Kind::AccessLink(*id).dedupe_key(None)).collect();
                diesel::delete(outbox::table.filter(outbox::dedupe_key.eq_any(keys))).execute(conn)?;
                let requests =
                    diesel::delete(access_request::table.filter(access_request::id.eq_any(old))).execute(conn)?;
                Ok(requests + super::sessions::delete_ended(conn, now)?)
            })
            .await
    }
}

/// Takes new requests (the single writer on SQLite, `SKIP LOCKED` on PostgreSQL) and writes down what comes of them.
/// Gives how many they were, and how many mails.
fn look_up(conn: &mut AnyConnection, shop: &Shop, now: NaiveDateTime) -> Result<(usize, usize), Error> {
    let new = access_request::table
        .filter(sql::<Bool>(NEW))
        .order(access_request::id)
        .select((access_request::id, access_request::email_norm, access_request::expires_at))
        .limit(BATCH);
    let requests: Vec<(i64, String, NaiveDateTime)> = match conn {
        AnyConnection::Sqlite(c) => new.load(c)?,
        AnyConnection::Postgres(c) => new.for_update().skip_locked().load(c)?,
    };
    let mut mailed = 0;
    for (id, email_norm, expires_at) in &requests {
        // As the first buyer under that address wrote it: whoever once wrote another mailbox's with letters that lower case
        // made this one's is not its buyer.
        let written: Vec<String> = orders::table
            .filter(orders::email_norm.eq(email_norm))
            .order(orders::id)
            .select(orders::email)
            .limit(LOOKED_AT)
            .load(conn)?;
        let recipient = written.into_iter().find(|address| normalize_address(address) == *email_norm);
        let recipient = match recipient {
            Some(recipient) if *expires_at > now && may_be_mailed(conn, email_norm, now)? => recipient,
            _ => {
                diesel::update(access_request::table.find(id)).set(access_request::state.eq("silent")).execute(conn)?;
                continue;
            }
        };
        let key = &shop.0.key;
        diesel::update(access_request::table.find(id))
            .set((
                access_request::state.eq("mailed"),
                access_request::link_hash.eq(secrets::hash(&key.derive(Purpose::LibraryLink, *id, 0))),
                access_request::code_hash.eq(key.code_hash(*id, &key.library_code(*id))),
            ))
            .execute(conn)?;
        crate::outbox::queue(conn, shop, Kind::AccessLink(*id), &recipient, None, now)?;
        mailed += 1;
    }
    Ok((requests.len(), mailed))
}

/// The limits of the door once more, by what was really sent: those are a process's own and begin anew with it.
fn may_be_mailed(conn: &mut AnyConnection, email_norm: &str, now: NaiveDateTime) -> Result<bool, Error> {
    let lately =
        || access_request::table.filter(sql::<Bool>(MAILED)).filter(access_request::created_at.gt(now - HOUR)).count();
    let to_this: i64 = lately().filter(access_request::email_norm.eq(email_norm)).get_result(conn)?;
    let in_all: i64 = lately().get_result(conn)?;
    if in_all >= MAILS_IN_ALL {
        tracing::warn!(in_all, "no more links to libraries are mailed within this hour");
    }
    Ok(to_this < MAILS_TO_ONE && in_all < MAILS_IN_ALL)
}
