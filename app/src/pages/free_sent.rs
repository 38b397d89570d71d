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
            <p class="lead">"We have sent you a link that opens your books. It may take a minute to arrive."</p>
            <p class="ways">
                <a class="button" href="/">"See all books"</a>
            </p>
        </section>
    }
}
