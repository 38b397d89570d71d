//! The cart: which titles, in one currency. It lives in the visitor's session.
//!
//! Prices are never taken from it: each is read from the database when the cart is shown and again when it is paid.
//! What it does keep is the price each title had when it was put in, so that a change can be said aloud.

use crate::catalog;
use crate::db::AnyConnection;
use crate::db::schema::{book, book_file, book_price, edition};
use crate::secrets;
use crate::types::{BookFormat, CartLine, CartProblem, CartView, Currency, Money, PriceTax, Slug};
use crate::{Error, Shop, tax};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeSet, HashMap};

/// A visitor's cart, as the session keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cart {
    currency: Currency,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    book_id: i64,
    /// Minor units, when the title was put in; shown as "was", never charged.
    seen: i64,
    /// When the title was put in, UTC; nothing in carts from before it was kept.
    #[serde(default)]
    put_in: Option<NaiveDateTime>,
}

impl Cart {
    /// As many as one Stripe Checkout Session has line items
    /// (<https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-line_items>).
    pub const MAX_TITLES: usize = 100;

    /// An empty cart.
    #[must_use]
    pub fn new(currency: Currency) -> Self {
        Self { currency, entries: Vec::new() }
    }

    /// How many titles were put in.
    #[must_use]
    pub fn count(&self) -> usize {
        self.entries.len()
    }

    /// The currency it is priced in.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.currency
    }

    /// When the last of its titles was put in; none if that is not known of each.
    pub(crate) fn filled_at(&self) -> Option<NaiveDateTime> {
        let times: Option<Vec<NaiveDateTime>> = self.entries.iter().map(|entry| entry.put_in).collect();
        times?.into_iter().max()
    }
}

/// A title as it would be sold right now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Offer {
    pub(crate) book_id: i64,
    pub(crate) title: String,
    pub(crate) unit_amount: i64,
    /// Stripe's product tax code; empty in checkouts from before it was kept.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) tax_code: String,
}

/// Names exactly these titles at these prices in this currency, taxed like that.
pub(crate) fn snapshot_hash(currency: Currency, offers: &[Offer], tax: Option<&str>) -> String {
    let mut text = currency.code().to_owned();
    for offer in offers {
        text.push_str(&format!(";{}={}", offer.book_id, offer.unit_amount));
    }
    if let Some(tax) = tax {
        text.push_str(";tax=");
        text.push_str(tax);
    }
    secrets::hash(&text)
}

impl Shop {
    /// Puts a published title into the cart; a second time changes nothing.
    ///
    /// # Errors
    /// [`Error::BookUnavailable`] if it is not sold in the cart's currency, [`Error::CartFull`], the database's.
    pub async fn add_to_cart(&self, cart: &mut Cart, slug: &Slug) -> Result<(), Error> {
        let (slug, currency) = (slug.clone(), cart.currency);
        let found = self.0.db.read(move |conn| offer(conn, &slug, currency)).await?.ok_or(Error::BookUnavailable)?;
        if cart.entries.iter().any(|entry| entry.book_id == found.book_id) {
            return Ok(());
        }
        if cart.entries.len() >= Cart::MAX_TITLES {
            return Err(Error::CartFull);
        }
        cart.entries.push(Entry { put_in: Some(self.0.clock.now()), ..found });
        Ok(())
    }

    /// Takes a title out of the cart; if it is not in there, nothing happens.
    ///
    /// # Errors
    /// The database's.
    pub async fn remove_from_cart(&self, cart: &mut Cart, slug: &Slug) -> Result<(), Error> {
        let slug = slug.clone();
        let id = self
            .0
            .db
            .read(move |conn| {
                Ok(book::table.filter(book::slug.eq(slug.as_str())).select(book::id).first::<i64>(conn).optional()?)
            })
            .await?;
        cart.entries.retain(|entry| Some(entry.book_id) != id);
        Ok(())
    }

    /// Prices the cart in another currency from now on. What each title was seen at is its price there: that it is another
    /// amount is what the buyer asked for. Titles that are not sold in it stay, and the cart says so.
    ///
    /// # Errors
    /// The database's.
    pub async fn price_cart_in(&self, cart: &mut Cart, currency: Currency) -> Result<(), Error> {
        if cart.currency == currency {
            return Ok(());
        }
        cart.currency = currency;
        let copy = cart.clone();
        let offers = self.0.db.read(move |conn| offers(conn, &copy)).await?;
        let prices: HashMap<i64, i64> = offers.iter().map(|offer| (offer.book_id, offer.unit_amount)).collect();
        for entry in &mut cart.entries {
            if let Some(price) = prices.get(&entry.book_id) {
                entry.seen = *price;
            }
        }
        Ok(())
    }

    /// The cart at today's prices, with what has changed since the titles were put in.
    ///
    /// # Errors
    /// [`Error::Money`] if the sum does not fit, the database's.
    pub async fn cart_view(&self, cart: &Cart) -> Result<CartView, Error> {
        let cart = cart.clone();
        self.0.db.read(move |conn| view(conn, &cart)).await
    }
}

fn offer(conn: &mut AnyConnection, slug: &Slug, currency: Currency) -> Result<Option<Entry>, Error> {
    let id: Option<i64> = book::table.filter(book::slug.eq(slug.as_str())).select(book::id).first(conn).optional()?;
    let Some(id) = id else { return Ok(None) };
    let row = catalog::published(conn, &[id], currency)?.pop();
    Ok(row.and_then(|row| row.price(currency)).map(|price| Entry { book_id: id, seen: price.minor(), put_in: None }))
}

/// What the cart's titles would be sold for now, in the cart's order; titles that are not sold are left out.
pub(crate) fn offers(conn: &mut AnyConnection, cart: &Cart) -> Result<Vec<Offer>, Error> {
    let ids: Vec<i64> = cart.entries.iter().map(|entry| entry.book_id).collect();
    let mut rows: HashMap<i64, catalog::CardRow> =
        catalog::published(conn, &ids, cart.currency)?.into_iter().map(|row| (row.id, row)).collect();
    Ok(ids
        .into_iter()
        .filter_map(|id| {
            let row = rows.remove(&id)?;
            let unit_amount = row.price(cart.currency)?.minor();
            Some(Offer { book_id: id, title: row.title, unit_amount, tax_code: row.tax_code })
        })
        .collect())
}

fn view(conn: &mut AnyConnection, cart: &Cart) -> Result<CartView, Error> {
    let currency = cart.currency;
    let ids: Vec<i64> = cart.entries.iter().map(|entry| entry.book_id).collect();
    let rows = catalog::published(conn, &ids, currency)?;
    let row_ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    let cards = catalog::cards(conn, rows, currency)?;
    let mut cards: HashMap<i64, _> = row_ids.into_iter().zip(cards).collect();
    let mut formats = formats(conn, &ids)?;
    let offers = offers(conn, cart)?;
    let missing: Vec<i64> = ids.iter().copied().filter(|id| !cards.contains_key(id)).collect();
    let priced = book_price::table.filter(book_price::book_id.eq(book::id));
    let mut problems: Vec<CartProblem> = book::table
        .filter(book::id.eq_any(missing))
        .order(book::id)
        .select((book::title, book::slug, book::status.eq("published").and(diesel::dsl::exists(priced))))
        .load::<(String, String, bool)>(conn)?
        .into_iter()
        .map(|(title, slug, sold)| {
            if sold {
                CartProblem::OtherCurrency { title, slug, currency }
            } else {
                CartProblem::Unavailable { title, slug }
            }
        })
        .collect();
    let mut lines = Vec::with_capacity(ids.len());
    for entry in &cart.entries {
        let Some(card) = cards.remove(&entry.book_id) else { continue };
        let Some(now) = card.price else { continue };
        let price_was = (now.minor() != entry.seen).then(|| Money::new(entry.seen, currency));
        if let Some(was) = price_was {
            problems.push(CartProblem::PriceChanged { title: card.title.clone(), was, now });
        }
        lines.push(CartLine { book: card, formats: formats.remove(&entry.book_id).unwrap_or_default(), price_was });
    }
    let subtotal = Money::sum(currency, lines.iter().filter_map(|line| line.book.price))?;
    let settings = tax::settings(conn)?;
    let plan = tax::plan(conn)?;
    let snapshot = snapshot_hash(currency, &offers, plan.as_deref());
    let tax = settings.taxes().then_some(if settings.inclusive { PriceTax::Included } else { PriceTax::Added });
    Ok(CartView { lines, problems, subtotal, total: subtotal, tax, snapshot })
}

/// The formats of each book's newest edition for reading.
fn formats(conn: &mut AnyConnection, books: &[i64]) -> Result<HashMap<i64, String>, Error> {
    let rows: Vec<(i64, i64, String)> = edition::table
        .inner_join(book_file::table)
        .filter(edition::book_id.eq_any(books.to_vec()))
        .select((edition::book_id, edition::id, book_file::format))
        .load(conn)?;
    let mut newest: HashMap<i64, i64> = HashMap::new();
    for (book, edition, _) in &rows {
        let current = newest.entry(*book).or_insert(*edition);
        *current = (*current).max(*edition);
    }
    let mut names: HashMap<i64, BTreeSet<&'static str>> = HashMap::new();
    for (book, edition, format) in &rows {
        if let (true, Some(format)) = (newest.get(book) == Some(edition), BookFormat::parse(format)) {
            names.entry(*book).or_default().insert(format.label());
        }
    }
    Ok(names.into_iter().map(|(book, names)| (book, names.into_iter().collect::<Vec<_>>().join(", "))).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cart_is_as_old_as_its_last_title_if_all_are_known() {
        let cart = |entries: &str| -> Cart {
            serde_json::from_str(&format!(r#"{{"currency":"USD","entries":[{entries}]}}"#)).unwrap()
        };
        let first = r#"{"book_id":1,"seen":799,"put_in":"2026-11-26T12:00:00"}"#;
        let second = r#"{"book_id":2,"seen":100,"put_in":"2026-11-26T12:00:01.5"}"#;
        let old = r#"{"book_id":3,"seen":100}"#;
        let filled = |entries: &str| cart(entries).filled_at().map(|at| at.to_string());
        assert_eq!(filled(&format!("{second},{first}")).as_deref(), Some("2026-11-26 12:00:01.500"));
        assert_eq!(filled(&format!("{first},{old}")), None);
        assert_eq!(filled(""), None);
    }

    #[test]
    fn a_snapshot_names_titles_prices_and_currency() {
        let offer = |book_id, unit_amount| Offer { book_id, title: "t".into(), unit_amount, tax_code: String::new() };
        let snapshot_hash = |currency, offers: &[Offer]| super::snapshot_hash(currency, offers, None);
        let (usd, eur) = ("USD".parse().unwrap(), "EUR".parse().unwrap());
        let base = snapshot_hash(usd, &[offer(1, 799), offer(2, 100)]);
        for other in [
            snapshot_hash(eur, &[offer(1, 799), offer(2, 100)]),
            snapshot_hash(usd, &[offer(1, 798), offer(2, 100)]),
            snapshot_hash(usd, &[offer(2, 100), offer(1, 799)]),
            snapshot_hash(usd, &[offer(1, 799)]),
        ] {
            assert_ne!(base, other);
        }
        let taxed = super::snapshot_hash(usd, &[offer(1, 799), offer(2, 100)], Some("{}"));
        assert_ne!(base, taxed);
    }
}
