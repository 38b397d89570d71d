//! The cart in the header, and the number that all islands share.

use leptos::prelude::*;

/// How many titles are in the cart: provided by the header on the server, read from the page in the browser.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CartItems(pub usize);

/// The shared number. In the browser there is one for all islands, begun with what the server wrote.
pub(crate) fn shared() -> ArcRwSignal<usize> {
    #[cfg(feature = "hydrate")]
    {
        thread_local! {
            static COUNT: ArcRwSignal<usize> = ArcRwSignal::new(written());
        }
        COUNT.with(Clone::clone)
    }
    #[cfg(not(feature = "hydrate"))]
    ArcRwSignal::new(use_context::<CartItems>().unwrap_or_default().0)
}

/// The number in the page.
#[cfg(feature = "hydrate")]
fn written() -> usize {
    let badge = document().query_selector(".cart-link [data-count]").ok().flatten();
    badge.and_then(|badge| badge.get_attribute("data-count")?.parse().ok()).unwrap_or_default()
}

/// The link's accessible name.
fn name(count: usize) -> String {
    match count {
        0 => "Cart, empty".to_owned(),
        1 => "Cart, 1 item".to_owned(),
        _ => format!("Cart, {count} items"),
    }
}

/// The link to the cart with the number of titles in it.
#[island]
pub fn CartCount() -> impl IntoView {
    let count = shared();
    let (label, badge) = (count.clone(), count.clone());
    view! {
        <a class="cart-link" href="/cart" aria-label=move || name(label.get())>
            "Cart"
            <span class="badge" data-count=move || count.get().to_string()>{move || badge.get()}</span>
        </a>
    }
}

#[cfg(test)]
mod tests {
    use super::name;

    #[test]
    fn the_cart_says_how_full_it_is() {
        assert_eq!([0, 1, 2].map(name), ["Cart, empty", "Cart, 1 item", "Cart, 2 items"]);
    }
}
