//! Killed at random while money goes back: no number of a credit note is lost, none is given twice.

use super::bystander;
use crate::support::{Bought, GOOD_CARD, Program, on_both_databases, setting};
use futures::future::join_all;
use std::time::Duration;

const BOOKS: [&str; 2] = ["the-first-book", "the-second-book"];
/// Orders whose money goes back between two kills; with a refund each, one that fails, and a lost dispute.
const ORDERS: usize = 4;

on_both_databases!(row_7_killed_at_random_while_money_goes_back_it_loses_no_number, bystander(), async |store| {
    let kills = setting("OCTAVO_TEST_REFUND_KILLS", 10);
    let (mut struck, mut waiting, mut refunds) = (0, Vec::new(), 0_i64);
    let mut window = Duration::from_millis(100);
    for kill in 0..kills {
        let mut program = Program::start(store, None).await;
        assert_eq!(store.shop.violations().await.unwrap(), [], "after {kill} kills");
        store.leases_end().await;
        let mut orders: Vec<Bought> = Vec::new();
        for _ in 0..ORDERS {
            orders.push(store.bought(&BOOKS, GOOD_CARD).await);
        }
        let before = store.sandbox.event_count();
        for (i, bought) in orders.iter().enumerate() {
            let refund = store.sandbox.refund(&bought.session, Some(100 + i64::try_from(i).unwrap())).unwrap();
            refunds += 1;
            match i {
                1 => assert!(store.sandbox.finish_refund(&refund, false)),
                2 => {
                    let dispute = store.sandbox.open_dispute(&bought.session, "fraudulent", false).unwrap();
                    assert!(store.sandbox.close_dispute(&dispute, false));
                }
                _ => {}
            }
        }
        // What was not acknowledged, Stripe tells again.
        waiting.extend(store.sandbox.events_after(before));
        let url = program.url.clone();
        let deliveries = join_all(waiting.iter().map(|event| store.is_acknowledged(&url, event)));
        let death = async {
            tokio::time::sleep(rand::random_range(Duration::ZERO..window)).await;
            program.kill();
            store.count("stripe_event WHERE state IN ('new', 'leased')").await
        };
        let (answers, undone) = tokio::join!(deliveries, death);
        let hit = undone > 0 || !answers.iter().all(|yes| *yes);
        struck += usize::from(hit);
        window = if hit { window * 9 / 8 } else { window * 3 / 4 };
        let mut answers = answers.into_iter();
        waiting.retain(|_| !answers.next().unwrap_or_default());
    }
    assert!(struck * 2 >= kills, "only {struck} of {kills} kills struck at work");
    let program = Program::start(store, None).await;
    for event in store.sandbox.events() {
        assert!(store.is_acknowledged(&program.url, &event).await, "{event}");
    }
    store.leases_end().await;
    store.events_are_done().await;
    assert_eq!(store.shop.violations().await.unwrap(), []);
    let each = i64::try_from(kills).unwrap();
    assert_eq!(store.count("refund").await, refunds);
    assert_eq!(store.count("refund WHERE status = 'failed'").await, each);
    assert_eq!(store.count("dispute WHERE status = 'lost'").await, each);
    // Each refund and each dispute has its own (some a second one, where they were heard of in another order), and all count on.
    assert!(store.count("invoice WHERE reason = 'refund'").await >= refunds - each);
    assert!(store.count("invoice WHERE reason = 'dispute'").await >= each);
    let numbers = store.count("invoice WHERE kind = 'credit_note'").await;
    let last = store.texts("SELECT CAST(MAX(seq) AS TEXT) AS value FROM invoice WHERE kind = 'credit_note'").await;
    assert_eq!(last, [numbers.to_string()]);
    println!(
        "soak: row 7, {:?}: {struck} of {kills} kills struck while money went back, {numbers} credit notes",
        store.backend
    );
});
