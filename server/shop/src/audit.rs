//! The audit: every change that somebody makes at the desk or from the command line, with who made it and what was
//! before. Rows are only ever added.

use crate::clock::Clock;
use crate::db::AnyConnection;
use crate::db::schema::{audit, users};
use crate::notation::Notation;
use crate::once::{self, Mark};
use crate::staff::Staff;
use crate::types::Email;
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::Value;

/// Who changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who works at the store, by the id of the account.
    Staff(i64),
    /// A program of theirs that asks under a key: its key is marked in the transaction that is written down.
    Program(i64, Mark),
    /// Whoever may run the program on its machine.
    Command,
    /// Somebody who is not signed in: the first start, a mistyped password.
    Visitor,
    /// The store by itself.
    Store,
}

impl From<&Staff> for Actor {
    fn from(staff: &Staff) -> Self {
        Self::Staff(staff.id)
    }
}

impl Actor {
    /// The account, if it is one's.
    pub(crate) const fn account(self) -> Option<i64> {
        match self {
            Self::Staff(id) | Self::Program(id, _) => Some(id),
            Self::Command | Self::Visitor | Self::Store => None,
        }
    }

    /// The same, once the key is marked.
    #[must_use]
    pub(crate) const fn unmarked(self) -> Self {
        match self {
            Self::Program(id, _) => Self::Staff(id),
            other => other,
        }
    }

    const fn as_str(self) -> &'static str {
        match self {
            Self::Staff(_) | Self::Program(..) => "staff",
            Self::Command => "command",
            Self::Visitor => "visitor",
            Self::Store => "store",
        }
    }
}

/// Marks the key of a program that asks for what is so already, or that writes down more than its key is to name, in that
/// transaction: what others make of the thing later is not undone when the program asks again under its key.
///
/// # Errors
/// The database's; [`Error::TakenOver`] if another request has the actor's key by now, or it is marked.
pub(crate) fn mark(conn: &mut AnyConnection, actor: &Actor, object: &str) -> Result<(), Error> {
    match actor {
        Actor::Program(_, mark) => once::mark(conn, mark, object),
        Actor::Staff(_) | Actor::Command | Actor::Visitor | Actor::Store => Ok(()),
    }
}

/// Writes down a change, in the transaction that makes it. One that writes down several names the actor of all but the first
/// [`Actor::unmarked`].
///
/// `action` is like "book.published", `object` like "book:emma", "order:NUMBER" or "user:3". `before` and `after` hold what
/// changed and nothing secret; a buyer's address in them goes when the buyer is erased.
///
/// # Errors
/// The database's; [`Error::TakenOver`] if another request has the actor's key by now, or it is marked.
pub fn record(
    conn: &mut AnyConnection,
    actor: &Actor,
    action: &'static str,
    object: String,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<(), Error> {
    mark(conn, actor, &object)?;
    let text = |value: Option<Value>| value.map(|value| value.to_string());
    diesel::insert_into(audit::table)
        .values((
            // When it really was, also where a test sets the clock: nothing is decided by it.
            audit::at.eq(Clock::System.now()),
            audit::actor.eq(actor.as_str()),
            audit::user_id.eq(actor.account()),
            audit::action.eq(action),
            audit::object.eq(object),
            audit::before.eq(text(before)),
            audit::after.eq(text(after)),
        ))
        .execute(conn)?;
    Ok(())
}

/// What to look for.
#[derive(Clone, Debug, Default)]
pub struct AuditQuery {
    /// Who: an account's address, or "command", "visitor", "store".
    pub actor: Option<String>,
    /// Of what, like "order:NUMBER".
    pub object: Option<String>,
    /// Only what is older than the entry of this id.
    pub before: Option<i64>,
}

/// A change that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// Its id.
    pub id: i64,
    /// When, for reading.
    pub at: String,
    /// Who: an address, or "command", "visitor", "store".
    pub actor: String,
    /// What.
    pub action: String,
    /// Of what.
    pub object: String,
    /// What was before, as JSON.
    pub before: Option<String>,
    /// What came of it, as JSON.
    pub after: Option<String>,
}

/// The changes of one page, the latest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// At most fifty.
    pub entries: Vec<AuditEntry>,
    /// Where the next page begins, if there is one.
    pub next: Option<i64>,
}

#[derive(Queryable)]
struct Row {
    id: i64,
    at: NaiveDateTime,
    actor: String,
    email: Option<String>,
    action: String,
    object: String,
    before: Option<String>,
    after: Option<String>,
}

const PAGE: usize = 50;

impl Shop {
    /// What was changed, by whom.
    ///
    /// # Errors
    /// The database's.
    pub async fn audit(&self, query: AuditQuery) -> Result<AuditPage, Error> {
        let notation = self.notation().clone();
        self.0.db.read(move |conn| page(conn, &notation, &query)).await
    }
}

fn page(conn: &mut AnyConnection, notation: &Notation, query: &AuditQuery) -> Result<AuditPage, Error> {
    let mut rows = audit::table
        .left_join(users::table)
        .select((
            audit::id,
            audit::at,
            audit::actor,
            users::email.nullable(),
            audit::action,
            audit::object,
            audit::before,
            audit::after,
        ))
        .order(audit::id.desc())
        .limit(i64::try_from(PAGE + 1).unwrap_or(i64::MAX))
        .into_boxed();
    match query.actor.as_deref() {
        None => {}
        Some(word @ ("command" | "visitor" | "store")) => rows = rows.filter(audit::actor.eq(word.to_owned())),
        Some(address) => {
            let norm = address.parse::<Email>().map(|email| email.normalized()).unwrap_or_default();
            let id = users::table.filter(users::email_norm.eq(norm)).select(users::id).first::<i64>(conn).optional()?;
            // An unknown address has changed nothing.
            rows = rows.filter(audit::user_id.eq(id.unwrap_or(0)));
        }
    }
    if let Some(object) = &query.object {
        rows = rows.filter(audit::object.eq(object.clone()));
    }
    if let Some(before) = query.before {
        rows = rows.filter(audit::id.lt(before));
    }
    let mut rows: Vec<Row> = rows.load(conn)?;
    let more = rows.len() > PAGE;
    rows.truncate(PAGE);
    let next = rows.last().filter(|_| more).map(|row| row.id);
    let entry = |row: Row| AuditEntry {
        id: row.id,
        at: notation.moment(row.at),
        actor: row.email.unwrap_or(row.actor),
        action: row.action,
        object: row.object,
        before: row.before,
        after: row.after,
    };
    Ok(AuditPage { entries: rows.into_iter().map(entry).collect(), next })
}
