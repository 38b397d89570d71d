//! A bank wants the money back: row 17, and what the store can answer.

use crate::support::{Bought, GOOD_CARD, OWNER, Store, by_hand, location, on_both_databases};
use reqwest::StatusCode;
use serde_json::Value;
use shop::audit::Actor;
use shop::types::OrderNumber;
use std::io::Read as _;
use stripe_sandbox::PayOutcome;

const BOOKS: [&str; 2] = ["the-first-book", "the-second-book"];

/// How a dispute goes, and what is left of the titles then.
struct Course {
    inquiry: bool,
    steps: &'static [Step],
    status: &'static str,
    right: &'static str,
}

#[derive(Clone, Copy, Debug)]
enum Step {
    /// Evidence is submitted.
    Answer,
    /// The inquiry becomes a dispute.
    Escalate,
    Won,
    Lost,
}

const COURSES: [Course; 9] = [
    Course { inquiry: true, steps: &[], status: "warning_needs_response", right: "active" },
    Course { inquiry: true, steps: &[Step::Answer], status: "warning_under_review", right: "active" },
    Course { inquiry: true, steps: &[Step::Won], status: "warning_closed", right: "active" },
    Course { inquiry: true, steps: &[Step::Escalate], status: "needs_response", right: "frozen disputed" },
    Course { inquiry: true, steps: &[Step::Escalate, Step::Lost], status: "lost", right: "revoked disputed" },
    Course { inquiry: false, steps: &[], status: "needs_response", right: "frozen disputed" },
    Course { inquiry: false, steps: &[Step::Answer], status: "under_review", right: "frozen disputed" },
    Course { inquiry: false, steps: &[Step::Won], status: "won", right: "active" },
    Course { inquiry: false, steps: &[Step::Lost], status: "lost", right: "revoked disputed" },
];

impl Step {
    async fn take(self, store: &Store, dispute: &str) {
        let path = format!("/v1/disputes/{dispute}");
        let evidence = |text| [("evidence[uncategorized_text]", text)];
        match self {
            Self::Answer => drop(store.ask_stripe(&path, &evidence("She has read it.")).await),
            Self::Escalate => drop(store.ask_stripe(&path, &evidence("escalate_inquiry_evidence")).await),
            Self::Won => assert!(store.sandbox.close_dispute(dispute, true)),
            Self::Lost => assert!(store.sandbox.close_dispute(dispute, false)),
        }
    }
}

impl Course {
    /// Lets it happen at Stripe; gives its events.
    async fn run(&self, store: &Store, bought: &Bought) -> Vec<Value> {
        let before = store.sandbox.event_count();
        let dispute = store.sandbox.open_dispute(&bought.session, "fraudulent", self.inquiry).unwrap();
        for step in self.steps {
            step.take(store, &dispute).await;
        }
        let events = store.sandbox.events_after(before);
        events.into_iter().filter(|event| event["type"].as_str().unwrap().starts_with("charge.dispute.")).collect()
    }
}

/// All orders of so many things.
pub fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let mut all = Vec::new();
    for shorter in permutations(count - 1) {
        for at in 0..count {
            let mut longer = shorter.clone();
            longer.insert(at, count - 1);
            all.push(longer);
        }
    }
    all
}

on_both_databases!(row_17_a_dispute_ends_the_same_in_every_order_of_its_events, by_hand(), async |store| {
    let mut tried = 0;
    for course in COURSES {
        let bought = store.bought(&BOOKS, GOOD_CARD).await;
        let events = course.run(store, &bought).await;
        assert!(!events.is_empty() && events.len() <= 5, "{}", events.len());
        // The first order on this purchase, all others on one of their own: each begins with nothing known.
        for (round, order) in permutations(events.len()).into_iter().enumerate() {
            let (bought, events) = if round == 0 {
                (bought.clone(), events.clone())
            } else {
                let bought = store.bought(&BOOKS[..1], GOOD_CARD).await;
                let events = course.run(store, &bought).await;
                (bought, events)
            };
            for i in &order {
                store.deliver_all(&events[*i..=*i]).await;
            }
            let status = store
                .texts(&format!(
                    "SELECT d.status AS value FROM dispute d JOIN orders o ON o.id = d.order_id WHERE o.number = '{}'",
                    bought.number.as_str()
                ))
                .await;
            assert_eq!(status, [course.status], "{order:?}");
            let rights = store.rights(&bought.number).await;
            assert!(rights.iter().all(|right| right == course.right), "{} {order:?}: {rights:?}", course.status);
            tried += 1;
        }
    }
    assert!(tried > 150, "only {tried} orders were tried");
    // The owner was told of each, once.
    let notices = format!("outbox WHERE kind = 'dispute_notice' AND recipient = '{OWNER}'");
    assert_eq!((store.count("dispute").await, store.count(&notices).await), (tried, tried));
    assert_eq!(store.count("stripe_event WHERE state <> 'done'").await, 0);
});

on_both_databases!(row_17_while_it_happens_the_titles_wait_and_come_back, by_hand(), async |store| {
    // As it happens, and each event only after the next thing has happened at Stripe.
    for late in [false, true] {
        for course in COURSES {
            let bought = store.bought(&BOOKS, GOOD_CARD).await;
            let mut before = store.sandbox.event_count();
            let dispute = store.sandbox.open_dispute(&bought.session, "unrecognized", course.inquiry).unwrap();
            let mut held = Vec::new();
            for step in course.steps {
                let news = store.sandbox.events_after(before);
                before += news.len();
                if late {
                    step.take(store, &dispute).await;
                    store.deliver_all(&news).await;
                    held.extend(news);
                } else {
                    store.deliver_all(&news).await;
                    let expected =
                        if course.inquiry && !matches!(step, Step::Lost) { "active" } else { "frozen disputed" };
                    assert_eq!(store.rights(&bought.number).await, [expected; 2], "{step:?}");
                    step.take(store, &dispute).await;
                }
            }
            store.deliver_all(&store.sandbox.events_after(before)).await;
            assert_eq!(store.rights(&bought.number).await, [course.right; 2]);
            // Everything once more changes nothing.
            store.deliver_all(&held).await;
            assert_eq!(store.rights(&bought.number).await, [course.right; 2]);
        }
    }
});

on_both_databases!(row_17_a_disputed_title_is_refused_until_the_dispute_is_won, async |store| {
    let browser = store.browser();
    let session = store.checkout(&browser, &BOOKS).await;
    assert!(matches!(store.sandbox.pay(&session, GOOD_CARD, "ann@example.org"), PayOutcome::Completed { .. }));
    browser.text(&format!("/checkout/success?session_id={session}")).await;
    let number: OrderNumber = store.texts("SELECT number AS value FROM orders").await[0].parse().unwrap();
    let token = browser.token(&number, BOOKS[0]).await;
    let begun = browser.claimed(&token, "epub").await;
    let dispute = store.sandbox.open_dispute(&session, "product_not_received", false).unwrap();
    store.settle().await;
    assert_eq!(browser.get(&begun).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(location(&browser.claim(&token, "epub").await), format!("/d/{token}"));
    assert!(browser.text(&format!("/d/{token}")).await.contains("because its payment is disputed"));
    let page = browser.text(&format!("/orders/{number}")).await;
    assert_eq!(page.matches("The payment was disputed on ").count(), 2, "{page}");
    assert!(page.contains("Downloads wait until the bank has decided."), "{page}");
    assert!(
        page.contains("The payment for this order is disputed.") && !page.contains("Here are your books"),
        "{page}"
    );
    assert!(store.sandbox.close_dispute(&dispute, true));
    store.settle().await;
    assert_eq!(browser.get(&begun).await.status(), StatusCode::OK);
    assert!(location(&browser.claim(&token, "epub").await).starts_with("/f/"));
    assert!(!browser.text(&format!("/orders/{number}")).await.contains("disputed"));
});

on_both_databases!(a_refund_and_a_dispute_each_give_back_only_what_they_took, by_hand(), async |store| {
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    let rights = async || store.rights(&bought.number).await;
    let news = async |before: usize| store.deliver_all(&store.sandbox.events_after(before)).await;
    let request = crate::refunds::items(&[(BOOKS[0], true)]);
    let refund = store.shop.refund(&bought.number, &request).await.unwrap().stripe_id.unwrap();
    assert_eq!(rights().await, ["revoked refunded", "active"]);
    let count = store.sandbox.event_count();
    let dispute = store.sandbox.open_dispute(&bought.session, "fraudulent", false).unwrap();
    news(count).await;
    assert_eq!(rights().await, ["revoked refunded", "frozen disputed"]);
    // The refund fails: the dispute still holds both.
    let count = store.sandbox.event_count();
    assert!(store.sandbox.finish_refund(&refund, false));
    news(count).await;
    assert_eq!(rights().await, ["frozen disputed", "frozen disputed"]);
    // What the desk took for a reason of its own is nobody's to give back.
    store
        .execute(
            "UPDATE entitlement SET state = 'revoked', reason = 'by hand' WHERE id = (SELECT MAX(id) FROM entitlement)",
        )
        .await;
    let count = store.sandbox.event_count();
    assert!(store.sandbox.close_dispute(&dispute, true));
    news(count).await;
    assert_eq!(rights().await, ["active", "revoked by hand"]);
});

on_both_databases!(the_evidence_tells_the_whole_story_and_no_secret, async |store| {
    let browser = store.browser();
    let (session, number) = store.buy(&browser, &BOOKS, "ann@example.org").await;
    let token = browser.token(&number, BOOKS[0]).await;
    let file = browser.claimed(&token, "epub").await;
    assert_eq!(browser.get(&file).await.bytes().await.unwrap().len(), 100_000);
    let dispute = store.sandbox.open_dispute(&session, "fraudulent", false).unwrap();
    store.settle().await;
    // The log's entry is completed after the last byte.
    store.until("the download is logged", async || store.count("download_log WHERE bytes = 100000").await == 1).await;
    store
        .until("the receipt is sent", async || {
            store.count("outbox WHERE kind = 'receipt' AND state = 'sent'").await == 1
        })
        .await;
    let zip = store.shop.dispute_evidence(&number, &Actor::Command).await.unwrap();
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zip)).unwrap();
    let names: Vec<String> = archive.file_names().map(|name| name.unwrap().into_owned()).collect();
    assert_eq!(names.len(), 2, "{names:?}");
    let mut read = |name: &str| {
        let mut text = String::new();
        archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    let (json, text) = (read("order.json"), read("order.txt"));
    let story: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(story["order"]["number"], number.as_str());
    assert_eq!((&story["order"]["email"], &story["order"]["amount_total"]), (&"ann@example.org".into(), &1_298.into()));
    assert_eq!(story["order"]["stripe_payment_intent"], store.intent_of(&session));
    assert_eq!(story["items"].as_array().unwrap().len(), 2);
    assert_eq!(story["items"][0]["right"], "frozen");
    assert_eq!((&story["mails"][0]["kind"], &story["mails"][0]["state"]), (&"receipt".into(), &"sent".into()));
    assert_eq!(story["mails"].as_array().unwrap().len(), 1, "the owner's own mail is among them");
    let accesses = story["accesses"].as_array().unwrap();
    assert_eq!((accesses.len(), &accesses[1]["bytes"], &accesses[1]["format"]), (2, &100_000.into(), &"epub".into()));
    // The network, not the address.
    assert!(accesses[1]["network"].as_str().is_some_and(|network| !network.is_empty() && network != "127.0.0.1"));
    assert_eq!(
        (&story["disputes"][0]["stripe_id"], &story["terms"]["downloads_per_link"]),
        (&dispute.as_str().into(), &3.into())
    );
    for part in [
        "ann@example.org",
        "The first book",
        "$12.98",
        "100000 bytes",
        &dispute,
        "fraudulent",
        "7 days and 3 downloads",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let mut secrets = vec![token, file.split('/').nth(2).unwrap().to_owned()];
    for query in [
        "SELECT hash AS value FROM download_token",
        "SELECT hash AS value FROM download_claim",
        "SELECT browser_hash AS value FROM checkout",
        "SELECT idem_key AS value FROM checkout",
    ] {
        secrets.extend(store.texts(query).await);
    }
    let link = store.shop.order_link(&number).await.unwrap();
    secrets.push(link.split('#').nth(1).unwrap().to_owned());
    assert!(secrets.len() > 6);
    for secret in secrets {
        assert!(!json.contains(&secret) && !text.contains(&secret), "it holds {secret}");
    }
    let nobody = store.shop.dispute_evidence(&"ABCDE-FGHJK".parse().unwrap(), &Actor::Command).await;
    assert!(matches!(nobody, Err(shop::Error::NotFound)));
});
