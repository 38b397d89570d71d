//! The header and the footer of every page.

use crate::components::CurrencySwitch;
use crate::context;
use crate::islands::{CartCount, CartItems, ThemeSwitch};
use leptos::prelude::*;

/// The store's name, the way to what was bought, the cart and the theme switch.
#[component]
pub fn Header() -> impl IntoView {
    Suspend::new(async {
        provide_context(CartItems(context::cart_count().await));
        let store = context::shop().map_or_else(|_| "Octavo".to_owned(), |shop| shop.store_name().to_owned());
        view! {
            <header class="top">
                <a class="brand" href="/">{store}</a>
                <nav aria-label="Shop">
                    <a href="/library">"Library"</a>
                    <CartCount/>
                </nav>
                <ThemeSwitch/>
            </header>
        }
    })
}

/// What the store is, quietly.
#[component]
pub fn Footer() -> impl IntoView {
    let shop = context::shop().ok();
    let demo = shop.as_ref().is_some_and(shop::Shop::is_demo);
    let mailbox = shop.as_ref().is_some_and(|shop| shop.open_mailbox().is_some());
    let store = shop.map_or_else(|| "Octavo".to_owned(), |shop| shop.store_name().to_owned());
    view! {
        <footer class="foot">
            <CurrencySwitch/>
            <p>{store}" sells e-books without DRM: pay once, keep the files."</p>
            {demo.then(|| view! { <p>"This is a demonstration. No real money moves."</p> })}
            {mailbox
                .then(|| {
                    view! {
                        <p>
                            <a href="/demo/mailbox">"Its mailbox"</a>
                        </p>
                    }
                })}
            <p>"Powered by Octavo"</p>
        </footer>
    }
}
