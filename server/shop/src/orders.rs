//! Orders as their buyers see them, and who counts as the buyer.

use crate::catalog;
use crate::db::Value::{End, Moment, Number, Text};
use crate::db::schema::{book, download_token, entitlement, order_access, order_item, orders};
use crate::db::{AnyConnection, Constant, both};
use crate::secrets::{BrowserSecret, Keys, Purpose};
use crate::types::{
    Cover, Currency, DownloadView, Email, Money, OrderItemView, OrderNumber, OrderStatus, OrderView, TokenState,
};
use crate::{Error, Shop, access, downloads, invoices, limits, rights, tax};
use chrono::{NaiveDateTime, TimeDelta};
use diesel::prelude::*;
use diesel::sql_types::Integer;
use std::collections::HashMap;
use std::net::IpAddr;
use subtle::ConstantTimeEq;

/// The columns of an order's own row, in the order of [`order_columns`].
#[derive(Queryable, Clone)]
pub(crate) struct OrderRow {
    id: i64,
    number: String,
    email: String,
    amount_subtotal: i64,
    amount_discount: i64,
    amount_tax: i64,
    amount_total: i64,
    currency: String,
    status: String,
    created_at: NaiveDateTime,
}

macro_rules! order_columns {
    () => {
        (
            orders::id,
            orders::number,
            orders::email,
            orders::amount_subtotal,
            orders::amount_discount,
            orders::amount_tax,
            orders::amount_total,
            orders::currency,
            orders::status,
            orders::created_at,
        )
    };
}
pub(crate) use order_columns;

/// A download token with what its state depends on.
#[derive(Queryable, Clone)]
pub(crate) struct TokenRow {
    pub(crate) token_id: i64,
    pub(crate) entitlement_id: i64,
    pub(crate) generation: i32,
    pub(crate) expires_at: NaiveDateTime,
    pub(crate) max_uses: i32,
    pub(crate) used_count: i32,
    pub(crate) entitlement_state: String,
    pub(crate) granted_at: NaiveDateTime,
    /// Generations that the desk has made: the limit of renewals is for the buyer's own.
    pub(crate) desk_renewals: i32,
}

/// The columns of a [`TokenRow`], from `download_token` joined with `entitlement`.
macro_rules! token_columns {
    () => {
        (
            download_token::id,
            download_token::entitlement_id,
            download_token::generation,
            download_token::expires_at,
            download_token::max_uses,
            download_token::used_count,
            entitlement::state,
            entitlement::granted_at,
            entitlement::desk_renewals,
        )
    };
}
pub(crate) use token_columns;

impl TokenRow {
    pub(crate) fn state(&self, now: NaiveDateTime) -> TokenState {
        if self.entitlement_state == "revoked" {
            TokenState::Revoked
        } else if self.entitlement_state != "active" {
            TokenState::Suspended
        } else if self.expires_at <= now {
            TokenState::Expired
        } else if self.used_count >= self.max_uses {
            TokenState::UsedUp
        } else {
            TokenState::Usable
        }
    }

    pub(crate) fn renewable(&self, shop: &Shop, now: NaiveDateTime) -> bool {
        let policy = &shop.0.settings.policy;
        matches!(self.state(now), TokenState::Expired | TokenState::UsedUp)
            && self.generation.saturating_sub(self.desk_renewals) <= i32::from(policy.renewals)
            && now < self.granted_at + TimeDelta::days(policy.renewal_days.into())
    }

    pub(crate) fn view(
        &self,
        conn: &mut AnyConnection,
        shop: &Shop,
        book_id: i64,
        browser: Option<&BrowserSecret>,
        now: NaiveDateTime,
    ) -> Result<DownloadView, Error> {
        let mut formats: Vec<_> = catalog::newest_files(conn, book_id)?.into_iter().map(|(_, info)| info).collect();
        let (state, mut running_until, mut exhausted) = (self.state(now), None, Vec::new());
        let running = match browser {
            Some(browser) => downloads::running_claim(conn, self.token_id, book_id, browser, now)?,
            None => None,
        };
        if let (TokenState::Usable | TokenState::UsedUp, Some(claim)) = (state, running) {
            let (served, gone): (Vec<_>, Vec<_>) =
                formats.iter().cloned().partition(|info| claim.serves.contains(&info.format));
            // Of a token with uses left, a download that would not serve every format is not promised to.
            if gone.is_empty() || (state == TokenState::UsedUp && !served.is_empty()) {
                (formats, exhausted, running_until) = (served, gone, Some(shop.notation().moment(claim.expires_at)));
            }
        }
        Ok(DownloadView {
            token: shop.0.key.derive(Purpose::DownloadToken, self.entitlement_id, self.generation),
            state,
            uses_left: self.max_uses.saturating_sub(self.used_count).unsigned_abs(),
            max_uses: self.max_uses.unsigned_abs(),
            expires: shop.notation().moment(self.expires_at),
            renewable: self.renewable(shop, now),
            formats,
            running_until,
            exhausted,
        })
    }
}

impl Shop {
    /// An order; masked unless this browser has proven to be the buyer's.
    ///
    /// # Errors
    /// The database's.
    pub async fn order(&self, number: &OrderNumber, keys: impl Into<Keys>) -> Result<Option<OrderView>, Error> {
        let (shop, number, keys) = (self.clone(), number.clone(), keys.into());
        self.seen(&keys).await?;
        self.0
            .db
            .read(move |conn| {
                let row = orders::table
                    .filter(orders::number.eq(number.as_str()))
                    .select(order_columns!())
                    .first::<OrderRow>(conn)
                    .optional()?;
                row.map(|row| view(conn, &shop, row, &keys)).transpose()
            })
            .await
    }

    /// Opens one order in this browser with the secret from its mail, for as long as that secret is good.
    ///
    /// # Errors
    /// [`Error::Forbidden`] if the secret is wrong, too old, or the order does not exist (the three look alike);
    /// [`Error::RateLimited`] after 30 tries an hour from one network; the database's.
    pub async fn open_order(
        &self,
        number: &OrderNumber,
        secret: &str,
        browser: &BrowserSecret,
        client_ip: IpAddr,
    ) -> Result<(), Error> {
        const REFUSED: Error = Error::Forbidden("order secret");
        let now = self.0.clock.now();
        if !self.0.limits.order_secret.take(limits::network(client_ip), now) {
            return Err(Error::RateLimited);
        }
        let (shop, number, secret, browser_hash) = (self.clone(), number.clone(), secret.to_owned(), browser.hash());
        self.0
            .db
            .write(move |conn| {
                let (id, paid_at, linked_at, generation) = orders::table
                    .filter(orders::number.eq(number.as_str()))
                    .select((orders::id, orders::paid_at, orders::linked_at, orders::link_generation))
                    .first::<(i64, Option<NaiveDateTime>, Option<NaiveDateTime>, i32)>(conn)
                    .optional()?
                    .ok_or(REFUSED)?;
                let expected = shop.0.key.derive(Purpose::OrderLink, id, generation);
                let since = linked_at.or(paid_at).ok_or(REFUSED)?;
                let expires_at = since + TimeDelta::days(shop.0.settings.policy.token_days.into());
                if !bool::from(expected.as_bytes().ct_eq(secret.as_bytes())) || expires_at <= now {
                    return Err(REFUSED);
                }
                let values = (
                    order_access::order_id.eq(id),
                    order_access::browser_hash.eq(&browser_hash),
                    order_access::expires_at.eq(expires_at),
                );
                both!(conn, |c| diesel::insert_into(order_access::table)
                    .values(values)
                    .on_conflict_do_nothing()
                    .execute(c))?;
                Ok(())
            })
            .await
    }

    /// The link that opens an order in any browser: what its mail contains.
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such order or it is not paid, the database's.
    pub async fn order_link(&self, number: &OrderNumber) -> Result<String, Error> {
        let wanted = number.clone();
        let (id, generation) = self
            .0
            .db
            .read(move |conn| {
                let row = orders::table
                    .filter(orders::number.eq(wanted.as_str()))
                    .filter(orders::status.eq(OrderStatus::Succeeded.as_str()));
                let row = row.select((orders::id, orders::link_generation)).first::<(i64, i32)>(conn);
                row.optional()?.ok_or(Error::NotFound)
            })
            .await?;
        let secret = self.0.key.derive(Purpose::OrderLink, id, generation);
        Ok(format!("{}/orders/{number}#{secret}", self.base_url()))
    }
}

/// Whether this browser paid for the order (not long ago), has opened it with its mailed secret, or has opened the library
/// of its address.
pub(crate) fn owns(conn: &mut AnyConnection, shop: &Shop, order_id: i64, keys: &Keys) -> Result<bool, Error> {
    let now = shop.0.clock.now();
    if access::sessions::has_order(conn, keys.buyer.as_ref(), order_id, now)? {
        return Ok(true);
    }
    let Some(browser) = &keys.browser else { return Ok(false) };
    let hash = browser.hash();
    let made_after = now - TimeDelta::hours(shop.0.settings.policy.order_hours.into());
    // An order that Stripe took no money for was typed by anybody under any address: only the mailed link opens it.
    let open = Constant(&[
        (
            "SELECT 1 FROM orders AS o JOIN checkout AS c ON c.id = o.checkout_id WHERE o.stripe_session IS NOT NULL AND o.id = ",
            Number(order_id),
        ),
        (" AND c.browser_hash = ", Text(&hash)),
        (" AND o.created_at > ", Moment(made_after)),
        (" UNION ALL SELECT 1 FROM order_access WHERE order_id = ", Number(order_id)),
        (" AND browser_hash = ", Text(&hash)),
        (" AND expires_at > ", Moment(now)),
        (" LIMIT 1", End),
    ]);
    Ok(open.asking::<Integer>().get_result::<i32>(conn).optional()?.is_some())
}

/// The word in the database.
pub(crate) fn status(order_id: i64, word: &str) -> Result<OrderStatus, Error> {
    match word {
        "pending" => Ok(OrderStatus::Pending),
        "succeeded" => Ok(OrderStatus::Succeeded),
        "failed" => Ok(OrderStatus::Failed),
        _ => Err(Error::internal(format!("order {order_id}: bad status"))),
    }
}

/// The order as this browser may see it.
pub(crate) fn view(conn: &mut AnyConnection, shop: &Shop, row: OrderRow, keys: &Keys) -> Result<OrderView, Error> {
    let corrupt = |what: &str| Error::internal(format!("order {}: bad {what}", row.id));
    let currency: Currency = row.currency.parse().map_err(|_| corrupt("currency"))?;
    let status = status(row.id, &row.status)?;
    let number = row.number.parse().map_err(|_| corrupt("number"))?;
    let owned = owns(conn, shop, row.id, keys)?;
    let items = if owned { items(conn, shop, row.id, currency, status, keys.browser.as_ref())? } else { Vec::new() };
    let documents = if owned { invoices::links_of(conn, shop, row.id)? } else { Vec::new() };
    let buyer_form = if owned { invoices::form(conn, shop, row.id, false)? } else { None };
    let money = |minor| Money::new(minor, currency);
    let view = OrderView {
        number,
        status,
        email: row.email.clone(),
        placed_on: shop.notation().day(row.created_at.date()),
        items,
        subtotal: money(row.amount_subtotal),
        tax: money(row.amount_tax),
        tax_included: tax::is_included(row.amount_subtotal, row.amount_discount, row.amount_total),
        total: money(row.amount_total),
        invoice: invoices::number_of(conn, row.id)?,
        documents,
        buyer_form,
        owned,
    };
    Ok(if owned { view } else { view.masked(row.email.parse::<Email>().ok().as_ref()) })
}

fn items(
    conn: &mut AnyConnection,
    shop: &Shop,
    order_id: i64,
    currency: Currency,
    status: OrderStatus,
    browser: Option<&BrowserSecret>,
) -> Result<Vec<OrderItemView>, Error> {
    type Row = (i64, i64, String, i64, String, Option<String>, String);
    let now = shop.0.clock.now();
    let rows: Vec<Row> = order_item::table
        .inner_join(book::table)
        .filter(order_item::order_id.eq(order_id))
        .order(order_item::position)
        .select((
            order_item::id,
            book::id,
            order_item::title_snapshot,
            order_item::total,
            book::slug,
            book::cover_key,
            book::accent,
        ))
        .load(conn)?;
    let item_ids: Vec<i64> = rows.iter().map(|row| row.0).collect();
    let mut notes = rights::notes(conn, shop, order_id, &item_ids, currency)?;
    let tokens: Vec<(i64, TokenRow)> = download_token::table
        .inner_join(entitlement::table)
        .filter(entitlement::order_item_id.eq_any(item_ids))
        .filter(download_token::revoked_at.is_null())
        .select((entitlement::order_item_id, token_columns!()))
        .load(conn)?;
    let mut tokens: HashMap<i64, TokenRow> = tokens.into_iter().collect();
    let books: Vec<i64> = rows.iter().map(|row| row.1).collect();
    let mut bylines = catalog::bylines(conn, &books)?;
    rows.into_iter()
        .map(|(item_id, book_id, title, total, slug, cover_key, accent)| {
            let token = tokens.remove(&item_id).filter(|_| status == OrderStatus::Succeeded);
            Ok(OrderItemView {
                title,
                byline: bylines.remove(&book_id).unwrap_or_default(),
                slug,
                cover: cover_key.map(|key| Cover { key }),
                accent,
                total: Money::new(total, currency),
                notes: notes.remove(&item_id).unwrap_or_default(),
                download: token.map(|token| token.view(conn, shop, book_id, browser, now)).transpose()?,
            })
        })
        .collect()
}
