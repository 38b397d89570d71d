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
        context::staff(Role::Viewer).await?;
        Ok(view! {
            <Desk title="Overview" current=Section::Overview>
                <div class="panels">
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
