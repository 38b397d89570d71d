//! Webhooks: signed, retried, to every endpoint, and not lost when the sandbox restarts.

use std::time::Duration;

use stripe_sandbox::{Config, DeliveryStatus, RetrySchedule, WebhookEndpoint, signature_header};

use crate::helpers::{DEADLINE, Receiver, VISA, create, get, id, quick, start, start_with, until};

#[tokio::test]
async fn a_payment_is_told_to_every_endpoint_with_its_own_signature() {
    let sandbox = start().await;
    let (first, second) = (Receiver::start(&[]).await, Receiver::start(&[]).await);
    sandbox.add_webhook(&first.url, "whsec_first").unwrap();
    sandbox.add_webhook(&second.url, "whsec_second").unwrap();
    let session = create(&sandbox, &[]).await;
    let _ = sandbox.pay(id(&session), VISA, "a@example.com");
    for (receiver, secret) in [(&first, "whsec_first"), (&second, "whsec_second")] {
        for webhook in receiver.wait_for(4).await {
            let header = webhook.headers["stripe-signature"].to_str().unwrap();
            let (time, _) = header.strip_prefix("t=").unwrap().split_once(',').unwrap();
            assert_eq!(header, signature_header(secret, time.parse().unwrap(), &webhook.body));
            assert_eq!(webhook.headers["content-type"], "application/json; charset=utf-8");
            assert!(webhook.headers["user-agent"].to_str().unwrap().starts_with("Stripe/1.0"));
            assert_eq!(webhook.event()["pending_webhooks"], 2);
        }
        let mut kinds = receiver.kinds();
        kinds.sort();
        let expected =
            ["charge.succeeded", "checkout.session.completed", "payment_intent.created", "payment_intent.succeeded"];
        assert_eq!(kinds, expected);
    }
}

#[tokio::test]
async fn anything_but_a_2xx_is_tried_again_until_it_is_delivered() {
    let sandbox = start().await;
    let receiver = Receiver::start(&[500, 404, 302, 301]).await;
    sandbox.add_webhook(&receiver.url, "whsec_x").unwrap();
    let session = create(&sandbox, &[]).await;
    assert!(sandbox.expire(id(&session)));
    let received = receiver.wait_for(5).await;
    assert!(sandbox.deliveries_settled(DEADLINE).await);
    let ids: Vec<_> = received.iter().map(|webhook| webhook.event()["id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]));
    let delivery = &sandbox.deliveries()[0];
    assert_eq!((delivery.status, delivery.attempts, delivery.last_status), (DeliveryStatus::Delivered, 5, Some(200)));
    let event = get(&sandbox, &format!("/v1/events/{}", ids[0].as_str().unwrap())).await.body;
    assert_eq!(event["pending_webhooks"], 0);
}

#[tokio::test]
async fn after_the_last_retry_a_delivery_has_failed_and_can_be_sent_again() {
    let sandbox = start_with(Config { retries: quick(1), ..Config::default() }).await;
    let receiver = Receiver::start(&[500, 500]).await;
    sandbox.add_webhook(&receiver.url, "whsec_x").unwrap();
    let session = create(&sandbox, &[]).await;
    assert!(sandbox.expire(id(&session)));
    assert!(sandbox.deliveries_settled(DEADLINE).await);
    assert_eq!(sandbox.deliveries()[0].status, DeliveryStatus::Failed);
    assert_eq!(sandbox.deliveries()[0].attempts, 2);
    let failed = get(&sandbox, "/v1/events?delivery_success=false").await.body;
    let event = id(&failed["data"][0]).to_owned();

    assert!(sandbox.redeliver(&event));
    assert!(sandbox.deliveries_settled(DEADLINE).await);
    assert_eq!(receiver.received().len(), 3);
    let failed = get(&sandbox, "/v1/events?delivery_success=false").await.body;
    assert_eq!(failed["data"].as_array().unwrap().len(), 0);
    assert!(!sandbox.redeliver("evt_unknown"));
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_in_time_has_failed() {
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = Config {
        retries: RetrySchedule::never(),
        webhook_timeout: Duration::from_millis(50),
        webhooks: vec![WebhookEndpoint::new(format!("http://{}/", silent.local_addr().unwrap()), "whsec_x")],
        ..Config::default()
    };
    let sandbox = start_with(config).await;
    let session = create(&sandbox, &[]).await;
    assert!(sandbox.expire(id(&session)));
    assert!(sandbox.deliveries_settled(DEADLINE).await);
    assert_eq!(sandbox.deliveries()[0].last_error.as_deref(), Some("timed out"));
}

#[tokio::test]
async fn a_failing_delivery_does_not_hold_up_the_others() {
    let config = Config { retries: RetrySchedule::new([Duration::from_secs(3600)]), ..Config::default() };
    let sandbox = start_with(config).await;
    let receiver = Receiver::start(&[500]).await;
    sandbox.add_webhook(&receiver.url, "whsec_x").unwrap();
    let session = create(&sandbox, &[]).await;
    let _ = sandbox.pay(id(&session), VISA, "a@example.com");
    receiver.wait_for(4).await;
    until(|| sandbox.deliveries().iter().filter(|d| d.status == DeliveryStatus::Delivered).count() == 3).await;
    assert_eq!(sandbox.deliveries().iter().filter(|d| d.is_pending()).count(), 1);
}

#[tokio::test]
async fn a_restart_keeps_sessions_idempotency_and_what_was_not_delivered() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let config = || Config { state_file: Some(file.clone()), retries: quick(1000), ..Config::default() };
    let receiver = Receiver::start(&[503; 1000]).await;
    let sandbox = start_with(config()).await;
    sandbox.add_webhook(&receiver.url, "whsec_x").unwrap();
    let session = create(&sandbox, &[]).await;
    assert!(sandbox.expire(id(&session)));
    receiver.wait_for(2).await;
    sandbox.shutdown().await;

    let working = Receiver::start(&[]).await;
    let text = std::fs::read_to_string(&file).unwrap().replace(&receiver.url, &working.url);
    std::fs::write(&file, text).unwrap();
    let again = start_with(config()).await;
    let received = working.wait_for(1).await;
    assert_eq!(received[0].kind(), "checkout.session.expired");
    let kept = get(&again, &format!("/v1/checkout/sessions/{}", id(&session))).await.body;
    assert_eq!(kept["status"], "expired");
    assert!(again.deliveries_settled(DEADLINE).await);
    again.shutdown().await;
}

#[tokio::test]
async fn an_answer_is_in_the_state_file_before_it_is_given() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let sandbox = start_with(Config { state_file: Some(file.clone()), ..Config::default() }).await;
    let session = create(&sandbox, &[]).await;
    assert!(std::fs::read_to_string(&file).unwrap().contains(id(&session)));
    sandbox.shutdown().await;
}

#[tokio::test]
async fn a_session_expires_by_itself_when_its_time_comes() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("state.json");
    let config = || Config { state_file: Some(file.clone()), ..Config::default() };
    let sandbox = start_with(config()).await;
    let session = create(&sandbox, &[]).await;
    sandbox.shutdown().await;
    // Its time comes while the sandbox is down.
    let at = session["expires_at"].to_string();
    let text = std::fs::read_to_string(&file).unwrap().replace(&format!("\"expires_at\":{at}"), "\"expires_at\":1000");
    std::fs::write(&file, text).unwrap();
    let receiver = Receiver::start(&[]).await;
    let webhooks = vec![WebhookEndpoint::new(&receiver.url, "whsec_x")];
    let again = start_with(Config { webhooks, ..config() }).await;
    let received = receiver.wait_for(1).await;
    assert_eq!(received[0].kind(), "checkout.session.expired");
    assert_eq!(received[0].event()["data"]["object"]["id"], session["id"]);
    again.shutdown().await;
}
