//! The API's lists: every row once, whatever is added meanwhile, and what is in the rows.

use crate::support::{GOOD_CARD, by_hand, code, event, on_both_databases};
use chrono::NaiveDate;
use serde_json::{Value, json};
use shop::paging::Place;
use shop::seed::large::Plan;
use shop::types::{BookForm, Role, Scope};
use std::sync::atomic::{AtomicU32, Ordering};

const BOOKS: [&str; 2] = ["the-first-book", "the-second-book"];

fn names(rows: &[Value], name: &str) -> Vec<String> {
    rows.iter().map(|row| row[name].as_str().unwrap().to_owned()).collect()
}

on_both_databases!(every_order_is_on_one_page_while_others_are_placed, by_hand(), async |store| {
    let until = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
    let plan = Plan { seed: 1, books: 20, orders: 230, until, batch: Plan::BATCH };
    store.shop.seed_large(&plan, |_| {}).await.unwrap();
    let api = store.api(Role::Viewer, Scope::Read).await;
    let plain = "SELECT SUBSTR(number, 1, 5) || '-' || SUBSTR(number, 6) AS value FROM orders";
    let there = store.texts(&format!("{plain} ORDER BY id DESC")).await;
    for limit in [7, 100] {
        let rows = api
            .turned(&format!("/api/v1/orders?limit={limit}"), async || {
                if store.count("orders").await < 240 {
                    store.bought(&BOOKS, GOOD_CARD).await;
                }
            })
            .await;
        let found = names(&rows, "number");
        assert!(found.ends_with(&there), "limit {limit}: {} orders", found.len());
        let once: std::collections::BTreeSet<_> = found.iter().collect();
        assert_eq!(once.len(), found.len());
    }
    assert_eq!(api.found("/api/v1/orders").await["data"].as_array().unwrap().len(), 50);
    // With filters the same, and links keep them.
    let paid = api.turned("/api/v1/orders?standing=succeeded&limit=80", async || {}).await;
    assert_eq!(i64::try_from(paid.len()).unwrap(), store.count("orders WHERE status = 'succeeded'").await);
    let first = api.found("/api/v1/orders?standing=succeeded&limit=3&from=2020-01-01").await;
    let next = first["next"].as_str().unwrap();
    assert!(
        next.contains("standing=succeeded") && next.contains("from=2020-01-01") && next.contains("limit=3"),
        "{next}"
    );
    // A cursor is good for its list with its filters, and only as the store has written it.
    let cursor = next.split("cursor=").nth(1).unwrap();
    let foreign = [
        format!("/api/v1/orders?cursor={cursor}"),
        format!("/api/v1/orders?standing=failed&from=2020-01-01&cursor={cursor}"),
        format!("/api/v1/refunds?cursor={cursor}"),
        format!("/api/v1/orders?standing=succeeded&from=2020-01-01&cursor={}A", &cursor[1..]),
        "/api/v1/orders?cursor=".to_owned(),
        "/api/v1/orders?cursor=!".to_owned(),
        format!("/api/v1/orders?cursor={}", "A".repeat(5_000)),
    ];
    for path in foreign {
        assert_eq!(code(&api.get(&path).await), (400, "bad-cursor"), "{path}");
    }
    assert!(
        api.found(&format!("/api/v1/orders?standing=succeeded&from=2020-01-01&limit=90&cursor={cursor}")).await["data"]
            .is_array()
    );
    for query in
        ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=", "standing=x", "from=yesterday", "page=2", "book=A%00"]
    {
        assert_eq!(code(&api.get(&format!("/api/v1/orders?{query}")).await), (400, "bad-request"), "{query}");
    }
});

on_both_databases!(every_book_is_on_one_page_while_others_are_made, by_hand(), async |store| {
    let api = store.api(Role::Admin, Scope::Write).await;
    let there = store.texts("SELECT slug AS value FROM book ORDER BY id DESC").await;
    let next = AtomicU32::new(0);
    let rows = api
        .turned("/api/v1/books?limit=1", async || {
            let title = format!("Made meanwhile {}", next.fetch_add(1, Ordering::SeqCst));
            let made =
                api.post("/api/v1/books", &title.replace(' ', "-"), &json!({ "title": title, "language": "en" })).await;
            assert_eq!(made.0.as_u16(), 201, "{made:?}");
        })
        .await;
    assert_eq!(names(&rows, "slug"), there);
    let drafts = api.turned("/api/v1/books?status=draft&q=meanw&limit=2", async || {}).await;
    assert_eq!(drafts.len(), next.load(Ordering::SeqCst) as usize);
    assert!(api.found("/api/v1/books?q=%22%27%3A*").await["data"].as_array().unwrap().is_empty());
    // What a book is.
    let book = api.found("/api/v1/books/the-first-book").await;
    assert_eq!(
        (&book["status"], &book["prices"]),
        (&json!("published"), &json!([{ "amount": 799, "currency": "USD" }]))
    );
    let file = &book["editions"][0]["files"][0];
    assert!(file["sha256"].as_str().unwrap().len() == 64 && file["bytes"].as_u64() > Some(0), "{book}");
    assert_eq!(code(&api.get("/api/v1/books/no-book").await), (404, "not-found"));
    let form = BookForm { title: "-".into(), ..BookForm::default() };
    assert!(store.shop.create_book(&shop::audit::Actor::Command, &form, None).await.is_err());
});

on_both_databases!(a_books_place_in_the_list_stays_when_its_address_changes, by_hand(), async |store| {
    let api = store.api(Role::Admin, Scope::Write).await;
    for title in ["Tide", "Salt", "1984"] {
        let made = api.post("/api/v1/books", title, &json!({ "title": title, "language": "en" })).await;
        assert_eq!(made.0.as_u16(), 201, "{made:?}");
    }
    let first = api.found("/api/v1/books?limit=2").await;
    assert_eq!(names(first["data"].as_array().unwrap(), "slug"), ["1984", "salt"]);
    let next = first["next"].as_str().unwrap().to_owned();
    let moved = json!({ "title": "Salt", "language": "en", "slug": "salt-of-the-sea" });
    assert_eq!(api.put("/api/v1/books/salt", 1, &moved).await.1["slug"], "salt-of-the-sea");
    let second = api.found(&next).await;
    assert_eq!(second["data"][0]["slug"], "tide");
    assert_eq!(api.found(second["previous"].as_str().unwrap()).await["data"][1]["slug"], "salt-of-the-sea");
    // The cursors of before held addresses, also such as are numbers: they are good for nothing.
    for slug in ["salt", "1984", "no-such-book"] {
        for place in [Place::After(slug.into()), Place::Before(slug.into())] {
            let cursor = store.shop.cursor("/api/v1/books?", &place).unwrap();
            let answer = api.get(&format!("/api/v1/books?cursor={cursor}")).await;
            assert_eq!(code(&answer), (400, "bad-cursor"), "{place:?}");
        }
    }
});

on_both_databases!(refunds_and_events_are_listed_whole, by_hand(), async |store| {
    let admin = store.api(Role::Admin, Scope::Write).await;
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    let (number, at) = (bought.number.to_string(), format!("/api/v1/orders/{}/refunds", bought.number));
    for cents in [100, 200, 300] {
        let body = json!({ "amount": { "amount": cents, "currency": "USD" } });
        assert_eq!(admin.post(&at, &format!("r{cents}"), &body).await.0.as_u16(), 201);
    }
    for path in [format!("{at}?limit=1"), "/api/v1/refunds?limit=1".to_owned()] {
        let rows = admin.turned(&path, async || {}).await;
        let amounts: Vec<_> = rows.iter().map(|row| row["amount"]["amount"].as_i64().unwrap()).collect();
        assert_eq!(amounts, [300, 200, 100], "{path}");
        assert!(rows.iter().all(|row| row["order"] == *number && row["status"] == "succeeded"), "{rows:?}");
        let share: i64 =
            rows[0]["items"].as_array().unwrap().iter().map(|item| item["amount"]["amount"].as_i64().unwrap()).sum();
        assert_eq!(share, 300);
    }
    // Events, several of one moment.
    for name in 1..=5 {
        let id = format!("evt_{name}");
        store.keep(&event(&id, "checkout.session.expired", "cs_test_nothing", store.seconds())).await;
    }
    store
        .execute(
            "UPDATE stripe_event SET received_at = (SELECT MIN(received_at) FROM stripe_event) WHERE id <> 'evt_3'",
        )
        .await;
    let rows = admin.turned("/api/v1/webhooks/stripe?limit=2", async || {}).await;
    assert_eq!(names(&rows, "id"), ["evt_3", "evt_5", "evt_4", "evt_2", "evt_1"]);
    assert_eq!(admin.turned("/api/v1/webhooks/stripe?state=waiting&limit=2", async || {}).await.len(), 5);
    assert!(admin.found("/api/v1/webhooks/stripe?state=dead").await["data"].as_array().unwrap().is_empty());
    let one = admin.found("/api/v1/webhooks/stripe/evt_3").await;
    assert_eq!((&one["type"], &one["body"]["id"]), (&json!("checkout.session.expired"), &json!("evt_3")));
    let viewer = store.api(Role::Viewer, Scope::Read).await;
    assert!(viewer.found("/api/v1/webhooks/stripe/evt_3").await["body"].is_null());
    for none in ["evt_9", "%00", "evt%2F3", "..."] {
        assert_eq!(code(&admin.get(&format!("/api/v1/webhooks/stripe/{none}")).await).0, 404, "{none}");
    }
});

on_both_databases!(an_order_is_told_as_far_as_the_role_goes, by_hand(), async |store| {
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    let (viewer, support) = (store.api(Role::Viewer, Scope::Read).await, store.api(Role::Support, Scope::Write).await);
    let path = format!("/api/v1/orders/{}", bought.number);
    let (masked, order) = (viewer.found(&path).await, support.found(&path).await);
    let email = store.texts("SELECT email AS value FROM orders").await.remove(0);
    assert_eq!(order["email"], *email);
    assert!(
        masked["email"].as_str().unwrap().contains('…') || masked["email"].as_str().unwrap().contains('*'),
        "{masked}"
    );
    assert!(masked["name"].is_null() && order["name"].is_string());
    assert_eq!((&order["standing"], &order["total"]), (&json!("paid"), &json!({ "amount": 1_298, "currency": "USD" })));
    let placed = order["placed_at"].as_str().unwrap();
    assert!(chrono::DateTime::parse_from_rfc3339(placed).is_ok() && placed.ends_with('Z'), "{placed}");
    assert!(order["timeline"].as_array().unwrap().iter().any(|moment| moment["kind"] == "order"));
    // Orders under an address are found by an order, and not by viewers.
    let of = format!("/api/v1/orders?buyer={}", bought.number);
    assert_eq!(support.found(&of).await["data"].as_array().unwrap().len(), 1);
    assert_eq!(code(&viewer.get(&of).await), (403, "not-allowed"));
    // Downloads, without what opens them.
    let downloads = viewer.found(&format!("{path}/downloads")).await;
    let first = &downloads["data"][0];
    assert_eq!((&first["state"], &first["uses_left"], &first["max_uses"]), (&json!("usable"), &json!(3), &json!(3)));
    assert!(!downloads.to_string().contains("dl_") && !order.to_string().contains("dl_"));
    store.execute("UPDATE download_token SET expires_at = created_at").await;
    assert_eq!(viewer.found(&format!("{path}/downloads")).await["data"][0]["state"], "expired");
    let renewed = support.post(&format!("{path}/downloads/{}/renew", BOOKS[0]), "again", &Value::Null).await;
    assert_eq!((renewed.0.as_u16(), &renewed.1["uses_left"], &renewed.1["renewals"]), (200, &json!(3), &json!(1)));
    assert_eq!(support.post(&format!("{path}/downloads/{}/renew", BOOKS[0]), "again", &Value::Null).await, renewed);
    assert_eq!(store.count("download_token").await, 3);
});

on_both_databases!(figures_are_those_of_the_desk, by_hand(), async |store| {
    let api = store.api(Role::Viewer, Scope::Read).await;
    store.bought(&BOOKS, GOOD_CARD).await;
    let kpis = api.found("/api/v1/kpis").await;
    let own = &kpis["currencies"][0];
    assert_eq!((&own["currency"], &own["now"]["orders"], &own["now"]["units"]), (&json!("USD"), &json!(1), &json!(2)));
    assert_eq!((&own["now"]["gross"], &own["now"]["average"]), (&json!(1_298), &json!(1_298)));
    assert_eq!((&own["before"]["orders"], &own["before"]["average"]), (&json!(0), &Value::Null));
    assert_eq!(kpis["funnel"]["orders"], 1);
    let today = store.shop.today().await.unwrap();
    assert_eq!(kpis["until"], today.to_string());
    let week = api.found("/api/v1/kpis?from=2026-03-02&until=2026-03-08").await;
    assert_eq!((&week["before"]["from"], &week["before"]["until"]), (&json!("2026-02-23"), &json!("2026-03-01")));
    assert_eq!(week["currencies"][0]["now"]["orders"], 0);
    for query in ["from=x", "from=2026-03-08&until=2026-03-02", "from=0001-01-01", "days=30"] {
        assert_eq!(code(&api.get(&format!("/api/v1/kpis?{query}")).await), (400, "bad-request"), "{query}");
    }
});
