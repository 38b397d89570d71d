//! The JSON API, `/api/v1/…`: what programs do with the store. Each handler reads its request strictly, makes one call into
//! the shop, as the desk does, and writes the answer.
//!
//! No cookie counts here, so no page of another site can do anything in anybody's name: there is no session's layer and no
//! need for an origin. Who asks is whose token stands in `Authorization`.

pub mod auth;
pub mod books;
pub mod checkout;
pub mod document;
pub mod events;
pub mod extract;
pub mod invoices;
pub mod kpis;
pub mod lists;
pub mod money;
pub mod once;
pub mod orders;
pub mod problem;
pub mod rates;
pub mod reference;
pub mod refunds;
pub mod tokens;
pub mod uploads;
pub mod webhook_deliveries;
pub mod webhook_endpoints;
mod whole;

pub use extract::{Body, Caller};
pub use problem::{Problem, as_problems, nowhere};
