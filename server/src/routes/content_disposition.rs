//! `Content-Disposition` for downloads (RFC 6266): a plain name for old clients, the real one for the others.

use axum::http::HeaderValue;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// RFC 8187 `attr-char`: what needs no escape in `filename*`.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'!')
    .remove(b'#')
    .remove(b'$')
    .remove(b'&')
    .remove(b'+')
    .remove(b'-')
    .remove(b'.')
    .remove(b'^')
    .remove(b'_')
    .remove(b'`')
    .remove(b'|')
    .remove(b'~');

/// `attachment` with the file's name.
pub(super) fn attachment(filename: &str) -> HeaderValue {
    let plain: String =
        filename.chars().map(|c| if c.is_ascii_alphanumeric() || "-_. ".contains(c) { c } else { '_' }).collect();
    let text = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{}", utf8_percent_encode(filename, ESCAPED));
    HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use percent_encoding::percent_decode_str;

    /// Row 25: 500 names, each one header, each coming back whole.
    #[test]
    fn row_25_any_name_is_one_header_and_comes_back() {
        let awkward = [
            "\"",
            "\\",
            "\r\nSet-Cookie: x=1",
            "\n",
            "\0",
            ";",
            "%",
            "'",
            "*",
            "../../etc/passwd",
            "ünïcödé",
            "日本語",
            "\u{202e}fdp.exe",
            "a b",
            "/",
            "\t",
            "😀",
            "a\u{301}",
            "",
            "…",
        ];
        let mut count = 0;
        for a in awkward {
            for b in awkward {
                for name in [format!("{a}{b}.epub"), format!("x{b}{a}")] {
                    count += 1;
                    let value = attachment(&name);
                    let text = value.to_str().unwrap();
                    assert!(!text.contains(['\r', '\n', '\0']));
                    let (plain, extended) = text
                        .strip_prefix("attachment; filename=\"")
                        .unwrap()
                        .split_once("\"; filename*=UTF-8''")
                        .unwrap();
                    assert!(!plain.contains(['"', '\\', '/', ';']), "{text}");
                    assert!(extended.is_ascii() && !extended.contains([';', '"', ' ', '\'']), "{text}");
                    assert_eq!(percent_decode_str(extended).decode_utf8().unwrap(), name);
                }
            }
        }
        assert!(count >= 500, "{count}");
    }
}
