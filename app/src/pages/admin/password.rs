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
                        <label>
                            "Secret"
                            <input name="secret" required autocomplete="off" spellcheck="false" maxlength="100"/>
                        </label>
                        <p class="note">"What stands behind # in the link that you were given."</p>
                        <label>
                            "New password"
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
                        <button>"Set password"</button>
                    </form>
                </OpenOrder>
            </Gate>
        }
        .into_any())
    })
}
