//! The first owner, links that set passwords, codes of telephones, and the team.

use crate::support::{Browser, Member, Options, Program, Store, hidden, location, on_both_databases};
use chrono::{TimeDelta, Utc};
use reqwest::StatusCode;
use shop::Clock;
use shop::audit::Actor;
use shop::hooks::{EndpointState, EventType, WhyDisabled};
use shop::staff::{DEMO_EMAIL, DEMO_PASSWORD, NewStaff};
use shop::types::Role;

const STRONG: &str = "four random words here";

/// Time stands still until a test moves it.
fn standing() -> Options {
    Options { webhooks: false, workers: false, clock: Clock::manual(Utc::now().naive_utc()), ..Options::default() }
}

/// What stands behind `#`.
fn secret_of(url: &str) -> String {
    url.trim().split('#').nth(1).unwrap().to_owned()
}

async fn set_up(browser: &Browser, secret: &str, email: &str, password: &str) -> (StatusCode, String) {
    let form = [("secret", secret), ("email", email), ("password", password)];
    let answer = browser.post_from("/admin/setup", "/actions/admin-set-up", &form).await;
    (answer.status(), location(&answer))
}

on_both_databases!(the_first_owner_comes_by_a_link_that_is_good_once, async |store| {
    let browser = store.browser();
    assert!(browser.text("/admin/login").await.contains("Nobody works here yet"));
    // The program prints it, and again.
    let (code, printed) = store.octavo(&["admin", "setup-url"]).await;
    assert_eq!(code, 0, "{printed}");
    let secret = secret_of(&printed);
    assert!(printed.starts_with(&format!("{}/admin/setup#su_", store.url)), "{printed}");
    assert_eq!(store.octavo(&["admin", "setup-url"]).await.1, printed);
    // Looking at the page changes nothing; another secret is none, and neither is a weak password.
    assert!(browser.text("/admin/setup").await.contains("/actions/admin-set-up"));
    let refused = |code: &str| (StatusCode::SEE_OTHER, format!("/admin/setup?error={code}"));
    assert_eq!(set_up(&browser, "su_guessed", "ann@example.org", STRONG).await, refused("forbidden"));
    assert_eq!(set_up(&browser, &secret, "ann@example.org", "short").await, refused("weak-password"));
    assert_eq!(set_up(&browser, &secret, "ann@example.org", "ann@example.org").await, refused("weak-password"));
    assert_eq!(store.count("users").await, 0);
    assert_eq!(set_up(&browser, &secret, "ann@example.org", STRONG).await, (StatusCode::SEE_OTHER, "/admin".into()));
    assert!(browser.has_desk().await);
    // Once.
    assert_eq!(set_up(&store.browser(), &secret, "bob@example.org", STRONG).await, refused("forbidden"));
    assert!(store.browser().text("/admin/setup").await.contains("This store is set up"));
    assert_eq!(store.octavo(&["admin", "setup-url"]).await.0, 1);
    assert_eq!(store.texts("SELECT role || ' ' || email AS value FROM users").await, ["owner ann@example.org"]);
});

on_both_databases!(of_twenty_at_once_one_becomes_the_owner, async |store| {
    let secret = secret_of(&store.shop.setup_url().await.unwrap().unwrap());
    let tries = (0..20).map(|n| {
        let (shop, secret) = (store.shop.clone(), secret.clone());
        async move {
            let email = format!("ann{n}@example.org").parse().unwrap();
            shop.set_up(&secret, &email, &STRONG.parse().unwrap()).await.is_ok()
        }
    });
    let won = futures::future::join_all(tries).await.into_iter().filter(|won| *won).count();
    assert_eq!((won, store.count("users").await), (1, 1));
});

on_both_databases!(a_running_program_prints_the_link_and_keeps_it_out_of_its_log, async |store| {
    let program = Program::start_with(store, None, &[("RUST_LOG", "trace")]).await;
    let secret = secret_of(&store.shop.setup_url().await.unwrap().unwrap());
    let browser = store.browser().at(&program.url);
    assert_eq!(set_up(&browser, &secret, "ann@example.org", STRONG).await.1, "/admin");
    drop(program);
    let log = crate::support::log(store);
    for told in [secret.as_str(), "ann@example.org", STRONG, "octavo-desk=", "octavo-device="] {
        assert!(!log.contains(told), "{told} is in the log");
    }
});

fn demo() -> Options {
    Options { demo: true, ..Options::default() }
}

on_both_databases!(the_demo_shows_its_login_and_heals_it, demo(), async |store| {
    store.shop.open_demo_desk().await.unwrap();
    let page = store.browser().text("/admin/login").await;
    let (email, password) = store.shop.demo_login().unwrap();
    assert!(page.contains(email) && page.contains(password));
    assert_eq!(location(&store.browser().try_to_sign_in(email, password).await), "/admin");
    // A visitor who spoils it spoils it until the next start.
    store.execute("UPDATE users SET role = 'viewer', password_hash = NULL").await;
    store.shop.open_demo_desk().await.unwrap();
    let browser = store.browser();
    assert_eq!(location(&browser.try_to_sign_in(DEMO_EMAIL, password).await), "/admin");
    assert_eq!(browser.get("/admin/team").await.status(), StatusCode::OK);
    assert_eq!(store.shop.setup_url().await.unwrap(), None);
});

on_both_databases!(no_other_store_has_a_login_that_anybody_knows, async |store| {
    store.shop.open_demo_desk().await.unwrap();
    assert_eq!((store.count("users").await, store.shop.demo_login()), (0, None));
    // One that was a demo before shuts its owner out.
    let (email, password) = (DEMO_EMAIL.parse().unwrap(), Some(DEMO_PASSWORD.parse().unwrap()));
    store.shop.add_staff(&Actor::Store, &NewStaff { email, role: Role::Owner, password }).await.unwrap();
    let browser = store.browser();
    assert_eq!(location(&browser.try_to_sign_in(DEMO_EMAIL, DEMO_PASSWORD).await), "/admin");
    assert_eq!(browser.get("/admin").await.status(), StatusCode::OK);
    // Whoever a visitor let in then goes too, and what she has told elsewhere ends.
    let stranger = store.staff(Role::Owner).await;
    let hers = store.browser();
    hers.sign_in(&stranger).await;
    store.endpoint(&format!("{}/stranger", store.url), &[EventType::OrderSucceeded]).await;
    store.shop.open_demo_desk().await.unwrap();
    assert!(!hers.has_desk().await);
    let endpoints = store.shop.webhook_endpoints().await.unwrap();
    assert_eq!(endpoints[0].state, EndpointState::Disabled(WhyDisabled::SwitchedOff));
    assert_eq!(location(&browser.get("/admin").await), "/admin/login");
    let refused = location(&store.browser().try_to_sign_in(DEMO_EMAIL, DEMO_PASSWORD).await);
    assert!(refused.starts_with("/admin/login?error="), "{refused}");
    assert!(store.shop.setup_url().await.unwrap().is_some());
    store.staff(Role::Owner).await;
    assert!(!store.browser().text("/admin/login").await.contains(DEMO_EMAIL));
});

async fn set_password(store: &Store, secret: &str, password: &str) -> String {
    let form = [("secret", secret), ("password", password)];
    location(&store.browser().post_from("/admin/password", "/actions/admin-set-password", &form).await)
}

on_both_databases!(a_colleague_is_invited_and_comes_in, standing(), async |store| {
    let owner = store.desk(Role::Owner).await;
    let form = [("email", "bob@example.org"), ("role", "support")];
    let invited = location(&owner.post_from("/admin/team", "/actions/admin-invite", &form).await);
    let page = owner.text(&invited).await;
    let url = page.split("class=\"secret\">").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let secret = secret_of(&url);
    assert!(url.starts_with(&format!("{}/admin/password#pl_", store.url)));
    // Nobody comes in before, and a scanner's look consumes nothing.
    let refused = store.browser().try_to_sign_in("bob@example.org", "").await;
    assert_eq!(location(&refused), "/admin/login?error=sign-in-refused");
    store.browser().text("/admin/password").await;
    assert_eq!(set_password(store, &secret, "too short").await, "/admin/password?error=weak-password");
    assert_eq!(set_password(store, &secret, STRONG).await, "/admin/login?done=password-set");
    assert_eq!(set_password(store, &secret, "another good password").await, "/admin/password?error=forbidden");
    let bob = store.browser();
    assert_eq!(location(&bob.try_to_sign_in("bob@example.org", STRONG).await), "/admin");
    assert_eq!(bob.get("/admin/team").await.status(), StatusCode::FORBIDDEN);
    // A second invitation of the same address is refused where it was made.
    let again = owner.post_from("/admin/team", "/actions/admin-invite", &form).await;
    assert_eq!(location(&again), "/admin/team?error=taken");
    // A new link ends the old one; with the new password bob's sessions end. Nobody waits for ever.
    let bob_id = store.shop.staff_id(&"bob@example.org".parse().unwrap()).await.unwrap();
    let old = store.shop.make_password_link(&Actor::Command, bob_id).await.unwrap();
    let new = store.octavo(&["admin", "reset-password", "bob@example.org"]).await.1;
    let new = secret_of(new.lines().next().unwrap());
    assert_eq!(set_password(store, &secret_of(&old.url), STRONG).await, "/admin/password?error=forbidden");
    assert!(bob.has_desk().await);
    assert_eq!(set_password(store, &new, "another good password").await, "/admin/login?done=password-set");
    assert!(!bob.has_desk().await);
    let late = store.shop.make_password_link(&Actor::Command, bob_id).await.unwrap();
    store.shop.clock().advance(TimeDelta::days(3));
    assert_eq!(set_password(store, &secret_of(&late.url), STRONG).await, "/admin/password?error=forbidden");
});

on_both_databases!(roles_and_switches_work_from_the_next_request_on, async |store| {
    let (owner_one, bob) = (store.staff(Role::Owner).await, store.staff(Role::Owner).await);
    let (owner, his) = (store.browser(), store.browser());
    owner.sign_in(&owner_one).await;
    his.sign_in(&bob).await;
    let post = async |path: &str, id: i64, role: &str| {
        let id = id.to_string();
        let form = [("id", id.as_str()), ("role", role)];
        location(&owner.post_from("/admin/team", path, &form).await)
    };
    assert_eq!(his.get("/admin/team").await.status(), StatusCode::OK);
    assert_eq!(post("/actions/admin-set-role", bob.id, "viewer").await, "/admin/team?done=role-changed");
    assert_eq!(his.get("/admin/team").await.status(), StatusCode::FORBIDDEN);
    // The last owner stays, whatever is tried.
    for (path, role) in [("/actions/admin-set-role", "admin"), ("/actions/admin-switch-off", "")] {
        assert_eq!(post(path, owner_one.id, role).await, "/admin/team?error=last-owner");
    }
    assert!(owner.get("/admin/team").await.status() == StatusCode::OK);
    assert_eq!(post("/actions/admin-switch-off", bob.id, "").await, "/admin/team?done=switched-off");
    assert!(!his.has_desk().await);
    assert_eq!(location(&his.try_to_sign_in(&bob.email, Member::PASSWORD).await), "/admin/login?error=sign-in-refused");
    assert_eq!(post("/actions/admin-switch-on", bob.id, "").await, "/admin/team?done=switched-on");
    assert!(!his.has_desk().await, "an old session does not come back");
    his.sign_in(&bob).await;
    // Written down, and found by who and by what.
    let page = owner.text(&format!("/admin/audit?of=user%3A{}", bob.id)).await;
    for action in ["user.added", "session.opened", "user.role_changed", "user.switched_off", "user.switched_on"] {
        assert!(page.contains(action), "{action}");
    }
    let page = owner.text(&format!("/admin/audit?who={}", owner_one.email)).await;
    assert!(page.contains("user.switched_off") && page.contains("\"role\":\"owner\""), "{page}");
    assert!(!owner.text("/admin/audit?who=nobody%40example.org").await.contains("user.added"));
});

on_both_databases!(of_two_owners_who_switch_each_other_off_one_is_left, async |store| {
    for _ in 0..5 {
        let (one, two) = (store.staff(Role::Owner).await, store.staff(Role::Owner).await);
        let others = format!("UPDATE users SET role = 'viewer' WHERE id NOT IN ({}, {})", one.id, two.id);
        store.execute(&others).await;
        let (actor_one, actor_two) = (one.actor(), two.actor());
        let results =
            futures::join!(store.shop.switch_off(&actor_one, two.id), store.shop.switch_off(&actor_two, one.id));
        assert!(results.0.is_ok() != results.1.is_ok(), "{results:?}");
        assert_eq!(store.count("users WHERE role = 'owner' AND disabled_at IS NULL").await, 1);
    }
});

on_both_databases!(the_audit_is_read_page_by_page, async |store| {
    let browser = store.desk(Role::Admin).await;
    for _ in 0..3 {
        for n in 0..30 {
            let sql = format!(
                "INSERT INTO audit (at, actor, action, object) VALUES ('2026-11-01 00:00:00', 'command', 'x.made', 'x:{n}')"
            );
            store.execute(&sql).await;
        }
    }
    let (mut path, mut rows, mut pages) = (Some("/admin/audit?who=command".to_owned()), 0, 0);
    while let Some(at) = path {
        let page = browser.text(&at).await;
        rows += page.matches("x.made").count();
        pages += 1;
        path = page
            .split("href=\"")
            .skip(1)
            .map(|rest| rest.split('"').next().unwrap())
            .find(|href| href.contains("before="))
            .map(|href| href.replace("&amp;", "&"));
    }
    assert_eq!((rows, pages), (90, 2));
});

/// The code of an account's telephone, of now or of some half minutes later.
async fn code_of(store: &Store, browser: &Browser, later: i64) -> String {
    let page = browser.text("/admin/account").await;
    let secret = page.split("class=\"secret\">").nth(1).unwrap().split('<').next().unwrap().replace(' ', "");
    totp(&secret, store.shop.clock().now().and_utc().timestamp() + later * 30)
}

/// What a telephone shows at that second.
fn totp(secret: &str, seconds: i64) -> String {
    let secret = totp_rs::Secret::try_from_base32(secret).unwrap();
    totp_rs::Builder::new().with_secret(secret).build().unwrap().generate(seconds.unsigned_abs()).to_string()
}

async fn give_code(browser: &Browser, code: &str) -> String {
    location(&browser.post_from("/admin/login", "/actions/admin-sign-in-code", &[("code", code)]).await)
}

on_both_databases!(row_33_a_code_lets_in_once, standing(), async |store| {
    let member = store.staff(Role::Admin).await;
    let browser = store.browser();
    browser.sign_in(&member).await;
    let secret_page = browser.text("/admin/account").await;
    let secret = secret_page.split("class=\"secret\">").nth(1).unwrap().split('<').next().unwrap().replace(' ', "");
    let code = code_of(store, &browser, 0).await;
    let on = async |password: &str, code: &str| {
        let form = [("password", password), ("code", code)];
        location(&browser.post_from("/admin/account", "/actions/admin-codes-on", &form).await)
    };
    assert_eq!(on("wrong", &code).await, "/admin/account?error=sign-in-refused");
    assert_eq!(on(Member::PASSWORD, "000000").await, "/admin/account?error=sign-in-refused");
    assert_eq!(on(Member::PASSWORD, &code).await, "/admin/account/codes?done=codes-on");
    let shown = browser.text("/admin/account/codes").await;
    let recovery: Vec<String> =
        shown.split("<li><code>").skip(1).map(|rest| rest.split('<').next().unwrap().to_owned()).collect();
    assert_eq!(recovery.len(), 10);
    let clock = store.shop.clock();
    let now = || clock.now().and_utc().timestamp();

    // The password opens nothing but the question.
    let other = store.browser();
    let password = async |browser: &Browser| location(&browser.try_to_sign_in(&member.email, Member::PASSWORD).await);
    assert_eq!(password(&other).await, "/admin/login");
    assert!(!other.has_desk().await);
    assert!(other.text("/admin/login").await.contains("/actions/admin-sign-in-code"));
    // The code that switched them on is used; so is each after its first use, and those before it.
    assert_eq!(give_code(&other, &code).await, "/admin/login?error=sign-in-refused");
    clock.advance(TimeDelta::seconds(30));
    let next = totp(&secret, now());
    assert_eq!(give_code(&other, &next).await, "/admin");
    assert!(other.has_desk().await);
    let third = store.browser();
    password(&third).await;
    assert_eq!(give_code(&third, &next).await, "/admin/login?error=sign-in-refused");
    assert_eq!(give_code(&third, &totp(&secret, now() - 30)).await, "/admin/login?error=sign-in-refused");
    // Nor after two minutes, nor for another account.
    assert_eq!(give_code(&third, &totp(&secret, now() + 120)).await, "/admin/login?error=sign-in-refused");
    // A recovery code lets in, once.
    assert_eq!(give_code(&third, &recovery[0].to_lowercase()).await, "/admin");
    let fourth = store.browser();
    password(&fourth).await;
    assert_eq!(give_code(&fourth, &recovery[0]).await, "/admin/login?error=sign-in-refused");
    assert_eq!(store.count("recovery_code WHERE used_at IS NULL").await, 9);
    // Nobody has for ever between the password and the code.
    clock.advance(TimeDelta::minutes(5));
    assert_eq!(give_code(&fourth, &totp(&secret, now())).await, "/admin/login");
    assert!(!fourth.has_desk().await);
    // Recovery codes are shown while they are new, and that is over.
    clock.advance(TimeDelta::minutes(5));
    assert!(!browser.text("/admin/account/codes").await.contains(&recovery[1]));
    // Lost: the machine's command ends them, and the next secret is another.
    let (code, said) = store.octavo(&["admin", "totp-off", &member.email]).await;
    assert!(code == 0, "{said}");
    assert_eq!(password(&store.browser()).await, "/admin");
    assert_eq!(store.count("recovery_code").await, 0);
    assert!(!browser.text("/admin/account").await.replace(' ', "").contains(&secret));
});

on_both_databases!(row_33_ten_codes_are_looked_at_in_a_quarter_of_an_hour, standing(), async |store| {
    let member = store.staff(Role::Owner).await;
    let browser = store.browser();
    browser.sign_in(&member).await;
    let code = code_of(store, &browser, 0).await;
    browser.post("/actions/admin-codes-on", &[("password", Member::PASSWORD), ("code", &code)]).await;
    let (mut looked_at, mut refused) = (0, 0);
    // Who knows the password comes again and again, and guesses.
    for _ in 0..8 {
        let thief = store.browser();
        if location(&thief.try_to_sign_in(&member.email, Member::PASSWORD).await) != "/admin/login" {
            refused += 1;
            continue;
        }
        for n in 0..8 {
            match give_code(&thief, &format!("{n:06}")).await.as_str() {
                "/admin/login?error=sign-in-refused" => looked_at += 1,
                "/admin/login?error=rate-limited" => refused += 1,
                other => panic!("{other}"),
            }
        }
    }
    assert_eq!(store.texts("SELECT CAST(MAX(tries) AS TEXT) AS value FROM staff_session").await, ["5"]);
    assert!(looked_at <= 10 && refused > 0, "{looked_at} looked at, {refused} refused");
});

on_both_databases!(a_new_password_ends_the_other_sessions, async |store| {
    let member = store.staff(Role::Viewer).await;
    let (here, there, third) = (store.browser(), store.browser(), store.browser());
    for browser in [&here, &there, &third] {
        browser.sign_in(&member).await;
    }
    // One of them by hand.
    let page = here.text("/admin/account").await;
    assert_eq!(page.matches("/actions/admin-end-session").count(), 2);
    let form = page.split("/actions/admin-end-session").nth(1).unwrap();
    let id = hidden(form, "id").unwrap();
    assert_eq!(
        location(&here.post("/actions/admin-end-session", &[("id", &id)]).await),
        "/admin/account?done=session-ended"
    );
    assert!(there.has_desk().await != third.has_desk().await);
    // Not another's.
    let another = store.desk(Role::Owner).await;
    let own = store.texts("SELECT CAST(MAX(id) AS TEXT) AS value FROM staff_session WHERE revoked_at IS NULL").await;
    assert_eq!(here.post("/actions/admin-end-session", &[("id", &own[0])]).await.status(), StatusCode::NOT_FOUND);
    assert!(another.has_desk().await);
    let change = async |old: &str, new: &str| {
        location(
            &here.post_from("/admin/account", "/actions/admin-change-password", &[("old", old), ("new", new)]).await,
        )
    };
    assert_eq!(change("wrong", STRONG).await, "/admin/account?error=sign-in-refused");
    assert_eq!(change(Member::PASSWORD, &member.email).await, "/admin/account?error=weak-password");
    assert_eq!(change(Member::PASSWORD, STRONG).await, "/admin/account?done=password-changed");
    assert!(here.has_desk().await && !there.has_desk().await && !third.has_desk().await);
    assert_eq!(location(&there.try_to_sign_in(&member.email, STRONG).await), "/admin");
});
