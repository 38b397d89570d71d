//! What is kept of webhooks, for how long, and that a buyer who is forgotten stands in none of it.

use super::{BOOKS, standing};
use crate::support::{GOOD_CARD, Receiver, on_both_databases, schema};
use chrono::TimeDelta;
use shop::audit::Actor;
use shop::hooks::{EventType, NewEndpoint};

on_both_databases!(row_45_a_buyer_who_is_forgotten_stands_in_no_webhook, standing(), async |store| {
    let receiver = Receiver::start().await;
    // An endpoint that knows more than it was told, and tells it.
    receiver.answer(500, &[], "no account for Ann@Example.org here");
    let new = NewEndpoint {
        url: format!("http://{}/hook?for=ann@example.org", receiver.address),
        description: "Of ann@example.org".into(),
        events: EventType::ALL.to_vec(),
    };
    store.shop.add_webhook_endpoint(&Actor::Command, &new).await.unwrap().unwrap();
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    store.deliver_webhooks().await;
    assert_eq!(store.count("webhook_attempt WHERE answer LIKE '%Ann@Example.org%'").await, 4);
    let before = store.count("webhook_message").await;
    store.shop.erase_buyer(&"ann@example.org".parse().unwrap(), &Actor::Command).await.unwrap().unwrap();
    for (table, columns) in schema() {
        for column in columns.iter().filter(|column| column.kind == "Text") {
            let name = format!("{table}.{}", column.name);
            let found =
                store.count(&format!("{table} WHERE lower(\"{}\") LIKE '%ann@example.org%'", column.name)).await;
            assert_eq!(found > 0, name == "invoice.buyer_snapshot", "{name}");
        }
    }
    // That her titles are gone was told, and not whose they were.
    assert_eq!(store.count("webhook_message").await, before + 2);
    let told = store.texts("SELECT body AS value FROM webhook_message ORDER BY id DESC").await.remove(0);
    assert!(told.contains("erased") && told.contains(&bought.number.to_string()) && !told.contains('@'), "{told}");
});

on_both_databases!(what_was_sent_is_forgotten_after_a_month, standing(), async |store| {
    let receiver = Receiver::start().await;
    let (actor, clock) = (Actor::Command, store.shop.clock());
    let kept = store.endpoint(&receiver.url(), EventType::ALL).await;
    let deleted = store.endpoint(&receiver.url(), EventType::ALL).await;
    store.bought(&BOOKS, GOOD_CARD).await;
    store.deliver_webhooks().await;
    store.shop.delete_webhook_endpoint(&actor, deleted).await.unwrap();
    assert!(store.shop.webhook_endpoint(deleted).await.is_err());
    clock.advance(TimeDelta::days(30));
    store.bought(&BOOKS[..1], GOOD_CARD).await;
    assert_eq!(store.shop.forget_old_webhooks().await.unwrap(), 0);
    assert_eq!((store.count("webhook_delivery").await, store.count("webhook_endpoint").await), (11, 2));
    clock.advance(TimeDelta::seconds(1));
    assert_eq!(store.shop.forget_old_webhooks().await.unwrap(), 4);
    assert_eq!((store.count("webhook_delivery").await, store.count("webhook_attempt").await), (3, 0));
    // The deleted one has gone with the last of its deliveries, and no secret is ever made from its id again.
    assert_eq!(store.count("webhook_endpoint").await, 1);
    let next = store.endpoint(&receiver.url(), EventType::ALL).await;
    assert!(next > deleted && deleted > kept);
    // What waits is never forgotten.
    clock.advance(TimeDelta::days(60));
    assert_eq!(store.shop.forget_old_webhooks().await.unwrap(), 0);
    store.deliver_webhooks().await;
    assert_eq!(store.shop.forget_old_webhooks().await.unwrap(), 3);
    assert_eq!(store.count("webhook_message").await, 0);
});
