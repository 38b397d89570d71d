//! Refunds: amounts, their limits and Stripe's errors, their events, and how they end.

use serde_json::{Value, json};
use stripe_sandbox::Running;

use crate::helpers::{DEADLINE, VISA, create, get, id, send, soon, until};

/// A paid session's payment intent, expanded.
pub(crate) async fn paid(sandbox: &Running, card: &str) -> Value {
    let session = create(sandbox, &[]).await;
    let outcome = sandbox.pay(id(&session), card, "a@example.com");
    assert!(matches!(outcome, stripe_sandbox::PayOutcome::Completed { .. }), "{outcome:?}");
    let path = format!("/v1/checkout/sessions/{}?expand[]=payment_intent.latest_charge", id(&session));
    get(sandbox, &path).await.body["payment_intent"].clone()
}

pub(crate) fn kinds(sandbox: &Running, prefixes: &[&str]) -> Vec<String> {
    let kinds = sandbox.events().into_iter().map(|event| event["type"].as_str().unwrap().to_owned());
    kinds.filter(|kind| prefixes.iter().any(|prefix| kind.starts_with(prefix))).collect()
}

async fn charge(sandbox: &Running, intent: &Value) -> Value {
    get(sandbox, &format!("/v1/charges/{}?expand[]=refunds", id(&intent["latest_charge"]))).await.body
}

#[tokio::test]
async fn parts_are_refunded_until_nothing_is_left() {
    let sandbox = soon().await;
    let intent = paid(&sandbox, VISA).await;
    let form = [
        ("payment_intent", id(&intent)),
        ("amount", "1000"),
        ("reason", "requested_by_customer"),
        ("metadata[order]", "7"),
    ];
    let first = send(&sandbox, "/v1/refunds", &form).await.body;
    assert_eq!((first["status"].as_str(), first["amount"].as_i64()), (Some("succeeded"), Some(1000)));
    assert_eq!(first["charge"], intent["latest_charge"]["id"]);
    assert_eq!(
        (first["reason"].as_str(), first["metadata"]["order"].as_str()),
        (Some("requested_by_customer"), Some("7"))
    );
    let half = charge(&sandbox, &intent).await;
    assert_eq!((half["amount_refunded"].as_i64(), half["refunded"].as_bool()), (Some(1000), Some(false)));

    let too_much = send(&sandbox, "/v1/refunds", &[("payment_intent", id(&intent)), ("amount", "2099")]).await;
    assert_eq!((too_much.status, too_much.error("param")), (400, "amount"));
    let message = "Refund amount ($20.99) is greater than unrefunded amount on charge ($20.98)";
    assert_eq!(too_much.error("message"), message);

    let rest = send(&sandbox, "/v1/refunds", &[("charge", id(&intent["latest_charge"]))]).await.body;
    assert_eq!(rest["amount"], 2098);
    let whole = charge(&sandbox, &intent).await;
    assert_eq!((whole["amount_refunded"].as_i64(), whole["refunded"].as_bool()), (Some(3098), Some(true)));
    assert_eq!(whole["refunds"]["data"][0]["id"], rest["id"]);
    assert_eq!(whole["refunds"]["data"][1]["id"], first["id"]);

    let again = send(&sandbox, "/v1/refunds", &[("payment_intent", id(&intent))]).await;
    assert_eq!((again.status, again.error("code")), (400, "charge_already_refunded"));
    assert_eq!(again.error("message"), format!("Charge {} has already been refunded.", id(&intent["latest_charge"])));
    let expected = ["refund.created", "charge.refunded", "refund.created", "charge.refunded"];
    assert_eq!(kinds(&sandbox, &["refund", "charge.refund"]), expected);
    let since = sandbox.events_after(sandbox.event_count() - 2);
    assert_eq!(since.iter().map(|event| event["type"].as_str().unwrap()).collect::<Vec<_>>(), expected[2..]);
    let last = sandbox.events().pop().unwrap();
    assert_eq!(
        (last["data"]["object"]["object"].as_str(), last["data"]["object"]["refunded"].as_bool()),
        (Some("charge"), Some(true))
    );
    assert_eq!(last["request"]["id"].as_str().map(|id| id.starts_with("req_")), Some(true));
}

#[tokio::test]
async fn wrong_requests_are_refused_in_stripes_words() {
    let sandbox = soon().await;
    let intent = paid(&sandbox, VISA).await;
    let refund = async |form: &[(&str, &str)]| send(&sandbox, "/v1/refunds", form).await;
    let pi = ("payment_intent", id(&intent));
    let none = refund(&[]).await;
    assert!(none.error("message").starts_with("One of the following params should be provided"), "{}", none.body);
    assert_eq!(refund(&[("charge", "ch_none")]).await.error("code"), "resource_missing");
    assert_eq!(refund(&[("payment_intent", "pi_none")]).await.error("code"), "resource_missing");
    assert_eq!(refund(&[pi, ("amount", "0")]).await.error("code"), "parameter_invalid_integer");
    assert_eq!(refund(&[pi, ("reason", "banana")]).await.error("param"), "reason");
    assert_eq!(refund(&[pi, ("banana", "1")]).await.error("code"), "parameter_unknown");
    assert_eq!(refund(&[pi, ("expand[]", "banana")]).await.error("param"), "expand");
    let large = refund(&[pi, ("amount", "3099")]).await;
    assert_eq!(large.error("message"), "Refund amount ($30.99) is greater than charge amount ($30.98)");
    let open = create(&sandbox, &[]).await;
    let _ = sandbox.pay(id(&open), "4000 0000 0000 0002", "a@example.com");
    let declined = get(&sandbox, "/v1/payment_intents?limit=1").await.body["data"][0].clone();
    let none = refund(&[("payment_intent", id(&declined))]).await;
    let message = format!("This PaymentIntent ({}) does not have a successful charge to refund.", id(&declined));
    assert_eq!(none.error("message"), message);
    assert!(kinds(&sandbox, &["refund"]).is_empty());
}

#[tokio::test]
async fn a_refund_is_retrieved_listed_updated_and_not_cancelled() {
    let sandbox = soon().await;
    let (first, second) = (paid(&sandbox, VISA).await, paid(&sandbox, VISA).await);
    let one = send(&sandbox, "/v1/refunds", &[("payment_intent", id(&first)), ("expand[]", "charge")]).await.body;
    assert_eq!(one["charge"]["object"], "charge");
    let two = send(&sandbox, "/v1/refunds", &[("payment_intent", id(&second))]).await.body;
    let ids = async |query: &str| {
        let list = get(&sandbox, &format!("/v1/refunds{query}")).await.body;
        list["data"].as_array().unwrap().iter().map(|row| id(row).to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(ids("").await, [id(&two), id(&one)]);
    assert_eq!(ids(&format!("?payment_intent={}", id(&first))).await, [id(&one)]);
    assert_eq!(ids(&format!("?charge={}", id(&second["latest_charge"]))).await, [id(&two)]);
    assert_eq!(ids("?created[lt]=1000").await, [""; 0]);
    let list = get(&sandbox, "/v1/refunds?expand[]=data.payment_intent").await.body;
    assert_eq!(list["data"][0]["payment_intent"]["object"], "payment_intent");

    let path = format!("/v1/refunds/{}", id(&one));
    assert_eq!(send(&sandbox, &path, &[("metadata[a]", "1"), ("metadata[b]", "2")]).await.body["metadata"]["b"], "2");
    let changed = send(&sandbox, &path, &[("metadata[a]", "")]).await.body;
    assert_eq!(changed["metadata"], json!({ "b": "2" }));
    assert_eq!(send(&sandbox, &path, &[("amount", "1")]).await.error("code"), "parameter_unknown");
    let cancel = send(&sandbox, &format!("{path}/cancel"), &[]).await;
    assert_eq!((cancel.status, cancel.error("type")), (400, "invalid_request_error"));
    assert_eq!(get(&sandbox, "/v1/refunds/re_none").await.error("code"), "resource_missing");
    let nested = format!("/v1/charges/{}/refunds", id(&first["latest_charge"]));
    assert_eq!(get(&sandbox, &nested).await.body["data"][0]["id"], one["id"]);
    assert_eq!(get(&sandbox, &format!("{nested}/{}", id(&one))).await.body["id"], one["id"]);
    assert_eq!(get(&sandbox, &format!("{nested}/{}", id(&two))).await.status, 404);
}

#[tokio::test]
async fn test_cards_make_a_refund_fail_or_take_its_time() {
    let sandbox = soon().await;
    let intent = paid(&sandbox, "4000 0000 0000 5126").await;
    let refund = send(&sandbox, "/v1/refunds", &[("payment_intent", id(&intent))]).await.body;
    assert_eq!(refund["status"], "succeeded");
    until(|| kinds(&sandbox, &["refund.failed"]).len() == 1).await;
    let failed = get(&sandbox, &format!("/v1/refunds/{}", id(&refund))).await.body;
    assert_eq!((failed["status"].as_str(), failed["failure_reason"].as_str()), (Some("failed"), Some("unknown")));
    // The money is back, so it can be tried again.
    assert_eq!(charge(&sandbox, &intent).await["amount_refunded"], 0);

    let intent = paid(&sandbox, "4000 0000 0000 7726").await;
    let refund = send(&sandbox, "/v1/refunds", &[("payment_intent", id(&intent))]).await.body;
    assert_eq!(refund["status"], "pending");
    assert_eq!(charge(&sandbox, &intent).await["refunded"], true);
    until(|| kinds(&sandbox, &["refund.updated"]).len() == 2).await;
    assert_eq!(get(&sandbox, &format!("/v1/refunds/{}", id(&refund))).await.body["status"], "succeeded");
    assert!(sandbox.deliveries_settled(DEADLINE).await);
}

#[tokio::test]
async fn a_test_can_refund_and_end_refunds_by_hand() {
    let sandbox = soon().await;
    let session = create(&sandbox, &[]).await;
    assert_eq!(sandbox.refund(id(&session), None).unwrap_err().status(), 404);
    let _ = sandbox.pay(id(&session), VISA, "a@example.com");
    assert_eq!(sandbox.refund(id(&session), Some(0)).unwrap_err().status(), 400);
    let refund = sandbox.refund(id(&session), Some(500)).unwrap();
    assert!(!sandbox.finish_refund(&refund, true));
    assert!(sandbox.finish_refund(&refund, false));
    assert!(!sandbox.finish_refund(&refund, false));
    assert_eq!(get(&sandbox, &format!("/v1/refunds/{refund}")).await.body["status"], "failed");
    assert!(sandbox.refund(id(&session), None).is_ok());
}
