//! Whose purchases are whose: row 28. Every route for every visitor; a new one without a row here fails.

use crate::support::{Browser, Member, Store, on_both_databases};
use leptos::server_fn::axum::server_fn_paths;
use octavo::routes::api::document::document;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use shop::audit::Actor;
use shop::hooks::EventType;
use shop::types::{Role, Scope};
use std::collections::BTreeSet;

/// What a route shows of Ann's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    /// Nothing, to nobody.
    Public,
    /// There is a page for everybody, and what is Ann's is on it for Ann.
    Masked,
    /// It works for Ann and for nobody else.
    Hers,
    /// No browser is answered.
    Closed,
}

/// Ann's things.
struct Hers {
    number: String,
    token: String,
    session: String,
    file: String,
    invoice: String,
}

/// One request: to what, with which form, and what may come of it.
type Row = (Method, String, Vec<(&'static str, String)>, Rule);

fn row(route: &str, hers: &Hers) -> Row {
    use Rule::{Closed, Hers as Only, Masked, Public};
    let Hers { number, token, session, file, invoice } = hers;
    let get = |path: &str, rule| (Method::GET, path.to_owned(), Vec::new(), rule);
    let post = |form: &[(&'static str, &str)], rule| {
        let form = form.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        (Method::POST, route.replace("{token}", token), form, rule)
    };
    match route {
        "/"
        | "/cart"
        | "/checkout/cancel"
        | "/checkout/free"
        | "/checkout/free/sent"
        | "/library/sent"
        | "/library/open"
        | "/healthz"
        | "/readyz" => get(route, Public),
        "/books/{slug}" => get("/books/the-first-book", Public),
        "/covers/{name}" | "/demo/mailbox" => get(&route.replace("{name}", "x.webp"), Closed),
        "/demo/mailbox/{id}" | "/demo/mailbox/{id}/html" => get(&route.replace("{id}", "x"), Closed),
        "/checkout/success" => get(&format!("/checkout/success?session_id={session}"), Masked),
        "/library" => get(route, Masked),
        "/orders/{number}" => get(&format!("/orders/{number}"), Masked),
        "/d/{token}" => get(&format!("/d/{token}"), Masked),
        "/d/{token}/claim" => post(&[("format", "epub")], Only),
        "/f/{claim}/{file}" => get(file, Only),
        "/invoices/{name}" => get(&format!("/invoices/{invoice}.pdf"), Only),
        "/webhooks/stripe" | "/webhooks/mail" => post(&[], Closed),
        // What else programs ask for is in the document: see below.
        "/api/v1/openapi.json" | "/api/v1/docs" => get(route, Public),
        "/actions/add-to-cart" | "/actions/remove-from-cart" => post(&[("slug", "the-third-book")], Public),
        "/actions/start-checkout" => post(&[("snapshot", "-")], Public),
        "/actions/checkout-free" => post(&[("snapshot", "-"), ("email", "ann@example.org")], Public),
        "/actions/set-theme" => post(&[("theme", "dark")], Public),
        "/actions/set-currency" => post(&[("currency", "USD")], Public),
        "/actions/order-progress" => post(&[("session_id", session)], Public),
        "/actions/request-access" => post(&[("email", "ann@example.org")], Public),
        "/actions/open-order" => post(&[("number", number), ("secret", "ol_guessed")], Closed),
        "/actions/open-library" => post(&[("secret", "ll_guessed"), ("code", "ABCD-EFGH")], Closed),
        "/actions/invoice-for" => post(&[("number", number)], Only),
        "/actions/set-buyer-details" => post(&[("number", number), ("replaces", invoice), ("name", "-")], Only),
        "/actions/renew-download" => post(&[("token", token)], Only),
        // Each is about the visitor's own session: see below.
        "/actions/sign-out" | "/actions/sign-out-everywhere" => post(&[], Public),
        other => panic!("{other} is new: say here what it shows of whose purchases"),
    }
}

/// To whom a route of the desk is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Desk {
    /// To everybody: it is the way in, or the way out.
    Door,
    /// To those who are at least this.
    From(Role),
}

/// One request to a route of the desk, whose form changes nothing that another row needs.
type DeskRow = (Method, String, Vec<(&'static str, String)>, Desk);

fn desk_row(route: &str, number: &str) -> DeskRow {
    use Desk::{Door, From};
    let get = |path: &str, desk| (Method::GET, path.to_owned(), Vec::new(), desk);
    let post = |form: &[(&'static str, &str)], desk| {
        let form = form.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        (Method::POST, route.replace("{number}", number), form, desk)
    };
    match route {
        // The way in.
        "/admin" => get(route, From(Role::Viewer)),
        "/admin/login" => get("/admin/login?error=busy", Door),
        "/actions/admin-sign-in" => post(&[("email", "nobody"), ("password", "-")], Door),
        "/actions/admin-sign-out" => post(&[], Door),
        // Figures.
        "/admin/figures/{name}" => get("/admin/figures/books.csv", From(Role::Viewer)),
        // Tax.
        "/admin/settings/tax" => get(route, From(Role::Admin)),
        "/admin/settings/tax/report.csv" => get("/admin/settings/tax/report.csv?quarter=2026Q4", From(Role::Admin)),
        "/actions/admin-set-book-tax-code" => {
            post(&[("slug", "the-first-book"), ("code", "txcd_10302000")], From(Role::Admin))
        }
        "/actions/admin-tax-seen-to" => post(&[("number", number)], From(Role::Admin)),
        "/actions/admin-save-tax" => post(&[("mode", "none"), ("prices", "included")], From(Role::Admin)),
        "/actions/admin-set-tax-rate" => {
            let rate = [("country", "JP"), ("kind", "ebook"), ("percent", "10"), ("from", "2026-01-01")];
            post(&rate, From(Role::Admin))
        }
        "/actions/admin-remove-tax-rate" => {
            post(&[("country", "JP"), ("kind", "ebook"), ("from", "2026-01-01")], From(Role::Admin))
        }
        // Books.
        "/admin/books" => get("/admin/books?q=first", From(Role::Viewer)),
        "/admin/books/{slug}" => get("/admin/books/the-first-book", From(Role::Viewer)),
        "/admin/books/new" | "/admin/books/import" | "/admin/books/export.csv" => get(route, From(Role::Admin)),
        "/admin/books/new/epub"
        | "/admin/books/import/table"
        | "/admin/books/{slug}/files"
        | "/admin/books/{slug}/cover"
        | "/admin/books/{slug}/editions"
        | "/admin/settings/invoices/logo" => {
            (Method::POST, route.replace("{slug}", "the-first-book"), Vec::new(), From(Role::Admin))
        }
        "/actions/admin-save-book" => post(&[("slug", "the-first-book"), ("preview", "1")], From(Role::Admin)),
        "/actions/admin-set-book-status" => {
            post(&[("slug", "the-first-book"), ("status", "published")], From(Role::Admin))
        }
        "/actions/admin-announce-edition" => post(&[("slug", "the-first-book")], From(Role::Admin)),
        "/actions/admin-preview-description" => post(&[("description", "*x*")], From(Role::Admin)),
        "/actions/admin-apply-table" => post(&[("table", "none")], From(Role::Admin)),
        "/admin/setup" | "/admin/password" => get(route, Door),
        "/actions/admin-sign-in-code" => post(&[("code", "000000")], Door),
        "/actions/admin-set-up" => post(&[("secret", "-"), ("email", "nobody"), ("password", "-")], Door),
        "/actions/admin-set-password" => post(&[("secret", "-"), ("password", "-")], Door),
        "/admin/account" | "/admin/account/codes" => get(route, From(Role::Viewer)),
        // (Refused for the new password and the missing session, not for whoever asks.)
        "/actions/admin-change-password" => post(&[("old", "-"), ("new", "-")], From(Role::Viewer)),
        "/actions/admin-codes-on" => post(&[("password", Member::PASSWORD), ("code", "000000")], From(Role::Viewer)),
        "/actions/admin-codes-off" => post(&[("password", Member::PASSWORD)], From(Role::Viewer)),
        "/actions/admin-end-session" => post(&[("id", "0")], From(Role::Viewer)),
        "/actions/admin-make-token" => {
            post(&[("name", "x"), ("scope", "root"), ("days", "1"), ("password", "")], From(Role::Viewer))
        }
        "/actions/admin-revoke-all-tokens" => post(&[], From(Role::Viewer)),
        "/actions/admin-revoke-token" => post(&[("id", "0")], From(Role::Viewer)),
        "/admin/audit" => get(route, From(Role::Admin)),
        "/admin/team" => get(route, From(Role::Owner)),
        "/actions/admin-invite" => post(&[("email", "nobody"), ("role", "viewer")], From(Role::Owner)),
        "/actions/admin-set-role" => post(&[("id", "0"), ("role", "viewer")], From(Role::Owner)),
        "/actions/admin-new-link" | "/actions/admin-switch-off" | "/actions/admin-switch-on" => {
            post(&[("id", "0")], From(Role::Owner))
        }
        // Orders, buyers, attention.
        "/admin/orders" | "/admin/attention" | "/admin/health" => get(route, From(Role::Viewer)),
        "/admin/orders/new" => get(route, From(Role::Admin)),
        "/admin/orders/not-fetched" => get(route, From(Role::Viewer)),
        "/admin/orders/{number}" => get(&route.replace("{number}", number), From(Role::Viewer)),
        "/admin/buyers" => get(route, From(Role::Support)),
        "/admin/buyers/{number}" => get(&route.replace("{number}", number), From(Role::Support)),
        "/admin/orders/export" => post(&[], From(Role::Admin)),
        "/admin/orders/{number}/evidence" => post(&[], From(Role::Support)),
        "/admin/buyers/{number}/export" => post(&[], From(Role::Admin)),
        "/actions/admin-find-orders" => post(&[("q", "ann")], From(Role::Viewer)),
        "/actions/admin-find-buyer" => post(&[("q", "ann")], From(Role::Support)),
        "/actions/admin-resend-receipt" | "/actions/admin-renew-link" => {
            post(&[("number", number)], From(Role::Support))
        }
        "/actions/admin-renew-title" => post(&[("number", number), ("item", "0")], From(Role::Support)),
        "/actions/admin-note-order" => post(&[("number", number), ("text", "-")], From(Role::Support)),
        "/admin/settings/invoices" | "/admin/settings/invoices/preview.pdf" => get(route, From(Role::Admin)),
        "/actions/admin-save-seller" | "/actions/admin-remove-logo" => post(&[], From(Role::Admin)),
        "/actions/admin-set-buyer-details" => post(&[("number", number), ("replaces", "-")], From(Role::Support)),
        "/actions/admin-correct-address" => {
            post(&[("number", number), ("email", "ann@example.org")], From(Role::Support))
        }
        "/actions/admin-resend-mail" => post(&[("id", "0")], From(Role::Support)),
        "/actions/admin-withdraw-title" => post(&[("number", number), ("item", "0")], From(Role::Admin)),
        "/actions/admin-refund" => post(&[("number", number), ("key", "-"), ("what", "all")], From(Role::Admin)),
        "/actions/admin-give" => post(&[("titles", ""), ("email", "ann@example.org"), ("key", "-")], From(Role::Admin)),
        "/actions/admin-replay-event" => post(&[("id", "evt_none")], From(Role::Admin)),
        "/actions/admin-erase-buyer" => post(&[("number", number), ("typed", "-")], From(Role::Owner)),
        // Webhooks.
        "/admin/webhooks" => get(route, From(Role::Admin)),
        "/admin/webhooks/{id}" => get("/admin/webhooks/1", From(Role::Admin)),
        "/admin/webhooks/{id}/{delivery}" => get("/admin/webhooks/1/1", From(Role::Admin)),
        "/actions/admin-add-webhook" => post(&[("url", "-")], From(Role::Owner)),
        "/actions/admin-change-webhook" => post(&[("id", "0"), ("url", "-")], From(Role::Owner)),
        "/actions/admin-switch-webhook" => post(&[("id", "0"), ("on", "true")], From(Role::Owner)),
        "/actions/admin-replace-webhook-secret" => post(&[("id", "0"), ("keep", "0")], From(Role::Owner)),
        "/actions/admin-delete-webhook" | "/actions/admin-test-webhook" => post(&[("id", "0")], From(Role::Owner)),
        "/actions/admin-redeliver-webhook" => post(&[("id", "0")], From(Role::Admin)),
        "/actions/admin-redeliver-webhooks" => post(&[("id", "0"), ("hours", "1")], From(Role::Admin)),
        other => panic!("{other} is new: say here who may use it"),
    }
}

/// Who may use an operation of the API: nobody has to be anybody, or that role with that scope.
type ApiRow = (Option<(Role, Scope)>, Value);

/// One request for each operation, whose body is well formed and changes nothing that another row needs.
fn api_row(method: &str, path: &str) -> ApiRow {
    use Role::{Admin, Support, Viewer};
    use Scope::{Read, Write};
    let from = |role, scope, body| (Some((role, scope)), body);
    match (method, path) {
        ("post", "/api/v1/auth/login") => (None, json!({ "email": "nobody@example.org", "password": "-" })),
        ("post", "/api/v1/auth/refresh" | "/api/v1/auth/logout") => (None, json!({ "refresh_token": "-" })),
        (
            "get",
            "/api/v1/me"
            | "/api/v1/books"
            | "/api/v1/books/{slug}"
            | "/api/v1/orders"
            | "/api/v1/orders/{number}"
            | "/api/v1/orders/{number}/downloads"
            | "/api/v1/orders/{number}/refunds"
            | "/api/v1/refunds"
            | "/api/v1/kpis"
            | "/api/v1/webhooks/stripe"
            | "/api/v1/webhooks/stripe/{id}"
            | "/api/v1/tokens"
            | "/api/v1/invoices"
            | "/api/v1/invoices/{number}",
        ) => from(Viewer, Read, Value::Null),
        // The buyer stands on it.
        ("get", "/api/v1/invoices/{number}/pdf") => from(Support, Read, Value::Null),
        // The store's own webhooks: what changes one asks for one that there is not.
        ("get", path) if path.starts_with("/api/v1/webhook-endpoints") && !path.ends_with("/secret") => {
            from(Admin, Read, Value::Null)
        }
        ("get", "/api/v1/webhook-endpoints/{id}/secret")
        | ("delete", "/api/v1/webhook-endpoints/{id}")
        | (
            "post",
            "/api/v1/webhook-endpoints/{id}/enable"
            | "/api/v1/webhook-endpoints/{id}/disable"
            | "/api/v1/webhook-endpoints/{id}/test",
        ) => from(Role::Owner, Write, Value::Null),
        ("post", "/api/v1/webhook-endpoints") | ("put", "/api/v1/webhook-endpoints/{id}") => {
            from(Role::Owner, Write, json!({ "url": "-", "events": ["order.succeeded"] }))
        }
        ("post", "/api/v1/webhook-endpoints/{id}/secret") => from(Role::Owner, Write, json!({})),
        ("post", "/api/v1/webhook-endpoints/{id}/redeliver") => from(Admin, Write, json!({ "hours": 1 })),
        ("post", "/api/v1/webhook-endpoints/{id}/deliveries/{delivery}/redeliver") => from(Admin, Write, Value::Null),
        ("post", "/api/v1/checkout") => from(Viewer, Write, json!({ "books": ["no-book"] })),
        ("delete", "/api/v1/tokens/{id}") => from(Viewer, Write, Value::Null),
        ("post", "/api/v1/orders/{number}/resend" | "/api/v1/orders/{number}/downloads/{book}/renew") => {
            from(Support, Write, Value::Null)
        }
        ("post", "/api/v1/orders/{number}/notes") => from(Support, Write, json!({ "text": "-" })),
        ("post", "/api/v1/books") | ("put", "/api/v1/books/{slug}") => {
            from(Admin, Write, json!({ "title": "", "language": "" }))
        }
        ("post", "/api/v1/books/{slug}/publish" | "/api/v1/webhooks/stripe/{id}/replay") => {
            from(Admin, Write, Value::Null)
        }
        // (Published again by the row before, in its turn.)
        ("post", "/api/v1/books/{slug}/archive") => from(Admin, Write, Value::Null),
        ("post", "/api/v1/orders/{number}/refunds") => {
            from(Admin, Write, json!({ "amount": { "amount": 1, "currency": "EUR" } }))
        }
        ("post", "/api/v1/books/{slug}/files" | "/api/v1/books/{slug}/editions")
        | ("put", "/api/v1/books/{slug}/cover") => from(Admin, Write, Value::Null),
        other => panic!("{other:?} is new: say here who may use it"),
    }
}

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
