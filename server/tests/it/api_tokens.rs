//! How programs come in: access tokens, refresh tokens, tokens for a long time. Row 34.

use crate::support::{Browser, Member, Options, SECRET_KEY, Store, code, location, on_both_databases, problem};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{TimeDelta, Utc};
use hmac::{Hmac, KeyInit as _, Mac as _};
use octavo::routes::api::document::document;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Sha256, Sha512};
use shop::Clock;
use shop::audit::Actor;
use shop::types::Role;

/// Time stands still until a test moves it.
fn standing() -> Options {
    Options { webhooks: false, workers: false, clock: Clock::manual(Utc::now().naive_utc()), ..Options::default() }
}

async fn post(store: &Store, path: &str, body: &Value) -> (StatusCode, Value) {
    let answer = store.http.post(format!("{}/api/v1/auth/{path}", store.url)).json(body).send().await.unwrap();
    read(answer).await
}

/// Status and body; an error is a problem as RFC 9457 has it, and nothing is for a cache.
async fn read(answer: Response) -> (StatusCode, Value) {
    let (status, headers) = (answer.status(), answer.headers().clone());
    if status == StatusCode::NO_CONTENT {
        return (status, Value::Null);
    }
    assert_eq!(headers["cache-control"], "no-store");
    let kind = if status.is_success() { "application/json" } else { "application/problem+json" };
    assert_eq!(headers["content-type"], kind);
    assert!(!headers.contains_key("set-cookie"));
    if status == StatusCode::UNAUTHORIZED {
        assert_eq!(headers["www-authenticate"], "Bearer");
    }
    let body: Value = serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap();
    if !status.is_success() {
        assert_eq!(body["status"], status.as_u16());
        assert!(body["code"].is_string() && body["detail"].is_string(), "{body}");
    }
    (status, body)
}

async fn login(store: &Store, member: &Member) -> (String, String) {
    let body = json!({ "email": member.email, "password": Member::PASSWORD });
    let (status, tokens) = post(store, "login", &body).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    assert_eq!((&tokens["token_type"], &tokens["expires_in"]), (&json!("Bearer"), &json!(900)));
    let text = |name: &str| tokens[name].as_str().unwrap().to_owned();
    (text("access_token"), text("refresh_token"))
}

/// What `/api/v1/me` says to that `Authorization`.
async fn me(store: &Store, authorization: &str) -> (StatusCode, Value) {
    let request = store.http.get(format!("{}/api/v1/me", store.url)).header(AUTHORIZATION, authorization);
    read(request.send().await.unwrap()).await
}

async fn works(store: &Store, token: &str) -> bool {
    me(store, &format!("Bearer {token}")).await.0 == StatusCode::OK
}

on_both_databases!(a_program_comes_in_stays_in_and_leaves, standing(), async |store| {
    let member = store.staff(Role::Support).await;
    let (access, refresh) = login(store, &member).await;
    let (status, body) = me(store, &format!("bearer {access}")).await;
    assert_eq!((status, body), (StatusCode::OK, json!({ "email": member.email, "role": "support", "scope": "write" })));
    let clock = store.shop.clock();
    clock.advance(TimeDelta::minutes(15) - TimeDelta::seconds(1));
    assert!(works(store, &access).await);
    clock.advance(TimeDelta::seconds(1));
    assert!(!works(store, &access).await);
    let (status, tokens) = post(store, "refresh", &json!({ "refresh_token": refresh })).await;
    assert_eq!(status, StatusCode::OK);
    let (second, next) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    assert!(works(store, second).await && next != refresh);
    // Leaving ends it at once, also for what was given out before, and twice is no error.
    for _ in 0..2 {
        assert_eq!(post(store, "logout", &json!({ "refresh_token": next })).await.0, StatusCode::NO_CONTENT);
        assert!(!works(store, second).await);
    }
    assert_eq!(post(store, "refresh", &json!({ "refresh_token": next })).await.0, StatusCode::UNAUTHORIZED);
    // Refresh tokens wait for two weeks, a session for thirty days.
    let (_, refresh) = login(store, &member).await;
    clock.advance(TimeDelta::days(14));
    assert_eq!(post(store, "refresh", &json!({ "refresh_token": refresh })).await.0, StatusCode::UNAUTHORIZED);
    let (_, mut refresh) = login(store, &member).await;
    for day in 0..31 {
        let (status, tokens) = post(store, "refresh", &json!({ "refresh_token": refresh })).await;
        assert_eq!(status == StatusCode::OK, day < 30, "day {day}: {status}");
        if status == StatusCode::OK {
            refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
        }
        clock.advance(TimeDelta::days(1));
    }
    assert!(store.shop.delete_ended_staff_sessions().await.unwrap() >= 3);
    assert_eq!(store.count("refresh_token").await, 0);
});

on_both_databases!(row_34_a_used_refresh_token_ends_its_family, async |store| {
    let member = store.staff(Role::Admin).await;
    let (_, stolen) = login(store, &member).await;
    let (other, _) = login(store, &member).await;
    let (_, tokens) = post(store, "refresh", &json!({ "refresh_token": stolen })).await;
    let (access, next) = (tokens["access_token"].as_str().unwrap(), tokens["refresh_token"].as_str().unwrap());
    assert!(works(store, access).await);
    // Whoever of the two comes second: both are out, and nobody else is.
    assert_eq!(post(store, "refresh", &json!({ "refresh_token": stolen })).await.0, StatusCode::UNAUTHORIZED);
    assert!(!works(store, access).await && works(store, &other).await);
    assert_eq!(post(store, "refresh", &json!({ "refresh_token": next })).await.0, StatusCode::UNAUTHORIZED);
    // Of twenty at once one is the first, and the family ends.
    let (_, refresh) = login(store, &member).await;
    let all = (0..20).map(|_| async { store.shop.api_refresh(&refresh).await.ok() });
    let won: Vec<_> = futures::future::join_all(all).await.into_iter().flatten().collect();
    assert_eq!(won.len(), 1);
    assert!(!works(store, &won[0].access_token).await);
});

on_both_databases!(row_34_what_is_revoked_is_over_with_the_next_request, async |store| {
    let owner = store.staff(Role::Owner).await;
    let member = store.staff(Role::Admin).await;
    let (access, refresh) = login(store, &member).await;
    assert!(works(store, &access).await);
    // The role is the account's, not the token's.
    store.shop.set_role(&owner.actor(), member.id, Role::Viewer).await.unwrap();
    assert_eq!(me(store, &format!("Bearer {access}")).await.1["role"], "viewer");
    store.shop.switch_off(&owner.actor(), member.id).await.unwrap();
    assert!(!works(store, &access).await);
    // Everywhere: nothing of what the document has is open.
    let mut asked = 0;
    for (path, item) in document()["paths"].as_object().unwrap() {
        let guarded = item.as_object().unwrap().iter().filter(|(_, operation)| operation["security"].is_array());
        let path = path.replace(['{', '}'], "");
        for (method, _) in guarded {
            let method: Method = method.to_uppercase().parse().unwrap();
            let request = store.http.request(method.clone(), format!("{}{path}", store.url)).bearer_auth(&access);
            let answer = request.header("idempotency-key", "k").json(&json!({})).send().await.unwrap();
            assert_eq!(code(&problem(answer).await), (401, "signed-out"), "{method} {path}");
            asked += 1;
        }
    }
    assert!(asked >= 43, "{asked}");
    assert_eq!(post(store, "refresh", &json!({ "refresh_token": refresh })).await.0, StatusCode::UNAUTHORIZED);
    store.shop.switch_on(&Actor::Command, member.id).await.unwrap();
    assert!(!works(store, &access).await);
    // One's own session list ends a program's too.
    let (access, _) = login(store, &member).await;
    let browser = store.browser();
    browser.sign_in(&member).await;
    let page = browser.text("/admin/account").await;
    let form = page.split("/actions/admin-end-session").nth(1).unwrap();
    let id = crate::support::hidden(form, "id").unwrap();
    browser.post("/actions/admin-end-session", &[("id", &id)]).await;
    assert!(!works(store, &access).await);
});

on_both_databases!(an_account_with_codes_wants_one_here_too, standing(), async |store| {
    let member = store.staff(Role::Owner).await;
    let browser = store.browser();
    browser.sign_in(&member).await;
    let page = browser.text("/admin/account").await;
    let secret = page.split("class=\"secret\">").nth(1).unwrap().split('<').next().unwrap().replace(' ', "");
    let code = |later: i64| {
        let secret = totp_rs::Secret::try_from_base32(&secret).unwrap();
        let at = store.shop.clock().now().and_utc().timestamp() + later;
        totp_rs::Builder::new().with_secret(secret).build().unwrap().generate(at.unsigned_abs()).to_string()
    };
    browser.post("/actions/admin-codes-on", &[("password", Member::PASSWORD), ("code", &code(0))]).await;
    let with = async |code: Option<&str>| {
        let (status, body) =
            post(store, "login", &json!({ "email": member.email, "password": Member::PASSWORD, "code": code })).await;
        (status.as_u16(), body["code"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(with(None).await, (401, "code-needed".into()));
    assert_eq!(with(Some(&code(0))).await, (403, "sign-in-refused".into()), "it was used");
    assert_eq!(with(Some("000000")).await, (403, "sign-in-refused".into()));
    let next = code(30);
    assert_eq!(with(Some(&next)).await, (200, String::new()));
    assert_eq!(with(Some(&next)).await, (403, "sign-in-refused".into()));
});

/// What the store signs with, worked out once more.
fn key() -> Vec<u8> {
    let mut mac = Hmac::<Sha256>::new_from_slice(SECRET_KEY.as_bytes()).unwrap();
    mac.update(b"staffaccess-token");
    mac.update(&[0; 8 + 4 + 1]);
    mac.finalize().into_bytes().to_vec()
}

fn part(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}

/// A token with that head and those claims, signed with that key.
fn signed(head: &Value, claims: &Value, key: &[u8]) -> String {
    let text = format!("{}.{}", part(head), part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
    mac.update(text.as_bytes());
    format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
}

/// The object with one member changed, or taken away by `null`.
fn but(object: &Value, name: &str, value: Value) -> Value {
    let mut changed = object.clone();
    match value {
        Value::Null => drop(changed.as_object_mut().unwrap().remove(name)),
        value => changed[name] = value,
    }
    changed
}

/// Tokens that are nearly right.
fn confusions(good: &str, others_session: i64, other: i64) -> Vec<(String, String)> {
    let mut parts = good.split('.');
    let (head_text, claims_text, signature) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
    let read = |text: &str| serde_json::from_slice::<Value>(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap();
    let (head, claims, key) = (read(head_text), read(claims_text), key());
    assert_eq!(signed(&head, &claims, &key).split('.').count(), 3);
    let mut cases = Vec::new();
    for alg in ["none", "None", "NONE", "nOnE", "HS384", "HS512", "RS256", "ES256", "PS256", "EdDSA", "hs256", ""] {
        let head = but(&head, "alg", json!(alg));
        cases.push((format!("alg {alg:?}"), signed(&head, &claims, &key)));
        cases.push((format!("alg {alg:?}, unsigned"), format!("{}.{}.", part(&head), part(&claims))));
    }
    cases.push(("no alg".into(), signed(&but(&head, "alg", Value::Null), &claims, &key)));
    let mut mac = Hmac::<Sha512>::new_from_slice(&key).unwrap();
    let text = format!("{}.{}", part(&but(&head, "alg", json!("HS512"))), part(&claims));
    mac.update(text.as_bytes());
    cases
        .push(("HS512 with our key".into(), format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))));
    for guess in ["", "secret", SECRET_KEY, head["kid"].as_str().unwrap(), claims["iss"].as_str().unwrap()] {
        cases.push((format!("signed with {guess:?}"), signed(&head, &claims, guess.as_bytes())));
    }
    for (name, value) in [
        ("kid", Value::Null),
        ("kid", json!("")),
        ("kid", json!("0000000000000000")),
        ("kid", json!("../../dev/null")),
        ("kid", json!("' OR 1=1 --")),
        ("kid", json!(["x"])),
        ("typ", Value::Null),
        ("typ", json!("JWT")),
        ("typ", json!("rt+jwt")),
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/x.pem")),
        ("jwk", json!({ "kty": "oct", "k": "c2VjcmV0" })),
        ("crit", json!(["exp"])),
    ] {
        cases.push((format!("head {name} {value}"), signed(&but(&head, name, value), &claims, &key)));
    }
    let now = claims["iat"].as_i64().unwrap();
    for (name, value) in [
        ("iss", Value::Null),
        ("iss", json!("https://evil.example")),
        ("iss", json!("")),
        ("aud", Value::Null),
        ("aud", json!("octavo")),
        ("aud", json!(["octavo-api", "evil"])),
        ("sub", Value::Null),
        ("sub", json!(other.to_string())),
        ("sub", json!("0")),
        ("sub", json!("x")),
        ("sid", Value::Null),
        ("sid", json!(others_session)),
        ("sid", json!(0)),
        ("sid", json!("1")),
        ("sid", json!(1.5)),
        ("exp", Value::Null),
        ("exp", json!(now)),
        ("exp", json!(now - 1)),
        ("exp", json!(now + 86_400)),
        ("exp", json!("9999999999")),
        ("iat", Value::Null),
        ("iat", json!(now + 3_600)),
    ] {
        cases.push((format!("claim {name} {value}"), signed(&head, &but(&claims, name, value), &key)));
    }
    let flipped: String = signature.chars().rev().collect();
    let other_claims = part(&but(&claims, "sub", json!(other.to_string())));
    for (what, token) in [
        ("empty", String::new()),
        ("two parts", format!("{head_text}.{claims_text}")),
        ("no signature", format!("{head_text}.{claims_text}.")),
        ("another signature", format!("{head_text}.{claims_text}.{flipped}")),
        ("other claims under the signature", format!("{head_text}.{other_claims}.{signature}")),
        ("four parts", format!("{good}.{signature}")),
        ("five parts", format!("{head_text}.{claims_text}.{signature}.{signature}.{signature}")),
        ("padding", format!("{good}=")),
        ("a space", format!("{good} {good}")),
        ("long", format!("{good}{}", "A".repeat(10_000))),
    ] {
        cases.push((what.to_owned(), token));
    }
    cases
}

on_both_databases!(row_34_no_confused_token_is_accepted, async |store| {
    let (member, other) = (store.staff(Role::Viewer).await, store.staff(Role::Owner).await);
    let (access, refresh) = login(store, &member).await;
    let (_, others_refresh) = login(store, &other).await;
    let session = "SELECT CAST(MAX(id) AS TEXT) AS value FROM staff_session";
    let others_session: i64 = store.texts(session).await[0].parse().unwrap();
    // What the test signs as the store does is accepted: it is the change that is refused.
    let parts: Vec<Value> = access
        .split('.')
        .take(2)
        .map(|text| serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).unwrap()).unwrap())
        .collect();
    assert!(works(store, &signed(&parts[0], &parts[1], &key())).await);
    let cases = confusions(&access, others_session, other.id);
    assert!(cases.len() >= 40, "{}", cases.len());
    for (what, token) in &cases {
        assert_eq!(me(store, &format!("Bearer {token}")).await.0, StatusCode::UNAUTHORIZED, "{what}");
    }
    // Nor is anything else that the store gives out, or another way to send it.
    let browser = store.browser();
    let answer = browser.try_to_sign_in(&member.email, Member::PASSWORD).await;
    let cookie = answer.headers().get("set-cookie").unwrap().to_str().unwrap().to_owned();
    let cookie = cookie.split(['=', ';']).nth(1).unwrap();
    for sent in [
        format!("Bearer {refresh}"),
        format!("Bearer {others_refresh}"),
        format!("Bearer {cookie}"),
        format!("Basic {access}"),
        format!("Token {access}"),
        access.clone(),
        "Bearer".into(),
        "Bearer ".into(),
    ] {
        assert_eq!(me(store, &sent).await.0, StatusCode::UNAUTHORIZED, "{sent}");
    }
    let twice = store.http.get(format!("{}/api/v1/me", store.url));
    let twice =
        twice.header(AUTHORIZATION, format!("Bearer {access}")).header(AUTHORIZATION, format!("Bearer {access}"));
    assert_eq!(twice.send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        store.http.get(format!("{}/api/v1/me?access_token={access}", store.url)).send().await.unwrap().status(),
        StatusCode::UNAUTHORIZED
    );
    // A desk's cookie is nothing here, so no other site's page can use it.
    assert!(browser.has_desk().await);
    assert_eq!(browser.get("/api/v1/me").await.status(), StatusCode::UNAUTHORIZED);
});

on_both_databases!(what_is_no_json_is_a_problem, async |store| {
    let url = format!("{}/api/v1/auth/login", store.url);
    for (kind, body, status) in [
        ("text/plain", "{}", 415),
        ("application/x-www-form-urlencoded", "email=a", 415),
        ("application/json", "{", 400),
        ("application/json", "[]", 422),
        ("application/json", "{\"email\":\"a@b.co\"}", 422),
        ("application/json", "{\"email\":\"nobody\",\"password\":\"x\"}", 422),
        ("application/json", "{\"email\":\"a@b.co\",\"password\":\"x\",\"admin\":true}", 422),
    ] {
        let answer = store.http.post(&url).header(CONTENT_TYPE, kind).body(body).send().await.unwrap();
        assert_eq!(read(answer).await.0.as_u16(), status, "{kind}: {body}");
    }
    let nowhere = store.http.get(format!("{}/api/v2/everything", store.url)).send().await.unwrap();
    assert_eq!(read(nowhere).await.0, StatusCode::NOT_FOUND);
    assert_eq!(store.count("staff_session").await, 0);
});

async fn make_token(browser: &Browser, scope: &str, days: &str) -> String {
    let form = [("name", "Newsletter"), ("scope", scope), ("days", days), ("password", Member::PASSWORD)];
    let made = location(&browser.post_from("/admin/account", "/actions/admin-make-token", &form).await);
    let page = browser.text(&made).await;
    let panel = page.split("id=\"new-token\"").nth(1).expect("the token");
    panel.split("class=\"secret\">").nth(1).unwrap().split('<').next().unwrap().to_owned()
}

on_both_databases!(a_token_for_a_long_time_has_a_scope_and_an_end, standing(), async |store| {
    let member = store.staff(Role::Admin).await;
    let browser = store.browser();
    browser.sign_in(&member).await;
    let token = make_token(&browser, "read", "30").await;
    assert!(token.starts_with("octavo_") && token.len() > 40, "{token}");
    assert_eq!(
        me(store, &format!("Bearer {token}")).await.1,
        json!({ "email": member.email, "role": "admin", "scope": "read" })
    );
    assert_eq!(store.count("api_token WHERE last_used IS NOT NULL").await, 1);
    let write = make_token(&browser, "write", "365").await;
    assert_eq!(me(store, &format!("Bearer {write}")).await.1["scope"], "write");
    // Only its hash is kept, nearly right is not right, and nobody else sees or ends it.
    assert_eq!(store.count(&format!("api_token WHERE hash = '{}'", crate::support::sha256(token.as_bytes()))).await, 1);
    for wrong in [&token[..token.len() - 1], &format!("{token}A"), &token.to_uppercase(), "octavo_"] {
        assert!(!works(store, wrong).await, "{wrong}");
    }
    let another = store.desk(Role::Owner).await;
    assert!(!another.text("/admin/account?token=1").await.contains("id=\"new-token\""));
    assert_eq!(another.post("/actions/admin-revoke-token", &[("id", "1")]).await.status(), StatusCode::NOT_FOUND);
    // Shown while it is new.
    store.shop.clock().advance(TimeDelta::minutes(10));
    assert!(!browser.text("/admin/account?token=1").await.contains("id=\"new-token\""));
    for (scope, days) in [("read", "0"), ("read", "367"), ("root", "30")] {
        let form = [("name", "x"), ("scope", scope), ("days", days), ("password", Member::PASSWORD)];
        assert_eq!(browser.post("/actions/admin-make-token", &form).await.status(), StatusCode::BAD_REQUEST);
    }
    // It ends in time, by hand, and with the account.
    store.shop.clock().advance(TimeDelta::days(30));
    assert!(!works(store, &token).await && works(store, &write).await);
    browser.sign_in(&member).await;
    store.execute(&format!("UPDATE users SET disabled_at = created_at WHERE id = {}", member.id)).await;
    assert!(!works(store, &write).await);
    store.execute("UPDATE users SET disabled_at = NULL").await;
    assert!(works(store, &write).await);
    let revoked = browser.post("/actions/admin-revoke-token", &[("id", "2")]).await;
    assert_eq!(location(&revoked), "/admin/account?done=token-revoked");
    assert!(!works(store, &write).await);
});
