//! `expand[]`: an identifier in an answer becomes the object it names, or a part that is left out is shown.

use serde_json::{Value, json};

use crate::error::ApiError;
use crate::objects;
use crate::params::Params;
use crate::records::Session;
use crate::state::State;

/// Stripe's deepest path.
const DEEPEST: usize = 4;

/// What a field of an object is to `expand`.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Field {
    /// An identifier, or null.
    Reference,
    /// Left out unless expanded.
    Hidden,
    /// Always there; only a way further in.
    Passage,
}

/// What may be expanded, by the object's type. A part without a type of its own is named by its place.
fn field(object: &str, name: &str) -> Option<Field> {
    let found = match (object, name) {
        ("checkout.session", "line_items")
        | ("checkout.session.total_details", "breakdown")
        | ("charge", "refunds")
        | ("item", "taxes" | "discounts") => Field::Hidden,
        (
            "checkout.session",
            "payment_intent" | "customer" | "invoice" | "payment_link" | "setup_intent" | "subscription",
        )
        | (
            "payment_intent",
            "latest_charge" | "payment_method" | "customer" | "application" | "on_behalf_of" | "review",
        )
        | (
            "charge",
            "payment_intent" | "balance_transaction" | "customer" | "application" | "on_behalf_of" | "review",
        )
        | ("refund", "charge" | "payment_intent" | "balance_transaction" | "transfer_reversal")
        | ("dispute", "charge" | "payment_intent")
        | ("price", "product")
        | ("discount", "customer" | "promotion_code")
        | (
            "checkout.session.discounts" | "discount.source" | "promotion_code.promotion",
            "coupon" | "promotion_code",
        ) => Field::Reference,
        ("checkout.session", "discounts" | "total_details")
        | ("list", "data")
        | ("item", "price")
        | ("promotion_code", "promotion")
        | ("discount", "source") => Field::Passage,
        _ => return None,
    };
    Some(found)
}

/// Expands one object in place.
pub(super) fn object(value: &mut Value, params: &Params<'_>, state: &State) -> Result<(), ApiError> {
    within(value, None, params, state)
}

/// Expands one object, or a part of a session, in place.
fn within(value: &mut Value, session: Option<&Session>, params: &Params<'_>, state: &State) -> Result<(), ApiError> {
    for path in paths(params)? {
        let step = Step { whole: &path, state };
        step.walk(value, "", &path.split('.').collect::<Vec<_>>(), session)?;
    }
    Ok(())
}

/// Expands the rows of a list: paths begin with `data.`. `kind` is the rows' type, so that a wrong
/// path is an error on an empty list too.
pub(super) fn rows(rows: &mut [Value], kind: &str, params: &Params<'_>, state: &State) -> Result<(), ApiError> {
    rows_of(rows, kind, None, params, state)
}

/// The same for the lines of a session.
pub(super) fn rows_of(
    rows: &mut [Value],
    kind: &str,
    session: Option<&Session>,
    params: &Params<'_>,
    state: &State,
) -> Result<(), ApiError> {
    for path in paths(params)? {
        let parts: Vec<&str> = path.split('.').collect();
        let Some((&"data", rest)) = parts.split_first() else { return Err(refused(&path)) };
        if rest.first().is_none_or(|name| field(kind, name).is_none()) {
            return Err(refused(&path));
        }
        let step = Step { whole: &path, state };
        for row in rows.iter_mut() {
            step.walk(row, "", rest, session)?;
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

/// One path on its way through one answer.
struct Step<'a> {
    whole: &'a str,
    state: &'a State,
}

impl Step<'_> {
    fn walk(&self, value: &mut Value, place: &str, path: &[&str], session: Option<&Session>) -> Result<(), ApiError> {
        let Some((name, rest)) = path.split_first() else { return Ok(()) };
        let kind = value.get("object").and_then(Value::as_str).unwrap_or(place).to_owned();
        // A deleted customer has nothing more to show.
        if value.get("deleted").is_some() {
            return Ok(());
        }
        let Some(field) = field(&kind, name) else { return Err(refused(self.whole)) };
        let id = value.get("id").and_then(Value::as_str).unwrap_or_default().to_owned();
        let session = if kind == "checkout.session" { self.state.sessions.get(&id) } else { session };
        match field {
            Field::Passage if rest.is_empty() => return Err(refused(self.whole)),
            Field::Passage => {}
            Field::Hidden => {
                let shown = self.hidden(&kind, name, &id, session);
                if let (Some(fields), Some(shown)) = (value.as_object_mut(), shown) {
                    fields.entry(*name).or_insert(shown);
                }
            }
            Field::Reference => {
                if let Some(slot) = value.get_mut(*name)
                    && let Some(found) = slot.as_str().and_then(|id| self.find(name, id, session))
                {
                    *slot = found;
                }
            }
        }
        if rest.is_empty() {
            return Ok(());
        }
        match value.get_mut(*name) {
            None | Some(Value::Null) => Ok(()),
            Some(Value::Array(rows)) => {
                let place = format!("{kind}.{name}");
                rows.iter_mut().try_for_each(|row| self.walk(row, &place, rest, session))
            }
            Some(inner) => self.walk(inner, &format!("{kind}.{name}"), rest, session),
        }
    }

    fn hidden(&self, kind: &str, name: &str, id: &str, session: Option<&Session>) -> Option<Value> {
        if kind == "charge" {
            return Some(super::refunds::of_charge(self.state, id));
        }
        let session = session?;
        match (kind, name) {
            ("checkout.session", _) => Some(super::sessions::first_items(session)),
            ("item", "taxes") => {
                let line = line_of(session, id)?;
                Some(objects::line_taxes(&line, session.tax_country.as_deref(), |rate| self.rate(rate)))
            }
            ("item", _) => Some(objects::line_discounts(session, &line_of(session, id)?)),
            _ => Some(self.breakdown(session)),
        }
    }

    fn rate(&self, id: &str) -> Option<Value> {
        self.state.tax_rates.get(id).map(objects::tax_rate)
    }

    /// `total_details.breakdown`: the session's one discount, and its taxes by rate.
    fn breakdown(&self, session: &Session) -> Value {
        let totals = session.totals();
        let mut taxes: Vec<Value> = Vec::new();
        for line in &totals.lines {
            let shown = objects::line_taxes(line, session.tax_country.as_deref(), |rate| self.rate(rate));
            for tax in shown.as_array().into_iter().flatten() {
                match taxes.iter_mut().find(|known| known["rate"]["id"] == tax["rate"]["id"]) {
                    None => taxes.push(tax.clone()),
                    Some(known) => {
                        for sum in ["amount", "taxable_amount"] {
                            let (a, b) = (known[sum].as_i64(), tax[sum].as_i64());
                            known[sum] = json!(a.unwrap_or(0).saturating_add(b.unwrap_or(0)));
                        }
                    }
                }
            }
        }
        let discounts: Vec<Value> = session
            .discount
            .iter()
            .map(|discount| json!({ "amount": totals.discount, "discount": objects::discount(discount, session) }))
            .collect();
        json!({ "discounts": discounts, "taxes": taxes })
    }

    fn find(&self, name: &str, id: &str, session: Option<&Session>) -> Option<Value> {
        let state = self.state;
        match name {
            "payment_intent" => state.intents.get(id).map(|intent| objects::intent(intent, &state.base_url)),
            "latest_charge" | "charge" => state.charges.get(id).map(objects::charge),
            "customer" => state.customers.get(id).map(objects::customer),
            "coupon" => state.coupons.get(id).map(objects::coupon),
            "promotion_code" => state.promotion_codes.get(id).map(objects::promotion_code),
            "payment_method" => {
                let intent = state.intents.of(&format!("method={id}")).next()?;
                intent.method.as_ref().map(objects::method)
            }
            "product" => {
                let session = session?;
                let item = session.items.iter().find(|item| item.product == id)?;
                Some(objects::product(item, session))
            }
            _ => None,
        }
    }
}

fn line_of(session: &Session, item: &str) -> Option<crate::pricing::LineTotals> {
    let at = session.items.iter().position(|row| row.id == item)?;
    session.totals().lines.into_iter().nth(at)
}
