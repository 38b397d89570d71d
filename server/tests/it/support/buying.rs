//! Purchases in a browser.

use super::{Browser, GOOD_CARD, Store, location, session_of};
use reqwest::StatusCode;
use shop::types::OrderNumber;
use stripe_sandbox::PayOutcome;

impl Store {
    /// Buys titles in a browser up to Stripe's page; gives the session's id.
    pub async fn checkout(&self, browser: &Browser, slugs: &[&str]) -> String {
        browser.add(slugs).await;
        let response = browser.start_checkout().await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER, "starting the checkout");
        session_of(&location(&response))
    }

    /// Buys titles and comes back to the success page; gives the session's id and the order's number.
    pub async fn buy(&self, browser: &Browser, slugs: &[&str], email: &str) -> (String, OrderNumber) {
        let session = self.checkout(browser, slugs).await;
        let outcome = self.sandbox.pay(&session, GOOD_CARD, email);
        assert!(matches!(outcome, PayOutcome::Completed { .. }), "{outcome:?}");
        let path = format!("/checkout/success?session_id={session}");
        let page = browser.get(&path).await;
        // The first time the bought titles leave the cart, and the page is asked for again.
        assert_eq!(page.status(), StatusCode::SEE_OTHER);
        assert_eq!(location(&page), path);
        assert_eq!(browser.get(&path).await.status(), StatusCode::OK);
        let numbers =
            self.texts(&format!("SELECT number AS value FROM orders WHERE stripe_session = '{session}'")).await;
        (session, numbers.first().expect("an order").parse().unwrap())
    }
}
