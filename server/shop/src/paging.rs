//! Cursors: where a page of a list begins, as a text that only this store writes.
//!
//! A cursor holds the key of a row and its side, and a tag over both and over the name of the list with its filters. So it is
//! good for the very list that it was given with and for no other, and what it holds need not be checked again.

use crate::Shop;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use subtle::ConstantTimeEq as _;

/// Bytes of the tag.
const TAG: usize = 12;
/// No key of a row is longer.
const LONGEST: usize = 400;

/// Which page of a list. A row is named by its key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// The first.
    #[default]
    First,
    /// What comes behind this row.
    After(String),
    /// What comes before this row.
    Before(String),
}

/// A page of a list, with whether there is more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows, newest first.
    pub rows: Vec<T>,
    /// Whether there are more before these …
    pub before: bool,
    /// … and behind them.
    pub after: bool,
}

impl<T> Page<T> {
    /// Of rows that were read in the direction of `place`, one more than `size` if there are more.
    pub(crate) fn of(mut rows: Vec<T>, place: &Place, size: usize) -> Self {
        let more = rows.len() > size;
        rows.truncate(size);
        let (before, after) = match place {
            Place::First => (false, more),
            Place::After(_) => (true, more),
            Place::Before(_) => {
                rows.reverse();
                (more, true)
            }
        };
        Self { rows, before, after }
    }
}

impl Shop {
    /// The cursor of a page of `list`, which is the list's name with all its filters. None for the first page.
    #[must_use]
    pub fn cursor(&self, list: &str, place: &Place) -> Option<String> {
        let text = match place {
            Place::First => return None,
            Place::After(key) => format!("a{key}"),
            Place::Before(key) => format!("b{key}"),
        };
        let mut bytes = self.0.key.place_tag(list, &text);
        bytes.extend_from_slice(text.as_bytes());
        Some(URL_SAFE_NO_PAD.encode(bytes))
    }

    /// What a cursor of `list` says; none if the store has not written it.
    #[must_use]
    pub fn place(&self, list: &str, cursor: &str) -> Option<Place> {
        if cursor.len() > LONGEST {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (tag, text) = bytes.split_at_checked(TAG)?;
        let text = str::from_utf8(text).ok()?;
        if !bool::from(self.0.key.place_tag(list, text).as_slice().ct_eq(tag)) {
            return None;
        }
        match text.split_at_checked(1)? {
            ("a", key) => Some(Place::After(key.to_owned())),
            ("b", key) => Some(Place::Before(key.to_owned())),
            _ => None,
        }
    }
}
