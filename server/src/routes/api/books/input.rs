//! What programs say of a book, and what they are told if it cannot be so.

use super::book::Contributor;
use crate::routes::api::money::Amount;
use crate::routes::api::problem::{FieldError, Problem};
use serde::{Deserialize, Serialize};
use shop::books::{NotChanged, NotSaved};
use shop::types::{BookForm, PersonField, PriceField, typed_amount};
use utoipa::ToSchema;

/// What can be said of a book. What is left out is empty.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BookInput {
    #[schema(min_length = 1, max_length = 300)]
    title: String,
    #[serde(default)]
    #[schema(max_length = 300)]
    subtitle: String,
    /// The book's address; made from the title if it is left out. It stays once the book has been on sale.
    #[serde(default)]
    #[schema(max_length = 120, pattern = "^[a-z0-9]+(-[a-z0-9]+)*$")]
    pub(super) slug: Option<String>,
    /// Markdown.
    #[serde(default)]
    #[schema(max_length = 20_000)]
    description: String,
    /// A tag like `en` or `pt-BR`.
    #[schema(pattern = "^[a-zA-Z]{2,3}(-[a-zA-Z0-9]{2,8}){0,3}$")]
    language: String,
    /// With 13 digits, or 10.
    #[serde(default)]
    isbn: Option<String>,
    #[serde(default)]
    #[schema(max_length = 200)]
    publisher: String,
    /// The day of first publication.
    #[serde(default)]
    #[schema(format = Date)]
    published_on: Option<String>,
    #[serde(default)]
    #[schema(max_items = 50)]
    contributors: Vec<Contributor>,
    /// At most one in each currency; 0 gives the book away.
    #[serde(default)]
    #[schema(max_items = 20)]
    prices: Vec<Amount>,
}

impl BookInput {
    pub(super) fn form(&self) -> Result<BookForm, Problem> {
        let text = |text: &Option<String>| text.clone().unwrap_or_default();
        let prices = self.prices.iter().map(|price| {
            let money = price.read().map_err(|words| {
                let errors = vec![FieldError { field: "prices".to_owned(), sentence: words.clone() }];
                Problem::unprocessable(words).with_errors(errors)
            })?;
            Ok(PriceField { currency: money.currency().code().to_owned(), amount: typed_amount(money) })
        });
        let people = self.contributors.iter();
        Ok(BookForm {
            title: self.title.clone(),
            subtitle: self.subtitle.clone(),
            slug: text(&self.slug),
            description: self.description.clone(),
            language: self.language.clone(),
            isbn: text(&self.isbn),
            publisher: self.publisher.clone(),
            published_on: text(&self.published_on),
            people: people
                .map(|person| PersonField { name: person.name.clone(), role: person.role.as_str().to_owned() })
                .collect(),
            prices: prices.collect::<Result<_, Problem>>()?,
        })
    }
}

impl From<NotSaved> for Problem {
    fn from(error: NotSaved) -> Self {
        match error {
            NotSaved::Problems(problems) => {
                let errors = problems.into_iter().map(|problem| FieldError {
                    // The form calls them so.
                    field: if problem.field == "people" { "contributors".to_owned() } else { problem.field },
                    sentence: problem.sentence,
                });
                Self::unprocessable("Something is wrong with the book.").with_errors(errors.collect())
            }
            NotSaved::Outdated(version) => {
                Self::new(412, "outdated", format!("The book has changed meanwhile: it has version {version}."))
            }
            NotSaved::Shop(error) => error.into(),
        }
    }
}

impl From<NotChanged> for Problem {
    fn from(error: NotChanged) -> Self {
        match error {
            NotChanged::Missing(missing) => {
                let errors = missing.into_iter();
                let errors = errors.map(|sentence| FieldError { field: "status".to_owned(), sentence });
                Self::conflict("not-ready", "The book is not ready to be sold.").with_errors(errors.collect())
            }
            NotChanged::Shop(error) => error.into(),
        }
    }
}
