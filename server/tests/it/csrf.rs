//! Nothing changes without a page of ours: row 35.

use crate::support::{Member, Store, on_both_databases};
use leptos::server_fn::axum::server_fn_paths;
use reqwest::{Method, StatusCode};
use shop::hooks::{EventType, NewEndpoint};
use shop::invoices::SellerSettings;
use shop::types::{Role, TaxSettings};
use std::collections::BTreeMap;

/// Arguments with which each action would do something.
fn arguments(path: &str, known: &Known) -> Vec<(&'static str, String)> {
    let own = |text: &str| text.to_owned();
    match path {
        "/actions/add-to-cart" => vec![("slug", own("the-third-book"))],
        "/actions/remove-from-cart" => vec![("slug", own("the-first-book"))],
        "/actions/start-checkout" => vec![("snapshot", known.snapshot.clone())],
        "/actions/checkout-free" => vec![("email", own("mallory@example.org")), ("snapshot", known.snapshot.clone())],
        "/actions/open-order" => vec![("number", known.number.clone()), ("secret", known.secret.clone())],
        "/actions/order-progress" => vec![("session_id", known.session.clone())],
        "/actions/renew-download" => vec![("token", known.token.clone())],
        "/actions/request-access" => vec![("email", own("ann@example.org"))],
        "/actions/open-library" => vec![("code", known.code.clone())],
        "/actions/sign-out" | "/actions/sign-out-everywhere" => vec![],
        "/actions/set-theme" => vec![("theme", own("dark"))],
        "/actions/set-currency" => vec![("currency", own("USD"))],
        // The desk: the way in.
        "/actions/admin-sign-in" => vec![("email", known.owner.clone()), ("password", own(Member::PASSWORD))],
        "/actions/admin-sign-out" => vec![],
        // The desk: books.
        "/actions/admin-save-book" => vec![("slug", own("the-first-book")), ("book[title]", own("Another title"))],
        "/actions/admin-set-book-status" => vec![("slug", own("the-second-book")), ("status", own("archived"))],
        "/actions/admin-announce-edition" => vec![("slug", own("the-first-book"))],
        "/actions/admin-preview-description" => vec![("description", own("*x*"))],
        "/actions/admin-apply-table" => vec![("table", own("none"))],
        // Forms with files, which this is none of.
        path if path.starts_with("/admin/books/") => vec![("label", own("Second edition"))],
        "/actions/admin-sign-in-code" => vec![("code", own("000000"))],
        "/actions/admin-set-up" => {
            vec![
                ("secret", own("su_guessed")),
                ("email", own("mallory@example.org")),
                ("password", own(Member::PASSWORD)),
            ]
        }
        "/actions/admin-set-password" => vec![("secret", own("pl_guessed")), ("password", own(Member::PASSWORD))],
        "/actions/admin-change-password" => vec![("old", own(Member::PASSWORD)), ("new", own(Member::PASSWORD))],
        "/actions/admin-codes-on" => vec![("password", own(Member::PASSWORD)), ("code", own("000000"))],
        "/actions/admin-codes-off" => vec![("password", own(Member::PASSWORD))],
        "/actions/admin-end-session" | "/actions/admin-revoke-token" => vec![("id", own("0"))],
        "/actions/admin-make-token" => {
            let password = ("password", own(Member::PASSWORD));
            vec![("name", own("x")), ("scope", own("write")), ("days", own("90")), password]
        }
        "/actions/admin-revoke-all-tokens" => Vec::new(),
        "/actions/admin-invite" => vec![("email", own("mallory@example.org")), ("role", own("owner"))],
        "/actions/admin-set-role" => vec![("id", known.colleague.clone()), ("role", own("support"))],
        "/actions/admin-new-link" | "/actions/admin-switch-off" | "/actions/admin-switch-on" => {
            vec![("id", known.colleague.clone())]
        }
        // Orders, buyers, attention.
        "/actions/admin-find-orders" | "/actions/admin-find-buyer" => vec![("q", own("ann@example.org"))],
        "/actions/admin-resend-receipt" => vec![("number", known.number.clone())],
        // (It would shut out whoever has opened the order, which another action here does.)
        "/actions/admin-renew-link" => vec![("number", own("ABCDE-FGHJK"))],
        "/actions/admin-renew-title" => vec![("number", known.number.clone()), ("item", own("1"))],
        "/actions/admin-note-order" => vec![("number", known.number.clone()), ("text", own("a note"))],
        // (And so would this.)
        "/actions/admin-correct-address" => vec![("number", own("ABCDE-FGHJK")), ("email", own("eve@example.org"))],
        "/actions/admin-resend-mail" => vec![("id", own("1"))],
        "/actions/admin-withdraw-title" => vec![("number", known.number.clone()), ("item", own("1"))],
        "/actions/admin-refund" => vec![
            ("number", known.number.clone()),
            ("key", own("00000000-0000-4000-8000-000000000000")),
            ("what", own("amount")),
            ("amount", own("0.01")),
        ],
        "/actions/admin-give" => vec![
            ("titles", own("the-first-book")),
            ("email", own("eve@example.org")),
            ("key", own("00000000-0000-4000-8000-000000000001")),
        ],
        "/actions/admin-replay-event" => vec![("id", own("evt_none"))],
        "/actions/admin-review-payment" | "/actions/admin-refusal-seen-to" => vec![("id", own("1"))],
        "/actions/admin-settle-refund" => vec![("id", own("1")), ("note", own("by bank transfer"))],
        "/actions/admin-erase-buyer" => vec![("number", known.number.clone()), ("typed", own("somebody else"))],
        // Tax.
        "/actions/admin-set-book-tax-code" => vec![("slug", own("the-first-book")), ("code", own("txcd_10301000"))],
        "/actions/admin-tax-seen-to" => vec![("number", own("ABCDE-FGHJK"))],
        "/actions/admin-save-tax" => vec![
            ("version", TaxSettings::default().version()),
            ("tax[mode]", own("stripe")),
            ("tax[prices]", own("included")),
        ],
        "/actions/admin-set-tax-rate" | "/actions/admin-remove-tax-rate" => {
            vec![("country", own("DE")), ("kind", own("ebook")), ("percent", own("1")), ("from", own("2026-01-01"))]
        }
        // Invoices.
        "/actions/invoice-for" => vec![("number", known.number.clone())],
        "/actions/set-buyer-details" | "/actions/admin-set-buyer-details" => vec![
            ("number", known.number.clone()),
            ("replaces", known.invoice.clone()),
            ("company", own("Evil Ltd")),
            ("country", own("DE")),
        ],
        "/actions/admin-save-seller" => {
            let look = [("seller[locale]", own("en")), ("seller[paper]", own("A4"))];
            let over = ("version", SellerSettings::default().version());
            [over, ("seller[name]", own("Evil Ltd"))].into_iter().chain(look).collect()
        }
        "/actions/admin-remove-logo" | "/admin/settings/invoices/logo" => Vec::new(),
        // Webhooks.
        "/actions/admin-add-webhook" => {
            vec![("url", own("http://127.0.0.1:1/")), ("events[]", own("order.succeeded"))]
        }
        "/actions/admin-change-webhook" => {
            let events = vec![EventType::OrderSucceeded];
            let added = NewEndpoint { url: own("http://127.0.0.1:1/"), description: String::new(), events };
            vec![
                ("id", own("1")),
                ("version", added.version()),
                ("url", own("http://127.0.0.1:2/")),
                ("events[]", own("order.refunded")),
            ]
        }
        "/actions/admin-switch-webhook" => vec![("id", own("1")), ("on", own("false"))],
        "/actions/admin-replace-webhook-secret" => vec![("id", own("1")), ("keep", own("0"))],
        "/actions/admin-delete-webhook" | "/actions/admin-test-webhook" => vec![("id", own("1"))],
        "/actions/admin-redeliver-webhook" => vec![("id", own("1"))],
        "/actions/admin-redeliver-webhooks" => vec![("id", own("1")), ("hours", own("1"))],
        path if path.ends_with("/claim") => vec![("format", own("epub"))],
        other => panic!("{other} is new: give it arguments here, so that this test covers it"),
    }
}

struct Known {
    snapshot: String,
    number: String,
    secret: String,
    session: String,
    token: String,
    code: String,
    owner: String,
    colleague: String,
    invoice: String,
}

/// What a page somewhere else can make a browser send. An empty value stands for the store's own origin.
const FOREIGN: [&[(&str, &str)]; 10] = [
    &[],
    &[("sec-fetch-site", "cross-site")],
    &[("sec-fetch-site", "same-site")],
    &[("sec-fetch-site", "cross-site"), ("origin", "")],
    &[("sec-fetch-site", "cross-site"), ("origin", "https://evil.example")],
    &[("sec-fetch-site", "garbage")],
    &[("origin", "null")],
    &[("origin", "https://evil.example")],
    &[("origin", "http://127.0.0.1:1")],
    &[("referer", "")],
];

async fn post(
    store: &Store,
    browser: &crate::support::Browser,
    path: &str,
    form: &[(&str, String)],
    headers: &[(&str, &str)],
    accept: &str,
) -> StatusCode {
    let mut request = browser.request(Method::POST, path).header("accept", accept).form(form);
    for (name, value) in headers {
        request = request.header(*name, if value.is_empty() { store.url.as_str() } else { value });
    }
    request.send().await.unwrap().status()
}

on_both_databases!(row_35_no_foreign_page_changes_anything, async |store| {
    let browser = store.browser();
    // Whoever may do everything, at the desk too.
    let owner = store.staff(Role::Owner).await;
    browser.sign_in(&owner).await;
    let (session, number) = store.buy(&browser, &["the-third-book"], "ann@example.org").await;
    let token = browser.token(&number, "the-third-book").await;
    browser.add(&["the-first-book"]).await;
    let secret = store.shop.order_link(&number).await.unwrap().split('#').nth(1).unwrap().to_owned();
    let known = Known {
        snapshot: browser.cart_snapshot().await,
        number: number.to_string(),
        secret,
        session,
        token: token.clone(),
        code: String::new(),
        owner: owner.email,
        colleague: store.staff(Role::Viewer).await.id.to_string(),
        invoice: store.texts("SELECT number AS value FROM invoice").await.remove(0),
    };
    store.library(&browser, "ann@example.org").await;
    let known = Known { code: store.ask(&browser, "ann@example.org").await.code, ..known };
    let mut paths: Vec<String> = server_fn_paths()
        .map(|(path, method)| {
            assert_eq!(method, Method::POST, "{path}");
            path.to_owned()
        })
        .collect();
    assert!(paths.len() >= 12, "{paths:?}");
    paths.push(format!("/d/{token}/claim"));
    for upload in ["new/epub", "import/table", "a-draft/files", "a-draft/cover", "a-draft/editions"] {
        paths.push(format!("/admin/books/{upload}"));
    }
    paths.push("/admin/settings/invoices/logo".to_owned());

    let before = store.fingerprint().await;
    let requests = store.sandbox.requests().len();
    for path in &paths {
        let form = arguments(path, &known);
        for headers in FOREIGN {
            for accept in ["text/html", "application/json"] {
                let status = post(store, &browser, path, &form, headers, accept).await;
                assert_eq!(status, StatusCode::FORBIDDEN, "{path} with {headers:?}");
            }
        }
        // Nor does a link or an image, whoever vouches for it.
        for method in [Method::GET, Method::HEAD, Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
            let query: Vec<String> = form.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let request = browser
                .request(method.clone(), &format!("{path}?{}", query.join("&")))
                .header("sec-fetch-site", "same-origin");
            let status = request.send().await.unwrap().status();
            assert!(
                [StatusCode::NOT_FOUND, StatusCode::METHOD_NOT_ALLOWED].contains(&status),
                "{method} {path} is {status}"
            );
        }
    }
    assert_eq!(store.fingerprint().await, before);
    assert_eq!(store.sandbox.requests().len(), requests);

    // It was the missing origin that refused them: the same from our own page is let through, each of them.
    // (First the one that needs the cart as it is, then the one that undoes what others do.)
    paths.sort_by_key(|path| match path.as_str() {
        "/actions/start-checkout" => 0,
        // The desk takes the title back.
        claim if claim.ends_with("/claim") => 0,
        "/actions/sign-out-everywhere" => 1,
        "/actions/admin-sign-out" => 3,
        _ => 2,
    });
    for path in &paths {
        let form = arguments(path, &known);
        for headers in [&[("origin", "")][..], &[("sec-fetch-site", "same-origin")], &[("sec-fetch-site", "none")]] {
            let allowed = post(store, &browser, path, &form, headers, "application/json").await;
            // (Renewing a token that is still good is forbidden as such; a code is good once, and so is being signed in.)
            // (Secrets and codes of the desk are guessed here.)
            let as_such = [
                "renew-download",
                "open-library",
                "sign-out-everywhere",
                "admin-set-up",
                "admin-set-password",
                "admin-codes-on",
            ];
            let as_such = as_such.iter().any(|name| path.ends_with(name));
            assert!(allowed != StatusCode::FORBIDDEN || as_such, "{path} with {headers:?}");
        }
    }
    let after: BTreeMap<String, String> = store.fingerprint().await;
    for table in [
        "session",
        "checkout",
        "order_access",
        "download_claim",
        "download_log",
        "access_request",
        "buyer_session",
        // The desk: the way in.
        "staff_session",
        "users",
        "api_token",
        "audit",
        // The desk: books.
        "book",
        "unfinished",
        // Orders, buyers, attention.
        "order_note",
        "withdrawal",
        "refund",
        "gift",
        // Invoices.
        "invoice",
        "invoice_settings",
    ] {
        assert_ne!(
            after[table], before[table],
            "nothing happened to {table}: the arguments are wrong, and nothing was tried"
        );
    }
    // Stripe's servers are no browsers: what they send is signed, and needs no origin.
    assert_eq!(store.deliver_completed("evt_1", &known.session).await, StatusCode::OK);
    store.settle().await;
});

on_both_databases!(row_35_looking_at_pages_changes_nothing, async |store| {
    let browser = store.browser();
    let (session, number) = store.buy(&browser, &["the-third-book"], "ann@example.org").await;
    let token = browser.token(&number, "the-third-book").await;
    let file = browser.claimed(&token, "epub").await;
    browser.add(&["the-first-book"]).await;
    store.library(&browser, "ann@example.org").await;
    browser.sign_in(&store.staff(Role::Owner).await).await;
    // The overview adds up the downloads that wait for it, which is no change of anything.
    store.shop.count_downloads().await.unwrap();
    let before = store.fingerprint().await;
    let success = format!("/checkout/success?session_id={session}");
    let (order, download) = (format!("/orders/{number}"), format!("/d/{token}"));
    for path in [
        "/",
        "/cart",
        "/cart?removed=the-first-book",
        "/books/the-first-book",
        "/checkout/cancel",
        "/checkout/free",
        "/library",
        "/library/sent",
        "/library/open",
        &success,
        &order,
        &download,
        // The desk: the way in.
        "/admin",
        "/admin/login?error=busy",
        // The desk: books.
        "/admin/books?q=first&status=published",
        "/admin/books?end=1",
        "/admin/books/new",
        "/admin/books/import",
        "/admin/books/export.csv",
        "/admin/books/the-first-book",
        "/admin/setup",
        "/admin/password",
        "/admin/team",
        "/admin/account",
        "/admin/account/codes",
        "/admin/audit",
        // Orders, buyers, attention.
        "/admin/orders",
        "/admin/orders/new?titles=the-first-book&q=book",
        &format!("/admin/orders/{number}"),
        "/admin/buyers",
        &format!("/admin/buyers/{number}"),
        "/admin/attention",
        "/admin/health",
        // Settings.
        "/admin/settings/tax",
        "/admin/settings/invoices",
        "/healthz",
        "/readyz",
    ] {
        for method in [Method::GET, Method::HEAD, Method::GET] {
            let status = browser.request(method, path).send().await.unwrap().status();
            assert_eq!(status, StatusCode::OK, "{path}");
        }
    }
    assert_eq!(browser.request(Method::HEAD, &file).send().await.unwrap().status(), StatusCode::OK);
    assert_eq!(store.fingerprint().await, before);
});
