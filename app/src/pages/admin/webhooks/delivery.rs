//! `/admin/webhooks/{id}/{delivery}`: what was sent, and what came back.

use super::{id_of, refused, standing};
use crate::components::{Desk, Section, written};
use crate::context;
use crate::error::AppError;
use crate::pages::page;
use leptos::prelude::*;
use shop::hooks::{Attempt, DeliveryState, Sheet};
use shop::types::Role;

/// One delivery.
#[component]
pub fn WebhookDeliveryPage() -> impl IntoView {
    page(async {
        context::staff(Role::Admin).await?;
        let (endpoint, id) = (id_of("id")?, id_of("delivery")?);
        let sheet = context::shop()?.webhook_delivery(id).await?;
        if sheet.endpoint != endpoint {
            return Err(AppError::NOT_FOUND);
        }
        let back = format!("/admin/webhooks/{endpoint}");
        let title = sheet.delivery.kind.clone();
        Ok(view! {
            <Desk title=title current=Section::Webhooks actions=again(&sheet)>
                {refused::notice()}
                <div class="stacked">
                    {facts(&sheet, back)} <section class="panel" aria-labelledby="sent">
                        <h2 id="sent">"What is sent"</h2>
                        <pre class="payload" tabindex="0" aria-label="What is sent">
                            {sheet.body.clone()}
                        </pre>
                    </section> {attempts(sheet.attempts)}
                </div>
            </Desk>
        }
        .into_any())
    })
}

fn again(sheet: &Sheet) -> Option<AnyView> {
    let id = sheet.delivery.id;
    let words = match sheet.delivery.state {
        DeliveryState::Leased => return None,
        DeliveryState::Waiting => "Send now",
        DeliveryState::Delivered | DeliveryState::Failed => "Send again",
    };
    let form = view! {
        <form method="post" action="/actions/admin-redeliver-webhook">
            <input type="hidden" name="id" value=id/>
            <button class="quiet">{words}</button>
        </form>
    };
    Some(form.into_any())
}

fn facts(sheet: &Sheet, back: String) -> AnyView {
    let next = sheet.delivery.next_at.map(|next| {
        view! {
            <div>
                <dt>"Next try"</dt>
                <dd>{written::moment(next)}</dd>
            </div>
        }
    });
    view! {
        <section class="panel" aria-label="Facts">
            <dl class="defs">
                <div>
                    <dt>"To"</dt>
                    <dd class="address">
                        <a href=back>{sheet.url.clone()}</a>
                    </dd>
                </div>
                <div>
                    <dt>"State"</dt>
                    <dd>{standing(&sheet.delivery)}</dd>
                </div>
                <div>
                    <dt>"Happened"</dt>
                    <dd>{written::moment(sheet.delivery.happened_at)}</dd>
                </div>
                {next}
                <div>
                    <dt>
                        <code>"webhook-id"</code>
                    </dt>
                    <dd class="address">
                        <code>{sheet.delivery.message.clone()}</code>
                    </dd>
                </div>
            </dl>
        </section>
    }
    .into_any()
}

fn attempts(attempts: Vec<Attempt>) -> AnyView {
    if attempts.is_empty() {
        return view! {
            <div class="empty">
                <p>"It was not tried yet. Load the page again in a moment."</p>
            </div>
        }
        .into_any();
    }
    view! {
        <section class="panel" aria-labelledby="tries">
            <h2 id="tries">"What came back"</h2>
            <ol class="story">{attempts.into_iter().map(attempt).collect_view()}</ol>
        </section>
    }
    .into_any()
}

fn attempt(attempt: Attempt) -> AnyView {
    let Attempt { made_at, milliseconds, status, answer, error } = attempt;
    let at = written::moment(made_at);
    let class = if error.is_some() { "wrong" } else { "of-money" };
    let words = match (error, status) {
        (Some(error), _) => error,
        (None, Some(status)) => format!("answered {status}"),
        (None, None) => "no answer".to_owned(),
    };
    let label = format!("Answer of {at}");
    view! {
        <li class=class>
            <time>{at}</time>
            <div>
                <p>{format!("{words}, after {milliseconds} ms")}</p>
                {(!answer.is_empty())
                    .then(|| {
                        view! {
                            <pre class="payload" tabindex="0" aria-label=label>
                                {answer}
                            </pre>
                        }
                    })}
            </div>
        </li>
    }
    .into_any()
}
