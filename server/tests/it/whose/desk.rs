//! To whom each route of the desk is open.

use crate::support::Member;
use reqwest::Method;
use shop::types::Role;

/// To whom a route of the desk is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Desk {
    /// To everybody: it is the way in, or the way out.
    Door,
    /// To those who are at least this.
    From(Role),
}

/// One request to a route of the desk, whose form changes nothing that another row needs.
pub type DeskRow = (Method, String, Vec<(&'static str, String)>, Desk);

/// The row of a route of the desk; there must be one.
pub fn desk_row(route: &str, number: &str) -> DeskRow {
    use Desk::{Door, From};
    let get = |path: &str, desk| (Method::GET, path.to_owned(), Vec::new(), desk);
    let post = |form: &[(&'static str, &str)], desk| {
        let form = form.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        (Method::POST, route.replace("{number}", number), form, desk)
    };
    match route {
        // The way in.
        "/admin" => get(route, From(Role::Viewer)),
        "/admin/login" => get("/admin/login?error=busy", Door),
        "/actions/admin-sign-in" => post(&[("email", "nobody"), ("password", "-")], Door),
        "/actions/admin-sign-out" => post(&[], Door),
        // Figures.
        "/admin/figures/{name}" => get("/admin/figures/books.csv", From(Role::Viewer)),
        // Tax.
        "/admin/settings/tax" => get(route, From(Role::Admin)),
        "/admin/settings/tax/report.csv" => get("/admin/settings/tax/report.csv?quarter=2026Q4", From(Role::Admin)),
        "/actions/admin-set-book-tax-code" => {
            post(&[("slug", "the-first-book"), ("code", "txcd_10302000")], From(Role::Admin))
        }
        "/actions/admin-tax-seen-to" => post(&[("number", number)], From(Role::Admin)),
        "/actions/admin-save-tax" => post(&[("tax[mode]", "none"), ("tax[prices]", "included")], From(Role::Admin)),
        "/actions/admin-set-tax-rate" => {
            let rate = [("country", "JP"), ("kind", "ebook"), ("percent", "10"), ("from", "2026-01-01")];
            post(&rate, From(Role::Admin))
        }
        "/actions/admin-remove-tax-rate" => {
            post(&[("country", "JP"), ("kind", "ebook"), ("from", "2026-01-01")], From(Role::Admin))
        }
        // Books.
        "/admin/books" => get("/admin/books?q=first", From(Role::Viewer)),
        "/admin/books/{slug}" => get("/admin/books/the-first-book", From(Role::Viewer)),
        "/admin/books/new" | "/admin/books/import" | "/admin/books/export.csv" => get(route, From(Role::Admin)),
        "/admin/books/new/epub"
        | "/admin/books/import/table"
        | "/admin/books/{slug}/files"
        | "/admin/books/{slug}/cover"
        | "/admin/books/{slug}/editions"
        | "/admin/settings/invoices/logo" => {
            (Method::POST, route.replace("{slug}", "the-first-book"), Vec::new(), From(Role::Admin))
        }
        "/actions/admin-save-book" => post(&[("slug", "the-first-book"), ("preview", "1")], From(Role::Admin)),
        "/actions/admin-set-book-status" => {
            post(&[("slug", "the-first-book"), ("status", "published")], From(Role::Admin))
        }
        "/actions/admin-announce-edition" => post(&[("slug", "the-first-book")], From(Role::Admin)),
        "/actions/admin-preview-description" => post(&[("description", "*x*")], From(Role::Admin)),
        "/actions/admin-apply-table" => post(&[("table", "none")], From(Role::Admin)),
        "/admin/setup" | "/admin/password" => get(route, Door),
        "/actions/admin-sign-in-code" => post(&[("code", "000000")], Door),
        "/actions/admin-set-up" => post(&[("secret", "-"), ("email", "nobody"), ("password", "-")], Door),
        "/actions/admin-set-password" => post(&[("secret", "-"), ("password", "-")], Door),
        "/admin/account" | "/admin/account/codes" => get(route, From(Role::Viewer)),
        // (Refused for the new password and the missing session, not for whoever asks.)
        "/actions/admin-change-password" => post(&[("old", "-"), ("new", "-")], From(Role::Viewer)),
        "/actions/admin-codes-on" => post(&[("password", Member::PASSWORD), ("code", "000000")], From(Role::Viewer)),
        "/actions/admin-codes-off" => post(&[("password", Member::PASSWORD)], From(Role::Viewer)),
        "/actions/admin-end-session" => post(&[("id", "0")], From(Role::Viewer)),
        "/actions/admin-make-token" => {
            post(&[("name", "x"), ("scope", "root"), ("days", "1"), ("password", "")], From(Role::Viewer))
        }
        "/actions/admin-revoke-all-tokens" => post(&[], From(Role::Viewer)),
        "/actions/admin-revoke-token" => post(&[("id", "0")], From(Role::Viewer)),
        "/admin/audit" => get(route, From(Role::Admin)),
        "/admin/team" => get(route, From(Role::Owner)),
        "/actions/admin-invite" => post(&[("email", "nobody"), ("role", "viewer")], From(Role::Owner)),
        "/actions/admin-set-role" => post(&[("id", "0"), ("role", "viewer")], From(Role::Owner)),
        "/actions/admin-new-link" | "/actions/admin-switch-off" | "/actions/admin-switch-on" => {
            post(&[("id", "0")], From(Role::Owner))
        }
        // Orders, buyers, attention.
        "/admin/orders" | "/admin/attention" | "/admin/health" => get(route, From(Role::Viewer)),
        "/admin/orders/new" => get(route, From(Role::Admin)),
        "/admin/orders/not-fetched" => get(route, From(Role::Viewer)),
        "/admin/orders/{number}" => get(&route.replace("{number}", number), From(Role::Viewer)),
        "/admin/buyers" => get(route, From(Role::Support)),
        "/admin/buyers/{number}" => get(&route.replace("{number}", number), From(Role::Support)),
        "/admin/orders/export" => post(&[], From(Role::Admin)),
        "/admin/orders/{number}/evidence" => post(&[], From(Role::Support)),
        "/admin/buyers/{number}/export" => post(&[], From(Role::Admin)),
        "/actions/admin-find-orders" => post(&[("q", "ann")], From(Role::Viewer)),
        "/actions/admin-find-buyer" => post(&[("q", "ann")], From(Role::Support)),
        "/actions/admin-resend-receipt" | "/actions/admin-renew-link" => {
            post(&[("number", number)], From(Role::Support))
        }
        "/actions/admin-renew-title" => post(&[("number", number), ("item", "0")], From(Role::Support)),
        "/actions/admin-note-order" => post(&[("number", number), ("text", "-")], From(Role::Support)),
        "/admin/settings/invoices" | "/admin/settings/invoices/preview.pdf" => get(route, From(Role::Admin)),
        "/actions/admin-save-seller" | "/actions/admin-remove-logo" => post(&[], From(Role::Admin)),
        "/actions/admin-set-buyer-details" => post(&[("number", number), ("replaces", "-")], From(Role::Support)),
        "/actions/admin-correct-address" => {
            post(&[("number", number), ("email", "ann@example.org")], From(Role::Support))
        }
        "/actions/admin-resend-mail" => post(&[("id", "0")], From(Role::Support)),
        "/actions/admin-withdraw-title" => post(&[("number", number), ("item", "0")], From(Role::Admin)),
        "/actions/admin-refund" => post(&[("number", number), ("key", "-"), ("what", "all")], From(Role::Admin)),
        "/actions/admin-give" => post(&[("titles", ""), ("email", "ann@example.org"), ("key", "-")], From(Role::Admin)),
        "/actions/admin-replay-event" => post(&[("id", "evt_none")], From(Role::Admin)),
        "/actions/admin-review-payment" | "/actions/admin-refusal-seen-to" => post(&[("id", "0")], From(Role::Admin)),
        "/actions/admin-settle-refund" => post(&[("id", "0"), ("note", "-")], From(Role::Admin)),
        "/actions/admin-erase-buyer" => post(&[("number", number), ("typed", "-")], From(Role::Owner)),
        // Webhooks.
        "/admin/webhooks" => get(route, From(Role::Admin)),
        "/admin/webhooks/{id}" => get("/admin/webhooks/1", From(Role::Admin)),
        "/admin/webhooks/{id}/{delivery}" => get("/admin/webhooks/1/1", From(Role::Admin)),
        "/actions/admin-add-webhook" => post(&[("url", "-")], From(Role::Owner)),
        "/actions/admin-change-webhook" => post(&[("id", "0"), ("url", "-")], From(Role::Owner)),
        "/actions/admin-switch-webhook" => post(&[("id", "0"), ("on", "true")], From(Role::Owner)),
        "/actions/admin-replace-webhook-secret" => post(&[("id", "0"), ("keep", "0")], From(Role::Owner)),
        "/actions/admin-delete-webhook" | "/actions/admin-test-webhook" => post(&[("id", "0")], From(Role::Owner)),
        "/actions/admin-redeliver-webhook" => post(&[("id", "0")], From(Role::Admin)),
        "/actions/admin-redeliver-webhooks" => post(&[("id", "0"), ("hours", "1")], From(Role::Admin)),
        other => panic!("{other} is new: say here who may use it"),
    }
}
