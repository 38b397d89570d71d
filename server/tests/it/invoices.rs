//! Invoices and credit notes: what is issued for which event, under which number, and what it says.

use crate::refunds::{amount, full, items};
use crate::support::{Bought, GOOD_CARD, Options, Store, by_hand, on_both_databases};
use futures::future::join_all;
use serde_json::Value;
use shop::audit::Actor;
use shop::invoices::{DetailsError, Reissued};
use shop::types::{BuyerDetails, OrderNumber, Role};
use shop::{BrowserSecret, Clock, Policy};
use stripe_sandbox::PayOutcome;

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
    let drop = match store.backend {
        crate::support::Backend::Sqlite => "DROP TRIGGER invoice_is_final",
        crate::support::Backend::Postgres => "ALTER TABLE invoice DISABLE TRIGGER USER",
    };
    store.execute(drop).await;
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

on_both_databases!(a_buyer_has_her_invoice_made_out_anew_once, by_hand(), async |store| {
    let browser = BrowserSecret::generate();
    let session = store.quick_checkout(&BOOKS, &browser).await;
    let number = store.bought_with(session, GOOD_CARD).await.number;
    let standing = async || store.shop.order(&number, Some(&browser)).await.unwrap().unwrap().invoice.unwrap();
    let first = standing().await;
    let set = async |replaces: &str, company: &str| {
        store.shop.set_buyer_details(&number, replaces, &details(company), Some(&browser)).await
    };
    // A double click, and a second tab that says the same.
    let clicks = join_all((0..8).map(|_| set(&first, "Lee GmbH"))).await;
    let made: Vec<Reissued> = clicks.into_iter().map(Result::unwrap).collect();
    assert_eq!(made.iter().filter(|made| made.credit_note.is_some()).count(), 1, "{made:?}");
    assert!(made.iter().all(|one| one.invoice == made[0].invoice));
    assert_eq!(store.documents(&number).await, ["sale INV1 1298", "replaced CN1 1298 of INV1", "reissued INV2 1298"]);
    let buyer = store.snapshot(&number, "buyer_snapshot").await;
    assert_eq!((buyer["company"].as_str(), buyer["vat_id"].as_str()), (Some("Lee GmbH"), Some("DE123456789")));
    assert_eq!(buyer["email"].as_str(), Some("ann@example.org"));
    // A tab that shows the first one says something else.
    assert!(matches!(set(&first, "Lee AG").await, Err(DetailsError::Changed)));
    assert_eq!(standing().await, made[0].invoice);
    // Nobody else's business.
    let other = BrowserSecret::generate();
    let foreign = store.shop.set_buyer_details(&number, &made[0].invoice, &details("X"), Some(&other)).await;
    assert!(matches!(foreign, Err(DetailsError::Shop(shop::Error::NotFound))));
    // The tax and the price stay, and a refund corrects the one that stands.
    store.shop.refund(&number, &amount(298)).await.unwrap();
    set(&made[0].invoice, "Lee SE").await.unwrap();
    assert_eq!(
        store.documents(&number).await[3..],
        ["refund CN2 298 of INV2", "replaced CN3 1000 of INV2", "reissued INV3 1000"]
    );
    store.shop.refund(&number, &full()).await.unwrap();
    assert!(matches!(set(&standing().await, "Late").await, Err(DetailsError::Nothing)));
});

on_both_databases!(a_refund_of_a_replaced_invoice_that_fails_makes_it_out_anew, by_hand(), async |store| {
    let Bought { number, .. } = store.bought(&BOOKS, GOOD_CARD).await;
    let made = store.shop.refund(&number, &amount(300)).await.unwrap().stripe_id.unwrap();
    let standing = store.texts("SELECT number AS value FROM invoice ORDER BY id").await.remove(0);
    store.shop.set_buyer_details_at_desk(&number, &standing, &details("Lee"), &Actor::Command).await.unwrap();
    let before = store.sandbox.event_count();
    assert!(store.sandbox.finish_refund(&made, false), "it fails");
    store.tells_of_refunds(before).await;
    assert_eq!(
        store.documents(&number).await,
        [
            "sale INV1 1298",
            "refund CN1 300 of INV1",
            "replaced CN2 998 of INV1",
            "reissued INV2 998",
            "replaced CN3 998 of INV2",
            "reissued INV3 1298 of CN1"
        ]
    );
});

fn final_after_a_day() -> Options {
    let now = chrono::NaiveDate::from_ymd_opt(2026, 11, 26).unwrap().and_hms_opt(12, 0, 0).unwrap();
    Options {
        clock: Clock::manual(now),
        policy: Policy { invoice_days: 1, order_hours: 100, ..Policy::default() },
        ..by_hand()
    }
}

on_both_databases!(an_invoice_is_final_after_its_days_but_for_the_desk, final_after_a_day(), async |store| {
    let browser = BrowserSecret::generate();
    let session = store.quick_checkout(&BOOKS, &browser).await;
    let number = store.bought_with(session, GOOD_CARD).await.number;
    let form = async || store.shop.order(&number, Some(&browser)).await.unwrap().unwrap().buyer_form;
    let shown = form().await.unwrap();
    assert_eq!(shown.until, "27 November 2026");
    store.shop.clock().advance(chrono::TimeDelta::hours(23));
    store.shop.set_buyer_details(&number, &shown.replaces, &details("Lee"), Some(&browser)).await.unwrap();
    let shown = form().await.unwrap();
    store.shop.clock().advance(chrono::TimeDelta::hours(1));
    let late = store.shop.set_buyer_details(&number, &shown.replaces, &details("Leo"), Some(&browser)).await;
    assert!(matches!(late, Err(DetailsError::TooLate)));
    // A browser that may still see the order is not shown the form.
    assert!(store.shop.order_sheet(&number).await.unwrap().unwrap().buyer_form.is_some());
    store.shop.set_buyer_details_at_desk(&number, &shown.replaces, &details("Leo"), &Actor::Command).await.unwrap();
    let audited = store.texts("SELECT action || ' ' || object AS value FROM audit").await;
    assert!(audited.contains(&format!("invoice.reissued order:{}", number.as_str())), "{audited:?}");
    assert_eq!(store.documents(&number).await.len(), 5);
});

on_both_databases!(the_forms_work_as_plain_forms, async |store| {
    let (buyer, stranger) = (store.browser(), store.browser());
    let (_, number) = store.buy(&buyer, &BOOKS, "ann@example.org").await;
    store.settle().await;
    let page = buyer.text(&format!("/orders/{number}")).await;
    let invoice = store.texts("SELECT number AS value FROM invoice").await.remove(0);
    assert!(page.contains(&format!("/invoices/{invoice}.pdf")), "{page}");
    let form = |company: &'static str, country: &'static str| {
        [
            ("number", number.to_string()),
            ("replaces", invoice.clone()),
            ("company", company.to_owned()),
            ("address", "Gasse </textarea> 1\r\n10115 Berlin".to_owned()),
            ("country", country.to_owned()),
        ]
    };
    let send = async |browser: &crate::support::Browser, action: &str, form: [(&'static str, String); 5]| {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = browser.post_from(&format!("/orders/{number}"), action, &form).await;
        (answer.status().as_u16(), answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned()))
    };
    let to = |query: &str| (303, Some(format!("/orders/{number}?{query}")));
    assert_eq!(send(&buyer, "/actions/set-buyer-details", form("", "de")).await, to("error=invalid-details"));
    assert_eq!(send(&buyer, "/actions/set-buyer-details", form("Lee", "Germany")).await, to("error=invalid-details"));
    let refused = send(&stranger, "/actions/set-buyer-details", form("Lee", "de")).await;
    assert_eq!(refused.0, 404, "{refused:?}");
    assert_eq!(send(&buyer, "/actions/set-buyer-details", form("Lee", "de")).await, to("done=invoice-replaced"));
    assert_eq!(send(&buyer, "/actions/set-buyer-details", form("Lee", "de")).await, to("done=invoice-as-it-was"));
    assert_eq!(send(&buyer, "/actions/set-buyer-details", form("Leo", "de")).await, to("error=invoice-changed"));
    let page = buyer.text(&format!("/orders/{number}?done=invoice-replaced")).await;
    assert!(page.contains("made out anew") && page.contains("Credit note CN-"), "{page}");
    assert!(page.contains("Gasse &lt;/textarea> 1"), "the address stands in its field");
    // At the desk, from support on.
    let desk = store.desk(Role::Support).await;
    let sheet = desk.text(&format!("/admin/orders/{number}")).await;
    let replaces = crate::support::hidden(&sheet, "replaces").unwrap();
    let form = [("number", number.to_string()), ("replaces", replaces), ("company", "Leo".to_owned())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = desk.post("/actions/admin-set-buyer-details", &form).await;
    assert_eq!(crate::support::location(&answer), format!("/admin/orders/{number}?done=invoice-replaced"));
    let viewer = store.desk(Role::Viewer).await.text(&format!("/admin/orders/{number}")).await;
    assert!(!viewer.contains("/invoices/") && !viewer.contains("admin-set-buyer-details"));
    // In the library, too.
    store.library(&buyer, "ann@example.org").await;
    let shelf = buyer.text("/library").await;
    assert!(
        shelf.contains(&format!("/invoices/{invoice}.pdf")) && shelf.contains(&format!("/orders/{number}#invoice"))
    );
});
