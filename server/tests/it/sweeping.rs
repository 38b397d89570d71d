//! Stored objects that nothing refers to: which of them are taken away, and when.

use crate::desk_books::{epub, png};
use crate::support::{Store, on_both_databases, on_both_databases_and_places};
use shop::audit::Actor;
use shop::files::Swept;
use shop::types::Unfinished;
use std::collections::BTreeSet;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

/// Every file below a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(below(&path)) } else { files.push(path) }
    }
    files
}

/// All that is stored is from three days ago.
fn three_days_later(store: &Store) {
    let folder = store.s3.as_ref().map_or_else(|| store.data.path().join("files"), |s3| s3.folder.path().to_owned());
    let then = SystemTime::now() - Duration::from_secs(3 * 24 * 60 * 60);
    for path in below(&folder) {
        File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
    }
}

async fn keep(store: &Store, names: &[String]) {
    for name in names {
        store.shop.files().put(name, "content".into()).await.unwrap();
    }
}

async fn is_there(store: &Store, name: &str) -> bool {
    store.shop.files().size(name).await.is_ok()
}

/// All objects of a cover.
fn cover(key: &str) -> Vec<String> {
    ["240.webp", "480.webp", "960.webp", "960.jpg"].iter().map(|end| format!("covers/{key}-{end}")).collect()
}

on_both_databases_and_places!(old_objects_that_nothing_refers_to_go_and_all_others_stay, async |store| {
    let shop = &store.shop;
    let [waiting, before, nobodys] = ["a", "b", "c"].map(|letter| letter.repeat(16));
    // What something refers to: files of books, one of them by a key that shares its object.
    store.execute("UPDATE book_file SET storage_key = storage_key || '#1' WHERE filename = 'the-first-book.pdf'").await;
    let keys = store.texts("SELECT storage_key AS value FROM book_file").await;
    let mut kept: BTreeSet<String> = keys.iter().map(|key| key.split('#').next().unwrap().to_owned()).collect();
    // What waits beside forms.
    let path = store.data.path().join("a.epub");
    std::fs::write(&path, epub("Salt")).unwrap();
    shop.draft_of_epub(&path).await.unwrap();
    let form = Unfinished { cover: Some((waiting.clone(), "#334455".into())), ..Unfinished::default() };
    shop.keep_unfinished(&form, None).await.unwrap();
    keep(store, &cover(&waiting)).await;
    for data in store.texts("SELECT data AS value FROM unfinished WHERE kind = 'book'").await {
        let form: Unfinished = serde_json::from_str(&data).unwrap();
        kept.extend(form.file.map(|file| file.key));
        kept.extend(form.cover.iter().flat_map(|(key, _)| cover(key)));
    }
    // The cover of a book, and what it was before the last change.
    keep(store, &cover(&before)).await;
    store.execute(&format!("UPDATE book SET cover_key = '{before}' WHERE slug = 'the-second-book'")).await;
    let slug = "the-second-book".parse().unwrap();
    shop.set_cover(&Actor::Command, &slug, png(400, 600).into()).await.unwrap();
    let covers = store.texts("SELECT cover_key AS value FROM book WHERE cover_key IS NOT NULL").await;
    assert!(covers.len() == 1 && covers[0] != before, "{covers:?}");
    kept.extend(cover(&covers[0]));
    // A logo that documents may have, and a document.
    shop.set_logo(&Actor::Command, Some(png(400, 200).into())).await.unwrap();
    shop.set_logo(&Actor::Command, None).await.unwrap();
    kept.extend(store.texts("SELECT key AS value FROM invoice_logo").await);
    store.buy(&store.browser(), &["the-first-book"], "ann@example.org").await;
    store.settle().await;
    store
        .execute("UPDATE invoice SET pdf_key = 'invoices/' || CAST(id AS TEXT) || '-1.pdf' WHERE pdf_key IS NULL")
        .await;
    let printed = store.texts("SELECT pdf_key AS value FROM invoice").await;
    assert_eq!(printed.len(), 1);
    keep(store, &printed).await;
    kept.extend(printed);
    // What nothing does, and what is not the store's.
    let mut orphans = cover(&nobodys);
    orphans.extend([
        format!("books/{}", "d".repeat(32)),
        "invoices/999999-1.pdf".into(),
        format!("logos/{nobodys}.png"),
    ]);
    keep(store, &orphans).await;
    let others = ["books/readme.txt", "covers/old/picture.webp", "notes.txt", "samples/0123456789abcdef.epub"];
    keep(store, &others.map(str::to_owned)).await;

    // At first the place is only marked, and nothing goes before the mark is old.
    for _ in 0..2 {
        assert_eq!(shop.take_orphans().await.unwrap(), Swept::default());
    }
    three_days_later(store);
    let young = format!("books/{}", "e".repeat(32));
    keep(store, std::slice::from_ref(&young)).await;
    let swept = shop.take_orphans().await.unwrap();
    let named = kept.len() + cover(&before).len();
    assert_eq!(swept, Swept { named, orphans: orphans.len(), taken: orphans.len() });
    for name in &orphans {
        assert!(!is_there(store, name).await, "{name} is there");
    }
    let stay = kept.iter().chain([&young]).map(String::as_str).chain(others);
    for name in stay.clone().chain(cover(&before).iter().map(String::as_str)) {
        assert!(is_there(store, name).await, "{name} is gone");
    }
    // What the cover was before goes when no page and no mail shows it any more.
    store.execute("UPDATE audit SET at = '2025-01-01 00:00:00' WHERE action = 'book.cover'").await;
    assert_eq!(shop.take_orphans().await.unwrap().taken, cover(&before).len());
    for name in stay {
        assert!(is_there(store, name).await, "{name} is gone");
    }
    // Beside another store's mark nothing goes.
    keep(store, &["stores/another".to_owned()]).await;
    three_days_later(store);
    assert_eq!(shop.take_orphans().await.unwrap(), Swept::default());
    assert!(is_there(store, &young).await);
});

on_both_databases!(files_beside_a_database_that_is_not_theirs_stay, async |store| {
    let shop = &store.shop;
    assert_eq!(shop.take_orphans().await.unwrap(), Swept::default());
    let names: Vec<String> = (0..140).map(|n| format!("books/{n:032x}")).collect();
    keep(store, &names).await;
    three_days_later(store);
    let swept = shop.take_orphans().await.unwrap();
    assert_eq!((swept.orphans, swept.taken), (140, 0));
    // Some may be there; they go once a day.
    for name in &names[80..] {
        std::fs::remove_file(store.data.path().join("files").join(name)).unwrap();
    }
    assert_eq!(shop.sweep_files().await.unwrap(), 0);
    let due = "UPDATE watermark SET at = '2025-01-01 00:00:00' WHERE name = 'files-swept-next'";
    store.execute(due).await;
    assert_eq!(shop.sweep_files().await.unwrap(), 80);
    assert_eq!(shop.sweep_files().await.unwrap(), 0);
    let objects = std::fs::read_dir(store.data.path().join("files/books")).unwrap().count();
    assert_eq!(i64::try_from(objects).unwrap(), store.count("book_file").await);
});
