//! The document as the page for people shows it: what is referred to is written out, a few levels deep.

use super::document::document;
use app::pages::{ApiField as Field, ApiGroup as Group, ApiOperation as Operation, ApiReference as Reference};
use serde_json::Value;
use std::sync::{Arc, OnceLock};

/// Fields of fields of fields are shown, and no more.
const DEEPEST: usize = 3;

/// The page's contents.
pub fn reference() -> Arc<Reference> {
    static REFERENCE: OnceLock<Arc<Reference>> = OnceLock::new();
    Arc::clone(REFERENCE.get_or_init(|| Arc::new(make(document()))))
}

fn text(value: &Value, name: &str) -> String {
    value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned()
}

fn make(document: &Value) -> Reference {
    let mut groups: Vec<Group> = list(document, "tags")
        .map(|tag| Group { name: text(tag, "name"), words: text(tag, "description"), operations: Vec::new() })
        .collect();
    for (path, item) in entries(document.get("paths")) {
        for (method, operation) in entries(Some(item)) {
            let tag = operation.pointer("/tags/0").and_then(Value::as_str).unwrap_or_default();
            if let Some(group) = groups.iter_mut().find(|group| group.name == tag) {
                group.operations.push(read(path, method, operation));
            }
        }
    }
    let words = document.pointer("/info/description").and_then(Value::as_str).unwrap_or_default();
    Reference { words: words.to_owned(), groups }
}

fn list<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

fn entries(value: Option<&Value>) -> impl Iterator<Item = (&String, &Value)> {
    value.and_then(Value::as_object).into_iter().flatten()
}

/// What it refers to, if it does.
fn resolve(value: &Value) -> &Value {
    let to = value.get("$ref").and_then(Value::as_str).and_then(|to| to.strip_prefix('#'));
    to.and_then(|to| document().pointer(to)).unwrap_or(value)
}

fn read(path: &str, method: &str, operation: &Value) -> Operation {
    let need = operation.pointer("/security/0/bearer");
    let word = |number: usize| need.and_then(|need| need.get(number)).and_then(Value::as_str).map(str::to_owned);
    let (mut answers, mut errors) = (Vec::new(), Vec::new());
    for (status, response) in entries(operation.get("responses")) {
        if status.starts_with('2') {
            answers.push((status.clone(), text(response, "description"), content(response).1));
        } else {
            errors.push(status.clone());
        }
    }
    let summary = [text(operation, "summary"), text(operation, "description")].join(" ");
    Operation {
        id: text(operation, "operationId"),
        method: method.to_uppercase(),
        path: path.to_owned(),
        words: summary.trim().to_owned(),
        need: word(0).zip(word(1)),
        parameters: list(operation, "parameters")
            .map(|parameter| Field {
                name: text(parameter, "name"),
                kind: parameter.get("schema").map(kind).unwrap_or_default(),
                required: parameter.get("required").and_then(Value::as_bool).unwrap_or_default(),
                words: text(parameter, "description"),
            })
            .collect(),
        body: operation.get("requestBody").map(content),
        answers,
        errors,
    }
}

/// The media type of a body, and its fields.
fn content(body: &Value) -> (String, Vec<Field>) {
    let Some((media_type, content)) = entries(body.get("content")).next() else { return Default::default() };
    let mut fields = Vec::new();
    if let Some(schema) = content.get("schema") {
        write_out(schema, "", 0, &mut fields);
    }
    (media_type.clone(), fields)
}

/// The fields of a schema, and theirs behind them.
fn write_out(schema: &Value, under: &str, depth: usize, fields: &mut Vec<Field>) {
    if depth >= DEEPEST {
        return;
    }
    let schema = resolve(schema);
    for part in list(schema, "allOf").chain(list(schema, "oneOf")) {
        write_out(part, under, depth, fields);
    }
    let required: Vec<&str> = list(schema, "required").filter_map(Value::as_str).collect();
    for (name, field) in entries(schema.get("properties")) {
        let inner = resolve(field);
        let words = Some(text(field, "description")).filter(|words| !words.is_empty());
        fields.push(Field {
            name: format!("{under}{name}"),
            kind: kind(field),
            required: required.contains(&name.as_str()),
            words: words.unwrap_or_else(|| text(inner, "description")),
        });
        match inner.get("items") {
            Some(items) => write_out(items, &format!("{under}{name}[]."), depth + 1, fields),
            None => write_out(field, &format!("{under}{name}."), depth + 1, fields),
        }
    }
}

/// A type in words.
fn kind(schema: &Value) -> String {
    let schema = resolve(schema);
    if let Some(items) = schema.get("items") {
        return format!("list of {}", kind(items));
    }
    let mut words: Vec<String> = list(schema, "oneOf").map(kind).collect();
    match schema.get("type") {
        Some(Value::String(word)) => words.push(word.clone()),
        Some(Value::Array(all)) => words.extend(all.iter().filter_map(Value::as_str).map(str::to_owned)),
        _ => {}
    }
    let choices: Vec<&str> = list(schema, "enum").filter_map(Value::as_str).collect();
    if !choices.is_empty() {
        words = choices.into_iter().map(|choice| format!("\"{choice}\"")).collect();
    }
    let format = text(schema, "format");
    let words = words.join(" or ");
    if ["date", "date-time", "uri", "email"].contains(&format.as_str()) { format!("{words} ({format})") } else { words }
}
