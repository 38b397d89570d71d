//! What the desk hands out as a file: the list of orders, the evidence about an order, and everything under a buyer's address. POST, because
//! that it was handed out is written down.

use super::content_disposition::attachment;
use super::errors;
use app::context::sign_in_then;
use app::error::{AppError, ErrorCode};
use app::pages::admin::Filters;
use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use futures::stream;
use leptos::server_fn::error::FromServerFnError as _;
use shop::audit::Actor;
use shop::desk::Turn;
use shop::staff::Staff;
use shop::types::{OrderNumber, Role};
use shop::{ErrorKind, Shop, StaffSecret};
use std::collections::HashMap;

/// The guard, as `app::context::staff` is for pages: who is signed in with at least this role, or the answer to
/// whoever is not.
pub(super) async fn guard(
    shop: &Shop,
    secret: Option<Extension<StaffSecret>>,
    headers: &HeaderMap,
    least: Role,
    page: &str,
) -> Result<Actor, Box<Response>> {
    let staff = match secret {
        Some(Extension(secret)) => shop.staff(&secret).await,
        None => Ok(None),
    };
    let staff = staff.map_err(|error| Box::new(refusal(&error)))?;
    admitted(staff, headers, least, page)
}

/// The guard for what a page asks by itself: it is no use of the session.
pub(super) async fn guard_unnoted(
    shop: &Shop,
    secret: &StaffSecret,
    headers: &HeaderMap,
    least: Role,
    page: &str,
) -> Result<Actor, Box<Response>> {
    let staff = shop.staff_unnoted(secret).await.map_err(|error| Box::new(refusal(&error)))?;
    admitted(staff, headers, least, page)
}

fn admitted(staff: Option<Staff>, headers: &HeaderMap, least: Role, page: &str) -> Result<Actor, Box<Response>> {
    let (why, way) = match staff {
        None => (ErrorCode::SignedOut, sign_in_then(page)),
        Some(staff) if staff.role < least => {
            (ErrorCode::NotAllowed, format!("{page}?error={}", ErrorCode::NotAllowed.as_str()))
        }
        Some(staff) => return Ok(Actor::from(&staff)),
    };
    // As for the server functions: a form is led away, a script is told the code.
    Err(Box::new(if errors::wants_page(headers) {
        Redirect::to(&way).into_response()
    } else {
        let status = StatusCode::from_u16(why.status()).unwrap_or(StatusCode::FORBIDDEN);
        (status, Body::from(AppError::from(why).ser())).into_response()
    }))
}

pub(super) fn refusal(error: &shop::Error) -> Response {
    match error.kind() {
        ErrorKind::NotFound => StatusCode::NOT_FOUND.into_response(),
        ErrorKind::Busy => StatusCode::SERVICE_UNAVAILABLE.into_response(),
        _ => {
            tracing::error!(%error, "a file of the desk could not be made");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// A file that no cache keeps.
pub(super) fn file(kind: &'static str, name: &str, content: impl Into<Body>) -> Response {
    let mut response = Response::new(content.into());
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    headers.insert(header::CONTENT_DISPOSITION, attachment(name));
    response
}

/// The list of orders with the filters of the form, as CSV: made while it is sent, however long it is.
pub async fn orders(
    State(shop): State<Shop>,
    secret: Option<Extension<StaffSecret>>,
    headers: HeaderMap,
    form: Result<Form<HashMap<String, String>>, FormRejection>,
) -> Response {
    let actor = match guard(&shop, secret, &headers, Role::Admin, "/admin/orders").await {
        Ok(actor) => actor,
        Err(answer) => return *answer,
    };
    let Ok(Form(form)) = form else { return StatusCode::BAD_REQUEST.into_response() };
    let filters = Filters::read(|name| form.get(name).filter(|value| !value.is_empty()).cloned());
    if let Err(error) = shop.note_orders_export(&actor).await {
        return refusal(&error);
    }
    let pieces = stream::try_unfold(Some(Turn::First), move |turn| {
        let (shop, query) = (shop.clone(), turn.map(|turn| filters.query(turn)));
        async move {
            let Some(query) = query else { return Ok(None) };
            let piece = shop.orders_csv(query).await.inspect_err(|error| {
                tracing::error!(%error, "a list of orders broke off");
            })?;
            Ok::<_, shop::Error>(Some((piece.text, piece.next)))
        }
    });
    file("text/csv; charset=utf-8", "orders.csv", Body::from_stream(pieces))
}

/// What a dispute can be answered with, as a ZIP.
pub async fn evidence(
    State(shop): State<Shop>,
    Path(number): Path<String>,
    secret: Option<Extension<StaffSecret>>,
    headers: HeaderMap,
) -> Response {
    let page = format!("/admin/orders/{number}");
    let actor = match guard(&shop, secret, &headers, Role::Support, &page).await {
        Ok(actor) => actor,
        Err(answer) => return *answer,
    };
    let Ok(number) = number.parse::<OrderNumber>() else { return StatusCode::NOT_FOUND.into_response() };
    match shop.dispute_evidence(&number, &actor).await {
        Ok(zip) => file("application/zip", &format!("evidence-{number}.zip"), zip),
        Err(error) => refusal(&error),
    }
}

/// Everything that is held under the address of an order, as JSON.
pub async fn export(
    State(shop): State<Shop>,
    Path(number): Path<String>,
    secret: Option<Extension<StaffSecret>>,
    headers: HeaderMap,
) -> Response {
    let page = format!("/admin/buyers/{number}");
    let actor = match guard(&shop, secret, &headers, Role::Admin, &page).await {
        Ok(actor) => actor,
        Err(answer) => return *answer,
    };
    let Ok(number) = number.parse::<OrderNumber>() else { return StatusCode::NOT_FOUND.into_response() };
    let exported = async {
        let Some(email) = shop.buyer_address(&number).await? else { return Ok(None) };
        shop.export_buyer(&email, &actor).await
    };
    match exported.await {
        Ok(Some(json)) => file("application/json", &format!("buyer-{number}.json"), json),
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(error) => refusal(&error),
    }
}
