//! Sweeping: objects that no row refers to are taken away. They are what a book's cover was before, and what was written when
//! the machine went down before its row was.
//!
//! What is taken away by mistake is a book that nobody can fetch, so
//! - only names of the store's own scheme are looked at ([`Kind`]); whatever else lies in the place is somebody's;
//! - only what is older than [`OLD`]: rows come after their objects, and pages and mails still show a cover that was changed;
//! - only where nobody else's objects are. Each store that sweeps leaves a mark, and where there is another one's, or its own
//!   is not as old yet, nothing is taken: the bucket may be that of two stores, or the database a new one;
//! - nothing if more is without a row than with one, as it is beside a database that is not that of the files;
//! - and each only after the database was asked once more, and the object how old it is.

use super::{Files, object};
use crate::db::schema::{audit, book, book_file, invoice, invoice_logo, invoice_settings, unfinished, watermark};
use crate::db::{AnyConnection, both};
use crate::seed::cover_path;
use crate::types::Cover;
use crate::{Clock, Error, Shop, books};
use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use diesel::dsl::exists;
use diesel::prelude::*;
use futures::future;
use futures::stream::{StreamExt as _, TryStreamExt as _};
use object_store::ObjectStoreExt as _;
use object_store::path::Path as ObjectPath;
use serde_json::Value;
use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use uuid::Uuid;

/// What is younger may be about to get its row.
const OLD: TimeDelta = TimeDelta::hours(48);
/// Between two rounds.
const EVERY: TimeDelta = TimeDelta::hours(24);
/// The row of `watermark` that holds when the next round is due.
const NEXT: &str = "files-swept-next";
/// How the row of `watermark` is called that names this store's mark: this and the mark.
const OWN: &str = "files-mark:";
/// Where marks are.
const MARKS: &str = "stores";
/// Where objects are that are looked at.
const FOLDERS: [&str; 4] = ["books", "covers", "invoices", "logos"];
/// Objects that the database is asked for at a time …
const PIECE: usize = 500;
/// … and that are asked for once more and taken away.
const LAST_LOOK: usize = 50;
/// Objects that are taken away in a round.
const AT_ONCE: usize = 1_000;
/// As many may be without a row even if fewer are with one.
const FEW: usize = 100;

/// What a round has found and done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Old objects that something refers to.
    pub named: usize,
    /// Old objects that nothing refers to.
    pub orphans: usize,
    /// Those of them that were taken away.
    pub taken: usize,
}

/// What an object is, by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Kind {
    /// A book's file.
    Book,
    /// A picture of the cover with this key.
    Cover(String),
    /// A document with this id, printed.
    Invoice(i64),
    /// A logo.
    Logo,
}

impl Kind {
    /// None for a name that is not the store's.
    fn of(name: &str) -> Option<Self> {
        let (folder, rest) = name.split_once('/')?;
        match folder {
            "books" => is_hex(rest, 32).then_some(Self::Book),
            "covers" => {
                let (key, _) = rest.split_once('-').filter(|(key, _)| is_hex(key, 16))?;
                pictures(key).any(|picture| picture == name).then(|| Self::Cover(key.to_owned()))
            }
            "invoices" => {
                let (id, version) = rest.strip_suffix(".pdf")?.split_once('-')?;
                let (id, version) = (id.parse::<i64>().ok()?, version.parse::<u32>().ok()?);
                (format!("invoices/{id}-{version}.pdf") == name).then_some(Self::Invoice(id))
            }
            "logos" => is_hex(rest.strip_suffix(".png")?, 16).then_some(Self::Logo),
            _ => None,
        }
    }
}

fn is_hex(text: &str, length: usize) -> bool {
    text.len() == length && text.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'a'..=b'f'))
}

/// All objects of a cover.
fn pictures(key: &str) -> impl Iterator<Item = String> {
    Cover::WIDTHS.map(|width| cover_path(key, width)).into_iter().chain([books::preview_path(key)])
}

/// What is looked up in memory: no index helps with it.
struct ByHeart {
    covers: HashSet<String>,
    files: HashSet<String>,
    logos: HashSet<String>,
}

impl ByHeart {
    fn read(conn: &mut AnyConnection, since: NaiveDateTime) -> Result<Self, Error> {
        let mut covers: HashSet<String> = book::table
            .filter(book::cover_key.is_not_null())
            .select(book::cover_key.assume_not_null())
            .distinct()
            .load::<String>(conn)?
            .into_iter()
            .collect();
        // What a cover was before a change: somebody's page or mail shows it yet.
        let changes: Vec<Option<String>> = audit::table
            .filter(audit::action.eq("book.cover"))
            .filter(audit::at.ge(since))
            .select(audit::before)
            .load(conn)?;
        let before = changes.iter().flatten().filter_map(|text| serde_json::from_str::<Value>(text).ok());
        covers.extend(before.filter_map(|value| Some(value.get("cover")?.as_str()?.to_owned())));
        let waiting = books::waiting(conn)?;
        covers.extend(waiting.covers);
        let mut files: HashSet<String> = waiting.files.into_iter().map(|(key, _)| key).collect();
        // Keys of rows that share an object.
        let shared: Vec<String> = book_file::table
            .filter(book_file::storage_key.like("books/%#%"))
            .select(book_file::storage_key)
            .load(conn)?;
        files.extend(shared.iter().map(|key| object(key).to_string()));
        let mut logos: HashSet<String> =
            invoice_logo::table.select(invoice_logo::key).load::<String>(conn)?.into_iter().collect();
        let now: Vec<Option<String>> = invoice_settings::table.select(invoice_settings::logo_key).load(conn)?;
        logos.extend(now.into_iter().flatten());
        Ok(Self { covers, files, logos })
    }
}

/// Those of the objects that nothing refers to.
fn unnamed(conn: &mut AnyConnection, by_heart: &ByHeart, names: &[String]) -> Result<Vec<String>, Error> {
    let known: Vec<(&String, Kind)> = names.iter().filter_map(|name| Some((name, Kind::of(name)?))).collect();
    let books: Vec<String> =
        known.iter().filter(|(_, kind)| *kind == Kind::Book).map(|(name, _)| (*name).clone()).collect();
    let sold: Vec<String> =
        book_file::table.filter(book_file::storage_key.eq_any(books)).select(book_file::storage_key).load(conn)?;
    let ids = known.iter().filter_map(|(_, kind)| if let Kind::Invoice(id) = kind { Some(*id) } else { None });
    let printed: Vec<String> = invoice::table
        .filter(invoice::id.eq_any(ids.collect::<Vec<i64>>()))
        .filter(invoice::pdf_key.is_not_null())
        .select(invoice::pdf_key.assume_not_null())
        .load(conn)?;
    let rows: HashSet<String> = sold.into_iter().chain(printed).collect();
    let mut unnamed = Vec::new();
    for (name, kind) in known {
        let named = match &kind {
            Kind::Book => rows.contains(name) || by_heart.files.contains(name) || stands_in_a_form(conn, name)?,
            Kind::Cover(key) => by_heart.covers.contains(key) || stands_in_a_form(conn, key)?,
            Kind::Invoice(_) => rows.contains(name),
            Kind::Logo => by_heart.logos.contains(name) || stands_in_a_document(conn, name)?,
        };
        if !named {
            unnamed.push(name.clone());
        }
    }
    Ok(unnamed)
}

/// Whether a kept form has this key anywhere, also one that cannot be read any more.
fn stands_in_a_form(conn: &mut AnyConnection, key: &str) -> Result<bool, Error> {
    let forms = unfinished::table.filter(unfinished::data.like(format!("%\"{key}\"%")));
    Ok(diesel::select(exists(forms)).get_result(conn)?)
}

/// Whether a document was made with this logo.
fn stands_in_a_document(conn: &mut AnyConnection, key: &str) -> Result<bool, Error> {
    let documents = invoice::table.filter(invoice::seller_snapshot.like(format!("%\"{key}\"%")));
    Ok(diesel::select(exists(documents)).get_result(conn)?)
}

/// Whether a round is due and now ours. A store that has never done one begins a day later.
fn claim(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<bool, Error> {
    let first = (watermark::name.eq(NEXT), watermark::at.eq(now + EVERY));
    both!(conn, |c| diesel::insert_into(watermark::table).values(first).on_conflict_do_nothing().execute(c))?;
    let due = watermark::table.find(NEXT).filter(watermark::at.le(now));
    Ok(diesel::update(due).set(watermark::at.eq(now + EVERY)).execute(conn)? > 0)
}

/// The object that marks a place as this store's.
fn own_mark(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<String, Error> {
    let rows = watermark::table.filter(watermark::name.like(format!("{OWN}%")));
    let there: Option<String> = rows.order(watermark::name).select(watermark::name).first(conn).optional()?;
    let name = match there {
        Some(name) => name,
        None => {
            let new = format!("{OWN}{}", Uuid::new_v4().simple());
            diesel::insert_into(watermark::table)
                .values((watermark::name.eq(&new), watermark::at.eq(now)))
                .execute(conn)?;
            new
        }
    };
    Ok(format!("{MARKS}/{}", name.strip_prefix(OWN).unwrap_or(&name)))
}

impl Shop {
    /// Once a day, as [`Shop::take_orphans`]; returns how many objects were taken away.
    ///
    /// # Errors
    /// The database's, the object store's.
    pub async fn sweep_files(&self) -> Result<usize, Error> {
        // By the clock that objects have their age from.
        let now = Clock::System.now();
        if !self.0.db.write(move |conn| claim(conn, now)).await? {
            return Ok(0);
        }
        Ok(self.take_orphans().await?.taken)
    }

    /// Takes away old objects that nothing refers to, at most a thousand.
    ///
    /// # Errors
    /// The database's, the object store's.
    pub async fn take_orphans(&self) -> Result<Swept, Error> {
        let old = Utc::now() - OLD;
        if !self.has_the_place_alone(old).await? {
            return Ok(Swept::default());
        }
        let since = old.naive_utc();
        let by_heart = Arc::new(self.0.db.read(move |conn| ByHeart::read(conn, since)).await?);
        let (mut swept, mut orphans) = (Swept::default(), Vec::new());
        for folder in FOLDERS {
            let found = self.0.files.store.list(Some(&ObjectPath::from(folder)));
            let own = found.try_filter_map(|meta| {
                let name = meta.location.to_string();
                future::ready(Ok((meta.last_modified < old && Kind::of(&name).is_some()).then_some(name)))
            });
            let mut pieces = pin!(own.try_chunks(PIECE));
            while let Some(piece) = pieces.next().await {
                let names = piece.map_err(|error| error.1)?;
                let (count, by_heart) = (names.len(), Arc::clone(&by_heart));
                let found = self.0.db.read(move |conn| unnamed(conn, &by_heart, &names)).await?;
                swept.named += count - found.len();
                swept.orphans += found.len();
                let room = AT_ONCE.saturating_sub(orphans.len());
                orphans.extend(found.into_iter().take(room));
            }
        }
        if swept.orphans > swept.named + FEW {
            tracing::warn!(
                named = swept.named,
                orphans = swept.orphans,
                "more files are without a row than with one, so all of them stay: is this the database that belongs to them?"
            );
            return Ok(swept);
        }
        for piece in orphans.chunks(LAST_LOOK) {
            let names = piece.to_vec();
            let look = self.0.db.read(move |conn| {
                let by_heart = ByHeart::read(conn, since)?;
                unnamed(conn, &by_heart, &names)
            });
            for name in look.await? {
                swept.taken += usize::from(self.0.files.take_if_old(&ObjectPath::from(name), old).await?);
            }
        }
        if swept.orphans > 0 {
            let Swept { named, orphans, taken } = swept;
            tracing::info!(named, orphans, taken, "files that nothing refers to were looked for");
        }
        Ok(swept)
    }

    /// Whether the place has this store's mark for long enough, and nobody else's. Sets it where there is none.
    async fn has_the_place_alone(&self, old: DateTime<Utc>) -> Result<bool, Error> {
        let now = Clock::System.now();
        let own = self.0.db.write(move |conn| own_mark(conn, now)).await?;
        let (mut marked, mut others) = (None, Vec::new());
        let mut marks = self.0.files.store.list(Some(&ObjectPath::from(MARKS)));
        while let Some(mark) = marks.next().await.transpose()? {
            let name = mark.location.to_string();
            if name == own { marked = Some(mark.last_modified) } else { others.push(name) }
        }
        if marked.is_none() {
            self.0.files.put(&own, "This store keeps its files here. See docs/files.md.\n".into()).await?;
        }
        if let Some(other) = others.first() {
            tracing::warn!(
                own,
                other,
                "another store has its mark beside the files: nothing is swept until that is taken away"
            );
        }
        Ok(others.is_empty() && marked.is_some_and(|since| since < old))
    }
}

impl Files {
    /// Takes an object away if it is still there and still old; true if it was taken. One that somebody writes at this
    /// moment stays: covers and logos that are the same have the same name.
    async fn take_if_old(&self, object: &ObjectPath, old: DateTime<Utc>) -> Result<bool, object_store::Error> {
        let Ok(_nobody_writes) = self.writing.try_write() else { return Ok(false) };
        let taken = match self.store.head(object).await {
            Ok(meta) if meta.last_modified < old => self.store.delete(object).await,
            Ok(_) => return Ok(false),
            Err(error) => Err(error),
        };
        match taken {
            Ok(()) => {
                self.hot.files.remove(object);
                tracing::info!(%object, "a file that nothing refers to was taken away");
                Ok(true)
            }
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_of_our_own_are_understood() {
        let (book, cover) = (format!("books/{}", "0a".repeat(16)), "0123456789abcdef");
        assert_eq!(Kind::of(&book), Some(Kind::Book));
        for picture in pictures(cover) {
            assert_eq!(Kind::of(&picture), Some(Kind::Cover(cover.into())), "{picture}");
        }
        assert_eq!(pictures(cover).count(), Cover::WIDTHS.len() + 1);
        assert_eq!(Kind::of("invoices/12-3.pdf"), Some(Kind::Invoice(12)));
        assert_eq!(Kind::of(&format!("logos/{cover}.png")), Some(Kind::Logo));
        for name in [
            "",
            "books",
            "books/",
            "books/readme.txt",
            &book.to_uppercase(),
            &book[1..],
            &format!("{book}.bak"),
            &format!("{book}#1"),
            &format!("books/{book}"),
            &format!("{book}/{}", "0a".repeat(16)),
            &format!("covers/{cover}.webp"),
            &format!("covers/{cover}-1.webp"),
            &format!("covers/{cover}-0320.webp"),
            "covers/0123456789ABCDEF-320.webp",
            "invoices/12-3.xml",
            "invoices/012-3.pdf",
            "invoices/+12-3.pdf",
            "invoices/12-3-4.pdf",
            "logos/logo.png",
            "samples/0123456789abcdef.epub",
            "stores/0123456789abcdef",
            "octavo.db",
        ] {
            assert_eq!(Kind::of(name), None, "{name}");
        }
    }

    #[tokio::test]
    async fn what_is_young_or_being_written_stays() {
        let files = Files::memory();
        files.put("books/key", "content".into()).await.unwrap();
        let (object, later) = (object("books/key"), Utc::now() + TimeDelta::seconds(1));
        assert!(!files.take_if_old(&object, later - OLD).await.unwrap());
        let writing = files.writing.read().await;
        assert!(!files.take_if_old(&object, later).await.unwrap());
        drop(writing);
        assert!(files.take_if_old(&object, later).await.unwrap());
        assert!(!files.take_if_old(&object, later).await.unwrap());
        assert!(files.get("books/key").await.is_err());
    }
}
