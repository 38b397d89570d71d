//! Which bytes a request wants: `Range` and `If-Range` (RFC 9110, 13.1.5 and 14.2).

use axum::http::{HeaderMap, header};
use http_range_header::{RangeUnsatisfiableError, parse_range_header};
use std::ops::Range;

/// A request for more pieces than this is refused rather than cut up.
const MAX_RANGES: usize = 100;

/// The bytes to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    /// The whole file, as 200.
    Whole,
    /// These parts of it, as 206, in the order asked for.
    Parts(Vec<Range<u64>>),
    /// 416.
    Unsatisfiable,
}

impl Wanted {
    /// What the headers ask of a file of `size` bytes with this strong ETag.
    pub(super) fn from_headers(headers: &HeaderMap, size: u64, etag: &str) -> Self {
        let Some(range) = headers.get(header::RANGE) else { return Self::Whole };
        // A date never matches: files have no date. A weak tag never matches: ranges need a strong one.
        if headers.get(header::IF_RANGE).is_some_and(|tag| tag.as_bytes() != etag.as_bytes()) {
            return Self::Whole;
        }
        let Ok(range) = range.to_str() else { return Self::Unsatisfiable };
        // Another unit than bytes is to be ignored.
        if !range.starts_with("bytes=") {
            return Self::Whole;
        }
        // There is no byte in it to be asked for.
        if size == 0 {
            return Self::Unsatisfiable;
        }
        match parse_range_header(range).and_then(|ranges| {
            if ranges.ranges.len() > MAX_RANGES {
                Err(RangeUnsatisfiableError::OverlappingRanges)
            } else {
                ranges.validate(size)
            }
        }) {
            Ok(parts) => Self::Parts(parts.into_iter().map(|part| *part.start()..*part.end() + 1).collect()),
            // "The last n bytes" of something shorter is all of it.
            Err(RangeUnsatisfiableError::FileSuffixOutOfBounds) => Self::Parts(std::iter::once(0..size).collect()),
            Err(_) => Self::Unsatisfiable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn wanted(range: &str, if_range: Option<&str>) -> Wanted {
        let mut headers = HeaderMap::new();
        headers.insert(header::RANGE, HeaderValue::from_str(range).unwrap());
        if let Some(tag) = if_range {
            headers.insert(header::IF_RANGE, HeaderValue::from_str(tag).unwrap());
        }
        Wanted::from_headers(&headers, 1_000, "\"abc\"")
    }

    fn one(part: Range<u64>) -> Wanted {
        Wanted::Parts(vec![part])
    }

    fn parts(parts: &[Range<u64>]) -> Wanted {
        Wanted::Parts(parts.to_vec())
    }

    #[test]
    fn ranges_are_read_as_the_standard_says() {
        for (range, result) in [
            ("bytes=0-0", one(0..1)),
            ("bytes=0-", one(0..1_000)),
            ("bytes=999-", one(999..1_000)),
            ("bytes=-1", one(999..1_000)),
            ("bytes=-5000", one(0..1_000)),
            ("bytes=500-5000", one(500..1_000)),
            ("bytes=0-1,5-6", parts(&[0..2, 5..7])),
            ("bytes=1000-", Wanted::Unsatisfiable),
            ("bytes=5-4", Wanted::Unsatisfiable),
            ("bytes=-0", Wanted::Unsatisfiable),
            ("bytes=0-10,5-20", Wanted::Unsatisfiable),
            ("bytes=abc", Wanted::Unsatisfiable),
            ("bytes=0-18446744073709551615", one(0..1_000)),
            ("bytes=99999999999999999999-", Wanted::Unsatisfiable),
            ("pages=1-2", Wanted::Whole),
        ] {
            assert_eq!(wanted(range, None), result, "{range}");
        }
        let many: Vec<String> = (0..101).map(|i| format!("{}-{}", i * 4, i * 4)).collect();
        assert_eq!(wanted(&format!("bytes={}", many.join(",")), None), Wanted::Unsatisfiable);
    }

    #[test]
    fn an_empty_file_has_no_ranges() {
        let mut headers = HeaderMap::new();
        for range in ["bytes=0-0", "bytes=0-18446744073709551611", "bytes=-1", "bytes=0-"] {
            headers.insert(header::RANGE, HeaderValue::from_static(range));
            assert_eq!(Wanted::from_headers(&headers, 0, "\"abc\""), Wanted::Unsatisfiable, "{range}");
        }
    }

    #[test]
    fn if_range_must_match_strongly() {
        assert_eq!(wanted("bytes=0-0", Some("\"abc\"")), one(0..1));
        for other in ["\"abd\"", "W/\"abc\"", "Sun, 06 Nov 1994 08:49:37 GMT"] {
            assert_eq!(wanted("bytes=0-0", Some(other)), Wanted::Whole);
        }
    }
}
