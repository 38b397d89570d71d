//! The form that opens a library.

use crate::islands::CodeEntry;
use leptos::prelude::*;

/// Takes the code from the mail; in a browser that runs scripts also the link's secret, which the island puts in.
#[component]
pub fn CodeForm(
    /// Whether this browser has asked: then either of them is enough.
    asked: bool,
    /// Where to go back to afterwards.
    #[prop(optional_no_strip)]
    next: Option<String>,
    /// What stands below the button.
    note: &'static str,
) -> impl IntoView {
    view! {
        <CodeEntry>
            <form class="stack" method="post" action="/actions/open-library" data-asked=asked.then_some("")>
                <input type="hidden" name="secret"/>
                {next.map(|next| view! { <input type="hidden" name="next" value=next/> })}
                <label>
                    "Code"
                    <input
                        class="code"
                        name="code"
                        required
                        autocomplete="one-time-code"
                        autocapitalize="characters"
                        spellcheck="false"
                        placeholder="ABCD-EFGH"
                        maxlength="40"
                    />
                </label>
                <button>"Open my library"</button>
                <p class="note">{note}</p>
            </form>
        </CodeEntry>
    }
}
