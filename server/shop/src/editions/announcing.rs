//! Telling buyers of a new edition: one mail each, whatever they have bought how often.

use crate::audit::{self, Actor};
use crate::books::object;
use crate::db::AnyConnection;
use crate::db::schema::{book, edition, entitlement, order_item, orders, outbox};
use crate::outbox::{self as mail, Kind};
use crate::privacy::is_erased;
use crate::types::Slug;
use crate::{Error, Shop};
use diesel::prelude::*;
use serde_json::json;
use std::collections::{BTreeMap, HashSet};

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

/// A buyer who is to be told.
struct Reader {
    /// The first right to the title under this address, whatever became of it: it names the mail, so that a second
    /// announcement finds it.
    first: i64,
    /// Where the mail goes, and the order that it is about: the latest.
    address: String,
    order_id: i64,
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
    /// Who was refunded, or waits for a dispute, is not told; nor is whoever's mail bounces or who complained of it.
    /// Interrupted, it is called again.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such book, [`Error::BadRequest`] if it has only one edition, the database's.
    pub async fn announce_edition(&self, actor: &Actor, slug: &Slug) -> Result<Announced, Error> {
        let (actor, named, slug) = (*actor, object(slug), slug.clone());
        let (edition_id, label, readers, left_out) = self.0.db.read(move |conn| readers(conn, &slug)).await?;
        let mut announced = Announced { label, left_out, ..Announced::default() };
        let mut readers = readers.into_iter().peekable();
        while readers.peek().is_some() {
            let batch: Vec<Reader> = readers.by_ref().take(BATCH).collect();
            let (shop, size) = (self.clone(), batch.len());
            let queued = self
                .0
                .db
                .write(move |conn| {
                    let now = shop.0.clock.now();
                    batch.iter().try_fold(0, |queued, reader| {
                        let kind = Kind::EditionNotice { edition: edition_id, first: reader.first };
                        let new = mail::queue(conn, &shop, kind, &reader.address, reader.order_id, now)?;
                        Ok(queued + usize::from(new))
                    })
                })
                .await?;
            announced.queued += queued;
            announced.told += size - queued;
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

fn readers(conn: &mut AnyConnection, slug: &Slug) -> Result<(i64, String, Vec<Reader>, usize), Error> {
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
        .map(|address| address.to_lowercase())
        .collect();
    let rows: Vec<(i64, String, String, i64, String)> = entitlement::table
        .inner_join(order_item::table.inner_join(orders::table))
        .filter(entitlement::book_id.eq(book_id))
        .order(entitlement::id)
        .select((entitlement::id, entitlement::email_norm, entitlement::state, orders::id, orders::email))
        .load(conn)?;
    let mut first: BTreeMap<String, i64> = BTreeMap::new();
    let mut active: BTreeMap<String, (i64, String)> = BTreeMap::new();
    for (id, email, state, order_id, address) in rows {
        first.entry(email.clone()).or_insert(id);
        if state == "active" && !is_erased(&email) {
            active.insert(email, (order_id, address));
        }
    }
    let all = active.len();
    let readers: Vec<Reader> = active
        .into_iter()
        .filter(|(email, _)| !silent.contains(email))
        .filter_map(|(email, (order_id, address))| Some(Reader { first: *first.get(&email)?, address, order_id }))
        .collect();
    let left_out = all - readers.len();
    Ok((*edition_id, label.clone(), readers, left_out))
}
