//! The report of a quarter and the desk's page of tax.

use crate::refunds::{amount, full, items};
use crate::support::{Browser, GOOD_CARD, Options, Store, by_hand, hidden, location, on_both_databases};
use crate::tax::{FRENCH_CARD, GERMAN_CARD, buy, country, set, stripe, table};
use reqwest::StatusCode;
use shop::Clock;
use shop::audit::Actor;
use shop::seed::large::Plan;
use shop::tax::report::Quarter;
use shop::types::{BuyerDetails, InvoiceKind, OrderNumber, Role, TaxMode, TaxSettings};
use std::collections::BTreeMap;

/// The row of an order.
fn order(number: &str) -> String {
    format!("(SELECT id FROM orders WHERE number = '{number}')")
}

fn quarter(text: &str) -> Quarter {
    text.parse().unwrap()
}

/// A store whose days are those of Berlin: its quarters begin an hour or two before those of the clock.
fn in_berlin() -> Options {
    Options { time_zone: "Europe/Berlin".parse().unwrap(), ..by_hand() }
}

on_both_databases!(a_quarter_has_what_was_sold_and_what_went_back_in_it, in_berlin(), async |store| {
    set(store, table()).await;
    let (first, _) = buy(store, GERMAN_CARD, "DE", None).await;
    let (second, _) = buy(store, FRENCH_CARD, "FR", None).await;
    buy(store, GERMAN_CARD, "DE", None).await;
    buy(store, FRENCH_CARD, "FR", Some("FR40303265045")).await;
    buy(store, GOOD_CARD, "US", None).await;
    set(store, stripe(false)).await;
    buy(store, GERMAN_CARD, "DE", None).await;
    set(store, TaxSettings::default()).await;
    buy(store, GOOD_CARD, "US", None).await;
    // The first was paid in the last quarter by the clock of Berlin, though not by UTC's; half of it went back then.
    store.shop.refund(&first, &items(&[("the-first-book", true)])).await.unwrap();
    store.shop.refund(&second, &amount(333)).await.unwrap();
    for (number, at) in [(first.as_str(), "2026-06-30 21:59:59"), (second.as_str(), "2026-06-30 22:00:00")] {
        store.execute(&format!("UPDATE invoice SET issued_at = '{at}' WHERE order_id = {}", order(number))).await;
    }
    store.execute("UPDATE invoice SET issued_at = '2026-08-01 12:00:00' WHERE issued_at > '2026-07-01'").await;
    store.shop.refund(&first, &full()).await.unwrap();
    // The last hour of the quarter.
    let last = "UPDATE invoice SET issued_at = '2026-09-30 21:59:59' WHERE issued_at > '2026-09-01'";
    store.execute(last).await;
    // All of them of before: they do not say their days themselves.
    store.lets_documents_change().await;
    store.execute("UPDATE invoice SET facts_snapshot = NULL").await;
    let spring = store.shop.tax_report(quarter("2026Q2")).await.unwrap().csv();
    let summer = store.shop.tax_report(quarter("2026Q3")).await.unwrap().csv();
    let head = "quarter,country,region,tax,rate_percent,treatment,currency,orders,net,tax_amount,gross,refunds,refunded_net,\
                refunded_tax,refunded_gross,disputes,disputed_net,disputed_tax,disputed_gross,restored,restored_net,\
                restored_tax,restored_gross,due_net,due_tax";
    assert_eq!(
        spring.lines().collect::<Vec<_>>(),
        [head, "2026Q2,DE,,VAT,7,reduced,USD,1,1213,85,1298,1,747,52,799,0,0,0,0,0,0,0,0,466,33"]
    );
    assert_eq!(
        summer.lines().collect::<Vec<_>>(),
        [
            head,
            "2026Q3,DE,,VAT,7,reduced,USD,2,2511,176,2687,1,466,33,499,0,0,0,0,0,0,0,0,2045,143",
            "2026Q3,FR,,VAT,0,reverse_charge,USD,1,1298,0,1298,0,0,0,0,0,0,0,0,0,0,0,0,1298,0",
            "2026Q3,FR,,VAT,5.5,reduced,USD,1,1230,68,1298,1,316,17,333,0,0,0,0,0,0,0,0,914,51",
            "2026Q3,US,,VAT,0,outside_scope,USD,1,1298,0,1298,0,0,0,0,0,0,0,0,0,0,0,0,1298,0",
        ]
    );
    assert_eq!(store.shop.tax_report(quarter("2026Q1")).await.unwrap().lines, []);
    // All quarters together are the taxes of the orders less those of the refunds.
    let sum = async |sql: &str| store.texts(&format!("SELECT CAST(({sql}) AS TEXT) AS value")).await.remove(0);
    assert_eq!(sum("SELECT SUM(amount) FROM order_tax").await, (85 + 176 + 68).to_string());
    assert_eq!(sum("SELECT SUM(tax) FROM refund").await, (52 + 33 + 17).to_string());
});

on_both_databases!(taxes_of_a_state_and_a_county_go_back_with_what_they_were_taken_of, by_hand(), async |store| {
    set(store, stripe(false)).await;
    let (number, _) = buy(store, GERMAN_CARD, "DE", None).await;
    // As Stripe has it in the United States: two rates of one place.
    store.execute("UPDATE order_tax SET amount = amount - 10, region = 'CA', rate_ppm = 60000").await;
    store
        .execute(
            "INSERT INTO order_tax SELECT order_item_id, 1, country, region, 'County', 10000, taxable, 10, inclusive, treatment, \
             source FROM order_tax",
        )
        .await;
    // And its invoice is one of before, which says no taxes itself.
    store.lets_documents_change().await;
    store
        .execute(
            "UPDATE invoice SET lines_snapshot = \
             '[{\"title\":\"The first book\",\"unit_amount\":799,\"discount\":0,\"tax\":56,\"total\":855},\
               {\"title\":\"The second book\",\"unit_amount\":499,\"discount\":0,\"tax\":35,\"total\":534}]'",
        )
        .await;
    for minor in [100, 7, 500, 1] {
        store.shop.refund(&number, &amount(minor)).await.unwrap();
        let report = store.shop.tax_report(store.shop.this_quarter()).await.unwrap();
        let back: i64 = report.lines.iter().map(|(_, sums)| sums.refunded.tax).sum();
        let refunds = store.texts("SELECT CAST(SUM(tax) AS TEXT) AS value FROM refund").await;
        assert_eq!(back.to_string(), refunds[0]);
    }
    store.shop.refund(&number, &full()).await.unwrap();
    let report = store.shop.tax_report(store.shop.this_quarter()).await.unwrap();
    assert_eq!(report.lines.len(), 2);
    assert!(report.lines.iter().all(|(subject, _)| subject.region == "CA"), "{report:?}");
    for (subject, sums) in &report.lines {
        assert_eq!((sums.sold.tax, sums.sold.net), (sums.refunded.tax, sums.refunded.net), "{subject:?}");
        assert_eq!(sums.due(), (0, 0), "{subject:?}");
    }
});

/// Half an hour before the year ends in UTC: in Berlin the next one has begun.
fn before_the_year_ends() -> Options {
    let eve = chrono::NaiveDate::from_ymd_opt(2026, 12, 31).unwrap().and_hms_opt(23, 30, 0).unwrap();
    Options { clock: Clock::manual(eve), ..by_hand() }
}

on_both_databases!(
    documents_keep_their_days_when_the_store_moves_to_another_zone,
    before_the_year_ends(),
    async |store| {
        set(store, table()).await;
        let (number, _) = buy(store, GERMAN_CARD, "DE", None).await;
        let (last, next) = (quarter("2026Q4"), quarter("2027Q1"));
        let before = store.shop.tax_report(last).await.unwrap();
        assert_eq!(before.lines.len(), 1, "{before:?}");
        let moved = store.in_zone("Europe/Berlin").await;
        assert_eq!(moved.tax_report(last).await.unwrap(), before);
        assert_eq!(moved.tax_report(next).await.unwrap().lines, []);
        // What is issued now is of the new year, and names the invoice with the day that stands on it.
        moved.refund(&number, &amount(333)).await.unwrap();
        let numbers = store.texts("SELECT number AS value FROM invoice ORDER BY id").await;
        assert_eq!(numbers, ["INV-2026-00001", "CN-2027-00001"]);
        let note = moved.invoice_at_desk(&numbers[1]).await.unwrap().unwrap().document;
        let days = [note.issued_on, note.corrects.unwrap().on].map(|day| day.to_string());
        assert_eq!(days, ["2027-01-01", "2026-12-31"]);
        let links = moved.order_sheet(&number).await.unwrap().unwrap().documents;
        assert_eq!(links.iter().map(|link| link.day.as_str()).collect::<Vec<_>>(), ["2026-12-31", "2027-01-01"]);
        assert_eq!(moved.tax_report(last).await.unwrap(), before);
        let refunded: Vec<_> =
            moved.tax_report(next).await.unwrap().lines.iter().map(|(_, sums)| sums.refunded.count).collect();
        assert_eq!(refunded, [1]);
        // Back in UTC the credit note keeps its day too.
        assert_eq!(store.shop.tax_report(last).await.unwrap(), before);
    }
);

/// The last day of a quarter.
fn at_the_end_of_a_quarter() -> Options {
    let day = chrono::NaiveDate::from_ymd_opt(2027, 9, 30).unwrap().and_hms_opt(12, 0, 0).unwrap();
    Options { clock: Clock::manual(day), ..by_hand() }
}

/// Net and tax by country, rate and currency, as the documents of a quarter say: invoices less credit notes.
async fn documents(store: &Store, quarter: Quarter) -> BTreeMap<(String, i64, String), (i64, i64)> {
    let mut sums: BTreeMap<_, (i64, i64)> = BTreeMap::new();
    let span = format!("issued_at >= '{} 00:00:00' AND issued_at < '{} 00:00:00'", quarter.first_day(), quarter.end());
    for number in store.texts(&format!("SELECT number AS value FROM invoice WHERE {span}")).await {
        let document = store.shop.invoice_at_desk(&number).await.unwrap().unwrap().document;
        let sign = if document.kind == InvoiceKind::Invoice { 1 } else { -1 };
        let currency = document.currency.code().to_owned();
        let mut add = |country: String, rate: i64, net: i64, tax: i64| {
            let sum = sums.entry((country, rate, currency.clone())).or_default();
            (sum.0, sum.1) = (sum.0 + sign * net, sum.1 + sign * tax);
        };
        for tax in document.lines.iter().flat_map(|line| &line.taxes) {
            add(tax.country.clone(), tax.rate_ppm, tax.taxable, tax.amount);
        }
        if document.lines.iter().all(|line| line.taxes.is_empty()) && document.tax > 0 {
            // One of before.
            let rows = store
                .texts(&format!(
                    "SELECT t.country || ' ' || CAST(t.rate_ppm AS TEXT) || ' ' || CAST(t.taxable AS TEXT) || ' ' || CAST(t.amount AS TEXT) AS value \
                     FROM order_tax t JOIN order_item i ON i.id = t.order_item_id WHERE i.order_id = {}",
                    order(document.order.as_str())
                ))
                .await;
            for row in rows {
                let [country, rate, net, tax] = row.split(' ').collect::<Vec<_>>().try_into().unwrap();
                add(country.into(), rate.parse().unwrap(), net.parse().unwrap(), tax.parse().unwrap());
            }
        }
    }
    sums.retain(|_, sum| *sum != (0, 0));
    sums
}

on_both_databases!(the_report_of_each_quarter_is_the_sum_of_its_documents, at_the_end_of_a_quarter(), async |store| {
    let today = store.shop.today().await.unwrap();
    let plan = Plan { seed: 2, books: 40, orders: 500, until: today, batch: Plan::BATCH };
    store.shop.seed_large(&plan, |_| {}).await.unwrap();
    set(store, table()).await;
    // What seeds do not have: money that goes back, and comes back in the next quarter.
    let session = async |number: &OrderNumber| {
        let sql = format!("SELECT stripe_session AS value FROM orders WHERE number = '{}'", number.as_str());
        store.texts(&sql).await.remove(0)
    };
    let lose = async |number: &OrderNumber| {
        let dispute = store.sandbox.open_dispute(&session(number).await, "fraudulent", false).unwrap();
        assert!(store.sandbox.close_dispute(&dispute, false));
        store.shop.reconcile_dispute(&dispute).await.unwrap();
    };
    let (fails, _) = buy(store, GERMAN_CARD, "DE", None).await;
    let (lost, _) = buy(store, FRENCH_CARD, "FR", None).await;
    let (later, _) = buy(store, FRENCH_CARD, "FR", None).await;
    let (anew, _) = buy(store, GERMAN_CARD, "DE", None).await;
    let refund = store.shop.refund(&fails, &amount(333)).await.unwrap().stripe_id.unwrap();
    lose(&lost).await;
    let third = quarter("2027Q3");
    let before = store.shop.tax_report(third).await.unwrap();
    let disputed: Vec<_> = before.lines.iter().filter(|(_, sums)| sums.disputed.count > 0).collect();
    assert_eq!(disputed.len(), 1, "{disputed:?}");
    assert_eq!((disputed[0].0.country.as_str(), disputed[0].1.disputed.tax), ("FR", 68));
    store.shop.clock().advance(chrono::TimeDelta::days(20));
    assert!(store.sandbox.finish_refund(&refund, false));
    store.shop.reconcile_refund(&refund).await.unwrap();
    lose(&later).await;
    let standing = store.shop.order_sheet(&anew).await.unwrap().unwrap().invoice.unwrap();
    let details = BuyerDetails::parse("Ann Lee", "Lee", "DE 123456789", "Gasse 1", "de").unwrap();
    store.shop.set_buyer_details_at_desk(&anew, &standing, &details, &Actor::Command).await.unwrap();
    // What is over stays as it is; what happened since is in the quarter in which it did.
    assert_eq!(store.shop.tax_report(third).await.unwrap(), before);
    let now = store.shop.tax_report(quarter("2027Q4")).await.unwrap();
    let brief: Vec<_> = now.lines.iter().map(|(subject, sums)| (subject.country.as_str(), sums.due())).collect();
    assert_eq!(brief, [("DE", (311, 22)), ("FR", (-1230, -68))]);
    assert_eq!((now.lines[0].1.restored.count, now.lines[1].1.disputed.count), (1, 1));
    let mut seen = 0;
    for text in ["2026Q3", "2026Q4", "2027Q1", "2027Q2", "2027Q3", "2027Q4"] {
        let mut sums: BTreeMap<_, (i64, i64)> = BTreeMap::new();
        let lines = store.shop.tax_report(quarter(text)).await.unwrap().lines;
        for (subject, line) in lines {
            let (net, tax) = line.due();
            let sum = sums.entry((subject.country, subject.rate_ppm, subject.currency)).or_default();
            (sum.0, sum.1) = (sum.0 + net, sum.1 + tax);
        }
        sums.retain(|_, sum| *sum != (0, 0));
        seen += sums.len();
        assert_eq!(sums, documents(store, quarter(text)).await, "{text}");
    }
    assert!(seen > 10, "{seen} sums");
});

on_both_databases!(the_desk_sets_tax_and_hands_out_the_report, by_hand(), async |store| {
    let desk = store.desk(Role::Admin).await;
    let page = desk.text("/admin/settings/tax").await;
    for words in ["How the store taxes", "The rates of today", "13.5", "Report of a quarter"] {
        assert!(page.contains(words), "{words}");
    }
    let version = hidden(&page, "version").unwrap();
    let form = [
        ("version", version.as_str()),
        ("tax[mode]", "table"),
        ("tax[prices]", "added"),
        ("tax[seller]", "de"),
        ("tax[oss]", "registered"),
        ("tax[registered]", "ch, GB"),
    ];
    let answer = desk.post("/actions/admin-save-tax", &form).await;
    // Nothing that was typed is lost, and the field says what is wrong.
    let kept = location(&answer);
    assert!(kept.starts_with("/admin/settings/tax?refused=tax-exclusive-table&draft="), "{kept}");
    let page = desk.text(&kept).await;
    assert!(page.contains("Not saved yet: one field needs another look."), "{page}");
    assert!(page.contains("value=\"ch, GB\"") && page.contains("id=\"wrong-prices\""), "{page}");
    assert_eq!(hidden(&page, "version").as_ref(), Some(&version));
    assert_eq!(store.shop.tax_settings().await.unwrap().mode, TaxMode::None);
    assert!(desk.text("/admin/settings/tax?refused=tax-exclusive-table").await.contains("prices must hold the tax"));
    let form = [
        ("version", version.as_str()),
        ("tax[mode]", "table"),
        ("tax[prices]", "included"),
        ("tax[seller]", "de"),
        ("tax[oss]", "registered"),
        ("tax[registered]", "ch, GB"),
        ("tax[vat_ids]", "true"),
    ];
    let answer = desk.post("/actions/admin-save-tax", &form).await;
    assert_eq!(
        (answer.status(), location(&answer)),
        (StatusCode::SEE_OTHER, "/admin/settings/tax?done=tax-saved".into())
    );
    let settings = store.shop.tax_settings().await.unwrap();
    assert_eq!((settings.mode, settings.vat_ids, settings.vies), (TaxMode::Table, true, false));
    // The refused form's address, visited again, shows what is saved: pressing Save there undoes nothing.
    let page = desk.text(&kept).await;
    assert!(!page.contains("Not saved yet") && !page.contains("id=\"wrong-prices\""), "{page}");
    assert!(page.contains("value=\"CH, GB\""), "{page}");
    assert_eq!(store.count("unfinished WHERE kind = 'form'").await, 0);
    assert_eq!(settings.registered, [country("CH"), country("GB")]);
    let rate = [("country", "JP"), ("kind", "ebook"), ("percent", "10"), ("from", "2026-01-01"), ("note", "by hand")];
    assert_eq!(
        location(&desk.post("/actions/admin-set-tax-rate", &rate).await),
        "/admin/settings/tax?done=tax-rate-set"
    );
    assert!(desk.text("/admin/settings/tax").await.contains("Japan (JP), E-books: 10\u{a0}% from 1 January 2026"));
    let wrong = [("country", "JP"), ("kind", "ebook"), ("percent", "ten"), ("from", "2026-01-01")];
    let kept = location(&desk.post("/actions/admin-set-tax-rate", &wrong).await);
    assert!(kept.starts_with("/admin/settings/tax?refused=tax-unreadable&draft="), "{kept}");
    let page = desk.text(&kept).await;
    assert!(page.contains("value=\"ten\"") && page.contains("id=\"wrong-percent\"") && page.contains("value=\"JP\""));
    assert!(!page.contains("id=\"wrong-from\"") && !page.contains("id=\"wrong-seller\""), "{page}");
    let wrong = [
        ("tax[mode]", "none"),
        ("tax[prices]", "included"),
        ("tax[seller]", "Germany"),
        ("tax[registered]", "CH"),
        ("tax[vies]", "true"),
    ];
    let page = desk.text(&location(&desk.post("/actions/admin-save-tax", &wrong).await)).await;
    assert!(page.contains("value=\"Germany\"") && page.contains("id=\"wrong-seller\""), "{page}");
    // A name that nobody was given, or that is gone, is no form.
    let page = desk.text("/admin/settings/tax?refused=tax-unreadable&draft=0123456789abcdef0123456789abcdef").await;
    assert!(page.contains("A country is two letters") && !page.contains("id=\"wrong-"), "{page}");
    let gone = [("country", "JP"), ("kind", "ebook"), ("from", "2026-01-01")];
    assert!(location(&desk.post("/actions/admin-remove-tax-rate", &gone).await).ends_with("done=tax-rate-removed"));
    // A book's code, at its page.
    assert!(desk.text("/admin/books/the-first-book").await.contains("txcd_10302000"));
    let code = |code| [("slug", "the-first-book"), ("code", code)];
    let answer = desk.post("/actions/admin-set-book-tax-code", &code("ebook")).await;
    assert_eq!(location(&answer), "/admin/settings/tax?refused=tax-no-code");
    let answer = desk.post("/actions/admin-set-book-tax-code", &code("txcd_10302001")).await;
    assert_eq!(location(&answer), "/admin/books/the-first-book?done=tax-code-set");
    assert_eq!(store.count("book WHERE tax_code = 'txcd_10302001'").await, 1);
    assert_eq!(store.count("audit WHERE action = 'book.tax-code-set'").await, 1);
    // The cart says it, and pages that were kept are made anew.
    let browser = store.browser();
    browser.add(&["the-first-book"]).await;
    assert!(browser.text("/cart").await.contains("Prices include value-added tax."));
    buy(store, GERMAN_CARD, "DE", None).await;
    let now = store.shop.this_quarter();
    let report = desk.get(&format!("/admin/settings/tax/report.csv?quarter={now}")).await;
    assert_eq!(report.headers()["content-type"], "text/csv; charset=utf-8");
    assert!(report.text().await.unwrap().contains(",DE,,VAT,7,reduced,USD,1,1213,85,1298,"));
    assert_eq!(desk.get("/admin/settings/tax/report.csv?quarter=x").await.status(), StatusCode::BAD_REQUEST);
});

on_both_databases!(an_outdated_form_of_tax_is_refused_and_keeps_what_was_typed, by_hand(), async |store| {
    let (ann, bob) = (store.desk(Role::Admin).await, store.desk(Role::Admin).await);
    let page = "/admin/settings/tax";
    let (done, outdated) = (format!("{page}?done=tax-saved"), format!("{page}?refused=tax-outdated&draft="));
    let version = async |desk: &Browser, path: &str| hidden(&desk.text(path).await, "version").unwrap();
    let save = async |desk: &Browser, version: &str, seller: &str| {
        let form = [
            ("version", version),
            ("tax[mode]", "table"),
            ("tax[prices]", "included"),
            ("tax[seller]", seller),
            ("tax[oss]", "registered"),
        ];
        location(&desk.post("/actions/admin-save-tax", &form).await)
    };
    let seller = async || store.shop.tax_settings().await.unwrap().seller.unwrap();
    // Two tabs, opened at the same time.
    let opened = version(&ann, page).await;
    assert_eq!(version(&bob, page).await, opened);
    assert_eq!(save(&ann, &opened, "FR").await, done);
    // Pressed twice it is saved once.
    assert_eq!(save(&ann, &opened, "fr").await, done);
    let kept = save(&bob, &opened, "at").await;
    assert!(kept.starts_with(&outdated), "{kept}");
    assert_eq!(seller().await, country("FR"));
    let shown = bob.text(&kept).await;
    for words in [
        "Somebody has saved these settings since you opened the form",
        "value=\"at\"",
        "<td data-label=\"Saved\">FR</td>",
        "<td data-label=\"Yours\">AT</td>",
        "Leave it as it is saved",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert_eq!(shown.matches("data-label=\"Yours\"").count(), 1, "what differs and nothing else: {shown}");
    // What the page says is saved is what the next press replaces, and not what came after it.
    let seen = hidden(&shown, "version").unwrap();
    assert_eq!(save(&ann, &version(&ann, page).await, "IT").await, done);
    let kept = save(&bob, &seen, "at").await;
    assert!(kept.starts_with(&outdated), "{kept}");
    let seen = version(&bob, &kept).await;
    assert_eq!(save(&bob, &seen, "at").await, done);
    assert_eq!(seller().await, country("AT"));
    // A page from before forms had versions sends none.
    assert!(save(&ann, "", "DE").await.starts_with(&outdated));
    assert_eq!((seller().await, store.count("audit WHERE action = 'tax.changed'").await), (country("AT"), 3));
});
