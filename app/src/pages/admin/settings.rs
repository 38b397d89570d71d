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
        1 => "Not saved yet: one field needs another look.".to_owned(),
        count => format!("Not saved yet: {count} fields need another look."),
    };
    view! { <Notice bad=true>{words}</Notice> }.into_any()
}

/// One form of a page: what was typed if it is the kept one, else what is saved.
pub(super) struct Fields<'a>(Option<&'a KeptForm>);

impl<'a> Fields<'a> {
    pub(super) fn of(kept: Option<&'a KeptForm>, form: &str) -> Self {
        Self(kept.filter(|kept| kept.form == form))
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
