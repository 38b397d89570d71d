//! A program that is told what happens in the store: it takes webhooks, keeps them, and answers as it is told to.

use super::Store;
use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde_json::Value;
use shop::audit::Actor;
use shop::hooks::{EventType, NewEndpoint};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// A request that came.
#[derive(Clone, Debug)]
pub struct Taken {
    pub headers: HeaderMap,
    pub body: String,
}

impl Taken {
    pub fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    pub fn kind(&self) -> String {
        self.json()["type"].as_str().unwrap().to_owned()
    }
}

struct Says {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

/// The program.
pub struct Receiver {
    pub address: SocketAddr,
    taken: Arc<Mutex<Vec<Taken>>>,
    says: Arc<Mutex<Says>>,
    held: watch::Sender<bool>,
    server: JoinHandle<()>,
}

#[derive(Clone)]
struct Shared {
    taken: Arc<Mutex<Vec<Taken>>>,
    says: Arc<Mutex<Says>>,
    held: watch::Receiver<bool>,
}

impl Receiver {
    /// One that answers 200.
    pub async fn start() -> Self {
        let (held, is_held) = watch::channel(false);
        let says = Says { status: StatusCode::OK, headers: HeaderMap::new(), body: "thanks".into() };
        let shared = Shared { taken: Arc::default(), says: Arc::new(Mutex::new(says)), held: is_held };
        let (taken, says) = (Arc::clone(&shared.taken), Arc::clone(&shared.says));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(take).with_state(shared);
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { address, taken, says, held, server }
    }

    pub fn url(&self) -> String {
        format!("http://{}/hook", self.address)
    }

    /// Answers so from now on.
    pub fn answer(&self, status: u16, headers: &[(&'static str, &str)], body: &str) {
        let headers =
            headers.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        let mut says = self.says.lock().unwrap();
        says.status = StatusCode::from_u16(status).unwrap();
        says.headers = headers.collect();
        body.clone_into(&mut says.body);
    }

    /// Answers nobody, or everybody who waits.
    pub fn hold(&self, hold: bool) {
        self.held.send_replace(hold);
    }

    /// What has come, in that order.
    pub fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }

    /// The types of what has come.
    pub fn kinds(&self) -> Vec<String> {
        self.taken().iter().map(Taken::kind).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn take(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let body = String::from_utf8(body.to_vec()).unwrap();
    shared.taken.lock().unwrap().push(Taken { headers, body });
    let mut held = shared.held;
    drop(held.wait_for(|held| !held).await);
    let says = shared.says.lock().unwrap();
    (says.status, says.headers.clone(), says.body.clone()).into_response()
}

impl Store {
    /// An endpoint that is told of these.
    pub async fn endpoint(&self, url: &str, events: &[EventType]) -> i64 {
        let new = NewEndpoint { url: url.to_owned(), description: "A test's".to_owned(), events: events.to_vec() };
        self.shop.add_webhook_endpoint(&Actor::Command, &new).await.unwrap().unwrap()
    }

    /// Makes every delivery that is due.
    pub async fn deliver_webhooks(&self) {
        loop {
            let endpoints = self.shop.webhook_endpoints_with_work().await.unwrap();
            if endpoints.is_empty() {
                return;
            }
            for endpoint in endpoints {
                self.shop.work_on_webhooks(endpoint).await.unwrap();
            }
        }
    }
}
