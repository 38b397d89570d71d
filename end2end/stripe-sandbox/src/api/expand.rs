//! `expand[]`: an identifier in an answer becomes the object it names.

use serde_json::Value;

use crate::error::ApiError;
use crate::objects;
use crate::params::Params;
use crate::state::State;

/// Stripe's deepest path.
const DEEPEST: usize = 4;

/// What may be expanded, by the object's type. `null` stays `null`.
fn expandable(object: &str, field: &str) -> bool {
    match object {
        "checkout.session" => matches!(
            field,
            "line_items" | "payment_intent" | "customer" | "invoice" | "payment_link" | "setup_intent" | "subscription"
        ),
        "payment_intent" => {
            matches!(field, "latest_charge" | "payment_method" | "customer" | "application" | "on_behalf_of" | "review")
        }
        "charge" => matches!(
            field,
            "payment_intent" | "balance_transaction" | "customer" | "application" | "on_behalf_of" | "review"
        ),
        _ => false,
    }
}

/// Expands one object in place.
pub(super) fn object(value: &mut Value, params: &Params<'_>, state: &State) -> Result<(), ApiError> {
    for path in paths(params)? {
        step(value, &path.split('.').collect::<Vec<_>>(), &path, state)?;
    }
    Ok(())
}

/// Expands the rows of a list: paths begin with `data.`. `kind` is the rows' type, so that a wrong
/// path is an error on an empty list too.
pub(super) fn rows(rows: &mut [Value], kind: &str, params: &Params<'_>, state: &State) -> Result<(), ApiError> {
    for path in paths(params)? {
        let parts: Vec<&str> = path.split('.').collect();
        let Some((&"data", rest)) = parts.split_first() else { return Err(refused(&path)) };
        if rest.first().is_some_and(|field| !expandable(kind, field)) {
            return Err(refused(&path));
        }
        for row in rows.iter_mut() {
            step(row, rest, &path, state)?;
        }
    }
    Ok(())
}

fn paths(params: &Params<'_>) -> Result<Vec<String>, ApiError> {
    let paths = params.texts("expand")?.unwrap_or_default();
    match paths.iter().find(|path| path.split('.').count() > DEEPEST) {
        Some(_) => Err(ApiError::invalid(format!("You cannot expand more than {DEEPEST} levels of a property"))
            .code("property_expansion_max_depth")
            .param("expand")),
        None => Ok(paths),
    }
}

fn refused(path: &str) -> ApiError {
    ApiError::invalid(format!(
        "This property cannot be expanded ({path}). You may want to try expanding a different property."
    ))
    .param("expand")
}

fn step(value: &mut Value, path: &[&str], whole: &str, state: &State) -> Result<(), ApiError> {
    let Some((field, rest)) = path.split_first() else { return Ok(()) };
    let object = value.get("object").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !expandable(&object, field) {
        return Err(refused(whole));
    }
    if *field == "line_items" {
        if !rest.is_empty() {
            return Err(refused(whole));
        }
        let id = value.get("id").and_then(Value::as_str).unwrap_or_default();
        let list = state.sessions.get(id).map(super::sessions::first_items);
        if let (Some(list), Some(fields)) = (list, value.as_object_mut()) {
            fields.insert("line_items".into(), list);
        }
        return Ok(());
    }
    let Some(slot) = value.get_mut(*field) else { return Ok(()) };
    if let Some(found) = slot.as_str().and_then(|id| find(state, field, id)) {
        *slot = found;
    }
    if rest.is_empty() || slot.is_null() { Ok(()) } else { step(slot, rest, whole, state) }
}

fn find(state: &State, field: &str, id: &str) -> Option<Value> {
    match field {
        "payment_intent" => state.intents.get(id).map(|intent| objects::intent(intent, &state.base_url)),
        "latest_charge" => state.charges.get(id).map(objects::charge),
        "payment_method" => state
            .intents
            .iter()
            .filter_map(|intent| intent.method.as_ref())
            .find(|method| method.id == id)
            .map(objects::method),
        _ => None,
    }
}
