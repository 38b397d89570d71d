//! `/checkout/free`: nothing is to be paid, so only the address is asked for.

use super::page;
use crate::components::RefusedNotice;
use crate::context;
use leptos::prelude::*;
use leptos_meta::{Meta, Title};

/// Asks where to send the link. A cart that is empty or costs something is sent back to the cart's page in words.
#[component]
pub fn FreeCheckoutPage() -> impl IntoView {
    page(async {
        let cart = context::shop()?.cart_view(&context::cart().await?).await?;
        if cart.lines.is_empty() || !cart.total.is_zero() {
            return Ok(view! {
                <Title text="Checkout"/>
                <Meta name="robots" content="noindex"/>
                <section class="plain">
                    <h1>"Nothing free to check out"</h1>
                    <p class="lead">"Please look at your cart: it is empty, or there is something to pay."</p>
                    <p class="ways">
                        <a class="button" href="/cart">"Back to your cart"</a>
                    </p>
                </section>
            }
            .into_any());
        }
        let titles = cart.lines.into_iter().map(|line| view! { <li>{line.book.title}</li> }).collect_view();
        Ok(view! {
            <Title text="Checkout"/>
            <Meta name="robots" content="noindex"/>
            <RefusedNotice/>
            <section class="plain">
                <h1>"Where shall we send them?"</h1>
                <p class="lead">"Nothing to pay. We mail you a link that opens your books:"</p>
                <ul class="titles">{titles}</ul>
                <form class="stack" method="post" action="/actions/checkout-free">
                    <input type="hidden" name="snapshot" value=cart.snapshot/>
                    <label>
                        "Email" <input type="email" name="email" required autocomplete="email" maxlength="254"/>
                    </label>
                    <button>"Send my books"</button>
                </form>
                <p class="note">"We use the address for this order only."</p>
            </section>
        }
        .into_any())
    })
}
