//! A table as text: CSV, and books as cells.

use super::{COLUMNS, ROWS, Row, STATUS, Table, TableError};
use crate::books::reading::Saved;
use crate::types::{BookForm, ContributorRole, Currency, PersonField, PriceField};
use std::collections::{BTreeMap, HashSet};

pub(super) fn lay_over(form: &mut BookForm, cells: &BTreeMap<String, String>) -> Result<(), String> {
    for (column, value) in cells {
        match column.as_str() {
            "title" => form.title.clone_from(value),
            "subtitle" => form.subtitle.clone_from(value),
            "language" => form.language.clone_from(value),
            "isbn" => form.isbn.clone_from(value),
            "publisher" => form.publisher.clone_from(value),
            "published_on" => form.published_on.clone_from(value),
            "description" => form.description.clone_from(value),
            "people" => form.people = people_of(value)?,
            column => {
                let code = column.strip_prefix("price_").unwrap_or(column);
                let price = form.prices.iter_mut().find(|price| price.currency == code);
                match price {
                    Some(price) => price.amount.clone_from(value),
                    None => form.prices.push(PriceField { currency: code.to_owned(), amount: value.clone() }),
                }
            }
        }
    }
    Ok(())
}

/// "Ann Lee (author); Bo Day (translator)". A name in double quotes may have semicolons; a quote in it stands twice.
fn people_of(text: &str) -> Result<Vec<PersonField>, String> {
    let mut people = Vec::new();
    let mut rest = Some(text);
    while let Some(text) = rest {
        let text = text.trim_start();
        let (quoted, text) = quoted_name(text).map_or((None, text), |(name, behind)| (Some(name), behind));
        let (person, others) = text.split_once(';').map_or((text, None), |(person, others)| (person, Some(others)));
        rest = others;
        let person = person.trim();
        if person.is_empty() && quoted.is_none() {
            continue;
        }
        let (name, role) = match person.strip_suffix(')').and_then(|person| person.rsplit_once('(')) {
            Some((name, role)) if role.trim().parse::<ContributorRole>().is_ok() => (name.trim(), role.trim()),
            Some((_, role)) => {
                return Err(format!("people: {role} is none of author, editor, translator and illustrator."));
            }
            None => (person, "author"),
        };
        people.push(PersonField { name: quoted.unwrap_or_else(|| name.to_owned()), role: role.to_owned() });
    }
    Ok(people)
}

/// A name in double quotes at the beginning, and what is behind it: nothing or a role, then the next person. A name that only
/// has quotes in it, like `"Bo" Day`, is none.
fn quoted_name(text: &str) -> Option<(String, &str)> {
    let mut rest = text.strip_prefix('"')?;
    let mut name = String::new();
    loop {
        let (part, behind) = rest.split_once('"')?;
        name.push_str(part);
        let Some(more) = behind.strip_prefix('"') else {
            let role = behind.split(';').next().unwrap_or_default().trim();
            let role_only = role.strip_prefix('(').and_then(|role| role.strip_suffix(')'));
            let ends = role.is_empty() || role_only.is_some_and(|role| !role.contains(['(', ')']));
            return ends.then_some((name, behind));
        };
        name.push('"');
        rest = more;
    }
}

/// As [`people_of`] reads it.
fn person(field: &PersonField) -> String {
    let PersonField { name, role } = field;
    if name.contains(';') || name.starts_with('"') {
        format!("\"{}\" ({role})", name.replace('"', "\"\""))
    } else {
        format!("{name} ({role})")
    }
}

/// A form as cells by column.
pub(super) fn cells(form: &BookForm) -> BTreeMap<String, String> {
    let people: Vec<String> = form.people.iter().map(person).collect();
    let texts = [
        ("slug", &form.slug),
        ("title", &form.title),
        ("subtitle", &form.subtitle),
        ("language", &form.language),
        ("isbn", &form.isbn),
        ("publisher", &form.publisher),
        ("published_on", &form.published_on),
        ("people", &people.join("; ")),
        ("description", &form.description),
    ]
    .map(|(column, value)| (column.to_owned(), value.clone()));
    let prices = form.prices.iter().map(|price| (format!("price_{}", price.currency), price.amount.clone()));
    texts.into_iter().chain(prices).collect()
}

pub(super) fn written(books: &[Saved], currencies: &[Currency], first: bool) -> Result<Vec<u8>, csv::Error> {
    let mut csv = csv::Writer::from_writer(Vec::new());
    if first {
        let prices = currencies.iter().map(|currency| format!("price_{currency}"));
        let columns = COLUMNS.into_iter().map(str::to_owned).chain(prices).chain([STATUS.to_owned()]);
        csv.write_record(columns)?;
    }
    for book in books {
        let mut cells = cells(&book.fields.typed());
        let prices = currencies.iter().map(|currency| format!("price_{currency}"));
        let columns = COLUMNS.into_iter().map(str::to_owned).chain(prices);
        let row = columns.map(|column| safe(&cells.remove(&column).unwrap_or_default()));
        csv.write_record(row.chain([book.status.as_str().to_owned()]).collect::<Vec<_>>())?;
    }
    csv.into_inner().map_err(|error| csv::Error::from(std::io::Error::other(error.to_string())))
}

/// Whether a spreadsheet would take what stands behind any apostrophes for a formula.
fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'])
}

fn safe(text: &str) -> String {
    if is_formula(text) { format!("'{text}") } else { text.to_owned() }
}

fn unsafe_again(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_formula(rest) => rest,
        _ => cell,
    }
}

pub(super) fn parsed(csv: &[u8]) -> Result<Table, TableError> {
    let refused = |why: String| TableError::Refused(why);
    // A byte order mark is how some spreadsheets say UTF-8; a semicolon is what they write where the comma is a decimal point.
    let csv = csv.strip_prefix(b"\xef\xbb\xbf").unwrap_or(csv);
    let text =
        std::str::from_utf8(csv).map_err(|_| refused("The table is not in UTF-8. Save it as “CSV UTF-8”.".into()))?;
    if text.contains('\0') {
        return Err(refused("This is not a table of text.".into()));
    }
    let head = text.lines().next().unwrap_or_default();
    let delimiter = [b',', b';', b'\t'].into_iter().max_by_key(|by| head.bytes().filter(|b| b == by).count());
    let mut reader = csv::ReaderBuilder::new().delimiter(delimiter.unwrap_or(b',')).from_reader(text.as_bytes());
    let wrong = |error: csv::Error| refused(format!("The table cannot be read: {error}."));
    let columns: Vec<String> = reader.headers().map_err(wrong)?.iter().map(|name| name.trim().to_owned()).collect();
    if columns.iter().collect::<HashSet<_>>().len() != columns.len() {
        return Err(refused("Two columns of the table have the same name.".into()));
    }
    let read = |column: &str| {
        COLUMNS.contains(&column)
            || column
                .strip_prefix("price_")
                .is_some_and(|code| code.parse::<Currency>().is_ok_and(|currency| currency.code() == code))
    };
    let Some(slug_at) = columns.iter().position(|column| column == "slug") else {
        return Err(refused("The table's first line names the columns, and one of them is “slug”.".into()));
    };
    let ignored = columns.iter().filter(|column| !read(column)).cloned().collect();
    let (mut rows, mut seen) = (Vec::new(), HashSet::new());
    for record in reader.records() {
        let record = record.map_err(wrong)?;
        let line = record.position().map_or(0, csv::Position::line);
        let slug = record.get(slug_at).unwrap_or_default().trim().to_owned();
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if !seen.insert(slug.clone()) {
            return Err(refused(format!("Line {line}: the book “{slug}” is in the table twice.")));
        }
        let cells = columns.iter().zip(record.iter()).filter(|(column, _)| *column != "slug" && read(column));
        let cells = cells
            .map(|(column, cell)| (column.clone(), unsafe_again(cell).trim().to_owned()))
            .filter(|(_, cell)| !cell.is_empty())
            .collect();
        rows.push(Row { line, slug, cells });
        if rows.len() > ROWS {
            return Err(refused(format!("The table has more than {ROWS} rows. Split it.")));
        }
    }
    Ok(Table { rows, ignored, versions: BTreeMap::new() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::books::Fields;
    use crate::types::{BookStatus, Contributor};
    use proptest::prelude::*;

    fn book(title: &str) -> Saved {
        Saved {
            id: 1,
            version: 1,
            status: BookStatus::Draft,
            sort_title: String::new(),
            cover_key: None,
            accent: String::new(),
            fields: Fields {
                title: title.to_owned(),
                subtitle: String::new(),
                slug: "a-book".parse().unwrap(),
                description: "One,\n\"two\"".to_owned(),
                language: "en".to_owned(),
                isbn: None,
                publisher: String::new(),
                published_on: None,
                people: vec![Contributor { name: "Ann (Lee)".to_owned(), role: ContributorRole::Editor }],
                prices: BTreeMap::from([("USD".parse().unwrap(), 799)]),
            },
        }
    }

    #[test]
    fn row_38_no_cell_is_a_formula_and_each_is_read_back_as_it_was() {
        for title in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "'=1", "''+x", "'tis", "plain", "a=b", "＝1"] {
            let usd = "USD".parse().unwrap();
            let text = written(&[book(title)], &[usd], true).unwrap();
            let mut reader = csv::Reader::from_reader(text.as_slice());
            let record = reader.records().next().unwrap().unwrap();
            for cell in &record {
                assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r', '＝']), "{cell:?}");
            }
            let table = parsed(&text).unwrap();
            assert_eq!((table.rows[0].slug.as_str(), table.ignored), ("a-book", vec![STATUS.to_owned()]));
            let mut form = BookForm::default();
            lay_over(&mut form, &table.rows[0].cells).unwrap();
            assert_eq!(form.title, title.trim());
            let saved = book(title).fields.typed();
            assert_eq!((form.description, form.people, form.prices), (saved.description, saved.people, saved.prices));
        }
    }

    #[test]
    fn a_name_in_quotes_may_have_semicolons() {
        for (text, people) in [
            (
                r#""Lee; Ann" (editor); Bo Day; "a ""b""""#,
                &[("Lee; Ann", "editor"), ("Bo Day", "author"), (r#"a "b""#, "author")][..],
            ),
            // As names with quotes were written before.
            (r#""Bo" Day (editor)"#, &[(r#""Bo" Day"#, "editor")]),
            (r#""Bo" (Day) (editor); "x"#, &[(r#""Bo" (Day)"#, "editor"), (r#""x"#, "author")]),
            (" ; ; ", &[]),
        ] {
            let read = people_of(text).unwrap();
            let read: Vec<_> = read.iter().map(|one| (one.name.as_str(), one.role.as_str())).collect();
            assert_eq!(read, people, "{text}");
        }
        assert!(people_of(r#""Lee; Ann" (king)"#).unwrap_err().contains("king is none"));
    }

    proptest! {
        #[test]
        fn whatever_people_are_called_is_read_back(
            people in proptest::collection::vec(("[aé;\"'(), =-]{1,9}", 0..2_usize), 1..5),
        ) {
            // Names are kept with single spaces, and none is empty.
            let name = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            let roles = [ContributorRole::Author, ContributorRole::Translator];
            let mut saved = book("A");
            saved.fields.people = people
                .iter()
                .map(|(text, role)| Contributor { name: name(text), role: roles[*role] })
                .filter(|person| !person.name.is_empty())
                .collect();
            let usd = "USD".parse().unwrap();
            let table = parsed(&written(std::slice::from_ref(&saved), &[usd], true).unwrap()).unwrap();
            let mut form = BookForm::default();
            lay_over(&mut form, &table.rows[0].cells).unwrap();
            prop_assert_eq!(form.people, saved.fields.typed().people);
        }
    }

    #[test]
    fn what_is_no_table_of_books_is_refused() {
        let said = |text: &[u8]| parsed(text).unwrap_err().to_string();
        assert!(said(b"title,subtitle\na,b\n").contains("slug"));
        assert!(said(b"slug,title,title\na,b,c\n").contains("same name"));
        assert!(said(b"slug,title\na,b\na,c\n").contains("twice"));
        assert!(said(b"slug,title\na,b,c\n").contains("cannot be read"));
        assert!(said(b"slug\n\xff\n").contains("UTF-8"));
        assert!(said(b"slug\n\0\n").contains("text"));
        let semicolons = parsed("\u{feff}slug;title;mood\r\na;B\u{e4}r;odd\r\n;;\r\n".as_bytes()).unwrap();
        assert_eq!((semicolons.rows.len(), semicolons.ignored), (1, vec!["mood".to_owned()]));
        assert_eq!(semicolons.rows[0].cells["title"], "Bär");
    }
}
