//! The way into the desk: accounts, sessions, and who is kept out. Rows 32 and 33.

use crate::support::{Browser, Door, Member, Options, Store, location, on_both_databases};
use chrono::{TimeDelta, Utc};
use reqwest::header::{ACCEPT, COOKIE, SET_COOKIE};
use reqwest::{Method, Response, StatusCode};
use serde_json::json;
use shop::Clock;
use shop::staff::{Device, NewStaff, Password};
use shop::types::Role;
use std::collections::BTreeSet;

/// Time stands still until a test moves it.
fn standing() -> Options {
    Options { webhooks: false, workers: false, clock: Clock::manual(Utc::now().naive_utc()), ..Options::default() }
}

/// The cookies that an answer sets.
fn cookies(answer: &Response) -> Vec<String> {
    answer.headers().get_all(SET_COOKIE).iter().map(|value| value.to_str().unwrap().to_owned()).collect()
}

fn name_and_value(cookie: &str) -> String {
    cookie.split(';').next().unwrap().to_owned()
}

/// A request with exactly these cookies.
async fn with_cookies(store: &Store, method: Method, url: &str, cookies: &str, form: &[(&str, &str)]) -> Response {
    let request = store.http.request(method, url).header(ACCEPT, "text/html").header(COOKIE, cookies);
    request.header("sec-fetch-site", "same-origin").form(form).send().await.unwrap()
}

fn check_cookies(cookies: &[String], secure: bool) {
    let names: BTreeSet<&str> = cookies.iter().map(|cookie| cookie.split_once('=').unwrap().0).collect();
    assert_eq!(names.len(), 2, "{names:?}");
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

on_both_databases!(row_32_a_session_of_the_desk_is_new_with_every_login_and_nothing_after_it, async |store| {
    let member = store.staff(Role::Admin).await;
    let browser = store.browser();
    let (mut seen, mut sessions) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let opened = browser.try_to_sign_in(&member.email, Member::PASSWORD).await;
        assert_eq!(location(&opened), "/admin");
        sessions.push(name_and_value(&cookies(&opened)[0]));
        seen.extend(cookies(&opened));
    }
    assert_ne!(sessions[0], sessions[1]);
    assert_eq!(store.count("staff_session WHERE revoked_at IS NULL").await, 1);
    let open = async |cookie: &str| {
        let page = with_cookies(store, Method::GET, &format!("{}/admin", store.url), cookie, &[]).await;
        (page.status(), page.headers().get("location").map(|to| to.to_str().unwrap().to_owned()))
    };
    let door = (StatusCode::SEE_OTHER, Some("/admin/login".to_owned()));
    // A session that somebody else has chosen is none.
    let planted = format!("octavo-desk={}", "A".repeat(43));
    assert_eq!([open(&sessions[0]).await, open(&planted).await], [door.clone(), door.clone()]);
    assert_eq!(open(&sessions[1]).await, (StatusCode::OK, None));
    let left = browser.post("/actions/admin-sign-out", &[]).await;
    assert_eq!(location(&left), "/admin/login?done=signed-out");
    assert!(cookies(&left)[0].starts_with("octavo-desk=; Path=/; Max-Age=0;"));
    seen.extend(cookies(&left));
    // Replayed after signing out; a caller that wants no page is told the status.
    assert_eq!(open(&sessions[1]).await, door);
    let plain = store.http.get(format!("{}/admin", store.url)).header(COOKIE, &sessions[1]).send().await.unwrap();
    assert_eq!(plain.status(), StatusCode::UNAUTHORIZED);
    check_cookies(&seen, false);
    // The same at a door with https.
    let door = store.door(Door { base_url: Some("https://books.example.org".into()), ..Door::default() }).await;
    let form = [("email", member.email.as_str()), ("password", Member::PASSWORD)];
    let opened = with_cookies(store, Method::POST, &format!("{}/actions/admin-sign-in", door.url), "", &form).await;
    assert_eq!(opened.status(), StatusCode::SEE_OTHER);
    let mut seen = cookies(&opened);
    let jar = name_and_value(&seen[0]);
    let page = with_cookies(store, Method::GET, &format!("{}/admin", door.url), &jar, &[]).await;
    assert_eq!(page.status(), StatusCode::OK);
    // Without its prefix a cookie is nothing there: a page on another port could have set it.
    let bare = jar.replace("__Host-", "");
    let page = with_cookies(store, Method::GET, &format!("{}/admin", door.url), &bare, &[]).await;
    assert_eq!(page.status(), StatusCode::SEE_OTHER);
    seen.extend(cookies(
        &with_cookies(store, Method::POST, &format!("{}/actions/admin-sign-out", door.url), &jar, &[]).await,
    ));
    check_cookies(&seen, true);
});

on_both_databases!(a_session_of_the_desk_ends_in_time, standing(), async |store| {
    let clock = store.shop.clock();
    let browser = store.desk(Role::Viewer).await;
    // It stays open as long as it is used …
    for _ in 0..13 {
        clock.advance(TimeDelta::hours(12) - TimeDelta::seconds(1));
        assert!(browser.has_desk().await);
    }
    // … but not for longer than seven days.
    clock.advance(TimeDelta::hours(12) + TimeDelta::seconds(13));
    assert!(!browser.has_desk().await);
    // And not if nobody comes for twelve hours.
    let browser = store.desk(Role::Viewer).await;
    clock.advance(TimeDelta::hours(12));
    assert!(!browser.has_desk().await);
    assert_eq!(store.shop.delete_ended_staff_sessions().await.unwrap(), 2);
    assert_eq!(store.count("staff_session").await, 0);
});

on_both_databases!(somebody_is_led_to_the_door_and_back, async |store| {
    let member = store.staff(Role::Viewer).await;
    let browser = store.browser();
    let away = browser.get("/admin?x=1&y=%2F").await;
    assert_eq!(location(&away), "/admin/login?next=/admin%3Fx%3D1%26y%3D%252F");
    let page = browser.text(&location(&away)).await;
    let next = crate::support::hidden(&page, "next").unwrap().replace("&amp;", "&");
    assert_eq!(next, "/admin?x=1&y=%2F");
    let form = [("email", member.email.as_str()), ("password", Member::PASSWORD), ("next", &next)];
    assert_eq!(location(&browser.post("/actions/admin-sign-in", &form).await), next);
    // Only to the desk, whatever the form says.
    for next in ["https://evil.example/admin", "//evil.example", "/cart", "/admin/login"] {
        let form = [("email", member.email.as_str()), ("password", Member::PASSWORD), ("next", next)];
        assert_eq!(location(&browser.post("/actions/admin-sign-in", &form).await), "/admin");
    }
    // Whoever is signed in needs no form.
    assert_eq!(location(&browser.get("/admin/login").await), "/admin");
});

on_both_databases!(who_does_what_is_written_down, async |store| {
    let owner = store.staff(Role::Owner).await;
    let new = NewStaff { email: "new@staff.example".parse().unwrap(), role: Role::Viewer, password: None };
    let id = store.shop.add_staff(&owner.actor(), &new).await.unwrap();
    let rows = "SELECT actor || ' ' || COALESCE(CAST(user_id AS TEXT), '-') || ' ' || action || ' ' || object || ' ' || after AS value FROM audit ORDER BY id";
    let (owner_id, role) = (owner.id, owner.role);
    assert_eq!(
        store.texts(rows).await,
        [
            format!("command - user.added user:{owner_id} {{\"role\":\"{role}\"}}"),
            format!("staff {owner_id} user.added user:{id} {{\"role\":\"viewer\"}}"),
        ]
    );
    // One address, one account; and no password that can be guessed.
    let again = NewStaff { email: "New@staff.example".parse().unwrap(), ..new.clone() };
    assert!(matches!(store.shop.add_staff(&owner.actor(), &again).await, Err(shop::Error::Taken)));
    let email: shop::types::Email = "another@staff.example".parse().unwrap();
    let weak = NewStaff { password: "another@staff.example".parse().ok(), email, ..new };
    assert!(matches!(store.shop.add_staff(&owner.actor(), &weak).await, Err(shop::Error::WeakPassword)));
    assert_eq!(store.count("users").await, 2);
});

/// A guess from an address, by a browser without cookies.
async fn guess(store: &Store, url: &str, email: &str, from: &str) -> (StatusCode, String) {
    let form = [("email", email), ("password", "a guess of twelve letters")];
    let request = store.http.post(format!("{url}/actions/admin-sign-in")).header(ACCEPT, "text/html");
    let request = request.header("x-forwarded-for", from).header("sec-fetch-site", "same-origin");
    let request = request.header("referer", format!("{url}/admin/login")).form(&form);
    let answer = request.send().await.unwrap();
    (answer.status(), location(&answer))
}

on_both_databases!(row_33_of_two_thousand_guesses_twenty_are_hashed, standing(), async |store| {
    let owner = store.staff(Role::Owner).await;
    // The owner has been in with this browser.
    let known: Browser = store.browser();
    known.sign_in(&owner).await;
    let behind = store.door(Door { trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()], ..Door::default() }).await;
    let before = behind.shop.passwords_hashed();
    let mut answers = BTreeSet::new();
    for n in 0..2_000 {
        // One account from many networks, many accounts from one, and everything at once.
        let (email, from) = match n % 4 {
            0 => (owner.email.clone(), format!("198.51.{}.{}", n / 250, n % 250)),
            1 => (format!("reader{n}@example.org"), "192.0.2.7".to_owned()),
            2 => (format!("reader{n}@example.org"), format!("203.0.{}.{}", n / 250, n % 250)),
            _ => (owner.email.clone(), "192.0.2.7".to_owned()),
        };
        // At the page and, each eighth, where programs come in: 20 are let through by both together.
        if n % 8 < 7 {
            answers.insert(guess(store, &behind.url, &email, &from).await);
        } else {
            let body = json!({ "email": email, "password": "a guess of twelve letters" });
            let request = store.http.post(format!("{}/api/v1/auth/login", behind.url)).header("x-forwarded-for", from);
            let status = request.json(&body).send().await.unwrap().status();
            assert!([StatusCode::FORBIDDEN, StatusCode::TOO_MANY_REQUESTS].contains(&status), "{status}");
        }
    }
    let hashed = behind.shop.passwords_hashed() - before;
    assert!((15..=20).contains(&hashed), "{hashed}");
    let refused = |code: &str| (StatusCode::SEE_OTHER, format!("/admin/login?error={code}"));
    assert_eq!(answers, BTreeSet::from([refused("sign-in-refused"), refused("rate-limited")]));
    assert_eq!(guess(store, &behind.url, &owner.email, "198.51.100.99").await, refused("rate-limited"));
    // The owner is not locked out of the browser that is known …
    let known = known.at(&behind.url);
    let answer = known.try_to_sign_in(&owner.email, Member::PASSWORD).await;
    assert_eq!(location(&answer), "/admin");
    // … whose guesses are counted too.
    for n in 0..12 {
        let answer = known.try_to_sign_in(&owner.email, "a guess of twelve letters").await;
        let code = if n < 10 { "sign-in-refused" } else { "rate-limited" };
        assert_eq!(location(&answer), format!("/admin/login?error={code}"), "{n}");
    }
    // Known to its own account only.
    let other = store.staff(Role::Owner).await;
    assert_eq!(
        location(&known.try_to_sign_in(&other.email, Member::PASSWORD).await),
        "/admin/login?error=rate-limited"
    );
    // After a while everybody may try again.
    store.shop.clock().advance(TimeDelta::minutes(15));
    assert_eq!(
        location(&store.browser().at(&behind.url).try_to_sign_in(&owner.email, Member::PASSWORD).await),
        "/admin"
    );
});

on_both_databases!(row_33_the_same_answer_for_everybody, async |store| {
    let member = store.staff(Role::Support).await;
    let refused = async |email: &str, password: &str| {
        let answer = store.browser().try_to_sign_in(email, password).await;
        (answer.status(), location(&answer))
    };
    let wrong = refused(&member.email, "wrong, but of a good length").await;
    let before = store.shop.passwords_hashed();
    assert_eq!(refused("nobody@example.org", "wrong, but of a good length").await, wrong);
    assert_eq!(store.shop.passwords_hashed() - before, 1, "an unknown address takes as long");
    store.execute(&format!("UPDATE users SET disabled_at = created_at WHERE id = {}", member.id)).await;
    assert_eq!(refused(&member.email, Member::PASSWORD).await, wrong);
    store.execute("UPDATE users SET disabled_at = NULL, password_hash = NULL").await;
    assert_eq!(refused(&member.email, Member::PASSWORD).await, wrong);
});

on_both_databases!(row_33_at_most_two_passwords_are_hashed_at_once, async |store| {
    // As many strangers as are let through, each from a network of his own.
    let guesses = (0..14_u8).map(|n| {
        let shop = store.shop.clone();
        async move {
            let email = format!("reader{n}@example.org").parse().unwrap();
            let ip = [198, 51, 100, n].into();
            let device = Device { ip, user_agent: String::new(), known: None, session: None };
            shop.sign_in(&email, &Password::typed("a guess of twelve letters"), &device).await.is_err()
        }
    });
    let tasks: Vec<_> = guesses.map(tokio::spawn).collect();
    for task in tasks {
        assert!(task.await.unwrap());
    }
    assert_eq!(store.shop.passwords_hashed(), 14);
    assert_eq!(store.shop.most_passwords_at_once(), 2);
});

on_both_databases!(row_43_rotated_headers_are_one_guesser, standing(), async |store| {
    let behind = store.door(Door { trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()], ..Door::default() }).await;
    for (shop, url, real) in [(&store.shop, &store.url, ""), (&behind.shop, &behind.url, ", 192.0.2.7")] {
        let before = shop.passwords_hashed();
        for n in 0..1_000 {
            // Whoever is no proxy of ours may claim what he likes, and so may who stands in front of one.
            let from = format!("203.0.{}.{}{real}", n / 250, n % 250);
            guess(store, url, &format!("reader{n}@example.org"), &from).await;
        }
        assert_eq!(shop.passwords_hashed() - before, 10);
    }
});
