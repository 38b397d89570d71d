//! `/admin/settings/invoices`: who sells, as it stands on invoices and credit notes, and what they look like.

use super::book::said;
use super::refused;
use super::settings::{self, Fields, Line};
use crate::components::text::in_textarea;
use crate::components::{Desk, Section};
use crate::context;
use crate::pages::page;
use leptos::prelude::*;
use shop::invoices::{InvoiceSettings, LOCALES, PAPERS, SellerSettings};
use shop::types::{KeptForm, Role, SellerForm};

/// The forms.
#[component]
pub fn InvoiceSettingsPage() -> impl IntoView {
    page(async {
        context::staff(Role::Admin).await?;
        let shop = context::shop()?;
        let (settings, said, kept) = (shop.invoice_settings().await?, said(&shop).await?, settings::kept(&shop).await?);
        let notice = match &kept {
            Some(form) => Some(settings::not_saved(form)),
            None => refused::notice().map(IntoAny::into_any),
        };
        let preview = view! { <a class="quiet" href="/admin/settings/invoices/preview.pdf">"See an example (PDF)"</a> };
        let differs = Fields::of(kept.as_ref(), "seller").outdated().map(|typed| differences(&settings.seller, typed));
        Ok(view! {
            <Desk title="Invoices" current=Section::Invoices actions=Some(preview.into_any())>
                {notice}
                {differs}
                {said}
                <div class="side">
                    <div class="stacked">{seller(&settings.seller, kept.as_ref())}</div>
                    <div class="stacked">{logo(settings.logo)} {numbers(&settings)}</div>
                </div>
            </Desk>
        }
        .into_any())
    })
}

fn seller(settings: &SellerSettings, kept: Option<&KeptForm>) -> AnyView {
    const NAME: Line = Line {
        hint: "The store’s name if left empty.",
        wide: true,
        autocomplete: "organization",
        ..Line::new("Name", "name", "seller[name]", 120)
    };
    const COUNTRY: Line =
        Line { autocomplete: "country", ..Line::new("Country, as two letters", "country", "seller[country]", 2) };
    const EMAIL: Line =
        Line { kind: "email", autocomplete: "email", ..Line::new("E-mail", "email", "seller[email]", 120) };
    const VAT_ID: Line = Line::new("VAT ID", "vat_id", "seller[vat_id]", 120);
    const TAX_NUMBER: Line = Line::new("Tax number", "tax_number", "seller[tax_number]", 120);
    let SellerSettings { name, address, country, vat_id, tax_number, email, legal_text, licence_text, locale, paper } =
        settings.clone();
    let fields = Fields::of(kept, "seller");
    let version = fields.version(settings.version());
    let (locale, paper) = (fields.value("locale", locale), fields.value("paper", paper));
    let languages = LOCALES.map(|(tag, label)| view! { <option value=tag selected=tag == locale>{label}</option> });
    let papers = PAPERS.map(|name| view! { <option value=name selected=name == paper>{name}</option> });
    let (language, sheet) = (fields.wrong("locale"), fields.wrong("paper"));
    view! {
        <section class="panel" aria-labelledby="seller">
            <h2 id="seller">"Who sells"</h2>
            <p class="note">
                "What an invoice says when it is issued, it says for good: changes count from the next one on."
            </p>
            <form class="fields two" method="post" action="/actions/admin-save-seller">
                <input type="hidden" name="version" value=version/>
                {fields.line(&NAME, name)}
                {text(&fields, "Address", "address", "", (4, 800), address.join("\n"))}
                {fields.line(&COUNTRY, country)}
                {fields.line(&EMAIL, email)}
                {fields.line(&VAT_ID, vat_id)}
                {fields.line(&TAX_NUMBER, tax_number)}
                {text(
                    &fields,
                    "At the foot",
                    "legal_text",
                    "What the law wants there: register and number, directors.",
                    (3, 1000),
                    legal_text,
                )}
                {text(&fields, "Licence", "licence_text", "What the buyer may do with the files.", (3, 1000), licence_text)}
                <label>
                    "Language"
                    <select name="seller[locale]" aria-invalid=language.invalid() aria-describedby=language.described()>
                        {languages}
                    </select>
                    {language.words()}
                </label>
                <label>
                    "Paper"
                    <select name="seller[paper]" aria-invalid=sheet.invalid() aria-describedby=sheet.described()>
                        {papers}
                    </select>
                    {sheet.words()}
                </label>
                <div class="bar wide">
                    <button>"Save"</button>
                </div>
            </form>
        </section>
    }
    .into_any()
}

/// Field by field, what is saved and what was typed over it.
fn differences(saved: &SellerSettings, typed: &KeptForm) -> AnyView {
    let field = |name: &str| typed.value(name).to_owned();
    // As it would be saved: other spaces are no difference.
    let typed = SellerSettings::read(SellerForm {
        name: field("name"),
        address: field("address"),
        country: field("country"),
        vat_id: field("vat_id"),
        tax_number: field("tax_number"),
        email: field("email"),
        legal_text: field("legal_text"),
        licence_text: field("licence_text"),
        locale: field("locale"),
        paper: field("paper"),
    })
    .unwrap_or_default();
    let language = |tag: &str| {
        let named = LOCALES.iter().find(|(known, _)| *known == tag);
        named.map_or(tag, |(_, label)| *label).to_owned()
    };
    let rows = [
        ("Name", saved.name.clone(), typed.name),
        ("Address", saved.address.join("\n"), typed.address.join("\n")),
        ("Country", saved.country.clone(), typed.country),
        ("E-mail", saved.email.clone(), typed.email),
        ("VAT ID", saved.vat_id.clone(), typed.vat_id),
        ("Tax number", saved.tax_number.clone(), typed.tax_number),
        ("At the foot", saved.legal_text.clone(), typed.legal_text),
        ("Licence", saved.licence_text.clone(), typed.licence_text),
        ("Language", language(&saved.locale), language(&typed.locale)),
        ("Paper", saved.paper.clone(), typed.paper),
    ];
    settings::differing(rows, "/admin/settings/invoices".to_owned())
}

/// A field of several lines: so many rows, and at most so many letters.
fn text(
    fields: &Fields<'_>,
    label: &'static str,
    field: &'static str,
    hint: &'static str,
    (rows, limit): (u8, u16),
    saved: String,
) -> AnyView {
    let (value, wrong) = (fields.value(field, saved), fields.wrong(field));
    let autocomplete = (field == "address").then_some("street-address");
    let hint = (!hint.is_empty()).then(|| view! { <small>{hint}</small> });
    view! {
        <label class="wide">
            {label}
            <textarea
                name=format!("seller[{field}]")
                rows=rows.to_string()
                maxlength=limit.to_string()
                autocomplete=autocomplete
                aria-invalid=wrong.invalid()
                aria-describedby=wrong.described()
            >
                {in_textarea(&value)}
            </textarea>
            {hint}
            {wrong.words()}
        </label>
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
