//! The audit: every change that somebody makes at the desk or from the command line, with who made it and what was
//! before. Rows are only ever added.

use crate::Error;
use crate::clock::Clock;
use crate::db::AnyConnection;
use crate::db::schema::audit;
use crate::staff::Staff;
use diesel::prelude::*;
use serde_json::Value;

/// Who changes something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Actor {
    /// Somebody who works at the store, by the id of the account.
    Staff(i64),
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
    const fn as_str(self) -> &'static str {
        match self {
            Self::Staff(_) => "staff",
            Self::Command => "command",
            Self::Visitor => "visitor",
            Self::Store => "store",
        }
    }
}

/// Writes down a change, in the transaction that makes it.
///
/// `action` is like "book.published", `object` like "book:emma", "order:NUMBER" or "user:3". `before` and `after` hold what
/// changed and nothing secret; a buyer's address in them goes when the buyer is erased.
///
/// # Errors
/// The database's.
pub fn record(
    conn: &mut AnyConnection,
    actor: &Actor,
    action: &'static str,
    object: String,
    before: Option<Value>,
    after: Option<Value>,
) -> Result<(), Error> {
    let user = match actor {
        Actor::Staff(id) => Some(*id),
        Actor::Command | Actor::Visitor | Actor::Store => None,
    };
    let text = |value: Option<Value>| value.map(|value| value.to_string());
    diesel::insert_into(audit::table)
        .values((
            // When it really was, also where a test sets the clock: nothing is decided by it.
            audit::at.eq(Clock::System.now()),
            audit::actor.eq(actor.as_str()),
            audit::user_id.eq(user),
            audit::action.eq(action),
            audit::object.eq(object),
            audit::before.eq(text(before)),
            audit::after.eq(text(after)),
        ))
        .execute(conn)?;
    Ok(())
}
