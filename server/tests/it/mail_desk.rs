//! Mail that needs a person: what the operator sees of it, and has sent once more.

use crate::support::{GOOD_CARD, MailWay, Options, Program, Store, message_ids, on_both_databases};
use serde_json::json;
use shop::audit::Actor;
use shop::outbox::Resent;

/// Nothing happens by itself; mail goes to a relay.
fn by_hand() -> Options {
    Options { workers: false, webhooks: false, mail: MailWay::Sink(""), ..Options::default() }
}

/// The ids of all mails, oldest first.
async fn ids(store: &Store) -> Vec<i64> {
    let ids = store.texts("SELECT CAST(id AS TEXT) AS value FROM outbox ORDER BY id").await;
    ids.iter().map(|id| id.parse().unwrap()).collect()
}

on_both_databases!(the_operator_sees_what_was_given_up_and_has_it_sent_again, by_hand(), async |store| {
    let sink = store.sink.as_ref().unwrap();
    let bought = store.bought(&["the-first-book"], GOOD_CARD).await;
    store.bought(&["the-second-book"], GOOD_CARD).await;
    sink.answer("refuse");
    store.send_all().await;
    sink.answer("up");
    let ids = ids(store).await;
    let (first, second) = (ids[0].to_string(), ids[1].to_string());
    let (code, said) = store.octavo(&["mail", "list", "--state", "dead"]).await;
    assert_eq!((code, said.lines().count()), (0, 2), "{said}");
    // The newest first.
    let line = said.lines().last().unwrap();
    for words in ["dead", &first, "receipt", &bought.number.to_string(), "ann@example.org", "no such mailbox"] {
        assert!(line.contains(words), "{words} is not in {line}");
    }
    assert_eq!(store.octavo(&["mail", "list", "--limit", "1"]).await.1.lines().count(), 1);
    assert_eq!(store.octavo(&["mail", "list", "--state", "sent"]).await, (0, String::new()));
    assert!(store.octavo(&["mail", "list", "--state", "lost"]).await.1.contains("possible values"));
    let (_, said) = store.octavo(&["doctor"]).await;
    assert!(said.contains("mail: 0 to be sent, 2 given up (octavo mail list --state dead)"), "{said}");

    let (code, said) = store.octavo(&["mail", "resend", &first, "999999"]).await;
    assert_eq!(code, 1);
    assert!(
        said.contains(&format!("{first} was dead and is due now")) && said.contains("999999 is not a mail"),
        "{said}"
    );
    // Under its own Message-ID, by whichever process is open.
    let _program = Program::start(store, None).await;
    store.until("it is sent", async || store.count("outbox WHERE state = 'sent'").await == 1).await;
    store.until("it has arrived", async || sink.taken().len() == 1).await;
    let named = store.texts(&format!("SELECT message_id AS value FROM outbox WHERE id = {first}")).await;
    assert_eq!(message_ids(&sink.taken()), named);
    // Once it has arrived there is nothing to send; the other one still lies there.
    let (code, said) = store.octavo(&["mail", "resend", &first]).await;
    assert!(code == 1 && said.contains(&format!("{first} is sent: there is nothing to send again")), "{said}");
    assert_eq!(store.count(&format!("outbox WHERE id = {second} AND state = 'dead'")).await, 1);
    assert_eq!(store.octavo(&["mail", "resend", &second]).await.0, 0);
    store.until("both are sent", async || store.count("outbox WHERE state = 'sent'").await == 2).await;
});

on_both_databases!(what_came_back_goes_out_under_another_name, by_hand(), async |store| {
    let sink = store.sink.as_ref().unwrap();
    store.bought(&["the-first-book"], GOOD_CARD).await;
    store.send_all().await;
    let id = ids(store).await[0];
    let name = async || store.texts("SELECT message_id AS value FROM outbox").await.remove(0);
    let first = name().await;
    let bounced =
        json!({ "type": "message.bounced", "data": { "message_id_header": first, "reason": "mailbox full" } });
    assert_eq!(store.tell_of_mail(&bounced).await.1, "kept");
    let listed = store.shop.list_mails(Some("bounced".into()), 10).await.unwrap();
    assert_eq!((listed.len(), listed[0].id, listed[0].error.as_deref()), (1, id, Some("mailbox full")));
    assert_eq!(store.shop.resend_mail(id, &Actor::Command).await.unwrap(), Resent::Queued("bounced".into()));
    assert_eq!(store.shop.violations().await.unwrap(), []);
    store.send_all().await;
    let second = name().await;
    assert_ne!(second, first);
    assert_eq!(message_ids(&sink.taken()), [first.clone(), second.clone()]);
    // What the provider still has to say about the first one is about none of ours.
    assert_eq!(store.tell_of_mail(&bounced).await.1, "ignored");
    assert_eq!(store.count("outbox WHERE state = 'sent' AND attempts = 1").await, 1);
    let delivered = json!({ "type": "message.delivered", "data": { "message_id_header": second } });
    assert_eq!(store.tell_of_mail(&delivered).await.1, "kept");
    assert_eq!(store.shop.resend_mail(id, &Actor::Command).await.unwrap(), Resent::NotNeeded("delivered".into()));
});

on_both_databases!(what_waits_is_sent_at_once_and_what_is_on_its_way_is_left_to_its_worker, by_hand(), async |store| {
    let sink = store.sink.as_ref().unwrap();
    store.bought(&["the-first-book"], GOOD_CARD).await;
    sink.answer("down");
    store.send_all().await;
    sink.answer("up");
    let id = ids(store).await[0];
    assert_eq!(store.shop.work_on_outbox().await.unwrap(), 0, "it waits");
    assert_eq!(store.shop.resend_mail(id, &Actor::Command).await.unwrap(), Resent::Queued("queued".into()));
    assert_eq!(store.shop.work_on_outbox().await.unwrap(), 1);
    assert_eq!((sink.taken().len(), store.count("outbox WHERE state = 'sent'").await), (1, 1));
    store.execute("UPDATE outbox SET state = 'leased', lease_until = '2999-01-01 00:00:00'").await;
    assert_eq!(store.shop.resend_mail(id, &Actor::Command).await.unwrap(), Resent::BeingSent);
    store.execute("UPDATE outbox SET state = 'sent', lease_until = NULL").await;
    assert_eq!(store.shop.resend_mail(id + 1, &Actor::Command).await.unwrap(), Resent::Unknown);
});
