//! What the pages of the settings share: a form as it was typed when it was refused, or as it is saved.

use super::book_form::Wrong;
use crate::components::Notice;
use crate::error::AppError;
use crate::pages::query;
use leptos::prelude::*;
use shop::Shop;
use shop::types::KeptForm;

/// The form that the address names (`?draft=`), if one was refused and is still kept.
pub(super) async fn kept(shop: &Shop) -> Result<Option<KeptForm>, AppError> {
    match query("draft") {
        Some(name) => Ok(shop.kept_form(&name).await?),
        None => Ok(None),
    }
}

/// Says that nothing was saved, and how much there is to look at.
pub(super) fn not_saved(form: &KeptForm) -> AnyView {
    let words = match form.problems.len() {
        _ if form.outdated => {
            "Somebody has saved these settings since you opened the form, so nothing of yours is saved yet. Below is what you typed; saving again puts it in the place of what is there.".to_owned()
        }
        1 => "Not saved yet: one field needs another look.".to_owned(),
        count => format!("Not saved yet: {count} fields need another look."),
    };
    view! { <Notice bad=true>{words}</Notice> }.into_any()
}

/// Field by field, what is saved and what was typed over it, with the way to the former: `page` without a kept form.
pub(super) fn differing(rows: impl IntoIterator<Item = (&'static str, String, String)>, page: String) -> AnyView {
    let row = |(name, saved, typed): (&'static str, String, String)| {
        view! {
            <tr>
                <th scope="row">{name}</th>
                <td data-label="Saved">{saved}</td>
                <td data-label="Yours">{typed}</td>
            </tr>
        }
    };
    let rows = rows.into_iter().filter(|(_, saved, typed)| saved != typed).map(row).collect_view();
    view! {
        <div class="scroll">
            <table class="table cards">
                <caption>"What differs"</caption>
                <thead>
                    <tr>
                        <th scope="col">"Field"</th>
                        <th scope="col">"Saved now"</th>
                        <th scope="col">"What you typed"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </div>
        <div class="bar">
            <a class="quiet" href=page>
                "Leave it as it is saved"
            </a>
        </div>
    }
    .into_any()
}

/// One form of a page: what was typed if it is the kept one, else what is saved.
pub(super) struct Fields<'a>(Option<&'a KeptForm>);

impl<'a> Fields<'a> {
    pub(super) fn of(kept: Option<&'a KeptForm>, form: &str) -> Self {
        Self(kept.filter(|kept| kept.form == form))
    }

    /// What the form is sent over: the version that it was filled from or, where the page says what is saved by now, that.
    pub(super) fn version(&self, saved: String) -> String {
        match self.0 {
            Some(kept) if !kept.outdated => kept.value("version").to_owned(),
            _ => saved,
        }
    }

    /// The kept form, if somebody has saved something else since it was opened.
    pub(super) fn outdated(&self) -> Option<&'a KeptForm> {
        self.0.filter(|kept| kept.outdated)
    }

    /// What stands in a field.
    pub(super) fn value(&self, field: &str, saved: String) -> String {
        self.0.map_or(saved, |kept| kept.value(field).to_owned())
    }

    /// Whether a box is ticked.
    pub(super) fn ticked(&self, field: &str, saved: bool) -> bool {
        self.0.map_or(saved, |kept| !kept.value(field).is_empty())
    }

    /// What is wrong with it.
    pub(super) fn wrong(&self, field: &str) -> Wrong {
        Wrong::of(self.0.map_or(&[], |kept| kept.problems.as_slice()), field)
    }

    /// An input of one line, with its label.
    pub(super) fn line(&self, spec: &Line, saved: String) -> AnyView {
        let (value, wrong) = (self.value(spec.field, saved), self.wrong(spec.field));
        let hint = (!spec.hint.is_empty()).then(|| view! { <small>{spec.hint}</small> });
        view! {
            <label class=spec.wide.then_some("wide")>
                {spec.label}
                <input
                    r#type=spec.kind
                    name=spec.name
                    value=value
                    maxlength=spec.limit.to_string()
                    required=spec.required
                    autocomplete=spec.autocomplete
                    placeholder=(!spec.placeholder.is_empty()).then_some(spec.placeholder)
                    inputmode=spec.inputmode
                    aria-invalid=wrong.invalid()
                    aria-describedby=wrong.described()
                /> {hint} {wrong.words()}
            </label>
        }
        .into_any()
    }
}

/// An input of one line.
pub(super) struct Line {
    pub(super) label: &'static str,
    /// In the kept form, and …
    pub(super) field: &'static str,
    /// … as it is sent.
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    pub(super) hint: &'static str,
    pub(super) wide: bool,
    pub(super) required: bool,
    pub(super) limit: u16,
    pub(super) autocomplete: &'static str,
    pub(super) placeholder: &'static str,
    pub(super) inputmode: Option<&'static str>,
}

impl Line {
    /// A line of text without anything special about it.
    pub(super) const fn new(label: &'static str, field: &'static str, name: &'static str, limit: u16) -> Self {
        Self {
            label,
            field,
            name,
            kind: "text",
            hint: "",
            wide: false,
            required: false,
            limit,
            autocomplete: "off",
            placeholder: "",
            inputmode: None,
        }
    }
}
