//! `/admin/webhooks`: the programs that are told what happens, and `/admin/webhooks/{id}`: one of them, with what it was
//! told.

pub mod delivery;
mod forms;
pub mod refused;

pub use delivery::WebhookDeliveryPage;

use super::settings;
use crate::components::{Desk, Section, written};
use crate::context;
use crate::error::AppError;
use crate::pages::{page, param, query};
use leptos::prelude::*;
use shop::hooks::{
    Delivery, DeliveryPage, DeliveryQuery, DeliveryState, Endpoint, EndpointState, EventType, NewEndpoint, WhyDisabled,
    form_name,
};
use shop::types::Role;

/// All endpoints, and the form that adds one.
#[component]
pub fn WebhooksPage() -> impl IntoView {
    page(async {
        let staff = context::staff(Role::Admin).await?;
        let endpoints = context::shop()?.webhook_endpoints().await?;
        let owner = staff.role >= Role::Owner;
        let list = if endpoints.is_empty() {
            view! {
                <div class="empty">
                    <p>
                        "No program is told what happens here. An endpoint is an address of yours that gets a signed message when an order is paid, a refund is made or a title is downloaded."
                    </p>
                </div>
            }
            .into_any()
        } else {
            table(endpoints)
        };
        Ok(view! {
            <Desk title="Webhooks" current=Section::Webhooks>
                {refused::notice()}
                <div class="side">
                    <div class="stacked hooks">{list}</div>
                    {owner
                        .then(|| {
                            let new = NewEndpoint { events: EventType::ALL.to_vec(), ..NewEndpoint::default() };
                            view! {
                                <section class="panel" aria-labelledby="add">
                                    <h2 id="add">"Add an endpoint"</h2>
                                    {forms::settings("/actions/admin-add-webhook", None, &new, "Add")}
                                </section>
                            }
                        })}
                </div>
            </Desk>
        }
        .into_any())
    })
}

fn table(endpoints: Vec<Endpoint>) -> AnyView {
    view! {
        <div class="scroll">
            <table class="table cards">
                <caption>"Endpoints"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Endpoint"</th>
                        <th scope="col">"State"</th>
                        <th scope="col">"Last success"</th>
                        <th scope="col">"Waiting"</th>
                        <th scope="col">"Given up"</th>
                    </tr>
                </thead>
                <tbody>{endpoints.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(endpoint: Endpoint) -> AnyView {
    let Endpoint { id, url, description, state, succeeded, waiting, failed, .. } = endpoint;
    view! {
        <tr>
            <th scope="row" class="address">
                <a href=format!("/admin/webhooks/{id}")>{url}</a>
                {(!description.is_empty()).then(|| view! { <small>{description}</small> })}
            </th>
            <td data-label="State">{tag(state)}</td>
            <td data-label="Last success" class="nowrap">{succeeded.map_or_else(|| "None yet".to_owned(), written::moment)}</td>
            <td data-label="Waiting">{waiting}</td>
            <td data-label="Given up">{failed}</td>
        </tr>
    }
    .into_any()
}

fn tag(state: EndpointState) -> impl IntoView {
    let (class, words) = match state {
        EndpointState::Enabled => ("tag good", "On"),
        EndpointState::Disabled(WhyDisabled::SwitchedOff) => ("tag", "Off"),
        EndpointState::Disabled(WhyDisabled::Gone) => ("tag bad", "Off: answered that it is gone"),
        EndpointState::Disabled(WhyDisabled::Failing) => ("tag bad", "Off: failed for five days"),
    };
    view! { <span class=class>{words}</span> }
}

/// The endpoint's id in the path.
fn id_of(name: &str) -> Result<i64, AppError> {
    param(name).parse().map_err(|_| AppError::NOT_FOUND)
}

/// One endpoint.
#[component]
pub fn WebhookPage() -> impl IntoView {
    page(async {
        let staff = context::staff(Role::Admin).await?;
        let (shop, id) = (context::shop()?, id_of("id")?);
        let before = query("before").map(|id| id.parse::<i64>().map_err(|_| AppError::BAD_REQUEST)).transpose()?;
        let failed = query("state").as_deref() == Some("failed");
        let endpoint = shop.webhook_endpoint(id).await?;
        let owner = staff.role >= Role::Owner;
        let secret = if owner { shop.new_webhook_secret(id).await? } else { None };
        let deliveries = shop.webhook_deliveries(id, DeliveryQuery { failed, before }).await?;
        let on = endpoint.state == EndpointState::Enabled;
        let kept = if owner { settings::kept(&shop).await? } else { None };
        let kept = kept.filter(|form| form.form == form_name(id));
        let outdated = kept.as_ref().filter(|form| form.outdated);
        let notice = match outdated {
            Some(form) => Some(settings::not_saved(form)),
            None => refused::notice().map(IntoAny::into_any),
        };
        let differs = outdated.map(|form| forms::differences(&endpoint, form));
        Ok(view! {
            <Desk title="Endpoint" current=Section::Webhooks>
                {notice} {differs} {secret.map(|secret| forms::shown(secret, endpoint.old_until))}
                <div class="side">
                    <div class="stacked hooks">{facts(&endpoint)} {log(id, failed, before.is_some(), deliveries)}</div>
                    <div class="stacked">
                        {(owner && on).then(|| forms::test(id))} {on.then(|| forms::again(id))}
                        {owner.then(|| forms::all(&endpoint, kept.as_ref()))}
                    </div>
                </div>
            </Desk>
        }
        .into_any())
    })
}

fn facts(endpoint: &Endpoint) -> AnyView {
    let fact = |name: &'static str, value: Option<String>| {
        value.filter(|value| !value.is_empty()).map(|value| {
            view! {
                <div>
                    <dt>{name}</dt>
                    <dd>{value}</dd>
                </div>
            }
        })
    };
    let told = endpoint.events.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    view! {
        <section class="panel" aria-labelledby="endpoint">
            <h2 id="endpoint" class="address">{endpoint.url.clone()}</h2>
            <p>{tag(endpoint.state)} " " <span class="note">{format!("since {}", written::moment(endpoint.since))}</span></p>
            <dl class="defs">
                {fact("For", Some(endpoint.description.clone()))} {fact("Told of", Some(told))}
                {fact("Added", Some(written::moment(endpoint.added)))} {fact("Last success", endpoint.succeeded.map(written::moment))}
                {fact("Failing since", endpoint.failing_since.map(written::moment))}
                {fact("The old secret is good until", endpoint.old_until.map(written::moment))}
            </dl>
        </section>
    }
    .into_any()
}

fn log(id: i64, failed: bool, paged: bool, found: DeliveryPage) -> AnyView {
    let here = |chosen: bool| chosen.then_some("page");
    let state = if failed { "state=failed&" } else { "" };
    let older = found.next.map(|next| format!("/admin/webhooks/{id}?{state}before={next}"));
    let latest = paged.then(|| format!("/admin/webhooks/{id}?{}", state.trim_end_matches('&')));
    let list = if found.deliveries.is_empty() {
        let words = if failed { "Nothing was given up." } else { "Nothing was sent yet." };
        view! {
            <div class="empty">
                <p>{words}</p>
            </div>
        }
        .into_any()
    } else {
        view! {
            <div class="scroll">
                <table class="table cards">
                    <caption>"Deliveries"</caption>
                    <thead>
                        <tr>
                            <th scope="col">"What"</th>
                            <th scope="col">"When"</th>
                            <th scope="col">"State"</th>
                            <th scope="col">"Answer"</th>
                        </tr>
                    </thead>
                    <tbody>{found.deliveries.into_iter().map(|delivery| line(id, delivery)).collect_view()}</tbody>
                </table>
            </div>
        }
        .into_any()
    };
    view! {
        <section class="stacked" aria-labelledby="deliveries">
            <h2 id="deliveries">"Deliveries"</h2>
            <nav class="bar which" aria-label="Which deliveries">
                <a href=format!("/admin/webhooks/{id}") aria-current=here(!failed)>
                    "All"
                </a>
                <a href=format!("/admin/webhooks/{id}?state=failed") aria-current=here(failed)>
                    "Given up"
                </a>
            </nav>
            {list}
            <nav class="pager" aria-label="Pages">
                <span>"Kept for 30 days, the latest first, in UTC."</span>
                {latest.map(|latest| view! { <a class="quiet" href=latest>"Latest"</a> })}
                {older.map(|older| view! { <a class="quiet" href=older>"Older"</a> })}
            </nav>
        </section>
    }
    .into_any()
}

fn line(endpoint: i64, delivery: Delivery) -> AnyView {
    let Delivery { id, kind, happened_at, status, error, .. } = delivery.clone();
    let answer = match (status, error) {
        (_, Some(error)) => error,
        (Some(status), None) => format!("answered {status}"),
        (None, None) => String::new(),
    };
    view! {
        <tr>
            <th scope="row">
                <a href=format!("/admin/webhooks/{endpoint}/{id}")>
                    <code>{kind}</code>
                </a>
            </th>
            <td data-label="When" class="nowrap">
                {written::moment(happened_at)}
            </td>
            <td data-label="State">{standing(&delivery)}</td>
            <td data-label="Answer" class="address">
                {answer}
            </td>
        </tr>
    }
    .into_any()
}

/// Where a delivery stands.
fn standing(delivery: &Delivery) -> impl IntoView + use<> {
    let (class, words) = match delivery.state {
        DeliveryState::Waiting if delivery.attempts == 0 => ("tag", "Waiting".to_owned()),
        DeliveryState::Waiting => ("tag warn", format!("Failed {}, tried again later", times(delivery.attempts))),
        DeliveryState::Leased => ("tag", "On its way".to_owned()),
        DeliveryState::Delivered => ("tag good", "Delivered".to_owned()),
        DeliveryState::Failed => ("tag bad", "Given up".to_owned()),
    };
    view! { <span class=class>{words}</span> }
}

fn times(count: i32) -> String {
    match count {
        1 => "once".to_owned(),
        2 => "twice".to_owned(),
        many => format!("{many} times"),
    }
}
