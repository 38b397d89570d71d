//! A demo's mailbox page: what it shows, to whom, and that nothing in it runs.

use crate::support::{MailWay, Options, on_both_databases};
use reqwest::StatusCode;
use reqwest::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY};

fn demo(mail: MailWay) -> Options {
    Options { mail, demo: true, ..Options::default() }
}

on_both_databases!(a_demos_mail_can_be_read_without_a_mail_program, demo(MailWay::Folder), async |store| {
    let reader = store.browser();
    assert!(reader.text("/demo/mailbox").await.contains("Nothing yet"));
    assert!(reader.text("/").await.contains("href=\"/demo/mailbox\""));
    assert!(reader.text("/checkout/free/sent").await.contains("Open the mailbox"));
    let (_, first) = store.buy(&store.browser(), &["the-first-book"], "ann@example.org").await;
    store.settle().await;
    let (_, second) = store.buy(&store.browser(), &["the-second-book"], "bo@example.org").await;
    store.settle().await;
    let list = reader.text("/demo/mailbox").await;
    let place = |words: String| list.find(&words).unwrap_or_else(|| panic!("{words} is not in {list}"));
    // The newest first.
    assert!(place(format!("order {second}")) < place(format!("order {first}")));
    assert!(list.contains("To bo@example.org, ") && list.contains("To ann@example.org, "));
    let path =
        list.split("href=\"").find(|rest| rest.starts_with("/demo/mailbox/")).unwrap().split('"').next().unwrap();
    let response = reader.get(path).await;
    assert_eq!(response.headers()[CACHE_CONTROL], "private, no-store");
    let page = response.text().await.unwrap();
    let link = store.shop.order_link(&second).await.unwrap();
    assert!(
        page.contains(&format!("<a href=\"{link}\">"))
            && page.contains("sandbox=\"allow-top-navigation-by-user-activation\"")
    );
    assert!(page.contains(&format!("src=\"{path}/html\"")));
    let frame = reader.get(&format!("{path}/html")).await;
    assert_eq!(frame.status(), StatusCode::OK);
    let policy = frame.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(
        policy.contains("default-src 'none'") && policy.contains("sandbox") && !policy.contains("script"),
        "{policy}"
    );
    let html = frame.text().await.unwrap();
    assert!(
        html.contains(&format!("href=\"{link}\"")) && html.contains("target=\"_top\"") && !html.contains("<script")
    );
    for unknown in ["0199-not-a-mail", "..%2Fsecret.key", "00000000-0000-0000-0000-000000000000"] {
        for end in ["", "/html"] {
            let status = reader.get(&format!("/demo/mailbox/{unknown}{end}")).await.status();
            assert_eq!(status, StatusCode::NOT_FOUND, "{unknown}{end}");
        }
    }
});

on_both_databases!(
    no_other_store_shows_its_mail,
    Options { mail: MailWay::Folder, ..Options::default() },
    async |store| {
        store.buy(&store.browser(), &["the-first-book"], "ann@example.org").await;
        store.settle().await;
        let names: Vec<_> = std::fs::read_dir(store.data.path().join("mailbox")).unwrap().collect();
        assert_eq!(names.len(), 1);
        let name = names[0].as_ref().unwrap().file_name().to_str().unwrap().trim_end_matches(".eml").to_owned();
        let reader = store.browser();
        for path in ["/demo/mailbox".to_owned(), format!("/demo/mailbox/{name}"), format!("/demo/mailbox/{name}/html")]
        {
            assert_eq!(reader.get(&path).await.status(), StatusCode::NOT_FOUND, "{path}");
        }
        assert!(!reader.text("/").await.contains("mailbox"));
    }
);

on_both_databases!(a_demo_that_really_sends_has_no_mailbox, demo(MailWay::Memory), async |store| {
    assert_eq!(store.browser().get("/demo/mailbox").await.status(), StatusCode::NOT_FOUND);
    assert!(!store.browser().text("/checkout/free/sent").await.contains("mailbox"));
});
