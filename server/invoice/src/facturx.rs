//! The machine-readable half: EN 16931 as Factur-X (ZUGFeRD) 1.0, profile EN 16931, in the file `factur-x.xml` within
//! the PDF.
//!
//! What the standard wants and the data does not have is never made up: such a document has no XML, and
//! [`shortcomings`] says why.

mod rules;
mod xml;
mod xmp;

pub use rules::{Shortcoming, shortcomings};
pub(crate) use xml::write;
pub(crate) use xmp::declare;
