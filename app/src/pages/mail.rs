//! `/demo/mailbox/{id}`: one mail of a demo.

use super::{page, param};
use crate::components::written;
use crate::context;
use crate::error::{AppError, internal};
use leptos::prelude::*;
use leptos_meta::{Meta, Title};
use shop::mailer::KeptMail;

/// The mail as a mail program shows it, in a frame that runs nothing, and its plain text.
#[component]
pub fn MailPage() -> impl IntoView {
    page(async {
        let shop = context::shop()?;
        let mailbox = shop.open_mailbox().ok_or(AppError::NOT_FOUND)?;
        let mail = mailbox.open(&param("id")).await.map_err(|error| internal(&error))?;
        let KeptMail { head, text, .. } = mail.ok_or(AppError::NOT_FOUND)?;
        Ok(view! {
            <Title text=head.subject.clone()/>
            <Meta name="robots" content="noindex"/>
            <section class="order">
                <p class="ways">
                    <a class="quiet" href="/demo/mailbox">"All mail"</a>
                </p>
                <h1>{head.subject}</h1>
                <p class="note">{format!("To {}, {}", head.to, head.sent.map(written::moment).unwrap_or_default())}</p>
                <iframe
                    class="mail"
                    title="The mail"
                    src=format!("/demo/mailbox/{}/html", head.id)
                    sandbox="allow-top-navigation-by-user-activation"
                ></iframe>
                <details>
                    <summary>"The same as plain text"</summary>
                    <pre class="mail-text">{linked(&text)}</pre>
                </details>
            </section>
        }
        .into_any())
    })
}

/// The text with its addresses as links.
fn linked(text: &str) -> Vec<AnyView> {
    text.split_inclusive(char::is_whitespace)
        .map(|word| {
            let (address, rest) = word.split_at(word.trim_end().len());
            if ["http://", "https://"].iter().any(|scheme| address.starts_with(scheme)) {
                view! {
                    <a href=address.to_owned()>{address.to_owned()}</a>
                    {rest.to_owned()}
                }
                .into_any()
            } else {
                word.to_owned().into_any()
            }
        })
        .collect()
}
