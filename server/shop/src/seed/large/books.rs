//! Books: each is made of its number alone.

use super::random::{Domain, Random};
use super::rows::{self, Out, Rows, take};
use super::words::{Language, PriceRule, Word, Words, fold};
use super::{Plan, calendar, samples};
use crate::types::Currency;
use chrono::{Days, NaiveDateTime, NaiveTime};

/// What a US reader would pay, in cents, and how many books of a thousand cost that.
const CENTS: [(i64, u64); 16] = [
    (0, 20),
    (99, 60),
    (199, 70),
    (299, 110),
    (399, 90),
    (499, 140),
    (599, 90),
    (699, 80),
    (799, 90),
    (999, 100),
    (1_199, 40),
    (1_299, 40),
    (1_499, 30),
    (1_999, 20),
    (2_999, 12),
    (5_900, 8),
];

/// Makes books one after the other.
pub(super) struct BookMaker<'a> {
    pub(super) plan: &'a Plan,
    pub(super) words: &'a Words,
    pub(super) samples: &'a [samples::Sample],
    pub(super) store_currency: Currency,
}

impl BookMaker<'_> {
    /// Adds book `index` with everything that belongs to it.
    pub(super) fn make(&self, index: u64, out: &mut Out) {
        let random = &mut Random::new(self.plan.seed, Domain::Book, index);
        let until = self.plan.until.and_time(NaiveTime::MIN);
        let created_at = calendar::book_created(random, until, index, self.plan.books);
        let id = take(&mut out.ids.book);
        let Some(language) = self.words.languages.get(random.weighted(self.words.languages.iter().map(|l| l.weight)))
        else {
            return;
        };
        let (title, roman) = title(random, language);
        let slug = format!("{}-{}", fold(&roman), base36(index));
        let status = match random.below(1_000) {
            0..30 => "draft",
            30..70 => "archived",
            _ => "published",
        };
        out.rows.books.push(rows::Book {
            id,
            sort_title: sort_title(&title, language),
            subtitle: if random.chance(450) {
                random.pick(&language.subtitles).copied().unwrap_or_default()
            } else {
                ""
            },
            description_md: description(random, language, &title),
            language: language.code,
            isbn: random.chance(700).then(|| isbn(index)),
            publisher: random.pick(&self.words.publishers).copied().unwrap_or_default(),
            // Most are new when they come in, some are reprints.
            published_on: {
                let age = if random.chance(150) { random.below(40_000) } else { random.below(400) };
                created_at.date().checked_sub_days(Days::new(age))
            },
            tax_code: "txcd_10302000",
            status,
            accent: random.pick(&self.words.accents).copied().unwrap_or("#334155"),
            version: 1,
            created_at,
            updated_at: created_at,
            slug,
            title,
        });
        self.prices(random, id, &mut out.rows);
        self.contributors(random, id, language, &mut out.rows);
        self.editions(random, Made { id, index, language, roman: &roman, created_at }, out);
    }

    /// In the store's currency always, in each of the others more often than not.
    fn prices(&self, random: &mut Random, book_id: i64, rows: &mut Rows) {
        let cents = CENTS[random.weighted(CENTS.map(|(_, weight)| weight))].0;
        for PriceIn { rule, always } in self.rules() {
            if random.chance(700) || always {
                let (currency, unit_amount) = (rule.currency.code(), rule.price(cents));
                rows.prices.push(rows::Price { book_id, currency, unit_amount });
            }
        }
    }

    fn rules(&self) -> impl Iterator<Item = PriceIn> {
        self.words.prices.iter().map(|rule| PriceIn { rule: *rule, always: rule.currency == self.store_currency })
    }

    fn contributors(&self, random: &mut Random, book_id: i64, language: &Language, rows: &mut Rows) {
        let mut add =
            |position, name, role| rows.contributors.push(rows::Contributor { book_id, position, name, role });
        if random.chance(30) {
            add(0, person(random, language), "editor");
            return;
        }
        add(0, person(random, language), "author");
        let mut position = 1;
        if random.chance(80) {
            add(position, person(random, language), "author");
            position += 1;
        }
        if random.chance(120) {
            let role = if random.chance(700) { "translator" } else { "illustrator" };
            add(position, person(random, language), role);
        }
    }

    fn editions(&self, random: &mut Random, book: Made<'_>, out: &mut Out) {
        let Made { id: book_id, index, language, roman, created_at } = book;
        let (epub, pdf) = match random.below(100) {
            0..45 => (true, false),
            45..95 => (true, true),
            _ => (false, true),
        };
        let mut labels = vec![(language.label, "", created_at)];
        let again = created_at + chrono::TimeDelta::days(random.between(100, 900));
        if random.chance(40) && again < self.plan.until.and_time(NaiveTime::MIN) {
            labels.push((language.second, language.change, again));
        }
        for (label, changelog, created_at) in labels {
            let edition_id = take(&mut out.ids.edition);
            out.rows.editions.push(rows::Edition { id: edition_id, book_id, label, changelog, created_at });
            for (format, wanted) in [("epub", epub), ("pdf", pdf)] {
                let of_format: Vec<_> = self.samples.iter().filter(|sample| sample.format == format).collect();
                let Some(sample) = random.pick(&of_format).filter(|_| wanted) else { continue };
                let id = take(&mut out.ids.file);
                out.rows.files.push(rows::File {
                    id,
                    edition_id,
                    format,
                    storage_key: samples::key(sample, &self.plan.books_tag(), index, id),
                    sha256: sample.sha256.clone(),
                    bytes: sample.bytes,
                    filename: format!("{}.{format}", cut(&fold(roman), 60)),
                });
            }
        }
    }
}

/// What a book's editions depend on.
struct Made<'a> {
    id: i64,
    index: u64,
    language: &'a Language,
    roman: &'a str,
    created_at: NaiveDateTime,
}

struct PriceIn {
    rule: PriceRule,
    always: bool,
}

/// "The Harbour of Moths", and how it is written in an address.
fn title(random: &mut Random, language: &Language) -> (String, String) {
    let (Some(head), Some(tail)) = (random.pick(&language.heads), random.pick(&language.tails)) else {
        return (String::new(), String::new());
    };
    let title = format!("{}{}{}", head.text, language.joiner.unwrap_or(" "), tail.text);
    // One in twelve is only its first half.
    if language.joiner.is_none() && random.chance(80) {
        return (head.text.to_owned(), head.roman.to_owned());
    }
    (title, format!("{}-{}", head.roman, tail.roman))
}

/// "harbour of moths, the": what both databases sort alike.
fn sort_title(title: &str, language: &Language) -> String {
    let moved = language.articles.iter().find_map(|article| {
        let rest = title.strip_prefix(article)?;
        let rest = if article.ends_with('’') { rest } else { rest.strip_prefix(' ')? };
        Some(format!("{rest}, {article}"))
    });
    moved.unwrap_or_else(|| title.to_owned()).to_lowercase()
}

/// A name as it is printed.
pub(super) fn person(random: &mut Random, language: &Language) -> String {
    let text = |word: Option<&Word>| word.map_or("", |word| word.text);
    let (first, last) = (text(random.pick(&language.first)), text(random.pick(&language.last)));
    if language.family_name_first { format!("{last}{first}") } else { format!("{first} {last}") }
}

/// Two or three paragraphs of Markdown, sometimes a quotation or a list.
fn description(random: &mut Random, language: &Language, title: &str) -> String {
    let mut sentences: Vec<&str> = language.sentences.iter().map(|sentence| sentence.trim()).collect();
    let mut next = |random: &mut Random| {
        if sentences.is_empty() { "" } else { sentences.swap_remove(random.index(sentences.len())) }
    };
    let count = random.between(2, 6);
    let mut text = String::new();
    for position in 0..count {
        let sentence = next(random);
        if sentence.is_empty() {
            break;
        }
        let quotation = sentence.starts_with("> ");
        let breaks = quotation || text.ends_with("\n\n") || random.chance(400);
        if position > 0 && !text.ends_with("\n\n") {
            text.push_str(if breaks { "\n\n" } else { " " });
        }
        text.push_str(&sentence.replace("{title}", title));
        if quotation {
            text.push_str("\n\n");
        }
    }
    if random.chance(150) {
        text.truncate(text.trim_end().len());
        text.push_str(&format!("\n\n- {}\n- {}", language.label, person(random, language)));
    }
    text.truncate(text.trim_end().len());
    text
}

/// From the range 979-8-99…, with its check digit (ISO 2108).
fn isbn(index: u64) -> String {
    let body = format!("979899{:06}", index % 1_000_000);
    let sum: u32 =
        body.chars().filter_map(|c| c.to_digit(10)).zip([1, 3].into_iter().cycle()).map(|(d, w)| d * w).sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}

fn cut(text: &str, length: usize) -> &str {
    text.get(..length).unwrap_or(text).trim_end_matches('-')
}

/// Short and unique.
pub(super) fn base36(mut number: u64) -> String {
    const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let mut digits = Vec::new();
    loop {
        digits.push(usize::try_from(number % 36).map_or('0', |digit| char::from(DIGITS[digit])));
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_titles_are_well_formed() {
        assert_eq!((base36(0).as_str(), base36(35).as_str(), base36(36).as_str()), ("0", "z", "10"));
        let weigh = |isbn: &str| {
            isbn.bytes().zip([1, 3].into_iter().cycle()).map(|(b, w)| u32::from(b - b'0') * w).sum::<u32>()
        };
        assert_eq!(weigh("9780306406157") % 10, 0);
        assert!((0..50).all(|index| isbn(index).len() == 13 && weigh(&isbn(index)) % 10 == 0));
        let words = Words::load("USD".parse().unwrap()).unwrap();
        let english = words.languages.iter().find(|l| l.code == "en").unwrap();
        assert_eq!(sort_title("The Harbour of Moths", english), "harbour of moths, the");
        assert_eq!(sort_title("Anthem", english), "anthem");
        let french = words.languages.iter().find(|l| l.code == "fr").unwrap();
        assert_eq!(sort_title("L’Île", french), "île, l’");
    }
}
