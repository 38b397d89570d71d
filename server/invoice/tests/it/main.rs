//! Invoices as a reader of PDF sees them, and as a machine does.

mod facturx;
mod looks;
mod strings;
mod support;
