//! HTTP that is not a page.

pub mod actions;
pub mod api;
pub mod assets;
pub mod covers;
pub mod demo_mail;
pub mod desk_books;
pub mod desk_files;
pub mod download;
pub mod errors;
pub mod figures;
pub mod health;
pub mod invoices;
pub mod mail_webhook;
pub mod stripe_webhook;
pub mod tax_report;

mod content_disposition;
mod ranges;
