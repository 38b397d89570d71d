//! Downloads: a token per title bought, claims that are counted, files that are bounded in bytes and logged.
//!
//! A use of a token is a claim, taken with one conditional UPDATE. For a day the browser that took it may fetch all the
//! title's files, each at most twice over in bytes, so that a lost connection costs nothing and a shared link is worth
//! nothing. Showing a page never takes a use.

use crate::catalog::format_info;
use crate::clock::moment;
use crate::db::schema::{
    book, book_file, download_claim, download_log, download_quota, download_token, edition, entitlement, order_item,
    orders,
};
use crate::db::{AnyConnection, both};
use crate::orders::{TokenRow, owns, token_columns};
use crate::secrets::{self, BrowserSecret, Purpose};
use crate::types::{BookFormat, Cover, DownloadView, FormatInfo, OrderNumber, TokenState};
use crate::{Error, Shop, catalog, fulfilment, limits};
use bytes::Bytes;
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use futures::stream::{BoxStream, StreamExt as _, TryStreamExt as _};
use std::net::IpAddr;
use std::ops::Range;

/// Who asks, as far as the access log cares.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The secret of the browser's cookie, if it has one.
    pub browser: Option<BrowserSecret>,
    /// The client's address.
    pub ip: IpAddr,
    /// The `User-Agent` header; the log keeps 200 characters.
    pub user_agent: String,
}

/// What `/d/{token}` shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DownloadPage {
    /// The title as bought.
    pub title: String,
    /// The authors for reading.
    pub byline: String,
    /// The cover, if it has one.
    pub cover: Option<Cover>,
    /// The accent colour.
    pub accent: String,
    /// Whether this browser may download.
    pub owned: bool,
    /// The token's state.
    pub download: DownloadView,
    /// The running claim of this browser, if it has one that keeps what the page promises about it.
    pub claim: Option<ClaimView>,
    /// For the way back; only for the owner.
    pub order_number: Option<OrderNumber>,
}

/// A claim that this browser has taken and can still use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimView {
    /// Each file that it can still serve whole, with its URL.
    pub files: Vec<(FormatInfo, String)>,
    /// Until when, for reading.
    pub until: String,
}

/// The answer to a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claimed {
    /// The URL path of the file.
    File(String),
    /// This browser has not proven to be the buyer's.
    NotYours,
    /// The token is not usable, or the title has no such format.
    Refused(TokenState),
}

/// A file that may be sent now. Its bytes are already counted; what is not sent is given back with
/// [`Shop::finish_download`].
#[derive(Clone, Debug)]
pub struct OpenFile {
    claim_id: i64,
    book_file_id: i64,
    entitlement_id: i64,
    log_id: i64,
    reserved: i64,
    storage_key: String,
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

/// A file may be sent so many times over in bytes within one claim.
const TIMES_OVER: i64 = 2;

#[derive(Queryable)]
struct TokenContext {
    token_id: i64,
    book_id: i64,
    order_id: i64,
    order_number: String,
    title: String,
    cover_key: Option<String>,
    accent: String,
    token: TokenRow,
}

/// The token of that secret, if it is the entitlement's current one.
fn find_token(conn: &mut AnyConnection, token: &str) -> Result<Option<TokenContext>, Error> {
    Ok(download_token::table
        .inner_join(entitlement::table.inner_join(order_item::table.inner_join(orders::table)).inner_join(book::table))
        .filter(download_token::hash.eq(secrets::hash(token)))
        .filter(download_token::revoked_at.is_null())
        .select((
            download_token::id,
            book::id,
            orders::id,
            orders::number,
            order_item::title_snapshot,
            book::cover_key,
            book::accent,
            token_columns!(),
        ))
        .first(conn)
        .optional()?)
}

impl Shop {
    /// What stands behind a download token; none if there is no such token, or a newer one has taken its place.
    ///
    /// # Errors
    /// The database's.
    pub async fn download_page(
        &self,
        token: &str,
        browser: Option<&BrowserSecret>,
    ) -> Result<Option<DownloadPage>, Error> {
        let (shop, token, browser) = (self.clone(), token.to_owned(), browser.cloned());
        self.0
            .db
            .read(move |conn| {
                let Some(found) = find_token(conn, &token)? else { return Ok(None) };
                let now = shop.0.clock.now();
                let owned = owns(conn, &shop, found.order_id, browser.as_ref())?;
                let mut download = found.token.view(conn, &shop, found.book_id, now)?;
                let claim = match browser.as_ref().filter(|_| owned) {
                    Some(browser) => running_claim(conn, &shop, &found, browser, now)?,
                    None => None,
                };
                let claim = claim.filter(|claim| match download.state {
                    // Of a used-up token, what its last claim still serves is all there is.
                    TokenState::UsedUp => !claim.files.is_empty(),
                    // A claim that would not serve every format is not promised to.
                    _ => claim.files.len() == download.formats.len(),
                });
                if let (TokenState::UsedUp, Some(claim)) = (download.state, &claim) {
                    download.formats.retain(|info| claim.files.iter().any(|(file, _)| file.format == info.format));
                }
                Ok(Some(DownloadPage {
                    byline: catalog::bylines(conn, &[found.book_id])?.remove(&found.book_id).unwrap_or_default(),
                    download,
                    title: found.title,
                    cover: found.cover_key.map(|key| Cover { key }),
                    accent: found.accent,
                    owned,
                    claim,
                    order_number: owned.then(|| found.order_number.parse().ok()).flatten(),
                }))
            })
            .await
    }

    /// Takes one use of the token for this browser and names the file's URL. While the browser's last claim can still
    /// serve that file whole, no other use is taken.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown token, the database's.
    pub async fn claim_download(&self, token: &str, format: BookFormat, visitor: &Visitor) -> Result<Claimed, Error> {
        let (shop, token, visitor) = (self.clone(), token.to_owned(), visitor.clone());
        self.0.db.write(move |conn| claim(conn, &shop, &token, format, &visitor)).await
    }

    /// Replaces a used-up or expired token by a new one, within the store's policy.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown token; [`Error::Forbidden`] for another browser, a token that is still good,
    /// or one that the policy renews no more; the database's.
    pub async fn renew_download(&self, token: &str, browser: Option<&BrowserSecret>) -> Result<String, Error> {
        let (shop, token, browser) = (self.clone(), token.to_owned(), browser.cloned());
        self.0
            .db
            .write(move |conn| {
                let now = shop.0.clock.now();
                let found = find_token(conn, &token)?.ok_or(Error::NotFound)?;
                if !owns(conn, &shop, found.order_id, browser.as_ref())? {
                    return Err(Error::Forbidden("renew"));
                }
                if !found.token.renewable(&shop, now) {
                    return Err(Error::Forbidden("renewal policy"));
                }
                let revoked = diesel::update(
                    download_token::table.find(found.token_id).filter(download_token::revoked_at.is_null()),
                )
                .set(download_token::revoked_at.eq(now))
                .execute(conn)?;
                if revoked == 0 {
                    return Err(Error::NotFound);
                }
                let (entitlement_id, generation) = (found.token.entitlement_id, found.token.generation + 1);
                fulfilment::insert_token(conn, &shop.0.key, &shop.0.settings.policy, entitlement_id, generation, now)?;
                Ok(shop.0.key.derive(Purpose::DownloadToken, entitlement_id, generation))
            })
            .await
    }

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
        let Some(browser) = &visitor.browser else { return Ok(None) };
        let (claim_hash, browser_hash, filename, now) =
            (secrets::hash(claim), browser.hash(), filename.to_owned(), self.0.clock.now());
        self.0
            .db
            .read(move |conn| {
                type Row = (i64, i64, i64, i64, String, (String, String, String, i64, String));
                let row: Option<Row> = download_claim::table
                    .inner_join(
                        download_token::table.inner_join(
                            entitlement::table
                                .inner_join(book::table.inner_join(edition::table.inner_join(book_file::table))),
                        ),
                    )
                    .filter(download_claim::hash.eq(claim_hash))
                    .filter(download_claim::browser_hash.eq(browser_hash))
                    .filter(download_claim::expires_at.gt(now))
                    .filter(book_file::filename.eq(filename))
                    .order(edition::id.desc())
                    .select((
                        download_claim::id,
                        download_token::id,
                        book_file::id,
                        entitlement::id,
                        entitlement::state,
                        (
                            book_file::storage_key,
                            book_file::filename,
                            book_file::format,
                            book_file::bytes,
                            book_file::sha256,
                        ),
                    ))
                    .first(conn)
                    .optional()?;
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
            .write(move |conn| {
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
                let first = (
                    download_quota::claim_id.eq(file.claim_id),
                    download_quota::book_file_id.eq(file.book_file_id),
                    download_quota::bytes.eq(0_i64),
                );
                both!(conn, |c| diesel::insert_into(download_quota::table)
                    .values(first)
                    .on_conflict_do_nothing()
                    .execute(c))?;
                let counted = diesel::update(
                    download_quota::table
                        .find((file.claim_id, file.book_file_id))
                        .filter(download_quota::bytes.le(size.saturating_mul(TIMES_OVER).saturating_sub(reserved))),
                )
                .set(download_quota::bytes.eq(download_quota::bytes + reserved))
                .execute(conn)?;
                if counted == 0 {
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
    pub async fn stream_file(
        &self,
        file: &OpenFile,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes, Error>>, Error> {
        Ok(self.0.files.stream(&file.storage_key, range).await?.map_err(Error::from).boxed())
    }

    /// Whether an open file may still be sent: its entitlement is active.
    ///
    /// # Errors
    /// The database's.
    pub async fn may_continue(&self, file: &OpenFile) -> Result<bool, Error> {
        let id = file.entitlement_id;
        self.0
            .db
            .read(move |conn| {
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
        self.0
            .db
            .write(move |conn| {
                diesel::update(download_log::table.find(file.log_id))
                    .set((download_log::bytes.eq(sent), download_log::reason.eq(outcome)))
                    .execute(conn)?;
                let unsent = file.reserved.saturating_sub(sent).max(0);
                if unsent > 0 {
                    diesel::update(download_quota::table.find((file.claim_id, file.book_file_id)))
                        .set(download_quota::bytes.eq(download_quota::bytes - unsent))
                        .execute(conn)?;
                }
                Ok(())
            })
            .await
    }
}

fn claim(
    conn: &mut AnyConnection,
    shop: &Shop,
    token: &str,
    format: BookFormat,
    visitor: &Visitor,
) -> Result<Claimed, Error> {
    let now = shop.0.clock.now();
    let Some(found) = find_token(conn, token)? else { return Err(Error::NotFound) };
    let entry = Entry { token_id: found.token_id, claim_id: None, book_file_id: None, range: None, visitor };
    let Some(browser) = &visitor.browser else {
        entry.log(conn, shop, 403, "not the buyer's browser")?;
        return Ok(Claimed::NotYours);
    };
    if !owns(conn, shop, found.order_id, Some(browser))? {
        entry.log(conn, shop, 403, "not the buyer's browser")?;
        return Ok(Claimed::NotYours);
    }
    if found.token.entitlement_state != "active" {
        entry.log(conn, shop, 403, "suspended")?;
        return Ok(Claimed::Refused(TokenState::Suspended));
    }
    let file = book_file::table
        .inner_join(edition::table)
        .filter(edition::book_id.eq(found.book_id))
        .filter(book_file::format.eq(format.as_str()))
        .order(edition::id.desc())
        .select((book_file::id, book_file::bytes, book_file::filename))
        .first::<(i64, i64, String)>(conn)
        .optional()?;
    let Some((file_id, size, filename)) = file else { return Err(Error::NotFound) };
    // Locks the token's row until the end of the transaction, so that a double click finds the first click's claim.
    diesel::update(download_token::table.find(found.token_id))
        .set(download_token::used_count.eq(download_token::used_count))
        .execute(conn)?;
    if let Some(claim_id) = claim_with_room(conn, &found, browser, file_id, size, now)? {
        return Ok(Claimed::File(file_path(shop, claim_id, &filename)));
    }
    let taken = diesel::update(
        download_token::table
            .find(found.token_id)
            .filter(download_token::used_count.lt(download_token::max_uses))
            .filter(download_token::expires_at.gt(now))
            .filter(download_token::revoked_at.is_null()),
    )
    .set(download_token::used_count.eq(download_token::used_count + 1))
    .execute(conn)?;
    if taken == 0 {
        let state = if found.token.expires_at <= now { TokenState::Expired } else { TokenState::UsedUp };
        entry.log(conn, shop, 410, if state == TokenState::Expired { "expired" } else { "used up" })?;
        return Ok(Claimed::Refused(state));
    }
    let claim_id: i64 = diesel::insert_into(download_claim::table)
        .values((
            download_claim::token_id.eq(found.token_id),
            // The secret depends on the id; until that is known, the hash of something nobody knows.
            download_claim::hash.eq(secrets::hash(&secrets::random())),
            download_claim::browser_hash.eq(browser.hash()),
            download_claim::created_at.eq(now),
            download_claim::expires_at.eq(now + TimeDelta::hours(shop.0.settings.policy.claim_hours.into())),
        ))
        .returning(download_claim::id)
        .get_result(conn)?;
    let secret = shop.0.key.derive(Purpose::DownloadClaim, claim_id, 0);
    diesel::update(download_claim::table.find(claim_id))
        .set(download_claim::hash.eq(secrets::hash(&secret)))
        .execute(conn)?;
    Entry { claim_id: Some(claim_id), ..entry }.log(conn, shop, 303, "claimed")?;
    Ok(Claimed::File(file_path(shop, claim_id, &filename)))
}

fn file_path(shop: &Shop, claim_id: i64, filename: &str) -> String {
    format!("/f/{}/{filename}", shop.0.key.derive(Purpose::DownloadClaim, claim_id, 0))
}

/// The browser's latest claim on this token that is not over.
fn latest_claim(
    conn: &mut AnyConnection,
    found: &TokenContext,
    browser: &BrowserSecret,
    now: NaiveDateTime,
) -> Result<Option<(i64, NaiveDateTime)>, Error> {
    Ok(download_claim::table
        .filter(download_claim::token_id.eq(found.token_id))
        .filter(download_claim::browser_hash.eq(browser.hash()))
        .filter(download_claim::expires_at.gt(now))
        .order(download_claim::id.desc())
        .select((download_claim::id, download_claim::expires_at))
        .first(conn)
        .optional()?)
}

/// A running claim that can still serve the whole file.
fn claim_with_room(
    conn: &mut AnyConnection,
    found: &TokenContext,
    browser: &BrowserSecret,
    file_id: i64,
    size: i64,
    now: NaiveDateTime,
) -> Result<Option<i64>, Error> {
    let Some((claim_id, _)) = latest_claim(conn, found, browser, now)? else { return Ok(None) };
    let served: Option<i64> =
        download_quota::table.find((claim_id, file_id)).select(download_quota::bytes).first(conn).optional()?;
    Ok(has_room(served, size).then_some(claim_id))
}

/// Whether a claim that has `served` so much of a file may serve it whole once more.
fn has_room(served: Option<i64>, size: i64) -> bool {
    served.unwrap_or(0) <= size.saturating_mul(TIMES_OVER - 1)
}

fn running_claim(
    conn: &mut AnyConnection,
    shop: &Shop,
    found: &TokenContext,
    browser: &BrowserSecret,
    now: NaiveDateTime,
) -> Result<Option<ClaimView>, Error> {
    let Some((claim_id, expires_at)) = latest_claim(conn, found, browser, now)? else { return Ok(None) };
    let newest: Option<i64> =
        edition::table.filter(edition::book_id.eq(found.book_id)).select(diesel::dsl::max(edition::id)).first(conn)?;
    let rows: Vec<(String, i64, String, Option<i64>)> = book_file::table
        .left_join(
            download_quota::table
                .on(download_quota::book_file_id.eq(book_file::id).and(download_quota::claim_id.eq(claim_id))),
        )
        .filter(book_file::edition_id.eq(newest.unwrap_or_default()))
        .order(book_file::format)
        .select((book_file::format, book_file::bytes, book_file::filename, download_quota::bytes.nullable()))
        .load(conn)?;
    let files = rows
        .into_iter()
        .filter(|(_, bytes, _, served)| has_room(*served, *bytes))
        .map(|(format, bytes, filename, _)| Ok((format_info(&format, bytes)?, file_path(shop, claim_id, &filename))))
        .collect::<Result<_, Error>>()?;
    Ok(Some(ClaimView { files, until: moment(expires_at) }))
}

/// An entry of the access log to be.
struct Entry<'a> {
    token_id: i64,
    claim_id: Option<i64>,
    book_file_id: Option<i64>,
    range: Option<String>,
    visitor: &'a Visitor,
}

impl Entry<'_> {
    fn log(&self, conn: &mut AnyConnection, shop: &Shop, status: i32, reason: &str) -> Result<i64, Error> {
        let cut = |text: &str| text.chars().filter(|c| !c.is_control()).take(200).collect::<String>();
        Ok(diesel::insert_into(download_log::table)
            .values((
                download_log::token_id.eq(self.token_id),
                download_log::claim_id.eq(self.claim_id),
                download_log::book_file_id.eq(self.book_file_id),
                download_log::at.eq(shop.0.clock.now()),
                download_log::ip_prefix.eq(limits::log_prefix(self.visitor.ip)),
                download_log::user_agent.eq(cut(&self.visitor.user_agent)),
                download_log::range.eq(self.range.as_deref().map(cut)),
                download_log::status.eq(status),
                download_log::bytes.eq(0_i64),
                download_log::reason.eq(reason),
            ))
            .returning(download_log::id)
            .get_result(conn)?)
    }
}
