//! To whom each operation of the API is open.

use serde_json::{Value, json};
use shop::types::{Role, Scope};

/// Who may use an operation of the API: nobody has to be anybody, or that role with that scope.
pub type ApiRow = (Option<(Role, Scope)>, Value);

/// One request for each operation, whose body is well formed and changes nothing that another row needs.
pub fn api_row(method: &str, path: &str) -> ApiRow {
    use Role::{Admin, Support, Viewer};
    use Scope::{Read, Write};
    let from = |role, scope, body| (Some((role, scope)), body);
    match (method, path) {
        ("post", "/api/v1/auth/login") => (None, json!({ "email": "nobody@example.org", "password": "-" })),
        ("post", "/api/v1/auth/refresh" | "/api/v1/auth/logout") => (None, json!({ "refresh_token": "-" })),
        (
            "get",
            "/api/v1/me"
            | "/api/v1/books"
            | "/api/v1/books/{slug}"
            | "/api/v1/orders"
            | "/api/v1/orders/{number}"
            | "/api/v1/orders/{number}/downloads"
            | "/api/v1/orders/{number}/refunds"
            | "/api/v1/refunds"
            | "/api/v1/kpis"
            | "/api/v1/webhooks/stripe"
            | "/api/v1/webhooks/stripe/{id}"
            | "/api/v1/tokens"
            | "/api/v1/invoices"
            | "/api/v1/invoices/{number}",
        ) => from(Viewer, Read, Value::Null),
        // The buyer stands on it.
        ("get", "/api/v1/invoices/{number}/pdf") => from(Support, Read, Value::Null),
        // The store's own webhooks: what changes one asks for one that there is not.
        ("get", path) if path.starts_with("/api/v1/webhook-endpoints") && !path.ends_with("/secret") => {
            from(Admin, Read, Value::Null)
        }
        ("get", "/api/v1/webhook-endpoints/{id}/secret")
        | ("delete", "/api/v1/webhook-endpoints/{id}")
        | (
            "post",
            "/api/v1/webhook-endpoints/{id}/enable"
            | "/api/v1/webhook-endpoints/{id}/disable"
            | "/api/v1/webhook-endpoints/{id}/test",
        ) => from(Role::Owner, Write, Value::Null),
        ("post", "/api/v1/webhook-endpoints") | ("put", "/api/v1/webhook-endpoints/{id}") => {
            from(Role::Owner, Write, json!({ "url": "-", "events": ["order.succeeded"] }))
        }
        ("post", "/api/v1/webhook-endpoints/{id}/secret") => from(Role::Owner, Write, json!({})),
        ("post", "/api/v1/webhook-endpoints/{id}/redeliver") => from(Admin, Write, json!({ "hours": 1 })),
        ("post", "/api/v1/webhook-endpoints/{id}/deliveries/{delivery}/redeliver") => from(Admin, Write, Value::Null),
        ("post", "/api/v1/checkout") => from(Viewer, Write, json!({ "books": ["no-book"] })),
        ("delete", "/api/v1/tokens/{id}") => from(Viewer, Write, Value::Null),
        ("post", "/api/v1/orders/{number}/resend" | "/api/v1/orders/{number}/downloads/{book}/renew") => {
            from(Support, Write, Value::Null)
        }
        ("post", "/api/v1/orders/{number}/notes") => from(Support, Write, json!({ "text": "-" })),
        ("post", "/api/v1/books") | ("put", "/api/v1/books/{slug}") => {
            from(Admin, Write, json!({ "title": "", "language": "" }))
        }
        ("post", "/api/v1/books/{slug}/publish" | "/api/v1/webhooks/stripe/{id}/replay") => {
            from(Admin, Write, Value::Null)
        }
        // (Published again by the row before, in its turn.)
        ("post", "/api/v1/books/{slug}/archive") => from(Admin, Write, Value::Null),
        ("post", "/api/v1/orders/{number}/refunds") => {
            from(Admin, Write, json!({ "amount": { "amount": 1, "currency": "EUR" } }))
        }
        ("post", "/api/v1/books/{slug}/files" | "/api/v1/books/{slug}/editions")
        | ("put", "/api/v1/books/{slug}/cover") => from(Admin, Write, Value::Null),
        other => panic!("{other:?} is new: say here who may use it"),
    }
}
