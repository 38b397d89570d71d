//! The hosted payment page: plain HTML forms, no JavaScript, nothing from elsewhere.
//!
//! Amounts come from the session, never from the form. A card number or CVC is never sent back.

mod countries;
mod form;
pub(crate) mod html;
mod render;
mod summary;

use axum::extract::{Path, RawForm, State as Shared};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};

use self::form::{Fields, Wish};
use self::render::Notice;
use crate::cards::FieldError;
use crate::checkout::{self, PayOutcome};
use crate::core::Core;
use crate::promotion;
use crate::records::{IntentStatus, Session, SessionStatus};
use crate::state::State;

const STYLE: &str = include_str!("page.css");

/// `GET /c/pay/{id}`
pub(crate) async fn show(Shared(core): Shared<Core>, Path(id): Path<String>) -> Response {
    let Some(session) = find(&core, &id) else { return missing() };
    let fields = Fields::first(&session);
    page(&session, &fields, &[], None)
}

/// `POST /c/pay/{id}`
pub(crate) async fn submit(Shared(core): Shared<Core>, Path(id): Path<String>, RawForm(body): RawForm) -> Response {
    let Some(session) = find(&core, &id) else { return missing() };
    if session.status != SessionStatus::Open {
        return closed(&session);
    }
    let (fields, secrets) = form::read(&body, &session);
    let (session, errors) = core.act(|state| adjust(state, session, &fields));
    if !errors.is_empty() || fields.wish != Wish::Pay {
        core.flushed().await;
        return page(&session, &fields, &errors, None);
    }
    let (payment, buyer) = match form::check(&fields, &secrets, &session) {
        Ok(checked) => checked,
        Err(errors) => return page(&session, &fields, &errors, None),
    };
    // Nobody pays another total than the one on the page.
    let total = session.total();
    if payment.is_some() && fields.shown.is_some_and(|shown| shown != total) {
        let total = crate::currency::format(total, &session.currency);
        let message = format!("With tax for your country the total is {total}. Please check it and pay again.");
        return page(&session, &fields, &[], Some(&Notice { message, code: None, decline_code: None }));
    }
    let outcome = core.act(|state| checkout::pay(state, &id, payment, buyer));
    core.flushed().await;
    follow(&core, &id, outcome, &fields)
}

/// What the form changes before anything is paid: the country that tax goes by, and the promotion code.
fn adjust(state: &mut State, session: Session, fields: &Fields) -> (Session, Vec<FieldError>) {
    let mut errors = Vec::new();
    checkout::locate(state, &session.id, form::country(fields), form::tax_id(fields));
    let discount = match fields.wish {
        Wish::ApplyCode if form::wants_code(&session) => {
            match promotion::by_typed_code(&session, &fields.promotion_code, state) {
                Ok(discount) => Some(Some(discount)),
                Err(refusal) => {
                    let (code, message) = ("promotion_code_invalid", refusal.sentence());
                    errors.push(FieldError { field: "promotion_code", code, message });
                    None
                }
            }
        }
        Wish::RemoveCode => session.discount.as_ref().filter(|discount| discount.typed).map(|_| None),
        _ => None,
    };
    let now = state.sessions.update(&session.id, |session| {
        if let Some(discount) = discount.filter(|_| session.status == SessionStatus::Open) {
            session.discount = discount;
        }
        session.clone()
    });
    (now.unwrap_or(session), errors)
}

/// `GET /c/pay/{id}/authenticate`
pub(crate) async fn show_authentication(Shared(core): Shared<Core>, Path(id): Path<String>) -> Response {
    let Some(session) = find(&core, &id) else { return missing() };
    if session.status != SessionStatus::Open {
        return closed(&session);
    }
    let last4 = {
        let state = core.lock();
        let intent = session.intent.as_ref().and_then(|id| state.intents.get(id));
        intent
            .filter(|intent| intent.status == IntentStatus::RequiresAction)
            .and_then(|intent| intent.method.as_ref())
            .map(|method| method.means.last4().to_owned())
    };
    match last4 {
        Some(last4) => secure(render::authentication(&session, &last4), Some(&session)),
        None => see_other(&format!("/c/pay/{id}")),
    }
}

/// `POST /c/pay/{id}/authenticate`
pub(crate) async fn submit_authentication(
    Shared(core): Shared<Core>,
    Path(id): Path<String>,
    RawForm(body): RawForm,
) -> Response {
    let passed = url::form_urlencoded::parse(&body).any(|(key, value)| key == "result" && value == "complete");
    let outcome = core.act(|state| checkout::authenticate(state, &id, passed));
    core.flushed().await;
    let Some(session) = find(&core, &id) else { return missing() };
    let fields = {
        let state = core.lock();
        let intent = session.intent.as_ref().and_then(|id| state.intents.get(id));
        let buyer = intent.and_then(|i| i.last_error.as_ref()).map(|error| &error.method.buyer);
        buyer.map_or_else(|| Fields::first(&session), Fields::of)
    };
    follow(&core, &id, outcome, &fields)
}

/// `GET /_sandbox/page.css`
pub(crate) async fn stylesheet() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")], STYLE).into_response()
}

/// Everything that has no route.
pub(crate) async fn not_found() -> Response {
    let body = render::message(
        "Nothing here",
        "This is stripe-sandbox, a stand-in for Stripe in tests and demos. The API is under /v1, a Checkout Session's \
         page under /c/pay/.",
        None,
    );
    (StatusCode::NOT_FOUND, secure(body, None)).into_response()
}

fn find(core: &Core, id: &str) -> Option<Session> {
    let mut state = core.lock();
    if checkout::expire_due(&mut state) {
        core.changed();
    }
    state.sessions.get(id).cloned()
}

fn follow(core: &Core, id: &str, outcome: PayOutcome, fields: &Fields) -> Response {
    let Some(session) = find(core, id) else { return missing() };
    match outcome {
        PayOutcome::Completed { redirect, .. } => see_other(&redirect),
        PayOutcome::AuthenticationRequired => see_other(&format!("/c/pay/{id}/authenticate")),
        PayOutcome::Declined { message, code, decline_code } => {
            page(&session, fields, &[], Some(&Notice { message, code: Some(code), decline_code }))
        }
        PayOutcome::Invalid(errors) => page(&session, fields, &errors, None),
        PayOutcome::Expired => closed(&session),
        PayOutcome::NotFound => see_other(&format!("/c/pay/{id}")),
    }
}

fn page(session: &Session, fields: &Fields, errors: &[FieldError], notice: Option<&Notice>) -> Response {
    match session.status {
        SessionStatus::Open => secure(render::payment(session, fields, errors, notice), Some(session)),
        _ => finished(session),
    }
}

/// The answer to a form for a session that is not open: paid ones lead to the store, once more.
fn closed(session: &Session) -> Response {
    match session.status {
        SessionStatus::Complete => see_other(&checkout::success_url(session)),
        _ => finished(session),
    }
}

fn finished(session: &Session) -> Response {
    let (title, text, link) = match session.status {
        SessionStatus::Expired => (
            "This checkout has expired",
            "You have not been charged. Go back to the store to start again.",
            session.settings.cancel_url.clone().map(|url| (url, "Back to the store")),
        ),
        _ => (
            "This order is already paid",
            "You have not been charged a second time.",
            Some((checkout::success_url(session), "Continue to your order")),
        ),
    };
    secure(render::message(title, text, link), Some(session))
}

fn missing() -> Response {
    let body = render::message(
        "This page could not be found",
        "The link is incomplete, or the sandbox was restarted without a state file and has forgotten the session.",
        None,
    );
    (StatusCode::NOT_FOUND, secure(body, None)).into_response()
}

pub(crate) fn see_other(url: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    // URLs were parsed when the session was made; what a header cannot carry is percent-encoded by then.
    let location = url::Url::parse(url).map_or_else(|_| url.to_owned(), String::from);
    if let Ok(value) = HeaderValue::from_str(&location) {
        response.headers_mut().insert(header::LOCATION, value);
    }
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The page with its headers.
pub(crate) fn secure(body: String, session: Option<&Session>) -> Response {
    let mut response = Html(body).into_response();
    // Browsers hold redirects after a form to `form-action` too, so the store has to be named.
    let store = session
        .and_then(|session| url::Url::parse(&checkout::success_url(session)).ok())
        .map(|url| format!(" {}", url.origin().ascii_serialization()))
        .unwrap_or_default();
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'{store}; base-uri 'none'; frame-ancestors 'none'"
    );
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&policy) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
