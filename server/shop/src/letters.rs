//! What the store writes to people: from the rows of an order to a letter in two parts that say the same.
//!
//! Secrets are derived here, when the mail is sent; nothing that waits in the outbox opens anything.

mod access;
mod address;
mod dispute;
mod edition;
mod order;
mod password;
mod refund;
mod webhook;

use crate::db::AnyConnection;
use crate::db::schema::{order_item, orders};
use crate::mailer::Letter;
use crate::notation::Notation;
use crate::outbox::Kind;
use crate::secrets::Purpose;
use crate::types::{Currency, Money, OrderNumber, pdf_address};
use crate::{Error, Shop, catalog, invoices, tax as taxes};
use chrono::{NaiveDateTime, TimeDelta};
use core::fmt;
use diesel::prelude::*;

/// Writes the letter that a row of the outbox stands for; none if there is nothing left to say.
///
/// # Errors
/// [`Error::Internal`] without an order, the database's.
pub(crate) fn write(
    conn: &mut AnyConnection,
    shop: &Shop,
    kind: Kind,
    order_id: Option<i64>,
) -> Result<Option<Letter>, Error> {
    match kind {
        Kind::AccessLink(request) => return access::letter(conn, shop, request),
        Kind::PasswordLink { user, generation } => return password::letter(conn, shop, user, generation),
        Kind::WebhookDisabled { endpoint, at } => return webhook::letter(conn, shop, endpoint, at),
        _ => {}
    }
    let id = order_id.ok_or_else(|| Error::internal(format!("a {} that belongs to no order", kind.name())))?;
    let order = Order::load(conn, shop, id)?;
    let letter = match kind {
        Kind::Receipt => order::letter(shop, &order, false),
        Kind::FreeOrderLink => order::letter(shop, &order, true),
        Kind::RefundNotice(id) => return refund::letter(conn, shop, &order, id),
        Kind::DisputeNotice(id) => dispute::letter(conn, shop, &order, id),
        Kind::AddressLeft(_) => address::letter(shop, &order, false),
        Kind::AddressCame(_) => address::letter(shop, &order, true),
        Kind::EditionNotice { edition, .. } => edition::letter(conn, shop, &order, edition),
        Kind::AccessLink(_) | Kind::PasswordLink { .. } | Kind::WebhookDisabled { .. } => return Ok(None),
    };
    letter.map(Some)
}

/// What stands around every letter.
struct Frame<'a> {
    store: &'a str,
    /// The store's front page.
    home: &'a str,
    /// The same without the scheme, for reading.
    host: &'a str,
    demo: bool,
}

impl<'a> Frame<'a> {
    fn new(shop: &'a Shop) -> Self {
        let home = shop.base_url();
        let host = home.split_once("://").map_or(home, |(_, host)| host);
        Self { store: shop.store_name(), home, host, demo: shop.is_demo() }
    }
}

/// An order as the letters tell of it.
struct Order {
    id: i64,
    number: OrderNumber,
    currency: Currency,
    lines: Vec<Line>,
    subtotal: Sum,
    /// Below zero.
    discount: Sum,
    tax: Sum,
    /// What stands beside it.
    tax_word: &'static str,
    total: Sum,
    placed_on: String,
    invoice: Option<Paper>,
    /// Opens the order in any browser; nothing once its time is over.
    link: Option<Link>,
}

/// An amount as the letters write it.
struct Sum {
    money: Money,
    written: String,
}

impl Sum {
    fn new(notation: &Notation, money: Money) -> Self {
        Self { money, written: notation.money(money) }
    }

    const fn is_zero(&self) -> bool {
        self.money.is_zero()
    }
}

impl fmt::Display for Sum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

/// An invoice or a credit note.
struct Paper {
    number: String,
    /// Its PDF, which asks who comes.
    url: String,
}

impl Paper {
    fn new(shop: &Shop, number: String) -> Self {
        Self { url: format!("{}{}", shop.base_url(), pdf_address(&number)), number }
    }
}

struct Link {
    url: String,
    /// For reading.
    until: String,
}

struct Line {
    item_id: i64,
    title: String,
    byline: String,
    price: Sum,
}

impl Order {
    fn load(conn: &mut AnyConnection, shop: &Shop, id: i64) -> Result<Self, Error> {
        type When = (NaiveDateTime, Option<NaiveDateTime>, Option<NaiveDateTime>, i32);
        type Row = (String, String, i64, i64, i64, i64, When);
        let (number, currency, subtotal, discount, tax, total, when): Row = orders::table
            .find(id)
            .select((
                orders::number,
                orders::currency,
                orders::amount_subtotal,
                orders::amount_discount,
                orders::amount_tax,
                orders::amount_total,
                (orders::created_at, orders::paid_at, orders::linked_at, orders::link_generation),
            ))
            .first(conn)?;
        let (created_at, paid_at, linked_at, generation) = when;
        let corrupt = |what: &str| Error::internal(format!("order {id}: bad {what}"));
        let number: OrderNumber = number.parse().map_err(|_| corrupt("number"))?;
        let currency: Currency = currency.parse().map_err(|_| corrupt("currency"))?;
        let items: Vec<(i64, i64, String, i64)> = order_item::table
            .filter(order_item::order_id.eq(id))
            .order(order_item::position)
            .select((order_item::id, order_item::book_id, order_item::title_snapshot, order_item::unit_amount))
            .load(conn)?;
        let books: Vec<i64> = items.iter().map(|item| item.1).collect();
        let mut bylines = catalog::bylines(conn, &books)?;
        let invoice = invoices::number_of(conn, id)?.map(|number| Paper::new(shop, number));
        let until = linked_at.or(paid_at).map(|at| at + TimeDelta::days(shop.0.settings.policy.token_days.into()));
        let link = until.filter(|until| *until > shop.0.clock.now()).map(|until| Link {
            url: format!(
                "{}/orders/{number}#{}",
                shop.base_url(),
                shop.0.key.derive(Purpose::OrderLink, id, generation)
            ),
            until: shop.notation().day(until.date()),
        });
        let money = |minor| Sum::new(shop.notation(), Money::new(minor, currency));
        Ok(Self {
            id,
            number,
            currency,
            lines: items
                .into_iter()
                .map(|(item_id, book_id, title, price)| Line {
                    item_id,
                    title: one_line(&title),
                    byline: one_line(&bylines.remove(&book_id).unwrap_or_default()),
                    price: money(price),
                })
                .collect(),
            subtotal: money(subtotal),
            discount: money(discount.checked_neg().ok_or_else(|| corrupt("discount"))?),
            tax: money(tax),
            tax_word: if taxes::is_included(subtotal, discount, total) { "Tax, included" } else { "Tax" },
            total: money(total),
            placed_on: shop.notation().day(created_at.date()),
            invoice,
            link,
        })
    }

    /// Where the button of a letter about so many books leads, and what it says.
    fn way_in(&self, shop: &Shop, books: usize) -> (String, &'static str) {
        match (&self.link, books) {
            (Some(link), 1) => (link.url.clone(), "Open your book"),
            (Some(link), _) => (link.url.clone(), "Open your books"),
            (None, _) => (format!("{}/orders/{}", shop.base_url(), self.number), "See your order"),
        }
    }
}

/// A text of one line: a title's line break must not begin a line of ours.
fn one_line(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn rendered(subject: String, text: askama::Result<String>, html: askama::Result<String>) -> Result<Letter, Error> {
    let failed = |error: askama::Error| Error::internal(format!("template: {error}"));
    // A template loses its last line break.
    Ok(Letter { subject, text: text.map_err(failed)? + "\n", html: html.map_err(failed)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_of_one_line_has_one() {
        assert_eq!(one_line("Moby\r\nDick;  or,\tThe\u{85}Whale "), "Moby Dick; or, The Whale");
    }
}
