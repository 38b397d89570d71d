//! `/admin/password#secret`: sets the password of an account whose link it is.

use crate::components::Gate;
use crate::islands::OpenOrder;
use crate::pages::page;
use leptos::prelude::*;

/// The form. Looking at it consumes nothing.
#[component]
pub fn PasswordPage() -> impl IntoView {
    page(async {
        Ok(view! {
            <Gate title="Choose a password">
                <OpenOrder>
                    <form class="stack" method="post" action="/actions/admin-set-password">
                        {secret_of_link("you were given")}
                        {new_password("New password")}
                        <button>"Set password"</button>
                    </form>
                </OpenOrder>
            </Gate>
        }
        .into_any())
    })
}

/// What stands behind `#` in a link, for who has to type it: with JavaScript it is filled in.
pub(super) fn secret_of_link(whose: &'static str) -> impl IntoView {
    view! {
        <label>
            "Secret"
            <input name="secret" required autocomplete="off" spellcheck="false" maxlength="100"/>
        </label>
        <p class="note">{format!("What stands behind # in the link that {whose}.")}</p>
    }
}

/// A password that is chosen.
pub(super) fn new_password(label: &'static str) -> impl IntoView {
    view! {
        <label>
            {label}
            <input
                type="password"
                name="password"
                required
                autocomplete="new-password"
                minlength="12"
                maxlength="512"
                aria-describedby="password-hint"
            />
            <small id="password-hint">"At least 12 characters. Three or four random words are good."</small>
        </label>
    }
}
