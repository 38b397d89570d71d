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
    if error.code == ErrorCode::SignedOut {
        context::send_to_sign_in();
    }
    let words = view! {
        <Title text=error.code.title()/>
        <Meta name="robots" content="noindex"/>
        <section class="plain">
            <p class="eyebrow">{error.status()}</p>
            <h1>{error.code.title()}</h1>
            <p class="lead">{error.sentence()}</p>
            <p class="ways">{ways(error.code)}</p>
        </section>
    };
    // The desk's pages bring their own frame.
    if context::is_desk() { view! { <main id="main">{words}</main> }.into_any() } else { words.into_any() }
}

fn ways(code: ErrorCode) -> AnyView {
    if code == ErrorCode::SignedOut {
        return view! { <a class="button" href="/admin/login">"Sign in"</a> }.into_any();
    }
    if context::is_desk() {
        return view! { <a class="button" href="/admin">"Back to the desk"</a> }.into_any();
    }
    let cart = matches!(code, ErrorCode::PaymentsUnavailable) || code.correctable();
    view! {
        {cart.then(|| view! { <a class="button" href="/cart">"Back to your cart"</a> })}
        <a class=if cart { "quiet" } else { "button" } href="/">"See all books"</a>
    }
    .into_any()
}
