//! `/admin/audit`: who changed what.

use crate::components::{Desk, Section};
use crate::context;
use crate::error::AppError;
use crate::pages::{page, query};
use leptos::prelude::*;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use shop::audit::{AuditEntry, AuditQuery};
use shop::types::Role;

/// The changes, the latest first, by who and of what.
#[component]
pub fn AuditPage() -> impl IntoView {
    page(async {
        context::staff(Role::Admin).await?;
        let before = query("before").map(|id| id.parse::<i64>().map_err(|_| AppError::BAD_REQUEST)).transpose()?;
        let (actor, object) = (query("who"), query("of"));
        let asked = AuditQuery { actor: actor.clone(), object: object.clone(), before };
        let found = context::shop()?.audit(asked).await?;
        let older = found.next.map(|id| address(actor.as_deref(), object.as_deref(), id));
        let filtered = actor.is_some() || object.is_some() || before.is_some();
        Ok(view! {
            <Desk title="Audit" current=Section::Audit>
                <form class="filters" method="get" action="/admin/audit">
                    <label>
                        "Who" <input name="who" value=actor placeholder="ann@example.org" maxlength="254" autocomplete="off"/>
                    </label>
                    <label>
                        "Of what" <input name="of" value=object placeholder="order:ABCDEFGHJK" maxlength="200" autocomplete="off"/>
                    </label>
                    <button>"Show"</button>
                    {filtered.then(|| view! { <a class="quiet" href="/admin/audit">"Show all"</a> })}
                </form>
                {if found.entries.is_empty() {
                    view! {
                        <div class="empty">
                            <p>"Nothing was changed by them, or of that. Who is an address, or one of: command, visitor, store."</p>
                        </div>
                    }
                        .into_any()
                } else {
                    table(found.entries)
                }}
                <nav class="pager" aria-label="Pages">
                    <span>"The latest first, in UTC."</span>
                    {older.map(|older| view! { <a class="quiet" href=older>"Older"</a> })}
                </nav>
            </Desk>
        }
        .into_any())
    })
}

fn address(actor: Option<&str>, object: Option<&str>, before: i64) -> String {
    let part = |name: &str, value: Option<&str>| {
        value.map(|value| format!("{name}={}&", utf8_percent_encode(value, NON_ALPHANUMERIC))).unwrap_or_default()
    };
    format!("/admin/audit?{}{}before={before}", part("who", actor), part("of", object))
}

fn table(entries: Vec<AuditEntry>) -> AnyView {
    view! {
        <div class="scroll">
            <table class="table cards">
                <caption>"Changes"</caption>
                <thead>
                    <tr>
                        <th scope="col">"When"</th>
                        <th scope="col">"Who"</th>
                        <th scope="col">"What"</th>
                        <th scope="col">"Of what"</th>
                        <th scope="col">"Before"</th>
                        <th scope="col">"After"</th>
                    </tr>
                </thead>
                <tbody>{entries.into_iter().map(row).collect_view()}</tbody>
            </table>
        </div>
    }
    .into_any()
}

fn row(entry: AuditEntry) -> AnyView {
    let AuditEntry { at, actor, action, object, before, after, .. } = entry;
    let json = |text: Option<String>| text.map(|text| view! { <code>{text}</code> });
    let of = format!("/admin/audit?of={}", utf8_percent_encode(&object, NON_ALPHANUMERIC));
    let by = format!("/admin/audit?who={}", utf8_percent_encode(&actor, NON_ALPHANUMERIC));
    view! {
        <tr>
            <td data-label="When" class="nowrap">
                {at}
            </td>
            <td data-label="Who">
                <a href=by>{actor}</a>
            </td>
            <td data-label="What">
                <code>{action}</code>
            </td>
            <td data-label="Of what">
                <a href=of>{object}</a>
            </td>
            <td data-label="Before">{json(before)}</td>
            <td data-label="After">{json(after)}</td>
        </tr>
    }
    .into_any()
}
