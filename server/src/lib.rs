//! The program `octavo`: configuration, HTTP, background work. What a bookstore *is* lives in the crate `shop`.

pub mod config;
pub mod file_socket;
mod invoices;
pub mod lanes;
pub mod layers;
mod lingering;
pub mod page_cache;
pub mod router;
pub mod routes;
pub mod serve;
pub mod session_store;
pub mod uploads;
pub mod workers;
