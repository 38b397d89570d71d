//! An order as its buyer sees it: titles with their files, and what was paid.

use super::{Cover, CoverSize, Documents, Downloads, InvoiceForm, written};
use leptos::prelude::*;
use shop::types::{OrderItemView, OrderView};

/// The titles with their download buttons, then the receipt.
#[component]
pub fn OrderDetails(
    /// An order that is open in this browser.
    order: OrderView,
) -> impl IntoView {
    let taxed = !order.tax.is_zero();
    view! {
        <ul class="lines">{order.items.iter().cloned().map(item).collect_view()}</ul>
        <dl class="sums">
            {taxed
                .then(|| {
                    view! {
                        <div>
                            <dt>"Subtotal"</dt>
                            <dd>{written::money(order.subtotal)}</dd>
                        </div>
                        <div>
                            <dt>{if order.tax_included { "Tax, included" } else { "Tax" }}</dt>
                            <dd>{written::money(order.tax)}</dd>
                        </div>
                    }
                })}
            <div class="total">
                <dt>"Total"</dt>
                <dd>{written::money(order.total)}</dd>
            </div>
        </dl>
        <dl class="facts">
            {fact("Order", order.number.to_string())} {fact("Placed on", order.placed_on)} {fact("E-mail", order.email)}
        </dl>
        <Documents documents=order.documents/>
        {order.buyer_form.map(|form| view! { <InvoiceForm number=order.number.to_string() form/> })}
    }
}

/// A line of the receipt; nothing is known, nothing is said.
fn fact(name: &'static str, value: String) -> impl IntoView {
    (!value.is_empty()).then(|| {
        view! {
            <div>
                <dt>{name}</dt>
                <dd>{value}</dd>
            </div>
        }
    })
}

fn item(item: OrderItemView) -> impl IntoView {
    let OrderItemView { title, byline, slug, cover, accent, total, notes, download } = item;
    view! {
        <li>
            <Cover picture=cover title=title.clone() byline=byline.clone() accent size=CoverSize::Thumb/>
            <div>
                <h2>
                    <a href=format!("/books/{slug}")>{title}</a>
                </h2>
                <p class="by">{byline}</p>
                {notes.iter().map(|note| view! { <p class="note">{note.text(written::money)}</p> }).collect_view()}
                {download.map(|download| view! { <Downloads download/> })}
            </div>
            <p class="price">{written::money(total)}</p>
        </li>
    }
}
