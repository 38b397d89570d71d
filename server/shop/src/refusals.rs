//! Carts for which Stripe refused to make a session, by title: what the desk is told of them.
//!
//! Anybody can fill a cart and begin to pay for it, so what is kept is bounded: each cause is counted once for a title, few
//! titles of a cart are kept, and few rows in all. A title's rows go when a session with it is made.

use crate::Error;
use crate::db::schema::refused_title;
use crate::db::{AnyConnection, both};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// What did not happen again for so long is forgotten.
pub(crate) const KEPT: TimeDelta = TimeDelta::days(14);
/// So many rows are kept.
const MOST: i64 = 200;
/// Of one cart so many titles.
const MOST_TITLES: usize = 10;
/// Of what Stripe said so many characters.
const LONGEST: usize = 300;

/// Writes down that Stripe refused a cart with these books, and `why`.
///
/// # Errors
/// The database's.
pub(crate) fn note(conn: &mut AnyConnection, books: &[i64], why: &str, now: NaiveDateTime) -> Result<(), Error> {
    let cause: String = why.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
    // Always in the same order, so that two carts never wait for each other.
    let mut books: Vec<i64> = books.iter().copied().take(MOST_TITLES).collect();
    books.sort_unstable();
    diesel::delete(refused_title::table.filter(refused_title::last_at.le(now - KEPT))).execute(conn)?;
    let kept: i64 = refused_title::table.count().get_result(conn)?;
    let mut room = MOST.saturating_sub(kept);
    for book in books {
        let known =
            refused_title::table.filter(refused_title::book_id.eq(book)).filter(refused_title::cause.eq(&cause));
        let counted = diesel::update(known)
            .set((refused_title::times.eq(refused_title::times + 1_i64), refused_title::last_at.eq(now)))
            .execute(conn)?;
        if counted == 0 && room > 0 {
            let row = (
                refused_title::book_id.eq(book),
                refused_title::cause.eq(&cause),
                refused_title::times.eq(1_i64),
                refused_title::first_at.eq(now),
                refused_title::last_at.eq(now),
            );
            let kept = both!(conn, |c| diesel::insert_into(refused_title::table)
                .values(row)
                .on_conflict_do_nothing()
                .execute(c))?;
            room = room.saturating_sub(i64::from(kept > 0));
        }
    }
    Ok(())
}

/// Forgets what was refused of these books: Stripe has made a session with them.
///
/// # Errors
/// The database's.
pub(crate) fn over(conn: &mut AnyConnection, books: &[i64]) -> Result<(), Error> {
    diesel::delete(refused_title::table.filter(refused_title::book_id.eq_any(books))).execute(conn)?;
    Ok(())
}
