//! The code from the mail, and the link beside it.

use leptos::prelude::*;

/// Where the link of the mail leads.
#[cfg(feature = "hydrate")]
const OPEN: &str = "/library/open";
/// What the tab keeps the link's secret under.
#[cfg(feature = "hydrate")]
const KEPT: &str = "library-secret";

/// Wraps the form that opens a library (its children). Takes the link's secret from behind the address's `#`, which no
/// server and no log sees, into the form; where that is enough (`data-asked`: this browser asked for it), nothing is left
/// but the button. The tab keeps the secret, so that a refused code can be typed again beside it. Pasting brings the code
/// out of whatever was copied with it. Without JavaScript the code is typed.
#[island]
pub fn CodeEntry(
    /// The form, with the fields `secret` and `code`.
    children: Children,
) -> impl IntoView {
    #[cfg(feature = "hydrate")]
    Effect::new(|_| fill());
    view! { <div on:paste=move |event| paste(&event)>{children()}</div> }
}

#[cfg(feature = "hydrate")]
fn fill() {
    let location = window().location();
    let (Ok(hash), Ok(path)) = (location.hash(), location.pathname()) else { return };
    let Some(form) = document().query_selector("form[action='/actions/open-library']").ok().flatten() else { return };
    let (Some(field), Some(code)) = (super::field(&form, "secret"), super::field(&form, "code")) else { return };
    // The page's own `#main` is where its skip link leads.
    let secret = Some(hash.trim_start_matches('#')).filter(|secret| !secret.is_empty() && *secret != "main");
    let store = window().session_storage().ok().flatten();
    let Some(secret) = secret else {
        let refused = path == OPEN && location.search().is_ok_and(|query| query.contains("error="));
        let kept = || store.as_ref()?.get_item(KEPT).ok().flatten();
        if let Some(secret) = refused.then(kept).flatten() {
            field.set_value(&secret);
        } else if let Some(store) = &store {
            // It has opened its library, or a newer mail takes the place of its own.
            let _ = store.remove_item(KEPT);
        }
        return;
    };
    if let Some(store) = store {
        let _ = store.set_item(KEPT, secret);
    }
    field.set_value(secret);
    if form.has_attribute("data-asked") {
        code.set_required(false);
        for part in [code.parent_element(), form.query_selector(".note").ok().flatten()].into_iter().flatten() {
            let _ = part.set_attribute("hidden", "");
        }
    }
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&path));
    }
}

#[cfg(feature = "hydrate")]
fn paste(event: &web_sys::ClipboardEvent) {
    use shop::types::AccessCode;
    use wasm_bindgen::JsCast;
    let text = event.clipboard_data().and_then(|data| data.get_data("text").ok());
    let input = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlInputElement>().ok());
    if let (Some(code), Some(input)) = (text.as_deref().and_then(AccessCode::find), input) {
        event.prevent_default();
        input.set_value(&code.to_string());
    }
}

#[cfg(not(feature = "hydrate"))]
fn paste(_: &web_sys::ClipboardEvent) {}
