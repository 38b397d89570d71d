//! `/checkout/free/sent`: after an order of zero.

use crate::context;
use leptos::prelude::*;
use leptos_meta::{Meta, Title};

/// Tells the visitor to look into the mailbox.
#[component]
pub fn FreeSentPage() -> impl IntoView {
    let demo = context::shop().is_ok_and(|shop| shop.open_mailbox().is_some());
    view! {
        <Title text="Check your mail"/>
        <Meta name="robots" content="noindex"/>
        <section class="plain">
            <h1>"Check your mail"</h1>
            <p class="lead">"Your order is in. A link that opens your books is on its way to your e-mail address."</p>
            {demo.then(|| view! { <p>"This is a demonstration, so it is in a mailbox that everybody can read."</p> })}
            <p class="ways">
                {demo.then(|| view! { <a class="button" href="/demo/mailbox">"Open the mailbox"</a> })}
                <a class=if demo { "quiet" } else { "button" } href="/">"See all books"</a>
            </p>
        </section>
    }
}
