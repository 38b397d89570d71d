//! Changes through the API: each is made once, however often it is asked for.

use crate::desk_books::{PDF, epub, png};
use crate::desk_uploads::multipart;
use crate::support::{Api, GOOD_CARD, Options, Store, by_hand, code, on_both_databases, problem, read};
use chrono::{TimeDelta, Utc};
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shop::audit::Actor;
use shop::once::{Begun, Mark, Once};
use shop::refunds::{RefundReason, RefundRequest, RefundWhat};
use shop::types::{Role, Scope};
use shop::{Clock, Error};
use stripe_sandbox::Fault;

const BOOKS: [&str; 2] = ["the-first-book", "the-second-book"];

fn standing() -> Options {
    Options { clock: Clock::manual(Utc::now().naive_utc()), ..by_hand() }
}

async fn keyed(api: &Api, path: &str, key: &str, body: &Value) -> (StatusCode, bool, Value) {
    let answer = api.request(Method::POST, path).header("idempotency-key", key).json(body).send().await.unwrap();
    let replayed = answer.headers().get("idempotency-replayed").is_some();
    let (status, body) = read(answer).await;
    (status, replayed, body)
}

/// A part of a form: field, file name, content.
type Piece<'a> = (&'a str, Option<&'a str>, &'a [u8]);

fn file(content: &[u8]) -> Piece<'_> {
    ("file", Some("a file.bin"), content)
}

/// Sends a form with files under a key of its address.
async fn upload(api: &Api, method: Method, path: &str, parts: &[Piece<'_>]) -> (StatusCode, Value) {
    let request = api.request(method, &format!("/api/v1/books/{path}")).header("idempotency-key", path);
    let request = request.header("content-type", "multipart/form-data; boundary=cut").body(multipart(parts));
    read(request.send().await.unwrap()).await
}

on_both_databases!(twenty_refunds_at_once_under_one_key_are_one_refund, by_hand(), async |store| {
    let api = store.api(Role::Admin, Scope::Write).await;
    for round in 0..3 {
        let bought = store.bought(&BOOKS, GOOD_CARD).await;
        let path = format!("/api/v1/orders/{}/refunds", bought.number);
        let body = json!({ "amount": { "amount": 100, "currency": "USD" } });
        let key = format!("refund-{round}");
        let answers = join_all((0..20).map(|_| keyed(&api, &path, &key, &body))).await;
        let made = answers.iter().filter(|(status, ..)| *status == StatusCode::CREATED).count();
        let first = answers.iter().filter(|(status, replayed, _)| *status == StatusCode::CREATED && !replayed).count();
        assert!(made >= 1 && first == 1, "{answers:?}");
        for (status, _, body) in answers.iter().filter(|(status, ..)| *status != StatusCode::CREATED) {
            assert_eq!((status.as_u16(), &body["code"]), (409, &json!("idempotency-key-in-use")));
        }
        assert_eq!(store.refunds_of(&bought.number).await, ["100 succeeded"]);
        // Whoever comes later is told the same.
        let (status, replayed, again) = keyed(&api, &path, &key, &body).await;
        assert_eq!((status, replayed), (StatusCode::CREATED, true));
        assert_eq!((&again["amount"]["amount"], &again["status"]), (&json!(100), &json!("succeeded")));
        // Another key is another refund, and the same key of another account too.
        keyed(&api, &path, &format!("other-{round}"), &body).await;
        keyed(&store.api(Role::Admin, Scope::Write).await, &path, &key, &body).await;
        assert_eq!(store.refunds_of(&bought.number).await, ["100 succeeded"; 3]);
        // A key is for one request.
        let more = json!({ "amount": { "amount": 200, "currency": "USD" } });
        assert_eq!(code(&api.post(&path, &key, &more).await), (422, "idempotency-key-reused"));
        let elsewhere = format!("/api/v1/orders/{}/notes", bought.number);
        assert_eq!(code(&api.post(&elsewhere, &key, &json!({ "text": "x" })).await), (422, "idempotency-key-reused"));
    }
    assert_eq!(store.count("audit WHERE action = 'order.refunded'").await, 9);
});

on_both_databases!(a_process_that_dies_between_refund_and_answer_doubles_nothing, standing(), async |store| {
    let api = store.api(Role::Admin, Scope::Write).await;
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    let path = format!("/api/v1/orders/{}/refunds", bought.number);
    // It began, and refunded, and died.
    let request =
        shop::secrets::hash(&format!("POST {path}\n{}", "{\"amount\":null,\"items\":null,\"reason\":\"duplicate\"}"));
    let Once::Begin(begun) = store.shop.begin_once(api.account, "k", &request).await.unwrap() else { panic!() };
    let all = RefundRequest { what: RefundWhat::Full, reason: RefundReason::Duplicate };
    store.shop.refund_once(&bought.number, &all, begun.name, &Actor::Staff(api.account)).await.unwrap();
    // Until its lease ends nobody knows.
    let body = json!({ "reason": "duplicate" });
    assert_eq!(code(&api.post(&path, "k", &body).await), (409, "idempotency-key-in-use"));
    store.shop.clock().advance(TimeDelta::minutes(2));
    let (status, replayed, made) = keyed(&api, &path, "k", &body).await;
    assert_eq!((status, replayed, &made["amount"]["amount"]), (StatusCode::CREATED, false, &json!(1_298)));
    assert_eq!(store.refunds_of(&bought.number).await, ["1298 succeeded"]);
    assert_eq!(store.count("audit WHERE action = 'order.refunded'").await, 1);
    // A day later the key is as good as new.
    store.shop.clock().advance(TimeDelta::hours(24));
    assert_eq!(code(&api.post(&path, "k", &body).await), (409, "nothing-left"));
    assert!(keyed(&api, &path, "k", &body).await.1);
    store.shop.clock().advance(TimeDelta::hours(24));
    assert_eq!(store.shop.forget_old_answers().await.unwrap(), 1);
    assert_eq!(store.count("api_once").await, 0);
});

on_both_databases!(refunds_of_amounts_and_titles_and_what_cannot_be, by_hand(), async |store| {
    let api = store.api(Role::Admin, Scope::Write).await;
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    let path = format!("/api/v1/orders/{}/refunds", bought.number);
    let number = std::cell::Cell::new(0);
    let ask = async |body: Value| {
        number.set(number.get() + 1);
        api.post(&path, &format!("k{}", number.get()), &body).await
    };
    let money = |amount: i64, currency: &str| json!({ "amount": { "amount": amount, "currency": currency } });
    assert_eq!(code(&ask(money(1_299, "USD")).await), (409, "too-much"));
    assert_eq!(code(&ask(money(100, "EUR")).await), (409, "wrong-amount"));
    assert_eq!(code(&ask(money(0, "USD")).await), (409, "wrong-amount"));
    assert_eq!(code(&ask(money(-1, "USD")).await), (422, "unprocessable"));
    assert_eq!(code(&ask(json!({ "items": [] })).await), (422, "unprocessable"));
    assert_eq!(code(&ask(json!({ "items": [{ "book": "no-book" }] })).await), (409, "no-such-item"));
    let mut both = money(1, "USD");
    both["items"] = json!([{ "book": BOOKS[0] }]);
    assert_eq!(code(&ask(both).await), (422, "unprocessable"));
    assert_eq!(code(&ask(json!({ "amount": { "amount": 1.5, "currency": "USD" } })).await), (422, "unprocessable"));
    assert_eq!(store.count("refund").await, 0);
    let made = ask(json!({ "items": [{ "book": BOOKS[1], "keep": true }], "reason": "duplicate" })).await;
    assert_eq!((made.0.as_u16(), &made.1["amount"]), (201, &json!({ "amount": 499, "currency": "USD" })));
    assert_eq!(store.rights(&bought.number).await, ["active", "active"]);
    assert_eq!(ask(json!({})).await.1["amount"]["amount"], 799);
    assert_eq!(code(&ask(json!({})).await), (409, "nothing-left"));
    assert_eq!(store.rights(&bought.number).await, ["revoked refunded"; 2]);
    assert_eq!(code(&api.post("/api/v1/orders/22222-22222/refunds", "k", &json!({})).await), (404, "not-found"));
});

on_both_databases!(a_checkout_is_one_session_at_the_stores_prices, by_hand(), async |store| {
    let api = store.api(Role::Viewer, Scope::Write).await;
    let body = json!({ "books": BOOKS });
    let answers = join_all((0..20).map(|_| keyed(&api, "/api/v1/checkout", "cart-1", &body))).await;
    let urls: std::collections::BTreeSet<_> = answers.iter().filter_map(|(.., body)| body["url"].as_str()).collect();
    assert_eq!((urls.len(), store.count("checkout").await), (1, 1), "{answers:?}");
    let (status, replayed, started) = keyed(&api, "/api/v1/checkout", "cart-1", &body).await;
    assert_eq!((status, replayed), (StatusCode::CREATED, true));
    assert_eq!(started["subtotal"], json!({ "amount": 1_298, "currency": "USD" }));
    // It is paid like any other, and is an order.
    let session = crate::support::session_of(started["url"].as_str().unwrap());
    let bought = store.bought_with(session, GOOD_CARD).await;
    let reader = store.api(Role::Viewer, Scope::Read).await;
    assert_eq!(reader.found(&format!("/api/v1/orders/{}", bought.number)).await["total"]["amount"], 1_298);
    // What Stripe fails in may be asked for again under the same key.
    store.sandbox.set_fault(Fault::status(503).on_method("POST"));
    assert_eq!(code(&api.post("/api/v1/checkout", "cart-2", &body).await), (503, "payments-unavailable"));
    store.sandbox.clear_faults();
    assert_eq!(api.post("/api/v1/checkout", "cart-2", &body).await.0.as_u16(), 201);
    for (key, body, problem) in [
        ("a", json!({ "books": [] }), (422, "unprocessable")),
        ("b", json!({ "books": ["no-book"] }), (409, "book-unavailable")),
        ("c", json!({ "books": BOOKS, "currency": "XYZ" }), (422, "unprocessable")),
        ("d", json!({ "books": BOOKS, "currency": "KWD" }), (409, "book-unavailable")),
        ("e", json!({ "books": BOOKS, "price": 1 }), (422, "unprocessable")),
    ] {
        assert_eq!(code(&api.post("/api/v1/checkout", key, &body).await), problem, "{body}");
    }
    store.execute("UPDATE book_price SET unit_amount = 0 WHERE currency = 'USD'").await;
    assert_eq!(code(&api.post("/api/v1/checkout", "f", &body).await), (409, "nothing-to-pay"));
});

on_both_databases!(a_book_is_made_changed_over_its_version_and_put_on_sale, by_hand(), async |store| {
    let api = store.api(Role::Admin, Scope::Write).await;
    let mut book = json!({
        "title": "Salt", "subtitle": "A history", "description": "About *salt*.", "language": "en",
        "isbn": "0-306-40615-2", "publisher": "Tide Press", "published_on": "2024-03-01",
        "contributors": [{ "name": "Ann Lee", "role": "author" }, { "name": "Bo Day", "role": "translator" }],
        "prices": [{ "amount": 799, "currency": "USD" }, { "amount": 1_200, "currency": "JPY" }],
    });
    let answer = api.request(Method::POST, "/api/v1/books").header("idempotency-key", "salt").json(&book);
    let answer = answer.send().await.unwrap();
    assert_eq!(
        (&answer.headers()["location"], &answer.headers()["etag"]),
        (&"/api/v1/books/salt".parse().unwrap(), &"\"1\"".parse().unwrap())
    );
    let (status, made) = read(answer).await;
    assert_eq!((status.as_u16(), &made["status"], &made["isbn"]), (201, &json!("draft"), &json!("9780306406157")));
    for same in ["title", "contributors", "subtitle", "published_on"] {
        assert_eq!(made[same], book[same]);
    }
    assert_eq!(made["prices"].as_array().unwrap().len(), 2);
    // Once more under the key, and under none.
    assert_eq!(api.post("/api/v1/books", "salt", &book).await, (status, made.clone()));
    let another = api.request(Method::POST, "/api/v1/books").json(&book).send().await.unwrap();
    assert_eq!(problem(another).await.1["errors"][0]["field"], "slug");
    // Two change it at once: one is told.
    book["title"] = json!("Salt and more");
    let answers = join_all([1, 1].map(|version| api.put("/api/v1/books/salt", version, &book))).await;
    let mut statuses: Vec<_> = answers.iter().map(|(status, _)| status.as_u16()).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 412]);
    let now = api.found("/api/v1/books/salt").await;
    assert_eq!((&now["version"], &now["title"], &now["slug"]), (&json!(2), &json!("Salt and more"), &json!("salt")));
    // Not without a file; then it is sold.
    let refused = api.post("/api/v1/books/salt/publish", "p1", &Value::Null).await;
    assert_eq!((code(&refused), refused.1["errors"].as_array().unwrap().len()), ((409, "not-ready"), 1));
    let (pdf, other) = (file(PDF), epub("Salt"));
    let files = [pdf, file(&other)];
    let (status, taken) = upload(&api, Method::POST, "salt/files", &files).await;
    assert_eq!(status, StatusCode::OK, "{taken}");
    assert_eq!(taken["data"][0], json!({ "filename": "salt.pdf", "format": "pdf", "outcome": "added" }));
    assert_eq!(upload(&api, Method::POST, "salt/files", &files).await.1, taken);
    let fewer = upload(&api, Method::POST, "salt/files", &[pdf]).await;
    assert_eq!(code(&fewer), (422, "idempotency-key-reused"));
    let (status, with_cover) = upload(&api, Method::PUT, "salt/cover", &[file(&png(400, 600))]).await;
    assert!(status == StatusCode::OK && with_cover["cover"].as_str().unwrap().starts_with("/covers/"), "{with_cover}");
    let edition: [Piece<'_>; 3] = [("label", None, b"Second edition"), ("changelog", None, b"New."), pdf];
    let (status, second) = upload(&api, Method::POST, "salt/editions", &edition).await;
    assert_eq!((status.as_u16(), &second["editions"][0]["label"]), (201, &json!("Second edition")), "{second}");
    assert_eq!(api.post("/api/v1/books/salt/publish", "p2", &Value::Null).await.1["status"], "published");
    assert_eq!(api.post("/api/v1/books/salt/archive", "p3", &Value::Null).await.1["status"], "archived");
    let actions = store
        .texts(
            "SELECT DISTINCT action AS value FROM audit WHERE object = 'book:salt' AND user_id IS NOT NULL ORDER BY 1",
        )
        .await;
    assert_eq!(
        actions,
        [
            "book.archived",
            "book.changed",
            "book.cover",
            "book.created",
            "book.published",
            "edition.added",
            "file.added"
        ]
    );
    // Forms that are none, and files that are none.
    let path = "/api/v1/books/salt/files";
    assert_eq!(code(&api.post(path, "x", &json!({})).await), (415, "unsupported-media-type"));
    let none = upload(&api, Method::POST, "not-ready/files", &[pdf]).await;
    assert_eq!(code(&none), (404, "not-found"));
    assert_eq!(
        code(&upload(&api, Method::POST, "the-first-book/files", &[file(b"no book")]).await),
        (422, "unprocessable")
    );
    let large = vec![0; 4_000_100];
    assert_eq!(code(&upload(&api, Method::POST, "the-second-book/files", &[file(&large)]).await), (413, "too-large"));
});

on_both_databases!(what_helps_a_buyer_is_done_once_and_in_the_audit, by_hand(), async |store| {
    let api = store.api(Role::Support, Scope::Write).await;
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    let path = format!("/api/v1/orders/{}", bought.number);
    let text = json!({ "text": "She wrote in." });
    for _ in 0..3 {
        assert_eq!(api.post(&format!("{path}/notes"), "n", &text).await, (StatusCode::NO_CONTENT, Value::Null));
        assert_eq!(api.post(&format!("{path}/resend"), "r", &Value::Null).await.0, StatusCode::NO_CONTENT);
    }
    assert_eq!((store.count("order_note").await, store.count("audit WHERE action = 'mail.resent'").await), (1, 1));
    assert_eq!(code(&api.post(&format!("{path}/notes"), "m", &json!({ "text": " " })).await), (422, "unprocessable"));
    let timeline = api.found(&path).await["timeline"].clone();
    assert!(
        timeline.as_array().unwrap().iter().any(|moment| moment["kind"] == "note" && moment["what"] == "She wrote in.")
    );
    // An event again.
    let admin = store.api(Role::Admin, Scope::Write).await;
    let event = crate::support::event("evt_1", "checkout.session.completed", &bought.session, store.seconds());
    store.deliver_all(&[event]).await;
    assert_eq!(admin.post("/api/v1/webhooks/stripe/evt_1/replay", "e", &Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(store.count("stripe_event WHERE state = 'new'").await, 1);
    store.work().await;
    assert_eq!(code(&admin.post("/api/v1/webhooks/stripe/evt_2/replay", "f", &Value::Null).await).0, 404);
    // One's own tokens, and nobody else's.
    let tokens = api.found("/api/v1/tokens").await;
    let id = tokens["data"][0]["id"].as_i64().unwrap();
    assert_eq!((tokens["data"].as_array().unwrap().len(), &tokens["data"][0]["scope"]), (1, &json!("write")));
    let revoke = async |api: &Api| api.request(Method::DELETE, &format!("/api/v1/tokens/{id}")).send().await.unwrap();
    assert_eq!(revoke(&admin).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(revoke(&api).await.status(), StatusCode::NO_CONTENT);
    assert_eq!(api.get("/api/v1/me").await.0, StatusCode::UNAUTHORIZED);
    assert_no_secret(store).await;
});

/// Begins what an account asks for under a key, which nobody has at the moment.
async fn begun(store: &Store, account: i64) -> Begun {
    let request = shop::secrets::hash("what is asked for");
    match store.shop.begin_once(account, "k", &request).await.unwrap() {
        Once::Begin(begun) => begun,
        other => panic!("{other:?}"),
    }
}

on_both_databases!(who_was_too_slow_with_a_key_changes_nothing, standing(), async |store| {
    let (account, bought) = (store.staff(Role::Support).await.id, store.bought(&BOOKS, GOOD_CARD).await);
    let slow = begun(store, account).await;
    store.shop.clock().advance(TimeDelta::minutes(2));
    let quick = begun(store, account).await;
    assert_eq!((slow.name, &quick.done_to), (quick.name, &None));
    let note = async |mark: Mark| store.shop.note_order(&bought.number, "Once.", &Actor::Program(account, mark)).await;
    assert!(matches!(note(slow.mark()).await, Err(Error::TakenOver)));
    assert_eq!((store.count("order_note").await, store.count("audit WHERE action = 'order.noted'").await), (0, 0));
    note(quick.mark()).await.unwrap().unwrap();
    // Nor does it let go of the key, or answer for the other.
    store.shop.release_once(&slow).await.unwrap();
    store.shop.end_once(&slow, 204, "{}".to_owned()).await.unwrap();
    assert_eq!(store.count("api_once WHERE status IS NULL AND marked IS NOT NULL").await, 1);
    assert_eq!(store.shop.done_once(&slow).await.unwrap(), None);
    assert_eq!((store.count("order_note").await, store.count("audit WHERE action = 'order.noted'").await), (1, 1));
});

// As on PostgreSQL, when the answer to a commit is lost and the transaction is tried again.
on_both_databases!(one_mark_is_one_change, standing(), async |store| {
    let (account, bought) = (store.staff(Role::Support).await.id, store.bought(&BOOKS, GOOD_CARD).await);
    let first = begun(store, account).await;
    let actor = Actor::Program(account, first.mark());
    store.shop.note_order(&bought.number, "Once.", &actor).await.unwrap().unwrap();
    assert!(matches!(store.shop.note_order(&bought.number, "Once.", &actor).await, Err(Error::TakenOver)));
    assert_eq!((store.count("order_note").await, store.count("audit WHERE action = 'order.noted'").await), (1, 1));
    let order = Some(format!("order:{}", bought.number.as_str()));
    assert_eq!(store.shop.done_once(&first).await.unwrap(), order);
    // Whoever has the key next knows too.
    store.shop.release_once(&first).await.unwrap();
    assert_eq!(begun(store, account).await.done_to, order);
});

/// Keys of programs are kept as hashes, and no address is in a kept answer.
async fn assert_no_secret(store: &Store) {
    assert_eq!(store.count("api_once WHERE LENGTH(key_hash) <> 64 OR answer LIKE '%@%'").await, 0);
}
