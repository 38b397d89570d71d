//! Files for a book's newest edition: added, put in the place of another, or there already.

use super::object;
use super::saving::locked;
use crate::audit::{self, Actor};
use crate::db::AnyConnection;
use crate::db::schema::{book, book_file, download_quota, edition};
use crate::editions::{free_name, names};
use crate::files::Written;
use crate::inspect::{Inspected, Refused, inspect};
use crate::types::{BookFormat, Slug};
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde_json::json;
use std::collections::HashSet;
use std::path::PathBuf;
use uuid::Uuid;

/// What became of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// The edition had none of this format.
    Added,
    /// The edition had another one.
    Replaced,
    /// The edition has this very file.
    Same,
}

/// A file that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileTaken {
    /// Its format.
    pub format: BookFormat,
    /// Its name for buyers.
    pub filename: String,
    /// What became of it.
    pub taken: Taken,
}

/// Why files, or a picture, were not taken.
#[derive(Debug, thiserror::Error)]
pub enum NotTaken {
    /// Because of what is in them.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The shop's own failure.
    #[error(transparent)]
    Shop(#[from] Error),
}

/// A file that is kept, and that no row points at yet.
pub(super) struct Stored {
    pub(super) format: BookFormat,
    pub(super) key: String,
    pub(super) written: Written,
}

/// What the rows are now, and the objects that nobody needs any more.
type Outcome = (Vec<FileTaken>, Vec<String>);

impl Shop {
    /// Looks at the files of an edition to be, in their order.
    ///
    /// # Errors
    /// [`NotTaken::Refused`] for the first one that is not taken, also if two are of one format, or there is none.
    pub async fn inspect_files(&self, paths: &[PathBuf]) -> Result<Vec<Inspected>, NotTaken> {
        let paths = paths.to_vec();
        let looked = tokio::task::spawn_blocking(move || {
            let mut formats = HashSet::new();
            let mut found = Vec::with_capacity(paths.len());
            for path in &paths {
                let inspected = inspect(path)?;
                let format = inspected.format;
                if !formats.insert(format) {
                    return Err(Refused::Because(format!(
                        "Two of the files are {format}; an edition has one of each."
                    )));
                }
                found.push(inspected);
            }
            if found.is_empty() {
                return Err(Refused::Because("There was no file. Choose one first.".to_owned()));
            }
            Ok(found)
        });
        Ok(looked.await.map_err(|error| Error::internal(error.to_string()))??)
    }

    /// Gives the newest edition of a book these files, each in the place of the one of its format; a book without an
    /// edition gets its first. Sent twice, a file is there once.
    ///
    /// # Errors
    /// [`NotTaken`]; nothing has changed then.
    pub async fn add_book_files(
        &self,
        actor: &Actor,
        slug: &Slug,
        paths: &[PathBuf],
    ) -> Result<Vec<FileTaken>, NotTaken> {
        if self.desk_book(slug).await?.is_none() {
            return Err(Error::NotFound.into());
        }
        let formats: Vec<BookFormat> = self.inspect_files(paths).await?.into_iter().map(|file| file.format).collect();
        let mut stored: Vec<Stored> = Vec::with_capacity(paths.len());
        let result = async {
            for (format, path) in formats.into_iter().zip(paths) {
                let key = format!("books/{}", Uuid::new_v4().simple());
                let written = self.0.files.put_file(&key, path).await?;
                stored.push(Stored { format, key, written });
            }
            Ok::<_, Error>(())
        }
        .await;
        let keys: Vec<String> = stored.iter().map(|file| file.key.clone()).collect();
        let outcome = match result {
            Ok(()) => {
                let (actor, slug, now) = (*actor, slug.clone(), self.0.clock.now());
                self.0.db.write(move |conn| place(conn, &actor, &slug, &stored, now)).await
            }
            Err(error) => Err(error),
        };
        match outcome {
            Ok((files, unneeded)) => {
                for key in unneeded {
                    self.0.files.discard(&key).await;
                }
                Ok(files)
            }
            Err(error) => {
                self.discard_unless_kept(Some(slug), keys).await;
                Err(error.into())
            }
        }
    }
}

/// Makes files those of a book's newest edition.
pub(super) fn place(
    conn: &mut AnyConnection,
    actor: &Actor,
    slug: &Slug,
    files: &[Stored],
    now: NaiveDateTime,
) -> Result<Outcome, Error> {
    let saved = locked(conn, slug)?;
    let editions: Vec<i64> = edition::table
        .filter(edition::book_id.eq(saved.id))
        .order(edition::id.desc())
        .select(edition::id)
        .load(conn)?;
    let newest = match editions.first() {
        Some(id) => *id,
        None => diesel::insert_into(edition::table)
            .values((
                edition::book_id.eq(saved.id),
                edition::label.eq("First edition"),
                edition::changelog.eq(""),
                edition::created_at.eq(now),
            ))
            .returning(edition::id)
            .get_result(conn)?,
    };
    let mut taken_names = names(conn, saved.id)?;
    let (mut taken, mut unneeded) = (Vec::new(), Vec::new());
    for Stored { format, key, written } in files {
        type Row = (i64, String, String, String);
        let there: Option<Row> = book_file::table
            .filter(book_file::edition_id.eq(newest))
            .filter(book_file::format.eq(format.as_str()))
            .select((book_file::id, book_file::storage_key, book_file::sha256, book_file::filename))
            .first(conn)
            .optional()?;
        let bytes = i64::try_from(written.bytes).map_err(|_| Error::internal("file size"))?;
        let (filename, outcome) = match there {
            Some((_, _, sha256, filename)) if sha256 == written.sha256 => {
                unneeded.push(key.clone());
                (filename, Taken::Same)
            }
            Some((id, old_key, old_sha256, filename)) => {
                diesel::update(book_file::table.find(id))
                    .set((
                        book_file::storage_key.eq(key),
                        book_file::sha256.eq(&written.sha256),
                        book_file::bytes.eq(bytes),
                    ))
                    .execute(conn)?;
                // Whoever has fetched the old one can fetch the new one within the same claim.
                diesel::delete(download_quota::table.filter(download_quota::book_file_id.eq(id))).execute(conn)?;
                // A key with a part of its own shares its object with other rows.
                if !old_key.contains('#') {
                    unneeded.push(old_key);
                }
                let (before, after) = (json!([filename, old_sha256]), json!([filename, written.sha256]));
                audit::record(conn, actor, "file.replaced", object(slug), Some(before), Some(after))?;
                (filename, Taken::Replaced)
            }
            None => {
                let filename = free_name(slug, editions.len().max(1), *format, &taken_names);
                diesel::insert_into(book_file::table)
                    .values((
                        book_file::edition_id.eq(newest),
                        book_file::format.eq(format.as_str()),
                        book_file::storage_key.eq(key),
                        book_file::sha256.eq(&written.sha256),
                        book_file::bytes.eq(bytes),
                        book_file::filename.eq(&filename),
                    ))
                    .execute(conn)?;
                let after = json!([filename, written.sha256]);
                audit::record(conn, actor, "file.added", object(slug), None, Some(after))?;
                taken_names.insert(filename.clone());
                (filename, Taken::Added)
            }
        };
        taken.push(FileTaken { format: *format, filename, taken: outcome });
    }
    if taken.iter().any(|file| file.taken != Taken::Same) {
        diesel::update(book::table.find(saved.id))
            .set((book::version.eq(book::version + 1), book::updated_at.eq(now)))
            .execute(conn)?;
    }
    Ok((taken, unneeded))
}
