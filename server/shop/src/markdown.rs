//! Descriptions: Markdown in, HTML out that can do no harm.

use std::sync::LazyLock;

/// Only what a jacket text needs; links leave with `rel` set, no images, no styles, no scripts.
static SANITIZER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let mut builder = ammonia::Builder::default();
    builder
        .tags(
            [
                "p",
                "br",
                "em",
                "strong",
                "a",
                "ul",
                "ol",
                "li",
                "blockquote",
                "h3",
                "h4",
                "hr",
                "code",
                "pre",
                "sup",
                "sub",
                "del",
            ]
            .into(),
        )
        .generic_attributes(std::collections::HashSet::new())
        .url_schemes(["https", "http", "mailto"].into())
        .link_rel(Some("noopener noreferrer ugc"));
    builder
});

/// Renders CommonMark and sanitises the result. Headings start at the third level, below the page's own.
pub(crate) fn to_html(markdown: &str) -> String {
    let mut options = comrak::Options::default();
    options.parse.smart = true;
    options.extension.strikethrough = true;
    let html = comrak::markdown_to_html(markdown, &options);
    let html = html.replace("<h1>", "<h3>").replace("</h1>", "</h3>").replace("<h2>", "<h3>").replace("</h2>", "</h3>");
    SANITIZER.clean(&html).to_string()
}

/// The first words as plain text, at most `limit` characters, cut between words.
pub(crate) fn summary(markdown: &str, limit: usize) -> String {
    let html = comrak::markdown_to_html(markdown, &comrak::Options::default());
    let text = ammonia::Builder::empty().clean(&html).to_string();
    let text = text
        .replace("&amp;", "&")
        .replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&nbsp;", " ")
        .replace("&quot;", "\"");
    let mut out = String::new();
    for word in text.split_whitespace() {
        if out.chars().count() + 1 + word.chars().count() >= limit {
            out.push('…');
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text half of row 36: nothing in a description runs.
    #[test]
    fn row_36_markup_in_a_description_cannot_run() {
        let payloads = include_str!("../tests/data/xss.txt");
        let mut count = 0;
        for payload in payloads.lines().filter(|line| !line.is_empty()) {
            count += 1;
            let html = to_html(payload);
            let lower = html.to_lowercase();
            // What is left of an attack is text: no tag but ours, no attribute but a safe link's.
            for tag in lower.split('<').skip(1) {
                let name: String =
                    tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
                assert!(
                    [
                        "p",
                        "br",
                        "em",
                        "strong",
                        "a",
                        "ul",
                        "ol",
                        "li",
                        "blockquote",
                        "h3",
                        "h4",
                        "hr",
                        "code",
                        "pre",
                        "sup",
                        "sub",
                        "del"
                    ]
                    .contains(&name.as_str()),
                    "{payload} -> {html}"
                );
                let inside = tag.split('>').next().unwrap_or_default();
                if let Some(attributes) = inside.strip_prefix("a ") {
                    assert!(attributes.contains("rel=\"noopener noreferrer ugc\""), "{payload} -> {html}");
                    assert!(
                        !attributes.contains("href=\"javascript") && !attributes.contains("href=\"data"),
                        "{payload} -> {html}"
                    );
                    assert!(!attributes.contains(" on"), "{payload} -> {html}");
                } else {
                    assert_eq!(
                        inside.trim_start_matches('/').trim_end_matches([' ', '/']),
                        name,
                        "an attribute survived: {payload} -> {html}"
                    );
                }
            }
        }
        assert!(count >= 60, "only {count} payloads");
    }

    #[test]
    fn plain_markdown_survives() {
        let html = to_html("# A *whale*\n\nSee [the sea](https://example.org/?a=1&b=2).\n\n> Call me Ishmael.");
        assert!(html.contains("<h3>A <em>whale</em></h3>"), "{html}");
        assert!(
            html.contains("<a href=\"https://example.org/?a=1&amp;b=2\" rel=\"noopener noreferrer ugc\">the sea</a>"),
            "{html}"
        );
        assert!(html.contains("<blockquote>"), "{html}");
    }

    #[test]
    fn a_summary_is_cut_between_words() {
        assert_eq!(summary("Call *me* Ishmael & co.", 200), "Call me Ishmael & co.");
        assert_eq!(summary("one two three four", 10), "one two…");
    }
}
