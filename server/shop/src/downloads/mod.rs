//! Downloads: a token per title bought, claims that are counted, files that are bounded in bytes and logged.
//!
//! A use of a token is a claim, taken with one conditional UPDATE. For a day the browser that took it may fetch all the
//! title's files, each at most twice over in bytes, so that a lost connection costs nothing and a shared link is worth
//! nothing. Showing a page never takes a use.

mod history;
mod log;
mod redirect;
mod transfer;

pub(crate) use history::disputed_orders;
pub use history::{LogEntry, LogPage, LogQuery};
pub use transfer::{FileFacts, OpenFile, Opened};

use crate::analytics::claims;
use crate::db::Value::{End, Moment, Number, Text};
use crate::db::schema::{download_quota, download_token};
use crate::db::{AnyConnection, Constant, Manner, Value, next_id};
use crate::failpoint::{Failpoint, pass};
use crate::hooks::{DownloadBy, EventType, Listeners};
use crate::orders::{TokenRow, owns};
use crate::privacy::is_erased;
use crate::secrets::{self, BrowserSecret, BuyerSecret, Keys, Purpose};
use crate::types::{BookFormat, Cover, DownloadView, FormatInfo, OrderNumber, Renewed, TokenState};
use crate::{Error, Shop, catalog, fulfilment};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use diesel::sql_types::{self, BigInt, Integer, Nullable, Timestamp};
use log::Entry;
use std::collections::HashMap;
use std::net::IpAddr;

/// Who asks, as far as the access log cares.
#[derive(Clone, Debug)]
pub struct Visitor {
    /// The secret of the browser's cookie, if it has one.
    pub browser: Option<BrowserSecret>,
    /// The secret of the library that the browser has opened, if it has.
    pub buyer: Option<BuyerSecret>,
    /// The client's address.
    pub ip: IpAddr,
    /// The `User-Agent` header; the log keeps 200 characters.
    pub user_agent: String,
}

impl Visitor {
    fn keys(&self) -> Keys {
        Keys { browser: self.browser.clone(), buyer: self.buyer.clone() }
    }
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
    /// The token's state; nothing in a browser that has not proven to be the buyer's.
    pub download: Option<DownloadView>,
    /// For the way back; only for the owner.
    pub order_number: Option<OrderNumber>,
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

/// What a claim is for.
enum Wanted {
    /// The newest file of a format.
    Format(BookFormat),
    /// The file of this name.
    File(String),
}

/// A file may be sent so many times over in bytes within one claim.
const TIMES_OVER: i64 = 2;

#[derive(Queryable)]
struct TokenContext {
    title: TitleRow,
    token: TokenRow,
}

#[derive(Queryable)]
struct TitleRow {
    book_id: i64,
    order_id: i64,
    order_number: String,
    order_email: String,
    title: String,
    cover_key: Option<String>,
    accent: String,
}

/// The token of that secret, if it is the entitlement's current one.
fn find_token(conn: &mut AnyConnection, token: &str) -> Result<Option<TokenContext>, Error> {
    current_token(conn, (" AND t.hash = ", Text(&secrets::hash(token))), "")
}

/// What has taken the place of the token of that secret, if that is another one by now.
fn find_successor(conn: &mut AnyConnection, token: &str) -> Result<Option<TokenContext>, Error> {
    let hash = secrets::hash(token);
    let of_old = " AND t.entitlement_id = \
                  (SELECT entitlement_id FROM download_token WHERE revoked_at IS NOT NULL AND hash = ";
    current_token(conn, (of_old, Text(&hash)), ")")
}

/// The current token of an entitlement: the one that the condition holds for, which ends with `end`.
fn current_token(
    conn: &mut AnyConnection,
    condition: (&'static str, Value<'_>),
    end: &'static str,
) -> Result<Option<TokenContext>, Error> {
    type Columns = (
        (BigInt, BigInt, sql_types::Text, sql_types::Text, sql_types::Text, Nullable<sql_types::Text>, sql_types::Text),
        (BigInt, BigInt, Integer, Timestamp, Integer, Integer, sql_types::Text, Timestamp, Integer),
    );
    let found = Constant(&[
        (
            "SELECT e.book_id, o.id, o.number, o.email, i.title_snapshot, b.cover_key, b.accent, \
             t.id, t.entitlement_id, t.generation, t.expires_at, t.max_uses, t.used_count, e.state, e.granted_at, \
             e.desk_renewals \
             FROM download_token AS t JOIN entitlement AS e ON e.id = t.entitlement_id \
             JOIN order_item AS i ON i.id = e.order_item_id JOIN orders AS o ON o.id = i.order_id \
             JOIN book AS b ON b.id = e.book_id WHERE t.revoked_at IS NULL",
            End,
        ),
        condition,
        (end, End),
    ]);
    Ok(found.asking::<Columns>().get_result(conn).optional()?)
}

impl Shop {
    /// What stands behind a download token; none if there is no such token, or a newer one has taken its place.
    ///
    /// # Errors
    /// The database's.
    pub async fn download_page(&self, token: &str, keys: impl Into<Keys>) -> Result<Option<DownloadPage>, Error> {
        let (shop, token, keys) = (self.clone(), token.to_owned(), keys.into());
        self.seen(&keys).await?;
        self.0
            .db
            .read(move |conn| {
                let Some(found) = find_token(conn, &token)? else { return Ok(None) };
                let now = shop.0.clock.now();
                let owned = owns(conn, &shop, found.title.order_id, &keys)?;
                let view =
                    owned.then(|| found.token.view(conn, &shop, found.title.book_id, keys.browser.as_ref(), now));
                let download = view.transpose()?;
                Ok(Some(DownloadPage {
                    byline: catalog::bylines(conn, &[found.title.book_id])?
                        .remove(&found.title.book_id)
                        .unwrap_or_default(),
                    title: found.title.title,
                    cover: found.title.cover_key.map(|key| Cover { key }),
                    accent: found.title.accent,
                    order_number: owned.then(|| found.title.order_number.parse().ok()).flatten(),
                    download,
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
        self.claim_wanted(token, Wanted::Format(format), visitor).await
    }

    /// As [`Shop::claim_download`], for the file of this name: the way to the files of older editions
    /// ([`Shop::editions`] names them).
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown token or a name that none of the title's files has, the database's.
    pub async fn claim_file(&self, token: &str, filename: &str, visitor: &Visitor) -> Result<Claimed, Error> {
        // PostgreSQL's text has no NUL and would call the question an error.
        if filename.contains('\0') {
            return Err(Error::NotFound);
        }
        self.claim_wanted(token, Wanted::File(filename.to_owned()), visitor).await
    }

    async fn claim_wanted(&self, token: &str, what: Wanted, visitor: &Visitor) -> Result<Claimed, Error> {
        let (shop, token, visitor) = (self.clone(), token.to_owned(), visitor.clone());
        let claimed = self
            .0
            .db
            .write_as(Manner::PLAIN.in_company(), move |conn| {
                let claimed = claim(conn, &shop, &token, &what, &visitor)?;
                pass(Failpoint::ClaimWritten);
                Ok(claimed)
            })
            .await?;
        pass(Failpoint::ClaimKept);
        Ok(claimed)
    }

    /// Replaces a used-up or expired token by a new one, within the store's policy. Of two clicks the second comes with a
    /// token that the first has replaced: its owner is given what the first one made, as long as that is of use.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown token, and for an old one in any other case; [`Error::Forbidden`] for another
    /// browser, a token that is still good, or one that the policy renews no more; the database's.
    pub async fn renew_download(&self, token: &str, keys: impl Into<Keys>) -> Result<Renewed, Error> {
        let (shop, token, keys) = (self.clone(), token.to_owned(), keys.into());
        self.0
            .db
            .write(move |conn| {
                let now = shop.0.clock.now();
                let Some(found) = find_token(conn, &token)? else {
                    return renewed_before(conn, &shop, &token, &keys, now);
                };
                if !owns(conn, &shop, found.title.order_id, &keys)? {
                    return Err(Error::Forbidden("renew"));
                }
                if !found.token.renewable(&shop, now) {
                    return Err(Error::Forbidden("renewal policy"));
                }
                let revoked = diesel::update(
                    download_token::table.find(found.token.token_id).filter(download_token::revoked_at.is_null()),
                )
                .set(download_token::revoked_at.eq(now))
                .execute(conn)?;
                if revoked == 0 {
                    return renewed_before(conn, &shop, &token, &keys, now);
                }
                let (entitlement_id, generation) = (found.token.entitlement_id, found.token.generation + 1);
                let policy = &shop.0.settings.policy;
                fulfilment::insert_token(conn, &shop.0.key, policy, entitlement_id, generation, now)?;
                let kind = EventType::DownloadRenewed;
                Listeners::load(conn)?.download(conn, kind, entitlement_id, DownloadBy::Buyer, now)?;
                Ok(Renewed {
                    token: shop.0.key.derive(Purpose::DownloadToken, entitlement_id, generation),
                    uses: policy.token_uses.into(),
                    expires: shop.notation().moment(now + TimeDelta::days(policy.token_days.into())),
                })
            })
            .await
    }
}

/// What an old token was renewed to, for its owner. A stranger learns nothing, not even that there was one.
fn renewed_before(
    conn: &mut AnyConnection,
    shop: &Shop,
    token: &str,
    keys: &Keys,
    now: NaiveDateTime,
) -> Result<Renewed, Error> {
    let found = find_successor(conn, token)?.ok_or(Error::NotFound)?;
    if !owns(conn, shop, found.title.order_id, keys)? || found.token.state(now) != TokenState::Usable {
        return Err(Error::NotFound);
    }
    let TokenRow { entitlement_id, generation, max_uses, used_count, expires_at, .. } = found.token;
    Ok(Renewed {
        token: shop.0.key.derive(Purpose::DownloadToken, entitlement_id, generation),
        uses: max_uses.saturating_sub(used_count).unsigned_abs(),
        expires: shop.notation().moment(expires_at),
    })
}

fn claim(
    conn: &mut AnyConnection,
    shop: &Shop,
    token: &str,
    what: &Wanted,
    visitor: &Visitor,
) -> Result<Claimed, Error> {
    let now = shop.0.clock.now();
    let Some(found) = find_token(conn, token)? else { return Err(Error::NotFound) };
    // Of a buyer who was erased nothing is written down any more, also if one of her pages is still open somewhere.
    if is_erased(&found.title.order_email) {
        return Err(Error::NotFound);
    }
    let entry = Entry { token_id: found.token.token_id, claim_id: None, book_file_id: None, range: None, visitor };
    // Without a cookie of its own no claim could be the browser's.
    let Some(browser) = &visitor.browser else {
        entry.log(conn, shop, 403, "not the buyer's browser")?;
        return Ok(Claimed::NotYours);
    };
    if !owns(conn, shop, found.title.order_id, &visitor.keys())? {
        entry.log(conn, shop, 403, "not the buyer's browser")?;
        return Ok(Claimed::NotYours);
    }
    if found.token.entitlement_state != "active" {
        entry.log(conn, shop, 403, "suspended")?;
        return Ok(Claimed::Refused(found.token.state(now)));
    }
    let Some((file_id, size, filename, format)) = wanted_file(conn, found.title.book_id, what)? else {
        return Err(Error::NotFound);
    };
    // Locks the token's row until the end of the transaction, so that a double click finds the first click's claim. On
    // SQLite there is one writer.
    if let AnyConnection::Postgres(conn) = conn {
        let lock = download_token::table.find(found.token.token_id).select(download_token::id).for_update();
        lock.first::<i64>(conn)?;
    }
    if let Some(claim_id) = claim_with_room(conn, &found, browser, file_id, size, now)? {
        return Ok(Claimed::File(file_path(shop, claim_id, &filename)));
    }
    let taken = Constant(&[
        ("UPDATE download_token SET used_count = used_count + 1 WHERE id = ", Number(found.token.token_id)),
        (" AND used_count < max_uses AND revoked_at IS NULL AND expires_at > ", Moment(now)),
    ])
    .execute(conn)?;
    if taken == 0 {
        let state = if found.token.expires_at <= now { TokenState::Expired } else { TokenState::UsedUp };
        entry.log(conn, shop, 410, if state == TokenState::Expired { "expired" } else { "used up" })?;
        return Ok(Claimed::Refused(state));
    }
    // The secret depends on the id.
    let claim_id = next_id(conn, "download_claim")?;
    let secret = shop.0.key.derive(Purpose::DownloadClaim, claim_id, 0);
    let ends = now + TimeDelta::hours(shop.0.settings.policy.claim_hours.into());
    Constant(&[
        (
            "INSERT INTO download_claim (id, token_id, hash, browser_hash, created_at, expires_at, format) VALUES (",
            Number(claim_id),
        ),
        (", ", Number(found.token.token_id)),
        (", ", Text(&secrets::hash(&secret))),
        (", ", Text(&browser.hash())),
        (", ", Moment(now)),
        (", ", Moment(ends)),
        (", ", Text(&format)),
        (")", End),
    ])
    .execute(conn)?;
    Entry { claim_id: Some(claim_id), ..entry }.log(conn, shop, 303, "claimed")?;
    let (kind, title) = (EventType::DownloadClaimed, found.token.entitlement_id);
    Listeners::load(conn)?.download(conn, kind, title, DownloadBy::Buyer, now)?;
    claims::note(conn, claim_id)?;
    Ok(Claimed::File(format!("/f/{secret}/{filename}")))
}

/// The newest file that is wanted of a book: id, bytes, name and format.
fn wanted_file(
    conn: &mut AnyConnection,
    book_id: i64,
    what: &Wanted,
) -> QueryResult<Option<(i64, i64, String, String)>> {
    let files = "SELECT f.id, f.bytes, f.filename, f.format FROM book_file AS f JOIN edition AS n ON n.id = f.edition_id WHERE n.book_id = ";
    let (which, named) = match what {
        Wanted::Format(format) => (" AND f.format = ", format.as_str()),
        Wanted::File(name) => (" AND f.filename = ", name.as_str()),
    };
    let newest = Constant(&[(files, Number(book_id)), (which, Text(named)), (" ORDER BY n.id DESC LIMIT 1", End)]);
    newest.asking::<(BigInt, BigInt, sql_types::Text, sql_types::Text)>().get_result(conn).optional()
}

fn file_path(shop: &Shop, claim_id: i64, filename: &str) -> String {
    format!("/f/{}/{filename}", shop.0.key.derive(Purpose::DownloadClaim, claim_id, 0))
}

/// The browser's latest claim on this token that is not over.
fn latest_claim(
    conn: &mut AnyConnection,
    token_id: i64,
    browser: &BrowserSecret,
    now: NaiveDateTime,
) -> Result<Option<(i64, NaiveDateTime)>, Error> {
    let latest = Constant(&[
        ("SELECT id, expires_at FROM download_claim WHERE token_id = ", Number(token_id)),
        (" AND browser_hash = ", Text(&browser.hash())),
        (" AND expires_at > ", Moment(now)),
        (" ORDER BY id DESC LIMIT 1", End),
    ]);
    Ok(latest.asking::<(BigInt, Timestamp)>().get_result(conn).optional()?)
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
    let Some((claim_id, _)) = latest_claim(conn, found.token.token_id, browser, now)? else { return Ok(None) };
    let served: Option<i64> =
        download_quota::table.find((claim_id, file_id)).select(download_quota::bytes).first(conn).optional()?;
    Ok(has_room(served, size).then_some(claim_id))
}

/// Whether a claim that has `served` so much of a file may serve it whole once more.
fn has_room(served: Option<i64>, size: i64) -> bool {
    served.unwrap_or(0) <= size.saturating_mul(TIMES_OVER - 1)
}

/// What the browser's running download still serves whole, and until when.
pub(crate) struct RunningClaim {
    pub(crate) serves: Vec<BookFormat>,
    pub(crate) expires_at: NaiveDateTime,
}

/// The browser's running download of a token.
pub(crate) fn running_claim(
    conn: &mut AnyConnection,
    token_id: i64,
    book_id: i64,
    browser: &BrowserSecret,
    now: NaiveDateTime,
) -> Result<Option<RunningClaim>, Error> {
    let Some((claim_id, expires_at)) = latest_claim(conn, token_id, browser, now)? else { return Ok(None) };
    let newest = catalog::newest_files(conn, book_id)?;
    let served: HashMap<i64, i64> = download_quota::table
        .filter(download_quota::claim_id.eq(claim_id))
        .select((download_quota::book_file_id, download_quota::bytes))
        .load(conn)?
        .into_iter()
        .collect();
    let room =
        |id: &i64, info: &FormatInfo| has_room(served.get(id).copied(), i64::try_from(info.bytes).unwrap_or(i64::MAX));
    let serves = newest.into_iter().filter(|(id, info)| room(id, info)).map(|(_, info)| info.format).collect();
    Ok(Some(RunningClaim { serves, expires_at }))
}
