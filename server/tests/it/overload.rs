//! More than the store can or will do at once: row 42, and how it stops.

use crate::support::{Door, GOOD_CARD, Options, on_both_databases};
use futures::future::join_all;
use octavo::lanes::{Lane, Lanes, Welcome};
use octavo::serve::Limits;
use reqwest::StatusCode;
use std::time::{Duration, Instant};
use stripe_sandbox::Fault;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;

fn address(url: &str) -> String {
    url.strip_prefix("http://").unwrap().to_owned()
}

on_both_databases!(row_42_five_hundred_half_open_connections_are_closed, async |store| {
    const HEAD: Duration = Duration::from_secs(2);
    let door = store.door(Door { limits: Limits { head: HEAD, ..Limits::default() }, ..Door::default() }).await;
    let begun = Instant::now();
    let mut open = Vec::new();
    for i in 0..500 {
        let mut stream = TcpStream::connect(address(&door.url)).await.unwrap();
        // A third says nothing, a third half a request, a third half of a second one on a kept connection.
        let said: &[u8] = match i % 3 {
            0 => b"",
            1 => b"GET / HTTP/1.1\r\nHost: x\r\nCookie: a=",
            _ => b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET /",
        };
        stream.write_all(said).await.unwrap();
        open.push(stream);
    }
    // Meanwhile others are served.
    let page = store.http.get(format!("{}/", door.url)).send().await.unwrap();
    assert_eq!(page.status(), StatusCode::OK);
    let closed = join_all(open.into_iter().map(|mut stream| async move {
        let mut rest = Vec::new();
        // The end, in order or by reset, is an end.
        timeout(Duration::from_secs(15), stream.read_to_end(&mut rest)).await.is_ok()
    }))
    .await;
    assert_eq!(closed.iter().filter(|closed| **closed).count(), 500);
    assert!(begun.elapsed() >= HEAD, "they were closed before their time");
});

on_both_databases!(row_42_a_body_without_an_end_is_refused_at_its_cap, async |store| {
    let gigabyte = 1_usize << 30;
    for (path, cap) in [("/actions/add-to-cart", 64 * 1024), ("/webhooks/stripe", 512 * 1024)] {
        let mut stream = TcpStream::connect(address(&store.url)).await.unwrap();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nOrigin: {}\r\nAccept: application/json\r\nStripe-Signature: t=1,v1=00\r\n\
             Content-Type: application/x-www-form-urlencoded\r\n",
            address(&store.url),
            store.url
        );
        // Announced: refused before a byte of it is read.
        stream.write_all(format!("{head}Content-Length: {gigabyte}\r\n\r\n").as_bytes()).await.unwrap();
        let mut answer = [0; 12];
        timeout(Duration::from_secs(10), stream.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(&answer, b"HTTP/1.1 413", "{path}");
        // In chunks, without a length: refused soon after the cap.
        let mut stream = TcpStream::connect(address(&store.url)).await.unwrap();
        stream.write_all(format!("{head}Transfer-Encoding: chunked\r\n\r\n").as_bytes()).await.unwrap();
        let chunk = [b"8000\r\n".to_vec(), vec![b'x'; 0x8000], b"\r\n".to_vec()].concat();
        let mut sent = 0;
        let answer = timeout(Duration::from_secs(20), async {
            let (mut reader, mut writer) = stream.split();
            let sending = async {
                while sent < gigabyte && writer.write_all(&chunk).await.is_ok() {
                    sent += 0x8000;
                }
                std::future::pending::<()>().await;
            };
            let mut answer = [0; 12];
            tokio::select! {
                () = sending => unreachable!(),
                read = reader.read_exact(&mut answer) => { read.unwrap(); }
            }
            answer
        })
        .await
        .unwrap();
        assert_eq!(&answer, b"HTTP/1.1 413", "{path} in chunks");
        assert!(sent < cap + (16 << 20), "{path}: {sent} bytes were taken");
    }
    assert_eq!(store.count("stripe_event").await, 0);
});

on_both_databases!(who_sends_more_than_is_taken_reads_why, async |store| {
    for (path, announced) in [("/admin/books/x/files", true), ("/webhooks/stripe", true), ("/webhooks/stripe", false)] {
        let mut stream = TcpStream::connect(address(&store.url)).await.unwrap();
        let length = if announced { "Content-Length: 67108864" } else { "Transfer-Encoding: chunked" };
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nOrigin: {}\r\nContent-Type: text/plain\r\n{length}\r\n\r\n",
            address(&store.url),
            store.url
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        // Like a browser, which reads the answer when it has sent all of the form.
        let chunk = [b"100000\r\n".to_vec(), vec![b'x'; 1 << 20], b"\r\n".to_vec()].concat();
        for _ in 0..64 {
            let sent = if announced { &chunk[8..8 + (1 << 20)] } else { &chunk[..] };
            stream.write_all(sent).await.unwrap();
        }
        if !announced {
            stream.write_all(b"0\r\n\r\n").await.unwrap();
        }
        let mut answer = Vec::new();
        timeout(Duration::from_secs(10), stream.read_to_end(&mut answer)).await.unwrap().unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 413"), "{path}: {}", String::from_utf8_lossy(&answer));
    }
});

on_both_databases!(row_42_a_body_that_stops_arriving_is_given_up, async |store| {
    for path in ["/actions/add-to-cart", "/webhooks/stripe"] {
        let mut stream = TcpStream::connect(address(&store.url)).await.unwrap();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {}\r\nOrigin: {}\r\nAccept: application/json\r\nStripe-Signature: t=1,v1=00\r\n\
             Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 20\r\n\r\nslug=the",
            address(&store.url),
            store.url
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = [0; 10];
        timeout(Duration::from_secs(15), stream.read_exact(&mut answer)).await.unwrap().unwrap();
        assert_eq!(&answer, b"HTTP/1.1 4", "{path}");
    }
});

on_both_databases!(
    row_42_a_full_lane_sends_pages_away_and_lets_payments_in,
    Options { webhooks: false, ..Options::default() },
    async |store| {
        let lanes = Lanes { pages: Lane::new(2), ..Lanes::default() };
        let door = store.door(Door { lanes, ..Door::default() }).await;
        let browser = store.browser();
        let session = store.checkout(&browser, &["the-first-book"]).await;
        let _ = store.sandbox.pay(&session, GOOD_CARD, "ann@example.org");
        // Two checkouts wait for a slow Stripe and fill the lane.
        let slow = [store.browser().at(&door.url), store.browser().at(&door.url)];
        for browser in &slow {
            browser.add(&["the-second-book"]).await;
        }
        let snapshots = [slow[0].cart_snapshot().await, slow[1].cart_snapshot().await];
        store.sandbox.set_fault(Fault::delay(Duration::from_secs(3)).on_method("POST").times(2));
        let waiting: Vec<_> = slow
            .iter()
            .zip(snapshots)
            .map(|(browser, snapshot)| {
                let browser = browser.clone();
                tokio::spawn(async move {
                    browser.post_from("/cart", "/actions/start-checkout", &[("snapshot", &snapshot)]).await.status()
                })
            })
            .collect();
        store
            .until("both are at Stripe", async || store.count("checkout WHERE stripe_session IS NULL").await == 2)
            .await;
        for _ in 0..50 {
            let away = store.http.get(format!("{}/cart", door.url)).send().await.unwrap();
            assert_eq!(away.status(), StatusCode::SERVICE_UNAVAILABLE);
            assert_eq!(away.headers()["retry-after"], "2");
            assert_eq!(away.headers()["x-content-type-options"], "nosniff");
        }
        // A browser gets a page of the store, and what is kept is still shown.
        let page = store.http.get(format!("{}/cart", door.url)).header("accept", "text/html").send().await.unwrap();
        assert_eq!(
            (page.status(), page.headers()["cache-control"].as_bytes()),
            (StatusCode::SERVICE_UNAVAILABLE, &b"no-store"[..])
        );
        assert!(page.headers().contains_key("content-security-policy"));
        let page = page.text().await.unwrap();
        assert!(page.contains("</html>") && page.contains("busy"), "{page}");
        assert_eq!(store.http.get(format!("{}/healthz", door.url)).send().await.unwrap().status(), StatusCode::OK);
        let kept = Instant::now();
        assert_eq!(store.deliver_completed_to(&door.url, "evt_lane", &session).await, StatusCode::OK);
        assert!(kept.elapsed() < Duration::from_secs(2), "the delivery waited for {:?}", kept.elapsed());
        for waited in waiting {
            assert_eq!(waited.await.unwrap(), StatusCode::SEE_OTHER);
        }
        assert_eq!(store.http.get(format!("{}/cart", door.url)).send().await.unwrap().status(), StatusCode::OK);
        store.settle().await;
        assert_eq!(store.count("orders WHERE status = 'succeeded'").await, 1);
    }
);

on_both_databases!(told_to_stop_it_ends_what_it_has_begun, async |store| {
    let (stop, told) = watch::channel(false);
    let welcome = Welcome::default();
    let mut door = store.door(Door { stop: told, welcome: welcome.clone(), ..Door::default() }).await;
    let ready = async || store.http.get(format!("{}/readyz", door.url)).send().await.map(|answer| answer.status());
    assert_eq!(ready().await.unwrap(), StatusCode::OK);
    // First nobody is sent here any more, while whoever comes is still served.
    welcome.end();
    assert_eq!(ready().await.unwrap(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(store.http.get(format!("{}/", door.url)).send().await.unwrap().status(), StatusCode::OK);
    // A checkout that Stripe keeps waiting is begun; then the door closes.
    let browser = store.browser().at(&door.url);
    browser.add(&["the-first-book"]).await;
    let snapshot = browser.cart_snapshot().await;
    store.sandbox.set_fault(Fault::delay(Duration::from_secs(2)).on_method("POST").times(1));
    let begun = tokio::spawn(async move {
        browser.post_from("/cart", "/actions/start-checkout", &[("snapshot", &snapshot)]).await.status()
    });
    store.until("it is at Stripe", async || store.count("checkout WHERE stripe_session IS NULL").await == 1).await;
    stop.send_replace(true);
    assert_eq!(begun.await.unwrap(), StatusCode::SEE_OTHER);
    timeout(Duration::from_secs(10), &mut door.server).await.expect("the door stayed open").unwrap();
    assert!(TcpStream::connect(address(&door.url)).await.is_err(), "it still listens");
});
