//! The store in figures: what each event adds to the tallies, and that they are what the rows say. That they are, every
//! other test shows as well: its invariants are checked when it ends.

use crate::refunds::{amount, full, items};
use crate::support::{GOOD_CARD, Options, Store, by_hand, on_both_databases};
use chrono::{NaiveDate, TimeDelta};
use shop::Clock;
use shop::analytics::{CurrencySummary, Range};
use shop::seed::large::Plan;

const BOOKS: [&str; 2] = ["the-first-book", "the-second-book"];

/// The store's own currency in the last seven days.
async fn figures(store: &Store) -> CurrencySummary {
    let today = store.shop.today().await.unwrap();
    store.shop.summary(Range::last(7, today)).await.unwrap().currencies[0]
}

fn noon(day: &str) -> Clock {
    Clock::manual(day.parse::<NaiveDate>().unwrap().and_hms_opt(12, 0, 0).unwrap())
}

/// Nothing happens by itself, on a day in a zone whose days begin at a quarter to six in the evening.
fn in_kathmandu() -> Options {
    Options { time_zone: "Asia/Kathmandu".parse().unwrap(), ..by_hand() }
}

on_both_databases!(what_is_paid_and_what_goes_back_is_counted_once, in_kathmandu(), async |store| {
    assert_eq!(figures(store).await.now.orders, 0);
    let first = store.bought(&BOOKS, GOOD_CARD).await;
    let second = store.bought(&BOOKS[..1], GOOD_CARD).await;
    for _ in 0..2 {
        store.shop.reconcile(&first.session).await.unwrap();
    }
    let now = figures(store).await.now;
    assert_eq!((now.checkouts, now.orders, now.free, now.units), (2, 2, 0, 3));
    assert_eq!((now.gross, now.net()), (2_097, 2_097), "{now:?}");

    store.shop.refund(&first.number, &amount(100)).await.unwrap();
    store.shop.refund(&first.number, &items(&[(BOOKS[1], true)])).await.unwrap();
    let now = figures(store).await.now;
    assert_eq!((now.refunds, now.refunded, now.gross), (2, now.refunded, 2_097));
    assert!(now.refunded > 100 && now.net() == 2_097 - now.refunded, "{now:?}");
    store.shop.refund(&second.number, &full()).await.unwrap();
    assert_eq!(figures(store).await.now.refunded, now.refunded + 799);
});

on_both_databases!(a_lost_dispute_is_taken_off_and_a_won_one_is_not, by_hand(), async |store| {
    for (won, disputed) in [(true, 0), (false, 799)] {
        let bought = store.bought(&BOOKS[..1], GOOD_CARD).await;
        let dispute = store.sandbox.open_dispute(&bought.session, "fraudulent", false).unwrap();
        store.shop.reconcile_dispute(&dispute).await.unwrap();
        assert_eq!(figures(store).await.now.disputed, 0, "while it is open");
        assert!(store.sandbox.close_dispute(&dispute, won));
        store.shop.reconcile_dispute(&dispute).await.unwrap();
        assert_eq!(figures(store).await.now.disputed, disputed);
    }
    let now = figures(store).await.now;
    assert_eq!(now.net(), 799);
});

on_both_databases!(
    a_range_is_compared_with_the_days_before_it,
    Options { clock: noon("2026-03-10"), ..by_hand() },
    async |store| {
        store.bought(&BOOKS[..1], GOOD_CARD).await;
        store.shop.clock().advance(TimeDelta::days(7));
        store.bought(&BOOKS, GOOD_CARD).await;
        let seven = figures(store).await;
        assert_eq!((seven.now.orders, seven.before.orders), (1, 1));
        assert_eq!((seven.now.units, seven.before.units), (2, 1));
        store.shop.clock().advance(TimeDelta::days(7));
        let seven = figures(store).await;
        assert_eq!((seven.now.orders, seven.before.orders), (0, 1));
    }
);

on_both_databases!(
    what_is_wrong_is_found_and_made_anew_in_whatever_zone,
    Options { clock: noon("2026-03-29"), ..in_kathmandu() },
    async |store| {
        store.bought(&BOOKS, GOOD_CARD).await;
        store.shop.clock().advance(TimeDelta::minutes(6 * 60 + 10));
        let second = store.bought(&BOOKS, GOOD_CARD).await;
        store.shop.refund(&second.number, &full()).await.unwrap();
        let days = async || {
            store
                .texts("SELECT CAST(start AS TEXT) AS value FROM tally WHERE dimension = 'all' AND grain = 'day' ORDER BY start")
                .await
        };
        // 18:10 UTC is five to midnight there.
        assert_eq!(days().await.len(), 1);
        for mishap in [
            "UPDATE tally SET gross = gross + 1 WHERE dimension = 'country' AND grain = 'month'",
            "DELETE FROM tally WHERE dimension = 'book' AND grain = 'day'",
            "UPDATE tally SET start = '2020-01-01 00:00:00' WHERE grain = 'quarter' AND refunds = 0",
            "UPDATE tally_state SET filled_at = NULL",
            "UPDATE tally_state SET zone = 'Asia/Kolkata'",
        ] {
            store.execute(mishap).await;
            let found = store.shop.violations().await.unwrap();
            if !mishap.contains("zone") {
                assert!(matches!(&found[..], [one] if one.rule.contains("tallies")), "{mishap}: {found:?}");
                store.shop.rebuild_tallies(|_| {}).await.unwrap();
            } else {
                // The store is opened again, with the zone of its configuration.
                store.shop.keep_tallies().await.unwrap();
            }
            assert_eq!(store.shop.violations().await.unwrap(), [], "{mishap}");
            assert_eq!(days().await.len(), 1);
        }
        store.shop.clock().advance(TimeDelta::minutes(5));
        store.bought(&BOOKS[..1], GOOD_CARD).await;
        assert_eq!(days().await.len(), 2, "a new day has begun there");
    }
);

on_both_databases!(a_made_up_store_is_counted_like_a_real_one, async |store| {
    let plan = Plan { seed: 3, books: 60, orders: 500, until: store.shop.clock().now().date(), batch: 100 };
    store.shop.seed_large(&plan, |_| {}).await.unwrap();
    let range = Range::last(3_650, plan.until);
    let summary = store.shop.summary(range).await.unwrap();
    assert!(summary.currencies.len() >= 8, "{}", summary.currencies.len());
    for row in &summary.currencies {
        let code = row.currency;
        let rows = store
            .texts(&format!(
                "SELECT CAST(COUNT(*) AS TEXT) || ' ' || CAST(COALESCE(SUM(amount_total), 0) AS TEXT) AS value FROM orders \
                 WHERE status = 'succeeded' AND currency = '{code}'"
            ))
            .await;
        assert_eq!(rows, [format!("{} {}", row.now.orders, row.now.gross)], "{code}");
    }
});
