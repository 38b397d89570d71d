//! What of a text reaches the paper.
//!
//! A PDF for the archive must show a glyph for each of its characters, and what it shows must be what it says. So:
//! control characters, line and paragraph ends are spaces; invisible characters that steer the direction or the
//! breaking of a line are left out (with them a name could turn the digits beside it round); a character that no font
//! has a glyph for, or a mark that its letter's font has not got, is U+FFFD, `�`; a word of more than 60 characters
//! is broken by spaces. Everything else stays as it is.

use crate::document::{Document, Seller};
use crate::fonts::Fonts;
use unicode_segmentation::UnicodeSegmentation as _;

const REPLACEMENT: char = '\u{FFFD}';

/// The fonts that one document needs: the built-in ones, unless a character of it is not among them.
pub(crate) struct Typesetter {
    pub(crate) fonts: &'static Fonts,
    pub(crate) needs_folder: bool,
}

impl Typesetter {
    /// The document with its texts as they can be printed (and without the logo, which is no text).
    pub(crate) fn printable(document: &Document) -> (Document, Self) {
        let mut printable = Document { seller: Seller { logo: None, ..document.seller.clone() }, ..document.clone() };
        let built_in = Fonts::built_in();
        let mut texts = printable.texts();
        let covered = |text: &str| text.chars().all(|c| c == '\n' || printed(c) != Some(c) || built_in.have(c));
        let all_covered = texts.iter().all(|(_, text)| text.is_ascii() || covered(text));
        let fonts = if all_covered { built_in } else { Fonts::with_folder() };
        for (shape, text) in &mut texts {
            clean(text, *shape, fonts);
        }
        (printable, Self { fonts, needs_folder: !all_covered })
    }
}

/// Whether a text may have several lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    OneLine,
    Lines,
}

/// In characters, what fits a line of the buyer's address.
const LONGEST_WORD: usize = 60;

fn clean(text: &mut String, shape: Shape, fonts: &Fonts) {
    if text.len() > LONGEST_WORD {
        break_long_words(text);
    }
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return;
    }
    let with_glyph = |c| if c == ' ' || fonts.have(c) { c } else { REPLACEMENT };
    let keep = |c: char| if c == '\n' && shape == Shape::Lines { Some(c) } else { printed(c).map(with_glyph) };
    let kept: String = text.chars().filter_map(keep).collect();
    *text = kept.graphemes(true).flat_map(|cluster| with_its_marks(cluster, fonts)).collect();
}

/// A letter with its marks. All are shown by the first font that has the letter; a mark that it has not got, as one of Hebrew
/// after a letter of Europe, would have no glyph in the PDF.
fn with_its_marks<'a>(cluster: &'a str, fonts: &'a Fonts) -> impl Iterator<Item = char> + 'a {
    let mut letter = None;
    cluster.chars().map(move |c| {
        let stray = letter.is_some_and(|letter| !c.is_ascii() && !is_joiner(c) && !fonts.show_together(letter, c));
        if stray || letter.is_none() {
            letter = Some(if stray { REPLACEMENT } else { c });
        }
        if stray { REPLACEMENT } else { c }
    })
}

/// Part of the spelling in Persian and in the scripts of India, and never shown itself.
const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200C}' | '\u{200D}')
}

/// From here on come scripts of East Asia.
const FIRST_CJK: char = '\u{2E80}';

/// A line cannot break within a word of Europe, and PDF/A has a limit to how long a piece of text may be.
fn break_long_words(text: &mut String) {
    let mut broken = String::with_capacity(text.len() + text.len() / LONGEST_WORD);
    let mut length = 0;
    for c in text.chars() {
        // From here on come scripts that a line may break in anywhere.
        let starts_anew = c.is_whitespace() || c >= FIRST_CJK;
        let combines = ('\u{300}'..='\u{36F}').contains(&c);
        if starts_anew {
            length = 0;
        } else if length >= LONGEST_WORD && !combines {
            broken.push(' ');
            length = 1;
        } else {
            length += 1;
        }
        broken.push(c);
    }
    *text = broken;
}

/// The character, a space in its place, or nothing.
fn printed(c: char) -> Option<char> {
    match c {
        _ if is_joiner(c) => Some(c),
        _ if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => Some(' '),
        '\u{AD}'
        | '\u{34F}'
        | '\u{61C}'
        | '\u{115F}'
        | '\u{1160}'
        | '\u{17B4}'
        | '\u{17B5}'
        | '\u{180B}'..='\u{180F}'
        | '\u{200B}'
        | '\u{200E}'
        | '\u{200F}'
        | '\u{202A}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}'
        | '\u{3164}'
        | '\u{FE00}'..='\u{FE0F}'
        | '\u{FEFF}'
        | '\u{FFA0}'
        | '\u{FFF0}'..='\u{FFFB}'
        | '\u{1BCA0}'..='\u{1BCA3}'
        | '\u{1D173}'..='\u{1D17A}'
        | '\u{E0000}'..='\u{E0FFF}' => None,
        _ => Some(c),
    }
}
