//! What the desk does with an order: each change is seen on its timeline and undoes what it says, and no more.

use crate::refunds::{amount, full};
use crate::support::{Browser, GOOD_CARD, Store, by_hand, location, on_both_databases};
use chrono::{TimeDelta, Utc};
use futures::future::join_all;
use reqwest::StatusCode;
use shop::audit::Actor;
use shop::desk::{FormKey, Gift, MomentKind, OrderSheet, Refusal, Standing, Way};
use shop::types::{OrderNumber, RefundStatus, TokenState};
use shop::{Clock, Policy};

const BOOKS: [&str; 2] = ["the-first-book", "the-second-book"];
const DESK: Actor = Actor::Command;

fn patient() -> crate::support::Options {
    crate::support::Options { clock: Clock::manual(Utc::now().naive_utc()), ..by_hand() }
}

async fn sheet(store: &Store, number: &OrderNumber) -> OrderSheet {
    store.shop.order_sheet(number).await.unwrap().expect("an order")
}

/// How many mails were sent.
async fn sent(store: &Store) -> usize {
    while store.shop.work_on_outbox().await.unwrap() > 0 {}
    store.memory.sent().len()
}

/// The secret of the order's link as it stands.
async fn secret(store: &Store, number: &OrderNumber) -> String {
    store.shop.order_link(number).await.unwrap().split('#').nth(1).unwrap().to_owned()
}

async fn open(browser: &Browser, number: &OrderNumber, secret: &str) -> StatusCode {
    browser.post("/actions/open-order", &[("number", number.as_str()), ("secret", secret)]).await.status()
}

on_both_databases!(the_timeline_tells_the_whole_story_in_order, patient(), async |store| {
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    let tick = || store.shop.clock().advance(TimeDelta::minutes(1));
    tick();
    store.deliver_all(&store.sandbox.events_after(0)).await;
    sent(store).await;
    tick();
    let browser = store.browser();
    browser.open_order(store, &bought.number).await;
    let token = browser.token(&bought.number, BOOKS[0]).await;
    browser.download(&token, "epub").await;
    tick();
    store.shop.note_order(&bought.number, " She wrote to us. ", &DESK).await.unwrap().unwrap();
    tick();
    store.shop.refund(&bought.number, &amount(100)).await.unwrap();
    tick();
    let dispute = store.sandbox.open_dispute(&bought.session, "product_not_received", false).unwrap();
    let told = store.sandbox.event_count();
    store.deliver_all(&store.sandbox.events_after(told - 1)).await;
    tick();
    assert!(store.sandbox.close_dispute(&dispute, true));
    store.deliver_all(&store.sandbox.events_after(told)).await;

    let sheet = sheet(store, &bought.number).await;
    assert!(sheet.timeline.is_sorted_by_key(|moment| moment.at));
    let said: Vec<&str> = sheet.timeline.iter().map(|moment| moment.what.as_str()).collect();
    let mut at = 0;
    for what in [
        "Checkout begun",
        "Order placed",
        "Paid; the titles are open",
        "Stripe says checkout.session.completed",
        "Receipt sent",
        "The first book: claimed",
        "The first book (EPUB): complete",
        "She wrote to us.",
        "Refund of $1.00",
    ] {
        let found = said[at..].iter().position(|said| said.starts_with(what));
        at += found.unwrap_or_else(|| panic!("{what} does not come in {said:#?}")) + 1;
    }
    // Stripe's clock is another one than this test's.
    for what in ["Dispute about $12.98", "Dispute won", "Refund asked for"] {
        assert!(said.contains(&what), "{what} is not in {said:#?}");
    }
    let network = sheet.timeline.iter().find(|moment| moment.kind == MomentKind::Download).unwrap();
    assert!(network.detail.as_deref().is_some_and(|detail| detail.starts_with("127.0.0.0/24")), "{network:?}");
    assert_eq!((sheet.left_out, sheet.refunded.minor(), sheet.refundable.minor()), (0, 100, 1_198));
    let right = sheet.items[0].right.as_ref().unwrap();
    assert_eq!((right.state, right.uses_left, right.renewals), (TokenState::Usable, 2, 0));
    assert!(sheet.invoice.is_some() && sheet.payment.is_some());
    assert_eq!(store.shop.order_sheet(&"ABCDE-FGHJK".parse().unwrap()).await.unwrap(), None);
});

on_both_databases!(a_refund_form_that_is_sent_twice_is_one_refund, by_hand(), async |store| {
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    let (name, part) = (FormKey::generate(), amount(100));
    let both = join_all([0; 4].map(|_| store.shop.refund_once(&bought.number, &part, name, &DESK))).await;
    assert!(both.iter().all(|made| made.as_ref().is_ok_and(|made| made.amount.minor() == 100)), "{both:?}");
    let again = store.shop.refund_once(&bought.number, &part, name, &DESK).await.unwrap();
    assert_eq!(again.status, RefundStatus::Succeeded);
    assert_eq!(store.refunds_of(&bought.number).await, ["100 succeeded"]);
    // Another form is another refund.
    store.shop.refund_once(&bought.number, &part, FormKey::generate(), &DESK).await.unwrap();
    assert_eq!(store.refunds_of(&bought.number).await, ["100 succeeded"; 2]);
    // A name says nothing about another order.
    let other = store.bought(&BOOKS, GOOD_CARD).await;
    let made = store.shop.refund_once(&other.number, &part, FormKey::generate(), &DESK).await.unwrap();
    assert_eq!(made.amount.minor(), 100);
});

on_both_databases!(a_title_that_the_desk_took_back_stays_gone_until_it_gives_it_back, by_hand(), async |store| {
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    let item = sheet(store, &bought.number).await.items[0].id;
    let withdraw = async |take: bool| store.shop.withdraw_title(&bought.number, item, take, &DESK).await.unwrap();
    assert_eq!(withdraw(false).await, Err(Refusal::NothingToDo));
    withdraw(true).await.unwrap();
    assert_eq!(withdraw(true).await, Err(Refusal::NothingToDo));
    assert_eq!(store.rights(&bought.number).await, ["revoked withdrawn", "active"]);
    assert_eq!(store.shop.renew_title(&bought.number, item, &DESK).await.unwrap(), Err(Refusal::NotOpen));
    let taken = sheet(store, &bought.number).await;
    assert!(taken.items[0].withdrawn && !taken.items[1].withdrawn);
    assert_eq!(taken.items[0].right.as_ref().unwrap().text(store.shop.notation()), "Taken back by the desk");
    // Whatever else comes and goes: it is a fact of its own.
    let before = store.sandbox.event_count();
    let dispute = store.sandbox.open_dispute(&bought.session, "fraudulent", false).unwrap();
    store.deliver_all(&store.sandbox.events_after(before)).await;
    assert_eq!(store.rights(&bought.number).await, ["revoked withdrawn", "frozen disputed"]);
    assert!(store.sandbox.close_dispute(&dispute, true));
    store.deliver_all(&store.sandbox.events_after(before + 1)).await;
    assert_eq!(store.rights(&bought.number).await, ["revoked withdrawn", "active"]);
    withdraw(false).await.unwrap();
    assert_eq!(store.rights(&bought.number).await, ["active", "active"]);
    // What the money took is not the desk's to give back.
    let other = store.bought(&BOOKS, GOOD_CARD).await;
    let title = sheet(store, &other.number).await.items[1].id;
    store.shop.withdraw_title(&other.number, title, true, &DESK).await.unwrap().unwrap();
    store.shop.refund(&other.number, &full()).await.unwrap();
    assert_eq!(store.rights(&other.number).await, ["revoked refunded"; 2]);
    store.shop.withdraw_title(&other.number, title, false, &DESK).await.unwrap().unwrap();
    assert_eq!(store.rights(&other.number).await, ["revoked refunded"; 2]);
    let unknown = store.shop.withdraw_title(&bought.number, item + 1_000, true, &DESK).await;
    assert!(matches!(unknown, Err(shop::Error::NotFound)));
});

on_both_databases!(a_new_link_closes_the_old_one_and_opens_what_was_over, patient(), async |store| {
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    assert_eq!(sent(store).await, 1);
    let (old, browser) = (secret(store, &bought.number).await, store.browser());
    assert_eq!(open(&browser, &bought.number, &old).await, StatusCode::SEE_OTHER);
    // A week later neither the link nor the titles can be opened.
    store.shop.clock().advance(TimeDelta::days(8));
    let stranger = store.browser();
    assert_eq!(open(&stranger, &bought.number, &old).await, StatusCode::FORBIDDEN);
    let states = async || -> Vec<TokenState> {
        sheet(store, &bought.number).await.items.iter().map(|item| item.right.as_ref().unwrap().state).collect()
    };
    assert_eq!(states().await, [TokenState::Expired; 2]);
    let made = store.shop.renew_order_link(&bought.number, &DESK).await.unwrap().unwrap();
    assert_eq!((made.renewed, states().await), (2, vec![TokenState::Usable; 2]));
    let new = secret(store, &bought.number).await;
    assert_ne!(new, old);
    assert_eq!(open(&stranger, &bought.number, &old).await, StatusCode::FORBIDDEN);
    assert_eq!(open(&stranger, &bought.number, &new).await, StatusCode::SEE_OTHER);
    // The mail brings the new one, and another mail program's eyes see another mail.
    assert_eq!(sent(store).await, 2);
    let last = store.memory.sent().pop().unwrap();
    let text = String::from_utf8_lossy(&last).replace("=\r\n", "");
    assert!(text.contains(&new) && !text.contains(&old), "{text}");
    assert_eq!(store.count("outbox WHERE kind = 'receipt' AND state = 'sent'").await, 1);
    // Once more while all is well: no title has another link.
    assert_eq!(store.shop.renew_order_link(&bought.number, &DESK).await.unwrap().unwrap().renewed, 0);
    assert_eq!(open(&stranger, &bought.number, &new).await, StatusCode::FORBIDDEN);
    let page = stranger.text(&format!("/orders/{}", bought.number)).await;
    assert!(page.contains("Code from the mail"), "the old link's browser has been shut out");
});

on_both_databases!(a_receipt_goes_out_again_and_a_title_is_renewed, by_hand(), async |store| {
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    assert_eq!(sent(store).await, 1);
    let name = async || store.texts("SELECT message_id AS value FROM outbox").await.remove(0);
    let first = name().await;
    store.shop.resend_receipt(&bought.number, &DESK).await.unwrap().unwrap();
    assert_eq!(store.shop.resend_receipt(&bought.number, &DESK).await.unwrap(), Ok(()), "it waits already");
    sent(store).await;
    assert_ne!(name().await, first);
    store.execute("UPDATE outbox SET state = 'leased', lease_until = '2999-01-01 00:00:00'").await;
    assert_eq!(store.shop.resend_receipt(&bought.number, &DESK).await.unwrap(), Err(Refusal::BeingSent));
    store.execute("UPDATE outbox SET state = 'sent', lease_until = NULL").await;

    let browser = store.browser();
    browser.open_order(store, &bought.number).await;
    let token = browser.token(&bought.number, BOOKS[0]).await;
    browser.claimed(&token, "epub").await;
    let item = sheet(store, &bought.number).await.items[0].id;
    store.shop.renew_title(&bought.number, item, &DESK).await.unwrap().unwrap();
    assert_eq!(browser.get(&format!("/d/{token}")).await.status(), StatusCode::NOT_FOUND);
    let fresh = browser.token(&bought.number, BOOKS[0]).await;
    assert!(location(&browser.claim(&fresh, "epub").await).starts_with("/f/"));
    let right = sheet(store, &bought.number).await.items[0].right.clone().unwrap();
    assert_eq!((right.uses_left, right.renewals), (2, 1));
    for bad in ["", "  ", "a\0b", &"x".repeat(2_001)] {
        assert_eq!(store.shop.note_order(&bought.number, bad, &DESK).await.unwrap(), Err(Refusal::BadNote));
    }
});

/// Buyers renew once, and time stands still until a test moves it.
fn one_renewal() -> crate::support::Options {
    let policy = Policy { order_hours: 24 * 60, renewals: 1, ..Policy::default() };
    let clock = Clock::manual(Utc::now().naive_utc());
    crate::support::Options { webhooks: false, clock, policy, ..crate::support::Options::default() }
}

on_both_databases!(the_limit_of_renewals_is_for_buyers, one_renewal(), async |store| {
    let browser = store.browser();
    let (_, number) = store.buy(&browser, &[BOOKS[0]], "ann@example.org").await;
    let item = sheet(store, &number).await.items[0].id;
    let help = async || store.shop.renew_title(&number, item, &DESK).await.unwrap().unwrap();
    // What the buyer is told once the link that she has now is over.
    let renew = async || {
        let token = browser.token(&number, BOOKS[0]).await;
        store.shop.clock().advance(TimeDelta::days(8));
        browser.post("/actions/renew-download", &[("token", &token)]).await.status()
    };
    // The desk's help takes nothing from her own, which is one …
    help().await;
    help().await;
    assert_eq!(renew().await, StatusCode::SEE_OTHER);
    // … and adds nothing to it.
    assert_eq!(renew().await, StatusCode::FORBIDDEN);
    help().await;
    assert_eq!(renew().await, StatusCode::FORBIDDEN);
    help().await;
    let right = sheet(store, &number).await.items[0].right.clone().unwrap();
    assert_eq!((right.state, right.renewals), (TokenState::Usable, 5));
});

on_both_databases!(a_gift_is_an_order_of_nothing_with_its_mail, by_hand(), async |store| {
    let gift = |key| Gift {
        email: "Eva@example.org".parse().unwrap(),
        books: vec![BOOKS[0].parse().unwrap(), BOOKS[1].parse().unwrap(), BOOKS[0].parse().unwrap()],
        key,
    };
    let key = FormKey::generate();
    let given = join_all([0; 4].map(|_| async { store.shop.give(&gift(key), &DESK).await.unwrap().unwrap() })).await;
    assert!(given.iter().all(|number| *number == given[0]), "{given:?}");
    assert_eq!((store.count("orders").await, store.count("order_item").await, store.count("invoice").await), (1, 2, 0));
    let sheet = sheet(store, &given[0]).await;
    assert_eq!((sheet.standing, sheet.total.minor(), sheet.refundable.minor()), (Standing::Gift, 0, 0));
    assert_eq!(sheet.timeline[0].what, "Order placed");
    sent(store).await;
    assert_eq!(store.count("outbox WHERE kind = 'free_order_link' AND state = 'sent'").await, 1);
    let browser = store.browser();
    browser.open_order(store, &given[0]).await;
    let token = browser.token(&given[0], BOOKS[1]).await;
    assert!(!browser.download(&token, "epub").await.is_empty());
    store.shop.give(&gift(FormKey::generate()), &DESK).await.unwrap().unwrap();
    assert_eq!(store.count("orders").await, 2);
    let none = Gift { books: vec![], ..gift(FormKey::generate()) };
    assert_eq!(store.shop.give(&none, &DESK).await.unwrap(), Err(Refusal::NoTitles));
    let unknown = Gift { books: vec!["no-book".parse().unwrap()], ..gift(FormKey::generate()) };
    assert!(matches!(store.shop.give(&unknown, &DESK).await, Err(shop::Error::NotFound)));
    // A gift is the buyer's like what she paid for.
    let buyer = store.shop.buyer_sheet(&given[0]).await.unwrap().unwrap();
    assert_eq!((buyer.orders.len(), buyer.titles.len(), buyer.paid.len()), (2, 4, 0));
    assert_eq!(buyer.email, "Eva@example.org");
});

on_both_databases!(a_buyer_is_forgotten_only_by_her_address_and_with_what_was_noted, by_hand(), async |store| {
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    store.shop.note_order(&bought.number, "ann@example.org asks for ANN@example.org", &DESK).await.unwrap().unwrap();
    let exported = store.shop.export_buyer(&"ann@example.org".parse().unwrap(), &DESK).await.unwrap().unwrap();
    assert!(exported.contains("asks for"));
    sent(store).await;
    let erase = async |typed: &str| store.shop.erase_buyer_of(&bought.number, typed, &DESK).await;
    assert_eq!(erase("bob@example.org").await.unwrap().unwrap_err(), Refusal::NotConfirmed);
    assert_eq!(erase(" Ann@Example.org ").await.unwrap().unwrap().unwrap().orders, 1);
    assert_eq!(store.count("order_note").await, 0);
    assert!(matches!(erase("ann@example.org").await, Err(shop::Error::NotFound)));
    for refused in [
        store.shop.resend_receipt(&bought.number, &DESK).await.unwrap().err(),
        store.shop.renew_order_link(&bought.number, &DESK).await.unwrap().err(),
    ] {
        assert_eq!(refused, Some(Refusal::Erased));
    }
});

on_both_databases!(what_needs_a_person_is_listed_with_its_way_out, patient(), async |store| {
    assert_eq!(store.shop.attention().await.unwrap(), shop::desk::Attention::default());
    let steps = store.shop.first_steps().await.unwrap();
    assert!(steps.book && !steps.stripe && !steps.webhook && !steps.mail && !steps.done());
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    store.deliver_all(&store.sandbox.events_after(0)).await;
    sent(store).await;
    assert!(!store.shop.first_steps().await.unwrap().done(), "nobody has said who sells");
    store.says_who_sells().await;
    assert!(store.shop.first_steps().await.unwrap().done());
    assert_eq!(store.shop.attention_count().await.unwrap(), 0);
    // Everything that can go wrong, at once.
    store
        .execute(
            "UPDATE stripe_event SET state = 'dead', error = 'it failed' WHERE type = 'checkout.session.completed'",
        )
        .await;
    store.execute("UPDATE outbox SET state = 'bounced', error = 'mailbox full'").await;
    let before = store.sandbox.event_count();
    store.sandbox.open_dispute(&bought.session, "fraudulent", false).unwrap();
    store.deliver_all(&store.sandbox.events_after(before)).await;
    let all = store.shop.attention().await.unwrap();
    assert_eq!(
        (all.events.len(), all.mails.len(), all.disputes.len(), all.count()),
        (1, 1, 1, 3 + all.mails.len() - 1)
    );
    assert_eq!(all.disputes[0].order, bought.number);
    let sheet = sheet(store, &bought.number).await;
    let ways: Vec<&Way> = sheet.timeline.iter().filter_map(|moment| moment.way.as_ref()).collect();
    assert!(ways.iter().any(|way| matches!(way, Way::Replay(id) if *id == all.events[0].id)), "{ways:?}");
    assert!(ways.iter().any(|way| matches!(way, Way::Resend(id) if *id == all.mails[0].id)), "{ways:?}");
    let health = store.shop.health().await.unwrap();
    assert!(!health.pulse.silent && health.pulse.ago.as_deref() == Some("just now"), "{:?}", health.pulse);
    assert!(health.files_checked > 0 && health.files.is_empty(), "{:?}", health.files);

    // Days later: a payment that no event told of, books that nobody fetched, a checkout that nobody closed.
    store.execute("UPDATE dispute SET status = 'won'").await;
    store.execute("UPDATE entitlement SET state = 'active', reason = NULL").await;
    store.shop.clock().advance(TimeDelta::days(2));
    store.bought(&BOOKS, GOOD_CARD).await;
    store.quick_checkout(&BOOKS, &shop::BrowserSecret::generate()).await;
    store.shop.clock().advance(TimeDelta::days(4));
    let later = store.shop.attention().await.unwrap();
    assert_eq!((later.stuck.len(), later.not_fetched.len()), (1, 2), "{later:?}");
    assert!(store.shop.health().await.unwrap().pulse.silent);
    // A file that is gone.
    let key = store.texts("SELECT storage_key AS value FROM book_file ORDER BY id DESC").await.remove(0);
    std::fs::remove_file(store.data.path().join("files").join(key)).unwrap();
    let files = store.shop.health().await.unwrap().files;
    assert!(files.len() == 1 && files[0].why == "it is not there", "{files:?}");
});
