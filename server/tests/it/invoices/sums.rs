//! Numbers under load, and what all documents come to.

use super::{BOOKS, details};
use crate::refunds::{amount, full};
use crate::support::{Bought, GOOD_CARD, Store, by_hand, on_both_databases};
use futures::future::join_all;
use shop::BrowserSecret;
use shop::analytics::Range;
use shop::audit::Actor;
use shop::seed::large::Plan;
use shop::types::OrderNumber;
use std::collections::BTreeMap;
use stripe_sandbox::PayOutcome;

on_both_databases!(two_hundred_payments_at_once_leave_no_gap, by_hand(), async |store| {
    let mut sessions = Vec::new();
    for buyer in 0..200 {
        let session = store.quick_checkout(&BOOKS, &BrowserSecret::generate()).await;
        let outcome = store.sandbox.pay(&session, GOOD_CARD, &format!("buyer{buyer}@example.org"));
        assert!(matches!(outcome, PayOutcome::Completed { .. }), "{outcome:?}");
        sessions.push(session);
    }
    // All of them at once, and each twice: the webhook and the success page.
    let both = sessions.iter().chain(&sessions);
    for done in join_all(both.map(|session| store.shop.reconcile(session))).await {
        done.unwrap();
    }
    let numbers = store.texts("SELECT number AS value FROM invoice ORDER BY seq").await;
    let year = store.shop.clock().now().format("%Y").to_string();
    let expected: Vec<String> = (1..=200).map(|seq| format!("INV-{year}-{seq:05}")).collect();
    assert_eq!(numbers, expected);
    // And the same for what goes back.
    let orders = store.texts("SELECT number AS value FROM orders").await;
    let orders: Vec<OrderNumber> = orders.iter().map(|number| number.parse().unwrap()).collect();
    let request = amount(100);
    for done in join_all(orders.iter().take(60).map(|number| store.shop.refund(number, &request))).await {
        done.unwrap();
    }
    let last = store.texts("SELECT MAX(number) AS value FROM invoice WHERE kind = 'credit_note'").await;
    assert_eq!(last, [format!("CN-{year}-00060")]);
});

/// Σ invoices − Σ credit notes without tax, by currency, of the days from `from` on.
async fn documents(store: &Store, from: chrono::NaiveDate) -> BTreeMap<String, i64> {
    let rows = store
        .texts(&format!(
            "SELECT currency || ' ' || CAST(SUM(CASE kind WHEN 'invoice' THEN 1 ELSE -1 END * (amount_total - amount_tax)) AS TEXT) AS value \
             FROM invoice WHERE issued_at >= '{from} 00:00:00' GROUP BY currency"
        ))
        .await;
    let pair = |row: String| row.split_once(' ').map(|(currency, sum)| (currency.to_owned(), sum.parse().unwrap()));
    rows.into_iter().filter_map(pair).filter(|(_, sum)| *sum != 0).collect()
}

on_both_databases!(the_documents_of_a_year_come_to_the_net_revenue_of_the_desk, by_hand(), async |store| {
    let today = store.shop.today().await.unwrap();
    let plan = Plan { seed: 1, books: 60, orders: 900, until: today, batch: Plan::BATCH };
    store.shop.seed_large(&plan, |_| {}).await.unwrap();
    // And what seeds do not have: money that goes back, in every way.
    let whole = store.bought(&BOOKS, GOOD_CARD).await;
    store.shop.refund(&whole.number, &full()).await.unwrap();
    let Bought { number, session, .. } = store.bought(&BOOKS, GOOD_CARD).await;
    store.shop.refund(&number, &amount(123)).await.unwrap();
    let standing = store.shop.order_sheet(&number).await.unwrap().unwrap().invoice.unwrap();
    let anew = details("Lee");
    store.shop.set_buyer_details_at_desk(&number, &standing, &anew, &Actor::Command).await.unwrap();
    let dispute = store.sandbox.open_dispute(&session, "fraudulent", false).unwrap();
    assert!(store.sandbox.close_dispute(&dispute, false));
    let lost = store.bought(&BOOKS[..1], GOOD_CARD).await;
    let other = store.sandbox.open_dispute(&lost.session, "fraudulent", false).unwrap();
    assert!(store.sandbox.close_dispute(&other, false));
    store.shop.reconcile_dispute(&other).await.unwrap();
    let year = Range::last(365, today);
    let desk = store.shop.summary(year).await.unwrap().currencies;
    let desk: BTreeMap<String, i64> =
        desk.iter().map(|one| (one.currency.code().to_owned(), one.now.net())).filter(|(_, net)| *net != 0).collect();
    assert_eq!(documents(store, year.from).await, desk);
    assert!(desk.len() > 1 && desk.values().all(|net| *net > 0), "{desk:?}");
});
