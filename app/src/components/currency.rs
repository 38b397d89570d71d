//! The choice of a currency, where prices are in several.

use crate::context;
use leptos::prelude::*;

/// A button for each currency; the pressed one is that of the page. Shows nothing where there is no choice.
#[component]
pub fn CurrencySwitch() -> impl IntoView {
    let currencies = context::shop().map(|shop| shop.sold_in()).unwrap_or_default();
    let chosen = context::currency();
    (currencies.len() > 1).then(|| {
        let buttons = currencies.into_iter().map(|one| {
            view! {
                <button class="quiet" name="currency" value=one.code() aria-pressed=(chosen == Some(one)).to_string()>
                    {one.code()}
                </button>
            }
        });
        view! {
            <form class="currencies" method="post" action="/actions/set-currency" aria-label="Currency">
                <span aria-hidden="true">"Prices in"</span>
                {buttons.collect_view()}
            </form>
        }
    })
}
