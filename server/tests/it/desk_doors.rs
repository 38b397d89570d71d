//! Who is kept out and who is not: strangers' guesses, uploads, and programs at the door.

use crate::desk_books::PDF;
use crate::support::{Backend, Browser, Door, Member, Options, Store, location, on_both_databases};
use chrono::{TimeDelta, Utc};
use diesel::connection::SimpleConnection as _;
use diesel::{Connection as _, SqliteConnection};
use futures::stream;
use octavo::lanes::{Lane, Lanes};
use reqwest::header::{ACCEPT, CONTENT_TYPE, ORIGIN};
use reqwest::{Body, Method, RequestBuilder, Response, StatusCode};
use serde_json::json;
use shop::Clock;
use shop::audit::Actor;
use shop::db::DatabaseUrl;
use shop::staff::NewStaff;
use shop::types::Role;
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// Time stands still until a test moves it.
fn standing() -> Options {
    Options { webhooks: false, workers: false, clock: Clock::manual(Utc::now().naive_utc()), ..Options::default() }
}

/// A door behind a proxy that says who comes.
fn proxied() -> Door {
    Door { trusted_proxies: vec!["127.0.0.1/32".parse().unwrap()], ..Door::default() }
}

/// Types address and password at the desk's page from a network.
async fn at_the_page(browser: &Browser, email: &str, password: &str, from: &str) -> String {
    let form = [("email", email), ("password", password)];
    let request = browser.request(Method::POST, "/actions/admin-sign-in").header("x-forwarded-for", from);
    let form_page = request.try_clone().unwrap().build().unwrap().url().join("/admin/login").unwrap();
    let request = request.header("sec-fetch-site", "same-origin").header("referer", form_page.as_str());
    location(&request.form(&form).send().await.unwrap())
}

/// Sends them to the API from a network.
async fn at_the_api(store: &Store, url: &str, email: &str, password: &str, from: &str) -> StatusCode {
    let request = store.http.post(format!("{url}/api/v1/auth/login")).header("x-forwarded-for", from);
    request.json(&json!({ "email": email, "password": password })).send().await.unwrap().status()
}

/// As many guesses at an account, at both doors, as take every place there is for strangers.
async fn crowd(store: &Store, url: &str, email: &str) {
    for n in 0..60 {
        let from = format!("198.51.{}.{}", n / 20, n % 20);
        // At the account itself, and at others, until nobody unknown is let through.
        let other = format!("reader{n}@example.org");
        for email in [email, &other] {
            at_the_page(&store.browser().at(url), email, "a guess of twelve letters", &from).await;
            at_the_api(store, url, email, "a guess of twelve letters", &from).await;
        }
    }
}

const REFUSED: &str = "/admin/login?error=rate-limited";

on_both_databases!(strangers_lock_nobody_out_of_where_she_comes_from, standing(), async |store| {
    let (member, other) = (store.staff(Role::Admin).await, store.staff(Role::Admin).await);
    let door = store.door(proxied()).await;
    let stranger = || store.browser().at(&door.url);
    let (home, away) = ("203.0.113.5", "203.0.113.6");
    assert_eq!(at_the_page(&stranger(), &member.email, Member::PASSWORD, home).await, "/admin");
    let before = door.shop.passwords_hashed();
    crowd(store, &door.url, &member.email).await;
    let hashed = door.shop.passwords_hashed() - before;
    assert!(hashed <= 20, "{hashed}");
    // From elsewhere nobody comes in, whatever he knows; from home she does, with any browser and any program.
    assert_eq!(at_the_page(&stranger(), &member.email, Member::PASSWORD, away).await, REFUSED);
    let program = async |email: &str, from: &str| at_the_api(store, &door.url, email, Member::PASSWORD, from).await;
    assert_eq!(program(&member.email, away).await, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(at_the_page(&stranger(), &member.email, Member::PASSWORD, home).await, "/admin");
    assert_eq!(program(&member.email, home).await, StatusCode::OK);
    // It is her home and nobody else's, and guesses from there are counted too: those of programs apart.
    assert_eq!(at_the_page(&stranger(), &other.email, Member::PASSWORD, home).await, REFUSED);
    for n in 0..12 {
        let expected = if n < 10 { StatusCode::FORBIDDEN } else { StatusCode::TOO_MANY_REQUESTS };
        let guess = "a guess of twelve letters";
        assert_eq!(at_the_api(store, &door.url, &member.email, guess, home).await, expected, "{n}");
    }
    assert_eq!(at_the_page(&stranger(), &member.email, Member::PASSWORD, home).await, "/admin");
    // No row says where that is; and it is forgotten when nobody has come from there for long.
    let places = store.texts("SELECT network AS value FROM staff_place").await;
    assert!(places.len() == 1 && places[0].len() == 64, "{places:?}");
    store.shop.clock().advance(TimeDelta::days(90));
    store.shop.delete_ended_staff_sessions().await.unwrap();
    assert_eq!(store.count("staff_place").await, 0);
});

on_both_databases!(a_crowd_at_one_door_leaves_the_other_open, standing(), async |store| {
    let member = store.staff(Role::Support).await;
    let door = store.door(proxied()).await;
    for n in 0..40 {
        let guess = "a guess of twelve letters";
        at_the_page(&store.browser().at(&door.url), &member.email, guess, &format!("198.51.100.{n}")).await;
        let email = format!("reader{n}@example.org");
        at_the_page(&store.browser().at(&door.url), &email, guess, &format!("192.0.2.{n}")).await;
    }
    let browser = store.browser().at(&door.url);
    assert_eq!(at_the_page(&browser, &member.email, Member::PASSWORD, "203.0.113.9").await, REFUSED);
    let program = at_the_api(store, &door.url, &member.email, Member::PASSWORD, "203.0.113.8").await;
    assert_eq!(program, StatusCode::OK);
    // And a program that has come in knows the network for the page too.
    assert_eq!(at_the_page(&browser, &member.email, Member::PASSWORD, "203.0.113.8").await, "/admin");
});

on_both_databases!(whoever_has_used_a_link_is_no_stranger, standing(), async |store| {
    let new = NewStaff { email: "bob@example.org".parse().unwrap(), role: Role::Owner, password: None };
    let id = store.shop.add_staff(&Actor::Command, &new).await.unwrap();
    let link = store.shop.make_password_link(&Actor::Command, id).await.unwrap().url;
    let secret = link.split('#').nth(1).unwrap();
    let door = store.door(proxied()).await;
    crowd(store, &door.url, "bob@example.org").await;
    let bob = store.browser().at(&door.url);
    let form = [("secret", secret), ("password", Member::PASSWORD)];
    let set = bob.post_from("/admin/password", "/actions/admin-set-password", &form).await;
    assert_eq!(location(&set), "/admin/login?done=password-set");
    // The browser is known, and nobody is signed in.
    assert!(!bob.has_desk().await);
    assert_eq!(at_the_page(&bob, "bob@example.org", Member::PASSWORD, "203.0.113.5").await, "/admin");
    assert_eq!(
        at_the_page(&store.browser().at(&door.url), "bob@example.org", Member::PASSWORD, "203.0.113.6").await,
        REFUSED
    );
});

on_both_databases!(the_first_owner_is_made_while_a_crowd_guesses, standing(), async |store| {
    let door = store.door(proxied()).await;
    crowd(store, &door.url, "ann@example.org").await;
    let url = store.shop.setup_url().await.unwrap().unwrap();
    let secret = url.split('#').nth(1).unwrap();
    let form = [("secret", secret), ("email", "ann@example.org"), ("password", Member::PASSWORD)];
    let browser = store.browser().at(&door.url);
    let made = browser.post_from("/admin/setup", "/actions/admin-set-up", &form).await;
    assert_eq!(location(&made), "/admin");
    assert!(browser.has_desk().await);
});

/// The beginning of a form with one file, and its end.
const HEAD: &str = "--cut\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.pdf\"\r\n\r\n";
const TAIL: &str = "\r\n--cut--\r\n";

fn upload(browser: &Browser, url: &str, body: Body) -> RequestBuilder {
    let request = browser.request(Method::POST, "/admin/books/the-first-book/files").header(ORIGIN, url);
    request.header(ACCEPT, "text/html").header(CONTENT_TYPE, "multipart/form-data; boundary=cut").body(body)
}

fn whole_pdf() -> Body {
    Body::from([HEAD.as_bytes(), PDF, TAIL.as_bytes()].concat())
}

/// A form that comes piece by piece, as the test sends them.
fn piece_by_piece() -> (mpsc::UnboundedSender<Vec<u8>>, Body) {
    let (sender, pieces) = mpsc::unbounded_channel::<Vec<u8>>();
    let pieces = stream::unfold(pieces, async |mut pieces| {
        let piece = pieces.recv().await?;
        Some((Ok::<_, std::io::Error>(piece), pieces))
    });
    (sender, Body::wrap_stream(pieces))
}

/// A door with one place for uploads, and its lane.
fn one_place() -> (Door, Lane) {
    let uploads = Lane::new(1);
    (Door { lanes: Lanes { uploads: uploads.clone(), ..Lanes::default() }, ..Door::default() }, uploads)
}

/// A form that has begun to come and has the only place.
async fn begun(
    store: &Store,
    admin: &Browser,
    url: &str,
    lane: &Lane,
) -> (mpsc::UnboundedSender<Vec<u8>>, JoinHandle<Response>) {
    let (sender, body) = piece_by_piece();
    sender.send(HEAD.as_bytes().to_vec()).unwrap();
    let request = upload(admin, url, body);
    let waiting = tokio::spawn(async move { request.send().await.unwrap() });
    store.until("it has its place", async || lane.is_full()).await;
    (sender, waiting)
}

on_both_databases!(no_stranger_takes_a_place_for_uploads, async |store| {
    let admin = store.desk(Role::Admin).await;
    let (door, lane) = one_place();
    let door = store.door(door).await;
    // Forms of strangers that never end …
    let mut held = Vec::new();
    for _ in 0..20 {
        let (sender, body) = piece_by_piece();
        sender.send(HEAD.as_bytes().to_vec()).unwrap();
        let answer = upload(&store.browser().at(&door.url), &door.url, body).send().await.unwrap();
        assert_eq!(
            (answer.status(), location(&answer).as_str()),
            (StatusCode::SEE_OTHER, "/admin/login?next=/admin/books/the-first-book")
        );
        held.push((sender, answer));
    }
    // … are in nobody's way. One of who may does take it, and gives it back.
    let admin = admin.at(&door.url);
    let answer = upload(&admin, &door.url, whole_pdf()).send().await.unwrap();
    assert_eq!(location(&answer), "/admin/books/the-first-book?done=files-taken");
    let (sender, waiting) = begun(store, &admin, &door.url, &lane).await;
    let busy = upload(&admin, &door.url, whole_pdf()).send().await.unwrap();
    assert_eq!((busy.status(), busy.headers()["retry-after"].as_bytes()), (StatusCode::SERVICE_UNAVAILABLE, &b"2"[..]));
    sender.send([PDF, TAIL.as_bytes()].concat()).unwrap();
    drop(sender);
    assert_eq!(location(&waiting.await.unwrap()), "/admin/books/the-first-book?done=files-taken");
});

on_both_databases!(an_upload_whose_browser_leaves_is_worked_on_to_its_end, async |store| {
    let objects = || std::fs::read_dir(store.data.path().join("files/books")).unwrap().count();
    let there = objects();
    let admin = store.desk(Role::Admin).await;
    let (mut door, lane) = one_place();
    // A place for pages that its handler has.
    let pages = Lane::new(1);
    door.lanes.pages = pages.clone();
    let door = store.door(door).await;
    let (sender, waiting) = begun(store, &admin.at(&door.url), &door.url, &lane).await;
    // Somebody else has the writer, or the table.
    let (held, mut holds) = mpsc::unbounded_channel();
    let (let_go, gone) = std::sync::mpsc::channel::<()>();
    let holding = tokio::spawn({
        let (shop, backend) = (store.shop.clone(), store.backend);
        async move {
            let hold = shop.db().write(move |conn| {
                if backend == Backend::Postgres {
                    conn.batch_execute("LOCK TABLE book_file IN EXCLUSIVE MODE")?;
                }
                held.send(()).unwrap();
                let _ = gone.recv();
                Ok(())
            });
            hold.await
        }
    });
    holds.recv().await.unwrap();
    // All of it has come, and its file is stored; then the browser leaves.
    sender.send([PDF, TAIL.as_bytes()].concat()).unwrap();
    drop(sender);
    store.until("the file is stored", async || objects() > there).await;
    assert!(pages.is_full());
    waiting.abort();
    store.until("nobody waits for the answer", async || !pages.is_full()).await;
    assert!(lane.is_full(), "the work has lost its place");
    let_go.send(()).unwrap();
    holding.await.unwrap().unwrap();
    // Its row is there, and what it took the place of is gone.
    store.until("the work is done", async || !lane.is_full()).await;
    assert_eq!(store.count("audit WHERE action = 'file.replaced'").await, 1);
    let rows = format!("book_file WHERE filename = 'the-first-book.pdf' AND bytes = {}", PDF.len());
    assert_eq!((store.count(&rows).await, objects()), (1, there));
});

on_both_databases!(a_session_that_ends_while_its_upload_comes_uploads_nothing, async |store| {
    let admin = store.desk(Role::Admin).await;
    let (door, lane) = one_place();
    let door = store.door(door).await;
    let admin = admin.at(&door.url);
    let files = store.count("book_file").await;
    let (sender, waiting) = begun(store, &admin, &door.url, &lane).await;
    store.execute("UPDATE users SET disabled_at = created_at").await;
    sender.send([PDF, TAIL.as_bytes()].concat()).unwrap();
    drop(sender);
    let answer = waiting.await.unwrap();
    assert_eq!(location(&answer), "/admin/login?next=/admin/books/the-first-book");
    assert_eq!(store.count("book_file").await, files);
    assert_eq!(store.count("audit WHERE action LIKE 'file.%'").await, 0);
});

on_both_databases!(an_upload_that_never_ends_is_given_up, async |store| {
    let admin = store.desk(Role::Admin).await;
    let door = store.door(Door { upload_grace: Duration::ZERO, ..Door::default() }).await;
    let admin = admin.at(&door.url);
    let (sender, body) = piece_by_piece();
    sender.send(HEAD.as_bytes().to_vec()).unwrap();
    // It says that it is small, so there is no time for it to be slow.
    let request = upload(&admin, &door.url, body).header("content-length", "1000");
    let since = Instant::now();
    let answer = request.send().await.unwrap();
    assert!(since.elapsed() < Duration::from_secs(8), "{:?}", since.elapsed());
    let to = location(&answer);
    assert!(to.starts_with("/admin/books/the-first-book?said="), "{to}");
    assert!(admin.text(&to).await.contains("The upload took too long"));
    drop(sender);
});

on_both_databases!(whoever_sends_too_much_is_told_how_much_a_file_may_have, async |store| {
    let admin = store.desk(Role::Admin).await;
    let (sender, body) = piece_by_piece();
    let answer = upload(&admin, &store.url, body).header("content-length", "20000000").send().await.unwrap();
    let most = answer.headers()["octavo-upload-mb"].as_bytes();
    assert_eq!((answer.status(), most), (StatusCode::PAYLOAD_TOO_LARGE, &b"4"[..]));
    drop(sender);
});

on_both_databases!(slow_sign_ins_of_programs_are_in_no_other_programs_way, async |store| {
    let admin = store.desk(Role::Admin).await;
    let member = store.staff(Role::Viewer).await;
    let lane = Lane::new(1);
    let lanes = Lanes { api_way_in: lane.clone(), ..Lanes::default() };
    let door = store.door(Door { lanes, ..Door::default() }).await;
    let form = [("name", "a program"), ("scope", "read"), ("days", "30"), ("password", Member::PASSWORD)];
    let made = location(&admin.post_from("/admin/account", "/actions/admin-make-token", &form).await);
    let page = admin.text(made.split('#').next().unwrap()).await;
    let token = page.split("class=\"secret\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    // A sign-in whose body never comes.
    let mut slow = TcpStream::connect(door.url.trim_start_matches("http://")).await.unwrap();
    let head =
        "POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{";
    slow.write_all(head.as_bytes()).await.unwrap();
    let login = async || at_the_api(store, &door.url, &member.email, Member::PASSWORD, "").await;
    store.until("it has its place", async || lane.is_full()).await;
    assert_eq!(login().await, StatusCode::SERVICE_UNAVAILABLE);
    let me = store.http.get(format!("{}/api/v1/me", door.url)).bearer_auth(token).send().await.unwrap();
    assert_eq!(me.status(), StatusCode::OK);
    // It is given up soon, and its place is free again.
    let mut answer = [0; 12];
    timeout(Duration::from_secs(8), slow.read_exact(&mut answer)).await.unwrap().unwrap();
    assert_eq!(&answer, b"HTTP/1.1 408");
    assert_eq!(login().await, StatusCode::OK);
    let long = store.http.post(format!("{}/api/v1/auth/login", door.url)).body("x".repeat(10_000));
    let long = long.header(CONTENT_TYPE, "application/json").send().await.unwrap();
    assert_eq!(long.status(), StatusCode::PAYLOAD_TOO_LARGE);
});

on_both_databases!(made_up_refresh_tokens_do_not_come_to_the_writer, async |store| {
    let held = store.database_url().clone();
    // On SQLite whoever has to write waits for this; PostgreSQL has no such place.
    let held = tokio::task::spawn_blocking(move || match held {
        DatabaseUrl::Sqlite(path) => {
            let mut conn = SqliteConnection::establish(path.to_str().unwrap()).unwrap();
            conn.batch_execute("BEGIN IMMEDIATE").unwrap();
            Some(conn)
        }
        DatabaseUrl::Postgres(_) => None,
    });
    let held = held.await.unwrap();
    for (path, status) in [("refresh", StatusCode::UNAUTHORIZED), ("logout", StatusCode::NO_CONTENT)] {
        for n in 0..20 {
            let request = store.http.post(format!("{}/api/v1/auth/{path}", store.url));
            let request = request.json(&json!({ "refresh_token": format!("octavo_rt_{n}") })).send();
            let answer = timeout(Duration::from_secs(4), request).await.expect("it waited for the writer").unwrap();
            assert_eq!(answer.status(), status);
        }
    }
    drop(held);
});
