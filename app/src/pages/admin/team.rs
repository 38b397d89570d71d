//! `/admin/team`: who works here.

use crate::components::{Desk, Section};
use crate::context;
use crate::pages::{page, query};
use leptos::prelude::*;
use shop::staff::{Colleague, PasswordLink};
use shop::types::Role;

/// Everybody, and the form that invites somebody.
#[component]
pub fn TeamPage() -> impl IntoView {
    page(async {
        let owner = context::staff(Role::Owner).await?;
        let (shop, asked) = (context::shop()?, query("link").and_then(|id| id.parse().ok()));
        let link = match asked {
            Some(id) => shop.password_link(id).await?,
            None => None,
        };
        let (team, mailed) = (shop.team().await?, shop.sends_mail());
        Ok(view! {
            <Desk title="Team" current=Section::Team>
                {link.map(|link| link_panel(link, mailed))}
                <div class="side">
                    <div class="scroll">
                        <table class="table cards">
                            <caption>"Who works here"</caption>
                            <thead>
                                <tr>
                                    <th scope="col">"Email"</th>
                                    <th scope="col">"Role"</th>
                                    <th scope="col">"State"</th>
                                    <th scope="col">"Last seen"</th>
                                    <th scope="col">"Account"</th>
                                </tr>
                            </thead>
                            <tbody>{team.into_iter().map(|one| row(one, owner.id)).collect_view()}</tbody>
                        </table>
                    </div>
                    {invite()}
                </div>
            </Desk>
        }
        .into_any())
    })
}

fn link_panel(link: PasswordLink, mailed: bool) -> AnyView {
    let words = if mailed {
        "It is on its way by mail. If that does not arrive, hand it over on another way that only they read. It sets the password once, within three days."
    } else {
        "Hand it over on a way that only they read. It sets the password once, within three days."
    };
    view! {
        <section class="panel" aria-labelledby="link">
            <h2 id="link">{format!("A link for {}", link.email.as_str())}</h2>
            <p>{words}</p>
            <code class="secret">{link.url}</code>
        </section>
    }
    .into_any()
}

fn row(one: Colleague, owner: i64) -> AnyView {
    let Colleague { id, email, role, has_password, has_codes, is_off, has_link, last_seen } = one;
    let name = email.as_str().to_owned();
    let state = if is_off {
        ("tag bad", "Switched off")
    } else if !has_password {
        ("tag warn", if has_link { "Invited" } else { "Invited, link too old" })
    } else {
        ("tag good", "Active")
    };
    let describe = name.clone();
    view! {
        <tr>
            <th scope="row">{name.clone()} {(id == owner).then_some(" (you)")}</th>
            <td data-label="Role">
                <form class="bar" method="post" action="/actions/admin-set-role">
                    <input type="hidden" name="id" value=id/>
                    {roles(role, format!("Role of {name}"))}
                    <button class="link" aria-description=describe.clone()>
                        "Change"
                    </button>
                </form>
            </td>
            <td data-label="State">
                <span class=state.0>{state.1}</span>
                {has_codes.then(|| view! { " "<span class="tag">"With codes"</span> })}
            </td>
            <td data-label="Last seen" class="nowrap">{last_seen.unwrap_or_else(|| "Not lately".to_owned())}</td>
            <td class="act">
                <div class="bar">
                    {(!is_off)
                        .then(|| {
                            button("/actions/admin-new-link", id, "New link", describe.clone()).into_any()
                        })}
                    {match (id == owner, is_off) {
                        (true, _) => None,
                        (false, true) => {
                            Some(button("/actions/admin-switch-on", id, "Switch on", describe.clone()).into_any())
                        }
                        (false, false) => {
                            Some(button("/actions/admin-switch-off", id, "Switch off", describe.clone()).into_any())
                        }
                    }}
                </div>
            </td>
        </tr>
    }
    .into_any()
}

fn button(action: &'static str, id: i64, words: &'static str, describe: String) -> impl IntoView {
    view! {
        <form method="post" action=action>
            <input type="hidden" name="id" value=id/>
            <button class="link" aria-description=describe>
                {words}
            </button>
        </form>
    }
}

fn roles(chosen: Role, label: String) -> impl IntoView {
    let option = move |role: Role| {
        view! {
            <option value=role.as_str() selected=role == chosen>
                {role.label()}
            </option>
        }
    };
    view! { <select name="role" aria-label=label>{Role::ALL.map(option)}</select> }
}

fn invite() -> AnyView {
    let choice = |role: Role| {
        view! {
            <label class="check">
                <input type="radio" name="role" value=role.as_str() checked=role == Role::Support/>
                {role.label()}
                <small>{role.sentence()}</small>
            </label>
        }
    };
    view! {
        <section class="panel" aria-labelledby="invite">
            <h2 id="invite">"Invite a colleague"</h2>
            <form class="fields" method="post" action="/actions/admin-invite">
                <label>
                    "Email" <input type="email" name="email" required autocomplete="off" maxlength="254"/>
                </label>
                <fieldset>
                    <legend>"Role"</legend>
                    {Role::ALL.map(choice)}
                </fieldset>
                <button>"Invite"</button>
            </form>
        </section>
    }
    .into_any()
}
