//! The store's own webhooks through the API: endpoints, their secrets, what was sent, and sending it again.

use crate::support::{Api, Backend, GOOD_CARD, Options, Receiver, Store, code, on_both_databases, read};
use chrono::{TimeDelta, Utc};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shop::audit::Actor;
use shop::hooks::{Names, Reach};
use shop::once::Once;
use shop::types::{Role, Scope};
use shop::{Clock, Error};
use standardwebhooks::Webhook;
use std::net::IpAddr;
use std::sync::Arc;

const LIST: &str = "/api/v1/webhook-endpoints";
const BOOKS: [&str; 2] = ["the-first-book", "the-second-book"];

/// Nothing happens by itself, and time stands still until a test moves it.
fn standing() -> Options {
    Options { workers: false, webhooks: false, clock: Clock::manual(Utc::now().naive_utc()), ..Options::default() }
}

/// Adds an endpoint that is told all; gives its address.
async fn added(api: &Api, url: &str, key: &str) -> String {
    let events = json!(["order.succeeded", "entitlement.granted", "order.refunded"]);
    let (status, endpoint) = api.post(LIST, key, &json!({ "url": url, "events": events })).await;
    assert_eq!(status, StatusCode::CREATED, "{endpoint}");
    format!("{LIST}/{}", endpoint["id"])
}

async fn send(api: &Api, method: Method, path: &str) -> (StatusCode, Value) {
    read(api.request(method, path).send().await.unwrap()).await
}

on_both_databases!(an_endpoint_is_added_tried_changed_and_deleted_each_once, standing(), async |store| {
    let receiver = Receiver::start().await;
    let (owner, admin) = (store.api(Role::Owner, Scope::Write).await, store.api(Role::Admin, Scope::Read).await);
    assert_eq!(admin.found(LIST).await, json!({ "data": [] }));
    let new = json!({ "url": receiver.url(), "description": " The   newsletter ", "events": ["order.succeeded"] });
    let request = owner.request(Method::POST, LIST).header("idempotency-key", "add").json(&new);
    let answer = request.send().await.unwrap();
    let at = answer.headers()["location"].to_str().unwrap().to_owned();
    let (status, made) = read(answer).await;
    assert_eq!((status, &made["description"]), (StatusCode::CREATED, &json!("The newsletter")));
    assert_eq!((&made["enabled"], &made["disabled_reason"], &made["waiting"]), (&json!(true), &Value::Null, &json!(0)));
    assert_eq!(at, format!("{LIST}/{}", made["id"]));
    // Asked for again under the key it is there once, and looked up it is the same.
    assert_eq!(owner.post(LIST, "add", &new).await, (status, made.clone()));
    assert_eq!(admin.found(LIST).await["data"], json!([made.clone()]));
    assert_eq!(admin.found(&at).await, made);

    // The secret is told to owners, for ten minutes, and stands in no kept answer.
    let secret = owner.found(&format!("{at}/secret")).await["secret"].as_str().unwrap().to_owned();
    assert_eq!(code(&admin.get(&format!("{at}/secret")).await), (403, "not-allowed"));
    let (status, sent) = owner.post(&format!("{at}/test"), "try", &Value::Null).await;
    assert_eq!(owner.post(&format!("{at}/test"), "try", &Value::Null).await, (status, sent.clone()));
    assert_eq!((status, store.count("webhook_delivery").await), (StatusCode::ACCEPTED, 1));
    store.deliver_webhooks().await;
    let taken = receiver.taken();
    assert_eq!((taken.len(), taken[0].kind().as_str()), (1, "webhook.test"));
    let believed = |secret: &str, one: &crate::support::Taken| {
        Webhook::new(secret).unwrap().verify(one.body.as_bytes(), &one.headers).is_ok()
    };
    assert!(believed(&secret, &taken[0]));
    let sheet = admin.found(&format!("{at}/deliveries/{}", sent["delivery"])).await;
    assert_eq!(
        (&sheet["state"], &sheet["type"], &sheet["body"]),
        (&json!("delivered"), &json!("webhook.test"), &json!(taken[0].body))
    );
    assert_eq!((&sheet["tried"][0]["status"], &sheet["tried"][0]["answer"]), (&json!(200), &json!("thanks")));

    // Replaced, while the old one is good too.
    let replaced = owner.post(&format!("{at}/secret"), "rotate", &json!({ "keep_old_hours": 24 })).await;
    assert!(replaced.1["old_secret_until"].is_string(), "{replaced:?}");
    assert_eq!(owner.post(&format!("{at}/secret"), "rotate", &json!({ "keep_old_hours": 24 })).await, replaced);
    let fresh = owner.found(&format!("{at}/secret")).await["secret"].as_str().unwrap().to_owned();
    assert_ne!(fresh, secret);
    owner.post(&format!("{at}/test"), "try-again", &Value::Null).await;
    store.deliver_webhooks().await;
    assert!(believed(&secret, &receiver.taken()[1]) && believed(&fresh, &receiver.taken()[1]));
    store.shop.clock().advance(TimeDelta::minutes(10));
    assert_eq!(code(&owner.get(&format!("{at}/secret")).await), (409, "not-new"));
    assert_eq!(store.count("api_once WHERE answer LIKE '%whsec_%'").await, 0);

    // Changed, off, on, and gone.
    let change = json!({ "url": receiver.url(), "events": ["order.refunded", "order.succeeded"] });
    let changed = read(owner.request(Method::PUT, &at).json(&change).send().await.unwrap()).await.1;
    assert_eq!(
        (&changed["description"], &changed["events"]),
        (&json!(""), &json!(["order.succeeded", "order.refunded"]))
    );
    let off = owner.post(&format!("{at}/disable"), "off", &Value::Null).await.1;
    assert_eq!((&off["enabled"], &off["disabled_reason"]), (&json!(false), &json!("switched-off")));
    assert_eq!(code(&owner.post(&format!("{at}/test"), "off?", &Value::Null).await), (409, "disabled"));
    let on = owner.post(&format!("{at}/enable"), "on", &Value::Null).await.1;
    assert_eq!((&on["enabled"], &on["disabled_reason"]), (&json!(true), &Value::Null));
    assert_eq!(send(&owner, Method::DELETE, &at).await, (StatusCode::NO_CONTENT, Value::Null));
    for path in [at.clone(), format!("{at}/secret"), format!("{at}/deliveries"), format!("{at}/deliveries/1")] {
        assert_eq!(code(&owner.get(&path).await), (404, "not-found"), "{path}");
    }
    let actions = store.texts("SELECT action AS value FROM audit WHERE object LIKE 'webhook:%' ORDER BY id").await;
    let told = ["added", "tested", "secret_replaced", "tested", "changed", "disabled", "enabled", "deleted"];
    assert_eq!(actions, told.map(|action| format!("webhook.{action}")));
    assert_eq!(store.count("audit WHERE action LIKE 'webhook.%' AND user_id IS NULL").await, 0);
});

/// A store whose name server knows nobody.
fn without_names() -> Options {
    let names = Names::Given(Arc::new(|_: &str| Vec::<IpAddr>::new()));
    Options { reach: Reach { names, ..Reach::demo() }, ..Options::default() }
}

on_both_databases!(an_endpoint_that_cannot_be_is_refused, without_names(), async |store| {
    let owner = store.api(Role::Owner, Scope::Write).await;
    let events = json!(["order.succeeded"]);
    let asked = [
        (json!({ "url": "https://10.0.0.1/hook", "events": events }), "url"),
        (json!({ "url": "https://[::ffff:192.168.0.1]/hook", "events": events }), "url"),
        (json!({ "url": "https://user:secret@example.org/", "events": events }), "url"),
        (json!({ "url": "ftp://example.org/", "events": events }), "url"),
        (json!({ "url": "-", "events": events }), "url"),
        (json!({ "url": "http://127.0.0.1:1/", "events": [] }), "events"),
        (json!({ "url": "http://127.0.0.1:1/", "events": ["order.eaten"] }), "events"),
        (json!({ "url": "http://127.0.0.1:1/", "events": ["webhook.test"] }), "events"),
        (json!({ "url": "http://127.0.0.1:1/", "events": events, "description": "x".repeat(201) }), "description"),
    ];
    let endpoint = added(&owner, "http://127.0.0.1:1/", "one").await;
    for (number, (body, field)) in asked.into_iter().enumerate() {
        let refused = owner.post(LIST, &format!("k{number}"), &body).await;
        assert_eq!(
            (code(&refused), &refused.1["errors"][0]["field"]),
            ((422, "unprocessable"), &json!(field)),
            "{body}"
        );
        let refused = read(owner.request(Method::PUT, &endpoint).json(&body).send().await.unwrap()).await;
        assert_eq!(code(&refused), (422, "unprocessable"), "{body}");
    }
    // A name that is unknown now may be known in a minute: that answer is not kept.
    let unknown = json!({ "url": "http://example.org/hook", "events": events });
    for _ in 0..2 {
        let request = owner.request(Method::POST, LIST).header("idempotency-key", "name").json(&unknown);
        let answer = request.send().await.unwrap();
        assert!(!answer.headers().contains_key("idempotency-replayed"));
        let refused = read(answer).await;
        assert_eq!((code(&refused), &refused.1["errors"][0]["field"]), ((422, "unknown-address"), &json!("url")));
    }
    for body in [json!({}), json!({ "url": 1, "events": [] }), json!({ "url": "-", "events": events, "secret": "-" })] {
        assert_eq!(code(&owner.post(LIST, "form", &body).await), (422, "unprocessable"), "{body}");
    }
    let long = json!({ "keep_old_hours": 169 });
    assert_eq!(code(&owner.post(&format!("{endpoint}/secret"), "long", &long).await), (422, "unprocessable"));
    for hours in [0, 721] {
        let body = json!({ "hours": hours });
        assert_eq!(code(&owner.post(&format!("{endpoint}/redeliver"), "h", &body).await), (422, "unprocessable"));
    }
    for n in 1..16 {
        added(&owner, "http://127.0.0.1:1/", &format!("more {n}").replace(' ', "-")).await;
    }
    let one_more = json!({ "url": "http://127.0.0.1:1/", "events": events });
    assert_eq!(code(&owner.post(LIST, "too-many", &one_more).await), (409, "too-many"));
    assert_eq!(store.count("webhook_endpoint").await, 16);
});

on_both_databases!(every_delivery_is_on_one_page_while_others_are_made, standing(), async |store| {
    let receiver = Receiver::start().await;
    let owner = store.api(Role::Owner, Scope::Write).await;
    let (at, other) = (added(&owner, &receiver.url(), "a").await, added(&owner, &receiver.url(), "b").await);
    for _ in 0..4 {
        store.bought(&BOOKS, GOOD_CARD).await;
    }
    let there =
        store.texts("SELECT CAST(id AS TEXT) AS value FROM webhook_delivery WHERE endpoint_id = 1 ORDER BY id DESC");
    let there = there.await;
    assert_eq!(there.len(), 12);
    for limit in [1, 5, 100] {
        let rows = owner
            .turned(&format!("{at}/deliveries?limit={limit}"), async || {
                if store.count("webhook_delivery").await < 40 {
                    store.bought(&BOOKS[..1], GOOD_CARD).await;
                }
            })
            .await;
        let ids: Vec<String> = rows.iter().map(|row| row["id"].to_string()).collect();
        assert!(ids.ends_with(&there), "limit {limit}: {ids:?}");
    }
    // A cursor is good for its endpoint with its filter.
    let next = owner.found(&format!("{at}/deliveries?limit=2")).await["next"].as_str().unwrap().to_owned();
    let cursor = next.split("cursor=").nth(1).unwrap();
    for path in [format!("{other}/deliveries?cursor={cursor}"), format!("{at}/deliveries?state=failed&cursor={cursor}")]
    {
        assert_eq!(code(&owner.get(&path).await), (400, "bad-cursor"), "{path}");
    }
    for query in ["limit=0", "limit=101", "state=gone", "page=2"] {
        assert_eq!(code(&owner.get(&format!("{at}/deliveries?{query}")).await), (400, "bad-request"), "{query}");
    }
    // Of another endpoint it is none of this one's.
    let foreign = owner.found(&format!("{other}/deliveries?limit=1")).await["data"][0]["id"].clone();
    assert_eq!(code(&owner.get(&format!("{at}/deliveries/{foreign}")).await), (404, "not-found"));
    let again = format!("{at}/deliveries/{foreign}/redeliver");
    assert_eq!(code(&owner.post(&again, "foreign", &Value::Null).await), (404, "not-found"));
});

on_both_databases!(what_was_given_up_is_sent_again_and_once, standing(), async |store| {
    let receiver = Receiver::start().await;
    let owner = store.api(Role::Owner, Scope::Write).await;
    let at = added(&owner, &receiver.url(), "a").await;
    store.bought(&BOOKS, GOOD_CARD).await;
    owner.post(&format!("{at}/disable"), "off", &Value::Null).await;
    let failed = owner.turned(&format!("{at}/deliveries?state=failed&limit=2"), async || {}).await;
    assert_eq!((failed.len(), &failed[0]["state"], &failed[0]["next_at"]), (3, &json!("failed"), &Value::Null));
    let hour = json!({ "hours": 1 });
    assert_eq!(code(&owner.post(&format!("{at}/redeliver"), "off?", &hour).await), (409, "disabled"));
    owner.post(&format!("{at}/enable"), "on", &Value::Null).await;
    let one = format!("{at}/deliveries/{}/redeliver", failed[0]["id"]);
    for _ in 0..2 {
        assert_eq!(owner.post(&one, "one", &Value::Null).await, (StatusCode::NO_CONTENT, Value::Null));
    }
    assert_eq!(store.count("webhook_delivery WHERE state = 'waiting'").await, 1);
    for _ in 0..2 {
        let (status, all) = owner.post(&format!("{at}/redeliver"), "all", &hour).await;
        assert_eq!((status, &all), (StatusCode::OK, &json!({ "deliveries": 2 })));
    }
    assert_eq!(code(&owner.post(&format!("{at}/redeliver"), "more", &hour).await), (409, "nothing-to-do"));
    store.deliver_webhooks().await;
    assert_eq!(receiver.taken().len(), 3);
    assert_eq!(store.count("audit WHERE action = 'webhook.redelivered' AND user_id IS NOT NULL").await, 2);
});

/// What a request under a key that died before its answer would have changed with.
async fn lost(store: &Store, api: &Api, path: &str, key: &str, body: &str) -> Actor {
    let request = shop::secrets::hash(&format!("POST {path}\n{body}"));
    match store.shop.begin_once(api.account, key, &request).await.unwrap() {
        Once::Begin(begun) => Actor::Program(api.account, begun.mark()),
        other => panic!("{other:?}"),
    }
}

on_both_databases!(what_was_done_before_the_answer_was_lost_is_told_and_not_done_again, standing(), async |store| {
    let owner = store.api(Role::Owner, Scope::Write).await;
    let at = added(&owner, "http://127.0.0.1:1/", "a").await;
    let shop = &store.shop;
    // Several tests: it is told of its own.
    let test = format!("{at}/test");
    let actor = lost(store, &owner, &test, "test", "null").await;
    let delivery = shop.test_webhook_endpoint(&actor, 1).await.unwrap().unwrap();
    shop.test_webhook_endpoint(&Actor::Command, 1).await.unwrap();
    // There was nothing to switch, and somebody switches it since.
    let enable = format!("{at}/enable");
    let actor = lost(store, &owner, &enable, "on", "null").await;
    shop.switch_webhook_endpoint(&actor, 1, true).await.unwrap();
    shop.switch_webhook_endpoint(&Actor::Command, 1, false).await.unwrap();
    shop.clock().advance(TimeDelta::minutes(2));
    let told = owner.post(&test, "test", &Value::Null).await;
    assert_eq!(told, (StatusCode::ACCEPTED, json!({ "delivery": delivery })));
    assert_eq!(store.count("webhook_delivery").await, 2);
    let (status, endpoint) = owner.post(&enable, "on", &Value::Null).await;
    assert_eq!((status, &endpoint["enabled"]), (StatusCode::OK, &json!(false)));
    // All sent again: nothing is left, which is no refusal.
    shop.switch_webhook_endpoint(&Actor::Command, 1, true).await.unwrap();
    let again = format!("{at}/redeliver");
    let actor = lost(store, &owner, &again, "all", "{\"hours\":1}").await;
    assert_eq!(shop.redeliver_failed_webhooks(&actor, 1, 1).await.unwrap(), Ok(2));
    shop.clock().advance(TimeDelta::minutes(2));
    let told = owner.post(&again, "all", &json!({ "hours": 1 })).await;
    assert_eq!(told, (StatusCode::OK, json!({ "deliveries": 0 })));
    assert_eq!(store.count("audit WHERE action = 'webhook.redelivered'").await, 1);
    // Deleted is deleted, once.
    shop.delete_webhook_endpoint(&Actor::Command, 1).await.unwrap();
    assert!(matches!(shop.delete_webhook_endpoint(&Actor::Command, 1).await, Err(Error::NotFound)));
    for on in [true, false] {
        assert!(matches!(shop.switch_webhook_endpoint(&Actor::Command, 1, on).await, Err(Error::NotFound)));
    }
    assert_eq!(store.count("webhook_endpoint WHERE state = 'deleted'").await, 1);
    assert_eq!(store.count("audit WHERE action = 'webhook.deleted'").await, 1);
});

/// So many deliveries that wait until tomorrow, and one that is on its way.
async fn crowd(store: &Store, many: usize) {
    let at = store.shop.clock().now();
    let tomorrow = at + TimeDelta::days(1);
    let series = match store.backend {
        Backend::Sqlite => {
            format!("WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {many}) SELECT n FROM c")
        }
        Backend::Postgres => format!("SELECT n FROM generate_series(1, {many}) AS c(n)"),
    };
    store
        .execute(&format!(
            "INSERT INTO webhook_message (public_id, type, body, created_at) \
             SELECT 'msg_' || n, 'order.succeeded', '{{}}', '{at}' FROM ({series}) AS s"
        ))
        .await;
    store
        .execute(&format!(
            "INSERT INTO webhook_delivery (message_id, endpoint_id, state, attempts, next_at) \
             SELECT id, 1, 'waiting', 1, '{tomorrow}' FROM webhook_message"
        ))
        .await;
    store
        .execute(&format!(
            "UPDATE webhook_delivery SET state = 'leased', lease_until = '{tomorrow}' \
             WHERE id = (SELECT MAX(id) FROM webhook_delivery)"
        ))
        .await;
}

/// How many rows have the same value in a column, at most.
async fn most_alike(store: &Store, column: &str, condition: &str) -> i64 {
    let each = format!("SELECT COUNT(*) AS n FROM webhook_delivery WHERE {condition} GROUP BY {column}");
    let most = store.texts(&format!("SELECT CAST(COALESCE(MAX(n), 0) AS TEXT) AS value FROM ({each}) AS e")).await;
    most[0].parse().unwrap()
}

fn without_workers() -> Options {
    Options { workers: false, webhooks: false, ..Options::default() }
}

on_both_databases!(a_crowd_is_given_up_and_sent_again_in_pieces_of_at_most_500, without_workers(), async |store| {
    let owner = store.api(Role::Owner, Scope::Write).await;
    let at = added(&owner, "http://127.0.0.1:1/", "a").await;
    crowd(store, 1_201).await;
    let off = owner.post(&format!("{at}/disable"), "off", &Value::Null).await.1;
    // What is on its way may still get there.
    assert_eq!((&off["failed"], &off["waiting"]), (&json!(1_200), &json!(1)));
    // Each transaction has a time of its own.
    assert_eq!(most_alike(store, "finished_at", "state = 'failed'").await, 500);
    owner.post(&format!("{at}/enable"), "on", &Value::Null).await;
    let all = owner.post(&format!("{at}/redeliver"), "all", &json!({ "hours": 1 })).await.1;
    assert_eq!(all, json!({ "deliveries": 1_200 }));
    assert_eq!(most_alike(store, "next_at", "state = 'waiting'").await, 500);
    let pieces = store.texts("SELECT after AS value FROM audit WHERE action = 'webhook.redelivered' ORDER BY id").await;
    let deliveries = |text: &String| serde_json::from_str::<Value>(text).unwrap()["deliveries"].as_i64().unwrap();
    assert_eq!(pieces.iter().map(deliveries).collect::<Vec<_>>(), [500, 500, 200]);
    // What a process that died has left, the worker gives up.
    store.execute("UPDATE webhook_endpoint SET state = 'disabled', reason = 'gone'").await;
    let tomorrow = store.shop.clock().now() + TimeDelta::days(1);
    store.execute(&format!("UPDATE webhook_delivery SET next_at = '{tomorrow}' WHERE state = 'waiting'")).await;
    store.execute("UPDATE webhook_delivery SET lease_until = '2000-01-01 00:00:00' WHERE state = 'leased'").await;
    store.deliver_webhooks().await;
    assert_eq!(store.count("webhook_delivery WHERE state = 'failed'").await, 1_201);
    assert!(most_alike(store, "finished_at", "state = 'failed'").await <= 500);
    // Deleted, too.
    owner.post(&format!("{at}/enable"), "on-again", &Value::Null).await;
    owner.post(&format!("{at}/redeliver"), "once-more", &json!({ "hours": 1 })).await;
    assert_eq!(send(&owner, Method::DELETE, &at).await.0, StatusCode::NO_CONTENT);
    assert_eq!(store.count("webhook_delivery WHERE state <> 'failed'").await, 0);
    assert!(most_alike(store, "finished_at", "state = 'failed'").await <= 500);
});
