//! `/admin/settings/invoices`: who sells, as it stands on invoices and credit notes, and what they look like.

use super::book::said;
use super::refused;
use crate::components::text::in_textarea;
use crate::components::{Desk, Section};
use crate::context;
use crate::pages::page;
use leptos::prelude::*;
use shop::invoices::{InvoiceSettings, LOCALES, PAPERS, SellerSettings};
use shop::types::Role;

/// The forms.
#[component]
pub fn InvoiceSettingsPage() -> impl IntoView {
    page(async {
        context::staff(Role::Admin).await?;
        let shop = context::shop()?;
        let (settings, said) = (shop.invoice_settings().await?, said(&shop).await?);
        let preview = view! { <a class="quiet" href="/admin/settings/invoices/preview.pdf">"See an example (PDF)"</a> };
        Ok(view! {
            <Desk title="Invoices" current=Section::Invoices actions=Some(preview.into_any())>
                {refused::notice()}
                {said}
                <div class="side">
                    <div class="stacked">{seller(&settings.seller)}</div>
                    <div class="stacked">{logo(settings.logo)} {numbers(&settings)}</div>
                </div>
            </Desk>
        }
        .into_any())
    })
}

fn seller(settings: &SellerSettings) -> AnyView {
    let SellerSettings { name, address, country, vat_id, tax_number, email, legal_text, licence_text, locale, paper } =
        settings.clone();
    let languages = LOCALES.map(|(tag, label)| view! { <option value=tag selected=tag == locale>{label}</option> });
    let papers = PAPERS.map(|name| view! { <option value=name selected=name == paper>{name}</option> });
    view! {
        <section class="panel" aria-labelledby="seller">
            <h2 id="seller">"Who sells"</h2>
            <p class="note">
                "What an invoice says when it is issued, it says for good: changes count from the next one on."
            </p>
            <form class="fields two" method="post" action="/actions/admin-save-seller">
                <label class="wide">
                    "Name"
                    <input name="seller[name]" value=name maxlength="120" autocomplete="organization"/>
                    <small>"The store’s name if left empty."</small>
                </label>
                <label class="wide">
                    "Address"
                    <textarea name="seller[address]" rows="4" maxlength="800" autocomplete="street-address">
                        {in_textarea(&address.join("\n"))}
                    </textarea>
                </label>
                <label>
                    "Country, as two letters"
                    <input name="seller[country]" value=country maxlength="2" autocomplete="country" autocapitalize="characters"/>
                </label>
                <label>"E-mail" <input type="email" name="seller[email]" value=email maxlength="120" autocomplete="email"/></label>
                <label>"VAT ID" <input name="seller[vat_id]" value=vat_id maxlength="120" autocomplete="off" spellcheck="false"/></label>
                <label>
                    "Tax number" <input name="seller[tax_number]" value=tax_number maxlength="120" autocomplete="off" spellcheck="false"/>
                </label>
                <label class="wide">
                    "At the foot"
                    <textarea name="seller[legal_text]" rows="3" maxlength="1000">{in_textarea(&legal_text)}</textarea>
                    <small>"What the law wants there: register and number, directors."</small>
                </label>
                <label class="wide">
                    "Licence"
                    <textarea name="seller[licence_text]" rows="3" maxlength="1000">{in_textarea(&licence_text)}</textarea>
                    <small>"What the buyer may do with the files."</small>
                </label>
                <label>"Language" <select name="seller[locale]">{languages}</select></label>
                <label>"Paper" <select name="seller[paper]">{papers}</select></label>
                <div class="bar wide">
                    <button>"Save"</button>
                </div>
            </form>
        </section>
    }
    .into_any()
}

fn logo(there: bool) -> AnyView {
    let remove = there.then(|| {
        view! {
            <form class="fields" method="post" action="/actions/admin-remove-logo">
                <button class="quiet">"Remove the logo"</button>
            </form>
        }
    });
    view! {
        <section class="panel" aria-labelledby="logo">
            <h2 id="logo">"Logo"</h2>
            <p class="note">
                {if there { "There is one: the example shows it." } else { "There is none: the name stands in its place." }}
            </p>
            <form class="fields" method="post" action="/admin/settings/invoices/logo" enctype="multipart/form-data">
                <label>
                    "Picture (PNG, JPEG or WebP)"
                    <input type="file" name="logo" accept="image/png,image/jpeg,image/webp" required/>
                </label>
                <button class="quiet">"Upload logo"</button>
            </form>
            {remove}
        </section>
    }
    .into_any()
}

fn numbers(settings: &InvoiceSettings) -> AnyView {
    let [invoices, credit_notes] = settings.patterns.clone();
    let days = settings.days;
    view! {
        <section class="panel" aria-labelledby="numbers">
            <h2 id="numbers">"Numbers"</h2>
            <dl class="defs">
                <div>
                    <dt>"Invoices"</dt>
                    <dd>
                        <code>{invoices}</code>
                    </dd>
                </div>
                <div>
                    <dt>"Credit notes"</dt>
                    <dd>
                        <code>{credit_notes}</code>
                    </dd>
                </div>
                <div>
                    <dt>"Buyers may change an invoice"</dt>
                    <dd>{format!("for {days} days")}</dd>
                </div>
            </dl>
            <p class="note">
                "They are set where the program is (Leptos.toml), and checked when it starts: each number is given once, without gaps, and each year begins again with one."
            </p>
        </section>
    }
    .into_any()
}
