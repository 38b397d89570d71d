//! What people see: the pages of the storefront, the islands that enhance them and the server functions behind
//! their forms.
//!
//! Every page is complete HTML and works without JavaScript. Two features, never both in one build: `ssr` compiles all
//! of it into the server; `hydrate` compiles only [`islands`] (and the client stubs in [`api`]) for the browser, which
//! is why routes, pages and components exist on the server alone.

pub mod api;
pub mod error;
pub mod islands;

#[cfg(feature = "ssr")]
pub mod app;
#[cfg(feature = "ssr")]
pub mod assets;
#[cfg(feature = "ssr")]
pub mod components;
#[cfg(feature = "ssr")]
pub mod context;
#[cfg(feature = "ssr")]
pub mod pages;
