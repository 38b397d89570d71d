//! Stripe's side, by hand: events that the sandbox did not send, or did not send like that.

use super::{Store, WEBHOOK_SECRET};
use hmac::{Hmac, KeyInit as _, Mac as _};
use reqwest::StatusCode;
use serde_json::{Value, json};
use sha2::Sha256;
use shop::cart::Cart;
use shop::{BrowserSecret, CheckoutStart};

/// `Stripe-Signature` over any bytes.
pub fn signature(secret: &str, timestamp: i64, body: &[u8]) -> String {
    format!("t={timestamp},v1={}", v1(secret, &timestamp.to_string(), body))
}

/// One `v1`.
pub fn v1(secret: &str, timestamp: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(timestamp.as_bytes());
    mac.update(b".");
    mac.update(body);
    hex::encode(mac.finalize().into_bytes())
}

/// An event as far as the store reads it.
pub fn event(id: &str, kind: &str, object_id: &str, created: i64) -> Value {
    json!({
        "id": id, "object": "event", "type": kind, "created": created, "livemode": false,
        "data": { "object": { "id": object_id } },
    })
}

/// The part of a payment page's address that names the session.
pub fn session_of(url: &str) -> String {
    url.rsplit('/').next().and_then(|last| last.split(['?', '#']).next()).unwrap().to_owned()
}

/// The value of a browser's cookie.
pub fn cookie(secret: &BrowserSecret) -> String {
    secret.set_cookie(false).split(';').next().unwrap().to_owned()
}

impl Store {
    /// The store's own time in seconds.
    pub fn seconds(&self) -> i64 {
        self.shop.clock().now().and_utc().timestamp()
    }

    /// Delivers a body with this header.
    pub async fn deliver_signed(&self, url: &str, header: &str, body: Vec<u8>) -> StatusCode {
        let request = self.http.post(format!("{url}/webhooks/stripe")).header("stripe-signature", header);
        request.body(body).send().await.unwrap().status()
    }

    /// Delivers a body as Stripe would, now.
    pub async fn deliver(&self, body: Vec<u8>) -> StatusCode {
        let header = signature(WEBHOOK_SECRET, self.seconds(), &body);
        self.deliver_signed(&self.url, &header, body).await
    }

    /// Delivers an event that says that a session is complete.
    pub async fn deliver_completed(&self, event_id: &str, session: &str) -> StatusCode {
        self.deliver_completed_to(&self.url, event_id, session).await
    }

    /// The same to another door of the store.
    pub async fn deliver_completed_to(&self, url: &str, event_id: &str, session: &str) -> StatusCode {
        let body = event(event_id, "checkout.session.completed", session, self.seconds()).to_string().into_bytes();
        let header = signature(WEBHOOK_SECRET, self.seconds(), &body);
        self.deliver_signed(url, &header, body).await
    }

    /// Starts a checkout without a browser's pages; gives the session's id.
    pub async fn quick_checkout(&self, slugs: &[&str], browser: &BrowserSecret) -> String {
        let mut cart = Cart::new(self.shop.currency());
        for slug in slugs {
            self.shop.add_to_cart(&mut cart, &slug.parse().unwrap()).await.unwrap();
        }
        let view = self.shop.cart_view(&cart).await.unwrap();
        match self.shop.start_checkout(&cart, &view.snapshot, browser).await.unwrap() {
            CheckoutStart::Pay(url) => session_of(&url),
            CheckoutStart::Free | CheckoutStart::Paid(_) => panic!("nothing to pay for"),
        }
    }

    /// The sandbox's requests that made sessions, oldest first, each with its idempotency key.
    pub fn session_keys(&self) -> Vec<String> {
        let requests = self.sandbox.requests().into_iter();
        requests
            .filter(|request| request.method == "POST" && request.path == "/v1/checkout/sessions")
            .map(|request| request.idempotency_key.expect("a key"))
            .collect()
    }
}
