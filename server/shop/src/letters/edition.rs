//! To a buyer: there is a new edition of a book, and it is hers.

use super::{Frame, Order, one_line, rendered};
use crate::db::AnyConnection;
use crate::db::schema::{book, edition};
use crate::mailer::Letter;
use crate::{Error, Shop, catalog};
use askama::Template;
use diesel::prelude::*;

struct Facts<'a> {
    frame: Frame<'a>,
    subject: String,
    order: &'a Order,
    title: String,
    byline: String,
    label: String,
    /// What is new, a paragraph or a point each.
    news: Vec<String>,
    button_url: String,
    button: &'static str,
}

#[derive(Template)]
#[template(path = "edition.html")]
struct Html<'a> {
    m: &'a Facts<'a>,
}

#[derive(Template)]
#[template(path = "edition.txt")]
struct Text<'a> {
    m: &'a Facts<'a>,
}

pub(super) fn letter(conn: &mut AnyConnection, shop: &Shop, order: &Order, edition_id: i64) -> Result<Letter, Error> {
    let (book_id, title, label, changelog): (i64, String, String, String) = edition::table
        .inner_join(book::table)
        .filter(edition::id.eq(edition_id))
        .select((book::id, book::title, edition::label, edition::changelog))
        .first(conn)?;
    let byline = catalog::bylines(conn, &[book_id])?.remove(&book_id).unwrap_or_default();
    let (button_url, button) = order.way_in(shop, 1);
    let (title, label) = (one_line(&title), one_line(&label));
    let facts = Facts {
        frame: Frame::new(shop),
        subject: format!("{title}: {label} is yours"),
        order,
        byline: one_line(&byline),
        news: paragraphs(&changelog),
        title,
        label,
        button_url,
        button,
    };
    rendered(facts.subject.clone(), Text { m: &facts }.render(), Html { m: &facts }.render())
}

/// The paragraphs and list points of a Markdown text, each on a line of its own and without its mark.
fn paragraphs(text: &str) -> Vec<String> {
    let mut paragraphs: Vec<String> = Vec::new();
    let mut open = false;
    for line in text.lines().map(str::trim) {
        let point = line.strip_prefix("- ").or_else(|| line.strip_prefix("* "));
        let heading = line.trim_start_matches('#');
        match (point, paragraphs.last_mut()) {
            (Some(point), _) => {
                paragraphs.push(one_line(point));
                open = true;
            }
            (None, _) if line.is_empty() => open = false,
            (None, _) if heading.len() < line.len() => {
                paragraphs.push(one_line(heading));
                open = false;
            }
            (None, Some(last)) if open => {
                last.push(' ');
                last.push_str(&one_line(line));
            }
            (None, _) => {
                paragraphs.push(one_line(line));
                open = true;
            }
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changelog_becomes_paragraphs() {
        let text = "# News\r\nTypos in chapter\nthree are gone.\n\n- A new map\n  of Nantucket\n* An index\n\n\u{7}\n";
        assert_eq!(
            paragraphs(text),
            ["News", "Typos in chapter three are gone.", "A new map of Nantucket", "An index"]
        );
        assert_eq!(paragraphs(" \n"), Vec::<String>::new());
    }
}
