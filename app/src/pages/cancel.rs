//! `/checkout/cancel`: back from Stripe without having paid.

use super::page;
use crate::context;
use leptos::prelude::*;
use leptos_meta::{Meta, Title};

/// Says that nothing was charged and that the cart is still there.
#[component]
pub fn CancelPage() -> impl IntoView {
    page(async {
        let kept = match context::cart().await?.count() {
            0 => "",
            1 => " Your cart still has its book.",
            _ => " Your cart still has all its books.",
        };
        Ok(view! {
            <Title text="Payment cancelled"/>
            <Meta name="robots" content="noindex"/>
            <section class="plain">
                <h1>"Payment cancelled"</h1>
                <p class="lead">"Nothing was charged."{kept}</p>
                <p class="ways">
                    <a class="button" href="/cart">"Back to your cart"</a>
                    <a class="quiet" href="/">"See all books"</a>
                </p>
            </section>
        }
        .into_any())
    })
}
