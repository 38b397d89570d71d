//! Making books and changing them: all of a form or nothing, over the version that it was filled from.

use super::files::{Stored, place};
use super::reading::Saved;
use super::unfinished::take;
use super::{Fields, sort_title};
use crate::audit::{self, Actor};
use crate::db::AnyConnection;
use crate::db::schema::{book, book_price, contributor};
use crate::files::Written;
use crate::types::{BookForm, BookFormat, BookStatus, Problem, Slug, Unfinished, WaitingFile};
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::{Value, json};

/// The colour of a book without a cover, until it has one.
const ACCENT: &str = "#3d4a5c";
/// Stripe's product tax code for e-books, downloaded, with permanent rights of use.
const TAX_CODE: &str = "txcd_10302000";

/// Why a form was not saved.
#[derive(Debug, thiserror::Error)]
pub enum NotSaved {
    /// Something is wrong with it.
    #[error("the form has {} problems", .0.len())]
    Problems(Vec<Problem>),
    /// The book is another one than when the form was filled: this is its version now.
    #[error("the book has changed meanwhile")]
    Outdated(i64),
    /// The shop's own failure.
    #[error(transparent)]
    Shop(#[from] Error),
}

/// Why a book's status was not changed.
#[derive(Debug, thiserror::Error)]
pub enum NotChanged {
    /// It is not ready for it.
    #[error("the book is not ready to be sold")]
    Missing(Vec<String>),
    /// The shop's own failure.
    #[error(transparent)]
    Shop(#[from] Error),
}

impl From<diesel::result::Error> for NotSaved {
    fn from(error: diesel::result::Error) -> Self {
        Self::Shop(error.into())
    }
}

/// What came of a form, once the database has been asked: a refusal changes nothing, and is no failure of a transaction.
pub(super) type Saving = Result<Slug, NotSaved>;

impl Shop {
    /// Makes a book of a form, a draft. With the name of an unfinished form, its cover and its file become the book's.
    ///
    /// # Errors
    /// [`NotSaved::Problems`], also if the address is taken; the database's.
    pub async fn create_book(
        &self,
        actor: &Actor,
        form: &BookForm,
        unfinished: Option<&str>,
    ) -> Result<Slug, NotSaved> {
        let fields = Fields::parse(form, None).map_err(NotSaved::Problems)?;
        let (actor, now) = (*actor, self.0.clock.now());
        let unfinished = unfinished.map(str::to_owned);
        self.0
            .db
            .write(move |conn| {
                let created = settled(create(conn, &actor, &fields, now))?;
                if let (Ok(slug), Some(name)) = (&created, &unfinished)
                    && let Some(waiting) = take(conn, name)?
                {
                    adopt(conn, &actor.unmarked(), slug, waiting, now)?;
                }
                Ok(created)
            })
            .await?
    }

    /// Saves a form over the `version` of a book that it was filled from. Returns its address, which is another one if
    /// a draft was given one. A form that says what is saved already changes nothing.
    ///
    /// # Errors
    /// [`NotSaved`]; nothing has changed then.
    pub async fn save_book(&self, actor: &Actor, slug: &Slug, version: i64, form: &BookForm) -> Result<Slug, NotSaved> {
        let (actor, now) = (*actor, self.0.clock.now());
        let (slug, form) = (slug.clone(), form.clone());
        self.0
            .db
            .write(move |conn| {
                let saved = locked(conn, &slug)?;
                let result = Fields::parse(&form, Some(&saved.fields)).map_err(NotSaved::Problems);
                settled(result.and_then(|fields| update(conn, &actor, &saved, Some(version), &fields, now)))
            })
            .await?
    }

    /// Puts a book on sale, or takes it off.
    ///
    /// # Errors
    /// [`NotChanged::Missing`] if there is not enough of it to be sold; [`Error::NotFound`]; [`Error::BadRequest`] if the
    /// status is draft: a book that has been on sale is archived; the database's.
    pub async fn set_book_status(&self, actor: &Actor, slug: &Slug, status: BookStatus) -> Result<(), NotChanged> {
        let (actor, now, slug, currency) = (*actor, self.0.clock.now(), slug.clone(), self.currency());
        let missing = self
            .0
            .db
            .write(move |conn| {
                let saved = locked(conn, &slug)?;
                if saved.status == status {
                    audit::mark(conn, &actor, &object(&slug))?;
                    return Ok(Vec::new());
                }
                let action = match status {
                    BookStatus::Draft => return Err(Error::BadRequest("a book that has been on sale is archived")),
                    BookStatus::Published => "book.published",
                    BookStatus::Archived => "book.archived",
                };
                let missing = if status == BookStatus::Published { saved.missing(conn, currency)? } else { Vec::new() };
                if missing.is_empty() {
                    diesel::update(book::table.find(saved.id))
                        .set((
                            book::status.eq(status.as_str()),
                            book::version.eq(book::version + 1),
                            book::updated_at.eq(now),
                        ))
                        .execute(conn)?;
                    let (before, after) = (json!({ "status": saved.status }), json!({ "status": status }));
                    audit::record(conn, &actor, action, object(&slug), Some(before), Some(after))?;
                }
                Ok(missing)
            })
            .await?;
        if missing.is_empty() { Ok(()) } else { Err(NotChanged::Missing(missing)) }
    }
}

/// The audit's name for a book.
pub(crate) fn object(slug: &Slug) -> String {
    format!("book:{slug}")
}

/// A refusal is carried out of the transaction as a value, which has nothing to undo; a failure is undone.
pub(super) fn settled(saving: Saving) -> Result<Saving, Error> {
    match saving {
        Err(NotSaved::Shop(error)) => Err(error),
        other => Ok(other),
    }
}

/// The book, locked until the end of the transaction.
pub(super) fn locked(conn: &mut AnyConnection, slug: &Slug) -> Result<Saved, Error> {
    // Nothing is changed: it is the lock that is wanted, in a way that both databases know.
    diesel::update(book::table.filter(book::slug.eq(slug.as_str())))
        .set(book::version.eq(book::version))
        .execute(conn)?;
    Saved::find(conn, slug)?.ok_or(Error::NotFound)
}

pub(super) fn create(conn: &mut AnyConnection, actor: &Actor, fields: &Fields, now: NaiveDateTime) -> Saving {
    if taken(conn, &fields.slug)? {
        return Err(NotSaved::Problems(vec![taken_problem()]));
    }
    insert(conn, actor, fields, now)
}

/// Makes a book whose address is known to be free.
pub(super) fn insert(conn: &mut AnyConnection, actor: &Actor, fields: &Fields, now: NaiveDateTime) -> Saving {
    let id: i64 = diesel::insert_into(book::table)
        .values((
            book::slug.eq(fields.slug.as_str()),
            book::title.eq(&fields.title),
            book::sort_title.eq(sort_title(&fields.title, &fields.language)),
            book::subtitle.eq(&fields.subtitle),
            book::description_md.eq(&fields.description),
            book::language.eq(&fields.language),
            book::isbn.eq(&fields.isbn),
            book::publisher.eq(&fields.publisher),
            book::published_on.eq(fields.published_on),
            book::tax_code.eq(TAX_CODE),
            book::status.eq(BookStatus::Draft.as_str()),
            book::accent.eq(ACCENT),
            book::version.eq(1_i64),
            book::created_at.eq(now),
            book::updated_at.eq(now),
        ))
        .returning(book::id)
        .get_result(conn)?;
    write_people(conn, id, fields)?;
    write_prices(conn, id, fields)?;
    audit::record(conn, actor, "book.created", object(&fields.slug), None, Some(as_json(fields)))?;
    Ok(fields.slug.clone())
}

/// Gives a new book what waited beside its form.
fn adopt(
    conn: &mut AnyConnection,
    actor: &Actor,
    slug: &Slug,
    waiting: Unfinished,
    now: NaiveDateTime,
) -> Result<(), Error> {
    if let Some((key, accent)) = waiting.cover {
        diesel::update(book::table.filter(book::slug.eq(slug.as_str())))
            .set((book::cover_key.eq(&key), book::accent.eq(accent)))
            .execute(conn)?;
        audit::record(conn, actor, "book.cover", object(slug), None, Some(json!({ "cover": key })))?;
    }
    if let Some(WaitingFile { key, sha256, bytes }) = waiting.file {
        let file = Stored { format: BookFormat::Epub, key, written: Written { sha256, bytes } };
        place(conn, actor, slug, &[file], now)?;
    }
    Ok(())
}

pub(super) fn update(
    conn: &mut AnyConnection,
    actor: &Actor,
    saved: &Saved,
    version: Option<i64>,
    fields: &Fields,
    now: NaiveDateTime,
) -> Saving {
    if version.is_some_and(|version| version != saved.version) {
        return Err(NotSaved::Outdated(saved.version));
    }
    let before = &saved.fields;
    if before == fields {
        audit::mark(conn, actor, &object(&fields.slug))?;
        return Ok(fields.slug.clone());
    }
    if before.slug != fields.slug {
        let problem = if saved.status != BookStatus::Draft {
            Some(Problem {
                field: "slug".to_owned(),
                sentence: "A book that has been on sale keeps its address: links lead there.".to_owned(),
            })
        } else {
            taken(conn, &fields.slug)?.then(taken_problem)
        };
        if let Some(problem) = problem {
            return Err(NotSaved::Problems(vec![problem]));
        }
    }
    // One that somebody has chosen stays until there is another title to file.
    let same_title = (&before.title, &before.language) == (&fields.title, &fields.language);
    let sort_title = if same_title { saved.sort_title.clone() } else { sort_title(&fields.title, &fields.language) };
    diesel::update(book::table.find(saved.id))
        .set((
            book::slug.eq(fields.slug.as_str()),
            book::title.eq(&fields.title),
            book::sort_title.eq(sort_title),
            book::subtitle.eq(&fields.subtitle),
            book::description_md.eq(&fields.description),
            book::language.eq(&fields.language),
            book::isbn.eq(&fields.isbn),
            book::publisher.eq(&fields.publisher),
            book::published_on.eq(fields.published_on),
            book::version.eq(book::version + 1),
            book::updated_at.eq(now),
        ))
        .execute(conn)?;
    if before.people != fields.people {
        diesel::delete(contributor::table.filter(contributor::book_id.eq(saved.id))).execute(conn)?;
        write_people(conn, saved.id, fields)?;
    }
    if before.prices != fields.prices {
        diesel::delete(book_price::table.filter(book_price::book_id.eq(saved.id))).execute(conn)?;
        write_prices(conn, saved.id, fields)?;
    }
    let (before, after) = changes(before, fields);
    audit::record(conn, actor, "book.changed", object(&fields.slug), Some(before), Some(after))?;
    Ok(fields.slug.clone())
}

fn taken(conn: &mut AnyConnection, slug: &Slug) -> Result<bool, Error> {
    Ok(diesel::select(diesel::dsl::exists(book::table.filter(book::slug.eq(slug.as_str())))).get_result(conn)?)
}

fn taken_problem() -> Problem {
    Problem { field: "slug".to_owned(), sentence: "Another book has this address.".to_owned() }
}

fn write_people(conn: &mut AnyConnection, id: i64, fields: &Fields) -> Result<(), Error> {
    for (position, person) in (0_i32..).zip(&fields.people) {
        diesel::insert_into(contributor::table)
            .values((
                contributor::book_id.eq(id),
                contributor::position.eq(position),
                contributor::name.eq(&person.name),
                contributor::role.eq(person.role.as_str()),
            ))
            .execute(conn)?;
    }
    Ok(())
}

fn write_prices(conn: &mut AnyConnection, id: i64, fields: &Fields) -> Result<(), Error> {
    for (currency, minor) in &fields.prices {
        diesel::insert_into(book_price::table)
            .values((
                book_price::book_id.eq(id),
                book_price::currency.eq(currency.code()),
                book_price::unit_amount.eq(minor),
            ))
            .execute(conn)?;
    }
    Ok(())
}

fn as_json(fields: &Fields) -> Value {
    serde_json::to_value(fields).unwrap_or_default()
}

/// What is not the same, before and after.
fn changes(before: &Fields, after: &Fields) -> (Value, Value) {
    let (mut before, mut after) = (as_json(before), as_json(after));
    if let (Some(before), Some(after)) = (before.as_object_mut(), after.as_object_mut()) {
        let same: Vec<String> =
            before.iter().filter(|(key, value)| after.get(*key) == Some(value)).map(|(key, _)| key.clone()).collect();
        for key in same {
            before.remove(&key);
            after.remove(&key);
        }
    }
    (before, after)
}
