//! The dashboard: what the sandbox knows, on pages for people, with the buttons that a buyer, a bank and
//! Stripe would press. Plain forms, no JavaScript; other sites' pages cannot press them (see [`crate::guard`]).

mod events;
mod layout;
mod payment;
mod payments;
mod webhooks;

use axum::Router;
use axum::extract::{Path, Query, RawForm, State as Shared};
use axum::http::{StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use self::layout::{Flash, Tab};
use crate::checkout;
use crate::config::check_webhook_url;
use crate::core::Core;
use crate::page::{secure, see_other};
use crate::records::Cause;
use crate::{actions, currency, guard, ids, settling};

/// Rows of a page.
const ROWS: usize = 25;

pub(crate) fn routes() -> Router<Core> {
    Router::new()
        .route("/", get(async || see_other("/dashboard")))
        .route("/dashboard", get(show_payments))
        .route("/dashboard/payments/{id}", get(show_payment).post(act_on_payment))
        .route("/dashboard/events", get(show_events))
        .route("/dashboard/events/{id}", get(show_event).post(resend))
        .route("/dashboard/webhooks", get(show_webhooks).post(add_webhook))
        .route("/dashboard/webhooks/{id}", post(change_webhook))
        .route("/_sandbox/dashboard.css", get(stylesheet))
        .layer(from_fn(guard::same_site))
}

async fn stylesheet() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    (headers, include_str!("dashboard.css")).into_response()
}

/// Where in a list, and what is to be said at the top.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Place {
    after: Option<String>,
    before: Option<String>,
    status: Option<String>,
    done: Option<String>,
}

impl Place {
    fn flash(&self) -> Option<Flash> {
        self.done.as_deref().and_then(Flash::of)
    }
}

fn respond(status: StatusCode, body: String) -> Response {
    let mut response = secure(body, None);
    *response.status_mut() = status;
    response
}

async fn show_payments(Shared(core): Shared<Core>, Query(place): Query<Place>) -> Response {
    secure(payments::page(&core.lock(), &place), None)
}

async fn show_payment(Shared(core): Shared<Core>, Path(id): Path<String>, Query(place): Query<Place>) -> Response {
    payment(&core, &id, place.flash(), StatusCode::OK)
}

fn payment(core: &Core, id: &str, flash: Option<Flash>, status: StatusCode) -> Response {
    match payment::page(&core.lock(), id, flash.as_ref()) {
        Some(body) => respond(status, body),
        None => missing(Tab::Payments, "There is no such payment"),
    }
}

fn missing(tab: Tab, title: &str) -> Response {
    let text = "<p>The link is wrong, or the sandbox has forgotten it.</p>";
    respond(StatusCode::NOT_FOUND, layout::page(tab, title, None, &format!("<h1>{title}</h1>{text}")))
}

/// The fields of a posted form; the last one of a name counts.
struct Form(Vec<(String, String)>);

impl Form {
    fn read(body: &[u8]) -> Self {
        Self(url::form_urlencoded::parse(body).into_owned().collect())
    }

    fn get(&self, name: &str) -> &str {
        self.0.iter().rev().find(|(key, _)| key == name).map_or("", |(_, value)| value.trim())
    }
}

async fn act_on_payment(Shared(core): Shared<Core>, Path(id): Path<String>, RawForm(body): RawForm) -> Response {
    let form = Form::read(&body);
    let Some(currency) = core.lock().sessions.get(&id).map(|session| session.currency.clone()) else {
        return missing(Tab::Payments, "There is no such payment");
    };
    let done = act(&core, &id, &currency, &form);
    core.flushed().await;
    match done {
        Ok(done) => see_other(&format!("/dashboard/payments/{id}?done={done}")),
        Err(problem) => payment(&core, &id, Some(Flash::Problem(problem)), StatusCode::CONFLICT),
    }
}

/// Does what a button of a payment's page says; which of them, or what is wrong.
fn act(core: &Core, id: &str, currency: &str, form: &Form) -> Result<&'static str, String> {
    let refuse = |ok: bool, done, problem: &str| if ok { Ok(done) } else { Err(problem.to_owned()) };
    let over = "That has ended already.";
    match form.get("do") {
        "refund" => {
            let amount = match form.get("amount") {
                "" => None,
                text => Some(currency::parse(text, currency).ok_or("Write the amount as a number, such as 12.99.")?),
            };
            actions::refund(core, id, amount).map(|_| "refunded").map_err(|error| error.message().to_owned())
        }
        "dispute" => {
            let reason = form.get("reason");
            let inquiry = form.get("kind") == "inquiry";
            if !actions::REASONS.contains(&reason) {
                return Err("Choose a reason.".to_owned());
            }
            let opened = actions::open_dispute(core, id, reason, inquiry);
            refuse(opened.is_some(), "disputed", "It cannot be disputed, or was before.")
        }
        "win" => refuse(actions::close_dispute(core, form.get("dispute"), true), "won", over),
        "lose" => refuse(actions::close_dispute(core, form.get("dispute"), false), "lost", over),
        "refund_succeeds" => refuse(actions::finish_refund(core, form.get("refund"), true), "refund_done", over),
        "refund_fails" => refuse(actions::finish_refund(core, form.get("refund"), false), "refund_failed", over),
        "settle" => refuse(core.act(|state| settling::settle(state, id, Some(true))), "settled", over),
        "settle_fails" => refuse(core.act(|state| settling::settle(state, id, Some(false))), "settle_failed", over),
        "expire" => {
            let expired = core.act(|state| checkout::expire(state, id, &Cause::default()).is_ok());
            refuse(expired, "expired", over)
        }
        _ => Err("This button is not known.".to_owned()),
    }
}

async fn show_events(Shared(core): Shared<Core>, Query(place): Query<Place>) -> Response {
    secure(events::list(&core.lock(), &place), None)
}

async fn show_event(Shared(core): Shared<Core>, Path(id): Path<String>, Query(place): Query<Place>) -> Response {
    match events::one(&core.lock(), &id, place.flash().as_ref()) {
        Some(body) => secure(body, None),
        None => missing(Tab::Events, "There is no such event"),
    }
}

async fn resend(Shared(core): Shared<Core>, Path(id): Path<String>) -> Response {
    if actions::deliver_again(&core, &id).is_none() {
        return missing(Tab::Events, "There is no such event");
    }
    core.flushed().await;
    see_other(&format!("/dashboard/events/{id}?done=resent"))
}

async fn show_webhooks(Shared(core): Shared<Core>, Query(place): Query<Place>) -> Response {
    secure(webhooks::page(&core.lock(), place.flash().as_ref(), ""), None)
}

async fn add_webhook(Shared(core): Shared<Core>, RawForm(body): RawForm) -> Response {
    let form = Form::read(&body);
    let url = form.get("url");
    if check_webhook_url(url).is_err() {
        let problem =
            Flash::Problem("Write a whole http address, such as http://127.0.0.1:3000/webhooks/stripe.".into());
        return respond(StatusCode::CONFLICT, webhooks::page(&core.lock(), Some(&problem), url));
    }
    let secret = match form.get("secret") {
        "" => ids::fresh("whsec", 32),
        given => given.to_owned(),
    };
    core.act(|state| state.add_endpoint(url, &secret));
    core.flushed().await;
    see_other("/dashboard/webhooks?done=added")
}

async fn change_webhook(Shared(core): Shared<Core>, Path(id): Path<String>, RawForm(body): RawForm) -> Response {
    let form = Form::read(&body);
    let done = core.act(|state| match form.get("do") {
        "enable" => state.endpoints.update(&id, |endpoint| endpoint.disabled = false).map(|()| "enabled"),
        "disable" => state.endpoints.update(&id, |endpoint| endpoint.disabled = true).map(|()| "disabled"),
        "remove" => state.endpoints.remove(&id).map(|_| "removed"),
        _ => None,
    });
    core.flushed().await;
    match done {
        Some(done) => see_other(&format!("/dashboard/webhooks?done={done}")),
        None => missing(Tab::Webhooks, "There is no such endpoint"),
    }
}
