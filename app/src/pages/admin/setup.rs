//! `/admin/setup#secret`: makes the first owner.

use super::password::{new_password, secret_of_link};
use crate::components::Gate;
use crate::context;
use crate::islands::OpenOrder;
use crate::pages::page;
use leptos::prelude::*;

/// The form, as long as there is no owner.
#[component]
pub fn SetupPage() -> impl IntoView {
    page(async {
        if !context::shop()?.needs_owner().await? {
            return Ok(view! {
                <Gate title="This store is set up">
                    <p>"Its owner can invite you."</p>
                    <p class="ways">
                        <a class="button" href="/admin/login">"Sign in"</a>
                    </p>
                </Gate>
            }
            .into_any());
        }
        Ok(view! {
            <Gate title="Set up your store">
                <p>"You are its owner: you decide who else works here. Nobody else can use this page afterwards."</p>
                <OpenOrder>
                    <form class="stack" method="post" action="/actions/admin-set-up">
                        {secret_of_link("the program printed")}
                        <label>
                            "Email"
                            <input type="email" name="email" required autocomplete="username" maxlength="254"/>
                        </label>
                        {new_password("Password")}
                        <button>"Open the desk"</button>
                    </form>
                </OpenOrder>
            </Gate>
        }
        .into_any())
    })
}
