//! Webhooks of the store's own: what is told, signed how, sent when, and to whom never. The signatures are checked by the
//! official library.

mod desk;
mod kept;
mod reach;
mod sending;

use crate::refunds::full;
use crate::support::{Bought, GOOD_CARD, Options, Receiver, Store, Taken, on_both_databases};
use chrono::{TimeDelta, Utc};
use shop::Clock;
use shop::audit::Actor;
use shop::hooks::EventType;
use standardwebhooks::Webhook;
use std::collections::BTreeSet;

const BOOKS: [&str; 2] = ["the-first-book", "the-second-book"];

/// Nothing happens by itself, and time stands still until a test moves it.
fn standing() -> Options {
    Options { workers: false, webhooks: false, clock: Clock::manual(Utc::now().naive_utc()), ..Options::default() }
}

/// The secret that the desk shows.
async fn secret(store: &Store, endpoint: i64) -> String {
    store.shop.new_webhook_secret(endpoint).await.unwrap().expect("it is new")
}

/// What the official library says.
fn verifies(secret: &str, taken: &Taken) -> bool {
    Webhook::new(secret).unwrap().verify(taken.body.as_bytes(), &taken.headers).is_ok()
}

async fn item_of(store: &Store, bought: &Bought) -> i64 {
    let sql =
        "SELECT CAST(i.id AS TEXT) AS value FROM order_item i JOIN orders o ON o.id = i.order_id WHERE o.number = ";
    let items = store.texts(&format!("{sql}'{}' ORDER BY i.position", bought.number.as_str())).await;
    items[0].parse().unwrap()
}

on_both_databases!(what_happens_is_told_and_the_official_library_believes_it, standing(), async |store| {
    let receiver = Receiver::start().await;
    let endpoint = store.endpoint(&receiver.url(), EventType::ALL).await;
    let key = secret(store, endpoint).await;
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    assert_eq!(receiver.taken().len(), 0);
    store.deliver_webhooks().await;
    let taken = receiver.taken();
    let kinds: BTreeSet<String> = receiver.kinds().into_iter().collect();
    assert_eq!(taken.len(), 4);
    assert_eq!(kinds.into_iter().collect::<Vec<_>>(), ["entitlement.granted", "invoice.created", "order.succeeded"]);
    let other = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    for one in &taken {
        assert!(verifies(&key, one) && !verifies(other, one));
        let changed = Taken { body: one.body.replace(&bought.number.to_string(), "ABCDE-FGHJK"), ..one.clone() };
        assert!(!verifies(&key, &changed));
        assert_eq!(one.header("content-type"), "application/json");
        assert!(one.header("user-agent").starts_with("Octavo/") && one.header("webhook-id").starts_with("msg_"));
        let payload = one.json();
        assert_eq!(payload["version"], 1);
        assert!(payload["timestamp"].as_str().unwrap().ends_with('Z'), "{payload}");
        assert_eq!(payload["data"]["order"], bought.number.to_string());
        assert!(!one.body.contains('@'), "{payload}");
    }
    let order = taken.iter().find(|one| one.kind() == "order.succeeded").unwrap().json();
    assert_eq!(
        order["data"],
        serde_json::json!({
            "order": bought.number.to_string(),
            "total": { "amount": 1_298, "currency": "USD" },
            "country": order["data"]["country"],
            "books": BOOKS,
            "gift": false,
        })
    );
    let invoice = taken.iter().find(|one| one.kind() == "invoice.created").unwrap().json();
    assert_eq!(
        invoice["data"],
        serde_json::json!({
            "order": bought.number.to_string(),
            "number": store.texts("SELECT number AS value FROM invoice").await[0],
            "reason": "sale",
            "total": { "amount": 1_298, "currency": "USD" },
            "tax": { "amount": 0, "currency": "USD" },
            "corrects": null,
        })
    );
    // Nothing is due any more, and each is told once.
    store.deliver_webhooks().await;
    assert_eq!(receiver.taken().len(), 4);
    assert_eq!(store.count("webhook_delivery WHERE state = 'delivered'").await, 4);
    assert_eq!(store.count("webhook_attempt WHERE status = 200 AND answer = 'thanks'").await, 4);
});

on_both_databases!(each_type_is_told_to_those_who_listen_for_it, standing(), async |store| {
    let (all, refunds) = (Receiver::start().await, Receiver::start().await);
    store.endpoint(&all.url(), EventType::ALL).await;
    store.endpoint(&refunds.url(), &[EventType::OrderRefunded, EventType::OrderRefundFailed]).await;
    let told = async |before: usize| {
        store.deliver_webhooks().await;
        let mut kinds = all.kinds().split_off(before);
        kinds.sort();
        kinds
    };
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    assert_eq!(told(0).await, ["entitlement.granted", "entitlement.granted", "invoice.created", "order.succeeded"]);
    // The desk takes a title back and gives it back.
    let (actor, item) = (Actor::Command, item_of(store, &bought).await);
    for (withdraw, kind) in [(true, "entitlement.revoked"), (false, "entitlement.restored")] {
        let before = all.taken().len();
        store.shop.withdraw_title(&bought.number, item, withdraw, &actor).await.unwrap().unwrap();
        assert_eq!(told(before).await, [kind]);
        let data = all.taken().last().unwrap().json()["data"].clone();
        let reason = if withdraw { serde_json::json!("withdrawn") } else { serde_json::Value::Null };
        assert_eq!((&data["book"], &data["reason"]), (&serde_json::json!(BOOKS[0]), &reason));
    }
    // A bank asks, and decides.
    let before = all.taken().len();
    let events = store.sandbox.event_count();
    let dispute = store.sandbox.open_dispute(&bought.session, "fraudulent", false).unwrap();
    store.deliver_all(&store.sandbox.events_after(events)).await;
    assert_eq!(told(before).await, ["entitlement.frozen", "entitlement.frozen"]);
    let (before, events) = (all.taken().len(), store.sandbox.event_count());
    assert!(store.sandbox.close_dispute(&dispute, true));
    store.deliver_all(&store.sandbox.events_after(events)).await;
    assert_eq!(told(before).await, ["entitlement.restored", "entitlement.restored"]);
    // Money goes back, and later does not. (Of another order: a bank that was asked refunds nothing.)
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    store.deliver_webhooks().await;
    let before = all.taken().len();
    store.shop.refund(&bought.number, &full()).await.unwrap();
    assert_eq!(
        told(before).await,
        ["credit_note.created", "entitlement.revoked", "entitlement.revoked", "order.refunded"]
    );
    let documents = async |kind: &str| {
        let told = all.taken().into_iter().rfind(|one| one.kind() == kind).unwrap().json()["data"].clone();
        let number = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        (number(&told["number"]), number(&told["corrects"]), told["total"]["amount"].as_i64().unwrap())
    };
    let (note, invoice, total) = documents("credit_note.created").await;
    assert_eq!(total, 1_298);
    assert_eq!(store.count(&format!("invoice WHERE number = '{invoice}' AND reason = 'sale'")).await, 1);
    let refunded = refunds.taken();
    assert_eq!(refunded.len(), 1);
    let data = refunded[0].json()["data"].clone();
    assert_eq!(data["amount"], serde_json::json!({ "amount": 1_298, "currency": "USD" }));
    assert!(data["refund"].as_str().unwrap().starts_with("re_"), "{data}");
    let (before, events) = (all.taken().len(), store.sandbox.event_count());
    let refund = data["refund"].as_str().unwrap().to_owned();
    assert!(store.sandbox.finish_refund(&refund, false));
    store.deliver_all(&store.sandbox.events_after(events)).await;
    assert_eq!(
        told(before).await,
        ["entitlement.restored", "entitlement.restored", "invoice.created", "order.refund_failed"]
    );
    let (_, corrected, total) = documents("invoice.created").await;
    assert_eq!((corrected, total), (note, 1_298));
    // Told again, nothing has happened.
    let before = all.taken().len();
    store.deliver_all(&store.sandbox.events()).await;
    assert_eq!(told(before).await, [""; 0]);
    assert_eq!(refunds.kinds(), ["order.refunded", "order.refund_failed"]);
    assert_eq!(store.count("webhook_message WHERE body LIKE '%@%'").await, 0);
});

on_both_databases!(downloads_are_told_as_often_as_a_use_is_taken, standing(), async |store| {
    let receiver = Receiver::start().await;
    store.endpoint(&receiver.url(), &[EventType::DownloadClaimed, EventType::DownloadRenewed]).await;
    let browser = store.browser();
    let (_, number) = store.buy(&browser, &BOOKS[..1], "ann@example.org").await;
    let token = browser.token(&number, BOOKS[0]).await;
    for _ in 0..2 {
        // The second click finds the first one's use.
        browser.claimed(&token, "epub").await;
    }
    store.deliver_webhooks().await;
    assert_eq!(receiver.kinds(), ["download.claimed"]);
    let data = receiver.taken()[0].json()["data"].clone();
    assert_eq!(data, serde_json::json!({ "order": number.to_string(), "book": BOOKS[0], "by": "buyer" }));
    let items = store.texts("SELECT CAST(id AS TEXT) AS value FROM order_item").await;
    store.shop.renew_title(&number, items[0].parse().unwrap(), &Actor::Command).await.unwrap().unwrap();
    store.deliver_webhooks().await;
    assert_eq!(receiver.kinds(), ["download.claimed", "download.renewed"]);
    assert_eq!(receiver.taken()[1].json()["data"]["by"], "desk");
});

on_both_databases!(where_nobody_listens_nothing_is_written, standing(), async |store| {
    let receiver = Receiver::start().await;
    let endpoint = store.endpoint(&receiver.url(), EventType::ALL).await;
    let actor = Actor::Command;
    store.shop.switch_webhook_endpoint(&actor, endpoint, false).await.unwrap();
    // One listens for something else, and one is gone.
    store.endpoint(&receiver.url(), &[EventType::DownloadRenewed]).await;
    let gone = store.endpoint(&receiver.url(), EventType::ALL).await;
    store.shop.delete_webhook_endpoint(&actor, gone).await.unwrap();
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    store.shop.refund(&bought.number, &full()).await.unwrap();
    assert_eq!((store.count("webhook_message").await, store.count("webhook_delivery").await), (0, 0));
    assert_eq!(store.shop.webhook_endpoints_with_work().await.unwrap(), [0_i64; 0]);
    // Whichever process switches it on, the next thing is told.
    let second = store.second(crate::support::WEBHOOK_SECRET).await;
    second.shop.switch_webhook_endpoint(&actor, endpoint, true).await.unwrap();
    store.bought(&BOOKS, GOOD_CARD).await;
    assert_eq!(store.count("webhook_message").await, 4);
});

on_both_databases!(a_secret_is_replaced_without_a_gap, standing(), async |store| {
    let receiver = Receiver::start().await;
    let endpoint = store.endpoint(&receiver.url(), EventType::ALL).await;
    let actor = Actor::Command;
    let last = async || {
        store.shop.test_webhook_endpoint(&actor, endpoint).await.unwrap().expect("enabled");
        store.deliver_webhooks().await;
        receiver.taken().pop().unwrap()
    };
    let old = secret(store, endpoint).await;
    let taken = last().await;
    assert_eq!((taken.kind().as_str(), taken.header("webhook-signature").split(' ').count()), ("webhook.test", 1));
    assert!(verifies(&old, &taken));
    store.shop.rotate_webhook_secret(&actor, endpoint, 24).await.unwrap();
    let new = secret(store, endpoint).await;
    assert_ne!(new, old);
    let taken = last().await;
    assert_eq!(taken.header("webhook-signature").split(' ').count(), 2);
    assert!(verifies(&old, &taken) && verifies(&new, &taken));
    // It is shown for ten minutes, and never again.
    store.shop.clock().advance(TimeDelta::minutes(10));
    assert_eq!(store.shop.new_webhook_secret(endpoint).await.unwrap(), None);
    store.shop.rotate_webhook_secret(&actor, endpoint, 0).await.unwrap();
    let newest = secret(store, endpoint).await;
    let taken = last().await;
    assert_eq!(taken.header("webhook-signature").split(' ').count(), 1);
    // For the library's own clock this one is from the future: its signature is made instead.
    let signs = |key: &str| {
        let at = taken.header("webhook-timestamp").parse().unwrap();
        let signature = Webhook::new(key).unwrap().sign(taken.header("webhook-id"), at, taken.body.as_bytes());
        signature.unwrap() == taken.header("webhook-signature")
    };
    assert!(signs(&newest) && !signs(&new) && !signs(&old));
    // No table has any of them.
    for secret in [old, new, newest] {
        let bare = secret.trim_start_matches("whsec_").to_owned();
        for column in ["url", "description", "events"] {
            assert_eq!(store.count(&format!("webhook_endpoint WHERE {column} LIKE '%{bare}%'")).await, 0);
        }
    }
    let actions = store.texts("SELECT action AS value FROM audit ORDER BY id").await;
    assert_eq!(actions.iter().filter(|action| *action == "webhook.secret_replaced").count(), 2, "{actions:?}");
});
