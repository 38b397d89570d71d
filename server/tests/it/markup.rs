//! Text stays text: the half of row 36 that needs no browser.

use crate::support::{add_book, entry, on_both_databases};
use serde_json::json;

const PAYLOADS: [&str; 24] = [
    "<script>alert(1)</script>",
    "</title><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "</textarea></style></noscript></template><img src=x onerror=alert(1)>",
    "\"><img src=x onerror=alert(1)>",
    "'><svg onload=alert(1)>",
    "\" onmouseover=\"alert(1)",
    "' onfocus='alert(1)' autofocus='",
    "` onclick=`alert(1)",
    "<a href=\"javascript:alert(1)\">x</a>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt&colon;alert(1))",
    "![x](x\"onerror=alert(1))",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<math><mtext><mglyph><style><img src onerror=alert(1)></style>",
    "<form action=//evil.example><button>x</button></form>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content=0;url=//evil.example>",
    "<link rel=stylesheet href=//evil.example>",
    "<style>*{display:none}</style>",
    "<!--><script>alert(1)</script>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "\u{2028}\u{202e}{{7*7}}${7*7}<%= 7 %>\\u003cscript>",
];

/// A tag with the names and values of its attributes, as a browser would see it. Ends of tags are left out.
#[derive(Debug, PartialEq, Eq)]
struct Tag {
    name: String,
    attributes: Vec<(String, String)>,
}

/// The tags of a page, by the rules of the HTML standard's tokeniser as far as attackers use them.
fn tags(html: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            // An empty comment may end at once.
            rest = comment
                .strip_prefix('>')
                .or_else(|| comment.strip_prefix("->"))
                .unwrap_or_else(|| comment.split_once("-->").map_or("", |(_, after)| after));
            continue;
        }
        if !rest.starts_with(|c: char| c.is_ascii_alphabetic()) {
            continue;
        }
        let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '/' || c == '>').unwrap_or(rest.len());
        let mut tag = Tag { name: rest[..end].to_ascii_lowercase(), attributes: Vec::new() };
        rest = &rest[end..];
        loop {
            rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
            if rest.is_empty() || rest.starts_with('>') {
                break;
            }
            let end = rest.find(|c: char| c.is_ascii_whitespace() || "/>=".contains(c)).unwrap_or(rest.len()).max(1);
            let name = rest[..end].to_ascii_lowercase();
            rest = rest[end..].trim_start();
            let mut value = "";
            if let Some(after) = rest.strip_prefix('=') {
                rest = after.trim_start();
                let quote = rest.chars().next().filter(|c| "\"'".contains(*c));
                let (text, after) = match quote {
                    Some(quote) => rest[1..].split_once(quote).unwrap_or((&rest[1..], "")),
                    None => {
                        rest.split_at(rest.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(rest.len()))
                    }
                };
                (value, rest) = (text, after);
            }
            tag.attributes.push((name, value.to_owned()));
        }
        // Raw text ends only with its own end tag.
        if ["script", "style", "title", "textarea"].contains(&tag.name.as_str()) {
            let lower = rest.to_ascii_lowercase();
            rest = &rest[lower.find(&format!("</{}", tag.name)).unwrap_or(rest.len())..];
        }
        found.push(tag);
    }
    found
}

/// Only the names: what text can never change.
fn skeleton(html: &str) -> Vec<(String, Vec<String>)> {
    tags(html).into_iter().map(|tag| (tag.name, tag.attributes.into_iter().map(|(name, _)| name).collect())).collect()
}

/// Nothing that runs, frames or leads elsewhere. The payload itself may stand in a quoted attribute that only says
/// something, like a description.
fn is_harmless(page: &str, what: &str) {
    const ACTING: [&str; 9] =
        ["href", "src", "srcset", "action", "style", "data", "poster", "background", "xlink:href"];
    for tag in tags(page) {
        assert!(
            !["iframe", "object", "embed", "base", "style", "math"].contains(&tag.name.as_str()),
            "{what}: {tag:?}"
        );
        for (name, value) in &tag.attributes {
            assert!(
                !name.starts_with("on") && !["srcdoc", "formaction", "http-equiv"].contains(&name.as_str()),
                "{what}: {tag:?}"
            );
            let value = value.to_ascii_lowercase().replace(|c: char| c.is_whitespace() || c.is_control(), "");
            let leads_away = value.contains("javascript:") || value.contains("evil.example");
            assert!(!ACTING.contains(&name.as_str()) || !leads_away, "{what}: {tag:?}");
        }
    }
}

#[test]
fn the_reader_of_tags_sees_what_a_browser_sees() {
    let page = "<!DOCTYPE html><p class=a ID='b' data-x>1 < 2<!--><img src=x onerror=y><script>if (a<b) '</p>'</script ><br/></P>";
    let names: Vec<String> = tags(page).into_iter().map(|tag| tag.name).collect();
    assert_eq!(names, ["p", "img", "script", "br"]);
    assert_eq!(skeleton("<a href=\"&quot;>\" b>")[0].1, ["href", "b"]);
    for attack in
        ["<img src=x onerror=alert(1)>", "<a title=\"\" onmouseover=\"x\">", "<a href='java\nscript:x'>", "<IFRAME>"]
    {
        assert!(std::panic::catch_unwind(|| is_harmless(attack, "")).is_err(), "{attack}");
    }
}

on_both_databases!(row_36_text_of_books_and_buyers_is_never_markup, async |store| {
    let with = |slug: &str, text: &str, description: &str| {
        let mut book = entry(slug, 500, &["epub"], "published");
        book["title"] = json!(text);
        book["sort_title"] = json!(text);
        book["subtitle"] = json!(text);
        book["publisher"] = json!(text);
        book["isbn"] = json!(text);
        book["language"] = json!(text);
        book["edition"]["label"] = json!(text);
        book["contributors"] = json!([{ "name": text, "role": "author" }, { "name": text, "role": "translator" }]);
        book["description_md"] = json!(description);
        book
    };
    let folder = store.data.path();
    add_book(&store.shop, folder, with("plain", "Plain text", "One paragraph."), 64).await;
    let pages_of = async |slug: &str, text: Option<&str>| {
        let browser = store.browser();
        browser.add(&[slug]).await;
        let (session, number) = store.buy(&browser, &[], "o'neil&co@example.org").await;
        let path = format!("/orders/{number}");
        let order = browser.text(&path).await;
        let token = order.split("/d/").nth(1).unwrap().split(['/', '"']).next().unwrap().to_owned();
        browser.add(&[slug]).await;
        let mut pages = vec![order];
        for path in [
            "/cart".into(),
            format!("/cart?removed={slug}"),
            format!("/books/{slug}"),
            format!("/checkout/success?session_id={session}"),
            format!("/d/{token}"),
        ] {
            browser.add(&[slug]).await;
            pages.push(browser.text(&path).await);
        }
        browser.post("/actions/remove-from-cart", &[("slug", slug)]).await;
        pages.push(browser.text(&format!("/cart?removed={slug}")).await);
        if let Some(text) = text {
            // What the buyer and the operator see is the text itself.
            assert!(store.texts(&format!("SELECT title_snapshot AS value FROM order_item i JOIN book b ON b.id = i.book_id WHERE b.slug = '{slug}'")).await.contains(&text.to_owned()));
        }
        pages
    };
    let plain: Vec<_> = pages_of("plain", None).await.iter().map(|page| skeleton(page)).collect();
    for (i, payload) in PAYLOADS.iter().enumerate() {
        let slug = format!("payload-{i}");
        // In every field but the description: the pages keep their structure, tag by tag.
        add_book(&store.shop, folder, with(&slug, payload, "One paragraph."), 64).await;
        for (i, (page, plain)) in pages_of(&slug, Some(payload)).await.iter().zip(&plain).enumerate() {
            is_harmless(page, payload);
            let found = skeleton(page);
            let differs = found
                .iter()
                .zip(plain)
                .position(|(a, b)| a != b)
                .or((found.len() != plain.len()).then_some(plain.len()));
            assert_eq!(
                differs,
                None,
                "page {i} with {payload}: {:?}",
                differs.map(|at| (found.get(at), plain.get(at), page))
            );
        }
        // In the description some markup is meant: none of it may do anything.
        let slug = format!("described-{i}");
        add_book(
            &store.shop,
            folder,
            with(
                &slug,
                "Plain text",
                &format!("{payload}\n\ntext *{payload}* `{payload}`\n\n> {payload}\n\n<div {payload}>"),
            ),
            64,
        )
        .await;
        let page = store.browser().text(&format!("/books/{slug}")).await;
        is_harmless(&page, payload);
        let scripts = |page: &[(String, Vec<String>)]| page.iter().filter(|(name, _)| name == "script").count();
        assert_eq!(scripts(&skeleton(&page)), scripts(&plain[3]), "{payload}");
        assert!(
            !skeleton(&page).iter().any(|(name, _)| name == "svg" && !plain[3].iter().any(|(name, _)| name == "svg"))
        );
    }
    // The catalogue shows them all at once.
    let catalogue = store.browser().text("/?sort=title").await;
    let alerts = skeleton(&catalogue);
    assert_eq!(
        alerts.iter().filter(|(name, _)| name == "script").count(),
        plain[3].iter().filter(|(name, _)| name == "script").count() - 1
    );
    assert!(alerts.iter().all(|(_, attributes)| !attributes.iter().any(|name| name.starts_with("on"))));
});
