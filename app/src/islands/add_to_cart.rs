//! "Add to cart" without leaving the page.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;

/// Wraps the form that adds a book (its children). A submit is sent in the background and shown at once; if the
/// server says no, the form is posted as if this island were not there, so that the server can say why.
#[island]
pub fn AddToCart(
    /// The form, with the book's slug in a hidden field.
    children: Children,
) -> impl IntoView {
    let added = RwSignal::new(false);
    let said = RwSignal::new("");
    let link = NodeRef::<leptos::html::A>::new();
    // The button that had the focus is gone: the link that took its place gets it.
    Effect::new(move |_| {
        if added.get()
            && let Some(link) = link.get()
        {
            let _ = link.focus();
        }
    });
    view! {
        <div hidden=move || added.get() on:submit=move |event| submit(&event, added, said)>{children()}</div>
        <a class="button" href="/cart" hidden=move || !added.get() node_ref=link>"In your cart"</a>
        <p class="said" role="status">{move || said.get()}</p>
    }
}

#[cfg(feature = "hydrate")]
fn submit(event: &SubmitEvent, added: RwSignal<bool>, said: RwSignal<&'static str>) {
    use wasm_bindgen::JsCast;
    let Some(form) = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlFormElement>().ok()) else {
        return;
    };
    let Some(slug) = super::field(&form, "slug").map(|input| input.value()) else { return };
    event.prevent_default();
    let count = super::cart_count::shared();
    let before = count.get_untracked();
    count.set(before + 1);
    added.set(true);
    leptos::task::spawn_local(async move {
        match crate::api::add_to_cart(slug).await {
            Ok(now) => {
                count.set(now);
                said.set("Added to cart");
            }
            Err(_) => {
                count.set(before);
                added.set(false);
                let _ = form.submit();
            }
        }
    });
}

#[cfg(not(feature = "hydrate"))]
fn submit(_: &SubmitEvent, _: RwSignal<bool>, _: RwSignal<&'static str>) {}
