//! Driven by Stripe's client for Rust, as the store does: what it cannot read is our mistake.

use std::time::Duration;

use stripe::{Client, ClientBuilder, IdempotencyKey, RequestStrategy, StripeError, StripeRequest as _};
use stripe_checkout::checkout_session::{
    CreateCheckoutSession, CreateCheckoutSessionLineItems, CreateCheckoutSessionLineItemsPriceData,
    ExpireCheckoutSession, ProductData, RetrieveCheckoutSession,
};
use stripe_sandbox::{Fault, Running};
use stripe_shared::{CheckoutSessionMode, CheckoutSessionPaymentStatus, CheckoutSessionStatus};
use stripe_webhook::{EventObject, Webhook};

use crate::helpers::{DEADLINE, Receiver, VISA, call, id, send, soon, start};

fn client(sandbox: &Running) -> Client {
    ClientBuilder::new("sk_test_123")
        .url(format!("{}/", sandbox.url()))
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap()
}

fn checkout(title: &str) -> CreateCheckoutSession {
    let mut price = CreateCheckoutSessionLineItemsPriceData::new(stripe_types::Currency::USD);
    price.unit_amount = Some(1299);
    price.product_data = Some(ProductData::new(title));
    let mut line = CreateCheckoutSessionLineItems::new();
    line.price_data = Some(price);
    line.quantity = Some(1);
    CreateCheckoutSession::new()
        .mode(CheckoutSessionMode::Payment)
        .line_items(vec![line])
        .customer_email("a@example.com")
        .metadata([("order_id".to_owned(), "42".to_owned()), ("b".to_owned(), "2".to_owned())])
        .success_url("http://127.0.0.1:9/ok?s={CHECKOUT_SESSION_ID}")
        .cancel_url("http://127.0.0.1:9/cart")
        .client_reference_id("42")
        .expand(vec!["line_items".to_owned()])
}

#[tokio::test]
async fn a_session_is_created_retrieved_paid_and_expired() {
    let sandbox = start().await;
    let client = client(&sandbox);
    let session = checkout("Dune").send(&client).await.unwrap();
    assert_eq!(session.status, Some(CheckoutSessionStatus::Open));
    assert_eq!(session.amount_total, Some(1299));
    assert_eq!(session.line_items.unwrap().data[0].description.as_deref(), Some("Dune"));

    let _ = sandbox.pay(session.id.as_str(), VISA, "a@example.com");
    let paid = RetrieveCheckoutSession::new(session.id.clone())
        .expand(vec!["payment_intent.latest_charge".to_owned()])
        .send(&client)
        .await
        .unwrap();
    assert_eq!(paid.payment_status, CheckoutSessionPaymentStatus::Paid);
    let intent = paid.payment_intent.unwrap().into_object().unwrap();
    let charge = intent.latest_charge.unwrap().into_object().unwrap();
    assert_eq!((charge.amount, charge.paid), (1299, true));

    let error = ExpireCheckoutSession::new(session.id).send(&client).await.unwrap_err();
    assert!(matches!(error, StripeError::Stripe(_, 400)), "{error:?}");
    let open = checkout("Emma").send(&client).await.unwrap();
    let expired = ExpireCheckoutSession::new(open.id).send(&client).await.unwrap();
    assert_eq!(expired.status, Some(CheckoutSessionStatus::Expired));
}

#[tokio::test]
async fn an_idempotency_key_replays_and_refuses() {
    let sandbox = start().await;
    let client = client(&sandbox);
    let key = || RequestStrategy::Idempotent(IdempotencyKey::new("checkout-42").unwrap());
    let first = checkout("Dune").customize().request_strategy(key()).send(&client).await.unwrap();
    let again = checkout("Dune").customize().request_strategy(key()).send(&client).await.unwrap();
    assert_eq!(first.id, again.id);
    let error = checkout("Emma").customize().request_strategy(key()).send(&client).await.unwrap_err();
    let StripeError::Stripe(error, 400) = error else { panic!("{error:?}") };
    assert_eq!(error.type_.as_str(), "idempotency_error");
}

#[tokio::test]
async fn its_retries_survive_a_lost_answer() {
    let sandbox = start().await;
    let client = ClientBuilder::new("sk_test_123")
        .url(format!("{}/", sandbox.url()))
        .request_strategy(RequestStrategy::ExponentialBackoff(3))
        .build()
        .unwrap();
    sandbox.set_fault(Fault::lost_answer());
    let session = checkout("Dune").send(&client).await.unwrap();
    assert_eq!(sandbox.session_ids(), [session.id.as_str()]);
    assert_eq!(sandbox.requests().len(), 2);
}

#[tokio::test]
async fn its_errors_carry_code_and_parameter() {
    let sandbox = start().await;
    let client = client(&sandbox);
    let error = checkout("Dune").success_url("nowhere").send(&client).await.unwrap_err();
    let StripeError::Stripe(error, 400) = error else { panic!("{error:?}") };
    assert_eq!(error.code.unwrap().as_str(), "url_invalid");
    assert_eq!(error.param.as_deref(), Some("success_url"));
    let missing = RetrieveCheckoutSession::new("cs_test_none").send(&client).await.unwrap_err();
    assert!(matches!(missing, StripeError::Stripe(_, 404)), "{missing:?}");
}

#[tokio::test]
async fn its_webhook_module_accepts_every_event() {
    let sandbox = start().await;
    let receiver = Receiver::start(&[]).await;
    sandbox.add_webhook(&receiver.url, "whsec_x").unwrap();
    let client = client(&sandbox);
    let session = checkout("Dune").send(&client).await.unwrap();
    let _ = sandbox.pay(session.id.as_str(), "4000 0000 0000 0002", "a@example.com");
    let _ = sandbox.pay(session.id.as_str(), VISA, "a@example.com");
    let other = checkout("Emma").send(&client).await.unwrap();
    ExpireCheckoutSession::new(other.id.clone()).send(&client).await.unwrap();
    let mut seen = Vec::new();
    for webhook in receiver.wait_for(7).await {
        let signature = webhook.headers["stripe-signature"].to_str().unwrap();
        assert!(Webhook::construct_event(&webhook.body, signature, "whsec_other").is_err());
        let event = Webhook::construct_event(&webhook.body, signature, "whsec_x").unwrap();
        match event.data.object {
            EventObject::CheckoutSessionCompleted(completed) => {
                assert_eq!(completed.id, session.id);
                assert_eq!(completed.metadata.unwrap()["order_id"], "42");
                seen.push("completed");
            }
            EventObject::CheckoutSessionExpired(expired) => {
                assert_eq!(expired.id, other.id);
                seen.push("expired");
            }
            _ => {}
        }
    }
    seen.sort_unstable();
    assert_eq!(seen, ["completed", "expired"]);
}

#[tokio::test]
async fn it_reads_charges_refunds_and_customers() {
    let sandbox = soon().await;
    let client = client(&sandbox);
    let form = [("email", "a@example.com"), ("address[country]", "DE"), ("name", "Ada")];
    let customer = send(&sandbox, "/v1/customers", &form).await.body;
    let mut request = CreateCheckoutSession::new()
        .mode(CheckoutSessionMode::Payment)
        .success_url("http://127.0.0.1:9/ok")
        .customer(id(&customer));
    let mut price = CreateCheckoutSessionLineItemsPriceData::new(stripe_types::Currency::USD);
    price.unit_amount = Some(1299);
    price.product_data = Some(ProductData::new("Dune"));
    let mut line = CreateCheckoutSessionLineItems::new();
    line.price_data = Some(price);
    line.quantity = Some(1);
    request = request.line_items(vec![line]);
    let session = request.send(&client).await.unwrap();
    let _ = sandbox.pay(session.id.as_str(), VISA, "a@example.com");
    let refund = sandbox.refund(session.id.as_str(), Some(299)).unwrap();
    let paths = ["customer", "payment_intent.latest_charge.refunds", "payment_intent.latest_charge.customer"];
    let paid =
        RetrieveCheckoutSession::new(session.id).expand(paths.map(str::to_owned).to_vec()).send(&client).await.unwrap();
    let intent = paid.payment_intent.unwrap().into_object().unwrap();
    let charge = intent.latest_charge.unwrap().into_object().unwrap();
    assert_eq!((charge.amount_refunded, charge.refunded, charge.disputed), (299, false, false));
    let refunds = charge.refunds.unwrap().data;
    assert_eq!((refunds[0].id.as_str(), refunds[0].amount), (refund.as_str(), 299));
    assert_eq!(refunds[0].status.as_deref(), Some("succeeded"));
    let stripe_types::Expandable::Object(found) = charge.customer.unwrap() else { panic!("not expanded") };
    assert_eq!(found.id.as_str(), id(&customer));
    assert!(paid.customer.unwrap().is_object());
}

#[tokio::test]
async fn its_webhook_module_reads_refunds_disputes_and_customers() {
    let sandbox = soon().await;
    let receiver = Receiver::start(&[]).await;
    sandbox.add_webhook(&receiver.url, "whsec_x").unwrap();
    let customer = send(&sandbox, "/v1/customers", &[("email", "a@example.com")]).await.body;
    let path = format!("/v1/customers/{}", id(&customer));
    send(&sandbox, &path, &[("name", "Ada")]).await;
    call(&sandbox, reqwest::Method::DELETE, &path, &[], None).await.unwrap();
    let intent = crate::refunds::paid(&sandbox, VISA).await;
    let refund = sandbox.refund(id(&intent), Some(100)).unwrap();
    assert!(sandbox.finish_refund(&refund, false));
    let dispute = sandbox.open_dispute(id(&intent), "fraudulent", false).unwrap();
    assert!(sandbox.close_dispute(&dispute, true));
    let expected = sandbox.events().len();
    let received = receiver.wait_for(expected).await;
    assert!(sandbox.deliveries_settled(DEADLINE).await);
    let mut seen = Vec::new();
    for webhook in received {
        let signature = webhook.headers["stripe-signature"].to_str().unwrap();
        let event = Webhook::construct_event(&webhook.body, signature, "whsec_x").unwrap();
        seen.push(match event.data.object {
            EventObject::CustomerCreated(found) if found.email.as_deref() == Some("a@example.com") => "customer made",
            EventObject::CustomerUpdated(found) if found.name.as_deref() == Some("Ada") => "customer changed",
            EventObject::CustomerDeleted(found) if found.id.as_str() == id(&customer) => "customer deleted",
            EventObject::RefundCreated(found) if found.id.as_str() == refund => "refund made",
            EventObject::RefundUpdated(found) if found.status.as_deref() == Some("failed") => "refund changed",
            EventObject::RefundFailed(found) if found.failure_reason.is_some() => "refund failed",
            EventObject::ChargeRefunded(found) if found.amount_refunded == 100 => "charge refunded",
            EventObject::ChargeRefundUpdated(found) if found.id.as_str() == refund => "charge's refund changed",
            EventObject::ChargeDisputeCreated(found) if found.id.as_str() == dispute => "dispute made",
            EventObject::ChargeDisputeFundsWithdrawn(found) if found.amount == 3098 => "money taken",
            EventObject::ChargeDisputeFundsReinstated(found) if found.id.as_str() == dispute => "money given back",
            EventObject::ChargeDisputeClosed(found) if found.id.as_str() == dispute => "dispute closed",
            EventObject::ChargeUpdated(found) if found.disputed => "charge disputed",
            EventObject::ChargeSucceeded(_)
            | EventObject::PaymentIntentCreated(_)
            | EventObject::PaymentIntentSucceeded(_)
            | EventObject::CheckoutSessionCompleted(_) => "payment",
            other => panic!("{other:?}"),
        });
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 14, "{seen:?}");
}
