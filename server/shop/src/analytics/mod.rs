//! The store in figures.
//!
//! What is shown is read from tallies: sums for a quarter of an hour, a day and a month, of the whole store, of each book,
//! country and format ([`Figures`]). They are written in the transaction that changes what they stand for, or, of downloads, before
//! anybody looks ([`claims`]), so they are never late, and a year of a million orders is a few hundred rows. Days and months are those of the store's time zone,
//! which the database keeps: a day belongs to a tally by the clock on the wall, with 23 or 25 hours where the clocks are
//! changed, and from whatever quarter of an hour a zone's days begin. A change of the zone makes all tallies anew.
//!
//! Nothing here knows a person: no visitor is told from another, and no cookie is read. Money of several currencies is
//! never added together. What each figure means stands in docs/analytics.md and, in the same words, on the page.

mod board;
pub(crate) mod claims;
mod csv;
mod facts;
mod figures;
mod keeping;
mod live;
mod parts;
pub(crate) mod posting;
mod question;
mod range;
mod state;
mod summary;
mod visits;
mod zone;

pub use board::{Board, BookFigures, Point};
pub use csv::{Sheet, SheetPiece};
pub use facts::Wrong;
pub use figures::{Dimension, Figures};
pub(crate) use keeping::{check, suspend};
pub use live::Listener;
pub(crate) use live::Live;
pub use question::{Line, PRESETS, Question, Step};
pub use range::Range;
pub use summary::{CurrencySummary, Funnel, Summary, share, summary};
pub(crate) use visits::Visits;
pub use visits::is_reader;
pub use zone::{UnknownZone, Zone, month_of, next_month};
