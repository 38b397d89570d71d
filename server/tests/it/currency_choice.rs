//! A store that sells in several currencies: the buyer's choice, and the cart that follows it.

use crate::support::{GOOD_CARD, Options, location, on_both_databases, session_of};
use reqwest::StatusCode;
use stripe_sandbox::PayOutcome;

fn in_three() -> Options {
    let currencies = ["EUR", "JPY", "USD"].map(|code| code.parse().unwrap()).to_vec();
    Options { currencies, ..Options::default() }
}

/// The switch, as it stands on a page.
const SWITCH: &str = "aria-label=\"Currency\"";

const PRICES: &str = "INSERT INTO book_price (book_id, currency, unit_amount) \
                      SELECT id, 'EUR', 700 FROM book WHERE slug = 'the-first-book' \
                      UNION ALL SELECT id, 'JPY', 1200 FROM book";

on_both_databases!(a_buyer_chooses_the_currency_and_the_cart_follows, in_three(), async |store| {
    store.execute(PRICES).await;
    let browser = store.browser();
    let page = browser.text("/").await;
    assert!(page.contains("$7.99") && page.contains(SWITCH) && !page.contains("€7.00"));
    // Without a cart the choice makes no session, and kept pages are kept by it.
    let answer = browser.post_from("/books/the-first-book", "/actions/set-currency", &[("currency", "EUR")]).await;
    assert_eq!((answer.status(), location(&answer)), (StatusCode::SEE_OTHER, "/books/the-first-book".into()));
    assert_eq!(store.count("session").await, 0);
    for _ in 0..2 {
        assert!(browser.text("/books/the-first-book").await.contains("€7.00"));
        assert!(browser.text("/books/the-second-book").await.contains("This book is not sold in EUR."));
        assert!(store.browser().text("/books/the-first-book").await.contains("$7.99"));
    }
    browser.add(&["the-first-book"]).await;
    assert!(browser.text("/cart").await.contains("€7.00"));
    // Another choice prices the cart anew, and that is no change of a price.
    browser.post("/actions/set-currency", &[("currency", "JPY")]).await;
    browser.add(&["the-second-book"]).await;
    let cart = browser.text("/cart").await;
    assert!(cart.contains("¥2,400") && !cart.contains("changed since"));
    browser.post("/actions/set-currency", &[("currency", "EUR")]).await;
    let cart = browser.text("/cart").await;
    assert!(cart.contains("“The second book” is not sold in EUR and is not counted.") && cart.contains("€7.00"));
    // What is paid is what the cart says, in its currency.
    let session = session_of(&location(&browser.start_checkout().await));
    let asked = store.sandbox.session(&session).unwrap();
    assert_eq!((asked["amount_total"].as_i64(), asked["currency"].as_str()), (Some(700), Some("eur")));
    assert!(matches!(store.sandbox.pay(&session, GOOD_CARD, "ann@example.org"), PayOutcome::Completed { .. }));
    browser.get(&format!("/checkout/success?session_id={session}")).await;
    store.settle().await;
    assert_eq!(store.count("orders WHERE currency = 'EUR' AND amount_total = 700").await, 1);
});

on_both_databases!(what_is_no_currency_of_the_store_is_no_choice, in_three(), async |store| {
    let browser = store.browser();
    for wrong in ["KWD", "usd", "", "EUR; Path=/x"] {
        let answer = browser.post("/actions/set-currency", &[("currency", wrong)]).await;
        assert!(answer.headers().get("set-cookie").is_none(), "{wrong}");
    }
    let request = browser.request(reqwest::Method::GET, "/").header("cookie", "currency=KWD");
    assert!(request.send().await.unwrap().text().await.unwrap().contains("$7.99"));
});

on_both_databases!(a_store_with_one_currency_offers_no_choice, async |store| {
    assert!(!store.browser().text("/").await.contains(SWITCH));
});
