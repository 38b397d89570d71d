//! What two pages share. On the server only: none of this reaches the browser's module.

pub mod chart;
pub mod code_form;
pub mod cover;
pub mod currency;
pub mod desk;
pub mod downloads;
pub mod error_page;
pub mod frame;
pub mod head;
pub mod invoices;
pub mod notice;
pub mod order;
pub mod text;
pub mod written;

pub use code_form::CodeForm;
pub use cover::{Cover, CoverSize};
pub use currency::CurrencySwitch;
pub use desk::{Desk, Gate, Section};
pub use downloads::Downloads;
pub use error_page::ErrorPage;
pub use frame::{Footer, Header};
pub use head::PageHead;
pub use invoices::{Documents, InvoiceForm};
pub use notice::{DoneNotice, Notice, RefusedNotice};
pub use order::OrderDetails;
