//! Telling buyers of a new edition: one mail each, whatever they have bought how often.

use crate::audit::{self, Actor};
use crate::books::object;
use crate::db::AnyConnection;
use crate::db::schema::{book, edition, entitlement, order_item, orders, outbox};
use crate::outbox::{self as mail, Kind};
use crate::privacy::is_erased;
use crate::types::{Slug, normalize_address};
use crate::{Error, Shop};
use diesel::prelude::*;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// Whom an announcement reaches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Announced {
    /// The edition's label.
    pub label: String,
    /// Mails that were queued now.
    pub queued: usize,
    /// Addresses that have been told of this edition before.
    pub told: usize,
    /// Addresses that are left out: their mail bounces, or they have complained of it.
    pub left_out: usize,
}

/// Mails are queued so many to a transaction: a store's buyers may be a hundred thousand, and others want to write too.
const BATCH: usize = 500;

/// A buyer who is to be told, unless she is none any more when her mail is written.
struct Reader {
    /// The first right to the title under this address, whatever became of it: it names the mail, so that a second
    /// announcement finds it.
    first: i64,
    /// What her purchases are found by.
    email_norm: String,
}

/// An edition to tell of, and whom.
struct Notice {
    edition_id: i64,
    label: String,
    book_id: i64,
    readers: Vec<Reader>,
    left_out: usize,
}

/// How many have a right to a book.
pub(super) fn entitled(conn: &mut AnyConnection, book_id: i64) -> Result<i64, Error> {
    Ok(entitlement::table
        .filter(entitlement::book_id.eq(book_id))
        .filter(entitlement::state.eq("active"))
        .count()
        .get_result(conn)?)
}

impl Shop {
    /// Queues a mail about a book's newest edition to every address that has the title: one each, and none a second time.
    /// Who was refunded, or waits for a dispute, is not told; nor is whoever's mail bounces or who complained of it. What
    /// counts is how things stand when a mail is written: a buyer who is forgotten or refunded before that gets none, and
    /// whose order moves to another address meanwhile is told there by the next call. Interrupted, it is called again.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such book, [`Error::BadRequest`] if it has only one edition, the database's.
    pub async fn announce_edition(&self, actor: &Actor, slug: &Slug) -> Result<Announced, Error> {
        let (actor, named, slug) = (*actor, object(slug), slug.clone());
        let notice = self.0.db.read(move |conn| readers(conn, &slug)).await?;
        let Notice { edition_id, label, book_id, readers, left_out } = notice;
        let mut announced = Announced { label, left_out, ..Announced::default() };
        let mut readers = readers.into_iter().peekable();
        while readers.peek().is_some() {
            let batch: Vec<Reader> = readers.by_ref().take(BATCH).collect();
            let shop = self.clone();
            let (queued, told) = self
                .0
                .db
                .write(move |conn| {
                    let now = shop.0.clock.now();
                    let standing = standing(conn, book_id, &batch)?;
                    let (mut queued, mut told) = (0_usize, 0_usize);
                    for reader in &batch {
                        let Some((order_id, address)) = standing.get(&reader.email_norm) else { continue };
                        let kind = Kind::EditionNotice { edition: edition_id, first: reader.first };
                        if mail::queue(conn, &shop, kind, address, *order_id, now)? {
                            queued += 1;
                        } else {
                            told += 1;
                        }
                    }
                    Ok((queued, told))
                })
                .await?;
            announced.queued += queued;
            announced.told += told;
        }
        self.0.mail_waiting.notify_one();
        let after = json!({ "label": announced.label, "queued": announced.queued, "told": announced.told });
        self.0
            .db
            .write(move |conn| {
                audit::record(conn, &actor, "edition.announced", named.clone(), None, Some(after.clone()))
            })
            .await?;
        Ok(announced)
    }
}

/// The order that a mail is about and where it goes, for each of these readers who has the title now: the latest, and the
/// address as it is written there. On PostgreSQL they are held until the mails are written; on SQLite there is one writer.
fn standing(
    conn: &mut AnyConnection,
    book_id: i64,
    readers: &[Reader],
) -> Result<BTreeMap<String, (i64, String)>, Error> {
    let addresses: Vec<&str> = readers.iter().map(|reader| reader.email_norm.as_str()).collect();
    let active = entitlement::table
        .inner_join(order_item::table.inner_join(orders::table))
        .filter(entitlement::book_id.eq(book_id))
        .filter(entitlement::email_norm.eq_any(addresses))
        .filter(entitlement::state.eq("active"))
        .order(entitlement::id)
        .select((entitlement::email_norm, orders::id, orders::email));
    let rows: Vec<(String, i64, String)> = match conn {
        AnyConnection::Sqlite(c) => active.load(c)?,
        AnyConnection::Postgres(c) => active.for_share().load(c)?,
    };
    Ok(rows.into_iter().map(|(email_norm, order_id, address)| (email_norm, (order_id, address))).collect())
}

fn readers(conn: &mut AnyConnection, slug: &Slug) -> Result<Notice, Error> {
    let book_id: i64 = book::table
        .filter(book::slug.eq(slug.as_str()))
        .select(book::id)
        .first(conn)
        .optional()?
        .ok_or(Error::NotFound)?;
    let editions: Vec<(i64, String)> = edition::table
        .filter(edition::book_id.eq(book_id))
        .order(edition::id.desc())
        .limit(2)
        .select((edition::id, edition::label))
        .load(conn)?;
    let [(edition_id, label), _] = editions.as_slice() else {
        return Err(Error::BadRequest("the book has no second edition to tell of"));
    };
    let silent: HashSet<String> = outbox::table
        .filter(outbox::state.eq("bounced").or(outbox::complained_at.is_not_null()))
        .select(outbox::recipient)
        .distinct()
        .load::<String>(conn)?
        .into_iter()
        .map(|address| normalize_address(&address))
        .collect();
    let rows: Vec<(i64, String, String)> = entitlement::table
        .filter(entitlement::book_id.eq(book_id))
        .order(entitlement::id)
        .select((entitlement::id, entitlement::email_norm, entitlement::state))
        .load(conn)?;
    let mut first: BTreeMap<String, i64> = BTreeMap::new();
    let mut active: BTreeSet<String> = BTreeSet::new();
    for (id, email_norm, state) in rows {
        first.entry(email_norm.clone()).or_insert(id);
        if state == "active" && !is_erased(&email_norm) {
            active.insert(email_norm);
        }
    }
    let all = active.len();
    let readers: Vec<Reader> = active
        .into_iter()
        .filter(|email_norm| !silent.contains(email_norm))
        .filter_map(|email_norm| Some(Reader { first: *first.get(&email_norm)?, email_norm }))
        .collect();
    let left_out = all - readers.len();
    Ok(Notice { edition_id: *edition_id, label: label.clone(), book_id, readers, left_out })
}
