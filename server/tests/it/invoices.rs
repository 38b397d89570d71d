//! Invoices and credit notes: what is issued for which event, under which number, and what it says.

use crate::refunds::{amount, full, items};
use crate::support::{Bought, GOOD_CARD, Options, Store, by_hand, on_both_databases};
use serde_json::Value;
use shop::Clock;
use shop::audit::Actor;
use shop::types::{BuyerDetails, OrderNumber};

mod buyer;
mod histories;
mod printed;
mod sums;

const BOOKS: [&str; 2] = ["the-first-book", "the-second-book"];

impl Store {
    /// The documents of an order: "sale INV-2026-00001 1298", …
    async fn documents(&self, number: &OrderNumber) -> Vec<String> {
        let year = self.shop.clock().now().format("%Y").to_string();
        let rows = self
            .texts(&format!(
                "SELECT i.reason || ' ' || i.number || ' ' || CAST(i.amount_total AS TEXT) || COALESCE(' of ' || c.number, '') AS value \
                 FROM invoice i JOIN orders o ON o.id = i.order_id LEFT JOIN invoice c ON c.id = i.corrects_id \
                 WHERE o.number = '{}' ORDER BY i.id",
                number.as_str()
            ))
            .await;
        rows.into_iter().map(|row| row.replace(&format!("-{year}-0000"), "")).collect()
    }

    /// A part of the latest document of an order.
    async fn snapshot(&self, number: &OrderNumber, column: &str) -> Value {
        let query = format!(
            "SELECT {column} AS value FROM invoice i JOIN orders o ON o.id = i.order_id WHERE o.number = '{}' ORDER BY i.id DESC",
            number.as_str()
        );
        serde_json::from_str(&self.texts(&query).await[0]).unwrap()
    }

    /// As if the program of before had written them: nothing refuses to change a document any more.
    pub async fn lets_documents_change(&self) {
        let drop = match self.backend {
            crate::support::Backend::Sqlite => "DROP TRIGGER invoice_is_final",
            crate::support::Backend::Postgres => "ALTER TABLE invoice DISABLE TRIGGER USER",
        };
        self.execute(drop).await;
    }

    async fn tells_of_refunds(&self, before: usize) {
        let mut events = self.sandbox.events_after(before);
        events.retain(|event| event["type"].as_str().unwrap().starts_with("refund."));
        self.deliver_all(&events).await;
    }
}

fn details(company: &str) -> BuyerDetails {
    BuyerDetails::parse("Ann Lee", company, "DE 123456789", "Gasse 1\n10115 Berlin", "de").unwrap()
}

on_both_databases!(a_sale_has_an_invoice_that_says_everything, by_hand(), async |store| {
    let Bought { number, .. } = store.bought(&BOOKS, GOOD_CARD).await;
    assert_eq!(store.documents(&number).await, ["sale INV1 1298"]);
    let lines = store.snapshot(&number, "lines_snapshot").await;
    assert_eq!((lines[0]["title"].as_str(), lines[0]["total"].as_i64()), (Some("The first book"), Some(799)));
    assert_eq!((lines[1]["unit_amount"].as_i64(), lines[1]["position"].as_i64()), (Some(499), Some(1)));
    let facts = store.snapshot(&number, "facts_snapshot").await;
    let today = store.shop.clock().now().date().to_string();
    for day in ["issued_on", "delivered_on"] {
        assert_eq!(facts[day].as_str(), Some(today.as_str()), "{day}");
    }
    assert_eq!(facts["order"].as_str(), Some(number.as_str()));
    assert_eq!(facts["paid"]["with"].as_str(), Some("Visa •••• 4242"));
    assert_eq!(store.snapshot(&number, "seller_snapshot").await["name"].as_str(), Some("Test Books"));
    assert_eq!(store.snapshot(&number, "buyer_snapshot").await["email"].as_str(), Some("ann@example.org"));
});

on_both_databases!(what_was_issued_cannot_be_changed_or_deleted, by_hand(), async |store| {
    let Bought { number, .. } = store.bought(&BOOKS, GOOD_CARD).await;
    for change in [
        "UPDATE invoice SET lines_snapshot = '[]'",
        "UPDATE invoice SET buyer_snapshot = '{\"email\":\"bob@example.org\"}'",
        "UPDATE invoice SET seller_snapshot = NULL",
        "UPDATE invoice SET number = 'INV-1'",
        "UPDATE invoice SET amount_total = 1",
        "UPDATE invoice SET reason = 'restored'",
        "DELETE FROM invoice",
    ] {
        let changed =
            store.shop.db().write(move |conn| Ok(diesel::RunQueryDsl::execute(diesel::sql_query(change), conn)?)).await;
        assert!(changed.is_err(), "{change}");
    }
    // Only the buyer goes, when its time is over.
    store.execute("UPDATE invoice SET buyer_snapshot = '{}'").await;
    assert_eq!(store.documents(&number).await, ["sale INV1 1298"]);
});

on_both_databases!(a_document_of_before_is_read_with_what_its_order_says, by_hand(), async |store| {
    let Bought { number, .. } = store.bought(&BOOKS, GOOD_CARD).await;
    let invoice = store.shop.invoice_at_desk(&store.texts("SELECT number AS value FROM invoice").await[0]).await;
    let whole = invoice.unwrap().unwrap().document;
    // As the program of before has written it.
    store.lets_documents_change().await;
    store
        .execute(
            "UPDATE invoice SET seller_snapshot = NULL, facts_snapshot = NULL, lines_snapshot = \
             '[{\"title\":\"The first book\",\"unit_amount\":799,\"discount\":0,\"tax\":0,\"total\":799},\
               {\"title\":\"The second book\",\"unit_amount\":499,\"discount\":0,\"tax\":0,\"total\":499}]'",
        )
        .await;
    let read = store.shop.invoice_at_desk(&whole.number).await.unwrap().unwrap().document;
    assert_eq!(read, whole);
    store.shop.refund(&number, &items(&[(BOOKS[1], true)])).await.unwrap();
    assert_eq!(store.documents(&number).await, ["sale INV1 1298", "refund CN1 499 of INV1"]);
});

on_both_databases!(each_refund_has_a_credit_note_over_what_went_back, by_hand(), async |store| {
    let Bought { number, session, .. } = store.bought(&BOOKS, GOOD_CARD).await;
    store.shop.refund(&number, &items(&[(BOOKS[1], true)])).await.unwrap();
    let lines = store.snapshot(&number, "lines_snapshot").await;
    assert_eq!((lines.as_array().unwrap().len(), lines[0]["title"].as_str()), (1, Some("The second book")));
    // In Stripe's dashboard, over a part; told twice.
    let before = store.sandbox.event_count();
    store.sandbox.refund(&session, Some(100)).unwrap();
    store.tells_of_refunds(before).await;
    store.tells_of_refunds(before).await;
    store.shop.refund(&number, &full()).await.unwrap();
    assert_eq!(
        store.documents(&number).await,
        ["sale INV1 1298", "refund CN1 499 of INV1", "refund CN2 100 of INV1", "refund CN3 699 of INV1"]
    );
    let facts = store.snapshot(&number, "facts_snapshot").await;
    assert!(facts["corrects"]["number"].as_str().unwrap().starts_with("INV-"), "{facts}");
});

on_both_databases!(a_refund_that_fails_later_has_its_credit_note_taken_back, by_hand(), async |store| {
    let Bought { number, .. } = store.bought(&BOOKS, GOOD_CARD).await;
    let made = store.shop.refund(&number, &amount(300)).await.unwrap().stripe_id.unwrap();
    let before = store.sandbox.event_count();
    assert!(store.sandbox.finish_refund(&made, false), "it fails");
    store.tells_of_refunds(before).await;
    assert_eq!(
        store.documents(&number).await,
        ["sale INV1 1298", "refund CN1 300 of INV1", "restored INV2 300 of CN1"]
    );
    store.shop.refund(&number, &full()).await.unwrap();
    assert_eq!(store.documents(&number).await[3], "refund CN2 1298 of INV1");
});

on_both_databases!(a_lost_dispute_has_a_credit_note_over_what_was_left, by_hand(), async |store| {
    let Bought { number, session, .. } = store.bought(&BOOKS, GOOD_CARD).await;
    store.shop.refund(&number, &amount(300)).await.unwrap();
    let dispute = store.sandbox.open_dispute(&session, "fraudulent", false).unwrap();
    store.shop.reconcile_dispute(&dispute).await.unwrap();
    assert_eq!(store.documents(&number).await.len(), 2, "nothing is decided");
    assert!(store.sandbox.close_dispute(&dispute, false));
    for _ in 0..2 {
        store.shop.reconcile_dispute(&dispute).await.unwrap();
    }
    assert_eq!(store.documents(&number).await, ["sale INV1 1298", "refund CN1 300 of INV1", "dispute CN2 998 of INV1"]);
});

on_both_databases!(
    a_dispute_that_found_less_than_it_takes_takes_the_rest_when_there_is_room,
    by_hand(),
    async |store| {
        let Bought { number, session, .. } = store.bought(&BOOKS, GOOD_CARD).await;
        let made = store.shop.refund(&number, &amount(300)).await.unwrap().stripe_id.unwrap();
        let dispute = store.sandbox.open_dispute(&session, "fraudulent", false).unwrap();
        assert!(store.sandbox.close_dispute(&dispute, false));
        store.shop.reconcile_dispute(&dispute).await.unwrap();
        let before = store.sandbox.event_count();
        assert!(store.sandbox.finish_refund(&made, false), "it fails");
        store.tells_of_refunds(before).await;
        assert_eq!(
            store.documents(&number).await,
            [
                "sale INV1 1298",
                "refund CN1 300 of INV1",
                "dispute CN2 998 of INV1",
                "restored INV2 300 of CN1",
                "dispute CN3 300 of INV1"
            ]
        );
    }
);

on_both_databases!(a_refund_heard_of_after_a_lost_dispute_has_its_own_credit_note, by_hand(), async |store| {
    let Bought { number, session, .. } = store.bought(&BOOKS, GOOD_CARD).await;
    let before = store.sandbox.event_count();
    store.sandbox.refund(&session, Some(300)).unwrap();
    let dispute = store.sandbox.open_dispute(&session, "fraudulent", false).unwrap();
    assert!(store.sandbox.close_dispute(&dispute, false));
    store.shop.reconcile_dispute(&dispute).await.unwrap();
    assert_eq!(store.documents(&number).await, ["sale INV1 1298", "dispute CN1 1298 of INV1"]);
    store.tells_of_refunds(before).await;
    assert_eq!(
        store.documents(&number).await[2..],
        ["restored INV2 1298 of CN1", "refund CN2 300 of INV1", "dispute CN3 998 of INV1"]
    );
});

on_both_databases!(an_order_of_nothing_has_no_documents, by_hand(), async |store| {
    let email = "ann@example.org".parse().unwrap();
    let gift = shop::desk::Gift { email, books: vec![BOOKS[0].parse().unwrap()], key: shop::desk::FormKey::generate() };
    let number = store.shop.give(&gift, &Actor::Command).await.unwrap().unwrap();
    assert!(store.documents(&number).await.is_empty());
    assert_eq!(store.count("invoice_series").await, 0);
});

on_both_databases!(money_of_before_gets_its_credit_notes_once, by_hand(), async |store| {
    let Bought { number, .. } = store.bought(&BOOKS, GOOD_CARD).await;
    // As if the program of before had written it down.
    let sql = "INSERT INTO refund (order_id, stripe_id, amount, tax, currency, status, created_at, updated_at) \
               SELECT id, 're_before', 499, 0, currency, 'succeeded', created_at, created_at FROM orders";
    store.execute(sql).await;
    store
        .execute(
            "INSERT INTO refund_item (refund_id, order_item_id, amount, tax, revokes) \
             SELECT r.id, i.id, 499, 0, FALSE FROM refund r JOIN order_item i ON i.order_id = r.order_id WHERE i.position = 1",
        )
        .await;
    assert_eq!(store.shop.catch_up_on_documents().await.unwrap(), 1);
    assert_eq!(store.shop.catch_up_on_documents().await.unwrap(), 0);
    assert_eq!(store.documents(&number).await, ["sale INV1 1298", "refund CN1 499 of INV1"]);
    store.shop.rebuild_tallies(|_| {}).await.unwrap();
});

/// Berlin, a quarter of an hour before its year begins: it has begun in UTC only an hour and a quarter later.
fn new_years_eve() -> Options {
    let eve = chrono::NaiveDate::from_ymd_opt(2027, 12, 31).unwrap().and_hms_opt(22, 45, 0).unwrap();
    Options { clock: Clock::manual(eve), time_zone: "Europe/Berlin".parse().unwrap(), ..by_hand() }
}

on_both_databases!(each_year_of_the_store_begins_with_one, new_years_eve(), async |store| {
    let buy = async || store.bought(&BOOKS[..1], GOOD_CARD).await.number;
    buy().await;
    buy().await;
    store.shop.clock().advance(chrono::TimeDelta::minutes(30));
    let number = buy().await;
    store.shop.refund(&number, &full()).await.unwrap();
    let numbers = store.texts("SELECT number AS value FROM invoice ORDER BY id").await;
    assert_eq!(numbers, ["INV-2027-00001", "INV-2027-00002", "INV-2028-00001", "CN-2028-00001"]);
    assert_eq!(store.snapshot(&number, "facts_snapshot").await["issued_on"].as_str(), Some("2028-01-01"));
});
