//! The form parser: Stripe's notation, its limits, and no panic whatever comes.

use proptest::prelude::*;
use stripe_sandbox::form::{MAX_BODY, MAX_DEPTH, Node, parse};

fn text(node: &Node, path: &[&str]) -> Option<String> {
    let mut node = node;
    for name in path {
        node = node.get(name)?;
    }
    match node {
        Node::Text(text) => Some(text.clone()),
        Node::Branch(_) => None,
    }
}

#[test]
fn brackets_become_a_tree() {
    let form = parse(b"line_items[0][price_data][currency]=usd&line_items[0][quantity]=2&mode=payment").unwrap();
    assert_eq!(text(&form, &["line_items", "0", "price_data", "currency"]).as_deref(), Some("usd"));
    assert_eq!(text(&form, &["line_items", "0", "quantity"]).as_deref(), Some("2"));
    assert_eq!(form.text("mode"), Some("payment"));
}

#[test]
fn encoded_brackets_spaces_and_letters_are_decoded() {
    let form = parse("metadata%5Btitle%5D=The+%C3%89dition%20%26+more&e=".as_bytes()).unwrap();
    assert_eq!(text(&form, &["metadata", "title"]).as_deref(), Some("The Édition & more"));
    assert_eq!(form.text("e"), Some(""));
}

#[test]
fn lists_may_be_written_with_and_without_numbers() {
    for body in ["expand[]=a&expand[]=b", "expand[0]=a&expand[1]=b"] {
        let form = parse(body.as_bytes()).unwrap();
        assert_eq!(text(&form, &["expand", "0"]).as_deref(), Some("a"), "{body}");
        assert_eq!(text(&form, &["expand", "1"]).as_deref(), Some("b"), "{body}");
    }
}

#[test]
fn what_is_malformed_is_refused() {
    let deep = format!("a{}=1", "[b]".repeat(MAX_DEPTH));
    let long = vec![b'a'; MAX_BODY + 1];
    let many = "a=1&".repeat(20_000);
    let bad: Vec<&[u8]> = vec![
        b"a=%",
        b"a=%4",
        b"a=%zz",
        b"a=%ff",
        b"a=\xff",
        b"a[b=1",
        b"a]b=1",
        b"[b]=1",
        b"a[b]c=1",
        b"a[b[c]]=1",
        b"=1",
        b"a=1&a[b]=2",
        b"a[b]=2&a=1",
        b"a=%00",
        deep.as_bytes(),
        &long,
        many.as_bytes(),
    ];
    for body in bad {
        let error = parse(body).unwrap_err();
        assert_eq!(error.status(), 400, "{:?}", String::from_utf8_lossy(&body[..body.len().min(40)]));
    }
}

proptest! {
    #[test]
    fn any_bytes_parse_or_fail_without_panic(body in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = parse(&body);
    }

    #[test]
    fn any_mix_of_the_special_characters_parses_or_fails_without_panic(body in "[a\\[\\]=&%0-9+é]{0,80}") {
        let _ = parse(body.as_bytes());
    }

    #[test]
    fn every_value_survives_the_trip(key in "[a-z_]{1,10}", inner in "[a-z0-9 é]{1,10}", value in "[^\\x00]{0,60}") {
        let name = format!("{key}[{inner}]");
        let body = reqwest::Url::parse_with_params("http://x/", [(name.as_str(), value.as_str())]).unwrap();
        let form = parse(body.query().unwrap().as_bytes()).unwrap();
        prop_assert_eq!(text(&form, &[&key, &inner]), Some(value));
    }
}
