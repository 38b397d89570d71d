//! What each route of the storefront shows of whose purchases.

use reqwest::Method;

/// What a route shows of Ann's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Nothing, to nobody.
    Public,
    /// There is a page for everybody, and what is Ann's is on it for Ann.
    Masked,
    /// It works for Ann and for nobody else.
    Hers,
    /// No browser is answered.
    Closed,
}

/// Ann's things.
pub struct Hers {
    pub number: String,
    pub token: String,
    pub session: String,
    pub file: String,
    pub invoice: String,
}

/// One request: to what, with which form, and what may come of it.
pub type Row = (Method, String, Vec<(&'static str, String)>, Rule);

/// The row of a route of the storefront; there must be one.
pub fn row(route: &str, hers: &Hers) -> Row {
    use Rule::{Closed, Hers as Only, Masked, Public};
    let Hers { number, token, session, file, invoice } = hers;
    let get = |path: &str, rule| (Method::GET, path.to_owned(), Vec::new(), rule);
    let post = |form: &[(&'static str, &str)], rule| {
        let form = form.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        (Method::POST, route.replace("{token}", token), form, rule)
    };
    match route {
        "/"
        | "/cart"
        | "/checkout/cancel"
        | "/checkout/free"
        | "/checkout/free/sent"
        | "/library/sent"
        | "/library/open"
        | "/healthz"
        | "/readyz" => get(route, Public),
        "/books/{slug}" => get("/books/the-first-book", Public),
        "/covers/{name}" | "/demo/mailbox" => get(&route.replace("{name}", "x.webp"), Closed),
        "/demo/mailbox/{id}" | "/demo/mailbox/{id}/html" => get(&route.replace("{id}", "x"), Closed),
        "/checkout/success" => get(&format!("/checkout/success?session_id={session}"), Masked),
        "/library" => get(route, Masked),
        "/orders/{number}" => get(&format!("/orders/{number}"), Masked),
        "/d/{token}" => get(&format!("/d/{token}"), Masked),
        "/d/{token}/claim" => post(&[("format", "epub")], Only),
        "/f/{claim}/{file}" => get(file, Only),
        "/invoices/{name}" => get(&format!("/invoices/{invoice}.pdf"), Only),
        "/webhooks/stripe" | "/webhooks/mail" => post(&[], Closed),
        // What else programs ask for is in the document: see below.
        "/api/v1/openapi.json" | "/api/v1/docs" => get(route, Public),
        "/actions/add-to-cart" | "/actions/remove-from-cart" => post(&[("slug", "the-third-book")], Public),
        "/actions/start-checkout" => post(&[("snapshot", "-")], Public),
        "/actions/checkout-free" => post(&[("snapshot", "-"), ("email", "ann@example.org")], Public),
        "/actions/set-theme" => post(&[("theme", "dark")], Public),
        "/actions/set-currency" => post(&[("currency", "USD")], Public),
        "/actions/order-progress" => post(&[("session_id", session)], Public),
        "/actions/request-access" => post(&[("email", "ann@example.org")], Public),
        "/actions/open-order" => post(&[("number", number), ("secret", "ol_guessed")], Closed),
        "/actions/open-library" => post(&[("secret", "ll_guessed"), ("code", "ABCD-EFGH")], Closed),
        "/actions/invoice-for" => post(&[("number", number)], Only),
        "/actions/set-buyer-details" => post(&[("number", number), ("replaces", invoice), ("name", "-")], Only),
        "/actions/renew-download" => post(&[("token", token)], Only),
        // Each is about the visitor's own session: see below.
        "/actions/sign-out" | "/actions/sign-out-everywhere" => post(&[], Public),
        other => panic!("{other} is new: say here what it shows of whose purchases"),
    }
}
