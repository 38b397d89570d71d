//! The sandbox as its users meet it: over HTTP, and through Stripe's client for Rust.

#[cfg(test)]
mod api;
#[cfg(test)]
mod client;
#[cfg(test)]
mod control;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod form;
#[cfg(test)]
mod helpers;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod page;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod webhooks;
