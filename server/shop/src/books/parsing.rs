//! A form's text becomes a book's fields, or sentences that say what is wrong with it.

use crate::types::{
    BookForm, Contributor, ContributorRole, Currency, Isbn, Money, PersonField, PriceField, Problem, Slug,
    parse_amount, typed_amount,
};
use chrono::{Datelike as _, NaiveDate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

const TITLE: usize = 300;
const PUBLISHER: usize = 200;
const NAME: usize = 200;
const DESCRIPTION: usize = 20_000;
/// On a title page.
const PEOPLE: usize = 50;
/// Addresses under `/admin/books/` that are pages of the desk.
const RESERVED: [&str; 4] = ["new", "import", "export", "preview"];

/// What somebody can say about a book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fields {
    pub(crate) title: String,
    pub(crate) subtitle: String,
    pub(crate) slug: Slug,
    pub(crate) description: String,
    pub(crate) language: String,
    pub(crate) isbn: Option<String>,
    pub(crate) publisher: String,
    pub(crate) published_on: Option<NaiveDate>,
    pub(crate) people: Vec<Contributor>,
    /// Minor units by currency.
    pub(crate) prices: BTreeMap<Currency, i64>,
}

impl Fields {
    /// As somebody would type it.
    pub(crate) fn typed(&self) -> BookForm {
        BookForm {
            title: self.title.clone(),
            subtitle: self.subtitle.clone(),
            slug: self.slug.to_string(),
            description: self.description.clone(),
            language: self.language.clone(),
            isbn: self.isbn.clone().unwrap_or_default(),
            publisher: self.publisher.clone(),
            published_on: self.published_on.map(|day| day.to_string()).unwrap_or_default(),
            people: self
                .people
                .iter()
                .map(|person| PersonField { name: person.name.clone(), role: person.role.as_str().to_owned() })
                .collect(),
            prices: self
                .prices
                .iter()
                .map(|(currency, minor)| PriceField {
                    currency: currency.code().to_owned(),
                    amount: typed_amount(Money::new(*minor, *currency)),
                })
                .collect(),
        }
    }

    /// Reads a form. `saved` is the book as it is: what is kept of it need not be what is asked of new text.
    pub(crate) fn parse(form: &BookForm, saved: Option<&Self>) -> Result<Self, Vec<Problem>> {
        let mut problems = Problems(Vec::new());
        let title = problems.line("title", &form.title, TITLE);
        if title.is_empty() {
            problems.add("title", "A book has a title.");
        }
        let subtitle = problems.line("subtitle", &form.subtitle, TITLE);
        let publisher = problems.line("publisher", &form.publisher, PUBLISHER);
        let typed = form.slug.trim();
        let slug = if typed.is_empty() { slug_of(&title) } else { typed.to_owned() };
        let slug = slug.parse::<Slug>().ok().filter(|slug| !RESERVED.contains(&slug.as_str()));
        if slug.is_none() && (!typed.is_empty() || !title.is_empty()) {
            problems.add(
                "slug",
                "An address has lower-case letters a to z, digits and single hyphens between them, at most 120, and is none of the desk's own.",
            );
        }
        let description = form.description.replace("\r\n", "\n").trim().to_owned();
        if description.chars().count() > DESCRIPTION || description.contains('\0') {
            problems.add("description", "A description is a text of at most 20 000 characters.");
        }
        let language = form.language.trim().to_owned();
        if !is_language(&language) {
            problems.add("language", "A language is a tag like en, en-GB or pt-BR.");
        }
        let isbn = match form.isbn.trim() {
            "" => None,
            // As it was seeded, whatever that is.
            same if saved.is_some_and(|saved| saved.isbn.as_deref() == Some(same)) => Some(same.to_owned()),
            text => match text.parse::<Isbn>() {
                Ok(isbn) => Some(isbn.as_str().to_owned()),
                Err(error) => {
                    problems.add("isbn", &format!("{}.", capital(&error.to_string())));
                    None
                }
            },
        };
        let published_on = match form.published_on.trim() {
            "" => None,
            text => match text.parse::<NaiveDate>() {
                Ok(day) if (1..=9_999).contains(&day.year()) => Some(day),
                _ => {
                    problems.add("published_on", "A day is written like 1851-10-18: year, month, day.");
                    None
                }
            },
        };
        let people = problems.people(&form.people);
        let prices = problems.prices(&form.prices, saved.map(|saved| &saved.prices));
        match (slug, problems.0.is_empty()) {
            (Some(slug), true) => {
                Ok(Self { title, subtitle, slug, description, language, isbn, publisher, published_on, people, prices })
            }
            _ => Err(problems.0),
        }
    }
}

struct Problems(Vec<Problem>);

impl Problems {
    fn add(&mut self, field: &str, sentence: &str) {
        self.0.push(Problem { field: field.to_owned(), sentence: sentence.to_owned() });
    }

    /// A line of text, with single spaces.
    fn line(&mut self, field: &str, text: &str, limit: usize) -> String {
        let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if line.chars().count() > limit || line.chars().any(char::is_control) {
            self.add(field, &format!("This is a line of at most {limit} characters."));
        }
        line
    }

    fn people(&mut self, fields: &[PersonField]) -> Vec<Contributor> {
        let mut people = Vec::new();
        for field in fields {
            let name = self.line("people", &field.name, NAME);
            if name.is_empty() {
                continue;
            }
            match field.role.trim().parse::<ContributorRole>() {
                Ok(role) => people.push(Contributor { name, role }),
                Err(_) => {
                    self.add("people", "Each person is an author, an editor, a translator or an illustrator.");
                }
            }
        }
        if people.len() > PEOPLE {
            self.add("people", "A title page has room for 50 people.");
        }
        people
    }

    /// The prices in minor units. A price that was `saved` may stay, whatever it is: its title may be sold with others.
    fn prices(&mut self, fields: &[PriceField], saved: Option<&BTreeMap<Currency, i64>>) -> BTreeMap<Currency, i64> {
        let mut prices = BTreeMap::new();
        for field in fields.iter().filter(|field| !field.amount.trim().is_empty()) {
            let Ok(currency) = field.currency.trim().parse::<Currency>() else {
                self.add("prices", "A price is in a currency with a three-letter code, like USD.");
                continue;
            };
            let money = parse_amount(&field.amount, currency).ok();
            let kept = |money: Money| saved.and_then(|saved| saved.get(&currency)) == Some(&money.minor());
            match money.map(|money| Money::price(money.minor(), currency)) {
                Some(Ok(money)) if money.is_too_little() && !kept(money) => {
                    let least = currency.least_charge().map(typed_amount).unwrap_or_default();
                    self.add(
                        "prices",
                        &format!(
                            "The price in {currency} is less than Stripe charges, so nobody could buy this title alone: {least} is the least, or 0 for a title that is free."
                        ),
                    );
                }
                Some(Ok(money)) if money.minor() <= LARGEST_PRICE => {
                    if prices.insert(currency, money.minor()).is_some() {
                        self.add("prices", &format!("There are two prices in {currency}."));
                    }
                }
                Some(Ok(_)) => self.add("prices", &format!("The price in {currency} is more than Stripe charges.")),
                Some(Err(error)) => self.add("prices", &format!("The price in {currency}: {error}.")),
                None => {
                    let example = typed_amount(Money::new(1_200, currency));
                    self.add(
                        "prices",
                        &format!("The price in {currency} is written like {example}, without signs and separators."),
                    );
                }
            }
        }
        prices
    }
}

/// Stripe charges at most eight digits (<https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts>).
const LARGEST_PRICE: i64 = 99_999_999;

fn capital(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// A language and at most a few subtags, as BCP 47 writes them.
fn is_language(tag: &str) -> bool {
    let mut parts = tag.split('-');
    let language = parts.next().unwrap_or_default();
    (2..=3).contains(&language.len())
        && language.bytes().all(|b| b.is_ascii_alphabetic())
        && parts.clone().count() <= 3
        && parts.all(|part| (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// An address made from a title: what is no letter a to z and no digit separates.
fn slug_of(title: &str) -> String {
    let mut slug = String::new();
    for c in title.chars().flat_map(char::to_lowercase) {
        let plain = plain(c);
        match plain {
            "'" => {}
            "" if c.is_ascii_alphanumeric() => slug.push(c),
            "" => {
                if !slug.is_empty() && !slug.ends_with('-') {
                    slug.push('-');
                }
            }
            letters => slug.push_str(letters),
        }
    }
    slug.truncate(80);
    slug.trim_end_matches('-').to_owned()
}

/// Letters a to z for a lower-case letter that has them in it; `'` for what joins.
fn plain(c: char) -> &'static str {
    match c {
        '\'' | '’' => "'",
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' | 'ă' | 'ą' => "a",
        'ä' | 'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'đ' | 'ð' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => "e",
        'ğ' => "g",
        'ì' | 'í' | 'î' | 'ï' | 'ī' | 'ı' => "i",
        'ł' | 'ľ' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ō' | 'ő' => "o",
        'ö' | 'ø' | 'œ' => "oe",
        'ř' => "r",
        'ś' | 'š' | 'ş' => "s",
        'ß' => "ss",
        'ť' => "t",
        'þ' => "th",
        'ù' | 'ú' | 'û' | 'ū' | 'ů' | 'ű' => "u",
        'ü' => "ue",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => "",
    }
}

/// As a library files a title: in lower case, a leading article moved to the end.
pub(crate) fn sort_title(title: &str, language: &str) -> String {
    let articles: &[&str] = match language.split('-').next().unwrap_or_default() {
        "en" => &["the", "a", "an"],
        "de" => &["der", "die", "das", "ein", "eine"],
        "fr" => &["le", "la", "les", "un", "une", "des"],
        "es" => &["el", "la", "los", "las", "un", "una"],
        "it" => &["il", "lo", "la", "i", "gli", "le", "un", "uno", "una"],
        "pt" => &["o", "a", "os", "as", "um", "uma"],
        "nl" => &["de", "het", "een"],
        _ => &[],
    };
    let lower = title.to_lowercase();
    match lower.split_once(' ') {
        Some((first, rest)) if articles.contains(&first) && !rest.is_empty() => format!("{rest}, {first}"),
        _ => lower,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good() -> BookForm {
        BookForm {
            title: "  The  Whale ".into(),
            language: "en".into(),
            isbn: "0-306-40615-2".into(),
            published_on: "1851-10-18".into(),
            people: vec![
                PersonField { name: "Herman Melville".into(), role: "author".into() },
                PersonField { name: " ".into(), role: String::new() },
            ],
            prices: vec![
                PriceField { currency: "usd".into(), amount: "7.99".into() },
                PriceField { currency: "EUR".into(), amount: String::new() },
            ],
            ..BookForm::default()
        }
    }

    #[test]
    fn a_form_becomes_fields_and_these_the_form_again() {
        let fields = Fields::parse(&good(), None).unwrap();
        assert_eq!((fields.title.as_str(), fields.slug.as_str()), ("The Whale", "the-whale"));
        assert_eq!(fields.isbn.as_deref(), Some("9780306406157"));
        assert_eq!(fields.prices, BTreeMap::from([("USD".parse().unwrap(), 799)]));
        assert_eq!(fields.people.len(), 1);
        assert_eq!(Fields::parse(&fields.typed(), None).unwrap(), fields);
    }

    #[test]
    fn each_problem_is_said_beside_its_field() {
        let wrong = |change: fn(&mut BookForm)| {
            let mut form = good();
            change(&mut form);
            let fields = Fields::parse(&form, None).unwrap_err();
            fields.into_iter().map(|problem| problem.field).collect::<Vec<_>>()
        };
        assert_eq!(wrong(|form| form.title = " ".into()), ["title"]);
        assert_eq!(wrong(|form| form.title = "x".repeat(301)), ["title", "slug"][..1]);
        assert_eq!(wrong(|form| form.slug = "Not a slug".into()), ["slug"]);
        assert_eq!(wrong(|form| form.slug = "import".into()), ["slug"]);
        assert_eq!(wrong(|form| form.title = "白鯨".into()), ["slug"]);
        assert_eq!(wrong(|form| form.language = "English".into()), ["language"]);
        assert_eq!(wrong(|form| form.isbn = "12".into()), ["isbn"]);
        assert_eq!(wrong(|form| form.published_on = "18.10.1851".into()), ["published_on"]);
        assert_eq!(wrong(|form| form.people[0].role = "reader".into()), ["people"]);
        assert_eq!(wrong(|form| form.prices[0].amount = "7,99".into()), ["prices"]);
        assert_eq!(wrong(|form| form.prices[0].currency = "XXX".into()), ["prices"]);
        assert_eq!(wrong(|form| form.prices[0].amount = "1000000.00".into()), ["prices"]);
        assert_eq!(wrong(|form| form.prices[0].amount = "0.49".into()), ["prices"]);
        assert_eq!(wrong(|form| form.description = "x".repeat(20_001)), ["description"]);
        assert_eq!(
            wrong(|form| {
                form.language.clear();
                form.isbn = "x".into();
            }),
            ["language", "isbn"]
        );
    }

    #[test]
    fn a_price_under_stripes_least_is_no_new_one_and_may_stay() {
        let cheap = |amount: &str| {
            let mut form = good();
            form.prices[0].amount = amount.into();
            form
        };
        let problems = Fields::parse(&cheap("0.49"), None).unwrap_err();
        assert!(problems[0].sentence.contains("0.50 is the least"), "{problems:?}");
        assert!(Fields::parse(&cheap("0"), None).is_ok() && Fields::parse(&cheap("0.50"), None).is_ok());
        let mut saved = Fields::parse(&good(), None).unwrap();
        saved.prices.insert("USD".parse().unwrap(), 49);
        assert_eq!(Fields::parse(&cheap("0.49"), Some(&saved)).unwrap().prices, saved.prices);
        assert!(Fields::parse(&cheap("0.48"), Some(&saved)).is_err());
    }

    #[test]
    fn titles_are_filed_without_their_article() {
        assert_eq!(sort_title("The Tempest", "en-GB"), "tempest, the");
        assert_eq!(sort_title("The Tempest", "fr"), "the tempest");
        assert_eq!(sort_title("Die Räuber", "de"), "räuber, die");
        assert_eq!(sort_title("A", "en"), "a");
    }

    #[test]
    fn addresses_come_from_titles() {
        for (title, slug) in [
            ("Moby-Dick; or, The Whale", "moby-dick-or-the-whale"),
            ("Gödel’s Proof", "goedels-proof"),
            ("  1984!  ", "1984"),
            ("Łódź & Straße", "lodz-strasse"),
            ("白鯨", ""),
        ] {
            assert_eq!(slug_of(title), slug);
        }
    }
}
