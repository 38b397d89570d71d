//! The payment page: what it shows, what it refuses, where it leads, and that it charges once.

use stripe_sandbox::{PayOutcome, Running};

use crate::helpers::{VISA, browser, create, get, id, start};

struct Page {
    status: u16,
    location: Option<String>,
    policy: String,
    html: String,
}

async fn fetch(request: reqwest::RequestBuilder) -> Page {
    let response = request.send().await.unwrap();
    let header = |name: &str| response.headers().get(name).map(|value| value.to_str().unwrap().to_owned());
    let (location, policy) = (header("location"), header("content-security-policy").unwrap_or_default());
    Page { status: response.status().as_u16(), location, policy, html: response.text().await.unwrap() }
}

fn url(sandbox: &Running, session: &serde_json::Value) -> String {
    format!("{}/c/pay/{}", sandbox.url(), id(session))
}

fn card(number: &str) -> Vec<(&str, &str)> {
    vec![
        ("email", "reader@example.com"),
        ("card_number", number),
        ("expiry", "12 / 34"),
        ("cvc", "987"),
        ("name", "Ada Lovelace"),
        ("country", "DE"),
    ]
}

async fn pay(sandbox: &Running, session: &serde_json::Value, number: &str) -> Page {
    fetch(browser().post(url(sandbox, session)).form(&card(number))).await
}

#[tokio::test]
async fn it_shows_lines_totals_and_a_labelled_form_without_anything_from_elsewhere() {
    let sandbox = start().await;
    let session = create(&sandbox, &[]).await;
    assert_eq!(session["url"], url(&sandbox, &session));
    let page = fetch(browser().get(url(&sandbox, &session))).await;
    assert_eq!(page.status, 200);
    for text in
        ["Dune", "Emma", "$25.98", "$30.98", "Qty 2", ">Pay $30.98</button>", "Test mode", "4242 4242 4242 4242"]
    {
        assert!(page.html.contains(text), "{text}");
    }
    for (name, label) in [
        ("email", "Email"),
        ("card_number", "Card number"),
        ("expiry", "Expiry"),
        ("cvc", "CVC"),
        ("name", "Name"),
        ("country", "Country"),
    ] {
        assert!(page.html.contains(&format!("<label for=\"{name}\">{label}</label>")), "{label}");
    }
    assert!(page.html.contains("href=\"http://127.0.0.1:9/cart\""));
    assert!(!page.html.contains("<script") && !page.html.contains("src="));
    assert!(page.policy.starts_with("default-src 'none'; style-src 'self'"), "{}", page.policy);
    assert!(page.policy.contains("form-action 'self' http://127.0.0.1:9;"), "{}", page.policy);
}

#[tokio::test]
async fn what_the_store_sends_is_escaped() {
    let sandbox = start().await;
    let evil = "<script>alert('x')</script>\"><img src=x onerror=y>";
    let session = create(
        &sandbox,
        &[
            ("line_items[0][price_data][product_data][name]", evil),
            ("line_items[0][price_data][product_data][description]", evil),
            ("custom_text[submit][message]", evil),
            ("cancel_url", "http://127.0.0.1:9/?a=\"><script>"),
        ],
    )
    .await;
    let mut form = card("4000000000000002");
    form[4].1 = evil;
    let page = fetch(browser().post(url(&sandbox, &session)).form(&form)).await;
    assert!(page.html.contains("role=\"alert\""));
    assert!(!page.html.contains("<script") && !page.html.contains("<img"));
}

#[tokio::test]
async fn a_good_card_leads_to_the_success_url_with_the_session_id() {
    let sandbox = start().await;
    for number in [VISA, "5555555555554444"] {
        let session = create(&sandbox, &[]).await;
        let page = pay(&sandbox, &session, number).await;
        assert_eq!(page.status, 303);
        assert_eq!(page.location, Some(format!("http://127.0.0.1:9/ok?session_id={}", id(&session))));
        // Again: the same place, and no second payment.
        assert_eq!(pay(&sandbox, &session, number).await.location, page.location);
        let done = sandbox.session(id(&session)).unwrap();
        assert_eq!(done["customer_details"]["address"]["country"], "DE");
        let shown = fetch(browser().get(url(&sandbox, &session))).await;
        assert!(shown.html.contains("already paid"));
    }
    let intents = get(&sandbox, "/v1/payment_intents").await.body;
    assert_eq!(intents["data"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn a_decline_keeps_the_session_open_and_the_fields_but_never_the_card() {
    let sandbox = start().await;
    let session = create(&sandbox, &[]).await;
    for (number, message, code) in [
        ("4000000000000002", "Your card was declined.", "generic_decline"),
        ("4000000000009995", "Your card has insufficient funds.", "insufficient_funds"),
        ("4111111111111111", "Your card was declined.", "test_mode_live_card"),
    ] {
        let page = pay(&sandbox, &session, number).await;
        assert_eq!(page.status, 200);
        assert!(page.html.contains("id=\"problem\" role=\"alert\""));
        assert!(page.html.contains("aria-describedby=\"problem\""));
        assert!(page.html.contains(message) && page.html.contains(code), "{number}");
        assert!(page.html.contains("value=\"reader@example.com\"") && page.html.contains("value=\"Ada Lovelace\""));
        assert!(page.html.contains("<option value=\"DE\" selected>"));
        assert!(!page.html.contains(number) && !page.html.contains("987") && !page.html.contains("12 / 34"));
    }
    let open = sandbox.session(id(&session)).unwrap();
    assert_eq!((open["status"].as_str(), open["payment_status"].as_str()), (Some("open"), Some("unpaid")));
    assert_eq!(pay(&sandbox, &session, VISA).await.status, 303);
    assert_eq!(get(&sandbox, "/v1/payment_intents").await.body["data"].as_array().unwrap().len(), 1);
    let recorded = serde_json::to_string(&(sandbox.events(), sandbox.requests())).unwrap();
    assert!(!recorded.contains("4242424242424242") && !recorded.contains("4000000000000002"));
}

#[tokio::test]
async fn wrong_fields_are_listed_and_linked_and_nothing_is_tried() {
    let sandbox = start().await;
    let session = create(&sandbox, &[]).await;
    let form = [("email", "nobody"), ("card_number", "4242424242424241"), ("expiry", "13/30"), ("cvc", "1")];
    let page = fetch(browser().post(url(&sandbox, &session)).form(&form)).await;
    assert_eq!(page.status, 200);
    for (name, message) in [
        ("email", "Your email is invalid."),
        ("card_number", "Your card number is incorrect."),
        ("expiry", "Your card&#39;s expiration month is invalid."),
        ("cvc", "Your card&#39;s security code is incomplete."),
        ("name", "Enter the name on the card."),
        ("country", "Choose a country."),
    ] {
        assert!(page.html.contains(&format!("<a href=\"#{name}\">{message}</a>")), "{name}");
        assert!(page.html.contains(&format!("aria-describedby=\"{name}-error\"")), "{name}");
    }
    assert!(sandbox.events().is_empty());
}

#[tokio::test]
async fn the_given_address_cannot_be_changed_nor_can_the_amount() {
    let sandbox = start().await;
    let session = create(&sandbox, &[("customer_email", "given@example.com")]).await;
    let page = fetch(browser().get(url(&sandbox, &session))).await;
    assert!(page.html.contains("readonly value=\"given@example.com\""));
    let mut form = card(VISA);
    form.extend([("amount", "1"), ("line_items[0][price_data][unit_amount]", "1"), ("currency", "jpy")]);
    assert_eq!(fetch(browser().post(url(&sandbox, &session)).form(&form)).await.status, 303);
    let done = sandbox.session(id(&session)).unwrap();
    assert_eq!(done["customer_details"]["email"], "given@example.com");
    assert_eq!(get(&sandbox, "/v1/payment_intents").await.body["data"][0]["amount"], 3098);
}

#[tokio::test]
async fn authentication_completes_or_fails_on_a_page_of_its_own() {
    let sandbox = start().await;
    let session = create(&sandbox, &[]).await;
    let step = format!("{}/authenticate", url(&sandbox, &session));
    let start_step = pay(&sandbox, &session, "4000 0025 0000 3155").await;
    assert_eq!(start_step.location, Some(format!("/c/pay/{}/authenticate", id(&session))));
    let page = fetch(browser().get(&step)).await;
    assert!(page.html.contains("Complete authentication") && page.html.contains("Fail authentication"));
    let failed = fetch(browser().post(&step).form(&[("result", "fail")])).await;
    assert!(failed.html.contains("unable to authenticate") && failed.html.contains("reader@example.com"));
    let intent = get(&sandbox, "/v1/payment_intents").await.body["data"][0].clone();
    assert_eq!(intent["last_payment_error"]["code"], "payment_intent_authentication_failure");
    assert_eq!(fetch(browser().get(&step)).await.status, 303);

    let _ = pay(&sandbox, &session, "4000 0025 0000 3155").await;
    let done = fetch(browser().post(&step).form(&[("result", "complete")])).await;
    assert_eq!(done.location, Some(format!("http://127.0.0.1:9/ok?session_id={}", id(&session))));
    assert_eq!(sandbox.session(id(&session)).unwrap()["payment_status"], "paid");
}

#[tokio::test]
async fn expired_unknown_and_free_sessions_have_their_pages() {
    let sandbox = start().await;
    let session = create(&sandbox, &[]).await;
    assert!(sandbox.expire(id(&session)));
    for page in [fetch(browser().get(url(&sandbox, &session))).await, pay(&sandbox, &session, VISA).await] {
        assert!(page.html.contains("has expired") && page.html.contains("href=\"http://127.0.0.1:9/cart\""));
    }
    assert_eq!(fetch(browser().get(format!("{}/c/pay/cs_none", sandbox.url()))).await.status, 404);
    assert_eq!(fetch(browser().get(format!("{}/other", sandbox.url()))).await.status, 404);

    let free = [("line_items[0][price_data][unit_amount]", "0"), ("line_items[1][price_data][unit_amount]", "0")];
    let session = create(&sandbox, &free).await;
    let page = fetch(browser().get(url(&sandbox, &session))).await;
    assert!(page.html.contains(">Complete order</button>") && !page.html.contains("card_number"));
    let form = [("email", "a@example.com"), ("country", "FR")];
    assert_eq!(fetch(browser().post(url(&sandbox, &session)).form(&form)).await.status, 303);
}

#[tokio::test]
async fn terms_and_address_are_asked_for_where_the_store_wants_them() {
    let sandbox = start().await;
    let changes = [("consent_collection[terms_of_service]", "required"), ("billing_address_collection", "required")];
    let session = create(&sandbox, &changes).await;
    let page = pay(&sandbox, &session, VISA).await;
    assert!(page.html.contains("href=\"#terms\"") && page.html.contains("href=\"#line1\""));
    let mut form = card(VISA);
    form.extend([("terms", "on"), ("line1", "Hauptstr. 1"), ("city", "Bonn"), ("postal_code", "53111")]);
    assert_eq!(fetch(browser().post(url(&sandbox, &session)).form(&form)).await.status, 303);
    let done = sandbox.session(id(&session)).unwrap();
    assert_eq!(done["consent"]["terms_of_service"], "accepted");
    assert_eq!(done["customer_details"]["address"]["city"], "Bonn");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn twenty_payments_at_once_charge_once() {
    let sandbox = start().await;
    let session = create(&sandbox, &[]).await;
    let target = url(&sandbox, &session);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..20 {
        let target = target.clone();
        tasks.spawn(async move { fetch(browser().post(target).form(&card(VISA))).await });
    }
    let expected = Some(format!("http://127.0.0.1:9/ok?session_id={}", id(&session)));
    for page in tasks.join_all().await {
        assert_eq!((page.status, &page.location), (303, &expected));
    }
    assert_eq!(get(&sandbox, "/v1/payment_intents").await.body["data"].as_array().unwrap().len(), 1);
    assert_eq!(get(&sandbox, "/v1/charges").await.body["data"].as_array().unwrap().len(), 1);
    let completed = "checkout.session.completed";
    assert_eq!(sandbox.events().iter().filter(|event| event["type"] == completed).count(), 1);
    assert!(matches!(sandbox.pay(id(&session), VISA, "x@example.com"), PayOutcome::Completed { .. }));
}
