//! The shelf: everything that was bought under the address whose library a browser has opened.

use crate::access::sessions;
use crate::catalog;
use crate::db::AnyConnection;
use crate::db::schema::{book, dispute, download_token, entitlement, order_item, orders, refund};
use crate::orders::{TokenRow, status, token_columns};
use crate::rights;
use crate::secrets::{BrowserSecret, Keys};
use crate::types::{
    Cover, Currency, DisputeStage, LibraryView, Money, OrderStatus, ShelfOrder, ShelfTitle, TokenState,
};
use crate::{Error, Shop, editions, invoices};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::{HashMap, HashSet};

/// A title that was bought, with its way to the files.
#[derive(Queryable)]
struct Bought {
    book_id: i64,
    order_id: i64,
    item_id: i64,
    title: String,
    slug: String,
    cover_key: Option<String>,
    accent: String,
    token: TokenRow,
}

#[derive(Queryable)]
struct Order {
    id: i64,
    number: String,
    email: String,
    amount_total: i64,
    currency: String,
    status: String,
    created_at: NaiveDateTime,
    paid_at: Option<NaiveDateTime>,
}

impl Shop {
    /// The library that this browser has opened; none if it has opened none, or its session is over.
    ///
    /// # Errors
    /// The database's.
    pub async fn library(&self, keys: &Keys) -> Result<Option<LibraryView>, Error> {
        if keys.buyer.is_none() {
            return Ok(None);
        }
        self.seen(keys).await?;
        let (shop, keys, now) = (self.clone(), keys.clone(), self.0.clock.now());
        self.0
            .db
            .read(move |conn| {
                let Some(email_norm) = sessions::address(conn, keys.buyer.as_ref(), now)? else { return Ok(None) };
                let orders: Vec<Order> = orders::table
                    .filter(orders::email_norm.eq(&email_norm))
                    .order(orders::id.desc())
                    .select((
                        orders::id,
                        orders::number,
                        orders::email,
                        orders::amount_total,
                        orders::currency,
                        orders::status,
                        orders::created_at,
                        orders::paid_at,
                    ))
                    .load(conn)?;
                let money = Moved::load(conn, &orders)?;
                Ok(Some(LibraryView {
                    email: orders.first().map_or(email_norm, |order| order.email.clone()),
                    titles: titles(conn, &shop, &orders, &money, keys.browser.as_ref(), now)?,
                    orders: listed(conn, &shop, &orders, &money)?,
                }))
            })
            .await
    }
}

/// What refunds and disputes say of orders.
struct Moved {
    refunded: HashMap<i64, i64>,
    disputed: HashSet<i64>,
}

impl Moved {
    fn load(conn: &mut AnyConnection, orders: &[Order]) -> Result<Self, Error> {
        let ids: Vec<i64> = orders.iter().map(|order| order.id).collect();
        let refunds: Vec<(i64, i64)> = refund::table
            .filter(refund::order_id.eq_any(&ids))
            .filter(refund::status.eq_any(rights::LIVING))
            .select((refund::order_id, refund::amount))
            .load(conn)?;
        let mut refunded: HashMap<i64, i64> = HashMap::new();
        for (order_id, amount) in refunds {
            let sum = refunded.entry(order_id).or_default();
            *sum = rights::sum([*sum, amount])?;
        }
        let disputes: Vec<(i64, String)> = dispute::table
            .filter(dispute::order_id.eq_any(&ids))
            .select((dispute::order_id, dispute::status))
            .load(conn)?;
        let counts = |status: &str| matches!(DisputeStage::of(status), DisputeStage::Open | DisputeStage::Lost);
        let disputed =
            disputes.into_iter().filter(|(_, status)| counts(status)).map(|(order_id, _)| order_id).collect();
        Ok(Self { refunded, disputed })
    }

    fn touches(&self, order_id: i64) -> bool {
        self.refunded.contains_key(&order_id) || self.disputed.contains(&order_id)
    }
}

fn currency_of(order: &Order) -> Result<Currency, Error> {
    order.currency.parse().map_err(|_| Error::internal(format!("order {}: bad currency", order.id)))
}

fn listed(conn: &mut AnyConnection, shop: &Shop, orders: &[Order], money: &Moved) -> Result<Vec<ShelfOrder>, Error> {
    let ids: Vec<i64> = orders.iter().map(|order| order.id).collect();
    let mut documents = invoices::links_of_all(conn, shop, &ids)?;
    let now = shop.0.clock.now();
    let list = orders.iter().map(|order| {
        let currency = currency_of(order)?;
        Ok(ShelfOrder {
            number: order.number.parse().map_err(|_| Error::internal(format!("order {}: bad number", order.id)))?,
            status: status(order.id, &order.status)?,
            placed_on: shop.notation().day(order.created_at.date()),
            total: Money::new(order.amount_total, currency),
            refunded: money.refunded.get(&order.id).map(|amount| Money::new(*amount, currency)),
            disputed: money.disputed.contains(&order.id),
            changeable: order.status == OrderStatus::Succeeded.as_str()
                && invoices::is_in_time(shop, order.paid_at, now)
                && money.refunded.get(&order.id).copied().unwrap_or_default() < order.amount_total,
            documents: documents.remove(&order.id).unwrap_or_default(),
        })
    });
    list.collect()
}

/// Each title once. Bought twice, the purchase stands for it whose files can be had; else the latest.
fn titles(
    conn: &mut AnyConnection,
    shop: &Shop,
    orders: &[Order],
    money: &Moved,
    browser: Option<&BrowserSecret>,
    now: NaiveDateTime,
) -> Result<Vec<ShelfTitle>, Error> {
    let paid = orders.iter().filter(|order| order.status == OrderStatus::Succeeded.as_str());
    let paid: HashMap<i64, &Order> = paid.map(|order| (order.id, order)).collect();
    let ids: Vec<i64> = paid.keys().copied().collect();
    let rows: Vec<Bought> = download_token::table
        .inner_join(entitlement::table.inner_join(order_item::table).inner_join(book::table))
        .filter(order_item::order_id.eq_any(ids))
        .filter(download_token::revoked_at.is_null())
        .order((order_item::order_id.desc(), order_item::position))
        .select((
            book::id,
            order_item::order_id,
            order_item::id,
            order_item::title_snapshot,
            book::slug,
            book::cover_key,
            book::accent,
            token_columns!(),
        ))
        .load(conn)?;
    let mut kept: Vec<Bought> = Vec::new();
    for row in rows {
        match kept.iter_mut().find(|other| other.book_id == row.book_id) {
            Some(other) if rank(shop, &row.token, now) < rank(shop, &other.token, now) => *other = row,
            Some(_) => {}
            None => kept.push(row),
        }
    }
    let books: Vec<i64> = kept.iter().map(|row| row.book_id).collect();
    let mut bylines = catalog::bylines(conn, &books)?;
    let mut editions = editions::of_books(conn, shop, kept.iter().map(|row| row.slug.clone()).collect())?;
    kept.into_iter()
        .map(|row| {
            let order = paid.get(&row.order_id).ok_or_else(|| Error::internal("a title of no order"))?;
            let notes = if money.touches(row.order_id) {
                let mut notes = rights::notes(conn, shop, row.order_id, &[row.item_id], currency_of(order)?)?;
                notes.remove(&row.item_id).unwrap_or_default()
            } else {
                Vec::new()
            };
            Ok(ShelfTitle {
                byline: bylines.remove(&row.book_id).unwrap_or_default(),
                editions: row.slug.parse().ok().and_then(|slug| editions.remove(&slug)).unwrap_or_default(),
                download: row.token.view(conn, shop, row.book_id, browser, now)?,
                title: row.title,
                slug: row.slug,
                cover: row.cover_key.map(|key| Cover { key }),
                accent: row.accent,
                notes,
            })
        })
        .collect()
}

/// The less, the better.
fn rank(shop: &Shop, token: &TokenRow, now: NaiveDateTime) -> u8 {
    match token.state(now) {
        TokenState::Usable => 0,
        _ if token.renewable(shop, now) => 1,
        TokenState::Expired | TokenState::UsedUp => 2,
        TokenState::Suspended => 3,
        TokenState::Revoked => 4,
    }
}
