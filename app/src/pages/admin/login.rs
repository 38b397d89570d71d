//! `/admin/login`: address and password.

use crate::components::Gate;
use crate::context;
use crate::pages::{page, query};
use leptos::prelude::*;

/// The form; whoever is signed in already is led to the desk.
#[component]
pub fn LoginPage() -> impl IntoView {
    page(async {
        let next = context::next_of_sign_in();
        let signed_in = match context::staff_secret() {
            Some(secret) => context::shop()?.staff(&secret).await?.is_some(),
            None => false,
        };
        if signed_in && query("error").is_none() {
            context::see_other(next.as_deref().unwrap_or("/admin"));
        }
        Ok(view! {
            <Gate title="Sign in">
                <form class="stack" method="post" action="/actions/admin-sign-in">
                    {next.map(|next| view! { <input type="hidden" name="next" value=next/> })}
                    <label>
                        "Email" <input type="email" name="email" required autocomplete="username" maxlength="254"/>
                    </label>
                    <label>
                        "Password"
                        <input type="password" name="password" required autocomplete="current-password" maxlength="512"/>
                    </label>
                    <button>"Sign in"</button>
                </form>
            </Gate>
        }
        .into_any())
    })
}
