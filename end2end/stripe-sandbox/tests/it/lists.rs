//! Lists over many objects: every row once, in both directions; filters; expanded lines.

use serde_json::json;

use crate::helpers::{create, get, id, send, start};

#[tokio::test]
async fn walking_the_pages_gives_every_row_once_in_both_directions() {
    let sandbox = start().await;
    for _ in 0..25 {
        assert_eq!(send(&sandbox, "/v1/customers", &[("metadata[n]", "1")]).await.status, 200);
    }
    let mut there = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = get(&sandbox, &format!("/v1/customers?limit=10{cursor}")).await.body;
        there.extend(page["data"].as_array().unwrap().iter().map(|row| id(row).to_owned()));
        if page["has_more"] == false {
            break;
        }
        cursor = format!("&starting_after={}", there.last().unwrap());
    }
    assert_eq!(there.len(), 25);
    let mut back = vec![there[24].clone()];
    loop {
        let page = get(&sandbox, &format!("/v1/customers?limit=10&ending_before={}", back.last().unwrap())).await.body;
        back.extend(page["data"].as_array().unwrap().iter().rev().map(|row| id(row).to_owned()));
        if page["has_more"] == false {
            break;
        }
    }
    back.reverse();
    assert_eq!(there, back);
    let mut unique = there.clone();
    unique.sort();
    unique.dedup();
    assert_eq!(unique.len(), 25);
}

#[tokio::test]
async fn every_list_has_stripes_limits_and_cursor_errors() {
    let sandbox = start().await;
    let lists = [
        "checkout/sessions",
        "payment_intents",
        "charges",
        "refunds",
        "disputes",
        "customers",
        "events",
        "coupons",
        "promotion_codes",
        "tax_rates",
        "webhook_endpoints",
    ];
    for list in lists {
        let path = format!("/v1/{list}");
        let empty = get(&sandbox, &path).await.body;
        assert_eq!(empty, json!({ "object": "list", "data": [], "has_more": false, "url": path }));
        for (query, code) in [
            ("limit=0", "parameter_invalid_integer"),
            ("limit=101", "parameter_invalid_integer"),
            ("starting_after=x", "resource_missing"),
            ("ending_before=x", "resource_missing"),
            ("banana=1", "parameter_unknown"),
        ] {
            let refused = get(&sandbox, &format!("{path}?{query}")).await;
            assert_eq!((refused.status, refused.error("code")), (400, code), "{list} {query}");
        }
        assert_eq!(get(&sandbox, &format!("{path}?expand[]=data.banana")).await.error("param"), "expand", "{list}");
    }
}

#[tokio::test]
async fn the_lines_of_a_session_are_paged_and_expanded() {
    let sandbox = start().await;
    let changes = [("line_items[0][price_data][product_data][metadata][isbn]", "978")];
    let session = create(&sandbox, &changes).await;
    let path = format!("/v1/checkout/sessions/{}/line_items", id(&session));
    let page = get(&sandbox, &format!("{path}?limit=1&expand[]=data.price.product&expand[]=data.taxes")).await.body;
    let line = &page["data"][0];
    assert_eq!((line["price"]["product"]["name"].as_str(), page["has_more"].as_bool()), (Some("Dune"), Some(true)));
    assert_eq!(line["price"]["product"]["metadata"]["isbn"], "978");
    assert_eq!(line["taxes"], json!([]));
    let next = get(&sandbox, &format!("{path}?starting_after={}", id(line))).await.body;
    let before = get(&sandbox, &format!("{path}?ending_before={}", id(&next["data"][0]))).await.body;
    assert_eq!(before["data"][0]["id"], line["id"]);
    let whole = format!("/v1/checkout/sessions/{}?expand[]=line_items.data.price.product", id(&session));
    assert_eq!(get(&sandbox, &whole).await.body["line_items"]["data"][1]["price"]["product"]["name"], "Emma");
    let list = get(&sandbox, "/v1/checkout/sessions?expand[]=data.line_items").await.body;
    assert_eq!(list["data"][0]["line_items"]["data"].as_array().unwrap().len(), 2);
    for wrong in ["data", "data.price.banana", "line_items"] {
        assert_eq!(get(&sandbox, &format!("{path}?expand[]={wrong}")).await.status, 400, "{wrong}");
    }
}

#[tokio::test]
async fn a_sessions_metadata_can_be_changed() {
    let sandbox = start().await;
    let session = create(&sandbox, &[("metadata[a]", "1")]).await;
    let path = format!("/v1/checkout/sessions/{}", id(&session));
    let changed = send(&sandbox, &path, &[("metadata[b]", "2")]).await.body;
    assert_eq!(changed["metadata"], json!({ "a": "1", "b": "2" }));
    assert_eq!(send(&sandbox, &path, &[("success_url", "http://x/")]).await.error("code"), "parameter_unknown");
}
