//! Documents as PDF: who gets one, and what is kept of it.

use super::{BOOKS, details};
use crate::desk_books::png;
use crate::desk_uploads::multipart;
use crate::support::{Browser, Store, hidden, location, on_both_databases};
use reqwest::{Method, Response, StatusCode};
use shop::audit::Actor;
use shop::invoices::{Outdated, SellerSettings};
use shop::types::Role;

async fn is_pdf(answer: Response, number: &str) -> Vec<u8> {
    assert_eq!(answer.status(), StatusCode::OK, "{number}");
    let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        (header("content-type").as_str(), header("cache-control").as_str()),
        ("application/pdf", "private, no-cache")
    );
    assert!(header("content-disposition").contains(&format!("filename=\"{number}.pdf\"")), "{number}");
    let pdf = answer.bytes().await.unwrap().to_vec();
    assert!(pdf.starts_with(b"%PDF-") && pdf.len() > 5_000, "{number}: {} bytes", pdf.len());
    pdf
}

async fn invoices(store: &Store) -> Vec<String> {
    store.texts("SELECT number AS value FROM invoice ORDER BY id").await
}

on_both_databases!(a_pdf_is_for_who_may_open_the_order_and_for_the_desk, async |store| {
    let [payer, reader, bob, nobody] = std::array::from_fn(|_| store.browser());
    let (_, number) = store.buy(&payer, &BOOKS, "ann@example.org").await;
    store.buy(&bob, &BOOKS[1..], "bob@example.org").await;
    store.settle().await;
    let invoice = invoices(store).await.remove(0);
    let path = format!("/invoices/{invoice}.pdf");
    let first = is_pdf(payer.get(&path).await, &invoice).await;
    // The same bytes for everybody, made or kept.
    store.library(&reader, "ann@example.org").await;
    assert_eq!(is_pdf(reader.get(&path).await, &invoice).await, first);
    assert_eq!(store.count("invoice WHERE pdf_key IS NOT NULL").await, 1);
    let opened = store.browser();
    opened.open_order(store, &number).await;
    let answer = opened.get(&path).await;
    let etag = answer.headers()["etag"].clone();
    assert_eq!(is_pdf(answer, &invoice).await, first);
    let unchanged = opened.request(Method::GET, &path).header("if-none-match", &etag).send().await.unwrap();
    assert_eq!((unchanged.status(), unchanged.headers()["etag"].clone()), (StatusCode::NOT_MODIFIED, etag));
    // Who has shown nothing learns nothing, not even whether there is such a number.
    for number in [invoice.as_str(), "INV-2026-99999"] {
        let answer = nobody.get(&format!("/invoices/{number}.pdf")).await;
        assert_eq!(answer.status(), StatusCode::SEE_OTHER);
        assert_eq!(location(&answer), format!("/library?next=/invoices/{number}.pdf"));
    }
    assert_eq!(nobody.get("/invoices/x").await.status(), StatusCode::NOT_FOUND);
    store.library(&bob, "bob@example.org").await;
    assert_eq!(bob.get(&path).await.status(), StatusCode::NOT_FOUND);
    for (role, status) in [(Role::Viewer, 404), (Role::Support, 200), (Role::Owner, 200)] {
        assert_eq!(store.desk(role).await.get(&path).await.status().as_u16(), status, "{role}");
    }
    // What is kept and lost is made again.
    let key = store.texts("SELECT pdf_key AS value FROM invoice WHERE pdf_key IS NOT NULL").await.remove(0);
    std::fs::remove_file(store.data.path().join("files").join(key)).unwrap();
    assert_eq!(is_pdf(payer.get(&path).await, &invoice).await, first);
});

on_both_databases!(every_document_of_an_order_has_its_pdf, async |store| {
    let buyer = store.browser();
    let (_, number) = store.buy(&buyer, &BOOKS, "ann@example.org").await;
    store.settle().await;
    store.shop.refund(&number, &crate::refunds::amount(300)).await.unwrap();
    let standing = invoices(store).await.remove(0);
    let anew = details("Lee & Söhne <GmbH> #set page()");
    store.shop.set_buyer_details_at_desk(&number, &standing, &anew, &Actor::Command).await.unwrap();
    let page = buyer.text(&format!("/orders/{number}")).await;
    let all = invoices(store).await;
    assert_eq!(all.len(), 4);
    for document in all {
        assert!(page.contains(&format!("/invoices/{document}.pdf")), "{document}");
        is_pdf(buyer.get(&format!("/invoices/{document}.pdf")).await, &document).await;
    }
    store.settle().await;
    // The mails lead there: the receipt to the invoice, the refund's to its credit note. (Lines are broken as mail wants it.)
    let mails: String =
        store.memory.sent().iter().map(|mail| String::from_utf8_lossy(mail).replace("=\r\n", "")).collect();
    assert!(mails.contains(&format!("/invoices/{standing}.pdf")) && mails.contains("/invoices/CN-"), "{mails}");
});

on_both_databases!(a_pdf_that_cannot_be_made_needs_attention_until_it_can, async |store| {
    let buyer = store.browser();
    let (_, number) = store.buy(&buyer, &BOOKS, "ann@example.org").await;
    store.settle().await;
    let invoice = invoices(store).await.remove(0);
    store.execute("UPDATE invoice SET pdf_error = 'the document cannot be laid out'").await;
    let found = store.shop.attention().await.unwrap();
    assert_eq!((found.count(), found.documents[0].number.as_str()), (1, invoice.as_str()));
    let desk = store.desk(Role::Support).await;
    assert!(desk.text("/admin/attention").await.contains("PDF cannot be made"));
    assert!(buyer.text(&format!("/orders/{number}")).await.contains("Thank you"), "the order is as it is");
    is_pdf(buyer.get(&format!("/invoices/{invoice}.pdf")).await, &invoice).await;
    assert_eq!(store.shop.attention_count().await.unwrap(), 0);
});

on_both_databases!(an_erased_buyer_leaves_no_pdf, async |store| {
    let buyer = store.browser();
    store.buy(&buyer, &BOOKS, "ann@example.org").await;
    store.settle().await;
    let invoice = invoices(store).await.remove(0);
    let path = format!("/invoices/{invoice}.pdf");
    let before = is_pdf(buyer.get(&path).await, &invoice).await;
    let erased = store.shop.erase_buyer(&"ann@example.org".parse().unwrap(), &Actor::Command).await.unwrap().unwrap();
    assert_eq!(erased.kept.len(), 1);
    let kept = std::fs::read_dir(store.data.path().join("files/invoices")).map(Iterator::count).unwrap_or_default();
    assert_eq!((kept, store.count("invoice WHERE pdf_key IS NOT NULL").await), (0, 0));
    // The desk can still show it as it was, for as long as the law wants it kept, and nothing is kept of that.
    let desk = store.desk(Role::Support).await;
    assert_eq!(is_pdf(desk.get(&path).await, &invoice).await, before);
    assert_eq!(store.count("invoice WHERE pdf_key IS NOT NULL").await, 0);
});

on_both_databases!(the_desk_says_who_sells_and_sees_what_it_looks_like, async |store| {
    let admin = store.desk(Role::Admin).await;
    let page = "/admin/settings/invoices";
    let shown = admin.text(page).await;
    assert!(shown.contains("INV-{year}-{seq:5}") && shown.contains("There is none"), "{shown}");
    let version = hidden(&shown, "version").unwrap();
    let form = [
        ("version", version.as_str()),
        ("seller[name]", "Bücherstube <b>"),
        ("seller[address]", "Lindenallee 7\r\n10115 Berlin"),
        ("seller[country]", "de"),
        ("seller[legal_text]", "HRB 1 </textarea>"),
        ("seller[locale]", "de"),
        ("seller[paper]", "Letter"),
    ];
    let answer = admin.post("/actions/admin-save-seller", &form).await;
    assert_eq!(location(&answer), format!("{page}?done=seller-saved"));
    let wrong = [
        ("seller[name]", "Another \"name\""),
        ("seller[country]", "Germany"),
        ("seller[licence_text]", "One </textarea> reader"),
        ("seller[locale]", "fr"),
        ("seller[paper]", "A4"),
    ];
    let kept = location(&admin.post("/actions/admin-save-seller", &wrong).await);
    assert!(kept.starts_with(&format!("{page}?refused=bad-seller&draft=")), "{kept}");
    let typed = admin.text(&kept).await;
    for words in [
        "Not saved yet: one field needs another look.",
        "value=\"Another &quot;name&quot;\"",
        "value=\"Germany\"",
        "A country is two letters, like DE or US.",
        "aria-describedby=\"wrong-country\"",
        "One &lt;/textarea> reader",
    ] {
        assert!(typed.contains(words), "{words}: {typed}");
    }
    assert!(!typed.contains("Lindenallee"), "what was typed, and nothing else: {typed}");
    // Saved elsewhere meanwhile: the refused form is forgotten, and its address shows what holds.
    assert_eq!(location(&admin.post("/actions/admin-save-seller", &form).await), format!("{page}?done=seller-saved"));
    let typed = admin.text(&kept).await;
    assert!(typed.contains("Lindenallee") && !typed.contains("Not saved yet"), "{typed}");
    let shown = admin.text(page).await;
    assert!(shown.contains("Lindenallee 7\n10115 Berlin") && shown.contains("HRB 1 &lt;/textarea>"), "{shown}");
    let upload = async |picture: Vec<u8>| {
        let body = multipart(&[("logo", Some("logo.png"), &picture)]);
        let request = admin.request(Method::POST, "/admin/settings/invoices/logo").header("origin", &store.url);
        let request = request.header("content-type", "multipart/form-data; boundary=cut").body(body);
        location(&request.send().await.unwrap())
    };
    assert!(upload(b"<svg xmlns='http://www.w3.org/2000/svg'/>".to_vec()).await.contains("?said="));
    assert_eq!(upload(png(400, 300)).await, format!("{page}?done=logo-set"));
    assert!(admin.text(page).await.contains("There is one"));
    let example = admin.get(&format!("{page}/preview.pdf")).await;
    assert_eq!(
        (example.status(), example.headers()["content-type"].to_str().unwrap()),
        (StatusCode::OK, "application/pdf")
    );
    let audited = store.texts("SELECT action AS value FROM audit WHERE object = 'settings:invoices'").await;
    assert_eq!(audited, ["invoices.seller", "invoices.logo"]);
    // What is issued now says so, and keeps it.
    let buyer = store.browser();
    store.buy(&buyer, &BOOKS, "ann@example.org").await;
    let seller = "SELECT seller_snapshot AS value FROM invoice";
    let logo = store.texts("SELECT key AS value FROM invoice_logo").await.remove(0);
    assert!(store.texts(seller).await[0].contains(&logo));
    let version = hidden(&admin.text(page).await, "version").unwrap();
    let another =
        [("version", version.as_str()), ("seller[name]", "Another"), ("seller[locale]", "en"), ("seller[paper]", "A4")];
    let answer = admin.post("/actions/admin-save-seller", &another).await;
    assert_eq!(location(&answer), format!("{page}?done=seller-saved"));
    assert!(store.texts(seller).await[0].contains("Bücherstube <b>"));
    store.settle().await;
});

on_both_databases!(an_outdated_form_of_the_seller_is_refused_and_keeps_what_was_typed, async |store| {
    let (ann, bob) = (store.desk(Role::Admin).await, store.desk(Role::Admin).await);
    let page = "/admin/settings/invoices";
    let (done, outdated) = (format!("{page}?done=seller-saved"), format!("{page}?refused=outdated&draft="));
    let save = async |desk: &Browser, version: &str, name: &str, email: &str| {
        let form = [
            ("version", version),
            ("seller[name]", name),
            ("seller[address]", "Gasse 1\r\n10115 Berlin"),
            ("seller[country]", "de"),
            ("seller[email]", email),
            ("seller[locale]", "de"),
            ("seller[paper]", "A4"),
        ];
        location(&desk.post("/actions/admin-save-seller", &form).await)
    };
    let name = async || store.shop.invoice_settings().await.unwrap().seller.name;
    let opened = hidden(&ann.text(page).await, "version").unwrap();
    assert_eq!(save(&ann, &opened, "Tide Press", "").await, done);
    // Pressed twice it is saved once; a logo is no change of what the form says.
    assert_eq!(save(&ann, &opened, "Tide  Press ", "").await, done);
    store.shop.set_logo(&Actor::Command, Some(png(400, 300).into())).await.unwrap();
    let saved = hidden(&ann.text(page).await, "version").unwrap();
    assert_eq!(saved, store.shop.invoice_settings().await.unwrap().seller.version());
    let kept = save(&bob, &opened, "Ebb Press", "bob@example.org").await;
    assert!(kept.starts_with(&outdated), "{kept}");
    assert_eq!(name().await, "Tide Press");
    let shown = bob.text(&kept).await;
    for words in [
        "Somebody has saved these settings since you opened the form",
        "value=\"Ebb Press\"",
        "value=\"bob@example.org\"",
        "<td data-label=\"Saved\">Tide Press</td>",
        "<td data-label=\"Yours\">Ebb Press</td>",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert_eq!(shown.matches("data-label=\"Yours\"").count(), 2, "what differs and nothing else: {shown}");
    assert_eq!(save(&bob, &hidden(&shown, "version").unwrap(), "Ebb Press", "bob@example.org").await, done);
    // Whoever was told may have been told of what is not there any more either.
    assert!(save(&ann, &saved, "Tide Press", "").await.starts_with(&outdated));
    assert_eq!((name().await.as_str(), store.count("audit WHERE action = 'invoices.seller'").await), ("Ebb Press", 2));
});

on_both_databases!(of_two_who_save_the_seller_at_once_one_is_told, async |store| {
    // The first time there is no row yet, the second time there is.
    for names in [["One", "Two"], ["Three", "Four"]] {
        let over = store.shop.invoice_settings().await.unwrap().seller.version();
        let [one, two] = names.map(|name| SellerSettings { name: name.to_owned(), ..SellerSettings::default() });
        let (one, two) = futures::join!(
            store.shop.set_seller(&Actor::Command, &over, &one),
            store.shop.set_seller(&Actor::Command, &over, &two),
        );
        let results = [one.unwrap(), two.unwrap()];
        assert!(results.contains(&Ok(())) && results.contains(&Err(Outdated)), "{results:?}");
    }
    assert_eq!(store.count("audit WHERE action = 'invoices.seller'").await, 2);
});
