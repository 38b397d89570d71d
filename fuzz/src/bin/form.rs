//! The sandbox's form parser: `line_items[0][price_data][currency]=usd` becomes a tree, within its limits.
#![no_main]

use form::{MAX_DEPTH, MAX_PAIRS, Node, parse};
use libfuzzer_sys::fuzz_target;

#[allow(dead_code, unreachable_pub)]
#[path = "../../../end2end/stripe-sandbox/src/error.rs"]
mod error;
#[allow(dead_code, unreachable_pub)]
#[path = "../../../end2end/stripe-sandbox/src/form.rs"]
mod form;

fuzz_target!(|data: &[u8]| {
    let Ok(tree) = parse(data) else { return };
    let Node::Branch(_) = &tree else { panic!("a form is a branch") };
    let mut leaves = Vec::new();
    walk(&tree, &mut Vec::new(), &mut leaves);
    let pairs = data.split(|byte| *byte == b'&').filter(|pair| !pair.is_empty()).count();
    assert!(leaves.len() <= pairs && pairs <= MAX_PAIRS, "{} leaves of {pairs} pairs", leaves.len());
    // Written out and read again it is the same tree.
    let again: Vec<String> = leaves
        .iter()
        .map(|(path, value)| {
            let inner: String = path[1..].iter().map(|name| format!("[{}]", encode(name))).collect();
            format!("{}{inner}={}", encode(&path[0]), encode(value))
        })
        .collect();
    assert_eq!(parse(again.join("&").as_bytes()).as_ref(), Ok(&tree), "{again:?}");
});

fn walk(node: &Node, path: &mut Vec<String>, leaves: &mut Vec<(Vec<String>, String)>) {
    assert!(path.len() <= MAX_DEPTH);
    match node {
        Node::Text(text) => {
            assert!(!text.contains('\0'));
            leaves.push((path.clone(), text.clone()));
        }
        Node::Branch(children) => {
            assert!(path.is_empty() || !children.is_empty(), "an empty branch inside");
            for (index, (name, child)) in children.iter().enumerate() {
                assert!(children[..index].iter().all(|(other, _)| other != name), "{name:?} is there twice");
                assert!(node.get(name).is_some());
                path.push(name.clone());
                walk(child, path, leaves);
                path.pop();
            }
        }
    }
}

fn encode(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
