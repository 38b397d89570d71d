//! `/admin/setup#secret`: makes the first owner.

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
                        <label>
                            "Secret"
                            <input name="secret" required autocomplete="off" spellcheck="false" maxlength="100"/>
                        </label>
                        <p class="note">"What stands behind # in the link that the program printed."</p>
                        <label>
                            "Email"
                            <input type="email" name="email" required autocomplete="username" maxlength="254"/>
                        </label>
                        <label>
                            "Password"
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
                        <button>"Open the desk"</button>
                    </form>
                </OpenOrder>
            </Gate>
        }
        .into_any())
    })
}
