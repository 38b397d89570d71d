//! Books at the owner's desk: the pages and their forms, files and all, as a browser without JavaScript sends them.

use crate::desk_books::{PDF, epub, png};
use crate::support::{Browser, Options, Store, hidden, location, on_both_databases, on_both_databases_and_places};
use reqwest::header::{CONTENT_TYPE, ORIGIN};
use reqwest::{Method, Response, StatusCode};
use shop::types::{BookStatus, Role, Slug};
use std::fmt::Write as _;

/// The body of a form with files in it: `(field, file name, content)`; a text has no file name.
pub fn multipart(parts: &[(&str, Option<&str>, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (field, file, content) in parts {
        let mut head = format!("--cut\r\nContent-Disposition: form-data; name=\"{field}\"");
        if let Some(file) = file {
            write!(head, "; filename=\"{file}\"\r\nContent-Type: application/octet-stream").unwrap();
        }
        body.extend(head.as_bytes());
        body.extend(b"\r\n\r\n");
        body.extend(*content);
        body.extend(b"\r\n");
    }
    body.extend(b"--cut--\r\n");
    body
}

async fn send(browser: &Browser, store: &Store, path: &str, parts: &[(&str, Option<&str>, &[u8])]) -> Response {
    let request = browser.request(Method::POST, path).header(ORIGIN, &store.url);
    request.header(CONTENT_TYPE, "multipart/form-data; boundary=cut").body(multipart(parts)).send().await.unwrap()
}

async fn file(browser: &Browser, store: &Store, path: &str, content: &[u8]) -> Response {
    send(browser, store, path, &[("file", Some("a file.bin"), content)]).await
}

/// The page that a form led to.
async fn followed(browser: &Browser, answer: Response) -> (String, String) {
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    let to = location(&answer);
    let page = browser.text(to.split('#').next().unwrap()).await;
    (to, page)
}

fn form<'a>(title: &'a str, price: &'a str) -> Vec<(&'static str, &'a str)> {
    vec![
        ("book[title]", title),
        ("book[language]", "en"),
        ("book[description]", "About <salt> & *stars*.</textarea><script>alert(1)</script>"),
        ("book[people][0][name]", "Ann Lee"),
        ("book[people][0][role]", "author"),
        ("book[people][1][name]", ""),
        ("book[people][1][role]", "author"),
        ("book[prices][0][amount]", price),
        ("book[prices][0][currency]", "USD"),
    ]
}

on_both_databases!(a_form_keeps_what_was_typed_until_it_can_be_saved, async |store| {
    let admin = store.desk(Role::Admin).await;
    let page = admin.text("/admin/books/new").await;
    assert!(page.contains("name=\"book[title]\"") && page.contains("Begin with an EPUB"), "{page}");
    let answer = admin.post("/actions/admin-save-book", &form("Salt & Stars", "7,99")).await;
    let (to, page) = followed(&admin, answer).await;
    assert!(to.starts_with("/admin/books/new?draft="), "{to}");
    for words in ["Salt &amp; Stars", "7,99", "one field needs another look", "is written like 12.00", "Ann Lee"] {
        assert!(page.contains(words), "{words} is not in {page}");
    }
    assert!(page.contains("About &lt;salt> &amp; *stars*.&lt;/textarea>&lt;script>"), "{page}");
    // The preview saves nothing, and shows what the shop will show.
    let mut preview = form("Salt & Stars", "7.99");
    preview.push(("preview", "1"));
    let (_, page) = followed(&admin, admin.post("/actions/admin-save-book", &preview).await).await;
    assert!(page.contains("<em>stars</em>") && !page.contains("<script>alert"), "{page}");
    assert_eq!(store.count("book WHERE slug = 'salt-stars'").await, 0);
    let saved = admin.post("/actions/admin-save-book", &form("Salt & Stars", "7.99")).await;
    let (to, page) = followed(&admin, saved).await;
    assert_eq!(to, "/admin/books/salt-stars?done=book-created");
    assert!(page.contains("saved as a draft") && page.contains("There is no file to sell"), "{page}");

    // Two tabs with the same book: the second is told, sees both, and may save over it.
    let version = hidden(&page, "version").unwrap();
    let save = async |title: &str, version: &str| {
        let mut fields = form(title, "7.99");
        fields.extend([("slug", "salt-stars"), ("version", version), ("book[slug]", "salt-stars")]);
        followed(&admin, admin.post("/actions/admin-save-book", &fields).await).await
    };
    let (to, _) = save("Salt and Stars", &version).await;
    assert!(to.ends_with("?done=book-saved"), "{to}");
    let (to, page) = save("Salt or Stars", &version).await;
    assert!(to.contains("?draft="), "{to}");
    assert!(page.contains("Somebody has saved this book") && page.contains("value=\"Salt or Stars\""), "{page}");
    assert!(page.contains("<td data-label=\"Saved\">Salt and Stars</td>"), "{page}");
    let (to, _) = save("Salt or Stars", &hidden(&page, "version").unwrap()).await;
    assert!(to.ends_with("?done=book-saved"), "{to}");

    // Whoever may only look sees the facts, and no form.
    let viewer = store.desk(Role::Viewer).await;
    let page = viewer.text("/admin/books/salt-stars").await;
    assert!(page.contains("7.99 USD") && !page.contains("<textarea") && !page.contains("/cover\""), "{page}");
    // Publishing what is not ready says what is missing.
    let publish = [("slug", "salt-stars"), ("status", "published")];
    let answer = admin.post("/actions/admin-set-book-status", &publish).await;
    assert_eq!(location(&answer), "/admin/books/salt-stars#sale");
    let answer = file(&admin, store, "/admin/books/salt-stars/files", PDF).await;
    assert_eq!(location(&answer), "/admin/books/salt-stars?done=files-taken");
    let answer = admin.post("/actions/admin-set-book-status", &publish).await;
    assert_eq!(location(&answer), "/admin/books/salt-stars?done=book-published");
    assert!(store.browser().text("/books/salt-stars").await.contains("Salt or Stars"));
    let list = admin.text("/admin/books?q=sal+star&status=published").await;
    assert!(list.contains("/admin/books/salt-stars") && !list.contains("/admin/books/the-first-book"), "{list}");
    assert!(admin.text("/admin/books?q=nothing").await.contains("Nothing found"));
});

on_both_databases_and_places!(an_epub_fills_the_form_and_becomes_the_books_first_file, async |store| {
    let admin = store.desk(Role::Admin).await;
    let content = epub("Salz &amp; Sterne");
    let (to, page) = followed(&admin, file(&admin, store, "/admin/books/new/epub", &content).await).await;
    let draft = to.split("draft=").nth(1).unwrap().to_owned();
    for words in ["Salz &amp; Sterne", "Cy Fox", "9783161484100", "Tide Press", "2024-03-01", "Access by: textual"] {
        assert!(page.contains(words), "{words} is not in {page}");
    }
    assert!(page.contains("/covers/") && page.contains("value=\"de\""), "{page}");
    // Sent with a mistake, the file waits on beside the form.
    let fields = |price: &'static str, draft: &str| -> Vec<(&'static str, String)> {
        let mut fields: Vec<(&str, String)> =
            form("Salz & Sterne", price).into_iter().map(|(name, value)| (name, value.to_owned())).collect();
        fields.push(("draft", draft.to_owned()));
        fields
    };
    let post = async |fields: Vec<(&'static str, String)>| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        followed(&admin, admin.post("/actions/admin-save-book", &fields).await).await
    };
    let (to, _) = post(fields("x", &draft)).await;
    let (to, page) = post(fields("7.99", to.split("draft=").nth(1).unwrap())).await;
    assert_eq!(to, "/admin/books/salz-sterne?done=book-created");
    assert!(page.contains("salz-sterne.epub") && page.contains("/covers/"), "{page}");
    assert_eq!(store.count("unfinished").await, 0);
    let slug: Slug = "salz-sterne".parse().unwrap();
    let book = store.shop.desk_book(&slug).await.unwrap().unwrap();
    assert_eq!((book.status, book.missing.len()), (BookStatus::Draft, 0));
    let publish = [("slug", "salz-sterne"), ("status", "published")];
    admin.post("/actions/admin-set-book-status", &publish).await;
    let buyer = store.browser();
    let (_, number) = store.buy(&buyer, &["salz-sterne"], "ann@example.org").await;
    let page = buyer.text(&format!("/orders/{number}")).await;
    let token = page.split("/d/dl_").nth(1).unwrap().split(['/', '"']).next().unwrap();
    assert!(buyer.download(&format!("dl_{token}"), "epub").await == content);
    store.settle().await;
    // A PDF says nothing of itself.
    let (to, page) = followed(&admin, file(&admin, store, "/admin/books/new/epub", PDF).await).await;
    assert!(to.starts_with("/admin/books/new?said=") && page.contains("Only an EPUB"), "{page}");
});

on_both_databases!(row_37_what_is_refused_is_told_and_leaves_nothing, async |store| {
    let admin = store.desk(Role::Admin).await;
    let objects = || std::fs::read_dir(store.data.path().join("files/books")).unwrap().count();
    let (there, files) = (objects(), store.count("book_file").await);
    let said = async |path: &str, parts: &[(&str, Option<&str>, &[u8])]| {
        let (to, page) = followed(&admin, send(&admin, store, path, parts).await).await;
        assert!(to.contains("?said="), "{to}");
        page
    };
    let path = "/admin/books/the-first-book/files";
    let large = vec![b'x'; 5_000_000];
    assert!(said(path, &[("file", Some("x"), &large)]).await.contains("more than 4 MB"));
    assert!(said(path, &[("file", Some(""), b"")]).await.contains("There was no file"));
    assert!(said(path, &[("file", Some("x.epub"), b"<html>")]).await.contains("none of the files"));
    let broken = &epub("x")[..200];
    assert!(said(path, &[("file", Some("x.epub"), broken)]).await.contains("damaged"));
    let cover = "/admin/books/the-first-book/cover";
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>";
    assert!(said(cover, &[("file", Some("x.png"), svg)]).await.contains("SVG"));
    assert!(said(cover, &[("file", Some("x.png"), &png(100, 100))]).await.contains("at least"));
    let editions = "/admin/books/the-first-book/editions";
    assert!(said(editions, &[("label", None, b""), ("file", Some("x"), PDF)]).await.contains("A label is a line"));
    assert!(said("/admin/books/import/table", &[("file", Some("x"), b"a,b\n1,2\n")]).await.contains("slug"));
    let nothing = send(&admin, store, path, &[]).await;
    assert_eq!(nothing.status(), StatusCode::SEE_OTHER);
    let unknown = file(&admin, store, "/admin/books/no-such-book/files", PDF).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    assert_eq!((objects(), store.count("book_file").await), (there, files));
    assert_eq!(store.count("audit WHERE object = 'book:the-first-book'").await, 0);
});

on_both_databases!(row_24_no_name_of_a_file_is_used, async |store| {
    let admin = store.desk(Role::Admin).await;
    for name in ["../../evil", "/etc/passwd", "..\\evil", "a\0b", "x\u{202e}fdp.exe", "CON", &"n".repeat(3_000)] {
        let name = name.replace('\0', "%00");
        let parts: [(&str, Option<&str>, &[u8]); 1] = [("file", Some(&name), PDF)];
        let answer = send(&admin, store, "/admin/books/a-draft/files", &parts).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{name}");
    }
    let names = store.texts("SELECT filename AS value FROM book_file WHERE filename LIKE 'a-draft%' ORDER BY 1").await;
    assert_eq!(names, ["a-draft.epub", "a-draft.pdf"]);
    let keys = store.texts("SELECT storage_key AS value FROM book_file WHERE filename = 'a-draft.pdf'").await;
    assert!(keys[0].starts_with("books/") && keys[0].len() == 38, "{keys:?}");
});

on_both_databases!(a_new_edition_comes_with_its_mail_and_once, Options::default(), async |store| {
    let admin = store.desk(Role::Admin).await;
    let buyer = store.browser();
    store.buy(&buyer, &["the-first-book"], "ann@example.org").await;
    store.settle().await;
    let sent = store.mails().len();
    let content = epub("Second");
    let parts: [(&str, Option<&str>, &[u8]); 4] = [
        ("label", None, b"Second edition"),
        ("changelog", None, b"Typos are gone."),
        ("tell", None, b"yes"),
        ("file", Some("x.epub"), &content),
    ];
    for _ in 0..2 {
        let answer = send(&admin, store, "/admin/books/the-first-book/editions", &parts).await;
        assert_eq!(location(&answer), "/admin/books/the-first-book?done=edition-announced");
    }
    store.settle().await;
    assert_eq!(store.mails().len(), sent + 1);
    let page = admin.text("/admin/books/the-first-book").await;
    assert!(page.contains("the-first-book-2.epub") && page.contains("Typos are gone."), "{page}");
    assert_eq!(store.count("edition WHERE label = 'Second edition'").await, 1);
    let actions =
        store.texts("SELECT action AS value FROM audit WHERE object = 'book:the-first-book' ORDER BY id").await;
    assert_eq!(actions, ["edition.added", "edition.announced", "edition.announced"]);
});

on_both_databases!(a_table_goes_out_and_comes_back_after_a_look_at_it, async |store| {
    let admin = store.desk(Role::Admin).await;
    let answer = admin.get("/admin/books/export.csv").await;
    assert_eq!(answer.headers()["content-disposition"], "attachment; filename=\"books.csv\"");
    let table = answer.text().await.unwrap();
    let table = table.replace("The first book", "The very first book");
    let (to, page) = followed(&admin, file(&admin, store, "/admin/books/import/table", table.as_bytes()).await).await;
    assert!(page.contains("1 to change") && page.contains("The very first book"), "{page}");
    assert_eq!(store.count("book WHERE title = 'The very first book'").await, 0);
    let name = to.split("table=").nth(1).unwrap();
    let answer = admin.post("/actions/admin-apply-table", &[("table", name)]).await;
    assert_eq!(location(&answer), "/admin/books?done=table-applied");
    assert!(store.browser().text("/books/the-first-book").await.contains("The very first book"));
});
