//! Lists with cursors: newest first, `limit`, `starting_after`, `ending_before`, `has_more`.

use serde_json::Value;

use super::{Answer, Call, expand};
use crate::error::ApiError;
use crate::objects;
use crate::params::Params;
use crate::table::{Record, Table};

/// What page of a list is asked for.
pub(super) struct Page {
    limit: usize,
    starting_after: Option<String>,
    ending_before: Option<String>,
}

impl Page {
    /// Reads the three parameters.
    pub(super) fn read(params: &Params<'_>) -> Result<Self, ApiError> {
        let limit = params.integer("limit", 1, 100)?.unwrap_or(10);
        let page = Self {
            limit: usize::try_from(limit).unwrap_or(10),
            starting_after: params.text("starting_after", 255)?,
            ending_before: params.text("ending_before", 255)?,
        };
        if page.starting_after.is_some() && page.ending_before.is_some() {
            return Err(ApiError::invalid(
                "You cannot parameterize both `starting_after` and `ending_before`; choose one of them.",
            )
            .param("ending_before"));
        }
        Ok(page)
    }

    /// The first page of so many.
    pub(super) fn first_of(limit: usize) -> Self {
        Self { limit, starting_after: None, ending_before: None }
    }

    /// The page of a table's rows, newest first; of one key where one is given. Also says whether more follow.
    pub(super) fn of<'a, T: Record>(
        &self,
        table: &'a Table<T>,
        what: &str,
        key: Option<&str>,
        wanted: impl Fn(&T) -> bool,
    ) -> Result<(Vec<&'a T>, bool), ApiError> {
        let place = |cursor: &str, param: &str| {
            table.place(cursor).ok_or_else(|| ApiError::missing_resource(what, cursor, param).in_parameter())
        };
        if let Some(cursor) = &self.ending_before {
            // The rows just newer than the cursor, still in the list's order.
            let above = place(cursor, "ending_before")?;
            let rows = table.oldest_above(key, above).filter(|row| wanted(row));
            let (mut page, more) = self.first(rows);
            page.reverse();
            return Ok((page, more));
        }
        let below = self.starting_after.as_ref().map(|cursor| place(cursor, "starting_after")).transpose()?;
        Ok(self.first(table.newest(key, below).map(|(_, row)| row).filter(|row| wanted(row))))
    }

    /// The page of rows in the order they stand in.
    pub(super) fn cut(
        &self,
        rows: Vec<Value>,
        what: &str,
        id: impl Fn(&Value) -> Option<&str>,
    ) -> Result<(Vec<Value>, bool), ApiError> {
        let position = |cursor: &str, param: &str| {
            let found = rows.iter().position(|row| id(row) == Some(cursor));
            found.ok_or_else(|| ApiError::missing_resource(what, cursor, param).in_parameter())
        };
        if let Some(cursor) = &self.ending_before {
            let end = position(cursor, "ending_before")?;
            let (mut page, more) = self.first(rows.into_iter().take(end).rev());
            page.reverse();
            return Ok((page, more));
        }
        let start = match &self.starting_after {
            Some(cursor) => position(cursor, "starting_after")? + 1,
            None => 0,
        };
        Ok(self.first(rows.into_iter().skip(start)))
    }

    fn first<R>(&self, rows: impl Iterator<Item = R>) -> (Vec<R>, bool) {
        let mut page: Vec<R> = rows.take(self.limit.saturating_add(1)).collect();
        let more = page.len() > self.limit;
        page.truncate(self.limit);
        (page, more)
    }
}

/// What a list is of: the rows' type as errors and `expand` name it, and its address.
pub(super) struct Listing<'a> {
    pub(super) what: &'a str,
    pub(super) url: &'a str,
    /// The key that narrows it most.
    pub(super) key: Option<String>,
}

/// Answers a list: the page, its objects, what is expanded. Filters are read before, the rest is refused here.
pub(super) fn list<T: Record>(
    call: &Call<'_>,
    table: &Table<T>,
    listing: &Listing<'_>,
    wanted: impl Fn(&T) -> bool,
    show: impl Fn(&T) -> Value,
) -> Answer {
    let page = Page::read(&call.params)?;
    let (rows, more) = page.of(table, listing.what, listing.key.as_deref(), wanted)?;
    let mut data: Vec<Value> = rows.into_iter().map(show).collect();
    expand::rows(&mut data, listing.what, &call.params, call.state)?;
    call.params.finish()?;
    Ok(objects::list(listing.url, data, more))
}

/// The first key of those given.
pub(super) fn key<'a>(keys: impl IntoIterator<Item = (&'a str, &'a Option<String>)>) -> Option<String> {
    keys.into_iter().find_map(|(name, value)| value.as_ref().map(|value| format!("{name}={value}")))
}

/// Whether a filter that may not be given fits.
pub(super) fn fits(filter: &Option<String>, value: Option<&str>) -> bool {
    filter.as_deref().is_none_or(|wanted| value == Some(wanted))
}
