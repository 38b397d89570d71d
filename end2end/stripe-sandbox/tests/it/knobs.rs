//! Knobs: what goes wrong with deliveries and answers, the same each time for the same seed.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::json;
use stripe_sandbox::{Config, DeliveryStatus, Fault, Knobs, Running};

use crate::helpers::{DEADLINE, ORDER, Receiver, call, create, get, id, send, start, start_with};

const PATH: &str = "/v1/checkout/sessions";

async fn with_knobs(knobs: Knobs) -> (Running, Receiver) {
    let sandbox = start().await;
    let receiver = Receiver::start(&[]).await;
    let endpoint = sandbox.add_webhook(&receiver.url, "whsec_x").unwrap();
    assert!(sandbox.set_knobs(&endpoint, knobs));
    assert!(!sandbox.set_knobs("we_none", Knobs::none()));
    (sandbox, receiver)
}

/// So many events, one right after the other: their ids, of all so far.
async fn events(sandbox: &Running, count: usize) -> Vec<String> {
    let mut sessions = Vec::new();
    for _ in 0..count {
        sessions.push(create(sandbox, &[]).await);
    }
    for session in sessions {
        assert!(sandbox.expire(id(&session)));
    }
    sandbox.events().iter().map(|event| id(event).to_owned()).collect()
}

fn order_of(receiver: &Receiver, ids: &[String]) -> Vec<usize> {
    let at = |event: &str| ids.iter().position(|id| id == event).unwrap();
    receiver.received().iter().map(|webhook| at(webhook.event()["id"].as_str().unwrap())).collect()
}

#[tokio::test]
async fn a_delay_and_duplicates_come_as_told() {
    let (sandbox, receiver) = with_knobs(Knobs::none().delay(Duration::from_millis(200)).duplicate(2)).await;
    let begun = Instant::now();
    events(&sandbox, 1).await;
    let received = receiver.wait_for(3).await;
    assert!(begun.elapsed() >= Duration::from_millis(200));
    assert!(received.iter().all(|webhook| webhook.event()["id"] == received[0].event()["id"]));
    assert!(sandbox.deliveries_settled(DEADLINE).await);
    assert_eq!(sandbox.deliveries().len(), 3);
}

#[tokio::test]
async fn a_window_is_shuffled_the_same_way_for_the_same_seed() {
    let mut orders = Vec::new();
    for seed in [5, 5, 6] {
        let (sandbox, receiver) = with_knobs(Knobs::none().reorder(8).seed(seed)).await;
        let ids = events(&sandbox, 8).await;
        receiver.wait_for(8).await;
        orders.push(order_of(&receiver, &ids));
    }
    let mut sorted = orders[0].clone();
    sorted.sort_unstable();
    assert_eq!(sorted, (0..8).collect::<Vec<_>>());
    assert_ne!(orders[0], sorted);
    assert_eq!(orders[0], orders[1]);
    assert_ne!(orders[0], orders[2]);
}

#[tokio::test]
async fn a_window_that_does_not_fill_goes_all_the_same() {
    let (sandbox, receiver) = with_knobs(Knobs::none().reorder(50)).await;
    events(&sandbox, 3).await;
    receiver.wait_for(3).await;
}

#[tokio::test]
async fn lost_deliveries_are_never_sent_and_can_be_sent_by_hand() {
    let (sandbox, receiver) = with_knobs(Knobs::none().drop_first(2)).await;
    let ids = events(&sandbox, 3).await;
    let received = receiver.wait_for(1).await;
    assert_eq!(received[0].event()["id"], ids[2].as_str());
    let lost: Vec<_> = sandbox.deliveries().into_iter().filter(|d| d.status == DeliveryStatus::Dropped).collect();
    assert_eq!((lost.len(), lost[0].attempts), (2, 0));
    let undelivered = get(&sandbox, "/v1/events?delivery_success=false").await.body;
    assert_eq!(undelivered["data"].as_array().unwrap().len(), 2);
    assert!(sandbox.redeliver(&ids[0]));
    receiver.wait_for(2).await;
    assert!(sandbox.deliveries_settled(DEADLINE).await);
    assert_eq!(get(&sandbox, "/v1/events?delivery_success=false").await.body["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn chance_loses_the_same_deliveries_for_the_same_seed() {
    let mut lost = Vec::new();
    for seed in [1, 1, 2] {
        let (sandbox, _receiver) = with_knobs(Knobs::none().drop_probability(0.5).seed(seed)).await;
        events(&sandbox, 20).await;
        let statuses = sandbox.deliveries().into_iter().map(|d| d.status == DeliveryStatus::Dropped);
        lost.push(statuses.collect::<Vec<_>>());
    }
    assert!(lost[0].contains(&true) && lost[0].contains(&false));
    assert_eq!(lost[0], lost[1]);
    assert_ne!(lost[0], lost[2]);
}

#[tokio::test]
async fn knobs_are_set_over_http_and_from_the_configuration() {
    let receiver = Receiver::start(&[]).await;
    let webhooks = vec![stripe_sandbox::WebhookEndpoint::new(&receiver.url, "whsec_x")];
    let sandbox =
        start_with(Config { webhooks, webhook_knobs: Knobs::none().drop_first(1), ..Config::default() }).await;
    events(&sandbox, 1).await;
    assert_eq!(sandbox.deliveries()[0].status, DeliveryStatus::Dropped);
    let url = format!("{}/_sandbox/webhooks/{}/knobs", sandbox.url(), sandbox.webhooks()[0].0);
    let set = async |body| browser_post(&url, body).await;
    assert_eq!(set(json!({ "duplicate": 1 })).await, 200);
    for wrong in [json!({ "drop_probability": 2.0 }), json!({ "banana": 1 }), json!({ "duplicate": -1 })] {
        assert_eq!(set(wrong).await, 422);
    }
    events(&sandbox, 1).await;
    receiver.wait_for(2).await;
}

async fn browser_post(url: &str, body: serde_json::Value) -> u16 {
    crate::helpers::browser().post(url).json(&body).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn faults_strike_by_chance_the_same_requests_for_the_same_seed() {
    let mut struck = Vec::new();
    for seed in [3, 3, 4] {
        let sandbox = start().await;
        sandbox.set_fault(Fault::status(500).times(1_000).with_probability(0.5, seed));
        let mut statuses = Vec::new();
        for _ in 0..20 {
            statuses.push(get(&sandbox, PATH).await.status);
        }
        struck.push(statuses);
    }
    assert!(struck[0].contains(&500) && struck[0].contains(&200));
    assert_eq!(struck[0], struck[1]);
    assert_ne!(struck[0], struck[2]);
}

#[tokio::test]
async fn a_rate_limit_says_when_to_come_back() {
    let sandbox = start().await;
    sandbox.set_fault(Fault::rate_limit(Duration::from_secs(7)));
    let answer = get(&sandbox, PATH).await;
    assert_eq!((answer.status, answer.error("code"), answer.header("retry-after")), (429, "rate_limit", Some("7")));
    assert_eq!(get(&sandbox, PATH).await.header("retry-after"), None);
}

#[tokio::test]
async fn a_slow_answer_trickles_in_and_the_next_one_does_not() {
    let sandbox = start().await;
    create(&sandbox, &[]).await;
    sandbox.set_fault(Fault::slow(Duration::from_secs(2)));
    let client = crate::helpers::browser();
    let get = async || {
        let begun = Instant::now();
        let answer = client.get(format!("{}{PATH}", sandbox.url())).bearer_auth("sk_test_1").send().await.unwrap();
        let headers = begun.elapsed();
        assert_eq!(answer.json::<serde_json::Value>().await.unwrap()["data"].as_array().unwrap().len(), 1);
        (headers, begun.elapsed())
    };
    let (headers, whole) = get().await;
    assert!(whole >= Duration::from_millis(1_900), "{whole:?}");
    // It began long before it ended.
    assert!(headers < whole / 2, "{headers:?} of {whole:?}");
    assert!(get().await.1 < Duration::from_millis(1_900));
}

#[tokio::test]
async fn a_test_can_say_at_most_one_live_session_per_attempt() {
    let sandbox = start().await;
    let with = |reference: &'static str| {
        let mut form = ORDER.to_vec();
        form.extend([("client_reference_id", reference), ("metadata[checkout]", reference)]);
        form
    };
    let first = call(&sandbox, Method::POST, PATH, &with("a"), Some("k")).await.unwrap();
    sandbox.set_fault(Fault::lost_answer());
    assert!(call(&sandbox, Method::POST, PATH, &with("a"), Some("k")).await.is_err());
    assert!(sandbox.expire(id(&first.body)));
    let _ = send(&sandbox, PATH, &with("a")).await;
    let one = sandbox.attempts("client_reference_id");
    assert_eq!((one[0].attempt.as_str(), one[0].requests, one[0].sessions.len()), ("a", 3, 2));
    assert_eq!((one[0].live, one[0].most_live), (1, 1));
    let requests = sandbox.requests();
    assert_eq!((requests[1].replayed, requests[1].status), (true, None));
    assert_eq!(requests[1].object.as_deref(), Some(id(&first.body)));
    // A second one beside the first is noticed, also afterwards.
    let _ = send(&sandbox, PATH, &with("a")).await;
    for session in sandbox.session_ids() {
        sandbox.expire(&session);
    }
    let after = sandbox.attempts("metadata.checkout");
    assert_eq!((after[0].live, after[0].most_live), (0, 2));
    let url = format!("{}/_sandbox/attempts?by=metadata.checkout", sandbox.url());
    let told: serde_json::Value = crate::helpers::browser().get(url).send().await.unwrap().json().await.unwrap();
    assert_eq!(told["data"][0]["most_live"], 2);
}
