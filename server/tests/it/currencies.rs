//! Currencies with no decimals, with three, and those that Stripe treats in its own way: row 12.

use crate::support::{GOOD_CARD, Options, Store, add_book, entry, on_both_databases};
use serde_json::json;
use shop::cart::Cart;
use shop::refunds::{ItemRef, RefundError, RefundReason, RefundRequest, RefundWhat};
use shop::types::{Currency, Money, OrderNumber};
use shop::{BrowserSecret, CheckoutStart, Reconciled};
use stripe_sandbox::PayOutcome;

/// Code, prices of two books in minor units as Stripe counts them, and their total as it is read
/// (<https://docs.stripe.com/currencies>): ISK and UGX have no coins and are charged with two decimals all the same, in
/// whole hundreds.
const CURRENCIES: [(&str, [i64; 2], &str); 15] = [
    ("JPY", [1_200, 349], "¥1,549"),
    ("KRW", [15_000, 9_900], "24,900"),
    ("VND", [189_000, 99_000], "288,000"),
    ("CLP", [9_990, 4_990], "14,980"),
    ("XAF", [5_000, 2_501], "7,501"),
    ("KWD", [1_250, 4_990], "6.240"),
    ("BHD", [1_990, 2_000], "3.990"),
    ("JOD", [7_500, 510], "8.010"),
    ("TND", [24_900, 9_990], "34.890"),
    ("ISK", [129_900, 50_000], "1,799"),
    ("UGX", [3_500_000, 1_250_000], "47,500"),
    ("HUF", [399_000, 149_900], "5,489.00"),
    ("TWD", [35_000, 9_900], "449.00"),
    ("EUR", [799, 1], "€8.00"),
    ("USD", [1_299, 2_501], "$38.00"),
];

async fn add_books(store: &Store) {
    for i in 0..2 {
        let slug = format!("everywhere-{i}");
        let mut book = entry(&slug, 0, &["epub"], "published");
        book["prices"] = CURRENCIES.iter().map(|(code, prices, _)| ((*code).to_owned(), json!(prices[i]))).collect();
        add_book(&store.shop, store.data.path(), book, 64).await;
    }
}

async fn buy(store: &Store, code: &str) -> String {
    let mut cart = Cart::new(code.parse().unwrap());
    for i in 0..2 {
        store.shop.add_to_cart(&mut cart, &format!("everywhere-{i}").parse().unwrap()).await.unwrap();
    }
    let snapshot = store.shop.cart_view(&cart).await.unwrap().snapshot;
    match store.shop.start_checkout(&cart, &snapshot, &BrowserSecret::generate()).await.unwrap() {
        CheckoutStart::Pay(url) => crate::support::session_of(&url),
        CheckoutStart::Free | CheckoutStart::Paid(_) => panic!("nothing to pay"),
    }
}

fn alone() -> Options {
    Options { webhooks: false, workers: false, ..Options::default() }
}

on_both_databases!(row_12_fifteen_currencies_are_exact_from_price_to_invoice, alone(), async |store| {
    add_books(store).await;
    for (code, prices, read) in CURRENCIES {
        let total: i64 = prices.iter().sum();
        let currency: Currency = code.parse().unwrap();
        assert!(Money::new(total, currency).to_string().contains(read), "{}", Money::new(total, currency));
        let session = buy(store, code).await;
        let theirs = store.sandbox.session(&session).unwrap();
        assert_eq!(
            (&theirs["currency"], &theirs["amount_subtotal"], &theirs["amount_total"]),
            (&json!(code.to_lowercase()), &json!(total), &json!(total))
        );
        // Stripe's page and ours ask for the same, as people read it.
        let page = store.http.get(theirs["url"].as_str().unwrap()).send().await.unwrap().text().await.unwrap();
        for shown in [total, prices[0], prices[1]].map(|minor| Money::new(minor, currency).to_string()) {
            let figures: String = shown.chars().filter(|c| c.is_ascii_digit() || ",.".contains(*c)).collect();
            assert!(page.contains(&figures), "{code}: {figures} is not on Stripe's page");
        }
        let outcome = store.sandbox.pay(&session, GOOD_CARD, "ann@example.org");
        assert!(matches!(outcome, PayOutcome::Completed { .. }), "{code}: {outcome:?}");
        assert!(matches!(store.shop.reconcile(&session).await.unwrap(), Reconciled::Ordered(_)), "{code}");
        let query = format!(
            "SELECT CAST(o.amount_total AS TEXT) || ' ' || CAST(i.total AS TEXT) || ' ' || o.currency || ' ' || n.currency \
             AS value FROM orders o JOIN order_item i ON i.order_id = o.id JOIN invoice n ON n.order_id = o.id \
             WHERE o.stripe_session = '{session}' ORDER BY i.position"
        );
        let expected = prices.map(|price| format!("{total} {price} {code} {code}"));
        assert_eq!(store.texts(&query).await, expected);
        let charged = store.sandbox.events().into_iter().rev().find(|event| event["type"] == "charge.succeeded");
        assert_eq!(charged.expect("a charge")["data"]["object"]["amount"], total, "{code}");
    }
    assert_eq!(store.count("orders WHERE status = 'succeeded'").await, 15);
    assert_eq!(store.shop.compare_with_stripe(1).await.unwrap(), []);
});

on_both_databases!(row_12_another_currency_of_the_same_amount_is_put_under_review, alone(), async |store| {
    add_books(store).await;
    for (i, (code, ..)) in CURRENCIES.iter().enumerate() {
        let session = buy(store, code).await;
        let other = CURRENCIES[(i + 1) % CURRENCIES.len()].0;
        store.execute(&format!("UPDATE checkout SET currency = '{other}' WHERE stripe_session = '{session}'")).await;
        let _ = store.sandbox.pay(&session, GOOD_CARD, "ann@example.org");
        assert_eq!(store.shop.reconcile(&session).await.unwrap(), Reconciled::Quarantined, "{code} is not {other}");
    }
    assert_eq!((store.count("orders").await, store.count("entitlement").await), (0, 0));
    assert_eq!(store.count("checkout WHERE state = 'quarantined' AND last_error = 'the currency differs'").await, 15);
});

on_both_databases!(row_12_what_stripe_does_not_charge_is_no_price_here, alone(), async |store| {
    add_books(store).await;
    // Minor units, and whether that is an amount in this currency.
    for (code, minor, good) in [
        ("ISK", 12_300, true),
        ("ISK", 12_350, false),
        ("UGX", 350_000, true),
        ("UGX", 350_001, false),
        ("KWD", 4_990, true),
        ("KWD", 4_995, false),
        ("HUF", 39_995, true),
        ("TWD", 9_901, true),
        ("JPY", 349, true),
    ] {
        let currency: Currency = code.parse().unwrap();
        assert_eq!(Money::price(minor, currency).is_ok(), good, "{minor} {code} here");
        let form = [
            ("mode", "payment"),
            ("success_url", "https://books.example.org/"),
            ("line_items[0][quantity]", "1"),
            ("line_items[0][price_data][product_data][name]", "A book"),
            ("line_items[0][price_data][currency]", &code.to_lowercase()),
            ("line_items[0][price_data][unit_amount]", &minor.to_string()),
        ];
        let request = store.http.post(format!("{}/v1/checkout/sessions", store.sandbox.url())).bearer_auth("sk_test_1");
        let answer = request.form(&form).send().await.unwrap();
        assert_eq!(answer.status().is_success(), good, "{minor} {code} at Stripe: {}", answer.text().await.unwrap());
    }
    // Nor is a fraction refunded, here or there.
    let session = buy(store, "UGX").await;
    let _ = store.sandbox.pay(&session, GOOD_CARD, "ann@example.org");
    store.shop.reconcile(&session).await.unwrap();
    let number = store.texts("SELECT number AS value FROM orders").await[0].parse().unwrap();
    let part = |minor| RefundRequest {
        what: RefundWhat::Amount(Money::new(minor, "UGX".parse().unwrap())),
        reason: RefundReason::default(),
    };
    let refused = store.shop.refund(&number, &part(150)).await;
    assert!(matches!(refused, Err(RefundError::WrongAmount(_))), "{refused:?}");
    let refused = store.sandbox.refund(&session, Some(150)).unwrap_err();
    assert!(format!("{refused:?}").contains("divisible by 100"), "{refused:?}");
    assert_eq!(store.count("refund").await, 0);
    let made = store.shop.refund(&number, &part(100_000)).await.unwrap();
    assert_eq!(made.amount.to_string(), "UGX\u{a0}1,000");
});

on_both_databases!(row_12_what_is_left_of_a_title_can_be_refunded, alone(), async |store| {
    add_books(store).await;
    let paid = async || {
        let session = buy(store, "KWD").await;
        let _ = store.sandbox.pay(&session, GOOD_CARD, "ann@example.org");
        store.shop.reconcile(&session).await.unwrap();
        let query = format!("SELECT number AS value FROM orders WHERE stripe_session = '{session}'");
        let number: OrderNumber = store.texts(&query).await[0].parse().unwrap();
        (session, number)
    };
    let request = |what| RefundRequest { what, reason: RefundReason::default() };
    let part = |minor| request(RefundWhat::Amount(Money::new(minor, "KWD".parse().unwrap())));
    let title = |slug: &str| request(RefundWhat::Items(vec![(ItemRef::Book(slug.parse().unwrap()), true)]));
    // Ten fils fall to one title, and not some to each: single ones are not refunded.
    let (_, number) = paid().await;
    store.shop.refund(&number, &part(10)).await.unwrap();
    let made = store.shop.refund(&number, &title("everywhere-0")).await.unwrap();
    assert_eq!(made.amount.minor(), 1_250);
    assert_eq!(store.shop.refund(&number, &title("everywhere-1")).await.unwrap().amount.minor(), 4_980);
    // Made in Stripe's dashboard, they fall to both: then neither goes alone, and nothing is written down.
    let (session, number) = paid().await;
    let elsewhere = store.sandbox.refund(&session, Some(10)).unwrap();
    store.shop.reconcile_refund(&elsewhere).await.unwrap();
    assert_eq!(store.refunds_of(&number).await, ["10 succeeded"]);
    let refused = store.shop.refund(&number, &title("everywhere-0")).await;
    assert!(matches!(refused, Err(RefundError::WrongAmount(_))), "{refused:?}");
    assert_eq!(store.refunds_of(&number).await, ["10 succeeded"]);
    let made = store.shop.refund(&number, &request(RefundWhat::Full)).await.unwrap();
    assert_eq!(made.amount.minor(), 6_230);
});

on_both_databases!(row_12_tax_in_the_price_is_exact_in_fifteen_currencies, alone(), async |store| {
    add_books(store).await;
    crate::tax::set(store, crate::tax::table()).await;
    for (code, prices, _) in CURRENCIES {
        let total: i64 = prices.iter().sum();
        let session = buy(store, code).await;
        let outcome = store.sandbox.pay_from(&session, crate::tax::GERMAN_CARD, "ann@example.org", "DE");
        assert!(matches!(outcome, PayOutcome::Completed { .. }), "{code}: {outcome:?}");
        assert!(matches!(store.shop.reconcile(&session).await.unwrap(), Reconciled::Ordered(_)), "{code}");
        let query = format!(
            "SELECT CAST(o.amount_total AS TEXT) || ' ' || CAST(o.amount_tax AS TEXT) || ' ' || CAST(SUM(t.amount) AS TEXT) \
             || ' ' || CAST(SUM(t.taxable) AS TEXT) AS value FROM orders o JOIN order_item i ON i.order_id = o.id \
             JOIN order_tax t ON t.order_item_id = i.id WHERE o.stripe_session = '{session}' \
             GROUP BY o.id, o.amount_total, o.amount_tax"
        );
        // 7/107 of the total, rounded half up.
        let tax = (2 * total * 7 + 107) / (2 * 107);
        assert_eq!(store.texts(&query).await, [format!("{total} {tax} {tax} {}", total - tax)], "{code}");
    }
});
