//! The desk's pages of webhooks, as those who work there use them: forms without JavaScript.

use super::{BOOKS, standing};
use crate::support::{Browser, GOOD_CARD, Receiver, hidden, location, on_both_databases};
use chrono::TimeDelta;
use reqwest::StatusCode;
use shop::audit::Actor;
use shop::hooks::{EventType, NewEndpoint, NotSaved};
use shop::types::Role;

/// Sends a form that works; gives where it leads.
async fn sent(browser: &Browser, path: &str, form: &[(&str, &str)]) -> String {
    let answer = browser.post_from("/admin/webhooks", path, form).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER, "{path}: {}", answer.text().await.unwrap());
    location(&answer)
}

on_both_databases!(an_owner_adds_an_endpoint_and_an_admin_sees_what_it_was_told, standing(), async |store| {
    let receiver = Receiver::start().await;
    let (owner, admin) = (store.desk(Role::Owner).await, store.desk(Role::Admin).await);
    assert!(owner.text("/admin/webhooks").await.contains("No program is told what happens here"));
    let url = receiver.url();
    let form = [
        ("url", url.as_str()),
        ("description", " The   newsletter "),
        ("events[]", "order.succeeded"),
        ("events[]", "entitlement.granted"),
    ];
    let page = sent(&owner, "/actions/admin-add-webhook", &form).await;
    assert_eq!(page, "/admin/webhooks/1?done=webhook-added");
    let shown = owner.text(&page).await;
    assert!(shown.contains("whsec_") && shown.contains("The newsletter"), "{shown}");
    // Who may not change it does not see the secret, nor the forms.
    let seen = admin.text("/admin/webhooks/1").await;
    for hidden in ["whsec_", "admin-change-webhook", "admin-delete-webhook", "admin-replace-webhook-secret"] {
        assert!(!seen.contains(hidden), "{hidden}");
    }
    store.shop.clock().advance(TimeDelta::minutes(10));
    assert!(!owner.text("/admin/webhooks/1").await.contains("whsec_"));

    receiver.answer(500, &[], "<b>no</b>");
    store.bought(&BOOKS[..1], GOOD_CARD).await;
    store.deliver_webhooks().await;
    assert_eq!(receiver.taken().len(), 2);
    let list = admin.text("/admin/webhooks/1").await;
    assert!(list.contains("Failed once, tried again later") && list.contains("500"), "{list}");
    let page = admin.text("/admin/webhooks/1/1").await;
    assert!(
        page.contains("&lt;b&gt;no&lt;/b&gt;") && page.contains("webhook-id") && page.contains("Send now"),
        "{page}"
    );
    assert_eq!(admin.get("/admin/webhooks/2/1").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(admin.get("/admin/webhooks/1/99").await.status(), StatusCode::NOT_FOUND);
    receiver.answer(200, &[], "");
    let to = sent(&admin, "/actions/admin-redeliver-webhook", &[("id", "1")]).await;
    assert_eq!(to, "/admin/webhooks/1/1?done=webhook-sent");
    store.deliver_webhooks().await;
    assert!(admin.text("/admin/webhooks/1/1").await.contains("Delivered"));

    let to = sent(&owner, "/actions/admin-switch-webhook", &[("id", "1"), ("on", "false")]).await;
    assert_eq!(to, "/admin/webhooks/1?done=webhook-off");
    assert!(owner.text("/admin/webhooks/1?state=failed").await.contains("Given up"));
    let again = [("id", "1"), ("hours", "24")];
    assert_eq!(sent(&admin, "/actions/admin-redeliver-webhooks", &again).await, "/admin/webhooks/1?refused=off");
    assert_eq!(sent(&owner, "/actions/admin-test-webhook", &[("id", "1")]).await, "/admin/webhooks/1?refused=off");
    sent(&owner, "/actions/admin-switch-webhook", &[("id", "1"), ("on", "true")]).await;
    assert_eq!(sent(&admin, "/actions/admin-redeliver-webhooks", &again).await, "/admin/webhooks/1?done=webhooks-sent");
    let to = sent(&owner, "/actions/admin-test-webhook", &[("id", "1")]).await;
    assert_eq!(to, "/admin/webhooks/1/3?done=webhook-sent");
    let to = sent(&owner, "/actions/admin-replace-webhook-secret", &[("id", "1"), ("keep", "24")]).await;
    assert!(owner.text(&to).await.contains("whsec_"));
    let version = hidden(&owner.text("/admin/webhooks/1").await, "version").unwrap();
    let change = [("id", "1"), ("version", version.as_str()), ("url", url.as_str()), ("events[]", "order.refunded")];
    assert_eq!(sent(&owner, "/actions/admin-change-webhook", &change).await, "/admin/webhooks/1?done=webhook-changed");
    assert_eq!(
        sent(&owner, "/actions/admin-delete-webhook", &[("id", "1")]).await,
        "/admin/webhooks?done=webhook-deleted"
    );
    assert_eq!(owner.get("/admin/webhooks/1").await.status(), StatusCode::NOT_FOUND);
    assert_eq!(owner.get("/admin/webhooks/1/1").await.status(), StatusCode::NOT_FOUND);
    let actions = store.texts("SELECT action AS value FROM audit WHERE object = 'webhook:1' ORDER BY id").await;
    assert_eq!(
        actions,
        [
            "webhook.added",
            "webhook.redelivered",
            "webhook.disabled",
            "webhook.enabled",
            "webhook.redelivered",
            "webhook.tested",
            "webhook.secret_replaced",
            "webhook.changed",
            "webhook.deleted",
        ]
    );
});

on_both_databases!(what_is_wrong_with_an_endpoint_is_said_in_words, standing(), async |store| {
    let owner = store.desk(Role::Owner).await;
    let good = ("events[]", "order.succeeded");
    for (form, code) in [
        (vec![("url", "hooks"), good], "malformed"),
        (vec![("url", "https://user:password@hooks.example.org/"), good], "malformed"),
        (vec![("url", "http://169.254.169.254/"), good], "private"),
        (vec![("url", "http://127.0.0.1:1/")], "no-events"),
        (vec![("url", "http://127.0.0.1:1/"), ("description", &"x".repeat(201)), good], "long-description"),
    ] {
        let to = sent(&owner, "/actions/admin-add-webhook", &form).await;
        assert_eq!(to, format!("/admin/webhooks?refused={code}"));
        assert!(owner.text(&to).await.contains("role=\"alert\""), "{code}");
    }
    let odd = [("url", "http://127.0.0.1:1/"), ("events[]", "order.eaten")];
    assert_eq!(owner.post("/actions/admin-add-webhook", &odd).await.status(), StatusCode::BAD_REQUEST);
    for _ in 0..16 {
        let to = sent(&owner, "/actions/admin-add-webhook", &[("url", "http://127.0.0.1:1/"), good]).await;
        assert!(to.contains("done=webhook-added"), "{to}");
    }
    let to = sent(&owner, "/actions/admin-add-webhook", &[("url", "http://127.0.0.1:1/"), good]).await;
    assert_eq!(to, "/admin/webhooks?refused=too-many");
    assert_eq!(store.count("webhook_endpoint").await, 16);
});

on_both_databases!(an_outdated_form_of_an_endpoint_is_refused_and_keeps_what_was_typed, standing(), async |store| {
    let (ann, bob) = (store.desk(Role::Owner).await, store.desk(Role::Owner).await);
    let url = "http://127.0.0.1:1/hook";
    let endpoint = store.endpoint(url, &[EventType::OrderSucceeded]).await;
    let (id, page) = (endpoint.to_string(), format!("/admin/webhooks/{endpoint}"));
    let save = async |desk: &Browser, version: &str, url: &str, description: &str, event: &str| {
        let form = [
            ("id", id.as_str()),
            ("version", version),
            ("url", url),
            ("description", description),
            ("events[]", event),
        ];
        sent(desk, "/actions/admin-change-webhook", &form).await
    };
    let (done, outdated) = (format!("{page}?done=webhook-changed"), format!("{page}?refused=outdated&draft="));
    let opened = hidden(&ann.text(&page).await, "version").unwrap();
    assert_eq!(save(&ann, &opened, url, "Newsletter", "order.refunded").await, done);
    // Pressed twice it is saved once.
    assert_eq!(save(&ann, &opened, url, " Newsletter ", "order.refunded").await, done);
    let kept = save(&bob, &opened, url, "Accounts", "order.succeeded").await;
    assert!(kept.starts_with(&outdated), "{kept}");
    let saved = store.shop.webhook_endpoint(endpoint).await.unwrap();
    assert_eq!((saved.description.as_str(), saved.events), ("Newsletter", vec![EventType::OrderRefunded]));
    let shown = bob.text(&kept).await;
    for words in [
        "Somebody has saved these settings since you opened the form",
        "value=\"Accounts\"",
        "<td data-label=\"Saved\">Newsletter</td>",
        "<td data-label=\"Yours\">order.succeeded</td>",
    ] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    // Switched off and given a new secret meanwhile, it is the same as far as the form goes.
    store.shop.switch_webhook_endpoint(&Actor::Command, endpoint, false).await.unwrap();
    store.shop.rotate_webhook_secret(&Actor::Command, endpoint, 0).await.unwrap();
    let seen = hidden(&shown, "version").unwrap();
    assert_eq!(save(&bob, &seen, url, "Accounts", "order.succeeded").await, done);
    assert!(save(&ann, &seen, url, "Newsletter", "order.refunded").await.starts_with(&outdated));
    // What is refused for another reason is there again too, and stays over what it was opened over.
    let now = hidden(&ann.text(&page).await, "version").unwrap();
    let kept = save(&ann, &now, "hooks", "Typed", "order.refunded").await;
    assert!(kept.starts_with(&format!("{page}?refused=malformed&draft=")), "{kept}");
    let shown = ann.text(&kept).await;
    for words in ["That is not an address", "value=\"hooks\"", "value=\"Typed\""] {
        assert!(shown.contains(words), "{words}: {shown}");
    }
    assert!(!shown.contains("What differs"), "{shown}");
    assert_eq!(hidden(&shown, "version"), Some(now.clone()));
    // Saved by a program meanwhile, which sends no version: that is seen as well, and so is one who is a moment too late.
    let new = |description: &str| NewEndpoint {
        url: url.to_owned(),
        description: description.to_owned(),
        events: vec![EventType::OrderSucceeded],
    };
    store.shop.change_webhook_endpoint(&Actor::Command, endpoint, None, &new("A program's")).await.unwrap().unwrap();
    assert!(save(&ann, &now, url, "Typed", "order.refunded").await.starts_with(&outdated));
    let (over, one, two) = (new("A program's").version(), new("One"), new("Two"));
    let (one, two) = futures::join!(
        store.shop.change_webhook_endpoint(&Actor::Command, endpoint, Some(&over), &one),
        store.shop.change_webhook_endpoint(&Actor::Command, endpoint, Some(&over), &two),
    );
    let results = [one.unwrap(), two.unwrap()];
    assert!(results.contains(&Ok(())) && results.contains(&Err(NotSaved::Outdated)), "{results:?}");
});

on_both_databases!(deliveries_are_paged_by_key, standing(), async |store| {
    let receiver = Receiver::start().await;
    let endpoint = store.endpoint(&receiver.url(), &[shop::hooks::EventType::OrderSucceeded]).await;
    for _ in 0..120 {
        store.shop.test_webhook_endpoint(&shop::audit::Actor::Command, endpoint).await.unwrap();
    }
    let mut seen = Vec::new();
    let mut before = None;
    loop {
        let query = shop::hooks::DeliveryQuery { failed: false, before };
        let page = store.shop.webhook_deliveries(endpoint, query).await.unwrap();
        assert!(page.deliveries.len() <= 50);
        seen.extend(page.deliveries.iter().map(|delivery| delivery.id));
        before = page.next;
        if before.is_none() {
            break;
        }
    }
    assert_eq!(seen, (1..=120).rev().collect::<Vec<i64>>());
    let admin = store.desk(Role::Admin).await;
    assert!(admin.text("/admin/webhooks/1").await.contains("before=71"));
    assert!(!admin.text("/admin/webhooks/1?before=21").await.contains(">Older<"));
});
