//! The shelf: what is on it, for whom, and for how long.

mod leaving;
mod moving;

use crate::refunds::{full, items};
use crate::support::{Brought, Browser, Options, location, on_both_databases, sha256, title_of};
use chrono::TimeDelta;
use reqwest::{Method, StatusCode};
use shop::{Clock, Policy};

/// The part of the shelf that is about a title.
async fn on_shelf(browser: &Browser, slug: &str) -> String {
    let page = browser.text("/library").await;
    let link = format!("href=\"/books/{slug}\"");
    assert_eq!(page.matches(&link).count(), 1, "{slug} on {page}");
    let from = page.find(&link).unwrap();
    page[from..].split("</li>").next().unwrap().to_owned()
}

/// The title's current token.
async fn token(browser: &Browser, slug: &str) -> String {
    let part = on_shelf(browser, slug).await;
    let marked = part.find("/d/dl_").map(|at| at + 3).or_else(|| part.find("value=\"dl_").map(|at| at + 7));
    part[marked.expect("a token")..].split(['/', '"']).next().unwrap().to_owned()
}

on_both_databases!(everything_bought_under_an_address_is_on_its_shelf, async |store| {
    let (first, second, reader) = (store.browser(), store.browser(), store.browser());
    let (_, one) = store.buy(&first, &["the-first-book", "the-second-book"], "ann@example.org").await;
    let (_, two) = store.buy(&second, &["the-first-book", "the-third-book"], "Ann@Example.org").await;
    store.buy(&store.browser(), &["a-free-book", "the-second-book"], "bob@example.org").await;
    store.settle().await;
    // Paying opens nothing but what was paid for.
    for browser in [&first, &second, &reader] {
        assert!(!browser.has_library().await);
    }
    store.library(&reader, "ANN@example.org").await;
    let page = reader.text("/library").await;
    for number in [&one, &two] {
        assert!(page.contains(&format!("href=\"/orders/{number}\"")), "{page}");
        let order = reader.text(&format!("/orders/{number}")).await;
        assert!(order.contains("The first book") && order.contains("/claim"));
    }
    assert!(
        page.contains("Paid") && page.contains("$19.99") && page.contains("$12.98") && !page.contains("A free book")
    );
    // Twice bought is there once, with what its files can be checked by.
    for slug in ["the-first-book", "the-second-book", "the-third-book"] {
        let part = on_shelf(&reader, slug).await;
        assert!(part.contains("3 of 3 downloads left, until ") && part.contains("Download EPUB"), "{part}");
        assert!(part.contains(&sha256(&crate::support::file_content(slug, "epub"))) && part.contains("100 KB"));
    }
    let epub = reader.download(&token(&reader, "the-first-book").await, "epub").await;
    assert_eq!(sha256(&epub), sha256(&crate::support::file_content("the-first-book", "epub")));
    assert!(on_shelf(&reader, "the-first-book").await.contains("Your download is running"));
    // Neither of the browsers that paid sees more than it paid for.
    assert!(!first.text(&format!("/orders/{two}")).await.contains("The third book"));
    reader.post("/actions/sign-out", &[]).await;
    assert!(!reader.text(&format!("/orders/{one}")).await.contains("The first book"));
    assert!(!reader.has_library().await);
});

on_both_databases!(who_buys_under_anothers_address_sees_only_that_order, async |store| {
    let (ann, thief) = (store.browser(), store.browser());
    let (_, hers) = store.buy(&ann, &["the-first-book"], "ann@example.org").await;
    let (_, his) = store.buy(&thief, &["the-third-book"], "ann@example.org").await;
    store.settle().await;
    assert!(!thief.has_library().await);
    assert!(thief.text(&format!("/orders/{his}")).await.contains("The third book"));
    assert!(!thief.text(&format!("/orders/{hers}")).await.contains("The first book"));
    // Asking for the library sends the mail to her, and without it nothing opens.
    let Brought { secret, code } = store.ask(&thief, "ann@example.org").await;
    assert_eq!(thief.open_library("", "AAAA-AAAA").await.status(), StatusCode::FORBIDDEN);
    // She is not asked for anything that would open it to him: in her browser the link needs the code, and opens hers.
    assert_eq!(location(&ann.open_library(&secret, &code).await), "/library");
    assert!(ann.has_library().await && !thief.has_library().await);
});

/// Noon, and invoices are final after the next day.
fn final_after_the_next_day() -> Options {
    let noon = chrono::NaiveDate::from_ymd_opt(2026, 11, 26).unwrap().and_hms_opt(12, 0, 0).unwrap();
    let policy = Policy { invoice_days: 1, ..Policy::default() };
    Options { webhooks: false, clock: Clock::manual(noon), policy, ..Options::default() }
}

on_both_databases!(the_shelf_says_how_long_an_invoice_can_be_changed, final_after_the_next_day(), async |store| {
    let (_, number) = store.buy(&store.browser(), &["the-first-book"], "ann@example.org").await;
    // Its payment was long on its way.
    store.execute("UPDATE orders SET created_at = '2026-11-20 12:00:00'").await;
    let reader = store.browser();
    store.library(&reader, "ann@example.org").await;
    let offers = async || reader.text("/library").await.contains("Add company or VAT ID");
    assert!(offers().await);
    store.shop.clock().advance(TimeDelta::hours(35));
    assert!(offers().await, "the last hour of the day after the payment");
    assert!(reader.text(&format!("/orders/{number}")).await.contains("Until 27 November 2026 you can have invoice"));
    store.shop.clock().advance(TimeDelta::hours(1));
    assert!(!offers().await);
});

fn one_use() -> Options {
    Options { policy: Policy { token_uses: 1, ..Policy::default() }, ..Options::default() }
}

on_both_databases!(a_title_is_used_up_and_renewed_on_the_shelf, one_use(), async |store| {
    store.buy(&store.browser(), &["the-first-book"], "ann@example.org").await;
    let reader = store.browser();
    store.library(&reader, "ann@example.org").await;
    let old = token(&reader, "the-first-book").await;
    for _ in 0..2 {
        assert_eq!(reader.download(&old, "epub").await.len(), 100_000);
        assert_eq!(reader.download(&old, "pdf").await.len(), 100_000);
    }
    let part = on_shelf(&reader, "the-first-book").await;
    assert!(part.contains("have been used") && part.contains("action=\"/actions/renew-download\""), "{part}");
    assert!(part.contains("data-renewed") && !part.contains(&format!("/d/{old}/claim")), "{part}");
    let form = [("token", old.as_str()), ("next", "/library")];
    assert_eq!(store.browser().post("/actions/renew-download", &form).await.status(), StatusCode::FORBIDDEN);
    let renewed = reader.post("/actions/renew-download", &form).await;
    assert_eq!((renewed.status(), location(&renewed).as_str()), (StatusCode::SEE_OTHER, "/library"));
    let new = token(&reader, "the-first-book").await;
    assert_ne!(new, old);
    for method in [Method::GET, Method::HEAD] {
        let answer = reader.request(method, &format!("/d/{old}")).send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::NOT_FOUND);
    }
    assert_eq!(reader.claim(&old, "epub").await.status(), StatusCode::NOT_FOUND);
    for _ in 0..2 {
        reader.download(&new, "epub").await;
    }
    // What the island is told.
    let request = reader.request(Method::POST, "/actions/renew-download").header("origin", &store.url);
    let answer = request.header("accept", "application/json").form(&[("token", &new)]).send().await.unwrap();
    assert_eq!(answer.status(), StatusCode::OK);
    let told: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(
        (told["uses"].as_u64(), told["token"].as_str().unwrap()),
        (Some(1), &*token(&reader, "the-first-book").await)
    );
});

on_both_databases!(a_library_outlives_the_cookie_that_claims_belong_to, async |store| {
    store.buy(&store.browser(), &["the-first-book"], "ann@example.org").await;
    let reader = store.browser();
    let Brought { code, .. } = store.ask(&reader, "ann@example.org").await;
    let opened = reader.open_library("", &code).await;
    let cookies: Vec<_> = opened.headers().get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    let library = cookies.iter().find(|cookie| cookie.starts_with("octavo-library=")).unwrap();
    let library = library.split(';').next().unwrap().to_owned();
    let token = token(&reader, "the-first-book").await;
    // Three days later only this one is left.
    let claim = async |cookies: &str| {
        let post = store.http.post(format!("{}/d/{token}/claim", store.url)).header("origin", &store.url);
        post.header("cookie", cookies).form(&[("format", "epub")]).send().await.unwrap()
    };
    let claimed = claim(&library).await;
    let file = location(&claimed);
    assert!(file.starts_with("/f/"), "{file}");
    let cookie = claimed.headers()["set-cookie"].to_str().unwrap().to_owned();
    let fresh = cookie.split(';').next().unwrap().to_owned();
    assert!(fresh.starts_with("octavo-buyer=") && cookie.contains("; Max-Age=259200;"), "{cookie}");
    // The second of two clicks at once brings no more and is the same browser's; and the cookie's time begins anew with
    // each claim.
    for cookies in [library.clone(), format!("{library}; {fresh}")] {
        let again = claim(&cookies).await;
        assert_eq!(location(&again), file);
        assert_eq!(again.headers()["set-cookie"].to_str().unwrap(), cookie);
    }
    assert_eq!(store.count("download_token WHERE used_count = 1").await, 1);
    let get = async |cookie: &str| {
        store.http.get(format!("{}{file}", store.url)).header("cookie", cookie).send().await.unwrap().status()
    };
    assert_eq!((get(&fresh).await, get(&library).await), (StatusCode::OK, StatusCode::NOT_FOUND));
});

on_both_databases!(what_was_returned_or_is_disputed_says_so, async |store| {
    let buyer = store.browser();
    let (_, whole) = store.buy(&buyer, &["the-first-book"], "ann@example.org").await;
    let (_, part) = store.buy(&buyer, &["the-second-book", "the-third-book"], "ann@example.org").await;
    let (session, _) = store.buy(&buyer, &["the-third-book"], "bob@example.org").await;
    store.settle().await;
    store.shop.refund(&whole, &full()).await.unwrap();
    store.shop.refund(&part, &items(&[("the-second-book", true)])).await.unwrap();
    store.sandbox.open_dispute(&session, "fraudulent", false).unwrap();
    store.settle().await;
    let (reader, other) = (store.browser(), store.browser());
    store.library(&reader, "ann@example.org").await;
    store.library(&other, "bob@example.org").await;
    for (browser, slug, words) in [
        (&reader, "the-first-book", "because its payment was returned"),
        (&reader, "the-second-book", "because its payment was returned"),
        (&other, "the-third-book", "because its payment is disputed"),
    ] {
        let shown = on_shelf(browser, slug).await;
        assert!(shown.contains(words) && !shown.contains("/claim") && !shown.contains("Renew"), "{shown}");
    }
    assert!(on_shelf(&reader, "the-third-book").await.contains("Download EPUB"));
    let orders =
        async |browser: &Browser| browser.text("/library").await.split("<h2>Orders</h2>").nth(1).unwrap().to_owned();
    let (hers, his) = (orders(&reader).await, orders(&other).await);
    assert!(hers.contains("Refunded") && hers.contains("Paid, $4.99 refunded"), "{hers}");
    assert!(his.contains("Payment disputed"), "{his}");
    // Bought again it is back, and the old purchase is no longer spoken of.
    store.buy(&buyer, &["the-first-book"], "ann@example.org").await;
    let shown = on_shelf(&reader, "the-first-book").await;
    assert!(shown.contains("Download EPUB") && !shown.contains("refunded"), "{shown}");
});

on_both_databases!(row_41_a_visitor_is_led_to_the_library_and_back, async |store| {
    let buyer = store.browser();
    let (_, number) = store.buy(&buyer, &["the-first-book"], "ann@example.org").await;
    let token = buyer.token(&number, "the-first-book").await;
    for next in [format!("/d/{token}"), format!("/orders/{number}")] {
        let reader = store.browser();
        let way = format!("/library?next={next}");
        assert!(reader.text(&next).await.contains(&format!("href=\"{way}\"")));
        if next.starts_with("/d/") {
            assert_eq!(location(&reader.claim(&token, "epub").await), way);
        }
        assert_eq!(crate::support::hidden(&reader.text(&way).await, "next").as_deref(), Some(next.as_str()));
        let form = [("email", "ann@example.org"), ("next", next.as_str())];
        let sent = location(&reader.post("/actions/request-access", &form).await);
        assert_eq!(sent, format!("/library/sent?next={next}"));
        assert_eq!(crate::support::hidden(&reader.text(&sent).await, "next").as_deref(), Some(next.as_str()));
        store.settle().await;
        let code = store.brought().pop().unwrap().code;
        // After a wrong code the way is not forgotten.
        let wrong = reader.post_from(&sent, "/actions/open-library", &[("code", "wrong"), ("next", &next)]).await;
        let again = location(&wrong);
        assert!(again.starts_with("/library/sent?") && again.ends_with("error=forbidden"), "{again}");
        assert_eq!(crate::support::hidden(&reader.text(&again).await, "next").as_deref(), Some(next.as_str()));
        let opened = reader.post("/actions/open-library", &[("code", &code), ("next", &next)]).await;
        assert_eq!(location(&opened), next);
        assert!(reader.text(&next).await.contains("/claim"));
    }
    let reader = store.browser();
    for next in ["//evil.example", "https://evil.example/d/x", "/\\evil.example", "/d/..%2f", "/cart"] {
        let form = [("email", "bob@example.org"), ("next", next)];
        assert_eq!(location(&reader.post("/actions/request-access", &form).await), "/library/sent");
        let page = reader.text(&format!("/library?next={next}")).await;
        assert_eq!(crate::support::hidden(&page, "next"), None, "{next}");
    }
    store.settle().await;
});

on_both_databases!(row_41_a_number_with_letters_of_addresses_finds_its_way_back, async |store| {
    store.buy(&store.browser(), &["the-first-book"], "ann@example.org").await;
    // Whether there is such a document is nothing that a stranger is told.
    let (reader, next) = (store.browser(), "/invoices/R%2F2026%2F00001.pdf");
    let way = location(&reader.get(next).await);
    assert_eq!(way, "/library?next=/invoices/R%252F2026%252F00001.pdf");
    let kept = async |page: &str| crate::support::hidden(&reader.text(page).await, "next");
    assert_eq!(kept(&way).await.as_deref(), Some(next));
    let sent = location(&reader.post("/actions/request-access", &[("email", "ann@example.org"), ("next", next)]).await);
    assert_eq!(kept(&sent).await.as_deref(), Some(next));
    store.settle().await;
    let code = store.brought().pop().unwrap().code;
    let wrong = reader.post_from(&sent, "/actions/open-library", &[("code", "wrong"), ("next", next)]).await;
    assert_eq!(kept(&location(&wrong)).await.as_deref(), Some(next));
    let opened = reader.post("/actions/open-library", &[("code", &code), ("next", next)]).await;
    assert_eq!(location(&opened), next);
    for odd in
        ["/invoices/R%2f2026.pdf", "/invoices/%2F%2Fevil.example.pdf", "/invoices/..%2Fcart.pdf", "/invoices//x.pdf"]
    {
        let page = format!("/library?next={}", odd.replace('%', "%25"));
        assert_eq!(crate::support::hidden(&store.browser().text(&page).await, "next"), None, "{odd}");
    }
});

on_both_databases!(who_is_led_to_an_open_shelf_learns_whose_it_is, async |store| {
    let (_, hers) = store.buy(&store.browser(), &["the-first-book"], "ann@example.org").await;
    let (_, his) = store.buy(&store.browser(), &["the-second-book"], "bob@example.org").await;
    store.settle().await;
    let reader = store.browser();
    store.library(&reader, "ann@example.org").await;
    let (hers, next) = (format!("/orders/{hers}"), format!("/orders/{his}"));
    let page = reader.text(&format!("/library?next={next}")).await;
    assert!(page.contains("is not among what was bought under ann@example.org"), "{page}");
    assert!(page.contains("/actions/sign-out-everywhere"), "{page}");
    assert_eq!(crate::support::hidden(&page, "next").as_deref(), Some(next.as_str()));
    // What is hers needs no words.
    for own in [hers.clone(), format!("/d/{}", token(&reader, "the-first-book").await), "/library".to_owned()] {
        assert!(!reader.text(&format!("/library?next={own}")).await.contains("is not among"), "{own}");
    }
    // The other address takes the place of hers.
    reader.post("/actions/request-access", &[("email", "bob@example.org"), ("next", &next)]).await;
    store.settle().await;
    let code = store.brought().pop().unwrap().code;
    let opened = reader.post("/actions/open-library", &[("code", &code), ("next", &next)]).await;
    assert_eq!(location(&opened), next);
    assert!(reader.text(&next).await.contains("The second book"));
    assert!(!reader.text(&hers).await.contains("The first book"));
    assert_eq!(store.count("buyer_session WHERE revoked_at IS NULL").await, 1);
});

on_both_databases!(letters_lead_to_the_library, async |store| {
    store.buy(&store.browser(), &["the-first-book"], "ann@example.org").await;
    store.settle().await;
    let link = format!("{}/library", store.url);
    for mail in store.mails() {
        assert!(mail.text.contains(&link) && mail.html.contains(&format!("href=\"{link}\"")), "{}", mail.text);
    }
    let Brought { secret, code } = store.ask(&store.browser(), "ann@example.org").await;
    let mail = store.mails().pop().unwrap();
    assert_eq!(mail.header("To"), "ann@example.org");
    assert!(mail.html.contains(&format!("{link}/open#{secret}")) && mail.html.contains(&code));
    assert!(!mail.header("Subject").contains(&code) && code.len() == 9);
    assert!(store.browser().text("/").await.contains("href=\"/library\""));
    assert!(!mail.text.contains(&title_of("the-first-book")));
});
