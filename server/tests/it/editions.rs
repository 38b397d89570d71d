//! A new edition reaches everybody who has bought the title, and the old one stays.

use crate::refunds::full;
use crate::support::{
    Backend, Browser, Options, Store, file_content, hidden, location, on_both_databases, on_both_databases_and_places,
};
use diesel::RunQueryDsl as _;
use reqwest::StatusCode;
use shop::audit::Actor;
use shop::db::AnyConnection;
use shop::editions::{Announced, NewEdition};
use shop::types::{BookFormat, OrderNumber};
use std::path::PathBuf;

/// Something that begins like an EPUB.
pub fn epub(text: &str) -> Vec<u8> {
    let mut content = b"PK\x03\x04".to_vec();
    content.resize(30, 0);
    content.extend_from_slice(b"mimetypeapplication/epub+zip");
    content.extend_from_slice(text.as_bytes());
    content
}

pub fn pdf(text: &str) -> Vec<u8> {
    format!("%PDF-1.7\n{text}").into_bytes()
}

fn written(store: &Store, name: &str, content: &[u8]) -> PathBuf {
    let path = store.data.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

fn edition(label: &str, files: Vec<PathBuf>) -> NewEdition {
    NewEdition { label: label.into(), changelog: "Typos are gone.\n\n- A map".into(), files }
}

/// A download button for a file by name.
async fn claim_file(browser: &Browser, token: &str, file: &str) -> String {
    let answer = browser.post(&format!("/d/{token}/claim"), &[("file", file)]).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    location(&answer)
}

async fn buyer(store: &Store, slugs: &[&str], email: &str) -> (Browser, OrderNumber) {
    let browser = store.browser();
    let (_, number) = store.buy(&browser, slugs, email).await;
    (browser, number)
}

on_both_databases_and_places!(a_new_edition_serves_past_buyers_at_once_and_keeps_the_old_one, async |store| {
    let slug = "the-first-book";
    let (browser, number) = buyer(store, &[slug], "ann@example.org").await;
    let token = browser.token(&number, slug).await;
    assert!(browser.download(&token, "epub").await == file_content(slug, "epub"));

    let new = epub(&"second ".repeat(2_000_000));
    let added = store
        .shop
        .add_edition(
            &Actor::Command,
            &slug.parse().unwrap(),
            &edition("Second edition", vec![written(store, "x.tmp", &new)]),
        )
        .await
        .unwrap();
    assert_eq!((added.ordinal, added.entitled, added.files.len()), (2, 1, 1));
    assert_eq!((added.files[0].0.as_str(), added.files[0].1), ("the-first-book-2.epub", new.len() as u64));
    // In the same claim: it is another file of the same title.
    let path = browser.claimed(&token, "epub").await;
    assert!(path.ends_with("/the-first-book-2.epub"), "{path}");
    assert!(browser.get(&path).await.bytes().await.unwrap() == new);
    // The new edition has no PDF, so the first one's is the newest there is.
    assert!(browser.download(&token, "pdf").await == file_content(slug, "pdf"));
    // And the old EPUB is within reach, in the claim's own words and with a button of its own.
    let old = claim_file(&browser, &token, "the-first-book.epub").await;
    assert!(browser.get(&old).await.bytes().await.unwrap() == file_content(slug, "epub"));
    assert_eq!(store.count("download_token WHERE used_count = 1").await, 1);
    let unknown = browser.post(&format!("/d/{token}/claim"), &[("file", "the-second-book.epub")]).await;
    assert_eq!(unknown.status(), StatusCode::NOT_FOUND);
    let both = browser.post(&format!("/d/{token}/claim"), &[("file", "x"), ("format", "pdf")]).await;
    assert_eq!(both.status(), StatusCode::BAD_REQUEST);

    // The shelf offers the new one, says what is new, and keeps the old one.
    store.library(&browser, "ann@example.org").await;
    let shelf = browser.text("/library").await;
    for words in
        ["Second edition, since ", "Typos are gone.", "Earlier editions", "Download EPUB of ", ">Download PDF<"]
    {
        assert!(shelf.contains(words), "{words} is not in {shelf}");
    }
    assert_eq!(shelf.matches("name=\"file\"").count(), 1);
    assert_eq!(hidden(&shelf, "file").as_deref(), Some("the-first-book.epub"));

    let slugs = [slug.parse().unwrap(), "no-such-book".parse().unwrap()];
    let editions = store.shop.editions(&slugs).await.unwrap();
    assert_eq!(editions.len(), 1);
    let shelf: Vec<_> = editions[&slugs[0]]
        .iter()
        .map(|edition| {
            let files = edition.files.iter().map(|file| (file.filename.as_str(), file.format(), file.newest));
            (edition.label.as_str(), edition.changelog_html.contains("<li>A map</li>"), files.collect::<Vec<_>>())
        })
        .collect();
    assert_eq!(
        shelf,
        [
            ("Second edition", true, vec![("the-first-book-2.epub", BookFormat::Epub, true)]),
            (
                "First edition",
                false,
                vec![("the-first-book.epub", BookFormat::Epub, false), ("the-first-book.pdf", BookFormat::Pdf, true)]
            ),
        ]
    );
    // Whoever buys later has both, and the catalogue shows the new one.
    let page = browser.text("/books/the-first-book").await;
    assert!(page.contains("Second edition"), "{page}");
    assert!(hidden(&page, "slug").is_some());
});

on_both_databases!(what_makes_no_edition_changes_nothing, async |store| {
    let slug = "the-first-book".parse().unwrap();
    let before = store.fingerprint().await;
    let good = written(store, "good.epub", &epub("x"));
    let html = written(store, "page.epub", b"<html>");
    let add = async |label: &str, files: Vec<PathBuf>| {
        store.shop.add_edition(&Actor::Command, &slug, &edition(label, files)).await.unwrap_err().to_string()
    };
    assert!(add("Second", vec![html.clone()]).await.contains("is no EPUB, PDF"));
    assert!(add("Second", vec![good.clone(), good.clone()]).await.contains("at most one file of each"));
    assert!(add("Second", vec![]).await.contains("at least one file"));
    assert!(add(" ", vec![good.clone()]).await.contains("label"));
    assert!(add("Second\nline", vec![good.clone()]).await.contains("label"));
    assert!(add("Second", vec![store.data.path().join("gone")]).await.contains("cannot read"));
    let nowhere =
        store.shop.add_edition(&Actor::Command, &"no-such-book".parse().unwrap(), &edition("Second", vec![good])).await;
    assert!(nowhere.unwrap_err().to_string().contains("no book"));
    assert_eq!(store.fingerprint().await, before);
    let objects = std::fs::read_dir(store.data.path().join("files/books")).unwrap().count();
    assert_eq!(i64::try_from(objects).unwrap(), store.count("book_file").await);
});

on_both_databases!(each_buyer_is_told_of_an_edition_once, async |store| {
    let (slug, other) = ("the-first-book", "the-second-book");
    // Ann has it twice, Bo once, Cy was refunded, Di waits for a dispute, Ed has another book, Flo's mail bounces.
    for email in ["ann@example.org", "Ann@Example.org", "bo@example.org"] {
        buyer(store, &[slug, other], email).await;
    }
    let (_, refunded) = buyer(store, &[slug], "cy@example.org").await;
    store.shop.refund(&refunded, &full()).await.unwrap();
    let (_, disputed) = buyer(store, &[slug], "di@example.org").await;
    let session = store
        .texts(&format!("SELECT stripe_session AS value FROM orders WHERE number = '{}'", disputed.as_str()))
        .await;
    store.sandbox.open_dispute(&session[0], "fraudulent", false).unwrap();
    buyer(store, &[other], "ed@example.org").await;
    buyer(store, &[slug], "flo@example.org").await;
    store.settle().await;
    store.until("the dispute is known", async || store.count("entitlement WHERE state = 'frozen'").await == 1).await;
    store.settle().await;
    store.execute("UPDATE outbox SET state = 'bounced', error = 'unknown' WHERE recipient = 'flo@example.org'").await;
    let sent = store.mails().len();

    let slug_parsed = slug.parse().unwrap();
    assert!(store.shop.announce_edition(&Actor::Command, &slug_parsed).await.is_err(), "there is only one edition");
    let path = written(store, "new", &pdf("second"));
    let (code, said) =
        store.octavo(&["edition", "add", slug, "--label", "Second edition", "--file", path.to_str().unwrap()]).await;
    assert!(code == 0 && said.contains("the-first-book-2.pdf") && said.contains("edition 2"), "{said}");
    let (code, said) = store.octavo(&["edition", "announce", slug]).await;
    assert!(code == 0 && said.contains("2 mails queued, 0 buyers told before, 1 left out"), "{said}");
    let again = store.shop.announce_edition(&Actor::Command, &slug_parsed).await.unwrap();
    let told = Announced { label: "Second edition".into(), queued: 0, told: 2, left_out: 1 };
    assert_eq!(again, told);
    store.settle().await;
    let mails = store.mails().split_off(sent);
    let mut recipients: Vec<String> = mails.iter().map(|mail| mail.header("To").to_lowercase()).collect();
    recipients.sort();
    assert_eq!(recipients, ["ann@example.org", "bo@example.org"]);
    for mail in &mails {
        assert_eq!(mail.header("Subject"), "The first book: Second edition is yours");
        assert!(mail.text.contains("costs you nothing") && mail.html.contains("Second edition"), "{}", mail.text);
    }
});

on_both_databases!(who_has_no_right_when_the_mail_is_written_gets_none, async |store| {
    let slug = "the-first-book";
    for email in ["ann@example.org", "bo@example.org", "cy@example.org"] {
        buyer(store, &[slug], email).await;
    }
    store.settle().await;
    let path = written(store, "new", &pdf("second"));
    let slug = slug.parse().unwrap();
    store.shop.add_edition(&Actor::Command, &slug, &edition("Second edition", vec![path])).await.unwrap();
    // Ann's address is written otherwise, Bo's title is taken back, and Cy's order moves: while the list of buyers is made.
    let (changed, mut changes) = tokio::sync::mpsc::unbounded_channel();
    let (go_on, waiting) = std::sync::mpsc::channel::<()>();
    let shop = store.shop.clone();
    let changing = tokio::spawn(async move {
        let change = move |conn: &mut AnyConnection| -> Result<(), shop::Error> {
            for statement in [
                "UPDATE orders SET email = 'Ann@example.org' WHERE email_norm = 'ann@example.org'",
                "UPDATE entitlement SET state = 'revoked' WHERE email_norm = 'bo@example.org'",
                "UPDATE orders SET email = 'di@example.org', email_norm = 'di@example.org' WHERE email = 'cy@example.org'",
                "UPDATE entitlement SET email_norm = 'di@example.org' WHERE email_norm = 'cy@example.org'",
            ] {
                diesel::sql_query(statement).execute(conn)?;
            }
            changed.send(()).unwrap();
            waiting.recv().unwrap();
            Ok(())
        };
        shop.db().write(change).await.unwrap();
    });
    changes.recv().await.unwrap();
    let (shop, named) = (store.shop.clone(), slug.clone());
    let announcing = tokio::spawn(async move { shop.announce_edition(&Actor::Command, &named).await.unwrap() });
    if store.backend == Backend::Postgres {
        let held = "pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        store.until("the mails wait for the change", async || store.count(held).await > 0).await;
    } else {
        // They stand behind it in the writer's queue; reading the list takes no longer than one of these.
        for _ in 0..50 {
            store.count("outbox").await;
        }
    }
    go_on.send(()).unwrap();
    changing.await.unwrap();
    announcing.await.unwrap();
    let told = "SELECT recipient AS value FROM outbox WHERE kind = 'edition_notice' ORDER BY LOWER(recipient)";
    let first = store.texts(told).await;
    assert!(first.starts_with(&["Ann@example.org".to_owned()]), "{first:?}");
    assert!(!first.iter().any(|to| to.starts_with("bo@") || to.starts_with("cy@")), "{first:?}");
    // Where Cy's order went, the next call tells.
    store.shop.announce_edition(&Actor::Command, &slug).await.unwrap();
    assert_eq!(store.texts(told).await, ["Ann@example.org", "di@example.org"]);
    store.execute("UPDATE entitlement SET state = 'active' WHERE email_norm = 'bo@example.org'").await;
    store.settle().await;
});

on_both_databases!(a_letter_says_what_is_new, Options::default(), async |store| {
    assert!(matches!(store.backend, Backend::Sqlite | Backend::Postgres));
    buyer(store, &["the-first-book"], "ann@example.org").await;
    store.settle().await;
    let sent = store.mails().len();
    let slug = "the-first-book".parse().unwrap();
    let path = written(store, "new", &epub("second"));
    store.shop.add_edition(&Actor::Command, &slug, &edition("Edition <2>", vec![path])).await.unwrap();
    store.shop.announce_edition(&Actor::Command, &slug).await.unwrap();
    store.settle().await;
    let mail = store.mails().split_off(sent).remove(0);
    assert!(mail.text.contains("- Typos are gone.\r\n- A map"), "{}", mail.text);
    assert!(mail.html.contains("Typos are gone.") && mail.html.contains("Edition &#60;2&#62;"), "{}", mail.html);
    let link = mail.text.lines().find(|line| line.starts_with(&store.url)).expect("a way in").trim();
    assert!(link.contains("/orders/"), "{link}");
});
