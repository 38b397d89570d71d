//! The desk's pages of orders and buyers, as those who work there use them: forms without JavaScript, no address in any
//! URL, and nothing shown that a role may not see.

use crate::support::{Browser, GOOD_CARD, Store, by_hand, hidden, location, on_both_databases};
use reqwest::StatusCode;
use shop::types::{OrderNumber, Role};

const BOOKS: [&str; 2] = ["the-first-book", "the-second-book"];

/// Sends a form that works; gives where it leads.
async fn sent(browser: &Browser, path: &str, form: &[(&str, &str)]) -> String {
    let answer = browser.post_from("/admin/orders", path, form).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{path}: {}", answer.text().await.unwrap());
    location(&answer)
}

async fn audit(store: &Store, number: &OrderNumber) -> Vec<String> {
    let object = format!("order:{}", number.as_str());
    store.texts(&format!("SELECT action AS value FROM audit WHERE object = '{object}' ORDER BY id")).await
}

on_both_databases!(a_search_leads_to_what_it_finds_and_no_address_is_in_a_url, by_hand(), async |store| {
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    let (support, viewer) = (store.desk(Role::Support).await, store.desk(Role::Viewer).await);
    let find = async |browser: &Browser, form: &[(&str, &str)]| sent(browser, "/actions/admin-find-orders", form).await;
    let number = bought.number.to_string();
    for typed in [number.as_str(), bought.number.as_str(), &number.to_lowercase()] {
        assert_eq!(find(&viewer, &[("q", typed)]).await, format!("/admin/orders/{number}"));
    }
    let exact = find(&support, &[("q", " ANN@example.org")]).await;
    assert_eq!(exact, format!("/admin/orders?of={}", bought.number.as_str()));
    let begins =
        find(&support, &[("q", "ann@exa"), ("standing", "succeeded"), ("from", "2026-01-01"), ("until", "x")]).await;
    assert_eq!(
        begins,
        format!("/admin/orders?of={}&letters=7&standing=succeeded&from=2026-01-01", bought.number.as_str())
    );
    for address in [&exact, &begins] {
        assert!(!address.contains('@') && !address.contains("ann"), "{address}");
        let page = support.text(address).await;
        assert!(page.contains("ann@example.org") && page.contains(&number), "{page}");
        // Who may not see addresses does not learn by searching whose an order is.
        let masked = viewer.text(address).await;
        assert!(!masked.contains("ann@example.org") && masked.contains("a…@e….org"), "{masked}");
    }
    assert_eq!(find(&viewer, &[("q", "ann@example.org")]).await, "/admin/orders?refused=nobody");
    assert_eq!(find(&support, &[("q", "nobody@example.org")]).await, "/admin/orders?refused=nobody");
    assert!(support.text("/admin/orders?refused=nobody").await.contains("No order has this number"));
    assert_eq!(find(&support, &[("book", "second")]).await, "/admin/orders?book=the-second-book");
    assert_eq!(find(&support, &[("book", "book")]).await, "/admin/orders?books=book");
    let page = support.text("/admin/orders?books=book").await;
    assert!(page.contains("Which book?") && page.contains("/admin/orders?book=the-second-book"), "{page}");
    assert_eq!(find(&support, &[]).await, "/admin/orders");
    // The same list as a file; what somebody typed is no formula in it.
    store.execute("UPDATE order_item SET title_snapshot = '=1+1, \"x\"' WHERE position = 0").await;
    let admin = store.desk(Role::Admin).await;
    let csv = admin.post("/admin/orders/export", &[("book", "the-second-book")]).await;
    assert_eq!(csv.headers()["content-type"], "text/csv; charset=utf-8");
    let csv = csv.text().await.unwrap();
    let line = format!("\r\n{number},");
    assert!(csv.starts_with("number,placed,status,email,titles,total,currency\r\n") && csv.contains(&line), "{csv}");
    assert!(csv.contains("\"'=1+1, \"\"x\"\"; The second book\",1298,USD\r\n"), "{csv}");
    assert_eq!(csv.lines().count(), 2);
    assert_eq!(store.count("audit WHERE action = 'orders.exported'").await, 1);
    // Whatever stands in the address, there is a page.
    for odd in [
        "of=nothing&letters=-1",
        "standing=x&from=0000-00-00&until=99999-01-01",
        "after=ABCDEFGHJK",
        "before=ABCDEFGHJK",
        "page=last&book=no-such-book",
        "of=ABCDEFGHJK",
        "books=%00%25",
        "letters=99999999999999999999",
    ] {
        support.text(&format!("/admin/orders?{odd}")).await;
    }
});

on_both_databases!(the_forms_of_an_order_do_what_they_say, by_hand(), async |store| {
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    let (admin, number) = (store.desk(Role::Admin).await, bought.number.to_string());
    let order = format!("/admin/orders/{number}");
    let page = admin.text(&order).await;
    for words in
        ["ann@example.org", "What happened", "Checkout begun", "3 of 3 downloads left", "can still be refunded"]
    {
        assert!(page.contains(words), "{words} is not on {page}");
    }
    let item = hidden(&page, "item").expect("a title's form");
    let key = hidden(&page, "key").expect("a refund's key");
    let at = |code: &str| format!("{order}?{code}");
    let own = ("number", number.as_str());
    let title = ("item", item.as_str());
    assert_eq!(sent(&admin, "/actions/admin-note-order", &[own, ("text", "<b>careful</b>")]).await, at("done=noted"));
    assert_eq!(sent(&admin, "/actions/admin-note-order", &[own, ("text", " ")]).await, at("refused=bad-note"));
    assert_eq!(sent(&admin, "/actions/admin-renew-title", &[own, title]).await, at("done=title-renewed"));
    assert_eq!(sent(&admin, "/actions/admin-withdraw-title", &[own, title]).await, at("done=title-withdrawn"));
    assert_eq!(sent(&admin, "/actions/admin-withdraw-title", &[own, title]).await, at("refused=nothing-to-do"));
    let restore = [own, title, ("restore", "on")];
    assert_eq!(sent(&admin, "/actions/admin-withdraw-title", &restore).await, at("done=title-restored"));
    let amount = |text| [own, ("key", key.as_str()), ("what", "amount"), ("amount", text)];
    assert_eq!(sent(&admin, "/actions/admin-refund", &amount("1,00")).await, at("refused=wrong-amount"));
    assert_eq!(sent(&admin, "/actions/admin-refund", &amount("99")).await, at("refused=too-much"));
    for _ in 0..2 {
        assert_eq!(sent(&admin, "/actions/admin-refund", &amount("1.00")).await, at("done=refunded"));
    }
    assert_eq!(store.refunds_of(&bought.number).await, ["100 succeeded"]);
    let other = "00000000-0000-4000-8000-000000000000";
    let one = [own, title, ("key", other), ("what", "title"), ("keep", "on"), ("reason", "duplicate")];
    assert_eq!(sent(&admin, "/actions/admin-refund", &one).await, at("done=refunded"));
    assert_eq!(store.rights(&bought.number).await, ["active"; 2]);
    assert_eq!(sent(&admin, "/actions/admin-resend-receipt", &[own]).await, at("done=receipt-sent"));
    assert_eq!(sent(&admin, "/actions/admin-renew-link", &[own]).await, at("done=link-renewed"));
    let right = [own, ("email", "Anna@example.org")];
    assert_eq!(sent(&admin, "/actions/admin-correct-address", &right).await, at("done=address-corrected"));
    assert_eq!(sent(&admin, "/actions/admin-correct-address", &right).await, at("refused=nothing-to-do"));
    assert_eq!(
        audit(store, &bought.number).await,
        [
            "order.noted",
            "title.renewed",
            "title.withdrawn",
            "title.restored",
            "order.refunded",
            "order.refunded",
            "mail.resent",
            "mail.resent",
            "order.link_renewed",
            "order.address_corrected",
        ]
    );
    assert_eq!(store.count("audit WHERE actor = 'staff' AND object LIKE 'order:%'").await, 10);
    let text = store.texts("SELECT COALESCE(before, '') || COALESCE(after, '') AS value FROM audit").await.concat();
    assert!(!text.contains("example.org"), "{text}");
    let page = admin.text(&at("done=noted")).await;
    assert!(page.contains("&lt;b>careful&lt;/b>") || page.contains("&lt;b&gt;careful"), "{page}");
    assert!(page.contains("The note is written down.") && page.contains("admin") && page.contains("@staff.example"));
    // A viewer sees the order and neither the buyer nor what was written about her.
    let viewer = store.desk(Role::Viewer).await;
    let seen = viewer.text(&order).await;
    for hidden in ["Anna@example.org", "careful", "/actions/admin-refund", "/actions/admin-note-order"] {
        assert!(!seen.contains(hidden), "{hidden}");
    }
    assert_eq!(admin.get("/admin/orders/ABCDE-FGHJK").await.status(), StatusCode::NOT_FOUND);
});

on_both_databases!(a_gift_is_put_together_and_sent_from_one_page, by_hand(), async |store| {
    let admin = store.desk(Role::Admin).await;
    let page = admin.text("/admin/orders/new?q=second").await;
    assert!(page.contains("/admin/orders/new?titles=the-second-book"), "{page}");
    let page = admin.text("/admin/orders/new?titles=the-second-book,no-such-book&q=first").await;
    assert!(page.contains("titles=the-second-book,the-first-book"), "{page}");
    let (key, titles) = (hidden(&page, "key").unwrap(), "the-second-book,the-first-book");
    let form = [("titles", titles), ("email", "eve@example.org"), ("key", key.as_str())];
    let first = sent(&admin, "/actions/admin-give", &form).await;
    assert_eq!(sent(&admin, "/actions/admin-give", &form).await, first);
    assert_eq!(store.count("orders").await, 1);
    assert!(admin.text(&first).await.contains("Given away"));
    let none = [("titles", ""), ("email", "eve@example.org"), ("key", key.as_str())];
    assert_eq!(sent(&admin, "/actions/admin-give", &none).await, first, "the same form, whatever it says");
});

on_both_databases!(a_buyer_is_found_handed_out_and_forgotten, by_hand(), async |store| {
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    let (owner, number) = (store.desk(Role::Owner).await, bought.number.to_string());
    let buyer = format!("/admin/buyers/{number}");
    let found = sent(&owner, "/actions/admin-find-buyer", &[("q", "ann@example.org")]).await;
    assert_eq!(found, format!("/admin/buyers/{number}"));
    let page = owner.text(&buyer).await;
    for words in ["ann@example.org", &number, "The first book", "$12.98", "Erase this buyer"] {
        assert!(page.contains(words), "{words} is not on {page}");
    }
    let exported = owner.post(&format!("{buyer}/export"), &[]).await;
    assert_eq!(exported.headers()["content-type"], "application/json");
    assert_eq!(exported.headers()["cache-control"], "private, no-store");
    assert!(exported.headers()["content-disposition"].to_str().unwrap().starts_with("attachment"));
    assert!(exported.text().await.unwrap().contains("ann@example.org"));
    let evidence = owner.post(&format!("/admin/orders/{number}/evidence"), &[]).await;
    assert_eq!(evidence.headers()["content-type"], "application/zip");
    assert!(evidence.bytes().await.unwrap().starts_with(b"PK"));
    let erase =
        async |typed: &str| sent(&owner, "/actions/admin-erase-buyer", &[("number", &number), ("typed", typed)]).await;
    assert_eq!(erase("ann").await, format!("{buyer}?refused=not-confirmed"));
    while store.shop.work_on_outbox().await.unwrap() > 0 {}
    assert_eq!(erase("ann@example.org").await, "/admin/buyers?done=erased-but-invoices");
    assert_eq!(owner.get(&buyer).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(audit(store, &bought.number).await, ["buyer.exported", "order.evidence", "buyer.erased"]);
    assert!(owner.text(&format!("/admin/orders/{number}")).await.contains("erased"));
});

on_both_databases!(what_needs_a_person_is_counted_and_put_right_from_its_page, by_hand(), async |store| {
    let admin = store.desk(Role::Admin).await;
    assert!(admin.text("/admin").await.contains("First steps"));
    let bought = store.bought(&BOOKS, GOOD_CARD).await;
    store.deliver_all(&store.sandbox.events_after(0)).await;
    while store.shop.work_on_outbox().await.unwrap() > 0 {}
    store.says_who_sells().await;
    assert!(!admin.text("/admin").await.contains("First steps"));
    assert!(admin.text("/admin/attention").await.contains("Nothing needs you"));
    let completed = "type = 'checkout.session.completed'";
    store.execute(&format!("UPDATE stripe_event SET state = 'dead', error = 'it failed' WHERE {completed}")).await;
    store.execute("UPDATE outbox SET state = 'bounced', error = 'mailbox full'").await;
    let page = admin.text("/admin/attention").await;
    for words in ["class=\"count\">2", "it failed", "mailbox full", "ann@example.org", "Try again", "Send again"] {
        assert!(page.contains(words), "{words} is not on {page}");
    }
    let viewer = store.desk(Role::Viewer).await;
    let seen = viewer.text("/admin/attention").await;
    assert!(!seen.contains("ann@example.org") && !seen.contains("Try again"), "{seen}");
    assert!(viewer.text("/admin/health").await.contains("Last event"));
    let event = store.texts(&format!("SELECT id AS value FROM stripe_event WHERE {completed}")).await.remove(0);
    let mail = store.texts("SELECT CAST(id AS TEXT) AS value FROM outbox").await.remove(0);
    let replay = [("id", event.as_str())];
    assert_eq!(sent(&admin, "/actions/admin-replay-event", &replay).await, "/admin/attention?done=event-replayed");
    let resend = [("id", mail.as_str()), ("number", bought.number.as_str())];
    let order = format!("/admin/orders/{}?done=mail-sent", bought.number);
    assert_eq!(sent(&admin, "/actions/admin-resend-mail", &resend).await, order);
    store.work().await;
    while store.shop.work_on_outbox().await.unwrap() > 0 {}
    assert!(admin.text("/admin/attention").await.contains("Nothing needs you"));
});
