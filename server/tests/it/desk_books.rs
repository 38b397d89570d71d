//! Books at the owner's desk: the services behind the pages.

use crate::support::{Options, Store, add_book, entry, on_both_databases};
use bytes::Bytes;
use chrono::{TimeDelta, Utc};
use futures::TryStreamExt as _;
use reqwest::StatusCode;
use shop::Clock;
use shop::audit::Actor;
use shop::books::{Applied, NotChanged, NotSaved, NotTaken, Taken};
use shop::types::{BookForm, BookList, BookStatus, ListPlace, PersonField, PriceField, Slug};
use std::fmt::Write as _;
use std::io::{Cursor, Write as _};
use std::path::PathBuf;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const ACTOR: Actor = Actor::Command;

/// Time stands still until a test moves it.
fn standing() -> Options {
    Options { webhooks: false, workers: false, clock: Clock::manual(Utc::now().naive_utc()), ..Options::default() }
}

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

pub fn form(title: &str) -> BookForm {
    BookForm {
        title: title.into(),
        language: "en".into(),
        description: "About *salt*.".into(),
        people: vec![PersonField { name: "Ann Lee".into(), role: "author".into() }],
        prices: vec![PriceField { currency: "USD".into(), amount: "7.99".into() }],
        ..BookForm::default()
    }
}

/// An EPUB that every reader opens.
pub fn epub(title: &str) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    zip.start_file("mimetype", stored).unwrap();
    zip.write_all(b"application/epub+zip").unwrap();
    let container = "<container><rootfiles><rootfile full-path=\"book.opf\"/></rootfiles></container>";
    let package = format!(
        "<package version=\"3.0\"><metadata><title>{title}</title><creator>Cy Fox</creator><language>de</language>\
         <identifier>urn:isbn:9783161484100</identifier><publisher>Tide Press</publisher><date>2024-03-01</date>\
         <meta property=\"schema:accessMode\">textual</meta></metadata>\
         <manifest><item id=\"c\" href=\"cover.png\" properties=\"cover-image\"/></manifest></package>"
    );
    for (name, content) in [
        ("META-INF/container.xml", container.as_bytes()),
        ("book.opf", package.as_bytes()),
        ("cover.png", &png(400, 600)),
    ] {
        zip.start_file(name, SimpleFileOptions::default()).unwrap();
        zip.write_all(content).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

pub const PDF: &[u8] = b"%PDF-1.7\n1 0 obj\nendobj\ntrailer <<>>\n%%EOF\n";

/// A PNG of one colour, written by hand: rows of zeros and a stored deflate stream.
pub fn png(width: u32, height: u32) -> Vec<u8> {
    let crc = |bytes: &[u8]| {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 })
        })
    };
    let mut row = vec![0_u8];
    row.extend([40, 80, 160].repeat(width as usize));
    let raw = row.repeat(height as usize);
    let mut data = vec![0x78, 0x01];
    let blocks = raw.chunks(65_535).count();
    for (at, block) in raw.chunks(65_535).enumerate() {
        let length = u16::try_from(block.len()).unwrap();
        data.push(u8::from(at + 1 == blocks));
        data.extend(length.to_le_bytes());
        data.extend((!length).to_le_bytes());
        data.extend(block);
    }
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in &raw {
        a = (a + u32::from(*byte)) % 65_521;
        b = (b + a) % 65_521;
    }
    data.extend((b << 16 | a).to_be_bytes());
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let head = [&width.to_be_bytes()[..], &height.to_be_bytes(), &[8, 2, 0, 0, 0]].concat();
    for (kind, content) in [(b"IHDR", head), (b"IDAT", data), (b"IEND", Vec::new())] {
        bytes.extend(u32::try_from(content.len()).unwrap().to_be_bytes());
        let chunk = [&kind[..], &content].concat();
        bytes.extend(&chunk);
        bytes.extend(crc(&chunk).to_be_bytes());
    }
    bytes
}

fn written(store: &Store, name: &str, content: &[u8]) -> PathBuf {
    let path = store.data.path().join(name);
    std::fs::write(&path, content).unwrap();
    path
}

fn slugs(list: &BookList) -> Vec<String> {
    list.books.iter().map(|book| book.slug.to_string()).collect()
}

async fn audited(store: &Store, object: &str) -> Vec<String> {
    store.texts(&format!("SELECT action AS value FROM audit WHERE object = '{object}' ORDER BY id")).await
}

on_both_databases!(the_list_is_searched_filtered_and_paged_in_both_directions, async |store| {
    let shop = &store.shop;
    for number in 0..110 {
        let mut entry =
            entry(&format!("title-{number:03}"), 100, &[], if number % 2 == 0 { "draft" } else { "published" });
        entry["contributors"][0]["name"] = format!("Zoë Person{number}").into();
        entry["isbn"] = if number == 7 { "9780306406157".into() } else { serde_json::Value::Null };
        add_book(shop, store.data.path(), entry, 1).await;
    }
    let list = async |search: &str, status, place| shop.book_list(search, status, place).await.unwrap();
    let first = list("", None, ListPlace::First).await;
    assert_eq!((first.books.len(), first.newer, first.older), (50, false, true));
    assert_eq!(first.books[0].slug.as_str(), "title-109");
    let second = list("", None, ListPlace::After(first.books[49].slug.clone())).await;
    assert_eq!((second.books[0].slug.as_str(), second.newer, second.older), ("title-059", true, true));
    let back = list("", None, ListPlace::Before(second.books[0].slug.clone())).await;
    assert_eq!((slugs(&back), back.newer, back.older), (slugs(&first), false, true));
    let last = list("", None, ListPlace::Last).await;
    assert_eq!((last.books.len(), last.newer, last.older), (50, true, false));
    assert_eq!(last.books[49].slug.as_str(), "the-first-book");
    assert_eq!(last.books[49].formats.len(), 2);
    assert!(shop.book_list("", None, ListPlace::After(slug("no-such-book"))).await.is_err());

    for (search, found) in [
        ("person42", "title-042"),
        ("PERSON42 zo", "title-042"),
        ("042 titl", "title-042"),
        ("97803064", "title-007"),
        ("archived", "an-archived-book"),
    ] {
        assert_eq!(slugs(&list(search, None, ListPlace::First).await), [found], "{search}");
    }
    for search in ["nothing", "*", "\" OR \"", "person42 person43", "%", "erson42"] {
        assert_eq!(slugs(&list(search, None, ListPlace::First).await), Vec::<String>::new(), "{search}");
    }
    let drafts = list("zoë", Some(BookStatus::Draft), ListPlace::First).await;
    assert_eq!((drafts.books.len(), drafts.older), (50, true));
    let rest = list("zoë", Some(BookStatus::Draft), ListPlace::After(drafts.books[49].slug.clone())).await;
    assert_eq!((slugs(&rest).len(), rest.newer, rest.older), (5, true, false));
    let end = list("zoë", Some(BookStatus::Draft), ListPlace::Last).await;
    assert_eq!((end.books[49].slug.as_str(), end.newer, end.older), ("title-000", true, false));
    // The words follow the book.
    let book = shop.desk_book(&slug("title-042")).await.unwrap().unwrap();
    let mut renamed = book.form.clone();
    renamed.title = "A kraken".into();
    renamed.people[0].name = "Bo Day".into();
    shop.save_book(&ACTOR, &book.slug, book.version, &renamed).await.unwrap();
    assert_eq!(slugs(&list("krak day", None, ListPlace::First).await), ["title-042"]);
    assert_eq!(slugs(&list("person42", None, ListPlace::First).await), Vec::<String>::new());
});

on_both_databases!(a_book_is_made_changed_and_sold_and_nothing_typed_over_another_is_lost, async |store| {
    let shop = &store.shop;
    let made = shop.create_book(&ACTOR, &form("Salt & Stars"), None).await.unwrap();
    assert_eq!(made.as_str(), "salt-stars");
    let Err(NotSaved::Problems(taken)) = shop.create_book(&ACTOR, &form("Salt & Stars"), None).await else { panic!() };
    assert_eq!(taken[0].field, "slug");
    let before = store.fingerprint().await;
    let Err(NotSaved::Problems(wrong)) = shop.create_book(&ACTOR, &BookForm::default(), None).await else { panic!() };
    assert_eq!(wrong.iter().map(|problem| problem.field.as_str()).collect::<Vec<_>>(), ["title", "language"]);
    assert_eq!(store.fingerprint().await, before);

    let book = shop.desk_book(&made).await.unwrap().unwrap();
    assert_eq!((book.version, book.status), (1, BookStatus::Draft));
    let mut other = book.form.clone();
    other.subtitle = "A sea story".into();
    other.prices.push(PriceField { currency: "JPY".into(), amount: "900".into() });
    assert_eq!(shop.save_book(&ACTOR, &made, 1, &other).await.unwrap(), made);
    // The second tab is told, and what the first one saved is there.
    let mut late = book.form.clone();
    late.title = "Salt and Stars".into();
    assert!(matches!(shop.save_book(&ACTOR, &made, 1, &late).await, Err(NotSaved::Outdated(2))));
    let now = shop.desk_book(&made).await.unwrap().unwrap();
    assert_eq!((now.form.title.as_str(), now.form.subtitle.as_str(), now.version), ("Salt & Stars", "A sea story", 2));
    assert_eq!(now.form.prices.len(), 2);
    // Saying the same once more is no change.
    shop.save_book(&ACTOR, &made, 2, &now.form).await.unwrap();
    assert_eq!(shop.desk_book(&made).await.unwrap().unwrap().version, 2);

    // Not without something to sell.
    let Err(NotChanged::Missing(missing)) = shop.set_book_status(&ACTOR, &made, BookStatus::Published).await else {
        panic!()
    };
    assert!(missing.len() == 1 && missing[0].contains("no file"), "{missing:?}");
    shop.add_book_files(&ACTOR, &made, &[written(store, "a", PDF)]).await.unwrap();
    let mut moved = now.form.clone();
    moved.slug = "salt".into();
    let version = shop.desk_book(&made).await.unwrap().unwrap().version;
    let made = shop.save_book(&ACTOR, &made, version, &moved).await.unwrap();
    assert_eq!(made.as_str(), "salt");
    shop.set_book_status(&ACTOR, &made, BookStatus::Published).await.unwrap();
    assert_eq!(shop.book(&made, store.shop.currency()).await.unwrap().unwrap().card.title, "Salt & Stars");
    // From now on its address stays.
    let book = shop.desk_book(&made).await.unwrap().unwrap();
    let mut moved = book.form.clone();
    moved.slug = "sugar".into();
    assert!(matches!(shop.save_book(&ACTOR, &made, book.version, &moved).await, Err(NotSaved::Problems(_))));
    assert!(shop.set_book_status(&ACTOR, &made, BookStatus::Draft).await.is_err());
    let buyer = store.browser();
    store.buy(&buyer, &["salt"], "ann@example.org").await;
    shop.set_book_status(&ACTOR, &made, BookStatus::Archived).await.unwrap();
    assert!(shop.book(&made, store.shop.currency()).await.unwrap().is_none());
    assert_eq!(shop.desk_book(&made).await.unwrap().unwrap().readers, 1);
    assert_eq!(audited(store, "book:salt-stars").await, ["book.created", "book.changed", "file.added"]);
    assert_eq!(audited(store, "book:salt").await, ["book.changed", "book.published", "book.archived"]);
    let after = store.texts("SELECT after AS value FROM audit WHERE action = 'book.changed' ORDER BY id").await;
    assert!(after[0].contains("A sea story") && !after[0].contains("title\":\"Salt"), "{after:?}");
    store.settle().await;
});

on_both_databases!(a_file_sent_twice_is_there_once_and_another_takes_its_place, async |store| {
    let (shop, first) = (&store.shop, slug("the-first-book"));
    let objects = || std::fs::read_dir(store.data.path().join("files/books")).unwrap().count();
    let there = objects();
    let (new, other) = (written(store, "x", &epub("New")), written(store, "y", &epub("Other")));
    let add = async |paths: &[PathBuf]| {
        let taken = shop.add_book_files(&ACTOR, &first, paths).await;
        taken.map(|files| files.into_iter().map(|file| (file.filename, file.taken)).collect::<Vec<_>>())
    };
    let name = "the-first-book.epub".to_owned();
    assert_eq!(add(std::slice::from_ref(&new)).await.unwrap(), [(name.clone(), Taken::Replaced)]);
    assert_eq!(add(std::slice::from_ref(&new)).await.unwrap(), [(name.clone(), Taken::Same)]);
    assert_eq!(objects(), there);
    let mp3 = written(store, "z", b"ID3\x04\0\0\0\0\0\0 and music");
    let taken = add(&[mp3, other.clone()]).await.unwrap();
    assert_eq!(taken, [("the-first-book.mp3".to_owned(), Taken::Added), (name, Taken::Replaced)]);
    assert_eq!(objects(), there + 1);
    // What is not taken changes nothing.
    let before = store.fingerprint().await;
    for paths in [vec![], vec![new.clone(), other], vec![new, written(store, "h", b"<html>")]] {
        assert!(matches!(add(&paths).await, Err(NotTaken::Refused(_))));
    }
    assert_eq!((store.fingerprint().await, objects()), (before, there + 1));
    assert_eq!(audited(store, "book:the-first-book").await, ["file.replaced", "file.added", "file.replaced"]);
    // A buyer has it.
    let buyer = store.browser();
    let (_, number) = store.buy(&buyer, &["the-first-book"], "ann@example.org").await;
    let token = buyer.token(&number, "the-first-book").await;
    assert!(buyer.download(&token, "epub").await == epub("Other"));
    assert!(buyer.download(&token, "mp3").await.starts_with(b"ID3"));
    store.settle().await;
});

on_both_databases!(a_cover_is_served_in_our_own_encoding_with_a_colour_that_goes_with_it, async |store| {
    let (shop, first) = (&store.shop, slug("the-first-book"));
    let picture = Bytes::from(png(400, 600));
    shop.set_cover(&ACTOR, &first, picture.clone()).await.unwrap();
    shop.set_cover(&ACTOR, &first, picture).await.unwrap();
    let card = shop.book(&first, shop.currency()).await.unwrap().unwrap().card;
    assert!(card.accent.starts_with('#') && card.accent != "#334455", "{}", card.accent);
    for width in shop::types::Cover::WIDTHS {
        let answer = store.browser().get(&card.cover.as_ref().unwrap().url(width)).await;
        assert_eq!(answer.headers()["content-type"], "image/webp");
        assert!(answer.bytes().await.unwrap().starts_with(b"RIFF"));
    }
    // As JPEG too, for who makes previews of links; also of a cover that came without.
    let preview = card.cover.as_ref().unwrap().preview_url();
    let page = store.browser().text("/books/the-first-book").await;
    assert!(page.contains(&format!("og:image\" content=\"{}{preview}\"", store.url)), "{page}");
    let file = store.data.path().join("files").join(&preview[1..]);
    for _ in 0..2 {
        let answer = store.browser().get(&preview).await;
        assert_eq!(answer.headers()["content-type"], "image/jpeg");
        assert!(answer.bytes().await.unwrap().starts_with(&[0xff, 0xd8, 0xff]));
        std::fs::remove_file(&file).unwrap();
    }
    for nothing in ["/covers/0123456789abcdef-960.jpg", &preview.replace("960", "240"), &preview.replace("jpg", "png")]
    {
        assert_eq!(store.browser().get(nothing).await.status(), StatusCode::NOT_FOUND, "{nothing}");
    }
    let svg = Bytes::from_static(b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>");
    let refused = shop.set_cover(&ACTOR, &first, svg).await.unwrap_err().to_string();
    assert!(refused.contains("SVG"), "{refused}");
    assert_eq!(audited(store, "book:the-first-book").await, ["book.cover"]);
});

on_both_databases!(a_table_changes_what_it_says_and_nothing_else, async |store| {
    let shop = &store.shop;
    let table = async || {
        let pieces: Vec<Bytes> = shop.book_table().try_collect().await.unwrap();
        String::from_utf8(pieces.concat()).unwrap()
    };
    let read = async |text: String| shop.read_book_table(Bytes::from(text)).await.unwrap();
    let whole = table().await;
    assert!(
        whole.starts_with(
            "slug,title,subtitle,language,isbn,publisher,published_on,people,description,price_USD,status\n"
        )
    );
    assert_eq!(whole.lines().count(), 7);
    // Read back as it is, it changes nothing.
    let before = store.fingerprint().await;
    let name = read(whole.clone()).await;
    let preview = shop.preview_table(&name).await.unwrap().unwrap();
    assert_eq!((preview.changes.len(), preview.same, preview.ignored), (0, 6, vec!["status".to_owned()]));
    let mut after = store.fingerprint().await;
    after.insert("unfinished".into(), before["unfinished"].clone());
    assert_eq!(after, before);

    // A table of two columns and two books: an empty cell, a missing column, a missing book wipe nothing.
    let text = "slug,subtitle,price_USD,price_EUR\nthe-first-book,,8.99,7\na-draft,'=SUM(A1),,\n".to_owned();
    let name = read(text).await;
    let preview = shop.preview_table(&name).await.unwrap().unwrap();
    let cells: Vec<_> = preview.changes.iter().flat_map(|change| change.cells.clone()).collect();
    let cell = |column: &str, old: &str, new: &str| (column.to_owned(), old.to_owned(), new.to_owned());
    assert_eq!(
        cells,
        [cell("price_EUR", "", "7.00"), cell("price_USD", "7.99", "8.99"), cell("subtitle", "", "=SUM(A1)")]
    );
    assert_eq!(shop.apply_table(&ACTOR, &name).await.unwrap(), Applied::Done { created: 0, changed: 2 });
    // Twice is once.
    assert_eq!(shop.apply_table(&ACTOR, &name).await.unwrap(), Applied::Done { created: 0, changed: 0 });
    let book = shop.desk_book(&slug("the-first-book")).await.unwrap().unwrap();
    assert_eq!((book.form.prices.len(), book.form.description.as_str()), (2, "A book *for tests*."));
    assert!(table().await.contains(",'=SUM(A1),"));

    // New books are drafts; one wrong row, and nothing is done.
    let text =
        "slug,title,language,people\nnew-one,New one,en,Ann Lee; Bo Day (translator)\nthe-second-book,,english,\n";
    let name = read(text.to_owned()).await;
    let preview = shop.preview_table(&name).await.unwrap().unwrap();
    assert_eq!((preview.changes.len(), preview.problems.len(), preview.problems[0].0), (1, 1, 3));
    assert_eq!(shop.apply_table(&ACTOR, &name).await.unwrap(), Applied::Not);
    assert!(shop.desk_book(&slug("new-one")).await.unwrap().is_none());
    let name = read(text.replace("english", "en-GB")).await;
    // Somebody changes one of the books meanwhile: nothing is done either, and the preview says so.
    let second = shop.desk_book(&slug("the-second-book")).await.unwrap().unwrap();
    let changed = BookForm { publisher: "Another".into(), ..second.form };
    shop.save_book(&ACTOR, &second.slug, second.version, &changed).await.unwrap();
    assert_eq!(shop.apply_table(&ACTOR, &name).await.unwrap(), Applied::Not);
    assert!(shop.preview_table(&name).await.unwrap().unwrap().outdated);
    let name = read(text.replace("english", "en-GB")).await;
    assert_eq!(shop.apply_table(&ACTOR, &name).await.unwrap(), Applied::Done { created: 1, changed: 1 });
    let new = shop.desk_book(&slug("new-one")).await.unwrap().unwrap();
    assert_eq!((new.status, new.form.people.len()), (BookStatus::Draft, 2));
    let second = shop.desk_book(&slug("the-second-book")).await.unwrap().unwrap();
    assert_eq!((second.form.publisher.as_str(), second.form.language.as_str()), ("Another", "en-GB"));
});

on_both_databases!(a_large_table_is_applied_whole_and_others_write_meanwhile, async |store| {
    let shop = &store.shop;
    let table = |title: &str, rows: usize| {
        let mut csv = "slug,title,language,people,price_USD\n".to_owned();
        for n in 0..rows {
            writeln!(csv, "m-{n},{title} {n},en,Ann Lee (author),7.99").unwrap();
        }
        Bytes::from(csv)
    };
    // More than are read at a time, and more than may change at a time.
    let made = shop.read_book_table(table("First", 1_001)).await.unwrap();
    let much = shop.read_book_table(table("Much", 2_001)).await.unwrap();
    let applying = tokio::spawn({
        let (shop, made) = (shop.clone(), made.clone());
        async move { shop.apply_table(&ACTOR, &made).await.unwrap() }
    });
    let mut kept = 0;
    while !applying.is_finished() {
        shop.keep_words("somebody else writes").await.unwrap();
        kept += 1;
    }
    assert_eq!(applying.await.unwrap(), Applied::Done { created: 1_001, changed: 0 });
    assert!(kept > 0);
    let changed = shop.read_book_table(table("Second", 1_001)).await.unwrap();
    assert_eq!(shop.apply_table(&ACTOR, &changed).await.unwrap(), Applied::Done { created: 0, changed: 1_001 });
    assert_eq!(store.count("book WHERE title LIKE 'Second %' AND version = 2").await, 1_001);
    assert_eq!(store.count("audit WHERE action = 'book.changed'").await, 1_001);
    let problems = shop.preview_table(&much).await.unwrap().unwrap().problems;
    assert!(problems[0].1.contains("2001 books would change"), "{problems:?}");
    assert_eq!(shop.apply_table(&ACTOR, &much).await.unwrap(), Applied::Not);
    // Of two tables at once over the same books one is applied, and the other is looked at again.
    let (one, two) = (table("Third", 600), table("Fourth", 600));
    let (one, two) = (shop.read_book_table(one).await.unwrap(), shop.read_book_table(two).await.unwrap());
    let (one, two) = futures::join!(shop.apply_table(&ACTOR, &one), shop.apply_table(&ACTOR, &two));
    let all = [one.unwrap(), two.unwrap()];
    assert!(all.contains(&Applied::Not) && all.contains(&Applied::Done { created: 0, changed: 600 }), "{all:?}");
});

on_both_databases!(a_form_that_nobody_finishes_goes_after_a_week_with_its_file, standing(), async |store| {
    let shop = &store.shop;
    let objects = || std::fs::read_dir(store.data.path().join("files/books")).unwrap().count();
    let there = objects();
    shop.draft_of_epub(&written(store, "x", &epub("New"))).await.unwrap();
    let words = shop.keep_words("said").await.unwrap();
    assert_eq!(objects(), there + 1);
    shop.clock().advance(TimeDelta::days(7));
    assert_eq!(shop.forget_old_forms().await.unwrap(), 0);
    shop.clock().advance(TimeDelta::seconds(1));
    shop.keep_words("later").await.unwrap();
    assert_eq!(shop.forget_old_forms().await.unwrap(), 2);
    assert_eq!((objects(), store.count("unfinished").await), (there, 1));
    assert_eq!(shop.kept_words(&words).await.unwrap(), None);
});
