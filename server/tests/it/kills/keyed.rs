//! Killed at what a program asks for under an `Idempotency-Key`: asked for again, it is done once and answered.

use super::{Way, bystander, points};
use crate::support::{Api, GOOD_CARD, Program, Store, on_both_databases};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use shop::failpoint::Failpoint;
use shop::types::{Role, Scope};

const BOOKS: [&str; 2] = ["the-first-book", "the-second-book"];

/// What is asked for.
struct Wish {
    method: Method,
    path: String,
    key: String,
    body: Value,
}

impl Wish {
    fn new(method: Method, path: impl Into<String>, key: impl Into<String>, body: Value) -> Self {
        Self { method, path: path.into(), key: key.into(), body }
    }

    /// Asks a program: what it is answered, if it is.
    async fn ask(&self, http: &Client, api: &Api, url: &str) -> Option<(StatusCode, bool, Value)> {
        let request = http.request(self.method.clone(), format!("{url}{}", self.path)).bearer_auth(&api.token);
        let request = request.header("idempotency-key", &self.key).header("if-match", "\"1\"");
        let answer = if self.body.is_null() { request } else { request.json(&self.body) }.send().await.ok()?;
        let (status, replayed) = (answer.status(), answer.headers().contains_key("idempotency-replayed"));
        let text = answer.text().await.ok()?;
        Some((status, replayed, serde_json::from_str(&text).unwrap_or(Value::Null)))
    }
}

impl Store {
    /// Lets a program die at a failpoint over a wish, starts it again, and asks once more: what it is answered then.
    async fn wished_again(&self, api: &Api, wish: &Wish, point: Failpoint) -> (StatusCode, bool, Value) {
        let what = format!("{} {}, {point:?}", wish.method, wish.path);
        let mut program = Program::start(self, Some(point)).await;
        assert_eq!(wish.ask(&self.http, api, &program.url).await, None, "{what}");
        program.has_aborted(self).await;
        assert_eq!(self.shop.violations().await.unwrap(), [], "{what}");
        let program = Program::start(self, None).await;
        if point != Failpoint::AnswerKept {
            // Until its lease ends nobody knows.
            let (status, _, problem) = wish.ask(&self.http, api, &program.url).await.unwrap();
            assert_eq!((status.as_u16(), &problem["code"]), (409, &json!("idempotency-key-in-use")), "{what}");
        }
        self.execute("UPDATE api_once SET lease_until = '2000-01-01 00:00:00' WHERE status IS NULL").await;
        let answer = wish.ask(&self.http, api, &program.url).await.unwrap();
        assert_eq!(answer.1, point == Failpoint::AnswerKept, "{what}");
        // Whoever asks once more is told the same.
        let again = wish.ask(&self.http, api, &program.url).await.unwrap();
        assert_eq!(again, (answer.0, true, answer.2.clone()), "{what}");
        println!("soak: row 7, {:?}: {what}", self.backend);
        answer
    }
}

on_both_databases!(row_7_a_refund_under_a_key_is_made_once_wherever_it_was_killed, bystander(), async |store| {
    let api = store.api(Role::Admin, Scope::Write).await;
    for point in points(&[Way::Keyed, Way::Refund, Way::AnyRefund]) {
        let bought = store.bought(&BOOKS, GOOD_CARD).await;
        // A part of it: made twice, it would find enough money left.
        let body = json!({ "amount": { "amount": 100, "currency": "USD" } });
        let path = format!("/api/v1/orders/{}/refunds", bought.number);
        let wish = Wish::new(Method::POST, path, point.name(), body);
        let (status, _, made) = store.wished_again(&api, &wish, point).await;
        assert_eq!((status, &made["amount"]["amount"]), (StatusCode::CREATED, &json!(100)), "{point:?}");
        // As if minutes had passed: what Stripe has not confirmed is asked for again, in vain.
        store.execute("UPDATE refund SET updated_at = '2000-01-01 00:00:00' WHERE status = 'requested'").await;
        store.shop.retry_refunds().await.unwrap();
        assert_eq!(store.refunds_of(&bought.number).await, ["100 succeeded"], "{point:?}");
        let intent = Value::String(store.intent_of(&bought.session));
        let mut at_stripe = store.sandbox.events();
        at_stripe
            .retain(|event| event["type"] == "refund.created" && event["data"]["object"]["payment_intent"] == intent);
        assert_eq!(at_stripe.len(), 1, "{point:?}: refunds at Stripe");
        assert_eq!(store.count("refund WHERE status = 'requested'").await, 0, "{point:?}");
    }
    let refunds = store.count("refund").await;
    assert_eq!(store.count("audit WHERE action = 'order.refunded'").await, refunds);
    assert_eq!(store.count("invoice WHERE kind = 'credit_note'").await, refunds);
});

on_both_databases!(
    row_7_what_is_done_here_under_a_key_is_done_once_wherever_it_was_killed,
    bystander(),
    async |store| {
        let api = store.api(Role::Owner, Scope::Write).await;
        let bought = store.bought(&BOOKS, GOOD_CARD).await;
        let order = format!("/api/v1/orders/{}", bought.number);
        for (i, point) in (1..).zip(points(&[Way::Keyed])) {
            let name = point.name();
            let ask = async |method: Method, path: &str, body: Value| {
                let key = format!("{name}{method}{}", path.replace('/', "."));
                store.wished_again(&api, &Wish::new(method, path, key, body), point).await
            };
            // A note.
            let note = ask(Method::POST, &format!("{order}/notes"), json!({ "text": name })).await;
            assert_eq!((note.0, store.count("order_note").await), (StatusCode::NO_CONTENT, i), "{point:?}");
            // Downloads renewed.
            let renew = ask(Method::POST, &format!("{order}/downloads/{}/renew", BOOKS[0]), Value::Null).await;
            assert_eq!((renew.0, &renew.2["renewals"]), (StatusCode::OK, &json!(i)), "{point:?}");
            // A book made, and changed over its version.
            let body = json!({ "title": format!("Killed at {name}"), "language": "en" });
            let (status, _, book) = ask(Method::POST, "/api/v1/books", body.clone()).await;
            assert_eq!((status, &book["version"]), (StatusCode::CREATED, &json!(1)), "{point:?}: {book}");
            let mut change = body;
            change["subtitle"] = json!("And found");
            let at = format!("/api/v1/books/{}", book["slug"].as_str().unwrap());
            let (status, _, book) = ask(Method::PUT, &at, change).await;
            assert_eq!((status, &book["version"]), (StatusCode::OK, &json!(2)), "{point:?}: {book}");
        }
        let points = i64::try_from(points(&[Way::Keyed]).count()).unwrap();
        assert_eq!(store.count("book WHERE title LIKE 'Killed at %'").await, points);
        for action in ["order.noted", "title.renewed", "book.created", "book.changed"] {
            assert_eq!(store.count(&format!("audit WHERE action = '{action}'")).await, points, "{action}");
        }
    }
);
