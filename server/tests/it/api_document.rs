//! What the API says of itself.

use crate::support::on_both_databases;
use octavo::routes::api::document::{document, text};
use serde_json::Value;

#[test]
fn the_committed_document_is_what_the_code_makes() {
    let committed = include_str!("../../../docs/openapi.json");
    assert!(committed == text(), "rewrite it: cargo run -p server -- openapi > docs/openapi.json");
}

#[test]
fn every_operation_has_a_name_words_and_the_errors_that_all_have() {
    assert!(document()["openapi"].as_str().unwrap().starts_with("3.1"));
    let mut names = Vec::new();
    for (path, item) in document()["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let what = format!("{method} {path}");
            names.push(operation["operationId"].as_str().expect(&what));
            assert!(operation["summary"].as_str().is_some_and(|words| words.len() > 10), "{what}");
            let responses = operation["responses"].as_object().unwrap();
            for status in ["400", "429", "500", "503"] {
                assert!(responses.contains_key(status), "{what}: {status}");
            }
            let keyed = operation["parameters"].as_array().into_iter().flatten();
            let keyed = keyed.filter(|parameter| parameter["name"] == "Idempotency-Key").count();
            let change = method != "get" && operation["security"].is_array();
            assert_eq!(keyed, usize::from(change), "{what}");
        }
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}

#[test]
fn nothing_is_referred_to_that_is_not_there() {
    fn look(value: &Value) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(to)) = fields.get("$ref") {
                    assert!(document().pointer(to.trim_start_matches('#')).is_some(), "{to}");
                }
                fields.values().for_each(look);
            }
            Value::Array(values) => values.iter().for_each(look),
            _ => {}
        }
    }
    look(document());
}

on_both_databases!(the_document_is_served_to_everybody, async |store| {
    let answer = store.http.get(format!("{}/api/v1/openapi.json", store.url)).send().await.unwrap();
    assert_eq!(
        (answer.status().as_u16(), &answer.headers()["content-type"]),
        (200, &"application/json".parse().unwrap())
    );
    assert_eq!(&answer.json::<Value>().await.unwrap(), document());
});

on_both_databases!(people_read_it_as_a_page_without_a_script_of_anybody_else, async |store| {
    let page = store.browser().text("/api/v1/docs").await;
    for item in document()["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(page.contains(&format!("<details id=\"{id}\"")), "{id}");
        }
    }
    assert!(page.contains("contributors[].role") && page.contains("items[].book"));
    assert!(!page.contains("src=\"http") && !page.contains("href=\"http"));
});
