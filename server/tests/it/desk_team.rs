//! The team and what programs may: invitations by mail, and tokens that do not outlive what they hang on.

use crate::support::{Browser, MailWay, Member, Options, Store, by_hand, location, on_both_databases};
use chrono::{TimeDelta, Utc};
use reqwest::StatusCode;
use shop::Clock;
use shop::audit::Actor;
use shop::types::Role;

const STRONG: &str = "correct horse battery";

fn patient() -> Options {
    Options { clock: Clock::manual(Utc::now().naive_utc()), ..by_hand() }
}

async fn token(browser: &Browser, name: &str) -> String {
    let form = [("name", name), ("scope", "read"), ("days", "30"), ("password", Member::PASSWORD)];
    let made = location(&browser.post_from("/admin/account", "/actions/admin-make-token", &form).await);
    let page = browser.text(&made).await;
    let panel = page.split("id=\"new-token\"").nth(1).expect("the token");
    panel.split("class=\"secret\">").nth(1).unwrap().split('<').next().unwrap().to_owned()
}

async fn works(store: &Store, token: &str) -> bool {
    let me = store.http.get(format!("{}/api/v1/me", store.url)).bearer_auth(token).send().await.unwrap();
    me.status() == StatusCode::OK
}

on_both_databases!(a_token_needs_the_password_once_more, patient(), async |store| {
    let browser = store.desk(Role::Admin).await;
    for password in ["", "a guess of twelve letters"] {
        let form = [("name", "x"), ("scope", "write"), ("days", "30"), ("password", password)];
        let answer = browser.post_from("/admin/account", "/actions/admin-make-token", &form).await;
        assert_eq!(location(&answer), "/admin/account?error=sign-in-refused");
    }
    assert_eq!(store.count("api_token").await, 0);
    assert!(works(store, &token(&browser, "Newsletter").await).await);
});

on_both_databases!(who_changes_the_password_is_told_of_tokens_and_revokes_all, patient(), async |store| {
    let member = store.staff(Role::Admin).await;
    let (browser, other) = (store.browser(), store.desk(Role::Admin).await);
    browser.sign_in(&member).await;
    let change = async |old: &str, new: &str| {
        let form = [("old", old), ("new", new)];
        location(&browser.post_from("/admin/account", "/actions/admin-change-password", &form).await)
    };
    let (one, two, others) = (token(&browser, "One").await, token(&browser, "Two").await, token(&other, "Three").await);
    let to = change(Member::PASSWORD, STRONG).await;
    assert_eq!(to, "/admin/account?done=password-changed-not-tokens#tokens");
    let page = browser.text(to.split('#').next().unwrap()).await;
    assert!(page.contains("Your tokens for programs still work") && page.contains("Revoke all"), "{page}");
    assert!(works(store, &one).await && works(store, &two).await);
    let revoked = browser.post("/actions/admin-revoke-all-tokens", &[]).await;
    assert_eq!(location(&revoked), "/admin/account?done=tokens-revoked");
    assert!(!works(store, &one).await && !works(store, &two).await && works(store, &others).await);
    assert_eq!(change(STRONG, Member::PASSWORD).await, "/admin/account?done=password-changed");
    let written = "SELECT before AS value FROM audit WHERE action = 'token.all_revoked'";
    assert_eq!(store.texts(written).await, ["{\"tokens\":2}"]);
});

on_both_databases!(tokens_do_not_come_back_with_an_account, patient(), async |store| {
    let owner = store.staff(Role::Owner).await;
    let member = store.staff(Role::Admin).await;
    let browser = store.browser();
    browser.sign_in(&member).await;
    let token = token(&browser, "One").await;
    store.shop.switch_off(&owner.actor(), member.id).await.unwrap();
    assert!(!works(store, &token).await);
    store.shop.switch_on(&owner.actor(), member.id).await.unwrap();
    assert!(!works(store, &token).await);
    browser.sign_in(&member).await;
});

on_both_databases!(
    a_colleagues_link_is_mailed_and_good_once,
    Options { mail: MailWay::Memory, ..patient() },
    async |store| {
        let owner = store.desk(Role::Owner).await;
        let invite = [("email", "bob@example.org"), ("role", "support")];
        let invited = location(&owner.post_from("/admin/team", "/actions/admin-invite", &invite).await);
        let page = owner.text(&invited).await;
        assert!(page.contains("It is on its way by mail"), "{page}");
        let shown = page.split("class=\"secret\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
        // No secret lies in the outbox.
        let secret = shown.split('#').nth(1).unwrap().to_owned();
        assert_eq!(store.count(&format!("outbox WHERE payload LIKE '%{secret}%'")).await, 0);
        store.send_all().await;
        let mails = store.mails();
        let mail = mails.last().unwrap();
        assert_eq!(mail.header("To"), "bob@example.org");
        for words in ["You have been invited to work at", "Set my password", &shown] {
            assert!(mail.text.contains(words) && mail.html.contains(words), "{words} is not in {}", mail.text);
        }
        let form = [("secret", secret.as_str()), ("password", STRONG)];
        let set = store.browser().post_from("/admin/password", "/actions/admin-set-password", &form).await;
        assert_eq!(location(&set), "/admin/login?done=password-set");
        // A new link, by whom a colleague asks for: what the program prints is not mailed.
        let id = store.shop.staff_id(&"bob@example.org".parse().unwrap()).await.unwrap();
        let new_link = owner.post("/actions/admin-new-link", &[("id", &id.to_string())]).await;
        assert_eq!(location(&new_link), format!("/admin/team?link={id}&done=link-made"));
        store.send_all().await;
        assert_eq!(store.mails().len(), mails.len() + 1);
        assert!(store.mails().last().unwrap().text.contains("Until you use it, your old one works."));
        store.shop.make_password_link(&Actor::Command, id).await.unwrap();
        assert_eq!(store.count("outbox WHERE kind = 'password_link'").await, 2);
        // A link whose time is over before it could be mailed is not mailed.
        owner.post("/actions/admin-new-link", &[("id", &id.to_string())]).await;
        store.shop.clock().advance(TimeDelta::days(3));
        store.send_all().await;
        assert_eq!(store.mails().len(), mails.len() + 1);
        assert_eq!(store.count("outbox WHERE kind = 'password_link' AND state = 'dead'").await, 1);
    }
);
