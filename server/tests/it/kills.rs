//! The program is killed while it works, started again, and told everything once more: row 7.
//!
//! `make soak` kills more often: `OCTAVO_TEST_KILLS`.

use crate::support::{Browser, GOOD_CARD, Options, Program, Store, hidden, on_both_databases, session_of, setting};
use futures::future::join_all;
use reqwest::{Method, StatusCode};
use shop::BrowserSecret;
use shop::failpoint::Failpoint;
use std::collections::BTreeSet;
use std::time::Duration;

mod keyed;
mod later;
mod money;

/// What a failpoint lies in the way of. Each has a test that dies at all of its failpoints; a new one finds no place here
/// without one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Purchase,
    Mail,
    /// Asked for here.
    Refund,
    /// Asked for here, or made in Stripe's dashboard.
    AnyRefund,
    Dispute,
    Webhook,
    /// Asked for by a program, under a key.
    Keyed,
}

fn way(point: Failpoint) -> Way {
    use Failpoint as F;
    match point {
        F::EventInserted
        | F::EventKept
        | F::EventsLeased
        | F::BeforeFetch
        | F::AfterFetch
        | F::OrderInserted
        | F::ItemsInserted
        | F::EntitlementsInserted
        | F::InvoiceNumbered
        | F::MailQueued
        | F::BeforeCommit
        | F::AfterCommit
        | F::CheckoutOpened
        | F::SessionCreated
        | F::SessionKept
        | F::ClaimWritten
        | F::ClaimKept => Way::Purchase,
        F::MailLeased | F::MailTaken | F::MailMarked => Way::Mail,
        F::WebhookLeased | F::WebhookAnswered | F::WebhookMarked => Way::Webhook,
        F::KeyKept | F::KeyedWorkDone | F::AnswerKept => Way::Keyed,
        F::RefundPlanned | F::RefundMade => Way::Refund,
        F::RefundsFetched | F::CreditNoted | F::RefundsWritten | F::RefundsKept => Way::AnyRefund,
        F::DisputeFetched | F::DisputeWritten | F::DisputeKept => Way::Dispute,
    }
}

/// The failpoints in one of these ways.
fn points(ways: &[Way]) -> impl Iterator<Item = Failpoint> {
    Failpoint::ALL.iter().copied().filter(|point| ways.contains(&way(*point)))
}

/// The store's own process is the only one that works.
fn bystander() -> Options {
    Options { workers: false, webhooks: false, ..Options::default() }
}

/// Purchases between two kills.
const PURCHASES: usize = 4;

impl Store {
    /// Delivers an event of the sandbox's to a program; whether it was acknowledged.
    async fn is_acknowledged(&self, program: &str, event: &serde_json::Value) -> bool {
        let body = event.to_string().into_bytes();
        let header = crate::support::signature(crate::support::WEBHOOK_SECRET, self.seconds(), &body);
        let request = self.http.post(format!("{program}/webhooks/stripe")).header("stripe-signature", header);
        // No answer is no acknowledgement.
        request.body(body).send().await.is_ok_and(|answer| answer.status() == StatusCode::OK)
    }

    /// As if a minute had passed: the leases of workers that are dead have ended.
    async fn leases_end(&self) {
        self.execute("UPDATE stripe_event SET lease_until = '2000-01-01 00:00:00' WHERE state = 'leased'").await;
        self.execute("UPDATE stripe_event SET next_at = '2000-01-01 00:00:00' WHERE state = 'new'").await;
        self.execute("UPDATE outbox SET lease_until = '2000-01-01 00:00:00' WHERE state = 'leased'").await;
    }

    async fn events_are_done(&self) {
        self.until("no event is waiting", async || {
            self.count("stripe_event WHERE state IN ('new', 'leased')").await == 0
        })
        .await;
    }
}

on_both_databases!(row_7_killed_at_random_it_loses_and_doubles_nothing, bystander(), async |store| {
    let kills: usize = setting("OCTAVO_TEST_KILLS", 40);
    let mut acknowledged: BTreeSet<String> = BTreeSet::new();
    let mut paid: BTreeSet<String> = BTreeSet::new();
    let mut struck = 0;
    // How long after the first delivery a kill may come: as long as the work takes on this machine.
    let mut window = Duration::from_millis(150);
    for kill in 0..kills {
        let mut program = Program::start(store, None).await;
        // What was acknowledged before the last kill is there, and nothing is half done.
        let kept: BTreeSet<String> = store.texts("SELECT id AS value FROM stripe_event").await.into_iter().collect();
        assert!(acknowledged.is_subset(&kept), "lost: {:?}", acknowledged.difference(&kept));
        assert_eq!(store.shop.violations().await.unwrap(), [], "after {kill} kills");
        store.leases_end().await;
        let mut sessions = Vec::new();
        for i in 0..PURCHASES {
            let session =
                store.quick_checkout(&["the-first-book", "the-second-book"], &BrowserSecret::generate()).await;
            let _ = store.sandbox.pay(&session, GOOD_CARD, &format!("buyer{kill}-{i}@example.org"));
            sessions.push(session);
        }
        paid.extend(sessions.iter().cloned());
        let id = |event: &serde_json::Value| event["id"].as_str().unwrap().to_owned();
        let mut events = store.sandbox.events();
        // The new ones, and now and then one that was acknowledged long ago.
        events.retain(|event| !acknowledged.contains(&id(event)) || rand::random_ratio(1, 100));
        let url = program.url.clone();
        let deliveries = join_all(events.iter().map(|event| store.is_acknowledged(&url, event)));
        let landing = join_all(sessions.iter().map(|session| {
            let page = store.http.get(format!("{url}/checkout/success?session_id={session}"));
            async move { drop(page.send().await) }
        }));
        let death = async {
            tokio::time::sleep(rand::random_range(Duration::ZERO..window)).await;
            program.kill();
            store.count("stripe_event WHERE state IN ('new', 'leased')").await
        };
        let (answers, _, undone) = tokio::join!(deliveries, landing, death);
        let new: Vec<String> =
            events.iter().zip(&answers).filter(|(_, yes)| **yes).map(|(event, _)| id(event)).collect();
        let hit = new.len() < events.len() || undone > 0;
        struck += usize::from(hit);
        // A kill that found nothing to do came too late, and the next comes sooner; seven of ten strike, slow or fast.
        window = if hit { window * 9 / 8 } else { window * 3 / 4 };
        acknowledged.extend(new);
        if (kill + 1).is_multiple_of(20) {
            println!("soak: row 7, {:?}: {} of {kills} kills", store.backend, kill + 1);
        }
    }
    // Most kills came while there was something to lose, or this shows nothing.
    assert!(struck * 2 >= kills, "only {struck} of {kills} kills struck at work");
    let program = Program::start(store, None).await;
    for event in store.sandbox.events() {
        assert!(store.is_acknowledged(&program.url, &event).await, "{event}");
    }
    store.leases_end().await;
    store.events_are_done().await;
    let bought: BTreeSet<String> = store
        .texts("SELECT stripe_session AS value FROM orders WHERE status = 'succeeded'")
        .await
        .into_iter()
        .collect();
    assert_eq!(bought, paid);
    let purchases = i64::try_from(kills * PURCHASES).unwrap();
    assert_eq!(
        (store.count("orders").await, store.count("invoice").await, store.count("outbox").await),
        (purchases, purchases, purchases)
    );
    assert_eq!(store.count("entitlement").await, 2 * purchases);
    assert_eq!(store.count("stripe_event WHERE state = 'done'").await, purchases);
    assert_eq!(store.sandbox.session_ids().len(), paid.len());
    println!("soak: row 7, {:?}: {struck} of {kills} kills struck at work, {purchases} purchases", store.backend);
});

/// A buyer's whole way, as far as the program lives; going it again goes on where it ended.
struct Walk {
    browser: Browser,
    session: Option<String>,
    claimed: bool,
}

impl Walk {
    async fn go(&mut self, store: &Store, url: &str) -> Result<(), reqwest::Error> {
        let browser = self.browser.at(url);
        let origin = ("origin", url);
        let post = |path: &str| browser.request(Method::POST, path).header(origin.0, origin.1);
        if self.session.is_none() {
            post("/actions/add-to-cart").form(&[("slug", "the-first-book")]).send().await?;
            let cart = browser.request(Method::GET, "/cart").send().await?.text().await?;
            let snapshot = hidden(&cart, "snapshot").expect("a checkout form");
            let form = [("snapshot", snapshot.as_str())];
            let answer =
                post("/actions/start-checkout").header("referer", format!("{url}/cart")).form(&form).send().await?;
            assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{}", answer.text().await?);
            self.session = Some(session_of(&crate::support::location(&answer)));
        }
        let session = self.session.clone().unwrap();
        if store.sandbox.session(&session).unwrap()["payment_status"] != "paid" {
            let _ = store.sandbox.pay(&session, GOOD_CARD, "ann@example.org");
        }
        // The newest first: those that are here already would stop at their failpoint before it comes to anything.
        for event in store.sandbox.events().into_iter().rev() {
            let body = event.to_string().into_bytes();
            let header = crate::support::signature(crate::support::WEBHOOK_SECRET, store.seconds(), &body);
            let delivery = store.http.post(format!("{url}/webhooks/stripe")).header("stripe-signature", header);
            assert_eq!(delivery.body(body).send().await?.status(), StatusCode::OK);
        }
        // The page asks Stripe itself; whether it or the worker is the first is left to chance.
        let path = format!("/checkout/success?session_id={session}");
        let mut page = String::new();
        for _ in 0..200 {
            page = browser.request(Method::GET, &path).send().await?.text().await?;
            if page.contains("/d/dl_") {
                break;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        let token = page.split("/d/").nth(1).expect("a download form").split(['/', '"']).next().unwrap();
        let answer = post(&format!("/d/{token}/claim")).form(&[("format", "epub")]).send().await?;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        self.claimed = crate::support::location(&answer).starts_with("/f/");
        Ok(())
    }
}

on_both_databases!(row_7_killed_at_each_failpoint_it_goes_on_where_it_was, bystander(), async |store| {
    for (i, point) in (1..).zip(points(&[Way::Purchase])) {
        let mut walk = Walk { browser: store.browser(), session: None, claimed: false };
        let mut program = Program::start(store, Some(point)).await;
        // Cut off somewhere, or over while the worker is still on its way to the failpoint.
        let _ = walk.go(store, &program.url).await;
        program.has_aborted(store).await;
        assert_eq!(store.shop.violations().await.unwrap(), [], "{point:?}");
        store.leases_end().await;
        let program = Program::start(store, None).await;
        walk.go(store, &program.url).await.unwrap();
        assert!(walk.claimed, "{point:?}");
        store.events_are_done().await;
        assert_eq!(
            (store.count("orders WHERE status = 'succeeded'").await, store.count("orders").await),
            (i, i),
            "{point:?}"
        );
        assert_eq!(
            (
                store.count("entitlement").await,
                store.count("invoice").await,
                store.count("outbox").await,
                store.count("download_claim").await,
                store.count("checkout").await,
                i64::try_from(store.sandbox.session_ids().len()).unwrap(),
            ),
            (i, i, i, i, i, i),
            "{point:?}"
        );
        assert_eq!(store.shop.violations().await.unwrap(), [], "{point:?}");
        println!("soak: row 7, {:?}: killed at {}", store.backend, point.name());
    }
});
