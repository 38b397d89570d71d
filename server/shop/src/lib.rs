//! The bookstore's domain: catalogue, cart, checkout, fulfilment, downloads.
//!
//! Knows no HTTP framework and no Leptos. Without the feature `ssr` only [`types`] is compiled, for the browser.

pub mod types;

#[cfg(feature = "ssr")]
pub mod access;
#[cfg(feature = "ssr")]
mod addresses;
#[cfg(feature = "ssr")]
pub mod analytics;
#[cfg(feature = "ssr")]
pub mod audit;
#[cfg(feature = "ssr")]
pub mod books;
#[cfg(feature = "ssr")]
pub mod cart;
#[cfg(feature = "ssr")]
mod catalog;
#[cfg(feature = "ssr")]
mod checkout;
#[cfg(feature = "ssr")]
mod clock;
#[cfg(feature = "ssr")]
pub mod db;
#[cfg(feature = "ssr")]
mod declines;
#[cfg(feature = "ssr")]
pub mod desk;
#[cfg(feature = "ssr")]
mod direct;
#[cfg(feature = "ssr")]
mod disputes;
#[cfg(feature = "ssr")]
pub mod doctor;
#[cfg(feature = "ssr")]
pub mod downloads;
#[cfg(feature = "ssr")]
pub mod editions;
#[cfg(feature = "ssr")]
mod error;
#[cfg(feature = "ssr")]
pub mod events;
#[cfg(feature = "ssr")]
mod evidence;
#[cfg(feature = "ssr")]
pub mod failpoint;
#[cfg(feature = "ssr")]
pub mod files;
#[cfg(feature = "ssr")]
mod fulfilment;
#[cfg(feature = "ssr")]
pub mod hooks;
#[cfg(feature = "ssr")]
pub mod inspect;
#[cfg(feature = "ssr")]
pub mod invoices;
#[cfg(feature = "ssr")]
mod letters;
#[cfg(feature = "ssr")]
mod library;
#[cfg(feature = "ssr")]
mod limits;
#[cfg(feature = "ssr")]
pub mod mailer;
#[cfg(feature = "ssr")]
mod markdown;
#[cfg(feature = "ssr")]
pub mod notation;
#[cfg(feature = "ssr")]
pub mod once;
#[cfg(feature = "ssr")]
mod orders;
#[cfg(feature = "ssr")]
pub mod outbox;
#[cfg(feature = "ssr")]
pub mod paging;
#[cfg(feature = "ssr")]
pub mod payments;
#[cfg(feature = "ssr")]
pub mod privacy;
#[cfg(feature = "ssr")]
mod progress;
#[cfg(feature = "ssr")]
pub mod reconciler;
#[cfg(feature = "ssr")]
pub mod refunds;
#[cfg(feature = "ssr")]
mod refusals;
#[cfg(feature = "ssr")]
mod rights;
#[cfg(feature = "ssr")]
pub mod secrets;
#[cfg(feature = "ssr")]
pub mod seed;
#[cfg(feature = "ssr")]
pub mod sessions;
#[cfg(feature = "ssr")]
mod shop;
#[cfg(feature = "ssr")]
pub mod staff;
#[cfg(feature = "ssr")]
pub mod tax;

#[cfg(feature = "ssr")]
pub use self::{
    checkout::CheckoutStart,
    clock::{Clock, rfc3339},
    direct::Listed,
    downloads::{Claimed, DownloadPage, Visitor},
    error::{Error, ErrorKind},
    events::Outcome,
    fulfilment::Reconciled,
    limits::{Allowance, Asking},
    secrets::{BrowserSecret, BuyerSecret, DeviceSecret, Keys, SecretKey, StaffSecret},
    shop::{ClientIp, Parts, Policy, Settings, Shop},
};
