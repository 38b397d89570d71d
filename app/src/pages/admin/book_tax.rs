//! The product tax code of a book, on its page of the desk.

use leptos::prelude::*;
use shop::types::Slug;

/// The code, to be changed.
pub(super) fn panel(slug: &Slug, code: String) -> AnyView {
    view! {
        <section class="panel" aria-labelledby="tax">
            <h2 id="tax">"Tax"</h2>
            <form class="fields" method="post" action="/actions/admin-set-book-tax-code">
                <input type="hidden" name="slug" value=slug.to_string()/>
                <label>
                    "Product tax code"
                    <input name="code" value=code required maxlength="13" autocomplete="off" spellcheck="false"/>
                </label>
                <p class="note">
                    "One of Stripe’s: " <code>"txcd_10302000"</code>
                    " is a book that is downloaded and kept. Books of another kind are taxed at the standard rate by the store’s own table."
                </p>
                <button class="quiet">"Save the code"</button>
            </form>
        </section>
    }
    .into_any()
}
