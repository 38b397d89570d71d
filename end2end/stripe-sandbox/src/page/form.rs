//! Reading and checking the payment form.

use super::countries;
use crate::cards::{self, Card, FieldError};
use crate::is_email;
use crate::records::{Buyer, Session};

/// Longest text kept of any field.
const LONGEST: usize = 300;

/// The fields that are shown again after an error.
#[derive(Debug, Clone, Default)]
pub(super) struct Fields {
    pub(super) email: String,
    pub(super) name: String,
    pub(super) country: String,
    pub(super) line1: String,
    pub(super) city: String,
    pub(super) postal_code: String,
    pub(super) terms: bool,
}

/// The fields that are not. No `Debug`.
pub(super) struct Secrets {
    number: String,
    expiry: String,
    cvc: String,
}

impl Fields {
    /// The form as it is first shown.
    pub(super) fn first(session: &Session) -> Self {
        Self {
            email: session.settings.customer_email.clone().unwrap_or_default(),
            country: "US".to_owned(),
            ..Self::default()
        }
    }

    /// The form as this buyer had filled it.
    pub(super) fn of(buyer: &Buyer) -> Self {
        Self {
            email: buyer.email.clone(),
            name: buyer.name.clone().unwrap_or_default(),
            country: buyer.country.clone().unwrap_or_default(),
            line1: buyer.line1.clone().unwrap_or_default(),
            city: buyer.city.clone().unwrap_or_default(),
            postal_code: buyer.postal_code.clone().unwrap_or_default(),
            terms: true,
        }
    }
}

/// Whether the form has card fields.
pub(super) fn wants_card(session: &Session) -> bool {
    session.total() > 0
}

/// Whether the form asks for the whole address.
pub(super) fn wants_address(session: &Session) -> bool {
    session.settings.billing_address_collection.as_deref() == Some("required")
}

/// Whether the form has the box for the terms.
pub(super) fn wants_terms(session: &Session) -> bool {
    session.settings.consent.as_ref().is_some_and(|consent| consent.terms_of_service.as_deref() == Some("required"))
}

/// Takes the form apart. Unknown fields are ignored, amounts among them.
pub(super) fn read(body: &[u8], session: &Session) -> (Fields, Secrets) {
    let mut fields = Fields::default();
    let mut secrets = Secrets { number: String::new(), expiry: String::new(), cvc: String::new() };
    for (key, value) in url::form_urlencoded::parse(body) {
        let value: String = value.trim().chars().filter(|c| !c.is_control()).take(LONGEST).collect();
        match key.as_ref() {
            "email" => fields.email = value,
            "name" => fields.name = value,
            "country" => fields.country = value,
            "line1" => fields.line1 = value,
            "city" => fields.city = value,
            "postal_code" => fields.postal_code = value,
            "terms" => fields.terms = value == "on",
            "card_number" => secrets.number = value,
            "expiry" => secrets.expiry = value,
            "cvc" => secrets.cvc = value,
            _ => {}
        }
    }
    if let Some(email) = &session.settings.customer_email {
        fields.email.clone_from(email);
    }
    (fields, secrets)
}

/// The checked form, or an error for each wrong field in the form's order.
pub(super) fn check(
    fields: &Fields,
    secrets: &Secrets,
    session: &Session,
) -> Result<(Option<Card>, Buyer), Vec<FieldError>> {
    let mut errors = Vec::new();
    let mut wrong = |field, code, message| errors.push(FieldError { field, code, message });
    if fields.email.is_empty() {
        wrong("email", "incomplete_email", "Your email is incomplete.");
    } else if !is_email(&fields.email) {
        wrong("email", "invalid_email", "Your email is invalid.");
    }
    let mut card = None;
    if wants_card(session) {
        match cards::parse(&secrets.number, &secrets.expiry, &secrets.cvc) {
            Ok(parsed) => card = Some(parsed),
            Err(found) => found.into_iter().for_each(|error| wrong(error.field, error.code, error.message)),
        }
    }
    if fields.name.is_empty() && wants_card(session) {
        wrong("name", "incomplete_name", "Enter the name on the card.");
    }
    if !countries::is_known(&fields.country) {
        wrong("country", "invalid_country", "Choose a country.");
    }
    if wants_address(session) {
        if fields.line1.is_empty() {
            wrong("line1", "incomplete_address", "Enter the street and number.");
        }
        if fields.city.is_empty() {
            wrong("city", "incomplete_address", "Enter the city.");
        }
    }
    if wants_terms(session) && !fields.terms {
        wrong("terms", "terms_not_accepted", "Agree to the terms of service to go on.");
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let text = |text: &String| (!text.is_empty()).then(|| text.clone());
    let buyer = Buyer {
        email: fields.email.clone(),
        name: text(&fields.name),
        country: text(&fields.country),
        line1: text(&fields.line1),
        city: text(&fields.city),
        postal_code: text(&fields.postal_code),
    };
    Ok((card, buyer))
}
