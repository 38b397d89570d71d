//! Customers, and sessions that know theirs.

use reqwest::Method;
use serde_json::json;

use crate::helpers::{VISA, call, create, get, id, order, send, start};

#[tokio::test]
async fn a_customer_is_made_changed_found_and_deleted() {
    let sandbox = start().await;
    let form = [
        ("email", "ada@example.com"),
        ("name", "Ada"),
        ("address[city]", "Bonn"),
        ("address[country]", "DE"),
        ("metadata[a]", "1"),
        ("preferred_locales[]", "de"),
    ];
    let made = send(&sandbox, "/v1/customers", &form).await.body;
    assert_eq!((made["address"]["city"].as_str(), made["preferred_locales"][0].as_str()), (Some("Bonn"), Some("de")));
    let path = format!("/v1/customers/{}", id(&made));
    let changes = [("name", "Ada L."), ("email", ""), ("metadata[b]", "2"), ("address[city]", "")];
    let changed = send(&sandbox, &path, &changes).await.body;
    assert_eq!((changed["name"].as_str(), changed["email"].as_str()), (Some("Ada L."), None));
    assert_eq!(changed["metadata"], json!({ "a": "1", "b": "2" }));
    assert_eq!((changed["address"]["city"].as_str(), changed["address"]["country"].as_str()), (None, Some("DE")));
    assert_eq!(send(&sandbox, &path, &[("metadata", "")]).await.body["metadata"], json!({}));

    let other = send(&sandbox, "/v1/customers", &[("email", "bob@example.com")]).await.body;
    let found = get(&sandbox, "/v1/customers?email=bob@example.com").await.body;
    assert_eq!((found["data"].as_array().unwrap().len(), &found["data"][0]["id"]), (1, &other["id"]));
    let deleted = call(&sandbox, Method::DELETE, &path, &[], None).await.unwrap();
    assert_eq!(deleted.body, json!({ "id": id(&made), "object": "customer", "deleted": true }));
    assert_eq!(get(&sandbox, &path).await.body["deleted"], true);
    assert_eq!(send(&sandbox, &path, &[("name", "x")]).await.error("code"), "resource_missing");
    let left = get(&sandbox, "/v1/customers").await.body;
    assert_eq!((left["data"].as_array().unwrap().len(), &left["data"][0]["id"]), (1, &other["id"]));
    let kinds: Vec<_> = sandbox.events().iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect();
    assert_eq!(kinds.iter().filter(|kind| *kind == "customer.created").count(), 2);
    assert_eq!(kinds.last().unwrap(), "customer.deleted");
    assert_eq!(send(&sandbox, "/v1/customers", &[("email", "nobody")]).await.error("code"), "email_invalid");
    assert_eq!(send(&sandbox, "/v1/customers", &[("address[planet]", "x")]).await.error("code"), "parameter_unknown");
}

#[tokio::test]
async fn a_session_of_a_customer_carries_it_through_the_payment() {
    let sandbox = start().await;
    let customer = send(&sandbox, "/v1/customers", &[("email", "ada@example.com")]).await.body;
    let session = create(&sandbox, &[("customer", id(&customer)), ("expand[]", "customer")]).await;
    assert_eq!(session["customer"]["email"], "ada@example.com");
    assert_eq!(session["customer_details"]["email"], "ada@example.com");
    assert_eq!(session["customer_creation"], json!(null));
    let _ = sandbox.pay(id(&session), VISA, "someone@example.com");
    let path = format!("/v1/checkout/sessions/{}?expand[]=payment_intent.latest_charge.customer", id(&session));
    let done = get(&sandbox, &path).await.body;
    assert_eq!(done["customer_details"]["email"], "ada@example.com");
    assert_eq!(done["payment_intent"]["customer"], customer["id"]);
    assert_eq!(done["payment_intent"]["latest_charge"]["customer"]["id"], customer["id"]);
    for list in ["checkout/sessions", "payment_intents", "charges"] {
        let found = get(&sandbox, &format!("/v1/{list}?customer={}", id(&customer))).await.body;
        assert_eq!(found["data"].as_array().unwrap().len(), 1, "{list}");
        assert_eq!(get(&sandbox, &format!("/v1/{list}?customer=cus_other")).await.body["data"], json!([]), "{list}");
    }
}

#[tokio::test]
async fn a_customer_is_made_on_completion_where_asked_for() {
    let sandbox = start().await;
    let session = create(&sandbox, &[("customer_creation", "always")]).await;
    assert_eq!(session["customer"], json!(null));
    let _ = sandbox.pay(id(&session), VISA, "new@example.com");
    let done = sandbox.session(id(&session)).unwrap();
    let customer = get(&sandbox, &format!("/v1/customers/{}", done["customer"].as_str().unwrap())).await.body;
    assert_eq!((customer["email"].as_str(), customer["name"].as_str()), (Some("new@example.com"), Some("Test Buyer")));
    let guest = create(&sandbox, &[]).await;
    let _ = sandbox.pay(id(&guest), VISA, "guest@example.com");
    assert_eq!(sandbox.session(id(&guest)).unwrap()["customer"], json!(null));
}

#[tokio::test]
async fn a_session_takes_one_way_to_say_who_buys() {
    let sandbox = start().await;
    let customer = send(&sandbox, "/v1/customers", &[]).await.body;
    let customer = ("customer", id(&customer));
    for other in [("customer_email", "a@example.com"), ("customer_creation", "always")] {
        let refused = send(&sandbox, "/v1/checkout/sessions", &order(&[customer, other])).await;
        assert_eq!((refused.status, refused.error("param")), (400, "customer"));
    }
    let unknown = send(&sandbox, "/v1/checkout/sessions", &order(&[("customer", "cus_none")])).await;
    assert_eq!((unknown.status, unknown.error("code")), (400, "resource_missing"));
}
