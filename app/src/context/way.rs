//! Where a visitor came from, and where to go back to: always a page of this site.

use super::desk::{in_query, next_in_query};
use axum::http::header;
use axum::http::request::Parts;
use leptos::prelude::use_context;
use percent_encoding::percent_decode_str;
use shop::types::pdf_address;

/// The page that the visitor came from: path and query of the `Referer`, never another site.
#[must_use]
pub fn came_from() -> String {
    let referer = use_context::<Parts>().and_then(|parts| parts.headers.get(header::REFERER).cloned());
    referer.as_ref().and_then(|value| value.to_str().ok()).map(local_part).unwrap_or_else(|| "/".to_owned())
}

/// Path and query of a URL as a path of this site: exactly one slash in front, or a browser could read the rest as the
/// name of another host.
fn local_part(url: &str) -> String {
    let after_scheme = url.split_once("://").map_or("", |(_, rest)| rest);
    let path = after_scheme.find('/').map_or("", |at| after_scheme.get(at..).unwrap_or_default());
    let path = path.split('#').next().unwrap_or_default();
    format!("/{}", path.trim_start_matches(['/', '\\']))
}

/// The page that a visitor was sent away from to open a library, to go back to afterwards. It comes from the outside, so it is
/// one of the few pages that this happens on, and made of letters that mean nothing to any browser.
#[must_use]
pub fn way_back(next: &str) -> Option<&str> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    let named = ["/d/", "/orders/"].iter().find_map(|page| next.strip_prefix(page));
    let known = named.is_some_and(|name| !name.is_empty() && name.chars().all(plain)) || next == "/library";
    (known && next.len() <= 100 || is_document(next)).then_some(next)
}

/// Whether this is the address of a document exactly as the store writes it. A number may have letters that mean something in an
/// address (`R/2026/5`); there they are encoded, and no other way of writing them counts. What could be read as the parent of a
/// folder, or as a host, is in no number that anybody uses.
fn is_document(address: &str) -> bool {
    let name = address.strip_prefix("/invoices/").and_then(|name| name.strip_suffix(".pdf"));
    let number = name.and_then(|name| percent_decode_str(name).decode_utf8().ok());
    number.is_some_and(|number| {
        let usual = |c: char| c.is_ascii_alphanumeric() || " -_./#()".contains(c);
        let odd = number.is_empty() || number.contains("..") || number.contains("//");
        !odd && number.len() <= 60 && number.chars().all(usual) && pdf_address(&number) == address
    })
}

/// A page's address that remembers where to go back to.
#[must_use]
pub fn with_next(page: &str, next: &str) -> String {
    way_back(next).map_or_else(|| page.to_owned(), |next| format!("{page}?next={}", in_query(next)))
}

/// Where the address of the library's door says to go afterwards. Read from the address itself, as at the desk's door.
#[must_use]
pub fn next_of_library() -> Option<String> {
    next_in_query().filter(|next| way_back(next).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn going_back_never_leaves_the_shop() {
        for (referer, path) in [
            ("https://shop.example/books/emma", "/books/emma"),
            ("https://shop.example/checkout/success?session_id=cs_1", "/checkout/success?session_id=cs_1"),
            ("https://shop.example/orders/A#secret", "/orders/A"),
            ("https://shop.example", "/"),
            ("https://evil.example//other.example/x", "/other.example/x"),
            ("https://evil.example/\\/other.example", "/other.example"),
            ("javascript:alert(1)", "/"),
            ("", "/"),
        ] {
            assert_eq!(local_part(referer), path);
        }
    }

    #[test]
    fn row_41_the_way_back_is_one_of_our_pages_or_none() {
        for next in ["/d/dl_AbC-_9", "/orders/ABCDE-FGHJK", "/library", "/invoices/INV-2026-00001.pdf"] {
            assert_eq!(way_back(next), Some(next));
        }
        for number in ["R/2026/00005", "2026.5", "No. 5 (2026) #1", "/2026/5", "a/b/c/2026-1", "2026/5/"] {
            let next = pdf_address(number);
            assert_eq!(way_back(&next), Some(next.as_str()));
        }
        let next = "/invoices/R%2F2026%2F5.pdf";
        assert_eq!(with_next("/library", next), "/library?next=/invoices/R%252F2026%252F5.pdf");
        assert_eq!(with_next("/library/sent", "/orders/ABCDE-FGHJK"), "/library/sent?next=/orders/ABCDE-FGHJK");
        let long = format!("/d/{}", "a".repeat(100));
        let hosts = [
            "evil.example",
            "//evil.example",
            "\\\\evil.example",
            "%2f%2fevil.example",
            "@evil.example",
            "evil.example:80",
        ];
        let mut odd: Vec<String> = vec![
            String::new(),
            "/".into(),
            "/d/".into(),
            "/d".into(),
            "/orders/".into(),
            "/cart".into(),
            "/library/".into(),
            "/library?next=/d/x".into(),
            "/d/x/claim".into(),
            "/d/x?y".into(),
            "/d/x#y".into(),
            "/d/../cart".into(),
            "/d/..".into(),
            "/d/%2e%2e".into(),
            "/d/x y".into(),
            "/d/x\r\nSet-Cookie: a=b".into(),
            "/d/x\0".into(),
            " /d/x".into(),
            "\t/d/x".into(),
            "d/x".into(),
            "./d/x".into(),
            "/D/x".into(),
            "/d//x".into(),
            "/d/\\x".into(),
            "javascript:alert(1)".into(),
            "data:text/html,x".into(),
            "/actions/sign-out".into(),
            "/d/é".into(),
            "/invoices/.pdf".into(),
            "/invoices/../cart.pdf".into(),
            "/invoices/x.html".into(),
            "/invoices/R/2026/5.pdf".into(),
            "/invoices//evil.example/5.pdf".into(),
            "/invoices/\\evil.example/5.pdf".into(),
            "/invoices/%5Cevil.example%5C5.pdf".into(),
            "/invoices/%2F%2Fevil.example%2F5.pdf".into(),
            "/invoices/%2f%2fevil.example%2f5.pdf".into(),
            "/invoices/%2F..%2F5.pdf".into(),
            "/invoices/..%2Fcart.pdf".into(),
            "/invoices/%2e%2e%2fcart.pdf".into(),
            "/invoices/%252F%252Fevil.example.pdf".into(),
            "/invoices/R%2f2026%2f5.pdf".into(),
            "/invoices/%522026-5.pdf".into(),
            "/invoices/2026-5%.pdf".into(),
            "/invoices/2026-5%2.pdf".into(),
            "/invoices/2026-5%00.pdf".into(),
            "/invoices/2026-5%0D%0ASet-Cookie:%20a=b.pdf".into(),
            "/invoices/2026-5%FF.pdf".into(),
            "/invoices/2026-5.pdf?x.pdf".into(),
            "/invoices/2026-5.pdf#x.pdf".into(),
            "/invoices/user%40evil.example.pdf".into(),
            "//invoices/2026-5.pdf".into(),
            "/\\invoices/2026-5.pdf".into(),
            format!("/invoices/{}.pdf", "5".repeat(61)),
            long,
        ];
        for host in hosts {
            for form in ["H", "https://H", "http:H", "/d/H", "/d/@H", "/orders/https://H", "/orders/H/x"] {
                let next = form.replace('H', host);
                // A name with a dot in it is no page of ours; without one there is none here.
                odd.push(next);
            }
        }
        assert!(odd.len() >= 60);
        for next in odd {
            assert_eq!(way_back(&next), None, "{next:?}");
            assert_eq!(with_next("/library/sent", &next), "/library/sent");
        }
    }
}
