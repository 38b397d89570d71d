//! A visitor's browser.

use super::{Store, title_of};
use reqwest::header::{ACCEPT, HeaderMap, HeaderValue, LOCATION, ORIGIN, REFERER};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode};
use shop::types::OrderNumber;

/// Keeps cookies, follows nothing by itself, and forwards its posts as a same-origin form does.
#[derive(Clone)]
pub struct Browser {
    pub client: Client,
    url: String,
}

impl Browser {
    pub(super) fn new(url: &str) -> Self {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("text/html,application/xhtml+xml"));
        let client =
            Client::builder().cookie_store(true).redirect(Policy::none()).default_headers(headers).build().unwrap();
        Self { client, url: url.to_owned() }
    }

    /// The same browser, cookies and all, at another address of the store.
    pub fn at(&self, url: &str) -> Self {
        Self { client: self.client.clone(), url: url.to_owned() }
    }

    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.client.request(method, format!("{}{path}", self.url))
    }

    pub async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    /// A page that must be there; the success page may ask to be loaded once more.
    pub async fn text(&self, path: &str) -> String {
        let mut response = self.get(path).await;
        if response.status() == StatusCode::SEE_OTHER && location(&response) == path {
            response = self.get(path).await;
        }
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.text().await.unwrap()
    }

    /// A plain form of this store.
    pub async fn post(&self, path: &str, form: &[(&str, &str)]) -> Response {
        self.request(Method::POST, path).header(ORIGIN, &self.url).form(form).send().await.unwrap()
    }

    /// A plain form that stands on `page`.
    pub async fn post_from(&self, page: &str, path: &str, form: &[(&str, &str)]) -> Response {
        let referer = format!("{}{page}", self.url);
        self.request(Method::POST, path)
            .header(ORIGIN, &self.url)
            .header(REFERER, referer)
            .form(form)
            .send()
            .await
            .unwrap()
    }

    pub async fn add(&self, slugs: &[&str]) {
        for slug in slugs {
            let response = self.post("/actions/add-to-cart", &[("slug", slug)]).await;
            assert_eq!(response.status(), StatusCode::SEE_OTHER, "adding {slug}");
        }
    }

    /// What the cart page's checkout form would send.
    pub async fn cart_snapshot(&self) -> String {
        hidden(&self.text("/cart").await, "snapshot").expect("a checkout form")
    }

    /// Presses Checkout on the cart's page.
    pub async fn start_checkout(&self) -> Response {
        let snapshot = self.cart_snapshot().await;
        self.post_from("/cart", "/actions/start-checkout", &[("snapshot", &snapshot)]).await
    }

    /// Presses a download button.
    pub async fn claim(&self, token: &str, format: &str) -> Response {
        self.post(&format!("/d/{token}/claim"), &[("format", format)]).await
    }

    /// Presses a download button that works; gives the file's path.
    pub async fn claimed(&self, token: &str, format: &str) -> String {
        let response = self.claim(token, format).await;
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let path = location(&response);
        assert!(path.starts_with("/f/"), "led to {path}");
        path
    }

    /// Takes a download: claim, then the file's bytes.
    pub async fn download(&self, token: &str, format: &str) -> Vec<u8> {
        let file = self.get(&self.claimed(token, format).await).await;
        assert_eq!(file.status(), StatusCode::OK);
        file.bytes().await.unwrap().to_vec()
    }

    /// Opens an order with the secret of its mailed link.
    pub async fn open_order(&self, store: &Store, number: &OrderNumber) {
        let link = store.shop.order_link(number).await.unwrap();
        let secret = link.split('#').nth(1).unwrap();
        let response = self.post("/actions/open-order", &[("number", number.as_str()), ("secret", secret)]).await;
        assert_eq!((response.status(), location(&response)), (StatusCode::SEE_OTHER, format!("/orders/{number}")));
    }

    /// The current download token of a title, from the order's page.
    pub async fn token(&self, number: &OrderNumber, slug: &str) -> String {
        let page = self.text(&format!("/orders/{number}")).await;
        let from = page.find(&title_of(slug)).unwrap_or_else(|| panic!("{slug} is not on the order's page"));
        let rest = &page[from..];
        let at = rest.find("/d/dl_").expect("a download form");
        rest[at + 3..].split(['/', '"']).next().unwrap().to_owned()
    }
}

/// Where a redirect leads.
pub fn location(response: &Response) -> String {
    response.headers().get(LOCATION).expect("a redirect").to_str().unwrap().to_owned()
}

/// The value of a hidden field.
pub fn hidden(page: &str, name: &str) -> Option<String> {
    let rest = &page[page.find(&format!("name=\"{name}\""))?..];
    let value = &rest[rest.find("value=\"")? + 7..];
    value.split('"').next().map(str::to_owned)
}
