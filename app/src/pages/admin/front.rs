//! `/admin`: where the desk begins.

use super::figures;
use crate::components::{Desk, Section};
use crate::context;
use crate::pages::{page, query};
use leptos::prelude::*;
use shop::desk::FirstSteps;
use shop::types::Role;

/// What a new store has to do before it sells; gone when it is done.
fn first_steps(steps: FirstSteps) -> AnyView {
    let step = |done: bool, what: &'static str, how: AnyView| {
        let (class, word) = if done { ("tag good", "Done") } else { ("tag", "To do") };
        view! {
            <li>
                <div>
                    <h3>{what}</h3>
                    {(!done).then_some(how)}
                </div>
                <span class=class>{word}</span>
            </li>
        }
    };
    let words = |words: &'static str| view! { <p class="note">{words}</p> }.into_any();
    view! {
        <section class="panel" aria-labelledby="first-steps">
            <h2 id="first-steps">"First steps"</h2>
            <ol class="rows">
                {step(
                    steps.book,
                    "Add a book",
                    view! {
                        <p class="note">
                            <a href="/admin/books/new">"Begin with its EPUB or by hand"</a>
                            ": with a price, a file and a description it can be published."
                        </p>
                    }
                        .into_any(),
                )}
                {step(
                    steps.stripe,
                    "Connect Stripe",
                    words("Put STRIPE_SECRET_KEY into the store’s environment, then begin a checkout in the shop: it must lead to Stripe’s page."),
                )}
                {step(
                    steps.webhook,
                    "Hear from Stripe",
                    words("Add the endpoint /webhooks/stripe in Stripe’s dashboard, with the events that Octavo’s README lists, and put its signing secret into STRIPE_WEBHOOK_SECRET. The first event ticks this off."),
                )}
                {step(
                    steps.mail,
                    "Send a mail",
                    view! {
                        <p class="note">
                            "Set up SMTP, then " <a href="/admin/orders/new">"give yourself a book"</a>
                            ": its mail must arrive."
                        </p>
                    }
                        .into_any(),
                )}
                {step(
                    steps.seller,
                    "Say who sells",
                    view! {
                        <p class="note">
                            <a href="/admin/settings/invoices">"Your name and address"</a>
                            " stand on every invoice: give at least address and country."
                        </p>
                    }
                        .into_any(),
                )}
            </ol>
        </section>
    }
    .into_any()
}

/// Where everything is.
#[component]
pub fn FrontPage() -> impl IntoView {
    page(async {
        context::staff(Role::Viewer).await?;
        let shop = context::shop()?;
        let steps = shop.first_steps().await?;
        // A store that can sell begins with its figures, whatever else is to do.
        let sells = steps.book && steps.stripe;
        let (board, sold) = (shop.board(query).await?, shop.currencies_sold().await?);
        Ok(view! {
            <Desk title="Overview" current=Section::Overview>
                {(!steps.done() && !sells).then(|| first_steps(steps))}
                {figures::board(&board, &sold, shop.currency())}
                {(!steps.done() && sells).then(|| first_steps(steps))}
            </Desk>
        }
        .into_any())
    })
}
