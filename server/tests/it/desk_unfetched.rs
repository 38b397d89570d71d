//! The desk's list of what was paid for and never fetched.

use crate::refunds::full;
use crate::support::{GOOD_CARD, Options, Store, by_hand, hidden, on_both_databases};
use chrono::{TimeDelta, Utc};
use shop::Clock;
use shop::audit::Actor;
use shop::desk::{FormKey, Gift, MailState, Unfetched};
use shop::types::{OrderNumber, Role};

const BOOKS: [&str; 2] = ["the-first-book", "the-second-book"];
const LIST: &str = "/admin/orders/not-fetched";

fn patient() -> Options {
    Options { clock: Clock::manual(Utc::now().naive_utc()), ..by_hand() }
}

async fn all(store: &Store) -> Vec<Unfetched> {
    store.shop.unfetched(None).await.unwrap().rows
}

on_both_databases!(what_nobody_has_fetched_is_listed_until_somebody_does, async |store| {
    assert_eq!(all(store).await, []);
    let buyer = store.browser();
    let (_, number) = store.buy(&buyer, &BOOKS, "ann@example.org").await;
    let other = store.bought(&BOOKS[..1], GOOD_CARD).await;
    let gift = Gift {
        email: "eva@example.org".parse().unwrap(),
        books: vec![BOOKS[1].parse().unwrap()],
        key: FormKey::generate(),
    };
    store.shop.give(&gift, &Actor::Command).await.unwrap().unwrap();

    // The newest first, and no gift; as many as the figures say.
    let found = all(store).await;
    let orders: Vec<&OrderNumber> = found.iter().map(|title| &title.order).collect();
    assert_eq!(orders, [&other.number, &number, &number]);
    assert_eq!((found[0].days, found[0].total.minor(), found[0].over), (0, 799, false));
    assert_eq!(store.shop.board(|_| None).await.unwrap().now.never_fetched(), 3);

    let token = buyer.token(&number, BOOKS[0]).await;
    buyer.download(&token, "pdf").await;
    let found = all(store).await;
    assert_eq!(found.len(), 2);
    assert_eq!(store.shop.board(|_| None).await.unwrap().now.never_fetched(), 2);

    // What goes back to the store nobody needs to fetch.
    store.shop.refund(&other.number, &full()).await.unwrap();
    assert_eq!(all(store).await.len(), 1);
});

on_both_databases!(a_title_that_was_fetched_after_its_renewal_is_not_listed, by_hand(), async |store| {
    let buyer = store.browser();
    let (_, number) = store.buy(&buyer, &BOOKS[..1], "ann@example.org").await;
    let item = store.texts("SELECT CAST(id AS TEXT) AS value FROM order_item").await[0].parse().unwrap();
    store.shop.renew_title(&number, item, &Actor::Command).await.unwrap().unwrap();
    assert_eq!(all(store).await.len(), 1, "renewed, and still not fetched");
    let token = buyer.token(&number, BOOKS[0]).await;
    buyer.download(&token, "pdf").await;
    assert_eq!(all(store).await, []);
});

on_both_databases!(the_list_is_turned_page_by_page, by_hand(), async |store| {
    for _ in 0..3 {
        store.bought(&BOOKS, GOOD_CARD).await;
    }
    let whole = all(store).await;
    assert_eq!(whole.len(), 6);
    let (mut read, mut at, mut pages) = (Vec::new(), None, Vec::new());
    loop {
        let page = store.shop.unfetched_of(at.as_deref(), 4).await.unwrap();
        read.extend(page.rows.clone());
        pages.push(page.clone());
        let Some(next) = page.after else { break };
        at = Some(next);
    }
    assert_eq!((read, pages.len()), (whole.clone(), 2));
    let back = store.shop.unfetched_of(pages[1].before.as_deref(), 4).await.unwrap();
    assert_eq!((back.rows, back.before), (pages[0].rows.clone(), None));
    // A cursor that is not of this list begins it.
    assert_eq!(store.shop.unfetched(Some("nonsense")).await.unwrap().rows, whole);
});

on_both_databases!(what_cannot_be_fetched_stops_no_page, by_hand(), async |store| {
    let mut numbers = Vec::new();
    for _ in 0..5 {
        numbers.push(store.bought(&BOOKS, GOOD_CARD).await.number);
    }
    // Six titles in the middle are taken back: more than are looked at in one go.
    for number in &numbers[1..4] {
        let items = format!(
            "SELECT CAST(i.id AS TEXT) AS value FROM order_item i JOIN orders o ON o.id = i.order_id \
             WHERE o.number = '{}'",
            number.as_str()
        );
        for item in store.texts(&items).await {
            let taken = store.shop.withdraw_title(number, item.parse().unwrap(), true, &Actor::Command).await;
            taken.unwrap().unwrap();
        }
    }
    let (mut read, mut at) = (Vec::new(), None);
    loop {
        let page = store.shop.unfetched_of(at.as_deref(), 1).await.unwrap();
        read.extend(page.rows.into_iter().map(|title| title.order));
        let Some(next) = page.after else { break };
        at = Some(next);
    }
    let left = [&numbers[4], &numbers[4], &numbers[0], &numbers[0]];
    assert_eq!(read.iter().collect::<Vec<_>>(), left);
});

on_both_databases!(what_cost_nothing_and_what_was_an_erased_buyers_is_left_out, by_hand(), async |store| {
    let browser = store.browser();
    browser.add(&["a-free-book"]).await;
    browser.start_checkout().await;
    let snapshot = hidden(&browser.text("/checkout/free").await, "snapshot").unwrap();
    let form = [("email", "bob@example.org"), ("snapshot", snapshot.as_str())];
    browser.post_from("/checkout/free", "/actions/checkout-free", &form).await;
    assert_eq!(store.count("orders WHERE status = 'succeeded' AND amount_total = 0").await, 1);
    assert_eq!(all(store).await, []);
    store.bought(&BOOKS, GOOD_CARD).await;
    assert_eq!(all(store).await.len(), 2);
    store.shop.erase_buyer(&"ann@example.org".parse().unwrap(), &Actor::Command).await.unwrap().unwrap();
    assert_eq!(all(store).await, []);
});

on_both_databases!(where_the_link_is_over_a_new_one_is_sent, patient(), async |store| {
    let number = store.bought(&BOOKS[..1], GOOD_CARD).await.number;
    assert!(!all(store).await[0].over);
    store.shop.clock().advance(TimeDelta::days(8));
    assert!(all(store).await[0].over);
    let support = store.desk(Role::Support).await;
    let page = support.text(LIST).await;
    assert!(page.contains("admin-renew-link") && page.contains("Send a new link"), "{page}");
    assert!(!page.contains("admin-resend-receipt"), "{page}");
    let old = store.shop.order_link(&number).await.unwrap();
    let answer = support.post_from(LIST, "/actions/admin-renew-link", &[("number", number.as_str())]).await;
    assert!(answer.status().is_redirection());
    let new = store.shop.order_link(&number).await.unwrap();
    assert_ne!(new, old);
    while store.shop.work_on_outbox().await.unwrap() > 0 {}
    let secret = new.split('#').nth(1).unwrap();
    let letter = |bytes: &Vec<u8>| String::from_utf8_lossy(bytes).replace("=\r\n", "");
    assert!(store.memory.sent().iter().any(|bytes| letter(bytes).contains(secret)));
    let title = all(store).await.remove(0);
    assert!(!title.over && title.mail == Some(MailState::Sent), "{title:?}");
    assert!(support.text(LIST).await.contains("admin-resend-receipt"));
});

on_both_databases!(the_page_says_whose_and_lets_the_mail_go_out_again, by_hand(), async |store| {
    let (viewer, support) = (store.desk(Role::Viewer).await, store.desk(Role::Support).await);
    assert!(viewer.text(LIST).await.contains("Whoever bought a book has fetched it."));
    let bought = store.bought(&BOOKS[..1], GOOD_CARD).await;
    assert_eq!(all(store).await[0].mail, Some(MailState::Waiting));
    store.execute("UPDATE outbox SET state = 'bounced', error = 'mailbox full' WHERE kind = 'receipt'").await;
    assert_eq!(all(store).await[0].mail, Some(MailState::Bounced));

    let number = bought.number.to_string();
    let page = viewer.text(LIST).await;
    assert!(page.contains(&format!("/admin/orders/{number}")) && page.contains("Came back"), "{page}");
    assert!(!page.contains("ann@example.org") && !page.contains("admin-resend-receipt"), "{page}");
    let page = support.text(LIST).await;
    assert!(page.contains("ann@example.org") && page.contains("admin-resend-receipt"), "{page}");
    let answer = support.post_from(LIST, "/actions/admin-resend-receipt", &[("number", &number)]).await;
    assert!(answer.status().is_redirection());
    assert_eq!(all(store).await[0].mail, Some(MailState::Waiting));
    assert!(viewer.text("/admin").await.contains(LIST));
});
