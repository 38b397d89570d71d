//! Nothing that a visitor sends is our failure: every field, parameter and header, with what does not belong there.

use crate::support::{Browser, Store, on_both_databases};
use futures::StreamExt as _;
use reqwest::header::{HeaderName, HeaderValue};
use reqwest::{Method, RequestBuilder, StatusCode};

/// As they stand in a URL or a form. The first one means that the field is missing.
fn values() -> Vec<String> {
    let long = "a".repeat(10_000);
    let plain = [
        "<missing>",
        "",
        "%FF",
        "%ED%A0%80",
        "%C0%AF",
        "-1",
        "0",
        "99999999999999999999",
        "%00",
        "x%00y",
        "..%2F",
        "%2E%2E%2F%2E%2E%2Fetc%2Fpasswd",
        "%F0%9F%98%80",
        "%0D%0Ax:%20y",
        "%",
        "%zz",
        "null",
        "true",
        "[]",
        "%7B%7D",
        "'%20OR%201=1--",
        "%20",
    ];
    plain.iter().map(|value| (*value).to_owned()).chain([long]).collect()
}

/// Sends it as a page's form or link would, and as a script would.
async fn is_answered(what: &str, request: impl Fn() -> RequestBuilder) {
    for (accept, page) in [("text/html", true), ("application/json", false)] {
        let answer = request().header("accept", accept).send().await.unwrap_or_else(|error| panic!("{what}: {error}"));
        let (status, kind) = (
            answer.status(),
            answer.headers().get("content-type").map(|kind| kind.to_str().unwrap().to_owned()).unwrap_or_default(),
        );
        let text = String::from_utf8_lossy(&answer.bytes().await.unwrap()).into_owned();
        assert!(status.as_u16() < 500, "{what} ({accept}): {status} {text}");
        assert!(!text.contains("panicked") && !text.contains("internal"), "{what}: {text}");
        if page && status.is_client_error() {
            assert!(kind.starts_with("text/html") && text.contains("<h1"), "{what}: {status} without a page: {text}");
        }
    }
}

struct Bought {
    browser: Browser,
    number: String,
    token: String,
    file: String,
}

async fn bought(store: &Store) -> Bought {
    let browser = store.browser();
    let (_, number) = store.buy(&browser, &["the-third-book"], "ann@example.org").await;
    let token = browser.token(&number, "the-third-book").await;
    let file = browser.claimed(&token, "epub").await;
    browser.add(&["the-first-book"]).await;
    store.settle().await;
    Bought { browser, number: number.to_string(), token, file }
}

on_both_databases!(no_address_is_our_failure, async |store| {
    let Bought { browser, number, token, file } = bought(store).await;
    let claim = file.rsplit_once('/').unwrap().0;
    let mut paths = Vec::new();
    for value in values() {
        let value = if value == "<missing>" { "" } else { &value };
        for before in [
            "/",
            "/books/",
            "/orders/",
            "/d/",
            "/covers/",
            "/covers/0123456789abcdef-",
            "/f/x/",
            &format!("{claim}/"),
            "/pkg/",
            "/fonts/",
            "/actions/",
            "/checkout/",
        ] {
            paths.push(format!("{before}{value}"));
        }
        paths.push(format!("/f/{value}/the-third-book.epub"));
        paths.push(format!("/covers/{value}-240.webp"));
        for before in [
            "/?sort",
            "/?after",
            "/?sort=title&after",
            "/?sort=price&after",
            "/?sort=-price&after",
            "/checkout/success?session_id",
            "/cart?removed",
            "/cart?error",
            "/books/the-first-book?error",
            "/?unknown",
            "/checkout/free?error",
        ] {
            paths.push(format!("{before}={value}"));
        }
        paths.push(format!("/orders/{number}?error={value}"));
        paths.push(format!("/d/{token}?error={value}"));
    }
    // Cursors that are well formed and mean nothing.
    for cursor in [
        r#"{"title":{"sort_title":"\u0000","id":1}}"#,
        r#"{"title":{"sort_title":"😀","id":-9223372036854775808}}"#,
        r#"{"newest":{"id":9223372036854775807}}"#,
        r#"{"price":{"unit_amount":-9223372036854775808,"id":0}}"#,
        r#"{"price":{"unit_amount":1e99,"id":0}}"#,
    ] {
        let cursor = base64url(cursor.as_bytes());
        for sort in ["", "sort=title&", "sort=price&", "sort=-price&"] {
            paths.push(format!("/?{sort}after={cursor}"));
        }
    }
    futures::stream::iter(&paths)
        .for_each_concurrent(8, async |path| is_answered(path, || browser.request(Method::GET, path)).await)
        .await;
    assert!(paths.len() > 500);
    for (path, expected) in [
        ("/books/%FF", StatusCode::NOT_FOUND),
        ("/books/..%2F", StatusCode::NOT_FOUND),
        ("/?sort=upwards", StatusCode::BAD_REQUEST),
        ("/?after=x", StatusCode::BAD_REQUEST),
        ("/orders/0", StatusCode::NOT_FOUND),
        ("/nowhere", StatusCode::NOT_FOUND),
        ("/books/a-draft", StatusCode::NOT_FOUND),
        ("/books/an-archived-book", StatusCode::NOT_FOUND),
        ("/checkout/success?session_id=%00", StatusCode::NOT_FOUND),
    ] {
        assert_eq!(browser.get(path).await.status(), expected, "{path}");
    }
});

fn base64url(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk.iter().enumerate().fold(0, |bits, (i, byte)| bits | usize::from(*byte) << (16 - 8 * i));
        text.extend((0..=chunk.len()).map(|i| char::from(LETTERS[bits >> (18 - 6 * i) & 63])));
    }
    text
}

on_both_databases!(no_form_is_our_failure, async |store| {
    let Bought { browser, number, token, .. } = bought(store).await;
    let snapshot = browser.cart_snapshot().await;
    let claim = format!("/d/{token}/claim");
    // Path, the field that goes wrong, the others as they should be.
    let forms = [
        ("/actions/add-to-cart", "slug", String::new()),
        ("/actions/remove-from-cart", "slug", String::new()),
        ("/actions/start-checkout", "snapshot", String::new()),
        ("/actions/checkout-free", "email", format!("snapshot={snapshot}")),
        ("/actions/checkout-free", "snapshot", "email=ann@example.org".to_owned()),
        ("/actions/open-order", "number", "secret=ol_x".to_owned()),
        ("/actions/open-order", "secret", format!("number={number}")),
        ("/actions/order-progress", "session_id", String::new()),
        ("/actions/renew-download", "token", String::new()),
        ("/actions/set-theme", "theme", String::new()),
        ("/actions/set-currency", "currency", String::new()),
        (&claim, "format", String::new()),
        ("/d/unknown/claim", "format", String::new()),
        ("/actions/no-such-action", "x", String::new()),
    ];
    let send = |path: &str, kind: &'static str, body: Vec<u8>| {
        let (browser, url, path) = (browser.clone(), store.url.clone(), path.to_owned());
        move || {
            browser
                .request(Method::POST, &path)
                .header("origin", &url)
                .header("referer", format!("{url}/cart"))
                .header("content-type", kind)
                .body(body.clone())
        }
    };
    const FORM: &str = "application/x-www-form-urlencoded";
    let before = store.count("orders").await;
    for (path, field, others) in &forms {
        for value in values() {
            let wrong = if value == "<missing>" { String::new() } else { format!("{field}={value}") };
            let what = format!("{path}: {wrong:.60}");
            is_answered(&what, send(path, FORM, format!("{wrong}&{others}").into_bytes())).await;
            is_answered(&what, send(path, FORM, format!("{others}&{wrong}&{wrong}").into_bytes())).await;
        }
        for (kind, body) in [
            ("application/json", &b"{\"slug\":\"the-first-book\"}"[..]),
            ("multipart/form-data; boundary=x", b"--x\r\nContent-Disposition: form-data; name=slug\r\n\r\nx\r\n--x--"),
            ("text/plain", b"slug=the-third-book"),
            ("application/x-www-form-urlencoded; charset=utf-16", b"\xff\xfe=\xff"),
            ("nonsense", b""),
            (FORM, b"\xff\xfe\x00=&&&===&;&+"),
            (FORM, b"slug[]=1&slug[0]=2&slug[x][y]=3"),
        ] {
            is_answered(&format!("{path} as {kind}"), send(path, kind, body.to_vec())).await;
        }
        let large = format!("{field}={}", "a".repeat(70 * 1024)).into_bytes();
        let status = send(path, FORM, large)().send().await.unwrap().status();
        assert!(status.is_client_error(), "{path}: {status}");
    }
    assert_eq!(store.count("orders").await, before);
    assert_eq!((store.count("download_claim").await, store.count("session").await), (1, 1));
    assert!(browser.text("/cart").await.contains("The first book"), "the cart was lost");
});

on_both_databases!(no_header_is_our_failure, async |store| {
    let Bought { browser, file, .. } = bought(store).await;
    let long = "1,".repeat(4_000);
    let odd: [&[u8]; 12] = [
        b"",
        b"\xff\xfe",
        b"bytes=",
        b"bytes=-",
        b"bytes=0-18446744073709551616",
        b"bytes=18446744073709551615-18446744073709551615",
        b"bytes=0-0,-1,5-",
        b"octavo=../../x; octavo-buyer=\xff; theme=<script>",
        b"octavo=AAAAAAAAAAAAAAAAAAAAAA; octavo-buyer=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        b"http://[",
        "😀".as_bytes(),
        long.as_bytes(),
    ];
    let names = [
        "range",
        "if-range",
        "if-none-match",
        "if-modified-since",
        "cookie",
        "referer",
        "user-agent",
        "x-forwarded-for",
        "accept-encoding",
        "accept-language",
        "content-type",
        "islands-navigation",
    ];
    let plain = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    for name in names {
        for value in odd {
            let what = format!("{name}: {:.60}", String::from_utf8_lossy(value));
            let pair = (HeaderName::from_static(name), HeaderValue::from_bytes(value).unwrap());
            for path in [file.as_str(), "/cart", "/covers/0123456789abcdef-240.webp", "/actions/set-theme"] {
                let method = if path.starts_with("/actions/") { Method::POST } else { Method::GET };
                // A cookie of its own replaces the browser's.
                let client = if name == "cookie" { &plain } else { &browser.client };
                let request = || {
                    client
                        .request(method.clone(), format!("{}{path}", store.url))
                        .header("origin", &store.url)
                        .header(pair.0.clone(), pair.1.clone())
                };
                if path == file {
                    let status = request().send().await.unwrap().status();
                    assert!(status.as_u16() < 500, "{what}: {status}");
                } else {
                    is_answered(&what, request).await;
                }
            }
        }
    }
});
