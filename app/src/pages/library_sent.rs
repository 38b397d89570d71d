//! `/library/sent`: after asking for a library. Says the same to everybody.

use super::page;
use crate::components::{CodeForm, RefusedNotice};
use crate::context;
use leptos::prelude::*;
use leptos_meta::{Meta, Title};

/// Takes the code from the mail.
#[component]
pub fn LibrarySentPage() -> impl IntoView {
    page(async {
        let demo = context::shop()?.open_mailbox().is_some();
        let next = context::next_of_library();
        let again = context::with_next("/library", next.as_deref().unwrap_or_default());
        Ok(view! {
            <Title text="Check your mail"/>
            <Meta name="robots" content="noindex"/>
            <RefusedNotice/>
            <section class="plain">
                <h1>"Check your mail"</h1>
                <p class="lead">"If there are purchases under this address, we have sent a link and a code."</p>
                {demo
                    .then(|| {
                        view! {
                            <p>
                                "This is a demonstration, so it is in "
                                <a href="/demo/mailbox" target="_blank">"a mailbox that everybody can read"</a> "."
                            </p>
                        }
                    })}
                <CodeForm asked=true next note="Link and code work once, within ten minutes. The code works in this browser only."/>
                <p class="note">
                    "Nothing there after a minute? Look among the spam, or " <a href=again>"try another address"</a> "."
                </p>
            </section>
        }
        .into_any())
    })
}
