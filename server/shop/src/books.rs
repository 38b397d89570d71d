//! Books at the owner's desk: the list, the form, what puts a book on sale, its files and cover, the table of all books.
//!
//! - Whoever saves says which version of the book the form was filled from: a form of an older one is not saved, and what
//!   was typed is kept ([`unfinished`]).
//! - Nothing is deleted. A book that is no longer sold is archived, and whoever has bought it keeps it.
//! - Every change is in the audit, in the transaction that makes it.

mod covers;
mod files;
mod listing;
mod objects;
mod parsing;
mod preview;
mod reading;
mod saving;
mod table;
mod unfinished;

pub(crate) use covers::{ONE_AT_A_TIME as ONE_PICTURE_AT_A_TIME, decoded as decoded_picture};
pub use files::{FileTaken, NotTaken, Taken};
pub use saving::{NotChanged, NotSaved};
pub use table::{Applied, Preview, RowChange, TableError};

pub(crate) use parsing::{Fields, sort_title};
pub(crate) use preview::path as preview_path;
pub(crate) use saving::object;
pub(crate) use unfinished::{forget_forms, waiting, waiting_file};
