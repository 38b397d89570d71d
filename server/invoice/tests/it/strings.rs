//! Row 39: whatever a title or a name says stands on the paper as it is and does nothing.

use crate::support::{document, words_of};
use invoice::Document;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

/// What means something to typst, to PDF, to XML, to a shell.
const NASTY: [&str; 30] = [
    "#read(\"/etc/passwd\")",
    "#image(\"/logo.svg\")",
    "#include \"/template.typ\"",
    "#let x = 1; #x",
    "#panic(\"no\")",
    "#{ while true {} }",
    "*bold* _emph_ `raw` $x^2$",
    "= Heading",
    "- item + item / term: no",
    "<label> @reference",
    "// comment /* and another */",
    "\\ \\u{41} \\#",
    "[content] {code} (list)",
    "https://example.test/?a=1&b=2",
    "~ -- --- ... -? \u{2019}",
    "\"quotes\" 'single' \u{201c}curly\u{201d}",
    "(Tj) 1 0 0 RG ET Q << /Type /Catalog >> endobj",
    "%PDF-1.4 %%EOF startxref 0",
    "/Type/Metadata/Subtype/XML>> stream",
    "<![CDATA[ ]]> <!-- --> &amp; &#0; <?xml?>",
    "</rdf:Bag></pdfaExtension:schemas></rdf:RDF></x:xmpmeta>",
    "{\"json\": [1, 2, \"\\n\"]}",
    "'; DROP TABLE invoice; --",
    "$(rm -rf /) `id` %s%n ${HOME}",
    "Ünïcödé ß ﬁ ﬂ Ǆ ŉ",
    "Ἀχιλλεύς Война Nguyễn",
    "a\u{300}\u{301}\u{302}",
    "fi ff ffi fl AV To",
    "0123456789 1/2 3rd",
    "\u{fffd}",
];

/// Steers the direction, the line or the device, and is not printed.
const UNPRINTED: [(&str, &str); 9] = [
    ("a\u{202e}gpj.exe", "agpj.exe"),
    ("a\u{2066}b\u{2069}c", "abc"),
    ("a\u{ad}b\u{200b}c\u{feff}d", "abcd"),
    ("a\nb\rc\td\u{0}e\u{7}f\u{1b}g", "a b c d e f g"),
    ("a\u{85}b\u{2028}c\u{2029}d", "a b c d"),
    ("a\u{13000}b\u{1f4da}c\u{e000}d", "a\u{fffd}b\u{fffd}c\u{fffd}d"),
    // No font has both the letter and the mark.
    ("a\u{302a}b\u{3099}c\u{20dd}d", "a\u{fffd}b\u{fffd}c\u{fffd}d"),
    // A mark of Hebrew after a letter of Europe, after one that is replaced itself, and between marks of Europe.
    ("a\u{591}b \u{10ffff}\u{591}0", "a\u{fffd}b \u{fffd}\u{fffd}0"),
    ("e\u{301}\u{591}\u{302}x", "e\u{301}\u{fffd}\u{302}x"),
];

/// The document with the text as title, details, name, number of the order and licence.
fn with_text(text: &str) -> Document {
    let mut document = document("one-page");
    document.lines.truncate(1);
    document.seller.logo = None;
    document.lines[0].title = text.to_owned();
    document.lines[0].details = format!("{text} details");
    document.buyer.name = Some(format!("{text} name"));
    document.licence = format!("{text} licence");
    document
}

/// Letters and marks without the spaces, which a reader of PDF guesses from distances.
fn squeezed(text: &str) -> String {
    text.chars().filter(|c| !c.is_whitespace()).collect()
}

fn assert_printed(text: &str, printed: &str) {
    let words = squeezed(&words_of(&invoice::render(&with_text(text)).unwrap()));
    for suffix in ["", "details", "name", "licence"] {
        let expected = format!("{}{suffix}", squeezed(printed));
        assert!(words.contains(&expected), "{text:?}: no {expected:?} in {words}");
    }
}

#[test]
fn row_39_markup_is_text() {
    for text in NASTY {
        assert_printed(text, text);
    }
}

#[test]
fn row_39_what_cannot_be_printed_is_replaced_as_documented() {
    for (text, printed) in UNPRINTED {
        assert_printed(text, printed);
    }
}

#[test]
fn row_39_long_texts_wrap_and_break() {
    let text = "the quick brown fox jumps over the lazy dog and ".repeat(400);
    let words = squeezed(&words_of(&invoice::render(&with_text(&text)).unwrap()));
    assert!(words.matches("lazydog").count() >= 1_590, "{}", words.len());
    // Nothing to break at: the line is longer than the paper, and nothing fails.
    invoice::render(&with_text(&"x".repeat(20_000))).unwrap();
}

/// Made of what can be printed, in any order.
#[test]
fn row_39_two_hundred_texts_are_printed_as_they_are() {
    let letters = "[ -~¡-¬®-ɏΑ-ΡΣ-ώА-я‐-‧€№−]{1,40}";
    let text = prop_oneof![
        letters,
        prop::sample::select(&NASTY[..])
            .prop_flat_map(move |nasty| { letters.prop_map(move |letters| format!("{nasty}{letters}")) })
    ];
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(200) });
    runner
        .run(&text, |text| {
            assert_printed(&text, &text);
            Ok(())
        })
        .unwrap();
}

/// Any characters at all.
#[test]
fn row_39_no_text_breaks_the_document() {
    let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::with_cases(100) });
    runner
        .run(&any::<String>(), |text| {
            prop_assert!(invoice::render(&with_text(&text)).is_ok());
            Ok(())
        })
        .unwrap();
}
