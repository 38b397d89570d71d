//! What an EPUB's package document says about the book (EPUB 3.3, and what EPUB 2 wrote instead).

use super::Refused;
use crate::types::{ContributorRole, Isbn};
use percent_encoding::percent_decode_str;
use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::collections::HashMap;

/// Elements of a document that are looked at.
const ELEMENTS: usize = 100_000;
/// Text of one element that is kept.
const TEXT: usize = 40_000;

/// A book in its own words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Package {
    /// Its title.
    pub title: String,
    /// Its subtitle, or nothing.
    pub subtitle: String,
    /// Who made it, in order.
    pub people: Vec<(String, ContributorRole)>,
    /// A BCP 47 tag, or nothing.
    pub language: String,
    /// 13 digits.
    pub isbn: Option<String>,
    /// Who publishes it, or nothing.
    pub publisher: String,
    /// When, as a day, if the book says one.
    pub date: String,
    /// The description as text.
    pub description: String,
    /// The entry with the picture on the cover.
    pub cover: Option<String>,
    /// What it says about who can read it: features, hazards, a summary, a standard that it keeps to.
    pub accessibility: Vec<String>,
}

/// An element with its text.
pub(super) struct Element {
    /// Without a prefix.
    pub(super) name: String,
    attributes: Vec<(String, String)>,
    text: String,
}

/// The value of an attribute, whatever its prefix.
pub(super) fn attribute<'a>(element: &'a Element, name: &str) -> Option<&'a str> {
    element.attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

/// All elements of a document with the text directly in them. Entities that are not XML's own are left out: nothing is
/// ever expanded.
pub(super) fn elements(document: &[u8], what: &str) -> Result<Vec<Element>, Refused> {
    let wrong = || Refused::because(format!("{what} in the EPUB is not well-formed XML."));
    let text = std::str::from_utf8(document).map_err(|_| Refused::because(format!("{what} is not in UTF-8.")))?;
    let mut reader = Reader::from_str(text);
    let mut elements: Vec<Element> = Vec::new();
    let mut open: Vec<usize> = Vec::new();
    loop {
        let event = reader.read_event().map_err(|_| wrong())?;
        let piece = match &event {
            Event::Start(start) | Event::Empty(start) => {
                if elements.len() >= ELEMENTS {
                    return Err(Refused::because(format!("{what} in the EPUB is longer than it could sensibly be.")));
                }
                elements.push(element(start).ok_or_else(wrong)?);
                if matches!(event, Event::Start(_)) {
                    open.push(elements.len() - 1);
                }
                continue;
            }
            Event::End(_) => {
                open.pop();
                continue;
            }
            Event::Text(text) => text.decode().map_err(|_| wrong())?.into_owned(),
            Event::CData(text) => text.decode().map_err(|_| wrong())?.into_owned(),
            Event::GeneralRef(name) => match name.resolve_char_ref() {
                Ok(Some(c)) => c.to_string(),
                Ok(None) => {
                    let name = name.decode().map_err(|_| wrong())?;
                    quick_xml::escape::resolve_predefined_entity(&name).unwrap_or_default().to_owned()
                }
                Err(_) => return Err(wrong()),
            },
            Event::Eof => break,
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) | Event::DocType(_) => continue,
        };
        if let Some(element) = open.last().and_then(|index| elements.get_mut(*index)) {
            // No further than that, however long the piece: what is made of it later takes time by its length.
            let room = TEXT.saturating_sub(element.text.len());
            element.text.push_str(piece.get(..piece.floor_char_boundary(room)).unwrap_or_default());
        }
    }
    if open.is_empty() && !elements.is_empty() { Ok(elements) } else { Err(wrong()) }
}

fn element(start: &BytesStart<'_>) -> Option<Element> {
    let text = |bytes: &[u8]| std::str::from_utf8(bytes).ok().map(str::to_owned);
    let mut attributes = Vec::new();
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
        attributes.push((text(attribute.key.local_name().as_ref())?, value.into_owned()));
    }
    Some(Element { name: text(start.local_name().as_ref())?, attributes, text: String::new() })
}

/// Reads a package document, which is the entry `path`.
pub(super) fn read(document: &[u8], path: &str) -> Result<Package, Refused> {
    let elements = elements(document, "The package document")?;
    if elements.first().is_none_or(|root| root.name != "package") {
        return Err(Refused::because("The EPUB's package document is none."));
    }
    let mut package = Package::default();
    // What is said about other elements, by their id: EPUB 3's way.
    let mut refined: HashMap<(&str, &str), &str> = HashMap::new();
    for meta in elements.iter().filter(|element| element.name == "meta") {
        if let (Some(about), Some(property)) = (attribute(meta, "refines"), attribute(meta, "property")) {
            refined.insert((about.trim_start_matches('#'), property), meta.text.trim());
        }
    }
    let said = |element: &Element, property: &str| {
        attribute(element, "id").and_then(|id| refined.get(&(id, property)).copied()).map(str::to_owned)
    };
    let mut cover_id = None;
    for element in &elements {
        let text = line(&element.text);
        match element.name.as_str() {
            "title" if !text.is_empty() => match said(element, "title-type").as_deref() {
                Some("subtitle") => package.subtitle = text,
                Some("main") => package.title = text,
                _ if package.title.is_empty() => package.title = text,
                _ => {}
            },
            "creator" | "contributor" if !text.is_empty() => {
                let code = said(element, "role").or_else(|| attribute(element, "role").map(str::to_owned));
                let role = match code.as_deref() {
                    Some("aut") => Some(ContributorRole::Author),
                    Some("edt") => Some(ContributorRole::Editor),
                    Some("trl") => Some(ContributorRole::Translator),
                    Some("ill" | "pht" | "art") => Some(ContributorRole::Illustrator),
                    _ if element.name == "creator" => Some(ContributorRole::Author),
                    // The typesetter, the scanner …
                    _ => None,
                };
                if let Some(role) = role.filter(|_| package.people.len() < 50) {
                    package.people.push((text, role));
                }
            }
            "language" if package.language.is_empty() => package.language = text,
            "identifier" if package.isbn.is_none() => {
                package.isbn = text.parse::<Isbn>().ok().map(|isbn| isbn.as_str().to_owned());
            }
            "publisher" if package.publisher.is_empty() => package.publisher = text,
            "date" if package.date.is_empty() || attribute(element, "event") == Some("publication") => {
                package.date = day(&text);
            }
            "description" if package.description.is_empty() => package.description = plain(&element.text),
            "meta" => {
                if attribute(element, "name") == Some("cover") {
                    cover_id = attribute(element, "content");
                }
                let property = attribute(element, "property").or_else(|| attribute(element, "name"));
                let value =
                    if text.is_empty() { line(attribute(element, "content").unwrap_or_default()) } else { text };
                if let Some(words) = accessibility(property.unwrap_or_default(), &value) {
                    package.accessibility.push(words);
                }
            }
            _ => {}
        }
    }
    let items = || elements.iter().filter(|element| element.name == "item");
    let cover = items()
        .find(|item| {
            attribute(item, "properties")
                .is_some_and(|words| words.split_whitespace().any(|word| word == "cover-image"))
        })
        .or_else(|| items().find(|item| cover_id.is_some() && attribute(item, "id") == cover_id));
    package.cover = cover.and_then(|item| attribute(item, "href")).and_then(|href| beside(path, href));
    package.accessibility.dedup();
    package.accessibility.truncate(40);
    Ok(package)
}

/// A line with single spaces, at most 300 characters of it.
fn line(text: &str) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(300).collect()
}

/// The day of a date, which may have a time behind it; a year alone is not a day.
fn day(text: &str) -> String {
    let day = text.get(..10).filter(|day| day.parse::<chrono::NaiveDate>().is_ok());
    day.unwrap_or_default().to_owned()
}

/// A description is HTML at times: paragraphs and breaks stay, tags go.
fn plain(text: &str) -> String {
    let mut marked = text.replace("\r\n", "\n");
    for tag in ["</p>", "<br>", "<br/>", "<br />", "</div>", "</P>", "<BR>"] {
        marked = marked.replace(tag, "\n\n");
    }
    let text = ammonia::Builder::empty().clean(&marked).to_string();
    let text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&nbsp;", " ").replace("&quot;", "\"");
    let text = text.replace("&amp;", "&");
    let paragraphs = text.split("\n\n").map(line_of).filter(|paragraph| !paragraph.is_empty());
    paragraphs.collect::<Vec<_>>().join("\n\n").chars().take(20_000).collect()
}

fn line_of(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// One of schema.org's facts, in words.
fn accessibility(property: &str, value: &str) -> Option<String> {
    if value.is_empty() {
        return None;
    }
    match property {
        "schema:accessMode" => Some(format!("Access by: {value}")),
        "schema:accessModeSufficient" => Some(format!("Enough to read it: {value}")),
        "schema:accessibilityFeature" => Some(format!("Accessibility feature: {value}")),
        "schema:accessibilityHazard" => Some(format!("Hazard: {value}")),
        "schema:accessibilitySummary" => Some(format!("Accessibility: {value}")),
        "dcterms:conformsTo" => Some(format!("Conforms to: {value}")),
        _ => None,
    }
}

/// The entry that `href` names beside the package document.
fn beside(path: &str, href: &str) -> Option<String> {
    let href = href.split(['#', '?']).next().unwrap_or_default();
    let mut parts: Vec<String> =
        path.rsplit_once('/').map_or_else(Vec::new, |(folder, _)| folder.split('/').map(str::to_owned).collect());
    for part in href.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(percent_decode_str(part).decode_utf8().ok()?.into_owned()),
        }
    }
    Some(parts.join("/"))
}
