//! Money that goes back: row 16, and what Stripe tells of it in which order.

use crate::support::{Browser, GOOD_CARD, by_hand, event, location, on_both_databases};
use chrono::Utc;
use reqwest::StatusCode;
use shop::BrowserSecret;
use shop::refunds::{ItemRef, RefundMade, RefundReason, RefundRequest, RefundWhat};
use shop::types::{Money, OrderNumber, RefundStatus};
use stripe_sandbox::PayOutcome;

const BOOKS: [&str; 2] = ["the-first-book", "the-second-book"];
/// Its refunds are pending first.
const SLOW_CARD: &str = "4000000000007726";

pub fn full() -> RefundRequest {
    RefundRequest { what: RefundWhat::Full, reason: RefundReason::default() }
}

pub fn amount(minor: i64) -> RefundRequest {
    let money = Money::new(minor, "USD".parse().unwrap());
    RefundRequest { what: RefundWhat::Amount(money), reason: RefundReason::default() }
}

pub fn items(items: &[(&str, bool)]) -> RefundRequest {
    let items = items.iter().map(|(slug, revoke)| (ItemRef::Book(slug.parse().unwrap()), *revoke)).collect();
    RefundRequest { what: RefundWhat::Items(items), reason: RefundReason::default() }
}

/// What is done to a refund.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// In Stripe's dashboard: an amount, or all that is left.
    Dashboard(Option<i64>),
    /// Here: all, an amount, or a title and whether it is taken back.
    Full,
    Amount(i64),
    Item(&'static str, bool),
    /// The refund of that position fails.
    Fails(usize),
    /// The refund of that position arrives.
    Arrives(usize),
}

on_both_databases!(row_16_a_refund_takes_what_it_should_from_the_next_request_on, async |store| {
    use Step::{Amount, Arrives, Dashboard, Fails, Full, Item};
    let (first, second) = (BOOKS[0], BOOKS[1]);
    // Steps, the card, and which of the two titles is served afterwards.
    let cases: [(&[Step], &str, [bool; 2]); 12] = [
        (&[Dashboard(None)], GOOD_CARD, [false, false]),
        (&[Dashboard(None), Fails(0)], GOOD_CARD, [true, true]),
        (&[Dashboard(None)], SLOW_CARD, [false, false]),
        (&[Dashboard(None), Fails(0)], SLOW_CARD, [true, true]),
        (&[Dashboard(Some(500))], GOOD_CARD, [true, true]),
        (&[Dashboard(Some(500)), Dashboard(Some(798))], GOOD_CARD, [false, false]),
        (&[Full, Arrives(0)], SLOW_CARD, [false, false]),
        (&[Amount(499)], GOOD_CARD, [true, true]),
        (&[Item(second, true)], GOOD_CARD, [true, false]),
        (&[Item(second, false)], GOOD_CARD, [true, true]),
        (&[Item(first, true), Fails(0)], GOOD_CARD, [true, true]),
        (&[Item(first, true), Item(second, true), Fails(1)], GOOD_CARD, [false, true]),
    ];
    for (case, (steps, card, served)) in cases.into_iter().enumerate() {
        let browser = store.browser();
        let session = store.checkout(&browser, &BOOKS).await;
        assert!(matches!(store.sandbox.pay(&session, card, "ann@example.org"), PayOutcome::Completed { .. }));
        browser.text(&format!("/checkout/success?session_id={session}")).await;
        let number: OrderNumber =
            store.texts(&format!("SELECT number AS value FROM orders WHERE stripe_session = '{session}'")).await[0]
                .parse()
                .unwrap();
        let tokens = [browser.token(&number, first).await, browser.token(&number, second).await];
        let begun = [browser.claimed(&tokens[0], "epub").await, browser.claimed(&tokens[1], "epub").await];
        let mut made: Vec<String> = Vec::new();
        for step in steps {
            let here = async |request| store.shop.refund(&number, &request).await.unwrap().stripe_id.unwrap();
            match *step {
                Dashboard(amount) => made.push(store.sandbox.refund(&session, amount).unwrap()),
                Full => made.push(here(full()).await),
                Amount(minor) => made.push(here(amount(minor)).await),
                Item(slug, revoke) => made.push(here(items(&[(slug, revoke)])).await),
                Fails(which) => assert!(store.sandbox.finish_refund(&made[which], false)),
                Arrives(which) => assert!(store.sandbox.finish_refund(&made[which], true)),
            }
            store.settle().await;
        }
        for i in 0..2 {
            let what = format!("case {case}, {steps:?}, title {i}");
            // The download that has begun, a new one, and the page that says so.
            let running = browser.get(&begun[i]).await.status();
            let claim = location(&browser.claim(&tokens[i], "epub").await);
            let page = browser.text(&format!("/d/{}", tokens[i])).await;
            let gone = page.contains("no longer open for download, because its payment was returned");
            if served[i] {
                assert_eq!(running, StatusCode::OK, "{what}");
                assert!(claim.starts_with("/f/") && !gone, "{what}: {claim}");
            } else {
                assert_eq!(running, StatusCode::FORBIDDEN, "{what}");
                assert_eq!(claim, format!("/d/{}", tokens[i]), "{what}");
                assert!(gone && !page.contains("Renew") && !page.contains("/claim"), "{what}: {page}");
            }
        }
    }
    assert_eq!(store.count("stripe_event WHERE state NOT IN ('done', 'ignored')").await, 0);
    // Every refund was announced to its buyer once.
    assert_eq!(store.count("outbox WHERE kind = 'refund_notice'").await, store.count("refund").await);
});

on_both_databases!(row_16_what_rounding_leaves_over_falls_to_the_largest_remainder, by_hand(), async |store| {
    // 308.39… and 192.60…; 307.78… and 192.21….
    for (amount, parts) in [(501, ["308", "193"]), (500, ["308", "192"])] {
        let bought = store.bought(&BOOKS, GOOD_CARD).await;
        let before = store.sandbox.event_count();
        store.sandbox.refund(&bought.session, Some(amount)).unwrap();
        store.deliver_all(&store.sandbox.events_after(before)).await;
        let query = format!(
            "SELECT CAST(r.amount AS TEXT) AS value FROM refund_item r JOIN order_item i ON i.id = r.order_item_id \
             JOIN orders o ON o.id = i.order_id WHERE o.number = '{}' ORDER BY i.position",
            bought.number.as_str()
        );
        assert_eq!(store.texts(&query).await, parts, "{amount}");
        assert_eq!(store.rights(&bought.number).await, ["active"; 2]);
    }
});

on_both_databases!(the_orders_page_says_what_became_of_the_money, async |store| {
    let browser = store.browser();
    let session = store.checkout(&browser, &BOOKS).await;
    assert!(matches!(store.sandbox.pay(&session, SLOW_CARD, "ann@example.org"), PayOutcome::Completed { .. }));
    browser.text(&format!("/checkout/success?session_id={session}")).await;
    let number: OrderNumber = store.texts("SELECT number AS value FROM orders").await[0].parse().unwrap();
    let page = async |browser: &Browser| browser.text(&format!("/orders/{number}")).await;
    assert!(!page(&browser).await.contains("refund"));
    let made = store.shop.refund(&number, &items(&[(BOOKS[1], true)])).await.unwrap();
    assert_eq!((made.amount.minor(), made.status), (499, RefundStatus::Pending));
    let text = page(&browser).await;
    assert!(text.contains("A refund of $4.99 is on its way since "), "{text}");
    assert!(text.contains("no longer open for download"), "{text}");
    assert!(store.sandbox.finish_refund(&made.stripe_id.unwrap(), true));
    store.settle().await;
    let text = page(&browser).await;
    let (head, tail) = text.split_once("Refunded $4.99 on ").expect("a line about the refund");
    assert!(tail.contains(&Utc::now().format(" %Y.").to_string()) && !text.contains("on its way since"), "{text}");
    // It stands with the title that it is about.
    assert!(head.contains("The second book") && !tail.contains("The second book"), "{text}");
    assert!(text.contains("Here are your books"), "{text}");
    // Nobody else reads it.
    assert!(!page(&store.browser()).await.contains("4.99"));
    store.shop.refund(&number, &full()).await.unwrap();
    let success = browser.text(&format!("/checkout/success?session_id={session}")).await;
    for text in [page(&browser).await, success] {
        assert!(text.contains("was returned, so its titles are no longer open") && !text.contains("ready to download"));
    }
});

on_both_databases!(a_refund_that_is_heard_of_before_its_payment_makes_the_order_first, by_hand(), async |store| {
    for (amount, rights) in [(None, "revoked refunded"), (Some(100), "active")] {
        let session = store.quick_checkout(&["the-first-book"], &BrowserSecret::generate()).await;
        let before = store.sandbox.event_count();
        assert!(matches!(store.sandbox.pay(&session, GOOD_CARD, "ann@example.org"), PayOutcome::Completed { .. }));
        store.sandbox.refund(&session, amount).unwrap();
        // The last event first.
        let events: Vec<_> = store.sandbox.events_after(before).into_iter().rev().collect();
        store.deliver_all(&events).await;
        let number =
            store.texts(&format!("SELECT number AS value FROM orders WHERE stripe_session = '{session}'")).await;
        assert_eq!(store.rights(&number[0].parse().unwrap()).await, [rights]);
    }
    assert_eq!(store.count("orders WHERE status = 'succeeded'").await, 2);
    assert_eq!(store.event_states("refund.created").await, ["done"; 2]);
    assert_eq!(store.event_states("charge.refunded").await, ["done"; 2]);
});

on_both_databases!(refunds_of_nothing_of_ours_wait_or_are_left_alone, by_hand(), async |store| {
    // Unknown to Stripe: it may be late.
    for (i, kind) in ["refund.created", "charge.refunded", "charge.dispute.created"].into_iter().enumerate() {
        store.deliver_all(&[event(&format!("evt_{i}"), kind, "xx_unknown", store.seconds())]).await;
    }
    assert_eq!(store.texts("SELECT state AS value FROM stripe_event").await, ["parked"; 3]);
    // Another program's payment.
    let before = store.sandbox.event_count();
    let form = [
        ("mode", "payment"),
        ("line_items[0][price_data][currency]", "usd"),
        ("line_items[0][price_data][unit_amount]", "500"),
        ("line_items[0][price_data][product_data][name]", "A course"),
        ("line_items[0][quantity]", "1"),
        ("success_url", "http://127.0.0.1:9/ok"),
    ];
    let theirs = store.ask_stripe("/v1/checkout/sessions", &form).await["id"].as_str().unwrap().to_owned();
    assert!(matches!(store.sandbox.pay(&theirs, GOOD_CARD, "bob@example.org"), PayOutcome::Completed { .. }));
    store.sandbox.refund(&theirs, Some(100)).unwrap();
    store.sandbox.open_dispute(&theirs, "fraudulent", false).unwrap();
    store.deliver_all(&store.sandbox.events_after(before)).await;
    // A payment of ours that is under review has no order to refund; the refund is what the review came to.
    let session = store.quick_checkout(&["the-first-book"], &BrowserSecret::generate()).await;
    store.execute(&format!("UPDATE checkout SET subtotal = 1 WHERE stripe_session = '{session}'")).await;
    let before = store.sandbox.event_count();
    assert!(matches!(store.sandbox.pay(&session, GOOD_CARD, "ann@example.org"), PayOutcome::Completed { .. }));
    store.sandbox.refund(&session, None).unwrap();
    store.deliver_all(&store.sandbox.events_after(before)).await;
    for kind in ["refund.created", "charge.refunded"] {
        assert_eq!(store.event_states(kind).await, ["parked", "ignored", "ignored"], "{kind}");
    }
    assert_eq!(store.event_states("charge.dispute.created").await, ["parked", "ignored"]);
    assert_eq!((store.count("refund").await, store.count("dispute").await, store.count("orders").await), (0, 0, 0));
});

on_both_databases!(more_refunds_than_a_page_of_stripes_are_all_written_down, by_hand(), async |store| {
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    for _ in 0..230 {
        store.sandbox.refund(&bought.session, Some(5)).unwrap();
    }
    let last = store.sandbox.events().into_iter().rfind(|event| event["type"] == "charge.refunded").unwrap();
    store.deliver_all(&[last]).await;
    assert_eq!(store.refunds_of(&bought.number).await, vec!["5 succeeded"; 230]);
    assert_eq!(store.rights(&bought.number).await, ["active"; 2]);
    // What is left goes back at once, and with it everything.
    let made = store.shop.refund(&bought.number, &full()).await.unwrap();
    assert_eq!((made.amount.minor(), made.status), (1_298 - 1_150, RefundStatus::Succeeded));
    assert_eq!(store.rights(&bought.number).await, ["revoked refunded"; 2]);
});

on_both_databases!(taxes_go_back_to_the_last_cent, by_hand(), async |store| {
    for (amounts, country) in
        [(&[1_i64; 40][..], "DE"), (&[333, 333, 1], "FR"), (&[500, 7, 111, 13], "IE"), (&[], "DE")]
    {
        let session = store.quick_checkout(&BOOKS, &BrowserSecret::generate()).await;
        let session = store.replace_session(&session, &[("automatic_tax[enabled]", "true")]).await;
        let outcome = store.sandbox.pay_from(&session, GOOD_CARD, "ann@example.org", country);
        assert!(matches!(outcome, PayOutcome::Completed { .. }), "{outcome:?}");
        store.shop.reconcile(&session).await.unwrap();
        let of = format!("orders o WHERE o.stripe_session = '{session}'");
        assert_eq!(store.count(&format!("{of} AND o.amount_tax > 0")).await, 1, "{country}");
        let number: OrderNumber = store.texts(&format!("SELECT o.number AS value FROM {of}")).await[0].parse().unwrap();
        for (i, minor) in amounts.iter().enumerate() {
            // Here and in the dashboard in turn.
            if i % 2 == 0 {
                store.sandbox.refund(&session, Some(*minor)).unwrap();
                let last = store.sandbox.events().into_iter().rfind(|event| event["type"] == "refund.created").unwrap();
                store.deliver_all(&[last]).await;
            } else {
                store.shop.refund(&number, &amount(*minor)).await.unwrap();
            }
        }
        let last: RefundMade = store.shop.refund(&number, &full()).await.unwrap();
        assert_eq!(last.status, RefundStatus::Succeeded);
        let exact = "HAVING SUM(r.amount) = o.amount_total AND SUM(r.tax) = o.amount_tax";
        let sums = format!(
            "(SELECT o.id FROM orders o JOIN refund r ON r.order_id = o.id WHERE o.stripe_session = '{session}' \
             GROUP BY o.id {exact}) AS exact"
        );
        assert_eq!(store.count(&sums).await, 1, "{country}: the refunds are not the order");
    }
});
