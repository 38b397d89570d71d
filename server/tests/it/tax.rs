//! Tax: worked out by Stripe or by the store's table, kept with the order, and given back with it.

use crate::refunds::{amount, full};
use crate::support::{Backend, GOOD_CARD, Options, Receiver, Store, by_hand, location, on_both_databases, run};
use reqwest::StatusCode;
use shop::audit::Actor;
use shop::tax::{self, Line, Vies, rates};
use shop::types::{Country, OneStopShop, OrderNumber, Role, TaxMode, TaxRefusal, TaxSettings, TaxSource, TaxTreatment};
use shop::{BrowserSecret, Reconciled};
use stripe_sandbox::{Fault, PayOutcome};

const BOOKS: [&str; 2] = ["the-first-book", "the-second-book"];
pub const GERMAN_CARD: &str = "4000002760000016";
pub const FRENCH_CARD: &str = "4000002500000003";

pub fn country(code: &str) -> Country {
    code.parse().unwrap()
}

/// A German seller's own table, registered for the One Stop Shop.
pub fn table() -> TaxSettings {
    TaxSettings {
        mode: TaxMode::Table,
        inclusive: true,
        seller: Some(country("DE")),
        oss: OneStopShop::Registered,
        vat_ids: true,
        ..TaxSettings::default()
    }
}

pub fn stripe(inclusive: bool) -> TaxSettings {
    TaxSettings { mode: TaxMode::Stripe, inclusive, vat_ids: true, ..TaxSettings::default() }
}

pub async fn set(store: &Store, settings: TaxSettings) {
    let over = store.shop.tax_settings().await.unwrap().version();
    store.shop.change_tax_settings(&Actor::Command, &over, settings).await.unwrap().unwrap();
}

/// Buys both books from a country, as a business if there is a number; gives the order and its taxes.
pub async fn buy(store: &Store, card: &str, from: &str, vat_id: Option<&str>) -> (OrderNumber, Vec<Line>) {
    let session = store.quick_checkout(&BOOKS, &BrowserSecret::generate()).await;
    let outcome = match vat_id {
        Some(id) => store.sandbox.pay_as_business(&session, card, "ann@example.org", from, id),
        None => store.sandbox.pay_from(&session, card, "ann@example.org", from),
    };
    assert!(matches!(outcome, PayOutcome::Completed { .. }), "{outcome:?}");
    assert!(matches!(store.shop.reconcile(&session).await.unwrap(), Reconciled::Ordered(_)));
    let found = store.texts(&format!("SELECT number AS value FROM orders WHERE stripe_session = '{session}'")).await;
    let number: OrderNumber = found[0].parse().unwrap();
    let lines = taxes(store, &number).await;
    (number, lines)
}

async fn taxes(store: &Store, number: &OrderNumber) -> Vec<Line> {
    let number = number.as_str().to_owned();
    let id = store.texts(&format!("SELECT CAST(id AS TEXT) AS value FROM orders WHERE number = '{number}'")).await;
    let id: i64 = id[0].parse().unwrap();
    store.shop.db().read(move |conn| tax::lines_of(conn, id)).await.unwrap()
}

/// "subtotal discount tax total" of an order.
async fn amounts(store: &Store, number: &OrderNumber) -> String {
    let sql = format!(
        "SELECT CAST(amount_subtotal AS TEXT) || ' ' || CAST(amount_discount AS TEXT) || ' ' || CAST(amount_tax AS TEXT) \
         || ' ' || CAST(amount_total AS TEXT) AS value FROM orders WHERE number = '{}'",
        number.as_str()
    );
    store.texts(&sql).await.remove(0)
}

/// "kind value" of what speaks for an order's place.
async fn evidence(store: &Store, number: &OrderNumber) -> Vec<String> {
    store
        .texts(&format!(
            "SELECT e.kind || ' ' || e.value AS value FROM tax_evidence e JOIN orders o ON o.id = e.order_id \
             WHERE o.number = '{}' ORDER BY e.kind",
            number.as_str()
        ))
        .await
}

/// "rate taxable amount treatment" of each.
fn short(lines: &[Line]) -> Vec<String> {
    lines
        .iter()
        .map(|line| {
            format!(
                "{} {} {} {} {}",
                line.country,
                rates::percent(line.rate_ppm),
                line.taxable,
                line.amount,
                line.treatment
            )
        })
        .collect()
}

on_both_databases!(stripe_tax_on_top_is_charged_and_kept_line_by_line, by_hand(), async |store| {
    set(store, stripe(false)).await;
    let (number, lines) = buy(store, GERMAN_CARD, "DE", None).await;
    // 7 % of 7.99 and of 4.99.
    assert_eq!(short(&lines), ["DE 7 799 56 reduced", "DE 7 499 35 reduced"]);
    assert!(lines.iter().all(|line| !line.inclusive && line.source == TaxSource::Stripe && line.name == "VAT"));
    assert_eq!(amounts(store, &number).await, "1298 0 91 1389");
    assert_eq!(evidence(store, &number).await, ["billing_country DE", "card_country DE"]);
    let asked = store.sandbox.requests();
    let form = asked.iter().find(|r| r.method == "POST" && r.path == "/v1/checkout/sessions").unwrap();
    let form = format!("{form:?}");
    for word in ["automatic_tax", "txcd_10302000", "exclusive", "tax_id_collection", "billing_address_collection"] {
        assert!(form.contains(word), "{word}: {form}");
    }
});

on_both_databases!(stripe_tax_in_the_price_leaves_the_total_as_it_is, by_hand(), async |store| {
    set(store, stripe(true)).await;
    let (number, lines) = buy(store, GOOD_CARD, "FR", None).await;
    assert_eq!(short(&lines), ["FR 5.5 757 42 reduced", "FR 5.5 473 26 reduced"]);
    assert!(lines.iter().all(|line| line.inclusive));
    assert_eq!(amounts(store, &number).await, "1298 0 68 1298");
    let (number, lines) = buy(store, GERMAN_CARD, "DE", Some("DE136695976")).await;
    assert!(lines.iter().all(|line| line.treatment == TaxTreatment::ReverseCharge && line.amount == 0));
    assert_eq!(amounts(store, &number).await, "1298 0 0 1298");
    let sql = "SELECT vat_id || ' ' || vat_id_kind || ' ' || company AS value FROM orders WHERE vat_id IS NOT NULL";
    assert_eq!(store.texts(sql).await, ["DE136695976 eu_vat Test Business"]);
});

on_both_databases!(a_total_that_is_not_the_prices_with_their_tax_is_put_under_review, by_hand(), async |store| {
    set(store, stripe(false)).await;
    let session = store.quick_checkout(&BOOKS, &BrowserSecret::generate()).await;
    store.execute(&format!("UPDATE checkout SET subtotal = 1299 WHERE stripe_session = '{session}'")).await;
    let _ = store.sandbox.pay_from(&session, GERMAN_CARD, "ann@example.org", "DE");
    assert_eq!(store.shop.reconcile(&session).await.unwrap(), Reconciled::Quarantined);
    assert_eq!((store.count("order_tax").await, store.count("tax_evidence").await), (0, 0));
    store.execute(&format!("UPDATE checkout SET subtotal = 1298 WHERE stripe_session = '{session}'")).await;
    assert!(matches!(store.shop.reconcile(&session).await.unwrap(), Reconciled::Ordered(_)));
    assert_eq!(store.count("order_tax").await, 2);
});

on_both_databases!(the_table_takes_the_tax_out_of_the_price_by_the_buyers_country, by_hand(), async |store| {
    set(store, table()).await;
    // 12.98 × 7/107 is 0.8492, rounded once for the document.
    let (number, lines) = buy(store, GERMAN_CARD, "DE", None).await;
    assert_eq!(short(&lines), ["DE 7 747 52 reduced", "DE 7 466 33 reduced"]);
    assert!(lines.iter().all(|line| line.inclusive && line.source == TaxSource::Table));
    assert_eq!(amounts(store, &number).await, "1298 0 85 1298");
    assert_eq!(evidence(store, &number).await, ["billing_country DE", "card_country DE"]);
    // Denmark has one rate, Ireland none for e-books, the United States are nobody's business.
    let (_, lines) = buy(store, GOOD_CARD, "DK", None).await;
    assert_eq!(short(&lines), ["DK 25 639 160 standard", "DK 25 399 100 standard"]);
    let (_, lines) = buy(store, GOOD_CARD, "IE", None).await;
    assert_eq!(short(&lines), ["IE 0 799 0 zero", "IE 0 499 0 zero"]);
    let (_, lines) = buy(store, GOOD_CARD, "US", None).await;
    assert_eq!(short(&lines), ["US 0 799 0 outside_scope", "US 0 499 0 outside_scope"]);
    // Below the threshold it is the seller's own rate.
    set(store, TaxSettings { oss: OneStopShop::BelowThreshold, ..table() }).await;
    let (_, lines) = buy(store, FRENCH_CARD, "FR", None).await;
    assert_eq!(short(&lines), ["DE 7 747 52 reduced", "DE 7 466 33 reduced"]);
    // An own rate holds from its day on; other products have the other rate.
    let today = store.shop.clock().now().date();
    let (actor, france) = (Actor::Command, country("FR"));
    let kind = rates::Kind::Ebook;
    store.shop.set_tax_rate(&actor, france, kind, today, 100_000, "a change").await.unwrap().unwrap();
    set(store, table()).await;
    store.execute("UPDATE book SET tax_code = 'txcd_10301000' WHERE slug = 'the-second-book'").await;
    let (number, lines) = buy(store, FRENCH_CARD, "FR", None).await;
    assert_eq!(short(&lines), ["FR 10 726 73 reduced", "FR 20 416 83 standard"]);
    assert_eq!(amounts(store, &number).await, "1298 0 156 1298");
    store.shop.remove_tax_rate(&actor, france, kind, today).await.unwrap().unwrap();
    let (_, lines) = buy(store, FRENCH_CARD, "FR", None).await;
    assert_eq!(short(&lines)[0], "FR 5.5 757 42 reduced");
    let audited = "SELECT action AS value FROM audit WHERE action LIKE 'tax.%' ORDER BY id";
    let expected = ["tax.changed", "tax.changed", "tax.rate-set", "tax.changed", "tax.rate-removed"];
    assert_eq!(store.texts(audited).await, expected);
});

on_both_databases!(a_business_of_another_member_owes_the_tax_itself, by_hand(), async |store| {
    set(store, table()).await;
    let (number, lines) = buy(store, FRENCH_CARD, "FR", Some("FR40303265045")).await;
    assert_eq!(short(&lines), ["FR 0 799 0 reverse_charge", "FR 0 499 0 reverse_charge"]);
    assert_eq!(evidence(store, &number).await, ["billing_country FR", "card_country FR", "vat_id_check form"]);
    // One at home is taxed as everybody, and so is one whose check digits are wrong.
    let (_, lines) = buy(store, GERMAN_CARD, "DE", Some("DE136695976")).await;
    assert_eq!(short(&lines)[0], "DE 7 747 52 reduced");
    let (number, lines) = buy(store, FRENCH_CARD, "FR", Some("FR41303265045")).await;
    assert_eq!(short(&lines)[0], "FR 5.5 757 42 reduced");
    assert_eq!(evidence(store, &number).await[2], "vat_id_check malformed");
});

on_both_databases!(taxes_of_the_table_go_back_to_the_last_cent, by_hand(), async |store| {
    set(store, table()).await;
    let (number, _) = buy(store, GERMAN_CARD, "DE", None).await;
    for minor in [1, 333, 7, 500] {
        store.shop.refund(&number, &amount(minor)).await.unwrap();
    }
    store.shop.refund(&number, &full()).await.unwrap();
    let exact = "(SELECT o.id FROM orders o JOIN refund r ON r.order_id = o.id GROUP BY o.id \
                 HAVING SUM(r.amount) = o.amount_total AND SUM(r.tax) = o.amount_tax) AS exact";
    assert_eq!(store.count(exact).await, 1);
});

on_both_databases!(settings_that_cannot_be_are_refused_with_the_reason, by_hand(), async |store| {
    let over = TaxSettings::default().version();
    let refused =
        async |settings| store.shop.change_tax_settings(&Actor::Command, &over, settings).await.unwrap().unwrap_err();
    assert_eq!(refused(TaxSettings { inclusive: false, ..table() }).await, TaxRefusal::ExclusiveTable);
    assert_eq!(refused(TaxSettings { seller: None, ..table() }).await, TaxRefusal::NoSeller);
    let american = TaxSettings { seller: Some(country("US")), oss: OneStopShop::BelowThreshold, ..table() };
    assert_eq!(refused(american.clone()).await, TaxRefusal::NoThreshold);
    assert_eq!(refused(TaxSettings { oss: OneStopShop::No, ..american }).await, TaxRefusal::NoRate);
    assert_eq!(refused(TaxSettings { registered: vec![country("JP")], ..table() }).await, TaxRefusal::NoRate);
    assert_eq!(store.shop.tax_settings().await.unwrap(), TaxSettings::default());
    assert_eq!(store.count("audit").await, 0);
    // Untaxed, an order says nothing of tax.
    let (_, lines) = buy(store, GERMAN_CARD, "DE", None).await;
    assert_eq!((lines, store.count("tax_evidence").await), (vec![], 0));
});

on_both_databases!(of_two_who_save_tax_at_once_one_is_told, by_hand(), async |store| {
    // The first time there is no row yet, the second time there is.
    for codes in [["FR", "AT"], ["IT", "ES"]] {
        let over = store.shop.tax_settings().await.unwrap().version();
        let [one, two] = codes.map(|code| TaxSettings { seller: Some(country(code)), ..table() });
        let (one, two) = futures::join!(
            store.shop.change_tax_settings(&Actor::Command, &over, one),
            store.shop.change_tax_settings(&Actor::Command, &over, two),
        );
        let results = [one.unwrap(), two.unwrap()];
        assert!(results.contains(&Ok(())) && results.contains(&Err(TaxRefusal::Outdated)), "{results:?}");
    }
    assert_eq!(store.count("audit WHERE action = 'tax.changed'").await, 2);
});

on_both_databases!(who_is_on_the_way_to_pay_is_taxed_as_was_said_when_she_left, by_hand(), async |store| {
    set(store, table()).await;
    let session = store.quick_checkout(&BOOKS, &BrowserSecret::generate()).await;
    set(store, TaxSettings::default()).await;
    let _ = store.sandbox.pay_from(&session, GERMAN_CARD, "ann@example.org", "DE");
    store.shop.reconcile(&session).await.unwrap();
    assert_eq!(store.count("order_tax WHERE amount > 0").await, 2);
});

/// The register as a test has it: answers, does not know, is out of order, says nothing.
async fn register(backend: Backend) {
    let register = Receiver::start().await;
    let vies = Vies::at(&format!("http://{}/", register.address).parse().unwrap());
    run(backend, Options { vies, ..by_hand() }, async |store| {
        set(store, TaxSettings { vies: true, ..table() }).await;
        for (status, body, treatment, check) in [
            (200, r#"{"valid":true}"#, TaxTreatment::ReverseCharge, "valid"),
            (200, r#"{"valid":false}"#, TaxTreatment::Reduced, "invalid"),
            (
                200,
                r#"{"actionSucceed":false,"errorWrappers":[{"error":"MS_UNAVAILABLE"}]}"#,
                TaxTreatment::ReverseCharge,
                "no answer",
            ),
            (500, "", TaxTreatment::ReverseCharge, "no answer"),
        ] {
            register.answer(status, &[], body);
            let (number, lines) = buy(store, FRENCH_CARD, "FR", Some("FR40303265045")).await;
            assert_eq!(lines[0].treatment, treatment, "{body}");
            assert_eq!(evidence(store, &number).await[2], format!("vat_id_check vies: {check}"));
        }
        // Nobody waits for a register that says nothing.
        register.hold(true);
        let (number, lines) = buy(store, FRENCH_CARD, "FR", Some("FR40303265045")).await;
        assert_eq!(lines[0].treatment, TaxTreatment::ReverseCharge);
        assert_eq!(evidence(store, &number).await[2], "vat_id_check vies: no answer");
        let asked = register.taken();
        assert_eq!(asked.len(), 5);
        assert_eq!(asked[0].json(), serde_json::json!({ "countryCode": "FR", "vatNumber": "40303265045" }));
        // What is malformed is not looked up, and without the setting nothing is.
        buy(store, FRENCH_CARD, "FR", Some("FR41303265045")).await;
        set(store, table()).await;
        buy(store, FRENCH_CARD, "FR", Some("FR40303265045")).await;
        assert_eq!(register.taken().len(), 5);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_register_of_numbers_is_asked_and_never_waited_for_on_sqlite() {
    register(Backend::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_register_of_numbers_is_asked_and_never_waited_for_on_postgres() {
    register(Backend::Postgres).await;
}

on_both_databases!(a_sale_whose_tax_stripe_cannot_work_out_needs_a_person, by_hand(), async |store| {
    set(store, stripe(true)).await;
    let session = store.quick_checkout(&BOOKS, &BrowserSecret::generate()).await;
    assert!(store.sandbox.fail_tax(&session));
    let outcome = store.sandbox.pay_from(&session, GERMAN_CARD, "ann@example.org", "DE");
    assert!(matches!(outcome, PayOutcome::Completed { .. }), "{outcome:?}");
    assert!(matches!(store.shop.reconcile(&session).await.unwrap(), Reconciled::Ordered(_)));
    // And one of the usual kind.
    buy(store, GERMAN_CARD, "DE", None).await;
    let found = store.shop.attention().await.unwrap().untaxed;
    assert_eq!((found.len(), found[0].why.as_str(), found[0].total.minor()), (1, "failed", 1298));
    let number = found[0].order.clone();
    let admin = store.desk(Role::Admin).await;
    let (list, page) = ("/admin/attention", format!("/admin/orders/{number}"));
    assert!(admin.text(list).await.contains("Sales whose tax Stripe could not work out"));
    assert!(admin.text(&page).await.contains("Stripe failed to work out the tax"));
    let answer = admin.post("/actions/admin-tax-seen-to", &[("number", number.as_str())]).await;
    assert_eq!(location(&answer), format!("{page}?done=tax-seen-to"));
    assert!(!admin.text(&page).await.contains("Stripe failed to work out the tax"));
    assert!(store.shop.attention().await.unwrap().untaxed.is_empty());
    assert_eq!(store.count("audit WHERE action = 'order.tax-seen-to'").await, 1);
    assert_eq!(store.count("orders WHERE tax_problem = 'failed'").await, 1);
    let again = admin.post("/actions/admin-tax-seen-to", &[("number", number.as_str())]).await;
    assert_eq!(again.status(), StatusCode::NOT_FOUND);
});

on_both_databases!(a_product_tax_code_is_one_that_stripe_has, by_hand(), async |store| {
    set(store, stripe(true)).await;
    let (slug, actor) = (BOOKS[0].parse().unwrap(), Actor::Command);
    let refused = store.shop.set_book_tax_code(&actor, &slug, "txcd_10303000").await.unwrap();
    assert_eq!(refused, Err(TaxRefusal::UnknownCode));
    assert_eq!(store.count("book WHERE tax_code <> 'txcd_10302000'").await, 0);
    // While Stripe is out of reach the form is taken for it, and the first who wants to pay finds out.
    store.sandbox.set_fault(Fault::status(500));
    store.shop.set_book_tax_code(&actor, &slug, "txcd_10303000").await.unwrap().unwrap();
    store.sandbox.clear_faults();
    let browser = store.browser();
    browser.add(&BOOKS).await;
    for _ in 0..2 {
        let answer = browser.start_checkout().await;
        assert!(location(&answer).starts_with("/cart"), "{answer:?}");
        assert!(browser.text(&location(&answer)).await.contains("One of the titles in your cart cannot be paid for"));
    }
    assert!(store.sandbox.session_ids().is_empty());
    let found = store.shop.attention().await.unwrap().tax_codes;
    assert_eq!(found, [(BOOKS[0].to_owned(), "The first book".to_owned())]);
    let admin = store.desk(Role::Admin).await;
    assert!(admin.text("/admin/attention").await.contains("Books that Stripe does not let anybody pay for"));
    // With a code that Stripe has, the same cart is paid for.
    store.shop.set_book_tax_code(&actor, &slug, "txcd_10302001").await.unwrap().unwrap();
    assert!(store.shop.attention().await.unwrap().tax_codes.is_empty());
    assert!(location(&browser.start_checkout().await).contains("/c/pay/"));
});
