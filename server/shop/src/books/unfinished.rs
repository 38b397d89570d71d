//! Forms that were sent and not kept: to be shown again, with or without JavaScript, whatever the browser does with them.
//! They have random names, so that only whoever was led to one finds it, and go after a week.
//!
//! An EPUB that fills a form waits beside it as an object that no row points at yet. Of a form there is one at a time: the
//! one that is sent again takes the file over, and what is too old takes its file with it.

use super::NotTaken;
use crate::db::AnyConnection;
use crate::db::schema::unfinished;
use crate::inspect::{Package, Refused, epub_cover};
use crate::types::{BookForm, KeptForm, PersonField, PriceField, Unfinished, WaitingFile};
use crate::{Error, Shop};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::path::PathBuf;
use uuid::Uuid;

/// How long one is kept.
const KEPT: TimeDelta = TimeDelta::days(7);

impl Shop {
    /// Keeps a form; returns its name. What waits beside the one that it `replaces` waits beside this one.
    ///
    /// # Errors
    /// The database's.
    pub async fn keep_unfinished(&self, form: &Unfinished, replaces: Option<&str>) -> Result<String, Error> {
        let (name, now) = (new_name(), self.0.clock.now());
        let (own, form, replaces) = (name.clone(), form.clone(), replaces.map(str::to_owned));
        self.0
            .db
            .write(move |conn| {
                let mut form = form.clone();
                if let Some(before) = replaces.as_deref().map(|name| take(conn, name)).transpose()?.flatten() {
                    form.cover = form.cover.or(before.cover);
                    form.file = form.file.or(before.file);
                    form.notes = if form.notes.is_empty() { before.notes } else { form.notes };
                }
                insert(conn, &own, "book", &as_text(&form)?, now)
            })
            .await?;
        Ok(name)
    }

    /// A kept form; none if it is gone, or never was.
    ///
    /// # Errors
    /// The database's.
    pub async fn unfinished(&self, name: &str) -> Result<Option<Unfinished>, Error> {
        self.kept("book", name).await
    }

    /// Keeps a sentence for the page that somebody is led to; returns its name.
    ///
    /// # Errors
    /// The database's.
    pub async fn keep_words(&self, words: &str) -> Result<String, Error> {
        self.keep("words", &words).await
    }

    /// A kept sentence; none if it is gone.
    ///
    /// # Errors
    /// The database's.
    pub async fn kept_words(&self, name: &str) -> Result<Option<String>, Error> {
        self.kept("words", name).await
    }

    /// Keeps a form of the settings that was refused; returns its name.
    ///
    /// # Errors
    /// The database's.
    pub async fn keep_form(&self, form: &KeptForm) -> Result<String, Error> {
        self.keep("form", form).await
    }

    /// A kept form of the settings; none if it is gone.
    ///
    /// # Errors
    /// The database's.
    pub async fn kept_form(&self, name: &str) -> Result<Option<KeptForm>, Error> {
        self.kept("form", name).await
    }

    /// Forgets the forms whose week is over, with what waits beside them. Returns how many.
    ///
    /// # Errors
    /// The database's.
    pub async fn forget_old_forms(&self) -> Result<usize, Error> {
        let now = self.0.clock.now();
        let mut count = 0;
        loop {
            let (rows, keys) = self.0.db.write(move |conn| old(conn, now)).await?;
            for key in keys {
                self.0.files.discard(&key).await;
            }
            count += rows;
            if rows == 0 {
                return Ok(count);
            }
        }
    }

    /// A form filled from an EPUB, which waits to become the book's first file; returns the form's name.
    ///
    /// # Errors
    /// [`NotTaken`]; nothing is kept then.
    pub async fn draft_of_epub(&self, path: &PathBuf) -> Result<String, NotTaken> {
        let looked = self.inspect_files(std::slice::from_ref(path)).await?.pop();
        let Some(package) = looked.and_then(|file| file.package) else {
            return Err(Refused::Because("Only an EPUB says of itself what the form asks.".to_owned()).into());
        };
        let (own, about) = (path.clone(), package.clone());
        let picture = tokio::task::spawn_blocking(move || epub_cover(&own, &about));
        let picture = picture.await.map_err(|error| Error::internal(error.to_string()))??;
        let mut form = filled(&package, self.currency());
        if let Some(picture) = picture {
            match self.keep_cover(picture.into()).await {
                Ok(cover) => form.cover = Some(cover),
                Err(NotTaken::Refused(why)) => form.notes.push(format!("Its cover is not taken: {why}")),
                Err(error) => return Err(error),
            }
        }
        let key = format!("books/{}", Uuid::new_v4().simple());
        let written = self.0.files.put_file(&key, path).await.map_err(Error::from)?;
        form.file = Some(WaitingFile { key: key.clone(), sha256: written.sha256, bytes: written.bytes });
        let name = self.keep_unfinished(&form, None).await;
        if name.is_err() {
            self.discard_unless_kept(None, vec![key]).await;
        }
        Ok(name?)
    }

    pub(super) async fn keep<T: Serialize>(&self, kind: &'static str, what: &T) -> Result<String, Error> {
        let (name, now, data) = (new_name(), self.0.clock.now(), as_text(what)?);
        let own = name.clone();
        self.0.db.write(move |conn| insert(conn, &own, kind, &data, now)).await?;
        Ok(name)
    }

    pub(super) async fn kept<T: DeserializeOwned>(&self, kind: &'static str, name: &str) -> Result<Option<T>, Error> {
        if !is_name(name) {
            return Ok(None);
        }
        let name = name.to_owned();
        let data: Option<String> = self
            .0
            .db
            .read(move |conn| {
                Ok(unfinished::table
                    .filter(unfinished::name.eq(name))
                    .filter(unfinished::kind.eq(kind))
                    .select(unfinished::data)
                    .first(conn)
                    .optional()?)
            })
            .await?;
        data.map(|data| serde_json::from_str(&data).map_err(|error| Error::internal(error.to_string()))).transpose()
    }
}

fn new_name() -> String {
    Uuid::new_v4().simple().to_string()
}

/// Names come from addresses.
fn is_name(name: &str) -> bool {
    name.len() == 32 && name.bytes().all(|b| b.is_ascii_hexdigit())
}

fn as_text<T: Serialize>(what: &T) -> Result<String, Error> {
    serde_json::to_string(what).map_err(|error| Error::internal(error.to_string()))
}

fn insert(conn: &mut AnyConnection, name: &str, kind: &str, data: &str, now: NaiveDateTime) -> Result<(), Error> {
    diesel::insert_into(unfinished::table)
        .values((
            unfinished::name.eq(name),
            unfinished::kind.eq(kind),
            unfinished::data.eq(data),
            unfinished::created_at.eq(now),
        ))
        .execute(conn)?;
    Ok(())
}

/// Takes a form out: whoever has it decides what becomes of its file.
pub(super) fn take(conn: &mut AnyConnection, name: &str) -> Result<Option<Unfinished>, Error> {
    if !is_name(name) {
        return Ok(None);
    }
    let row = unfinished::table.filter(unfinished::name.eq(name)).filter(unfinished::kind.eq("book"));
    let data: Option<String> = row.select(unfinished::data).first(conn).optional()?;
    let Some(data) = data else { return Ok(None) };
    // Of two at once, one.
    if diesel::delete(unfinished::table.filter(unfinished::name.eq(name))).execute(conn)? == 0 {
        return Ok(None);
    }
    serde_json::from_str(&data).map(Some).map_err(|error| Error::internal(error.to_string()))
}

/// Forgets the refused forms of the settings with that name, after one was saved: what they say is older than what holds
/// now, and shown again at their old address they would be one press of a button from undoing it.
pub(crate) fn forget_forms(conn: &mut AnyConnection, form: &str) -> Result<(), Error> {
    // The name comes first in a kept form's text.
    let begins = format!("{{\"form\":\"{form}\",%");
    let named = unfinished::table.filter(unfinished::kind.eq("form")).filter(unfinished::data.like(begins));
    diesel::delete(named).execute(conn)?;
    Ok(())
}

/// Takes out some of what is too old; returns how many forms, and the objects that nobody needs any more.
fn old(conn: &mut AnyConnection, now: NaiveDateTime) -> Result<(usize, Vec<String>), Error> {
    let rows: Vec<(String, String)> = unfinished::table
        .filter(unfinished::created_at.lt(now - KEPT))
        .limit(100)
        .select((unfinished::name, unfinished::data))
        .load(conn)?;
    let (mut count, mut keys) = (0, Vec::new());
    for (name, data) in rows {
        // Whoever took it meanwhile has its file.
        if diesel::delete(unfinished::table.filter(unfinished::name.eq(name))).execute(conn)? == 1 {
            count += 1;
            keys.extend(waiting_file(&data));
        }
    }
    Ok((count, keys))
}

/// The object that waits beside a kept form, of the form's text.
pub(crate) fn waiting_file(data: &str) -> Option<String> {
    Some(serde_json::from_str::<Unfinished>(data).ok()?.file?.key)
}

/// What waits beside the kept forms.
#[derive(Default)]
pub(crate) struct Waiting {
    /// Covers, by their key.
    pub(crate) covers: Vec<String>,
    /// Files, with their SHA-256.
    pub(crate) files: Vec<(String, String)>,
}

/// All that waits. A form that cannot be read any more is one that nobody can go on with.
pub(crate) fn waiting(conn: &mut AnyConnection) -> Result<Waiting, Error> {
    let forms: Vec<String> =
        unfinished::table.filter(unfinished::kind.eq("book")).select(unfinished::data).load(conn)?;
    let mut waiting = Waiting::default();
    for form in forms.iter().filter_map(|data| serde_json::from_str::<Unfinished>(data).ok()) {
        waiting.covers.extend(form.cover.map(|(key, _)| key));
        waiting.files.extend(form.file.map(|file| (file.key, file.sha256)));
    }
    Ok(waiting)
}

/// The form as an EPUB fills it.
fn filled(package: &Package, currency: crate::types::Currency) -> Unfinished {
    let people = package.people.iter();
    let people = people.map(|(name, role)| PersonField { name: name.clone(), role: role.as_str().to_owned() });
    let form = BookForm {
        title: package.title.clone(),
        subtitle: package.subtitle.clone(),
        slug: String::new(),
        description: package.description.clone(),
        language: package.language.clone(),
        isbn: package.isbn.clone().unwrap_or_default(),
        publisher: package.publisher.clone(),
        published_on: package.date.clone(),
        people: people.collect(),
        prices: vec![PriceField { currency: currency.code().to_owned(), amount: String::new() }],
    };
    Unfinished { form, notes: package.accessibility.clone(), ..Unfinished::default() }
}
