//! Lists, page by page: a `limit`, a `cursor` that only the store writes, and links to the pages beside.

use super::problem::Problem;
use serde::Serialize;
use shop::Shop;
use shop::paging::Place;
use url::form_urlencoded;
use utoipa::ToSchema;

/// Rows on a page if nobody says how many …
const USUAL: u8 = 50;
/// … and at most.
const MOST: u8 = 100;

/// A page of a list, newest first.
#[derive(Debug, Serialize, ToSchema)]
pub struct Listing<T> {
    /// The rows of this page.
    pub data: Vec<T>,
    /// The address of the next page; null on the last one.
    pub next: Option<String>,
    /// The address of the page before; null on the first one.
    pub previous: Option<String>,
}

/// Which page of which list is asked for.
#[derive(Debug)]
pub struct Window {
    path: String,
    filters: Vec<(&'static str, String)>,
    limit: Option<u8>,
    /// How many rows.
    pub size: usize,
    /// Where it begins.
    pub place: Place,
}

impl Window {
    /// Reads `limit` and `cursor` of the list at `path` with these filters.
    ///
    /// # Errors
    /// 400 for a limit that is none from 1 to 100, and for a cursor that was not given with this list.
    pub fn read(
        shop: &Shop,
        path: &str,
        filters: Vec<(&'static str, String)>,
        limit: Option<u8>,
        cursor: Option<&str>,
    ) -> Result<Self, Problem> {
        if limit.is_some_and(|limit| limit == 0 || limit > MOST) {
            return Err(Problem::bad_request(format!("A limit is a number from 1 to {MOST}.")));
        }
        let mut window = Self {
            path: path.to_owned(),
            filters,
            limit,
            size: usize::from(limit.unwrap_or(USUAL)),
            place: Place::First,
        };
        if let Some(cursor) = cursor {
            window.place = shop.place(&window.name(), cursor).ok_or_else(Problem::bad_cursor)?;
        }
        Ok(window)
    }

    /// The list with its filters: what a cursor is good for.
    fn name(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(format!("{}?", self.path));
        query.extend_pairs(&self.filters).finish()
    }

    fn link(&self, shop: &Shop, place: &Place) -> Option<String> {
        let cursor = shop.cursor(&self.name(), place)?;
        let mut query = form_urlencoded::Serializer::new(format!("{}?", self.path));
        query.extend_pairs(&self.filters);
        if let Some(limit) = self.limit {
            query.append_pair("limit", &limit.to_string());
        }
        Some(query.append_pair("cursor", &cursor).finish())
    }

    /// The page of these rows, each with its key.
    pub fn listing<T>(&self, shop: &Shop, rows: Vec<(String, T)>, before: bool, after: bool) -> Listing<T> {
        let first = rows.first().map(|(key, _)| Place::Before(key.clone()));
        let last = rows.last().map(|(key, _)| Place::After(key.clone()));
        Listing {
            next: last.filter(|_| after).and_then(|place| self.link(shop, &place)),
            previous: first.filter(|_| before).and_then(|place| self.link(shop, &place)),
            data: rows.into_iter().map(|(_, row)| row).collect(),
        }
    }
}
