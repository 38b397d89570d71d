//! Where our rows and Stripe's objects disagree, as found and as shown.

use crate::db::schema::{difference, stripe_event};
use crate::db::{AnyConnection, both};
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;

/// Our rows and Stripe disagree about something.
#[derive(Clone, Debug, PartialEq, Eq, Queryable)]
pub struct Difference {
    /// What kind of disagreement.
    pub kind: String,
    /// Stripe's id of the object, or ours where Stripe has none.
    pub object_id: String,
    /// Both sides, in words.
    pub detail: String,
    /// When it was first found.
    pub found_at: NaiveDateTime,
}

/// A disagreement that was just found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) kind: &'static str,
    pub(super) object_id: String,
    pub(super) detail: String,
}

impl Shop {
    /// The differences that the last comparison left open, and the events that were put aside, oldest first.
    ///
    /// # Errors
    /// The database's.
    pub async fn differences(&self) -> Result<Vec<Difference>, Error> {
        self.0
            .db
            .read(|conn| {
                let mut all = open(conn)?;
                let dead: Vec<(String, String, Option<String>, NaiveDateTime)> = stripe_event::table
                    .filter(stripe_event::state.eq("dead"))
                    .order((stripe_event::received_at, stripe_event::id))
                    .select((stripe_event::id, stripe_event::type_, stripe_event::error, stripe_event::received_at))
                    .load(conn)?;
                all.extend(dead.into_iter().map(|(object_id, kind, error, found_at)| Difference {
                    kind: "event_put_aside".into(),
                    object_id,
                    detail: format!("{kind}: {}", error.as_deref().unwrap_or("no reason was kept")),
                    found_at,
                }));
                Ok(all)
            })
            .await
    }
}

/// The differences of the table that are not gone, oldest first.
pub(super) fn open(conn: &mut AnyConnection) -> Result<Vec<Difference>, Error> {
    Ok(difference::table
        .filter(difference::gone_at.is_null())
        .order(difference::id)
        .select((difference::kind, difference::object_id, difference::detail, difference::found_at))
        .load(conn)?)
}

/// Makes the table say what a whole comparison has found: `found` is open, all else is gone.
pub(super) fn record(conn: &mut AnyConnection, found: &[Found], now: NaiveDateTime) -> Result<(), Error> {
    let mut kept = Vec::with_capacity(found.len());
    for found in found {
        let values = (
            difference::kind.eq(found.kind),
            difference::object_id.eq(&found.object_id),
            difference::detail.eq(&found.detail),
            difference::found_at.eq(now),
        );
        let new =
            both!(conn, |c| diesel::insert_into(difference::table).values(values).on_conflict_do_nothing().execute(c))?;
        let row = difference::table
            .filter(difference::kind.eq(found.kind))
            .filter(difference::object_id.eq(&found.object_id));
        let back = diesel::update(row.filter(difference::gone_at.is_not_null()))
            .set((difference::found_at.eq(now), difference::gone_at.eq(None::<NaiveDateTime>)))
            .execute(conn)?;
        if new + back > 0 {
            let Found { kind, object_id, detail } = found;
            tracing::error!(kind, object = object_id, detail, "our rows and Stripe disagree");
        }
        let id: i64 =
            diesel::update(row).set(difference::detail.eq(&found.detail)).returning(difference::id).get_result(conn)?;
        kept.push(id);
    }
    let gone = difference::table.filter(difference::gone_at.is_null()).filter(difference::id.ne_all(kept));
    diesel::update(gone).set(difference::gone_at.eq(now)).execute(conn)?;
    Ok(())
}
