//! Refunds that the store asks for: what is refused, what is lost on the way, and two at once.

use crate::refunds::{amount, full, items};
use crate::support::{GOOD_CARD, Options, Store, by_hand, on_both_databases};
use chrono::{TimeDelta, Utc};
use futures::future::join_all;
use shop::Clock;
use shop::refunds::{ItemRef, RefundError, RefundReason, RefundRequest, RefundWhat};
use shop::types::{Money, RefundStatus};
use std::process::Command;
use stripe_sandbox::Fault;

const BOOKS: [&str; 2] = ["the-first-book", "the-second-book"];

fn on_refunds(fault: Fault) -> Fault {
    fault.on_method("POST").on_path("/v1/refunds")
}

on_both_databases!(two_refunds_at_once_never_come_to_more_than_the_total, by_hand(), async |store| {
    for round in 0..15 {
        let bought = store.bought(&BOOKS, GOOD_CARD).await;
        let requests = [
            [full(), full(), amount(650), amount(650)],
            [amount(650), amount(649), amount(648), amount(1_298)],
            [items(&[(BOOKS[0], true)]), items(&[(BOOKS[0], false)]), items(&[(BOOKS[1], true)]), full()],
        ];
        let requests = &requests[round % 3];
        let answers = join_all(requests.iter().map(|request| store.shop.refund(&bought.number, request))).await;
        let mut refunded = 0;
        for answer in &answers {
            match answer {
                Ok(made) => {
                    assert_eq!(made.status, RefundStatus::Succeeded);
                    refunded += made.amount.minor();
                }
                Err(RefundError::NothingLeft | RefundError::TooMuch(_)) => {}
                Err(error) => panic!("{error}"),
            }
        }
        assert!((1..=1_298).contains(&refunded), "{answers:?}");
        // None of them was left for Stripe to refuse: the store itself knows what is left.
        let asked = store.sandbox.requests().into_iter().filter(|r| r.method == "POST" && r.path == "/v1/refunds");
        assert!(asked.clone().all(|request| request.status == Some(200)), "{:?}", asked.collect::<Vec<_>>());
    }
    assert_eq!(store.count("refund WHERE status <> 'succeeded'").await, 0);
    let double = "(SELECT o.id FROM orders o JOIN refund r ON r.order_id = o.id GROUP BY o.id \
                  HAVING SUM(r.amount) > o.amount_total) AS double";
    assert_eq!(store.count(double).await, 0);
});

on_both_databases!(what_cannot_be_refunded_is_refused_before_stripe_is_asked, by_hand(), async |store| {
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    let refused = async |request: &RefundRequest| store.shop.refund(&bought.number, request).await.unwrap_err();
    let euros = RefundWhat::Amount(Money::new(100, "EUR".parse().unwrap()));
    let by_id = |id| RefundWhat::Items(vec![(ItemRef::Id(id), true)]);
    let plain = |what| RefundRequest { what, reason: RefundReason::Duplicate };
    store.sandbox.forget_requests();
    assert!(matches!(refused(&amount(1_299)).await, RefundError::TooMuch(left) if left.minor() == 1_298));
    assert!(matches!(refused(&amount(0)).await, RefundError::WrongAmount(_)));
    assert!(matches!(refused(&amount(-5)).await, RefundError::WrongAmount(_)));
    assert!(matches!(refused(&plain(euros)).await, RefundError::WrongAmount(_)));
    assert!(matches!(refused(&items(&[("the-third-book", true)])).await, RefundError::NoSuchItem(_)));
    assert!(matches!(refused(&items(&[("no-book", true)])).await, RefundError::NoSuchItem(_)));
    assert!(matches!(refused(&plain(by_id(999_999))).await, RefundError::NoSuchItem(_)));
    assert!(matches!(refused(&items(&[])).await, RefundError::NothingLeft));
    let nobody = store.shop.refund(&"ABCDE-FGHJK".parse().unwrap(), &full()).await;
    assert!(matches!(nobody, Err(RefundError::NoOrder)));
    assert_eq!((store.sandbox.requests().len(), store.count("refund").await), (0, 0));
    // One title, then the other, then nothing is left.
    let made = store.shop.refund(&bought.number, &items(&[(BOOKS[1], false), (BOOKS[1], false)])).await.unwrap();
    assert_eq!(made.amount.minor(), 499);
    assert!(matches!(refused(&items(&[(BOOKS[1], true)])).await, RefundError::NothingLeft));
    assert_eq!(store.shop.refund(&bought.number, &full()).await.unwrap().amount.minor(), 799);
    assert!(matches!(refused(&full()).await, RefundError::NothingLeft));
    assert_eq!(store.rights(&bought.number).await, ["revoked refunded"; 2]);
    // A payment that is still on its way.
    let session = store.bank_checkout(&BOOKS).await;
    let _ = store.sandbox.pay(&session, crate::support::BANK_ACCOUNT, "ann@example.org");
    store.shop.reconcile(&session).await.unwrap();
    let pending = store.texts("SELECT number AS value FROM orders WHERE status = 'pending'").await[0].parse().unwrap();
    assert!(matches!(store.shop.refund(&pending, &full()).await, Err(RefundError::NotPaid)));
});

on_both_databases!(what_stripe_refuses_is_written_down_with_its_words, by_hand(), async |store| {
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    // The store has not heard of the dispute yet.
    store.sandbox.open_dispute(&bought.session, "fraudulent", false).unwrap();
    let Err(RefundError::Refused(why)) = store.shop.refund(&bought.number, &full()).await else {
        panic!("it was not refused")
    };
    assert!(why.contains("charged back"), "{why}");
    assert_eq!(store.refunds_of(&bought.number).await, ["1298 failed"]);
    assert_eq!(store.texts("SELECT failure_reason AS value FROM refund").await, [why]);
    assert_eq!(store.rights(&bought.number).await, ["active"; 2]);
    assert_eq!(store.count("outbox WHERE kind = 'refund_notice'").await, 0);
    assert_eq!(store.shop.retry_refunds().await.unwrap(), 0);
});

fn patient() -> Options {
    Options { clock: Clock::manual(Utc::now().naive_utc()), ..by_hand() }
}

/// Asks for a refund while Stripe suffers; nothing is known afterwards.
async fn asked_in_vain(store: &Store, fault: Fault) -> crate::support::Bought {
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    store.sandbox.set_fault(on_refunds(fault));
    let made = store.shop.refund(&bought.number, &items(&[(BOOKS[0], true)])).await.unwrap();
    assert_eq!((made.status, made.stripe_id), (RefundStatus::Requested, None));
    assert_eq!(store.rights(&bought.number).await, ["active"; 2]);
    bought
}

async fn is_refunded_once(store: &Store, bought: &crate::support::Bought) {
    assert_eq!(store.refunds_of(&bought.number).await, ["799 succeeded"]);
    assert_eq!(store.rights(&bought.number).await, ["revoked refunded", "active"]);
    let made = store.sandbox.events_after(bought.events_before);
    assert_eq!(made.iter().filter(|event| event["type"] == "refund.created").count(), 1);
    assert_eq!(store.shop.retry_refunds().await.unwrap(), 0);
}

on_both_databases!(a_refund_whose_answer_is_lost_is_completed_by_its_event, patient(), async |store| {
    let bought = asked_in_vain(store, Fault::lost_answer()).await;
    store.deliver_all(&store.sandbox.events_after(bought.events_before)).await;
    is_refunded_once(store, &bought).await;
});

on_both_databases!(a_refund_without_an_answer_is_asked_for_again, patient(), async |store| {
    let faults: [fn() -> Fault; 4] = [Fault::lost_answer, Fault::reset, || Fault::status(500), || Fault::status(429)];
    for fault in faults {
        let bought = asked_in_vain(store, fault()).await;
        // What was asked for counts: nobody can ask for it twice.
        let again = store.shop.refund(&bought.number, &items(&[(BOOKS[0], true)])).await;
        assert!(matches!(again, Err(RefundError::NothingLeft)), "{again:?}");
        assert_eq!(store.shop.retry_refunds().await.unwrap(), 0, "too soon");
        // Not even Stripe's list can be had at first.
        store.shop.clock().advance(TimeDelta::minutes(1));
        store.sandbox.set_fault(Fault::status(500).on_method("GET").on_path("/v1/refunds"));
        assert_eq!(store.shop.retry_refunds().await.unwrap(), 1);
        assert_eq!(store.refunds_of(&bought.number).await, ["799 requested"]);
        store.shop.clock().advance(TimeDelta::minutes(1));
        assert_eq!(store.shop.retry_refunds().await.unwrap(), 1);
        is_refunded_once(store, &bought).await;
    }
});

on_both_databases!(a_refund_that_was_made_and_not_written_down_is_found_again, patient(), async |store| {
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    // Stripe makes it, and then cannot be asked how it stands.
    store.sandbox.set_fault(Fault::status(500).on_method("GET").on_path("/v1/refunds"));
    let made = store.shop.refund(&bought.number, &items(&[(BOOKS[0], true)])).await.unwrap();
    assert_eq!(made.status, RefundStatus::Requested);
    store.shop.clock().advance(TimeDelta::minutes(1));
    assert_eq!(store.shop.retry_refunds().await.unwrap(), 1);
    is_refunded_once(store, &bought).await;
});

on_both_databases!(a_refund_made_elsewhere_meanwhile_pushes_ours_to_the_other_titles, patient(), async |store| {
    let bought = asked_in_vain(store, Fault::reset()).await;
    // Most of it falls to the title that ours was to take whole.
    store.sandbox.refund(&bought.session, Some(499)).unwrap();
    store.deliver_all(&store.sandbox.events_after(bought.events_before)).await;
    assert_eq!(store.refunds_of(&bought.number).await, ["799 requested", "499 succeeded"]);
    store.shop.clock().advance(TimeDelta::minutes(1));
    store.shop.retry_refunds().await.unwrap();
    assert_eq!(store.refunds_of(&bought.number).await, ["799 succeeded", "499 succeeded"]);
    // Together they are everything.
    assert_eq!(store.rights(&bought.number).await, ["revoked refunded"; 2]);
});

on_both_databases!(the_command_line_refunds_and_writes_evidence, by_hand(), async |store| {
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    let folder = tempfile::tempdir().unwrap();
    let octavo = |arguments: &[&str]| {
        let url = match store.database_url() {
            shop::db::DatabaseUrl::Sqlite(path) => format!("sqlite://{}", path.display()),
            shop::db::DatabaseUrl::Postgres(url) => url.clone(),
        };
        let output = Command::new(env!("CARGO_BIN_EXE_octavo"))
            .args(arguments)
            .current_dir(folder.path())
            .env_clear()
            .envs([
                ("DATABASE_URL", url.as_str()),
                ("STRIPE_SECRET_KEY", "sk_test_0123456789"),
                ("STRIPE_WEBHOOK_SECRET", "whsec_0123456789"),
                ("STRIPE_API_BASE", store.sandbox.url()),
                ("SECRET_KEY", "an integration test's secret key!"),
            ])
            .output()
            .unwrap();
        let said = [output.stdout, output.stderr].map(|text| String::from_utf8_lossy(&text).into_owned()).concat();
        (output.status.success(), said)
    };
    let number = bought.number.to_string();
    for wrong in [
        &["refund", &number, "--amount", "4,99"][..],
        &["refund", &number, "--amount", "1", "--item", BOOKS[0]],
        &["refund", &number, "--keep"],
        &["refund", &number, "--item", BOOKS[0], "--keep", "--revoke"],
        &["refund", &number, "--amount", "99.99"],
        &["refund", "ABCDE-FGHJK"],
        &["evidence", "ABCDE-FGHJK", "--out", "e.zip"],
    ] {
        let (done, said) = octavo(wrong);
        assert!(!done && !said.contains("panicked"), "{wrong:?}: {said}");
    }
    assert_eq!(store.count("refund").await, 0);
    let (done, said) = octavo(&["refund", &number, "--amount", "1.50", "--reason", "duplicate"]);
    assert!(done && said.contains("$1.50") && said.contains("succeeded (re_"), "{said}");
    let (done, said) = octavo(&["refund", &number, "--item", BOOKS[1], "--keep"]);
    assert!(done, "{said}");
    assert_eq!(store.rights(&bought.number).await, ["active"; 2]);
    let (done, said) = octavo(&["evidence", &number, "--out", "e.zip"]);
    assert!(done && folder.path().join("e.zip").metadata().unwrap().len() > 500, "{said}");
    assert!(!octavo(&["evidence", &number, "--out", "e.zip"]).0, "it overwrites");
    let (done, said) = octavo(&["refund", &number]);
    assert!(done, "{said}");
    assert_eq!(store.rights(&bought.number).await, ["revoked refunded"; 2]);
    assert_eq!(
        store.texts("SELECT DISTINCT reason AS value FROM refund ORDER BY 1").await,
        ["duplicate", "requested_by_customer"]
    );
});
