//! The bookstore's domain: catalogue, cart, checkout, fulfilment, downloads.
//!
//! Knows no HTTP framework and no Leptos. Without the feature `ssr` only [`types`] is compiled, for the browser.

pub mod types;
