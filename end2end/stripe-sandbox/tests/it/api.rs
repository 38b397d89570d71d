//! The API's rules: keys, parameters and their errors, lists, expansion, expiry.

use reqwest::Method;
use serde_json::json;
use stripe_sandbox::{Config, PayOutcome, Sandbox, StartError};

use crate::helpers::{Answer, KEY, ORDER, VISA, browser, call, create, get, id, order, send, start};

#[tokio::test]
async fn only_test_keys_are_let_in() {
    let sandbox = start().await;
    let url = format!("{}/v1/events", sandbox.url());
    let status = async |request: reqwest::RequestBuilder| {
        let response = request.send().await.unwrap();
        let status = response.status().as_u16();
        assert!(response.headers()["request-id"].to_str().unwrap().starts_with("req_"));
        (status, response.json::<serde_json::Value>().await.unwrap())
    };
    assert_eq!(status(browser().get(&url).bearer_auth(KEY)).await.0, 200);
    assert_eq!(status(browser().get(&url).basic_auth(KEY, Some(""))).await.0, 200);
    for request in [
        browser().get(&url),
        browser().get(&url).bearer_auth("sk_test_"),
        browser().get(&url).bearer_auth("pk_test_1"),
        browser().get(&url).bearer_auth("sk_live_1"),
        browser().get(&url).basic_auth("", Some(KEY)),
        browser().get(&url).header("authorization", "Basic %%%"),
    ] {
        let (code, body) = status(request).await;
        assert_eq!(code, 401);
        assert_eq!(body["error"]["type"], "invalid_request_error");
    }
    let (_, live) = status(browser().get(&url).bearer_auth("sk_live_1")).await;
    assert!(live["error"]["message"].as_str().unwrap().contains("live secret key"));
}

#[tokio::test]
async fn an_unknown_url_is_a_404_in_stripes_shape() {
    let sandbox = start().await;
    for path in ["/v1/banana", "/v1/checkout/sessions/cs_1/refund", "/v1/events/"] {
        let answer = get(&sandbox, path).await;
        assert_eq!((answer.status, answer.error("type")), (404, "invalid_request_error"), "{path}");
    }
    let answer = get(&sandbox, "/v1/checkout/sessions/cs_test_none").await;
    assert_eq!((answer.status, answer.error("code")), (404, "resource_missing"));
    assert_eq!(answer.error("message"), "No such checkout.session: 'cs_test_none'");
    assert!(answer.error("doc_url").ends_with("resource-missing"));
    for path in ["/v1/payment_intents/pi_none", "/v1/charges/ch_none", "/v1/events/evt_none"] {
        let answer = get(&sandbox, path).await;
        assert_eq!((answer.status, answer.error("code")), (404, "resource_missing"), "{path}");
    }
}

/// The changes to a good order, the code expected, the parameter named.
type Case<'a> = (&'a [(&'a str, &'a str)], &'a str, &'a str);

#[tokio::test]
async fn a_wrong_parameter_is_named_with_stripes_code() {
    let sandbox = start().await;
    let name = "line_items[0][price_data][product_data][name]";
    let amount = "line_items[0][price_data][unit_amount]";
    let second = "line_items[1][price_data][currency]";
    let long = "x".repeat(501);
    let cases: &[Case<'_>] = &[
        (&[("mode", "")], "parameter_missing", "mode"),
        (&[("success_url", "")], "parameter_missing", "success_url"),
        (&[(name, "")], "parameter_missing", "line_items[0][price_data][product_data]"),
        (&[(amount, "")], "parameter_missing", amount),
        (&[("line_items[0][quantity]", "")], "parameter_missing", "line_items[0][quantity]"),
        (&[("banana", "1")], "parameter_unknown", "banana"),
        (&[("line_items[0][banana]", "1")], "parameter_unknown", "line_items[0][banana]"),
        (&[("consent_collection[x]", "1")], "parameter_unknown", "consent_collection[x]"),
        (&[(amount, "12.99")], "parameter_invalid_integer", amount),
        (&[(amount, "-1")], "parameter_invalid_integer", amount),
        (&[(amount, "99999999999999999999")], "parameter_invalid_integer", amount),
        (&[("line_items[0][quantity]", "0")], "parameter_invalid_integer", "line_items[0][quantity]"),
        (&[("success_url", "/ok")], "url_invalid", "success_url"),
        (&[("cancel_url", "javascript:alert(1)")], "url_invalid", "cancel_url"),
        (&[("customer_email", "nobody")], "email_invalid", "customer_email"),
        (&[("line_items[0][price_data][currency]", "xxx")], "", "line_items[0][price_data][currency]"),
        (&[(second, "eur")], "", second),
        (&[("expires_at", "1000")], "", "expires_at"),
        (&[("expires_at", "99999999999")], "", "expires_at"),
        (&[("metadata[k]", &long)], "", "metadata[k]"),
        (&[("mode", "subscription")], "", "mode"),
        (&[("mode", "banana")], "", "mode"),
        (&[("ui_mode", "embedded_page")], "", "ui_mode"),
        (&[("locale", "xx")], "", "locale"),
        (&[("discounts[0][coupon]", "SUMMER")], "resource_missing", "discounts[0][coupon]"),
        (&[("payment_method_types[0]", "klarna")], "", "payment_method_types"),
        (&[("automatic_tax[enabled]", "maybe")], "", "automatic_tax[enabled]"),
    ];
    for (changes, code, param) in cases {
        let answer = send(&sandbox, "/v1/checkout/sessions", &order(changes)).await;
        assert_eq!(answer.status, 400, "{changes:?}: {}", answer.body);
        assert_eq!((answer.error("code"), answer.error("param")), (*code, *param), "{}", answer.body);
        assert!(!answer.error("message").is_empty());
    }
    let no_list = [("mode", "payment"), ("success_url", "http://127.0.0.1:9/ok"), ("line_items", "x")];
    assert_eq!(send(&sandbox, "/v1/checkout/sessions", &no_list).await.error("message"), "Invalid array");
    assert!(sandbox.session_ids().is_empty());
}

#[tokio::test]
async fn totals_have_stripes_limits() {
    let sandbox = start().await;
    let one = |amount: &'static str, currency: &'static str| {
        let mut form: Vec<_> = ORDER.iter().filter(|(key, _)| !key.starts_with("line_items[")).copied().collect();
        form.extend([
            ("line_items[0][price_data][currency]", currency),
            ("line_items[0][price_data][unit_amount]", amount),
            ("line_items[0][price_data][product_data][name]", "Dune"),
            ("line_items[0][quantity]", "1"),
        ]);
        form
    };
    let create = async |amount, currency| send(&sandbox, "/v1/checkout/sessions", &one(amount, currency)).await;
    assert_eq!(create("49", "usd").await.error("code"), "amount_too_small");
    assert_eq!(create("50", "USD").await.body["currency"], "usd");
    assert_eq!(create("49", "jpy").await.error("code"), "amount_too_small");
    assert_eq!(create("30", "gbp").await.status, 200);
    assert_eq!(create("0", "usd").await.status, 200);
    let many: Vec<(String, String)> = (0..101)
        .flat_map(|index| {
            one("100", "usd").into_iter().map(move |(key, value)| {
                (key.replace("line_items[0]", &format!("line_items[{index}]")), value.to_owned())
            })
        })
        .collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(send(&sandbox, "/v1/checkout/sessions", &many).await.error("param"), "line_items");
}

#[tokio::test]
async fn an_order_of_zero_completes_without_a_payment() {
    let sandbox = start().await;
    let free = [("line_items[0][price_data][unit_amount]", "0"), ("line_items[1][price_data][unit_amount]", "0")];
    let session = create(&sandbox, &free).await;
    let PayOutcome::Completed { payment_intent, .. } = sandbox.pay(id(&session), VISA, "a@example.com") else {
        panic!("not completed");
    };
    assert_eq!(payment_intent, None);
    let done = sandbox.session(id(&session)).unwrap();
    assert_eq!(done["payment_status"], "no_payment_required");
    assert_eq!(done["payment_intent"], json!(null));
}

#[tokio::test]
async fn expand_fills_in_objects_and_refuses_what_it_does_not_know() {
    let sandbox = start().await;
    let session = create(&sandbox, &[("expand[]", "line_items")]).await;
    assert_eq!(session["line_items"]["data"][1]["description"], "Emma");
    let path = format!("/v1/checkout/sessions/{}", id(&session));
    assert_eq!(get(&sandbox, &path).await.body.get("line_items"), None);
    let _ = sandbox.pay(id(&session), VISA, "a@example.com");
    let query = "?expand[]=payment_intent.latest_charge&expand[1]=customer&expand[2]=line_items";
    let expanded = get(&sandbox, &format!("{path}{query}")).await.body;
    assert_eq!(expanded["payment_intent"]["latest_charge"]["status"], "succeeded");
    assert_eq!(expanded["customer"], json!(null));
    let list = get(&sandbox, "/v1/checkout/sessions?expand[]=data.payment_intent").await.body;
    assert_eq!(list["data"][0]["payment_intent"]["object"], "payment_intent");
    for wrong in ["banana", "line_items.banana", "payment_intent.banana", "a.b.c.d.e", "metadata"] {
        assert_eq!(get(&sandbox, &format!("{path}?expand[]={wrong}")).await.status, 400, "{wrong}");
    }
    assert_eq!(get(&sandbox, "/v1/checkout/sessions?expand[]=payment_intent").await.status, 400);
    assert_eq!(get(&sandbox, &format!("{path}?banana=1")).await.error("code"), "parameter_unknown");
}

#[tokio::test]
async fn lists_are_paged_newest_first_in_both_directions() {
    let sandbox = start().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        ids.insert(0, id(&create(&sandbox, &[]).await).to_owned());
    }
    let page = async |query: String| {
        let body = get(&sandbox, &format!("/v1/checkout/sessions?{query}")).await.body;
        let found: Vec<String> = body["data"].as_array().unwrap().iter().map(|row| id(row).to_owned()).collect();
        (found, body["has_more"].as_bool().unwrap())
    };
    assert_eq!(page("limit=2".into()).await, (ids[..2].to_vec(), true));
    assert_eq!(page(format!("limit=2&starting_after={}", ids[1])).await, (ids[2..4].to_vec(), true));
    assert_eq!(page(format!("limit=2&starting_after={}", ids[3])).await, (ids[4..].to_vec(), false));
    assert_eq!(page(format!("limit=2&ending_before={}", ids[3])).await, (ids[1..3].to_vec(), true));
    assert_eq!(page(format!("limit=9&ending_before={}", ids[1])).await, (ids[..1].to_vec(), false));
    assert!(sandbox.expire(&ids[2]));
    assert_eq!(page("status=expired".into()).await, (vec![ids[2].clone()], false));
    let refused = |answer: Answer| (answer.status, answer.error("code").to_owned());
    let list = async |query: &str| refused(get(&sandbox, &format!("/v1/checkout/sessions?{query}")).await);
    assert_eq!(list("limit=0").await, (400, "parameter_invalid_integer".into()));
    assert_eq!(list("limit=101").await, (400, "parameter_invalid_integer".into()));
    assert_eq!(list("starting_after=cs_none").await, (400, "resource_missing".into()));
    assert_eq!(list(&format!("starting_after={}&ending_before={}", ids[0], ids[1])).await.0, 400);
    assert_eq!(list("status=banana").await.0, 400);
    let items = get(&sandbox, &format!("/v1/checkout/sessions/{}/line_items?limit=1", ids[0])).await.body;
    let rest = format!("/v1/checkout/sessions/{}/line_items?starting_after={}", ids[0], id(&items["data"][0]));
    assert_eq!(
        (items["has_more"].as_bool(), get(&sandbox, &rest).await.body["data"][0]["description"].as_str()),
        (Some(true), Some("Emma"))
    );
}

#[tokio::test]
async fn events_are_filtered_by_type_and_time() {
    let sandbox = start().await;
    let session = create(&sandbox, &[]).await;
    let _ = sandbox.pay(id(&session), VISA, "a@example.com");
    let count =
        async |query: &str| get(&sandbox, &format!("/v1/events?{query}")).await.body["data"].as_array().unwrap().len();
    assert_eq!(count("type=charge.succeeded").await, 1);
    assert_eq!(count("type=payment_intent.*").await, 2);
    assert_eq!(count("types[]=charge.succeeded&types[]=checkout.session.completed").await, 2);
    assert_eq!(count("created[gte]=1000").await, 4);
    assert_eq!(count("created[lt]=1000").await, 0);
    assert_eq!(count("delivery_success=true").await, 4);
    assert_eq!(get(&sandbox, "/v1/events?type=a&types[]=b").await.status, 400);
    assert_eq!(get(&sandbox, "/v1/events?created[x]=1").await.error("code"), "parameter_unknown");
}

#[tokio::test]
async fn expiring_cancels_what_was_begun_and_names_the_request() {
    let sandbox = start().await;
    let session = create(&sandbox, &[]).await;
    let _ = sandbox.pay(id(&session), "4000 0000 0000 0002", "a@example.com");
    let path = format!("/v1/checkout/sessions/{}/expire", id(&session));
    let expired = call(&sandbox, Method::POST, &path, &[], Some("expire-1")).await.unwrap();
    assert_eq!((expired.status, expired.body["status"].as_str()), (200, Some("expired")));
    let again = send(&sandbox, &path, &[]).await;
    assert_eq!((again.status, again.error("type")), (400, "invalid_request_error"));
    let intents = get(&sandbox, "/v1/payment_intents").await.body;
    assert_eq!(intents["data"][0]["status"], "canceled");
    assert_eq!(sandbox.pay(id(&session), VISA, "a@example.com"), PayOutcome::Expired);
    let event = sandbox.events().pop().unwrap();
    assert_eq!(event["type"], "checkout.session.expired");
    assert_eq!(event["request"]["idempotency_key"], "expire-1");
    assert_eq!(event["request"]["id"].as_str(), expired.header("request-id"));
}

#[tokio::test]
async fn a_body_that_is_not_a_form_is_refused() {
    let sandbox = start().await;
    let url = format!("{}/v1/checkout/sessions", sandbox.url());
    let post = async |kind: &str, body: Vec<u8>| {
        let request = browser().post(&url).bearer_auth(KEY).header("content-type", kind.to_owned()).body(body);
        let response = request.send().await.unwrap();
        (response.status().as_u16(), response.json::<serde_json::Value>().await.unwrap())
    };
    for (kind, body) in [
        ("application/json", b"{}".to_vec()),
        ("application/x-www-form-urlencoded", b"a=%ff".to_vec()),
        ("application/x-www-form-urlencoded", b"a[b=1".to_vec()),
        ("application/x-www-form-urlencoded", vec![b'a'; 1024 * 1024 + 1]),
    ] {
        let (status, body) = post(kind, body).await;
        assert_eq!((status, body["error"]["type"].as_str()), (400, Some("invalid_request_error")), "{body}");
    }
}

#[tokio::test]
async fn it_does_not_listen_where_others_reach_it_unless_told_to() {
    let config = Config { listen: "0.0.0.0:0".parse().unwrap(), ..Config::default() };
    assert!(matches!(Sandbox::start(config.clone()).await, Err(StartError::NotLoopback(_))));
    let allowed = Sandbox::start(Config { allow_remote: true, ..config }).await.unwrap();
    allowed.shutdown().await;
}

#[tokio::test]
async fn requests_are_recorded_with_key_and_form() {
    let sandbox = start().await;
    call(&sandbox, Method::POST, "/v1/checkout/sessions", ORDER, Some("key-1")).await.unwrap();
    let requests = sandbox.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].idempotency_key.as_deref(), Some("key-1"));
    assert_eq!(requests[0].param("line_items[0][price_data][unit_amount]"), Some("1299"));
    assert_eq!((requests[0].method.as_str(), requests[0].status), ("POST", Some(200)));
}
