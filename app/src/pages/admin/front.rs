//! `/admin`: where the desk begins.

use crate::components::{Desk, Section};
use crate::context;
use crate::pages::page;
use leptos::prelude::*;
use shop::types::Role;

/// Where everything is.
#[component]
pub fn FrontPage() -> impl IntoView {
    page(async {
        let staff = context::staff(Role::Viewer).await?;
        Ok(view! {
            <Desk title="Overview" current=Section::Overview>
                <div class="panels">
                    {(staff.role >= Role::Owner)
                        .then(|| {
                            view! {
                                <a class="panel" href="/admin/team">
                                    <h2>"Team"</h2>
                                    <p class="note">"Who works here, and what they may do."</p>
                                </a>
                            }
                        })}
                    {(staff.role >= Role::Admin)
                        .then(|| {
                            view! {
                                <a class="panel" href="/admin/audit">
                                    <h2>"Audit"</h2>
                                    <p class="note">"Who changed what, and when."</p>
                                </a>
                            }
                        })}
                    <a class="panel" href="/admin/account">
                        <h2>"Your account"</h2>
                        <p class="note">"Password, codes, and where you are signed in."</p>
                    </a>
                    <a class="panel" href="/">
                        <h2>"The shop"</h2>
                        <p class="note">"As readers see it."</p>
                    </a>
                </div>
            </Desk>
        }
        .into_any())
    })
}
