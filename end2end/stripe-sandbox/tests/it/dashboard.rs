//! The dashboard: it shows what is so, its buttons do what they say, and other sites cannot press them.

use stripe_sandbox::{Config, Running};

use crate::helpers::{
    DEADLINE, Receiver, VISA, browser, create, get, id, order, quick, send, start, start_with, until,
};
use crate::refunds::kinds;

struct Page {
    status: u16,
    location: String,
    html: String,
    policy: String,
}

async fn fetch(request: reqwest::RequestBuilder) -> Page {
    let response = request.send().await.unwrap();
    let header = |name: &str| response.headers().get(name).map_or("", |value| value.to_str().unwrap()).to_owned();
    let (location, policy) = (header("location"), header("content-security-policy"));
    Page { status: response.status().as_u16(), location, policy, html: response.text().await.unwrap() }
}

async fn show(sandbox: &Running, path: &str) -> Page {
    fetch(browser().get(format!("{}{path}", sandbox.url()))).await
}

async fn press(sandbox: &Running, path: &str, form: &[(&str, &str)]) -> Page {
    let url = format!("{}{path}", sandbox.url());
    fetch(browser().post(url).header("sec-fetch-site", "same-origin").form(form)).await
}

#[tokio::test]
async fn payments_are_listed_by_state_and_page() {
    let sandbox = start().await;
    assert_eq!(show(&sandbox, "/").await.location, "/dashboard");
    assert!(show(&sandbox, "/dashboard").await.html.contains("Nothing here yet"));
    let mut ids = Vec::new();
    for n in 0..30 {
        let email = format!("buyer{n}@example.com");
        ids.push(id(&create(&sandbox, &[("customer_email", &email)]).await).to_owned());
    }
    let _ = sandbox.pay(&ids[29], VISA, "x@example.com");
    let first = show(&sandbox, "/dashboard").await;
    assert_eq!(first.status, 200);
    assert!(first.policy.starts_with("default-src 'none'; style-src 'self'") && !first.html.contains("<script"));
    assert!(first.html.contains("buyer29@example.com") && !first.html.contains("buyer4@example.com"));
    assert!(first.html.contains(">Paid</span>") && first.html.contains("$30.98"));
    assert!(first.html.contains(&format!("/dashboard?after={}", ids[5])) && !first.html.contains("?before="));
    let second = show(&sandbox, &format!("/dashboard?after={}", ids[5])).await.html;
    assert!(second.contains("buyer4@example.com") && !second.contains("buyer5@example.com"));
    let back = show(&sandbox, &format!("/dashboard?before={}", ids[4])).await.html;
    assert!(back.contains("buyer29@example.com") && back.contains("buyer5@example.com"));
    let complete = show(&sandbox, "/dashboard?status=complete").await.html;
    assert!(complete.contains("buyer29@example.com") && !complete.contains("buyer28@example.com"));
}

#[tokio::test]
async fn a_payment_is_refunded_and_disputed_by_buttons() {
    let sandbox = start().await;
    let session = create(&sandbox, &[("metadata[order]", "<b>42</b>")]).await;
    let path = format!("/dashboard/payments/{}", id(&session));
    let open = show(&sandbox, &path).await.html;
    assert!(open.contains("Let it expire") && open.contains("&lt;b&gt;42&lt;/b&gt;") && !open.contains("<b>42"));
    let _ = sandbox.pay(id(&session), VISA, "a@example.com");
    let wrong = press(&sandbox, &path, &[("do", "refund"), ("amount", "lots")]).await;
    assert_eq!(wrong.status, 409);
    assert!(wrong.html.contains("role=\"alert\"") && wrong.html.contains("such as 12.99"));
    assert!(press(&sandbox, &path, &[("do", "refund"), ("amount", "99")]).await.html.contains("greater than"));
    let done = press(&sandbox, &path, &[("do", "refund"), ("amount", "10.00")]).await;
    assert_eq!((done.status, done.location.as_str()), (303, format!("{path}?done=refunded").as_str()));
    let page = show(&sandbox, &done.location).await.html;
    assert!(
        page.contains("The refund was made.") && page.contains(">Partly refunded</span>") && page.contains("$20.98")
    );
    let refund = get(&sandbox, "/v1/refunds").await.body["data"][0].clone();
    assert_eq!(press(&sandbox, &path, &[("do", "refund_fails"), ("refund", id(&refund))]).await.status, 303);
    assert_eq!(press(&sandbox, &path, &[("do", "refund_fails"), ("refund", id(&refund))]).await.status, 409);

    let form = [("do", "dispute"), ("reason", "product_not_received"), ("kind", "dispute")];
    assert_eq!(press(&sandbox, &path, &form).await.status, 303);
    let page = show(&sandbox, &path).await.html;
    assert!(page.contains(">Disputed</span>") && page.contains("The store wins") && !page.contains("value=\"refund\""));
    let dispute = get(&sandbox, "/v1/disputes").await.body["data"][0].clone();
    assert_eq!(press(&sandbox, &path, &[("do", "win"), ("dispute", id(&dispute))]).await.status, 303);
    let closed = get(&sandbox, "/v1/disputes").await.body["data"][0]["status"].clone();
    assert_eq!(closed, "won");
    let page = show(&sandbox, &path).await.html;
    for kind in ["charge.dispute.closed", "checkout.session.completed", "refund.failed", "charge.refunded"] {
        assert!(page.contains(&format!(">{kind}</a>")), "{kind}");
    }
    assert_eq!(press(&sandbox, &path, &[("do", "banana")]).await.status, 409);
    assert_eq!(press(&sandbox, "/dashboard/payments/cs_none", &[("do", "refund")]).await.status, 404);
    assert_eq!(show(&sandbox, "/dashboard/payments/cs_none").await.status, 404);
}

#[tokio::test]
async fn a_bank_debit_is_settled_and_a_session_expired_by_buttons() {
    let sandbox = start_with(Config { settle_after: DEADLINE * 60, ..Config::default() }).await;
    let session = create(&sandbox, &[("payment_method_types[0]", "us_bank_account")]).await;
    let path = format!("/dashboard/payments/{}", id(&session));
    let _ = sandbox.pay(id(&session), "000123456789", "a@example.com");
    assert!(show(&sandbox, &path).await.html.contains(">Processing</span>"));
    assert_eq!(press(&sandbox, &path, &[("do", "settle_fails")]).await.status, 303);
    assert_eq!(kinds(&sandbox, &["checkout.session.async"]), ["checkout.session.async_payment_failed"]);
    assert_eq!(press(&sandbox, &path, &[("do", "settle")]).await.status, 409);
    let open = create(&sandbox, &[]).await;
    let path = format!("/dashboard/payments/{}", id(&open));
    assert_eq!(press(&sandbox, &path, &[("do", "expire")]).await.status, 303);
    assert_eq!(sandbox.session(id(&open)).unwrap()["status"], "expired");
}

#[tokio::test]
async fn events_show_their_deliveries_and_are_sent_again() {
    let sandbox = start_with(Config { retries: quick(0), ..Config::default() }).await;
    let receiver = Receiver::start(&[500]).await;
    sandbox.add_webhook(&receiver.url, "whsec_x").unwrap();
    let session = create(&sandbox, &[]).await;
    assert!(sandbox.expire(id(&session)));
    assert!(sandbox.deliveries_settled(DEADLINE).await);
    let event = id(&sandbox.events()[0]).to_owned();
    let list = show(&sandbox, "/dashboard/events").await.html;
    assert!(list.contains(">checkout.session.expired</a>") && list.contains(">1 failed</span>"));
    let path = format!("/dashboard/events/{event}");
    let page = show(&sandbox, &path).await.html;
    assert!(page.contains("answered 500") && page.contains(id(&session)));
    assert_eq!(press(&sandbox, &path, &[]).await.location, format!("{path}?done=resent"));
    receiver.wait_for(2).await;
    assert!(sandbox.deliveries_settled(DEADLINE).await);
    assert!(show(&sandbox, "/dashboard/events").await.html.contains(">1 delivered</span>"));
    assert_eq!(show(&sandbox, "/dashboard/events/evt_none").await.status, 404);
    assert_eq!(press(&sandbox, "/dashboard/events/evt_none", &[]).await.status, 404);
}

#[tokio::test]
async fn endpoints_are_added_switched_off_and_removed() {
    let sandbox = start().await;
    let receiver = Receiver::start(&[]).await;
    let page = "/dashboard/webhooks";
    assert!(show(&sandbox, page).await.html.contains("No endpoint yet"));
    let wrong = press(&sandbox, page, &[("url", "ftp://\"x")]).await;
    assert_eq!(wrong.status, 409);
    assert!(wrong.html.contains("whole http address") && wrong.html.contains("value=\"ftp://&quot;x\""));
    assert_eq!(press(&sandbox, page, &[("url", &receiver.url), ("secret", "")]).await.status, 303);
    let shown = show(&sandbox, page).await.html;
    assert!(shown.contains(&receiver.url) && shown.contains("<code>whsec_"));
    let endpoint = format!("{page}/{}", sandbox.webhooks()[0].0);
    assert_eq!(press(&sandbox, &endpoint, &[("do", "disable")]).await.location, format!("{page}?done=disabled"));
    send(&sandbox, "/v1/customers", &[]).await;
    assert!(sandbox.deliveries().is_empty());
    assert_eq!(press(&sandbox, &endpoint, &[("do", "enable")]).await.status, 303);
    send(&sandbox, "/v1/customers", &[]).await;
    until(|| receiver.received().len() == 1).await;
    assert_eq!(press(&sandbox, &endpoint, &[("do", "remove")]).await.status, 303);
    assert_eq!(press(&sandbox, &endpoint, &[("do", "remove")]).await.status, 404);
    assert!(sandbox.webhooks().is_empty());
}

#[tokio::test]
async fn other_sites_pages_cannot_press_its_buttons() {
    let sandbox = start().await;
    let session = create(&sandbox, &order(&[])).await;
    for path in ["/dashboard/payments", "/_sandbox/sessions"] {
        let path = format!("{path}/{}{}", id(&session), if path.starts_with("/_") { "/expire" } else { "" });
        for (name, value) in
            [("sec-fetch-site", "cross-site"), ("sec-fetch-site", "same-site"), ("origin", "http://evil.example")]
        {
            let request = browser().post(format!("{}{path}", sandbox.url())).header(name, value);
            assert_eq!(fetch(request.form(&[("do", "expire")])).await.status, 403, "{path} {value}");
        }
    }
    assert_eq!(sandbox.session(id(&session)).unwrap()["status"], "open");
    // A link from elsewhere may lead here.
    let link = browser().get(format!("{}/dashboard", sandbox.url())).header("sec-fetch-site", "cross-site");
    assert_eq!(fetch(link).await.status, 200);
}
