//! Moving a store's files to another place: copied, read back, compared; only then, if asked, taken away.
//!
//! What is moved is what the database names: book files, covers, invoices, logos, and what waits beside kept forms. A move that was interrupted goes on when it is
//! started again: what is there already is read and, if it is right, left alone.

use super::{Files, object};
use crate::db::AnyConnection;
use crate::db::schema::{book, book_file, invoice, invoice_logo};
use crate::seed::cover_path;
use crate::types::Cover;
use crate::{Error, Shop, books};
use diesel::prelude::*;
use object_store::ObjectStoreExt as _;
use object_store::path::Path as ObjectPath;
use std::collections::BTreeMap;

/// What a move did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// Files of the store.
    pub files: usize,
    /// Those that were copied now; the others were there.
    pub copied: usize,
    /// Bytes that were copied.
    pub bytes: u64,
    /// Files that were taken away from where they were.
    pub deleted: usize,
}

/// How far a move has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Moving {
    /// What is being done.
    pub step: Step,
    /// Files that are done.
    pub done: usize,
    /// Of so many.
    pub of: usize,
    /// Bytes copied so far.
    pub bytes: u64,
}

/// The two halves of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Each file is copied, unless it is there, and read back.
    Copying,
    /// Each file is taken away from where it was.
    Deleting,
}

/// The objects that the database names, with their SHA-256 as far as it is known.
fn named(conn: &mut AnyConnection) -> Result<BTreeMap<ObjectPath, Option<String>>, Error> {
    let mut files: Vec<(String, String)> =
        book_file::table.select((book_file::storage_key, book_file::sha256)).load(conn)?;
    let mut covers: Vec<String> = book::table
        .filter(book::cover_key.is_not_null())
        .select(book::cover_key.assume_not_null())
        .distinct()
        .load(conn)?;
    let waiting = books::waiting(conn)?;
    covers.extend(waiting.covers);
    files.extend(waiting.files);
    let invoices: Vec<String> =
        invoice::table.filter(invoice::pdf_key.is_not_null()).select(invoice::pdf_key.assume_not_null()).load(conn)?;
    let logos: Vec<String> = invoice_logo::table.select(invoice_logo::key).load(conn)?;
    let covers = covers.iter().flat_map(|key| Cover::WIDTHS.map(|width| cover_path(key, width)));
    let mut named: BTreeMap<_, _> = covers.chain(invoices).chain(logos).map(|key| (object(&key), None)).collect();
    named.extend(files.into_iter().map(|(key, sha256)| (object(&key), Some(sha256))));
    Ok(named)
}

impl Shop {
    /// Copies the store's files from `from` to `to` and reads each back; what is there already and right is not copied
    /// again. With `delete`, once all are there, they are taken away from `from`. `tell` hears of each file that is done.
    ///
    /// # Errors
    /// [`Error::Files`] for a file that is missing in both places, is not what it was kept as, or cannot be written;
    /// the database's. Nothing has been deleted then, and what was copied need not be copied again.
    pub async fn move_files(
        &self,
        from: &Files,
        to: &Files,
        delete: bool,
        mut tell: impl FnMut(Moving),
    ) -> Result<Moved, Error> {
        let named = self.0.db.read(named).await?;
        let mut moved = Moved { files: named.len(), ..Moved::default() };
        for (done, (object, sha256)) in (1..).zip(&named) {
            if let Some(bytes) = copy(from, to, object, sha256.as_deref()).await? {
                moved.copied += 1;
                moved.bytes += bytes;
            }
            tell(Moving { step: Step::Copying, done, of: named.len(), bytes: moved.bytes });
        }
        for (done, object) in (1..).zip(named.keys().filter(|_| delete)) {
            match from.store.delete(object).await {
                Ok(()) => moved.deleted += 1,
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(error.into()),
            }
            from.hot.files.remove(object);
            tell(Moving { step: Step::Deleting, done, of: named.len(), bytes: moved.bytes });
        }
        Ok(moved)
    }
}

/// Makes sure that an object is in `to`; the bytes that were copied, if any were.
async fn copy(
    from: &Files,
    to: &Files,
    object: &ObjectPath,
    sha256: Option<&str>,
) -> Result<Option<u64>, object_store::Error> {
    let there = to.digest(object).await?;
    let expected = match (sha256, &there) {
        (Some(sha256), _) => sha256.to_owned(),
        // Of a cover nothing is known but what it is where it was.
        (None, there) => match (from.digest(object).await?, there) {
            (Some(source), _) => source.sha256,
            (None, Some(there)) => there.sha256.clone(),
            (None, None) => return Err(missing(object)),
        },
    };
    if there.is_some_and(|there| there.sha256 == expected) {
        return Ok(None);
    }
    let source = match from.store.get(object).await {
        Ok(found) => found.into_stream(),
        Err(object_store::Error::NotFound { .. }) => return Err(missing(object)),
        Err(error) => return Err(error),
    };
    to.write(object, source, Some(&expected)).await?;
    // What was written is only known once it has been read.
    match to.digest(object).await? {
        Some(there) if there.sha256 == expected => Ok(Some(there.bytes)),
        _ => Err(super::generic(format!("{object} was written, but is read back otherwise").into())),
    }
}

fn missing(object: &ObjectPath) -> object_store::Error {
    object_store::Error::NotFound { path: object.to_string(), source: "it is in neither of the two places".into() }
}
