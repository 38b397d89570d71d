//! One order with everything that the desk needs to know of it.

use super::orders::{Moved, Standing};
use super::timeline::{self, Moment};
use crate::db::AnyConnection;
use crate::db::schema::{
    book, dispute, download_token, entitlement, order_item, orders, refund, refund_item, withdrawal,
};
use crate::notation::Notation;
use crate::orders::{TokenRow, status, token_columns};
use crate::privacy::is_erased;
use crate::rights::LIVING;
use crate::types::{
    BuyerForm, Currency, DisputeStage, InvoiceLink, Money, OrderNumber, OrderStatus, RefundStatus, TokenState,
};
use crate::{Error, Shop, invoices, tax};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::{HashMap, HashSet};

/// An order at the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderSheet {
    /// Its number.
    pub number: OrderNumber,
    /// The buyer's address, in full: the caller masks it for who may not see it.
    pub email: String,
    /// Whether its buyer was erased.
    pub erased: bool,
    /// The name as typed on Stripe's page.
    pub name: Option<String>,
    /// The country of the payment, ISO 3166.
    pub country: Option<String>,
    /// When it was placed.
    pub placed_at: NaiveDateTime,
    /// When it was paid.
    pub paid_at: Option<NaiveDateTime>,
    /// Whether the money has arrived.
    pub status: OrderStatus,
    /// Where it stands, all its rows considered.
    pub standing: Standing,
    /// Before discount and tax.
    pub subtotal: Money,
    /// What was taken off.
    pub discount: Money,
    /// The tax.
    pub tax: Money,
    /// Whether the prices held it already, rather than it was added to them.
    pub tax_included: bool,
    /// Stripe's word for why it could not work out the tax, until somebody has seen to it.
    pub tax_problem: Option<String>,
    /// Who taxes it, and the number that a business gave.
    pub tax_country: Option<String>,
    /// With Stripe's word for its kind left out.
    pub vat_id: Option<String>,
    /// The business.
    pub company: Option<String>,
    /// What was to be paid.
    pub total: Money,
    /// What went back, or is on its way.
    pub refunded: Money,
    /// What can still be refunded: nothing where nothing was paid through Stripe.
    pub refundable: Money,
    /// The number of its invoice.
    pub invoice: Option<String>,
    /// Its invoices and credit notes, oldest first.
    pub documents: Vec<InvoiceLink>,
    /// Whom the invoice is made out to, if it can still be replaced.
    pub buyer_form: Option<BuyerForm>,
    /// Stripe's name for the payment.
    pub payment: Option<String>,
    /// Until when a bank waits for an answer; nothing if none asks.
    pub answer_by: Option<NaiveDateTime>,
    /// Whether there is or was a dispute or an inquiry.
    pub disputed: bool,
    /// Its titles.
    pub items: Vec<SheetItem>,
    /// What happened, oldest first.
    pub timeline: Vec<Moment>,
    /// Downloads that are not on the timeline because there are too many.
    pub left_out: i64,
}

/// A title of an order at the desk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetItem {
    /// The item's id.
    pub id: i64,
    /// As bought.
    pub title: String,
    /// The book's slug.
    pub slug: String,
    /// What was paid for it.
    pub total: Money,
    /// What of it can still be refunded.
    pub refundable: Money,
    /// The right to it; nothing before the order is paid.
    pub right: Option<Right>,
    /// Whether the desk has taken it back.
    pub withdrawn: bool,
}

/// The right to a title with its current link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// What can be done with the link.
    pub state: TokenState,
    /// Why the title cannot be had, if it cannot: `refunded`, `disputed`, `withdrawn` or `erased`.
    pub reason: Option<String>,
    /// Downloads that can still be started.
    pub uses_left: u32,
    /// Of how many.
    pub max_uses: u32,
    /// Until when.
    pub expires_at: NaiveDateTime,
    /// How often the link was renewed.
    pub renewals: u32,
}

impl Right {
    /// In words: "2 of 3 downloads left until 22 November 2026, 14:05 UTC".
    #[must_use]
    pub fn text(&self, notation: &Notation) -> String {
        let Self { uses_left, max_uses, expires_at, .. } = self;
        let expires = notation.moment(*expires_at);
        match (self.state, self.reason.as_deref()) {
            (TokenState::Usable, _) => format!("{uses_left} of {max_uses} downloads left until {expires}"),
            (TokenState::UsedUp, _) => format!("All {max_uses} downloads are used; the link ends {expires}"),
            (TokenState::Expired, _) => format!("The link expired {expires}, {uses_left} of {max_uses} downloads left"),
            (TokenState::Suspended, _) => "Suspended while the payment is disputed".into(),
            (TokenState::Revoked, Some("refunded")) => "Taken back: its payment was refunded".into(),
            (TokenState::Revoked, Some("disputed")) => "Taken back: the bank took its payment back".into(),
            (TokenState::Revoked, Some("withdrawn")) => "Taken back by the desk".into(),
            (TokenState::Revoked, Some("erased")) => "Closed: its buyer was erased".into(),
            (TokenState::Revoked, _) => "Taken back".into(),
        }
    }
}

#[derive(Queryable)]
pub(super) struct OrderRow {
    pub(super) id: i64,
    pub(super) number: String,
    email: String,
    name: Option<String>,
    country: Option<String>,
    pub(super) created_at: NaiveDateTime,
    pub(super) paid_at: Option<NaiveDateTime>,
    status: String,
    subtotal: i64,
    discount: i64,
    tax: i64,
    pub(super) total: i64,
    currency: String,
    pub(super) session: Option<String>,
    pub(super) payment: Option<String>,
    pub(super) checkout_id: Option<i64>,
    tax_country: Option<String>,
    vat_id: Option<String>,
    company: Option<String>,
    tax_problem: Option<String>,
    tax_seen_to_at: Option<NaiveDateTime>,
}

#[derive(Queryable)]
pub(super) struct ItemRow {
    pub(super) id: i64,
    pub(super) title: String,
    slug: String,
    total: i64,
}

impl Shop {
    /// An order with its titles and its story; none if there is no order of this number.
    ///
    /// # Errors
    /// The database's.
    pub async fn order_sheet(&self, number: &OrderNumber) -> Result<Option<OrderSheet>, Error> {
        let (shop, number) = (self.clone(), number.clone());
        self.0.db.read(move |conn| sheet(conn, &shop, &number)).await
    }
}

fn sheet(conn: &mut AnyConnection, shop: &Shop, number: &OrderNumber) -> Result<Option<OrderSheet>, Error> {
    let row: Option<OrderRow> = orders::table
        .filter(orders::number.eq(number.as_str()))
        .select((
            orders::id,
            orders::number,
            orders::email,
            orders::name,
            orders::country,
            orders::created_at,
            orders::paid_at,
            orders::status,
            orders::amount_subtotal,
            orders::amount_discount,
            orders::amount_tax,
            orders::amount_total,
            orders::currency,
            orders::stripe_session,
            orders::stripe_payment_intent,
            orders::checkout_id,
            orders::tax_country,
            orders::vat_id,
            orders::company,
            orders::tax_problem,
            orders::tax_seen_to_at,
        ))
        .first(conn)
        .optional()?;
    let Some(row) = row else { return Ok(None) };
    let corrupt = |what: &str| Error::internal(format!("order {}: bad {what}", row.number));
    let currency: Currency = row.currency.parse().map_err(|_| corrupt("currency"))?;
    let money = |minor| Money::new(minor, currency);
    let status = status(row.id, &row.status)?;
    let titles: Vec<ItemRow> = order_item::table
        .inner_join(book::table)
        .filter(order_item::order_id.eq(row.id))
        .order(order_item::position)
        .select((order_item::id, order_item::title_snapshot, book::slug, order_item::total))
        .load(conn)?;
    let (back, asked) = refunded(conn, row.id)?;
    // What is asked for and not confirmed is not there to be asked for again.
    let refundable = if status == OrderStatus::Succeeded && row.payment.is_some() {
        row.total.saturating_sub(back).saturating_sub(asked).max(0)
    } else {
        0
    };
    let items = items(conn, shop, row.id, &titles, currency, refundable > 0)?;
    let disputes: Vec<(String, Option<NaiveDateTime>)> = dispute::table
        .filter(dispute::order_id.eq(row.id))
        .order(dispute::id)
        .select((dispute::status, dispute::evidence_due_by))
        .load(conn)?;
    let asks = |status: &str| status == "needs_response" || status == "warning_needs_response";
    let answer_by = disputes.iter().filter(|(status, _)| asks(status)).filter_map(|(_, due)| *due).min();
    let (timeline, left_out) = timeline::of(conn, shop, &row, &titles, currency)?;
    let moved = Moved::of(conn, &[row.id])?;
    Ok(Some(OrderSheet {
        number: row.number.parse().map_err(|_| corrupt("number"))?,
        erased: is_erased(&row.email),
        placed_at: row.created_at,
        paid_at: row.paid_at,
        status,
        standing: moved.standing(row.id, status, money(row.total)),
        subtotal: money(row.subtotal),
        discount: money(row.discount),
        tax: money(row.tax),
        tax_included: tax::is_included(row.subtotal, row.discount, row.total),
        tax_problem: row.tax_problem.clone().filter(|_| row.tax_seen_to_at.is_none()),
        tax_country: row.tax_country.clone(),
        vat_id: row.vat_id.clone(),
        company: row.company.clone(),
        total: money(row.total),
        refunded: money(back),
        refundable: money(refundable),
        invoice: invoices::number_of(conn, row.id)?,
        documents: invoices::links_of(conn, shop, row.id)?,
        buyer_form: invoices::form(conn, shop, row.id, true)?,
        answer_by,
        disputed: disputes.iter().any(|(status, _)| DisputeStage::of(status) != DisputeStage::Won),
        items,
        timeline,
        left_out,
        email: row.email,
        name: row.name,
        country: row.country,
        payment: row.payment,
    }))
}

/// What of an order went back, and what was asked for and is not confirmed.
fn refunded(conn: &mut AnyConnection, order_id: i64) -> Result<(i64, i64), Error> {
    let rows: Vec<(i64, String)> =
        refund::table.filter(refund::order_id.eq(order_id)).select((refund::amount, refund::status)).load(conn)?;
    let sum = |of: &dyn Fn(&str) -> bool| {
        rows.iter().filter(|(_, status)| of(status)).fold(0_i64, |sum, (amount, _)| sum.saturating_add(*amount))
    };
    Ok((sum(&|status| LIVING.contains(&status)), sum(&|status| status == RefundStatus::Requested.as_str())))
}

fn items(
    conn: &mut AnyConnection,
    shop: &Shop,
    order_id: i64,
    titles: &[ItemRow],
    currency: Currency,
    refundable: bool,
) -> Result<Vec<SheetItem>, Error> {
    let now = shop.0.clock.now();
    let ids: Vec<i64> = titles.iter().map(|item| item.id).collect();
    let tokens: Vec<(i64, Option<String>, TokenRow)> = download_token::table
        .inner_join(entitlement::table)
        .filter(entitlement::order_item_id.eq_any(&ids))
        .filter(download_token::revoked_at.is_null())
        .select((entitlement::order_item_id, entitlement::reason, token_columns!()))
        .load(conn)?;
    let mut rights: HashMap<i64, Right> = tokens
        .into_iter()
        .map(|(item, reason, token)| {
            let right = Right {
                state: token.state(now),
                reason,
                uses_left: token.max_uses.saturating_sub(token.used_count).unsigned_abs(),
                max_uses: token.max_uses.unsigned_abs(),
                expires_at: token.expires_at,
                renewals: token.generation.saturating_sub(1).unsigned_abs(),
            };
            (item, right)
        })
        .collect();
    let withdrawn: Vec<i64> = withdrawal::table
        .filter(withdrawal::order_item_id.eq_any(&ids))
        .filter(withdrawal::lifted_at.is_null())
        .select(withdrawal::order_item_id)
        .load(conn)?;
    let withdrawn: HashSet<i64> = withdrawn.into_iter().collect();
    let taken: Vec<(i64, i64)> = refund_item::table
        .inner_join(refund::table)
        .filter(refund::order_id.eq(order_id))
        .filter(refund::status.eq_any(LIVING).or(refund::status.eq(RefundStatus::Requested.as_str())))
        .select((refund_item::order_item_id, refund_item::amount))
        .load(conn)?;
    Ok(titles
        .iter()
        .map(|item| {
            let back = taken.iter().filter(|(id, _)| *id == item.id).map(|(_, amount)| *amount).sum::<i64>();
            let left = if refundable { item.total.saturating_sub(back).max(0) } else { 0 };
            SheetItem {
                id: item.id,
                title: item.title.clone(),
                slug: item.slug.clone(),
                total: Money::new(item.total, currency),
                refundable: Money::new(left, currency),
                right: rights.remove(&item.id),
                withdrawn: withdrawn.contains(&item.id),
            }
        })
        .collect())
}
