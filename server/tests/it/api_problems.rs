//! Errors of the API, each as a problem; and how much a program may ask.

use crate::support::{Api, Door, Options, Store, code, on_both_databases, problem};
use chrono::{TimeDelta, Utc};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use shop::staff::Staff;
use shop::types::{Role, Scope};
use shop::{Clock, Policy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

async fn send(
    api: &Api,
    method: Method,
    path: &str,
    kind: &str,
    body: impl Into<reqwest::Body>,
) -> (StatusCode, Value) {
    let request = api.request(method, path).header("idempotency-key", "k").header("content-type", kind);
    problem(request.body(body).send().await.unwrap()).await
}

/// The answer to a body that is only announced: whoever sends one that nobody reads may never see it.
async fn announced(store: &Store, api: &Api, path: &str, bytes: usize) -> (String, Value) {
    let mut socket = TcpStream::connect(store.url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {bytes}\r\nConnection: close\r\n\r\n",
        api.token
    );
    socket.write_all(head.as_bytes()).await.unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.to_owned(), serde_json::from_str(body).unwrap())
}

on_both_databases!(every_error_is_a_problem, async |store| {
    let api = store.api(Role::Admin, Scope::Write).await;
    let reader = store.api(Role::Owner, Scope::Read).await;
    let json_type = "application/json";
    let (post, put) = (Method::POST, Method::PUT);
    let books = "/api/v1/books";
    // Nothing there.
    for path in ["/api/v1", "/api/v2/books", "/api/v1/books/No_Book", "/api/v1/orders/0", "/api/v1/tokens/x/y"] {
        assert_eq!(code(&api.get(path).await), (404, "not-found"), "{path}");
    }
    let delete = api.request(Method::DELETE, "/api/v1/tokens/99999999999999999999").send().await.unwrap();
    assert_eq!(code(&problem(delete).await), (404, "not-found"));
    // A method that there is not.
    let answer = api.request(Method::DELETE, books).send().await.unwrap();
    let allow = answer.headers()["allow"].to_str().unwrap().to_owned();
    assert!(allow.contains("GET") && allow.contains("POST"), "{allow}");
    assert_eq!(code(&problem(answer).await), (405, "method-not-allowed"));
    // Bodies.
    let (answer, body) = announced(store, &api, books, 300_000).await;
    assert!(answer.starts_with("HTTP/1.1 413") && answer.contains("application/problem+json"), "{answer}");
    assert_eq!(body["code"], "too-large");
    assert_eq!(code(&send(&api, post.clone(), books, "text/plain", "{}").await), (415, "unsupported-media-type"));
    assert_eq!(code(&send(&api, post.clone(), books, json_type, "{").await), (400, "bad-request"));
    assert_eq!(code(&send(&api, post.clone(), books, json_type, vec![0xff]).await), (400, "bad-request"));
    for body in ["[]", "{}", "{\"title\":1,\"language\":\"en\"}", "{\"title\":\"x\",\"language\":\"en\",\"price\":1}"] {
        assert_eq!(code(&send(&api, post.clone(), books, json_type, body).await), (422, "unprocessable"), "{body}");
    }
    let wrong = api
        .post(
            books,
            "k1",
            &json!({ "title": " ", "language": "e", "isbn": "1", "published_on": "x",
        "prices": [{ "amount": 799, "currency": "USD" }, { "amount": 7, "currency": "USD" }] }),
        )
        .await;
    assert_eq!(code(&wrong), (422, "unprocessable"));
    let fields: Vec<_> =
        wrong.1["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    assert!(
        ["title", "language", "isbn", "published_on", "prices"].iter().all(|field| fields.contains(field)),
        "{fields:?}"
    );
    for price in [json!({ "amount": -1, "currency": "USD" }), json!({ "amount": 1, "currency": "XXX" })] {
        let body = json!({ "title": "x", "language": "en", "prices": [price] });
        assert_eq!(code(&api.post(books, "k2", &body).await).0, 422);
    }
    // Versions.
    let first = format!("{books}/the-first-book");
    let body = json!({ "title": "x", "language": "en" });
    assert_eq!(code(&send(&api, put.clone(), &first, json_type, body.to_string()).await), (428, "if-match-missing"));
    assert_eq!(code(&api.put(&first, 77, &body).await), (412, "outdated"));
    // States.
    let made = api.post(books, "k3", &json!({ "title": "Not ready", "language": "en" })).await;
    assert_eq!((made.0.as_u16(), &made.1["slug"]), (201, &json!("not-ready")));
    assert_eq!(code(&api.post(&format!("{books}/not-ready/publish"), "k4", &Value::Null).await), (409, "not-ready"));
    assert_eq!(
        code(&api.post("/api/v1/checkout", "k5", &json!({ "books": ["not-ready"] })).await),
        (409, "book-unavailable")
    );
    // Who.
    assert_eq!(code(&reader.post(books, "k", &body).await), (403, "not-allowed"));
    for sent in ["Bearer x", "Basic x", "Bearer", ""] {
        let request = store.http.post(format!("{}{books}", store.url)).header("authorization", sent).body("{");
        let answer = request.send().await.unwrap();
        assert_eq!(answer.headers()["www-authenticate"], "Bearer");
        assert_eq!(code(&problem(answer).await), (401, "signed-out"), "{sent}");
    }
    // Keys.
    for key in ["", "a b", "ä", &"x".repeat(256)] {
        let request = api.request(post.clone(), books).header("idempotency-key", key.as_bytes()).json(&body);
        assert_eq!(code(&problem(request.send().await.unwrap()).await), (400, "bad-request"), "{key}");
    }
    let request = api.request(post.clone(), "/api/v1/checkout").json(&json!({ "books": ["the-first-book"] }));
    assert_eq!(code(&problem(request.send().await.unwrap()).await), (400, "idempotency-key-missing"));
    // A store without a place left says so in the same form.
    let lanes = octavo::lanes::Lanes { api: octavo::lanes::Lane::new(0), ..Default::default() };
    let full = store.door(Door { lanes, ..Door::default() }).await;
    let answer = store.http.get(format!("{}{books}", full.url)).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["retry-after"]), (503, &"2".parse().unwrap()));
    assert_eq!(answer.headers()["content-type"], "application/problem+json");
});

fn few() -> Options {
    let policy = Policy { api_per_minute: 5, ..Policy::default() };
    Options { policy, workers: false, clock: Clock::manual(Utc::now().naive_utc()), ..Options::default() }
}

fn left(answer: &Response) -> (u16, String) {
    assert_eq!(answer.headers()["ratelimit-policy"], "\"requests\";q=5;w=60");
    (answer.status().as_u16(), answer.headers()["ratelimit"].to_str().unwrap().to_owned())
}

on_both_databases!(a_program_may_ask_so_much_and_is_told_what_is_left, few(), async |store| {
    let member = store.staff(Role::Viewer).await;
    let staff = Staff { id: member.id, email: member.email.parse().unwrap(), role: Role::Viewer, session: 0 };
    let (api, same) = (store.another_api(&staff, Scope::Read).await, store.another_api(&staff, Scope::Read).await);
    let another = store.api(Role::Viewer, Scope::Read).await;
    let ask = async |api: &Api| api.request(Method::GET, "/api/v1/me").send().await.unwrap();
    assert_eq!(left(&ask(&api).await), (200, "\"requests\";r=4;t=60".into()));
    store.shop.clock().advance(TimeDelta::seconds(20));
    // One allowance for all of an account's tokens, also for what is not there.
    assert_eq!(left(&ask(&same).await), (200, "\"requests\";r=3;t=40".into()));
    let nowhere = api.request(Method::GET, "/api/v1/nothing").send().await.unwrap();
    assert_eq!(left(&nowhere), (404, "\"requests\";r=2;t=40".into()));
    ask(&api).await;
    assert_eq!(left(&ask(&same).await), (200, "\"requests\";r=0;t=40".into()));
    let over = ask(&api).await;
    assert_eq!(left(&over), (429, "\"requests\";r=0;t=40".into()));
    assert_eq!(over.headers()["retry-after"], "40");
    assert_eq!(code(&problem(over).await), (429, "rate-limited"));
    // Another account has its own, and a stranger the network's.
    assert_eq!(left(&ask(&another).await), (200, "\"requests\";r=4;t=60".into()));
    for round in 0..7 {
        let answer =
            store.http.get(format!("{}/api/v1/me", store.url)).bearer_auth("octavo_guess").send().await.unwrap();
        assert_eq!(answer.status().as_u16(), if round < 5 { 401 } else { 429 });
    }
    assert_eq!(left(&ask(&another).await).0, 200);
    store.shop.clock().advance(TimeDelta::seconds(40));
    assert_eq!(left(&ask(&api).await), (200, "\"requests\";r=0;t=20".into()));
    assert_eq!(left(&ask(&same).await).0, 429);
});
