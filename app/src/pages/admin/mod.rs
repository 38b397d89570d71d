//! The desk's pages, one file per URL. Each begins with the guard, `context::staff(Role)`, but for those on the way in.

pub mod account;
pub mod audit;
pub mod book;
pub mod book_form;
pub mod book_table;
mod book_tax;
pub mod books;
pub mod codes;
pub mod front;
pub mod login;
pub mod password;
pub mod setup;
pub mod team;

pub use account::AccountPage;
pub use audit::AuditPage;
pub use book::{BookPage, NewBookPage};
pub use book_table::BookTablePage;
pub use books::BooksPage;
pub use codes::CodesPage;
pub use front::FrontPage;
pub use login::LoginPage;
pub use password::PasswordPage;
pub use setup::SetupPage;
pub use team::TeamPage;

// The overview's figures.
mod figures;

// Orders, buyers, attention.
pub mod attention;
pub mod buyers;
pub mod filters;
pub mod gift;
pub mod health;
pub mod order;
mod order_actions;
pub mod orders;
pub mod refused;
pub mod unfetched;

pub use attention::AttentionPage;
pub use buyers::{BuyerPage, BuyersPage};
pub use filters::Filters;
pub use gift::GiftPage;
pub use health::HealthPage;
pub use order::OrderSheetPage;
pub use orders::OrdersPage;
pub use refused::Refused;
pub use unfetched::NotFetchedPage;

// Settings.
mod settings;

// Tax.
pub mod tax;

pub use tax::TaxPage;
// Invoices.
pub mod invoices;

pub use invoices::InvoiceSettingsPage;

// Webhooks.
pub mod webhooks;

pub use webhooks::{WebhookDeliveryPage, WebhookPage, WebhooksPage};
