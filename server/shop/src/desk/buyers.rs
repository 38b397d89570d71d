//! Everything under one address. The buyer is named by any order of hers, so that no address stands in a URL.

use super::Refusal;
use super::orders::{OrderRow, rows};
use crate::audit::Actor;
use crate::db::AnyConnection;
use crate::db::schema::{book, buyer_session, entitlement, order_item, orders};
use crate::privacy::{Erased, NotErased, is_erased};
use crate::types::{Currency, Email, Money, OrderNumber, OrderStatus};
use crate::{Error, Shop};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::BTreeMap;

/// Orders on the page; a buyer with more is found in the list of orders.
const MOST: i64 = 200;

/// A buyer at the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuyerSheet {
    /// The order that names her: her latest.
    pub number: OrderNumber,
    /// Her address as last typed.
    pub email: String,
    /// The names that she has typed on Stripe's page.
    pub names: Vec<String>,
    /// Since when, UTC.
    pub since: NaiveDateTime,
    /// Her orders, newest first.
    pub orders: Vec<OrderRow>,
    /// Whether there are more.
    pub more: bool,
    /// What she has paid, by currency; what went back is not taken off.
    pub paid: Vec<Money>,
    /// Her titles, latest first.
    pub titles: Vec<BuyerTitle>,
    /// In how many browsers her library is open.
    pub sessions: i64,
}

/// A title that somebody has a right to, or had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BuyerTitle {
    /// As bought.
    pub title: String,
    /// The book's slug.
    pub slug: String,
    /// Since when, UTC.
    pub since: NaiveDateTime,
    /// Whether it can be had.
    pub open: bool,
}

impl Shop {
    /// Everything under the address of an order; none if there is no such order, or its buyer was erased.
    ///
    /// # Errors
    /// The database's.
    pub async fn buyer_sheet(&self, number: &OrderNumber) -> Result<Option<BuyerSheet>, Error> {
        let (number, now) = (number.clone(), self.0.clock.now());
        self.0.db.read(move |conn| sheet(conn, &number, now)).await
    }

    /// The address of an order; none if there is no such order, or its buyer was erased.
    ///
    /// # Errors
    /// The database's.
    pub async fn buyer_address(&self, number: &OrderNumber) -> Result<Option<Email>, Error> {
        let number = number.clone();
        self.0
            .db
            .read(move |conn| {
                let row = orders::table.filter(orders::number.eq(number.as_str())).select(orders::email);
                let email: Option<String> = row.first(conn).optional()?;
                Ok(email.filter(|email| !is_erased(email)).and_then(|email| email.parse().ok()))
            })
            .await
    }

    /// Forgets the buyer of an order, if `typed` is her address: see [`Shop::erase_buyer`].
    ///
    /// # Errors
    /// [`Error::NotFound`] if there is no such order or its buyer was erased, and those of [`Shop::erase_buyer`].
    pub async fn erase_buyer_of(
        &self,
        number: &OrderNumber,
        typed: &str,
        actor: &Actor,
    ) -> Result<Result<Result<Erased, NotErased>, Refusal>, Error> {
        let email = self.buyer_address(number).await?.ok_or(Error::NotFound)?;
        if typed.trim().to_lowercase() != email.normalized() {
            return Ok(Err(Refusal::NotConfirmed));
        }
        self.erase_buyer(&email, actor).await.map(Ok)
    }
}

fn sheet(conn: &mut AnyConnection, number: &OrderNumber, now: NaiveDateTime) -> Result<Option<BuyerSheet>, Error> {
    let named = orders::table.filter(orders::number.eq(number.as_str())).select(orders::email_norm);
    let Some(norm) = named.first::<String>(conn).optional()?.filter(|norm| !is_erased(norm)) else { return Ok(None) };
    let hers = || orders::table.filter(orders::email_norm.eq(&norm));
    let found: Vec<(i64, String, String, Option<String>)> = hers()
        .order(orders::id.desc())
        .limit(MOST + 1)
        .select((orders::id, orders::number, orders::email, orders::name))
        .load(conn)?;
    let Some((_, latest, email, _)) = found.first().cloned() else { return Ok(None) };
    let since: NaiveDateTime = hers().order(orders::id).select(orders::created_at).first(conn)?;
    let shown = usize::try_from(MOST).unwrap_or_default();
    let ids: Vec<i64> = found.iter().take(shown).map(|(id, ..)| *id).collect();
    let mut names: Vec<String> = Vec::new();
    for name in found.iter().filter_map(|(.., name)| name.as_ref()).filter(|name| !name.trim().is_empty()) {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    Ok(Some(BuyerSheet {
        number: latest.parse().map_err(|_| Error::internal("an order's number"))?,
        email,
        names,
        since,
        orders: rows(conn, &ids)?,
        more: found.len() > shown,
        paid: paid(conn, &norm)?,
        titles: titles(conn, &norm)?,
        sessions: buyer_session::table
            .filter(buyer_session::email_norm.eq(&norm))
            .filter(buyer_session::revoked_at.is_null())
            .filter(buyer_session::expires_at.gt(now))
            .count()
            .get_result(conn)?,
    }))
}

fn paid(conn: &mut AnyConnection, norm: &str) -> Result<Vec<Money>, Error> {
    let rows: Vec<(String, i64)> = orders::table
        .filter(orders::email_norm.eq(norm))
        .filter(orders::status.eq(OrderStatus::Succeeded.as_str()))
        .filter(orders::amount_total.gt(0))
        .select((orders::currency, orders::amount_total))
        .load(conn)?;
    let mut sums: BTreeMap<String, i64> = BTreeMap::new();
    for (currency, amount) in rows {
        let sum = sums.entry(currency).or_default();
        *sum = sum.saturating_add(amount);
    }
    sums.into_iter()
        .map(|(code, amount)| {
            let currency: Currency = code.parse().map_err(|_| Error::internal("an order's currency"))?;
            Ok(Money::new(amount, currency))
        })
        .collect()
}

fn titles(conn: &mut AnyConnection, norm: &str) -> Result<Vec<BuyerTitle>, Error> {
    let rows: Vec<(String, String, NaiveDateTime, String)> = entitlement::table
        .inner_join(order_item::table)
        .inner_join(book::table)
        .filter(entitlement::email_norm.eq(norm))
        .order(entitlement::id.desc())
        .limit(MOST)
        .select((order_item::title_snapshot, book::slug, entitlement::granted_at, entitlement::state))
        .load(conn)?;
    Ok(rows
        .into_iter()
        .map(|(title, slug, since, state)| BuyerTitle { title, slug, since, open: state == "active" })
        .collect())
}
