//! `/demo/mailbox`: the mails that a demo would have sent, for whoever tries it.

use super::page;
use crate::components::written;
use crate::context;
use crate::error::{AppError, internal};
use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use shop::mailer::KeptMailHead;

/// The mails, newest first. There is no such page outside of a demo.
#[component]
pub fn MailboxPage() -> impl IntoView {
    page(async {
        let shop = context::shop()?;
        let mailbox = shop.open_mailbox().ok_or(AppError::NOT_FOUND)?;
        let mails = mailbox.list().await.map_err(|error| internal(&error))?;
        Ok(view! {
            <Title text="Mailbox"/>
            <Meta name="robots" content="noindex"/>
            <section class="order">
                <h1>"Mailbox"</h1>
                <p class="lead">
                    "This store is a demonstration: it sends no mail. What it would have sent, to anybody, is here."
                </p>
                {if mails.is_empty() {
                    view! { <p>"Nothing yet. Order something, and its mail appears here a second later."</p> }.into_any()
                } else {
                    view! { <ul class="mails">{mails.into_iter().map(line).collect_view()}</ul> }.into_any()
                }}
            </section>
        }
        .into_any())
    })
}

fn line(mail: KeptMailHead) -> impl IntoView {
    view! {
        <li>
            <a href=format!("/demo/mailbox/{}", mail.id)>{mail.subject}</a>
            <p class="note">{format!("To {}, {}", mail.to, mail.sent.map(written::moment).unwrap_or_default())}</p>
        </li>
    }
}
