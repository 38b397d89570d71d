//! A small Stripe: HTTP API, hosted payment page and signed webhooks, for demo, tests and CI.
//!
//! It is a server of its own; a store reaches it by pointing its Stripe base URL here, and nothing
//! in the store knows the difference. It never talks to Stripe, takes no live key and moves no money.
//! What it does not do it refuses with a clear error, so that a green test means something.
//!
//! ```no_run
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use stripe_sandbox::{Config, Sandbox};
//!
//! let sandbox = Sandbox::start(Config::default()).await?;
//! sandbox.add_webhook("http://127.0.0.1:3000/webhooks/stripe", "whsec_test")?;
//! println!("{}", sandbox.url());
//! sandbox.shutdown().await;
//! # Ok(())
//! # }
//! ```

// The largest object has some sixty fields in one `json!`.
#![recursion_limit = "512"]

mod actions;
mod api;
mod attempts;
mod bank;
mod cards;
mod chance;
mod checkout;
mod clock;
mod config;
mod connection;
mod control;
mod core;
mod currency;
mod dashboard;
mod disputing;
mod error;
mod faults;
pub mod form;
mod guard;
mod ids;
mod journal;
mod knobs;
mod later;
mod objects;
mod page;
mod params;
mod pricing;
mod promotion;
mod records;
mod refunding;
mod running;
mod settling;
mod state;
mod table;
mod tax;
mod webhook;

pub use attempts::Attempt;
pub use cards::FieldError;
pub use checkout::PayOutcome;
pub use config::{Config, RetrySchedule, StartError, WebhookEndpoint};
pub use core::RecordedRequest;
pub use error::ApiError;
pub use faults::{Fault, FaultKind};
pub use knobs::Knobs;
pub use records::{Delivery, DeliveryStatus};
pub use running::{Running, Sandbox};
pub use webhook::signature_header;

/// Stripe replaces this in `success_url` by the session's id.
pub const SESSION_ID_TEMPLATE: &str = "{CHECKOUT_SESSION_ID}";

/// A rough check, as on Stripe's form: something, an at sign, a domain with a dot.
pub(crate) fn is_email(text: &str) -> bool {
    let Some((name, domain)) = text.rsplit_once('@') else { return false };
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, '<' | '>' | ',' | ';' | '"');
    !name.is_empty()
        && !name.contains('@')
        && text.len() <= 254
        && !text.contains(odd)
        && domain.split_once('.').is_some_and(|(host, rest)| !host.is_empty() && !rest.is_empty())
        && !domain.ends_with('.')
        && !domain.contains("..")
}
