//! An order that moves to another address: who is told of it, who is let in, and who is shut out.

use super::on_shelf;
use crate::support::{Store, by_hand, location, on_both_databases};
use reqwest::StatusCode;
use shop::audit::Actor;
use shop::outbox::Resent;
use shop::types::OrderNumber;

async fn moved(store: &Store, number: &OrderNumber, new: &str) -> Result<(), shop::Error> {
    store.shop.correct_address(number, &new.parse().unwrap(), &Actor::Command).await
}

on_both_databases!(an_order_moves_to_the_right_address_and_both_are_told, async |store| {
    let buyer = store.browser();
    let (_, number) = store.buy(&buyer, &["the-first-book"], "anm@example.org").await;
    store.settle().await;
    let token = buyer.token(&number, "the-first-book").await;
    moved(store, &number, "Ann@example.org").await.unwrap();
    store.settle().await;
    let mails = store.mails();
    let [old, new] =
        ["anm@example.org", "Ann@example.org"].map(|to| mails.iter().rfind(|mail| mail.header("To") == to).unwrap());
    for part in [&old.text, &old.html] {
        assert!(part.contains("We have moved it to another one") && !part.contains("Ann@") && !part.contains("ol_"));
    }
    assert!(new.text.contains("/library") && new.header("Subject").contains("is under this address now"));
    // The browser that paid keeps what it paid for.
    assert_eq!(buyer.token(&number, "the-first-book").await, token);
    let reader = store.browser();
    store.library(&reader, "ann@example.org").await;
    assert!(on_shelf(&reader, "the-first-book").await.contains("Download EPUB"));
    let before = store.brought().len();
    store.browser().request_access("anm@example.org").await;
    store.settle().await;
    assert_eq!(store.brought().len(), before);
    // From the command line, and back again: each time both are told.
    for new in ["bob@example.org", "ann@example.org"] {
        let (status, said) = store.octavo(&["order-address", &number.to_string(), new]).await;
        assert_eq!((status, said.contains(new)), (0, true), "{said}");
    }
    store.settle().await;
    assert_eq!(store.count("outbox WHERE kind IN ('address_left', 'address_came') AND state = 'sent'").await, 6);
    assert!(reader.text("/library").await.contains("The first book"));
    let (status, said) = store.octavo(&["order-address", &number.to_string(), "ann@example.org"]).await;
    assert_eq!((status, said.contains("already")), (1, true), "{said}");
    assert!(matches!(moved(store, &"ABCDEFGHJK".parse().unwrap(), "x@example.org").await, Err(shop::Error::NotFound)));
});

on_both_databases!(the_mailbox_that_an_order_has_left_is_shut_out, by_hand(), async |store| {
    let (payer, wrong, right) = (store.browser(), store.browser(), store.browser());
    let (_, number) = store.buy(&payer, &["the-first-book"], "anm@example.org").await;
    let (order, slug) = (format!("/orders/{number}"), "the-first-book");
    let secret = async || store.shop.order_link(&number).await.unwrap().split('#').nth(1).unwrap().to_owned();
    let old = secret().await;
    wrong.open_order(store, &number).await;
    let token = wrong.token(&number, slug).await;
    // The receipt has not left yet, or was given up.
    for (state, new) in [("queued", "bob@example.org"), ("dead", "Ann@example.org")] {
        store.execute(&format!("UPDATE outbox SET state = '{state}' WHERE kind = 'receipt'")).await;
        moved(store, &number, new).await.unwrap();
        assert_eq!(store.count(&format!("outbox WHERE kind = 'receipt' AND recipient = '{new}'")).await, 1);
    }
    let open = [("number", number.as_str()), ("secret", old.as_str())];
    assert_eq!(wrong.post("/actions/open-order", &open).await.status(), StatusCode::FORBIDDEN);
    let page = wrong.text(&order).await;
    assert!(page.contains("Code from the mail") && !page.contains("The first book") && !page.contains("Ann@"));
    assert_eq!(location(&wrong.claim(&token, "epub").await), format!("/library?next=/d/{token}"));
    assert_eq!(wrong.post("/actions/renew-download", &[("token", &token)]).await.status(), StatusCode::FORBIDDEN);
    // Who paid and who reads the right mail are in.
    assert_eq!(payer.token(&number, slug).await, token);
    right.open_order(store, &number).await;
    assert_eq!(right.token(&number, slug).await, token);

    let ids = store.texts("SELECT CAST(id AS TEXT) AS value FROM outbox WHERE kind = 'receipt'").await;
    let receipt: i64 = ids[0].parse().unwrap();
    assert_eq!(store.shop.resend_mail(receipt, &Actor::Command).await.unwrap(), Resent::Queued("dead".into()));
    store.send_all().await;
    let with_link = |link: &str| -> Vec<String> {
        let mails = store.mails().into_iter().filter(|mail| mail.text.contains(link) || mail.html.contains(link));
        mails.map(|mail| mail.header("To").to_owned()).collect()
    };
    let new = secret().await;
    assert_eq!((with_link(&old), with_link(&new)), (Vec::new(), vec!["Ann@example.org".to_owned()]));
    // Both moves were told to those whom they concern.
    assert_eq!(store.count("outbox WHERE kind = 'address_left' AND recipient = 'anm@example.org'").await, 1);
    assert_eq!(store.count("outbox WHERE kind LIKE 'address_%' AND recipient = 'bob@example.org'").await, 2);

    // It came back after all, which stands where it was sent to; sent again, it goes where the order is.
    store.execute("UPDATE outbox SET state = 'bounced' WHERE kind = 'receipt'").await;
    moved(store, &number, "eve@example.org").await.unwrap();
    assert_eq!(store.count("outbox WHERE kind = 'receipt' AND recipient = 'Ann@example.org'").await, 1);
    assert_eq!(store.shop.resend_mail(receipt, &Actor::Command).await.unwrap(), Resent::Queued("bounced".into()));
    store.send_all().await;
    assert_eq!(with_link(&secret().await), ["eve@example.org"]);
    // A worker had it already when the order moved: it is not sent where the order is no more.
    store.execute("UPDATE outbox SET state = 'queued', recipient = 'Ann@example.org' WHERE kind = 'receipt'").await;
    let before = store.mails().len();
    store.send_all().await;
    assert_eq!(store.mails().len(), before);
    let put_off = "outbox WHERE kind = 'receipt' AND state = 'queued' AND recipient = 'eve@example.org'";
    assert_eq!(store.count(put_off).await, 1);
});
