//! What stands in the log at its most talkative: row 26.

use crate::support::{Brought, GOOD_CARD, Program, Store, location, on_both_databases, session_of};
use reqwest::StatusCode;

/// Values of the cookies that an answer sets.
fn values(answer: &reqwest::Response) -> Vec<String> {
    let cookies = answer.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    cookies.map(|cookie| cookie.split_once('=').unwrap().1.split(';').next().unwrap().to_owned()).collect()
}

/// The whole of a purchase and of a library, in a process that logs everything. Gives every secret it was told.
async fn flow(store: &Store, url: &str) -> Vec<String> {
    let browser = store.browser().at(url);
    let mut secrets = Vec::new();
    secrets.extend(values(&browser.post("/actions/add-to-cart", &[("slug", "the-first-book")]).await));
    let snapshot = browser.cart_snapshot().await;
    let paying = browser.post("/actions/start-checkout", &[("snapshot", &snapshot)]).await;
    secrets.extend(values(&paying));
    let session = session_of(&location(&paying));
    let _ = store.sandbox.pay(&session, GOOD_CARD, "ann@example.org");
    browser.text(&format!("/checkout/success?session_id={session}")).await;
    let number = store.texts("SELECT number AS value FROM orders").await.remove(0).parse().unwrap();
    let token = browser.token(&number, "the-first-book").await;
    let file = browser.claimed(&token, "epub").await;
    assert_eq!(browser.get(&file).await.status(), StatusCode::OK);
    secrets.extend([token, file.split('/').nth(2).unwrap().to_owned()]);
    let link = store.shop.order_link(&number).await.unwrap();
    let other = store.browser().at(url);
    let secret = link.split('#').nth(1).unwrap();
    other.post("/actions/open-order", &[("number", number.as_str()), ("secret", secret)]).await;
    secrets.push(secret.to_owned());
    let reader = store.browser().at(url);
    secrets.extend(values(&reader.request_access("ann@example.org").await));
    // The mails are ours to send: the process was told of no relay.
    store
        .until("the request was looked up", async || store.count("access_request WHERE state = 'mailed'").await == 1)
        .await;
    store.send_all().await;
    let Brought { secret, code } = store.brought().pop().unwrap();
    assert_eq!(reader.open_library(&secret, "wrong").await.status(), StatusCode::SEE_OTHER);
    secrets.extend([secret, code.replace('-', ""), code]);
    let opened = reader.open_library("", "ABCD-EFGH").await;
    assert_eq!(opened.status(), StatusCode::FORBIDDEN);
    let again = store.browser().at(url);
    again.request_access("ann@example.org").await;
    store.until("and the next", async || store.count("access_request WHERE state = 'mailed'").await == 2).await;
    store.send_all().await;
    let code = store.brought().pop().unwrap().code;
    let opened = again.open_library("", &code).await;
    secrets.extend(values(&opened));
    secrets.push(code);
    again.text("/library").await;
    again.post("/actions/sign-out", &[]).await;
    secrets
}

on_both_databases!(row_26_no_secret_is_in_the_log, crate::support::by_hand(), async |store| {
    let program = Program::start_with(store, None, &[("RUST_LOG", "trace")]).await;
    let mut secrets = flow(store, &program.url).await;
    secrets
        .extend([crate::support::SECRET_KEY, crate::support::WEBHOOK_SECRET, "sk_test_integration"].map(str::to_owned));
    secrets.extend(["ann@example.org", "octavo-buyer=", "octavo-library="].map(str::to_owned));
    assert!(secrets.len() >= 14 && secrets.iter().all(|secret| secret.len() >= 8), "{secrets:?}");
    drop(program);
    let log = std::fs::read_to_string(store.data.path().join("octavo.log")).unwrap();
    assert!(log.contains("TRACE") && log.len() > 10_000, "{} bytes", log.len());
    let told: Vec<&str> = log.lines().filter(|line| secrets.iter().any(|secret| line.contains(secret))).collect();
    assert_eq!(told, Vec::<&str>::new());
    assert_eq!(store.count("access_request WHERE consumed_at IS NOT NULL").await, 2);
});
