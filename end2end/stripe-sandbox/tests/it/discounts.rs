//! Coupons, promotion codes and tax: in the API, on the page, in every total.

use reqwest::Method;
use serde_json::{Value, json};
use stripe_sandbox::Running;

use crate::helpers::{VISA, browser, call, create, get, id, order, send, start};

fn totals(session: &Value) -> [i64; 4] {
    let details = &session["total_details"];
    [&session["amount_subtotal"], &details["amount_discount"], &details["amount_tax"], &session["amount_total"]]
        .map(|amount| amount.as_i64().unwrap())
}

async fn coupon(sandbox: &Running, form: &[(&str, &str)]) -> Value {
    let answer = send(sandbox, "/v1/coupons", form).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.body
}

#[tokio::test]
async fn a_coupon_comes_off_the_session_and_its_lines() {
    let sandbox = start().await;
    let quarter = coupon(&sandbox, &[("percent_off", "25.5"), ("duration", "once"), ("id", "QUARTER")]).await;
    assert_eq!((quarter["id"].as_str(), quarter["percent_off"].as_f64()), (Some("QUARTER"), Some(25.5)));
    let session = create(&sandbox, &[("discounts[0][coupon]", "QUARTER"), ("expand[]", "line_items")]).await;
    assert_eq!(totals(&session), [3098, 662 + 128, 0, 3098 - 790]);
    assert_eq!(session["line_items"]["data"][0]["amount_discount"], 662);
    assert_eq!(session["discounts"], json!([{ "coupon": "QUARTER", "promotion_code": null }]));
    let _ = sandbox.pay(id(&session), VISA, "a@example.com");
    let path = format!(
        "/v1/checkout/sessions/{}?expand[]=payment_intent&expand[]=discounts.coupon&expand[]=total_details.breakdown",
        id(&session)
    );
    let done = get(&sandbox, &path).await.body;
    assert_eq!(done["payment_intent"]["amount"], 2308);
    assert_eq!(done["discounts"][0]["coupon"]["times_redeemed"], 1);
    assert_eq!(done["total_details"]["breakdown"]["discounts"][0]["amount"], 790);

    coupon(&sandbox, &[("amount_off", "1000"), ("currency", "usd"), ("id", "TEN")]).await;
    let session = create(&sandbox, &[("discounts[0][coupon]", "TEN")]).await;
    assert_eq!(totals(&session), [3098, 1000, 0, 2098]);
    coupon(&sandbox, &[("percent_off", "100"), ("id", "FREE")]).await;
    let free = create(&sandbox, &[("discounts[0][coupon]", "FREE")]).await;
    assert_eq!(totals(&free), [3098, 3098, 0, 0]);
    let _ = sandbox.pay(id(&free), VISA, "a@example.com");
    assert_eq!(sandbox.session(id(&free)).unwrap()["payment_status"], "no_payment_required");
}

#[tokio::test]
async fn what_cannot_be_redeemed_is_refused() {
    let sandbox = start().await;
    let refused = async |changes: &[(&str, &str)]| {
        let answer = send(&sandbox, "/v1/checkout/sessions", &order(changes)).await;
        assert_eq!(answer.status, 400, "{}", answer.body);
        (answer.error("code").to_owned(), answer.error("param").to_owned())
    };
    coupon(&sandbox, &[("amount_off", "100"), ("currency", "eur"), ("id", "EURO")]).await;
    coupon(&sandbox, &[("amount_off", "100"), ("currency", "usd"), ("id", "OLD"), ("redeem_by", "1000")]).await;
    coupon(&sandbox, &[("percent_off", "10"), ("id", "ONE"), ("max_redemptions", "1")]).await;
    let param = "discounts[0][coupon]";
    assert_eq!(refused(&[(param, "EURO")]).await, (String::new(), param.into()));
    assert_eq!(refused(&[(param, "OLD")]).await, ("coupon_expired".into(), param.into()));
    let session = create(&sandbox, &[(param, "ONE")]).await;
    let _ = sandbox.pay(id(&session), VISA, "a@example.com");
    assert_eq!(refused(&[(param, "ONE")]).await, ("coupon_expired".into(), param.into()));
    assert_eq!(refused(&[(param, "EURO"), ("allow_promotion_codes", "true")]).await.1, "discounts");
    assert_eq!(refused(&[(param, "EURO"), ("discounts[1][coupon]", "ONE")]).await.1, "discounts");
    for form in [
        &[("percent_off", "0")][..],
        &[("percent_off", "101")],
        &[("amount_off", "5")],
        &[("amount_off", "5"), ("percent_off", "5"), ("currency", "usd")],
        &[("percent_off", "5"), ("id", "ONE")],
        &[("percent_off", "5"), ("duration", "repeating")],
        &[],
    ] {
        assert_eq!(send(&sandbox, "/v1/coupons", form).await.status, 400, "{form:?}");
    }
    let gone = call(&sandbox, Method::DELETE, "/v1/coupons/EURO", &[], None).await.unwrap().body;
    assert_eq!(gone, json!({ "id": "EURO", "object": "coupon", "deleted": true }));
    assert_eq!(refused(&[(param, "EURO")]).await.0, "resource_missing");
}

#[tokio::test]
async fn a_buyer_types_a_promotion_code_and_takes_it_off_again() {
    let sandbox = start().await;
    coupon(&sandbox, &[("percent_off", "50"), ("id", "HALF")]).await;
    let form = [("promotion[type]", "coupon"), ("promotion[coupon]", "HALF"), ("code", "Summer-26")];
    let code = send(&sandbox, "/v1/promotion_codes", &form).await.body;
    assert_eq!(send(&sandbox, "/v1/promotion_codes", &form).await.error("code"), "resource_already_exists");
    let found = get(&sandbox, "/v1/promotion_codes?code=summer-26&expand[]=data.promotion.coupon").await.body;
    assert_eq!(found["data"][0]["promotion"]["coupon"]["percent_off"], 50);

    let session = create(&sandbox, &[("allow_promotion_codes", "true")]).await;
    let url = format!("{}/c/pay/{}", sandbox.url(), id(&session));
    let page =
        async |form: &[(&str, &str)]| browser().post(&url).form(form).send().await.unwrap().text().await.unwrap();
    let first = browser().get(&url).send().await.unwrap().text().await.unwrap();
    assert!(first.contains("for=\"promotion_code\">Promotion code<"));
    let wrong = page(&[("wish", "apply_code"), ("promotion_code", "NOPE")]).await;
    assert!(wrong.contains("This code is invalid.") && wrong.contains("value=\"NOPE\""));
    let applied = page(&[("wish", "apply_code"), ("promotion_code", "SUMMER-26")]).await;
    assert!(applied.contains("Discount (Summer-26)") && applied.contains(">Pay $15.49</button>"), "{applied}");
    let now = sandbox.session(id(&session)).unwrap();
    assert_eq!(
        (now["discounts"][0]["promotion_code"].clone(), now["amount_total"].as_i64()),
        (code["id"].clone(), Some(1549))
    );
    assert!(page(&[("wish", "remove_code")]).await.contains(">Pay $30.98</button>"));
    page(&[("wish", "apply_code"), ("promotion_code", "summer-26")]).await;
    let _ = sandbox.pay(id(&session), VISA, "a@example.com");
    assert_eq!(get(&sandbox, "/v1/charges").await.body["data"][0]["amount"], 1549);
    let path = format!("/v1/promotion_codes/{}", id(&code));
    assert_eq!(get(&sandbox, &path).await.body["times_redeemed"], 1);
    assert_eq!(send(&sandbox, &path, &[("active", "false")]).await.body["active"], false);
    let other = create(&sandbox, &[("allow_promotion_codes", "true")]).await;
    let url = format!("{}/c/pay/{}", sandbox.url(), id(&other));
    let off =
        browser().post(url).form(&[("wish", "apply_code"), ("promotion_code", "Summer-26")]).send().await.unwrap();
    assert!(off.text().await.unwrap().contains("This code is invalid."));
}

#[tokio::test]
async fn automatic_tax_goes_by_the_buyers_country() {
    let sandbox = start().await;
    let tax = ("automatic_tax[enabled]", "true");
    let session = create(&sandbox, &[tax]).await;
    assert_eq!(
        (totals(&session), session["automatic_tax"]["status"].as_str()),
        ([3098, 0, 0, 3098], Some("requires_location_inputs"))
    );
    let _ = sandbox.pay_from(id(&session), VISA, "a@example.com", "DE");
    let done = sandbox.session(id(&session)).unwrap();
    assert_eq!(
        (totals(&done), done["automatic_tax"]["status"].as_str()),
        ([3098, 0, 494 + 95, 3687], Some("complete"))
    );
    let path = format!("/v1/checkout/sessions/{}/line_items?expand[]=data.taxes", id(&session));
    let line = get(&sandbox, &path).await.body["data"][0].clone();
    assert_eq!((line["amount_tax"].as_i64(), line["taxes"][0]["amount"].as_i64()), (Some(494), Some(494)));
    assert_eq!(line["taxes"][0]["rate"]["percentage"], 19);
    assert_eq!(line["taxes"][0]["taxable_amount"], 2598);

    let inclusive = [
        tax,
        ("line_items[0][price_data][tax_behavior]", "inclusive"),
        ("line_items[1][price_data][tax_behavior]", "inclusive"),
    ];
    let session = create(&sandbox, &inclusive).await;
    let _ = sandbox.pay_from(id(&session), VISA, "a@example.com", "DE");
    assert_eq!(totals(&sandbox.session(id(&session)).unwrap()), [3098, 0, 415 + 80, 3098]);
    let customer = send(&sandbox, "/v1/customers", &[("address[country]", "FR")]).await.body;
    let known = create(&sandbox, &[tax, ("customer", id(&customer))]).await;
    assert_eq!(totals(&known), [3098, 0, 520 + 100, 3718]);
}

#[tokio::test]
async fn nobody_pays_another_total_than_the_page_showed() {
    let sandbox = start().await;
    let session = create(&sandbox, &[("automatic_tax[enabled]", "true")]).await;
    let url = format!("{}/c/pay/{}", sandbox.url(), id(&session));
    let first = browser().get(&url).send().await.unwrap().text().await.unwrap();
    assert!(first.contains("by your country") && first.contains("name=\"shown\" value=\"3098\""));
    let form = |shown| {
        vec![
            ("email", "a@example.com"),
            ("card_number", VISA),
            ("expiry", "12/34"),
            ("cvc", "123"),
            ("name", "Ada"),
            ("country", "DE"),
            ("shown", shown),
        ]
    };
    let asked = browser().post(&url).form(&form("3098")).send().await.unwrap();
    assert_eq!(asked.status().as_u16(), 200);
    let asked = asked.text().await.unwrap();
    assert!(asked.contains("the total is $36.87") && asked.contains(">Pay $36.87</button>"));
    assert_eq!(get(&sandbox, "/v1/charges").await.body["data"], json!([]));
    assert_eq!(browser().post(&url).form(&form("3687")).send().await.unwrap().status().as_u16(), 303);
    assert_eq!(get(&sandbox, "/v1/charges").await.body["data"][0]["amount"], 3687);
}

#[tokio::test]
async fn a_stores_own_rates_are_put_on_its_lines() {
    let sandbox = start().await;
    let form = [("display_name", "VAT"), ("percentage", "7.5"), ("inclusive", "false"), ("country", "DE")];
    let rate = send(&sandbox, "/v1/tax_rates", &form).await.body;
    assert_eq!(rate["percentage"].as_f64(), Some(7.5));
    let changes = [("line_items[0][tax_rates][0]", id(&rate)), ("expand[]", "total_details.breakdown")];
    let session = create(&sandbox, &changes).await;
    assert_eq!(totals(&session), [3098, 0, 195, 3293]);
    assert_eq!(session["total_details"]["breakdown"]["taxes"][0]["rate"]["id"], rate["id"]);
    let both = [("line_items[0][tax_rates][0]", id(&rate)), ("automatic_tax[enabled]", "true")];
    assert_eq!(send(&sandbox, "/v1/checkout/sessions", &order(&both)).await.status, 400);
    let unknown = send(&sandbox, "/v1/checkout/sessions", &order(&[("line_items[0][tax_rates][0]", "txr_x")])).await;
    assert_eq!(unknown.error("code"), "resource_missing");
    assert_eq!(get(&sandbox, &format!("/v1/tax_rates/{}", id(&rate))).await.body["id"], rate["id"]);
}

#[tokio::test]
async fn e_books_are_taxed_less_and_a_business_owes_the_tax_itself() {
    let sandbox = start().await;
    let asked = [
        ("automatic_tax[enabled]", "true"),
        ("tax_id_collection[enabled]", "true"),
        ("line_items[0][price_data][product_data][tax_code]", "txcd_10302000"),
    ];
    let session = create(&sandbox, &asked).await;
    let _ = sandbox.pay_from(id(&session), "4000002760000016", "a@example.com", "DE");
    let done = sandbox.session(id(&session)).unwrap();
    assert_eq!((totals(&done), &done["customer_details"]["tax_ids"]), ([3098, 0, 182 + 95, 3375], &json!([])));
    let path = format!(
        "/v1/checkout/sessions/{}?expand[]=line_items.data.taxes&expand[]=payment_intent.latest_charge",
        id(&session)
    );
    let expanded = get(&sandbox, &path).await.body;
    let taxes = [0, 1].map(|line: usize| expanded["line_items"]["data"][line]["taxes"][0]["taxability_reason"].clone());
    assert_eq!(taxes, [json!("reduced_rated"), json!("standard_rated")]);
    assert_eq!(expanded["payment_intent"]["latest_charge"]["payment_method_details"]["card"]["country"], "DE");

    let session = create(&sandbox, &asked).await;
    let _ = sandbox.pay_as_business(id(&session), VISA, "a@example.com", "DE", "DE136695976");
    let done = sandbox.session(id(&session)).unwrap();
    assert_eq!(totals(&done), [3098, 0, 0, 3098]);
    assert_eq!(done["customer_details"]["tax_ids"], json!([{ "type": "eu_vat", "value": "DE136695976" }]));
    assert_eq!(done["customer_details"]["business_name"], "Test Business");
    let path = format!("/v1/checkout/sessions/{}/line_items?expand[]=data.taxes", id(&session));
    let tax = get(&sandbox, &path).await.body["data"][0]["taxes"][0].clone();
    assert_eq!((&tax["amount"], &tax["taxability_reason"]), (&json!(0), &json!("reverse_charge")));
}
