//! What goes over the wire: ranges, broken transfers, withdrawn rights (rows 21 and 23).

use crate::support::{
    Backend, Browser, FilesWay, Options, Store, add_book, entry, file_content, on_both_databases,
    on_both_databases_and_places, sha256,
};
use axum::Extension;
use axum::extract::{Path, State};
use axum::http::HeaderMap;
use diesel::RunQueryDsl as _;
use futures::StreamExt as _;
use octavo::routes::download;
use reqwest::{Method, Response, StatusCode};
use shop::types::BookFormat;
use shop::{BrowserSecret, Claimed, ClientIp, Visitor};
use std::net::{IpAddr, Ipv4Addr};
use std::time::{Duration, Instant};

async fn bought(store: &Store, slug: &str) -> (Browser, String) {
    let browser = store.browser();
    let (_, number) = store.buy(&browser, &[slug], "ann@example.org").await;
    let token = browser.token(&number, slug).await;
    let path = browser.claimed(&token, "epub").await;
    (browser, path)
}

async fn ranged(browser: &Browser, path: &str, headers: &[(&str, &str)]) -> Response {
    let request =
        headers.iter().fold(browser.request(Method::GET, path), |request, (name, value)| request.header(*name, *value));
    request.send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
}

on_both_databases_and_places!(row_21_a_download_resumed_in_a_hundred_pieces_is_one_use, async |store| {
    let (browser, path) = bought(store, "the-third-book").await;
    let mut file = Vec::new();
    for i in 0..100 {
        let range = format!("bytes={}-{}", i * 1_000, i * 1_000 + 999);
        let piece = ranged(&browser, &path, &[("range", &range)]).await;
        assert_eq!(piece.status(), StatusCode::PARTIAL_CONTENT);
        assert_eq!(header(&piece, "content-range"), format!("bytes {}-{}/100000", i * 1_000, i * 1_000 + 999));
        file.extend_from_slice(&piece.bytes().await.unwrap());
    }
    assert_eq!(sha256(&file), sha256(&file_content("the-third-book", "epub")));
    assert_eq!((store.count("download_claim").await, store.count("download_token WHERE used_count = 1").await), (1, 1));
    assert_eq!(store.count("download_quota WHERE bytes = 100000").await, 1);
    // Once more is free; a third time is not.
    assert_eq!(browser.get(&path).await.bytes().await.unwrap().len(), 100_000);
    assert_eq!(ranged(&browser, &path, &[("range", "bytes=0-999")]).await.status(), StatusCode::GONE);
});

on_both_databases_and_places!(row_21_ranges_are_answered_as_the_standard_says, async |store| {
    let content = file_content("the-third-book", "epub");
    let (browser, path) = bought(store, "the-third-book").await;
    let head = browser.request(Method::HEAD, &path).send().await.unwrap();
    assert_eq!(
        (head.status(), header(&head, "content-length"), header(&head, "accept-ranges")),
        (StatusCode::OK, "100000", "bytes")
    );
    assert_eq!(
        header(&head, "content-disposition"),
        "attachment; filename=\"the-third-book.epub\"; filename*=UTF-8''the-third-book.epub"
    );
    assert_eq!(header(&head, "cache-control"), "private, no-store");
    let etag = header(&head, "etag").to_owned();
    assert_eq!(etag, format!("\"{}\"", sha256(&content)));
    let unchanged = ranged(&browser, &path, &[("if-none-match", &etag)]).await;
    assert_eq!(unchanged.status(), StatusCode::NOT_MODIFIED);
    // Neither takes anything.
    assert_eq!((store.count("download_quota").await, store.count("download_log WHERE status <> 303").await), (0, 0));

    for (range, part) in [
        ("bytes=-100", 99_900..100_000),
        ("bytes=99990-", 99_990..100_000),
        ("bytes=99999-200000", 99_999..100_000),
        ("bytes=0-0", 0..1),
    ] {
        let answer = ranged(&browser, &path, &[("range", range)]).await;
        assert_eq!(answer.status(), StatusCode::PARTIAL_CONTENT, "{range}");
        assert_eq!(header(&answer, "content-range"), format!("bytes {}-{}/100000", part.start, part.end - 1));
        assert_eq!(header(&answer, "content-length"), part.len().to_string());
        assert_eq!(answer.bytes().await.unwrap(), content[part]);
    }
    for range in
        ["bytes=100000-", "bytes=200000-300000", "bytes=5-1", "bytes=-0", "bytes=a-b", "bytes=", "bytes=0-10,5-20"]
    {
        for accept in ["text/html", "*/*"] {
            let answer = ranged(&browser, &path, &[("range", range), ("accept", accept)]).await;
            assert_eq!(
                (answer.status(), header(&answer, "content-range")),
                (StatusCode::RANGE_NOT_SATISFIABLE, "bytes */100000"),
                "{range}"
            );
        }
    }
    let several = ranged(&browser, &path, &[("range", "bytes=0-9,1000-1019,-5")]).await;
    assert_eq!(several.status(), StatusCode::PARTIAL_CONTENT);
    let boundary = header(&several, "content-type")
        .strip_prefix("multipart/byteranges; boundary=")
        .expect("several parts")
        .to_owned();
    let length: usize = header(&several, "content-length").parse().unwrap();
    let body = several.bytes().await.unwrap();
    let mut expected = Vec::new();
    for (i, part) in [0..10, 1_000..1_020, 99_995..100_000].into_iter().enumerate() {
        let line = if i == 0 { "" } else { "\r\n" };
        expected.extend_from_slice(
            format!(
                "{line}--{boundary}\r\nContent-Type: application/epub+zip\r\nContent-Range: bytes {}-{}/100000\r\n\r\n",
                part.start,
                part.end - 1
            )
            .as_bytes(),
        );
        expected.extend_from_slice(&content[part]);
    }
    expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    assert_eq!((body.len(), body.as_ref()), (length, expected.as_slice()));

    let same = ranged(&browser, &path, &[("range", "bytes=0-9"), ("if-range", &etag)]).await;
    assert_eq!((same.status(), same.bytes().await.unwrap().len()), (StatusCode::PARTIAL_CONTENT, 10));
    let other = ranged(&browser, &path, &[("range", "bytes=0-9"), ("if-range", "\"another\"")]).await;
    assert_eq!((other.status(), other.bytes().await.unwrap().len()), (StatusCode::OK, 100_000));
    // Every byte was counted, and no byte that was not sent.
    let sent = 100 + 10 + 1 + 1 + 35 + 10 + 100_000;
    assert_eq!(store.count(&format!("download_quota WHERE bytes = {sent}")).await, 1);
    assert_eq!(store.count("download_token WHERE used_count = 1").await, 1);
});

const LARGE: usize = 48 * 1024 * 1024;

async fn large_book(store: &Store) -> (Browser, String) {
    add_book(&store.shop, store.data.path(), entry("a-large-book", 900, &["epub"], "published"), LARGE).await;
    bought(store, "a-large-book").await
}

on_both_databases_and_places!(row_21_what_a_broken_transfer_did_not_send_is_given_back, async |store| {
    let (browser, path) = large_book(store).await;
    for times in 1..=5 {
        let mut body = browser.get(&path).await.bytes_stream();
        assert!(!body.next().await.unwrap().unwrap().is_empty());
        assert_eq!(store.count(&format!("download_quota WHERE bytes >= {LARGE}")).await, 1);
        drop(body);
        store
            .until("the end is logged", async || store.count("download_log WHERE reason = 'broken off'").await == times)
            .await;
        store
            .until("the rest is given back", async || {
                store.count("download_quota q WHERE q.bytes = (SELECT SUM(l.bytes) FROM download_log l)").await == 1
            })
            .await;
    }
    // Five times broken off, and the whole file still fits into the same claim.
    assert_eq!(store.count(&format!("download_quota WHERE bytes < {LARGE}")).await, 1);
    let whole = browser.get(&path).await;
    assert_eq!((whole.status(), whole.bytes().await.unwrap().len()), (StatusCode::OK, LARGE));
    store.until("the end is logged", async || store.count("download_log WHERE reason = 'complete'").await == 1).await;
    assert_eq!(store.count("download_claim").await, 1);
});

on_both_databases_and_places!(row_23_a_right_that_is_withdrawn_stops_the_transfer, async |store| {
    let (browser, path) = large_book(store).await;
    let mut body = browser.get(&path).await.bytes_stream();
    let mut received = body.next().await.unwrap().unwrap().len();
    store.execute("UPDATE entitlement SET state = 'revoked'").await;
    let withdrawn = Instant::now();
    // A slow line: some 8 MB a second, on which the whole file would take six.
    let broken = loop {
        match body.next().await {
            None => break false,
            Some(Err(_)) => break true,
            Some(Ok(bytes)) => received += bytes.len(),
        }
        let due = Duration::from_micros(u64::try_from(received / 8).unwrap());
        tokio::time::sleep(due.saturating_sub(withdrawn.elapsed())).await;
    };
    assert!(broken && received < LARGE, "{received} bytes came");
    assert!(withdrawn.elapsed() < Duration::from_secs(5), "it took {:?}", withdrawn.elapsed());
    store.until("it is logged", async || store.count("download_log WHERE reason = 'revoked'").await == 1).await;
    // And nothing more starts.
    assert_eq!(browser.get(&path).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(ranged(&browser, &path, &[("range", "bytes=0-9")]).await.status(), StatusCode::FORBIDDEN);
    let number = store.texts("SELECT number AS value FROM orders").await.remove(0);
    let page = browser.text(&format!("/orders/{number}")).await;
    assert!(page.contains("no longer open for download") && !page.contains("/claim"));
    store.execute("UPDATE entitlement SET state = 'active'").await;
    assert_eq!(ranged(&browser, &path, &[("range", "bytes=0-9")]).await.status(), StatusCode::PARTIAL_CONTENT);
});

/// Somebody asks for a file and hangs up while the count of its bytes waits for the database.
async fn hangs_up(store: &Store) {
    let (ip, browser) = (IpAddr::V4(Ipv4Addr::LOCALHOST), BrowserSecret::generate());
    let (_, number) = store.buy(&store.browser(), &["the-third-book"], "ann@example.org").await;
    store.settle().await;
    let link = store.shop.order_link(&number).await.unwrap();
    store.shop.open_order(&number, link.split('#').nth(1).unwrap(), &browser, ip).await.unwrap();
    let order = store.shop.order(&number, Some(&browser)).await.unwrap().unwrap();
    let token = &order.items[0].download.as_ref().unwrap().token;
    let visitor = Visitor { browser: Some(browser.clone()), buyer: None, ip, user_agent: String::new() };
    let Claimed::File(path) = store.shop.claim_download(token, BookFormat::Epub, &visitor).await.unwrap() else {
        panic!("no claim was taken");
    };
    let (claim, filename) = path.strip_prefix("/f/").unwrap().split_once('/').unwrap();

    // Somebody else has the writer, or the table.
    let (held, mut holds) = tokio::sync::mpsc::unbounded_channel();
    let (let_go, gone) = std::sync::mpsc::channel::<()>();
    let holding = tokio::spawn({
        let (shop, backend) = (store.shop.clone(), store.backend);
        async move {
            let hold = shop.db().write(move |conn| {
                if backend == Backend::Postgres {
                    diesel::sql_query("LOCK TABLE download_quota IN EXCLUSIVE MODE").execute(conn)?;
                }
                held.send(()).unwrap();
                let _ = gone.recv();
                Ok(())
            });
            hold.await
        }
    });
    holds.recv().await.unwrap();
    let mut answer = Box::pin(download::file(
        State(store.shop.clone()),
        Method::GET,
        Path((claim.to_owned(), filename.to_owned())),
        Extension(ClientIp(ip)),
        Some(Extension(browser)),
        None,
        HeaderMap::new(),
    ));
    let waits = async || match store.backend {
        // A look at a row is taken where we are: whoever was asked once has handed its work to the writer.
        Backend::Sqlite => true,
        Backend::Postgres => {
            let lock = "pg_locks l JOIN pg_class c ON c.oid = l.relation \
                        WHERE c.relname = 'download_quota' AND NOT l.granted \
                        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())";
            store.count(lock).await > 0
        }
    };
    tokio::select! {
        biased;
        _ = &mut answer => panic!("it was answered"),
        () = store.until("the count waits", waits) => {}
    }
    drop(answer);
    let_go.send(()).unwrap();
    holding.await.unwrap().unwrap();
    let ended = "download_log WHERE reason = 'broken off' AND bytes = 0";
    store.until("the end is logged", async || store.count(ended).await == 1).await;
    assert_eq!(store.count("download_quota WHERE bytes = 0").await, 1);
}

on_both_databases!(row_21_who_hangs_up_before_the_answer_loses_nothing, async |store| {
    hangs_up(store).await;
});

on_both_databases!(
    row_21_who_hangs_up_before_being_led_loses_nothing,
    Options { files: FilesWay::Redirected, ..Options::default() },
    async |store| {
        hangs_up(store).await;
    }
);
