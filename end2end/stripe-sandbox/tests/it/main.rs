//! The sandbox as its users meet it: over HTTP, and through Stripe's client for Rust.

#[cfg(test)]
mod api;
#[cfg(test)]
mod client;
#[cfg(test)]
mod control;
#[cfg(test)]
mod customers;
#[cfg(test)]
mod dashboard;
#[cfg(test)]
mod delayed;
#[cfg(test)]
mod discounts;
#[cfg(test)]
mod disputes;
#[cfg(test)]
mod endpoints;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod form;
#[cfg(test)]
mod helpers;
#[cfg(test)]
mod idempotency;
#[cfg(test)]
mod journal;
#[cfg(test)]
mod knobs;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod page;
#[cfg(test)]
mod refunds;
#[cfg(test)]
mod shapes;
#[cfg(test)]
mod webhooks;
