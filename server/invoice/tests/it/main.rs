//! Invoices as a reader of PDF sees them, and as a machine does.

#[cfg(test)]
mod facturx;
#[cfg(test)]
mod looks;
#[cfg(test)]
mod strings;
#[cfg(test)]
mod support;
