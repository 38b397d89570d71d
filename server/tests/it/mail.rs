//! Mail on its way: row 40, refusals, defects, and what the letters say.

use crate::support::{GOOD_CARD, Mail, MailWay, OWNER, Options, Store, location, message_ids, on_both_databases};
use chrono::{TimeDelta, Utc};
use futures::{StreamExt as _, TryStreamExt as _};
use reqwest::StatusCode;
use shop::mailer::MailFault;
use shop::types::OrderNumber;
use shop::{BrowserSecret, Clock, Error};
use std::collections::{BTreeMap, BTreeSet};
use stripe_sandbox::PayOutcome;

/// A store whose clock stands still, and which does nothing by itself.
fn by_hand(mail: MailWay) -> Options {
    let clock = Clock::manual(Utc::now().naive_utc());
    Options { workers: false, webhooks: false, clock, mail, ..Options::default() }
}

fn paid(store: &Store, session: &str, email: &str) {
    let outcome = store.sandbox.pay(session, GOOD_CARD, email);
    assert!(matches!(outcome, PayOutcome::Completed { .. }), "{outcome:?}");
}

/// So many paid orders, each with its mail in the outbox.
async fn orders(store: &Store, count: usize) {
    futures::stream::iter(0..count)
        .map(async |i| {
            let session = store.quick_checkout(&["the-third-book"], &BrowserSecret::generate()).await;
            paid(store, &session, &format!("buyer{i}@example.org"));
            store.shop.reconcile(&session).await.map(drop)
        })
        .buffer_unordered(8)
        .try_collect::<()>()
        .await
        .unwrap_or_else(|error: Error| panic!("{error}"));
    assert_eq!(store.count("outbox WHERE state = 'queued'").await, i64::try_from(count).unwrap());
}

async fn ids_in_outbox(store: &Store) -> BTreeSet<String> {
    store.texts("SELECT message_id AS value FROM outbox").await.into_iter().collect()
}

on_both_databases!(row_40_a_relay_that_is_away_gets_all_500_mails_once, by_hand(MailWay::Sink("")), async |store| {
    let sink = store.sink.as_ref().unwrap();
    orders(store, 500).await;
    // Nobody listens.
    sink.stop();
    store.send_all().await;
    assert_eq!(store.count("outbox WHERE state = 'queued' AND attempts = 1 AND error LIKE '%onnection%'").await, 500);
    // Not before their time.
    assert_eq!(store.shop.work_on_outbox().await.unwrap(), 0);
    // It is back, and busy with something else.
    sink.restart();
    sink.answer("down");
    store.shop.clock().advance(TimeDelta::seconds(76));
    store.send_all().await;
    assert_eq!(store.count("outbox WHERE state = 'queued' AND attempts = 2 AND error LIKE '%451%'").await, 500);
    sink.answer("up");
    store.shop.clock().advance(TimeDelta::seconds(151));
    store.send_all().await;
    assert_eq!(store.count("outbox WHERE state = 'sent' AND attempts = 3 AND error IS NULL").await, 500);
    let arrived = message_ids(&sink.taken());
    assert_eq!((arrived.len(), arrived.into_iter().collect()), (500, ids_in_outbox(store).await));
    store.shop.clock().advance(TimeDelta::days(4));
    assert_eq!(store.shop.work_on_outbox().await.unwrap(), 0);
    assert_eq!(sink.taken().len(), 500);
});

on_both_databases!(
    row_40_a_crash_before_our_commit_repeats_a_mail_once_under_its_id,
    by_hand(MailWay::Memory),
    async |store| {
        orders(store, 20).await;
        // Four are taken by the relay, and then the process is gone: nothing is marked.
        store.memory.next([MailFault::HangAfterSending; 4]);
        let working = tokio::spawn({
            let shop = store.shop.clone();
            async move { shop.work_on_outbox().await }
        });
        store.until("four mails have left", async || store.memory.sent().len() == 4).await;
        working.abort();
        assert!(working.await.unwrap_err().is_cancelled());
        assert_eq!(store.count("outbox WHERE state = 'leased'").await, 8);
        // The next process leaves them alone as long as the lease lasts.
        store.send_all().await;
        assert_eq!((store.memory.sent().len(), store.count("outbox WHERE state = 'sent'").await), (4 + 12, 12));
        store.shop.clock().advance(TimeDelta::seconds(151));
        // This time one is taken, and we crash before the mark, but live.
        store.memory.next([MailFault::PanicAfterSending]);
        store.send_all().await;
        store.shop.clock().advance(TimeDelta::minutes(3));
        store.send_all().await;
        assert_eq!(store.count("outbox WHERE state = 'sent'").await, 20);
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        for id in message_ids(&store.memory.sent()) {
            *times.entry(id).or_default() += 1;
        }
        assert_eq!(times.keys().cloned().collect::<BTreeSet<_>>(), ids_in_outbox(store).await);
        // Each crash repeats what was on its way, once.
        let mut repeated: Vec<usize> = times.into_values().filter(|times| *times > 1).collect();
        repeated.sort_unstable();
        assert!(repeated == [2, 2, 2, 2, 2] || repeated == [2, 2, 2, 3], "{repeated:?}");
    }
);

on_both_databases!(row_40_two_workers_send_nothing_twice, by_hand(MailWay::Memory), async |store| {
    orders(store, 60).await;
    futures::future::join_all((0..4).map(|_| store.send_all())).await;
    assert_eq!(store.count("outbox WHERE state = 'sent' AND attempts = 1").await, 60);
    assert_eq!(message_ids(&store.memory.sent()).into_iter().collect::<BTreeSet<_>>().len(), 60);
    assert_eq!(store.memory.sent().len(), 60);
});

on_both_databases!(
    a_mail_that_is_refused_is_given_up_at_once_and_no_other,
    by_hand(MailWay::Sink("")),
    async |store| {
        let sink = store.sink.as_ref().unwrap();
        orders(store, 3).await;
        // A relay that greets nobody does not mean these mails.
        sink.answer("closed");
        store.send_all().await;
        assert_eq!(store.count("outbox WHERE state = 'queued' AND error LIKE '%554%'").await, 3);
        sink.answer("refuse");
        store.shop.clock().advance(TimeDelta::seconds(76));
        store.send_all().await;
        assert_eq!(
            store.count("outbox WHERE state = 'dead' AND attempts = 2 AND error LIKE '%no such mailbox%'").await,
            3
        );
        assert_eq!((sink.taken().len(), store.shop.mail_backlog().await.unwrap().dead), (0, 3));
        // An address that this relay cannot write down.
        sink.answer("up");
        orders_again(store).await;
        bought_by(store, "zoë@example.org").await;
        store.send_all().await;
        assert_eq!(store.count("outbox WHERE state = 'dead' AND error LIKE '%non-ascii%'").await, 1);
        // One whose domain is written in letters of another alphabet can be.
        orders_again(store).await;
        bought_by(store, "zoe@exämple.org").await;
        store.send_all().await;
        assert_eq!(Mail::parse(&sink.taken()[0]).header("To"), "zoe@xn--exmple-cua.org");
        assert_eq!(sink.taken().len(), 1);
    }
);

on_both_databases!(a_relay_that_takes_no_more_today_costs_no_mail, by_hand(MailWay::Sink("")), async |store| {
    let sink = store.sink.as_ref().unwrap();
    orders(store, 2).await;
    // 550 to everybody, from a relay that is well otherwise.
    sink.answer("quota");
    store.send_all().await;
    assert_eq!(store.count("outbox WHERE state = 'queued' AND attempts = 1 AND error LIKE '%5.4.5%'").await, 2);
    sink.answer("up");
    store.shop.clock().advance(TimeDelta::seconds(76));
    store.send_all().await;
    assert_eq!((sink.taken().len(), store.count("outbox WHERE state = 'sent' AND attempts = 2").await), (2, 2));
});

async fn orders_again(store: &Store) {
    orders(store, 1).await;
}

/// What waits in the outbox was bought under this address.
async fn bought_by(store: &Store, address: &str) {
    let theirs = "id IN (SELECT order_id FROM outbox WHERE state = 'queued')";
    store.execute(&format!("UPDATE orders SET email = '{address}' WHERE {theirs}")).await;
    store.execute(&format!("UPDATE outbox SET recipient = '{address}' WHERE state = 'queued'")).await;
}

on_both_databases!(a_wrong_password_costs_no_mail, by_hand(MailWay::Sink("ann:wrong@")), async |store| {
    orders(store, 2).await;
    store.send_all().await;
    assert_eq!(store.count("outbox WHERE state = 'queued' AND attempts = 1 AND error LIKE '%535%'").await, 2);
    assert_eq!(store.sink.as_ref().unwrap().taken().len(), 0);
});

on_both_databases!(a_relay_may_ask_for_a_password, by_hand(MailWay::Sink("ann:right@")), async |store| {
    orders(store, 2).await;
    store.send_all().await;
    assert_eq!(store.count("outbox WHERE state = 'sent'").await, 2);
    assert_eq!(store.sink.as_ref().unwrap().taken().len(), 2);
});

on_both_databases!(a_panic_in_one_mail_is_a_failure_of_that_one, by_hand(MailWay::Memory), async |store| {
    orders(store, 3).await;
    store.memory.next([MailFault::Panic]);
    store.send_all().await;
    assert_eq!((store.memory.sent().len(), store.count("outbox WHERE state = 'sent'").await), (2, 2));
    assert_eq!(store.count("outbox WHERE state = 'queued' AND error LIKE 'a defect%'").await, 1);
    // A row that a later version has queued waits for that version; one that no attempt ends is put aside.
    store.execute("UPDATE outbox SET kind = 'from_the_future' WHERE state = 'queued'").await;
    store.shop.clock().advance(TimeDelta::minutes(2));
    store.send_all().await;
    assert_eq!(
        store.count("outbox WHERE state = 'queued' AND attempts = 2 AND error LIKE '%from_the_future%'").await,
        1
    );
    store.execute("UPDATE outbox SET kind = 'receipt' WHERE state = 'queued'").await;
    store.shop.clock().advance(TimeDelta::minutes(5));
    store.send_all().await;
    assert_eq!(store.count("outbox WHERE state = 'sent'").await, 3);
});

on_both_databases!(after_about_three_days_a_mail_is_given_up, by_hand(MailWay::Memory), async |store| {
    orders(store, 1).await;
    store.memory.next([MailFault::Fail; 30]);
    let (begun, mut tries) = (store.shop.clock().now(), 0);
    while store.count("outbox WHERE state = 'queued'").await == 1 {
        store.send_all().await;
        tries += 1;
        store.shop.clock().advance(TimeDelta::minutes(if tries < 9 { 5 << tries } else { 360 }));
        assert!(tries <= 30);
    }
    assert_eq!(tries, 22);
    assert!(store.shop.clock().now() - begun > TimeDelta::days(3));
    assert_eq!(store.count("outbox WHERE state = 'dead' AND attempts = 22 AND error LIKE '451%'").await, 1);
    store.shop.clock().advance(TimeDelta::days(30));
    assert_eq!(store.shop.work_on_outbox().await.unwrap(), 0);
});

on_both_databases!(without_a_way_mail_waits, Options { mail: MailWay::Nowhere, ..Options::default() }, async |store| {
    store.buy(&store.browser(), &["the-first-book"], "ann@example.org").await;
    store.settle().await;
    assert_eq!(store.shop.work_on_outbox().await.unwrap(), 0);
    assert_eq!(store.count("outbox WHERE state = 'queued' AND attempts = 0").await, 1);
    assert_eq!(store.shop.mail_backlog().await.unwrap().waiting, 1);
});

/// The one link of this kind in a mail; both parts have it.
fn link(mail: &Mail, start: &str) -> String {
    let link = mail.text.split_whitespace().find(|word| word.starts_with(start)).expect("a link").to_owned();
    assert!(mail.html.contains(&format!("href=\"{link}\"")), "{link} is not in {}", mail.html);
    link
}

on_both_databases!(a_receipt_comes_by_itself_and_opens_the_order_for_its_reader, async |store| {
    let (_, number) = store.buy(&store.browser(), &["the-first-book", "the-second-book"], "Ann.Lee@example.org").await;
    store.until("the receipt has come", async || store.memory.sent().len() == 1).await;
    store.settle().await;
    let mail = store.mails().remove(0);
    assert_eq!(mail.header("From"), "\"Test Books\" <books@example.com>");
    assert_eq!(mail.header("To"), "Ann.Lee@example.org");
    assert_eq!(mail.header("Reply-To"), OWNER);
    assert_eq!(mail.header("Auto-Submitted"), "auto-generated");
    assert_eq!(mail.header("Subject"), format!("Your books and your receipt from Test Books (order {number})"));
    assert_eq!(vec![mail.header("Message-ID").to_owned()], store.texts("SELECT message_id AS value FROM outbox").await);
    for part in [&mail.text, &mail.html] {
        for words in
            ["The first book", "The second book", "Ann Lee", "$7.99", "$4.99", "$12.98", "INV-", "your library"]
        {
            assert!(part.contains(words), "{words} is not in {part}");
        }
        assert!(part.contains(&number.to_string()) && !part.contains("Tax") && !part.contains("Discount"));
    }
    // The secret is made for the mail; nothing that is kept has it.
    let link = link(&mail, &format!("{}/orders/{number}#", store.url));
    assert_eq!(link, store.shop.order_link(&number).await.unwrap());
    let secret = link.split('#').nth(1).unwrap();
    for column in ["payload", "dedupe_key", "message_id"] {
        assert!(!store.texts(&format!("SELECT {column} AS value FROM outbox")).await.concat().contains(secret));
    }
    let reader = store.browser();
    let opened = reader.post("/actions/open-order", &[("number", number.as_str()), ("secret", secret)]).await;
    assert_eq!((opened.status(), location(&opened)), (StatusCode::SEE_OTHER, format!("/orders/{number}")));
    assert!(reader.text(&format!("/orders/{number}")).await.contains("The second book"));
});

on_both_databases!(a_free_order_gets_its_link_and_no_receipt, async |store| {
    let browser = store.browser();
    browser.add(&["a-free-book"]).await;
    browser.start_checkout().await;
    let snapshot = crate::support::hidden(&browser.text("/checkout/free").await, "snapshot").unwrap();
    let form = [("email", "ann@example.org"), ("snapshot", snapshot.as_str())];
    browser.post_from("/checkout/free", "/actions/checkout-free", &form).await;
    store.until("the link has come", async || store.memory.sent().len() == 1).await;
    let mail = store.mails().remove(0);
    assert!(mail.header("Subject").starts_with("Your free book from Test Books (order "));
    assert!(!mail.text.contains("Total") && !mail.html.contains("Total") && mail.text.contains("A free book"));
    let number: OrderNumber = store.texts("SELECT number AS value FROM orders").await[0].parse().unwrap();
    assert_eq!(link(&mail, &format!("{}/orders/", store.url)), store.shop.order_link(&number).await.unwrap());
    store.settle().await;
});

/// What Stripe and buyers name may hold anything; the mail says it and nothing else.
const HOSTILE: &str = "A title\r\nBcc: thief@example.com\r\n\r\n<script>alert(1)</script>";

on_both_databases!(row_39_a_hostile_title_stays_in_its_line, by_hand(MailWay::Sink("")), async |store| {
    orders(store, 1).await;
    let set = store.texts("SELECT CAST(id AS TEXT) AS value FROM order_item").await.remove(0);
    let title = match store.backend {
        crate::support::Backend::Sqlite => {
            HOSTILE.replace('\r', "' || char(13) || '").replace('\n', "' || char(10) || '")
        }
        crate::support::Backend::Postgres => {
            HOSTILE.replace('\r', "' || chr(13) || '").replace('\n', "' || chr(10) || '")
        }
    };
    store.execute(&format!("UPDATE order_item SET title_snapshot = '{title}' WHERE id = {set}")).await;
    store.send_all().await;
    let mail = Mail::parse(&store.sink.as_ref().unwrap().taken()[0]);
    let names: Vec<&str> = mail.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        ["From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "Reply-To", "MIME-Version", "Content-Type"]
    );
    assert!(
        mail.text.contains("\n- A title Bcc: thief@example.com <script>alert(1)</script> by Ann Lee: $12.00"),
        "{}",
        mail.text
    );
    assert!(
        !mail.html.contains("<script") && mail.html.contains("A title Bcc: thief@example.com &#60;script"),
        "{}",
        mail.html
    );
});

/// Queues a mail as the parts that refund and dispute do.
async fn queue(store: &Store, kind: &str, to: &str, payload: &str) {
    store
        .execute(&format!(
            "INSERT INTO outbox (kind, recipient, order_id, payload, dedupe_key, message_id, state, attempts, created_at, next_at) \
             SELECT '{kind}', '{to}', id, '{payload}', '{kind}:{payload}', '<{kind}@example.com>', 'queued', 0, paid_at, paid_at FROM orders"
        ))
        .await;
}

on_both_databases!(a_refund_is_told_with_what_goes_and_what_stays, by_hand(MailWay::Memory), async |store| {
    let session = store.quick_checkout(&["the-first-book", "the-second-book"], &BrowserSecret::generate()).await;
    paid(store, &session, "ann@example.org");
    store.shop.reconcile(&session).await.unwrap();
    store
        .execute(
            "INSERT INTO refund (id, stripe_id, order_id, amount, tax, currency, status, created_at, updated_at) \
         SELECT 1, 're_1', id, 799, 0, currency, 'succeeded', paid_at, paid_at FROM orders",
        )
        .await;
    store
        .execute(
            "INSERT INTO refund_item (refund_id, order_item_id, amount, tax, revokes) \
         SELECT 1, id, unit_amount, 0, unit_amount = 799 FROM order_item WHERE unit_amount = 799",
        )
        .await;
    store.execute(
        "UPDATE entitlement SET state = 'revoked' WHERE order_item_id IN (SELECT id FROM order_item WHERE unit_amount = 799)",
    ).await;
    queue(store, "refund_notice", "ann@example.org", "{\"refund_id\":1}").await;
    store.send_all().await;
    let mail = store.mails().into_iter().find(|mail| mail.header("Subject").contains("refund")).unwrap();
    assert!(mail.header("Subject").starts_with("Your refund of $7.99 from Test Books"));
    assert_eq!(mail.header("Reply-To"), OWNER);
    let (gone, kept) = (mail.text.find("No longer in your library").unwrap(), mail.text.find("Stays yours").unwrap());
    let (first, second) = (mail.text.find("The first book").unwrap(), mail.text.find("The second book").unwrap());
    assert!(gone < first && first < kept && kept < second, "{}", mail.text);
    assert!(mail.text.contains("a part of your order") && mail.html.contains("a part of your order"));
    link(&mail, &format!("{}/orders/", store.url));
    assert!(mail.text.contains("Open your book:"));
    for table in ["outbox WHERE kind = 'refund_notice'", "refund_item", "refund"] {
        store.execute(&format!("DELETE FROM {table}")).await;
    }
    store.execute("UPDATE entitlement SET state = 'active'").await;
});

on_both_databases!(a_refund_that_has_failed_meanwhile_is_not_told_any_more, by_hand(MailWay::Memory), async |store| {
    let bought = store.bought(&["the-first-book"], GOOD_CARD).await;
    let refund = store.shop.refund(&bought.number, &crate::refunds::full()).await.unwrap().stripe_id.unwrap();
    let before = store.sandbox.event_count();
    assert!(store.sandbox.finish_refund(&refund, false));
    store.deliver_all(&store.sandbox.events_after(before)).await;
    store.send_all().await;
    assert!(store.mails().iter().all(|mail| !mail.header("Subject").contains("refund")));
    let put_aside = "outbox WHERE kind = 'refund_notice' AND state = 'dead' AND error LIKE '%time was over%'";
    assert_eq!(store.count(put_aside).await, 1);
});

on_both_databases!(a_dispute_is_told_to_the_owner_with_its_deadline, by_hand(MailWay::Memory), async |store| {
    orders(store, 1).await;
    for (id, status) in [(1, "needs_response"), (2, "won")] {
        store.execute(&format!(
            "INSERT INTO dispute (id, stripe_id, order_id, amount, currency, status, reason, evidence_due_by, created_at, updated_at) \
             SELECT {id}, 'du_{id}', id, 1200, currency, '{status}', 'product_not_received', '2026-12-01 23:59:59', paid_at, paid_at FROM orders"
        )).await;
        store.execute(&format!("UPDATE entitlement SET state = '{}'", if id == 1 { "frozen" } else { "active" })).await;
        store.execute("DELETE FROM outbox WHERE kind = 'dispute_notice'").await;
        queue(store, "dispute_notice", OWNER, &format!("{{\"dispute_id\":{id}}}")).await;
        store.send_all().await;
    }
    let mails: Vec<Mail> = store.mails().into_iter().filter(|mail| mail.header("To") == OWNER).collect();
    assert_eq!(mails.len(), 2);
    assert!(mails.iter().all(|mail| !mail.headers.iter().any(|(name, _)| name == "Reply-To")));
    let (open, won) = (&mails[0], &mails[1]);
    assert!(open.header("Subject").starts_with("Dispute opened: $12.00 of order "));
    for part in [&open.text, &open.html] {
        for words in ["1 December 2026, 23:59 UTC", "product not received", "needs response", "suspended"] {
            assert!(part.contains(words), "{words} is not in {part}");
        }
    }
    link(open, "https://dashboard.stripe.com/test/disputes/du_1");
    assert!(won.header("Subject").starts_with("Dispute won") && won.text.contains("the bank decided for you"));
    assert!(won.text.contains("The order's titles are open again.") && won.html.contains("open again"));
    assert!(!won.text.contains("1 December") && !won.text.contains("suspended"));
    store.execute("DELETE FROM outbox WHERE kind = 'dispute_notice'").await;
    store.execute("DELETE FROM dispute").await;
});
