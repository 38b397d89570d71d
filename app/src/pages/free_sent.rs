//! `/checkout/free/sent`: after an order of zero.

use leptos::prelude::*;
use leptos_meta::{Meta, Title};

/// Tells the visitor to look into the mailbox.
#[component]
pub fn FreeSentPage() -> impl IntoView {
    view! {
        <Title text="Check your mail"/>
        <Meta name="robots" content="noindex"/>
        <section class="plain">
            <h1>"Check your mail"</h1>
            <p class="lead">"Your order is in. A link that opens your books is on its way to your e-mail address."</p>
            <p class="ways">
                <a class="button" href="/">"See all books"</a>
            </p>
        </section>
    }
}
