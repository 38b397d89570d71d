//! What a browser is given that opens a library, and how long it is good for: row 32.

use crate::support::{Brought, Browser, Door, Options, Store, location, on_both_databases};
use chrono::{TimeDelta, Utc};
use reqwest::header::SET_COOKIE;
use reqwest::{Method, Response, StatusCode};
use shop::Clock;
use std::collections::BTreeSet;

/// Time stands still until a test moves it.
fn standing() -> Options {
    Options { webhooks: false, clock: Clock::manual(Utc::now().naive_utc()), ..Options::default() }
}

/// The cookies that an answer sets.
fn cookies(answer: &Response) -> Vec<String> {
    answer.headers().get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

/// A request with exactly these cookies.
async fn with_cookies(store: &Store, method: Method, url: &str, cookies: &str, form: &[(&str, &str)]) -> Response {
    let request = store.http.request(method, url).header("accept", "text/html").header("cookie", cookies);
    request.header("sec-fetch-site", "same-origin").form(form).send().await.unwrap()
}

fn name_and_value(cookie: &str) -> String {
    cookie.split(';').next().unwrap().to_owned()
}

on_both_databases!(row_32_a_session_is_new_with_every_login_and_nothing_after_it, async |store| {
    let (_, number) = store.buy(&store.browser(), &["the-first-book"], "ann@example.org").await;
    let mut seen: Vec<String> = Vec::new();
    let mut sessions: Vec<String> = Vec::new();
    let browser = store.browser();
    for _ in 0..2 {
        let asked = browser.request_access("ann@example.org").await;
        seen.extend(cookies(&asked));
        store.settle().await;
        let opened = browser.open_library("", &store.brought().pop().unwrap().code).await;
        seen.extend(cookies(&opened));
        let library = cookies(&opened).into_iter().find(|cookie| cookie.starts_with("octavo-library="));
        sessions.push(name_and_value(&library.expect("a session")));
    }
    assert_ne!(sessions[0], sessions[1]);
    assert_eq!(store.count("buyer_session WHERE revoked_at IS NULL").await, 1);
    let open = async |cookie: &str| {
        let page = with_cookies(store, Method::GET, &format!("{}/library", store.url), cookie, &[]).await;
        let order = with_cookies(store, Method::GET, &format!("{}/orders/{number}", store.url), cookie, &[]).await;
        let both =
            [page.text().await.unwrap(), order.text().await.unwrap()].map(|page| page.contains("The first book"));
        assert_eq!(both[0], both[1]);
        both[0]
    };
    // A session that somebody else has chosen is none.
    let planted = format!("octavo-library={}", "A".repeat(43));
    assert_eq!([open(&sessions[0]).await, open(&sessions[1]).await, open(&planted).await], [false, true, false]);
    let left = browser.post("/actions/sign-out", &[]).await;
    assert_eq!(location(&left), "/library?left=here");
    assert!(cookies(&left)[0].starts_with("octavo-library=; Path=/; Max-Age=0;"));
    seen.extend(cookies(&left));
    // Replayed after signing out.
    assert!(!open(&sessions[1]).await);
    let token = "/actions/sign-out-everywhere";
    let again = with_cookies(store, Method::POST, &format!("{}{token}", store.url), &sessions[1], &[]).await;
    assert_eq!(again.status(), StatusCode::FORBIDDEN);
    seen.extend(cookies(&browser.post("/actions/add-to-cart", &[("slug", "the-third-book")]).await));
    seen.extend(cookies(&browser.start_checkout().await));
    check_cookies(&seen, false);
    secure_cookies(store).await;
});

/// The same at a door with https.
async fn secure_cookies(store: &Store) {
    let door = store.door(Door { base_url: Some("https://books.example.org".into()), ..Door::default() }).await;
    let post = async |path: &str, jar: &str, form: &[(&str, &str)]| {
        let answer = with_cookies(store, Method::POST, &format!("{}{path}", door.url), jar, form).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{path}");
        cookies(&answer)
    };
    let mut seen = post("/actions/request-access", "", &[("email", "ann@example.org")]).await;
    store.settle().await;
    let jar = name_and_value(&seen[0]);
    let code = store.brought().pop().unwrap().code;
    let opened = post("/actions/open-library", &jar, &[("code", &code)]).await;
    let jar = format!("{jar}; {}", name_and_value(&opened[0]));
    seen.extend(opened);
    let page = with_cookies(store, Method::GET, &format!("{}/library", door.url), &jar, &[]).await;
    assert!(page.text().await.unwrap().contains("The first book"));
    seen.extend(post("/actions/add-to-cart", &jar, &[("slug", "the-third-book")]).await);
    seen.extend(post("/actions/sign-out-everywhere", &jar, &[]).await);
    check_cookies(&seen, true);
    // Without its prefix a cookie is nothing there: a page on another port could have set it.
    let bare = jar.replace("__Host-", "");
    let page = with_cookies(store, Method::GET, &format!("{}/library", door.url), &bare, &[]).await;
    assert!(!page.text().await.unwrap().contains("The first book"));
}

fn check_cookies(cookies: &[String], secure: bool) {
    let names: BTreeSet<&str> = cookies.iter().map(|cookie| cookie.split_once('=').unwrap().0).collect();
    assert_eq!(names.len(), 3, "{names:?}");
    for cookie in cookies {
        let attributes: Vec<&str> = cookie.split("; ").skip(1).collect();
        for wanted in ["HttpOnly", "SameSite=Lax", "Path=/"] {
            assert!(attributes.contains(&wanted), "{cookie} without {wanted}");
        }
        assert_eq!(attributes.contains(&"Secure"), secure, "{cookie}");
        assert_eq!(cookie.starts_with("__Host-"), secure, "{cookie}");
        assert!(!attributes.iter().any(|attribute| attribute.starts_with("Domain")), "{cookie}");
    }
}

on_both_databases!(link_code_and_session_end_in_time, standing(), async |store| {
    store.buy(&store.browser(), &["the-first-book"], "ann@example.org").await;
    let clock = store.shop.clock();
    let browser: Browser = store.browser();
    let Brought { secret, code } = store.ask(&browser, "ann@example.org").await;
    clock.advance(TimeDelta::minutes(10));
    for (secret, code) in [("", code.as_str()), (&secret, ""), (&secret, &code)] {
        assert_eq!(browser.open_library(secret, code).await.status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(store.count("access_request WHERE tries > 0").await, 0);
    let Brought { code, .. } = store.ask(&browser, "ann@example.org").await;
    clock.advance(TimeDelta::minutes(10) - TimeDelta::seconds(1));
    assert_eq!(location(&browser.open_library("", &code).await), "/library");
    // It stays open as long as it is used …
    for _ in 0..4 {
        clock.advance(TimeDelta::days(7) - TimeDelta::seconds(1));
        assert!(browser.has_library().await);
    }
    // … but not for longer than thirty days.
    clock.advance(TimeDelta::days(2) + TimeDelta::seconds(4));
    assert!(!browser.has_library().await);
    // And not if nobody comes for seven.
    store.library(&browser, "ann@example.org").await;
    clock.advance(TimeDelta::days(7));
    assert!(!browser.has_library().await);
    // What is over is forgotten, mails and all.
    assert!(store.shop.delete_old_access().await.unwrap() >= 4);
    assert_eq!((store.count("access_request").await, store.count("buyer_session").await), (0, 0));
    assert_eq!(store.count("outbox WHERE kind = 'access_link'").await, 0);
    assert_eq!(store.count("outbox").await, 1);
});
