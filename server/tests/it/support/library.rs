//! Libraries: asked for by mail, opened with what the mail brings.

use super::{Browser, Store, location};
use reqwest::{Response, StatusCode};

/// What a mail brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brought {
    /// Behind `#` of the link.
    pub secret: String,
    /// As it is written there.
    pub code: String,
}

impl Browser {
    /// Types an address into the library's page.
    pub async fn request_access(&self, email: &str) -> Response {
        self.post_from("/library", "/actions/request-access", &[("email", email)]).await
    }

    /// Opens a library with a code, a link's secret, or both.
    pub async fn open_library(&self, secret: &str, code: &str) -> Response {
        self.post("/actions/open-library", &[("secret", secret), ("code", code)]).await
    }

    /// Whether the shelf is open here.
    pub async fn has_library(&self) -> bool {
        self.text("/library").await.contains("/actions/sign-out-everywhere")
    }
}

impl Store {
    /// What the mails with links to libraries brought, oldest first.
    pub fn brought(&self) -> Vec<Brought> {
        let texts = self.mails().into_iter().map(|mail| mail.text);
        let brought = texts.filter_map(|text| {
            let secret = text.split("/library/open#").nth(1)?.split_whitespace().next()?.to_owned();
            let code = text.lines().find(|line| line.starts_with("    "))?.trim().to_owned();
            Some(Brought { secret, code })
        });
        brought.collect()
    }

    /// Asks for a library and waits for the mail.
    pub async fn ask(&self, browser: &Browser, email: &str) -> Brought {
        let before = self.brought().len();
        let answer = browser.request_access(email).await;
        assert_eq!((answer.status(), location(&answer).as_str()), (StatusCode::SEE_OTHER, "/library/sent"));
        self.settle().await;
        let brought = self.brought();
        assert_eq!(brought.len(), before + 1, "one mail");
        brought.last().unwrap().clone()
    }

    /// Opens the library of an address in a browser, by the code.
    pub async fn library(&self, browser: &Browser, email: &str) {
        let Brought { code, .. } = self.ask(browser, email).await;
        let opened = browser.open_library("", &code).await;
        assert_eq!((opened.status(), location(&opened).as_str()), (StatusCode::SEE_OTHER, "/library"));
    }
}
