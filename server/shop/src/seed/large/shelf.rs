//! The books that orders are made of, as the database has them, and how likely each is bought.

use super::random::Random;
use crate::Error;
use crate::db::AnyConnection;
use crate::db::schema::{book, book_file, book_price, edition};
use crate::types::{BookFormat, Currency};
use chrono::NaiveDateTime;
use diesel::prelude::*;
use std::collections::HashMap;

/// A book that can have been bought.
pub(super) struct Title {
    pub(super) id: i64,
    pub(super) name: String,
    created_at: NaiveDateTime,
    prices: Vec<(Currency, i64)>,
    pub(super) file_id: i64,
    pub(super) file_bytes: i64,
    pub(super) format: BookFormat,
}

impl Title {
    pub(super) fn price(&self, currency: Currency) -> Option<i64> {
        self.prices.iter().find(|(c, _)| *c == currency).map(|(_, price)| *price)
    }
}

/// All of them, in the order in which they came into the shop. Some 300 bytes a book: this is the only thing that is
/// held in memory for the whole run.
pub(super) struct Shelf {
    titles: Vec<Title>,
    /// Whether all books came in later than the first order, as in a shop that was filled today: then they may have
    /// been bought before.
    timeless: bool,
}

/// Any prime that is larger than every catalogue: it spreads the ranks over the shelf, so that bestsellers are of all
/// ages.
const SPREAD: u64 = 2_654_435_761;

impl Shelf {
    /// Books that are or were on sale in `currency` and have a file.
    pub(super) fn load(conn: &mut AnyConnection, currency: Currency, first_day: NaiveDateTime) -> Result<Self, Error> {
        let mut prices: HashMap<i64, Vec<(Currency, i64)>> = HashMap::new();
        for (id, code, amount) in book_price::table.load::<(i64, String, i64)>(conn)? {
            if let Ok(currency) = code.parse() {
                prices.entry(id).or_default().push((currency, amount));
            }
        }
        let files: HashMap<i64, (i64, i64, String)> = book_file::table
            .inner_join(edition::table)
            .order(book_file::id)
            .select((edition::book_id, (book_file::id, book_file::bytes, book_file::format)))
            .load::<(i64, (i64, i64, String))>(conn)?
            .into_iter()
            .collect();
        let books: Vec<(i64, String, NaiveDateTime)> = book::table
            .filter(book::status.eq_any(["published", "archived"]))
            .order((book::created_at, book::id))
            .select((book::id, book::title, book::created_at))
            .load(conn)?;
        let titles: Vec<Title> = books
            .into_iter()
            .filter_map(|(id, name, created_at)| {
                let (file_id, file_bytes, format) = files.get(&id)?;
                let format = BookFormat::ALL.into_iter().find(|known| known.as_str() == format)?;
                let mut prices = prices.remove(&id)?;
                // The same on both databases.
                prices.sort_unstable();
                let title = Title { id, name, created_at, prices, file_id: *file_id, file_bytes: *file_bytes, format };
                title.price(currency).is_some().then_some(title)
            })
            .collect();
        let timeless = titles.first().is_none_or(|title| title.created_at > first_day);
        Ok(Self { titles, timeless })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.titles.is_empty()
    }

    /// How many there were at that time.
    pub(super) fn available(&self, at: NaiveDateTime) -> usize {
        if self.timeless { self.titles.len() } else { self.titles.partition_point(|title| title.created_at <= at) }
    }

    /// One of the first `available`: a new one, or one by its rank among all.
    pub(super) fn pick(&self, random: &mut Random, available: usize) -> Option<&Title> {
        let all = self.titles.len() as u64;
        for _ in 0..32 {
            let index = if random.chance(120) {
                let newest = (available / 50).max(1);
                available.saturating_sub(1 + random.index(newest))
            } else {
                let spread = u128::from(random.rank(all)) * u128::from(SPREAD) + 12_345;
                usize::try_from(spread % u128::from(all.max(1))).unwrap_or_default()
            };
            if index < available {
                return self.titles.get(index);
            }
        }
        self.titles.get(random.index(available))
    }
}
