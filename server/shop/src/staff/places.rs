//! The networks that accounts were signed in to from: who comes from one of them is no stranger there, with a bucket of
//! guesses of its own. A row keeps a keyed hash, so that a copy of the database tells nobody where people live.

use super::PLACE;
use crate::Error;
use crate::db::schema::staff_place;
use crate::db::{AnyConnection, both};
use crate::secrets::SecretKey;
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::net::IpAddr;

/// What the store knows the account's network by, if it was signed in to from there of late.
pub(super) fn known(
    conn: &mut AnyConnection,
    key: &SecretKey,
    user_id: i64,
    network: IpAddr,
    now: NaiveDateTime,
) -> Result<Option<String>, Error> {
    Ok(staff_place::table
        .find((user_id, key.place_hash(user_id, network)))
        .filter(staff_place::last_seen.gt(now - PLACE))
        .select(staff_place::network)
        .first(conn)
        .optional()?)
}

/// Notes that the account was signed in to from there.
pub(super) fn note(
    conn: &mut AnyConnection,
    key: &SecretKey,
    user_id: i64,
    network: IpAddr,
    now: NaiveDateTime,
) -> Result<(), Error> {
    let network = key.place_hash(user_id, network);
    let there = staff_place::table.find((user_id, &network));
    if diesel::update(there).set(staff_place::last_seen.eq(now)).execute(conn)? == 0 {
        let values =
            (staff_place::user_id.eq(user_id), staff_place::network.eq(&network), staff_place::last_seen.eq(now));
        both!(conn, |c| diesel::insert_into(staff_place::table).values(values).on_conflict_do_nothing().execute(c))?;
    }
    Ok(())
}

/// Forgets those that nobody has come from for long.
pub(super) fn forget_old(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<(), Error> {
    diesel::delete(staff_place::table.filter(staff_place::last_seen.le(now - PLACE))).execute(conn)?;
    Ok(())
}
