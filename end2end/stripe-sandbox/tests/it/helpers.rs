//! Starting a sandbox, talking to it, and a webhook endpoint that answers as it is told.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use reqwest::Method;
use serde_json::Value;
use stripe_sandbox::{Config, RetrySchedule, Running, Sandbox};

pub(crate) const KEY: &str = "sk_test_123";
pub(crate) const VISA: &str = "4242 4242 4242 4242";
pub(crate) const DEADLINE: Duration = Duration::from_secs(10);

pub(crate) async fn start() -> Running {
    start_with(Config { retries: quick(6), ..Config::default() }).await
}

/// Where what happens later happens at once.
pub(crate) async fn soon() -> Running {
    start_with(Config { settle_after: Duration::from_millis(20), ..Config::default() }).await
}

pub(crate) async fn start_with(config: Config) -> Running {
    Sandbox::start(config).await.unwrap()
}

/// So many retries, with hardly a pause.
pub(crate) fn quick(retries: usize) -> RetrySchedule {
    RetrySchedule::new(std::iter::repeat_n(Duration::from_millis(10), retries))
}

/// What the API answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) body: Value,
}

impl Answer {
    pub(crate) fn error(&self, field: &str) -> &str {
        self.body["error"][field].as_str().unwrap_or_default()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

pub(crate) async fn call(
    sandbox: &Running,
    method: Method,
    path: &str,
    form: &[(&str, &str)],
    key: Option<&str>,
) -> reqwest::Result<Answer> {
    let mut request = browser().request(method, format!("{}{path}", sandbox.url())).bearer_auth(KEY).timeout(DEADLINE);
    if !form.is_empty() {
        request = request.form(form);
    }
    if let Some(key) = key {
        request = request.header("Idempotency-Key", key);
    }
    let response = request.send().await?;
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    Ok(Answer { status, headers, body: response.json().await? })
}

pub(crate) async fn get(sandbox: &Running, path: &str) -> Answer {
    call(sandbox, Method::GET, path, &[], None).await.unwrap()
}

pub(crate) async fn send(sandbox: &Running, path: &str, form: &[(&str, &str)]) -> Answer {
    call(sandbox, Method::POST, path, form, None).await.unwrap()
}

/// The parameters of an ordinary session: two lines, 25.98 + 5.00 USD.
pub(crate) const ORDER: &[(&str, &str)] = &[
    ("mode", "payment"),
    ("line_items[0][price_data][currency]", "usd"),
    ("line_items[0][price_data][unit_amount]", "1299"),
    ("line_items[0][price_data][product_data][name]", "Dune"),
    ("line_items[0][quantity]", "2"),
    ("line_items[1][price_data][currency]", "usd"),
    ("line_items[1][price_data][unit_amount]", "500"),
    ("line_items[1][price_data][product_data][name]", "Emma"),
    ("line_items[1][quantity]", "1"),
    ("success_url", "http://127.0.0.1:9/ok?session_id={CHECKOUT_SESSION_ID}"),
    ("cancel_url", "http://127.0.0.1:9/cart"),
];

/// `ORDER` with some parameters replaced, added, or (with an empty value) left out.
pub(crate) fn order<'a>(changes: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let mut form: Vec<(&str, &str)> =
        ORDER.iter().filter(|(key, _)| !changes.iter().any(|(changed, _)| changed == key)).copied().collect();
    form.extend(changes.iter().filter(|(_, value)| !value.is_empty()));
    form
}

pub(crate) async fn create(sandbox: &Running, changes: &[(&str, &str)]) -> Value {
    let answer = send(sandbox, "/v1/checkout/sessions", &order(changes)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

pub(crate) fn id(object: &Value) -> &str {
    object["id"].as_str().unwrap()
}

/// A client that does not follow redirects.
pub(crate) fn browser() -> reqwest::Client {
    reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy().build().unwrap()
}

/// One webhook as it arrived.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Received {
    pub(crate) fn event(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub(crate) fn kind(&self) -> String {
        self.event()["type"].as_str().unwrap().to_owned()
    }
}

/// A webhook endpoint: answers with the statuses it was given, then with 200.
#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) url: String,
    received: Arc<Mutex<Vec<Received>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

impl Receiver {
    pub(crate) async fn start(answers: &[u16]) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let receiver = Self {
            url: format!("http://{}/webhooks/stripe", listener.local_addr().unwrap()),
            received: Arc::default(),
            answers: Arc::new(Mutex::new(answers.iter().copied().collect())),
        };
        let inner = receiver.clone();
        let handler = move |headers: HeaderMap, body: Bytes| async move {
            let body = String::from_utf8(body.to_vec()).unwrap();
            inner.received.lock().unwrap().push(Received { headers, body });
            let status = inner.answers.lock().unwrap().pop_front().unwrap_or(200);
            (StatusCode::from_u16(status).unwrap(), [("location", "/elsewhere")])
        };
        let router = Router::new().route("/webhooks/stripe", post(handler));
        tokio::spawn(async move { axum::serve(listener, router).await });
        receiver
    }

    pub(crate) fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }

    pub(crate) fn kinds(&self) -> Vec<String> {
        self.received().iter().map(Received::kind).collect()
    }

    pub(crate) async fn wait_for(&self, count: usize) -> Vec<Received> {
        until(|| self.received().len() >= count).await;
        self.received()
    }
}

/// Polls until something is so, up to a deadline.
pub(crate) async fn until(check: impl Fn() -> bool) {
    let begun = Instant::now();
    while !check() {
        assert!(begun.elapsed() < DEADLINE, "it did not happen in time");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}
