//! Faults: each does what it says, once or as often as told, and only where told.

use std::time::{Duration, Instant};

use reqwest::Method;
use stripe_sandbox::Fault;

use crate::helpers::{ORDER, call, get, id, send, start};

const PATH: &str = "/v1/checkout/sessions";

#[tokio::test]
async fn a_status_comes_as_often_as_told_and_only_there() {
    let sandbox = start().await;
    sandbox.set_fault(Fault::status(503).on_path(PATH).on_method("POST").times(2));
    assert_eq!(get(&sandbox, PATH).await.status, 200);
    assert_eq!(send(&sandbox, PATH, ORDER).await.error("type"), "api_error");
    assert_eq!(send(&sandbox, PATH, ORDER).await.status, 503);
    assert_eq!(send(&sandbox, PATH, ORDER).await.status, 200);
}

#[tokio::test]
async fn a_reset_does_nothing_and_a_lost_answer_did_the_work() {
    let sandbox = start().await;
    sandbox.set_fault(Fault::reset());
    assert!(call(&sandbox, Method::POST, PATH, ORDER, Some("k")).await.is_err());
    assert!(sandbox.session_ids().is_empty());
    sandbox.set_fault(Fault::lost_answer());
    assert!(call(&sandbox, Method::POST, PATH, ORDER, Some("k")).await.is_err());
    assert_eq!(sandbox.session_ids().len(), 1);
    let again = call(&sandbox, Method::POST, PATH, ORDER, Some("k")).await.unwrap();
    assert_eq!(id(&again.body), sandbox.session_ids()[0]);
}

#[tokio::test]
async fn a_delay_delays() {
    let sandbox = start().await;
    sandbox.set_fault(Fault::delay(Duration::from_millis(150)));
    let begun = Instant::now();
    assert_eq!(get(&sandbox, PATH).await.status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(150));
}

#[tokio::test]
async fn a_client_that_hangs_up_does_not_stop_the_work() {
    let sandbox = start().await;
    sandbox.set_fault(Fault::delay(Duration::from_millis(150)));
    let url = format!("{}{PATH}", sandbox.url());
    let request = crate::helpers::browser().post(url).bearer_auth("sk_test_1").form(ORDER);
    assert!(request.timeout(Duration::from_millis(50)).send().await.is_err());
    crate::helpers::until(|| sandbox.session_ids().len() == 1).await;
}
