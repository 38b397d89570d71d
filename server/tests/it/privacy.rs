//! What is known of a buyer, handed out and forgotten: row 45.

use crate::support::{Backend, Store, on_both_databases, on_both_databases_and_places, schema, sha256};
use reqwest::StatusCode;
use serde_json::Value;
use shop::audit::Actor;
use shop::privacy::NotErased;
use shop::staff::NewStaff;
use shop::types::{OrderNumber, Role};
use std::path::Path;

const ANN: &str = "erase-me@example.org";
/// Another person, whose address ends like hers.
const JO: &str = "please-erase-me@example.org";

/// The columns in which her address stands, and not only as a part of Jo's: every text column of every table.
async fn found(store: &Store) -> Vec<String> {
    let mut found = Vec::new();
    for (table, columns) in schema() {
        for column in columns.iter().filter(|column| column.kind == "Text") {
            let name = &column.name;
            let sql = format!(
                "SELECT CAST(\"{name}\" AS TEXT) AS value FROM {table} WHERE lower(CAST(\"{name}\" AS TEXT)) LIKE '%{ANN}%'"
            );
            let texts = store.texts(&sql).await;
            if texts.iter().any(|text| text.to_lowercase().replace(JO, "").contains(ANN)) {
                found.push(format!("{table}.{name}"));
            }
        }
    }
    found
}

/// Whether her address stands in a file below a folder.
fn stands_below(folder: &Path) -> bool {
    std::fs::read_dir(folder).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            stands_below(&path)
        } else {
            std::fs::read(&path).unwrap().windows(ANN.len()).any(|bytes| bytes.eq_ignore_ascii_case(ANN.as_bytes()))
        }
    })
}

async fn buys(store: &Store, slugs: &[&str], email: &str) -> OrderNumber {
    let browser = store.browser();
    let (_, number) = store.buy(&browser, slugs, email).await;
    let token = browser.token(&number, slugs[0]).await;
    browser.download(&token, "epub").await;
    store.until("its end is logged", async || store.count("download_log WHERE reason = 'begun'").await == 0).await;
    number
}

/// Traces that a store's life leaves where nobody looks for them.
async fn traces(store: &Store) {
    for sql in [
        format!(
            "INSERT INTO session (id_hash, data, expires_at) VALUES ('{}', '{{\"email\":\"{ANN}\"}}', '2999-01-01')",
            sha256(b"x")
        ),
        format!(
            "INSERT INTO session (id_hash, data, expires_at) VALUES ('{}', '{{\"email\":\"{JO}\"}}', '2999-01-01')",
            sha256(b"y")
        ),
        format!(
            "INSERT INTO difference (kind, object_id, detail, found_at) VALUES ('x', 'x', 'paid by {ANN}', '2026-01-01')"
        ),
        format!(
            "INSERT INTO unfinished (name, kind, data, created_at) VALUES ('a', 'words', '\"No book is called {ANN}.\"', '2999-01-01')"
        ),
        format!(
            "INSERT INTO unfinished (name, kind, data, created_at) VALUES ('b', 'words', '\"No book is called {JO}.\"', '2999-01-01')"
        ),
        "INSERT INTO users (email, email_norm, role, created_at) VALUES ('t@example.org', 't@example.org', 'admin', '2026-01-01')"
            .to_owned(),
        format!(
            "INSERT INTO api_token (user_id, name, hash, scopes, created_at, expires_at) \
             SELECT id, 'for {ANN}', '{}', 'read', '2026-01-01', '2999-01-01' FROM users WHERE email = 't@example.org'",
            sha256(b"z")
        ),
        format!("UPDATE outbox SET error = '450 <{ANN}>: try later' WHERE recipient = '{ANN}'"),
        format!("UPDATE checkout SET last_error = 'no mail to {ANN}' WHERE id = 1"),
        format!(
            "INSERT INTO audit (at, actor, action, object, before, after) \
             VALUES ('2026-11-01 00:00:00', 'command', 'order.moved', 'order:X', '{{\"email\":\"{JO}\"}}', '{{\"email\":\"{ANN}\"}}')"
        ),
    ] {
        store.execute(&sql).await;
    }
}

on_both_databases_and_places!(row_45_an_erased_address_stands_only_in_invoices, async |store| {
    let first = buys(store, &["the-first-book", "the-second-book"], ANN).await;
    buys(store, &["the-third-book"], "Erase-Me@Example.org").await;
    let other = buys(store, &["the-first-book"], JO).await;
    store.settle().await;
    traces(store).await;
    let before = found(store).await;
    for place in [
        "api_token.name",
        "entitlement.email_norm",
        "invoice.buyer_snapshot",
        "orders.email",
        "outbox.recipient",
        "stripe_event.body",
        "unfinished.data",
    ] {
        assert!(before.iter().any(|column| column == place), "{place} is not among {before:?}");
    }

    let (code, said) = store.octavo(&["buyer", "erase", ANN]).await;
    assert!(code == 0 && said.contains("erased: 2 orders") && said.matches("kept: invoice").count() == 2, "{said}");
    assert!(!said.contains(ANN), "{said}");
    assert_eq!(found(store).await, ["invoice.buyer_snapshot"]);
    match &store.s3 {
        Some(s3) => assert!(!stands_below(s3.folder.path())),
        None => assert!(!stands_below(&store.data.path().join("files"))),
    }
    // Her titles are closed, and nobody is known by name, network or browser.
    assert_eq!(store.rights(&first).await, ["revoked erased", "revoked erased"]);
    assert_eq!(store.count("orders WHERE name IS NOT NULL").await, 1);
    assert_eq!(store.count("download_log WHERE ip_prefix <> '' OR user_agent <> ''").await, 2);
    assert_eq!(
        store.count("order_access a JOIN orders o ON o.id = a.order_id WHERE o.email LIKE '%.invalid'").await,
        0
    );
    // The other's are open.
    assert_eq!(store.rights(&other).await, ["active"]);
    assert_eq!(store.count(&format!("session WHERE data LIKE '%{JO}%'")).await, 1);
    assert_eq!(store.count(&format!("outbox WHERE recipient = '{JO}'")).await, 1);
    assert_eq!(store.texts("SELECT name AS value FROM unfinished").await, ["b"]);
    assert_eq!(store.texts("SELECT name AS value FROM api_token").await, ["erased"]);
    assert_eq!(store.count(&format!("audit WHERE before LIKE '%{JO}%' AND after = '\"erased\"'")).await, 1);
    // What Stripe tells later brings nothing back.
    let session = store.texts("SELECT stripe_session AS value FROM orders WHERE id = 1").await;
    store.shop.reconcile(&session[0]).await.unwrap();
    store.settle().await;
    assert_eq!(found(store).await, ["invoice.buyer_snapshot"]);

    // Once the invoices' time is over they lose it too.
    let again = store.shop.erase_buyer(&ANN.parse().unwrap(), &Actor::Command).await.unwrap().unwrap();
    assert_eq!((again.orders, again.kept.len(), again.cleared), (0, 2, 0));
    store.execute("UPDATE invoice SET issued_at = '2010-06-01 00:00:00'").await;
    let again = store.shop.erase_buyer(&ANN.parse().unwrap(), &Actor::Command).await.unwrap().unwrap();
    assert_eq!((again.kept.len(), again.cleared), (0, 2));
    assert_eq!(found(store).await, Vec::<String>::new());
    assert_eq!(store.shop.erase_buyer(&ANN.parse().unwrap(), &Actor::Command).await.unwrap(), Err(NotErased::Nothing));
    assert_eq!(store.count(&format!("invoice WHERE buyer_snapshot LIKE '%{JO}%'")).await, 1);
});

on_both_databases!(row_45_a_page_that_is_still_open_writes_nothing_down, async |store| {
    let browser = store.browser();
    let (_, number) = store.buy(&browser, &["the-first-book", "the-second-book"], ANN).await;
    let tokens = [browser.token(&number, "the-first-book").await, browser.token(&number, "the-second-book").await];
    store.settle().await;
    // One of her titles was gone before, for another reason.
    let item = store.texts("SELECT CAST(MAX(id) AS TEXT) AS value FROM order_item").await[0].parse().unwrap();
    store.shop.withdraw_title(&number, item, true, &Actor::Command).await.unwrap().unwrap();
    store.shop.erase_buyer(&ANN.parse().unwrap(), &Actor::Command).await.unwrap().unwrap();
    assert_eq!(store.rights(&number).await, ["revoked erased", "revoked withdrawn"]);
    for token in &tokens {
        for visitor in [&browser, &store.browser()] {
            assert_eq!(visitor.claim(token, "epub").await.status(), StatusCode::NOT_FOUND);
        }
    }
    assert_eq!(store.count("download_log").await, 0);
});

on_both_databases!(row_45_a_trace_that_nobody_knows_of_stops_the_erasure, async |store| {
    buys(store, &["the-first-book"], ANN).await;
    store.settle().await;
    let text = match store.backend {
        Backend::Sqlite => "TEXT",
        Backend::Postgres => "VARCHAR(200)",
    };
    store.execute(&format!("CREATE TABLE later (id INTEGER, note {text})")).await;
    store.execute(&format!("INSERT INTO later (id, note) VALUES (1, 'a note about {ANN}')")).await;
    let before = store.fingerprint().await;
    let error = store.shop.erase_buyer(&ANN.parse().unwrap(), &Actor::Command).await.unwrap_err().to_string();
    assert!(error.contains("later.note") && !error.contains(ANN), "{error}");
    assert_eq!(store.fingerprint().await, before);
    store.execute("DROP TABLE later").await;
    store.shop.erase_buyer(&ANN.parse().unwrap(), &Actor::Command).await.unwrap().unwrap();
});

on_both_databases!(who_works_here_is_erased_as_a_buyer_only, async |store| {
    let new = NewStaff { email: ANN.parse().unwrap(), role: Role::Owner, password: None };
    store.shop.add_staff(&Actor::Command, &new).await.unwrap();
    buys(store, &["the-first-book"], ANN).await;
    store.settle().await;
    store.shop.erase_buyer(&ANN.parse().unwrap(), &Actor::Command).await.unwrap().unwrap();
    assert_eq!(found(store).await, ["invoice.buyer_snapshot", "users.email", "users.email_norm"]);
});

on_both_databases!(nobody_is_erased_while_money_is_on_its_way, async |store| {
    let number = buys(store, &["the-first-book"], ANN).await;
    store.settle().await;
    let ann = ANN.parse().unwrap();
    let erase = async || store.shop.erase_buyer(&ann, &Actor::Command).await.unwrap().unwrap_err();
    store
        .execute(
            "INSERT INTO dispute (stripe_id, order_id, amount, currency, status, reason, created_at, updated_at) \
             SELECT 'dp_1', id, 0, currency, 'needs_response', 'fraudulent', created_at, created_at FROM orders",
        )
        .await;
    let before = store.fingerprint().await;
    let text = number.as_str().to_owned();
    assert_eq!(erase().await, NotErased::Disputed(text.clone()));
    let (code, said) = store.octavo(&["buyer", "erase", ANN]).await;
    assert!(code == 1 && said.contains("has an open dispute"), "{said}");
    assert_eq!(store.fingerprint().await, before);
    store.execute("DELETE FROM dispute").await;
    store.execute("UPDATE orders SET status = 'pending'").await;
    assert_eq!(erase().await, NotErased::Pending(text.clone()));
    store.execute("UPDATE orders SET status = 'succeeded'").await;
    let refund = "INSERT INTO refund (stripe_id, order_id, amount, tax, currency, status, created_at, updated_at) \
                  SELECT 're_1', id, 1, 0, currency, 'pending', created_at, created_at FROM orders";
    store.execute(refund).await;
    assert_eq!(erase().await, NotErased::Refunding(text));
    store.execute("DELETE FROM refund").await;
    let nobody = store.shop.erase_buyer(&"nobody@example.org".parse().unwrap(), &Actor::Command).await.unwrap();
    assert_eq!(nobody, Err(NotErased::Nothing));
    store.shop.erase_buyer(&ann, &Actor::Command).await.unwrap().unwrap();
});

on_both_databases!(what_is_held_under_an_address_is_handed_out_whole, async |store| {
    buys(store, &["the-first-book", "the-second-book"], ANN).await;
    buys(store, &["the-third-book"], "Erase-Me@Example.org").await;
    buys(store, &["the-first-book"], JO).await;
    store.settle().await;
    store.until("all is written", async || store.count("download_log WHERE reason = 'begun'").await == 0).await;
    let path = store.data.path().join("export.json");
    let arguments = ["buyer", "export", ANN, "--out", path.to_str().unwrap()];
    let (code, said) = store.octavo(&arguments).await;
    assert_eq!(code, 0, "{said}");
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(!text.contains(JO));
    // No secret, and no hash of one.
    for (table, column) in [
        ("download_token", "hash"),
        ("download_claim", "hash"),
        ("download_claim", "browser_hash"),
        ("order_access", "browser_hash"),
    ] {
        for secret in store.texts(&format!("SELECT {column} AS value FROM {table}")).await {
            assert!(!text.contains(&secret), "{table}.{column}");
        }
    }
    assert!(!text.contains("dl_") && !text.contains("ol_"));
    let held: Value = serde_json::from_str(&text).unwrap();
    let count = |name: &str| held[name].as_array().unwrap().len();
    assert_eq!((count("orders"), count("invoices"), count("mails"), count("downloads")), (2, 2, 2, 4));
    assert_eq!(held["orders"][0]["titles"].as_array().unwrap().len(), 2);
    assert_eq!(held["orders"][0]["titles"][0]["links"][0]["used_count"], 1);
    assert_eq!(held["invoices"][0]["buyer"]["email"], ANN);
    // It is not written over, and nothing is nothing.
    assert_eq!(store.octavo(&arguments).await.0, 1);
    assert_eq!(store.shop.export_buyer(&"nobody@example.org".parse().unwrap(), &Actor::Command).await.unwrap(), None);
});
