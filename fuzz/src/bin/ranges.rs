//! `Range` and `If-Range` of a download: whatever the header says, what is sent lies in the file.
#![no_main]

use axum::http::{HeaderMap, HeaderValue, header};
use libfuzzer_sys::fuzz_target;
use ranges::Wanted;

#[allow(dead_code, unreachable_pub)]
#[path = "../../../server/src/routes/ranges.rs"]
mod ranges;

/// How many pieces a request may ask for: as the parser promises.
const MAX_RANGES: usize = 100;

fuzz_target!(|data: &[u8]| {
    // Eight bytes of size, one that says whether there is an If-Range, then the header.
    let Some((size, rest)) = data.split_first_chunk::<8>() else { return };
    let Some((mode, text)) = rest.split_first() else { return };
    // All sizes, but the small ones most of the time.
    let size = u64::from_be_bytes(*size) >> (mode >> 2);
    let Ok(range) = HeaderValue::from_bytes(text) else { return };
    let mut headers = HeaderMap::new();
    assert_eq!(Wanted::from_headers(&headers, size, "\"a\""), Wanted::Whole, "without a Range header");
    headers.insert(header::RANGE, range);
    let wanted = Wanted::from_headers(&headers, size, "\"a\"");
    match &wanted {
        Wanted::Whole => assert!(!text.starts_with(b"bytes="), "a range of bytes was ignored"),
        Wanted::Unsatisfiable => {}
        Wanted::Parts(parts) => {
            assert!(text.starts_with(b"bytes="));
            assert!((1..=MAX_RANGES).contains(&parts.len()), "{} parts", parts.len());
            for part in parts {
                assert!(part.start < part.end && part.end <= size, "{part:?} of {size}");
            }
            // No byte is sent twice, so that an answer is never larger than the file.
            let mut sorted = parts.clone();
            sorted.sort_by_key(|part| part.start);
            assert!(sorted.windows(2).all(|pair| pair[0].end <= pair[1].start), "{parts:?}");
        }
    }
    // What is written from an answer asks for the same again.
    if let Wanted::Parts(parts) = &wanted {
        let again: Vec<String> = parts.iter().map(|part| format!("{}-{}", part.start, part.end - 1)).collect();
        let again = HeaderValue::from_str(&format!("bytes={}", again.join(","))).expect("digits");
        headers.insert(header::RANGE, again);
        assert_eq!(Wanted::from_headers(&headers, size, "\"a\""), wanted);
    }
    // Another file than the one that the visitor has begun is sent whole.
    headers.insert(header::IF_RANGE, HeaderValue::from_static(if mode & 1 == 0 { "\"b\"" } else { "W/\"a\"" }));
    assert_eq!(Wanted::from_headers(&headers, size, "\"a\""), Wanted::Whole);
    headers.insert(header::IF_RANGE, HeaderValue::from_static("\"a\""));
    assert_eq!(Wanted::from_headers(&headers, size, "\"a\""), wanted);
});
