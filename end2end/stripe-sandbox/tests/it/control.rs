//! The sandbox's own routes.

use reqwest::Method;
use serde_json::{Value, json};
use stripe_sandbox::Running;

use crate::helpers::{DEADLINE, Receiver, browser, create, get, id, start};

async fn control(sandbox: &Running, method: Method, path: &str, body: Option<Value>) -> (u16, Value) {
    let mut request = browser().request(method, format!("{}/_sandbox{path}", sandbox.url()));
    if let Some(body) = body {
        request = request.json(&body);
    }
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap_or_default())
}

#[tokio::test]
async fn a_test_in_any_language_can_drive_it() {
    let sandbox = start().await;
    let receiver = Receiver::start(&[]).await;
    let hook = json!({ "url": receiver.url, "secret": "whsec_x" });
    assert_eq!(control(&sandbox, Method::POST, "/webhooks", Some(hook)).await.0, 201);
    let bad = json!({ "url": "ftp://x/", "secret": "whsec_x" });
    assert_eq!(control(&sandbox, Method::POST, "/webhooks", Some(bad)).await.0, 422);
    let (_, list) = control(&sandbox, Method::GET, "/webhooks", None).await;
    assert_eq!(list["data"][0].get("secret"), None);

    let fault = json!({ "kind": "status", "status": 500, "path": "/v1/events" });
    assert_eq!(control(&sandbox, Method::POST, "/faults", Some(fault)).await.0, 201);
    assert_eq!(get(&sandbox, "/v1/events").await.status, 500);
    assert_eq!(
        control(&sandbox, Method::POST, "/faults", Some(json!({ "kind": "status", "status": 200 }))).await.0,
        422
    );
    assert_eq!(control(&sandbox, Method::POST, "/faults", Some(json!({ "kind": "reset" }))).await.0, 201);
    assert_eq!(control(&sandbox, Method::GET, "/faults", None).await.1["data"][0]["kind"], "reset");
    assert_eq!(control(&sandbox, Method::DELETE, "/faults", None).await.0, 204);

    let session = create(&sandbox, &[]).await;
    let path = format!("/sessions/{}", id(&session));
    let (_, older) = control(&sandbox, Method::POST, &format!("{path}/advance"), Some(json!({ "seconds": 60 }))).await;
    assert_eq!(older["status"], "open");
    assert_eq!(older["expires_at"].as_i64(), session["expires_at"].as_i64().map(|at| at - 60));
    let day = Some(json!({ "seconds": 86400 }));
    assert_eq!(control(&sandbox, Method::POST, &format!("{path}/advance"), day).await.1["status"], "expired");
    assert_eq!(control(&sandbox, Method::POST, &format!("{path}/expire"), None).await.0, 409);
    assert_eq!(control(&sandbox, Method::POST, "/sessions/cs_none/expire", None).await.0, 404);

    let event = id(&sandbox.events()[0]).to_owned();
    receiver.wait_for(1).await;
    assert_eq!(control(&sandbox, Method::POST, &format!("/events/{event}/deliver"), None).await.0, 202);
    receiver.wait_for(2).await;
    assert!(sandbox.deliveries_settled(DEADLINE).await);
    let (_, deliveries) = control(&sandbox, Method::GET, &format!("/deliveries?event={event}"), None).await;
    assert_eq!(deliveries["data"].as_array().unwrap().len(), 2);
    assert_eq!(deliveries["data"][1]["status"], "delivered");

    let (_, requests) = control(&sandbox, Method::GET, "/requests", None).await;
    assert_eq!(requests["data"].as_array().unwrap().len(), 2);
    assert_eq!(control(&sandbox, Method::DELETE, "/requests", None).await.0, 204);
    assert!(sandbox.requests().is_empty());
}
