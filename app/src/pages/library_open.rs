//! `/library/open#secret`: where the link of the mail leads. Looking at it consumes nothing: mail scanners look too.

use super::{page, query};
use crate::components::{CodeForm, RefusedNotice};
use crate::context;
use leptos::prelude::*;
use leptos_meta::{Meta, Title};

/// A button that opens the library; in a browser that has not asked for the link, the code is needed as well.
#[component]
pub fn LibraryOpenPage() -> impl IntoView {
    page(async {
        // Refused once, it may have been another browser's link: then the code is asked for as well.
        let (asked, refused) = (context::shop()?.has_asked(&context::keys()).await?, query("error").is_some());
        let lead = if asked && !refused {
            "One more press, and your books are here."
        } else {
            "This browser has not asked for the link, so please type the code from the same mail as well."
        };
        let note = match (asked, refused) {
            (true, false) => "Type the code from the mail.",
            // The tab knows the link's secret no more, or it has never been there.
            (false, true) => {
                "If the code is right, open the link in the mail again and type it there. Without JavaScript a link opens nothing here: type the code into the browser that asked for it."
            }
            _ => "Without JavaScript a link opens nothing here: type the code into the browser that asked for it.",
        };
        let asked = asked && !refused;
        Ok(view! {
            <Title text="Open your library"/>
            <Meta name="robots" content="noindex"/>
            <RefusedNotice/>
            <section class="plain">
                <h1>"Open your library"</h1>
                <p class="lead">{lead}</p>
                <CodeForm asked note/>
                <p class="note">
                    "Is the link older than ten minutes? " <a href="/library">"Ask for a new one"</a> "."
                </p>
            </section>
        }
        .into_any())
    })
}
