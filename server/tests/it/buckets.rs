//! Files in a bucket: downloads that are led to it, a store that moves there and back, and wrong settings.

use crate::support::{Browser, FilesWay, Options, S3Server, Store, file_content, location, on_both_databases, sha256};
use reqwest::{Method, Response, StatusCode};
use shop::files::{Bucket, Files, Moved, Place, Unusable};
use shop::types::{Unfinished, WaitingFile};
use std::path::{Path, PathBuf};

fn redirected() -> Options {
    Options { files: FilesWay::Redirected, ..Options::default() }
}

async fn bought(store: &Store) -> (Browser, String) {
    let browser = store.browser();
    let (_, number) = store.buy(&browser, &["the-third-book"], "ann@example.org").await;
    let token = browser.token(&number, "the-third-book").await;
    (browser.clone(), browser.claimed(&token, "epub").await)
}

async fn get(browser: &Browser, path: &str, headers: &[(&str, &str)]) -> Response {
    let request = browser.request(Method::GET, path);
    headers.iter().fold(request, |request, (name, value)| request.header(*name, *value)).send().await.unwrap()
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).unwrap_or_else(|| panic!("no {name}")).to_str().unwrap()
}

on_both_databases!(a_download_is_led_to_the_bucket_for_a_minute_and_counted, redirected(), async |store| {
    let content = file_content("the-third-book", "epub");
    let (browser, path) = bought(store).await;
    let endpoint = store.s3.as_ref().unwrap().bucket(true).endpoint;
    // A form may lead there.
    let csp = header(&browser.get("/").await, "content-security-policy").to_owned();
    assert!(csp.contains(endpoint.as_str().trim_end_matches('/')), "{csp}");

    let led = browser.get(&path).await;
    assert_eq!((led.status(), header(&led, "cache-control")), (StatusCode::FOUND, "private, no-store"));
    let url = location(&led);
    assert!(url.starts_with(endpoint.as_str()) && url.contains("X-Amz-Expires=60"), "{url}");
    assert!(!url.contains("S3RVER%3AS3RVER") && url.matches("S3RVER").count() == 1, "the secret is in it: {url}");
    let file = store.http.get(&url).send().await.unwrap();
    assert_eq!(file.status(), StatusCode::OK);
    assert_eq!(header(&file, "content-type"), "application/epub+zip");
    assert_eq!(
        header(&file, "content-disposition"),
        "attachment; filename=\"the-third-book.epub\"; filename*=UTF-8''the-third-book.epub"
    );
    assert_eq!(sha256(&file.bytes().await.unwrap()), sha256(&content));
    // For this file under this name, and nothing else.
    for (from, to) in
        [("X-Amz-Expires=60", "X-Amz-Expires=61"), ("third-book", "other-book"), ("/books/books/", "/books/")]
    {
        let other = store.http.get(url.replacen(from, to, 1)).send().await.unwrap();
        assert!(other.status().is_client_error(), "{to}: {}", other.status());
    }
    assert_eq!(store.count("download_quota WHERE bytes = 100000").await, 1);
    assert_eq!(store.count("download_log WHERE status = 302 AND bytes = 100000 AND reason = 'redirected'").await, 1);

    // A range is signed with the URL.
    let led = get(&browser, &path, &[("range", "bytes=10-19")]).await;
    assert_eq!(led.status(), StatusCode::FOUND);
    let url = location(&led);
    let part = store.http.get(&url).header("range", "bytes=10-19").send().await.unwrap();
    assert_eq!((part.status(), part.bytes().await.unwrap().as_ref()), (StatusCode::PARTIAL_CONTENT, &content[10..20]));
    for range in [None, Some("bytes=0-")] {
        let request = store.http.get(&url);
        let more = range.into_iter().fold(request, |request, range| request.header("range", range));
        assert_eq!(more.send().await.unwrap().status(), StatusCode::FORBIDDEN);
    }
    assert_eq!(store.count("download_quota WHERE bytes = 100010").await, 1);

    // What the bucket would answer otherwise goes through us.
    let etag = format!("\"{}\"", sha256(&content));
    for (headers, status, length) in [
        (&[("range", "bytes=0-9,20-29")][..], StatusCode::PARTIAL_CONTENT, None),
        (&[("range", "bytes=0-9"), ("if-range", &etag)], StatusCode::PARTIAL_CONTENT, Some(10)),
        (&[("range", "bytes=100000-")], StatusCode::RANGE_NOT_SATISFIABLE, None),
    ] {
        let answer = get(&browser, &path, headers).await;
        assert_eq!(answer.status(), status, "{headers:?}");
        let body = answer.bytes().await.unwrap().len();
        assert!(length.is_none_or(|length| length == body), "{headers:?}: {body} bytes");
    }
    let head = browser.request(Method::HEAD, &path).send().await.unwrap();
    assert_eq!((head.status(), header(&head, "etag")), (StatusCode::OK, etag.as_str()));
});

on_both_databases!(row_21_a_claim_leads_to_a_whole_file_twice_and_no_more, redirected(), async |store| {
    let (browser, path) = bought(store).await;
    let mut answers = Vec::new();
    for _ in 0..50 {
        answers.push(browser.get(&path).await.status());
    }
    assert_eq!(answers.iter().filter(|status| **status == StatusCode::FOUND).count(), 2);
    assert_eq!(answers.iter().filter(|status| **status == StatusCode::GONE).count(), 48);
    assert_eq!((store.count("download_claim").await, store.count("download_quota WHERE bytes = 200000").await), (1, 1));
    // And a right that is withdrawn leads nowhere.
    store.execute("UPDATE entitlement SET state = 'revoked'").await;
    assert_eq!(browser.get(&path).await.status(), StatusCode::FORBIDDEN);
    store.execute("UPDATE entitlement SET state = 'active'").await;
});

/// Every file below a folder, without what the server keeps beside its objects.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(below(&path)) } else { files.push(path) }
    }
    files
}

on_both_databases!(a_store_moves_to_a_bucket_and_back_and_goes_on_where_it_was, async |store| {
    let server = S3Server::start();
    let files = store.count("book_file").await.unsigned_abs();
    let count = usize::try_from(files).unwrap();
    let (folder, bucket) = (store.shop.files(), Files::open(&Place::S3(server.bucket(false))).unwrap());
    // One file is damaged: the move stops there, and nothing is deleted.
    let keys = store.texts("SELECT storage_key AS value FROM book_file ORDER BY storage_key").await;
    let damaged = store.data.path().join("files").join(&keys[count / 2]);
    let content = std::fs::read(&damaged).unwrap();
    std::fs::write(&damaged, b"something else").unwrap();
    let error = store.shop.move_files(folder, &bucket, true, |_| ()).await.unwrap_err().to_string();
    assert!(error.contains("damaged") && error.contains(&keys[count / 2]), "{error}");
    assert_eq!(below(&store.data.path().join("files")).len(), count);
    std::fs::write(&damaged, content).unwrap();
    // Once more: what is there is not copied again, a copy that is wrong is.
    bucket.put(&keys[0], "half a file".into()).await.unwrap();
    let mut told = 0;
    let moved = store.shop.move_files(folder, &bucket, false, |moving| told = moving.done).await.unwrap();
    assert_eq!((moved.files, moved.copied, moved.deleted, told), (count, count - count / 2 + 1, 0, count));
    assert_eq!(below(&store.data.path().join("files")).len(), count);
    // With the program, to its end: nothing is left to copy, and the folder is cleared.
    let settings = server.settings();
    let (code, said) = store.octavo_with(&settings, &["files", "move", "--to", "s3", "--delete"]).await;
    assert!(code == 0 && said.contains(" 0 of them copied now") && said.contains("taken away"), "{said}");
    assert_eq!(below(&store.data.path().join("files")), Vec::<PathBuf>::new());
    // And back.
    let (code, said) = store.octavo_with(&settings, &["files", "move", "--to", "folder"]).await;
    assert!(
        code == 0 && said.contains(&format!("{count} files are there and right, {count} of them copied")),
        "{said}"
    );
    let again = store.shop.move_files(&bucket, folder, false, |_| ()).await.unwrap();
    assert_eq!(again, Moved { files: count, ..Moved::default() });
    let browser = store.browser();
    let (_, number) = store.buy(&browser, &["the-first-book"], "ann@example.org").await;
    let token = browser.token(&number, "the-first-book").await;
    assert!(browser.download(&token, "pdf").await == file_content("the-first-book", "pdf"));
});

#[tokio::test]
async fn a_bucket_that_is_not_ours_refuses() {
    let server = S3Server::start();
    let check = async |bucket: Bucket| Files::open(&Place::S3(bucket)).unwrap().check().await;
    check(server.bucket(false)).await.unwrap();
    let wrong_secret = Bucket { secret_access_key: "wrong".into(), ..server.bucket(false) };
    let wrong_key = Bucket { access_key_id: "wrong".into(), ..server.bucket(false) };
    let no_bucket = Bucket { name: "no-such-bucket".into(), ..server.bucket(false) };
    for bucket in [wrong_secret, wrong_key, no_bucket] {
        let refused = check(bucket).await.unwrap_err();
        assert!(matches!(refused, Unusable::Refused(_)), "{refused}");
    }
}

on_both_databases!(row_2_a_store_does_not_open_with_a_bucket_that_refuses_it, async |store| {
    let server = S3Server::start();
    let mut settings = server.settings();
    settings.retain(|(name, _)| *name != "S3_SECRET_ACCESS_KEY");
    settings.push(("LISTEN_ADDR", "127.0.0.1:0".into()));
    settings.push(("S3_SECRET_ACCESS_KEY", "0123456789".into()));
    let (code, said) = store.octavo_with(&settings, &["serve"]).await;
    assert!(code != 0 && said.contains("S3_BUCKET") && !said.contains("0123456789"), "{said}");
});

on_both_databases!(what_waits_beside_a_form_moves_too, async |store| {
    let server = S3Server::start();
    let (folder, bucket) = (store.shop.files(), Files::open(&Place::S3(server.bucket(false))).unwrap());
    let content = b"the first draft".to_vec();
    folder.put("books/waiting", content.clone().into()).await.unwrap();
    let sha256 = sha256(&content);
    let file = WaitingFile { key: "books/waiting".to_owned(), sha256: sha256.clone(), bytes: 15 };
    let form = Unfinished { file: Some(file), ..Unfinished::default() };
    let name = store.shop.keep_unfinished(&form, None).await.unwrap();
    store.shop.move_files(folder, &bucket, true, |_| ()).await.unwrap();
    assert!(!store.data.path().join("files/books/waiting").exists());
    // Its form goes on where it was, and its file is back with the others.
    store.shop.move_files(&bucket, folder, false, |_| ()).await.unwrap();
    assert_eq!(store.shop.unfinished(&name).await.unwrap(), Some(form));
    assert_eq!(sha256, crate::support::sha256(&std::fs::read(store.data.path().join("files/books/waiting")).unwrap()));
});
