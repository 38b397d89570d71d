//! What of a text reaches the paper.
//!
//! A PDF for the archive must show a glyph for each of its characters, and what it shows must be what it says. So:
//! control characters, line and paragraph ends are spaces; invisible characters that steer the direction or the
//! breaking of a line are left out (with them a name could turn the digits beside it round); a character that no font
//! has a glyph for, or a mark of East Asia after a letter of elsewhere, is U+FFFD, `�`; a word of more than 60 characters
//! is broken by spaces. Everything else stays as it is.

use crate::document::{Document, Seller};
use crate::fonts::Fonts;

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
    let mut before = ' ';
    let mut with_glyph = |c| {
        let stray = is_cjk_mark(c) && before < FIRST_CJK;
        before = if stray || !(c == ' ' || fonts.have(c)) { REPLACEMENT } else { c };
        before
    };
    let keep = |c: char| if c == '\n' && shape == Shape::Lines { Some(c) } else { printed(c).map(&mut with_glyph) };
    *text = text.chars().filter_map(keep).collect();
}

/// From here on come scripts of East Asia.
const FIRST_CJK: char = '\u{2E80}';

/// Marks that only fonts for Chinese, Japanese and Korean have. After a letter of another font no font has both, and the PDF
/// would have no glyph to show.
const fn is_cjk_mark(c: char) -> bool {
    matches!(c, '\u{20DD}' | '\u{20DE}' | '\u{302A}'..='\u{302F}' | '\u{3099}' | '\u{309A}')
}

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
        // Joiners are part of the spelling in Persian and in the scripts of India.
        '\u{200C}' | '\u{200D}' => Some(c),
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
