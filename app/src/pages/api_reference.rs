//! `/api/v1/docs`: what programs can ask for, for people. Made from the same document that programs read, and without a
//! script.

use super::page;
use crate::error::internal;
use leptos::prelude::*;
use leptos_meta::Title;
use std::sync::Arc;

/// Where the page has from what it shows. The router provides it.
#[derive(Clone, Copy, Debug)]
pub struct ReferenceSource(pub fn() -> Arc<Reference>);

/// What the page shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reference {
    /// What holds for all operations.
    pub words: String,
    /// The operations, by what they are about.
    pub groups: Vec<Group>,
}

/// Operations about one thing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Group {
    /// "Books".
    pub name: String,
    /// What they are about.
    pub words: String,
    /// In the order of their addresses.
    pub operations: Vec<Operation>,
}

/// An operation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operation {
    /// Names it.
    pub id: String,
    /// `GET` and its like.
    pub method: String,
    /// Where.
    pub path: String,
    /// What it does.
    pub words: String,
    /// The least role and the scope that it needs; nothing if anybody may.
    pub need: Option<(String, String)>,
    /// What stands in the address and in headers.
    pub parameters: Vec<Field>,
    /// The body's type and its fields.
    pub body: Option<(String, Vec<Field>)>,
    /// What comes back: status, words, fields.
    pub answers: Vec<(String, String, Vec<Field>)>,
    /// The statuses of errors.
    pub errors: Vec<String>,
}

/// A field or a parameter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Field {
    /// `contributors[].name`.
    pub name: String,
    /// `string`, `integer or null` and their like.
    pub kind: String,
    /// Whether it has to be there.
    pub required: bool,
    /// What it is.
    pub words: String,
}

/// The operations, each folded.
#[component]
pub fn ApiReferencePage() -> impl IntoView {
    page(async {
        let ReferenceSource(reference) = use_context().ok_or_else(|| internal(&"no reference in the context"))?;
        let reference = reference();
        let nav = reference.groups.iter().map(|group| {
            let at = format!("#{}", group.name.to_lowercase());
            view! {
                <li>
                    <a href=at>{group.name.clone()}</a>
                </li>
            }
        });
        Ok(view! {
            <Title text="API"/>
            <article class="reference">
                <header>
                    <h1>"The API"</h1>
                    {spans(&reference.words)}
                    <p>
                        "The same for programs: "<a href="/api/v1/openapi.json">"openapi.json"</a>
                        ". A token for a program is made on "<a href="/admin/account">"your account's page"</a>"."
                    </p>
                </header>
                <nav aria-label="What it is about">
                    <ul>{nav.collect_view()}</ul>
                </nav>
                {reference.groups.iter().map(group).collect_view()}
            </article>
        }
        .into_any())
    })
}

/// A paragraph in which what stands between backticks is code.
fn spans(words: &str) -> AnyView {
    let pieces = words.split('`').enumerate().map(|(number, piece)| {
        let piece = piece.to_owned();
        if number % 2 == 1 { view! { <code>{piece}</code> }.into_any() } else { piece.into_any() }
    });
    view! { <p>{pieces.collect_view()}</p> }.into_any()
}

fn group(group: &Group) -> AnyView {
    let id = group.name.to_lowercase();
    view! {
        <section aria-labelledby=id.clone()>
            <h2 id=id.clone()>{group.name.clone()}</h2>
            {spans(&group.words)}
            {group.operations.iter().map(operation).collect_view()}
        </section>
    }
    .into_any()
}

fn operation(operation: &Operation) -> AnyView {
    let Operation { id, method, path, words, need, parameters, body, answers, errors } = operation;
    let need = match need {
        Some((role, scope)) => format!("For the role {role} and above, with the scope {scope}."),
        None => "Without a token.".to_owned(),
    };
    let errors = errors.join(", ");
    view! {
        <details id=id.clone()>
            <summary>
                <code class="method">{method.clone()}</code>
                <code>{path.clone()}</code>
            </summary>
            {spans(words)}
            <p class="soft">{need}</p>
            {(!parameters.is_empty()).then(|| fields("Parameters", "", parameters))}
            {body.as_ref().map(|(kind, all)| fields("Body", kind, all))}
            {answers
                .iter()
                .map(|(status, words, all)| fields(&format!("Answer {status}"), words, all))
                .collect_view()}
            <p class="soft">{format!("Errors, each a problem with a code: {errors}.")}</p>
        </details>
    }
    .into_any()
}

fn fields(title: &str, words: &str, all: &[Field]) -> AnyView {
    let rows = all.iter().map(|field| {
        let Field { name, kind, required, words } = field.clone();
        let kind = if required { kind } else { format!("{kind}, optional") };
        view! {
            <div>
                <dt>
                    <code>{name}</code>
                    <span class="soft">{kind}</span>
                </dt>
                <dd>{spans(&words)}</dd>
            </div>
        }
    });
    let list = (!all.is_empty()).then(|| view! { <dl>{rows.collect_view()}</dl> });
    view! {
        <h3>{title.to_owned()}</h3>
        {(!words.is_empty()).then(|| spans(words))}
        {list}
    }
    .into_any()
}
