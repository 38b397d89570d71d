//! The store as a whole, on both databases: real router, real workers, real HTTP, the sandbox for Stripe.
//!
//! One binary. Each test opens a store of its own on SQLite and on PostgreSQL (`TEST_POSTGRES_URL`, which
//! `scripts/with-postgres.sh` sets), and the invariants are checked when it ends.

#[cfg(test)]
mod support;

#[cfg(test)]
mod purchase;
