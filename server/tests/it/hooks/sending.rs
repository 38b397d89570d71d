//! When deliveries are made, and made again; what ends them; and that no crowd, no slow endpoint and no kill loses or
//! doubles one.

use super::{BOOKS, standing};
use crate::support::{GOOD_CARD, OWNER, Options, Program, Receiver, Store, by_hand, on_both_databases};
use chrono::TimeDelta;
use futures::future::join_all;
use shop::audit::Actor;
use shop::failpoint::Failpoint;
use shop::hooks::{DeliveryQuery, DeliveryState, EndpointState, EventType, NotSent, WhyDisabled};
use std::collections::BTreeSet;

const ONE: &[EventType] = &[EventType::OrderSucceeded];
/// What the specification recommends, in seconds.
const SCHEDULE: [i64; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// The id of the latest delivery.
async fn latest(store: &Store, endpoint: i64) -> i64 {
    store.shop.webhook_deliveries(endpoint, DeliveryQuery::default()).await.unwrap().deliveries[0].id
}

on_both_databases!(a_delivery_is_tried_at_its_times_under_one_id_and_then_given_up, standing(), async |store| {
    let receiver = Receiver::start().await;
    receiver.answer(500, &[], "not today");
    let endpoint = store.endpoint(&receiver.url(), ONE).await;
    store.bought(&BOOKS, GOOD_CARD).await;
    let clock = store.shop.clock();
    store.deliver_webhooks().await;
    for (i, pause) in (1..).zip(SCHEDULE) {
        assert_eq!(receiver.taken().len(), i);
        clock.advance(TimeDelta::seconds(pause) - TimeDelta::milliseconds(1));
        store.deliver_webhooks().await;
        assert_eq!(receiver.taken().len(), i, "not before its time");
        // The jitter is a tenth at most.
        clock.advance(TimeDelta::milliseconds(pause * 100 + 2));
        store.deliver_webhooks().await;
    }
    let taken = receiver.taken();
    assert_eq!(taken.len(), 10);
    let ids: BTreeSet<&str> = taken.iter().map(|one| one.header("webhook-id")).collect();
    let times: BTreeSet<&str> = taken.iter().map(|one| one.header("webhook-timestamp")).collect();
    let bodies: BTreeSet<&str> = taken.iter().map(|one| one.body.as_str()).collect();
    assert_eq!((ids.len(), times.len(), bodies.len()), (1, 10, 1));
    clock.advance(TimeDelta::days(2));
    store.deliver_webhooks().await;
    assert_eq!(receiver.taken().len(), 10);
    let id = latest(store, endpoint).await;
    let sheet = store.shop.webhook_delivery(id).await.unwrap();
    assert_eq!((sheet.delivery.state, sheet.attempts.len()), (DeliveryState::Failed, 10));
    assert_eq!((sheet.attempts[0].status, sheet.attempts[0].answer.as_str()), (Some(500), "not today"));
    assert!(sheet.attempts[0].error.as_deref().unwrap().contains("500"), "{:?}", sheet.attempts[0]);
    // Sent again by hand it has the same id, and all its tries.
    receiver.answer(204, &[], "");
    let actor = Actor::Command;
    store.shop.redeliver_webhook(&actor, id).await.unwrap().unwrap();
    store.deliver_webhooks().await;
    let again = receiver.taken().pop().unwrap();
    assert_eq!(again.header("webhook-id"), taken[0].header("webhook-id"));
    assert_eq!(store.shop.webhook_delivery(id).await.unwrap().delivery.state, DeliveryState::Delivered);
});

on_both_databases!(an_endpoint_may_ask_for_time, standing(), async |store| {
    let receiver = Receiver::start().await;
    receiver.answer(429, &[("retry-after", "600")], "slower");
    store.endpoint(&receiver.url(), ONE).await;
    store.bought(&BOOKS, GOOD_CARD).await;
    store.deliver_webhooks().await;
    store.shop.clock().advance(TimeDelta::seconds(599));
    store.deliver_webhooks().await;
    assert_eq!(receiver.taken().len(), 1);
    store.shop.clock().advance(TimeDelta::seconds(1));
    store.deliver_webhooks().await;
    assert_eq!(receiver.taken().len(), 2);
});

on_both_databases!(what_was_given_up_is_sent_again_all_at_once, standing(), async |store| {
    let receiver = Receiver::start().await;
    let endpoint = store.endpoint(&receiver.url(), ONE).await;
    let (actor, clock) = (Actor::Command, store.shop.clock());
    store.bought(&BOOKS, GOOD_CARD).await;
    clock.advance(TimeDelta::hours(3));
    for _ in 0..5 {
        store.bought(&BOOKS[..1], GOOD_CARD).await;
    }
    // Switched off, nothing waits; what it missed can be had later.
    store.shop.switch_webhook_endpoint(&actor, endpoint, false).await.unwrap();
    store.deliver_webhooks().await;
    assert_eq!(receiver.taken().len(), 0);
    assert_eq!(store.count("webhook_delivery WHERE state = 'failed'").await, 6);
    let again = async |hours| store.shop.redeliver_failed_webhooks(&actor, endpoint, hours).await.unwrap();
    assert_eq!(again(1).await, Err(NotSent::Disabled));
    store.shop.switch_webhook_endpoint(&actor, endpoint, true).await.unwrap();
    assert_eq!(again(2).await, Ok(5));
    assert_eq!(again(2).await, Err(NotSent::Nothing));
    assert_eq!(again(24).await, Ok(1));
    store.deliver_webhooks().await;
    let ids: BTreeSet<String> = receiver.taken().iter().map(|one| one.header("webhook-id").to_owned()).collect();
    assert_eq!((ids.len(), receiver.taken().len()), (6, 6));
});

on_both_databases!(the_command_line_shows_what_failed_and_has_it_sent_again, by_hand(), async |store| {
    let receiver = Receiver::start().await;
    let endpoint = store.endpoint(&receiver.url(), ONE).await;
    receiver.answer(410, &[], "");
    store.bought(&BOOKS, GOOD_CARD).await;
    store.deliver_webhooks().await;
    let (code, said) = store.octavo(&["webhooks", "list"]).await;
    assert_eq!(
        (code, said.trim_end()),
        (0, format!("1  gone          0 waiting, 1 given up  {}  A test's", receiver.url()).as_str())
    );
    let (code, said) = store.octavo(&["webhooks", "failed", "1"]).await;
    assert!(code == 0 && said.contains("order.succeeded") && said.contains("410"), "{said}");
    let (code, said) = store.octavo(&["webhooks", "redeliver", "1", "99"]).await;
    assert!(code == 1 && said.contains("1 is not sent again: the endpoint is disabled"), "{said}");
    assert!(said.contains("99 is not a delivery"), "{said}");
    receiver.answer(200, &[], "");
    store.shop.switch_webhook_endpoint(&Actor::Command, endpoint, true).await.unwrap();
    assert_eq!(store.octavo(&["webhooks", "redeliver", "1"]).await, (0, "1 is due now\n".to_owned()));
    store.deliver_webhooks().await;
    assert_eq!(receiver.taken().len(), 2);
    let (code, said) = store.octavo(&["webhooks", "redeliver", "--endpoint", "1"]).await;
    assert_eq!((code, said.trim_end()), (0, "nothing was given up in that time"));
    assert_eq!(store.octavo(&["webhooks", "failed", "7"]).await.0, 1);
});

on_both_databases!(who_wants_nothing_more_is_told_nothing_more, standing(), async |store| {
    let receiver = Receiver::start().await;
    receiver.answer(410, &[], "gone");
    let endpoint = store.endpoint(&receiver.url(), ONE).await;
    for _ in 0..9 {
        store.bought(&BOOKS[..1], GOOD_CARD).await;
    }
    store.deliver_webhooks().await;
    // Those that were on their way at once have arrived, and none after them.
    let arrived = receiver.taken().len();
    assert!((1..=usize::from(shop::hooks::AT_ONCE)).contains(&arrived), "{arrived}");
    let state = store.shop.webhook_endpoint(endpoint).await.unwrap().state;
    assert_eq!(state, EndpointState::Disabled(WhyDisabled::Gone));
    assert_eq!(store.count("webhook_delivery WHERE state = 'failed'").await, 9);
    assert_eq!(store.count("outbox WHERE kind = 'webhook_disabled'").await, 1);
    assert_eq!(store.count("audit WHERE action = 'webhook.disabled' AND actor = 'store'").await, 1);
});

on_both_databases!(who_fails_for_days_is_switched_off_and_the_owner_is_told, standing(), async |store| {
    let receiver = Receiver::start().await;
    receiver.answer(503, &[], "");
    let endpoint = store.endpoint(&receiver.url(), ONE).await;
    let clock = store.shop.clock();
    store.bought(&BOOKS, GOOD_CARD).await;
    store.deliver_webhooks().await;
    clock.advance(TimeDelta::days(5) - TimeDelta::seconds(1));
    store.deliver_webhooks().await;
    assert_eq!(store.shop.webhook_endpoint(endpoint).await.unwrap().state, EndpointState::Enabled);
    let before = store.shop.attention().await.unwrap();
    assert_eq!(before.webhooks.len(), 0);
    // One success, and the days are counted anew.
    receiver.answer(200, &[], "");
    clock.advance(TimeDelta::hours(2));
    store.deliver_webhooks().await;
    receiver.answer(503, &[], "");
    store.bought(&BOOKS, GOOD_CARD).await;
    for _ in 0..2 {
        store.deliver_webhooks().await;
        assert_eq!(store.shop.webhook_endpoint(endpoint).await.unwrap().state, EndpointState::Enabled);
        clock.advance(TimeDelta::days(2) + TimeDelta::hours(12));
    }
    store.deliver_webhooks().await;
    let found = store.shop.webhook_endpoint(endpoint).await.unwrap();
    assert_eq!(found.state, EndpointState::Disabled(WhyDisabled::Failing));
    let attention = store.shop.attention().await.unwrap();
    assert_eq!((attention.webhooks.len(), attention.count()), (1, before.count() + 1));
    store.shop.work_on_outbox().await.unwrap();
    store.send_all().await;
    let told: Vec<_> = store.mails().into_iter().filter(|mail| mail.header("To").contains(OWNER)).collect();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].text.contains("For five days") && told[0].text.contains(&receiver.url()), "{}", told[0].text);
    assert!(told[0].text.contains(&format!("/admin/webhooks/{endpoint}")) && told[0].html.contains(&receiver.url()));
    // Switched on again it begins with a clean slate.
    store.shop.switch_webhook_endpoint(&Actor::Command, endpoint, true).await.unwrap();
    store.bought(&BOOKS, GOOD_CARD).await;
    store.deliver_webhooks().await;
    assert_eq!(store.shop.webhook_endpoint(endpoint).await.unwrap().state, EndpointState::Enabled);
    assert_eq!(store.shop.attention().await.unwrap().webhooks.len(), 0);
});

on_both_databases!(many_workers_deliver_each_thing_once, by_hand(), async |store| {
    let receiver = Receiver::start().await;
    let endpoint = store.endpoint(&receiver.url(), EventType::ALL).await;
    for _ in 0..12 {
        store.bought(&BOOKS, GOOD_CARD).await;
    }
    let second = store.second(crate::support::WEBHOOK_SECRET).await;
    let work = async |shop: &shop::Shop| while shop.work_on_webhooks(endpoint).await.unwrap() > 0 {};
    join_all([&store.shop, &second.shop, &store.shop, &second.shop, &store.shop].map(work)).await;
    let ids: Vec<String> = receiver.taken().iter().map(|one| one.header("webhook-id").to_owned()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), 48);
    assert_eq!(ids.len(), 48, "something was sent twice");
    assert_eq!(store.count("webhook_delivery WHERE state = 'delivered' AND attempts = 1").await, 48);
    assert_eq!(store.count("webhook_attempt").await, 48);
});

on_both_databases!(a_slow_endpoint_holds_nobody_up, async |store| {
    let (slow, quick) = (Receiver::start().await, Receiver::start().await);
    slow.hold(true);
    store.endpoint(&slow.url(), EventType::ALL).await;
    store.endpoint(&quick.url(), EventType::ALL).await;
    for _ in 0..4 {
        store.bought(&BOOKS, GOOD_CARD).await;
    }
    store.until("the quick one has all", async || quick.taken().len() == 16).await;
    // The slow one is asked for no more than it has answered.
    let asked = slow.taken().len();
    assert!((1..=usize::from(shop::hooks::AT_ONCE)).contains(&asked), "{asked}");
    slow.hold(false);
    store.until("the slow one has all too", async || slow.taken().len() == 16).await;
    store.until("all is marked", async || store.count("webhook_delivery WHERE state <> 'delivered'").await == 0).await;
    store.settle().await;
});

on_both_databases!(row_7_killed_at_each_failpoint_of_a_webhook_it_arrives_under_one_id, by_hand(), async |store| {
    let receiver = Receiver::start().await;
    store.endpoint(&receiver.url(), ONE).await;
    // A demo's, so that it reaches this machine.
    let demo = [("OCTAVO_DEMO", "1")];
    for (i, point) in (1..).zip([Failpoint::WebhookLeased, Failpoint::WebhookAnswered, Failpoint::WebhookMarked]) {
        store.bought(&BOOKS, GOOD_CARD).await;
        let before = receiver.taken().len();
        Program::start_with(store, Some(point), &demo).await.has_aborted(store).await;
        assert_eq!(store.shop.violations().await.unwrap(), [], "{point:?}");
        store.execute("UPDATE webhook_delivery SET lease_until = '2000-01-01 00:00:00' WHERE state = 'leased'").await;
        let program = Program::start_with(store, None, &demo).await;
        store
            .until("it is delivered", async || store.count("webhook_delivery WHERE state = 'delivered'").await == i)
            .await;
        // Only what the endpoint had taken, and we had not kept, travels twice.
        let taken = receiver.taken().split_off(before);
        assert_eq!(taken.len(), if point == Failpoint::WebhookAnswered { 2 } else { 1 }, "{point:?}");
        let ids: BTreeSet<&str> = taken.iter().map(|one| one.header("webhook-id")).collect();
        assert_eq!(ids.len(), 1, "{point:?}");
        drop(program);
    }
});

on_both_databases!(
    a_store_that_closes_lets_deliveries_arrive,
    Options { webhooks: false, ..Options::default() },
    async |store| {
        let receiver = Receiver::start().await;
        store.endpoint(&receiver.url(), ONE).await;
        receiver.hold(true);
        store.bought(&BOOKS, GOOD_CARD).await;
        store.until("it is on its way", async || receiver.taken().len() == 1).await;
        store.stop_workers();
        receiver.hold(false);
        store
            .until("it is marked", async || store.count("webhook_delivery WHERE state = 'delivered'").await == 1)
            .await;
    }
);
