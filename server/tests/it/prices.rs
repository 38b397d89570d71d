//! Prices are the server's: rows 11 and 13.

use crate::support::{GOOD_CARD, Options, Store, add_book, entry, location, on_both_databases, session_of, sha256};
use reqwest::StatusCode;
use shop::cart::Cart;
use shop::types::MoneyError;
use shop::{BrowserSecret, Error, Reconciled};
use std::collections::BTreeSet;
use stripe_sandbox::PayOutcome;

const THREE: [(&str, i64); 3] = [("the-first-book", 799), ("the-second-book", 499), ("the-third-book", 1_200)];

on_both_databases!(row_11_no_tampered_form_changes_a_total, async |store| {
    let mut carts = Vec::new();
    for choice in 1..8_usize {
        let browser = store.browser();
        let chosen: Vec<_> =
            THREE.iter().enumerate().filter(|(i, _)| choice & (1 << i) != 0).map(|(_, book)| book).collect();
        for (slug, _) in &chosen {
            let form = [
                ("slug", *slug),
                ("price", "1"),
                ("unit_amount", "1"),
                ("quantity", "-1"),
                ("currency", "JPY"),
                ("seen", "1"),
            ];
            assert_eq!(browser.post("/actions/add-to-cart", &form).await.status(), StatusCode::SEE_OTHER);
        }
        let snapshot = browser.cart_snapshot().await;
        carts.push((browser, snapshot, chosen.iter().map(|(_, price)| price).sum::<i64>()));
    }
    let extras = [
        "price",
        "total",
        "amount",
        "subtotal",
        "unit_amount",
        "amount_total",
        "currency",
        "quantity",
        "discount",
        "coupon",
        "items[0][price]",
        "line_items[0][price_data][unit_amount]",
        "cart",
        "mode",
    ];
    let values = ["0", "1", "-1", "0.01", "1e-9", "99999999999999999999", "jpy", "KWD", "null", "{\"entries\":[]}"];
    let mut paying = 0;
    for i in 0..300 {
        let (browser, snapshot, expected) = &carts[i % carts.len()];
        let other = &carts[(i + 1) % carts.len()].1;
        let tampered = match i % 10 {
            0 => snapshot.to_uppercase(),
            1 => snapshot[1..].to_owned(),
            2 => format!("{snapshot}0"),
            3 => String::new(),
            4 => sha256(format!("USD;1={i}").as_bytes()),
            5 => other.clone(),
            _ => snapshot.clone(),
        };
        let (extra, value) = (extras[i % extras.len()], values[i / 3 % values.len()]);
        let response =
            browser.post_from("/cart", "/actions/start-checkout", &[("snapshot", &tampered), (extra, value)]).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "{extra}={value}");
        let to = location(&response);
        if tampered == *snapshot {
            let session = store.sandbox.session(&session_of(&to)).expect("a session");
            assert_eq!(
                (&session["amount_subtotal"], &session["amount_total"], &session["currency"]),
                (&(*expected).into(), &(*expected).into(), &"usd".into())
            );
            paying += 1;
        } else {
            assert_eq!(to, "/cart?error=cart-changed");
        }
    }
    assert_eq!(paying, 120);
    // The untampered 120 went to one session for each cart, and no other was made.
    let totals: BTreeSet<i64> = carts.iter().map(|(_, _, expected)| *expected).collect();
    let made: Vec<i64> = store
        .sandbox
        .session_ids()
        .iter()
        .map(|id| store.sandbox.session(id).unwrap()["amount_total"].as_i64().unwrap())
        .collect();
    assert_eq!((made.len(), made.into_iter().collect::<BTreeSet<_>>()), (7, totals));
});

on_both_databases!(row_11_a_session_that_is_not_our_snapshot_is_put_under_review, async |store| {
    // Stripe's session cannot be altered; that ours is another one than Stripe's is the same difference.
    let alterations = [
        ("subtotal = 1", "subtotal = 1298"),
        ("subtotal = 1299", "subtotal = 1298"),
        ("currency = 'EUR'", "currency = 'USD'"),
        (
            "cart_snapshot = replace(cart_snapshot, '799', '798')",
            "cart_snapshot = replace(cart_snapshot, '798', '799')",
        ),
        (
            "cart_snapshot = replace(cart_snapshot, '},{', '},{\"book_id\":3,\"title\":\"x\",\"unit_amount\":0},{')",
            "cart_snapshot = replace(cart_snapshot, ',{\"book_id\":3,\"title\":\"x\",\"unit_amount\":0}', '')",
        ),
    ];
    for (i, (alteration, repair)) in (1..).zip(alterations) {
        let browser = store.browser();
        let session = store.checkout(&browser, &["the-first-book", "the-second-book"]).await;
        let alter = async |change: &str| {
            store.execute(&format!("UPDATE checkout SET {change} WHERE stripe_session = '{session}'")).await;
            store.shop.rebuild_tallies(|_| {}).await.unwrap();
        };
        alter(alteration).await;
        assert!(matches!(store.sandbox.pay(&session, GOOD_CARD, "ann@example.org"), PayOutcome::Completed { .. }));
        let page = browser.text(&format!("/checkout/success?session_id={session}")).await;
        assert!(page.contains("We are looking at your payment"), "{alteration}");
        // What was paid for is not offered for payment again.
        assert!(browser.text("/cart").await.contains("Your cart is empty"), "{alteration}");
        store.settle().await;
        assert_eq!(
            store
                .count(&format!(
                    "checkout WHERE stripe_session = '{session}' AND state = 'quarantined' AND last_error IS NOT NULL"
                ))
                .await,
            1,
            "{alteration}"
        );
        assert_eq!(
            (store.count("orders").await, store.count("entitlement").await, store.count("outbox").await),
            (i - 1, 2 * (i - 1), i - 1),
            "{alteration}"
        );
        // Another browser learns no more, and its cart stays as it is.
        let other = store.browser();
        other.add(&["the-first-book"]).await;
        let page = other.text(&format!("/checkout/success?session_id={session}")).await;
        assert!(page.contains("We are looking at your payment") && !page.contains("The first book"));
        assert!(other.text("/cart").await.contains("The first book"));
        assert_eq!(store.shop.violations().await.unwrap(), []);
        // A person has looked: once the rows agree, the order is made.
        alter(repair).await;
        assert!(matches!(store.shop.reconcile(&session).await.unwrap(), Reconciled::Ordered(_)), "{alteration}");
    }
    assert_eq!(store.count("orders WHERE status = 'succeeded' AND amount_total = 1298").await, 5);
});

on_both_databases!(a_cart_of_more_titles_than_stripe_lists_at_first_is_one_whole_order, async |store| {
    let slugs: Vec<String> = (b'a'..=b'o').map(|letter| format!("more-{}", char::from(letter))).collect();
    for slug in &slugs {
        add_book(&store.shop, store.data.path(), entry(slug, 100, &["epub"], "published"), 64).await;
    }
    let slugs: Vec<&str> = slugs.iter().map(String::as_str).collect();
    let browser = store.browser();
    let (_, number) = store.buy(&browser, &slugs, "ann@example.org").await;
    store.settle().await;
    assert_eq!(store.count("orders WHERE status = 'succeeded' AND amount_total = 1500").await, 1);
    assert_eq!(store.count("entitlement").await, 15);
    for slug in slugs {
        let token = browser.token(&number, slug).await;
        assert_eq!(browser.download(&token, "epub").await.len(), 64);
    }
});

on_both_databases!(row_13_a_cart_that_is_too_large_for_money_is_an_error_and_not_a_wrong_total, async |store| {
    store.execute("UPDATE book_price SET unit_amount = 9223372036854775807 WHERE book_id IN (SELECT id FROM book WHERE slug LIKE 'the-%')").await;
    let mut cart = Cart::new(store.shop.currency());
    for (slug, _) in THREE {
        store.shop.add_to_cart(&mut cart, &slug.parse().unwrap()).await.unwrap();
    }
    let overflow = |error: Error| matches!(error, Error::Money(MoneyError::Overflow));
    assert!(overflow(store.shop.cart_view(&cart).await.unwrap_err()));
    // Even a visitor who knows how snapshots are made does not get further.
    let ids = store.texts("SELECT CAST(id AS TEXT) AS value FROM book WHERE slug LIKE 'the-%' ORDER BY id").await;
    let snapshot =
        sha256(format!("USD{}", ids.iter().map(|id| format!(";{id}={}", i64::MAX)).collect::<String>()).as_bytes());
    assert!(overflow(store.shop.start_checkout(&cart, &snapshot, &BrowserSecret::generate()).await.unwrap_err()));
    assert_eq!((store.sandbox.requests().len(), store.count("checkout").await), (0, 0));
    // The visitor sees an error page, and is rid of it by taking a book out.
    let browser = store.browser();
    browser.add(&["the-first-book", "the-second-book"]).await;
    let page = browser.get("/cart").await;
    assert!(!page.status().is_success());
    assert!(!page.text().await.unwrap().contains("Total"));
    assert_eq!(
        browser.post("/actions/remove-from-cart", &[("slug", "the-first-book")]).await.status(),
        StatusCode::SEE_OTHER
    );
    assert!(
        browser.text("/cart").await.contains("$92,233,720,368,547,758.07")
            || browser.text("/cart").await.contains("92233720368547758.07")
    );
});

/// Puts a book into the cart, changes something about it, and gives the snapshot from before.
async fn changed(store: &Store, sql: &str) -> (crate::support::Browser, String) {
    let browser = store.browser();
    browser.add(&["the-first-book", "the-second-book"]).await;
    let before = browser.cart_snapshot().await;
    store.execute(sql).await;
    (browser, before)
}

on_both_databases!(a_book_that_is_withdrawn_is_said_so_before_anybody_pays, Options::default(), async |store| {
    for status in ["draft", "archived"] {
        let (browser, before) =
            changed(store, &format!("UPDATE book SET status = '{status}' WHERE slug = 'the-second-book'")).await;
        let refused = browser.post_from("/cart", "/actions/start-checkout", &[("snapshot", &before)]).await;
        assert_eq!(
            (refused.status(), location(&refused).as_str()),
            (StatusCode::SEE_OTHER, "/cart?error=cart-changed")
        );
        let page = browser.text("/cart?error=cart-changed").await;
        assert!(
            page.contains("“The second book” is no longer for sale and is not counted.")
                && page.contains("Your cart changed while this page was open.")
        );
        // What is left can be paid for, and only that.
        let session = session_of(&location(&browser.start_checkout().await));
        assert_eq!(store.sandbox.session(&session).unwrap()["amount_total"], 799);
        store.execute("UPDATE book SET status = 'published' WHERE slug = 'the-second-book'").await;
    }
    let (browser, before) = changed(store, "UPDATE book SET status = 'draft' WHERE slug LIKE 'the-%'").await;
    let refused = browser.post_from("/cart", "/actions/start-checkout", &[("snapshot", &before)]).await;
    assert_eq!(location(&refused), "/cart?error=cart-changed");
    assert!(!browser.text("/cart").await.contains("name=\"snapshot\""));
});

on_both_databases!(a_cart_under_what_stripe_charges_is_told_so_before_stripe_is_asked, async |store| {
    let cheap = entry("a-cheap-book", 49, &["epub"], "published");
    add_book(&store.shop, store.data.path(), cheap, 64).await;
    let browser = store.browser();
    browser.add(&["a-cheap-book"]).await;
    assert!(browser.text("/cart").await.contains("Payments begin at $0.50"));
    let asked = store.sandbox.requests().len();
    assert_eq!(location(&browser.start_checkout().await), "/cart?error=too-little");
    let page = browser.text("/cart?error=too-little").await;
    assert!(page.contains("Your cart comes to less than can be paid"), "{page}");
    assert_eq!((store.sandbox.requests().len(), store.count("checkout").await), (asked, 0));
    // With another title it is sold as ever.
    browser.add(&["the-first-book"]).await;
    assert!(!browser.text("/cart").await.contains("Payments begin at"));
    let session = session_of(&location(&browser.start_checkout().await));
    assert_eq!(store.sandbox.session(&session).unwrap()["amount_total"], 848);
});

on_both_databases!(a_new_price_is_said_before_anybody_pays, async |store| {
    for (now, shown) in [(899, "now it is $8.99"), (1, "now it is $0.01"), (0, "now it is free")] {
        let sql = format!(
            "UPDATE book_price SET unit_amount = {now} WHERE book_id = (SELECT id FROM book WHERE slug = 'the-first-book')"
        );
        let (browser, before) = changed(store, &sql).await;
        let refused = browser.post_from("/cart", "/actions/start-checkout", &[("snapshot", &before)]).await;
        assert_eq!(
            (refused.status(), location(&refused).as_str()),
            (StatusCode::SEE_OTHER, "/cart?error=cart-changed")
        );
        let page = browser.text("/cart").await;
        assert!(page.contains("it was $7.99") && page.contains(shown), "{now}");
        let session = session_of(&location(&browser.start_checkout().await));
        assert_eq!(store.sandbox.session(&session).unwrap()["amount_total"], now + 499);
        store.execute("UPDATE book_price SET unit_amount = 799 WHERE unit_amount IN (899, 1) OR book_id = (SELECT id FROM book WHERE slug = 'the-first-book')").await;
    }
    // Without a page to go back to, the answer is a page of its own.
    let (browser, _) = changed(store, "UPDATE book_price SET unit_amount = 899 WHERE unit_amount = 799").await;
    assert_eq!(browser.post("/actions/start-checkout", &[("snapshot", "stale")]).await.status(), StatusCode::CONFLICT);
});
