//! `/admin/account/codes`: the recovery codes, as long as they are new.

use crate::components::{Desk, Section};
use crate::context;
use crate::pages::page;
use leptos::prelude::*;
use shop::types::Role;

/// To be written down.
#[component]
pub fn CodesPage() -> impl IntoView {
    page(async {
        let staff = context::staff(Role::Viewer).await?;
        let codes = context::shop()?.new_recovery_codes(&staff).await?;
        Ok(view! {
            <Desk title="Recovery codes" current=Section::Account>
                {match codes {
                    Some(codes) => {
                        view! {
                            <section class="panel">
                                <p>
                                    "Keep these where you find them without your telephone. Each lets you in once. "
                                    "This page shows them for ten minutes, then never again."
                                </p>
                                <ul class="codes">
                                    {codes
                                        .into_iter()
                                        .map(|code| {
                                            view! {
                                                <li>
                                                    <code>{code}</code>
                                                </li>
                                            }
                                        })
                                        .collect_view()}
                                </ul>
                            </section>
                        }
                            .into_any()
                    }
                    None => view! { <p>"Recovery codes are shown for ten minutes after codes were switched on."</p> }.into_any(),
                }}
                <p class="ways">
                    <a class="button" href="/admin/account">"Back to your account"</a>
                </p>
            </Desk>
        }
        .into_any())
    })
}
