//! The form of a book: what was saved, or what somebody typed and could not be saved, with the reasons beside the fields.

use crate::components::text::in_textarea;
use crate::components::written;
use leptos::prelude::*;
use shop::types::{BookForm, ContributorRole, Currency, PersonField, PriceField, Problem, Unfinished, parse_amount};

/// Rows for people beside those that are there.
const MORE_PEOPLE: usize = 2;

/// Where the form belongs.
pub(super) struct Place {
    /// The book; empty for a new one.
    pub(super) slug: String,
    /// The store's currency, which always has a row.
    pub(super) currency: &'static str,
    /// The kept form that this is.
    pub(super) draft: Option<String>,
    /// Whether the address can still be changed.
    pub(super) movable: bool,
    /// The description as it will look, if that was asked for.
    pub(super) preview: Option<String>,
}

/// The problems of one field, and what the field's input needs to say so.
pub(super) struct Wrong {
    id: String,
    sentences: Vec<String>,
}

impl Wrong {
    pub(super) fn of(problems: &[Problem], field: &str) -> Self {
        let sentences = problems.iter().filter(|problem| problem.field == field);
        Self { id: format!("wrong-{field}"), sentences: sentences.map(|problem| problem.sentence.clone()).collect() }
    }

    pub(super) fn invalid(&self) -> Option<&'static str> {
        (!self.sentences.is_empty()).then_some("true")
    }

    pub(super) fn described(&self) -> Option<String> {
        (!self.sentences.is_empty()).then(|| self.id.clone())
    }

    pub(super) fn words(self) -> impl IntoView {
        (!self.sentences.is_empty())
            .then(|| view! { <small class="wrong" id=self.id>{self.sentences.join(" ")}</small> })
    }
}

/// A line of text.
struct Line {
    label: &'static str,
    field: &'static str,
    hint: &'static str,
    wide: bool,
    limit: u16,
}

fn line(spec: &Line, value: &str, problems: &[Problem]) -> impl IntoView + use<> {
    let wrong = Wrong::of(problems, spec.field);
    let class = if spec.wide { "wide" } else { "" };
    let hint = (!spec.hint.is_empty()).then(|| view! { <small>{spec.hint}</small> });
    view! {
        <label class=class>
            {spec.label}
            <input
                name=format!("book[{}]", spec.field)
                value=value.to_owned()
                maxlength=spec.limit.to_string()
                autocomplete="off"
                aria-invalid=wrong.invalid()
                aria-describedby=wrong.described()
            /> {hint} {wrong.words()}
        </label>
    }
}

/// The whole form.
pub(super) fn form(unfinished: &Unfinished, place: &Place) -> impl IntoView + use<> {
    const TITLE: Line = Line { label: "Title", field: "title", hint: "", wide: true, limit: 300 };
    const SUBTITLE: Line = Line { label: "Subtitle", field: "subtitle", hint: "", wide: true, limit: 300 };
    const SLUG: Line = Line {
        label: "Address",
        field: "slug",
        hint: "The last part of the book’s address; made from the title if it is empty.",
        wide: false,
        limit: 120,
    };
    const LANGUAGE: Line =
        Line { label: "Language", field: "language", hint: "A tag like en, en-GB or pt-BR.", wide: false, limit: 35 };
    const ISBN: Line = Line { label: "ISBN", field: "isbn", hint: "", wide: false, limit: 30 };
    const PUBLISHER: Line = Line { label: "Publisher", field: "publisher", hint: "", wide: false, limit: 200 };
    const DATE: Line = Line {
        label: "First published",
        field: "published_on",
        hint: "Like 1851-10-18: year, month, day.",
        wide: false,
        limit: 10,
    };
    let Unfinished { form, version, problems, .. } = unfinished;
    let BookForm { title, subtitle, slug, description, language, isbn, publisher, published_on, people, prices } = form;
    let wrong = Wrong::of(problems, "description");
    let address = if place.movable {
        line(&SLUG, slug, problems).into_any()
    } else {
        let slug = slug.clone();
        view! {
            <label>
                "Address" <input name="book[slug]" value=slug readonly/>
                <small>"It stays: the book has been on sale, and links lead there."</small>
            </label>
        }
        .into_any()
    };
    let preview = place.preview.clone().map(|html| {
        view! {
            <section class="panel wide" aria-label="How the description will look">
                <div class="prose" lang=language.clone() inner_html=html></div>
            </section>
        }
        .into_any()
    });
    view! {
        <form class="panel fields two book-form" method="post" action="/actions/admin-save-book" novalidate>
            <input type="hidden" name="slug" value=place.slug.clone()/>
            <input type="hidden" name="version" value=version.to_string()/>
            {place.draft.clone().map(|draft| view! { <input type="hidden" name="draft" value=draft/> })}
            {line(&TITLE, title, problems).into_any()}
            {line(&SUBTITLE, subtitle, problems).into_any()}
            {people_fields(people, problems).into_any()}
            {price_fields(prices, place.currency, problems).into_any()}
            <label class="wide" id="description">
                "Description"
                <textarea
                    name="book[description]"
                    rows="10"
                    maxlength="20000"
                    aria-invalid=wrong.invalid()
                    aria-describedby=wrong.described()
                >
                    {in_textarea(description)}
                </textarea>
                <small>"Markdown: *italic*, **bold**, lists, links, > quotations."</small>
                {wrong.words()}
            </label>
            {preview}
            {address}
            {line(&LANGUAGE, language, problems).into_any()}
            {line(&ISBN, isbn, problems).into_any()}
            {line(&PUBLISHER, publisher, problems).into_any()}
            {line(&DATE, published_on, problems).into_any()}
            // Saving first: the first button of a form is the one that Enter presses.
            <div class="bar wide">
                <button>{if place.slug.is_empty() { "Save as a draft" } else { "Save" }}</button>
                <button class="quiet" name="preview" value="1">"Preview description"</button>
            </div>
        </form>
    }
}

fn people_fields(people: &[PersonField], problems: &[Problem]) -> impl IntoView + use<> {
    const ROLES: [(ContributorRole, &str); 4] = [
        (ContributorRole::Author, "Author"),
        (ContributorRole::Editor, "Editor"),
        (ContributorRole::Translator, "Translator"),
        (ContributorRole::Illustrator, "Illustrator"),
    ];
    let wrong = Wrong::of(problems, "people");
    let blank = || PersonField { name: String::new(), role: "author".to_owned() };
    // Rows that were left empty are not shown a second time.
    let named = people.iter().filter(|person| !person.name.trim().is_empty()).cloned();
    let rows: Vec<PersonField> = named.chain((0..MORE_PEOPLE).map(|_| blank())).collect();
    let described = wrong.described();
    let row = move |(at, person): (usize, PersonField)| {
        let option = |(role, label): (ContributorRole, &'static str)| {
            let selected = role.as_str() == person.role;
            view! { <option value=role.as_str() selected=selected>{label}</option> }
        };
        view! {
            <div class="pair">
                <input
                    name=format!("book[people][{at}][name]")
                    value=person.name.clone()
                    maxlength="200"
                    autocomplete="off"
                    aria-label=format!("Person {}", at + 1)
                    aria-describedby=described.clone()
                />
                <select name=format!("book[people][{at}][role]") aria-label=format!("Role of person {}", at + 1)>
                    {ROLES.map(option)}
                </select>
            </div>
        }
    };
    view! {
        <fieldset class="wide">
            <legend>"People"</legend>
            {rows.into_iter().enumerate().map(row).collect_view()}
            <small>"As on the title page. An empty name is left out; save for more rows."</small>
            {wrong.words()}
        </fieldset>
    }
}

/// What is said of a price under Stripe's least.
fn cannot_be_sold_alone(row: &PriceField) -> Option<String> {
    let currency: Currency = row.currency.trim().parse().ok()?;
    let price = parse_amount(&row.amount, currency).ok().filter(|price| price.is_too_little())?;
    let (price, least) = (written::money(price), written::money(currency.least_charge()?));
    Some(format!("At {price} nobody can buy this title alone: Stripe charges nothing under {least}."))
}

fn price_fields(prices: &[PriceField], own: &str, problems: &[Problem]) -> impl IntoView + use<> {
    let wrong = Wrong::of(problems, "prices");
    let mut rows: Vec<PriceField> =
        prices.iter().filter(|row| row.currency == own || !row.amount.trim().is_empty()).cloned().collect();
    // The store's own first, and a row for one more.
    match rows.iter().position(|row| row.currency == own) {
        Some(at) => rows.swap(0, at),
        None => rows.insert(0, PriceField { currency: own.to_owned(), amount: String::new() }),
    }
    rows.push(PriceField::default());
    let described = wrong.described();
    // Prices of old that may stay; for new ones it is a problem.
    let alone = rows.iter().filter_map(cannot_be_sold_alone).map(|words| view! { <small>{words}</small> });
    let alone = problems.iter().all(|problem| problem.field != "prices").then(|| alone.collect_view());
    let row = move |(at, price): (usize, PriceField)| {
        view! {
            <div class="pair">
                <input
                    name=format!("book[prices][{at}][amount]")
                    value=price.amount
                    inputmode="decimal"
                    maxlength="12"
                    autocomplete="off"
                    placeholder="7.99"
                    aria-label=format!("Price {}", at + 1)
                    aria-describedby=described.clone()
                />
                <input
                    name=format!("book[prices][{at}][currency]")
                    value=price.currency
                    maxlength="3"
                    autocomplete="off"
                    placeholder="EUR"
                    aria-label=format!("Currency of price {}", at + 1)
                />
            </div>
        }
    };
    view! {
        <fieldset class="wide">
            <legend>"Prices"</legend>
            {rows.into_iter().enumerate().map(row).collect_view()}
            <small>"One for each currency; 0 gives the book away, nothing is no price."</small>
            {alone}
            {wrong.words()}
        </fieldset>
    }
}

#[cfg(test)]
mod tests {
    use super::in_textarea;

    #[test]
    fn no_text_ends_its_textarea() {
        assert_eq!(in_textarea("a & b</textarea><script>"), "\na &amp; b&lt;/textarea>&lt;script>");
    }
}
