//! "Renew" without leaving the shelf.

use leptos::ev::SubmitEvent;
use leptos::prelude::*;

/// Wraps what a title on the shelf has in place of its downloads (its children): the form that renews, and hidden beside
/// it the download forms as they will be, in `[data-renewed]`. A submit is sent in the background; the new token goes into
/// those forms, and they are shown. If the server says no, the form is posted as if this island were not there.
#[island]
pub fn RenewInPlace(
    /// The forms.
    children: Children,
) -> impl IntoView {
    view! { <div class="renewing" on:submit=move |event| submit(&event)>{children()}</div> }
}

#[cfg(feature = "hydrate")]
fn submit(event: &SubmitEvent) {
    use wasm_bindgen::JsCast;
    let Some(form) = event.target().and_then(|target| target.dyn_into::<web_sys::HtmlFormElement>().ok()) else {
        return;
    };
    let Some(token) = super::field(&form, "token").map(|input| input.value()) else { return };
    let Some(whole) = form.closest(".renewing").ok().flatten() else { return };
    event.prevent_default();
    if let Some(button) = form.query_selector("button").ok().flatten() {
        let _ = button.set_attribute("disabled", "");
    }
    leptos::task::spawn_local(async move {
        match crate::api::renew_download(token, String::new()).await {
            Ok(renewed) => show(&whole, &form, &renewed),
            Err(_) => {
                let _ = form.submit();
            }
        }
    });
}

#[cfg(feature = "hydrate")]
fn show(whole: &web_sys::Element, form: &web_sys::HtmlFormElement, renewed: &shop::types::Renewed) {
    use shop::types::Renewed;
    use wasm_bindgen::JsCast;
    let Some(hidden) = whole.query_selector("[data-renewed]").ok().flatten() else { return };
    let Ok(downloads) = hidden.query_selector_all("form") else { return };
    for index in 0..downloads.length() {
        if let Some(download) = downloads.get(index).and_then(|node| node.dyn_into::<web_sys::Element>().ok()) {
            let _ = download.set_attribute("action", &format!("/d/{}/claim", renewed.token));
        }
    }
    // Its role makes this the sentence that is read out.
    if let Some(words) = whole.query_selector("[role=status]").ok().flatten() {
        let Renewed { uses, expires, .. } = renewed;
        let count = if *uses == 1 { "1 download".to_owned() } else { format!("{uses} of {uses} downloads") };
        words.set_text_content(Some(&format!("{count} left, until {expires}.")));
    }
    // What the old token still served, it serves no more.
    if let Some(before) = whole.query_selector("[data-before]").ok().flatten() {
        let _ = before.set_attribute("hidden", "");
    }
    let _ = hidden.remove_attribute("hidden");
    let _ = form.set_attribute("hidden", "");
    // The button that had the focus is gone.
    let first = hidden.query_selector("button").ok().flatten();
    if let Some(button) = first.and_then(|button| button.dyn_into::<web_sys::HtmlElement>().ok()) {
        let _ = button.focus();
    }
}

#[cfg(not(feature = "hydrate"))]
fn submit(_: &SubmitEvent) {}
