//! Anonymous pages are kept, and never a moment too long or for the wrong visitor.

use crate::support::{Store, on_both_databases};
use reqwest::header::{ACCEPT_ENCODING, CONTENT_ENCODING, COOKIE, ETAG, IF_NONE_MATCH, SET_COOKIE};
use reqwest::{Response, StatusCode};

async fn get(store: &Store, path: &str, headers: &[(reqwest::header::HeaderName, &str)]) -> Response {
    let mut request = store.http.get(format!("{}{path}", store.url)).header("accept", "text/html");
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    request.send().await.unwrap()
}

fn tag(response: &Response) -> Option<String> {
    response.headers().get(ETAG).map(|tag| tag.to_str().unwrap().to_owned())
}

on_both_databases!(a_page_without_a_cart_is_kept_until_a_book_changes, async |store| {
    for path in ["/", "/?sort=title", "/books/the-first-book"] {
        let first = get(store, path, &[]).await;
        let kept = tag(&first).expect("a tag");
        assert_eq!(tag(&get(store, path, &[]).await), Some(kept.clone()), "{path}");
        // The same page under another name.
        let sep = if path.contains('?') { '&' } else { '?' };
        assert_eq!(tag(&get(store, &format!("{path}{sep}utm_source=letter"), &[]).await), Some(kept.clone()), "{path}");
        let again = get(store, path, &[(IF_NONE_MATCH, &kept)]).await;
        assert_eq!((again.status(), tag(&again)), (StatusCode::NOT_MODIFIED, Some(kept.clone())));
        assert!(again.headers().contains_key("content-security-policy"));
        assert_eq!(again.bytes().await.unwrap().len(), 0);
    }
    // Any change of a book, by whoever, is seen at once (this store looks every time).
    let changes = [
        ("UPDATE book_price SET unit_amount = 1111 WHERE unit_amount = 799", "$11.11"),
        ("UPDATE book SET title = 'Another title' WHERE slug = 'the-first-book'", "Another title"),
        ("UPDATE contributor SET name = 'Another author'", "Another author"),
    ];
    for (change, seen) in changes {
        for path in ["/", "/books/the-first-book"] {
            assert!(!get(store, path, &[]).await.text().await.unwrap().contains(seen), "{path}");
        }
        store.execute(change).await;
        for path in ["/", "/books/the-first-book"] {
            assert!(get(store, path, &[]).await.text().await.unwrap().contains(seen), "{path}: {change}");
        }
    }
    store.execute("UPDATE book SET status = 'draft' WHERE slug = 'the-first-book'").await;
    assert_eq!(get(store, "/books/the-first-book", &[]).await.status(), StatusCode::NOT_FOUND);
    assert!(!get(store, "/", &[]).await.text().await.unwrap().contains("Another title"));
});

on_both_databases!(nobody_is_shown_anothers_page, async |store| {
    let anonymous = tag(&get(store, "/", &[]).await).expect("a tag");
    // A visitor with a cart: the count is hers.
    let browser = store.browser();
    browser.add(&["the-first-book"]).await;
    let page = browser.get("/").await;
    assert_eq!(tag(&page), None);
    assert!(page.text().await.unwrap().contains("data-count=\"1\""));
    let page = get(store, "/", &[]).await;
    assert_eq!((tag(&page), page.headers().get(SET_COOKIE)), (Some(anonymous.clone()), None));
    assert!(page.text().await.unwrap().contains("data-count=\"0\""));
    // A session's cookie that means nothing is still not anonymous.
    assert_eq!(tag(&get(store, "/", &[(COOKIE, "octavo=nonsense")]).await), None);
    // Themes and encodings are pages of their own.
    let dark = get(store, "/", &[(COOKIE, "theme=dark")]).await;
    assert!(tag(&dark).is_some() && tag(&dark) != Some(anonymous));
    assert!(dark.text().await.unwrap().contains("data-theme=\"dark\""));
    for (accepts, encoding) in [("br, gzip", Some("br")), ("gzip", Some("gzip")), ("identity", None), ("br;q=0", None)]
    {
        for _ in 0..2 {
            let page = get(store, "/", &[(ACCEPT_ENCODING, accepts)]).await;
            let given = page.headers().get(CONTENT_ENCODING).map(|value| value.to_str().unwrap().to_owned());
            assert_eq!(given.as_deref(), encoding, "{accepts}");
            let length: usize = page.headers()["content-length"].to_str().unwrap().parse().unwrap();
            assert_eq!(page.bytes().await.unwrap().len(), length);
        }
    }
    // What only one visitor is told, and what is no page, is not kept.
    for path in ["/?error=cart-full", "/books/the-first-book?error=book-unavailable", "/cart", "/books/no-such-book"] {
        assert_eq!(tag(&get(store, path, &[]).await), None, "{path}");
    }
});
