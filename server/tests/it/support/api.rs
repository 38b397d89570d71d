//! A program with a token.

use super::{Member, Store};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use serde_json::Value;
use shop::staff::{Password, Staff};
use shop::types::{Role, Scope};

/// A program that somebody has given a token.
#[derive(Clone, Debug)]
pub struct Api {
    pub token: String,
    pub account: i64,
    url: String,
    http: Client,
}

impl Store {
    /// A program of a new colleague of that role.
    pub async fn api(&self, role: Role, scope: Scope) -> Api {
        let member = self.staff(role).await;
        let staff = Staff { id: member.id, email: member.email.parse().unwrap(), role, session: 0 };
        self.another_api(&staff, scope).await
    }

    /// A program with another token of that account.
    pub async fn another_api(&self, staff: &Staff, scope: Scope) -> Api {
        let id = self.shop.make_token(staff, &Password::typed(Member::PASSWORD), "Program", scope, 30).await.unwrap();
        let token = self.shop.new_token(staff, id).await.unwrap().unwrap();
        Api { token, account: staff.id, url: self.url.clone(), http: self.http.clone() }
    }
}

impl Api {
    /// A request with the token.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url)).bearer_auth(&self.token)
    }

    pub async fn get(&self, path: &str) -> (StatusCode, Value) {
        read(self.request(Method::GET, path).send().await.unwrap()).await
    }

    /// What is there.
    pub async fn found(&self, path: &str) -> Value {
        let (status, body) = self.get(path).await;
        assert_eq!(status, StatusCode::OK, "{path}: {body}");
        body
    }

    pub async fn post(&self, path: &str, key: &str, body: &Value) -> (StatusCode, Value) {
        let request = self.request(Method::POST, path).header("idempotency-key", key);
        let request = if body.is_null() { request } else { request.json(body) };
        read(request.send().await.unwrap()).await
    }

    pub async fn put(&self, path: &str, version: i64, body: &Value) -> (StatusCode, Value) {
        let request = self.request(Method::PUT, path).header("if-match", format!("\"{version}\""));
        read(request.json(body).send().await.unwrap()).await
    }

    /// All rows of a list, turned by its links to the end and back; `between` happens after each page on the way there.
    pub async fn turned(&self, path: &str, between: impl AsyncFn()) -> Vec<Value> {
        let rows = |page: &Value| page["data"].as_array().unwrap().clone();
        let mut page = self.found(path).await;
        assert!(page["previous"].is_null(), "{page}");
        let mut all = rows(&page);
        let mut back = Vec::new();
        while let Some(next) = page["next"].as_str() {
            back = all.clone();
            between().await;
            page = self.found(next).await;
            assert!(!rows(&page).is_empty(), "{path}");
            all.extend(rows(&page));
        }
        // Back from the last page: whatever was added since is newer than all of them, and comes before.
        let mut before: Vec<Value> = Vec::new();
        while let Some(previous) = page["previous"].as_str() {
            page = self.found(previous).await;
            before.splice(0..0, rows(&page));
        }
        assert!(before.ends_with(&back), "{path}: {} rows, {} rows back", back.len(), before.len());
        all
    }
}

/// Status and body; an error is a problem.
pub async fn read(answer: Response) -> (StatusCode, Value) {
    if answer.status().is_client_error() || answer.status().is_server_error() {
        return problem(answer).await;
    }
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    (status, if text.is_empty() { Value::Null } else { serde_json::from_str(&text).unwrap() })
}

/// A problem as RFC 9457 has it, for no cache.
pub async fn problem(answer: Response) -> (StatusCode, Value) {
    let (status, headers) = (answer.status(), answer.headers().clone());
    assert_eq!(headers["content-type"], "application/problem+json", "{status}");
    assert_eq!(headers["cache-control"], "no-store");
    assert!(headers.contains_key("ratelimit") && headers.contains_key("ratelimit-policy"), "{status}");
    let body: Value = answer.json().await.unwrap();
    assert_eq!((&body["status"], &body["type"]), (&status.as_u16().into(), &"about:blank".into()));
    assert!(body["title"].is_string() && body["code"].is_string() && body["detail"].is_string(), "{body}");
    (status, body)
}

/// The status and the code of a problem.
pub fn code((status, body): &(StatusCode, Value)) -> (u16, &str) {
    (status.as_u16(), body["code"].as_str().unwrap_or_default())
}
