//! Our objects against Stripe's published samples (`tests/data`): every key is there with a type that
//! fits, and there is no key that Stripe does not have.

use serde_json::Value;
use stripe_sandbox::Running;

use crate::helpers::{VISA, call, create, get, id, send, soon, start};

/// Keys that the samples leave out, being optional, and that Stripe's API reference has.
const KNOWN_EXTRA: &[&str] = &[
    // Only while the session collects tax ids.
    "checkout.session.tax_id_collection",
    // Only when expanded.
    "checkout.session.line_items",
    // The samples have one key of each of these.
    "payment_intent.last_payment_error.charge",
    "payment_intent.last_payment_error.code",
    "payment_intent.last_payment_error.decline_code",
    "payment_intent.last_payment_error.doc_url",
    "payment_intent.last_payment_error.message",
    "payment_intent.last_payment_error.payment_method",
    "payment_intent.next_action.redirect_to_url",
    // Only of a refund that failed.
    "refund.failure_reason",
    // Only in the answer to its creation.
    "webhook_endpoint.secret",
];

/// Keys that the samples have and that Stripe leaves out unless they are expanded.
const NOT_UNLESS_EXPANDED: &[&str] = &["charge.refunds"];

/// Places whose keys are not fixed, or empty in the sample.
const FREE: &[&str] = &[
    "checkout.session.metadata",
    "checkout.session.payment_method_options",
    "payment_intent.metadata",
    "payment_intent.payment_method_options",
    "charge.metadata",
    "payment_method.metadata",
    "event.data.object",
    "refund.metadata",
    "dispute.metadata",
    "customer.metadata",
    "coupon.metadata",
    "promotion_code.metadata",
    "tax_rate.metadata",
    "product.metadata",
    "webhook_endpoint.metadata",
];

fn sample(name: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("../data/fixtures3.json")).unwrap();
    all["resources"][name].clone()
}

fn compare(ours: &Value, sample: &Value, path: &str, problems: &mut Vec<String>) {
    match (ours, sample) {
        (Value::Object(our_fields), Value::Object(sample_fields)) => {
            if FREE.contains(&path) {
                return;
            }
            for (key, theirs) in sample_fields {
                match our_fields.get(key) {
                    Some(value) => compare(value, theirs, &format!("{path}.{key}"), problems),
                    None if NOT_UNLESS_EXPANDED.contains(&format!("{path}.{key}").as_str()) => {}
                    None => problems.push(format!("{path}.{key} is missing")),
                }
            }
            for key in our_fields.keys().filter(|key| !sample_fields.contains_key(*key)) {
                let full = format!("{path}.{key}");
                if !KNOWN_EXTRA.contains(&full.as_str()) {
                    problems.push(format!("{full} is not Stripe's"));
                }
            }
        }
        (Value::Array(ours), Value::Array(theirs)) => {
            for value in ours {
                if let Some(first) = theirs.first() {
                    compare(value, first, &format!("{path}[]"), problems);
                }
            }
        }
        // The samples fill in what may be null, and leave null what may be filled in.
        (Value::Null, _)
        | (_, Value::Null)
        | (Value::String(_), Value::String(_))
        | (Value::Number(_), Value::Number(_))
        | (Value::Bool(_), Value::Bool(_)) => {}
        _ => problems.push(format!("{path} is {ours}, Stripe has {sample}")),
    }
}

fn assert_like(ours: &Value, name: &str) {
    let mut problems = Vec::new();
    assert!(ours.is_object(), "{name}: {ours}");
    compare(ours, &sample(name), name, &mut problems);
    assert!(problems.is_empty(), "{name}:\n{}", problems.join("\n"));
    // Never null in Stripe's schema, whatever the samples show.
    for key in ["id", "object", "created", "livemode"] {
        assert!(ours.get(key).is_none_or(|value| !value.is_null()), "{name}.{key}");
    }
    assert!(!ours["id"].is_null() && !ours["object"].is_null(), "{name}: {ours}");
}

async fn paid(sandbox: &Running) -> Value {
    let changes = [("metadata[order]", "42"), ("payment_intent_data[metadata][order]", "42")];
    let session = create(sandbox, &changes).await;
    let outcome = sandbox.pay(id(&session), "4000 0000 0000 0002", "a@example.com");
    assert!(matches!(outcome, stripe_sandbox::PayOutcome::Declined { .. }));
    session
}

#[tokio::test]
async fn a_session_has_stripes_shape_while_open_complete_and_expired() {
    let sandbox = start().await;
    let full = [
        ("customer_email", "a@example.com"),
        ("client_reference_id", "7"),
        ("locale", "de"),
        ("automatic_tax[enabled]", "true"),
        ("tax_id_collection[enabled]", "true"),
        ("consent_collection[terms_of_service]", "required"),
        ("custom_text[submit][message]", "Thank you"),
        ("billing_address_collection", "required"),
    ];
    for changes in [&[][..], &full[..]] {
        let session = create(&sandbox, changes).await;
        assert_like(&session, "checkout.session");
        assert_eq!(session["payment_status"], "unpaid");
        assert_eq!(session["payment_intent"], Value::Null);
        let outcome = sandbox.pay(id(&session), VISA, "a@example.com");
        assert!(matches!(outcome, stripe_sandbox::PayOutcome::Completed { .. }));
        let complete = get(&sandbox, &format!("/v1/checkout/sessions/{}", id(&session))).await.body;
        assert_like(&complete, "checkout.session");
        assert_eq!(complete["payment_status"], "paid");
        assert_eq!(complete["customer_details"]["email"], "a@example.com");
        assert_eq!(complete["customer_details"]["address"]["country"], "US");
        assert_eq!(complete["url"], Value::Null);
    }
    let session = create(&sandbox, &[]).await;
    assert!(sandbox.expire(id(&session)));
    assert_like(&sandbox.session(id(&session)).unwrap(), "checkout.session");
}

#[tokio::test]
async fn line_items_have_stripes_shape() {
    let sandbox = start().await;
    let session = create(&sandbox, &[]).await;
    let list = get(&sandbox, &format!("/v1/checkout/sessions/{}/line_items", id(&session))).await.body;
    assert_eq!(list["data"].as_array().unwrap().len(), 2);
    for item in list["data"].as_array().unwrap() {
        assert_like(item, "item");
    }
    assert_eq!(list["data"][0]["amount_total"], 2598);
    assert_eq!(session["amount_total"], 3098);
}

#[tokio::test]
async fn payments_have_stripes_shape_after_a_decline_an_authentication_and_a_success() {
    let sandbox = start().await;
    let session = paid(&sandbox).await;
    let declined = get(&sandbox, "/v1/payment_intents?expand[]=data.latest_charge").await.body["data"][0].clone();
    let mut bare = declined.clone();
    assert_like(&declined["latest_charge"], "charge");
    assert_like(&declined["last_payment_error"]["payment_method"], "payment_method");
    bare["latest_charge"] = declined["latest_charge"]["id"].clone();
    assert_like(&bare, "payment_intent");
    assert_eq!(bare["status"], "requires_payment_method");
    assert_eq!(bare["last_payment_error"]["decline_code"], "generic_decline");
    assert_eq!(bare["metadata"]["order"], "42");

    let outcome = sandbox.pay(id(&session), "4000 0025 0000 3155", "a@example.com");
    assert_eq!(outcome, stripe_sandbox::PayOutcome::AuthenticationRequired);
    let path = format!("/v1/payment_intents/{}", id(&bare));
    let waiting = get(&sandbox, &path).await.body;
    assert_like(&waiting, "payment_intent");
    assert_eq!(waiting["status"], "requires_action");

    assert!(matches!(sandbox.authenticate(id(&session), true), stripe_sandbox::PayOutcome::Completed { .. }));
    let done = get(&sandbox, &format!("{path}?expand[]=payment_method")).await.body;
    assert_like(&done["payment_method"], "payment_method");
    let done = get(&sandbox, &path).await.body;
    assert_like(&done, "payment_intent");
    assert_eq!((done["status"].as_str(), done["amount_received"].as_i64()), (Some("succeeded"), Some(3098)));
    let charge = get(&sandbox, &format!("/v1/charges/{}", done["latest_charge"].as_str().unwrap())).await.body;
    assert_like(&charge, "charge");
    assert_eq!(charge["payment_method_details"]["card"]["last4"], "3155");
}

#[tokio::test]
async fn events_have_stripes_shape_and_carry_full_objects() {
    let sandbox = start().await;
    let session = paid(&sandbox).await;
    let _ = sandbox.pay(id(&session), VISA, "a@example.com");
    let list = get(&sandbox, "/v1/events?limit=100").await.body;
    let events = list["data"].as_array().unwrap();
    for event in events {
        assert_like(event, "event");
        let object = &event["data"]["object"];
        assert_like(object, object["object"].as_str().unwrap());
    }
    let kinds: Vec<_> = events.iter().rev().map(|event| event["type"].as_str().unwrap()).collect();
    let expected = [
        "payment_intent.created",
        "charge.failed",
        "payment_intent.payment_failed",
        "charge.succeeded",
        "payment_intent.succeeded",
        "checkout.session.completed",
    ];
    assert_eq!(kinds, expected);
}

/// The events' objects with everything that a store's life brings, and what the API answers.
#[tokio::test]
async fn refunds_disputes_and_customers_have_stripes_shape() {
    let sandbox = soon().await;
    for card in ["4000 0000 0000 5126", "4000 0000 0000 0259", "4000 0000 0000 1976"] {
        let intent = crate::refunds::paid(&sandbox, card).await;
        if card.ends_with("5126") {
            let refund = send(&sandbox, "/v1/refunds", &[("payment_intent", id(&intent))]).await.body;
            assert_like(&refund, "refund");
        }
    }
    crate::helpers::until(|| crate::refunds::kinds(&sandbox, &["refund.failed"]).len() == 1).await;
    crate::helpers::until(|| crate::refunds::kinds(&sandbox, &["charge.dispute.created"]).len() == 2).await;
    for dispute in get(&sandbox, "/v1/disputes").await.body["data"].as_array().unwrap() {
        assert_like(dispute, "dispute");
    }
    let customer = send(&sandbox, "/v1/customers", &[("email", "a@example.com"), ("address[city]", "Bonn")]).await.body;
    assert_like(&customer, "customer");
    let path = format!("/v1/customers/{}", id(&customer));
    let deleted = call(&sandbox, reqwest::Method::DELETE, &path, &[], None).await.unwrap().body;
    assert_like(&deleted, "deleted_customer");
    for event in sandbox.events() {
        assert_like(&event, "event");
        let object = &event["data"]["object"];
        assert_like(object, object["object"].as_str().unwrap());
    }
    let charge = get(&sandbox, "/v1/charges?expand[]=data.refunds&limit=3").await.body["data"][2].clone();
    assert_like(&charge, "charge");
    assert_like(&charge["refunds"]["data"][0], "refund");
}

#[tokio::test]
async fn endpoints_discounts_and_taxes_have_stripes_shape() {
    let sandbox = soon().await;
    let form = [("url", "http://127.0.0.1:9/"), ("enabled_events[]", "*"), ("description", "x")];
    let endpoint = send(&sandbox, "/v1/webhook_endpoints", &form).await.body;
    assert_like(&endpoint, "webhook_endpoint");
    let path = format!("/v1/webhook_endpoints/{}", id(&endpoint));
    let deleted = call(&sandbox, reqwest::Method::DELETE, &path, &[], None).await.unwrap().body;
    assert_like(&deleted, "deleted_webhook_endpoint");
    let percent = send(&sandbox, "/v1/coupons", &[("percent_off", "25.5"), ("name", "x")]).await.body;
    assert_like(&percent, "coupon");
    let amount = send(&sandbox, "/v1/coupons", &[("amount_off", "100"), ("currency", "usd")]).await.body;
    assert_like(&amount, "coupon");
    let form = [("promotion[type]", "coupon"), ("promotion[coupon]", id(&percent))];
    let code = send(&sandbox, "/v1/promotion_codes", &form).await.body;
    assert_like(&code, "promotion_code");
    let form = [("display_name", "VAT"), ("percentage", "19"), ("inclusive", "true"), ("country", "DE")];
    assert_like(&send(&sandbox, "/v1/tax_rates", &form).await.body, "tax_rate");
    let changes =
        [("automatic_tax[enabled]", "true"), ("discounts[0][promotion_code]", id(&code)), ("metadata[a]", "1")];
    let session = create(&sandbox, &changes).await;
    assert_like(&session, "checkout.session");
    let _ = sandbox.pay_from(id(&session), VISA, "a@example.com", "DE");
    let path = format!("/v1/checkout/sessions/{}/line_items", id(&session));
    let query = "?expand[]=data.price.product&expand[]=data.taxes&expand[]=data.discounts";
    let mut line = get(&sandbox, &format!("{path}{query}")).await.body["data"][0].clone();
    assert_like(&line["price"]["product"], "product");
    assert_like(&line["taxes"][0]["rate"], "tax_rate");
    assert_like(&line["discounts"][0]["discount"], "discount");
    line = get(&sandbox, &path).await.body["data"][0].clone();
    assert_like(&line, "item");
    let deleted = call(&sandbox, reqwest::Method::DELETE, &format!("/v1/coupons/{}", id(&amount)), &[], None).await;
    assert_like(&deleted.unwrap().body, "deleted_coupon");
}

#[tokio::test]
async fn bank_debits_have_stripes_shape() {
    let sandbox = soon().await;
    for (currency, method, account) in
        [("eur", "sepa_debit", "DE89370400440532013000"), ("usd", "us_bank_account", "000123456789")]
    {
        let changes = [
            ("line_items[0][price_data][currency]", currency),
            ("line_items[1][price_data][currency]", currency),
            ("payment_method_types[0]", method),
        ];
        let session = create(&sandbox, &changes).await;
        assert_like(&session, "checkout.session");
        let _ = sandbox.pay(id(&session), account, "a@example.com");
        let intent = get(&sandbox, "/v1/payment_intents?limit=1&expand[]=data.payment_method").await.body;
        let method_object = &intent["data"][0]["payment_method"];
        assert_eq!((method_object["type"].as_str(), method_object[method].is_object()), (Some(method), true));
    }
}
