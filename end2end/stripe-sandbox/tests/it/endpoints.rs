//! Webhook endpoints over the API: each with its own secret and its own choice of events.

use reqwest::Method;
use serde_json::json;
use stripe_sandbox::signature_header;

use crate::helpers::{DEADLINE, Receiver, VISA, call, create, get, id, send, start};

#[tokio::test]
async fn an_endpoint_gets_the_events_it_asked_for_signed_with_its_own_secret() {
    let sandbox = start().await;
    let (some, all) = (Receiver::start(&[]).await, Receiver::start(&[]).await);
    let wanted = [
        ("url", some.url.as_str()),
        ("enabled_events[]", "checkout.session.completed"),
        ("enabled_events[]", "charge.refunded"),
        ("description", "orders"),
    ];
    let made = send(&sandbox, "/v1/webhook_endpoints", &wanted).await.body;
    let secret = made["secret"].as_str().unwrap().to_owned();
    assert!(secret.starts_with("whsec_"));
    let other = send(&sandbox, "/v1/webhook_endpoints", &[("url", &all.url), ("enabled_events[0]", "*")]).await.body;
    assert_ne!(other["secret"], made["secret"]);
    let path = format!("/v1/webhook_endpoints/{}", id(&made));
    assert_eq!(get(&sandbox, &path).await.body.get("secret"), None);
    let session = create(&sandbox, &[]).await;
    let _ = sandbox.pay(id(&session), VISA, "a@example.com");
    all.wait_for(4).await;
    assert!(sandbox.deliveries_settled(DEADLINE).await);
    assert_eq!(some.kinds(), ["checkout.session.completed"]);
    let webhook = &some.received()[0];
    let header = webhook.headers["stripe-signature"].to_str().unwrap();
    let (time, _) = header.strip_prefix("t=").unwrap().split_once(',').unwrap();
    assert_eq!(header, signature_header(&secret, time.parse().unwrap(), &webhook.body));
    assert_eq!(webhook.event()["pending_webhooks"], 2);

    assert_eq!(send(&sandbox, &path, &[("disabled", "true")]).await.body["status"], "disabled");
    sandbox.refund(id(&session), None).unwrap();
    all.wait_for(6).await;
    assert!(sandbox.deliveries_settled(DEADLINE).await);
    assert_eq!(some.received().len(), 1);
    let changes = [("disabled", "false"), ("enabled_events[0]", "*"), ("metadata[a]", "1")];
    let enabled = send(&sandbox, &path, &changes).await.body;
    assert_eq!((enabled["status"].as_str(), &enabled["enabled_events"]), (Some("enabled"), &json!(["*"])));

    let deleted = call(&sandbox, Method::DELETE, &path, &[], None).await.unwrap().body;
    assert_eq!(deleted, json!({ "id": id(&made), "object": "webhook_endpoint", "deleted": true }));
    assert_eq!(get(&sandbox, &path).await.error("code"), "resource_missing");
    let list = get(&sandbox, "/v1/webhook_endpoints").await.body;
    assert_eq!((list["data"].as_array().unwrap().len(), &list["data"][0]["id"]), (1, &other["id"]));
}

#[tokio::test]
async fn wrong_endpoints_are_refused() {
    let sandbox = start().await;
    let create = async |form: &[(&str, &str)]| send(&sandbox, "/v1/webhook_endpoints", form).await;
    let (url, all) = (("url", "http://127.0.0.1:9/hook"), ("enabled_events[]", "*"));
    assert_eq!(create(&[all]).await.error("code"), "parameter_missing");
    assert_eq!(create(&[url]).await.error("param"), "enabled_events");
    assert_eq!(create(&[("url", "nowhere"), all]).await.error("code"), "url_invalid");
    for name in ["banana", "charge.*", "Charge.failed", "charge..failed", "charge.failed x"] {
        assert_eq!(create(&[url, ("enabled_events[]", name)]).await.error("param"), "enabled_events[0]", "{name}");
    }
    assert_eq!(create(&[url, all, ("api_version", "2011-01-01")]).await.error("param"), "api_version");
    for _ in 0..16 {
        assert_eq!(create(&[url, all]).await.status, 200);
    }
    assert_eq!(create(&[url, all]).await.status, 400);
}
