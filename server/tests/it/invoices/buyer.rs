//! The buyer says whom the invoice is made out to.

use super::{BOOKS, details};
use crate::refunds::{amount, full};
use crate::support::{Bought, Browser, GOOD_CARD, Options, by_hand, hidden, location, on_both_databases};
use futures::future::join_all;
use shop::audit::Actor;
use shop::invoices::{DetailsError, Reissued};
use shop::types::Role;
use shop::{BrowserSecret, Clock, Policy};

on_both_databases!(a_buyer_has_her_invoice_made_out_anew_once, by_hand(), async |store| {
    let browser = BrowserSecret::generate();
    let session = store.quick_checkout(&BOOKS, &browser).await;
    let number = store.bought_with(session, GOOD_CARD).await.number;
    let standing = async || store.shop.order(&number, Some(&browser)).await.unwrap().unwrap().invoice.unwrap();
    let first = standing().await;
    let set = async |replaces: &str, company: &str| {
        store.shop.set_buyer_details(&number, replaces, &details(company), Some(&browser)).await
    };
    // A double click, and a second tab that says the same.
    let clicks = join_all((0..8).map(|_| set(&first, "Lee GmbH"))).await;
    let made: Vec<Reissued> = clicks.into_iter().map(Result::unwrap).collect();
    assert_eq!(made.iter().filter(|made| made.credit_note.is_some()).count(), 1, "{made:?}");
    assert!(made.iter().all(|one| one.invoice == made[0].invoice));
    assert_eq!(store.documents(&number).await, ["sale INV1 1298", "replaced CN1 1298 of INV1", "reissued INV2 1298"]);
    let buyer = store.snapshot(&number, "buyer_snapshot").await;
    assert_eq!((buyer["company"].as_str(), buyer["vat_id"].as_str()), (Some("Lee GmbH"), Some("DE123456789")));
    assert_eq!(buyer["email"].as_str(), Some("ann@example.org"));
    // A tab that shows the first one says something else.
    assert!(matches!(set(&first, "Lee AG").await, Err(DetailsError::Changed)));
    assert_eq!(standing().await, made[0].invoice);
    // Nobody else's business.
    let other = BrowserSecret::generate();
    let foreign = store.shop.set_buyer_details(&number, &made[0].invoice, &details("X"), Some(&other)).await;
    assert!(matches!(foreign, Err(DetailsError::Shop(shop::Error::NotFound))));
    // The tax and the price stay, and a refund corrects the one that stands.
    store.shop.refund(&number, &amount(298)).await.unwrap();
    set(&made[0].invoice, "Lee SE").await.unwrap();
    assert_eq!(
        store.documents(&number).await[3..],
        ["refund CN2 298 of INV2", "replaced CN3 1000 of INV2", "reissued INV3 1000"]
    );
    store.shop.refund(&number, &full()).await.unwrap();
    assert!(matches!(set(&standing().await, "Late").await, Err(DetailsError::Nothing)));
});

on_both_databases!(a_refund_of_a_replaced_invoice_that_fails_makes_it_out_anew, by_hand(), async |store| {
    let Bought { number, .. } = store.bought(&BOOKS, GOOD_CARD).await;
    let made = store.shop.refund(&number, &amount(300)).await.unwrap().stripe_id.unwrap();
    let standing = store.texts("SELECT number AS value FROM invoice ORDER BY id").await.remove(0);
    store.shop.set_buyer_details_at_desk(&number, &standing, &details("Lee"), &Actor::Command).await.unwrap();
    let before = store.sandbox.event_count();
    assert!(store.sandbox.finish_refund(&made, false), "it fails");
    store.tells_of_refunds(before).await;
    assert_eq!(
        store.documents(&number).await,
        [
            "sale INV1 1298",
            "refund CN1 300 of INV1",
            "replaced CN2 998 of INV1",
            "reissued INV2 998",
            "replaced CN3 998 of INV2",
            "reissued INV3 1298 of CN1"
        ]
    );
});

/// Half an hour after midnight in Berlin.
fn final_after_a_day() -> Options {
    let now = chrono::NaiveDate::from_ymd_opt(2026, 11, 26).unwrap().and_hms_opt(23, 30, 0).unwrap();
    Options {
        clock: Clock::manual(now),
        time_zone: "Europe/Berlin".parse().unwrap(),
        policy: Policy { invoice_days: 1, order_hours: 100, ..Policy::default() },
        ..by_hand()
    }
}

on_both_databases!(an_invoice_is_final_after_its_days_but_for_the_desk, final_after_a_day(), async |store| {
    let browser = BrowserSecret::generate();
    let session = store.quick_checkout(&BOOKS, &browser).await;
    let number = store.bought_with(session, GOOD_CARD).await.number;
    let form = async || store.shop.order(&number, Some(&browser)).await.unwrap().unwrap().buyer_form;
    let shown = form().await.unwrap();
    assert_eq!(shown.until, "28 November 2026");
    // Through the whole of that day there.
    store.shop.clock().advance(chrono::TimeDelta::hours(47));
    store.shop.set_buyer_details(&number, &shown.replaces, &details("Lee"), Some(&browser)).await.unwrap();
    let shown = form().await.unwrap();
    store.shop.clock().advance(chrono::TimeDelta::hours(1));
    let late = store.shop.set_buyer_details(&number, &shown.replaces, &details("Leo"), Some(&browser)).await;
    assert!(matches!(late, Err(DetailsError::TooLate)));
    // A browser that may still see the order is not shown the form.
    assert!(store.shop.order_sheet(&number).await.unwrap().unwrap().buyer_form.is_some());
    store.shop.set_buyer_details_at_desk(&number, &shown.replaces, &details("Leo"), &Actor::Command).await.unwrap();
    let audited = store.texts("SELECT action || ' ' || object AS value FROM audit").await;
    assert!(audited.contains(&format!("invoice.reissued order:{}", number.as_str())), "{audited:?}");
    assert_eq!(store.documents(&number).await.len(), 5);
});

on_both_databases!(the_forms_work_as_plain_forms, async |store| {
    let (buyer, stranger) = (store.browser(), store.browser());
    let (_, number) = store.buy(&buyer, &BOOKS, "ann@example.org").await;
    store.settle().await;
    let page = buyer.text(&format!("/orders/{number}")).await;
    let invoice = store.texts("SELECT number AS value FROM invoice").await.remove(0);
    assert!(page.contains(&format!("/invoices/{invoice}.pdf")), "{page}");
    let form = |company: &'static str, country: &'static str| {
        [
            ("number", number.to_string()),
            ("replaces", invoice.clone()),
            ("company", company.to_owned()),
            ("address", "Gasse </textarea> 1\r\n10115 Berlin".to_owned()),
            ("country", country.to_owned()),
        ]
    };
    let send = async |browser: &Browser, action: &str, form: [(&'static str, String); 5]| {
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = browser.post_from(&format!("/orders/{number}"), action, &form).await;
        (answer.status().as_u16(), answer.headers().get("location").map(|to| to.to_str().unwrap().to_owned()))
    };
    let to = |query: &str| (303, Some(format!("/orders/{number}?{query}")));
    assert_eq!(send(&buyer, "/actions/set-buyer-details", form("", "de")).await, to("error=invalid-details"));
    assert_eq!(send(&buyer, "/actions/set-buyer-details", form("Lee", "Germany")).await, to("error=invalid-details"));
    let refused = send(&stranger, "/actions/set-buyer-details", form("Lee", "de")).await;
    assert_eq!(refused.0, 404, "{refused:?}");
    assert_eq!(send(&buyer, "/actions/set-buyer-details", form("Lee", "de")).await, to("done=invoice-replaced"));
    assert_eq!(send(&buyer, "/actions/set-buyer-details", form("Lee", "de")).await, to("done=invoice-as-it-was"));
    assert_eq!(send(&buyer, "/actions/set-buyer-details", form("Leo", "de")).await, to("error=invoice-changed"));
    let page = buyer.text(&format!("/orders/{number}?done=invoice-replaced")).await;
    assert!(page.contains("made out anew") && page.contains("Credit note CN-"), "{page}");
    assert!(page.contains("Gasse &lt;/textarea> 1"), "the address stands in its field");
    // At the desk, from support on.
    let desk = store.desk(Role::Support).await;
    let sheet = desk.text(&format!("/admin/orders/{number}")).await;
    let replaces = hidden(&sheet, "replaces").unwrap();
    let form = [("number", number.to_string()), ("replaces", replaces), ("company", "Leo".to_owned())];
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let answer = desk.post("/actions/admin-set-buyer-details", &form).await;
    assert_eq!(location(&answer), format!("/admin/orders/{number}?done=invoice-replaced"));
    let viewer = store.desk(Role::Viewer).await.text(&format!("/admin/orders/{number}")).await;
    assert!(!viewer.contains("/invoices/") && !viewer.contains("admin-set-buyer-details"));
    // In the library, too.
    store.library(&buyer, "ann@example.org").await;
    let shelf = buyer.text("/library").await;
    assert!(
        shelf.contains(&format!("/invoices/{invoice}.pdf")) && shelf.contains(&format!("/orders/{number}#invoice"))
    );
});
