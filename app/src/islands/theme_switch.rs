//! The theme switch.

use crate::api::Theme;
use leptos::ev::SubmitEvent;
use leptos::prelude::*;

/// What the server rendered the page in.
fn rendered() -> Theme {
    #[cfg(feature = "ssr")]
    {
        crate::context::theme()
    }
    #[cfg(not(feature = "ssr"))]
    {
        let root = document().document_element();
        root.and_then(|root| Theme::parse(&root.get_attribute("data-theme")?)).unwrap_or_default()
    }
}

/// Three buttons of one form: as the device, light, dark. With JavaScript the page changes at once and the cookie is
/// set in the background.
#[island]
pub fn ThemeSwitch() -> impl IntoView {
    let theme = RwSignal::new(rendered());
    let button = move |one: Theme| {
        view! {
            <button
                name="theme"
                value=one.as_str()
                aria-label=one.label()
                title=one.label()
                aria-pressed=move || (theme.get() == one).to_string()
            ></button>
        }
    };
    view! {
        <form
            class="theme"
            method="post"
            action="/actions/set-theme"
            aria-label="Theme"
            on:submit=move |event| submit(&event, theme)
        >
            {Theme::ALL.map(button)}
        </form>
    }
}

#[cfg(feature = "hydrate")]
fn submit(event: &SubmitEvent, theme: RwSignal<Theme>) {
    let Some(chosen) = event.submitter().and_then(|button| Theme::parse(&button.get_attribute("value")?)) else {
        return;
    };
    event.prevent_default();
    theme.set(chosen);
    if let Some(root) = document().document_element() {
        let _ = root.set_attribute("data-theme", chosen.as_str());
    }
    // Offline, the choice holds for this page only.
    leptos::task::spawn_local(async move {
        let _ = crate::api::set_theme(chosen.as_str().to_owned()).await;
    });
}

#[cfg(not(feature = "hydrate"))]
fn submit(_: &SubmitEvent, _: RwSignal<Theme>) {}
