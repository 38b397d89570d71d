//! The page in place of a page.

use crate::context;
use crate::error::{AppError, ErrorCode};
use leptos::prelude::*;
use leptos_meta::{Meta, Title};

/// Says what happened and where to go, and sets the response's status.
#[component]
pub fn ErrorPage(
    /// What happened.
    error: AppError,
) -> impl IntoView {
    context::set_status(error.status());
    let cart = matches!(error.code, ErrorCode::PaymentsUnavailable) || error.code.correctable();
    view! {
        <Title text=error.code.title()/>
        <Meta name="robots" content="noindex"/>
        <section class="plain">
            <p class="eyebrow">{error.status()}</p>
            <h1>{error.code.title()}</h1>
            <p class="lead">{error.sentence()}</p>
            <p class="ways">
                {cart.then(|| view! { <a class="button" href="/cart">"Back to your cart"</a> })}
                <a class=if cart { "quiet" } else { "button" } href="/">"See all books"</a>
            </p>
        </section>
    }
}
