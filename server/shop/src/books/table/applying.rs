//! Applying a table: what takes long is done before the transaction.

use super::{Applied, BATCH, CHANGES, Compared, Table, compare};
use crate::audit::Actor;
use crate::books::reading::Saved;
use crate::books::saving::{Saving, insert, update};
use crate::books::{Fields, NotSaved};
use crate::db::AnyConnection;
use crate::db::schema::book;
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::BTreeMap;

impl Shop {
    /// Applies a kept table: everything that its preview shows, in one transaction, or nothing. Twice, it does it once.
    ///
    /// # Errors
    /// [`Error::NotFound`] if it is gone; the database's.
    pub async fn apply_table(&self, actor: &Actor, name: &str) -> Result<Applied, Error> {
        let table = self.kept::<Table>("table", name).await?.ok_or(Error::NotFound)?;
        let Some(plan) = self.0.db.read(move |conn| plan(conn, &table)).await? else { return Ok(Applied::Not) };
        let (actor, now) = (*actor, self.0.clock.now());
        self.0.db.write(move |conn| plan.carry_out(conn, &actor, now)).await
    }
}

/// What a table does, worked out against the versions of the books that it was shown against.
struct Plan {
    made: Vec<Fields>,
    changed: Vec<(Saved, Fields)>,
}

/// Works it out; none if a book has changed since, or a row cannot be.
fn plan(conn: &mut AnyConnection, table: &Table) -> Result<Option<Plan>, Error> {
    let mut plan = Plan { made: Vec::new(), changed: Vec::new() };
    let mut whole = true;
    compare(conn, &table.rows, |row, compared| {
        let version = match compared {
            // Somebody has done what the table says, perhaps this very table.
            Compared::Same => return,
            Compared::Wrong(_) => None,
            Compared::New(fields, _) => {
                plan.made.push(fields);
                Some(0)
            }
            Compared::Changed(saved, fields, _) => {
                let version = saved.version;
                plan.changed.push((*saved, fields));
                Some(version)
            }
        };
        whole &= version.is_some() && table.versions.get(&row.slug).copied() == version;
    })?;
    // Of two tables one waits for the other: rows are locked in the order of their ids.
    plan.changed.sort_by_key(|(saved, _)| saved.id);
    let few = plan.made.len() + plan.changed.len() <= CHANGES;
    Ok((whole && few).then_some(plan))
}

impl Plan {
    /// Does it, if the books are still those that it was worked out against. A version stands for all of a book.
    fn carry_out(&self, conn: &mut AnyConnection, actor: &Actor, now: NaiveDateTime) -> Result<Applied, Error> {
        if !self.is_up_to_date(conn)? {
            return Ok(Applied::Not);
        }
        for fields in &self.made {
            saved(insert(conn, actor, fields, now))?;
        }
        for (before, fields) in &self.changed {
            saved(update(conn, actor, before, None, fields, now))?;
        }
        Ok(Applied::Done { created: self.made.len(), changed: self.changed.len() })
    }

    /// Whether nobody has changed or made one of its books meanwhile; nobody does until the end of the transaction.
    fn is_up_to_date(&self, conn: &mut AnyConnection) -> Result<bool, Error> {
        for some in self.changed.chunks(BATCH.into()) {
            let known: BTreeMap<i64, i64> = some.iter().map(|(saved, _)| (saved.id, saved.version)).collect();
            let ids: Vec<i64> = known.keys().copied().collect();
            let books = book::table.filter(book::id.eq_any(ids)).order(book::id).select((book::id, book::version));
            // SQLite's writer is alone anyway.
            let found: Vec<(i64, i64)> = match conn {
                AnyConnection::Postgres(conn) => books.for_update().load(conn)?,
                AnyConnection::Sqlite(conn) => books.load(conn)?,
            };
            if found.into_iter().collect::<BTreeMap<_, _>>() != known {
                return Ok(false);
            }
        }
        for some in self.made.chunks(BATCH.into()) {
            let slugs: Vec<&str> = some.iter().map(|fields| fields.slug.as_str()).collect();
            let taken = book::table.filter(book::slug.eq_any(slugs));
            if diesel::select(diesel::dsl::exists(taken)).get_result(conn)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// All that can still go wrong is a failure, and undoes the rest.
fn saved(saving: Saving) -> Result<(), Error> {
    match saving {
        Ok(_) => Ok(()),
        Err(NotSaved::Shop(error)) => Err(error),
        Err(NotSaved::Outdated(_) | NotSaved::Problems(_)) => {
            Err(Error::BadRequest("a book has changed while the table was applied"))
        }
    }
}
