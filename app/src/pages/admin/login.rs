//! `/admin/login`: address and password, and the code where one is asked for.

use crate::components::Gate;
use crate::context;
use crate::pages::{page, query};
use leptos::prelude::*;

/// The form; whoever is signed in already is led to the desk.
#[component]
pub fn LoginPage() -> impl IntoView {
    page(async {
        let (shop, next, refused) = (context::shop()?, context::next_of_sign_in(), query("error").is_some());
        let (mut signed_in, mut code_needed) = (false, false);
        if let Some(secret) = context::staff_secret() {
            signed_in = shop.staff(&secret).await?.is_some();
            code_needed = !signed_in && shop.is_code_needed(&secret).await?;
        }
        if signed_in && !refused {
            context::see_other(next.as_deref().unwrap_or("/admin"));
        }
        if !code_needed && !signed_in && !shop.has_staff().await? {
            return Ok(nobody_yet().into_any());
        }
        let next = next.map(|next| view! { <input type="hidden" name="next" value=next/> });
        if code_needed {
            return Ok(code(next).into_any());
        }
        let demo = shop.demo_login();
        Ok(view! {
            <Gate title="Sign in">
                {demo
                    .map(|(email, password)| {
                        view! {
                            <div class="panel">
                                <p>"This is a demonstration: come in as its owner."</p>
                                <dl class="defs">
                                    <div>
                                        <dt>"Email"</dt>
                                        <dd>
                                            <code>{email}</code>
                                        </dd>
                                    </div>
                                    <div>
                                        <dt>"Password"</dt>
                                        <dd>
                                            <code>{password}</code>
                                        </dd>
                                    </div>
                                </dl>
                            </div>
                        }
                    })}
                <form class="stack" method="post" action="/actions/admin-sign-in">
                    {next}
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

fn code(next: Option<impl IntoView + 'static>) -> impl IntoView {
    view! {
        <Gate title="Your code">
            <p>"Type the six digits that your telephone shows for this store, or one of your recovery codes."</p>
            <form class="stack" method="post" action="/actions/admin-sign-in-code">
                {next}
                <label>
                    "Code"
                    <input class="code" name="code" required autocomplete="one-time-code" spellcheck="false" maxlength="20"/>
                </label>
                <button>"Sign in"</button>
            </form>
            <form method="post" action="/actions/admin-sign-out">
                <button class="link">"Begin anew"</button>
            </form>
        </Gate>
    }
}

fn nobody_yet() -> impl IntoView {
    view! {
        <Gate title="Nobody works here yet">
            <p>
                "When the store starts it prints a link that makes its first owner. "
                <code>"octavo admin setup-url"</code>" prints it again."
            </p>
        </Gate>
    }
}
