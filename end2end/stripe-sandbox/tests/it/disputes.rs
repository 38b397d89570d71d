//! Disputes: opened by the buyer's bank, answered by the store, won or lost; inquiries.

use serde_json::{Value, json};

use crate::helpers::{VISA, get, id, send, soon, until};
use crate::refunds::{kinds, paid};

const DISPUTE: &[&str] = &["charge.dispute"];

#[tokio::test]
async fn a_dispute_takes_the_money_and_gives_it_back_when_won() {
    let sandbox = soon().await;
    let intent = paid(&sandbox, VISA).await;
    let dispute = sandbox.open_dispute(id(&intent), "product_not_received", false).unwrap();
    assert_eq!(sandbox.open_dispute(id(&intent), "fraudulent", false), None);
    let path = format!("/v1/disputes/{dispute}");
    let open = get(&sandbox, &format!("{path}?expand[]=charge&expand[]=payment_intent")).await.body;
    assert_eq!(
        (open["status"].as_str(), open["reason"].as_str()),
        (Some("needs_response"), Some("product_not_received"))
    );
    assert_eq!((open["charge"]["disputed"].as_bool(), open["amount"].as_i64()), (Some(true), Some(3098)));
    assert_eq!(open["payment_intent"]["id"], intent["id"]);
    let refused = send(&sandbox, "/v1/refunds", &[("payment_intent", id(&intent))]).await;
    assert_eq!(refused.error("code"), "charge_disputed");

    let staged = send(&sandbox, &path, &[("evidence[customer_name]", "Ada"), ("submit", "false")]).await.body;
    assert_eq!(
        (staged["status"].as_str(), staged["evidence_details"]["has_evidence"].as_bool()),
        (Some("needs_response"), Some(true))
    );
    assert_eq!(staged["evidence_details"]["submission_count"], 0);
    let sent =
        send(&sandbox, &path, &[("evidence[product_description]", "An e-book"), ("metadata[x]", "1")]).await.body;
    assert_eq!((sent["status"].as_str(), sent["metadata"]["x"].as_str()), (Some("under_review"), Some("1")));
    assert_eq!(sent["evidence"]["customer_name"], "Ada");
    assert_eq!(sent["evidence_details"]["submission_count"], 1);
    assert!(sandbox.close_dispute(&dispute, true));
    assert!(!sandbox.close_dispute(&dispute, false));
    assert_eq!(get(&sandbox, &path).await.body["status"], "won");
    let expected = ["created", "funds_withdrawn", "updated", "updated", "funds_reinstated", "closed"];
    assert_eq!(kinds(&sandbox, DISPUTE), expected.map(|kind| format!("charge.dispute.{kind}")));
    assert_eq!(send(&sandbox, &format!("{path}/close"), &[]).await.status, 400);
}

#[tokio::test]
async fn stripes_texts_win_and_lose_and_closing_loses() {
    let sandbox = soon().await;
    let mut ends = Vec::new();
    for text in ["winning_evidence", "losing_evidence", ""] {
        let intent = paid(&sandbox, VISA).await;
        let dispute = sandbox.open_dispute(id(&intent["latest_charge"]), "fraudulent", false).unwrap();
        let path = format!("/v1/disputes/{dispute}");
        let body = match text {
            "" => send(&sandbox, &format!("{path}/close"), &[]).await.body,
            text => send(&sandbox, &path, &[("evidence[uncategorized_text]", text)]).await.body,
        };
        ends.push(body["status"].as_str().unwrap().to_owned());
    }
    assert_eq!(ends, ["won", "lost", "lost"]);
    let closed: Vec<Value> =
        sandbox.events().into_iter().filter(|event| event["type"] == "charge.dispute.closed").collect();
    assert_eq!(closed.len(), 3);
    assert_eq!(kinds(&sandbox, &["charge.dispute.funds_reinstated"]).len(), 1);
    // What a request did names it; what the bank did names none.
    assert!(closed[2]["request"]["id"].is_string() && closed[0]["request"]["id"].is_null());
}

#[tokio::test]
async fn test_cards_are_disputed_after_the_payment() {
    let sandbox = soon().await;
    let intent = paid(&sandbox, "4000 0000 0000 0259").await;
    until(|| kinds(&sandbox, DISPUTE).len() == 2).await;
    let list = get(&sandbox, &format!("/v1/disputes?payment_intent={}", id(&intent))).await.body;
    assert_eq!(
        (list["data"][0]["status"].as_str(), list["data"][0]["reason"].as_str()),
        (Some("needs_response"), Some("fraudulent"))
    );
    let _ = paid(&sandbox, "4000 0000 0000 2685").await;
    until(|| kinds(&sandbox, DISPUTE).len() == 4).await;
    assert_eq!(get(&sandbox, "/v1/disputes?limit=1").await.body["data"][0]["reason"], "product_not_received");
    assert_eq!(get(&sandbox, "/v1/disputes?charge=ch_other").await.body["data"], json!([]));
}

#[tokio::test]
async fn an_inquiry_takes_no_money_and_ends_with_a_refund_or_escalates() {
    let sandbox = soon().await;
    let intent = paid(&sandbox, "4000 0000 0000 1976").await;
    until(|| kinds(&sandbox, DISPUTE).len() == 1).await;
    let inquiry = get(&sandbox, "/v1/disputes").await.body["data"][0].clone();
    assert_eq!(
        (inquiry["status"].as_str(), inquiry["is_charge_refundable"].as_bool()),
        (Some("warning_needs_response"), Some(true))
    );
    assert_eq!(inquiry["payment_method_details"]["card"]["case_type"], "inquiry");
    assert_eq!(send(&sandbox, "/v1/refunds", &[("payment_intent", id(&intent))]).await.status, 200);
    assert_eq!(get(&sandbox, "/v1/disputes").await.body["data"][0]["status"], "warning_closed");
    assert_eq!(kinds(&sandbox, DISPUTE), ["charge.dispute.created", "charge.dispute.closed"]);

    let intent = paid(&sandbox, VISA).await;
    let dispute = sandbox.open_dispute(id(&intent), "fraudulent", true).unwrap();
    let path = format!("/v1/disputes/{dispute}");
    let escalated = send(&sandbox, &path, &[("evidence[uncategorized_text]", "escalate_inquiry_evidence")]).await.body;
    assert_eq!(escalated["status"], "needs_response");
    assert_eq!(kinds(&sandbox, DISPUTE).last().unwrap(), "charge.dispute.funds_withdrawn");
}

#[tokio::test]
async fn wrong_evidence_is_refused() {
    let sandbox = soon().await;
    let intent = paid(&sandbox, VISA).await;
    let dispute = sandbox.open_dispute(id(&intent), "fraudulent", false).unwrap();
    let path = format!("/v1/disputes/{dispute}");
    assert_eq!(send(&sandbox, &path, &[("evidence[banana]", "x")]).await.error("code"), "parameter_unknown");
    let enhanced = send(&sandbox, &path, &[("evidence[enhanced_evidence][x]", "y")]).await;
    assert!(enhanced.error("message").contains("does not support"));
    assert_eq!(send(&sandbox, "/v1/disputes/dp_none", &[]).await.error("code"), "resource_missing");
    assert_eq!(get(&sandbox, &path).await.body["evidence_details"]["has_evidence"], false);
}
