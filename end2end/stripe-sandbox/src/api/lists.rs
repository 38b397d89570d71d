//! Lists with cursors: newest first, `limit`, `starting_after`, `ending_before`, `has_more`.

use crate::error::ApiError;
use crate::params::Params;

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

    /// Cuts the page out of all rows (in the list's order, before filters), and says whether more follow.
    pub(super) fn cut<'a, T>(
        &self,
        rows: Vec<&'a T>,
        what: &str,
        id: impl Fn(&T) -> &str,
        wanted: impl Fn(&T) -> bool,
    ) -> Result<(Vec<&'a T>, bool), ApiError> {
        let position = |cursor: &str, param: &str| {
            rows.iter().position(|row| id(row) == cursor).ok_or_else(|| ApiError::missing_resource(what, cursor, param))
        };
        if let Some(cursor) = &self.ending_before {
            let end = position(cursor, "ending_before")?;
            // The rows just before the cursor, still in the list's order.
            let mut page: Vec<&T> =
                rows.iter().take(end).rev().copied().filter(|row| wanted(row)).take(self.limit + 1).collect();
            let more = page.len() > self.limit;
            page.truncate(self.limit);
            page.reverse();
            return Ok((page, more));
        }
        let start = match &self.starting_after {
            Some(cursor) => position(cursor, "starting_after")? + 1,
            None => 0,
        };
        let mut page: Vec<&T> =
            rows.iter().skip(start).copied().filter(|row| wanted(row)).take(self.limit + 1).collect();
        let more = page.len() > self.limit;
        page.truncate(self.limit);
        Ok((page, more))
    }
}
