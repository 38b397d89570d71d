//! The invoices and credit notes of an order, and the form that says whom the invoice is made out to.

use super::text::in_textarea;
use super::written;
use leptos::prelude::*;
use shop::types::{BuyerForm, InvoiceLink};

/// A line for each document, with the way to its PDF.
#[component]
pub fn Documents(
    /// Oldest first.
    documents: Vec<InvoiceLink>,
) -> impl IntoView {
    let line = |document: InvoiceLink| {
        let words = format!("{} {}", document.kind.label(), document.number);
        let corrects = document.corrects.as_ref().map(|number| format!(", corrects {number}")).unwrap_or_default();
        view! {
            <li>
                <a href=document.address()>{words}</a>
                <span class="note">{format!(" of {}, {}{corrects}", document.issued_on, written::money(document.total))}</span>
            </li>
        }
    };
    (!documents.is_empty())
        .then(|| view! { <ul class="documents">{documents.into_iter().map(line).collect_view()}</ul> })
}

/// The form, folded away: most buyers never need it.
#[component]
pub fn InvoiceForm(
    /// The order's public number.
    number: String,
    /// What the invoice says now.
    form: BuyerForm,
    /// Where it is sent to.
    #[prop(optional, into)]
    action: Option<String>,
) -> impl IntoView {
    let BuyerForm { replaces, details, until } = form;
    let at_desk = action.is_some();
    let action = action.unwrap_or_else(|| "/actions/set-buyer-details".into());
    let words = if at_desk {
        format!(
            "Invoice {replaces} is taken back by a credit note, and a new one is made out. The tax stays as it was paid."
        )
    } else {
        format!(
            "Until {until} you can have invoice {replaces} made out anew: a credit note takes it back, and a new one \
             takes its place. The price and the tax stay as they were paid."
        )
    };
    view! {
        <details class="checks" id="invoice">
            <summary>"Company, VAT ID or address on the invoice"</summary>
            <form class="stack" method="post" action=action>
                <input type="hidden" name="number" value=number/>
                <input type="hidden" name="replaces" value=replaces/>
                <p class="note">{words}</p>
                <label>"Name" <input name="name" value=details.name maxlength="120" autocomplete="name"/></label>
                <label>
                    "Company" <input name="company" value=details.company maxlength="120" autocomplete="organization"/>
                </label>
                <label>
                    "VAT ID" <input name="vat_id" value=details.vat_id maxlength="30" autocomplete="off" spellcheck="false"/>
                </label>
                <label>
                    "Address"
                    <textarea name="address" rows="3" maxlength="800" autocomplete="street-address">
                        {in_textarea(&details.address.join("\n"))}
                    </textarea>
                </label>
                <label>
                    "Country, as two letters"
                    <input name="country" value=details.country maxlength="2" size="2" autocomplete="country" autocapitalize="characters"/>
                </label>
                <button class="quiet">"Make out a new invoice"</button>
            </form>
        </details>
    }
}
