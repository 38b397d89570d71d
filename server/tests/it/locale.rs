//! A store that writes amounts, days and countries as its locale does; what programs read is the same in every store.

use crate::support::{Browser, GOOD_CARD, Options, Receiver, Store, location, on_both_databases, session_of};
use chrono::{DateTime, NaiveDate};
use serde_json::{Value, json};
use shop::desk::FormKey;
use shop::hooks::EventType;
use shop::types::{Role, Scope};
use stripe_sandbox::PayOutcome;

fn in_german() -> Options {
    Options { locale: "de-DE", currencies: vec!["EUR".parse().unwrap()], ..Options::default() }
}

const PRICES: &str = "INSERT INTO book_price (book_id, currency, unit_amount) \
                      SELECT id, 'EUR', 1234 FROM book WHERE slug = 'the-first-book'";

/// Today as a German writes it. (A test that runs over midnight may see two days.)
fn today() -> [String; 2] {
    const MONTHS: [&str; 12] = [
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
    ];
    use chrono::Datelike as _;
    let written =
        |day: NaiveDate| format!("{}. {} {}", day.day(), MONTHS[usize::try_from(day.month0()).unwrap()], day.year());
    let now: DateTime<chrono::Utc> = chrono::Utc::now();
    [written(now.date_naive()), written((now - chrono::TimeDelta::minutes(10)).date_naive())]
}

fn has_today(page: &str) -> bool {
    today().iter().any(|day| page.contains(day))
}

/// Whether a day stands somewhere as in English, "26 November 2026" or "26 Nov": in German there is a dot behind the day, also
/// before the months that both languages call the same.
fn has_english_day(page: &str) -> bool {
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    MONTHS.iter().flat_map(|month| [*month, &month[..3]]).any(|month| {
        page.match_indices(month).any(|(at, _)| {
            let (before, after) = (&page[..at], &page[at + month.len()..]);
            let day = before.strip_suffix(' ').is_some_and(|day| day.ends_with(|c: char| c.is_ascii_digit()));
            day && !after.starts_with(char::is_alphabetic)
        })
    })
}

/// Nothing on a page is written as in English: neither an amount nor a day.
fn is_german(page: &str) -> bool {
    let sign = |sign: char| page.split(sign).skip(1).any(|after| after.starts_with(|c: char| c.is_ascii_digit()));
    !sign('$') && !sign('€') && !has_english_day(page)
}

#[test]
fn what_is_english_is_told_from_what_is_german() {
    for english in ["on 26 November 2026, 14:05 UTC", "5 May 2026", "22 Nov</text>", "for $7.99", "€12.34"] {
        assert!(!is_german(english), "{english}");
    }
    for german in ["26. November 2026 um 14:05 UTC", "5. April 2026", "22.11.2026", "7,99\u{a0}$", "In May 2026 days"] {
        assert!(is_german(german), "{german}");
    }
}

/// Buys the first book in euros; gives the session and the order's number.
async fn buy(store: &Store, browser: &Browser) -> (String, String) {
    browser.post("/actions/set-currency", &[("currency", "EUR")]).await;
    browser.add(&["the-first-book"]).await;
    let session = session_of(&location(&browser.start_checkout().await));
    assert!(matches!(store.sandbox.pay(&session, GOOD_CARD, "ann@example.org"), PayOutcome::Completed { .. }));
    browser.get(&format!("/checkout/success?session_id={session}")).await;
    store.settle().await;
    let number = format!("SELECT number AS value FROM orders WHERE stripe_session = '{session}'");
    let number = store.texts(&number).await.remove(0);
    (session, number)
}

on_both_databases!(a_buyer_reads_amounts_and_days_as_the_store_writes_them, in_german(), async |store| {
    store.execute(PRICES).await;
    store.execute("UPDATE book SET published_on = '1851-10-18' WHERE slug = 'the-first-book'").await;
    let browser = store.browser();
    assert!(browser.text("/").await.contains("7,99\u{a0}$"));
    browser.post("/actions/set-currency", &[("currency", "EUR")]).await;
    for page in ["/", "/books/the-first-book"] {
        let page = browser.text(page).await;
        // The words stay.
        assert!(page.contains("12,34\u{a0}€") && page.contains("Library") && is_german(&page), "{page}");
    }
    let book = browser.text("/books/the-first-book").await;
    assert!(book.contains("18. Oktober 1851") && book.contains("\"price\":\"12.34\""), "{book}");
    browser.add(&["the-first-book"]).await;
    let cart = browser.text("/cart").await;
    assert!(cart.contains("12,34\u{a0}€") && is_german(&cart), "{cart}");
    let (_, number) = buy(store, &browser).await;
    let order = browser.text(&format!("/orders/{number}")).await;
    assert!(order.contains("12,34\u{a0}€") && has_today(&order) && is_german(&order), "{order}");
    // Until when a download is good is a moment.
    assert!(order.contains(" um ") && order.contains(" UTC"), "{order}");
    let reader = store.browser();
    store.library(&reader, "ann@example.org").await;
    let shelf = reader.text("/library").await;
    assert!(shelf.contains("12,34\u{a0}€") && has_today(&shelf) && is_german(&shelf), "{shelf}");
    let receipt = store.mails().into_iter().find(|mail| mail.text.contains("receipt") || mail.text.contains("Total"));
    let receipt = receipt.expect("a receipt").text;
    assert!(receipt.contains("Total: 12,34\u{a0}€") && has_today(&receipt) && is_german(&receipt), "{receipt}");
});

on_both_databases!(the_desk_reads_them_so_and_programs_do_not, in_german(), async |store| {
    store.execute(PRICES).await;
    let receiver = Receiver::start().await;
    let endpoint = store.endpoint(&receiver.url(), EventType::ALL).await;
    let (_, number) = buy(store, &store.browser()).await;
    // Another order is disputed: it needs attention, with its amount and the day until which there is an answer.
    let (disputed, _) = buy(store, &store.browser()).await;
    store.sandbox.open_dispute(&disputed, "fraudulent", false).unwrap();
    store.settle().await;
    store
        .until("the endpoint was told", async || {
            store.count("webhook_endpoint WHERE succeeded_at IS NOT NULL").await == 1
        })
        .await;
    let desk = store.desk(Role::Owner).await;
    for page in ["/admin?currency=EUR", "/admin/orders", "/admin/books"] {
        let page = desk.text(page).await;
        assert!(page.contains(if page.contains("12,34") { "12,34\u{a0}€" } else { "7,99\u{a0}$" }), "{page}");
        assert!(is_german(&page), "{page}");
    }
    assert!(has_today(&desk.text("/admin/orders").await));
    let key = FormKey::generate().to_string();
    let form = [("number", number.as_str()), ("what", "amount"), ("amount", "2.34"), ("key", &key)];
    desk.post("/actions/admin-refund", &form).await;
    store.settle().await;
    let order = desk.text(&format!("/admin/orders/{number}")).await;
    assert!(order.contains("12,34\u{a0}€") && has_today(&order) && is_german(&order), "{order}");
    for page in [
        "/admin/health",
        "/admin/audit",
        "/admin/account",
        "/admin/team",
        "/admin/books/the-first-book",
        "/admin/settings/tax",
        "/admin/settings/invoices",
        &format!("/admin/buyers/{number}"),
    ] {
        let text = desk.text(page).await;
        assert!(is_german(&text), "{page}: {text}");
    }
    for page in ["/admin/attention", "/admin/orders/not-fetched"] {
        let text = desk.text(page).await;
        assert!(text.contains("12,34\u{a0}€") && text.contains(" um ") && is_german(&text), "{page}: {text}");
    }
    for page in ["/admin/webhooks".to_owned(), format!("/admin/webhooks/{endpoint}")] {
        let text = desk.text(&page).await;
        assert!(has_today(&text) && is_german(&text), "{page}: {text}");
    }
    let tax = desk.text("/admin/settings/tax").await;
    assert!(tax.contains("Griechenland (GR)") && tax.contains("13,5\u{a0}%"), "{tax}");
    // CSV and API as everywhere.
    let table = desk.post("/admin/orders/export", &[]).await.text().await.unwrap();
    assert!(table.contains(",1234,EUR") && !table.contains("12,34\u{a0}€") && !has_today(&table), "{table}");
    let api = store.api(Role::Viewer, Scope::Read).await;
    let found = api.found(&format!("/api/v1/orders/{number}")).await;
    assert_eq!(found["total"], json!({ "amount": 1_234, "currency": "EUR" }), "{}", Value::to_string(&found));
});
