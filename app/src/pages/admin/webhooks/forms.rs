//! The forms of an endpoint's page: each says beside its button what will happen.

use crate::components::written;
use crate::pages::admin::settings::{Fields, differing};
use chrono::NaiveDateTime;
use leptos::prelude::*;
use shop::hooks::{Endpoint, EndpointState, EventType, NewEndpoint, form_name};
use shop::types::KeptForm;

/// A secret, while it is new.
pub(super) fn shown(secret: String, old_until: Option<NaiveDateTime>) -> AnyView {
    let old =
        old_until.map(|until| format!(" Until {} everything is signed with the old one too.", written::moment(until)));
    view! {
        <section class="panel" aria-labelledby="new-secret">
            <h2 id="new-secret">"The signing secret"</h2>
            <p>
                "Give it to the program: with it and a library from standardwebhooks.com it knows what comes from this store. It is not shown again after ten minutes."
                {old}
            </p>
            <code class="secret">{secret}</code>
        </section>
    }
    .into_any()
}

/// Where an endpoint is, what it is for, what it is told of; of one that is there already, which and over what version of it.
pub(super) fn settings(
    action: &'static str,
    over: Option<(i64, String)>,
    value: &NewEndpoint,
    words: &'static str,
) -> AnyView {
    let NewEndpoint { url, description, events } = value.clone();
    let choice = |kind: EventType| {
        view! {
            <label class="check">
                <input type="checkbox" name="events[]" value=kind.as_str() checked=events.contains(&kind)/>
                <code>{kind.as_str()}</code>
                <small>{kind.label()}</small>
            </label>
        }
    };
    view! {
        <form class="fields" method="post" action=action>
            {over
                .map(|(id, version)| {
                    view! {
                        <input type="hidden" name="id" value=id/>
                        <input type="hidden" name="version" value=version/>
                    }
                })}
            <label>
                "Address"
                <input type="url" name="url" value=url required maxlength="500" autocomplete="off" placeholder="https://hooks.example.org/octavo"/>
            </label>
            <label>
                "What it is for"
                <input name="description" value=description maxlength="200" autocomplete="off" placeholder="Newsletter"/>
            </label>
            <fieldset class="events">
                <legend>"What it is told of"</legend>
                {EventType::ALL.iter().copied().map(choice).collect_view()}
            </fieldset>
            <button>{words}</button>
        </form>
    }
    .into_any()
}

pub(super) fn test(id: i64) -> AnyView {
    view! {
        <section class="panel" aria-labelledby="test">
            <h2 id="test">"Try it"</h2>
            <form class="fields" method="post" action="/actions/admin-test-webhook">
                <input type="hidden" name="id" value=id/>
                <p class="note">"Sends a message of the type " <code>"webhook.test"</code> ", signed like all others."</p>
                <button class="quiet">"Send a test"</button>
            </form>
        </section>
    }
    .into_any()
}

pub(super) fn again(id: i64) -> AnyView {
    view! {
        <section class="panel" aria-labelledby="again">
            <h2 id="again">"Send again"</h2>
            <form class="fields" method="post" action="/actions/admin-redeliver-webhooks">
                <input type="hidden" name="id" value=id/>
                <label>
                    "What was given up in the last"
                    <select name="hours">
                        <option value="1">"hour"</option>
                        <option value="24" selected>
                            "day"
                        </option>
                        <option value="168">"week"</option>
                        <option value="720">"30 days"</option>
                    </select>
                </label>
                <p class="note">"Each is sent under its own id, so that a program knows what it has had already."</p>
                <button class="quiet">"Send all of it again"</button>
            </form>
        </section>
    }
    .into_any()
}

/// What the settings' form is filled from.
fn saved(endpoint: &Endpoint) -> NewEndpoint {
    NewEndpoint {
        url: endpoint.url.clone(),
        description: endpoint.description.clone(),
        events: endpoint.events.clone(),
    }
}

/// What was typed into it.
fn typed(kept: &KeptForm) -> NewEndpoint {
    NewEndpoint {
        url: kept.value("url").to_owned(),
        description: kept.value("description").to_owned(),
        events: kept.value("events").split_whitespace().filter_map(EventType::parse).collect(),
    }
}

/// Field by field, what is saved and what was typed over it.
pub(super) fn differences(endpoint: &Endpoint, kept: &KeptForm) -> AnyView {
    let (saved, typed) = (saved(endpoint), typed(kept));
    let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let told = |new: &NewEndpoint| new.events.iter().map(|kind| kind.as_str()).collect::<Vec<_>>().join(", ");
    let rows = [
        ("Address", saved.url.clone(), words(&typed.url)),
        ("What it is for", saved.description.clone(), words(&typed.description)),
        ("What it is told of", told(&saved), told(&typed)),
    ];
    differing(rows, format!("/admin/webhooks/{}", endpoint.id))
}

/// What an owner may change.
pub(super) fn all(endpoint: &Endpoint, kept: Option<&KeptForm>) -> AnyView {
    let (id, saved) = (endpoint.id, saved(endpoint));
    let version = Fields::of(kept, &form_name(id)).version(saved.version());
    let value = kept.map_or(saved, typed);
    view! {
        <section class="panel" aria-labelledby="settings">
            <h2 id="settings">"Settings"</h2>
            {settings("/actions/admin-change-webhook", Some((id, version)), &value, "Save")}
        </section>
        {secret(id)}
        {ending(id, endpoint.state == EndpointState::Enabled)}
    }
    .into_any()
}

fn secret(id: i64) -> AnyView {
    view! {
        <section class="panel" aria-labelledby="secret">
            <h2 id="secret">"Secret"</h2>
            <details class="ask">
                <summary>"Replace the secret …"</summary>
                <form class="fields" method="post" action="/actions/admin-replace-webhook-secret">
                    <input type="hidden" name="id" value=id/>
                    <label>
                        "The old one is good"
                        <select name="keep">
                            <option value="24" selected>
                                "for another day"
                            </option>
                            <option value="168">"for another week"</option>
                            <option value="0">"no longer: it is known to others"</option>
                        </select>
                    </label>
                    <p>"As long as both are good, everything is signed with both, so that the program misses nothing."</p>
                    <button>"Replace the secret"</button>
                </form>
            </details>
        </section>
    }
    .into_any()
}

fn ending(id: i64, on: bool) -> AnyView {
    let switch = if on {
        view! {
            <details class="ask">
                <summary>"Switch off …"</summary>
                <form class="fields" method="post" action="/actions/admin-switch-webhook">
                    <input type="hidden" name="id" value=id/>
                    <input type="hidden" name="on" value="false"/>
                    <p>"Nothing is sent until you switch it on again. What waits is given up; it can be sent again afterwards."</p>
                    <button>"Switch off"</button>
                </form>
            </details>
        }
        .into_any()
    } else {
        view! {
            <form class="fields" method="post" action="/actions/admin-switch-webhook">
                <input type="hidden" name="id" value=id/>
                <input type="hidden" name="on" value="true"/>
                <p class="note">"What happened meanwhile it does not learn. What was waiting then was given up and can be sent again."</p>
                <button>"Switch on"</button>
            </form>
        }
        .into_any()
    };
    view! {
        <section class="panel" aria-labelledby="ending">
            <h2 id="ending">{if on { "Switch off or delete" } else { "Switch on or delete" }}</h2>
            {switch}
            <details class="ask">
                <summary>"Delete …"</summary>
                <form class="fields" method="post" action="/actions/admin-delete-webhook">
                    <input type="hidden" name="id" value=id/>
                    <p>"The endpoint, its secret and the list of its deliveries are gone. This cannot be undone."</p>
                    <button class="danger">"Delete the endpoint"</button>
                </form>
            </details>
        </section>
    }
    .into_any()
}
