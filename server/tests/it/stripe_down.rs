//! Stripe out of order: nobody loses a cart, nobody gets two sessions.

use crate::support::{Browser, GOOD_CARD, Store, location, on_both_databases, session_of};
use futures::StreamExt as _;
use reqwest::StatusCode;
use shop::cart::Cart;
use shop::{BrowserSecret, CheckoutStart, ErrorKind};
use std::collections::HashSet;
use std::time::{Duration, Instant};
use stripe_sandbox::{Fault, PayOutcome};

const SESSIONS: &str = "/v1/checkout/sessions";

fn on_creation(fault: Fault) -> Fault {
    fault.on_method("POST").on_path(SESSIONS)
}

async fn with_cart(store: &Store) -> Browser {
    let browser = store.browser();
    browser.add(&["the-first-book", "the-second-book"]).await;
    browser
}

/// The page of an unreachable Stripe; the cart is as it was.
async fn is_told_to_wait(browser: &Browser) {
    let before = browser.cart_snapshot().await;
    let answer = browser.start_checkout().await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let page = answer.text().await.unwrap();
    assert!(
        page.contains("Payments are resting") && page.contains("your cart is safe") && page.contains("href=\"/cart\""),
        "{page}"
    );
    assert_eq!(browser.cart_snapshot().await, before);
}

async fn works(store: &Store, browser: &Browser) -> String {
    let answer = browser.start_checkout().await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let session = session_of(&location(&answer));
    assert_eq!(store.sandbox.session_ids().last(), Some(&session));
    session
}

on_both_databases!(a_definite_failure_of_stripe_is_a_503_and_the_next_try_has_a_new_key, async |store| {
    for status in [500, 502, 503] {
        let browser = with_cart(store).await;
        store.sandbox.forget_requests();
        store.sandbox.set_fault(on_creation(Fault::status(status)));
        is_told_to_wait(&browser).await;
        let sessions = store.sandbox.session_ids().len();
        works(store, &browser).await;
        let keys = store.session_keys();
        assert!(keys.len() == 2 && keys[0] != keys[1], "{keys:?}");
        assert_eq!(store.sandbox.session_ids().len(), sessions + 1);
    }
    assert_eq!(store.count("checkout").await, 3);
});

on_both_databases!(a_refusal_of_stripes_is_told_as_one_and_the_next_try_has_a_new_key, async |store| {
    for status in [400, 401] {
        let browser = with_cart(store).await;
        store.sandbox.forget_requests();
        store.sandbox.set_fault(on_creation(Fault::status(status)));
        let before = browser.cart_snapshot().await;
        let answer = browser.start_checkout().await;
        assert_eq!(
            (answer.status(), location(&answer).as_str()),
            (StatusCode::SEE_OTHER, "/cart?error=payment-refused")
        );
        let page = browser.text("/cart?error=payment-refused").await;
        assert!(page.contains("The shop cannot take this payment. You were not charged"), "{page}");
        assert_eq!(browser.cart_snapshot().await, before);
        let why = store.texts("SELECT last_error AS value FROM checkout WHERE stripe_session IS NULL").await;
        assert!(why[0].contains("Injected by stripe-sandbox."), "{why:?}");
        // The seller has put the account right: Stripe's stored answer is not met again.
        works(store, &browser).await;
        let keys = store.session_keys();
        assert!(keys.len() == 2 && keys[0] != keys[1], "{keys:?}");
    }
    // Without a page to go back to, the answer is a page of its own.
    let browser = with_cart(store).await;
    store.sandbox.set_fault(on_creation(Fault::status(400)));
    let snapshot = browser.cart_snapshot().await;
    let answer = browser.post("/actions/start-checkout", &[("snapshot", &snapshot)]).await;
    assert_eq!(answer.status(), StatusCode::CONFLICT);
});

on_both_databases!(a_broken_connection_is_a_503_and_the_next_try_has_the_same_key, async |store| {
    let browser = with_cart(store).await;
    store.sandbox.set_fault(on_creation(Fault::reset()));
    is_told_to_wait(&browser).await;
    works(store, &browser).await;
    let keys = store.session_keys();
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
    assert_eq!((store.sandbox.session_ids().len(), store.count("checkout").await), (1, 1));
});

on_both_databases!(a_lost_answer_makes_no_second_session, async |store| {
    let browser = with_cart(store).await;
    store.sandbox.set_fault(on_creation(Fault::lost_answer()));
    is_told_to_wait(&browser).await;
    assert_eq!(store.sandbox.session_ids().len(), 1);
    let session = works(store, &browser).await;
    assert_eq!((store.sandbox.session_ids(), store.count("checkout").await), (vec![session.clone()], 1));
    assert!(matches!(store.sandbox.pay(&session, GOOD_CARD, "ann@example.org"), PayOutcome::Completed { .. }));
    store.settle().await;
    assert_eq!(store.count("orders WHERE status = 'succeeded'").await, 1);
});

on_both_databases!(a_title_that_changes_meanwhile_makes_no_second_session_and_locks_nobody_out, async |store| {
    let retitle = async |title: &str| {
        store.execute(&format!("UPDATE book SET title = '{title}' WHERE slug = 'the-first-book'")).await;
    };
    // Stripe has made a session and we have not heard of it; the same key with another title is an error to Stripe.
    let browser = with_cart(store).await;
    store.sandbox.set_fault(on_creation(Fault::lost_answer()));
    is_told_to_wait(&browser).await;
    retitle("The first book, revised").await;
    let session = works(store, &browser).await;
    assert_eq!(store.sandbox.session_ids(), [session]);
    // Stripe keeps the answer to a request that made none, and refuses the key's next one: then it takes a new key.
    let browser = with_cart(store).await;
    store.sandbox.set_fault(on_creation(Fault::status(500)));
    is_told_to_wait(&browser).await;
    let old = store.session_keys().pop().unwrap();
    store.execute(&format!("UPDATE checkout SET idem_key = '{old}' WHERE stripe_session IS NULL")).await;
    retitle("The first book, revised again").await;
    works(store, &browser).await;
    assert_ne!(store.session_keys().pop().unwrap(), old);
    assert_eq!((store.sandbox.session_ids().len(), store.count("checkout").await), (2, 2));
});

on_both_databases!(a_payment_whose_session_we_never_heard_of_is_found_by_its_metadata, async |store| {
    let browser = with_cart(store).await;
    store.sandbox.set_fault(on_creation(Fault::lost_answer()));
    is_told_to_wait(&browser).await;
    let session = store.sandbox.session_ids().remove(0);
    assert_eq!(store.count("checkout WHERE stripe_session IS NULL").await, 1);
    let _ = store.sandbox.pay(&session, GOOD_CARD, "ann@example.org");
    store.settle().await;
    assert_eq!(store.count(&format!("orders WHERE status = 'succeeded' AND stripe_session = '{session}'")).await, 1);
});

on_both_databases!(too_many_requests_are_tried_again_by_themselves, async |store| {
    let browser = with_cart(store).await;
    store.sandbox.set_fault(on_creation(Fault::status(429)).times(2));
    works(store, &browser).await;
    assert_eq!(store.session_keys().len(), 3);
    assert_eq!(store.sandbox.session_ids().len(), 1);
});

on_both_databases!(a_stripe_that_does_not_answer_is_given_up_after_ten_seconds, async |store| {
    let browser = with_cart(store).await;
    store.sandbox.set_fault(on_creation(Fault::delay(Duration::from_secs(12))));
    let begun = Instant::now();
    is_told_to_wait(&browser).await;
    assert!((Duration::from_secs(9)..Duration::from_secs(12)).contains(&begun.elapsed()), "{:?}", begun.elapsed());
    // The first request is still under way at Stripe; the second waits for it rather than overtake it.
    store.until("there is a session", async || browser.start_checkout().await.status() == StatusCode::SEE_OTHER).await;
    assert_eq!(store.sandbox.session_ids().len(), 1);
});

on_both_databases!(the_success_page_waits_while_stripe_is_down, async |store| {
    let browser = store.browser();
    let session = store.checkout(&browser, &["the-first-book"]).await;
    store.sandbox.set_fault(Fault::status(500).on_method("GET").on_path(SESSIONS).times(1_000));
    let _ = store.sandbox.pay(&session, GOOD_CARD, "ann@example.org");
    let path = format!("/checkout/success?session_id={session}");
    assert!(browser.text(&path).await.contains("preparing your books"));
    let progress = browser
        .request(reqwest::Method::POST, "/actions/order-progress")
        .header("accept", "application/json")
        .header("origin", &store.url);
    let progress = progress.form(&[("session_id", &session)]).send().await.unwrap();
    assert_eq!((progress.status(), progress.text().await.unwrap().as_str()), (StatusCode::OK, "\"preparing\""));
    assert_eq!(store.count("orders").await, 0);
    store.sandbox.clear_faults();
    assert!(browser.text(&path).await.contains("Your books are ready to download."));
    store.settle().await;
});

on_both_databases!(row_18_five_hundred_checkouts_at_a_bad_stripe_have_one_session_each, async |store| {
    // A fifth of all requests goes wrong, in every way there is.
    for (i, fault) in
        [Fault::status(500), Fault::status(429), Fault::reset(), Fault::lost_answer()].into_iter().enumerate()
    {
        store.sandbox.set_fault(fault.with_probability(0.055, 18 + i as u64).times(u32::MAX));
    }
    let mut cart = Cart::new(store.shop.currency());
    store.shop.add_to_cart(&mut cart, &"the-first-book".parse().unwrap()).await.unwrap();
    let snapshot = store.shop.cart_view(&cart).await.unwrap().snapshot;
    let begin = async |_| {
        let browser = BrowserSecret::generate();
        let mut refused = 0_u32;
        // As a buyer does who reads "please try again".
        for _ in 0..20 {
            match store.shop.start_checkout(&cart, &snapshot, &browser).await {
                Ok(CheckoutStart::Pay(url)) => return (url, refused),
                Ok(CheckoutStart::Free | CheckoutStart::Paid(_)) => panic!("nothing to pay"),
                Err(error) => {
                    assert_eq!(error.kind(), ErrorKind::PaymentsUnavailable, "{error}");
                    refused += 1;
                }
            }
        }
        panic!("twenty tries were not enough");
    };
    let begun: Vec<(String, u32)> = futures::stream::iter(0..500).map(begin).buffer_unordered(16).collect().await;
    assert_eq!(begun.iter().map(|(url, _)| url).collect::<HashSet<_>>().len(), 500, "two buyers share a session");
    let refused: u32 = begun.iter().map(|(_, refused)| refused).sum();
    assert!((25..250).contains(&refused), "{refused} refusals: the faults were not what they should be");
    let attempts = store.sandbox.attempts("client_reference_id");
    assert_eq!(attempts.len(), 500);
    let double: Vec<_> = attempts.iter().filter(|attempt| attempt.most_live > 1).collect();
    assert!(double.is_empty(), "{double:?}");
    assert!(attempts.iter().map(|attempt| attempt.requests).sum::<usize>() > 500);
    assert_eq!(store.count("checkout WHERE state = 'open' AND stripe_session IS NOT NULL").await, 500);
});
