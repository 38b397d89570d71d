//! Whose purchases are whose: row 28. Every route for every visitor; a new one without a row here fails.

mod api;
mod desk;
mod storefront;

use crate::support::{Browser, Store, on_both_databases};
use api::api_row;
use desk::{Desk, desk_row};
use leptos::server_fn::axum::server_fn_paths;
use octavo::routes::api::document::document;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use shop::audit::Actor;
use shop::hooks::EventType;
use shop::types::{Role, Scope};
use std::collections::BTreeSet;
use storefront::{Hers, Row, Rule, row};

fn is_desk(route: &str) -> bool {
    route == "/admin" || ["/admin/", "/actions/admin-"].iter().any(|start| route.starts_with(start))
}

/// Everything that the store answers: pages, server functions, and what the router mounts by hand.
fn routes() -> BTreeSet<String> {
    let pages = app::app::routes().iter().map(|page| page.path().to_owned()).collect::<Vec<_>>();
    let actions = server_fn_paths().map(|(path, _)| path.to_owned());
    let by_hand = include_str!("../../src/router.rs").split(".route(\"").skip(1);
    let by_hand = by_hand.map(|rest| rest.split('"').next().unwrap().to_owned()).filter(|path| !path.contains("{*"));
    let all: BTreeSet<String> = pages.into_iter().chain(actions).chain(by_hand).collect();
    assert!(all.len() >= 30, "{all:?}");
    all
}

async fn send(browser: &Browser, store: &Store, (method, path, form, _): &Row) -> Response {
    let request = browser.request(method.clone(), path);
    let request = if *method == Method::POST { request.header("origin", &store.url).form(form) } else { request };
    request.send().await.unwrap()
}

on_both_databases!(row_28_every_route_shows_everybody_only_what_is_theirs, async |store| {
    let [payer, ann, bob, nobody] = std::array::from_fn(|_| store.browser());
    let (session, number) = store.buy(&payer, &["the-first-book"], "ann@example.org").await;
    store.buy(&bob, &["the-second-book"], "bob@example.org").await;
    store.settle().await;
    let invoice = "SELECT number AS value FROM invoice WHERE order_id = (SELECT MIN(id) FROM orders)";
    let invoice = store.texts(invoice).await.remove(0);
    store.library(&bob, "bob@example.org").await;
    store.library(&ann, "ann@example.org").await;
    let token = ann.token(&number, "the-first-book").await;
    let file = ann.claimed(&token, "epub").await;
    let hers = Hers { number: number.to_string(), token: token.clone(), session, file, invoice };
    // So that there is something to renew.
    store.execute("UPDATE download_token SET expires_at = created_at WHERE used_count = 1").await;
    let secrets = ["/claim", "/actions/renew-download", "ann@example.org", hers.invoice.as_str()];
    let names = ["nobody", "bob", "ann"];
    // Renewing last: after it nothing is behind the old token.
    let mut routes: Vec<String> = routes().into_iter().filter(|route| !is_desk(route)).collect();
    routes.sort_by_key(|route| route.ends_with("renew-download"));
    for route in routes {
        let row = row(&route, &hers);
        for (name, visitor) in names.into_iter().zip([&nobody, &bob, &ann]) {
            // Signing out is tried at the end.
            if route.starts_with("/actions/sign-out") {
                continue;
            }
            let answer = send(visitor, store, &row).await;
            // No address of ours, and some are secrets, is told to another site.
            assert_eq!(answer.headers()["referrer-policy"], "same-origin", "{route}");
            let (status, to) = (answer.status(), answer.headers().get("location").cloned());
            let to = to.map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default();
            let body = String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned();
            let shown = secrets.iter().filter(|secret| body.contains(**secret)).count();
            let what = format!("{route} for {name}: {status}, to {to:?}");
            match row.3 {
                Rule::Public => assert_eq!(shown, 0, "{what}"),
                Rule::Masked if name == "ann" => assert!(status == StatusCode::OK && shown > 0, "{what}: {body}"),
                Rule::Masked => {
                    // Bob's own shelf has buttons too.
                    let own = usize::from(name == "bob" && route == "/library");
                    assert_eq!((status, shown), (StatusCode::OK, own), "{what}");
                    assert!(!body.contains("The first book") || route == "/d/{token}", "{what}");
                }
                Rule::Hers if name == "ann" => {
                    assert!(status == StatusCode::OK || status == StatusCode::SEE_OTHER, "{what}");
                }
                Rule::Hers if to.starts_with("/library?next=") => assert_eq!(status, StatusCode::SEE_OTHER, "{what}"),
                Rule::Hers | Rule::Closed => assert!(status.is_client_error() && shown == 0, "{what}"),
            }
        }
    }
    // Bob leaves wherever he likes: Ann is still there.
    assert_eq!(nobody.post("/actions/sign-out-everywhere", &[]).await.status(), StatusCode::FORBIDDEN);
    for path in ["/actions/sign-out", "/actions/sign-out-everywhere"] {
        for visitor in [&nobody, &bob] {
            visitor.post(path, &[]).await;
        }
        assert!(ann.has_library().await);
        if path.ends_with("out") {
            store.library(&bob, "bob@example.org").await;
        }
    }
    assert!(!bob.has_library().await);
    store.settle().await;
});

on_both_databases!(row_28_every_route_of_the_desk_is_open_to_its_roles_only, async |store| {
    let (nobody, buyer) = (store.browser(), store.browser());
    let (_, number) = store.buy(&buyer, &["the-first-book"], "ann@example.org").await;
    store.settle().await;
    store.library(&buyer, "ann@example.org").await;
    // An endpoint that was told something.
    let endpoint = store.endpoint("http://127.0.0.1:1/", EventType::ALL).await;
    store.shop.test_webhook_endpoint(&Actor::Command, endpoint).await.unwrap();
    let mut visitors = vec![("nobody", nobody, None), ("a buyer", buyer, None)];
    for role in Role::ALL {
        visitors.push((role.as_str(), store.desk(role).await, Some(role)));
    }
    // What never ends is shown by itself: analytics::only_a_page_of_the_desk_is_told_and_only_while_it_may.
    let of_desk = |route: &String| is_desk(route) && route != "/admin/figures/live";
    let mut routes: Vec<String> = routes().into_iter().filter(of_desk).collect();
    // Signing out last: after it nobody is signed in.
    routes.sort_by_key(|route| route.ends_with("sign-out"));
    for route in routes {
        let row = desk_row(&route, &number.to_string());
        for (name, visitor, role) in &visitors {
            // A form is sent as a script would, which is told the error's code.
            let request = visitor.request(row.0.clone(), &row.1);
            let request = match row.0 {
                Method::GET => request,
                _ => request.header("origin", &store.url).header("accept", "application/json").form(&row.2),
            };
            let answer = request.send().await.unwrap();
            assert_eq!(answer.headers()["referrer-policy"], "same-origin", "{route}");
            let (status, headers) = (answer.status(), answer.headers().clone());
            let to = headers.get("location").map(|to| to.to_str().unwrap().to_owned()).unwrap_or_default();
            let body = answer.text().await.unwrap();
            let what = format!("{route} for {name}: {status}, to {to:?}");
            let page = row.0 == Method::GET;
            match (row.3, role) {
                (Desk::Door, _) => assert!(!status.is_server_error() && !body.contains("not-allowed"), "{what}"),
                (Desk::From(_), None) if page => {
                    assert!(status == StatusCode::SEE_OTHER && to.starts_with("/admin/login"), "{what}");
                }
                (Desk::From(_), None) => {
                    assert_eq!(
                        (status, body.as_str()),
                        (StatusCode::UNAUTHORIZED, "{\"code\":\"signed-out\"}"),
                        "{what}"
                    );
                }
                (Desk::From(least), Some(role)) if *role < least => {
                    assert_eq!(status, StatusCode::FORBIDDEN, "{what}");
                    assert!(page || body == "{\"code\":\"not-allowed\"}", "{what}: {body}");
                }
                (Desk::From(_), Some(_)) if page => assert_eq!(status, StatusCode::OK, "{what}"),
                // What the form asks for may be nonsense.
                (Desk::From(_), Some(_)) => {
                    let kept_out = body.contains("signed-out") || body.contains("not-allowed");
                    assert!(!kept_out && !status.is_server_error(), "{what}: {body}");
                }
            }
            if row.0 == Method::GET && matches!(row.3, Desk::From(_)) {
                assert!(headers.get("cache-control").is_some_and(|value| value == "private, no-store"), "{what}");
            }
        }
    }
});

on_both_databases!(row_28_every_operation_of_the_api_is_open_to_its_roles_and_scopes_only, async |store| {
    let buyer = store.browser();
    let (_, number) = store.buy(&buyer, &["the-first-book"], "ann@example.org").await;
    store.settle().await;
    store.library(&buyer, "ann@example.org").await;
    let event = store.texts("SELECT MIN(id) AS value FROM stripe_event").await.remove(0);
    let invoice = store.texts("SELECT MIN(number) AS value FROM invoice").await.remove(0);
    let endpoint = store.endpoint("http://127.0.0.1:1/", EventType::ALL).await;
    let delivery = store.shop.test_webhook_endpoint(&Actor::Command, endpoint).await.unwrap().unwrap();
    // Wherever words about the buyer can stand, they do.
    store
        .execute(
            "INSERT INTO order_note (order_id, body, created_at) \
             SELECT id, 'ann@example.org has written', created_at FROM orders",
        )
        .await;
    store.execute("UPDATE outbox SET error = '550 <ann@example.org>: no such mailbox'").await;
    store.execute("UPDATE stripe_event SET error = 'a mail to ann@example.org'").await;
    let cookie = store.desk(Role::Owner).await;
    let mut callers = vec![];
    for role in Role::ALL {
        for scope in Scope::ALL {
            callers.push((role, scope, store.api(role, scope).await));
        }
    }
    let mut rows = 0;
    for (path, item) in document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let (need, body) = api_row(method, path);
            rows += 1;
            // The document says the same.
            let said = operation["security"][0]["bearer"].clone();
            assert_eq!(said, need.map_or(Value::Null, |(role, scope)| json!([role, scope])), "{method} {path}");
            let at = path.replace("{slug}", "the-first-book").replace("{book}", "the-first-book");
            let named = if path.contains("/invoices/") { invoice.clone() } else { number.to_string() };
            let at = at.replace("{number}", &named).replace("{delivery}", &delivery.to_string());
            let id = match method.as_str() {
                _ if path.contains("stripe") => event.clone(),
                "get" if path.contains("webhook-endpoints") => endpoint.to_string(),
                _ => "0".to_owned(),
            };
            let at = at.replace("{id}", &id);
            let verb: Method = method.to_uppercase().parse().unwrap();
            // Neither a buyer nor a cookie of the desk is anybody here.
            for visitor in [&store.browser(), &buyer, &cookie] {
                let request = visitor.request(verb.clone(), &at).header("idempotency-key", "visitor");
                let answer = request.json(&body).send().await.unwrap();
                if need.is_some() {
                    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{method} {path}");
                }
                assert!(!answer.text().await.unwrap().contains("ann@example.org"));
            }
            for (role, scope, api) in &callers {
                let key = format!("{method}{path}").replace('/', ".");
                let request = api.request(verb.clone(), &at).header("idempotency-key", key).header("if-match", "\"0\"");
                let answer = if body.is_null() { request } else { request.json(&body) }.send().await.unwrap();
                let (status, text) = (answer.status(), answer.text().await.unwrap());
                let what = format!("{method} {path} for {role}, {scope:?}: {status} {text}");
                assert!(!status.is_server_error(), "{what}");
                let Some((least, needed)) = need else { continue };
                if *role < least || *scope < needed {
                    assert_eq!(status, StatusCode::FORBIDDEN, "{what}");
                } else {
                    assert!(status != StatusCode::FORBIDDEN && status != StatusCode::UNAUTHORIZED, "{what}");
                    assert!(status == StatusCode::OK || method != "get", "{what}");
                }
                // A viewer never sees an address in full.
                assert!(!text.contains("ann@example.org") || *role >= Role::Support, "{what}");
            }
        }
    }
    assert!(rows >= 44, "{rows}");
    store.settle().await;
});
