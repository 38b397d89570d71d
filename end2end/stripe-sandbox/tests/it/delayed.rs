//! Bank debits: the session completes unpaid, the money comes or fails later.

use std::time::Duration;

use serde_json::{Value, json};
use stripe_sandbox::{Config, PayOutcome, Running};

use crate::helpers::{browser, create, get, id, order, send, soon, start_with, until};
use crate::refunds::kinds;

const GOOD: &str = "DE89370400440532013000";
const BAD: &str = "DE62370400440532013001";

async fn euro(sandbox: &Running) -> Value {
    let eur = [
        ("line_items[0][price_data][currency]", "eur"),
        ("line_items[1][price_data][currency]", "eur"),
        ("payment_method_types[0]", "card"),
        ("payment_method_types[1]", "sepa_debit"),
    ];
    create(sandbox, &eur).await
}

#[tokio::test]
async fn a_debit_completes_unpaid_and_succeeds_or_fails_later() {
    let sandbox = soon().await;
    for (iban, paid, kind) in [(GOOD, "paid", "succeeded"), (BAD, "unpaid", "failed")] {
        let session = euro(&sandbox).await;
        assert_eq!(session["payment_method_types"], json!(["card", "sepa_debit"]));
        assert!(matches!(sandbox.pay(id(&session), iban, "a@example.com"), PayOutcome::Completed { .. }));
        let completed =
            sandbox.events().into_iter().rfind(|event| event["type"] == "checkout.session.completed").unwrap();
        assert_eq!(completed["data"]["object"]["payment_status"], "unpaid");
        let last = format!("checkout.session.async_payment_{kind}");
        until(|| kinds(&sandbox, &[&last]).len() == 1).await;
        let done = sandbox.session(id(&session)).unwrap();
        assert_eq!((done["status"].as_str(), done["payment_status"].as_str()), (Some("complete"), Some(paid)));
    }
    let expected = [
        "payment_intent.created",
        "charge.pending",
        "payment_intent.processing",
        "checkout.session.completed",
        "charge.failed",
        "payment_intent.payment_failed",
        "checkout.session.async_payment_failed",
    ];
    let all = kinds(&sandbox, &[""]);
    assert_eq!(all[7..], expected);
    let intent = get(&sandbox, "/v1/payment_intents").await.body["data"][0].clone();
    assert_eq!(
        (intent["status"].as_str(), intent["last_payment_error"]["type"].as_str()),
        (Some("requires_payment_method"), Some("card_error"))
    );
}

#[tokio::test]
async fn a_test_settles_a_debit_when_it_likes() {
    let sandbox = start_with(Config { settle_after: Duration::from_secs(3600), ..Config::default() }).await;
    let session = euro(&sandbox).await;
    assert!(!sandbox.settle(id(&session), true));
    let _ = sandbox.pay(id(&session), GOOD, "a@example.com");
    let charge = get(&sandbox, "/v1/charges").await.body["data"][0].clone();
    assert_eq!((charge["status"].as_str(), charge["paid"].as_bool()), (Some("pending"), Some(false)));
    let refused = sandbox.refund(id(&session), None).unwrap_err();
    assert_eq!(refused.status(), 400);
    let url = format!("{}/_sandbox/sessions/{}/settle", sandbox.url(), id(&session));
    let settle = async |outcome: &str| {
        let response = browser().post(&url).json(&json!({ "outcome": outcome })).send().await.unwrap();
        (response.status().as_u16(), response.json::<Value>().await.unwrap_or_default())
    };
    assert_eq!(settle("banana").await.0, 422);
    let (status, body) = settle("succeed").await;
    assert_eq!((status, body["payment_status"].as_str()), (200, Some("paid")));
    assert_eq!(settle("fail").await.0, 409);
    assert!(sandbox.refund(id(&session), None).is_ok());
}

#[tokio::test]
async fn the_page_offers_both_ways_and_checks_the_account() {
    let sandbox = soon().await;
    let session = euro(&sandbox).await;
    let url = format!("{}/c/pay/{}", sandbox.url(), id(&session));
    let page = browser().get(&url).send().await.unwrap().text().await.unwrap();
    for text in ["Pay with", "Bank debit (SEPA)", "for=\"iban\">IBAN<", "DE89 3704 0044 0532 0130 00", ">Card<"] {
        assert!(page.contains(text), "{text}");
    }
    let form = |iban| {
        vec![("email", "a@example.com"), ("method", "sepa_debit"), ("iban", iban), ("name", "Ada"), ("country", "DE")]
    };
    let wrong = browser().post(&url).form(&form("DE00370400440532013000")).send().await.unwrap();
    let wrong = wrong.text().await.unwrap();
    assert!(wrong.contains("Your IBAN is invalid.") && !wrong.contains("DE00370400440532013000"));
    assert!(wrong.contains("value=\"sepa_debit\" checked"));
    assert_eq!(browser().post(&url).form(&form(GOOD)).send().await.unwrap().status().as_u16(), 303);
    assert_eq!(
        get(&sandbox, "/v1/charges").await.body["data"][0]["payment_method_details"]["sepa_debit"]["last4"],
        "3000"
    );
}

#[tokio::test]
async fn a_debit_needs_its_currency_and_to_be_offered() {
    let sandbox = soon().await;
    let wrong = send(&sandbox, "/v1/checkout/sessions", &order(&[("payment_method_types[0]", "sepa_debit")])).await;
    assert_eq!((wrong.status, wrong.error("param")), (400, "payment_method_types"));
    let dollars = create(&sandbox, &[("payment_method_types[0]", "us_bank_account")]).await;
    assert!(matches!(sandbox.pay(id(&dollars), GOOD, "a@example.com"), PayOutcome::Invalid(_)));
    assert!(matches!(sandbox.pay(id(&dollars), "4242424242424242", "a@example.com"), PayOutcome::Invalid(_)));
    assert!(matches!(sandbox.pay(id(&dollars), "000222222227", "a@example.com"), PayOutcome::Completed { .. }));
    until(|| kinds(&sandbox, &["checkout.session.async_payment_failed"]).len() == 1).await;
    assert_eq!(get(&sandbox, "/v1/charges").await.body["data"][0]["failure_code"], "insufficient_funds");
}
