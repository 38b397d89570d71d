//! The store as a whole, on both databases: real router, real workers, real HTTP, the sandbox for Stripe.
//!
//! One binary. Each test opens a store of its own on SQLite and on PostgreSQL (`TEST_POSTGRES_URL`, which
//! `scripts/with-postgres.sh` sets), and the invariants are checked when it ends. `row_N_…` shows row N of the table of
//! threats and faults.

#![expect(unreachable_pub, reason = "a test binary has no outside; `pub` says what the tests share")]

#[cfg(test)]
mod support;

#[cfg(test)]
mod access;
#[cfg(test)]
mod analytics;
#[cfg(test)]
mod any_order;
#[cfg(test)]
mod api_changes;
#[cfg(test)]
mod api_document;
#[cfg(test)]
mod api_invoices;
#[cfg(test)]
mod api_lists;
#[cfg(test)]
mod api_problems;
#[cfg(test)]
mod api_tokens;
#[cfg(test)]
mod api_webhooks;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod bad_stripe;
#[cfg(test)]
mod buckets;
#[cfg(test)]
mod buyer_sessions;
#[cfg(test)]
mod cart;
#[cfg(test)]
mod csrf;
#[cfg(test)]
mod currencies;
#[cfg(test)]
mod currency_choice;
#[cfg(test)]
mod databases;
#[cfg(test)]
mod delivery_log;
#[cfg(test)]
mod desk_actions;
#[cfg(test)]
mod desk_attention;
#[cfg(test)]
mod desk_books;
#[cfg(test)]
mod desk_codes;
#[cfg(test)]
mod desk_doors;
#[cfg(test)]
mod desk_orders;
#[cfg(test)]
mod desk_pages;
#[cfg(test)]
mod desk_team;
#[cfg(test)]
mod desk_unfetched;
#[cfg(test)]
mod desk_uploads;
#[cfg(test)]
mod disputes;
#[cfg(test)]
mod downloads;
#[cfg(test)]
mod editions;
#[cfg(test)]
mod events;
#[cfg(test)]
mod free;
#[cfg(test)]
mod hooks;
#[cfg(test)]
mod invoices;
#[cfg(test)]
mod kills;
#[cfg(test)]
mod large_store;
#[cfg(test)]
mod library;
#[cfg(test)]
mod locale;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod mail;
#[cfg(test)]
mod mail_desk;
#[cfg(test)]
mod mail_webhook;
#[cfg(test)]
mod mailbox;
#[cfg(test)]
mod markup;
#[cfg(test)]
mod modes;
#[cfg(test)]
mod overload;
#[cfg(test)]
mod page_cache;
#[cfg(test)]
mod payment_states;
#[cfg(test)]
mod prices;
#[cfg(test)]
mod privacy;
#[cfg(test)]
mod purchase;
#[cfg(test)]
mod reconciler;
#[cfg(test)]
mod refunds;
#[cfg(test)]
mod refunds_made_here;
#[cfg(test)]
mod relays;
#[cfg(test)]
mod signatures;
#[cfg(test)]
mod staff;
#[cfg(test)]
mod start;
#[cfg(test)]
mod stripe_down;
#[cfg(test)]
mod success_page;
#[cfg(test)]
mod sweeping;
#[cfg(test)]
mod tax;
#[cfg(test)]
mod tax_report;
#[cfg(test)]
mod tokens;
#[cfg(test)]
mod transfers;
#[cfg(test)]
mod traversal;
#[cfg(test)]
mod whose;
