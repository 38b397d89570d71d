//! Row 24: no name leads out of the files.

use crate::editions::epub;
use crate::support::{Store, cookie, entry, on_both_databases, sha256};
use futures::StreamExt as _;
use shop::editions::NewEdition;
use shop::seed::BookEntry;
use shop::types::BookFormat;
use shop::{BrowserSecret, Claimed, Visitor};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// 200 of them: ways out, to things worth reading, written in several ways.
fn payloads() -> Vec<String> {
    let ways = [
        "../",
        "../../../../../../",
        "..\\..\\",
        "....//....//",
        "..;/..;/",
        "/",
        "//",
        "\\\\host\\",
        "./../",
        "~/",
        "%2e%2e/",
        "%2e%2e%2f%2e%2e%2f",
        "..%2f..%2f",
        "..%5c..%5c",
        "%252e%252e%252f",
        "..%c0%af..%c0%af",
        "..%ef%bc%8f",
        "file:///",
        "books/../../",
        "C:\\",
    ];
    let ends = [
        "etc/passwd",
        "octavo.db",
        "secret.key",
        "test.db",
        "secret.key%00.epub",
        "the-first-book.epub/..",
        ".",
        "etc/passwd\0.epub",
        "Leptos.toml#x",
        "con",
    ];
    let all: Vec<String> = ways.iter().flat_map(|way| ends.iter().map(move |end| format!("{way}{end}"))).collect();
    assert_eq!(all.len(), 200);
    all
}

/// Everything below a folder by name.
fn below(folder: &Path) -> BTreeSet<PathBuf> {
    let mut all = BTreeSet::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(below(&path));
        }
        all.insert(path);
    }
    all
}

/// Asks as no polite client would: the path goes out as it stands. Gives the answer from its status on.
async fn ask(store: &Store, path: &str, cookie: &str) -> String {
    let host = store.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(host).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: {cookie}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    // A path that is none may be answered by a closed connection.
    let _ = stream.read_to_end(&mut answer).await;
    String::from_utf8_lossy(&answer).into_owned()
}

async fn a_claim(store: &Store) -> (String, String, String) {
    let buyer = store.browser();
    let (_, number) = store.buy(&buyer, &["the-first-book"], "ann@example.org").await;
    let token = buyer.token(&number, "the-first-book").await;
    let browser = BrowserSecret::generate();
    let hash = sha256(cookie(&browser).split_once('=').unwrap().1.as_bytes());
    store
        .execute(&format!(
            "INSERT INTO order_access (order_id, browser_hash, expires_at) VALUES (1, '{hash}', '2999-01-01 00:00:00')"
        ))
        .await;
    let visitor = Visitor {
        browser: Some(browser.clone()),
        ip: IpAddr::V4(Ipv4Addr::LOCALHOST),
        user_agent: String::new(),
        buyer: None,
    };
    let claimed = store.shop.claim_download(&token, BookFormat::Epub, &visitor).await.unwrap();
    let Claimed::File(path) = claimed else { panic!("{claimed:?}") };
    (path.rsplit_once('/').unwrap().0.to_owned(), token, cookie(&browser))
}

on_both_databases!(row_24_no_url_leads_out_of_the_files, async |store| {
    let secret = store.data.path().join("secret.key");
    std::fs::write(&secret, "a secret of the machine").unwrap();
    let (claim, token, cookie) = a_claim(store).await;
    let good = ask(store, &format!("{claim}/the-first-book.epub"), &cookie).await;
    assert!(good.starts_with("HTTP/1.1 200"), "{good}");
    let before = below(store.data.path());
    let paths: Vec<String> = payloads()
        .iter()
        .flat_map(|payload| {
            let sent = payload.replace('\0', "%00").replace(' ', "%20");
            ["{}", "/covers/{}", "/covers/{}.webp", "/d/{}", "/books/{}", "/orders/{}", "/pkg/{}", "/fonts/{}"]
                .map(|place| place.replace("{}", &sent))
                .into_iter()
                .chain([
                    format!("{claim}/{sent}"),
                    format!("{claim}/../{sent}"),
                    format!("/f/{sent}/the-first-book.epub"),
                ])
        })
        .collect();
    assert_eq!(paths.len(), 2_200);
    let (store_ref, cookie_ref) = (store, &cookie);
    let answers =
        futures::stream::iter(&paths).map(|path| async move { (path, ask(store_ref, path, cookie_ref).await) });
    let mut answers = std::pin::pin!(answers.buffer_unordered(8));
    while let Some((path, answer)) = answers.next().await {
        assert!(!answer.contains("root:x:") && !answer.contains("a secret of the machine"), "{path}: {answer}");
        assert!(!answer.contains("SQLite format 3"), "{path}");
        assert!(!answer.starts_with("HTTP/1.1 5"), "{path}: {answer}");
        let file = answer.starts_with("HTTP/1.1 200") && answer.contains("application/epub+zip");
        assert!(!file, "{path} is a file");
    }
    // The same names in the form of a download button, and as keys.
    for payload in payloads() {
        let form = store.http.post(format!("{}/d/{token}/claim", store.url)).header("cookie", &cookie);
        let answer = form.header("origin", &store.url).form(&[("file", &payload)]).send().await.unwrap();
        assert_eq!(answer.status(), 404, "{payload}");
        assert!(store.shop.files().get(&payload).await.is_err(), "{payload}");
    }
    assert_eq!(below(store.data.path()), before);
});

on_both_databases!(row_24_no_name_of_a_new_file_is_kept, async |store| {
    let slug = "the-first-book".parse().unwrap();
    let folder = store.data.path().join("new");
    std::fs::create_dir(&folder).unwrap();
    let mut added = 1;
    for payload in payloads() {
        // A catalogue that names its files so is refused.
        let mut book = entry("a-new-book", 900, &["epub"], "published");
        book["files"][0]["filename"] = payload.clone().into();
        std::fs::write(folder.join("a-new-book.epub"), epub("x")).unwrap();
        let book: BookEntry = serde_json::from_value(book).unwrap();
        let plain =
            payload.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) && !payload.starts_with('.');
        assert!(!plain && store.shop.seed_book(&folder, book).await.is_err(), "{payload:?}");
        // A new edition's files are called by us, whatever they were called.
        let name: String = payload.chars().filter(|c| !"/\0".contains(*c)).collect();
        let path = folder.join(format!("x{name}"));
        std::fs::write(&path, epub(&payload)).unwrap();
        let label = payload.chars().filter(|c| !c.is_control()).collect();
        let new = NewEdition { label, changelog: payload.replace('\0', ""), files: vec![path] };
        added += 1;
        let names = store.shop.add_edition(&shop::audit::Actor::Command, &slug, &new).await.unwrap().files;
        assert_eq!(names[0].0, format!("the-first-book-{added}.epub"));
    }
    let wrong_keys = store
        .texts("SELECT storage_key AS value FROM book_file")
        .await
        .into_iter()
        .filter(|key| {
            !key.strip_prefix("books/").is_some_and(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()))
        })
        .collect::<Vec<_>>();
    assert_eq!(wrong_keys, Vec::<String>::new());
    let objects = std::fs::read_dir(store.data.path().join("files/books")).unwrap().count();
    assert_eq!(i64::try_from(objects).unwrap(), store.count("book_file").await);
    let page = store.browser().text("/books/the-first-book").await;
    assert!(page.contains("The first book"));
});
