//! Sending a file of a claim: counted before, looked at while it runs, completed in the log after.

use super::log::Entry;
use super::{TIMES_OVER, Visitor};
use crate::catalog::format_info;
use crate::db::Value::{End, Moment, Number, Text};
use crate::db::schema::{download_quota, entitlement};
use crate::db::{AnyConnection, Constant, Manner};
use crate::files::Reading;
use crate::secrets;
use crate::types::BookFormat;
use crate::{Error, Shop};
use diesel::prelude::*;
use diesel::sql_types::{self, BigInt};
use futures::stream::{StreamExt as _, TryStreamExt as _};
use std::ops::Range;

/// A file that may be sent now. Its bytes are already counted; what is not sent is given back with
/// [`Shop::finish_download`].
#[derive(Clone, Debug)]
pub struct OpenFile {
    claim_id: i64,
    book_file_id: i64,
    entitlement_id: i64,
    pub(super) log_id: i64,
    pub(super) reserved: i64,
    pub(super) storage_key: String,
}

/// What a file is, before any of it is sent.
#[derive(Clone, Debug)]
pub struct FileFacts {
    claim_id: i64,
    token_id: i64,
    book_file_id: i64,
    entitlement_id: i64,
    entitled: bool,
    storage_key: String,
    /// Its name for the buyer.
    pub filename: String,
    /// Its format.
    pub format: BookFormat,
    /// Its size in bytes.
    pub bytes: u64,
    /// Its SHA-256 in hexadecimal: the strong ETag.
    pub sha256: String,
}

/// Whether a file may be sent.
#[derive(Clone, Debug)]
pub enum Opened {
    /// Yes.
    Ready(OpenFile),
    /// The claim has been served this file twice over; a new claim is needed.
    Exhausted,
    /// The right to the title is suspended or gone.
    Suspended,
}

impl Shop {
    /// A file of a running claim; none if the claim is unknown, over, or another browser's, or has no such file.
    ///
    /// # Errors
    /// The database's.
    pub async fn claimed_file(
        &self,
        claim: &str,
        filename: &str,
        visitor: &Visitor,
    ) -> Result<Option<FileFacts>, Error> {
        // PostgreSQL's text has no NUL and would call the question an error.
        let Some(browser) = visitor.browser.as_ref().filter(|_| !filename.contains('\0')) else { return Ok(None) };
        let (claim_hash, browser_hash, filename, now) =
            (secrets::hash(claim), browser.hash(), filename.to_owned(), self.0.clock.now());
        self.0
            .db
            .read_briefly(move |conn| {
                type Row = (i64, i64, i64, i64, String, (String, String, String, i64, String));
                type Columns =
                    (BigInt, BigInt, BigInt, BigInt, sql_types::Text, (sql_types::Text, sql_types::Text, sql_types::Text, BigInt, sql_types::Text));
                let found = Constant(&[
                    (
                        "SELECT c.id, t.id, f.id, e.id, e.state, f.storage_key, f.filename, f.format, f.bytes, f.sha256 \
                         FROM download_claim AS c JOIN download_token AS t ON t.id = c.token_id \
                         JOIN entitlement AS e ON e.id = t.entitlement_id JOIN edition AS n ON n.book_id = e.book_id \
                         JOIN book_file AS f ON f.edition_id = n.id WHERE c.hash = ",
                        Text(&claim_hash),
                    ),
                    (" AND c.browser_hash = ", Text(&browser_hash)),
                    (" AND c.expires_at > ", Moment(now)),
                    (" AND f.filename = ", Text(&filename)),
                    (" ORDER BY n.id DESC LIMIT 1", End),
                ]);
                let row: Option<Row> = found.asking::<Columns>().get_result(conn).optional()?;
                let Some((claim_id, token_id, book_file_id, entitlement_id, state, file)) = row else {
                    return Ok(None);
                };
                let (storage_key, filename, format, bytes, sha256) = file;
                let info = format_info(&format, bytes)?;
                Ok(Some(FileFacts {
                    claim_id,
                    token_id,
                    book_file_id,
                    entitlement_id,
                    entitled: state == "active",
                    storage_key,
                    filename,
                    format: info.format,
                    bytes: info.bytes,
                    sha256,
                }))
            })
            .await
    }

    /// Counts `wanted` bytes of a file against its claim and begins the log's entry.
    ///
    /// # Errors
    /// The database's.
    pub async fn open_download(
        &self,
        file: &FileFacts,
        wanted: u64,
        range: Option<String>,
        visitor: &Visitor,
    ) -> Result<Opened, Error> {
        let reserved = i64::try_from(wanted).map_err(|_| Error::BadRequest("range"))?;
        let size = i64::try_from(file.bytes).map_err(|_| Error::internal("file size"))?;
        let (shop, file, visitor) = (self.clone(), file.clone(), visitor.clone());
        self.0
            .db
            .write_as(Manner::BARE.in_company(), move |conn| {
                let entry = Entry {
                    token_id: file.token_id,
                    claim_id: Some(file.claim_id),
                    book_file_id: Some(file.book_file_id),
                    range: range.clone(),
                    visitor: &visitor,
                };
                if !file.entitled {
                    entry.log(conn, &shop, 403, "suspended")?;
                    return Ok(Opened::Suspended);
                }
                // What may have been served before: none of it, if even a fresh claim cannot serve so much.
                let room = size.saturating_mul(TIMES_OVER).saturating_sub(reserved);
                if room < 0 || !count(conn, &file, reserved, room)? {
                    entry.log(conn, &shop, 410, "exhausted")?;
                    return Ok(Opened::Exhausted);
                }
                let status = if range.is_some() { 206 } else { 200 };
                let log_id = entry.log(conn, &shop, status, "begun")?;
                Ok(Opened::Ready(OpenFile {
                    claim_id: file.claim_id,
                    book_file_id: file.book_file_id,
                    entitlement_id: file.entitlement_id,
                    log_id,
                    reserved,
                    storage_key: file.storage_key.clone(),
                }))
            })
            .await
    }

    /// The bytes of one range of an open file.
    ///
    /// # Errors
    /// The object store's.
    pub async fn stream_file(&self, file: &OpenFile, range: Range<u64>) -> Result<Reading<Error>, Error> {
        let Reading { pieces, kept } = self.0.files.stream(&file.storage_key, range).await?;
        Ok(Reading { pieces: pieces.map_err(Error::from).boxed(), kept })
    }

    /// Whether an open file may still be sent: its entitlement is active.
    ///
    /// # Errors
    /// The database's.
    pub async fn may_continue(&self, file: &OpenFile) -> Result<bool, Error> {
        let id = file.entitlement_id;
        self.0
            .db
            .read_briefly(move |conn| {
                let active = entitlement::table.find(id).filter(entitlement::state.eq("active"));
                Ok(diesel::select(diesel::dsl::exists(active)).get_result(conn)?)
            })
            .await
    }

    /// Ends the log's entry and gives back the bytes that were counted but not `sent`.
    ///
    /// # Errors
    /// The database's.
    pub async fn finish_download(&self, file: &OpenFile, sent: u64, outcome: &'static str) -> Result<(), Error> {
        let (file, sent) = (file.clone(), i64::try_from(sent).unwrap_or(i64::MAX));
        let unsent = file.reserved.saturating_sub(sent).max(0);
        // Who was cut off comes back at once, for what is given back here.
        let manner = if unsent == 0 { Manner::BARE.whenever() } else { Manner::BARE };
        self.0
            .db
            .write_as(manner, move |conn| {
                let entry = Constant(&[
                    ("UPDATE download_log SET bytes = ", Number(sent)),
                    (", reason = ", Text(outcome)),
                    (" WHERE id = ", Number(file.log_id)),
                ]);
                entry.execute(conn)?;
                if unsent > 0 {
                    // A file that was replaced meanwhile has begun to count anew.
                    let quota = download_quota::table.find((file.claim_id, file.book_file_id));
                    diesel::update(quota.filter(download_quota::bytes.ge(unsent)))
                        .set(download_quota::bytes.eq(download_quota::bytes - unsent))
                        .execute(conn)?;
                }
                Ok(())
            })
            .await
    }
}

/// Counts `reserved` bytes, if no more than `room` were counted before. Whether it did.
fn count(conn: &mut AnyConnection, file: &FileFacts, reserved: i64, room: i64) -> QueryResult<bool> {
    let counted = Constant(&[
        ("INSERT INTO download_quota (claim_id, book_file_id, bytes) VALUES (", Number(file.claim_id)),
        (", ", Number(file.book_file_id)),
        (", ", Number(reserved)),
        (") ON CONFLICT (claim_id, book_file_id) DO UPDATE SET bytes = download_quota.bytes + ", Number(reserved)),
        (" WHERE download_quota.bytes <= ", Number(room)),
    ]);
    Ok(counted.execute(conn)? > 0)
}
