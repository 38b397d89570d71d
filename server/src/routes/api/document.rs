//! What the API says of itself: an OpenAPI 3.1 document made from the handlers, served, and committed as `docs/openapi.json`.
//!
//! What is the same for all operations (errors, headers) is added here and not said with each of them.

use super::problem::{Details, FieldError};
use super::{
    auth, books, checkout, events, invoices, kpis, orders, refunds, tokens, uploads, webhook_deliveries,
    webhook_endpoints,
};
use crate::router::AppState;
use axum::Router;
use axum::handler::Handler;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::MethodRouter;
use serde_json::{Map, Value, json};
use std::sync::OnceLock;
use utoipa::{OpenApi, Path as _};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::{PathItemExt as _, routes};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Octavo",
        version = "1",
        description = "A bookstore's books, orders and money, for programs. They come with `Authorization: Bearer …`; \
            money is in minor units, times are RFC 3339 in UTC, lists are turned with `next` and `previous`, and errors are \
            problems (RFC 9457) with a `code`. Every answer says in `RateLimit` what is left.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    components(schemas(Details<'_>, FieldError)),
    tags(
        (name = "Access", description = "How a program comes in, stays in and leaves."),
        (name = "Books", description = "Books as the desk has them."),
        (name = "Uploads", description = "Files and covers."),
        (name = "Checkout", description = "Payment pages."),
        (name = "Orders", description = "Orders, and what helps a buyer."),
        (name = "Refunds", description = "Money that goes back."),
        (name = "Invoices", description = "Invoices and credit notes, as they were issued."),
        (name = "Figures", description = "The store in figures."),
        (name = "Webhooks", description = "The log of Stripe's events."),
        (name = "Webhook endpoints", description = "Whom the store tells what happens, and what they were told."),
        (name = "Tokens", description = "The caller's own tokens."),
    ),
)]
struct Document;

/// Operations as routes, which is all that starting needs, and once more with what the document says of them: that is a
/// thousand small objects, made when somebody reads it.
macro_rules! operations {
    ($($(#[doc = $words:literal])+ $name:ident { $($module:ident :: $handler:ident,)+ })+) => {
        $(
            $(#[doc = $words])+
            fn $name() -> Router<AppState> {
                utoipa_axum::paste! {
                    Router::new()$(.route(
                        &$module::[<__path_ $handler>]::path(),
                        method::<$module::[<__path_ $handler>], _, _>($module::$handler),
                    ))+
                }
            }
        )+

        /// What the operations say of themselves.
        fn described() -> utoipa::openapi::OpenApi {
            OpenApiRouter::<AppState>::with_openapi(Document::openapi())
                $($(.routes(routes!($module::$handler)))+)+
                .into_openapi()
        }
    };
}

operations! {
    /// The routes of small bodies.
    small {
        auth::me,
        books::get,
        books::change,
        books::list,
        books::create,
        books::publish,
        books::archive,
        checkout::start,
        orders::list,
        orders::get,
        orders::resend,
        orders::note,
        orders::downloads,
        orders::renew,
        refunds::of_order,
        refunds::create,
        refunds::list,
        invoices::list,
        invoices::get,
        invoices::pdf,
        kpis::get,
        events::list,
        events::get,
        events::replay,
        webhook_endpoints::list,
        webhook_endpoints::add,
        webhook_endpoints::get,
        webhook_endpoints::change,
        webhook_endpoints::delete,
        webhook_endpoints::enable,
        webhook_endpoints::disable,
        webhook_endpoints::secret,
        webhook_endpoints::replace_secret,
        webhook_endpoints::test,
        webhook_deliveries::list,
        webhook_deliveries::get,
        webhook_deliveries::redeliver,
        webhook_deliveries::redeliver_failed,
        tokens::list,
        tokens::revoke,
    }
    /// The routes by which programs come in: anybody may knock there.
    way_in {
        auth::login,
        auth::refresh,
        auth::logout,
    }
    /// The routes that take files.
    large {
        uploads::files,
        uploads::cover,
        uploads::edition,
    }
}

/// A handler under the methods of its operation.
fn method<P, H, T>(handler: H) -> MethodRouter<AppState>
where
    P: utoipa::Path,
    H: Handler<T, AppState>,
    T: 'static,
{
    P::methods().iter().fold(MethodRouter::new(), |route, method| route.on(method.to_method_filter(), handler.clone()))
}

/// The way in, those of small bodies, and those that take files: what is in the document is there, and nothing else.
pub fn routers() -> (Router<AppState>, Router<AppState>, Router<AppState>) {
    (way_in(), small(), large())
}

/// The document.
pub fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        let mut document = serde_json::to_value(described()).unwrap_or_default();
        finish(&mut document);
        document
    })
}

/// The document as it is committed.
#[must_use]
pub fn text() -> String {
    serde_json::to_string_pretty(document()).map(|text| text + "\n").unwrap_or_default()
}

/// `GET /api/v1/openapi.json`.
pub async fn serve() -> Response {
    ([(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")], document().to_string())
        .into_response()
}

/// The errors that operations have in common, with what they mean.
const ERRORS: [(&str, &str); 12] = [
    ("400", "The request cannot be read."),
    ("401", "Without a token, or a password, that is good."),
    ("403", "The scope or the role does not allow it."),
    ("404", "There is nothing of this name."),
    ("408", "The body did not come in time."),
    ("409", "Not in this state; or another request with the same `Idempotency-Key` is being worked on."),
    ("413", "The body is too large."),
    ("415", "The body is of another type."),
    ("422", "It can be read and asks for what cannot be; or the `Idempotency-Key` was for another request."),
    ("429", "Too often: see `Retry-After`."),
    ("500", "The store's own trouble."),
    (
        "503",
        "The store is very busy, or cannot reach Stripe. What was asked may have been done: ask again under the same `Idempotency-Key`.",
    ),
];

/// Which of them an operation has.
fn has(status: &str, path: &str, method: &str, operation: &Value) -> bool {
    let guarded = operation.get("security").is_some();
    let body = operation.get("requestBody").is_some();
    match status {
        "401" | "403" => guarded || path.starts_with("/api/v1/auth/"),
        "404" => path.contains('{'),
        "408" | "413" | "415" => body,
        "409" => guarded && method != "get",
        "422" => body || (guarded && method != "get"),
        _ => true,
    }
}

fn object(value: &mut Value) -> Option<&mut Map<String, Value>> {
    value.as_object_mut()
}

/// Adds what all operations have.
fn finish(document: &mut Value) {
    if let Some(components) = document.get_mut("components").and_then(object) {
        components.insert(
            "securitySchemes".to_owned(),
            json!({ "bearer": {
                "type": "http",
                "scheme": "bearer",
                "description": "An access token, or a token for a long time. An operation names the least role and the scope that it needs.",
            } }),
        );
        components.insert("headers".to_owned(), headers());
        let errors = ERRORS.iter().map(|(status, meaning)| ((*status).to_owned(), problem(meaning)));
        components.insert("responses".to_owned(), Value::Object(errors.collect()));
    }
    let Some(paths) = document.get_mut("paths").and_then(object) else { return };
    for (path, item) in paths.iter_mut() {
        let Some(item) = object(item) else { continue };
        for (method, operation) in item.iter_mut() {
            let errors = ERRORS.map(|(status, _)| status).into_iter();
            let errors: Vec<&str> = errors.filter(|status| has(status, path, method, operation)).collect();
            let keyed = method != "get" && operation.get("security").is_some();
            let Some(operation) = object(operation) else { continue };
            if keyed {
                let id = operation.get("operationId").and_then(Value::as_str).unwrap_or_default();
                let required = ["refund-order", "start-checkout", "add-edition"].contains(&id);
                let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
                parameters.as_array_mut().into_iter().for_each(|all| all.push(key(required)));
            }
            let Some(responses) = operation.get_mut("responses").and_then(object) else { continue };
            for response in responses.values_mut().filter_map(object) {
                response.insert("headers".to_owned(), said());
            }
            for status in errors {
                let shared = json!({ "$ref": format!("#/components/responses/{status}") });
                responses.entry(status).or_insert(shared);
            }
        }
    }
}

fn headers() -> Value {
    let text = |pattern: &str| json!({ "type": "string", "pattern": pattern });
    json!({
        "RateLimit": {
            "description": "What is left, and in how many seconds there is one more.",
            "schema": text("^\"requests\";r=[0-9]+;t=[0-9]+$"),
        },
        "RateLimit-Policy": {
            "description": "How many requests there are in how many seconds.",
            "schema": text("^\"requests\";q=[0-9]+;w=[0-9]+$"),
        },
    })
}

/// What every answer says.
fn said() -> Value {
    json!({
        "RateLimit": { "$ref": "#/components/headers/RateLimit" },
        "RateLimit-Policy": { "$ref": "#/components/headers/RateLimit-Policy" },
    })
}

/// The parameter `Idempotency-Key`.
fn key(required: bool) -> Value {
    json!({
        "name": "Idempotency-Key",
        "in": "header",
        "required": required,
        "description": "Asked for again under the same key within 24 hours, it is done once and answered the same.",
        "schema": { "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$" },
    })
}

fn problem(meaning: &str) -> Value {
    json!({
        "description": meaning,
        "headers": said(),
        "content": { "application/problem+json": { "schema": { "$ref": "#/components/schemas/Problem" } } },
    })
}
