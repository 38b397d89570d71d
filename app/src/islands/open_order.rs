//! Links that bring their secret behind `#`: the mailed one to an order, and those that set a password of the desk.

use leptos::prelude::*;

/// Wraps the form that opens an order or sets a password (its children). The link carries the code behind `#`, which no
/// server and no log sees: this moves it into the form and out of the address, and the visitor only presses the
/// button. Without JavaScript the code is typed.
#[island]
pub fn OpenOrder(
    /// The form, with a field `secret`.
    children: Children,
) -> impl IntoView {
    #[cfg(feature = "hydrate")]
    Effect::new(|_| fill());
    children()
}

#[cfg(feature = "hydrate")]
fn fill() {
    let location = window().location();
    let (Ok(hash), Ok(path)) = (location.hash(), location.pathname()) else { return };
    let secret = hash.trim_start_matches('#');
    let Some(input) = document().body().and_then(|body| super::field(&body, "secret")) else { return };
    if secret.is_empty() || secret == "main" {
        return;
    }
    input.set_value(secret);
    // What explains how to type it, and where, is not needed any more.
    let note = document().query_selector("form .note").ok().flatten();
    for part in [input.parent_element(), note].into_iter().flatten() {
        let _ = part.set_attribute("hidden", "");
    }
    if let Ok(history) = window().history() {
        let _ = history.replace_state_with_url(&wasm_bindgen::JsValue::NULL, "", Some(&path));
    }
}
