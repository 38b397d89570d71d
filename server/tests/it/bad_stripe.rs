//! Purchases while Stripe fails in every way at once, and what is left when it is over.
//!
//! `make soak` buys more: `OCTAVO_TEST_PURCHASES`.

use crate::support::{GOOD_CARD, Options, Store, WEBHOOK_SECRET, cookie, on_both_databases, session_of, setting};
use chrono::{TimeDelta, Utc};
use futures::StreamExt as _;
use shop::cart::Cart;
use shop::{BrowserSecret, CheckoutStart, Clock, ErrorKind};
use std::collections::BTreeSet;
use std::time::Duration;
use stripe_sandbox::{Fault, Knobs, PayOutcome};

/// A buyer who presses the button until it works.
async fn start(store: &Store, cart: &Cart, snapshot: &str, browser: &BrowserSecret) -> String {
    for _ in 0..50 {
        match store.shop.start_checkout(cart, snapshot, browser).await {
            Ok(CheckoutStart::Pay(url)) => return session_of(&url),
            Ok(CheckoutStart::Free | CheckoutStart::Paid(_)) => panic!("nothing to pay"),
            Err(error) => assert_eq!(error.kind(), ErrorKind::PaymentsUnavailable, "{error}"),
        }
    }
    panic!("fifty tries were not enough");
}

on_both_databases!(
    row_8_purchases_through_every_fault_at_once_all_become_orders,
    Options { workers: false, clock: Clock::manual(Utc::now().naive_utc()), webhooks: false, ..Options::default() },
    async |store| {
        let purchases = setting("OCTAVO_TEST_PURCHASES", 150);
        // A third of what is asked of Stripe goes wrong, and a third of what Stripe has to say gets lost or comes twice.
        let faults = [
            Fault::status(500),
            Fault::status(429),
            Fault::status(503),
            Fault::reset(),
            Fault::lost_answer(),
            Fault::delay(Duration::from_millis(100)),
            Fault::slow(Duration::from_millis(100)),
        ];
        for (seed, fault) in (8..).zip(faults) {
            store.sandbox.set_fault(fault.with_probability(0.05, seed).times(u32::MAX));
        }
        let endpoint = store.sandbox.add_webhook(&format!("{}/webhooks/stripe", store.url), WEBHOOK_SECRET).unwrap();
        let knobs = Knobs::none().drop_probability(0.33).duplicate(1).reorder(8).seed(8);
        assert!(store.sandbox.set_knobs(&endpoint, knobs));
        let mut cart = Cart::new(store.shop.currency());
        for slug in ["the-first-book", "the-third-book"] {
            store.shop.add_to_cart(&mut cart, &slug.parse().unwrap()).await.unwrap();
        }
        let snapshot = store.shop.cart_view(&cart).await.unwrap().snapshot;
        let buyer = async |i: usize| {
            let browser = BrowserSecret::generate();
            let session = start(store, &cart, &snapshot, &browser).await;
            // One in ten walks away.
            if i % 10 == 9 {
                return None;
            }
            let outcome = store.sandbox.pay(&session, GOOD_CARD, &format!("buyer{i}@example.org"));
            assert!(matches!(outcome, PayOutcome::Completed { .. }), "{outcome:?}");
            // Every other one comes back to the shop; whatever the page can say by then, it is a page.
            if i.is_multiple_of(2) {
                let page = store.http.get(format!("{}/checkout/success?session_id={session}", store.url));
                let answer =
                    page.header("accept", "text/html").header("cookie", cookie(&browser)).send().await.unwrap();
                assert!(answer.status().is_success(), "{}", answer.status());
            }
            // The worker goes on in between, as its loop would.
            store.shop.work_on_events().await.unwrap();
            Some(session)
        };
        let paid: Vec<Option<String>> =
            futures::stream::iter(0..purchases).map(buyer).buffer_unordered(8).collect().await;
        let paid: BTreeSet<String> = paid.into_iter().flatten().collect();
        // A failure that never comes: on two cores a thousand purchases have some ten thousand deliveries to make.
        let patience = Duration::from_secs(60) + Duration::from_millis(300) * u32::try_from(purchases).unwrap();
        assert!(store.sandbox.deliveries_settled(patience).await);
        let bought = async || -> BTreeSet<String> {
            let query = "SELECT stripe_session AS value FROM orders WHERE status = 'succeeded'";
            store.texts(query).await.into_iter().collect()
        };
        // While Stripe is still as bad: nothing is an order that was not paid for.
        for _ in 0..5 {
            store.shop.clock().advance(TimeDelta::minutes(1));
            while store.shop.work_on_events().await.unwrap() > 0 {}
        }
        let before = bought().await;
        assert!(before.is_subset(&paid));
        assert!(before.len() < paid.len(), "nothing was lost: the faults were not what they should be");
        // Stripe is well again. One round over the open checkouts, once the last of them is old enough.
        store.sandbox.clear_faults();
        store.shop.clock().advance(TimeDelta::minutes(15));
        let round = store.shop.check_open_checkouts().await.unwrap();
        assert_eq!((round.settled, round.failed), (paid.len() - before.len(), 0));
        assert_eq!(bought().await, paid);
        // The list of events brings what was lost, and it changes nothing any more.
        assert!(store.shop.fetch_recent_events().await.unwrap() > 0);
        store.shop.clock().advance(TimeDelta::hours(2));
        while store.shop.work_on_events().await.unwrap() > 0 {}
        let completed = i64::try_from(paid.len()).unwrap();
        assert_eq!(store.count("stripe_event WHERE state IN ('new', 'leased', 'parked', 'dead')").await, 0);
        assert_eq!(
            store.count("stripe_event WHERE type = 'checkout.session.completed' AND state = 'done'").await,
            completed
        );
        assert_eq!(
            (store.count("orders").await, store.count("invoice").await, store.count("outbox").await),
            (completed, completed, completed)
        );
        assert!(store.sandbox.attempts("client_reference_id").iter().all(|attempt| attempt.most_live <= 1));
        assert_eq!(store.shop.compare_with_stripe(7).await.unwrap(), []);
        println!(
            "soak: row 8, {:?}: {} of {purchases} purchases paid, {} ordered before Stripe was well again, all after",
            store.backend,
            paid.len(),
            before.len()
        );
    }
);
