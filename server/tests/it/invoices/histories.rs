//! What the documents of an order come to, whatever happened to its money and in which order.

use super::{BOOKS, details};
use crate::refunds::{amount, items};
use crate::support::{Backend, Store, by_hand, on_both_databases};
use crate::tax::{GERMAN_CARD, buy, set, table};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use serde_json::Value;
use shop::audit::Actor;
use shop::refunds::RefundError;
use shop::types::OrderNumber;
use std::collections::BTreeMap;

/// Σ invoices − Σ credit notes by title and rate: total, tax, net that the tax is of.
type Left = BTreeMap<(i64, i64), [i64; 3]>;

/// An order whose money moves.
struct Moving<'a> {
    store: &'a Store,
    number: OrderNumber,
    order: i64,
    /// A refund of a cent that Stripe knows: to hear of it makes the documents agree with all rows.
    first: String,
}

impl<'a> Moving<'a> {
    async fn bought(store: &'a Store) -> Self {
        let (number, _) = buy(store, GERMAN_CARD, "DE", None).await;
        let first = store.shop.refund(&number, &amount(1)).await.unwrap().stripe_id.unwrap();
        let id = format!("SELECT CAST(id AS TEXT) AS value FROM orders WHERE number = '{}'", number.as_str());
        let order = store.texts(&id).await[0].parse().unwrap();
        Self { store, number, order, first }
    }

    async fn settle(&self) {
        self.store.shop.reconcile_refund(&self.first).await.unwrap();
    }

    /// Something happens to the money.
    async fn happen(&self, random: &mut StdRng, made: &mut Vec<String>) {
        let store = self.store;
        match random.random_range(0..10) {
            0..4 => {
                let request = if random.random_bool(0.5) {
                    amount(random.random_range(1..900))
                } else {
                    items(&[(BOOKS[random.random_range(0..2)], false)])
                };
                match store.shop.refund(&self.number, &request).await {
                    Ok(refund) => made.extend(refund.stripe_id),
                    Err(RefundError::TooMuch(_) | RefundError::NothingLeft) => {}
                    Err(error) => panic!("{error}"),
                }
            }
            4..6 if !made.is_empty() => {
                let refund = made.swap_remove(random.random_range(0..made.len()));
                assert!(store.sandbox.finish_refund(&refund, false));
                store.shop.reconcile_refund(&refund).await.unwrap();
            }
            6..8 => {
                let disputed = if random.random_bool(0.5) { 1298 } else { random.random_range(1..1500) };
                let (order, id) = (self.order, random.random_range(0..u64::MAX));
                let sql = format!(
                    "INSERT INTO dispute (stripe_id, order_id, amount, currency, status, reason, created_at, updated_at) \
                     SELECT 'dp_{id}', id, {disputed}, currency, 'lost', 'fraudulent', paid_at, paid_at FROM orders WHERE id = {order}"
                );
                store.execute(&sql).await;
            }
            8 => {
                let latest = format!("(SELECT MAX(id) FROM dispute WHERE order_id = {})", self.order);
                let other = "CASE status WHEN 'lost' THEN 'won' ELSE 'lost' END";
                store.execute(&format!("UPDATE dispute SET status = {other} WHERE id = {latest}")).await;
            }
            _ => {
                let sheet = store.shop.order_sheet(&self.number).await.unwrap().unwrap();
                let company = details(&format!("Lee {}", random.random_range(0..1_000)));
                // Once nothing is left there is nothing to make out anew.
                let _ = store
                    .shop
                    .set_buyer_details_at_desk(&self.number, &sheet.invoice.unwrap(), &company, &Actor::Command)
                    .await;
            }
        }
        self.settle().await;
    }

    /// The same refunds and disputes on another order, all at once.
    async fn twin(&self) -> Self {
        let twin = Self::bought(self.store).await;
        let (from, to) = (self.order, twin.order);
        let others = format!("order_id = {from} AND stripe_id <> '{}'", self.first);
        for sql in [
            format!(
                "INSERT INTO refund (order_id, stripe_id, amount, tax, currency, status, created_at, updated_at) \
                 SELECT {to}, stripe_id || '_twin', amount, tax, currency, status, created_at, updated_at FROM refund WHERE {others} ORDER BY id"
            ),
            format!(
                "INSERT INTO refund_item (refund_id, order_item_id, amount, tax, revokes) \
                 SELECT b.id, j.id, x.amount, x.tax, x.revokes FROM refund_item x JOIN refund a ON a.id = x.refund_id \
                 JOIN refund b ON b.stripe_id = a.stripe_id || '_twin' JOIN order_item i ON i.id = x.order_item_id \
                 JOIN order_item j ON j.order_id = {to} AND j.position = i.position WHERE a.order_id = {from}"
            ),
            format!(
                "INSERT INTO dispute (stripe_id, order_id, amount, currency, status, reason, created_at, updated_at) \
                 SELECT stripe_id || '_twin', {to}, amount, currency, status, reason, created_at, updated_at FROM dispute \
                 WHERE order_id = {from} ORDER BY id"
            ),
        ] {
            self.store.execute(&sql).await;
        }
        twin.settle().await;
        twin
    }

    async fn left(&self) -> Left {
        let sql = format!(
            "SELECT kind || ' ' || lines_snapshot AS value FROM invoice WHERE order_id = {} ORDER BY id",
            self.order
        );
        let mut left = Left::new();
        for row in self.store.texts(&sql).await {
            let (kind, lines) = row.split_once(' ').unwrap();
            let sign = if kind == "invoice" { 1 } else { -1 };
            for line in serde_json::from_str::<Vec<Value>>(lines).unwrap() {
                let number = |value: &Value| value.as_i64().unwrap();
                let tax = &line["taxes"][0];
                let sums = left.entry((number(&line["position"]), number(&tax["rate_ppm"]))).or_default();
                for (sum, value) in sums.iter_mut().zip([&line["total"], &tax["amount"], &tax["taxable"]]) {
                    *sum += sign * number(value);
                }
            }
        }
        left
    }

    /// What was paid and neither went back nor was taken by a bank.
    async fn kept(&self) -> i64 {
        let sum = async |sql: &str| -> i64 {
            let sql = format!(
                "SELECT CAST(COALESCE(SUM(amount), 0) AS TEXT) AS value FROM {sql} AND order_id = {}",
                self.order
            );
            self.store.texts(&sql).await[0].parse().unwrap()
        };
        let back = sum("refund WHERE status = 'succeeded'").await;
        let lost = sum("dispute WHERE status = 'lost'").await;
        (1298 - back - lost).max(0)
    }
}

fn histories() -> u64 {
    if std::env::var_os("SOAK").is_some() { 500 } else { 20 }
}

on_both_databases!(what_the_documents_come_to_does_not_depend_on_what_came_first, by_hand(), async |store| {
    set(store, table()).await;
    // Two titles at two rates.
    store.execute("UPDATE book SET tax_code = 'txcd_10301000' WHERE slug = 'the-second-book'").await;
    let first = if store.backend == Backend::Sqlite { 0 } else { 1_000_000 };
    let mut taken_back = 0;
    for seed in first..first + histories() {
        let mut random = StdRng::seed_from_u64(seed);
        let (order, mut made) = (Moving::bought(store).await, Vec::new());
        for step in 0..random.random_range(3..12) {
            order.happen(&mut random, &mut made).await;
            let left = order.left().await;
            let total: i64 = left.values().map(|[total, ..]| total).sum();
            assert_eq!(total, order.kept().await, "seed {seed}, step {step}: {left:?}");
            assert!(left.values().all(|[total, tax, net]| *tax >= 0 && *net >= 0 && tax + net == *total), "{left:?}");
        }
        let twin = order.twin().await;
        assert_eq!(order.left().await, twin.left().await, "seed {seed}");
        taken_back += store.count(&format!("invoice WHERE reason = 'restored' AND order_id = {}", order.order)).await;
    }
    assert!(taken_back > 10, "nothing was tried");
    // What was written past the program is in no sum; the rest of what must hold is looked at when the test ends.
    store.shop.rebuild_tallies(|_| {}).await.unwrap();
});
