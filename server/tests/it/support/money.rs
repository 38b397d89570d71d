//! Purchases without a browser, and events that a test delivers when and in which order it likes.

use super::{Options, Store};
use serde_json::Value;
use shop::BrowserSecret;
use shop::types::OrderNumber;
use stripe_sandbox::PayOutcome;

/// Pays later, or not, as [`stripe_sandbox::Running::settle`] says.
pub const BANK_ACCOUNT: &str = "000123456789";

/// A store in which nothing happens by itself.
pub fn by_hand() -> Options {
    Options { workers: false, webhooks: false, ..Options::default() }
}

/// An order that is paid and known to the store.
#[derive(Clone, Debug)]
pub struct Bought {
    pub session: String,
    pub number: OrderNumber,
    /// What Stripe told before anything came of the order.
    pub events_before: usize,
}

impl Store {
    /// Buys titles with a card; the store has looked at the session.
    pub async fn bought(&self, slugs: &[&str], card: &str) -> Bought {
        let session = self.quick_checkout(slugs, &BrowserSecret::generate()).await;
        self.bought_with(session, card).await
    }

    /// Pays for a session; the store has looked at it.
    pub async fn bought_with(&self, session: String, card: &str) -> Bought {
        let outcome = self.sandbox.pay(&session, card, "ann@example.org");
        assert!(matches!(outcome, PayOutcome::Completed { .. }), "{outcome:?}");
        let events_before = self.sandbox.event_count();
        self.shop.reconcile(&session).await.unwrap();
        let number =
            self.texts(&format!("SELECT number AS value FROM orders WHERE stripe_session = '{session}'")).await;
        let number = number.first().expect("an order").parse().unwrap();
        Bought { session, number, events_before }
    }

    /// The payment of a session.
    pub fn intent_of(&self, session: &str) -> String {
        let session = self.sandbox.session(session).expect("a session");
        session["payment_intent"].as_str().expect("a payment").to_owned()
    }

    /// Puts another session in the place of a checkout's, with more or other parameters than the store asks for.
    pub async fn replace_session(&self, session: &str, changes: &[(&str, &str)]) -> String {
        let row = |column: &str| format!("SELECT {column} AS value FROM checkout WHERE stripe_session = '{session}'");
        let key = self.texts(&row("idem_key")).await.remove(0);
        let offers: Value = serde_json::from_str(&self.texts(&row("cart_snapshot")).await.remove(0)).unwrap();
        let mut form: Vec<(String, String)> = [
            ("mode", "payment"),
            ("metadata[octavo_checkout]", &key),
            ("payment_intent_data[metadata][octavo_checkout]", &key),
            ("success_url", &format!("{}/checkout/success?session_id={{CHECKOUT_SESSION_ID}}", self.url)),
            ("cancel_url", &format!("{}/checkout/cancel", self.url)),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
        for (i, offer) in offers.as_array().unwrap().iter().enumerate() {
            let line = format!("line_items[{i}]");
            form.push((format!("{line}[price_data][currency]"), "usd".into()));
            form.push((format!("{line}[price_data][unit_amount]"), offer["unit_amount"].to_string()));
            form.push((format!("{line}[price_data][product_data][name]"), offer["title"].as_str().unwrap().into()));
            form.push((format!("{line}[quantity]"), "1".into()));
        }
        form.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let made = self.ask_stripe("/v1/checkout/sessions", &form).await["id"].as_str().unwrap().to_owned();
        self.execute(&format!("UPDATE checkout SET stripe_session = '{made}' WHERE stripe_session = '{session}'"))
            .await;
        made
    }

    /// A checkout whose session may be paid by bank debit.
    pub async fn bank_checkout(&self, slugs: &[&str]) -> String {
        let session = self.quick_checkout(slugs, &BrowserSecret::generate()).await;
        let methods = [("payment_method_types[0]", "card"), ("payment_method_types[1]", "us_bank_account")];
        self.replace_session(&session, &methods).await
    }

    /// A POST to Stripe that must succeed.
    pub async fn ask_stripe(&self, path: &str, form: &[(&str, &str)]) -> Value {
        let request = self.http.post(format!("{}{path}", self.sandbox.url())).bearer_auth("sk_test_by_hand").form(form);
        let answer = request.send().await.unwrap();
        let (status, body) = (answer.status(), answer.text().await.unwrap());
        assert!(status.is_success(), "{path}: {status} {body}");
        serde_json::from_str(&body).unwrap()
    }

    /// Keeps an event as the webhook's route does after checking its signature.
    pub async fn keep(&self, event: &Value) {
        self.shop.keep_event(event.to_string().as_bytes()).await.unwrap();
    }

    /// Works on events until none is due.
    pub async fn work(&self) {
        while self.shop.work_on_events().await.unwrap() > 0 {}
    }

    /// Keeps events one after the other, and works on each before the next comes.
    pub async fn deliver_all(&self, events: &[Value]) {
        for event in events {
            self.keep(event).await;
            self.work().await;
        }
    }

    /// The rights to an order's titles in their order: "active", "revoked refunded", …
    pub async fn rights(&self, number: &OrderNumber) -> Vec<String> {
        self.texts(&format!(
            "SELECT e.state || COALESCE(' ' || e.reason, '') AS value FROM entitlement e \
             JOIN order_item i ON i.id = e.order_item_id JOIN orders o ON o.id = i.order_id \
             WHERE o.number = '{}' ORDER BY i.position",
            number.as_str()
        ))
        .await
    }

    /// The refunds of an order: "799 succeeded", …
    pub async fn refunds_of(&self, number: &OrderNumber) -> Vec<String> {
        self.texts(&format!(
            "SELECT CAST(r.amount AS TEXT) || ' ' || r.status AS value FROM refund r JOIN orders o ON o.id = r.order_id \
             WHERE o.number = '{}' ORDER BY r.id",
            number.as_str()
        ))
        .await
    }

    /// How each event ended, by type.
    pub async fn event_states(&self, kind: &str) -> Vec<String> {
        self.texts(&format!("SELECT state AS value FROM stripe_event WHERE type = '{kind}' ORDER BY received_at, id"))
            .await
    }
}
