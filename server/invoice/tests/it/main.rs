//! Invoices as a reader of PDF sees them.

mod looks;
mod support;
