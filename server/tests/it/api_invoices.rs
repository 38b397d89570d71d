//! Invoices and credit notes through the API: listed, looked up, linked, and printed.

use crate::refunds::{amount, full};
use crate::support::{GOOD_CARD, Options, by_hand, code, on_both_databases, read};
use chrono::{NaiveDate, TimeDelta};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shop::Clock;
use shop::types::{Role, Scope};
use std::collections::BTreeSet;

const BOOKS: [&str; 2] = ["the-first-book", "the-second-book"];

/// A second before noon of a day in May (UTC), which is midnight in Auckland.
fn before_midnight() -> Options {
    let second = NaiveDate::from_ymd_opt(2026, 5, 10).unwrap().and_hms_opt(11, 59, 59).unwrap();
    Options { clock: Clock::manual(second), time_zone: "Pacific/Auckland".parse().unwrap(), ..by_hand() }
}

fn numbers(rows: &[Value]) -> Vec<&str> {
    rows.iter().map(|row| row["number"].as_str().unwrap()).collect()
}

on_both_databases!(every_document_is_on_one_page_while_others_are_issued, by_hand(), async |store| {
    let api = store.api(Role::Viewer, Scope::Read).await;
    assert_eq!(api.found("/api/v1/invoices").await, json!({ "data": [], "next": null, "previous": null }));
    for _ in 0..7 {
        let bought = store.bought(&BOOKS, GOOD_CARD).await;
        store.shop.refund(&bought.number, &amount(100)).await.unwrap();
    }
    // Several of one moment.
    let drop = match store.backend {
        crate::support::Backend::Sqlite => "DROP TRIGGER invoice_is_final",
        crate::support::Backend::Postgres => "ALTER TABLE invoice DISABLE TRIGGER USER",
    };
    store.execute(drop).await;
    store.execute("UPDATE invoice SET issued_at = (SELECT MIN(issued_at) FROM invoice) WHERE id < 9").await;
    let there = store.texts("SELECT number AS value FROM invoice ORDER BY issued_at DESC, id DESC").await;
    for limit in [1, 3, 100] {
        let rows = api
            .turned(&format!("/api/v1/invoices?limit={limit}"), async || {
                if store.count("invoice").await < 20 {
                    store.bought(&BOOKS, GOOD_CARD).await;
                }
            })
            .await;
        assert!(numbers(&rows).ends_with(&there.iter().map(String::as_str).collect::<Vec<_>>()), "limit {limit}");
        assert_eq!(numbers(&rows).into_iter().collect::<BTreeSet<_>>().len(), rows.len());
    }
    let notes = api.turned("/api/v1/invoices?kind=credit_note&limit=2", async || {}).await;
    assert_eq!((notes.len(), notes[0]["kind"].as_str()), (7, Some("credit_note")));
    let invoices = api.turned("/api/v1/invoices?kind=invoice&limit=4", async || {}).await;
    assert_eq!(i64::try_from(invoices.len()).unwrap(), store.count("invoice WHERE kind = 'invoice'").await);
    // A cursor is good for its list with its filters.
    let first = api.found("/api/v1/invoices?kind=credit_note&limit=2").await;
    let next = first["next"].as_str().unwrap();
    assert!(next.contains("kind=credit_note"), "{next}");
    let cursor = next.split("cursor=").nth(1).unwrap();
    for path in [format!("/api/v1/invoices?cursor={cursor}"), format!("/api/v1/refunds?cursor={cursor}")] {
        assert_eq!(code(&api.get(&path).await), (400, "bad-cursor"), "{path}");
    }
    for query in ["kind=receipt", "order=x", "from=yesterday", "until=", "limit=0", "email=a", "kind="] {
        assert_eq!(code(&api.get(&format!("/api/v1/invoices?{query}")).await), (400, "bad-request"), "{query}");
    }
});

on_both_databases!(a_document_says_what_it_corrects_and_what_corrects_it, by_hand(), async |store| {
    let (viewer, support) = (store.api(Role::Viewer, Scope::Read).await, store.api(Role::Support, Scope::Read).await);
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    store.bought(&BOOKS, GOOD_CARD).await;
    for cents in [100, 200] {
        store.shop.refund(&bought.number, &amount(cents)).await.unwrap();
    }
    let of_order = viewer.found(&format!("/api/v1/invoices?order={}", bought.number)).await["data"].clone();
    let [second, first, invoice] = of_order.as_array().unwrap().as_slice() else { panic!("{of_order}") };
    assert_eq!(invoice["corrected_by"], json!([first["number"], second["number"]]));
    for (note, cents) in [(first, 100), (second, 200)] {
        assert_eq!((&note["corrects"], &note["corrected_by"]), (&invoice["number"], &json!([])));
        assert_eq!((&note["kind"], &note["reason"]), (&json!("credit_note"), &json!("refund")));
        assert_eq!(note["total"], json!({ "amount": cents, "currency": "USD" }));
        assert!(note["refund"].as_str().unwrap().starts_with("re_"), "{note}");
        assert_eq!(note["order"], bought.number.to_string());
    }
    assert_eq!(
        (&invoice["kind"], &invoice["reason"], &invoice["refund"]),
        (&json!("invoice"), &json!("sale"), &Value::Null)
    );
    // The order leads to the same.
    let order = viewer.found(&format!("/api/v1/orders/{}", bought.number)).await;
    let documents = order["documents"].as_array().unwrap();
    assert_eq!(documents.len(), 3);
    for (document, row) in documents.iter().zip([invoice, first, second]) {
        assert_eq!((&document["url"], &document["number"]), (&row["url"], &row["number"]));
        assert_eq!((&document["corrects"], &document["issued_on"]), (&row["corrects"], &row["issued_on"]));
        let whole = viewer.found(document["url"].as_str().unwrap()).await;
        for (name, value) in row.as_object().unwrap() {
            assert_eq!(&whole[name], value, "{name}");
        }
        assert!(whole["buyer"].is_null());
    }
    // The lines, and for support the buyer.
    let whole = support.found(invoice["url"].as_str().unwrap()).await;
    assert_eq!(whole["buyer"]["email"], "ann@example.org");
    assert_eq!((&whole["seller"]["name"], whole["lines"].as_array().unwrap().len()), (&json!("Test Books"), 2));
    assert_eq!(
        (&whole["lines"][0]["title"], &whole["lines"][0]["total"]),
        (&json!("The first book"), &json!({ "amount": 799, "currency": "USD" }))
    );
    store.execute("UPDATE invoice SET buyer_snapshot = '{}'").await;
    assert!(support.found(invoice["url"].as_str().unwrap()).await["buyer"].is_null());
    for none in ["INV-1", "%00", "x%0Ay", "..", &"9".repeat(300)] {
        for path in [format!("/api/v1/invoices/{none}"), format!("/api/v1/invoices/{none}/pdf")] {
            assert_eq!(code(&support.get(&path).await), (404, "not-found"), "{path}");
        }
    }
});

on_both_databases!(the_days_are_those_of_the_store, before_midnight(), async |store| {
    let api = store.api(Role::Viewer, Scope::Read).await;
    let before = store.bought(&BOOKS, GOOD_CARD).await;
    store.shop.clock().advance(TimeDelta::seconds(1));
    let after = store.bought(&BOOKS, GOOD_CARD).await;
    store.shop.refund(&after.number, &full()).await.unwrap();
    let orders = async |query: &str| {
        let found = api.found(&format!("/api/v1/invoices?{query}")).await;
        let rows = found["data"].as_array().unwrap();
        rows.iter().map(|row| row["order"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let (before, after) = (before.number.to_string(), after.number.to_string());
    assert_eq!(orders("until=2026-05-10").await, std::slice::from_ref(&before));
    assert_eq!(orders("from=2026-05-11").await, [after.clone(), after.clone()]);
    assert_eq!(orders("from=2026-05-11&kind=credit_note").await, std::slice::from_ref(&after));
    assert_eq!(orders("from=2026-05-10&until=2026-05-11").await.len(), 3);
    assert_eq!(orders("from=0001-01-01&until=9999-12-31").await.len(), 3);
    for none in ["from=2026-05-12", "until=2026-05-09", "until=0001-01-01", "from=9999-12-31", "order=22222-22222"] {
        assert_eq!(orders(none).await, [""; 0], "{none}");
    }
    // A document has the day that stands on it, whatever zone the store has by now.
    let drop = match store.backend {
        crate::support::Backend::Sqlite => "DROP TRIGGER invoice_is_final",
        crate::support::Backend::Postgres => "ALTER TABLE invoice DISABLE TRIGGER USER",
    };
    store.execute(drop).await;
    store.execute("UPDATE invoice SET facts_snapshot = REPLACE(facts_snapshot, '2026-05-10', '2026-05-09')").await;
    let rows = api.found("/api/v1/invoices").await["data"].clone();
    let days: Vec<_> = rows.as_array().unwrap().iter().map(|row| row["issued_on"].as_str().unwrap()).collect();
    assert_eq!(days, ["2026-05-11", "2026-05-11", "2026-05-09"]);
});

on_both_databases!(the_pdf_is_the_buyers_byte_by_byte, async |store| {
    let buyer = store.browser();
    let (_, order) = store.buy(&buyer, &BOOKS, "ann@example.org").await;
    store.settle().await;
    store.shop.refund(&order, &amount(100)).await.unwrap();
    let (viewer, support) = (store.api(Role::Viewer, Scope::Read).await, store.api(Role::Support, Scope::Read).await);
    let rows = viewer.found("/api/v1/invoices").await["data"].clone();
    for row in rows.as_array().unwrap() {
        let path = row["pdf"].as_str().unwrap();
        let answer = support.request(Method::GET, path).send().await.unwrap();
        let headers = answer.headers().clone();
        assert_eq!((answer.status(), &headers["content-type"]), (StatusCode::OK, &"application/pdf".parse().unwrap()));
        assert!(headers["content-disposition"].to_str().unwrap().contains(row["number"].as_str().unwrap()));
        assert!(headers["cache-control"] == "no-store" && headers.contains_key("ratelimit"));
        let pdf = answer.bytes().await.unwrap();
        assert!(pdf.starts_with(b"%PDF-"));
        let own = buyer.get(&format!("/invoices/{}.pdf", row["number"].as_str().unwrap())).await;
        assert_eq!(own.bytes().await.unwrap(), pdf);
        let known = support.request(Method::GET, path).header("if-none-match", &headers["etag"]).send().await.unwrap();
        assert_eq!(known.status(), StatusCode::NOT_MODIFIED);
        // The buyer stands on it.
        assert_eq!(code(&read(viewer.request(Method::GET, path).send().await.unwrap()).await), (403, "not-allowed"));
    }
});
