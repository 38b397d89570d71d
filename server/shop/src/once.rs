//! Changes that a program asks for under a key of its own (`Idempotency-Key`): done once, and answered the same for a day.
//!
//! The row comes first, with a name that the work travels under; the answer is written into it when the work is done. A
//! process that dies in between leaves a row without an answer, which the next request with the key takes over when its lease
//! ends. What it finds depends on the work:
//!
//! - What is done in one transaction of ours marks the row in that transaction ([`mark`], by way of the audit): the next
//!   request sees the mark, does nothing, and says how the thing is now. Should a request be so slow that its row was taken
//!   over, its transaction finds that out and comes to nothing; so does one that is tried again because the answer to its
//!   commit was lost, although it had been made.
//! - What Stripe does for us (a refund, a checkout), or what comes to the same when it is done again (files), is begun again
//!   under the same name, so that whatever has been done under that name is found and not done twice.

use crate::db::schema::api_once;
use crate::db::{AnyConnection, both};
use crate::desk::FormKey;
use crate::failpoint::{Failpoint, pass};
use crate::{Error, Shop, secrets};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;

/// How long an answer is kept.
const KEPT: TimeDelta = TimeDelta::hours(24);
/// How long one request may take over the work. A request to the API ends sooner …
pub const LEASE: TimeDelta = TimeDelta::minutes(2);
/// … but for an upload: large files on a slow way to a bucket take their time.
pub const UPLOAD_LEASE: TimeDelta = TimeDelta::hours(1);

/// What there is under a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Once {
    /// Nothing so far: the work is the caller's, who must say how it ended.
    Begin(Begun),
    /// It is done, and this was the answer: a status and what belongs to it.
    Done(u16, String),
    /// Another request is doing it.
    Running,
    /// Something else was asked for under this key.
    Another,
}

/// Work that was begun.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Begun {
    id: i64,
    lease_until: NaiveDateTime,
    /// What it travels under.
    pub name: FormKey,
    /// What an earlier request has done it to, in the audit's words, if one has and its answer was lost.
    pub done_to: Option<String>,
}

impl Begun {
    /// What marks the work as done.
    #[must_use]
    pub const fn mark(&self) -> Mark {
        Mark { id: self.id, lease_until: self.lease_until }
    }
}

/// By which a transaction marks what was begun as done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mark {
    id: i64,
    lease_until: NaiveDateTime,
}

/// Marks what was begun as done, in the transaction that does it: once. What else that one writes down, it writes down
/// without a mark.
///
/// # Errors
/// [`Error::TakenOver`] if it is marked already, or the lease was over and somebody else has it: then this transaction must
/// not be. The database's.
pub(crate) fn mark(conn: &mut AnyConnection, mark: &Mark, object: &str) -> Result<(), Error> {
    let mine = api_once::table
        .find(mark.id)
        .filter(api_once::lease_until.eq(mark.lease_until))
        .filter(api_once::status.is_null())
        .filter(api_once::marked.is_null());
    let marked = diesel::update(mine).set(api_once::marked.eq(object)).execute(conn)?;
    if marked == 1 { Ok(()) } else { Err(Error::TakenOver) }
}

#[derive(Queryable)]
struct Row {
    id: i64,
    request_hash: String,
    name: String,
    status: Option<i32>,
    answer: Option<String>,
    lease_until: NaiveDateTime,
}

impl Shop {
    /// Begins what an account asks for under a key, if nobody has. `request_hash` names what is asked for.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin_once(&self, user: i64, key: &str, request_hash: &str) -> Result<Once, Error> {
        self.begin_once_within(user, key, request_hash, LEASE).await
    }

    /// The same for work that may take so long.
    ///
    /// # Errors
    /// The database's.
    pub async fn begin_once_within(
        &self,
        user: i64,
        key: &str,
        request_hash: &str,
        lease: TimeDelta,
    ) -> Result<Once, Error> {
        let (key, request, now) = (secrets::hash(key), request_hash.to_owned(), self.0.clock.now());
        let fresh = FormKey::generate();
        let once = self.0.db.write(move |conn| begin(conn, user, &key, &request, fresh, (now, now + lease))).await?;
        pass(Failpoint::KeyKept);
        Ok(once)
    }

    /// Keeps the answer to what was begun.
    ///
    /// # Errors
    /// The database's.
    pub async fn end_once(&self, begun: &Begun, status: u16, answer: String) -> Result<(), Error> {
        pass(Failpoint::KeyedWorkDone);
        let begun = begun.clone();
        self.0
            .db
            .write(move |conn| {
                // Whoever took it over has an answer of their own.
                let mine = api_once::table.find(begun.id).filter(api_once::lease_until.eq(begun.lease_until));
                diesel::update(mine.filter(api_once::status.is_null()))
                    .set((api_once::status.eq(i32::from(status)), api_once::answer.eq(&answer)))
                    .execute(conn)?;
                Ok(())
            })
            .await?;
        pass(Failpoint::AnswerKept);
        Ok(())
    }

    /// What the work that was begun has been done to, although it says that it failed. The answer to a commit can be lost:
    /// the transaction is tried again then, and finds its own work in its way.
    ///
    /// # Errors
    /// The database's.
    pub async fn done_once(&self, begun: &Begun) -> Result<Option<String>, Error> {
        let begun = begun.clone();
        self.0
            .db
            .write(move |conn| {
                let mine = api_once::table.find(begun.id).filter(api_once::lease_until.eq(begun.lease_until));
                // Written, so that on PostgreSQL it waits for a commit that is still under way.
                let marked = diesel::update(mine.filter(api_once::status.is_null()))
                    .set(api_once::marked.eq(api_once::marked))
                    .returning(api_once::marked);
                Ok(marked.get_result::<Option<String>>(conn).optional()?.flatten())
            })
            .await
    }

    /// Lets go of what was begun and came to nothing for a reason that passes: the next request with the key may try at
    /// once, under the same name.
    ///
    /// # Errors
    /// The database's.
    pub async fn release_once(&self, begun: &Begun) -> Result<(), Error> {
        let (begun, now) = (begun.clone(), self.0.clock.now());
        self.0
            .db
            .write(move |conn| {
                let mine = api_once::table.find(begun.id).filter(api_once::lease_until.eq(begun.lease_until));
                diesel::update(mine.filter(api_once::status.is_null()))
                    .set(api_once::lease_until.eq(now))
                    .execute(conn)?;
                Ok(())
            })
            .await
    }

    /// Forgets answers that are older than a day. Returns how many.
    ///
    /// # Errors
    /// The database's.
    pub async fn forget_old_answers(&self) -> Result<usize, Error> {
        let before = self.0.clock.now() - KEPT;
        self.0
            .db
            .write(move |conn| {
                Ok(diesel::delete(api_once::table.filter(api_once::created_at.le(before))).execute(conn)?)
            })
            .await
    }
}

fn begin(
    conn: &mut AnyConnection,
    user: i64,
    key: &str,
    request: &str,
    fresh: FormKey,
    (now, lease_until): (NaiveDateTime, NaiveDateTime),
) -> Result<Once, Error> {
    let mine = || api_once::table.filter(api_once::user_id.eq(user)).filter(api_once::key_hash.eq(key));
    diesel::delete(mine().filter(api_once::created_at.le(now - KEPT))).execute(conn)?;
    let values = (
        api_once::user_id.eq(user),
        api_once::key_hash.eq(key),
        api_once::request_hash.eq(request),
        api_once::name.eq(fresh.to_string()),
        api_once::created_at.eq(now),
        api_once::lease_until.eq(lease_until),
    );
    let inserted =
        both!(conn, |c| diesel::insert_into(api_once::table).values(values).on_conflict_do_nothing().execute(c))?;
    let columns = (
        api_once::id,
        api_once::request_hash,
        api_once::name,
        api_once::status,
        api_once::answer,
        api_once::lease_until,
    );
    let row: Row = mine().select(columns).first(conn)?;
    let corrupt = |what: &str| Error::internal(format!("kept answer {}: bad {what}", row.id));
    if row.request_hash != request {
        return Ok(Once::Another);
    }
    if let (Some(status), Some(answer)) = (row.status, &row.answer) {
        return Ok(Once::Done(u16::try_from(status).map_err(|_| corrupt("status"))?, answer.clone()));
    }
    let mut done_to = None;
    if inserted == 0 {
        // It was begun and not ended: it is free once its lease is over, for one of those who come. What the transaction
        // that it was begun in has marked is read behind it: on PostgreSQL the update waits for that one.
        let free = api_once::table.find(row.id).filter(api_once::status.is_null());
        let free = free.filter(api_once::lease_until.le(now)).filter(api_once::lease_until.eq(row.lease_until));
        let taken = diesel::update(free).set(api_once::lease_until.eq(lease_until)).returning(api_once::marked);
        let Some(marked) = taken.get_result::<Option<String>>(conn).optional()? else { return Ok(Once::Running) };
        done_to = marked;
    }
    let name = row.name.parse().map_err(|_| corrupt("name"))?;
    Ok(Once::Begin(Begun { id: row.id, lease_until, name, done_to }))
}
