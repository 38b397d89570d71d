//! Invoices and credit notes as PDF: one function over plain data.
//!
//! [`Document`] says all that stands on one; [`render`] lays it out with typst as a tagged PDF/A-3, the same bytes for
//! the same data. No typst type, database, clock or network is visible from outside or used inside. Values reach the
//! template as data and never as its source, so nothing in a title or a name is ever read as markup.

mod document;
mod fonts;
mod render;
mod text;
mod view;
mod words;
mod world;

pub use document::{
    Buyer, Document, Kind, Line, Logo, Paper, Payment, Prices, Reference, Seller, TaxGroup, Totals, Treatment,
};
pub use fonts::look_for_fonts_in;
pub use render::{Error, render};
