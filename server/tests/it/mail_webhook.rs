//! What the mail provider says about mails that it took.

use crate::support::{Door, MAIL_SECRET, Options, Store, mail_signature, on_both_databases};
use reqwest::StatusCode;
use serde_json::{Value, json};

/// A sent receipt; gives its Message-ID.
async fn sent(store: &Store) -> String {
    store.buy(&store.browser(), &["the-third-book"], "ann@example.org").await;
    store.settle().await;
    assert_eq!(store.count("outbox WHERE state = 'sent'").await, 1);
    store.texts("SELECT message_id AS value FROM outbox").await.remove(0)
}

fn event(kind: &str, id: &str) -> Value {
    json!({ "type": kind, "timestamp": "2026-11-22T12:00:00Z", "data": {
        "event": "on_event", "recipient": "ann@example.org", "message_id_header": id, "id": "407926766d27",
        "delivery_attempt": { "smtp_code": 550, "response": "The mailbox is gone" },
    } })
}

async fn state(store: &Store) -> String {
    let row = "state || ' ' || COALESCE(error, '-') || CASE WHEN complained_at IS NULL THEN '' ELSE ' complained' END";
    store.texts(&format!("SELECT {row} AS value FROM outbox")).await.remove(0)
}

on_both_databases!(feedback_is_kept_in_any_order_and_once, async |store| {
    let id = sent(store).await;
    let tell = async |kind: &str, expected: &str| {
        let (status, said) = store.tell_of_mail(&event(kind, &id)).await;
        assert_eq!((status, said.as_str()), (StatusCode::OK, "kept"), "{kind}");
        assert_eq!(state(store).await, expected, "after {kind}");
    };
    tell("message.delivered", "delivered -").await;
    let before = store.fingerprint().await;
    tell("message.delivered", "delivered -").await;
    assert_eq!(store.fingerprint().await, before);
    tell("email.complained", "delivered - complained").await;
    // A relay that took the mail may still find out later that nobody reads it.
    tell("message.bounced", "bounced 550 The mailbox is gone complained").await;
    let before = store.fingerprint().await;
    for late in ["message.delivered", "message.bounced", "email.complained", "message.failed"] {
        tell(late, "bounced 550 The mailbox is gone complained").await;
    }
    assert_eq!(store.fingerprint().await, before);
});

on_both_databases!(feedback_that_overtakes_our_commit_is_not_lost, async |store| {
    let id = sent(store).await;
    // The relay took it, and we died before we noted that: the provider knows better.
    store.execute("UPDATE outbox SET state = 'queued', sent_at = NULL, next_at = '2999-01-01 00:00:00'").await;
    assert_eq!(store.tell_of_mail(&event("email.delivered", &id)).await.1, "kept");
    assert_eq!(state(store).await, "delivered -");
    assert_eq!(store.count("outbox WHERE sent_at IS NOT NULL AND feedback_at IS NOT NULL").await, 1);
});

on_both_databases!(events_that_are_none_of_ours_are_answered_and_ignored, async |store| {
    let id = sent(store).await;
    let before = store.fingerprint().await;
    for event in [
        event("message.delivered", "<somebody-elses@example.org>"),
        event("message.opened", &id),
        event("message.transient_error", &id),
        event("domain.dns_error", &id),
        json!({ "type": "message.delivered" }),
        json!({ "type": "message.delivered", "data": { "message_id_header": "x".repeat(10_000) } }),
    ] {
        assert_eq!(store.tell_of_mail(&event).await, (StatusCode::OK, "ignored".to_owned()));
    }
    assert_eq!(store.tell_of_mail(&json!([1])).await.0, StatusCode::BAD_REQUEST);
    assert_eq!(store.fingerprint().await, before);
});

on_both_databases!(only_the_provider_may_say_what_became_of_a_mail, async |store| {
    let id = sent(store).await;
    let (body, now) = (event("message.bounced", &id).to_string().into_bytes(), store.seconds());
    let post = async |url: &str, names: [&str; 3], at: i64, signature: &str, body: Vec<u8>| {
        let request = store.http.post(format!("{url}/webhooks/mail"));
        let request = request.header(names[0], "msg_1").header(names[1], at).header(names[2], signature);
        request.body(body).send().await.unwrap().status()
    };
    let standard = ["webhook-id", "webhook-timestamp", "webhook-signature"];
    let good = mail_signature(MAIL_SECRET, "msg_1", now, &body);
    let other = mail_signature("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "msg_1", now, &body);
    let old = mail_signature(MAIL_SECRET, "msg_1", now - 310, &body);
    let early = mail_signature(MAIL_SECRET, "msg_1", now + 320, &body);
    let altered = event("message.delivered", &id).to_string().into_bytes();
    for (at, signature, body) in [
        (now, "", body.clone()),
        (now, "v1,", body.clone()),
        (now, other.as_str(), body.clone()),
        (now, good.as_str(), altered),
        (now + 1, good.as_str(), body.clone()),
        (now - 310, old.as_str(), body.clone()),
        (now + 320, early.as_str(), body.clone()),
    ] {
        assert_eq!(post(&store.url, standard, at, signature, body).await, StatusCode::BAD_REQUEST);
    }
    let unsigned = store.http.post(format!("{}/webhooks/mail", store.url)).body(body.clone()).send().await.unwrap();
    assert_eq!(unsigned.status(), StatusCode::BAD_REQUEST);
    assert_eq!(state(store).await, "sent -");
    // A store that has no such provider has no such address; one that rotates knows both secrets.
    let without = store.door(Door { mail_secrets: None, ..Door::default() }).await;
    assert_eq!(post(&without.url, standard, now, &good, body.clone()).await, StatusCode::NOT_FOUND);
    let large = post(&store.url, standard, now, &good, vec![b' '; 600 * 1024]).await;
    assert_eq!(large, StatusCode::PAYLOAD_TOO_LARGE);
    let both = Some(format!("whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA, {MAIL_SECRET}"));
    let both = store.door(Door { mail_secrets: both, ..Door::default() }).await;
    assert_eq!(state(store).await, "sent -");
    for names in [standard, ["svix-id", "svix-timestamp", "svix-signature"]] {
        for signature in [&good, &other] {
            assert_eq!(post(&both.url, names, now, signature, body.clone()).await, StatusCode::OK);
        }
    }
    assert_eq!(state(store).await, "bounced 550 The mailbox is gone");
});

on_both_databases!(a_webhook_get_is_no_page, Options::default(), async |store| {
    assert_eq!(store.browser().get("/webhooks/mail").await.status(), StatusCode::METHOD_NOT_ALLOWED);
});
