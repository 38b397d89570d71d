//! Idempotency keys.

use std::time::Duration;

use reqwest::Method;
use stripe_sandbox::{Config, Fault, Running};

use crate::helpers::{Answer, ORDER, call, id, order, start, start_with};

const PATH: &str = "/v1/checkout/sessions";

async fn post(sandbox: &Running, form: &[(&str, &str)], key: &str) -> Answer {
    call(sandbox, Method::POST, PATH, form, Some(key)).await.unwrap()
}

#[tokio::test]
async fn the_same_key_and_parameters_give_the_same_answer() {
    let sandbox = start().await;
    let first = post(&sandbox, ORDER, "k").await;
    let mut shuffled = ORDER.to_vec();
    shuffled.reverse();
    let again = post(&sandbox, &shuffled, "k").await;
    assert_eq!(first.body, again.body);
    assert_eq!(first.header("idempotent-replayed"), None);
    assert_eq!(again.header("idempotent-replayed"), Some("true"));
    assert_eq!(again.header("idempotency-key"), Some("k"));
    assert_eq!(again.header("original-request"), first.header("request-id"));
    assert_eq!(sandbox.session_ids().len(), 1);
    assert_ne!(id(&post(&sandbox, ORDER, "other").await.body), id(&first.body));
}

#[tokio::test]
async fn the_same_key_for_something_else_is_an_error() {
    let sandbox = start().await;
    let first = post(&sandbox, ORDER, "k").await;
    let other = post(&sandbox, &order(&[("client_reference_id", "9")]), "k").await;
    assert_eq!((other.status, other.error("type")), (400, "idempotency_error"));
    let path = format!("{PATH}/{}/expire", id(&first.body));
    let other = call(&sandbox, Method::POST, &path, &[], Some("k")).await.unwrap();
    assert_eq!((other.status, other.error("type")), (400, "idempotency_error"));
}

#[tokio::test]
async fn a_server_error_is_kept_but_a_refused_parameter_or_rate_limit_is_not() {
    let sandbox = start().await;
    sandbox.set_fault(Fault::status(500));
    assert_eq!(post(&sandbox, ORDER, "k500").await.status, 500);
    let again = post(&sandbox, ORDER, "k500").await;
    assert_eq!((again.status, again.header("idempotent-replayed")), (500, Some("true")));
    sandbox.set_fault(Fault::status(429));
    assert_eq!(post(&sandbox, ORDER, "k429").await.error("code"), "rate_limit");
    assert_eq!(post(&sandbox, ORDER, "k429").await.status, 200);
    assert_eq!(post(&sandbox, &order(&[("mode", "")]), "k400").await.status, 400);
    assert_eq!(post(&sandbox, ORDER, "k400").await.status, 200);
}

#[tokio::test]
async fn a_key_in_use_is_a_conflict() {
    let sandbox = start().await;
    sandbox.set_fault(Fault::delay(Duration::from_millis(400)));
    let slow = post(&sandbox, ORDER, "k");
    let quick = async {
        // The slow one has arrived.
        crate::helpers::until(|| !sandbox.requests().is_empty()).await;
        post(&sandbox, ORDER, "k").await
    };
    let (slow, quick) = tokio::join!(slow, quick);
    assert_eq!(slow.status, 200);
    assert_eq!((quick.status, quick.error("code")), (409, "idempotency_key_in_use"));
    assert_eq!(sandbox.session_ids().len(), 1);
}

#[tokio::test]
async fn a_key_over_255_characters_is_refused() {
    let sandbox = start().await;
    assert_eq!(post(&sandbox, ORDER, &"k".repeat(255)).await.status, 200);
    assert_eq!(post(&sandbox, ORDER, &"k".repeat(256)).await.status, 400);
}

#[tokio::test]
async fn keys_are_kept_over_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let config = || Config { state_file: Some(folder.path().join("state.json")), ..Config::default() };
    let sandbox = start_with(config()).await;
    let first = post(&sandbox, ORDER, "k").await;
    sandbox.shutdown().await;
    let again = post(&start_with(config()).await, ORDER, "k").await;
    assert_eq!(id(&again.body), id(&first.body));
}
